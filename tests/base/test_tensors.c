// safetensors: files built by hand from the format's description, and every kind of damage.
#include "base/tensors.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

static tendril_error err;

// A file as the format describes it: length of the header, header, data.
static size_t build(unsigned char *file, const char *header, const void *data, size_t ndata) {
  size_t n = strlen(header);
  for (int i = 0; i < 8; i++)
    file[i] = (unsigned char)(n >> (8 * i));
  memcpy(file + 8, header, n);
  if (ndata) memcpy(file + 8 + n, data, ndata);
  return 8 + n + ndata;
}

static tendril_status parse(const char *header, const void *data, size_t ndata, tnd_tensors **out) {
  unsigned char *file = malloc(8 + strlen(header) + ndata);
  cr_assert(file != NULL);
  size_t n = build(file, header, data, ndata);
  tendril_status status = tnd_tensors_parse(file, n, "x.st", out, &err);
  free(file);
  return status;
}

static tnd_tensors *sample(void) {
  tnd_tensors *t = NULL;
  double theta[6] = {1, -2, 0.1, 1e300, 5e-324, -0.0};
  int64_t counts[2] = {7, INT64_MIN};
  cr_assert_eq(tnd_tensors_create(&t, &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_put_text(t, "format", "tendril \"1\"\n", &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_put(t, "theta", 2, 3, theta, &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_put_ints(t, "counts", 2, counts, &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_put(t, "empty", 0, 0, NULL, &err), TENDRIL_OK);
  return t;
}

Test(tensors, have_the_bytes_that_the_format_describes) {
  tnd_tensors *t = NULL;
  double data[2] = {1, -2};
  cr_assert_eq(tnd_tensors_create(&t, &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_put_text(t, "kk", "v", &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_put(t, "a", 2, 0, data, &err), TENDRIL_OK);
  char *bytes = NULL;
  size_t n = 0;
  cr_assert_eq(tnd_tensors_print(t, &bytes, &n, &err), TENDRIL_OK);

  // 81 bytes of JSON, 7 spaces; 1.0 and -2.0 in IEEE 754, little-endian
  static const char expected[] =
      "\x58\0\0\0\0\0\0\0{\"__metadata__\":{\"kk\":\"v\"},"
      "\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}       "
      "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0";
  cr_assert_eq(n, sizeof expected - 1);
  cr_assert_arr_eq(bytes, expected, n);
  tnd_free(bytes);
  tnd_tensors_destroy(t);
}

Test(tensors, come_back_from_a_file_to_the_bit) {
  char *folder = support_tmpdir();
  tnd_tensors *t = sample(), *back = NULL;
  cr_assert_eq(tnd_tensors_write(t, support_path(folder, "x.st"), &err), TENDRIL_OK, "%s",
               err.text);
  cr_assert_eq(tnd_tensors_read(support_path(folder, "x.st"), &back, &err), TENDRIL_OK, "%s",
               err.text);
  double theta[6], expected[6];
  int64_t counts[2];
  cr_assert_eq(tnd_tensors_get(t, "theta", 2, 3, expected, &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_get(back, "theta", 2, 3, theta, &err), TENDRIL_OK);
  cr_assert_arr_eq(theta, expected, sizeof theta);
  cr_assert(signbit(theta[5]));
  cr_assert_eq(tnd_tensors_get_ints(back, "counts", 2, counts, &err), TENDRIL_OK);
  cr_assert(counts[0] == 7 && counts[1] == INT64_MIN);
  cr_assert_str_eq(tnd_tensors_get_text(back, "format"), "tendril \"1\"\n");
  cr_assert_null(tnd_tensors_get_text(back, "none"));
  cr_assert_eq(tnd_tensors_length(back, "theta"), 6);
  cr_assert_eq(tnd_tensors_length(back, "empty"), 0);
  cr_assert_eq(tnd_tensors_length(back, "none"), -1);

  // equal contents, equal bytes
  char *a = NULL, *b = NULL;
  size_t na, nb;
  cr_assert_eq(tnd_tensors_print(t, &a, &na, &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_print(back, &b, &nb, &err), TENDRIL_OK);
  cr_assert_eq(na, nb);
  cr_assert_arr_eq(a, b, na);
  tnd_free(a);
  tnd_free(b);
  tnd_tensors_destroy(t);
  tnd_tensors_destroy(back);
  support_tmpdir_remove(folder);
}

Test(tensors, of_another_program_load_wherever_their_data_lies) {
  // no padding, so that the data is misaligned; offsets not in the order of the names; a scalar
  const char *header = "{\"w\":{\"shape\":[1],\"dtype\":\"F64\",\"data_offsets\":[4,12]},"
                       "\"h\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}} ";
  unsigned char data[12];
  float h = 0.5F;
  double w = 0.25, out = 0;
  memcpy(data, &h, 4);
  memcpy(data + 4, &w, 8);
  tnd_tensors *t = NULL;
  cr_assert_eq(parse(header, data, sizeof data, &t), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tnd_tensors_get(t, "w", 1, 0, &out, &err), TENDRIL_OK);
  cr_assert_eq(out, 0.25);
  cr_assert_eq(tnd_tensors_get(t, "h", 1, 0, &out, &err), TENDRIL_E_FORMAT);
  cr_assert_str_eq(err.text,
                   "x.st: tensor h is F32, wanted F64[1]; is it of another model or policy?");
  tnd_tensors_destroy(t);
}

Test(tensors, of_another_name_shape_or_type_are_refused) {
  tnd_tensors *t = sample();
  double out[6];
  int64_t counts[2];
  cr_assert_eq(tnd_tensors_get(t, "beta", 6, 0, out, &err), TENDRIL_E_FORMAT);
  cr_assert_eq(tnd_tensors_get(t, "theta", 6, 0, out, &err), TENDRIL_E_FORMAT);
  cr_assert_str_eq(err.text, "tensors: tensor theta is F64[2][3], wanted F64[6]; is it of another "
                             "model or policy?");
  cr_assert_eq(tnd_tensors_get(t, "theta", 3, 2, out, &err), TENDRIL_E_FORMAT);
  cr_assert_eq(tnd_tensors_get(t, "counts", 2, 0, out, &err), TENDRIL_E_FORMAT);
  cr_assert_eq(tnd_tensors_get_ints(t, "theta", 6, counts, &err), TENDRIL_E_FORMAT);
  tnd_tensors_destroy(t);
}

Test(tensors, that_are_not_finite_are_refused) {
  tnd_tensors *t = NULL;
  double data[2] = {1, (double)NAN}, out[2];
  cr_assert_eq(tnd_tensors_create(&t, &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_put(t, "a", 2, 0, data, &err), TENDRIL_OK);
  cr_assert_eq(tnd_tensors_get(t, "a", 2, 0, out, &err), TENDRIL_E_NUMERIC);
  cr_assert_str_eq(err.text, "tensors: tensor a: entry 1 is not finite");
  tnd_tensors_destroy(t);
}

Test(tensors, are_put_once_under_a_usable_name) {
  tnd_tensors *t = sample();
  double data[1] = {1};
  cr_assert_eq(tnd_tensors_put(t, "theta", 1, 0, data, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_tensors_put(t, "__metadata__", 1, 0, data, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_tensors_put(t, "\xff", 1, 0, data, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_tensors_put(t, "b", -1, 0, data, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_tensors_put(t, "b", INT64_MAX, 8, data, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_tensors_put(t, "b", INT64_MAX, 0, data, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_tensors_put_text(t, "format", "x", &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_tensors_put_text(t, "f", "\xff", &err), TENDRIL_E_ARGUMENT);
  tnd_tensors_destroy(t);
}

#define ENTRY(dtype, shape, offsets)                                                               \
  "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

Test(tensors, with_a_header_that_lies_are_refused) {
  static const char *const headers[] = {
      ENTRY("\"F64\"", "[1]", "[0,16]"),
      ENTRY("\"F64\"", "[2]", "[0,8]"),
      ENTRY("\"F64\"", "[1]", "[8,0]"),
      ENTRY("\"F64\"", "[1]", "[-8,0]"),
      ENTRY("\"F64\"", "[1]", "[8,16]"),
      ENTRY("\"F64\"", "[1]", "[0,8,16]"),
      ENTRY("\"F64\"", "[1]", "[0]"),
      ENTRY("\"F64\"", "[1]", "[]"),
      ENTRY("\"F64\"", "[1]", "8"),
      ENTRY("\"F64\"", "[1]", "[0,8.5]"),
      ENTRY("\"F64\"", "[1]", "[0,1e300]"),
      ENTRY("\"F64\"", "[1]", "[\"0\",\"8\"]"),
      ENTRY("\"F64\"", "1", "[0,8]"),
      ENTRY("\"F64\"", "[-1]", "[0,8]"),
      ENTRY("\"F64\"", "[0.5]", "[0,8]"),
      ENTRY("\"F64\"", "[4294967296,4294967296]", "[0,8]"),
      ENTRY("\"F64\"", "[9007199254740990,9007199254740990]", "[0,8]"),
      ENTRY("\"F64\"", "[1,1,1,1,1,1,1,1,1]", "[0,8]"),
      ENTRY("\"F128\"", "[1]", "[0,8]"),
      ENTRY("64", "[1]", "[0,8]"),
      "{\"a\":{\"dtype\":\"F64\",\"shape\":[1]}}",
      "{\"a\":[]}",
      "{\"__metadata__\":[],\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
      "{\"__metadata__\":{\"k\":1},"
      "\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
      "\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
      "\"b\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
      "{}",
      "[]",
      " {}",
      "{",
  };
  static const unsigned char data[8];
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    tnd_tensors *t = NULL;
    cr_assert_eq(parse(headers[i], data, sizeof data, &t), TENDRIL_E_FORMAT, "%s", headers[i]);
    cr_assert_null(t);
    cr_assert_eq(strncmp(err.text, "x.st: ", 6), 0);
  }
}

Test(tensors, cut_off_anywhere_are_refused) {
  tnd_tensors *t = sample();
  char *bytes = NULL;
  size_t n = 0;
  cr_assert_eq(tnd_tensors_print(t, &bytes, &n, &err), TENDRIL_OK);
  tnd_tensors_destroy(t);
  for (size_t i = 0; i < n; i++) {
    tnd_tensors *part = NULL;
    char *copy = malloc(i + 1);
    cr_assert(copy != NULL);
    memcpy(copy, bytes, i);
    cr_assert_eq(tnd_tensors_parse(copy, i, "x.st", &part, &err), TENDRIL_E_FORMAT);
    free(copy);
  }

  // and with a header as long as a number can say
  memset(bytes, 0xff, 8);
  cr_assert_eq(tnd_tensors_parse(bytes, n, "x.st", &t, &err), TENDRIL_E_FORMAT);
  tnd_free(bytes);
}

static tendril_status write_and_read(void *context, tendril_error *error) {
  double data[4] = {1, 2, 3, 4};
  int64_t ints[1] = {5};
  tnd_tensors *t = NULL, *back = NULL;
  tendril_status status = tnd_tensors_create(&t, error);
  char name[16];
  for (int i = 0; status == TENDRIL_OK && i < 20; i++) {
    snprintf(name, sizeof name, "t%d", i);
    status = tnd_tensors_put(t, name, 2, 2, data, error);
  }
  if (status == TENDRIL_OK) status = tnd_tensors_put_ints(t, "n", 1, ints, error);
  if (status == TENDRIL_OK) status = tnd_tensors_put_text(t, "k", "v", error);
  if (status == TENDRIL_OK) status = tnd_tensors_write(t, context, error);
  if (status == TENDRIL_OK) status = tnd_tensors_read(context, &back, error);
  if (status == TENDRIL_OK) status = tnd_tensors_get(back, "t7", 2, 2, data, error);
  tnd_tensors_destroy(t);
  tnd_tensors_destroy(back);
  return status;
}

Test(tensors, survive_every_failing_allocation) {
  char *folder = support_tmpdir();
  support_fail_each_alloc(write_and_read, (char *)support_path(folder, "x.st"));
  support_tmpdir_remove(folder);
}

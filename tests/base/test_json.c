// JSON: what is accepted, what is refused and where, and that printing round-trips.
#include "base/json.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

static tendril_error err;

static tendril_status parse(const char *text, cJSON **out) {
  return tnd_json_parse(text, strlen(text), "hopper.json", out, &err);
}

// the text printed again; free with tnd_free()
static char *reprint(const char *text) {
  cJSON *value = NULL;
  char *printed = NULL;
  cr_assert_eq(parse(text, &value), TENDRIL_OK, "%s: %s", text, err.text);
  cr_assert_eq(tnd_json_print(value, &printed, &err), TENDRIL_OK, "%s", err.text);
  cJSON_Delete(value);
  return printed;
}

Test(json, prints_in_order_indented_with_plain_lists_on_one_line) {
  char *text = reprint("{\"b\":[1,2.50,\"x\"],\"a\":{\"n\":null,\"t\":true,\"f\":false},\"e\":[],"
                       "\"o\":{},\"l\":[[1],{}]}");
  cr_assert_str_eq(text, "{\n"
                         "  \"b\": [1, 2.5, \"x\"],\n"
                         "  \"a\": {\n"
                         "    \"n\": null,\n"
                         "    \"t\": true,\n"
                         "    \"f\": false\n"
                         "  },\n"
                         "  \"e\": [],\n"
                         "  \"o\": {},\n"
                         "  \"l\": [\n"
                         "    [1],\n"
                         "    {}\n"
                         "  ]\n"
                         "}\n");
  tnd_free(text);
}

Test(json, numbers_print_in_the_fewest_digits) {
  static const char *const cases[][2] = {
      {"0.1", "0.1\n"},
      {"1e6", "1000000\n"},
      {"9007199254740991", "9007199254740991\n"},
      {"1e17", "1e+17\n"},
      {"-0.0", "-0\n"},
      {"0.30000000000000004", "0.30000000000000004\n"},
      {"5e-324", "5e-324\n"},
      {"1.7976931348623157e308", "1.7976931348623157e+308\n"},
      {"1e-400", "0\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *text = reprint(cases[i][0]);
    cr_assert_str_eq(text, cases[i][1]);
    tnd_free(text);
  }
}

Test(json, numbers_of_every_magnitude_read_back_the_same) {
  uint64_t bits = 1;
  for (int i = 0; i < 20000; i++) {
    bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    double value, back;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    char text[TND_NUMBER_MAX];
    int n = tnd_number_print(value, text);
    cr_assert_eq(tnd_number_parse(text, (size_t)n, &back), TND_NUMBER_OK);
    cr_assert_eq(memcmp(&value, &back, sizeof value), 0, "%s", text);
  }
}

Test(json, numbers_do_not_follow_the_locale) {
  // not every machine has a locale with a decimal comma; without one this holds trivially
  if (!setlocale(LC_ALL, "de_DE.UTF-8")) setlocale(LC_ALL, "fr_FR.UTF-8");
  char *text = reprint("0.5");
  cr_assert_str_eq(text, "0.5\n");
  tnd_free(text);
}

Test(json, texts_round_trip) {
  char *text = reprint("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\xc3\xa4\\u001f\"");
  cr_assert_str_eq(text, "\"\\\"\\\\/\\u0008\\u000c\\n\\u000d\\t\xc3\xa4\xf0\x9f\x98\x80\xc3\xa4"
                         "\\u001f\"\n");
  char *again = reprint(text);
  cr_assert_str_eq(again, text);
  tnd_free(text);
  tnd_free(again);
}

Test(json, refuses_what_is_no_json_and_says_where) {
  static const char *const cases[][2] = {
      {"", "hopper.json: empty; write at least {}"},
      {" \n", "hopper.json: empty; write at least {}"},
      {"{\"a\": 1,\n \"a\": 2}", "hopper.json: line 2, column 2: \"a\" is there twice; keep one"},
      {"{\"a\": 1} x", "hopper.json: line 1, column 10: something follows the end; remove it"},
      {"{} {}", "hopper.json: line 1, column 4: something follows the end; remove it"},
      {"[1,\n2,\n}", "hopper.json: line 3, column 1: a value is missing; texts need double quotes"},
      {"[1,2,]", "hopper.json: line 1, column 6: a comma with nothing after it"},
      {"[1 2]", "hopper.json: line 1, column 4: a comma or ] is missing"},
      {"{\"a\" 1}", "hopper.json: line 1, column 6: a : is missing"},
      {"{\"a\": 1 \"b\": 2}", "hopper.json: line 1, column 9: a comma or } is missing"},
      {"{a: 1}", "hopper.json: line 1, column 2: a name in double quotes is missing"},
      {"{\"a\": ", "hopper.json: line 1, column 7: the text ends in the middle of a value"},
      {"{\"a\": 1e999}", "hopper.json: line 1, column 7: a number too large for a double"},
      {"NaN", "hopper.json: line 1, column 1: a value is missing; texts need double quotes"},
      {"-Infinity", "hopper.json: line 1, column 1: not a number"},
      {"01", "hopper.json: line 1, column 1: not a number"},
      {"-01", "hopper.json: line 1, column 1: not a number"},
      {"1.", "hopper.json: line 1, column 1: not a number"},
      {"1e", "hopper.json: line 1, column 1: not a number"},
      {"-", "hopper.json: line 1, column 1: not a number"},
      {"\"a", "hopper.json: line 1, column 1: a text without its closing quote"},
      {"\"a\nb\"",
       "hopper.json: line 1, column 3: a text without its closing quote on the same line"},
      {"\"\x01\"",
       "hopper.json: line 1, column 2: a control character in a text; write it as \\u00XX"},
      {"\"\\x\"", "hopper.json: line 1, column 2: an unknown escape; write \\\\ for one backslash"},
      {"\"\\u0000\"", "hopper.json: line 1, column 2: \\u0000 can't be part of a text"},
      {"\"\\u12g4\"", "hopper.json: line 1, column 2: \\u wants four hexadecimal digits"},
      {"\"\\ud800x\"", "hopper.json: line 1, column 2: half of a surrogate pair"},
      {"\"\\ud800\\u0041\"", "hopper.json: line 1, column 2: half of a surrogate pair"},
      {"\"\\udc00\"", "hopper.json: line 1, column 2: half of a surrogate pair"},
      {"\"\xff\"", "hopper.json: line 1, column 2: not UTF-8; save the file as UTF-8"},
      {"\"\xc0\x80\"", "hopper.json: line 1, column 2: not UTF-8; save the file as UTF-8"},
      {"\"\xed\xa0\x80\"", "hopper.json: line 1, column 2: not UTF-8; save the file as UTF-8"},
      {"\xef\xbb\xbf{}",
       "hopper.json: line 1, column 1: a byte order mark; save the file as plain UTF-8"},
      {"tru", "hopper.json: line 1, column 1: a value is missing; texts need double quotes"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cJSON *value = NULL;
    cr_assert_eq(parse(cases[i][0], &value), TENDRIL_E_FORMAT, "%s", cases[i][0]);
    cr_assert_str_eq(err.text, cases[i][1]);
    cr_assert_null(value);
  }
}

Test(json, refuses_zero_bytes) {
  cJSON *value = NULL;
  cr_assert_eq(tnd_json_parse("{}\0", 3, "t", &value, &err), TENDRIL_E_FORMAT);
  cr_assert_eq(tnd_json_parse("\0{}", 3, "t", &value, &err), TENDRIL_E_FORMAT);
  cr_assert_eq(tnd_json_parse("\"a\0b\"", 5, "t", &value, &err), TENDRIL_E_FORMAT);
}

Test(json, bounds_depth_and_size) {
  char text[2 * TND_JSON_DEPTH + 3];
  for (int depth = TND_JSON_DEPTH; depth <= TND_JSON_DEPTH + 1; depth++) {
    cJSON *value = NULL;
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    tendril_status status = tnd_json_parse(text, 2 * (size_t)depth, "t", &value, &err);
    cr_assert_eq(status, depth == TND_JSON_DEPTH ? TENDRIL_OK : TENDRIL_E_FORMAT);
    cJSON_Delete(value);
  }
  cJSON *value = NULL;
  char *large = malloc(TND_JSON_LIMIT + 1);
  cr_assert(large != NULL);
  memset(large, ' ', TND_JSON_LIMIT + 1);
  large[0] = '1';
  cr_assert_eq(tnd_json_parse(large, TND_JSON_LIMIT + 1, "t", &value, &err), TENDRIL_E_FORMAT);
  cr_assert_eq(tnd_json_parse(large, TND_JSON_LIMIT, "t", &value, &err), TENDRIL_OK);
  cJSON_Delete(value);
  free(large);
}

Test(json, finds_a_duplicate_among_many_keys_in_no_time) {
  size_t n = 0;
  char *text = malloc(4 << 20);
  cr_assert(text != NULL);
  text[n++] = '{';
  for (int i = 0; i < 200000; i++)
    n += (size_t)sprintf(text + n, "\"k%d\":0,", i);
  n += (size_t)sprintf(text + n, "\"k77\":0}");
  cJSON *value = NULL;
  cr_assert_eq(tnd_json_parse(text, n, "t", &value, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "\"k77\" is there twice") != NULL);
  free(text);
}

Test(json, does_not_print_what_it_could_not_read_back) {
  char *text = NULL;
  cJSON *object = cJSON_CreateObject();
  cJSON_AddNumberToObject(object, "loss", (double)NAN);
  cr_assert_eq(tnd_json_print(object, &text, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "loss") != NULL);
  cJSON_Delete(object);
  object = cJSON_CreateString("\xff");
  cr_assert_eq(tnd_json_print(object, &text, &err), TENDRIL_E_ARGUMENT);
  cJSON_Delete(object);
  cr_assert_null(text);
}

Test(json, has_plain_values_as_a_command_line_takes_them) {
  static const char *const pairs[][2] = {
      {"0.02", "0.02"},   {"1e6", "1000000"}, {"true", "true"},
      {"false", "false"}, {"\"rk4\"", "rk4"}, {"[64, 32]", "64 32"},
      {"[]", ""},         {"null", ""},       {"{\"a\": 1}", ""}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    cJSON *value = NULL;
    tnd_buffer out = {0};
    cr_assert_eq(tnd_json_parse(pairs[i][0], strlen(pairs[i][0]), "x", &value, &err), TENDRIL_OK);
    tnd_buffer_text(&out, "");
    tnd_json_plain(&out, value);
    cr_assert_str_eq(out.text, pairs[i][1]);
    tnd_buffer_free(&out);
    cJSON_Delete(value);
  }
}

static tendril_status parse_and_print(void *context, tendril_error *error) {
  cJSON *value = NULL;
  char *text = NULL;
  tendril_status status = tnd_json_parse(context, strlen(context), "test", &value, error);
  if (status == TENDRIL_OK) status = tnd_json_print(value, &text, error);
  tnd_free(text);
  cJSON_Delete(value);
  return status;
}

Test(json, survives_every_failing_allocation) {
  support_fail_each_alloc(parse_and_print,
                          (char[]){"{\"a\":[1,true,null,\"\\u00e4\"],\"b\":{\"c\":{}}}"});
}

Test(json, reads_files) {
  char *folder = support_tmpdir();
  cJSON *value = NULL;
  support_write_file(support_path(folder, "a.json"), "{\"a\": 1,}", 9);
  cr_assert_eq(tnd_json_read(support_path(folder, "a.json"), &value, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "a.json: line 1, column 9: a comma with nothing after it") != NULL);
  cr_assert_eq(tnd_json_read(support_path(folder, "none.json"), &value, &err), TENDRIL_E_IO);
  support_tmpdir_remove(folder);
}

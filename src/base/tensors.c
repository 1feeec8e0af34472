// safetensors: eight bytes with the header's length (little-endian), the header (JSON: name ->
// dtype, shape, data_offsets; texts under __metadata__; padded with spaces), then the numbers,
// row-major and little-endian, without gaps. Reading trusts nothing in the file.
// Source: https://github.com/huggingface/safetensors, "Format".
#include "base/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/number.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the numbers of a file are little-endian");

#define MAX_DIMENSIONS 8
#define MAX_FILE ((size_t)16 << 30)
#define METADATA "__metadata__"

typedef struct dtype {
  const char *name;
  size_t size;  // bytes
} dtype;

// what other programs write; only F64 and I64 are ever asked for here
static const dtype dtypes[] = {
    {"F64", 8},     {"I64", 8},     {"U64", 8},     {"F32", 4},  {"I32", 4}, {"U32", 4},
    {"F16", 2},     {"BF16", 2},    {"I16", 2},     {"U16", 2},  {"I8", 1},  {"U8", 1},
    {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1}, {"BOOL", 1}, {"C64", 8},
};

typedef struct tensor {
  char *name;
  const dtype *type;
  int ndim;
  int64_t shape[MAX_DIMENSIONS];
  int64_t length;  // entries
  unsigned char *data;
} tensor;

typedef struct text {
  char *key, *value;
} text;

struct tnd_tensors {
  char *name;  // the file's, for error lines
  tensor *tensors;
  int ntensor, tensor_room;
  text *texts;
  int ntext, text_room;
};

tendril_status tnd_tensors_create(tnd_tensors **out, tendril_error *err) {
  tnd_tensors *tensors = tnd_alloc(sizeof *tensors);
  if (tensors) tensors->name = tnd_strdup("tensors");
  if (!tensors || !tensors->name) {
    tnd_free(tensors);
    return tnd_fail_memory(err);
  }
  *out = tensors;
  return TENDRIL_OK;
}

void tnd_tensors_destroy(tnd_tensors *tensors) {
  if (!tensors) return;
  for (int i = 0; i < tensors->ntensor; i++) {
    tnd_free(tensors->tensors[i].name);
    tnd_free(tensors->tensors[i].data);
  }
  for (int i = 0; i < tensors->ntext; i++) {
    tnd_free(tensors->texts[i].key);
    tnd_free(tensors->texts[i].value);
  }
  tnd_free(tensors->tensors);
  tnd_free(tensors->texts);
  tnd_free(tensors->name);
  tnd_free(tensors);
}

// room for one more item in a list of n
static tendril_status grow(void **list, int n, int *room, size_t size, tendril_error *err) {
  if (n < *room) return TENDRIL_OK;
  int more = *room ? 2 * *room : 16;
  void *copy = tnd_alloc((size_t)more * size);
  if (!copy) return tnd_fail_memory(err);
  if (n) memcpy(copy, *list, (size_t)n * size);
  tnd_free(*list);
  *list = copy;
  *room = more;
  return TENDRIL_OK;
}

static const tensor *find(const tnd_tensors *tensors, const char *name) {
  for (int i = 0; i < tensors->ntensor; i++)
    if (strcmp(tensors->tensors[i].name, name) == 0) return &tensors->tensors[i];
  return NULL;
}

// ---------------------------------------------------------------------------------------- putting

// Appends a tensor with a copy of its data; `shaped` gives type, ndim, shape and length.
static tendril_status append(tnd_tensors *tensors, const char *name, const tensor *shaped,
                             const void *data, tendril_error *err) {
  TENDRIL_TRY(grow((void **)&tensors->tensors, tensors->ntensor, &tensors->tensor_room,
                   sizeof(tensor), err));
  size_t bytes = (size_t)shaped->length * shaped->type->size;
  tensor added = *shaped;
  added.name = tnd_strdup(name);
  added.data = tnd_alloc(bytes);
  if (!added.name || !added.data) {
    tnd_free(added.name);
    tnd_free(added.data);
    return tnd_fail_memory(err);
  }
  if (bytes) memcpy(added.data, data, bytes);
  tensors->tensors[tensors->ntensor++] = added;
  return TENDRIL_OK;
}

static tendril_status put(tnd_tensors *tensors, const char *name, const dtype *type, int64_t rows,
                          int64_t columns, const void *data, tendril_error *err) {
  if (rows < 0 || columns < 0 || rows > INT64_MAX / 16 / (columns ? columns : 1))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "tensor %s: a size is out of range", name);
  if (strcmp(name, METADATA) == 0 || !tnd_utf8_valid(name, strlen(name)))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "tensor %s: not usable as a name", name);
  if (find(tensors, name)) return tnd_fail(err, TENDRIL_E_ARGUMENT, "tensor %s: put twice", name);
  tensor shaped = {.type = type,
                   .ndim = columns ? 2 : 1,
                   .shape = {rows, columns},
                   .length = rows * (columns ? columns : 1)};
  return append(tensors, name, &shaped, data, err);
}

tendril_status tnd_tensors_put(tnd_tensors *tensors, const char *name, int64_t rows,
                               int64_t columns, const double *data, tendril_error *err) {
  return put(tensors, name, &dtypes[0], rows, columns, data, err);
}

tendril_status tnd_tensors_put_ints(tnd_tensors *tensors, const char *name, int64_t rows,
                                    const int64_t *data, tendril_error *err) {
  return put(tensors, name, &dtypes[1], rows, 0, data, err);
}

static tendril_status append_text(tnd_tensors *tensors, const char *key, const char *value,
                                  tendril_error *err) {
  TENDRIL_TRY(
      grow((void **)&tensors->texts, tensors->ntext, &tensors->text_room, sizeof(text), err));
  text added = {tnd_strdup(key), tnd_strdup(value)};
  if (!added.key || !added.value) {
    tnd_free(added.key);
    tnd_free(added.value);
    return tnd_fail_memory(err);
  }
  tensors->texts[tensors->ntext++] = added;
  return TENDRIL_OK;
}

tendril_status tnd_tensors_put_text(tnd_tensors *tensors, const char *key, const char *value,
                                    tendril_error *err) {
  if (!tnd_utf8_valid(key, strlen(key)) || !tnd_utf8_valid(value, strlen(value)))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "text %s: not UTF-8", key);
  if (tnd_tensors_get_text(tensors, key))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "text %s: put twice", key);
  return append_text(tensors, key, value, err);
}

// ---------------------------------------------------------------------------------------- getting

static void print_shape(tnd_buffer *buffer, const tensor *t) {
  tnd_buffer_format(buffer, "%s", t->type->name);
  for (int i = 0; i < t->ndim; i++)
    tnd_buffer_format(buffer, "[%lld]", (long long)t->shape[i]);
}

// the tensor, if it has just this type and shape
static tendril_status find_shaped(const tnd_tensors *tensors, const char *name,
                                  const tensor *wanted, const tensor **out, tendril_error *err) {
  const tensor *t = find(tensors, name);
  if (!t)
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%s: tensor %s is missing; is this a file of another kind?", tensors->name,
                    name);
  bool same = t->type == wanted->type && t->ndim == wanted->ndim;
  for (int i = 0; same && i < t->ndim; i++)
    same = t->shape[i] == wanted->shape[i];
  if (same) {
    *out = t;
    return TENDRIL_OK;
  }
  tnd_buffer has = {0}, wants = {0};
  print_shape(&has, t);
  print_shape(&wants, wanted);
  tendril_status status = TENDRIL_E_FORMAT;
  if (has.failed || wants.failed)
    status = tnd_fail_memory(err);
  else
    tnd_fail(err, status, "%s: tensor %s is %s, wanted %s; is it of another model or policy?",
             tensors->name, name, has.text, wants.text);
  tnd_buffer_free(&has);
  tnd_buffer_free(&wants);
  return status;
}

tendril_status tnd_tensors_get(const tnd_tensors *tensors, const char *name, int64_t rows,
                               int64_t columns, double *out, tendril_error *err) {
  tensor wanted = {.type = &dtypes[0], .ndim = columns ? 2 : 1, .shape = {rows, columns}};
  const tensor *t = NULL;
  TENDRIL_TRY(find_shaped(tensors, name, &wanted, &t, err));
  const double *data = (const double *)(const void *)t->data;
  for (int64_t i = 0; i < t->length; i++)
    if (!isfinite(data[i]))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: tensor %s: entry %lld is not finite",
                      tensors->name, name, (long long)i);
  if (t->length) memcpy(out, data, (size_t)t->length * sizeof *out);
  return TENDRIL_OK;
}

tendril_status tnd_tensors_get_ints(const tnd_tensors *tensors, const char *name, int64_t rows,
                                    int64_t *out, tendril_error *err) {
  tensor wanted = {.type = &dtypes[1], .ndim = 1, .shape = {rows}};
  const tensor *t = NULL;
  TENDRIL_TRY(find_shaped(tensors, name, &wanted, &t, err));
  if (t->length) memcpy(out, t->data, (size_t)t->length * sizeof *out);
  return TENDRIL_OK;
}

const char *tnd_tensors_get_text(const tnd_tensors *tensors, const char *key) {
  for (int i = 0; i < tensors->ntext; i++)
    if (strcmp(tensors->texts[i].key, key) == 0) return tensors->texts[i].value;
  return NULL;
}

tendril_status tnd_tensors_refuse(const tnd_tensors *tensors, const char *name, const char *what,
                                  tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: %s: %s; the file is damaged", tensors->name, name,
                  what);
}

int64_t tnd_tensors_length(const tnd_tensors *tensors, const char *name) {
  const tensor *t = find(tensors, name);
  return t ? t->length : -1;
}

// ---------------------------------------------------------------------------------------- writing

static size_t bytes_of(const tensor *t) {
  return (size_t)t->length * t->type->size;
}

tendril_status tnd_tensors_print(const tnd_tensors *tensors, char **out, size_t *size,
                                 tendril_error *err) {
  // the header, after room for its length
  unsigned char length[8] = {0};
  tnd_buffer buffer = {0};
  tnd_buffer_add(&buffer, length, sizeof length);
  tnd_buffer_text(&buffer, "{");
  const char *comma = "";
  if (tensors->ntext) {
    tnd_buffer_text(&buffer, "\"" METADATA "\":{");
    for (int i = 0; i < tensors->ntext; i++) {
      if (i) tnd_buffer_text(&buffer, ",");
      tnd_json_quote(&buffer, tensors->texts[i].key);
      tnd_buffer_text(&buffer, ":");
      tnd_json_quote(&buffer, tensors->texts[i].value);
    }
    tnd_buffer_text(&buffer, "}");
    comma = ",";
  }
  size_t offset = 0;
  for (int i = 0; i < tensors->ntensor; i++, comma = ",") {
    const tensor *t = &tensors->tensors[i];
    tnd_buffer_text(&buffer, comma);
    tnd_json_quote(&buffer, t->name);
    tnd_buffer_format(&buffer, ":{\"dtype\":\"%s\",\"shape\":[", t->type->name);
    for (int j = 0; j < t->ndim; j++)
      tnd_buffer_format(&buffer, "%s%lld", j ? "," : "", (long long)t->shape[j]);
    tnd_buffer_format(&buffer, "],\"data_offsets\":[%zu,%zu]}", offset, offset + bytes_of(t));
    offset += bytes_of(t);
  }
  tnd_buffer_text(&buffer, "}");

  // spaces, so that the numbers begin at a multiple of 8 bytes
  while (!buffer.failed && buffer.n % 8 != 0)
    tnd_buffer_text(&buffer, " ");
  if (!buffer.failed)
    for (int i = 0; i < 8; i++)
      buffer.text[i] = (char)(unsigned char)((buffer.n - 8) >> (8 * i) & 0xff);

  // the numbers
  for (int i = 0; i < tensors->ntensor; i++)
    tnd_buffer_add(&buffer, tensors->tensors[i].data, bytes_of(&tensors->tensors[i]));
  return tnd_buffer_take(&buffer, out, size, err);
}

tendril_status tnd_tensors_write(const tnd_tensors *tensors, const char *path, tendril_error *err) {
  char *bytes = NULL;
  size_t size = 0;
  TENDRIL_TRY(tnd_tensors_print(tensors, &bytes, &size, err));
  tendril_status status = tnd_file_write(path, bytes, size, err);
  tnd_free(bytes);
  return status;
}

// ---------------------------------------------------------------------------------------- reading

// Where a tensor's numbers lie, for the check that they lie end to end.
typedef struct span {
  int64_t begin, end;
} span;

static int compare_spans(const void *a, const void *b) {
  const span *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

// a whole number that is at least 0 and no larger than any file
static bool read_count(const cJSON *item, int64_t *out) {
  if (!cJSON_IsNumber(item)) return false;
  double value = item->valuedouble;
  if (!(value >= 0 && value < (double)TND_WHOLE_MAX) || value != floor(value)) return false;
  *out = (int64_t)value;
  return true;
}

// type, shape and place of one tensor; NULL, or what is wrong
static const char *read_entry(const cJSON *item, size_t ndata, tensor *t, span *place) {
  if (!cJSON_IsObject(item)) return "not an object";
  const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "dtype");
  const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
  const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
  if (!cJSON_IsString(type) || !cJSON_IsArray(shape) || !cJSON_IsArray(offsets))
    return "dtype, shape or data_offsets is missing or of the wrong kind";

  *t = (tensor){.length = 1};
  for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
    if (strcmp(dtypes[i].name, type->valuestring) == 0) t->type = &dtypes[i];
  if (!t->type) return "an unknown dtype";

  for (const cJSON *size = shape->child; size; size = size->next) {
    int64_t n;
    if (t->ndim == MAX_DIMENSIONS) return "too many dimensions";
    if (!read_count(size, &n)) return "a size in shape is not a whole number";
    if (n > 0 && t->length > INT64_MAX / 16 / n) return "shape is too large";
    t->length *= n;
    t->shape[t->ndim++] = n;
  }

  const cJSON *begin = offsets->child, *end = begin ? begin->next : NULL;
  if (!begin || !end || end->next) return "data_offsets is not a pair";
  if (!read_count(begin, &place->begin) || !read_count(end, &place->end))
    return "an entry of data_offsets is not a whole number";
  if (place->begin > place->end || (uint64_t)place->end > ndata)
    return "data_offsets lie outside the file; is it complete?";
  if ((size_t)(place->end - place->begin) != bytes_of(t)) return "shape and data_offsets disagree";
  return NULL;
}

static tendril_status read_texts(tnd_tensors *tensors, const cJSON *metadata, tendril_error *err) {
  if (!cJSON_IsObject(metadata))
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: " METADATA ": not an object", tensors->name);
  for (const cJSON *item = metadata->child; item; item = item->next) {
    if (!cJSON_IsString(item))
      return tnd_fail(err, TENDRIL_E_FORMAT, "%s: " METADATA ": %s is not a text", tensors->name,
                      item->string);
    TENDRIL_TRY(append_text(tensors, item->string, item->valuestring, err));
  }
  return TENDRIL_OK;
}

// Checks every tensor of the header, and that together they take up the data without gap or
// overlap; only then is anything copied, so that the copies are no larger than the file.
static tendril_status read_header(tnd_tensors *tensors, const cJSON *header, span *spans,
                                  const unsigned char *data, size_t ndata, tendril_error *err) {
  // each by itself
  size_t nspan = 0;
  tensor t;
  for (const cJSON *item = header->child; item; item = item->next) {
    if (strcmp(item->string, METADATA) == 0) continue;
    const char *wrong = read_entry(item, ndata, &t, &spans[nspan++]);
    if (wrong)
      return tnd_fail(err, TENDRIL_E_FORMAT, "%s: tensor %s: %s", tensors->name, item->string,
                      wrong);
  }

  // end to end
  qsort(spans, nspan, sizeof *spans, compare_spans);
  int64_t end = 0;
  for (size_t i = 0; i < nspan; i++) {
    if (spans[i].begin != end)
      return tnd_fail(err, TENDRIL_E_FORMAT, "%s: the tensors overlap or leave a gap at byte %lld",
                      tensors->name, (long long)end);
    end = spans[i].end;
  }
  if ((size_t)end != ndata)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: %zu bytes follow the last tensor", tensors->name,
                    ndata - (size_t)end);

  // into memory of our own
  span place;
  for (const cJSON *item = header->child; item; item = item->next) {
    if (strcmp(item->string, METADATA) == 0) {
      TENDRIL_TRY(read_texts(tensors, item, err));
    } else if (!read_entry(item, ndata, &t, &place)) {
      TENDRIL_TRY(append(tensors, item->string, &t, data + place.begin, err));
    }
  }
  return TENDRIL_OK;
}

tendril_status tnd_tensors_parse(const void *bytes, size_t size, const char *name,
                                 tnd_tensors **out, tendril_error *err) {
  // the length of the header
  const unsigned char *file = bytes;
  uint64_t length = 0;
  if (size < 8)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: %zu bytes, too short for a safetensors file", name,
                    size);
  for (int i = 7; i >= 0; i--)
    length = length << 8 | file[i];
  if (length < 2 || length > size - 8 || file[8] != '{')
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: not a safetensors file, or only part of one", name);
  const unsigned char *data = file + 8 + length;
  size_t ndata = size - 8 - (size_t)length;

  cJSON *header = NULL;
  tnd_tensors *tensors = NULL;
  span *spans = NULL;
  tendril_status status =
      tnd_json_parse((const char *)file + 8, (size_t)length, name, &header, err);
  if (status == TENDRIL_OK) status = tnd_tensors_create(&tensors, err);
  if (status == TENDRIL_OK) {
    tnd_free(tensors->name);
    tensors->name = tnd_strdup(name);
    spans = tnd_alloc((size_t)cJSON_GetArraySize(header) * sizeof *spans);
    if (!tensors->name || !spans) status = tnd_fail_memory(err);
  }
  if (status == TENDRIL_OK) status = read_header(tensors, header, spans, data, ndata, err);
  if (status == TENDRIL_OK) {
    *out = tensors;
    tensors = NULL;
  }
  tnd_free(spans);
  tnd_tensors_destroy(tensors);
  cJSON_Delete(header);
  return status;
}

tendril_status tnd_tensors_read(const char *path, tnd_tensors **out, tendril_error *err) {
  char *bytes = NULL;
  size_t size = 0;
  TENDRIL_TRY(tnd_file_read(path, MAX_FILE, &bytes, &size, err));
  tendril_status status = tnd_tensors_parse(bytes, size, path, out, err);
  tnd_free(bytes);
  return status;
}

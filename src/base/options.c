// Option tables at work. A table's row is text (the macro's columns, turned into strings); each
// value goes text or JSON -> value -> range check -> field, and back the same way.
#include "base/options.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/number.h"

enum { MAX_ROWS = 128, MAX_TEXT = 256 };

// One value of any type, before it is stored; the row says which member counts.
typedef struct value {
  int64_t integer;
  double real;
  bool flag;
  int choice;
  tendril_sizes sizes;
} value;

// What is being set: "hopper.json: learner.max_kl" and its row.
typedef struct place {
  char text[MAX_TEXT];
  const tnd_option *row;
  tendril_status status;  // of a value that does not fit
  tendril_error *err;
} place;

// ------------------------------------------------------------------------------ the table as text

// out = text without the quotes that stringification has kept
static void unquote(const char *text, char out[MAX_TEXT]) {
  size_t n = strlen(text);
  assert(n >= 2 && n < MAX_TEXT && text[0] == '"' && text[n - 1] == '"');
  memcpy(out, text + 1, n - 2);
  out[n - 2] = 0;
}

static double table_number(const char *text) {
  double number = 0;
  tnd_number kind = tnd_number_parse(text, strlen(text), &number);
  assert(kind == TND_NUMBER_OK);
  (void)kind;
  return number;
}

// The i-th of the names "a b c", in *n letters; NULL behind the last.
static const char *name_at(const char *names, int i, size_t *n) {
  for (;; i--) {
    names += strspn(names, " ");
    *n = strcspn(names, " ");
    if (*n == 0) return NULL;
    if (i == 0) return names;
    names += *n;
  }
}

// ------------------------------------------------------------------------------------ error lines

static void set_place(place *p, const char *where, const char *colon, const char *section,
                      const char *name) {
  bool sectioned = section && *section;
  snprintf(p->text, sizeof p->text, "%.120s%s%.40s%s%.60s", where, colon, sectioned ? section : "",
           sectioned ? "." : "", name);
}

// what the option takes: "1e-08 to 10 (nat)"
static void print_values(const tnd_option *row, char out[MAX_TEXT]) {
  char min[TND_NUMBER_MAX] = "", max[TND_NUMBER_MAX] = "", names[MAX_TEXT];
  bool has_unit = row->unit[0] != 0;
  if (row->type != TND_OPTION_choice) {
    tnd_number_print(table_number(row->min), min);
    tnd_number_print(table_number(row->max), max);
  }
  switch (row->type) {
  case TND_OPTION_integer:
  case TND_OPTION_real:
    snprintf(out, MAX_TEXT, "%s to %s%s%s%s", min, max, has_unit ? " (" : "", row->unit,
             has_unit ? ")" : "");
    break;
  case TND_OPTION_flag:
    snprintf(out, MAX_TEXT, "true or false");
    break;
  case TND_OPTION_choice:
    unquote(row->min, names);
    snprintf(out, MAX_TEXT, "%s", names);
    for (char *c = out; *c; c++)
      if (*c == ' ') *c = '|';
    break;
  case TND_OPTION_sizes:
    snprintf(out, MAX_TEXT, "1 to %d sizes, each %s to %s", TENDRIL_MAX_SIZES, min, max);
    break;
  }
}

// "... : 1.5 is not a whole number; use 1 to 1000"
static tendril_status fail_value(const place *p, const char *text, const char *wrong) {
  char values[MAX_TEXT];
  print_values(p->row, values);
  return tnd_fail(p->err, p->status, "%s: %.60s %s; use %s", p->text, text, wrong, values);
}

static const char *wrong_kind(const tnd_option *row) {
  switch (row->type) {
  case TND_OPTION_integer:
    return "is not a whole number";
  case TND_OPTION_real:
    return "is not a number";
  case TND_OPTION_flag:
    return "is neither true nor false";
  case TND_OPTION_choice:
    return "is not one of the names";
  case TND_OPTION_sizes:
    break;
  }
  return "is not a list of whole numbers";
}

static const char *out_of_range = "is out of range";

// ------------------------------------------------------------------------------------------ values

static bool whole(double number, int64_t *out) {
  if (number != floor(number) || fabs(number) > (double)TND_WHOLE_MAX) return false;
  *out = (int64_t)number;
  return true;
}

// a number into the member that the row's type asks for
static tendril_status take_number(const place *p, double number, const char *text, value *v) {
  v->real = number;
  if (p->row->type == TND_OPTION_real || whole(number, &v->integer)) return TENDRIL_OK;
  return fail_value(p, text, number == floor(number) ? out_of_range : wrong_kind(p->row));
}

static tendril_status take_name(const place *p, const char *text, value *v) {
  char names[MAX_TEXT], copies[MAX_TEXT];
  const char *list[MAX_TEXT / 2], *name;
  size_t n;
  unquote(p->row->min, names);
  memcpy(copies, names, sizeof copies);
  int count = 0;
  for (; (name = name_at(names, count, &n)); count++) {
    if (strlen(text) == n && memcmp(text, name, n) == 0) {
      v->choice = count;
      return TENDRIL_OK;
    }
    list[count] = copies + (name - names);
    copies[name - names + (ptrdiff_t)n] = 0;
  }
  const char *near = tnd_nearest(text, list, count);
  if (!near) return fail_value(p, text, wrong_kind(p->row));
  char values[MAX_TEXT];
  print_values(p->row, values);
  return tnd_fail(p->err, p->status, "%s: %.60s is not one of %s; did you mean %s?", p->text, text,
                  values, near);
}

static tendril_status take_size(const place *p, double number, const char *text, value *v) {
  int64_t size;
  if (!whole(number, &size)) return fail_value(p, text, wrong_kind(p->row));
  if (size < INT32_MIN || size > INT32_MAX) return fail_value(p, text, out_of_range);
  if (v->sizes.n == TENDRIL_MAX_SIZES) return fail_value(p, text, "is one size too many");
  v->sizes.at[v->sizes.n++] = (int)size;
  return TENDRIL_OK;
}

static tendril_status sizes_from_text(const place *p, const char *text, value *v) {
  // one comma, or spaces, between two sizes
  const char *at = text + strspn(text, " ");
  while (*at) {
    size_t n = strcspn(at, ", ");
    double number = 0;
    if (tnd_number_parse(at, n, &number) != TND_NUMBER_OK)
      return fail_value(p, text, wrong_kind(p->row));
    TENDRIL_TRY(take_size(p, number, text, v));
    at += n;
    at += strspn(at, " ");
    if (*at == ',') {
      at++;
      at += strspn(at, " ");
      if (!*at) return fail_value(p, text, wrong_kind(p->row));
    }
  }
  return TENDRIL_OK;
}

static tendril_status from_text(const place *p, const char *text, value *v) {
  const char *shown = *text ? text : "nothing";
  double number = 0;
  switch (p->row->type) {
  case TND_OPTION_integer:
  case TND_OPTION_real:
    switch (tnd_number_parse(text, strlen(text), &number)) {
    case TND_NUMBER_INVALID:
      return fail_value(p, shown, wrong_kind(p->row));
    case TND_NUMBER_OVERFLOW:
      return fail_value(p, shown, out_of_range);
    case TND_NUMBER_OK:
      break;
    }
    return take_number(p, number, shown, v);
  case TND_OPTION_flag:
    v->flag = strcmp(text, "true") == 0;
    if (v->flag || strcmp(text, "false") == 0) return TENDRIL_OK;
    return fail_value(p, shown, wrong_kind(p->row));
  case TND_OPTION_choice:
    return *text ? take_name(p, text, v) : fail_value(p, shown, wrong_kind(p->row));
  case TND_OPTION_sizes:
    break;
  }
  return sizes_from_text(p, text, v);
}

// how an item of JSON is called in an error line
static const char *shown_json(const cJSON *item, char number[TND_NUMBER_MAX]) {
  if (cJSON_IsNumber(item)) {
    tnd_number_print(item->valuedouble, number);
    return number;
  }
  if (cJSON_IsString(item)) return "a text in quotes";
  if (cJSON_IsBool(item)) return cJSON_IsTrue(item) ? "true" : "false";
  if (cJSON_IsArray(item)) return "a list";
  return cJSON_IsObject(item) ? "an object" : "null";
}

static tendril_status from_json(const place *p, const cJSON *item, value *v) {
  char number[TND_NUMBER_MAX];
  const char *shown = shown_json(item, number);
  switch (p->row->type) {
  case TND_OPTION_integer:
  case TND_OPTION_real:
    if (cJSON_IsNumber(item)) return take_number(p, item->valuedouble, shown, v);
    break;
  case TND_OPTION_flag:
    v->flag = cJSON_IsTrue(item);
    if (cJSON_IsBool(item)) return TENDRIL_OK;
    break;
  case TND_OPTION_choice:
    if (cJSON_IsString(item)) return take_name(p, item->valuestring, v);
    break;
  case TND_OPTION_sizes:
    if (!cJSON_IsArray(item)) break;
    for (const cJSON *size = item->child; size; size = size->next) {
      shown = shown_json(size, number);
      if (!cJSON_IsNumber(size)) return fail_value(p, shown, "is not a whole number");
      TENDRIL_TRY(take_size(p, size->valuedouble, shown, v));
    }
    return TENDRIL_OK;
  }
  return fail_value(p, shown, wrong_kind(p->row));
}

static tendril_status check_number(const place *p, double number, const char *wrong) {
  double min = table_number(p->row->min), max = table_number(p->row->max);
  if (number >= min && number <= max) return TENDRIL_OK;  // false for nan
  char text[TND_NUMBER_MAX];
  tnd_number_print(number, text);
  return fail_value(p, text, wrong);
}

static tendril_status check_value(const place *p, const value *v) {
  char text[TND_NUMBER_MAX];
  switch (p->row->type) {
  case TND_OPTION_integer:
    // larger ones might round into the range
    if (v->integer > TND_WHOLE_MAX || v->integer < -TND_WHOLE_MAX) {
      snprintf(text, sizeof text, "%lld", (long long)v->integer);
      return fail_value(p, text, out_of_range);
    }
    return check_number(p, (double)v->integer, out_of_range);
  case TND_OPTION_real:
    return check_number(p, v->real, out_of_range);
  case TND_OPTION_flag:
    return TENDRIL_OK;
  case TND_OPTION_choice: {
    char names[MAX_TEXT];
    size_t n;
    unquote(p->row->min, names);
    if (v->choice >= 0 && name_at(names, v->choice, &n)) return TENDRIL_OK;
    snprintf(text, sizeof text, "number %d", v->choice);
    return fail_value(p, text, wrong_kind(p->row));
  }
  case TND_OPTION_sizes:
    break;
  }
  if (v->sizes.n == 0) return fail_value(p, "an empty list", "has no size");
  if (v->sizes.n < 0 || v->sizes.n > TENDRIL_MAX_SIZES) {
    snprintf(text, sizeof text, "%d sizes", v->sizes.n);
    return fail_value(p, text, "are not the right number");
  }
  for (int i = 0; i < v->sizes.n; i++)
    TENDRIL_TRY(check_number(p, v->sizes.at[i], out_of_range));
  return TENDRIL_OK;
}

static void store(const tnd_option *row, void *options, const value *v) {
  char *field = (char *)options + row->offset;
  switch (row->type) {
  case TND_OPTION_integer:
    memcpy(field, &v->integer, sizeof v->integer);
    break;
  case TND_OPTION_real:
    memcpy(field, &v->real, sizeof v->real);
    break;
  case TND_OPTION_flag:
    memcpy(field, &v->flag, sizeof v->flag);
    break;
  case TND_OPTION_choice:
    memcpy(field, &v->choice, sizeof v->choice);
    break;
  case TND_OPTION_sizes:
    memcpy(field, &v->sizes, sizeof v->sizes);
    break;
  }
}

static value load(const tnd_option *row, const void *options) {
  const char *field = (const char *)options + row->offset;
  value v = {0};
  switch (row->type) {
  case TND_OPTION_integer:
    memcpy(&v.integer, field, sizeof v.integer);
    break;
  case TND_OPTION_real:
    memcpy(&v.real, field, sizeof v.real);
    break;
  case TND_OPTION_flag:
    memcpy(&v.flag, field, sizeof v.flag);
    break;
  case TND_OPTION_choice:
    memcpy(&v.choice, field, sizeof v.choice);
    break;
  case TND_OPTION_sizes:
    memcpy(&v.sizes, field, sizeof v.sizes);
    break;
  }
  return v;
}

// a default as a person would write it
static void print_default(const tnd_option *row, char out[MAX_TEXT]) {
  char number[TND_NUMBER_MAX];
  if (row->type == TND_OPTION_choice || row->type == TND_OPTION_sizes) {
    unquote(row->def, out);
  } else if (row->type == TND_OPTION_flag) {
    // true and false may be macros for 1 and 0
    bool set = strcmp(row->def, "true") == 0 || strcmp(row->def, "1") == 0;
    snprintf(out, MAX_TEXT, "%s", set ? "true" : "false");
  } else {
    tnd_number_print(table_number(row->def), number);
    snprintf(out, MAX_TEXT, "%s", number);
  }
}

// ---------------------------------------------------------------------------------- whole structs

void tnd_options_default(const tnd_option_table *table, void *options) {
  memset(options, 0, table->size);
  for (int i = 0; i < table->n; i++) {
    const tnd_option *row = &table->rows[i];
    place p = {.row = row, .status = TENDRIL_E_ARGUMENT};
    char text[MAX_TEXT];
    value v = {0};
    print_default(row, text);
    tendril_status status = from_text(&p, text, &v);
    if (status == TENDRIL_OK) status = check_value(&p, &v);
    assert(status == TENDRIL_OK);  // a table's own default
    store(row, options, &v);
  }
}

// the row called p's name, or an error that names the nearest
static tendril_status find_row(const tnd_option_table *table, const char *name, place *p) {
  const char *names[MAX_ROWS];
  assert(table->n <= MAX_ROWS);
  for (int i = 0; i < table->n; i++) {
    names[i] = table->rows[i].name;
    if (strcmp(names[i], name) == 0) {
      p->row = &table->rows[i];
      return TENDRIL_OK;
    }
  }
  const char *near = tnd_nearest(name, names, table->n);
  if (near)
    return tnd_fail(p->err, p->status, "%s: no such option; did you mean %s?", p->text, near);

  // none is near: all there are, as far as the line goes
  tendril_status status = tnd_fail(p->err, p->status, "%s: no such option; there are", p->text);
  for (int i = 0; p->err && i < table->n; i++) {
    size_t n = strlen(p->err->text), room = sizeof p->err->text - n;
    if (strlen(names[i]) + 8 > room) break;
    snprintf(p->err->text + n, room, "%s %s", i ? "," : "", names[i]);
  }
  return status;
}

tendril_status tnd_options_set(const tnd_option_table *table, void *options, const char *where,
                               const char *section, const char *name, const char *text,
                               tendril_error *err) {
  place p = {.status = TENDRIL_E_CONFIG, .err = err};
  value v = {0};
  set_place(&p, where, *where ? " " : "", section, name);
  TENDRIL_TRY(find_row(table, name, &p));
  TENDRIL_TRY(from_text(&p, text, &v));
  TENDRIL_TRY(check_value(&p, &v));
  store(p.row, options, &v);
  return TENDRIL_OK;
}

static tendril_status read_all(const tnd_option_table *table, void *options, const char *where,
                               const char *section, const cJSON *object, const char *ignore,
                               tendril_error *err) {
  const char *colon = *where ? ": " : "";
  if (!cJSON_IsObject(object))
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s%s%s: wants an object, {\"name\": value, ...}", where,
                    colon, section && *section ? section : "the options");
  for (const cJSON *item = object->child; item; item = item->next) {
    if (ignore && strcmp(item->string, ignore) == 0) continue;
    place p = {.status = TENDRIL_E_CONFIG, .err = err};
    value v = {0};
    set_place(&p, where, colon, section, item->string);
    TENDRIL_TRY(find_row(table, item->string, &p));
    TENDRIL_TRY(from_json(&p, item, &v));
    TENDRIL_TRY(check_value(&p, &v));
    store(p.row, options, &v);
  }
  return TENDRIL_OK;
}

tendril_status tnd_options_read(const tnd_option_table *table, void *options, const char *where,
                                const char *section, const cJSON *object, const char *ignore,
                                tendril_error *err) {
  // into a copy: all members or none
  void *copy = tnd_alloc(table->size);
  if (!copy) return tnd_fail_memory(err);
  memcpy(copy, options, table->size);
  tendril_status status = read_all(table, copy, where, section, object, ignore, err);
  if (status == TENDRIL_OK) memcpy(options, copy, table->size);
  tnd_free(copy);
  return status;
}

static cJSON *to_json(const tnd_option *row, const value *v) {
  char names[MAX_TEXT];
  size_t n;
  switch (row->type) {
  case TND_OPTION_integer:
    return cJSON_CreateNumber((double)v->integer);
  case TND_OPTION_real:
    return cJSON_CreateNumber(v->real);
  case TND_OPTION_flag:
    return cJSON_CreateBool(v->flag);
  case TND_OPTION_choice: {
    unquote(row->min, names);
    char *name = names + (name_at(names, v->choice, &n) - names);
    name[n] = 0;
    return cJSON_CreateString(name);
  }
  case TND_OPTION_sizes:
    break;
  }
  return cJSON_CreateIntArray(v->sizes.at, v->sizes.n);
}

tendril_status tnd_options_write(const tnd_option_table *table, const void *options, cJSON *object,
                                 tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(table, options, "", err));
  for (int i = 0; i < table->n; i++) {
    value v = load(&table->rows[i], options);
    cJSON *item = to_json(&table->rows[i], &v);
    if (!item || !cJSON_AddItemToObject(object, table->rows[i].name, item)) {
      cJSON_Delete(item);
      return tnd_fail_memory(err);
    }
  }
  return TENDRIL_OK;
}

tendril_status tnd_options_check(const tnd_option_table *table, const void *options,
                                 const char *section, tendril_error *err) {
  for (int i = 0; i < table->n; i++) {
    place p = {.row = &table->rows[i], .status = TENDRIL_E_ARGUMENT, .err = err};
    value v = load(p.row, options);
    set_place(&p, "", "", section, p.row->name);
    TENDRIL_TRY(check_value(&p, &v));
  }
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- tables to read

// text with | escaped, so that it stays in its cell
static void put_cell(tnd_buffer *buffer, const char *text) {
  for (; *text; text++) {
    if (*text == '|') tnd_buffer_text(buffer, "\\");
    tnd_buffer_add(buffer, text, 1);
  }
}

static void put_object(tnd_buffer *buffer, char (*cells)[MAX_TEXT], const char *meaning,
                       bool comma) {
  static const char *const names[] = {"name", "default", "values", "summary"};
  tnd_buffer_text(buffer, comma ? ",\n " : "");
  for (int i = 0; i < 4; i++) {
    tnd_buffer_format(buffer, "%s\"%s\": ", i ? ", " : "{", names[i]);
    tnd_json_quote(buffer, i < 3 ? cells[i] : meaning);
  }
  tnd_buffer_text(buffer, "}");
}

tendril_status tnd_options_describe(const tnd_option_table *table, const char *section,
                                    tnd_options_style style, char **out, tendril_error *err) {
  tnd_buffer buffer = {0};
  int widths[3] = {0};
  if (style == TND_OPTIONS_MARKDOWN)
    tnd_buffer_text(&buffer, "| option | default | values | meaning |\n|---|---|---|---|\n");

  // columns need a first pass, for their widths
  for (int pass = style != TND_OPTIONS_TEXT; pass < 2; pass++) {
    for (int i = 0; i < table->n; i++) {
      const tnd_option *row = &table->rows[i];
      place p;
      char cells[3][MAX_TEXT];
      set_place(&p, "", "", section, row->name);
      memcpy(cells[0], p.text, sizeof cells[0]);
      print_default(row, cells[1]);
      print_values(row, cells[2]);
      if (pass == 0) {
        for (int j = 0; j < 3; j++)
          if ((int)strlen(cells[j]) > widths[j]) widths[j] = (int)strlen(cells[j]);
      } else if (style == TND_OPTIONS_JSON) {
        put_object(&buffer, cells, row->meaning, i > 0);
      } else if (style == TND_OPTIONS_TEXT) {
        tnd_buffer_format(&buffer, "  %-*s  %-*s  %-*s  %s\n", widths[0], cells[0], widths[1],
                          cells[1], widths[2], cells[2], row->meaning);
      } else {
        tnd_buffer_format(&buffer, "| `%s` | %s | ", cells[0], cells[1]);
        put_cell(&buffer, cells[2]);
        tnd_buffer_text(&buffer, " | ");
        put_cell(&buffer, row->meaning);
        tnd_buffer_text(&buffer, " |\n");
      }
    }
  }
  tendril_status status = tnd_buffer_take(&buffer, out, NULL, err);
  tnd_buffer_free(&buffer);
  return status;
}

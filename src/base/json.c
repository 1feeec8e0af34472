// JSON in and out: a recursive-descent reader (RFC 8259) that builds a cJSON tree, and a printer
// with a stable layout. json.h says why cJSON's own are not used.
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/number.h"

// ---------------------------------------------------------------------------------------- reading

// A key that was read: for the search for duplicates when its object closes.
typedef struct key {
  const char *text;  // the tree's
  size_t at;         // offset of its opening quote
} key;

typedef struct parser {
  const char *text, *name;
  size_t size, at;     // at: the next byte
  int depth;           // open arrays and objects
  tnd_buffer scratch;  // the text that was read last, decoded
  key *keys;           // [nkey] of all open objects, the innermost last
  size_t nkey, room;
  tendril_error *err;
} parser;

static tendril_status fail_at(const parser *p, size_t at, const char *what) {
  int line = 1;
  size_t start = 0;
  for (size_t i = 0; i < at && i < p->size; i++)
    if (p->text[i] == '\n') {
      line++;
      start = i + 1;
    }
  return tnd_fail(p->err, TENDRIL_E_FORMAT, "%s: line %d, column %zu: %s", p->name, line,
                  at - start + 1, what);
}

// what is wrong, or that the text stopped short
static tendril_status fail_here(const parser *p, const char *what) {
  return fail_at(p, p->at, p->at < p->size ? what : "the text ends in the middle of a value");
}

static void skip_space(parser *p) {
  for (; p->at < p->size; p->at++) {
    char c = p->text[p->at];
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') break;
  }
}

// the next byte, 0 at the end (a zero byte is no part of JSON either)
static char peek(const parser *p) {
  return p->at < p->size ? p->text[p->at] : 0;
}

// length of the UTF-8 sequence at text[0..n-1], 0 if it is none (RFC 3629: no surrogates, no
// overlong forms, nothing above U+10FFFF)
static size_t utf8_length(const unsigned char *text, size_t n) {
  unsigned char a = text[0];
  if (a < 0x80) return 1;
  size_t length = a >= 0xc2 && a <= 0xdf   ? 2
                  : a >= 0xe0 && a <= 0xef ? 3
                  : a >= 0xf0 && a <= 0xf4 ? 4
                                           : 0;
  if (length == 0 || length > n) return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  if ((a == 0xe0 && text[1] < 0xa0) || (a == 0xed && text[1] > 0x9f)) return 0;
  if ((a == 0xf0 && text[1] < 0x90) || (a == 0xf4 && text[1] > 0x8f)) return 0;
  return length;
}

bool tnd_utf8_valid(const char *text, size_t n) {
  for (size_t i = 0; i < n;) {
    size_t length = utf8_length((const unsigned char *)text + i, n - i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

static void put_utf8(tnd_buffer *buffer, unsigned code) {
  unsigned char bytes[4];
  size_t n = 0;
  if (code < 0x80) {
    bytes[n++] = (unsigned char)code;
  } else if (code < 0x800) {
    bytes[n++] = (unsigned char)(0xc0 | code >> 6);
    bytes[n++] = (unsigned char)(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    bytes[n++] = (unsigned char)(0xe0 | code >> 12);
    bytes[n++] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
    bytes[n++] = (unsigned char)(0x80 | (code & 0x3f));
  } else {
    bytes[n++] = (unsigned char)(0xf0 | code >> 18);
    bytes[n++] = (unsigned char)(0x80 | (code >> 12 & 0x3f));
    bytes[n++] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
    bytes[n++] = (unsigned char)(0x80 | (code & 0x3f));
  }
  tnd_buffer_add(buffer, bytes, n);
}

// four hexadecimal digits at p->at
static bool read_hex4(parser *p, unsigned *code) {
  if (p->size - p->at < 4) return false;
  *code = 0;
  for (int i = 0; i < 4; i++) {
    char c = p->text[p->at + (size_t)i];
    unsigned digit;
    if (c >= '0' && c <= '9')
      digit = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = (unsigned)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
      digit = (unsigned)(c - 'A') + 10;
    else
      return false;
    *code = *code * 16 + digit;
  }
  p->at += 4;
  return true;
}

// \uXXXX after its "\u"; a pair of surrogates is one character
static tendril_status read_unicode(parser *p) {
  size_t start = p->at - 2;
  unsigned code, low;
  if (!read_hex4(p, &code)) return fail_at(p, start, "\\u wants four hexadecimal digits");
  if (code == 0) return fail_at(p, start, "\\u0000 can't be part of a text");
  if (code >= 0xdc00 && code <= 0xdfff) return fail_at(p, start, "half of a surrogate pair");
  if (code >= 0xd800 && code <= 0xdbff) {
    bool paired = p->size - p->at >= 6 && p->text[p->at] == '\\' && p->text[p->at + 1] == 'u';
    if (paired) {
      p->at += 2;
      paired = read_hex4(p, &low) && low >= 0xdc00 && low <= 0xdfff;
    }
    if (!paired) return fail_at(p, start, "half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  put_utf8(&p->scratch, code);
  return TENDRIL_OK;
}

// a text in quotes into p->scratch
static tendril_status read_text(parser *p) {
  static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  size_t start = p->at++;
  p->scratch.n = 0;
  tnd_buffer_add(&p->scratch, "", 0);
  for (;;) {
    if (p->at >= p->size) return fail_at(p, start, "a text without its closing quote");
    unsigned char c = (unsigned char)p->text[p->at];
    if (c == '"') break;
    if (c < 0x20) {
      return fail_here(p, c == '\n' || c == '\r'
                              ? "a text without its closing quote on the same line"
                              : "a control character in a text; write it as \\u00XX");
    } else if (c == '\\') {
      char escape = p->at + 1 < p->size ? p->text[p->at + 1] : 0;
      const char *known = escape ? strchr(escapes, escape) : NULL;
      if (!known && escape != 'u')
        return fail_here(p, "an unknown escape; write \\\\ for one backslash");
      p->at += 2;
      if (known)
        tnd_buffer_add(&p->scratch, &meanings[known - escapes], 1);
      else
        TENDRIL_TRY(read_unicode(p));
    } else {
      // plain characters up to the next special one at once
      size_t from = p->at;
      while (p->at < p->size && (c = (unsigned char)p->text[p->at]) >= 0x20 && c != '"' &&
             c != '\\') {
        size_t length = utf8_length((const unsigned char *)p->text + p->at, p->size - p->at);
        if (length == 0) return fail_here(p, "not UTF-8; save the file as UTF-8");
        p->at += length;
      }
      tnd_buffer_add(&p->scratch, p->text + from, p->at - from);
    }
  }
  p->at++;
  return p->scratch.failed ? tnd_fail_memory(p->err) : TENDRIL_OK;
}

// the value of a created node, or that there was no memory for it
static tendril_status made(parser *p, cJSON *node, cJSON **out) {
  if (!node) return tnd_fail_memory(p->err);
  *out = node;
  return TENDRIL_OK;
}

static tendril_status read_number(parser *p, cJSON **out) {
  size_t start = p->at, digits = start + (peek(p) == '-');
  while (p->at < p->size && p->text[p->at] && strchr("+-.eE0123456789", p->text[p->at]))
    p->at++;
  double value = 0;
  tnd_number kind = tnd_number_parse(p->text + start, p->at - start, &value);
  // stricter than tnd_number_parse(): no leading zeros (a leading + never comes here)
  if (p->at - digits > 1 && p->text[digits] == '0' && strchr("0123456789", p->text[digits + 1]))
    kind = TND_NUMBER_INVALID;
  if (kind == TND_NUMBER_INVALID) return fail_at(p, start, "not a number");
  if (kind == TND_NUMBER_OVERFLOW) return fail_at(p, start, "a number too large for a double");
  return made(p, cJSON_CreateNumber(value), out);
}

static tendril_status read_word(parser *p, cJSON **out) {
  static const char *const words[] = {"null", "false", "true"};
  for (int i = 0; i < 3; i++) {
    size_t n = strlen(words[i]);
    if (p->size - p->at < n || memcmp(p->text + p->at, words[i], n) != 0) continue;
    p->at += n;
    return made(p, i == 0 ? cJSON_CreateNull() : cJSON_CreateBool(i == 2), out);
  }
  if (p->at < p->size && p->text[p->at] == 0) return fail_here(p, "a zero byte; this is no text");
  return fail_here(p, "a value is missing; texts need double quotes");
}

static tendril_status push_key(parser *p, const char *text, size_t at) {
  if (p->nkey == p->room) {
    size_t room = p->room ? 2 * p->room : 32;
    key *keys = tnd_alloc(room * sizeof *keys);
    if (!keys) return tnd_fail_memory(p->err);
    if (p->nkey) memcpy(keys, p->keys, p->nkey * sizeof *keys);
    tnd_free(p->keys);
    p->keys = keys;
    p->room = room;
  }
  p->keys[p->nkey++] = (key){text, at};
  return TENDRIL_OK;
}

static int compare_keys(const void *a, const void *b) {
  const key *x = a, *y = b;
  int order = strcmp(x->text, y->text);
  return order ? order : (x->at > y->at) - (x->at < y->at);
}

// no two of keys[from..] alike; sorted, so that an object with a million keys takes no hour
static tendril_status check_keys(parser *p, size_t from) {
  key *keys = p->keys + from;
  size_t n = p->nkey - from, first = SIZE_MAX;
  p->nkey = from;
  if (n < 2) return TENDRIL_OK;
  qsort(keys, n, sizeof *keys, compare_keys);
  const char *text = NULL;
  for (size_t i = 1; i < n; i++)
    if (strcmp(keys[i - 1].text, keys[i].text) == 0 && keys[i].at < first) {
      first = keys[i].at;
      text = keys[i].text;
    }
  if (!text) return TENDRIL_OK;
  char what[128];
  snprintf(what, sizeof what, "\"%.40s\" is there twice; keep one", text);
  return fail_at(p, first, what);
}

static tendril_status read_value(parser *p, cJSON **out);

// the inside of an object or list, after its opening bracket, into *out
static tendril_status read_members(parser *p, cJSON *node, bool object) {
  char close = object ? '}' : ']';
  size_t first_key = p->nkey;
  skip_space(p);
  if (peek(p) == close) {
    p->at++;
    return TENDRIL_OK;
  }
  for (;;) {
    // the key
    size_t key_at = p->at;
    char *name = NULL;
    if (object) {
      if (peek(p) != '"') return fail_here(p, "a name in double quotes is missing");
      TENDRIL_TRY(read_text(p));
      skip_space(p);
      if (peek(p) != ':') return fail_here(p, "a : is missing");
      p->at++;
      name = tnd_strdup(p->scratch.text);
      if (!name) return tnd_fail_memory(p->err);
    }

    // the value, then both into the tree
    cJSON *item = NULL;
    tendril_status status = read_value(p, &item);
    assert(status != TENDRIL_OK || item);
    if (status == TENDRIL_OK &&
        !(object ? cJSON_AddItemToObject(node, name, item) : cJSON_AddItemToArray(node, item))) {
      cJSON_Delete(item);
      status = tnd_fail_memory(p->err);
    }
    tnd_free(name);
    TENDRIL_TRY(status);
    if (object) TENDRIL_TRY(push_key(p, item->string, key_at));

    // a comma, or the end
    skip_space(p);
    char c = peek(p);
    if (c != ',' && c != close)
      return fail_here(p, object ? "a comma or } is missing" : "a comma or ] is missing");
    p->at++;
    if (c == close) return object ? check_keys(p, first_key) : TENDRIL_OK;
    skip_space(p);
    if (peek(p) == close) return fail_here(p, "a comma with nothing after it");
  }
}

static tendril_status read_value(parser *p, cJSON **out) {
  skip_space(p);
  char c = peek(p);
  if (c == '-' || (c >= '0' && c <= '9')) return read_number(p, out);
  if (c == '"') {
    TENDRIL_TRY(read_text(p));
    return made(p, cJSON_CreateString(p->scratch.text), out);
  }
  if (c != '{' && c != '[') return read_word(p, out);

  if (p->depth == TND_JSON_DEPTH) return fail_here(p, "too many brackets inside one another");
  cJSON *node = NULL;
  TENDRIL_TRY(made(p, c == '{' ? cJSON_CreateObject() : cJSON_CreateArray(), &node));
  p->at++;
  p->depth++;
  tendril_status status = read_members(p, node, c == '{');
  p->depth--;
  if (status == TENDRIL_OK)
    *out = node;
  else
    cJSON_Delete(node);
  return status;
}

tendril_status tnd_json_parse(const char *text, size_t size, const char *name, cJSON **out,
                              tendril_error *err) {
  if (size > TND_JSON_LIMIT)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: larger than %zu bytes; is this the right file?",
                    name, TND_JSON_LIMIT);
  parser p = {.text = text, .name = name, .size = size, .err = err};
  cJSON *value = NULL;
  tendril_status status = TENDRIL_OK;
  skip_space(&p);
  if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
    status = fail_at(&p, 0, "a byte order mark; save the file as plain UTF-8");
  else if (p.at == size)
    status = tnd_fail(err, TENDRIL_E_FORMAT, "%s: empty; write at least {}", name);
  if (status == TENDRIL_OK) status = read_value(&p, &value);
  if (status == TENDRIL_OK) {
    skip_space(&p);
    if (p.at < size) status = fail_at(&p, p.at, "something follows the end; remove it");
  }
  if (status == TENDRIL_OK) {
    *out = value;
    value = NULL;
  }
  cJSON_Delete(value);
  tnd_free(p.keys);
  tnd_buffer_free(&p.scratch);
  return status;
}

tendril_status tnd_json_read(const char *path, cJSON **out, tendril_error *err) {
  char *text = NULL;
  size_t size = 0;
  TENDRIL_TRY(tnd_file_read(path, TND_JSON_LIMIT, &text, &size, err));
  tendril_status status = tnd_json_parse(text, size, path, out, err);
  tnd_free(text);
  return status;
}

// --------------------------------------------------------------------------------------- printing

void tnd_json_quote(tnd_buffer *buffer, const char *text) {
  tnd_buffer_text(buffer, "\"");
  while (*text) {
    size_t plain = 0;
    while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
      plain++;
    tnd_buffer_add(buffer, text, plain);
    text += plain;
    if (!*text) break;
    if (*text == '"' || *text == '\\')
      tnd_buffer_format(buffer, "\\%c", *text);
    else if (*text == '\n')
      tnd_buffer_text(buffer, "\\n");
    else if (*text == '\t')
      tnd_buffer_text(buffer, "\\t");
    else
      tnd_buffer_format(buffer, "\\u%04x", (unsigned)(unsigned char)*text);
    text++;
  }
  tnd_buffer_text(buffer, "\"");
}

static tendril_status quote(tnd_buffer *buffer, const char *text, tendril_error *err) {
  if (!tnd_utf8_valid(text, strlen(text)))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "\"%.40s\": not UTF-8, which JSON has to be", text);
  tnd_json_quote(buffer, text);
  return TENDRIL_OK;
}

static bool is_nested(const cJSON *value) {
  return cJSON_IsArray(value) || cJSON_IsObject(value);
}

static tendril_status print_value(tnd_buffer *buffer, const cJSON *value, int depth,
                                  tendril_error *err) {
  if (cJSON_IsNull(value)) {
    tnd_buffer_text(buffer, "null");
  } else if (cJSON_IsBool(value)) {
    tnd_buffer_text(buffer, cJSON_IsTrue(value) ? "true" : "false");
  } else if (cJSON_IsNumber(value)) {
    if (!isfinite(value->valuedouble))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: not finite, which a number in JSON has to be",
                      value->string ? value->string : "a number");
    tnd_buffer_number(buffer, value->valuedouble);
  } else if (cJSON_IsString(value)) {
    TENDRIL_TRY(quote(buffer, value->valuestring, err));
  } else if (cJSON_IsRaw(value)) {
    tnd_buffer_text(buffer, value->valuestring);
  } else if (is_nested(value)) {
    bool object = cJSON_IsObject(value), lines = object;
    if (depth == TND_JSON_DEPTH)
      return tnd_fail(err, TENDRIL_E_ARGUMENT, "JSON of more than %d levels", TND_JSON_DEPTH);
    for (const cJSON *item = value->child; item; item = item->next)
      lines = lines || is_nested(item);
    lines = lines && value->child;
    tnd_buffer_text(buffer, object ? "{" : "[");
    for (const cJSON *item = value->child; item; item = item->next) {
      if (lines) tnd_buffer_format(buffer, "\n%*s", 2 * (depth + 1), "");
      if (object) {
        TENDRIL_TRY(quote(buffer, item->string, err));
        tnd_buffer_text(buffer, ": ");
      }
      TENDRIL_TRY(print_value(buffer, item, depth + 1, err));
      if (item->next) tnd_buffer_text(buffer, lines ? "," : ", ");
    }
    if (lines) tnd_buffer_format(buffer, "\n%*s", 2 * depth, "");
    tnd_buffer_text(buffer, object ? "}" : "]");
  } else {
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "a JSON value of no type");
  }
  return TENDRIL_OK;
}

tendril_status tnd_json_print(const cJSON *value, char **out, tendril_error *err) {
  tnd_buffer buffer = {0};
  tendril_status status = print_value(&buffer, value, 0, err);
  tnd_buffer_text(&buffer, "\n");
  if (status == TENDRIL_OK) status = tnd_buffer_take(&buffer, out, NULL, err);
  tnd_buffer_free(&buffer);
  return status;
}

void tnd_json_plain(tnd_buffer *buffer, const cJSON *value) {
  if (cJSON_IsString(value)) tnd_buffer_text(buffer, value->valuestring);
  if (cJSON_IsNumber(value)) tnd_buffer_number(buffer, value->valuedouble);
  if (cJSON_IsBool(value)) tnd_buffer_text(buffer, cJSON_IsTrue(value) ? "true" : "false");
  if (!cJSON_IsArray(value)) return;
  for (const cJSON *item = value->child; item; item = item->next) {
    if (item != value->child) tnd_buffer_text(buffer, " ");
    tnd_json_plain(buffer, item);
  }
}

// JSON output: written member by member into a buffer and printed as a whole, or not at all.
#include "cli.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Quoted. JSON has to be UTF-8, a path need not be: a byte that is no part of it becomes U+FFFD.
static void put_quoted(tnd_buffer *out, const char *text) {
  tnd_buffer mended = {0};
  for (size_t i = 0, n = strlen(text); i < n;) {
    size_t length = 1;
    while (length < 4 && i + length < n && !tnd_utf8_valid(text + i, length))
      length++;
    const bool valid = tnd_utf8_valid(text + i, length);
    tnd_buffer_add(&mended, valid ? text + i : "\xef\xbf\xbd", valid ? length : 3);
    i += valid ? length : 1;
  }
  tnd_json_quote(out, mended.text ? mended.text : "");
  out->failed |= mended.failed;
  tnd_buffer_free(&mended);
}

// The comma and the name that go before a value.
static void begin(cli_json *json, const char *name) {
  if (json->depth > 0) {
    if (json->filled) tnd_buffer_text(&json->out, json->depth == 1 ? ",\n " : ", ");
    json->filled = true;
  }
  if (!name) return;
  put_quoted(&json->out, name);
  tnd_buffer_text(&json->out, ": ");
}

void cli_json_open(cli_json *json, const char *name, char bracket) {
  begin(json, name);
  tnd_buffer_add(&json->out, &bracket, 1);
  json->depth++;
  json->filled = false;
}

void cli_json_close(cli_json *json, char bracket) {
  tnd_buffer_add(&json->out, &bracket, 1);
  json->depth--;
  json->filled = true;
}

void cli_json_text(cli_json *json, const char *name, const char *value) {
  begin(json, name);
  put_quoted(&json->out, value);
}

void cli_json_number(cli_json *json, const char *name, double value) {
  begin(json, name);
  if (isfinite(value))
    tnd_buffer_number(&json->out, value);
  else
    tnd_buffer_text(&json->out, "null");
}

void cli_json_flag(cli_json *json, const char *name, bool value) {
  begin(json, name);
  tnd_buffer_text(&json->out, value ? "true" : "false");
}

tendril_status cli_json_take(cli_json *json, char **out, tendril_error *err) {
  const tendril_status status = tnd_buffer_take(&json->out, out, NULL, err);
  tnd_buffer_free(&json->out);
  return status;
}

tendril_status cli_json_print(cli_json *json, tendril_error *err) {
  char *text = NULL;
  tendril_status status = cli_json_take(json, &text, err);
  if (status == TENDRIL_OK) puts(text);
  tendril_text_destroy(text);
  return status;
}

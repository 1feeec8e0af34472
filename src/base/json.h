// JSON in and out, with cJSON's trees and errors that name file, line and column.
//
// cJSON supplies the tree and its access functions. Reading and printing are our own: cJSON's
// parser accepts more than JSON, cuts texts at \u0000, knows no lines, keeps its last error in a
// global and can't tell a syntax error from a lack of memory; its printer writes 17 digits where 16
// do. Trees come from cJSON's allocator: its hooks are global to the process and may be the host
// program's, so the library never sets them. Tests may (cJSON_InitHooks with tnd_alloc and
// tnd_free): every function here then ends in E_MEMORY, without a leak, whichever allocation fails.
#ifndef TND_JSON_H
#define TND_JSON_H

#include "base/buffer.h"
#include "base/status.h"

#include <cjson/cJSON.h>

#define TND_JSON_DEPTH 64                  // arrays and objects inside one another
#define TND_JSON_LIMIT ((size_t)16 << 20)  // bytes of text

// Strict: RFC 8259 in UTF-8, one value, nothing but white space after it; no duplicate keys, no
// number beyond a double, no \u0000, TND_JSON_DEPTH, TND_JSON_LIMIT.
// @param name  stands for the file in error lines
// @param out   owned by the caller, cJSON_Delete()
// @return E_FORMAT: "hopper.json: line 3, column 14: a comma or } is missing"
TENDRIL_MUST_CHECK tendril_status tnd_json_parse(const char *text, size_t size, const char *name,
                                                 cJSON **out, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_json_read(const char *path, cJSON **out, tendril_error *err);

// Indented text with a newline at the end, lists of plain values on one line; members keep their
// order, numbers round-trip in as few digits as that takes. Owned by the caller, tnd_free().
// E_NUMERIC for a number that is not finite, E_ARGUMENT for a text that is not UTF-8.
TENDRIL_MUST_CHECK tendril_status tnd_json_print(const cJSON *value, char **out,
                                                 tendril_error *err);

// Adds the text in quotes, escaped. It must be UTF-8.
void tnd_json_quote(tnd_buffer *buffer, const char *text);
// Adds a plain value, or a list of such, as `--set` takes it: texts without quotes, lists with
// spaces. Anything else is left out.
void tnd_json_plain(tnd_buffer *buffer, const cJSON *value);
bool tnd_utf8_valid(const char *text, size_t n);

#endif

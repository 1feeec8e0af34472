// JSON in and out over cJSON, with errors that name file and line.
#ifndef TND_JSON_H
#define TND_JSON_H

#include "base/status.h"

#include <cjson/cJSON.h>

// Strict: one value, nothing but white space after it, no duplicate keys, finite numbers, depth
// bound.
TENDRIL_MUST_CHECK tendril_status tnd_json_parse(const char *text, size_t size, const char *name,
                                                 cJSON **out, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_json_read(const char *path, cJSON **out, tendril_error *err);

// Indented text with a newline at the end; numbers round-trip. Owned by the caller, tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_json_print(const cJSON *value, char **out,
                                                 tendril_error *err);

#endif

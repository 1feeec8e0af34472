// Fails unless standard input is one JSON value, by the strict reader of the library.
#include "base/json.h"

#include <stdio.h>

int main(void) {
  static char text[1 << 20];
  tendril_error err;
  cJSON *value = NULL;
  size_t n = fread(text, 1, sizeof text, stdin);
  if (tnd_json_parse(text, n, "stdin", &value, &err) != TENDRIL_OK) return puts(err.text), 1;
  cJSON_Delete(value);
  return 0;
}

// JSON: any bytes end in a value or an error; what is printed parses and prints the same again.
#include "fuzz.h"

#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cJSON *value = NULL, *again = NULL;
  char *text = NULL, *same = NULL;
  tendril_error err;
  if (tnd_json_parse((const char *)data, size, "fuzz", &value, &err) == TENDRIL_OK) {
    FUZZ_CHECK(tnd_json_print(value, &text, &err) == TENDRIL_OK);
    FUZZ_CHECK(tnd_json_parse(text, strlen(text), "fuzz", &again, &err) == TENDRIL_OK);
    FUZZ_CHECK(tnd_json_print(again, &same, &err) == TENDRIL_OK);
    FUZZ_CHECK(strcmp(text, same) == 0);
    FUZZ_CHECK(cJSON_Compare(value, again, 1));
  } else {
    FUZZ_CHECK(value == NULL && strncmp(err.text, "fuzz: ", 6) == 0 && !strchr(err.text, '\n'));
  }
  tnd_free(text);
  tnd_free(same);
  cJSON_Delete(value);
  cJSON_Delete(again);
  return 0;
}

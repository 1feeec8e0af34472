// Configurations: any bytes read as a user's file end in a line about that file and the options as
// they were, or in options that print, parse as a run's own and print the same again.
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "run/config.h"

static char *print(const tendril_config *config) {
  tendril_error err;
  char *text = NULL;
  FUZZ_CHECK(tendril_config_print(config, &text, &err) == TENDRIL_OK);
  return text;
}

// A run's own file; what it says is in range, or it is refused.
static void parse(const tendril_tasks *tasks, const char *text, size_t size, const char *expected) {
  tendril_error err;
  cJSON *object = NULL;
  tendril_config *config = NULL;
  if (tnd_json_parse(text, size, "fuzz", &object, &err) != TENDRIL_OK) return;
  tendril_status status = tnd_config_parse(tasks, object, "fuzz", &config, &err);
  FUZZ_CHECK(status == TENDRIL_OK || (!config && strncmp(err.text, "fuzz: ", 6) == 0));
  if (expected) FUZZ_CHECK(status == TENDRIL_OK);
  char *again = config ? print(config) : NULL;
  if (expected) FUZZ_CHECK(strcmp(expected, again) == 0);
  tendril_text_destroy(again);
  tendril_config_destroy(config);
  cJSON_Delete(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tendril_error err;
  tendril_tasks *tasks = NULL;
  tendril_config *config = NULL;
  FUZZ_CHECK(tendril_tasks_create(&tasks, &err) == TENDRIL_OK);
  FUZZ_CHECK(tendril_config_create(tasks, "hopper-v4", "trpo", &config, &err) == TENDRIL_OK);
  char *before = print(config);

  char path[64];
  int fd = fuzz_file(data, size, path);
  tendril_status status = tendril_config_read(config, path, &err);
  char *after = print(config);
  if (status == TENDRIL_OK)
    parse(tasks, after, strlen(after), after);
  else
    FUZZ_CHECK(strcmp(before, after) == 0 && strncmp(err.text, path, strlen(path)) == 0);
  parse(tasks, (const char *)data, size, NULL);

  close(fd);
  tendril_text_destroy(before);
  tendril_text_destroy(after);
  tendril_config_destroy(config);
  tendril_tasks_destroy(tasks);
  return 0;
}

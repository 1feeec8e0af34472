#include "support/files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"

static char folder[256];

const char *test_folder(void) {
  const char *base = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/tendril-test-XXXXXX", base ? base : "/tmp");
  cr_assert(mkdtemp(folder) != NULL);
  return folder;
}

void test_folder_done(void) {
  cr_assert_eq(tnd_folder_remove(folder, NULL), TENDRIL_OK);
}

const char *test_path(const char *name) {
  static char paths[4][512];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

void test_write(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  cr_assert(file != NULL);
  cr_assert_eq(fwrite(bytes, 1, size, file), size);
  cr_assert_eq(fclose(file), 0);
}

char *test_read(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  cr_assert(file != NULL, "%s is not there", path);
  size_t room = 1 << 20;
  char *text = malloc(room);
  cr_assert(text != NULL);
  size_t n = fread(text, 1, room - 1, file);
  cr_assert(n < room - 1);
  text[n] = 0;
  fclose(file);
  if (size) *size = n;
  return text;
}

void test_every_allocation(tendril_status (*attempt)(void *context), void *context) {
  cJSON_Hooks hooks = {tnd_alloc, tnd_free};
  cJSON_InitHooks(&hooks);
  for (long k = 0;; k++) {
    tnd_alloc_fail_at(k);
    tendril_status status = attempt(context);
    tnd_alloc_fail_at(-1);
    if (status == TENDRIL_OK) {
      cr_assert(k > 0, "nothing was allocated");
      break;
    }
    cr_assert_eq(status, TENDRIL_E_MEMORY, "allocation %ld: %s", k, tendril_status_text(status));
    cr_assert(k < 100000);
  }
  cJSON_InitHooks(NULL);
}

// Files of gaits: any bytes end in a line about the file and the options as they were, or in a gait
// that, written and read again, is the same.
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "run/gait_file.h"

static char folder[] = "/tmp/tendril-fuzz-XXXXXX",
            kept[64];  // a file in it, from the first call on

static void leave(void) {
  (void)remove(kept);
  (void)rmdir(folder);
}

static void read_again(const char *task, const tendril_simbicon_options *gait) {
  tendril_error err = {{0}};
  tendril_simbicon_options again;
  char name[64];
  FUZZ_CHECK(tnd_gait_write(kept, task, gait, NULL, &err) == TENDRIL_OK);
  FUZZ_CHECK(tendril_is_gait(kept));
  FUZZ_CHECK(tendril_simbicon_read(kept, name, &again, &err) == TENDRIL_OK);
  FUZZ_CHECK(strcmp(name, task) == 0 && memcmp(&again, gait, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tendril_error err = {{0}};
  tendril_simbicon_options gait, before;
  char path[64], task[64];
  if (!kept[0]) {
    FUZZ_CHECK(mkdtemp(folder) != NULL);
    snprintf(kept, sizeof kept, "%s/gait.json", folder);
    FUZZ_CHECK(atexit(leave) == 0);
  }
  tendril_simbicon_defaults(&before);
  before.torso = 0.25;
  gait = before;
  const int fd = fuzz_file(data, size, path);
  const bool is = tendril_is_gait(path);
  if (tendril_simbicon_read(path, task, &gait, &err) == TENDRIL_OK) {
    FUZZ_CHECK(is);
    read_again(task, &gait);
  } else {
    FUZZ_CHECK(strncmp(err.text, path, strlen(path)) == 0 && !strchr(err.text, '\n'));
    FUZZ_CHECK(memcmp(&gait, &before, sizeof gait) == 0);
  }
  close(fd);
  return 0;
}

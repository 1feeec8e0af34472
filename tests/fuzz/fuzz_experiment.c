// Experiments: any bytes end in one line about the file, or in cells whose commands are words that
// a shell would read as they are.
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "run/experiment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  const int fd = fuzz_file(data, size, path);
  for (int quick = 0; quick < 2; quick++) {
    tendril_error err = {{0}};
    tnd_experiment *e = NULL;
    // few seeds: a thousand make a fuzzer slow
    if (tnd_experiment_open(path, 2, quick, &e, &err) == TENDRIL_OK) {
      FUZZ_CHECK(e->ncell >= 1 && e->ncell <= e->ntask * e->nmethod * 2);
      for (int i = 0; i < e->ncell; i++) {
        const tnd_cell *cell = &e->cells[i];
        FUZZ_CHECK(strncmp(cell->command, "tendril train ", 14) == 0);
        FUZZ_CHECK(cell->nword >= 6 && strcmp(cell->words[0], "train") == 0);
        FUZZ_CHECK(!strchr(cell->words[1], '/') && cell->words[1][0]);
      }
    } else {
      FUZZ_CHECK(e == NULL && err.text[0] && !strchr(err.text, '\n'));
    }
    tnd_experiment_destroy(e);
  }
  close(fd);
  return 0;
}

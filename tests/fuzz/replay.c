// Feeds every file of the given folders to the target it is linked with: the corpus as an ordinary
// test, without a fuzzer.
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  uint8_t *bytes = malloc(1 << 22);
  FUZZ_CHECK(bytes != NULL);
  size_t size = fread(bytes, 1, 1 << 22, file);
  fclose(file);
  // a copy of just that size, so that a read past its end is noticed
  uint8_t *exact = malloc(size ? size : 1);
  FUZZ_CHECK(exact != NULL);
  memcpy(exact, bytes, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  free(bytes);
  return 1;
}

int main(int argc, char **argv) {
  int files = 0;
  for (int i = 1; i < argc; i++) {
    DIR *folder = opendir(argv[i]);
    FUZZ_CHECK(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder));) {
      char path[4096];
      if (entry->d_name[0] == '.') continue;
      snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
      files += replay_file(path);
    }
    closedir(folder);
  }
  printf("%d files\n", files);
  return files > 0 ? 0 : 1;
}

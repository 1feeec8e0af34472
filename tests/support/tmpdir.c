// Temporary folders and whole files, over plain C so that they share no fault with src/base/file.c.
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *support_tmpdir(void) {
  const char *root = getenv("TMPDIR");
  char *folder = NULL;
  cr_assert(asprintf(&folder, "%s/tendril-test-XXXXXX", root && *root ? root : "/tmp") > 0);
  cr_assert_not_null(mkdtemp(folder), "cannot make %s", folder);
  return folder;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where) {
  (void)info, (void)type, (void)where;
  return remove(path);
}

void support_tmpdir_remove(char *folder) {
  cr_assert_eq(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0, "cannot remove %s", folder);
  free(folder);
}

const char *support_path(const char *folder, const char *name) {
  enum { SLOTS = 8 };
  static char path[SLOTS][4096];
  static int next;
  char *slot = path[next++ % SLOTS];
  int length = snprintf(slot, sizeof path[0], "%s/%s", folder, name);
  cr_assert(length > 0 && (size_t)length < sizeof path[0]);
  return slot;
}

char *support_folder;

void support_folder_open(void) {
  support_folder = support_tmpdir();
}

void support_folder_close(void) {
  support_tmpdir_remove(support_folder);
}

const char *support_file(const char *name) {
  return support_path(support_folder, name);
}

const char *support_file_of(const char *run, const char *name) {
  return support_path(support_file(run), name);
}

void support_write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  cr_assert_not_null(file, "cannot write %s", path);
  cr_assert_eq(fwrite(bytes, 1, size, file), size, "cannot write %s", path);
  cr_assert_eq(fclose(file), 0, "cannot write %s", path);
}

char *support_read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file, "cannot read %s", path);
  cr_assert_eq(fseek(file, 0, SEEK_END), 0);
  long length = ftell(file);
  cr_assert(length >= 0, "cannot read %s", path);
  rewind(file);
  char *bytes = malloc((size_t)length + 1);
  cr_assert_not_null(bytes);
  cr_assert_eq(fread(bytes, 1, (size_t)length, file), (size_t)length, "cannot read %s", path);
  bytes[length] = 0;
  fclose(file);
  if (size) *size = (size_t)length;
  return bytes;
}

// Files in the making: at their place when they are whole, and not before.
#include "base/aside.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect(const char *path, const char *text) {
  char *got = support_read_file(path, NULL);
  cr_assert_str_eq(got, text);
  free(got);
}

Test(aside, takes_its_place_when_it_is_committed) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "file"), *part = support_path(folder, "file.part");
  tnd_aside aside;
  support_write_file(path, "old", 3);
  cr_assert_eq(tnd_aside_begin(&aside, path, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_aside_add(&aside, "ne", 2, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_aside_add(&aside, "wer", 3, NULL), TENDRIL_OK);
  expect(path, "old");
  cr_assert_eq(tnd_aside_commit(&aside, NULL), TENDRIL_OK);
  expect(path, "newer");
  cr_assert(!tnd_path_exists(part));
  tnd_aside_abandon(&aside);
  expect(path, "newer");
  support_tmpdir_remove(folder);
}

Test(aside, leaves_nothing_when_it_is_abandoned) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "file"), *part = support_path(folder, "file.part");
  tnd_aside aside;
  support_write_file(part, "of a crash", 10);
  cr_assert_eq(tnd_aside_begin(&aside, path, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_aside_add(&aside, "x", 1, NULL), TENDRIL_OK);
  tnd_aside_abandon(&aside);
  tnd_aside_abandon(&aside);
  cr_assert(!tnd_path_exists(path));
  cr_assert(!tnd_path_exists(part));
  support_tmpdir_remove(folder);
}

Test(aside, refuses_a_place_that_no_file_can_take) {
  char *folder = support_tmpdir();
  tnd_aside aside;
  tendril_error err;
  cr_assert_eq(tnd_aside_begin(&aside, folder, &err), TENDRIL_E_IO);
  cr_assert(strstr(err.text, "a folder"), "%s", err.text);
  cr_assert_eq(tnd_aside_begin(&aside, "/dev/null", &err), TENDRIL_E_IO);
  cr_assert_eq(tnd_aside_begin(&aside, "/nowhere/file", &err), TENDRIL_E_IO);
  cr_assert(strstr(err.text, "No such file or directory; check the path"), "%s", err.text);
  tnd_aside_abandon(&aside);
  support_tmpdir_remove(folder);
}

// Files and folders: whole reads, writes that are never half done, and every way they fail. None
// relies on permissions, which do not bind root.
#include "base/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

static tendril_error err;

static bool says(const char *text) {
  return strstr(err.text, text) != NULL;
}

// files grow no further than this in the rest of the test's process
static void limit_file_size(rlim_t bytes) {
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = {bytes, RLIM_INFINITY};
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static char *folder;

static void set_up(void) {
  folder = support_tmpdir();
}

static void tear_down(void) {
  support_tmpdir_remove(folder);
}

TestSuite(file, .init = set_up, .fini = tear_down);

static void assert_holds(const char *path, const char *text) {
  size_t n;
  char *bytes = support_read_file(path, &n);
  cr_assert_str_eq(bytes, text);
  free(bytes);
}

Test(file, reads_back_what_was_written) {
  const char *path = support_path(folder, "a");
  char *bytes = NULL;
  size_t n = 0;
  for (size_t size = 0; size < 100000; size = 7 * size + 1) {
    char *data = calloc(size + 1, 1);
    cr_assert(data != NULL);
    memset(data, 'x', size);
    cr_assert_eq(tnd_file_write(path, data, size, &err), TENDRIL_OK, "%s", err.text);
    cr_assert_eq(tnd_file_read(path, size, &bytes, &n, &err), TENDRIL_OK, "%s", err.text);
    cr_assert(n == size && memcmp(bytes, data, size) == 0 && bytes[size] == 0);
    tnd_free(bytes);
    free(data);
  }
  cr_assert(!tnd_path_exists(support_path(folder, "a.part")));
}

Test(file, reading_refuses_what_is_no_plain_file) {
  char *bytes = NULL;
  size_t n;
  cr_assert_eq(tnd_file_read(folder, 10, &bytes, &n, &err), TENDRIL_E_IO);
  cr_assert(says("a folder, not a regular file"));
  cr_assert_eq(mkfifo(support_path(folder, "pipe"), 0600), 0);
  cr_assert_eq(tnd_file_read(support_path(folder, "pipe"), 10, &bytes, &n, &err), TENDRIL_E_IO);
  cr_assert(says("a pipe, not"));
  cr_assert_eq(tnd_file_read("/dev/zero", 10, &bytes, &n, &err), TENDRIL_E_IO);
  cr_assert(says("a device, not"));
  cr_assert_eq(tnd_file_read(support_path(folder, "none"), 10, &bytes, &n, &err), TENDRIL_E_IO);
  cr_assert(says("No such file or directory; check the path"));
  cr_assert_eq(tnd_file_read("", 10, &bytes, &n, &err), TENDRIL_E_IO);
  support_write_file(support_path(folder, "a"), "12345678901", 11);
  cr_assert_eq(tnd_file_read(support_path(folder, "a"), 10, &bytes, &n, &err), TENDRIL_E_IO);
  cr_assert(says("11 bytes, more than 10"));
  cr_assert_eq(tnd_file_read(support_path(folder, "a/b"), 10, &bytes, &n, &err), TENDRIL_E_IO);
  cr_assert(says("a part of the path is a file"));
  cr_assert_null(bytes);
}

Test(file, writing_never_takes_the_place_of_a_folder_or_device) {
  cr_assert_eq(mkdir(support_path(folder, "d"), 0700), 0);
  cr_assert_eq(tnd_file_write(support_path(folder, "d"), "x", 1, &err), TENDRIL_E_IO);
  cr_assert(says("a folder, not a regular file"));
  cr_assert(!tnd_path_exists(support_path(folder, "d.part")));
  cr_assert_eq(tnd_file_write("/dev/null", "x", 1, &err), TENDRIL_E_IO);
  cr_assert(says("/dev/null: a device, not a regular file"));
  cr_assert_eq(tnd_file_write(support_path(folder, "none/a"), "x", 1, &err), TENDRIL_E_IO);
  support_write_file(support_path(folder, "f"), "x", 1);
  cr_assert_eq(tnd_file_write(support_path(folder, "f/a"), "x", 1, &err), TENDRIL_E_IO);
  cr_assert_eq(tnd_file_write("", "x", 1, &err), TENDRIL_E_IO);
}

Test(file, a_full_disk_keeps_the_old_file_and_leaves_nothing_beside_it) {
  const char *path = support_path(folder, "a");
  char large[10000] = {0};
  cr_assert_eq(tnd_file_write(path, "old", 3, &err), TENDRIL_OK);
  limit_file_size(5000);
  cr_assert_eq(tnd_file_write(path, large, sizeof large, &err), TENDRIL_E_IO);
  cr_assert(says("a: not written: File too large; raise the limit"));
  cr_assert(!tnd_path_exists(support_path(folder, "a.part")));
  assert_holds(path, "old");
}

Test(file, a_full_device_is_called_a_full_disk) {
  int fd = open("/dev/full", O_WRONLY);
  int64_t offset = 0;
  cr_assert(fd >= 0);
  cr_assert_eq(tnd_fd_append(fd, "/dev/full", &offset, "x", 1, &err), TENDRIL_E_IO);
  cr_assert_str_eq(err.text, "/dev/full: not written: No space left on device; free some space and "
                             "try again");
  cr_assert_eq(offset, 0);
  close(fd);
}

Test(file, an_append_that_fails_half_way_is_taken_back) {
  const char *path = support_path(folder, "log");
  char large[10000] = {0};
  int fd = -1;
  int64_t offset = 0;
  cr_assert_eq(tnd_fd_create(path, &fd, &err), TENDRIL_OK);
  cr_assert_eq(tnd_fd_append(fd, path, &offset, "row\n", 4, &err), TENDRIL_OK);
  limit_file_size(5000);
  cr_assert_eq(tnd_fd_append(fd, path, &offset, large, sizeof large, &err), TENDRIL_E_IO);
  cr_assert_eq(offset, 4);
  assert_holds(path, "row\n");
  cr_assert_eq(tnd_fd_append(fd, path, &offset, "next\n", 5, &err), TENDRIL_OK);
  assert_holds(path, "row\nnext\n");
  close(fd);
  cr_assert_eq(tnd_fd_create(path, &fd, &err), TENDRIL_E_EXISTS);
}

Test(file, what_a_crash_left_aside_is_no_obstacle) {
  support_write_file(support_path(folder, "a.part"), "half", 4);
  cr_assert_eq(tnd_file_write(support_path(folder, "a"), "new", 3, &err), TENDRIL_OK);
  assert_holds(support_path(folder, "a"), "new");
  // nor a way to have another file overwritten
  support_write_file(support_path(folder, "other"), "other", 5);
  cr_assert_eq(symlink(support_path(folder, "other"), support_path(folder, "a.part")), 0);
  cr_assert_eq(tnd_file_write(support_path(folder, "a"), "newer", 5, &err), TENDRIL_OK);
  assert_holds(support_path(folder, "other"), "other");
}

Test(file, folders_are_made_with_their_parents) {
  cr_assert_eq(tnd_folder_make(support_path(folder, "a//b/c/"), &err), TENDRIL_OK);
  cr_assert(tnd_path_is_folder(support_path(folder, "a/b/c")));
  cr_assert_eq(tnd_folder_make(support_path(folder, "a/b/c"), &err), TENDRIL_OK);
  support_write_file(support_path(folder, "f"), "", 0);
  cr_assert_eq(tnd_folder_make(support_path(folder, "f"), &err), TENDRIL_E_IO);
  cr_assert(says("f: a file, where a folder should be"));
  cr_assert_eq(tnd_folder_make(support_path(folder, "f/g"), &err), TENDRIL_E_IO);
  cr_assert_eq(tnd_folder_make("", &err), TENDRIL_E_IO);
}

Test(file, folders_are_removed_with_what_is_in_them_but_not_through_links) {
  cr_assert_eq(tnd_folder_make(support_path(folder, "run/checkpoints/old"), &err), TENDRIL_OK);
  cr_assert_eq(tnd_folder_make(support_path(folder, "precious"), &err), TENDRIL_OK);
  support_write_file(support_path(folder, "precious/file"), "x", 1);
  support_write_file(support_path(folder, "run/checkpoints/last"), "x", 1);
  cr_assert_eq(symlink(support_path(folder, "precious"), support_path(folder, "run/link")), 0);
  cr_assert_eq(symlink(support_path(folder, "precious"), support_path(folder, "link")), 0);
  cr_assert_eq(tnd_folder_remove(support_path(folder, "run"), &err), TENDRIL_OK, "%s", err.text);
  cr_assert(!tnd_path_exists(support_path(folder, "run")));
  cr_assert(tnd_path_exists(support_path(folder, "precious/file")));
  cr_assert_eq(tnd_folder_remove(support_path(folder, "run"), &err), TENDRIL_OK);

  cr_assert_eq(tnd_folder_remove(support_path(folder, "link"), &err), TENDRIL_E_IO);
  cr_assert_eq(tnd_folder_remove(support_path(folder, "precious/file"), &err), TENDRIL_E_IO);
  cr_assert_eq(tnd_folder_remove("", &err), TENDRIL_E_IO);
  cr_assert_eq(tnd_folder_remove("/", &err), TENDRIL_E_ARGUMENT);
  cr_assert(tnd_path_exists(support_path(folder, "precious/file")));
}

Test(file, paths_are_joined_or_refused) {
  char out[TND_PATH_MAX], longest[TND_PATH_MAX];
  cr_assert_eq(tnd_path_join("a", "b", out, &err), TENDRIL_OK);
  cr_assert_str_eq(out, "a/b");
  cr_assert_eq(tnd_path_join("a/", "b", out, &err), TENDRIL_OK);
  cr_assert_str_eq(out, "a/b");
  cr_assert_eq(tnd_path_join("", "b", out, &err), TENDRIL_OK);
  cr_assert_str_eq(out, "b");
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  cr_assert_eq(tnd_path_join(longest, "b", out, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_file_write(longest, "x", 1, &err), TENDRIL_E_IO);
  cr_assert_eq(tnd_folder_make(longest, &err), TENDRIL_E_IO);
}

static tendril_status write_and_read(void *context, tendril_error *error) {
  char *bytes = NULL;
  size_t n;
  tendril_status status = tnd_file_write(context, "abc", 3, error);
  if (status == TENDRIL_OK) status = tnd_file_read(context, 10, &bytes, &n, error);
  tnd_free(bytes);
  return status;
}

Test(file, survives_every_failing_allocation) {
  support_fail_each_alloc(write_and_read, (char *)support_path(folder, "a"));
}

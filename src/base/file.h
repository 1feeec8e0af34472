// Files and folders: whole reads, writes that are never half done, paths.
#ifndef TND_FILE_H
#define TND_FILE_H

#include "base/status.h"

#define TND_PATH_MAX 4096

// out [TND_PATH_MAX] = "folder/name". E_ARGUMENT if it does not fit.
TENDRIL_MUST_CHECK tendril_status tnd_path_join(const char *folder, const char *name, char *out,
                                                tendril_error *err);
bool tnd_path_exists(const char *path);
bool tnd_path_is_folder(const char *path);

// The whole regular file, with a zero byte behind it; E_IO if it is larger than `limit` bytes.
// Folders, FIFOs and devices are refused. *out owned by the caller, tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_file_read(const char *path, size_t limit, char **out,
                                                size_t *size, tendril_error *err);

// Written aside ("path.part"), synced, renamed, folder synced: `path` holds the old bytes or the
// new ones, and nothing is left behind after an error. Takes the place of a regular file only.
TENDRIL_MUST_CHECK tendril_status tnd_file_write(const char *path, const void *bytes, size_t size,
                                                 tendril_error *err);

// Makes the folder and its missing parents; fine if it is there.
TENDRIL_MUST_CHECK tendril_status tnd_folder_make(const char *path, tendril_error *err);
// Removes a folder with all that is in it, following no links; fine if it is not there.
TENDRIL_MUST_CHECK tendril_status tnd_folder_remove(const char *path, tendril_error *err);
// What was renamed or made in the folder of `path` is on the disk.
TENDRIL_MUST_CHECK tendril_status tnd_folder_sync(const char *path, tendril_error *err);

// For the writers of logs, which keep a file open.

// Opens a regular file with O_RDONLY or O_RDWR; anything else is refused.
TENDRIL_MUST_CHECK tendril_status tnd_fd_open(const char *path, int flags, int *out, int64_t *size,
                                              tendril_error *err);
// Makes a file that is not there yet, for writing; E_EXISTS if it is.
TENDRIL_MUST_CHECK tendril_status tnd_fd_create(const char *path, int *out, tendril_error *err);
// Fills bytes[0..size-1] from the file's `offset`; *got is less than size at its end only.
TENDRIL_MUST_CHECK tendril_status tnd_fd_read(int fd, const char *path, int64_t offset, void *bytes,
                                              size_t size, size_t *got, tendril_error *err);
// Writes all at *offset, the file's end, and moves *offset on. After an error the file is cut back
// to *offset, so that no part of the bytes is left in it.
TENDRIL_MUST_CHECK tendril_status tnd_fd_append(int fd, const char *path, int64_t *offset,
                                                const void *bytes, size_t size, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_fd_cut(int fd, const char *path, int64_t size,
                                             tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_fd_sync(int fd, const char *path, tendril_error *err);

// A piece of an open file in memory, for reading it from front to back. Starts as {0}.
typedef struct tnd_window {
  int fd;
  const char *path;  // borrowed
  size_t room;       // the longest piece that can be asked for
  int64_t at;        // the piece in memory: bytes [n] from this offset
  size_t n, memory;
  unsigned char *bytes;  // [memory]
} tnd_window;

TENDRIL_MUST_CHECK tendril_status tnd_window_open(tnd_window *window, int fd, const char *path,
                                                  size_t room, tendril_error *err);
void tnd_window_close(tnd_window *window);
// *bytes [*got] from offset `at` on, borrowed until the next call; *got is less than n <= room at
// the file's end only.
TENDRIL_MUST_CHECK tendril_status tnd_window_get(tnd_window *window, int64_t at, size_t n,
                                                 const unsigned char **bytes, size_t *got,
                                                 tendril_error *err);

// E_IO with "path: not written: No space left on device; free some space and try again"; `code` is
// an errno.
tendril_status tnd_fail_io(tendril_error *err, const char *path, const char *what, int code);
#ifdef __clang_analyzer__
#define tnd_fail_io(err, path, what, code) ((void)tnd_fail_io(err, path, what, code), TENDRIL_E_IO)
#endif

#endif

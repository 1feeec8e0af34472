// Files in the making over POSIX. See aside.h.
#include "base/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

tendril_status tnd_aside_begin(tnd_aside *aside, const char *path, tendril_error *err) {
  *aside = (tnd_aside){.fd = -1};
  // a rename would put a file in the place of /dev/null, too
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
    return tnd_fail(err, TENDRIL_E_IO, "%.300s: %s; give the path of a file", path,
                    S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
  const int n = snprintf(aside->part, sizeof aside->part, "%s.part", path);
  if (n < 0 || n >= (int)sizeof aside->part)
    return tnd_fail_io(err, path, "not written", ENAMETOOLONG);
  snprintf(aside->path, sizeof aside->path, "%s", path);

  // a new file, whatever an earlier crash left under that name
  unlink(aside->part);
  aside->fd = open(aside->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return aside->fd < 0 ? tnd_fail_io(err, path, "not written", errno) : TENDRIL_OK;
}

tendril_status tnd_aside_add(tnd_aside *aside, const void *bytes, size_t n, tendril_error *err) {
  return tnd_fd_append(aside->fd, aside->path, &aside->size, bytes, n, err);
}

tendril_status tnd_aside_commit(tnd_aside *aside, tendril_error *err) {
  // a full disk may show as late as in sync or close
  tendril_status status = tnd_fd_sync(aside->fd, aside->path, err);
  if (close(aside->fd) && errno != EINTR && status == TENDRIL_OK)
    status = tnd_fail_io(err, aside->path, "not written", errno);
  aside->fd = -1;
  if (status == TENDRIL_OK && rename(aside->part, aside->path))
    status = tnd_fail_io(err, aside->path, "not written", errno);
  if (status != TENDRIL_OK) {
    unlink(aside->part);
    return status;
  }
  return tnd_folder_sync(aside->path, err);
}

void tnd_aside_abandon(tnd_aside *aside) {
  if (aside->fd < 0) return;
  close(aside->fd);
  aside->fd = -1;
  unlink(aside->part);
}

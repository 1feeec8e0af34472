// Files and folders over POSIX. A file is replaced by writing beside it, syncing, renaming and
// syncing the folder; every failing call is reported with its reason and what to do about it.
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#undef tnd_fail_io  // the function itself, not what the analyser is told of it

// what a person can do about it; NULL if the reason says enough
static const char *mend(int code) {
  switch (code) {
  case ENOENT:
    return "check the path";
  case ENOTDIR:
    return "a part of the path is a file; check the path";
  case EISDIR:
    return "give the path of a file";
  case EACCES:
  case EPERM:
    return "change the permissions or the path";
  case EROFS:
    return "write to another place";
  case ENOSPC:
  case EDQUOT:
    return "free some space and try again";
  case EFBIG:
    return "raise the limit on file sizes (ulimit -f)";
  case EMFILE:
  case ENFILE:
    return "close some files or raise the limit (ulimit -n)";
  case ENAMETOOLONG:
    return "use a shorter path";
  case ELOOP:
    return "links lead in a circle; check the path";
  default:
    return NULL;
  }
}

tendril_status tnd_fail_io(tendril_error *err, const char *path, const char *what, int code) {
  char text[128];
  const char *reason = strerror_r(code, text, sizeof text), *advice = mend(code);
  // of a long path the end, so that the reason has its place
  const size_t n = strlen(path), most = 250;
  return tnd_fail(err, TENDRIL_E_IO, "%s%s: %s: %s%s%s", n > most ? "..." : "",
                  n > most ? path + n - most : path, what, reason, advice ? "; " : "",
                  advice ? advice : "");
}

// ------------------------------------------------------------------------------------------ paths

tendril_status tnd_path_join(const char *folder, const char *name, char *out, tendril_error *err) {
  size_t n = strlen(folder);
  const char *slash = n && folder[n - 1] != '/' ? "/" : "";
  int length = snprintf(out, TND_PATH_MAX, "%s%s%s", folder, slash, name);
  if (length >= 0 && length < TND_PATH_MAX) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "%.100s...: a path of %d bytes; use a shorter one",
                  folder, length);
}

bool tnd_path_exists(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0;
}

bool tnd_path_is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

// out [TND_PATH_MAX] = the folder that holds path
static tendril_status parent(const char *path, char *out, tendril_error *err) {
  size_t n = strlen(path);
  if (n == 0 || n >= TND_PATH_MAX)
    return tnd_fail_io(err, n ? "the path" : "an empty path", "not usable",
                       n ? ENAMETOOLONG : ENOENT);
  while (n > 1 && path[n - 1] == '/')
    n--;
  while (n > 0 && path[n - 1] != '/')
    n--;
  while (n > 1 && path[n - 1] == '/')
    n--;
  snprintf(out, TND_PATH_MAX, "%.*s", n ? (int)n : 1, n ? path : ".");
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- open
// descriptors

static const char *kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "a socket";
}

static tendril_status fail_kind(tendril_error *err, const char *path, mode_t mode) {
  return tnd_fail(err, TENDRIL_E_IO, "%s: %s, not a regular file; give the path of a file", path,
                  kind_of(mode));
}

tendril_status tnd_fd_open(const char *path, int flags, int *out, int64_t *size,
                           tendril_error *err) {
  // looked at before it is opened: opening a device can have effects of its own
  struct stat info;
  if (stat(path, &info)) return tnd_fail_io(err, path, "not opened", errno);
  if (!S_ISREG(info.st_mode)) return fail_kind(err, path, info.st_mode);

  // and after, should it have changed; O_NONBLOCK never waits for the other end of a pipe
  int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return tnd_fail_io(err, path, "not opened", errno);
  tendril_status status = TENDRIL_OK;
  if (fstat(fd, &info))
    status = tnd_fail_io(err, path, "not opened", errno);
  else if (!S_ISREG(info.st_mode))
    status = fail_kind(err, path, info.st_mode);
  if (status == TENDRIL_OK) {
    *out = fd;
    *size = info.st_size;
  } else {
    close(fd);
  }
  return status;
}

tendril_status tnd_fd_create(const char *path, int *out, tendril_error *err) {
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST)
    return tnd_fail(err, TENDRIL_E_EXISTS, "%s: there already; use another folder or --force",
                    path);
  if (fd < 0) return tnd_fail_io(err, path, "not made", errno);
  *out = fd;
  return TENDRIL_OK;
}

tendril_status tnd_fd_read(int fd, const char *path, int64_t offset, void *bytes, size_t size,
                           size_t *got, tendril_error *err) {
  *got = 0;
  while (*got < size) {
    ssize_t n = pread(fd, (char *)bytes + *got, size - *got, offset + (int64_t)*got);
    if (n == 0) break;
    if (n > 0)
      *got += (size_t)n;
    else if (errno != EINTR)
      return tnd_fail_io(err, path, "not read", errno);
  }
  return TENDRIL_OK;
}

tendril_status tnd_fd_append(int fd, const char *path, int64_t *offset, const void *bytes,
                             size_t size, tendril_error *err) {
  size_t done = 0;
  while (done < size) {
    ssize_t n = pwrite(fd, (const char *)bytes + done, size - done, *offset + (int64_t)done);
    if (n >= 0) {
      done += (size_t)n;
    } else if (errno != EINTR) {
      tendril_status status = tnd_fail_io(err, path, "not written", errno);
      if (done > 0 && ftruncate(fd, *offset))
        return tnd_fail_io(err, path, "half a row is left after a failed write", errno);
      return status;
    }
  }
  *offset += (int64_t)size;
  return TENDRIL_OK;
}

tendril_status tnd_fd_cut(int fd, const char *path, int64_t size, tendril_error *err) {
  while (ftruncate(fd, size))
    if (errno != EINTR) return tnd_fail_io(err, path, "not cut", errno);
  return TENDRIL_OK;
}

tendril_status tnd_fd_sync(int fd, const char *path, tendril_error *err) {
  // some file systems know no sync; there is nothing to do about that
  while (fsync(fd)) {
    if (errno == EINVAL || errno == ENOTSUP || errno == EROFS) break;
    if (errno != EINTR) return tnd_fail_io(err, path, "not written", errno);
  }
  return TENDRIL_OK;
}

tendril_status tnd_window_open(tnd_window *window, int fd, const char *path, size_t room,
                               tendril_error *err) {
  size_t memory = room < (1 << 18) ? 1 << 18 : room;
  unsigned char *bytes = tnd_alloc(memory);
  if (!bytes) return tnd_fail_memory(err);
  *window = (tnd_window){.fd = fd, .path = path, .room = room, .memory = memory, .bytes = bytes};
  return TENDRIL_OK;
}

void tnd_window_close(tnd_window *window) {
  tnd_free(window->bytes);
  *window = (tnd_window){0};
}

tendril_status tnd_window_get(tnd_window *window, int64_t at, size_t n, const unsigned char **bytes,
                              size_t *got, tendril_error *err) {
  int64_t end = window->at + (int64_t)window->n;
  if (at < window->at || at + (int64_t)n > end) {
    // what lies ahead, as far as there is memory
    window->at = at;
    TENDRIL_TRY(
        tnd_fd_read(window->fd, window->path, at, window->bytes, window->memory, &window->n, err));
    end = at + (int64_t)window->n;
  }
  *bytes = window->bytes + (at - window->at);
  *got = (size_t)(end - at) < n ? (size_t)(end - at) : n;
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------------ files

tendril_status tnd_file_read(const char *path, size_t limit, char **out, size_t *size,
                             tendril_error *err) {
  int fd = -1;
  int64_t length = 0;
  size_t got = 0;
  char *bytes = NULL;
  TENDRIL_TRY(tnd_fd_open(path, O_RDONLY, &fd, &length, err));
  tendril_status status = TENDRIL_OK;
  if ((uint64_t)length > limit)
    status = tnd_fail(err, TENDRIL_E_IO, "%s: %lld bytes, more than %zu; is this the right file?",
                      path, (long long)length, limit);
  if (status == TENDRIL_OK) {
    // one byte more than there should be: a file that grows meanwhile is not read in part
    bytes = tnd_alloc((size_t)length + 1);
    if (!bytes) status = tnd_fail_memory(err);
  }
  if (status == TENDRIL_OK) status = tnd_fd_read(fd, path, 0, bytes, (size_t)length + 1, &got, err);
  if (status == TENDRIL_OK && got != (size_t)length)
    status = tnd_fail(err, TENDRIL_E_IO, "%s: changed while it was read; try again", path);
  if (status == TENDRIL_OK) {
    *out = bytes;
    *size = got;
    bytes = NULL;
  }
  tnd_free(bytes);
  close(fd);
  return status;
}

tendril_status tnd_folder_sync(const char *path, tendril_error *err) {
  char folder[TND_PATH_MAX];
  TENDRIL_TRY(parent(path, folder, err));
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == EACCES) return TENDRIL_OK;  // may be written but not listed
  if (fd < 0) return tnd_fail_io(err, folder, "not opened", errno);
  tendril_status status = tnd_fd_sync(fd, folder, err);
  close(fd);
  return status;
}

tendril_status tnd_file_write(const char *path, const void *bytes, size_t size,
                              tendril_error *err) {
  // a rename would put a file in the place of /dev/null, too
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) return fail_kind(err, path, info.st_mode);

  // aside: a new file, whatever an earlier crash left under that name
  char aside[TND_PATH_MAX];
  int length = snprintf(aside, sizeof aside, "%s.part", path);
  if (length < 0 || length >= (int)sizeof aside)
    return tnd_fail_io(err, path, "not written", ENAMETOOLONG);
  unlink(aside);
  int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return tnd_fail_io(err, path, "not written", errno);

  // a full disk may show as late as in sync or close
  int64_t offset = 0;
  tendril_status status = tnd_fd_append(fd, path, &offset, bytes, size, err);
  if (status == TENDRIL_OK) status = tnd_fd_sync(fd, path, err);
  if (close(fd) && errno != EINTR && status == TENDRIL_OK)
    status = tnd_fail_io(err, path, "not written", errno);

  if (status == TENDRIL_OK && rename(aside, path))
    status = tnd_fail_io(err, path, "not written", errno);
  if (status != TENDRIL_OK) {
    unlink(aside);
    return status;
  }
  return tnd_folder_sync(path, err);
}

// ---------------------------------------------------------------------------------------- folders

static tendril_status make_one(const char *path, tendril_error *err) {
  if (mkdir(path, 0777) == 0) return TENDRIL_OK;
  const int code = errno;  // the look at the path changes it
  if (tnd_path_is_folder(path)) return TENDRIL_OK;
  if (code == EEXIST)
    return tnd_fail(err, TENDRIL_E_IO, "%s: a file, where a folder should be; use another path",
                    path);
  return tnd_fail_io(err, path, "folder not made", code);
}

tendril_status tnd_folder_make(const char *path, tendril_error *err) {
  char part[TND_PATH_MAX];
  size_t n = strlen(path);
  if (n == 0) return tnd_fail_io(err, "an empty path", "folder not made", ENOENT);
  if (n >= sizeof part) return tnd_fail_io(err, path, "folder not made", ENAMETOOLONG);
  memcpy(part, path, n + 1);

  // parents first: up to every slash that ends a name
  for (size_t i = 1; i < n; i++) {
    if (path[i] != '/' || path[i - 1] == '/') continue;
    part[i] = 0;
    TENDRIL_TRY(make_one(part, err));
    part[i] = '/';
  }
  return make_one(path, err);
}

// Empties the folder fd, and closes it.
static int empty_folder(int fd, int depth) {
  DIR *folder = fdopendir(fd);
  if (!folder) {
    int code = errno;
    close(fd);
    return code;
  }
  int code = 0;
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir(folder);
    if (!entry) {
      if (code == 0) code = errno;
      break;
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (unlinkat(fd, entry->d_name, 0) == 0) continue;

    // not a plain entry: a folder, never the target of a link
    const int refused = errno;
    int inner = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0)
      code = errno == ENOTDIR || errno == ELOOP ? refused : errno;
    else if (depth == 64)
      close(inner), code = ELOOP;
    else
      code = empty_folder(inner, depth + 1);
    if (code == 0 && unlinkat(fd, entry->d_name, AT_REMOVEDIR)) code = errno;
    if (code) break;
  }
  closedir(folder);
  return code;
}

tendril_status tnd_folder_remove(const char *path, tendril_error *err) {
  // a link to a folder is not the folder
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && *path) return TENDRIL_OK;
  if (fd < 0) return tnd_fail_io(err, path, "not removed", errno);

  // nobody means the whole file system
  struct stat root, info;
  if (stat("/", &root) == 0 && fstat(fd, &info) == 0 && root.st_dev == info.st_dev &&
      root.st_ino == info.st_ino) {
    close(fd);
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: won't remove the root folder", path);
  }
  int code = empty_folder(fd, 0);
  if (code == 0 && rmdir(path)) code = errno;
  return code ? tnd_fail_io(err, path, "not removed", code) : TENDRIL_OK;
}

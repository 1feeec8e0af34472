// Files in memory for the targets that read and change files.
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

int fuzz_file(const uint8_t *data, size_t size, char path[64]) {
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  FUZZ_CHECK(fd >= 0);
  FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
  snprintf(path, 64, "/proc/self/fd/%d", fd);
  return fd;
}

uint8_t *fuzz_file_bytes(int fd, size_t *size) {
  off_t n = lseek(fd, 0, SEEK_END);
  FUZZ_CHECK(n >= 0);
  uint8_t *bytes = malloc((size_t)n + 1);
  FUZZ_CHECK(bytes && pread(fd, bytes, (size_t)n, 0) == n);
  *size = (size_t)n;
  return bytes;
}

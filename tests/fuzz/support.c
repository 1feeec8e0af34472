// Files for the targets: in memory, and made from real ones.
#include "fuzz.h"

#include <string.h>
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

uint8_t *fuzz_changed(const char *real, size_t nreal, const uint8_t *data, size_t *size) {
  if (*size < 3 || data[0] == 0) {
    *size -= *size > 0;
    uint8_t *file = malloc(*size + 1);
    FUZZ_CHECK(file != NULL);
    memcpy(file, data + 1, *size);
    return file;
  }
  static const uint64_t numbers[] = {
      0x7ff8000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7fefffffffffffff,
      0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 1,
  };
  uint8_t *file = malloc(nreal);
  FUZZ_CHECK(file != NULL);
  memcpy(file, real, nreal);
  uint64_t header;
  memcpy(&header, real, 8);
  const size_t first = 8 + header, nnumber = (nreal - first) / 8;
  for (size_t i = 3; i + 5 <= *size; i += 5) {
    const size_t place = (size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2];
    if (data[i + 3] & 1)
      memcpy(file + first + 8 * (place % nnumber), &numbers[data[i + 4] % 8], 8);
    else
      file[place % nreal] = data[i + 4];
  }
  *size = nreal * ((size_t)data[1] << 8 | data[2]) / 65535;
  return file;
}

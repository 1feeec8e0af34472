// Event files, reopened: any bytes end in an error and an unchanged file, or in a part of the file
// from its start, to which records can be added and which opens again just so. A fuzzer would never
// guess a checksum, so the first byte of the input says whether they are put right first.
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "run/events.h"

static uint32_t masked_crc(const uint8_t *bytes, size_t n) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < n; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void mend(uint8_t *file, size_t size) {
  for (size_t at = 0; size - at >= 16;) {
    uint64_t length;
    memcpy(&length, file + at, 8);
    uint32_t crc = masked_crc(file + at, 8);
    memcpy(file + at + 8, &crc, 4);
    if (length > size - at - 16) break;
    crc = masked_crc(file + at + 12, length);
    memcpy(file + at + 12 + length, &crc, 4);
    at += 16 + length;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  int64_t last = (int8_t)data[1];
  bool mended = data[0] & 1;
  data += 2, size -= 2;
  uint8_t *file = malloc(size ? size : 1), *kept, *longer, *same;
  FUZZ_CHECK(file != NULL);
  if (size) memcpy(file, data, size);
  if (mended) mend(file, size);

  char path[64];
  size_t n, m, k;
  tendril_error err;
  tnd_events *events = NULL;
  int fd = fuzz_file(file, size, path);
  tendril_status status = tnd_events_open_at(path, last, &events, &err);
  kept = fuzz_file_bytes(fd, &n);
  FUZZ_CHECK(n <= size && memcmp(kept, file, n) == 0);
  if (status == TENDRIL_OK) {
    FUZZ_CHECK(n > 0);
    FUZZ_CHECK(tnd_events_scalar(events, "a", 1000, 0, 1, &err) == TENDRIL_OK);
    FUZZ_CHECK(tnd_events_flush(events, &err) == TENDRIL_OK);
    tnd_events_destroy(events);
    longer = fuzz_file_bytes(fd, &m);
    FUZZ_CHECK(m > n && memcmp(longer, kept, n) == 0);
    // all of it is good, and goes or stays as asked
    FUZZ_CHECK(tnd_events_open_at(path, 1000, &events, &err) == TENDRIL_OK);
    tnd_events_destroy(events);
    same = fuzz_file_bytes(fd, &k);
    FUZZ_CHECK(k == m);
    free(same);
    FUZZ_CHECK(tnd_events_open_at(path, last, &events, &err) == TENDRIL_OK);
    tnd_events_destroy(events);
    same = fuzz_file_bytes(fd, &k);
    FUZZ_CHECK(k == n);
    free(same);
    free(longer);
  } else {
    FUZZ_CHECK(n == size && events == NULL);
  }
  free(kept);
  free(file);
  close(fd);
  return 0;
}

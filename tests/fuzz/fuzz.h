// What every fuzz target shares. A target is one function that takes any bytes and crashes (abort,
// sanitizer) when something is wrong; libFuzzer drives it, and replay.c feeds it the corpus.
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// An assert that release builds keep.
#define FUZZ_CHECK(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition);                     \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

// A file in memory with these bytes, and its path under /proc.
int fuzz_file(const uint8_t *data, size_t size, char path[64]);
// What is in it now; free() it.
uint8_t *fuzz_file_bytes(int fd, size_t *size);

// Bytes [*size] of the file that an input means, for files that a fuzzer would be long in guessing:
// changes to a real one, of the format of tnd_tensors_write(). free() them.
//   kind    0: the rest is the file itself; else changes follow
//   u16     how much of the file is left, in 1/65535
//   change  u24 place, u8 what, u8 value: one byte, or the 8-byte number at that place
uint8_t *fuzz_changed(const char *real, size_t nreal, const uint8_t *data, size_t *size);

#endif

// Text and bytes that grow. A failed allocation sticks: what is added afterwards is dropped, so a
// writer checks `failed` once, at its end.
#ifndef TND_BUFFER_H
#define TND_BUFFER_H

#include "base/status.h"

typedef struct tnd_buffer {
  char *text;      // n bytes with a zero byte behind them; NULL while nothing was added
  size_t n, room;  // bytes in use, bytes allocated
  bool failed;     // out of memory
} tnd_buffer;

void tnd_buffer_add(tnd_buffer *buffer, const void *bytes, size_t n);
void tnd_buffer_text(tnd_buffer *buffer, const char *text);
TENDRIL_FORMAT(2, 3) void tnd_buffer_format(tnd_buffer *buffer, const char *format, ...);
// n more bytes for the caller to fill; NULL after a failure, which leaves the text as it was.
void *tnd_buffer_room(tnd_buffer *buffer, size_t n);
// The shortest decimal that reads back as the same number (base/number.h).
void tnd_buffer_number(tnd_buffer *buffer, double value);
// A word for a command line that is to be copied, in single quotes where the shell needs them.
void tnd_buffer_shell_word(tnd_buffer *buffer, const char *word);

// *out = the text, the caller's (tnd_free()), and an empty buffer; E_MEMORY if an addition failed.
TENDRIL_MUST_CHECK tendril_status tnd_buffer_take(tnd_buffer *buffer, char **out, size_t *n,
                                                  tendril_error *err);
void tnd_buffer_free(tnd_buffer *buffer);

#endif

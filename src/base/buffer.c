// Text and bytes that grow by doubling, over tnd_alloc().
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"

// room for `more` bytes and the zero byte behind them
static bool reserve(tnd_buffer *buffer, size_t more) {
  if (buffer->failed) return false;
  size_t needed = buffer->n + more + 1;
  if (needed <= buffer->room) return true;
  size_t room = buffer->room ? buffer->room : 256;
  while (room < needed && room < SIZE_MAX / 4)
    room *= 2;
  char *text = more < SIZE_MAX / 8 ? tnd_alloc(room) : NULL;
  if (!text) {
    buffer->failed = true;
    return false;
  }
  if (buffer->n) memcpy(text, buffer->text, buffer->n);
  tnd_free(buffer->text);
  buffer->text = text;
  buffer->room = room;
  return true;
}

void tnd_buffer_add(tnd_buffer *buffer, const void *bytes, size_t n) {
  if (!reserve(buffer, n)) return;
  if (n) memcpy(buffer->text + buffer->n, bytes, n);
  buffer->n += n;
  buffer->text[buffer->n] = 0;
}

void *tnd_buffer_room(tnd_buffer *buffer, size_t n) {
  if (!reserve(buffer, n)) return NULL;
  char *room = buffer->text + buffer->n;
  buffer->n += n;
  buffer->text[buffer->n] = 0;
  return room;
}

void tnd_buffer_text(tnd_buffer *buffer, const char *text) {
  tnd_buffer_add(buffer, text, strlen(text));
}

void tnd_buffer_format(tnd_buffer *buffer, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  if (n >= 0 && reserve(buffer, (size_t)n)) {
    vsnprintf(buffer->text + buffer->n, (size_t)n + 1, format, again);
    buffer->n += (size_t)n;
  }
  va_end(again);
  va_end(args);
}

void tnd_buffer_number(tnd_buffer *buffer, double value) {
  char text[TND_NUMBER_MAX];
  tnd_number_print(value, text);
  tnd_buffer_text(buffer, text);
}

void tnd_buffer_shell_word(tnd_buffer *buffer, const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "_-./+=:,@%";
  if (*word && strspn(word, plain) == strlen(word)) {
    tnd_buffer_text(buffer, word);
    return;
  }
  tnd_buffer_text(buffer, "'");
  for (; *word; word++) {
    // a quote itself: out of the quotes, escaped, in again
    if (*word == '\'')
      tnd_buffer_text(buffer, "'\\''");
    else
      tnd_buffer_add(buffer, word, 1);
  }
  tnd_buffer_text(buffer, "'");
}

tendril_status tnd_buffer_take(tnd_buffer *buffer, char **out, size_t *n, tendril_error *err) {
  tnd_buffer_add(buffer, "", 0);  // an empty text is a text too
  if (buffer->failed) {
    tnd_buffer_free(buffer);
    return tnd_fail_memory(err);
  }
  *out = buffer->text;
  if (n) *n = buffer->n;
  *buffer = (tnd_buffer){0};
  return TENDRIL_OK;
}

void tnd_buffer_free(tnd_buffer *buffer) {
  tnd_free(buffer->text);
  *buffer = (tnd_buffer){0};
}

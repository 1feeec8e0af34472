// Status texts and the one-line error messages that travel with them.
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

// the functions themselves, not what the analyser is told of them
#undef tnd_fail
#undef tnd_fail_memory

const char *tendril_status_text(tendril_status status) {
  switch (status) {
#define X(name, text)                                                                              \
  case TENDRIL_##name:                                                                             \
    return text;
    TENDRIL_STATUS_MAP(X)
#undef X
  }
  return "unknown status";
}

const char *tendril_version(void) {
  return TENDRIL_VERSION;
}

tendril_status tnd_fail(tendril_error *err, tendril_status status, const char *format, ...) {
  if (err) {
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    // one line, whatever was in a name that it quotes
    for (char *c = err->text; *c; c++)
      if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
  }
  return status;
}

tendril_status tnd_fail_memory(tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_MEMORY, "out of memory; ask for a smaller batch or network");
}

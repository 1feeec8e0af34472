// Passing errors up: the private side of tendril/base.h.
#ifndef TND_STATUS_H
#define TND_STATUS_H

#include <tendril/base.h>

// Fills err (may be NULL) with one formatted line and returns status.
TENDRIL_FORMAT(3, 4)
tendril_status tnd_fail(tendril_error *err, tendril_status status, const char *format, ...);

// "out of memory" for the caller's error line.
tendril_status tnd_fail_memory(tendril_error *err);

// The analyser sees one file at a time; this tells it that a failure is never TENDRIL_OK.
#ifdef __clang_analyzer__
#define tnd_fail(err, status, ...) ((void)tnd_fail(err, status, __VA_ARGS__), (status))
#define tnd_fail_memory(err) ((void)tnd_fail_memory(err), TENDRIL_E_MEMORY)
#endif

// Passes an error up where nothing has to be undone.
#define TENDRIL_TRY(call)                                                                          \
  do {                                                                                             \
    tendril_status tendril_try_status = (call);                                                    \
    if (tendril_try_status != TENDRIL_OK) return tendril_try_status;                               \
  } while (0)

#endif

// Ctrl-C: the first asks a long command to finish what it is at, the second ends it at once.
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop, silent;
static const char *text;

static void on_signal(int number) {
  if (stop) {
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  stop = 1;
  const int code = errno;
  if (!silent && write(STDERR_FILENO, text, strlen(text)) < 0) silent = 1;
  errno = code;
}

const volatile sig_atomic_t *cli_stop_on_signals(const char *line, bool quiet) {
  text = line;
  silent = quiet;
  cli_catch_signals(on_signal);
  return &stop;
}

// Other programs: started without a shell, fed through their standard input, listened to.
//
//   const char *const argv[] = {"gnuplot", "-d", NULL};
//   tnd_process *process;
//   TENDRIL_TRY(tnd_process_start(&(tnd_process_spec){.argv = argv, .package = "gnuplot-nox",
//                                                     .input = true}, &process, err));
//   status = tnd_process_write(process, script, strlen(script), err);
//   if (status == TENDRIL_OK)
//     status = tnd_process_finish(process, &output, &size, err);
//   else
//     tnd_process_abandon(process);
//
// No call here raises SIGPIPE or changes a signal's handling in this process. A program is in a
// process group of its own, so that Ctrl-C on the terminal reaches it only through this process.
#ifndef TND_PROCESS_H
#define TND_PROCESS_H

#include "base/status.h"

typedef struct tnd_process tnd_process;

typedef struct tnd_process_spec {
  const char *const *argv;  // NULL-terminated, borrowed; argv[0] is what it is called
  const char *path;         // where it is; NULL: argv[0] is sought in PATH, unless it has a /
  const char *package;      // Debian package to name if the program is missing, or NULL
  bool input;               // it is fed by tnd_process_write(); otherwise it reads /dev/null
  const int *keep;          // a descriptor that it inherits, at the same number, or NULL
} tnd_process_spec;

// Standard output and standard error are collected in memory, of the latter the end.
// @param out  owned by the caller: tnd_process_finish() or tnd_process_abandon()
// @return E_SYSTEM: "gnuplot: program not found; install Debian's package gnuplot-nox"
TENDRIL_MUST_CHECK tendril_status tnd_process_start(const tnd_process_spec *spec, tnd_process **out,
                                                    tendril_error *err);

// All bytes to its standard input; waits for it to take them. A program that has ended or closed
// its input is E_SYSTEM with its own last words, as far as they have come.
TENDRIL_MUST_CHECK tendril_status tnd_process_write(tnd_process *process, const void *bytes,
                                                    size_t n, tendril_error *err);
// No more input: what it has is all. Doesn't wait.
void tnd_process_end_input(tnd_process *process);

// Whether it has ended. Doesn't wait.
bool tnd_process_ended(tnd_process *process);
// Sends a signal (SIGINT, say) unless it has ended.
void tnd_process_signal(tnd_process *process, int number);

// Ends the input, waits for the program's end, frees the process in any case. Programs that it
// left behind are not waited for, also if they hold its streams.
// @param out  what it wrote to standard output, with a zero byte behind it, owned by the caller,
//             tnd_free(); NULL if it is of no interest. Set on success only
// @return E_SYSTEM unless it ended with 0: "gnuplot: LAST LINE OF STANDARD ERROR"; E_MEMORY
TENDRIL_MUST_CHECK tendril_status tnd_process_finish(tnd_process *process, char **out, size_t *n,
                                                     tendril_error *err);
// Kills it if it is still there, and frees the process. NULL is fine.
void tnd_process_abandon(tnd_process *process);

#endif

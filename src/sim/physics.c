// MuJoCo's error and warning handlers, installed once per process. Without them MuJoCo waits for a
// key and exits on an error, and prints and appends to MUJOCO_LOG.TXT on a warning. An error jumps
// back to the tnd_physics_run() of its own thread; a warning is dropped, since its counter in
// mjData is read after every step.
#include "sim/physics.h"

#include <mujoco/mujoco.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct guard {
  jmp_buf jump;
  struct guard *outer;
} guard;

// the innermost tnd_physics_run() of this thread and what MuJoCo told it
static _Thread_local guard *innermost;
static _Thread_local char message[256];

static pthread_once_t installed = PTHREAD_ONCE_INIT;
static void (*earlier_error)(const char *);
static void (*earlier_warning)(const char *);

static void on_error(const char *text) {
  if (innermost) {
    snprintf(message, sizeof message, "%s", text);
    longjmp(innermost->jump, 1);
  }
  // not a call of this library: as without it, but for the waiting for a key
  if (earlier_error) earlier_error(text);
  fprintf(stderr, "MuJoCo: %s\n", text);
  exit(EXIT_FAILURE);
}

static void on_warning(const char *text) {
  if (!innermost && earlier_warning) earlier_warning(text);
}

static void install(void) {
  earlier_error = mju_user_error;
  earlier_warning = mju_user_warning;
  mju_user_error = on_error;
  mju_user_warning = on_warning;
}

// Line breaks to spaces: errors are one line.
static void one_line(char *text) {
  size_t n = 0;
  for (size_t i = 0; text[i]; i++) {
    bool space = text[i] == '\n' || text[i] == '\r' || text[i] == ' ';
    if (!space) text[n++] = text[i];
    if (space && n && text[n - 1] != ' ') text[n++] = ' ';
  }
  while (n && text[n - 1] == ' ')
    n--;
  text[n] = '\0';
}

tendril_status tnd_physics_run(tnd_physics_call call, void *context, tendril_error *err) {
  pthread_once(&installed, install);
  guard here;
  here.outer = innermost;
  if (setjmp(here.jump)) {
    innermost = here.outer;
    one_line(message);
    return tnd_fail(err, TENDRIL_E_PHYSICS, "MuJoCo: %s", message);
  }
  innermost = &here;
  call(context);
  innermost = here.outer;
  return TENDRIL_OK;
}

// Trainings that stop by themselves, and what two of them wrote compared.
#ifndef SUPPORT_TRAINING_H
#define SUPPORT_TRAINING_H

#include <tendril/run.h>

// Asks to stop after so many iterations.
typedef struct support_stop {
  int64_t at;
  volatile sig_atomic_t flag;
} support_stop;

// stop: stays where it is until the training is over
tendril_run_hooks support_stop_hooks(support_stop *stop);

// Two files of equal bytes.
void support_check_same_file(const char *a, const char *b);

#endif

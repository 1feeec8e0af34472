// What tests of trainings share: the tasks and the folder of a suite, a stop after so many
// iterations, two files compared.
#ifndef SUPPORT_TRAINING_H
#define SUPPORT_TRAINING_H

#include <tendril/run.h>

// The tasks, beside support_folder, of all tests of a suite:
//   TestSuite(train, .init = support_tasks_open, .fini = support_tasks_close);
extern tendril_tasks *support_tasks;
void support_tasks_open(void);
void support_tasks_close(void);

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

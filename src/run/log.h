// The logs of a run: progress.csv and evaluations.csv, and the same numbers as TensorBoard events.
#ifndef TND_LOG_H
#define TND_LOG_H

#include "run/folder.h"

#include <tendril/run.h>

typedef struct tnd_log tnd_log;

// What an iteration took, in seconds, its evaluation apart.
typedef struct tnd_log_times {
  double since_start;  // wall, of this process's part of the run
  double wall;
  double cpu;  // of all threads
} tnd_log_times;

// New logs, or (resume) those in the folder, cut behind iteration `iteration` and step `steps`.
// stats [nstat] are the learner's, borrowed. two_physics: evaluations have columns as_trained_*;
// goal: and succeeded, for a task with a goal.
TENDRIL_MUST_CHECK tendril_status tnd_log_open(const tnd_folder *folder, const tendril_stat *stats,
                                               int nstat, bool two_physics, bool goal, bool resume,
                                               int64_t iteration, int64_t steps, tnd_log **out,
                                               tendril_error *err);
void tnd_log_close(tnd_log *log);

// values [nstat]; the iteration ended after `steps` control steps in all, `taken` of them its own.
TENDRIL_MUST_CHECK tendril_status tnd_log_iteration(tnd_log *log, int64_t iteration, int64_t steps,
                                                    int64_t taken, const double *values,
                                                    const tnd_log_times *times, tendril_error *err);
// as_trained: the same under the training's physics, NULL without two_physics
TENDRIL_MUST_CHECK tendril_status tnd_log_evaluation(tnd_log *log, int64_t iteration, int64_t steps,
                                                     const tendril_eval_result *result,
                                                     const tendril_eval_result *as_trained,
                                                     tendril_error *err);
// Everything written so far is on the disk: a checkpoint may follow.
TENDRIL_MUST_CHECK tendril_status tnd_log_sync(tnd_log *log, tendril_error *err);

#endif

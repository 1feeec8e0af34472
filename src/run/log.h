// The logs of a run: progress.csv and evaluations.csv, and the same numbers as TensorBoard events.
#ifndef TND_LOG_H
#define TND_LOG_H

#include "run/folder.h"

#include <tendril/run.h>

typedef struct tnd_log tnd_log;

// The clock's share of a row, all in seconds of the iteration.
typedef struct tnd_log_times {
  double wall;     // since the process began the run
  double seconds;  // wall time of this iteration without its evaluation
  double cpu;      // CPU time of all threads in it
} tnd_log_times;

// New logs if after_iteration is 0, else those in the folder, cut behind that iteration.
TENDRIL_MUST_CHECK tendril_status tnd_log_open(const tnd_folder *folder, const tendril_stat *stats,
                                               int nstat, const tendril_task *task,
                                               int64_t after_iteration, int64_t after_steps,
                                               tnd_log **out, tendril_error *err);
void tnd_log_close(tnd_log *log);

TENDRIL_MUST_CHECK tendril_status tnd_log_iteration(tnd_log *log, int64_t iteration, int64_t steps,
                                                    const double *values, double steps_taken,
                                                    const tnd_log_times *times, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_log_evaluation(tnd_log *log, int64_t iteration, int64_t steps,
                                                     const tendril_eval_result *result,
                                                     tendril_error *err);
// Everything written so far reaches the files.
TENDRIL_MUST_CHECK tendril_status tnd_log_flush(tnd_log *log, tendril_error *err);

#endif

// The private side of tendril/rollout.h: sizes, snapshots, and a rollout's state for
// checkpoints.
#ifndef TND_ROLLOUT_H
#define TND_ROLLOUT_H

#include "base/options.h"
#include "base/tensors.h"
#include "sim/cost.h"

#include <tendril/rollout.h>

extern const tnd_option_table tnd_rollout_options;

// Rows and paths of the largest batch that there can be.
int64_t tnd_rollout_capacity(const tendril_rollout *rollout);

// From now on every row's state before its step is kept, too. Once per rollout.
TENDRIL_MUST_CHECK tendril_status tnd_rollout_keep_snapshots(tendril_rollout *rollout,
                                                             tendril_error *err);
// [n][tendril_snapshot_size()] of the batch's rows, NULL if they are not kept
const double *tnd_rollout_snapshots(const tendril_rollout *rollout);

// From now on every row's squares of the reward (sim/cost.h) are kept, too, for what it would earn
// at another time. Once per rollout, of a task whose reward depends on time.
TENDRIL_MUST_CHECK tendril_status tnd_rollout_keep_squares(tendril_rollout *rollout,
                                                           tendril_error *err);
// [n] of the batch's rows, NULL if they are not kept
const tnd_reward_squares *tnd_rollout_squares(const tendril_rollout *rollout);

// CPU seconds in mj_step: how much an environment's counter grew, less the time in which the thread
// did not run.
typedef struct tnd_physics_clock {
  double physics, cpu, wall;
} tnd_physics_clock;
tnd_physics_clock tnd_physics_clock_start(const tendril_env *env);
double tnd_physics_clock_stop(const tnd_physics_clock *clock, const tendril_env *env);

// All that the next collection depends on (unfinished episodes, counters of the random streams),
// under names that begin with "rollout.".
TENDRIL_MUST_CHECK tendril_status tnd_rollout_save(const tendril_rollout *rollout,
                                                   tnd_tensors *tensors, tendril_error *err);
// Into a rollout of the same model and options; unchanged after an error.
TENDRIL_MUST_CHECK tendril_status tnd_rollout_load(tendril_rollout *rollout,
                                                   const tnd_tensors *tensors, tendril_error *err);

#endif

// The private side of tendril/rollout.h: sizes, and a rollout's state for checkpoints.
#ifndef TND_ROLLOUT_H
#define TND_ROLLOUT_H

#include "base/options.h"
#include "base/tensors.h"

#include <tendril/rollout.h>

extern const tnd_option_table tnd_rollout_options;

// Rows and paths of the largest batch that there can be.
int64_t tnd_rollout_capacity(const tendril_rollout *rollout);

// All that the next collection depends on (unfinished episodes, counters of the random streams),
// under names that begin with "rollout.".
TENDRIL_MUST_CHECK tendril_status tnd_rollout_save(const tendril_rollout *rollout,
                                                   tnd_tensors *tensors, tendril_error *err);
// Into a rollout of the same model and options; unchanged after an error.
TENDRIL_MUST_CHECK tendril_status tnd_rollout_load(tendril_rollout *rollout,
                                                   const tnd_tensors *tensors, tendril_error *err);

#endif

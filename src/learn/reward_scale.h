// Reward scaling by the running standard deviation of the discounted return
// R <- gamma R + r, one R per stream, set to 0 where an episode begins.
#ifndef TND_REWARD_SCALE_H
#define TND_REWARD_SCALE_H

#include "base/tensors.h"

#include <tendril/rollout.h>

typedef struct tnd_reward_scale {
  int nstream;
  double *R;  // [nstream] discounted return so far, borrowed from the owner's arena
  double count, mean, m2;
} tnd_reward_scale;

// scaled [n] = reward / sd of all R so far, this batch included; the mean is not removed.
void tnd_reward_scale_apply(tnd_reward_scale *scale, const tendril_batch *batch, double gamma,
                            double *scaled);

TENDRIL_MUST_CHECK tendril_status tnd_reward_scale_save(const tnd_reward_scale *scale,
                                                        tnd_tensors *tensors, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_reward_scale_load(tnd_reward_scale *scale,
                                                        const tnd_tensors *tensors,
                                                        tendril_error *err);

#endif

// See reward_scale.h.
#include "learn/reward_scale.h"

#include <math.h>

void tnd_reward_scale_apply(tnd_reward_scale *scale, const tendril_batch *batch, double gamma,
                            double *scaled) {
  for (int64_t p = 0; p < batch->npath; p++) {
    const tendril_path *path = &batch->paths[p];
    double *R = &scale->R[path->stream];
    // the paths' ends would not do: a diverged episode is cut, and leaves no path if that was its
    // first step in the batch
    if (batch->time[path->first] == 0) *R = 0;
    // Welford's recursion over every R that was seen
    for (int64_t i = path->first; i < path->first + path->length; i++) {
      *R = gamma * *R + batch->reward[i];
      scale->count += 1;
      double from_mean = *R - scale->mean;
      scale->mean += from_mean / scale->count;
      scale->m2 += from_mean * (*R - scale->mean);
    }
  }
  const double sd = scale->count > 1 ? sqrt(scale->m2 / scale->count) : 1;
  const double factor = sd > 1e-8 ? 1 / sd : 1;
  for (int64_t i = 0; i < batch->n; i++)
    scaled[i] = factor * batch->reward[i];
}

tendril_status tnd_reward_scale_save(const tnd_reward_scale *scale, tnd_tensors *tensors,
                                     tendril_error *err) {
  double moments[3] = {scale->count, scale->mean, scale->m2};
  TENDRIL_TRY(tnd_tensors_put(tensors, "reward_scale.moments", 3, 0, moments, err));
  return tnd_tensors_put(tensors, "reward_scale.returns", scale->nstream, 0, scale->R, err);
}

tendril_status tnd_reward_scale_load(tnd_reward_scale *scale, const tnd_tensors *tensors,
                                     tendril_error *err) {
  double moments[3];
  TENDRIL_TRY(tnd_tensors_get(tensors, "reward_scale.moments", 3, 0, moments, err));
  if (!(moments[0] >= 0) || !(moments[2] >= 0))
    return tnd_tensors_refuse(tensors, "reward_scale.moments", "out of range", err);
  TENDRIL_TRY(tnd_tensors_get(tensors, "reward_scale.returns", scale->nstream, 0, scale->R, err));
  scale->count = moments[0];
  scale->mean = moments[1];
  scale->m2 = moments[2];
  return TENDRIL_OK;
}

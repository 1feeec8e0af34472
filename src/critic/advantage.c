// Generalised advantage estimation and plain returns, backwards along each path.
#include "critic/advantage.h"

#include <math.h>

void tnd_last_times(const tendril_batch *batch, int *time) {
  for (int64_t p = 0; p < batch->npath; p++) {
    const tendril_path *path = &batch->paths[p];
    time[p] = batch->time[path->first + path->length - 1] + 1;
  }
}

void tnd_advantage_gae(const tendril_batch *batch, const double *reward, const double *v,
                       const double *v_last, double gamma, double lambda, double *advantage,
                       double *target) {
  for (int64_t p = 0; p < batch->npath; p++) {
    const tendril_path *path = &batch->paths[p];
    double v_next = path->end == TENDRIL_END_TERMINATED ? 0 : v_last[p], A = 0;
    for (int64_t t = path->first + path->length - 1; t >= path->first; t--) {
      double v_t = v[t], delta = reward[t] + gamma * v_next - v_t;
      A = delta + gamma * lambda * A;
      advantage[t] = A;
      if (target) target[t] = A + v_t;
      v_next = v_t;
    }
  }
}

void tnd_discounted_returns(const tendril_batch *batch, const double *reward, const double *v_last,
                            double gamma, double *q) {
  for (int64_t p = 0; p < batch->npath; p++) {
    const tendril_path *path = &batch->paths[p];
    double next = path->end == TENDRIL_END_TERMINATED || !v_last ? 0 : v_last[p];
    for (int64_t t = path->first + path->length - 1; t >= path->first; t--)
      next = q[t] = reward[t] + gamma * next;
  }
}

double tnd_explained_variance(int64_t n, const double *v, const double *target) {
  if (n < 1) return (double)NAN;
  double mean_target = 0, mean_error = 0, var_target = 0, var_error = 0;
  for (int64_t i = 0; i < n; i++) {
    mean_target += target[i] / (double)n;
    mean_error += (target[i] - v[i]) / (double)n;
  }
  for (int64_t i = 0; i < n; i++) {
    double dt = target[i] - mean_target, de = target[i] - v[i] - mean_error;
    var_target += dt * dt;
    var_error += de * de;
  }
  return var_target > 0 ? 1 - var_error / var_target : (double)NAN;
}

void tnd_standardise(int64_t n, double *a) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < n; i++)
    mean += a[i] / (double)n;
  for (int64_t i = 0; i < n; i++)
    variance += (a[i] - mean) * (a[i] - mean) / (double)n;
  const double sd = sqrt(variance);
  // rounding is no signal: a step would be as long for it as for any other direction
  const double scale = sd > 1e-12 * (1 + fabs(mean)) ? 1 / sd : 0;
  for (int64_t i = 0; i < n; i++)
    a[i] = (a[i] - mean) * scale;
}

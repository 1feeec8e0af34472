// No critic: V = 0, for returns without a baseline (Schulman et al. 2015, sec. 5.1). It learns
// nothing and has nothing to save.
#include <string.h>

#include "base/alloc.h"
#include "critic/ops.h"

static void destroy(tnd_critic *critic) {
  tnd_free(critic);
}

static void predict(const tnd_critic *critic, int worker, int n, const double *x, const int *time,
                    double *v) {
  (void)critic, (void)worker, (void)x, (void)time;
  memset(v, 0, sizeof *v * (size_t)n);
}

static tendril_status fit(tnd_critic *critic, int64_t n, const double *x, const int *time,
                          const double *targets, uint32_t iteration, tendril_error *err) {
  (void)critic, (void)n, (void)x, (void)time, (void)targets, (void)iteration, (void)err;
  return TENDRIL_OK;
}

static tendril_status save(const tnd_critic *critic, tnd_tensors *tensors, tendril_error *err) {
  (void)critic, (void)tensors, (void)err;
  return TENDRIL_OK;
}

static tendril_status load(tnd_critic *critic, const tnd_tensors *tensors, tendril_error *err) {
  (void)critic, (void)tensors, (void)err;
  return TENDRIL_OK;
}

static const tnd_critic_ops none_ops = {
    .destroy = destroy, .predict = predict, .fit = fit, .save = save, .load = load};

tendril_status tnd_critic_none_create(const tnd_critic *base, tnd_critic **out,
                                      tendril_error *err) {
  tnd_critic *c = tnd_alloc(sizeof *c);
  if (!c) return tnd_fail_memory(err);
  *c = *base;
  c->ops = &none_ops;
  *out = c;
  return TENDRIL_OK;
}

// Start states of a model: episodes begin in one of them instead of the task's own start, for
// example somewhere along a motion that was shown to the learner ("reference state
// initialization", Peng et al. 2018, DeepMimic, sec. 6.1).
#include "sim/sim.h"

#include <math.h>
#include <string.h>

static size_t length(const tendril_model *model) {
  return (size_t)model->mujoco->nq + (size_t)model->mujoco->nv;
}

static tendril_status check(const tendril_model *model, int count, const double *x,
                            tendril_error *err) {
  const int nq = (int)model->mujoco->nq, n = (int)length(model);
  if (count < 0)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: %d start states; use 0 (the task's own) or more",
                    model->task->name, count);
  for (int k = 0; k < count; k++)
    for (int i = 0; i < n; i++)
      if (!isfinite(x[(size_t)k * (size_t)n + (size_t)i]))
        return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: start state %d of %d: %s[%d] is not finite",
                        model->task->name, k, count, i < nq ? "qpos" : "qvel", i < nq ? i : i - nq);
  return TENDRIL_OK;
}

tendril_status tendril_model_set_starts(tendril_model *model, int count, const double *x,
                                        tendril_error *err) {
  TENDRIL_TRY(check(model, count, x, err));
  double *starts = NULL;
  if (count > 0) {
    const size_t size = (size_t)count * length(model) * sizeof *starts;
    starts = tnd_alloc(size);
    if (!starts) return tnd_fail_memory(err);
    memcpy(starts, x, size);
  }
  tnd_free(model->starts);  // only now: x may have been among them
  model->starts = starts;
  model->nstart = count;
  return TENDRIL_OK;
}

const double *tendril_model_get_starts(const tendril_model *model, int *count) {
  *count = model->nstart;
  return model->starts;
}

const double *tnd_model_draw_start(const tendril_model *model, tendril_random *random) {
  if (model->nstart == 0) return NULL;
  return model->starts +
         (size_t)tendril_random_below(random, (uint32_t)model->nstart) * length(model);
}

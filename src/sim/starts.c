// Start states of a model: episodes begin in one of them instead of the task's own start, for
// example somewhere along a motion that was shown to the learner ("reference state
// initialization", Peng et al. 2018, DeepMimic, sec. 6.1).
#include "sim/sim.h"

#include <math.h>
#include <string.h>

static size_t length(const tendril_model *model) {
  return (size_t)model->mujoco->nq + (size_t)model->mujoco->nv;
}

static tendril_status check(const tendril_model *model, int motions, int count, const double *x,
                            tendril_error *err) {
  const int nq = (int)model->mujoco->nq, n = (int)length(model);
  if (motions < 1)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: start states of %d motions; use 1 or more",
                    model->task->name, motions);
  if (count < 0)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: %d start states; use 0 (the task's own) or more",
                    model->task->name, count);
  count *= motions;
  for (int k = 0; k < count; k++)
    for (int i = 0; i < n; i++)
      if (!isfinite(x[(size_t)k * (size_t)n + (size_t)i]))
        return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: start state %d of %d: %s[%d] is not finite",
                        model->task->name, k, count, i < nq ? "qpos" : "qvel", i < nq ? i : i - nq);
  return TENDRIL_OK;
}

tendril_status tendril_model_set_starts(tendril_model *model, int motions, int count,
                                        const double *x, tendril_error *err) {
  TENDRIL_TRY(check(model, motions, count, x, err));
  double *starts = NULL;
  if (count > 0) {
    const size_t size = (size_t)motions * (size_t)count * length(model) * sizeof *starts;
    starts = tnd_alloc(size);
    if (!starts) return tnd_fail_memory(err);
    memcpy(starts, x, size);
  }
  tnd_free(model->starts);  // only now: x may have been among them
  model->starts = starts;
  model->nmotion = motions;
  model->nstart = motions * count;
  return TENDRIL_OK;
}

const double *tendril_model_get_starts(const tendril_model *model, int *count) {
  *count = model->nstart;
  return model->starts;
}

// Which motion an episode on that ground starts in: those of the ground take turns; if there is
// none of it, all do.
static int choose_motion(const tendril_model *model, int ground, const tendril_random *random) {
  const int grounds = model->nground > 0 ? model->nground : 1, n = model->nmotion;
  const uint32_t turn = random->a + random->b;
  if (ground >= n) return (int)(turn % (uint32_t)n);
  const uint32_t here = (uint32_t)((n - ground + grounds - 1) / grounds);
  return ground + grounds * (int)(turn % here);
}

const double *tnd_model_draw_start(const tendril_model *model, int ground, tendril_random *random) {
  if (model->nstart == 0) return NULL;
  const int each = model->nstart / model->nmotion, motion = choose_motion(model, ground, random);
  const size_t k = tendril_random_below(random, (uint32_t)each);
  return model->starts + ((size_t)motion * (size_t)each + k) * length(model);
}

// The calls that all learners share.
#include "learn/learner.h"

#include "base/number.h"
#include "base/status.h"

tendril_status tendril_learner_iterate(tendril_learner *learner, double *stats,
                                       tendril_error *err) {
  TENDRIL_TRY(learner->ops->iterate(learner, stats, err));
  learner->iterations++;
  return TENDRIL_OK;
}

void tendril_learner_destroy(tendril_learner *learner) {
  if (learner) learner->ops->destroy(learner);
}

tendril_status tnd_learner_finish(tendril_learner *learner, tendril_status status,
                                  tendril_learner **out) {
  if (status == TENDRIL_OK)
    *out = learner;
  else
    tendril_learner_destroy(learner);
  return status;
}

void tendril_learner_set_progress(tendril_learner *learner, double fraction) {
  learner->fraction = fraction;
}

const tendril_stat *tendril_learner_get_stats(const tendril_learner *learner, int *nstat) {
  *nstat = learner->ops->nstat;
  return learner->ops->stats;
}

int64_t tendril_learner_steps(const tendril_learner *learner) {
  return learner->steps;
}

int64_t tendril_learner_iterations(const tendril_learner *learner) {
  return learner->iterations;
}

tendril_status tnd_check_whole_episodes(const tendril_learner_setup *setup, const char *method,
                                        tendril_error *err) {
  const int64_t steps = setup->rollout.streams * tendril_model_max_steps(setup->model);
  if (setup->rollout.episodes == TENDRIL_EPISODES_WHOLE && setup->rollout.batch == steps)
    return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_CONFIG,
                  "rollout: %s needs one whole episode of every stream; with %lld streams and "
                  "episodes of %d steps rollout.episodes=whole and rollout.batch=%lld",
                  method, (long long)setup->rollout.streams, tendril_model_max_steps(setup->model),
                  (long long)steps);
}

tendril_status tnd_learner_save(const tendril_learner *learner, tnd_tensors *tensors,
                                tendril_error *err) {
  int64_t counters[2] = {learner->iterations, learner->steps};
  TENDRIL_TRY(tnd_tensors_put_ints(tensors, "learner.counters", 2, counters, err));
  return learner->ops->save(learner, tensors, err);
}

tendril_status tnd_learner_load(tendril_learner *learner, const tnd_tensors *tensors,
                                tendril_error *err) {
  int64_t counters[2];
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "learner.counters", 2, counters, err));
  for (int i = 0; i < 2; i++)
    if (counters[i] < 0 || counters[i] > TND_WHOLE_MAX)
      return tnd_tensors_refuse(tensors, "learner.counters", "out of range", err);
  TENDRIL_TRY(learner->ops->load(learner, tensors, err));
  learner->iterations = counters[0];
  learner->steps = counters[1];
  return TENDRIL_OK;
}

// Actions for an episode that is shown. The noise of step t is a place in the episode's stream and
// not what an earlier step left there: scrubbing back and on gives the same episode.
#include "view/controller.h"

#include "base/alloc.h"
#include "policy/policy.h"
#include "sim/sim.h"

#include <math.h>

struct tnd_controller {
  tnd_actions actions;
  const tendril_model *model;
  const tendril_policy *policy;
  tendril_actor *actor;
  tendril_random random;  // start of the episode's noise
  tnd_arena arena;
  double *noise;  // [nact]
};

tendril_status tnd_controller_create(tnd_actions actions, const tendril_model *model,
                                     const tendril_policy *policy, tnd_controller **out,
                                     tendril_error *err) {
  const bool acts = actions == TND_ACTIONS_MEAN || actions == TND_ACTIONS_SAMPLED;
  if (acts && !policy) return tnd_fail(err, TENDRIL_E_ARGUMENT, "no policy to act");
  if (acts)
    TENDRIL_TRY(
        tnd_policy_check(policy, tendril_model_nobs(model), tendril_model_nact(model), err));
  tnd_controller *c = tnd_alloc(sizeof *c);
  if (!c) return tnd_fail_memory(err);
  *c = (tnd_controller){.actions = actions, .model = model, .policy = policy};
  const size_t nact = (size_t)tendril_model_nact(model);
  tnd_arena_doubles(&c->arena, nact);
  tendril_status status = tnd_arena_alloc(&c->arena, err);
  if (status == TENDRIL_OK) {
    c->noise = tnd_arena_doubles(&c->arena, nact);
    if (acts) status = tendril_actor_create(policy, &c->actor, err);
  }
  if (status == TENDRIL_OK)
    *out = c;
  else
    tnd_controller_destroy(c);
  return status;
}

void tnd_controller_destroy(tnd_controller *controller) {
  if (!controller) return;
  tendril_actor_destroy(controller->actor);
  tnd_arena_free(&controller->arena);
  tnd_free(controller);
}

tendril_status tnd_controller_reset(tnd_controller *c, uint64_t seed, uint32_t episode,
                                    tendril_env *env, double *obs, tendril_error *err) {
  const tendril_random start = tendril_random_stream(seed, TENDRIL_PURPOSE_EVAL_RESET, 0, episode);
  c->random = tendril_random_stream(seed, TENDRIL_PURPOSE_EVAL_ACTION, 0, episode);
  return tendril_env_reset(env, &start, obs, err);
}

// A stream placed where the draws of step t begin: every step draws the same number of words.
static tendril_random noise_at(const tnd_controller *c, int t) {
  tendril_random random = c->random;
  tendril_random_normals(&random, tendril_model_nact(c->model), c->noise);
  const uint32_t words = random.draw - c->random.draw;
  random.draw = c->random.draw + words * (uint32_t)t;
  return random;
}

void tnd_controller_act(tnd_controller *c, int t, const double *obs, double *action) {
  const int nact = tendril_model_nact(c->model);
  tendril_random random = noise_at(c, t);
  switch (c->actions) {
  case TND_ACTIONS_MEAN:
    tendril_policy_act(c->policy, c->actor, obs, NULL, action);
    break;
  case TND_ACTIONS_SAMPLED:
    tendril_random_normals(&random, nact, c->noise);
    tendril_policy_act(c->policy, c->actor, obs, c->noise, action);
    break;
  case TND_ACTIONS_ZERO:
    for (int i = 0; i < nact; i++)
      action[i] = 0;
    break;
  case TND_ACTIONS_RANDOM:
    tendril_random_normals(&random, nact, c->noise);
    for (int i = 0; i < nact; i++) {
      const double low = c->model->low[i], high = c->model->high[i];
      // the normal distribution function makes of a normal number a uniform one
      const double u = 0.5 * erfc(-c->noise[i] / sqrt(2.0));
      action[i] = isfinite(low) && isfinite(high) ? low + (high - low) * u : c->noise[i];
    }
    break;
  }
}

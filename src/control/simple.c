// The agents that look at nothing but an observation, or not even at that: a policy's mean and
// sampled actions, zero, random.
#include "base/alloc.h"
#include "control/ops.h"
#include "policy/policy.h"
#include "sim/sim.h"

#include <math.h>

typedef struct policy_agent {
  tendril_agent base;
  const tendril_policy *policy;
} policy_agent;

typedef struct simple {
  tendril_controller base;
  const tendril_policy *policy;  // NULL: none
  tendril_actor *actor;
} simple;

// ---------------------------------------------------------------------------------- controllers

static void destroy_simple(tendril_controller *controller) {
  simple *s = (simple *)controller;
  tendril_actor_destroy(s->actor);
  tnd_free(s);
}

static tendril_status create_simple(const tendril_agent *agent, const tendril_model *model,
                                    tendril_controller **out, tendril_error *err) {
  (void)agent, (void)model;
  simple *s = tnd_alloc(sizeof *s);
  if (!s) return tnd_fail_memory(err);
  *out = &s->base;
  return TENDRIL_OK;
}

static tendril_status create_acting(const tendril_agent *agent, const tendril_model *model,
                                    tendril_controller **out, tendril_error *err) {
  (void)model;
  simple *s = tnd_alloc(sizeof *s);
  if (!s) return tnd_fail_memory(err);
  s->policy = ((const policy_agent *)agent)->policy;
  const tendril_status status = tendril_actor_create(s->policy, &s->actor, err);
  if (status == TENDRIL_OK)
    *out = &s->base;
  else
    destroy_simple(&s->base);
  return status;
}

static tendril_status check_policy(const tendril_agent *agent, const tendril_model *model,
                                   tendril_error *err) {
  return tnd_policy_check(((const policy_agent *)agent)->policy, tendril_model_nobs(model),
                          tendril_model_nact(model), err);
}

static tendril_status act_mean(tendril_controller *c, const tendril_env *env, int t,
                               const double *obs, double *action, tendril_error *err) {
  (void)env, (void)err;
  const simple *s = (const simple *)c;
  tendril_policy_act(s->policy, s->actor, t, obs, NULL, action);
  return TENDRIL_OK;
}

static tendril_status act_sampled(tendril_controller *c, const tendril_env *env, int t,
                                  const double *obs, double *action, tendril_error *err) {
  (void)env, (void)err;
  const simple *s = (const simple *)c;
  tendril_policy_act(s->policy, s->actor, t, obs, tnd_controller_noise(c, t), action);
  return TENDRIL_OK;
}

static tendril_status act_zero(tendril_controller *c, const tendril_env *env, int t,
                               const double *obs, double *action, tendril_error *err) {
  (void)env, (void)t, (void)obs, (void)err;
  for (int i = 0; i < tendril_model_nact(c->model); i++)
    action[i] = 0;
  return TENDRIL_OK;
}

static tendril_status act_random(tendril_controller *c, const tendril_env *env, int t,
                                 const double *obs, double *action, tendril_error *err) {
  (void)env, (void)obs, (void)err;
  const double *noise = tnd_controller_noise(c, t);
  for (int i = 0; i < tendril_model_nact(c->model); i++) {
    const double low = c->model->low[i], high = c->model->high[i];
    // the normal distribution function makes of a normal number a uniform one
    const double u = 0.5 * erfc(-noise[i] / sqrt(2.0));
    action[i] = isfinite(low) && isfinite(high) ? low + (high - low) * u : noise[i];
  }
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------------------- agents

static void destroy_agent(tendril_agent *agent) {
  tnd_free(agent);
}

static const tnd_agent_ops mean_ops = {
    .name = "mean",
    .destroy = destroy_agent,
    .check = check_policy,
    .create = create_acting,
    .destroy_controller = destroy_simple,
    .act = act_mean,
};
static const tnd_agent_ops sampled_ops = {
    .name = "sampled",
    .destroy = destroy_agent,
    .check = check_policy,
    .create = create_acting,
    .destroy_controller = destroy_simple,
    .act = act_sampled,
};
static const tnd_agent_ops zero_ops = {
    .name = "zero",
    .create = create_simple,
    .destroy_controller = destroy_simple,
    .act = act_zero,
};
static const tnd_agent_ops random_ops = {
    .name = "random",
    .create = create_simple,
    .destroy_controller = destroy_simple,
    .act = act_random,
};

tendril_status tendril_agent_create(const tendril_policy *policy, bool sampled, tendril_agent **out,
                                    tendril_error *err) {
  policy_agent *agent = tnd_alloc(sizeof *agent);
  if (!agent) return tnd_fail_memory(err);
  *agent = (policy_agent){.base = {sampled ? &sampled_ops : &mean_ops}, .policy = policy};
  *out = &agent->base;
  return TENDRIL_OK;
}

const tendril_agent *tendril_agent_zero(void) {
  static const tendril_agent agent = {&zero_ops};
  return &agent;
}

const tendril_agent *tendril_agent_random(void) {
  static const tendril_agent agent = {&random_ops};
  return &agent;
}

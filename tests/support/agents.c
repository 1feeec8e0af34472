// See agents.h.
#include "support/agents.h"

#include "base/alloc.h"
#include "control/ops.h"

#include <math.h>

const double support_stroke = 1.2;

static tendril_status create(const tendril_agent *agent, const tendril_model *model,
                             tendril_controller **out, tendril_error *err) {
  (void)agent, (void)model;
  tendril_controller *controller = tnd_alloc(sizeof *controller);
  if (!controller) return tnd_fail_memory(err);
  *out = controller;
  return TENDRIL_OK;
}

static void destroy(tendril_controller *controller) {
  tnd_free(controller);
}

// obs: cart, pole, and their velocities; gains of a linear-quadratic regulator, about
static tendril_status balance(tendril_controller *c, const tendril_env *env, int t,
                              const double *obs, double *action, tendril_error *err) {
  (void)c, (void)env, (void)t, (void)err;
  action[0] = 0.3 * obs[0] + 4 * obs[1] + 0.5 * obs[2] + 0.8 * obs[3];
  return TENDRIL_OK;
}

static tendril_status swim(tendril_controller *c, const tendril_env *env, int t, const double *obs,
                           double *action, tendril_error *err) {
  (void)env, (void)obs, (void)err;
  const double angle = 6.283185307179586 * t * tendril_model_seconds(c->model) / support_stroke;
  action[0] = 0.15 * sin(angle);
  action[1] = 0.15 * sin(angle - 1.2);
  return TENDRIL_OK;
}

static tendril_status swim_a_while(tendril_controller *c, const tendril_env *env, int t,
                                   const double *obs, double *action, tendril_error *err) {
  if (t * tendril_model_seconds(c->model) < 4) return swim(c, env, t, obs, action, err);
  action[0] = action[1] = 0;
  return TENDRIL_OK;
}

static const tnd_agent_ops balancer = {
    .name = "balancer", .create = create, .destroy_controller = destroy, .act = balance};
static const tnd_agent_ops swimmer = {
    .name = "swimmer", .create = create, .destroy_controller = destroy, .act = swim};
static const tnd_agent_ops tired = {
    .name = "tired", .create = create, .destroy_controller = destroy, .act = swim_a_while};

const tendril_agent support_balancer = {&balancer};
const tendril_agent support_swimmer = {&swimmer};
const tendril_agent support_tired_swimmer = {&tired};

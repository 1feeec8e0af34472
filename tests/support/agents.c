// See agents.h.
#include "support/agents.h"

#include "base/alloc.h"
#include "control/ops.h"

#include <math.h>
#include <string.h>

const double support_stroke = 1.2;

// All kinds have one; it is 0 where nobody counts.
typedef struct counter {
  tendril_controller base;
  double acts;
} counter;

static tendril_status create(const tendril_agent *agent, const tendril_model *model,
                             tendril_controller **out, tendril_error *err) {
  (void)agent, (void)model;
  counter *c = tnd_alloc(sizeof *c);
  if (!c) return tnd_fail_memory(err);
  *out = &c->base;
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

static tendril_status mirror(tendril_controller *c, const tendril_env *env, int t,
                             const double *obs, double *action, tendril_error *err) {
  (void)env, (void)t, (void)err;
  for (int i = 0; i < tendril_model_nact(c->model); i++)
    action[i] = i < tendril_model_nobs(c->model) ? obs[i] : 0;
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ with memory

static tendril_status begin_counting(tendril_controller *c, const tendril_env *env,
                                     const double *obs, tendril_error *err) {
  (void)env, (void)obs, (void)err;
  ((counter *)c)->acts = 0;
  return TENDRIL_OK;
}

static tendril_status count(tendril_controller *c, const tendril_env *env, int t, const double *obs,
                            double *action, tendril_error *err) {
  (void)obs;
  counter *k = (counter *)c;
  if (k->acts >= 40) return tnd_fail(err, TENDRIL_E_NUMERIC, "counted too far");
  for (int i = 1; i < tendril_model_nact(c->model); i++)
    action[i] = 0.01 * tendril_env_time(env) + 0.1 * tnd_controller_noise(c, t)[i];
  action[0] = 1e-3 * k->acts++;
  return TENDRIL_OK;
}

static int size_of_counter(const tendril_controller *c) {
  (void)c;
  return 1;
}

static void save_counter(const tendril_controller *c, double *memory) {
  memory[0] = ((const counter *)c)->acts;
}

static void restore_counter(tendril_controller *c, const double *memory) {
  ((counter *)c)->acts = memory[0];
}

// ------------------------------------------------------------------------------------ agents

static const tnd_agent_ops counting = {.name = "counter",
                                       .sees_state = true,
                                       .create = create,
                                       .destroy_controller = destroy,
                                       .begin = begin_counting,
                                       .act = count,
                                       .size = size_of_counter,
                                       .save = save_counter,
                                       .restore = restore_counter};

static const tnd_agent_ops balancer = {
    .name = "balancer", .create = create, .destroy_controller = destroy, .act = balance};
static const tnd_agent_ops swimmer = {
    .name = "swimmer", .create = create, .destroy_controller = destroy, .act = swim};
static const tnd_agent_ops tired = {
    .name = "tired", .create = create, .destroy_controller = destroy, .act = swim_a_while};
static const tnd_agent_ops mirroring = {
    .name = "mirror", .create = create, .destroy_controller = destroy, .act = mirror};

const tendril_agent support_balancer = {&balancer};
const tendril_agent support_swimmer = {&swimmer};
const tendril_agent support_tired_swimmer = {&tired};
const tendril_agent support_counter = {&counting};
const tendril_agent support_mirror = {&mirroring};

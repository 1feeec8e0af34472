// What all agents share: an episode's start state and noise, and the way to the kind's functions.
#include "base/alloc.h"
#include "control/ops.h"

#include <tendril/random.h>

// Words of the episode's key that a memory begins with: seed low and high, a, b.
enum { KEY = 4 };

const char *tendril_agent_name(const tendril_agent *agent) {
  return agent->ops->name;
}

double tnd_agent_cycle(const tendril_agent *agent) {
  return agent->ops->cycle ? agent->ops->cycle(agent) : 0;
}

bool tendril_agent_sees_state(const tendril_agent *agent) {
  return agent->ops->sees_state;
}

void tendril_agent_destroy(tendril_agent *agent) {
  if (agent && agent->ops->destroy) agent->ops->destroy(agent);
}

tendril_status tendril_controller_create(const tendril_agent *agent, const tendril_model *model,
                                         tendril_controller **out, tendril_error *err) {
  if (agent->ops->check) TENDRIL_TRY(agent->ops->check(agent, model, err));
  double *noise = tnd_alloc(sizeof *noise * (size_t)tendril_model_nact(model));
  if (!noise) return tnd_fail_memory(err);
  tendril_controller *controller = NULL;
  const tendril_status status = agent->ops->create(agent, model, &controller, err);
  if (status != TENDRIL_OK) {
    tnd_free(noise);
    return status;
  }
  controller->agent = agent;
  controller->model = model;
  controller->noise = noise;
  *out = controller;
  return TENDRIL_OK;
}

void tendril_controller_destroy(tendril_controller *controller) {
  if (!controller) return;
  tnd_free(controller->noise);
  controller->agent->ops->destroy_controller(controller);
}

static void set_noise(tendril_controller *c, uint64_t seed, uint32_t series, uint32_t episode) {
  c->random = tendril_random_stream(seed, TENDRIL_PURPOSE_EVAL_ACTION, series, episode);
  // every step draws as many words as the first
  tendril_random random = c->random;
  tendril_random_normals(&random, tendril_model_nact(c->model), c->noise);
  c->words = random.draw - c->random.draw;
}

tendril_status tendril_controller_reset(tendril_controller *c, uint64_t seed, uint32_t series,
                                        uint32_t episode, tendril_env *env, double *obs,
                                        tendril_error *err) {
  const tendril_random start =
      tendril_random_stream(seed, TENDRIL_PURPOSE_EVAL_RESET, series, episode);
  set_noise(c, seed, series, episode);
  TENDRIL_TRY(tendril_env_reset(env, &start, obs, err));
  const tnd_agent_ops *ops = c->agent->ops;
  if (ops->place) TENDRIL_TRY(ops->place(c, env, obs, err));
  return ops->begin ? ops->begin(c, env, obs, err) : TENDRIL_OK;
}

tendril_status tendril_controller_act(tendril_controller *c, const tendril_env *env, int t,
                                      const double *obs, double *action, tendril_error *err) {
  return c->agent->ops->act(c, env, t, obs, action, err);
}

const double *tnd_controller_noise(tendril_controller *c, int t) {
  tendril_random random = c->random;
  random.draw += c->words * (uint32_t)t;
  tendril_random_normals(&random, tendril_model_nact(c->model), c->noise);
  return c->noise;
}

// ---------------------------------------------------------------------------------------- memory

int tendril_controller_size(const tendril_controller *c) {
  const tnd_agent_ops *ops = c->agent->ops;
  return KEY + (ops->size ? ops->size(c) : 0);
}

void tendril_controller_save(const tendril_controller *c, double *memory) {
  const tnd_agent_ops *ops = c->agent->ops;
  memory[0] = (double)(uint32_t)c->random.seed;
  memory[1] = (double)(uint32_t)(c->random.seed >> 32);
  memory[2] = c->random.a;
  memory[3] = c->random.b;
  if (ops->save) ops->save(c, memory + KEY);
}

void tendril_controller_restore(tendril_controller *c, const double *memory) {
  const tnd_agent_ops *ops = c->agent->ops;
  set_noise(c, (uint64_t)memory[1] << 32 | (uint64_t)memory[0], (uint32_t)memory[2],
            (uint32_t)memory[3]);
  if (ops->restore) ops->restore(c, memory + KEY);
}

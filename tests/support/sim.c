// Helpers for tests that need a simulation.
#include "support/sim.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

tendril_sim_options support_sim_options(void) {
  tendril_sim_options options;
  tendril_sim_defaults(&options);
  return options;
}

tendril_model *support_model(const char *task, const tendril_sim_options *options) {
  // wherever the build folder is
  setenv("TENDRIL_MODELS", TENDRIL_SOURCE_DIR "/models", 0);
  tendril_tasks *tasks = NULL;
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_tasks_create(&tasks, &err), TENDRIL_OK);
  cr_assert_eq(tendril_tasks_model(tasks, task, options, &model, &err), TENDRIL_OK, "%s", err.text);
  tendril_tasks_destroy(tasks);  // built-in tasks are constants
  return model;
}

tendril_env *support_env(const tendril_model *model, uint32_t stream, double *obs) {
  tendril_env *env = NULL;
  tendril_error err = {{0}};
  double unseen[256];
  tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, stream, 0);
  cr_assert_eq(tendril_env_create(model, &env, &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tendril_env_reset(env, &random, obs ? obs : unseen, &err), TENDRIL_OK, "%s",
               err.text);
  return env;
}

const char *support_mjcf(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/tests/data/mjcf/%s", TENDRIL_SOURCE_DIR, name);
  return path;
}

void support_actions(tendril_random *random, const tendril_model *model, double *action) {
  tendril_random_normals(random, tendril_model_nact(model), action);
}

// ------------------------------------------------------------------------------------ the toy task

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)model, (void)data, (void)state, (void)random;
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)model;
  obs[0] = data->qpos[0];
  obs[1] = data->qvel[0];
  obs[2] = state[0];
}

static void before(const mjModel *model, const mjData *data, double *state) {
  (void)model, (void)data;
  state[0] += 1.0;
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  (void)model, (void)data, (void)state, (void)action, (void)seconds;
  terms[0] = 1.0;
  return false;
}

const tendril_task support_toy = {
    .name = "toy",
    .summary = "for tests",
    .source = "tests",
    .mjcf = "toy.xml",
    .physics_steps = 1,
    .max_steps = 100000,
    .nobs = 3,
    .nstate = 1,
    .nterm = 1,
    .terms = {"one"},
    .reset = reset,
    .observe = observe,
    .before = before,
    .evaluate = evaluate,
};

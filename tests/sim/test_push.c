// Pushes: their text, the force that acts and when, and that a snapshot carries them.
#include "sim/sim.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tendril_push parsed(const char *text) {
  tendril_push push;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_push_parse(text, &push, &err), TENDRIL_OK, "%s", err.text);
  return push;
}

Test(push, text_names_newtons_time_seconds_direction_and_body) {
  tendril_push push = parsed("80.5@3,0.25,back,torso");
  cr_assert(push.newtons == 80.5 && push.time == 3 && push.seconds == 0.25);
  cr_assert(push.direction[0] == -1 && push.direction[1] == 0 && push.direction[2] == 0);
  cr_assert_str_eq(push.body, "torso");
  push = parsed("1e2@0");
  cr_assert(push.newtons == 100 && push.time == 0 && push.seconds == 0.1);
  cr_assert(push.direction[0] == 1);
  cr_assert_str_empty(push.body);
}

Test(push, direction_may_be_a_vector_of_any_length) {
  const tendril_push push = parsed("1@1,1,3:0:-4");
  cr_assert_float_eq(push.direction[0], 0.6, 1e-15);
  cr_assert_float_eq(push.direction[1], 0, 0);
  cr_assert_float_eq(push.direction[2], -0.8, 1e-15);
}

Test(push, text_that_is_wrong_is_refused) {
  static const char *const texts[] = {
      "",           "80",           "@3",         "80@",        "-1@3",
      "80@-3",      "80@3,0",       "80@3,-1",    "80@3,",      "80@3,0.1,",
      "80@3,1,aft", "80@3,1,0:0:0", "80@3,1,1:0", "80@3,1,up,", "80@3,1,up,torso,x",
      "nan@1",      "inf@1",        "80@nan",     "80 @3",      "80@3,1,1:0:0:0",
      "8x@3",       "1@1,1,1::1",   "1@1,1,:::",  "1e999@1",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    tendril_push push = {.newtons = 7};
    tendril_error err = {{0}};
    cr_assert_eq(tendril_push_parse(texts[i], &push, &err), TENDRIL_E_CONFIG, "%s", texts[i]);
    cr_assert(strstr(err.text, "80@3"), "%s", err.text);
    cr_assert_eq(push.newtons, 7);
  }
}

// Velocity of the centre of mass times the mass, along x.
static double momentum(const tendril_model *model, tendril_env *env) {
  const mjModel *m = tendril_model_mujoco(model);
  mjData *d = mj_makeData(m);
  memcpy(d->qpos, tendril_env_data(env)->qpos, (size_t)m->nq * sizeof(double));
  memcpy(d->qvel, tendril_env_data(env)->qvel, (size_t)m->nv * sizeof(double));
  mj_forward(m, d);
  mj_subtreeVel(m, d);
  const double p = m->body_subtreemass[0] * d->subtree_linvel[0];
  mj_deleteData(d);
  return p;
}

// A model in the air, without damping against the world: only the push changes its momentum.
static tendril_model *hopper_in_the_air(void) {
  tendril_sim_options options = support_sim_options();
  options.integrator = TENDRIL_INTEGRATOR_RK4;
  return support_model("hopper-v4", &options);
}

static void step(tendril_env *env, int n) {
  double obs[32], action[8] = {0};
  tendril_step out;
  for (int i = 0; i < n; i++)
    cr_assert_eq(tendril_env_step(env, action, obs, &out, NULL), TENDRIL_OK);
}

Test(push, changes_the_momentum_by_force_times_seconds) {
  tendril_model *model = hopper_in_the_air();
  tendril_env *env = support_env(model, 1, NULL);
  tendril_env_data(env)->qpos[1] += 5;
  const double before = momentum(model, env);
  // 20 ms from 8 ms on: steps of MuJoCo 4 to 13, control steps 1 to 3 of 4 steps of 2 ms
  const tendril_push push = parsed("50@0.008,0.02");
  cr_assert_eq(tendril_env_push(env, &push, NULL), TENDRIL_OK);
  tendril_force forces[TENDRIL_MAX_FORCES];
  cr_assert_eq(tendril_env_get_pushes(env, forces), 0);
  step(env, 1);
  // it has damped joints and none against the world: rounding and RK4's error is all that is left
  cr_assert_float_eq(momentum(model, env), before, 1e-6);
  cr_assert_eq(tendril_env_get_pushes(env, forces), 1);
  cr_assert_eq(forces[0].body, 1);
  cr_assert_eq(forces[0].force[0], 50);
  step(env, 3);
  cr_assert_float_eq(momentum(model, env), before + 50 * 0.02, 1e-6);
  cr_assert_eq(tendril_env_get_pushes(env, forces), 0);
  step(env, 2);
  cr_assert_float_eq(momentum(model, env), before + 50 * 0.02, 1e-6);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(push, adds_to_forces_of_others_and_leaves_them) {
  tendril_model *model = hopper_in_the_air();
  tendril_env *env = support_env(model, 1, NULL);
  tendril_env_data(env)->qpos[1] += 5;
  tendril_env_data(env)->xfrc_applied[6] = 0.1;
  const double before = momentum(model, env);
  const tendril_push a = parsed("30@0,0.008"), b = parsed("20@0,0.016,back");
  cr_assert_eq(tendril_env_push(env, &a, NULL), TENDRIL_OK);
  cr_assert_eq(tendril_env_push(env, &b, NULL), TENDRIL_OK);
  step(env, 2);
  cr_assert_eq(tendril_env_data(env)->xfrc_applied[6], 0.1);
  cr_assert_float_eq(momentum(model, env), before + 30 * 0.008 - 20 * 0.016 + 0.1 * 0.016, 1e-6);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(push, is_part_of_the_snapshot) {
  tendril_model *model = hopper_in_the_air();
  const size_t size = (size_t)tendril_snapshot_size(model);
  double *middle = calloc(size, sizeof(double)), *end = calloc(size, sizeof(double)),
         *again = calloc(size, sizeof(double));
  tendril_env *env = support_env(model, 1, NULL), *other = support_env(model, 2, NULL);
  const tendril_push push = parsed("40@0.01,0.05,1:0:1,thigh");
  cr_assert_eq(tendril_env_push(env, &push, NULL), TENDRIL_OK);
  step(env, 3);
  tendril_env_save(env, middle);
  cr_assert(tnd_snapshot_is_good(model, middle));
  step(env, 8);
  tendril_env_save(env, end);
  tendril_env_restore(other, middle, NULL);
  step(other, 8);
  tendril_env_save(other, again);
  cr_assert_arr_eq(end, again, size * sizeof(double));

  // without it, another end; and a reset forgets it
  tendril_env_restore(other, middle, NULL);
  other->pushes = (tnd_pushes){0};
  step(other, 8);
  tendril_env_save(other, again);
  cr_assert(memcmp(end, again, size * sizeof(double)) != 0);
  double obs[32];
  const tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 1, 0);
  cr_assert_eq(tendril_env_reset(env, &random, obs, NULL), TENDRIL_OK);
  tendril_force forces[TENDRIL_MAX_FORCES];
  step(env, 2);
  cr_assert_eq(tendril_env_get_pushes(env, forces), 0);

  // numbers that are none of a snapshot
  for (int i = 8; i < 8 + TND_PUSHES_SIZE; i++) {
    memcpy(again, middle, size * sizeof(double));
    again[i] = (double)NAN;
    cr_assert_not(tnd_snapshot_is_good(model, again));
  }
  memcpy(again, middle, size * sizeof(double));
  again[10] = tendril_model_mujoco(model)->nbody;
  cr_assert_not(tnd_snapshot_is_good(model, again));
  tendril_env_destroy(env);
  tendril_env_destroy(other);
  tendril_model_destroy(model);
  free(middle);
  free(end);
  free(again);
}

Test(push, that_cannot_be_is_refused) {
  tendril_model *model = hopper_in_the_air();
  tendril_env *env = support_env(model, 1, NULL);
  tendril_error err = {{0}};
  tendril_push push = parsed("1@0,1,up,tosro");
  cr_assert_eq(tendril_env_push(env, &push, &err), TENDRIL_E_UNKNOWN);
  cr_assert(strstr(err.text, "torso"), "%s", err.text);
  push = parsed("1@1");
  for (int i = 0; i < TENDRIL_MAX_PUSHES; i++)
    cr_assert_eq(tendril_env_push(env, &push, NULL), TENDRIL_OK);
  cr_assert_eq(tendril_env_push(env, &push, &err), TENDRIL_E_ARGUMENT);
  push.newtons = (double)NAN;
  cr_assert_eq(tendril_env_push(env, &push, &err), TENDRIL_E_ARGUMENT);
  tendril_env_destroy(env);

  // those that are over make room; one that would be over is refused
  env = support_env(model, 1, NULL);
  push = parsed("1@0,0.001");
  for (int i = 0; i < TENDRIL_MAX_PUSHES; i++)
    cr_assert_eq(tendril_env_push(env, &push, NULL), TENDRIL_OK);
  step(env, 1);
  cr_assert_eq(tendril_env_push(env, &push, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "over"), "%s", err.text);
  push.time = 0.008;
  cr_assert_eq(tendril_env_push(env, &push, &err), TENDRIL_OK, "%s", err.text);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

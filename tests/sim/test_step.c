// Motors that make something of their own of an action: what they are given, and what becomes of
// what they ask for.
#include "sim/sim.h"

#include "support/close.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static tendril_status make(void (*actuate)(const mjModel *, const mjData *, double *),
                           tendril_model **out, tendril_error *err) {
  static tendril_task task;
  task = support_toy;
  task.physics_steps = 3;
  task.actuate = actuate;
  return tendril_model_create(&task, support_mjcf("floating.xml"), NULL, out, err);
}

static void turn_about(const mjModel *model, const mjData *data, double *ctrl) {
  (void)data;
  for (int i = 0; i < (int)model->nu; i++)
    ctrl[i] *= -0.5;
}

Test(step, motors_are_given_the_action_before_every_physics_step) {
  tendril_model *model = NULL, *plain = NULL;
  double obs[2][8], u[8], half[8];
  check_ok(make(turn_about, &model, check_err));
  const int nu = tendril_model_nact(model);
  for (int i = 0; i < nu; i++) {
    u[i] = 0.3 + 0.1 * i;
    half[i] = -0.5 * u[i];  // not -1/8 after three of them
  }
  tendril_env *env = support_env(model, 1, NULL);
  tendril_task task = support_toy;
  task.physics_steps = 3;
  check_ok(tendril_model_create(&task, support_mjcf("floating.xml"), NULL, &plain, check_err));
  tendril_env *other = support_env(plain, 1, NULL);
  for (int t = 0; t < 20; t++) {
    tendril_step step;
    check_ok(tendril_env_step(env, u, obs[0], &step, check_err));
    check_ok(tendril_env_step(other, half, obs[1], &step, check_err));
    check_same_bits(tendril_env_data(env)->ctrl, half, nu);
    check_same_bits(tendril_env_data(env)->qvel, tendril_env_data(other)->qvel,
                    tendril_model_mujoco(model)->nv);
  }
  tendril_env_destroy(env);
  tendril_env_destroy(other);
  tendril_model_destroy(model);
  tendril_model_destroy(plain);
}

static void ask_for_nothing_finite(const mjModel *model, const mjData *data, double *ctrl) {
  (void)model, (void)data;
  ctrl[0] = NAN;
}

Test(step, a_torque_that_is_not_finite_voids_the_step) {
  tendril_model *model = NULL;
  double obs[8], u[8] = {0};
  tendril_step step;
  check_ok(make(ask_for_nothing_finite, &model, check_err));
  tendril_env *env = support_env(model, 1, NULL);
  check_ok(tendril_env_step(env, u, obs, &step, check_err));
  cr_assert(step.diverged);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

static void write_too_much(const mjModel *model, const mjData *data, double *ctrl) {
  (void)data;
  ctrl[model->nu] = 1;
}

Test(step, motors_that_write_past_their_number_are_refused) {
  tendril_model *model = NULL;
  tendril_error err;
  cr_assert_eq(make(write_too_much, &model, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "write past the model's nu"), "%s", err.text);
}

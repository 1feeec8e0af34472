// The cart-pole against the equations of Barto, Sutton and Anderson (1983).
#include "support/close.h"
#include "support/sim.h"
#include "support/task.h"

#include <criterion/criterion.h>
#include <math.h>
#include <tendril/policy.h>

// Accelerations of cart and pole without friction: cart 1 kg, pole 0.1 kg of half-length l = 0.5,
//   theta'' = (g sin - cos (F + m l theta'^2 sin) / M) / (l (4/3 - m cos^2 / M)),  M = 1.1 kg
//   x''     = (F + m l (theta'^2 sin - theta'' cos)) / M
static void closed_form(double theta, double omega, double force, double *acc) {
  const double g = 9.8, m = 0.1, M = 1.1, l = 0.5;
  double c = cos(theta), s = sin(theta);
  double push = (force + m * l * omega * omega * s) / M;
  acc[1] = (g * s - c * push) / (l * (4.0 / 3.0 - m * c * c / M));
  acc[0] = push - m * l * acc[1] * c / M;
}

Test(cartpole, moves_by_the_published_equations) {
  support_task t = support_task_open("cartpole");
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  for (int k = 0; k < 200; k++) {
    double theta = tendril_random_uniform(&random, -3, 3);
    double omega = tendril_random_uniform(&random, -5, 5);
    double action = tendril_random_uniform(&random, -1, 1), acc[2];
    t.d->qpos[0] = tendril_random_uniform(&random, -2, 2);
    t.d->qvel[0] = tendril_random_uniform(&random, -2, 2);
    t.d->qpos[1] = theta;
    t.d->qvel[1] = omega;
    t.d->ctrl[0] = action;
    mj_forward(t.m, t.d);
    closed_form(theta, omega, 10 * action, acc);
    check_all_close(t.d->qacc, acc, 2, 1e-12);  // the same equations, other sums
  }
  support_task_close(&t);
}

Test(cartpole, is_pushed_by_no_more_than_ten_newtons) {
  support_task t = support_task_open("cartpole");
  double acc[2];
  support_task_stand(&t);
  t.d->ctrl[0] = 7;
  mj_forward(t.m, t.d);
  closed_form(0, 0, 10, acc);
  check_all_close(t.d->qacc, acc, 2, 1e-12);
  cr_assert_eq(tendril_model_seconds(t.model), 0.02);
  support_task_close(&t);
}

Test(cartpole, keeps_its_energy_when_nothing_pushes) {
  support_task t = support_task_open("cartpole");
  mjModel *m = mj_copyModel(NULL, t.m);
  m->opt.enableflags |= mjENBL_ENERGY;
  t.d->qpos[1] = 0.2;
  mj_forward(m, t.d);
  double before = t.d->energy[0] + t.d->energy[1];
  for (int i = 0; i < 100; i++)
    mj_step(m, t.d);
  mj_forward(m, t.d);
  cr_assert_gt(fabs(t.d->qpos[1]), 2);  // it went all the way down
  // RK4 at 0.02 s over 100 steps of a swing that takes some 1.5 s: (0.02 * 2 pi / 1.5)^4 = 5e-5 a
  // step at worst, of an energy of 0.5 J
  check_close(t.d->energy[0] + t.d->energy[1], before, 1e-3);
  mj_deleteModel(m);
  support_task_close(&t);
}

Test(cartpole, starts_nearly_upright) {
  support_task_check_start("cartpole", 0.05);
}

Test(cartpole, observes_its_four_states) {
  support_task t = support_task_open("cartpole");
  double obs[4];
  const double expected[4] = {1.5, -0.1, 20, -30};
  mju_copy(t.d->qpos, expected, 2);
  mju_copy(t.d->qvel, expected + 2, 2);
  t.task->observe(t.m, t.d, NULL, obs);
  cr_assert_eq(t.task->nobs, 4);
  check_same_bits(obs, expected, 4);
  support_task_close(&t);
}

Test(cartpole, ends_off_the_rail_or_beyond_twelve_degrees) {
  support_task t = support_task_open("cartpole");
  const double twelve = acos(-1) / 15;
  for (int sign = -1; sign <= 1; sign += 2) {
    support_task_stand(&t);
    cr_assert(!support_task_ends(&t));
    t.d->qpos[0] = sign * 2.3999;
    cr_assert(!support_task_ends(&t));
    t.d->qpos[0] = sign * 2.4001;
    cr_assert(support_task_ends(&t));
    t.d->qpos[0] = 0;
    t.d->qpos[1] = sign * (twelve - 1e-6);
    cr_assert(!support_task_ends(&t));
    t.d->qpos[1] = sign * (twelve + 1e-6);
    cr_assert(support_task_ends(&t));
  }
  support_task_close(&t);
}

// A linear feedback with gains set by hand holds it for the whole episode; no feedback does not.
Test(cartpole, is_balanced_by_a_linear_policy_and_not_by_none) {
  support_task t = support_task_open("cartpole");
  const double gains[2][4] = {{0.1, 3, 0.3, 0.8}, {0}};
  for (int k = 0; k < 2; k++) {
    tendril_random random = tendril_random_stream(5, TENDRIL_PURPOSE_RESET, 0, 0);
    double obs[4], reward = 0;
    tendril_step step = {0};
    cr_assert_eq(tendril_env_reset(t.env, &random, obs, NULL), TENDRIL_OK);
    while (!step.terminated && !step.truncated) {
      double action = mju_dot(gains[k], obs, 4);
      cr_assert_eq(tendril_env_step(t.env, &action, obs, &step, NULL), TENDRIL_OK);
      cr_assert_eq(step.reward, 1);
      reward += step.reward;
    }
    cr_assert_eq(step.truncated, k == 0);
    cr_assert_eq(step.terminated, k == 1);
    if (k == 0) cr_assert_eq(reward, 500);
    if (k == 1) cr_assert_lt(reward, 200);
  }
  support_task_close(&t);
}

Test(cartpole, has_a_linear_policy_of_six_parameters) {
  tendril_policy_options options;
  tendril_policy *policy = NULL;
  tendril_policy_defaults(&options);
  options.kind = TENDRIL_POLICY_LINEAR;
  cr_assert_eq(tendril_policy_create(&options, 4, 1, 100, 1, &policy, NULL), TENDRIL_OK);
  cr_assert_eq(tendril_policy_nparam(policy), 6);
  tendril_policy_destroy(policy);
}

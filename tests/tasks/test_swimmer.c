// The TRPO paper's swimmer: states, reward, and that bending its joints makes it swim.
#include "support/close.h"
#include "support/sim.h"
#include "support/task.h"

#include <criterion/criterion.h>
#include <math.h>

Test(swimmer, starts_straight_within_the_noise) {
  support_task_check_start("swimmer", 0.1);
}

Test(swimmer, observes_all_ten_states_and_clips_nothing) {
  support_task t = support_task_open("swimmer");
  double obs[10];
  const double expected[10] = {-50, 2, 3, 0.4, -0.5, 100, -101, 102, 103, 104};
  mju_copy(t.d->qpos, expected, 5);
  mju_copy(t.d->qvel, expected + 5, 5);
  t.task->observe(t.m, t.d, NULL, obs);
  cr_assert_eq(t.task->nobs, 10);
  check_same_bits(obs, expected, 10);
  cr_assert(!support_task_ends(&t));
  support_task_close(&t);
}

Test(swimmer, is_paid_for_its_way_and_pays_for_torque) {
  support_task t = support_task_open("swimmer");
  double terms[TENDRIL_MAX_TERMS], action[2] = {0.5, -1};
  double sum = support_task_pay(&t, 0.02, action, terms);
  check_close(terms[0], 0.02 / 0.01, 1e-12);                  // m/s
  check_close(terms[1], -1e-5 * (30 * 30 + 60 * 60), 1e-12);  // torques 30 and -60 N m
  cr_assert_eq(sum, terms[0] + terms[1]);
  support_task_close(&t);
}

Test(swimmer, has_ten_seconds_and_three_links_as_heavy_as_water) {
  support_task t = support_task_open("swimmer");
  cr_assert_eq(tendril_model_max_steps(t.model), 1000);
  check_close(tendril_model_seconds(t.model), 0.01, 1e-15);
  // a capsule of radius 0.05 m, 0.5 m between the centres of its caps, 1000 kg / m^3
  const double pi = acos(-1), r = 0.05;
  double link = 1000 * (pi * r * r * 0.5 + 4.0 / 3.0 * pi * r * r * r);
  for (int body = 1; body <= 3; body++)
    check_close(t.m->body_mass[body], link, 1e-12);
  cr_assert_geq(mj_name2id(t.m, mjOBJ_CAMERA, "track"), 0);
  support_task_close(&t);
}

static double kinetic_energy(const mjModel *m, const mjData *d) {
  double mv[5];
  mj_mulM(m, d, mv, d->qvel);
  return 0.5 * mju_dot(mv, d->qvel, 5);
}

Test(swimmer, is_slowed_by_the_fluid) {
  support_task t = support_task_open("swimmer");
  const double v[5] = {1, -0.5, 1, 2, -2};
  support_task_stand(&t);
  mju_copy(t.d->qvel, v, 5);
  mj_forward(t.m, t.d);
  double energy = kinetic_energy(t.m, t.d), start = energy;
  for (int i = 0; i < 100; i++) {
    mj_step(t.m, t.d);
    mj_forward(t.m, t.d);
    double now = kinetic_energy(t.m, t.d);
    cr_assert_lt(now, energy);
    energy = now;
  }
  cr_assert_lt(energy, 0.1 * start);
  support_task_close(&t);
}

// Five seconds of a wave that runs along the body: the way of the front link along x. phase > 0:
// the second joint follows the first.
static double way_of_a_wave(double phase) {
  support_task t = support_task_open("swimmer");
  double obs[10];
  support_task_stand(&t);
  for (int i = 0; i < 500; i++) {
    double a = 2 * acos(-1) * i * tendril_model_seconds(t.model);  // one wave a second
    double action[2] = {0.5 * sin(a), 0.5 * sin(a - phase)};
    tendril_step step;
    cr_assert_eq(tendril_env_step(t.env, action, obs, &step, NULL), TENDRIL_OK);
    cr_assert(!step.diverged);
  }
  double way = t.d->qpos[0];
  support_task_close(&t);
  return way;
}

Test(swimmer, swims_away_from_the_end_that_a_wave_runs_to) {
  double forward = way_of_a_wave(acos(-1) / 2), backward = way_of_a_wave(-acos(-1) / 2);
  cr_log_info("forward %g m, backward %g m\n", forward, backward);
  cr_assert_gt(forward, 0.2);
  cr_assert_lt(backward, -0.2);
}

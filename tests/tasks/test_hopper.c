// The TRPO paper's hopper: states, reward, ends, and that its weight rests on the floor.
#include "support/close.h"
#include "support/sim.h"
#include "support/task.h"

#include <criterion/criterion.h>
#include <math.h>

Test(hopper, starts_standing_within_the_noise) {
  support_task_check_start("hopper", 5e-3);
}

Test(hopper, observes_all_twelve_states_and_clips_nothing) {
  support_task t = support_task_open("hopper");
  double obs[12], expected[12];
  for (int i = 0; i < 12; i++)
    expected[i] = 30.0 * i - 100;
  mju_copy(t.d->qpos, expected, 6);
  mju_copy(t.d->qvel, expected + 6, 6);
  t.task->observe(t.m, t.d, NULL, obs);
  cr_assert_eq(t.task->nobs, 12);
  check_same_bits(obs, expected, 12);
  support_task_close(&t);
}

Test(hopper, ends_low_or_leaning) {
  support_task t = support_task_open("hopper");
  support_task_stand(&t);
  cr_assert(!support_task_ends(&t));
  t.d->qpos[1] = 0.7;
  cr_assert(support_task_ends(&t));
  t.d->qpos[1] = 0.7001;
  cr_assert(!support_task_ends(&t));
  for (int sign = -1; sign <= 1; sign += 2) {
    t.d->qpos[2] = sign * 0.1999;
    cr_assert(!support_task_ends(&t));
    t.d->qpos[2] = sign * 0.2;
    cr_assert(support_task_ends(&t));
  }
  support_task_close(&t);
}

Test(hopper, is_paid_for_its_way_and_for_standing_and_pays_for_torque) {
  support_task t = support_task_open("hopper");
  double terms[TENDRIL_MAX_TERMS], action[3] = {0.5, -1, 0};
  support_task_stand(&t);
  double sum = support_task_pay(&t, 0.02, action, terms);
  check_close(terms[0], 0.02 / 0.01, 1e-12);  // m/s
  cr_assert_eq(terms[1], 1);
  check_close(terms[2], -1e-5 * (100 * 100 + 200 * 200), 1e-12);  // torques 100 and -200 N m
  cr_assert_eq(sum, terms[0] + terms[1] + terms[2]);

  t.d->qpos[1] = 0.5;  // a step that ends the episode is not paid for standing
  support_task_pay(&t, 0.02, action, terms);
  cr_assert_eq(terms[1], 0);
  support_task_close(&t);
}

Test(hopper, has_ten_seconds_and_a_body_like_the_twin) {
  support_task t = support_task_open("hopper"), twin = support_task_open("hopper-v4");
  cr_assert_eq(tendril_model_max_steps(t.model), 1000);
  check_close(tendril_model_seconds(t.model), 0.01, 1e-15);
  check_all_close(t.m->body_mass, twin.m->body_mass, 5, 1e-9);
  check_all_close(t.m->jnt_range, twin.m->jnt_range, 12, 1e-9);
  check_all_close(t.m->actuator_gear, twin.m->actuator_gear, 18, 0);
  cr_assert_geq(mj_name2id(t.m, mjOBJ_CAMERA, "track"), 0);
  support_task_close(&twin);
  support_task_close(&t);
}

// In the first step of a start without noise the foot just touches; soon the floor bears it.
Test(hopper, stands_on_the_floor) {
  support_task t = support_task_open("hopper");
  support_task_stand(&t);
  double weight = t.m->body_subtreemass[0] * 9.81, force = 0;
  enum { STEPS = 40 };
  for (int i = 0; i < STEPS; i++) {
    mj_step(t.m, t.d);
    force += t.d->qfrc_constraint[1] / STEPS;
  }
  // the floor's force over a tenth of a second changes the momentum by (F - m g) t
  mj_forward(t.m, t.d);
  mj_subtreeVel(t.m, t.d);
  double gained = t.m->body_subtreemass[0] * t.d->subtree_linvel[2];
  cr_assert_lt(t.d->qpos[1], 1.21);
  cr_assert_gt(t.d->qpos[1], 1.20);
  // Euler's method is exact to first order in its steps, 2.5 ms of 100
  check_close(force / weight, 1 + gained / (weight * STEPS * t.m->opt.timestep), 5e-3);
  check_close(force / weight, 1, 0.1);
  support_task_close(&t);
}

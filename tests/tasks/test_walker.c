// The TRPO paper's walker: states, reward, ends, and the penalty on hard impacts of the feet,
// against the floor's force on the whole robot as the equation of motion of its height has it.
#include "support/close.h"
#include "support/sim.h"
#include "support/task.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { IMPACT = 3 };  // term
enum { Z = 1, LEG_LEFT = 7, NQ = 9 };

Test(walker, starts_standing_within_the_noise) {
  support_task_check_start("walker", 5e-3);
}

Test(walker, observes_all_eighteen_states_and_clips_nothing) {
  support_task t = support_task_open("walker");
  double obs[18], expected[18];
  for (int i = 0; i < 18; i++)
    expected[i] = 20.0 * i - 100;
  mju_copy(t.d->qpos, expected, 9);
  mju_copy(t.d->qvel, expected + 9, 9);
  t.task->observe(t.m, t.d, NULL, obs);
  cr_assert_eq(t.task->nobs, 18);
  check_same_bits(obs, expected, 18);
  support_task_close(&t);
}

Test(walker, ends_low_high_or_leaning) {
  support_task t = support_task_open("walker");
  support_task_stand(&t);
  cr_assert(!support_task_ends(&t));
  const double z[] = {0.8, 2.0}, inside[] = {0.8001, 1.9999};
  for (int i = 0; i < 2; i++) {
    t.d->qpos[Z] = z[i];
    cr_assert(support_task_ends(&t));
    t.d->qpos[Z] = inside[i];
    cr_assert(!support_task_ends(&t));
  }
  for (int sign = -1; sign <= 1; sign += 2) {
    t.d->qpos[2] = sign * 0.999;
    cr_assert(!support_task_ends(&t));
    t.d->qpos[2] = sign * 1.0;
    cr_assert(support_task_ends(&t));
  }
  support_task_close(&t);
}

Test(walker, is_paid_for_its_way_and_for_standing_and_pays_for_torque) {
  support_task t = support_task_open("walker");
  double terms[TENDRIL_MAX_TERMS], action[6] = {0.5, -1};
  support_task_stand(&t);
  double sum = support_task_pay(&t, 0.02, action, terms);
  check_close(terms[0], 0.02 / 0.01, 1e-12);  // m/s
  cr_assert_eq(terms[1], 1);
  check_close(terms[2], -1e-5 * (50 * 50 + 100 * 100), 1e-12);  // torques 50 and -100 N m
  cr_assert_eq(terms[IMPACT], 0);
  cr_assert_eq(sum, terms[0] + terms[1] + terms[2]);

  t.d->qpos[Z] = 0.5;  // a step that ends the episode is not paid for standing
  support_task_pay(&t, 0.02, action, terms);
  cr_assert_eq(terms[1], 0);
  support_task_close(&t);
}

Test(walker, has_ten_seconds_and_a_body_like_the_twin) {
  support_task t = support_task_open("walker"), twin = support_task_open("walker2d-v4");
  cr_assert_eq(tendril_model_max_steps(t.model), 1000);
  check_close(tendril_model_seconds(t.model), 0.01, 1e-15);
  check_all_close(t.m->body_mass, twin.m->body_mass, 8, 1e-9);
  check_all_close(t.m->jnt_range, twin.m->jnt_range, 18, 1e-9);
  check_all_close(t.m->actuator_gear, twin.m->actuator_gear, 36, 0);
  // unlike the twin's, its feet are equal
  int right = mj_name2id(t.m, mjOBJ_GEOM, "foot"), left = mj_name2id(t.m, mjOBJ_GEOM, "foot_left");
  check_same_bits(t.m->geom_friction + 3 * right, t.m->geom_friction + 3 * left, 3);
  cr_assert_geq(mj_name2id(t.m, mjOBJ_CAMERA, "track"), 0);
  support_task_close(&twin);
  support_task_close(&t);
}

// ------------------------------------------------------------------------------------ impacts

static double weight_of(const mjModel *m) {
  return m->body_subtreemass[0] * 9.81;
}

// -0.1 (max(0, right - 2) + max(0, left - 2)), forces in weights
static double penalty(double right, double left) {
  return -0.1 * (fmax(0, right - 2) + fmax(0, left - 2));
}

Test(walker, pays_for_what_either_foot_bears_beyond_twice_its_weight) {
  support_task t = support_task_open("walker");
  const double forces[][2] = {{0, 0}, {1, 1}, {2, 1.9}, {3, 0}, {0.5, 2.5}, {3, 4.5}};
  for (size_t i = 0; i < sizeof forces / sizeof forces[0]; i++) {
    double right = forces[i][0], left = forces[i][1];
    double state[3] = {0, right * weight_of(t.m), left * weight_of(t.m)};
    double terms[TENDRIL_MAX_TERMS], action[6] = {0};
    t.task->evaluate(t.m, t.d, state, action, 0.01, terms);
    check_close(terms[IMPACT], penalty(right, left), 1e-12);
  }
  support_task_close(&t);
}

// Drops the walker from `height` with stiff joints and steps it for 0.3 s; beside it bare
// mj_step() calls, whose largest force on each foot makes the penalty. While both feet do the same
// each bears half of the floor's force, and all of it if the other is lifted: qfrc_constraint of
// the root's height, the sum of all vertical forces from outside. Returns the largest force on the
// right foot in weights.
static double drop(double height, bool lift_left) {
  support_task t = support_task_open("walker");
  mjModel *m = mj_copyModel(NULL, t.m);
  mjData *bare = mj_makeData(m);
  support_task_stand(&t);
  t.d->qpos[Z] += height;
  if (lift_left) t.d->qpos[LEG_LEFT] = -1.5;
  double start[6];
  mju_copy(start, t.d->qpos + 3, 6);
  mju_copy(bare->qpos, t.d->qpos, NQ);
  mju_zero(t.d->qacc_warmstart, (int)m->nv);

  double hardest = 0, share = lift_left ? 1 : 0.5;
  for (int i = 0; i < 30; i++) {
    double action[6], obs[18], largest = 0;
    for (int j = 0; j < 6; j++)  // springs towards the start, and damping
      action[j] = -2 * (t.d->qpos[3 + j] - start[j]) - 0.05 * t.d->qvel[3 + j];
    tendril_step step;
    cr_assert_eq(tendril_env_step(t.env, action, obs, &step, NULL), TENDRIL_OK);
    cr_assert(!step.diverged && !step.terminated);
    mju_copy(bare->ctrl, t.d->ctrl, 6);
    for (int k = 0; k < tendril_model_physics_steps(t.model); k++) {
      mj_step(m, bare);
      largest = fmax(largest, bare->qfrc_constraint[Z] * share / weight_of(m));
    }
    check_same_bits(bare->qpos, t.d->qpos, NQ);
    check_close(step.terms[IMPACT], penalty(largest, lift_left ? 0 : largest), 1e-9);
    check_close(step.reward, step.terms[0] + step.terms[1] + step.terms[2] + step.terms[3], 1e-12);
    hardest = fmax(hardest, largest);
  }
  mj_deleteData(bare);
  mj_deleteModel(m);
  support_task_close(&t);
  return hardest;
}

Test(walker, feels_the_hardest_moment_of_a_landing) {
  double low = drop(0.01, false), high = drop(0.1, false), one_foot = drop(0.05, true);
  cr_log_info("largest force in weights: %g, %g, one foot %g\n", low, high, one_foot);
  cr_assert_gt(high, 2);
  cr_assert_gt(one_foot, 2);
  cr_assert_gt(high, low);
}

Test(walker, is_borne_by_the_floor_when_it_stands) {
  support_task t = support_task_open("walker");
  support_task_stand(&t);
  double force = 0, obs[18];
  enum { STEPS = 50 };
  for (int i = 0; i < STEPS; i++) {
    double action[6], state[3] = {0};
    for (int j = 0; j < 6; j++)
      action[j] = -2 * t.d->qpos[3 + j] - 0.05 * t.d->qvel[3 + j];
    tendril_step step;
    cr_assert_eq(tendril_env_step(t.env, action, obs, &step, NULL), TENDRIL_OK);
    cr_assert_eq(step.terms[IMPACT], 0);
    t.task->during(t.m, t.d, state);  // of the last MuJoCo step alone
    if (i >= STEPS / 2) force += (state[1] + state[2]) / (STEPS / 2);
  }
  cr_log_info("borne: %g\n", force / weight_of(t.m));
  check_close(force / weight_of(t.m), 1, 0.05);  // it still swings a little on its soles
  support_task_close(&t);
}

Test(walker, refuses_a_model_whose_feet_are_elsewhere) {
  support_task t = support_task_open("walker");
  mjModel *m = mj_copyModel(NULL, t.m);
  tendril_error err = {{0}};
  cr_assert_eq(t.task->check(m, &err), TENDRIL_OK);
  mju_zero3(m->opt.gravity);
  cr_assert_eq(t.task->check(m, &err), TENDRIL_E_FORMAT);
  cr_assert_not_null(strstr(err.text, "gravity"), "%s", err.text);
  mju_copy3(m->opt.gravity, t.m->opt.gravity);
  m->names[m->name_bodyadr[4]] = 'x';
  cr_assert_eq(t.task->check(m, &err), TENDRIL_E_FORMAT);
  cr_assert_not_null(strstr(err.text, "foot_left"), "%s", err.text);
  mj_deleteModel(m);
  support_task_close(&t);
}

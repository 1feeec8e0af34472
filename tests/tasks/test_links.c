// The soft limits of quad-link-limits: by hand, against bare mj_step(), in fast swings; and what
// the options of the simulation make of the links; when a swing-up counts as done.
#include "sim/sim.h"

#include "support/close.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 4 };
static const double limit = 2 * 3.14159265358979323846 / 3;

static const char limits[] = "quad-link-limits";

// A joint at q, moving by v, the others still; the chain hangs.
static void place(tendril_env *env, int joint, double q, double v) {
  double qpos[N] = {3.14159265358979323846}, qvel[N] = {0}, obs[2 * N];
  qpos[joint] = q;
  qvel[joint] = v;
  check_ok(tnd_env_place(env, qpos, qvel, obs, check_err));
}

static bool is_beyond(const double *q) {
  return fabs(q[1]) > limit || fabs(q[2]) > limit || fabs(q[3]) > limit;
}

Test(links, feedback_begins_beyond_the_limit_of_the_last_three_joints) {
  tendril_model *model = support_model(limits, NULL);
  tendril_env *env = support_env(model, 1, NULL);
  mjData *d = tendril_env_data(env);
  const tendril_task *task = tendril_model_task(model);
  double u[N] = {1, 2, 3, 4};
  // at the limit, and the first joint anywhere: torques as asked for, to the bit
  const double q[N] = {100, limit, -limit, 0}, v[N] = {9, 9, 9, 9};
  mju_copy(d->qpos, q, N);
  mju_copy(d->qvel, v, N);
  task->actuate(tendril_model_mujoco(model), d, u);
  check_same_bits(u, ((double[N]){1, 2, 3, 4}), N);
  // beyond, on both sides, moving out and in: 100 N m / rad, 8 N m s / rad
  const double out[N] = {100, limit + 0.1, -limit - 0.2, limit + 0.3}, w[N] = {9, 2, -3, -8};
  mju_copy(d->qpos, out, N);
  mju_copy(d->qvel, w, N);
  task->actuate(tendril_model_mujoco(model), d, u);
  check_all_close(u, ((double[N]){1, -26, 44, 34}), N, 1e-12);  // of angles of about 2
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// What an episode has to be: bare MuJoCo steps, before each of them the rule, written out.
static int follow(const tendril_model *model, double torque) {
  const mjModel *m = tendril_model_mujoco(model);
  const double range = m->actuator_ctrlrange[1];
  tendril_env *env = support_env(model, 1, NULL);
  mjData *d = mj_makeData(m);
  int beyond = 0;
  mju_copy(d->qpos, tendril_env_data(env)->qpos, N);
  mju_copy(d->qvel, tendril_env_data(env)->qvel, N);
  for (int t = 0; t < tendril_model_max_steps(model); t++) {
    double obs[2 * N], u[N];
    tendril_step step;
    for (int i = 0; i < N; i++)
      u[i] = torque * sin(0.21 * t + 1.7 * i);
    check_ok(tendril_env_step(env, u, obs, &step, check_err));
    for (int k = 0; k < tendril_model_physics_steps(model); k++) {
      bool acts = false;
      for (int i = 0; i < N; i++) {
        const double side = d->qpos[i] < 0 ? -1 : 1, over = d->qpos[i] - side * limit;
        d->ctrl[i] = fmin(fmax(u[i], -range), range);
        if (i == 0 || side * over <= 0) continue;
        d->ctrl[i] = -(100 * over + 8 * d->qvel[i]);
        acts = true;
      }
      beyond += acts;
      mj_step(m, d);
    }
    check_same_bits(obs, d->qpos, N);
    check_same_bits(obs + N, d->qvel, N);
    // it is the torque that was asked for that is paid for
    double asked = 0;
    for (int i = 0; i < N; i++)
      asked += pow(fmin(fmax(u[i], -range), range), 2);
    check_close(step.terms[2], -1e-5 * asked, 1e-14);
  }
  mj_deleteData(d);
  tendril_env_destroy(env);
  return beyond;
}

Test(links, every_physics_step_obeys_the_rule) {
  static const double most[] = {0, 12};
  for (int k = 0; k < 2; k++) {
    tendril_sim_options sim = support_sim_options();
    sim.limit = most[k];
    tendril_model *model = support_model(limits, &sim), *weak = NULL;
    const int beyond = follow(model, 10);
    cr_assert(beyond > 50 && beyond < 450, "%d of 500", beyond);
    // half as strong motors: of the feedback, too
    tendril_variation v;
    tendril_variation_defaults(&v);
    v.motor = 0.5;
    check_ok(tendril_model_vary(model, &v, &weak, check_err));
    cr_assert(follow(weak, 20) > 50);
    tendril_model_destroy(weak);
    tendril_model_destroy(model);
  }
}

Test(links, inside_the_limits_the_quad_link_is_the_one_without) {
  tendril_model *models[2] = {support_model("quad-link", NULL), support_model(limits, NULL)};
  tendril_env *env[2];
  double obs[2][2 * N], u[N];
  int inside = 0;
  for (int k = 0; k < 2; k++)
    env[k] = support_env(models[k], 1, obs[k]);
  for (int t = 0; t < 100; t++) {
    tendril_step step[2];
    for (int i = 0; i < N; i++)
      u[i] = (2 + 0.2 * t) * sin(0.2 * t + i);
    for (int k = 0; k < 2; k++)
      check_ok(tendril_env_step(env[k], u, obs[k], &step[k], check_err));
    if (is_beyond(obs[0]) || is_beyond(obs[1])) break;
    check_same_bits(obs[1], obs[0], 2 * N);
    check_same_bits(step[1].terms, step[0].terms, 3);
    inside++;
  }
  cr_assert(inside > 20 && inside < 99, "%d", inside);
  for (int k = 0; k < 2; k++) {
    tendril_env_destroy(env[k]);
    tendril_model_destroy(models[k]);
  }
}

// How far beyond its limit a joint gets that crosses it at `speed`, the policy pushing outward with
// all it has, seen at every physics step; `back` s after that it moves inward.
static double swing(const tendril_model *model, int joint, double speed, double *back) {
  tendril_env *env = support_env(model, 1, NULL);
  double u[N] = {0}, obs[2 * N], far = 0;
  u[joint] = 25;
  place(env, joint, limit - 1e-3, speed);
  *back = HUGE_VAL;
  for (int t = 0; *back > 10 && t * tendril_model_seconds(model) < 1; t++) {
    tendril_step step;
    check_ok(tendril_env_step(env, u, obs, &step, check_err));
    cr_assert(!step.diverged);
    far = fmax(far, obs[joint] - limit);
    if (obs[N + joint] < 0) *back = (t + 1) * tendril_model_seconds(model);
  }
  tendril_env_destroy(env);
  return far;
}

Test(links, a_joint_in_a_fast_swing_is_turned_back) {
  tendril_sim_options sim = support_sim_options();
  sim.step_seconds = 0.01;  // the same physics, seen at each of its steps
  sim.physics_steps = 1;
  tendril_model *soft = support_model(limits, &sim), *free = support_model("quad-link", &sim);
  check_close(tendril_model_mujoco(soft)->opt.timestep, 0.01, 0);
  for (int joint = 1; joint < N; joint++) {
    double back;
    // 10 rad/s carry 1/2 I w^2 = 12 to 25 J in the joint's own inertia, which 25 N m take up
    // within a radian
    const double far = swing(soft, joint, 10, &back);
    cr_assert(far > 0.05 && far < 1, "joint %d: %g rad", joint, far);
    cr_assert(back < 0.25, "joint %d: %g s", joint, back);
    // without limits it goes on; the first of them the other links turn back, too
    const double farther = swing(free, joint, 10, &back);
    cr_assert(farther > 1.2 * far, "joint %d: %g rad after %g", joint, farther, far);
  }
  tendril_model_destroy(soft);
  tendril_model_destroy(free);
}

// The feedback is held over a physics step, and so is late by up to one, in which the policy still
// pushes outward: the way beyond the limit differs from that of steps a tenth as long by about what
// the joint goes in so long.
Test(links, the_feedback_is_smooth_enough_for_the_physics_step) {
  tendril_sim_options sim = support_sim_options();
  sim.step_seconds = 0.01;
  sim.physics_steps = 1;
  tendril_model *coarse = support_model(limits, &sim);
  sim.step_seconds = 0.001;
  sim.max_steps = 1000;
  tendril_model *fine = support_model(limits, &sim);
  for (int joint = 1; joint < N; joint++) {
    double back[2];
    const double speed = 6, far = swing(coarse, joint, speed, &back[0]);
    const double near = swing(fine, joint, speed, &back[1]);
    cr_assert(fabs(far - near) < 2 * speed * 0.01, "joint %d: %g and %g rad", joint, far, near);
    cr_assert(fabs(back[1] - back[0]) < 0.05, "joint %d: %g and %g s", joint, back[0], back[1]);
  }
  tendril_model_destroy(coarse);
  tendril_model_destroy(fine);
}

Test(links, a_branch_from_beyond_the_limit_goes_on_alike) {
  tendril_model *model = support_model(limits, NULL);
  double snapshot[256], obs[2][2 * N], u[N] = {0, 25, -25, 25};
  cr_assert(tendril_snapshot_size(model) <= 256);
  tendril_env *env = support_env(model, 1, NULL), *other = support_env(model, 2, NULL);
  tendril_step step;
  place(env, 3, limit - 0.1, 10);
  check_ok(tendril_env_step(env, u, obs[0], &step, check_err));
  cr_assert(is_beyond(obs[0]));
  tendril_env_save(env, snapshot);
  // the other one holds another torque
  check_ok(tendril_env_step(other, (double[N]){9, 8, 7, 6}, obs[1], &step, check_err));
  tendril_env_restore(other, snapshot, obs[1]);
  check_same_bits(obs[1], obs[0], 2 * N);
  for (int t = 1; t < 100; t++) {
    for (int i = 0; i < N; i++)
      u[i] = 20 * sin(0.3 * t + i);
    check_ok(tendril_env_step(env, u, obs[0], &step, check_err));
    const double reward = step.reward;
    check_ok(tendril_env_step(other, u, obs[1], &step, check_err));
    check_same_bits(obs[1], obs[0], 2 * N);
    check_same_bits(&step.reward, &reward, 1);
  }
  tendril_env_destroy(env);
  tendril_env_destroy(other);
  tendril_model_destroy(model);
}

Test(links, the_last_twenty_states_are_those_of_the_horizon) {
  tendril_sim_options sim = support_sim_options();
  sim.max_steps = 30;
  sim.limit = 10;
  tendril_model *model = support_model(limits, &sim);
  tendril_env *env = support_env(model, 1, NULL);
  for (int t = 0; t < 30; t++) {
    double obs[2 * N];
    tendril_step step;
    check_ok(tendril_env_step(env, (double[N]){25, -25, 5, 0}, obs, &step, check_err));
    cr_assert_eq(step.terms[0]<0, t> 10, "step %d", t);  // x_11 .. x_30
    cr_assert_eq(step.terms[1]<0, t> 10, "step %d", t);
    check_close(step.terms[2], -1e-5 * 225, 1e-15);
    cr_assert_eq(step.truncated, t == 29);
  }
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(links, are_where_they_should_be_upright_and_still) {
  static const char *const names[] = {"double-link", "quad-link", limits};
  for (int k = 0; k < 3; k++) {
    tendril_model *model = support_model(names[k], NULL);
    const tendril_task *task = tendril_model_task(model);
    const mjModel *m = tendril_model_mujoco(model);
    double q[N] = {0}, v[N] = {0};
    cr_assert_eq(task->goal_last, 20);
    cr_assert(task->goal(m, q, v));
    for (int i = 0; i < m->nv; i++)
      for (int sign = -1; sign <= 1; sign += 2) {
        // both bounds are within, in every joint
        q[i] = sign * 0.2, v[i] = -sign;
        cr_assert(task->goal(m, q, v), "%s, joint %d", names[k], i);
        q[i] = sign * 0.201;
        cr_assert_not(task->goal(m, q, v), "%s, joint %d", names[k], i);
        q[i] = 0, v[i] = sign * 1.001;
        cr_assert_not(task->goal(m, q, v), "%s, joint %d", names[k], i);
        v[i] = 0;
      }
    // a turn too many is not upright
    q[0] = 2 * 3.14159265358979323846;
    cr_assert_not(task->goal(m, q, v));
    tendril_model_destroy(model);
  }
}

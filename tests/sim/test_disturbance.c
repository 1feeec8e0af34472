// Pushes of the configuration: when, how large and where to, that a snapshot carries them, and that
// without them nothing changes. The stepper of tests/data/mjcf slides without friction, so that its
// speed along x says when it is pushed and how much; its foot's period is the test's to choose.
#include "sim/sim.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double h = 0.002, mass = 5.5, two_pi = 6.283185307179586;

// An episode of a task's model, NULL for the defaults; leave() takes the model, too.
static tendril_env *enter(const char *task, const tendril_sim_options *options) {
  return support_env(support_model(task, options), 1, NULL);
}

static void leave(tendril_env *env) {
  tendril_model *model = (tendril_model *)env->model;
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// One of the stepper's.
static tendril_env *stepper(const tendril_disturbance_options *push) {
  tendril_sim_options options = support_sim_options();
  options.push = *push;
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(
      tendril_model_create(&support_toy, support_mjcf("stepper.xml"), &options, &model, &err),
      TENDRIL_OK, "%s", err.text);
  return support_env(model, 1, NULL);
}

static tendril_disturbance_options defaults(double newtons) {
  tendril_disturbance_options push;
  tendril_disturbance_defaults(&push);
  push.newtons = newtons;
  push.direction = TENDRIL_DISTURBANCE_FORWARD;
  return push;
}

// The leg's target in step i: up and down once in `period` seconds, or up all the time with 0.
static double leg(int64_t i, double period) {
  return -0.4 - (period > 0 ? 0.15 * sin(two_pi * (double)i * h / period) : -0.1);
}

static bool on_the_ground(const tendril_env *env) {
  return env->data->ncon > 0;
}

static void step(tendril_env *env, double action) {
  double obs[3];
  tendril_step out;
  cr_assert_eq(tendril_env_step(env, &action, obs, &out, NULL), TENDRIL_OK);
}

static double speed(const tendril_env *env) {
  return env->data->qvel[0];
}

// Step with which the next push begins, from the environment's time on, at most n steps later; -1.
static int next_push(tendril_env *env, double period, int n) {
  for (int i = 0; i < n; i++) {
    const double before = speed(env);
    const int t = tendril_env_time(env);
    step(env, leg(t, period));
    if (fabs(speed(env) - before) > 1e-9) return t;
  }
  return -1;
}

// Past a push of n steps.
static void pass(tendril_env *env, double period, int n) {
  for (int i = 0; i < n; i++)
    step(env, leg(tendril_env_time(env), period));
}

// -------------------------------------------------------------------------------------- by time

Test(disturbance, comes_at_its_time_for_its_time) {
  tendril_disturbance_options push = defaults(55);
  push.time = 0.3;
  tendril_env *env = stepper(&push);
  cr_assert_eq(tendril_model_disturbance(env->model)->newtons, 55);
  tendril_force forces[TENDRIL_MAX_FORCES];
  pass(env, 0, 149);
  cr_assert_eq(tendril_env_get_pushes(env, forces), 0);
  step(env, leg(0, 0));
  // before its first step it is known, for the arrow
  cr_assert_eq(tendril_env_get_pushes(env, forces), 1);
  cr_assert(forces[0].body == 1 && forces[0].force[0] == 55 && forces[0].force[2] == 0);
  cr_assert_eq(next_push(env, 0, 100), 150);
  pass(env, 0, 49);
  cr_assert_eq(tendril_env_get_pushes(env, forces), 0);
  // F dt = m dv; nothing else acts along x
  cr_assert_float_eq(speed(env), 55 * 0.1 / mass, 1e-9);
  cr_assert_eq(next_push(env, 0, 5000), -1);
  leave(env);
}

Test(disturbance, may_come_with_the_first_step_and_beside_those_of_a_caller) {
  tendril_disturbance_options push = defaults(10);
  push.time = 0;
  push.seconds = 1e-4;  // less than a step: one
  tendril_env *env = stepper(&push);
  tendril_push other;
  tendril_force forces[TENDRIL_MAX_FORCES];
  cr_assert_eq(tendril_push_parse("5@0,1", &other, NULL), TENDRIL_OK);
  for (int i = 0; i < TENDRIL_MAX_PUSHES; i++)
    cr_assert_eq(tendril_env_push(env, &other, NULL), TENDRIL_OK);
  cr_assert_eq(tendril_env_get_pushes(env, forces), TENDRIL_MAX_FORCES);
  step(env, leg(0, 0));
  cr_assert_float_eq(speed(env), (10 + 4 * 5) * h / mass, 1e-12);
  step(env, leg(0, 0));
  cr_assert_float_eq(speed(env), (10 + 4 * 10) * h / mass, 1e-12);
  leave(env);
}

Test(disturbance, comes_again_and_later_by_no_more_than_its_spread) {
  tendril_disturbance_options push = defaults(10);
  push.time = 0.1;
  push.every = 0.4;
  tendril_env *env = stepper(&push);
  for (int k = 0; k < 20; k++) {
    cr_assert_eq(next_push(env, 0, 1000), 50 + 200 * k);
    pass(env, 0, 60);
  }
  leave(env);

  // delays are even on 0 to 100 steps: 200 of them have a mean of 50 +- 5 deviations of 29 /
  // sqrt(200)
  push.spread = 0.2;
  env = stepper(&push);
  int last = 50 - 200;
  double sum = 0;
  for (int k = 0; k < 200; k++) {
    const int at = next_push(env, 0, 1000), delay = at - last - 200;
    cr_assert(delay >= 0 && delay <= 100, "push %d: %d", k, delay);
    sum += delay;
    last = at;
    pass(env, 0, 60);
  }
  cr_assert_float_eq(sum / 200, 50, 10.5);
  leave(env);
}

Test(disturbance, has_drawn_sizes_and_directions_by_the_episode) {
  enum { N = 400 };
  tendril_disturbance_options push = defaults(100);
  push.direction = TENDRIL_DISTURBANCE_EITHER;
  push.least = 0.25;
  push.time = 0;
  tendril_env *any = stepper(&push);
  double first[N], sum = 0;
  int forward = 0;
  for (int round = 0; round < 2; round++) {
    for (uint32_t i = 0; i < N; i++) {
      tendril_env *env = support_env(any->model, i, NULL);
      tendril_force force[TENDRIL_MAX_FORCES];
      cr_assert_eq(tendril_env_get_pushes(env, force), 1);
      const double x = force[0].force[0];
      cr_assert(fabs(x) >= 25 && fabs(x) <= 100);
      if (round) cr_assert_eq(x, first[i]);
      first[i] = x;
      if (!round) sum += fabs(x), forward += x > 0;
      tendril_env_destroy(env);
    }
  }
  // five deviations of the mean: 75 / sqrt(12 N) = 1.1 N, and sqrt(N) / 2 = 10
  cr_assert_float_eq(sum / N, 62.5, 5.5);
  cr_assert_float_eq(forward, N / 2.0, 50);
  leave(any);
}

Test(disturbance, goes_where_it_says) {
  static const double directions[][3] = {{1, 0, 0},  {-1, 0, 0}, {0, 1, 0},
                                         {0, -1, 0}, {0, 0, 1},  {0, 0, -1}};
  for (int i = 0; i < 6; i++) {
    tendril_disturbance_options push = defaults(3);
    push.time = 0;
    push.direction = TENDRIL_DISTURBANCE_FORWARD + i;
    tendril_env *env = stepper(&push);
    tendril_force force[TENDRIL_MAX_FORCES];
    cr_assert_eq(tendril_env_get_pushes(env, force), 1);
    for (int j = 0; j < 3; j++)
      cr_assert_eq(force[0].force[j], 3 * directions[i][j]);
    leave(env);
  }
}

// ------------------------------------------------------------------------------------- by phase

// Touch-downs of an episode without pushes, as contacts show them; returns how many.
static int touch_downs(double period, int n, int at[]) {
  const tendril_disturbance_options none = defaults(0);
  tendril_env *env = stepper(&none);
  int count = 0, off = 0;
  for (int t = 0; t < n; t++) {
    step(env, leg(t, period));
    if (on_the_ground(env) && off >= 25) at[count++] = t;
    off = on_the_ground(env) ? 0 : off + 1;
  }
  leave(env);
  return count;
}

// The foot's motion does not depend on the pushes along x.
Test(disturbance, comes_at_its_phase_of_a_periodic_gait) {
  static const double phases[] = {0, 0.1, 0.5, 0.77, 0.95, 1};
  enum { STEPS = 3000 };
  int down[64];
  const double period = 0.5;
  const int n = touch_downs(period, STEPS, down), stride = 250;
  cr_assert(n >= 10);
  for (int k = 3; k < n; k++)
    cr_assert_eq(down[k] - down[k - 1], stride, "the motion is periodic");
  for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
    tendril_disturbance_options push = defaults(20);
    push.phase = phases[i];
    push.time = 2.2;
    push.every = 1.1;
    push.seconds = 0.02;
    tendril_env *env = stepper(&push);
    int due = 1100;
    for (int k = 0; k < 3; k++) {
      // the first moment after `due`; a touch-down is known when its step is done
      int wanted = down[2] + (int)llround(phases[i] * stride);
      while (wanted < due)
        wanted += stride;
      const int at = next_push(env, period, STEPS), late = phases[i] == 0;
      cr_assert_eq(at, wanted + late, "phase %g: %d, not %d", phases[i], at, wanted + late);
      due = at + 550;
      pass(env, period, 10);
    }
    leave(env);
  }
}

Test(disturbance, waits_three_seconds_for_a_gait) {
  tendril_disturbance_options push = defaults(20);
  push.phase = 0.5;
  tendril_env *env = stepper(&push);
  cr_assert_eq(next_push(env, 0, 5000), 500 + 1500);
  leave(env);
}

// Strides of 0.6 s, then of 0.3 s: phase 0.9 of a stride that would be as long is never reached.
Test(disturbance, comes_with_the_end_of_a_stride_that_ends_before_its_phase) {
  tendril_disturbance_options push = defaults(20);
  push.phase = 0.9;
  push.time = 2.5;
  tendril_env *env = stepper(&push);
  pass(env, 0.6, 1200);  // whole periods of both
  int begin = -1, off = 0;
  for (int t = 1200; begin < 0 && t < 2000; t++) {
    step(env, leg(t, 0.3));
    if (t >= 1250 && on_the_ground(env) && off >= 25) begin = t;
    off = on_the_ground(env) ? 0 : off + 1;
    cr_assert_eq(speed(env), 0);
  }
  cr_assert_gt(begin, 0);
  cr_assert_eq(next_push(env, 0.3, 2), begin + 1);
  leave(env);
}

// ------------------------------------------------------------------------------------- snapshots

static void random_steps(tendril_env *env, int from, int n) {
  for (int t = from; t < from + n; t++) {
    double action[8], obs[32];
    tendril_step out;
    tendril_random r = tendril_random_stream(5, TENDRIL_PURPOSE_TEST, 99, (uint32_t)t);
    support_actions(&r, env->model, action);
    cr_assert_eq(tendril_env_step(env, action, obs, &out, NULL), TENDRIL_OK);
  }
}

// From every 7th state on, in an environment that was elsewhere: in a push, between, in a stride.
Test(disturbance, is_part_of_the_snapshot) {
  enum { T = 140 };
  tendril_disturbance_options push = defaults(5);
  push.direction = TENDRIL_DISTURBANCE_EITHER;
  push.least = 0;
  push.time = 0.1;
  push.every = 0.15;
  push.spread = 0.05;
  for (int phased = 0; phased < 2; phased++) {
    push.phase = phased ? 0.6 : -1;
    tendril_sim_options options = support_sim_options();
    options.push = push;
    tendril_env *env = enter("walker-gps", &options), *other = support_env(env->model, 2, NULL);
    const size_t size = (size_t)tendril_snapshot_size(env->model);
    double *states = calloc((T + 1) * size, sizeof(double)), *end = calloc(size, sizeof(double));
    tendril_force forces[TENDRIL_MAX_FORCES];
    int under = 0;
    for (int t = 0; t < T; t++) {
      tendril_env_save(env, states + (size_t)t * size);
      cr_assert(tnd_snapshot_is_good(env->model, states + (size_t)t * size));
      under += tendril_env_get_pushes(env, forces);
      random_steps(env, t, 1);
    }
    tendril_env_save(env, states + T * size);
    if (!phased) cr_assert(under > T / 3 && under < T);
    for (int t = 0; t < T; t += 7) {
      tendril_env_restore(other, states + (size_t)t * size, NULL);
      tendril_env_save(other, end);
      cr_assert_arr_eq(end, states + (size_t)t * size, size * sizeof(double), "state %d", t);
      random_steps(other, t, T - t);
      tendril_env_save(other, end);
      cr_assert_arr_eq(end, states + T * size, size * sizeof(double), "from %d", t);
    }

    // numbers that are none of a snapshot
    for (size_t i = size - TND_DISTURBANCE_SIZE; i < size; i++) {
      memcpy(end, states, size * sizeof(double));
      end[i] = (double)NAN;
      cr_assert_not(tnd_snapshot_is_good(env->model, end));
      end[i] = -2;
      const bool force = i >= size - 3;
      cr_assert_eq(tnd_snapshot_is_good(env->model, end), force);
    }
    tendril_env_destroy(other);
    leave(env);
    free(states);
    free(end);
  }
}

// In the middle of a stride whose length is known, the push to come is timed by it.
Test(disturbance, goes_on_in_the_middle_of_a_stride) {
  tendril_disturbance_options push = defaults(20);
  push.phase = 0.5;
  push.time = 2.2;
  tendril_env *env = stepper(&push), *other = support_env(env->model, 2, NULL);
  double *middle = calloc((size_t)tendril_snapshot_size(env->model), sizeof(double));
  int checked = 0;
  for (int start = 1000; start < 1400; start += 50) {
    pass(env, 0.5, start - tendril_env_time(env));
    if (speed(env) > 0) break;
    cr_assert(env->disturbance.stride.length > 0);
    tendril_env_save(env, middle);
    const int at = next_push(env, 0.5, 1000);
    tendril_env_restore(other, middle, NULL);
    cr_assert_eq(next_push(other, 0.5, 1000), at);
    tendril_env_restore(env, middle, NULL);
    checked++;
  }
  cr_assert_geq(checked, 2);
  tendril_env_destroy(other);
  leave(env);
  free(middle);
}

// -------------------------------------------------------------------------------- none, and wrong

Test(disturbance, of_no_newtons_changes_nothing) {
  tendril_sim_options options = support_sim_options();
  options.push = (tendril_disturbance_options){0};
  // zeros, and all the others without newtons
  for (int i = 0; i < 2; i++) {
    tendril_env *env = enter("walker-gps", &options), *plain = enter("walker-gps", NULL);
    cr_assert_null(tendril_model_disturbance(plain->model));
    cr_assert_null(tendril_model_disturbance(env->model));
    const size_t size = (size_t)tendril_snapshot_size(env->model);
    cr_assert_eq(size, (size_t)tendril_snapshot_size(plain->model));
    double *a = calloc(size, sizeof(double)), *b = calloc(size, sizeof(double));
    random_steps(env, 0, 100);
    random_steps(plain, 0, 100);
    tendril_env_save(env, a);
    tendril_env_save(plain, b);
    cr_assert_arr_eq(a, b, size * sizeof(double));
    leave(env);
    leave(plain);
    free(a);
    free(b);
    options.push = defaults(0);
    options.push.every = 0.01;
    options.push.phase = 0.5;
  }
}

// A push to come changes no bit of what is before it, the start state neither.
Test(disturbance, leaves_alone_what_is_before_it) {
  tendril_sim_options options = support_sim_options();
  options.push = defaults(10);
  options.push.time = 1e3;
  options.push.phase = 0.3;
  tendril_env *env = enter("hopper-v4", &options), *plain = enter("hopper-v4", NULL);
  random_steps(env, 0, 10);
  random_steps(plain, 0, 10);
  cr_assert_arr_eq(env->data->qpos, plain->data->qpos, 6 * sizeof(double));
  cr_assert_arr_eq(env->data->qvel, plain->data->qvel, 6 * sizeof(double));
  leave(env);
  leave(plain);
}

static void refused(const char *file, const tendril_disturbance_options *push, const char *text) {
  tendril_sim_options options = support_sim_options();
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  options.push = *push;
  cr_assert_neq(tendril_model_create(&support_toy, support_mjcf(file), &options, &model, &err),
                TENDRIL_OK);
  cr_assert_null(model);
  cr_assert(strstr(err.text, text), "%s", err.text);
}

Test(disturbance, that_cannot_be_is_refused) {
  tendril_disturbance_options push = defaults(10);
  push.phase = 0.5;
  refused("aloof.xml", &push, "no foot");
  refused("floating.xml", &push, "no foot");
  push.every = 0.05;
  refused("stepper.xml", &push, "push.every");
  push = defaults((double)NAN);
  refused("stepper.xml", &push, "newtons");
  push = defaults(-1);
  refused("stepper.xml", &push, "newtons");
  push = defaults(10);
  push.least = 1.5;
  refused("stepper.xml", &push, "least");
}

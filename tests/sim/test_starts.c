// Start states of a model: which come up, how often, what of a reset they replace, and that a model
// without them is as it ever was.
#include "base/alloc.h"
#include "sim/sim.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { NX = 64 };  // at least nq + nv of any model here

static tendril_random stream(uint32_t episode) {
  return tendril_random_stream(7, TENDRIL_PURPOSE_RESET, episode, 0);
}

static void set(tendril_model *model, int count, const double *x) {
  check_ok(tendril_model_set_starts(model, 1, count, x, check_err));
}

// qpos and qvel [nq + nv] at the start of that episode, and in [NX - 1] the first number of the
// observation.
static void start(tendril_env *env, uint32_t episode, double *x) {
  const tendril_random random = stream(episode);
  const mjModel *m = tendril_env_mujoco(env);
  const mjData *d = tendril_env_data(env);
  double obs[32];
  memset(x, 0, NX * sizeof *x);
  check_ok(tendril_env_reset(env, &random, obs, check_err));
  memcpy(x, d->qpos, sizeof *x * (size_t)m->nq);
  memcpy(x + m->nq, d->qvel, sizeof *x * (size_t)m->nv);
  x[NX - 1] = obs[0];
}

static tendril_env *enter(const tendril_model *model) {
  tendril_env *env = NULL;
  check_ok(tendril_env_create(model, &env, check_err));
  return env;
}

// count start states of a hopper in the air: [count][nq + nv], all numbers differ.
static int hops(const tendril_model *model, int count, double *x) {
  const mjModel *m = tendril_model_mujoco(model);
  const int n = (int)m->nq + (int)m->nv;
  for (int k = 0; k < count; k++)
    for (int i = 0; i < n; i++)
      x[k * n + i] = (i == 1 ? 1.5 : 0.0) + 0.01 * (k + 1) + 0.001 * i;
  return n;
}

// ------------------------------------------------------------------------------- which, how often

Test(starts, come_up_as_they_were_set_and_each_as_often) {
  enum { COUNT = 4, N = 4000 };
  tendril_model *model = support_model("hopper-v4", NULL);
  double x[COUNT * NX], got[NX];
  const int n = hops(model, COUNT, x);
  set(model, COUNT, x);
  tendril_env *env = enter(model);
  int often[COUNT] = {0};
  for (uint32_t episode = 0; episode < N; episode++) {
    start(env, episode, got);
    int k = 0;
    while (k < COUNT && memcmp(got, x + k * n, sizeof *x * (size_t)n) != 0)
      k++;
    cr_assert_lt(k, COUNT, "episode %u began elsewhere", episode);
    cr_assert_eq(got[NX - 1], x[k * n + 1]);  // the hopper observes its height first
    often[k]++;
  }
  // binomial(4000, 1/4) has a standard deviation of 27: four of them
  for (int k = 0; k < COUNT; k++)
    cr_assert(often[k] > 890 && often[k] < 1110, "start %d: %d of %d", k, often[k], N);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(starts, are_a_function_of_the_episode_alone) {
  enum { COUNT = 50 };
  tendril_model *model = support_model("hopper-v4", NULL);
  double x[COUNT * NX], a[NX], b[NX];
  hops(model, COUNT, x);
  set(model, COUNT, x);
  tendril_env *env = enter(model), *other = enter(model);
  int changes = 0;
  double before[NX] = {0};
  for (uint32_t episode = 0; episode < 100; episode++) {
    start(env, episode, a);
    start(other, 99 - episode, b);  // another way there
    start(other, episode, b);
    check_same_bits(b, a, NX);
    changes += memcmp(a, before, sizeof a) != 0;
    memcpy(before, a, sizeof a);
  }
  cr_assert_gt(changes, 80);  // 98 are to be expected
  tendril_env_destroy(env);
  tendril_env_destroy(other);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------- within a reset

// A task whose start is drawn: where it is, and a number of its own.
static void reset_by_chance(const mjModel *model, mjData *data, double *state,
                            tendril_random *random) {
  (void)model;
  data->qpos[0] = tendril_random_uniform(random, 5, 6);
  state[0] = tendril_random_uniform(random, 100, 200);
}

static tendril_task by_chance(void) {
  tendril_task task = support_toy;
  task.reset = reset_by_chance;
  return task;
}

static tendril_model *model_of(const tendril_task *task, const char *mjcf, double qpos_noise,
                               double qvel_noise) {
  tendril_sim_options options = support_sim_options();
  options.start_qpos = qpos_noise;
  options.start_qvel = qvel_noise;
  tendril_model *model = NULL;
  check_ok(tendril_model_create(task, support_mjcf(mjcf), &options, &model, check_err));
  return model;
}

Test(starts, are_drawn_after_the_tasks_reset_and_have_the_noise_on_top) {
  const tendril_task task = by_chance();
  tendril_model *model = model_of(&task, "cart.xml", 0.5, 2);
  const double x[3][2] = {{-1, 10}, {-2, 20}, {-3, 30}};
  set(model, 3, x[0]);
  tendril_env *env = enter(model);
  for (uint32_t episode = 0; episode < 50; episode++) {
    double got[NX], noise[2];
    start(env, episode, got);
    // by hand: two numbers of the task's, one of three, and the normals of one degree of freedom
    tendril_random random = stream(episode);
    tendril_random_uniform(&random, 5, 6);
    const double own = tendril_random_uniform(&random, 100, 200);
    const uint32_t k = tendril_random_below(&random, 3);
    tendril_random_normals(&random, 2, noise);
    check_close(got[0], x[k][0] + 0.5 * noise[0], 1e-15);  // one rounding of numbers below 8
    check_close(got[1], x[k][1] + 2 * noise[1], 1e-15);
    cr_assert_eq(env->state[0], own);  // the task's own state stays the task's
  }
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(starts, turn_by_their_quaternions) {
  tendril_model *model = model_of(&support_toy, "floating.xml", 0, 0);
  const mjModel *m = tendril_model_mujoco(model);
  cr_assert_eq((int)m->nq, (int)m->nv + 1);
  // qpos: place, turn about y by 0.6435 rad, arm; qvel: six of the trunk, one of the arm
  const double x[15] = {1, 2, 3, 0.8, 0, 0.6, 0, 0.5, 1, 2, 3, 4, 5, 6, 7};
  set(model, 1, x);
  double got[NX];
  tendril_env *env = enter(model);
  start(env, 0, got);
  check_all_close(got, x, 15, 1e-15);  // MuJoCo normalizes the quaternion: to its last bit
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------- without

// Start, and qpos after some steps, of a few episodes.
static void play(const tendril_model *model, double *x) {
  tendril_env *env = enter(model);
  tendril_random random = tendril_random_stream(4, TENDRIL_PURPOSE_TEST, 0, 0);
  for (uint32_t episode = 0; episode < 3; episode++, x += 2 * NX) {
    double obs[32], action[8];
    tendril_step step = {0};
    start(env, episode, x);
    for (int t = 0; t < 10 && !step.terminated; t++) {
      support_actions(&random, model, action);
      check_ok(tendril_env_step(env, action, obs, &step, check_err));
    }
    memset(x + NX, 0, NX * sizeof *x);
    memcpy(x + NX, tendril_env_data(env)->qpos, sizeof *x * (size_t)env->mujoco->nq);
  }
  tendril_env_destroy(env);
}

Test(starts, that_are_taken_back_leave_the_tasks_own_to_the_bit) {
  static double never[6 * NX], with[6 * NX], without[6 * NX], x[3 * NX];
  tendril_sim_options options = support_sim_options();
  options.start_qpos = 0.01;
  tendril_model *model = support_model("hopper-v4", &options);
  int count = -1;
  cr_assert_null(tendril_model_get_starts(model, &count));
  cr_assert_eq(count, 0);
  play(model, never);
  hops(model, 3, x);
  set(model, 3, x);
  play(model, with);
  set(model, 0, NULL);
  play(model, without);
  check_same_bits(without, never, 6 * NX);
  cr_assert(memcmp(with, never, sizeof with) != 0);
  cr_assert_null(tendril_model_get_starts(model, &count));
  cr_assert_eq(count, 0);
  tendril_model_destroy(model);
}

Test(starts, are_seen_by_environments_that_were_there_before) {
  tendril_model *model = model_of(&support_toy, "cart.xml", 0, 0);
  tendril_env *env = enter(model);
  double got[NX];
  start(env, 0, got);
  cr_assert_eq(got[0], 0);
  for (int k = 1; k < 4; k++) {
    set(model, 1, (double[2]){k, 0});
    start(env, 0, got);
    cr_assert_eq(got[0], k);
  }
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------- set, get, vary

Test(starts, are_copied_and_may_be_some_of_the_models_own) {
  tendril_model *model = model_of(&support_toy, "cart.xml", 0, 0);
  double x[4] = {1, 2, 3, 4};
  int count = 0;
  set(model, 2, x);
  x[0] = NAN;
  const double *own = tendril_model_get_starts(model, &count);
  cr_assert_eq(count, 2);
  check_same_bits(own, ((double[4]){1, 2, 3, 4}), 4);
  set(model, 1, own + 2);
  own = tendril_model_get_starts(model, &count);
  cr_assert_eq(count, 1);
  check_same_bits(own, ((double[2]){3, 4}), 2);
  tendril_model_destroy(model);
}

Test(starts, are_those_of_the_base_in_a_variant) {
  static double a[6 * NX], b[6 * NX], x[3 * NX];
  tendril_model *base = support_model("hopper-v4", NULL), *variant = NULL;
  tendril_variation nothing;
  tendril_variation_defaults(&nothing);
  hops(base, 3, x);
  set(base, 3, x);
  check_ok(tendril_model_vary(base, &nothing, &variant, check_err));
  play(base, a);
  set(base, 0, NULL);  // the variant's are its own
  play(variant, b);
  check_same_bits(b, a, 6 * NX);
  tendril_model_destroy(base);
  play(variant, b);
  check_same_bits(b, a, 6 * NX);
  tendril_model_destroy(variant);
}

// ------------------------------------------------------------------------------- several motions

// Motion and state that episode `turn` on that ground starts in, by the first position.
static int drawn(tendril_env *env, int ground, uint32_t turn, int each, const double *x, int n) {
  double got[NX];
  check_ok(tendril_env_set_ground(env, ground, check_err));
  start(env, turn, got);
  int k = 0;
  while (k < 5 * each && got[0] != x[k * n])
    k++;
  cr_assert_lt(k, 5 * each);
  return k;
}

Test(starts, of_several_motions_are_on_their_grounds_and_take_turns) {
  enum { MOTIONS = 5, EACH = 3 };
  tendril_sim_options options;
  tendril_sim_defaults(&options);
  options.terrain.kind = TENDRIL_TERRAIN_FLAT;
  options.terrain.seeds = 2;
  tendril_model *model = support_model("hopper-v4", &options);
  double x[MOTIONS * EACH * NX];
  const int n = hops(model, MOTIONS * EACH, x);
  bool seen[MOTIONS * EACH] = {false};
  check_ok(tendril_model_set_starts(model, MOTIONS, EACH, x, check_err));
  tendril_env *env = enter(model);
  for (uint32_t turn = 0; turn < 60; turn++) {
    // motions 0, 2, 4 are on ground 0, motions 1, 3 on ground 1
    const int k = drawn(env, 0, turn, EACH, x, n), l = drawn(env, 1, turn, EACH, x, n);
    cr_assert_eq(k / EACH, 2 * (int)(turn % 3));
    cr_assert_eq(l / EACH, 1 + 2 * (int)(turn % 2));
    seen[k] = seen[l] = true;
  }
  for (int k = 0; k < MOTIONS * EACH; k++)
    cr_assert(seen[k], "state %d never came up", k);
  // a ground that no motion is on has them all
  check_ok(tendril_model_set_starts(model, 1, EACH, x, check_err));
  cr_assert_lt(drawn(env, 1, 0, EACH, x, n), EACH);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------- refused

Test(starts, that_make_no_sense_are_refused_and_those_before_stay) {
  tendril_model *model = model_of(&support_toy, "floating.xml", 0, 0);
  double x[2][15] = {{0}};
  x[0][3] = x[1][3] = 1;
  set(model, 1, x[0]);
  const struct {
    int count, i;
    double value;
    tendril_status status;
    const char *text;
  } cases[] = {
      {-1, 0, 0, TENDRIL_E_ARGUMENT, "toy: -1 start states"},
      {2, 0, NAN, TENDRIL_E_NUMERIC, "start state 1 of 2: qpos[0] is not finite"},
      {2, 7, INFINITY, TENDRIL_E_NUMERIC, "start state 1 of 2: qpos[7] is not finite"},
      {2, 8, -INFINITY, TENDRIL_E_NUMERIC, "start state 1 of 2: qvel[0] is not finite"},
      {2, 14, NAN, TENDRIL_E_NUMERIC, "start state 1 of 2: qvel[6] is not finite"},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    double bad[2][15];
    tendril_error err = {{0}};
    int count = 0;
    memcpy(bad, x, sizeof bad);
    bad[1][cases[k].i] = cases[k].value;
    cr_assert_eq(tendril_model_set_starts(model, 1, cases[k].count, bad[0], &err), cases[k].status);
    cr_assert_not_null(strstr(err.text, cases[k].text), "%s", err.text);
    check_same_bits(tendril_model_get_starts(model, &count), x[0], 15);
    cr_assert_eq(count, 1);
  }
  tendril_error err = {{0}};
  cr_assert_eq(tendril_model_set_starts(model, 0, 1, x[0], &err), TENDRIL_E_ARGUMENT);
  cr_assert_not_null(strstr(err.text, "toy: start states of 0 motions"), "%s", err.text);
  tendril_model_destroy(model);
}

Test(starts, that_the_simulation_cannot_take_fail_the_reset) {
  tendril_model *model = model_of(&support_toy, "cart.xml", 0, 0);
  set(model, 1, (double[2]){1e300, 0});
  tendril_env *env = enter(model);
  tendril_error err = {{0}};
  double obs[3];
  const tendril_random random = stream(0);
  cr_assert_eq(tendril_env_reset(env, &random, obs, &err), TENDRIL_E_PHYSICS);
  cr_assert_not_null(strstr(err.text, "the start state is unstable"), "%s", err.text);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

static tendril_status set_once(void *context, tendril_error *err) {
  const double x[4] = {1, 2, 3, 4};
  int count = 0;
  const double *before = tendril_model_get_starts(context, &count);
  const tendril_status status = tendril_model_set_starts(context, 1, 2, x, err);
  if (status != TENDRIL_OK) {
    cr_assert_eq(tendril_model_get_starts(context, &count), before);
    cr_assert_eq(count, 1);
  }
  return status;
}

Test(starts, whose_memory_is_not_there_are_a_clean_error) {
  tendril_model *model = model_of(&support_toy, "cart.xml", 0, 0);
  set(model, 1, (double[2]){5, 6});
  cr_assert_eq(support_fail_each_alloc(set_once, model), 1);
  tendril_model_destroy(model);
}

static tendril_status vary_once(void *context, tendril_error *err) {
  tendril_variation nothing;
  tendril_model *model = NULL;
  tendril_variation_defaults(&nothing);
  const tendril_status status = tendril_model_vary(context, &nothing, &model, err);
  if (status == TENDRIL_OK) tendril_model_destroy(model);
  return status;
}

Test(starts, of_a_variant_that_cannot_be_made_leave_nothing_behind) {
  tendril_model *model = model_of(&support_toy, "cart.xml", 0, 0);
  const int without = support_fail_each_alloc(vary_once, model);
  set(model, 1, (double[2]){5, 6});
  cr_assert_eq(support_fail_each_alloc(vary_once, model), without + 1);
  tendril_model_destroy(model);
}

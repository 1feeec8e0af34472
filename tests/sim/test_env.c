// Environments: the start of an episode, its ends, and what happens when physics fails.
#include "base/alloc.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tendril_model *toy_model(const char *mjcf) {
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_model_create(&support_toy, support_mjcf(mjcf), NULL, &model, &err),
               TENDRIL_OK, "%s", err.text);
  return model;
}

// ------------------------------------------------------------------------------------ starts

// What Gymnasium does: mj_resetData(), the start state, mj_forward(). Ours clears less, into an
// environment that has seen contacts, forces and other episodes; the bits must be the same.
static void expect_reset_as_from_scratch(const char *name) {
  tendril_model *model = support_model(name, NULL);
  const mjModel *m = tendril_model_mujoco(model);
  double obs[32], action[8];
  tendril_env *env = support_env(model, 1, obs);
  mjData *d = tendril_env_data(env), *fresh = mj_makeData(m);
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);

  for (uint32_t episode = 0; episode < 20; episode++) {
    tendril_random start = tendril_random_stream(3, TENDRIL_PURPOSE_RESET, episode, 0);
    cr_assert_eq(tendril_env_reset(env, &start, obs, NULL), TENDRIL_OK);
    mj_resetData(m, fresh);
    mju_copy(fresh->qpos, d->qpos, (int)m->nq);
    mju_copy(fresh->qvel, d->qvel, (int)m->nv);
    mj_forward(m, fresh);
    cr_assert_arr_eq(d->qacc_warmstart, fresh->qacc_warmstart, (size_t)m->nv * sizeof(double));

    // the same for as long as the episode lasts
    tendril_step step = {0};
    while (!step.terminated && tendril_env_time(env) < 100) {
      support_actions(&random, model, action);
      cr_assert_eq(tendril_env_step(env, action, obs, &step, NULL), TENDRIL_OK);
      mju_copy(fresh->ctrl, action, (int)m->nu);
      for (int i = 0; i < tendril_model_physics_steps(model); i++)
        mj_step(m, fresh);
      cr_assert_arr_eq(d->qpos, fresh->qpos, (size_t)m->nq * sizeof(double));
      cr_assert_arr_eq(d->qvel, fresh->qvel, (size_t)m->nv * sizeof(double));
    }
    d->qfrc_applied[0] = 3;
    d->xfrc_applied[7] = 2;
  }
  mj_deleteData(fresh);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(env, starts_episodes_as_mj_reset_data_does) {
  expect_reset_as_from_scratch("hopper-v4");
  expect_reset_as_from_scratch("walker2d-v4");
  expect_reset_as_from_scratch("swimmer-v4");
  expect_reset_as_from_scratch("inverted-pendulum-v4");
  expect_reset_as_from_scratch("cartpole");
  expect_reset_as_from_scratch("swimmer");
  expect_reset_as_from_scratch("hopper");
  expect_reset_as_from_scratch("walker");
}

Test(env, repeats_an_episode_from_its_stream) {
  tendril_model *model = support_model("hopper-v4", NULL);
  double a[11], b[11], c[11];
  tendril_env *env = support_env(model, 5, a);
  tendril_env *other = support_env(model, 6, c);
  cr_assert_neq(memcmp(a, c, sizeof a), 0);
  tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, 5, 0);
  cr_assert_eq(tendril_env_reset(other, &random, b, NULL), TENDRIL_OK);
  cr_assert_arr_eq(a, b, sizeof a);
  cr_assert_eq(random.draw, 0);  // copied, not advanced
  tendril_env_destroy(env);
  tendril_env_destroy(other);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------ ends

// Steps with random actions until the episode is over; returns the last step.
static tendril_step run_out(tendril_env *env, const tendril_model *model) {
  tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_step step = {0};
  double obs[32], action[8];
  while (!step.terminated && !step.truncated && !step.diverged) {
    support_actions(&random, model, action);
    cr_assert_eq(tendril_env_step(env, action, obs, &step, NULL), TENDRIL_OK);
  }
  return step;
}

Test(env, tells_a_fall_from_the_time_limit) {
  tendril_sim_options options = support_sim_options();
  tendril_model *model = support_model("hopper-v4", &options);
  tendril_env *env = support_env(model, 1, NULL);
  tendril_step fall = run_out(env, model);
  int length = tendril_env_time(env);
  cr_assert(fall.terminated && !fall.truncated);
  cr_assert(length > 5 && length < 1000);
  tendril_env_destroy(env);
  tendril_model_destroy(model);

  options.max_steps = length - 1;
  model = support_model("hopper-v4", &options);
  env = support_env(model, 1, NULL);
  tendril_step limit = run_out(env, model);
  cr_assert(!limit.terminated && limit.truncated);
  cr_assert_eq(tendril_env_time(env), length - 1);
  tendril_env_destroy(env);
  tendril_model_destroy(model);

  options.max_steps = length;  // both on one step, and both are said
  model = support_model("hopper-v4", &options);
  env = support_env(model, 1, NULL);
  tendril_step both = run_out(env, model);
  cr_assert(both.terminated && both.truncated);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(env, refuses_to_step_an_episode_that_is_over) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tendril_env *env = NULL;
  tendril_step step;
  tendril_error err;
  double obs[11];
  cr_assert_eq(tendril_env_create(model, &env, NULL), TENDRIL_OK);
  cr_assert_eq(tendril_env_step(env, (double[3]){0}, obs, &step, &err), TENDRIL_E_ARGUMENT);
  tendril_random random = tendril_random_stream(0, TENDRIL_PURPOSE_TEST, 0, 0);
  cr_assert_eq(tendril_env_reset(env, &random, obs, NULL), TENDRIL_OK);
  run_out(env, model);
  cr_assert_eq(tendril_env_step(env, (double[3]){0}, obs, &step, &err), TENDRIL_E_ARGUMENT);
  cr_assert_not_null(strstr(err.text, "reset"));
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(env, counts_its_steps) {
  tendril_model *model = support_model("swimmer-v4", NULL);
  tendril_env *env = support_env(model, 1, NULL);
  run_out(env, model);
  const tendril_env_stats *stats = tendril_env_get_stats(env);
  cr_assert_eq(tendril_env_time(env), 1000);
  cr_assert_eq(stats->steps, 1000);
  cr_assert_eq(stats->diverged, 0);
  cr_assert(stats->physics_seconds > 1e-3 && stats->physics_seconds < 60);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------ inside a
// step

static void count_and_add_times(const mjModel *m, const mjData *d, double *state) {
  (void)m;
  state[0] += 1;
  state[1] += d->time;
}

static void observe_state(const mjModel *m, const mjData *d, const double *state, double *obs) {
  (void)m, (void)d;
  memcpy(obs, state, 3 * sizeof(double));
}

Test(env, calls_during_after_each_mujoco_step) {
  tendril_task task = support_toy;
  task.physics_steps = 4;
  task.nstate = 3;
  task.before = NULL;
  task.during = count_and_add_times;
  task.observe = observe_state;
  const int cuts[] = {0, 5};  // MuJoCo steps per control step: the task's own 4, and 5
  for (int k = 0; k < 2; k++) {
    tendril_sim_options options = support_sim_options();
    options.physics_steps = cuts[k];
    tendril_model *model = NULL;
    cr_assert_eq(
        tendril_model_create(&task, support_mjcf("everything.xml"), &options, &model, NULL),
        TENDRIL_OK);
    double obs[3], action[2] = {0}, h = tendril_model_mujoco(model)->opt.timestep;
    tendril_env *env = support_env(model, 1, obs);
    cr_assert_eq(obs[0], 0);  // not by a reset
    tendril_step step;
    int n = tendril_model_physics_steps(model);
    cr_assert_eq(n, cuts[k] ? cuts[k] : 4);
    for (int t = 1; t <= 3; t++) {
      cr_assert_eq(tendril_env_step(env, action, obs, &step, NULL), TENDRIL_OK);
      cr_assert_eq(obs[0], t * n);
      cr_assert_float_eq(obs[1], h * (t * n) * (t * n + 1) / 2, 1e-12);  // h (1 + 2 + ... + t n)
    }
    tendril_env_destroy(env);
    tendril_model_destroy(model);
  }
}

static int calls_of_during;

static void count_good_states(const mjModel *m, const mjData *d, double *state) {
  (void)m, (void)state;
  for (int i = 0; i < mjNWARNING; i++)
    cr_assert_eq(d->warning[i].number, 0);
  calls_of_during++;
}

Test(env, calls_during_no_more_once_a_step_went_wrong) {
  tendril_task task = support_toy;
  task.physics_steps = 1000;
  task.during = count_good_states;
  tendril_model *model = NULL;
  cr_assert_eq(tendril_model_create(&task, support_mjcf("unstable.xml"), NULL, &model, NULL),
               TENDRIL_OK);
  double obs[3];
  tendril_env *env = support_env(model, 1, NULL);
  tendril_step step;
  calls_of_during = 0;
  cr_assert_eq(tendril_env_step(env, (double[1]){0.01}, obs, &step, NULL), TENDRIL_OK);
  cr_assert(step.diverged);
  cr_assert(calls_of_during > 100 && calls_of_during < 1000, "%d", calls_of_during);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------ actions

Test(env, refuses_an_action_that_is_not_finite_and_steps_nothing) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tendril_env *env = support_env(model, 1, NULL);
  mjData *d = tendril_env_data(env);
  double time = d->time, obs[11];
  tendril_step step;
  tendril_error err;
  const double bad[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
  for (int i = 0; i < 3; i++) {
    double action[3] = {0.1, 0.2, 0.3};
    action[i] = bad[i];
    cr_assert_eq(tendril_env_step(env, action, obs, &step, &err), TENDRIL_E_NUMERIC);
    char part[32];
    snprintf(part, sizeof part, "action %d", i);
    cr_assert_not_null(strstr(err.text, part), "%s", err.text);
  }
  cr_assert_eq(d->time, time);
  cr_assert_eq(tendril_env_time(env), 0);
  cr_assert_eq(tendril_env_step(env, (double[3]){0}, obs, &step, &err), TENDRIL_OK);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// MuJoCo clamps controls itself, so clipping changes what the action costs, not where it leads.
Test(env, clips_actions_before_they_are_paid_for) {
  const double action[3] = {3.0, -2.0, 0.5};
  double cost[2], obs[2][11];
  for (int clip = 0; clip < 2; clip++) {
    tendril_sim_options options = {.clip_actions = clip};
    tendril_model *model = support_model("hopper-v4", &options);
    tendril_env *env = support_env(model, 1, NULL);
    tendril_step step;
    cr_assert_eq(tendril_env_step(env, action, obs[clip], &step, NULL), TENDRIL_OK);
    cost[clip] = step.terms[2];
    cr_assert_float_eq(step.reward, step.terms[0] + step.terms[1] + step.terms[2], 1e-15);
    tendril_env_destroy(env);
    tendril_model_destroy(model);
  }
  cr_assert_arr_eq(obs[0], obs[1], sizeof obs[0]);
  cr_assert_float_eq(cost[0], -1e-3 * (9 + 4 + 0.25), 1e-16);
  cr_assert_float_eq(cost[1], -1e-3 * (1 + 1 + 0.25), 1e-16);
}

// ------------------------------------------------------------------------------------ failures

// Steps the toy task with full force until it diverges, which it must within `limit` steps.
static void expect_divergence(const char *mjcf, int limit) {
  tendril_model *model = toy_model(mjcf);
  double obs[3], good[3] = {0};
  tendril_env *env = support_env(model, 1, good);
  tendril_step step = {0};
  int t = 0;
  for (; t < limit && !step.diverged; t++) {
    cr_assert_eq(tendril_env_step(env, (double[1]){1.0}, obs, &step, NULL), TENDRIL_OK);
    if (!step.diverged) memcpy(good, obs, sizeof good);
  }
  cr_assert(step.diverged, "%s did not diverge in %d steps", mjcf, limit);
  cr_assert(!step.terminated && !step.truncated);
  cr_assert_eq(step.reward, 0);
  cr_assert_arr_eq(obs, good, sizeof obs);
  cr_assert_eq(tendril_env_time(env), t - 1);  // the void step is no step
  cr_assert_eq(tendril_env_get_stats(env)->diverged, 1);
  cr_assert_eq(tendril_env_step(env, (double[1]){0}, obs, &step, NULL), TENDRIL_E_ARGUMENT);

  // and the next episode is as good as the first
  tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, 1, 0);
  cr_assert_eq(tendril_env_reset(env, &random, obs, NULL), TENDRIL_OK);
  cr_assert_eq(tendril_env_step(env, (double[1]){0}, obs, &step, NULL), TENDRIL_OK);
  cr_assert(!step.diverged);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(env, cuts_an_unstable_episode) {
  expect_divergence("unstable.xml", 100);
}

Test(env, cuts_an_episode_when_contacts_are_lost) {
  expect_divergence("crowded.xml", 500);
}

Test(env, cuts_an_episode_when_constraints_are_lost) {
  expect_divergence("few_constraints.xml", 500);
}

// Gives up in mid-step (the stack is too small for the contacts) and starts over as if new.
Test(env, recovers_from_an_error_inside_mj_step) {
  tendril_model *model = toy_model("small_stack.xml");
  double obs[3], last[3] = {0};
  tendril_error err = {{0}};
  tendril_env *env = support_env(model, 1, NULL);
  for (int round = 0; round < 3; round++) {
    tendril_step step = {0};
    tendril_status status = TENDRIL_OK;
    for (int t = 0; t < 500 && status == TENDRIL_OK; t++) {
      status = tendril_env_step(env, (double[1]){0}, obs, &step, &err);
      cr_assert(!step.diverged);
    }
    cr_assert_eq(status, TENDRIL_E_PHYSICS);
    cr_assert_eq(strncmp(err.text, "MuJoCo: ", 8), 0, "%s", err.text);
    cr_assert_eq(tendril_env_step(env, (double[1]){0}, obs, &step, NULL), TENDRIL_E_ARGUMENT);
    if (round > 0) cr_assert_arr_eq(obs, last, sizeof obs);
    memcpy(last, obs, sizeof obs);
    tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, 1, 0);
    cr_assert_eq(tendril_env_reset(env, &random, obs, NULL), TENDRIL_OK);
  }
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

static void reset_to_nan(const mjModel *m, mjData *d, double *state, tendril_random *random) {
  (void)m, (void)state, (void)random;
  d->qvel[0] = (double)NAN;
}

static void reset_into_the_floor(const mjModel *m, mjData *d, double *state,
                                 tendril_random *random) {
  (void)state, (void)random;
  for (int i = 0; i < m->nq; i++)
    d->qpos[i] = -0.15;
}

Test(env, refuses_an_unstable_start) {
  tendril_task task = support_toy;
  tendril_random random = tendril_random_stream(0, TENDRIL_PURPOSE_TEST, 0, 0);
  void (*const starts[])(const mjModel *, mjData *, double *,
                         tendril_random *) = {reset_to_nan, reset_into_the_floor};
  for (int i = 0; i < 2; i++) {
    task.reset = starts[i];
    tendril_model *model = NULL;
    tendril_env *env = NULL;
    tendril_error err = {{0}};
    double obs[3];
    cr_assert_eq(tendril_model_create(&task, support_mjcf("crowded.xml"), NULL, &model, NULL),
                 TENDRIL_OK);
    cr_assert_eq(tendril_env_create(model, &env, NULL), TENDRIL_OK);
    cr_assert_eq(tendril_env_reset(env, &random, obs, &err), TENDRIL_E_PHYSICS);
    cr_assert_not_null(strstr(err.text, "start state"), "%s", err.text);
    tendril_step step;
    cr_assert_eq(tendril_env_step(env, (double[1]){0}, obs, &step, NULL), TENDRIL_E_ARGUMENT);
    tendril_env_destroy(env);
    tendril_model_destroy(model);
  }
}

Test(env, leaves_no_log_behind) {
  char folder[] = "/tmp/tendril-log-XXXXXX";
  cr_assert_not_null(mkdtemp(folder));
  cr_assert_eq(chdir(folder), 0);
  expect_divergence("unstable.xml", 100);
  expect_divergence("crowded.xml", 500);
  tendril_model *model = NULL;
  cr_assert_eq(tendril_model_create(&support_toy, support_mjcf("nan.xml"), NULL, &model, NULL),
               TENDRIL_E_FORMAT);
  cr_assert_neq(access("MUJOCO_LOG.TXT", F_OK), 0);
  cr_assert_eq(chdir("/"), 0);
  cr_assert_eq(rmdir(folder), 0);  // empty
}

Test(env, fails_cleanly_at_every_allocation) {
  tendril_model *model = toy_model("everything.xml");
  int failures = 0;
  for (long k = 0;; k++) {
    tendril_env *env = NULL;
    tendril_error err = {{0}};
    tnd_alloc_fail_at(k);
    tendril_status status = tendril_env_create(model, &env, &err);
    tnd_alloc_fail_at(-1);
    if (status == TENDRIL_OK) {
      tendril_env_destroy(env);
      break;
    }
    cr_assert_eq(status, TENDRIL_E_MEMORY);
    cr_assert_null(env);
    failures++;
  }
  cr_assert(failures >= 2);
  tendril_model_destroy(model);
}

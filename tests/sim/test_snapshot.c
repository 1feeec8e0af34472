// A branch restored from a snapshot continues as the original did, bit for bit, in any environment
// of the model and in any thread.
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BRANCH = 300, MAX_OBS = 32 };

typedef struct branch {
  tendril_env *env;
  const tendril_model *model;
  const double *snapshot;
  double obs[BRANCH][MAX_OBS];
  double reward[BRANCH];
  double *end;  // snapshot after the branch
  int contacts, length;
} branch;

// Actions that keep the robot busy on the ground; episodes do not end here since the task's copy
// below never terminates.
static void run_branch(branch *b) {
  tendril_random random = tendril_random_stream(11, TENDRIL_PURPOSE_TEST, 1, 0);
  for (b->length = 0; b->length < BRANCH; b->length++) {
    double action[8];
    tendril_step step;
    support_actions(&random, b->model, action);
    int t = b->length;
    cr_assert_eq(tendril_env_step(b->env, action, b->obs[t], &step, NULL), TENDRIL_OK);
    cr_assert(!step.diverged);
    b->reward[t] = step.reward;
    b->contacts += tendril_env_data(b->env)->ncon > 0;
  }
  tendril_env_save(b->env, b->end);
}

static void *restore_and_run(void *context) {
  branch *b = context;
  tendril_env_restore(b->env, b->snapshot, NULL);
  run_branch(b);
  return NULL;
}

static bool (*evaluate_of_task)(const mjModel *, const mjData *, double *, const double *, double,
                                double *);

static bool never_ends(const mjModel *m, const mjData *d, double *state, const double *action,
                       double seconds, double *terms) {
  evaluate_of_task(m, d, state, action, seconds, terms);
  return false;
}

static void expect_same(const branch *a, const branch *b, const tendril_model *model) {
  for (int t = 0; t < BRANCH; t++) {
    cr_assert_arr_eq(a->obs[t], b->obs[t], (size_t)tendril_model_nobs(model) * sizeof(double),
                     "step %d", t);
    cr_assert_eq(a->reward[t], b->reward[t]);
  }
  cr_assert_arr_eq(a->end, b->end, (size_t)tendril_snapshot_size(model) * sizeof(double));
}

static void expect_branches_agree(const tendril_task *task, const char *path,
                                  const tendril_sim_options *options, int warm_up,
                                  int least_contacts) {
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_model_create(task, path, options, &model, &err), TENDRIL_OK, "%s", err.text);
  size_t size = (size_t)tendril_snapshot_size(model);
  double *snapshot = calloc(size, sizeof(double)), obs[MAX_OBS], action[8];
  branch original = {.model = model, .end = calloc(size, sizeof(double))};
  branch same = original, moved = original;
  same.snapshot = moved.snapshot = snapshot;
  same.end = calloc(size, sizeof(double));
  moved.end = calloc(size, sizeof(double));
  original.env = support_env(model, 1, NULL);
  moved.env = support_env(model, 2, NULL);

  // the original goes to some state on the ground, the other environment to another one
  tendril_random random = tendril_random_stream(12, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_step step;
  for (int t = 0; t < warm_up; t++) {
    support_actions(&random, model, action);
    cr_assert_eq(tendril_env_step(original.env, action, obs, &step, NULL), TENDRIL_OK);
    support_actions(&random, model, action);
    cr_assert_eq(tendril_env_step(moved.env, action, obs, &step, NULL), TENDRIL_OK);
  }
  mjData *d = tendril_env_data(original.env);
  if (tendril_model_mujoco(model)->nuserdata) d->userdata[1] = 4.5;
  if (tendril_model_mujoco(model)->nmocap) d->mocap_pos[0] = 0.3;
  d->qfrc_applied[0] = 0.7;
  d->xfrc_applied[8] = 0.4;
  tendril_env_data(moved.env)->qfrc_applied[1] = 5;
  tendril_env_save(original.env, snapshot);
  run_branch(&original);
  cr_assert_geq(original.contacts, least_contacts, "%d contacts", original.contacts);

  // into the same environment, and into another one in another thread
  same.env = original.env;
  restore_and_run(&same);
  expect_same(&original, &same, model);
  pthread_t thread;
  cr_assert_eq(pthread_create(&thread, NULL, restore_and_run, &moved), 0);
  pthread_join(thread, NULL);
  expect_same(&original, &moved, model);

  tendril_env_destroy(original.env);
  tendril_env_destroy(moved.env);
  tendril_model_destroy(model);
  free(snapshot);
  free(original.end);
  free(same.end);
  free(moved.end);
}

static void expect_robot_branches_agree(const char *name, tendril_integrator integrator) {
  tendril_model *model = support_model(name, NULL);
  tendril_task task = *tendril_model_task(model);
  tendril_model_destroy(model);
  evaluate_of_task = task.evaluate;
  task.evaluate = never_ends;
  tendril_sim_options options = support_sim_options();
  options.integrator = integrator;
  char path[4096];
  snprintf(path, sizeof path, "%s/models/%s", TENDRIL_SOURCE_DIR, task.mjcf);
  expect_branches_agree(&task, path, &options, 150, BRANCH / 4);
}

Test(snapshot, continues_the_hopper_bit_for_bit) {
  expect_robot_branches_agree("hopper-v4", TENDRIL_INTEGRATOR_TASK);
  expect_robot_branches_agree("hopper-v4", TENDRIL_INTEGRATOR_EULER);
  expect_robot_branches_agree("hopper-v4", TENDRIL_INTEGRATOR_IMPLICIT);
}

Test(snapshot, continues_the_walker_bit_for_bit) {
  expect_robot_branches_agree("walker2d-v4", TENDRIL_INTEGRATOR_TASK);
  expect_robot_branches_agree("walker2d-v4", TENDRIL_INTEGRATOR_EULER);
  expect_robot_branches_agree("walker2d-v4", TENDRIL_INTEGRATOR_IMPLICIT);
}

Test(snapshot, holds_activations_mocap_bodies_and_user_data) {
  expect_branches_agree(&support_toy, support_mjcf("everything.xml"), NULL, 100, BRANCH / 4);
}

// It gathers the forces on its feet during a step.
Test(snapshot, continues_the_papers_walker_bit_for_bit) {
  expect_robot_branches_agree("walker", TENDRIL_INTEGRATOR_TASK);
  expect_robot_branches_agree("walker", TENDRIL_INTEGRATOR_RK4);
  expect_robot_branches_agree("walker", TENDRIL_INTEGRATOR_IMPLICIT);
}

static void add_up_motion(const mjModel *m, const mjData *d, double *state) {
  for (int i = 0; i < m->nv; i++)
    state[0] += d->qvel[i] * d->qacc[i];  // qacc: what MuJoCo derived in the step just made
}

Test(snapshot, holds_what_a_task_gathers_during_a_step) {
  tendril_task task = support_toy;
  task.physics_steps = 3;
  task.during = add_up_motion;
  expect_branches_agree(&task, support_mjcf("everything.xml"), NULL, 100, BRANCH / 4);
}

Test(snapshot, holds_the_whole_random_stream) {
  tendril_model *model = support_model("inverted-pendulum-v4", NULL);
  tendril_env *env = support_env(model, 1, NULL), *other = support_env(model, 2, NULL);
  double a[256], b[256], obs[4];
  cr_assert_leq(tendril_snapshot_size(model), 256);
  tendril_random random = {.seed = 0xfedcba9876543210u,
                           .purpose = UINT32_MAX,
                           .a = UINT32_MAX - 1,
                           .b = UINT32_MAX - 2,
                           .draw = UINT32_MAX - 100};
  cr_assert_eq(tendril_env_reset(env, &random, obs, NULL), TENDRIL_OK);
  tendril_env_save(env, a);
  tendril_env_restore(other, a, NULL);
  tendril_env_save(other, b);
  cr_assert_arr_eq(a, b, (size_t)tendril_snapshot_size(model) * sizeof(double));
  tendril_env_destroy(env);
  tendril_env_destroy(other);
  tendril_model_destroy(model);
}

Test(snapshot, gives_back_time_and_observation) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tendril_env *env = support_env(model, 1, NULL), *other = support_env(model, 2, NULL);
  double snapshot[256], obs[11], restored[11];
  tendril_step step;
  for (int t = 0; t < 3; t++)
    cr_assert_eq(tendril_env_step(env, (double[3]){0.1, 0.2, 0.3}, obs, &step, NULL), TENDRIL_OK);
  tendril_env_save(env, snapshot);
  tendril_env_restore(other, snapshot, restored);
  cr_assert_eq(tendril_env_time(other), 3);
  cr_assert_arr_eq(obs, restored, sizeof obs);
  tendril_env_destroy(env);
  tendril_env_destroy(other);
  tendril_model_destroy(model);
}

// A restore is a way out of a diverged episode as well.
Test(snapshot, restores_into_an_environment_that_diverged) {
  tendril_model *model = NULL;
  cr_assert_eq(tendril_model_create(&support_toy, support_mjcf("unstable.xml"), NULL, &model, NULL),
               TENDRIL_OK);
  tendril_env *env = support_env(model, 1, NULL);
  double snapshot[256], obs[3];
  tendril_step step = {0};
  tendril_env_save(env, snapshot);
  while (!step.diverged)
    cr_assert_eq(tendril_env_step(env, (double[1]){1}, obs, &step, NULL), TENDRIL_OK);
  tendril_env_restore(env, snapshot, obs);
  cr_assert_eq(tendril_env_step(env, (double[1]){0}, obs, &step, NULL), TENDRIL_OK);
  cr_assert(!step.diverged);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

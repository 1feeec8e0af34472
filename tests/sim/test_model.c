// Models: what is refused and how it is said, and what the options change.
#include "base/alloc.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_refused(const tendril_task *task, const char *path, tendril_status status,
                           const char *part) {
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  cr_expect_eq(tendril_model_create(task, path, NULL, &model, &err), status, "%s: got \"%s\"", path,
               err.text);
  cr_expect_null(model);
  cr_expect_not_null(strstr(err.text, part), "\"%s\" lacks \"%s\"", err.text, part);
  cr_expect_null(strchr(err.text, '\n'), "\"%s\" is not one line", err.text);
  cr_expect_eq(strncmp(err.text, path, strlen(path)), 0, "\"%s\" does not begin with the file",
               err.text);
}

Test(model, names_file_and_line_of_malformed_mjcf) {
  expect_refused(&support_toy, support_mjcf("unknown_element.xml"), TENDRIL_E_FORMAT,
                 "unknown_element.xml:5: ");
  expect_refused(&support_toy, support_mjcf("unclosed.xml"), TENDRIL_E_FORMAT, "unclosed.xml:3: ");
  expect_refused(&support_toy, support_mjcf("no_mass.xml"), TENDRIL_E_FORMAT, "no_mass.xml:3: ");
}

Test(model, refuses_files_that_are_not_models) {
  expect_refused(&support_toy, support_mjcf("nowhere.xml"), TENDRIL_E_IO, "No such file");
  expect_refused(&support_toy, TENDRIL_SOURCE_DIR "/tests/data", TENDRIL_E_IO, "not a file");
  expect_refused(&support_toy, TENDRIL_SOURCE_DIR "/tests/data/hopper-v4.bin", TENDRIL_E_FORMAT,
                 "hopper-v4.bin");
  expect_refused(&support_toy, "/dev/null", TENDRIL_E_IO, "not a file");

  char path[] = "/tmp/tendril-model-XXXXXX";
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  expect_refused(&support_toy, path, TENDRIL_E_FORMAT, "EMPTY_DOCUMENT");
  fchmod(fd, 0);
  if (geteuid() != 0) expect_refused(&support_toy, path, TENDRIL_E_IO, "denied");
  close(fd);
  unlink(path);
}

Test(model, refuses_numbers_that_are_not_finite) {
  expect_refused(&support_toy, support_mjcf("nan.xml"), TENDRIL_E_FORMAT,
                 "dof_damping is not finite");
  expect_refused(&support_toy, support_mjcf("infinite_gravity.xml"), TENDRIL_E_FORMAT,
                 "is not finite");
}

Test(model, refuses_what_cannot_be_learned) {
  expect_refused(&support_toy, support_mjcf("no_actuator.xml"), TENDRIL_E_FORMAT, "no actuators");
  expect_refused(&support_toy, support_mjcf("no_joint.xml"), TENDRIL_E_FORMAT, "no joints");
}

Test(model, runs_the_tasks_own_check) {
  tendril_model *hopper = support_model("hopper-v4", NULL);
  expect_refused(tendril_model_task(hopper), support_mjcf("unstable.xml"), TENDRIL_E_FORMAT,
                 "needs nq 6, nv 6, nu 3; this model has nq 1, nv 1, nu 1");
  tendril_model_destroy(hopper);
}

static bool is_anywhere(const mjModel *model, const double *qpos, const double *qvel) {
  (void)model, (void)qpos, (void)qvel;
  return true;
}

Test(model, refuses_a_task_with_a_flaw) {
  tendril_task flawed[] = {support_toy, support_toy, support_toy, support_toy,
                           support_toy, support_toy, support_toy, support_toy};
  flawed[0].nobs = 0;
  flawed[1].nterm = TENDRIL_MAX_TERMS + 1;
  flawed[2].observe = NULL;
  flawed[3].physics_steps = 0;
  flawed[4].terms[0] = NULL;
  flawed[5].goal_last = 1;
  flawed[6].goal = is_anywhere;
  flawed[7].goal = is_anywhere;
  flawed[7].goal_last = flawed[7].max_steps + 1;
  for (size_t i = 0; i < sizeof flawed / sizeof flawed[0]; i++) {
    tendril_model *model = NULL;
    tendril_error err = {{0}};
    cr_expect_eq(tendril_model_create(&flawed[i], support_mjcf("crowded.xml"), NULL, &model, &err),
                 TENDRIL_E_ARGUMENT);
    cr_expect_null(model);
    cr_expect_not_null(strstr(err.text, "task toy: "), "%s", err.text);
  }
}

Test(model, keeps_the_control_step_when_it_is_cut_otherwise) {
  tendril_sim_options options = support_sim_options();
  tendril_model *task_own = support_model("hopper-v4", &options);
  cr_assert_eq(tendril_model_physics_steps(task_own), 4);
  cr_assert_eq(tendril_model_seconds(task_own), 0.008);
  cr_assert_eq(tendril_model_mujoco(task_own)->opt.timestep, 0.002);
  cr_assert_eq(tendril_model_mujoco(task_own)->opt.integrator, mjINT_RK4);
  cr_assert_eq(tendril_model_max_steps(task_own), 1000);

  options.integrator = TENDRIL_INTEGRATOR_EULER;
  options.physics_steps = 1;
  options.max_steps = 50;
  tendril_model *coarse = support_model("hopper-v4", &options);
  cr_assert_eq(tendril_model_physics_steps(coarse), 1);
  cr_assert_eq(tendril_model_seconds(coarse), 0.008);
  cr_assert_eq(tendril_model_mujoco(coarse)->opt.timestep, 0.008);
  cr_assert_eq(tendril_model_mujoco(coarse)->opt.integrator, mjINT_EULER);
  cr_assert_eq(tendril_model_max_steps(coarse), 50);

  tendril_model_destroy(task_own);
  tendril_model_destroy(coarse);
}

// 20 control steps of the swimmer: all integrators end near the one with very short steps.
Test(model, integrators_agree_on_a_smooth_motion) {
  double z[4][2];
  const tendril_sim_options options[4] = {
      {.integrator = TENDRIL_INTEGRATOR_RK4, .physics_steps = 64},
      {.integrator = TENDRIL_INTEGRATOR_RK4},
      {.integrator = TENDRIL_INTEGRATOR_EULER},
      {.integrator = TENDRIL_INTEGRATOR_IMPLICIT},
  };
  for (int i = 0; i < 4; i++) {
    tendril_model *model = support_model("swimmer-v4", &options[i]);
    double obs[8];
    tendril_env *env = support_env(model, 1, obs);
    for (int t = 0; t < 20; t++) {
      tendril_step step;
      cr_assert_eq(tendril_env_step(env, (double[]){0.3, -0.2}, obs, &step, NULL), TENDRIL_OK);
    }
    z[i][0] = obs[1];
    z[i][1] = obs[2];
    tendril_env_destroy(env);
    tendril_model_destroy(model);
  }
  // drag and joint limits are not smooth, so RK4 too is only about as good as its steps are short
  cr_assert_float_eq(z[1][0], z[0][0], 1e-3);
  cr_assert_float_eq(z[2][0], z[0][0], 1e-2);
  cr_assert_float_eq(z[3][0], z[0][0], 1e-2);
  cr_assert_neq(z[2][1], z[1][1]);
  cr_assert_neq(z[3][1], z[2][1]);
}

Test(model, fails_cleanly_at_every_allocation) {
  const char *path = support_mjcf("everything.xml");
  int failures = 0;
  for (long k = 0;; k++) {
    tendril_model *model = NULL;
    tendril_error err = {{0}};
    tnd_alloc_fail_at(k);
    tendril_status status = tendril_model_create(&support_toy, path, NULL, &model, &err);
    tnd_alloc_fail_at(-1);
    if (status == TENDRIL_OK) {
      tendril_model_destroy(model);
      break;
    }
    cr_assert_eq(status, TENDRIL_E_MEMORY);
    cr_assert_null(model);
    cr_assert(err.text[0]);
    failures++;
  }
  cr_assert(failures >= 2);
}

// MuJoCo keeps global state while it loads; each thread must get its own model or its own error.
static void *load_in_turn(void *context) {
  const char *const *paths = context;
  for (int i = 0; i < 40; i++) {
    tendril_model *model = NULL;
    tendril_error err = {{0}};
    tendril_status status = tendril_model_create(&support_toy, paths[i % 3], NULL, &model, &err);
    bool right = i % 3 == 0 ? status == TENDRIL_OK && tendril_model_nact(model) == 2
                            : status == TENDRIL_E_FORMAT && strstr(err.text, paths[i % 3]);
    tendril_model_destroy(model);
    if (!right) return context;
  }
  return NULL;
}

Test(model, loads_in_many_threads_at_once) {
  const char *const names[3] = {"everything.xml", "unclosed.xml", "nan.xml"};
  char text[3][4096];
  const char *paths[3];
  for (int i = 0; i < 3; i++)
    paths[i] = strcpy(text[i], support_mjcf(names[i]));
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    cr_assert_eq(pthread_create(&threads[i], NULL, load_in_turn, (void *)paths), 0);
  for (int i = 0; i < 4; i++) {
    void *wrong = NULL;
    pthread_join(threads[i], &wrong);
    cr_assert_null(wrong);
  }
}

Test(model, destroys_nothing_without_complaint) {
  tendril_model_destroy(NULL);
  tendril_env_destroy(NULL);
  tendril_tasks_destroy(NULL);
}

static void observe_too_much(const mjModel *model, const mjData *data, const double *state,
                             double *obs) {
  support_toy.observe(model, data, state, obs);
  obs[support_toy.nobs] = data->qpos[0];
}

static bool pay_too_much(const mjModel *model, const mjData *data, double *state,
                         const double *action, double seconds, double *terms) {
  terms[support_toy.nterm] = 1;
  return support_toy.evaluate(model, data, state, action, seconds, terms);
}

static void gather_too_much(const mjModel *model, const mjData *data, double *state) {
  (void)model;
  state[support_toy.nstate] = data->time;
}

Test(model, refuses_a_task_that_writes_past_its_arrays) {
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  tendril_task task = support_toy;
  task.observe = observe_too_much;
  cr_assert_eq(tendril_model_create(&task, support_mjcf("everything.xml"), NULL, &model, &err),
               TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "nobs"), "%s", err.text);
  task = support_toy;
  task.evaluate = pay_too_much;
  cr_assert_eq(tendril_model_create(&task, support_mjcf("everything.xml"), NULL, &model, &err),
               TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "nterm"), "%s", err.text);
  task = support_toy;
  task.during = gather_too_much;
  cr_assert_eq(tendril_model_create(&task, support_mjcf("everything.xml"), NULL, &model, &err),
               TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "nstate"), "%s", err.text);
  cr_assert_null(model);
}

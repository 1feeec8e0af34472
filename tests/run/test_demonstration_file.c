// Demonstrations out of the folders of optimisations: they are those trajectories, a run that began
// with them needs the folders no more, and what doesn't fit the training is refused in one line.
#include "run/demonstration_file.h"

#include "run/checkpoint.h"
#include "run/demonstration.h"
#include "run/motion.h"
#include "sim/sim.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/tmpdir.h"
#include "support/training.h"
#include "trajopt/transition.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tendril/gait.h>

enum { T = 45, NX = 18, NU = 6, N = 18 };  // a walker's

TestSuite(demonstration_file, .init = support_tasks_open, .fini = support_tasks_close);

typedef struct setting {
  const char *key, *value;
} setting;

// A walk of T steps, or what the settings make of it; ends with a key of NULL. Its folder.
static const char *optimize(const char *name, const char *task, const setting *settings) {
  static const setting usual[] = {
      {"sim.max_steps", "45"}, {"optimize.lead", "150"}, {"ilqg.iterations", "3"}, {NULL, NULL}};
  tendril_optimization *o;
  tendril_optimized done;
  tendril_agent *gait = NULL;
  check_ok(tendril_optimization_create(support_tasks, task, &o, check_err));
  for (int i = 0; usual[i].key; i++)
    check_ok(tendril_optimization_set(o, usual[i].key, usual[i].value, check_err));
  for (int i = 0; settings && settings[i].key; i++)
    check_ok(tendril_optimization_set(o, settings[i].key, settings[i].value, check_err));
  check_ok(tendril_agent_gait_own(task, &gait, check_err));
  check_ok(tendril_optimize(o, support_tasks, gait, support_file(name), false, 2, NULL, &done,
                            check_err));
  tendril_agent_destroy(gait);
  tendril_optimization_destroy(o);
  static char path[8][512];
  static int next;
  char *out = path[next++ % 8];
  snprintf(out, sizeof path[0], "%s", support_file(name));
  return out;
}

static tendril_motion open_motion(const char *path) {
  tendril_motion motion;
  check_ok(tendril_motion_open(support_tasks, path, NULL, &motion, check_err));
  return motion;
}

static tendril_config *walking(const setting *settings) {
  static const setting usual[] = {{"demonstration.steps", "45"},
                                  {"demonstration.lead", "150"},
                                  {"demonstration.iterations", "0"},
                                  {NULL, NULL}};
  tendril_config *config;
  check_ok(tendril_config_create(support_tasks, "walker-gps", "cgps", &config, check_err));
  for (int i = 0; usual[i].key; i++)
    check_ok(tendril_config_set(config, usual[i].key, usual[i].value, check_err));
  for (int i = 0; settings && settings[i].key; i++)
    check_ok(tendril_config_set(config, settings[i].key, settings[i].value, check_err));
  return config;
}

static tendril_model *model_of(const tendril_config *config) {
  tendril_model *model, *other;
  check_ok(tnd_config_models(config, support_tasks, &model, &other, check_err));
  tendril_model_destroy(other);
  return model;
}

static tendril_status try_make(const tendril_config *config, const char *const *files,
                               tnd_demonstrations *out, tendril_error *err) {
  tendril_model *model = model_of(config);
  tendril_pool *pool = support_pool(2);
  const tendril_status status =
      tnd_demonstrations_make(config, support_tasks, model, files, pool, out, err);
  tendril_pool_destroy(pool);
  tendril_model_destroy(model);
  return status;
}

static tnd_demonstrations make(const tendril_config *config, const char *const *files) {
  tnd_demonstrations d;
  check_ok(try_make(config, files, &d, check_err));
  return d;
}

// Its states follow from its controls in the training's simulation, to the bit.
static void check_follows(const tendril_config *config, const tendril_trajectory *y) {
  tendril_model *model = model_of(config);
  tnd_transition *f;
  double next[NX];
  check_ok(tnd_transition_create(model, &f, check_err));
  tnd_transition_set_ground(f, y->ground);
  for (int t = 0; t < y->T; t++) {
    cr_assert(tnd_transition_step(f, t, y->x + t * NX, y->u + t * NU, next));
    check_same_bits(next, y->x + (t + 1) * NX, NX);
  }
  tnd_transition_destroy(f);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------ what it is made of

Test(demonstration_file, is_the_trajectory_and_what_the_training_would_have_made) {
  const char *file = optimize("walk", "walker-gps", NULL);
  tendril_motion motion = open_motion(file);
  tendril_config *config = walking(NULL);
  tnd_demonstrations d = make(config, &file);
  cr_assert(d.n == 1 && d.of[0].T == T);
  check_same_bits(d.of[0].x, motion.trajectory.x, (T + 1) * NX);
  check_same_bits(d.of[0].u, motion.trajectory.u, T * NU);
  check_follows(config, &d.of[0]);
  // by hand or by the training itself: the same gait, lead, start and iterations
  check_ok(tendril_config_set(config, "demonstration.iterations", "3", check_err));
  tnd_demonstrations own = make(config, NULL);
  check_same_bits(d.of[0].x, own.of[0].x, (T + 1) * NX);
  check_same_bits(d.of[0].u, own.of[0].u, T * NU);
  tnd_demonstrations_free(&own);
  // and it may be made better still
  own = make(config, &file);
  cr_assert_lt(own.of[0].cost, d.of[0].cost);
  tnd_demonstrations_free(&own);
  tnd_demonstrations_free(&d);
  tendril_config_destroy(config);
  tendril_motion_close(&motion);
}

Test(demonstration_file, of_a_longer_trajectory_the_first_steps_count) {
  const char *file = optimize("walk", "walker-gps", (setting[]){{"sim.max_steps", "70"}, {0}});
  tendril_motion motion = open_motion(file);
  tendril_config *config = walking(NULL);
  tnd_demonstrations d = make(config, &file);
  cr_assert_eq(d.of[0].T, T);
  check_same_bits(d.of[0].x, motion.trajectory.x, (T + 1) * NX);
  tnd_demonstrations_free(&d);
  tendril_config_destroy(config);
  tendril_motion_close(&motion);
}

// Two starts on one ground, which the gait makes only one of.
Test(demonstration_file, several_may_be_on_one_ground) {
  const char *files[] = {optimize("one", "walker-gps", NULL),
                         optimize("two", "walker-gps", (setting[]){{"optimize.lead", "170"}, {0}})};
  tendril_config *config = walking((setting[]){{"demonstration.count", "2"}, {0}});
  tnd_demonstrations d = make(config, files);
  for (int i = 0; i < 2; i++) {
    tendril_motion motion = open_motion(files[i]);
    check_same_bits(d.of[i].x, motion.trajectory.x, (T + 1) * NX);
    cr_assert_eq(d.of[i].ground, 0);
    tendril_motion_close(&motion);
  }
  tnd_demonstrations_free(&d);
  tendril_config_destroy(config);
}

// The file's numbers with other last digits, as another processor has them.
Test(demonstration_file, of_another_rounding_is_held_together_by_its_feedback) {
  const char *file = optimize("walk", "walker-gps", NULL);
  tendril_motion motion = open_motion(file);
  const tendril_trajectory *y = &motion.trajectory;
  for (int i = 0; i < (T + 1) * NX; i++)
    y->x[i] += 1e-10 * sin(7 * i);
  check_ok(tnd_motion_write(motion.path, motion.optimization, y, NULL, check_err));
  tendril_config *config = walking(NULL);
  tnd_demonstrations d = make(config, &file);
  check_follows(config, &d.of[0]);
  for (int i = 0; i < (T + 1) * NX; i++)  // a touch-down makes a thousand times of it
    cr_assert_lt(fabs(d.of[0].x[i] - y->x[i]), 1e-5, "%d: %g", i, d.of[0].x[i] - y->x[i]);
  cr_assert_neq(d.of[0].x[40 * NX], y->x[40 * NX]);
  // the feedback is in the controls, beside what the file has
  double change = 0;
  for (int i = 0; i < T * NU; i++)
    change = fmax(change, fabs(d.of[0].u[i] - y->u[i]));
  cr_assert(change > 1e-10 && change < 1e-2, "%g", change);
  tnd_demonstrations_free(&d);
  tendril_config_destroy(config);
  tendril_motion_close(&motion);
}

// A trajectory knows no pushes: an MPC goes on from it, as from the gait's.
Test(demonstration_file, gets_over_the_trainings_push) {
  const char *file = optimize("walk", "walker-gps", NULL);
  tendril_motion motion = open_motion(file);
  tendril_config *config = walking((setting[]){{"push.newtons", "80"}, {"push.time", "0.05"}, {0}});
  tnd_demonstrations d = make(config, &file);
  check_same_bits(d.of[0].x, motion.trajectory.x, NX);
  cr_assert_not_null(d.of[0].pushes);
  cr_assert_gt(fabs(d.of[0].x[6 * NX + 9] - motion.trajectory.x[6 * NX + 9]), 0.01);  // m/s
  tnd_demonstrations_free(&d);
  tendril_config_destroy(config);
  tendril_motion_close(&motion);
}

// ---------------------------------------------------------------------------------------- training

static const setting little[] = {{"run.iterations", "4"},
                                 {"run.eval_at", "50 100"},
                                 {"run.eval_episodes", "2"},
                                 {"sim.max_steps", "30"},
                                 {"policy.hidden", "4"},
                                 {"learner.samples", "8"},
                                 {"learner.tail", "10"},
                                 {"run.save_every", "1"},
                                 {"learner.fit_iterations", "10"},
                                 {"demonstration.starts", "5"},
                                 {NULL, NULL}};

static tendril_status train(const tendril_config *config, const char *run, const char *const *files,
                            int n, int64_t stop, tendril_error *err) {
  support_stop s = {.at = stop};
  const tendril_run_hooks hooks = support_stop_hooks(&s);
  const tendril_train_start start = {.ndemonstration = n, .demonstrations = files};
  tendril_train_result result;
  return tendril_train(config, support_tasks, support_file(run), false, &start, 2, &hooks, &result,
                       err);
}

static void check_same_file(const char *a, const char *b, const char *name) {
  support_check_same_file(support_file_of(a, name), support_file_of(b, name));
}

Test(demonstration_file, a_run_that_began_with_it_goes_on_without_it) {
  const char *file = optimize("walk", "walker-gps", NULL);
  tendril_config *config = walking(little);
  tendril_train_result result;
  check_ok(train(config, "whole", &file, 1, 100, check_err));
  check_ok(train(config, "parts", &file, 1, 2, check_err));
  cr_assert_eq(remove(support_file_of("walk", TND_MOTION_NAME)), 0);
  check_ok(tendril_train_resume(support_tasks, support_file("parts"), 1, NULL, &result, check_err));
  check_same_file("whole", "parts", "checkpoints/last.safetensors");
  check_same_file("whole", "parts", "evaluations.csv");
  tendril_config_destroy(config);
}

static void check_text(const tendril_error *err, const char *what, const char *mend) {
  cr_assert(strstr(err->text, what), "'%s' is not in '%s'", what, err->text);
  cr_assert(strstr(err->text, mend), "'%s' is not in '%s'", mend, err->text);
  cr_assert_null(strchr(err->text, '\n'), "%s", err->text);
}

Test(demonstration_file, there_are_as_many_as_the_configuration_says) {
  const char *file = "anywhere";
  tendril_config *config = walking(little);
  tendril_error err;
  check_ok(tendril_config_set(config, "demonstration.count", "2", check_err));
  cr_assert_eq(train(config, "run", &file, 1, 1, &err), TENDRIL_E_CONFIG);
  check_text(&err, "demonstration.count: 2, but 1", "as many");
  check_ok(tendril_config_set(config, "demonstration.count", "1", check_err));
  check_ok(tendril_config_set(config, "demonstration.steps", "0", check_err));
  check_ok(tendril_config_set(config, "demonstration.starts", "0", check_err));
  cr_assert_eq(train(config, "run", &file, 1, 1, &err), TENDRIL_E_CONFIG);
  check_text(&err, "anywhere", "demonstration.steps");
  tendril_config_destroy(config);
}

// The policy of a checkpoint made as large as doubles get: the fit to come is not finite anywhere.
static void blow_up(const char *path) {
  tnd_checkpoint read;
  double theta[4096];
  check_ok(tnd_checkpoint_read(path, support_tasks, &read, check_err));
  const int64_t n = tnd_tensors_length(read.tensors, "policy.theta");
  cr_assert(n > 0 && n <= 4096);
  check_ok(tnd_tensors_get(read.tensors, "policy.theta", n, 0, theta, check_err));
  tnd_checkpoint_close(&read);
  size_t size;
  char *bytes = support_read_file(path, &size), *found = NULL;
  for (size_t i = 0; i + sizeof *theta * (size_t)n <= size && !found; i++)
    if (memcmp(bytes + i, (const char *)theta, sizeof *theta * (size_t)n) == 0) found = bytes + i;
  cr_assert_not_null(found);
  for (int64_t i = 0; i < n - NU; i++)  // all but the noise
    theta[i] = 1e200;
  memcpy(found, theta, sizeof *theta * (size_t)n);
  support_write_file(path, bytes, size);
  free(bytes);
}

Test(demonstration_file, a_fit_that_diverges_leaves_the_checkpoints_as_they_were) {
  const char *names[] = {"checkpoints/last.safetensors", "checkpoints/best.safetensors"};
  const char *file = optimize("walk", "walker-gps", NULL);
  static const char *const learners[] = {"dagger", "cgps"};
  for (int k = 0; k < 2; k++) {
    const char *run = learners[k];
    tendril_config *config;
    check_ok(tendril_config_create(support_tasks, "walker-gps", run, &config, check_err));
    check_ok(tendril_config_set(config, "demonstration.steps", "45", check_err));
    for (int i = 0; little[i].key; i++)
      check_ok(tendril_config_set(config, little[i].key, little[i].value, check_err));
    check_ok(tendril_config_set(config, "policy.kind", "linear", check_err));
    check_ok(train(config, run, &file, 1, 2, check_err));
    char last[512];
    snprintf(last, sizeof last, "%s", support_file_of(run, names[0]));
    blow_up(last);
    size_t before[2], after;
    char *bytes[2];
    for (int i = 0; i < 2; i++)
      bytes[i] = support_read_file(support_file_of(run, names[i]), &before[i]);
    tendril_train_result result;
    tendril_error err = {{0}};
    cr_assert_eq(tendril_train_resume(support_tasks, support_file(run), 1, NULL, &result, &err),
                 TENDRIL_E_NUMERIC, "%s", err.text);
    check_text(&err, "regression: the policy's actions left the finite numbers", "--from");
    for (int i = 0; i < 2; i++) {
      char *now = support_read_file(support_file_of(run, names[i]), &after);
      cr_assert(after == before[i] && memcmp(now, bytes[i], after) == 0, "%s", names[i]);
      free(now);
      free(bytes[i]);
    }
    tendril_config_destroy(config);
  }
}

// ---------------------------------------------------------------------------------------- refusals

static void check_refused(const char *file, const setting *settings, tendril_status status,
                          const char *what, const char *mend) {
  tendril_config *config = walking(settings);
  tnd_demonstrations d;
  tendril_error err = {{0}};
  cr_assert_eq(try_make(config, &file, &d, &err), status, "%s: %s", what, err.text);
  check_text(&err, what, mend);
  cr_assert(strstr(err.text, file), "%s", err.text);
  cr_assert_eq(d.n, 0);  // nothing to free
  tendril_config_destroy(config);
}

Test(demonstration_file, of_another_simulation_is_refused) {
  const char *file = optimize("walk", "walker-gps", NULL);
  check_refused(file, (setting[]){{"demonstration.steps", "46"}, {0}}, TENDRIL_E_CONFIG,
                "45 steps is too short for a demonstration of 46", "--steps 46");
  check_refused(file, (setting[]){{"sim.step_seconds", "0.02"}, {0}}, TENDRIL_E_CONFIG,
                "control steps of 0.01 s, in the training 0.02 s", "sim.step_seconds");
  check_refused(file, (setting[]){{"sim.integrator", "rk4"}, {0}}, TENDRIL_E_CONFIG,
                "another integrator", "sim.integrator");
  check_refused(file, (setting[]){{"sim.limit", "3"}, {0}}, TENDRIL_E_CONFIG, "from its step 0 on",
                "optimise anew");
  check_refused(file, (setting[]){{"terrain.kind", "slopes"}, {0}}, TENDRIL_E_CONFIG,
                "its ground is not the training's ground 0", "terrain.seed + 0");
  file = optimize("swim", "swimmer-gps",
                  (setting[]){{"optimize.lead", "40"}, {"ilqg.iterations", "1"}, {0}});
  check_refused(file, NULL, TENDRIL_E_CONFIG, "a trajectory of swimmer-gps",
                "tendril optimize walker-gps");
}

Test(demonstration_file, is_for_the_ground_that_it_was_made_on) {
  static const setting sloping[] = {{"terrain.kind", "slopes"}, {"terrain.flat", "0"}, {0}};
  static const setting other[] = {
      {"terrain.kind", "slopes"}, {"terrain.flat", "0"}, {"terrain.seed", "2"}, {0}};
  static const setting two[] = {{"terrain.kind", "slopes"},
                                {"terrain.flat", "0"},
                                {"terrain.seeds", "2"},
                                {"demonstration.count", "2"},
                                {0}};
  const char *files[] = {optimize("one", "walker-gps", sloping),
                         optimize("two", "walker-gps", other)};
  tendril_config *config = walking(two);
  tnd_demonstrations d = make(config, files);
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(d.of[i].ground, i);
    check_follows(config, &d.of[i]);
  }
  tnd_demonstrations_free(&d);
  // in the other order
  const char *swapped[] = {files[1], files[0]};
  tendril_error err;
  cr_assert_eq(try_make(config, swapped, &d, &err), TENDRIL_E_CONFIG);
  check_text(&err, files[1], "training's ground 0");
  tendril_config_destroy(config);
}

// The same task and sizes, and other masses.
Test(demonstration_file, of_another_body_is_refused) {
  const char *file = optimize("walk", "walker-gps", NULL);
  tendril_config *config = walking(NULL);
  tendril_model *model = model_of(config), *heavier;
  tendril_variation variation;
  tendril_variation_defaults(&variation);
  variation.mass = 1.01;
  check_ok(tendril_model_vary(model, &variation, &heavier, check_err));
  double x[(T + 1) * NX], u[T * NU];
  tendril_trajectory y = {.T = T, .nx = NX, .n = N, .nu = NU, .x = x, .u = u};
  tendril_error err;
  check_ok(tnd_demonstration_read(file, support_tasks, model, &y, check_err));
  cr_assert_eq(tnd_demonstration_read(file, support_tasks, heavier, &y, &err), TENDRIL_E_CONFIG);
  check_text(&err, "from its step 0 on it is off by", "the model or sim.limit is another");
  tendril_model_destroy(heavier);
  tendril_model_destroy(model);
  tendril_config_destroy(config);
}

Test(demonstration_file, that_falls_is_refused) {
  // nobody acts for a second and a half
  tendril_optimization *o;
  tendril_optimized done;
  check_ok(tendril_optimization_create(support_tasks, "walker-gps", &o, check_err));
  check_ok(tendril_optimization_set(o, "sim.max_steps", "150", check_err));
  check_ok(tendril_optimization_set(o, "ilqg.iterations", "1", check_err));
  char file[512];
  snprintf(file, sizeof file, "%s", support_file("fall"));
  check_ok(tendril_optimize(o, support_tasks, tendril_agent_zero(), file, false, 2, NULL, &done,
                            check_err));
  tendril_optimization_destroy(o);
  check_refused(file, (setting[]){{"demonstration.steps", "150"}, {0}}, TENDRIL_E_PHYSICS,
                "demonstration 0 falls at its step", "use another");
}

Test(demonstration_file, that_is_damaged_or_missing_is_refused) {
  const char *walk = optimize("walk", "walker-gps", NULL);
  char file[512];
  size_t size;
  snprintf(file, sizeof file, "%s", support_file_of("walk", TND_MOTION_NAME));
  char *bytes = support_read_file(file, &size);
  // half written
  for (size_t part = 0; part < size; part += size / 7 + 1) {
    tendril_config *config = walking(NULL);
    tnd_demonstrations d;
    tendril_error err = {{0}};
    support_write_file(file, bytes, part);
    const tendril_status status = try_make(config, &walk, &d, &err);
    cr_assert(status == TENDRIL_E_FORMAT || status == TENDRIL_E_IO, "%zu: %s", part, err.text);
    check_text(&err, walk, "trajectory.safetensors");
    tendril_config_destroy(config);
  }
  // a number that is none
  tendril_motion motion;
  support_write_file(file, bytes, size);
  motion = open_motion(walk);
  const double none = (double)NAN;
  char *found = NULL;
  for (size_t i = 0; i + sizeof none <= size && !found; i++)
    if (memcmp(bytes + i, (const char *)&motion.trajectory.u[20], sizeof none) == 0)
      found = bytes + i;
  cr_assert_not_null(found);
  tendril_motion_close(&motion);
  memcpy(found, &none, sizeof none);
  support_write_file(file, bytes, size);
  check_refused(walk, NULL, TENDRIL_E_NUMERIC, "tensor u: entry 20 is not finite", "");
  free(bytes);
  cr_assert_eq(remove(file), 0);
  check_refused(walk, NULL, TENDRIL_E_IO, "there is no trajectory", "`tendril optimize` makes one");
}

static tendril_status live(void *context, tendril_error *err) {
  const char *file = context;
  tnd_demonstrations d;
  tendril_model *model = NULL, *other = NULL;
  tendril_pool *pool = NULL;
  tendril_config *config = NULL;
  tendril_status status = tendril_config_create(support_tasks, "swimmer-gps", "cgps", &config, err);
  if (status == TENDRIL_OK) status = tendril_config_set(config, "demonstration.steps", "16", err);
  if (status == TENDRIL_OK)
    status = tendril_config_set(config, "demonstration.iterations", "1", err);
  if (status == TENDRIL_OK) status = tendril_pool_create(1, &pool, err);
  if (status == TENDRIL_OK) status = tnd_config_models(config, support_tasks, &model, &other, err);
  if (status == TENDRIL_OK) {
    status = tnd_demonstrations_make(config, support_tasks, model, &file, pool, &d, err);
    tnd_demonstrations_free(&d);
  }
  tendril_model_destroy(model);
  tendril_pool_destroy(pool);
  tendril_config_destroy(config);
  return status;
}

Test(demonstration_file, every_failed_allocation_is_a_clean_error) {
  const char *file = optimize(
      "swim", "swimmer-gps",
      (setting[]){{"sim.max_steps", "16"}, {"optimize.lead", "0"}, {"ilqg.iterations", "1"}, {0}});
  cr_assert_gt(support_fail_each_alloc(live, (void *)(uintptr_t)file), 20);
}

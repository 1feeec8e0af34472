// Demonstrations of a run: trajectories of the simulator on their grounds and under their pushes,
// the same whatever the threads; they are part of its checkpoints, and episodes start in them.
#include "run/demonstration.h"

#include "run/checkpoint.h"
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

TestSuite(demonstration, .init = support_tasks_open, .fini = support_tasks_close);

static tendril_config *config_of(const char *task, const char *learner,
                                 const char *const (*settings)[2], int count) {
  tendril_config *config = NULL;
  check_ok(tendril_config_create(support_tasks, task, learner, &config, check_err));
  for (int i = 0; i < count; i++)
    check_ok(tendril_config_set(config, settings[i][0], settings[i][1], check_err));
  return config;
}
#define CONFIG(task, learner, settings)                                                            \
  config_of(task, learner, settings, (int)(sizeof(settings) / sizeof(settings)[0]))

static tendril_model *model_of(const tendril_config *config) {
  tendril_model *model, *other;
  check_ok(tnd_config_models(config, support_tasks, &model, &other, check_err));
  tendril_model_destroy(other);
  return model;
}

static tendril_status make(const tendril_config *config, int threads, tnd_demonstrations *out,
                           tendril_error *err) {
  tendril_model *model = model_of(config);
  tendril_pool *pool = support_pool(threads);
  const tendril_status status =
      tnd_demonstrations_make(config, support_tasks, model, NULL, pool, out, err);
  tendril_pool_destroy(pool);
  tendril_model_destroy(model);
  return status;
}

static void check_same(const tnd_demonstrations *a, const tnd_demonstrations *b) {
  cr_assert_eq(a->n, b->n);
  for (int i = 0; i < a->n; i++) {
    const tendril_trajectory *p = &a->of[i], *q = &b->of[i];
    cr_assert(p->T == q->T && p->nx == q->nx && p->nu == q->nu && p->ground == q->ground);
    check_same_bits(p->x, q->x, (p->T + 1) * p->nx);
    check_same_bits(p->u, q->u, p->T * p->nu);
    check_same_bits(p->K, q->K, p->T * p->nu * p->n);
  }
}

// Its states follow from its controls, to the bit, and it costs what it says.
static void check_follows(const tendril_model *model, const tendril_trajectory *y) {
  double next[32], cost = 0;
  const int nq = (int)model->mujoco->nq;
  tnd_transition *f;
  check_ok(tnd_transition_create(model, &f, check_err));
  tnd_transition_set_ground(f, y->ground);
  tnd_transition_set_pushes(f, y->pushes);
  for (int t = 0; t <= y->T; t++) {
    const double *x = y->x + t * y->nx, *u = t < y->T ? y->u + t * y->nu : NULL;
    cost += tnd_cost(model, y->ground, t, y->T, x, x + nq, u, NULL);
    if (!u) continue;
    cr_assert(tnd_transition_step(f, t, x, u, next));
    check_same_bits(next, x + y->nx, y->nx);
  }
  check_close(y->cost, cost, 1e-12);  // an order of summation
  tnd_transition_destroy(f);
}

// ------------------------------------------------------------------------------------- the making

static const char *const walking[][2] = {{"demonstration.steps", "45"},
                                         {"demonstration.lead", "150"},
                                         {"demonstration.iterations", "3"},
                                         {"sim.start_qpos", "0.01"}};

Test(demonstration, is_the_tasks_gait_made_better) {
  double costs[2];
  for (int i = 0; i < 2; i++) {
    tendril_config *config = CONFIG("walker-gps", "cgps", walking);
    if (i == 0) check_ok(tendril_config_set(config, "demonstration.iterations", "0", check_err));
    tendril_model *model = model_of(config);
    tnd_demonstrations d;
    check_ok(make(config, 2, &d, check_err));
    cr_assert(d.n == 1 && d.of[0].T == 45 && d.of[0].nx == 18 && d.of[0].nu == 6);
    cr_assert(!d.of[0].pushes && d.of[0].ground == 0);
    check_follows(model, &d.of[0]);
    costs[i] = d.of[0].cost;
    // it walks, and has done so for 1.5 s
    const double *x = d.of[0].x;
    cr_assert(x[0] > 1 && x[45 * 18] - x[0] > 0.45, "from %g to %g m", x[0], x[45 * 18]);
    double feedback = 0;
    for (int k = 0; k < 45 * 6 * 18; k++)
      feedback = fmax(feedback, fabs(d.of[0].K[k]));
    cr_assert_gt(feedback, 1);
    tnd_demonstrations_free(&d);
    tendril_model_destroy(model);
    tendril_config_destroy(config);
  }
  cr_assert_lt(costs[1], costs[0]);
}

Test(demonstration, is_the_same_bits_on_one_thread_and_on_three) {
  tendril_config *config = CONFIG("walker-gps", "cgps", walking);
  tnd_demonstrations one, three;
  check_ok(make(config, 1, &one, check_err));
  check_ok(make(config, 3, &three, check_err));
  check_same(&one, &three);
  tnd_demonstrations_free(&three);
  // that of another seed is another
  check_ok(tendril_config_set(config, "demonstration.seed", "2", check_err));
  check_ok(make(config, 1, &three, check_err));
  cr_assert_neq(three.x[20], one.x[20]);
  tnd_demonstrations_free(&one);
  tnd_demonstrations_free(&three);
  tendril_config_destroy(config);
}

Test(demonstration, of_a_task_without_a_gait_begins_with_nobody_acting) {
  static const char *const settings[][2] = {{"demonstration.steps", "20"},
                                            {"demonstration.iterations", "0"}};
  tendril_config *config = CONFIG("double-link", "cgps", settings);
  tnd_demonstrations d;
  check_ok(make(config, 1, &d, check_err));
  for (int i = 0; i < 20 * d.of[0].nu; i++)
    cr_assert_eq(d.of[0].u[i], 0);
  tnd_demonstrations_free(&d);
  tendril_config_destroy(config);
}

// A policy that sees no clock can only copy what it does the same way every time.
Test(demonstration, of_the_swimmer_repeats_itself) {
  static const char *const settings[][2] = {{"demonstration.steps", "120"},
                                            {"demonstration.lead", "40"},
                                            {"demonstration.iterations", "100"}};
  enum { PERIOD = 16, NX = 10 };  // steps: 0.8 s, its wave's
  tendril_config *config = CONFIG("swimmer-gps", "cgps", settings);
  tnd_demonstrations d;
  check_ok(make(config, 2, &d, check_err));
  const double *x = d.of[0].x;
  double most = 0, change = 0;
  for (int t = 30; t < 80; t++)
    for (int j = 3; j < 5; j++) {
      change = fmax(change, fabs(x[(t + PERIOD) * NX + j] - x[t * NX + j]));
      most = fmax(most, fabs(x[t * NX + j]));
    }
  // it has not converged everywhere; from nothing the motion is another every time
  cr_assert_lt(change, 0.2 * most);
  cr_assert_gt((x[120 * NX] - x[0]) / 6, 0.9);  // m/s
  tnd_demonstrations_free(&d);
  tendril_config_destroy(config);
}

static const char *const pushed[][2] = {
    {"demonstration.steps", "45"}, {"demonstration.lead", "100"}, {"demonstration.iterations", "1"},
    {"demonstration.count", "3"},  {"push.newtons", "80"},        {"push.least", "0.5"},
    {"push.time", "0.05"},         {"terrain.kind", "slopes"},    {"terrain.seeds", "2"},
    {"terrain.flat", "0"}};

Test(demonstration, each_is_under_a_push_of_its_own_on_its_ground) {
  tendril_config *config = CONFIG("walker-gps", "cgps", pushed);
  tendril_model *model = model_of(config);
  tnd_demonstrations d, again;
  check_ok(make(config, 2, &d, check_err));
  cr_assert_eq(d.n, 3);
  for (int i = 0; i < 3; i++) {
    const tendril_trajectory *y = &d.of[i];
    cr_assert_eq(y->ground, i % 2);
    cr_assert_not_null(y->pushes);
    check_follows(model, y);
    // that of the episode whose start it has
    const struct tnd_push *push = &y->pushes->at[TND_OWN_PUSH];
    cr_assert_eq(push->begin, 5);  // 0.05 s of 0.01
    cr_assert_eq(push->end, 15);
    const double force = fabs(push->force.force[0]);
    cr_assert(force >= 40 && force <= 80, "%g N", force);
    for (int k = 0; k < i; k++)
      cr_assert_neq(push->force.force[0], d.of[k].pushes->at[TND_OWN_PUSH].force.force[0]);
    // and it is felt: the same controls without it lead elsewhere
    tendril_trajectory calm = *y;
    double next[32];
    tnd_transition *f;
    calm.pushes = NULL;
    check_ok(tnd_transition_create(model, &f, check_err));
    tnd_transition_set_ground(f, calm.ground);
    cr_assert(tnd_transition_step(f, 5, calm.x + 5 * 18, calm.u + 5 * 6, next));
    cr_assert_neq(next[9], calm.x[6 * 18 + 9]);
    tnd_transition_destroy(f);
  }
  // pushes are not stored: they are a function of the configuration, too
  check_ok(tnd_demonstrations_create(config, model, &again, check_err));
  for (int i = 0; i < 3; i++)
    check_same_bits(again.of[i].pushes->at[TND_OWN_PUSH].force.force,
                    d.of[i].pushes->at[TND_OWN_PUSH].force.force, 3);
  tnd_demonstrations_free(&again);
  tnd_demonstrations_free(&d);
  tendril_model_destroy(model);
  tendril_config_destroy(config);
}

static const char *const calm[][2] = {
    {"demonstration.steps", "45"}, {"demonstration.lead", "100"}, {"demonstration.iterations", "1"},
    {"demonstration.count", "3"},  {"demonstration.calm", "1"},   {"demonstration.recoveries", "1"},
    {"push.newtons", "80"},        {"push.time", "0.05"}};

Test(demonstration, is_not_pushed_if_it_is_to_be_calm) {
  tendril_config *config = CONFIG("walker-gps", "cgps", calm);
  tendril_model *model = model_of(config);
  tnd_demonstrations d;
  check_ok(make(config, 2, &d, check_err));
  cr_assert(d.of[0].pushes && d.of[1].pushes && !d.of[2].pushes);
  for (int i = 0; i < 3; i++)
    check_follows(model, &d.of[i]);
  tnd_demonstrations_free(&d);
  tendril_model_destroy(model);
  tendril_config_destroy(config);
}

#define AT_PHASES(lead, later, phases)                                                             \
  {                                                                                                \
    {"demonstration.steps", "45"}, {"demonstration.iterations", "1"},                              \
        {"demonstration.count", "4"}, {"terrain.kind", "flat"}, {"terrain.seeds", "4"},            \
        {"demonstration.lead", lead}, {"demonstration.lead_spread", later}, {                      \
      "demonstration.phases", phases                                                               \
    }                                                                                              \
  }
static const char *const spread[][2] = AT_PHASES("100", "20", "0");
static const char *const in_turns[][2] = AT_PHASES("100", "20", "2");
static const char *const later[][2] = AT_PHASES("110", "20", "1");

Test(demonstration, begins_at_phases_of_one_walk) {
  tendril_config *config = CONFIG("walker-gps", "cgps", spread);
  tendril_config *turns = CONFIG("walker-gps", "cgps", in_turns);
  tendril_config *other = CONFIG("walker-gps", "cgps", later);
  tnd_demonstrations d, e, f;
  check_ok(make(config, 1, &d, check_err));
  check_ok(make(turns, 1, &e, check_err));
  check_ok(make(other, 1, &f, check_err));
  for (int i = 0; i < 4; i++) {
    for (int k = 0; k < i; k++)
      cr_assert_neq(d.of[i].x[0], d.of[k].x[0]);
    check_same_bits(e.of[i].x, d.of[i % 2 * 2].x, 46 * 18);
    check_same_bits(f.of[i].x, d.of[2].x, 46 * 18);
  }
  tnd_demonstrations_free(&d);
  tnd_demonstrations_free(&e);
  tnd_demonstrations_free(&f);
  tendril_config_destroy(config);
  tendril_config_destroy(turns);
  tendril_config_destroy(other);
}

// ---------------------------------------------------------------------------------------- refusals

static void check_refused(const char *task, const char *const (*settings)[2], int count,
                          tendril_status status, const char *what) {
  tendril_config *config = config_of(task, "trpo", settings, count);
  tnd_demonstrations d;
  tendril_error err = {{0}};
  cr_assert_eq(make(config, 1, &d, &err), status, "%s: %s", what, err.text);
  cr_assert(strstr(err.text, what), "%s", err.text);
  cr_assert_null(strchr(err.text, '\n'), "%s", err.text);
  cr_assert_eq(d.n, 0);  // nothing to free
  tendril_config_destroy(config);
}
#define REFUSED(task, status, what, ...)                                                           \
  check_refused(task, (const char *const[][2]){__VA_ARGS__},                                       \
                (int)(sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2])),    \
                status, what)

Test(demonstration, says_what_is_wrong) {
  REFUSED("swimmer-gps", TENDRIL_E_CONFIG, "demonstration.starts", {"demonstration.steps", "9"},
          {"demonstration.starts", "10"});
  REFUSED("swimmer-gps", TENDRIL_E_CONFIG, "demonstration.starts", {"demonstration.starts", "1"});
  REFUSED("swimmer-gps", TENDRIL_E_CONFIG, "demonstration.count", {"demonstration.steps", "9"},
          {"demonstration.count", "2"});
  REFUSED("walker-gps", TENDRIL_E_CONFIG, "terrain.seeds", {"demonstration.steps", "9"},
          {"terrain.kind", "slopes"}, {"terrain.seeds", "2"}, {"demonstration.count", "3"});
  REFUSED("walker-gps", TENDRIL_E_CONFIG, "push.every", {"demonstration.steps", "9"},
          {"push.newtons", "50"}, {"push.every", "2"});
  REFUSED("walker-gps", TENDRIL_E_CONFIG, "push.phase", {"demonstration.steps", "9"},
          {"push.newtons", "50"}, {"push.phase", "0.5"});
  REFUSED("walker-gps", TENDRIL_E_CONFIG, "is pushed at its step 50 ",
          {"demonstration.steps", "50"}, {"push.newtons", "50"}, {"push.time", "0.5"},
          {"demonstration.iterations", "0"});
  REFUSED("walker-gps", TENDRIL_E_CONFIG, "use 43 or more", {"demonstration.steps", "42"});
  REFUSED("swimmer-gps", TENDRIL_E_CONFIG, "use 16 or more", {"demonstration.steps", "15"});
  REFUSED("hopper-v4", TENDRIL_E_CONFIG, "no smooth cost", {"demonstration.steps", "9"});
  REFUSED("walker-gps", TENDRIL_E_PHYSICS, "demonstration.lead", {"demonstration.steps", "9"},
          {"demonstration.lead", "90"}, {"sim.step_seconds", "0.3"});
}

static const char *const short_swim[][2] = {{"demonstration.steps", "16"},
                                            {"demonstration.iterations", "2"},
                                            {"demonstration.starts", "5"}};

static tendril_status live(void *context, tendril_error *err) {
  tnd_demonstrations d;
  const tendril_config *config = context;
  tendril_model *model = NULL, *other = NULL;
  tendril_pool *pool = NULL;
  tendril_status status = tendril_pool_create(1, &pool, err);
  if (status == TENDRIL_OK) status = tnd_config_models(config, support_tasks, &model, &other, err);
  if (status == TENDRIL_OK) {
    status = tnd_demonstrations_make(config, support_tasks, model, NULL, pool, &d, err);
    if (status == TENDRIL_OK) status = tnd_demonstrations_start(&d, config, model, err);
    tnd_demonstrations_free(&d);
  }
  tendril_model_destroy(model);
  tendril_pool_destroy(pool);
  return status;
}

Test(demonstration, every_failed_allocation_is_a_clean_error) {
  tendril_config *config = CONFIG("swimmer-gps", "cgps", short_swim);
  cr_assert_gt(support_fail_each_alloc(live, config), 10);
  tendril_config_destroy(config);
}

// --------------------------------------------------------------------------------------
// checkpoints

Test(demonstration, is_the_same_out_of_a_checkpoint) {
  tendril_config *config = CONFIG("swimmer-gps", "cgps", short_swim);
  tendril_model *model = model_of(config);
  tnd_demonstrations d, loaded;
  tnd_tensors *tensors;
  tendril_error err;
  check_ok(make(config, 1, &d, check_err));
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_demonstrations_save(&d, tensors, check_err));
  check_ok(tnd_demonstrations_create(config, model, &loaded, check_err));
  check_ok(tnd_demonstrations_load(&loaded, tensors, check_err));
  check_same(&d, &loaded);
  tnd_demonstrations_free(&loaded);
  // one of another length is not
  check_ok(tendril_config_set(config, "demonstration.steps", "17", check_err));
  check_ok(tnd_demonstrations_create(config, model, &loaded, check_err));
  cr_assert_eq(tnd_demonstrations_load(&loaded, tensors, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "demonstration.x"), "%s", err.text);
  tnd_demonstrations_free(&loaded);
  tnd_tensors_destroy(tensors);
  tnd_demonstrations_free(&d);
  tendril_model_destroy(model);
  tendril_config_destroy(config);
}

static const char *last = "checkpoints/last.safetensors";

static void check_same_file(const char *a, const char *b, const char *name) {
  support_check_same_file(support_file_of(a, name), support_file_of(b, name));
}

static void train(const tendril_config *config, const char *run, int threads, int64_t stop) {
  support_stop s = {.at = stop};
  const tendril_run_hooks hooks = support_stop_hooks(&s);
  tendril_train_result result;
  check_ok(tendril_train(config, support_tasks, support_file(run), false, NULL, threads, &hooks,
                         &result, check_err));
}

static void resume(const char *run, int threads) {
  tendril_train_result result;
  check_ok(
      tendril_train_resume(support_tasks, support_file(run), threads, NULL, &result, check_err));
  cr_assert(result.finished);
}

static const char *const swimming[][2] = {
    {"demonstration.steps", "30"}, {"demonstration.iterations", "5"},
    {"demonstration.starts", "8"}, {"run.iterations", "4"},
    {"run.eval_at", "50 100"},     {"run.eval_episodes", "2"},
    {"sim.max_steps", "40"},       {"sim.start_qpos", "0.01"},
    {"policy.hidden", "6"},        {"learner.samples", "4"},
    {"learner.tail", "6"},         {"learner.fit_iterations", "10"},
    {"learner.cost_scale", "100"}};

Test(demonstration, a_guided_run_is_the_same_on_any_threads_and_after_a_stop) {
  tendril_config *config = CONFIG("swimmer-gps", "cgps", swimming);
  train(config, "one", 1, 100);
  train(config, "three", 3, 100);
  check_same_file("one", "three", last);
  check_same_file("one", "three", "evaluations.csv");
  train(config, "parts", 2, 3);
  resume("parts", 1);
  check_same_file("one", "parts", last);
  check_same_file("one", "parts", "evaluations.csv");
  tendril_config_destroy(config);
}

// Without demonstrations.
static tendril_config *other_learner(void) {
  static const char *const settings[][2] = {{"run.iterations", "3"},    {"run.eval_at", "100"},
                                            {"run.eval_episodes", "2"}, {"sim.max_steps", "20"},
                                            {"rollout.batch", "64"},    {"rollout.streams", "2"},
                                            {"policy.hidden", "4"},     {"critic.hidden", "4"}};
  return CONFIG("swimmer-gps", "trpo", settings);
}

static tendril_config *other_learner_from(const char *starts) {
  tendril_config *config = other_learner();
  check_ok(tendril_config_set(config, "demonstration.steps", "16", check_err));
  check_ok(tendril_config_set(config, "demonstration.iterations", "2", check_err));
  check_ok(tendril_config_set(config, "demonstration.starts", starts, check_err));
  return config;
}

// Of any learner's run: what was trained starts where it was trained.
Test(demonstration, episodes_start_in_it) {
  tendril_config *config = other_learner_from("5");
  tnd_demonstrations d;
  check_ok(make(config, 1, &d, check_err));
  train(config, "run", 2, 2);
  for (int i = 0; i < 2; i++) {  // stopped, and resumed to its end
    tendril_trained t;
    int count;
    check_ok(tendril_trained_open(support_tasks, support_file("run"), "last", NULL, &t, check_err));
    const double *starts = tendril_model_get_starts(t.model, &count);
    cr_assert_eq(count, 5);
    check_same_bits(starts, d.of[0].x, 5 * d.of[0].nx);
    tendril_trained_close(&t);
    if (i == 0) resume("run", 1);
  }
  // under other physics, too
  static const char *const changes[] = {"physics_steps", "2", NULL};
  tendril_trained t;
  int count;
  check_ok(
      tendril_trained_open(support_tasks, support_file("run"), "last", changes, &t, check_err));
  check_same_bits(tendril_model_get_starts(t.model, &count), d.of[0].x, 5 * d.of[0].nx);
  tendril_trained_close(&t);
  tnd_demonstrations_free(&d);

  // without the option they do not
  tendril_config *without = other_learner_from("0");
  train(without, "without", 1, 100);
  check_ok(
      tendril_trained_open(support_tasks, support_file("without"), "last", NULL, &t, check_err));
  tendril_model_get_starts(t.model, &count);
  cr_assert_eq(count, 0);
  tendril_trained_close(&t);
  tendril_config_destroy(without);
  tendril_config_destroy(config);
}

Test(demonstration, a_resumed_run_has_that_of_its_checkpoint) {
  tendril_config *config = other_learner_from("5");
  train(config, "run", 1, 2);
  // its numbers changed by hand: nothing may make them anew
  tnd_checkpoint read;
  char path[1024];
  snprintf(path, sizeof path, "%s", support_file_of("run", last));
  check_ok(tnd_checkpoint_read(path, support_tasks, &read, check_err));
  double x[17 * 10], first = 0;
  check_ok(tnd_tensors_get(read.tensors, "demonstration.x", 17, 10, x, check_err));
  tnd_checkpoint_close(&read);
  size_t size;
  char *bytes = support_read_file(path, &size), *found = NULL;
  for (size_t i = 0; i + sizeof *x * 10 <= size && !found; i++)
    if (memcmp(bytes + i, (const char *)x, sizeof *x * 10) == 0) found = bytes + i;
  cr_assert_not_null(found);
  first = x[0] + 0.125;
  memcpy(found, &first, sizeof first);
  support_write_file(path, bytes, size);
  free(bytes);
  resume("run", 1);
  tendril_trained t;
  int count;
  check_ok(tendril_trained_open(support_tasks, support_file("run"), "last", NULL, &t, check_err));
  cr_assert_eq(tendril_model_get_starts(t.model, &count)[0], first);
  tendril_trained_close(&t);
  tendril_config_destroy(config);
}

// ------------------------------------------------------------------------------ older checkpoints

// From `begin` to the first `end` behind it, as spaces.
static void blank(const char *path, const char *begin, const char *end) {
  size_t size;
  char *bytes = support_read_file(path, &size), *from = NULL, *to = NULL;
  for (size_t i = 0; i + strlen(begin) <= size && !from; i++)
    if (memcmp(bytes + i, begin, strlen(begin)) == 0) from = bytes + i;
  cr_assert_not_null(from, "%s has no %s", path, begin);
  for (char *c = from; c + strlen(end) <= bytes + size && !to; c++)
    if (memcmp(c, end, strlen(end)) == 0) to = c + strlen(end);
  cr_assert_not_null(to);
  // what ends a line stays: in a checkpoint it is written as a backslash and an n
  memset(from, ' ', (size_t)(to - from));
  support_write_file(path, bytes, size);
  free(bytes);
}

Test(demonstration, a_run_from_before_there_were_any_goes_on) {
  tendril_config *config = other_learner();
  train(config, "whole", 2, 100);
  train(config, "old", 2, 2);
  tnd_checkpoint read;
  char path[1024];
  snprintf(path, sizeof path, "%s", support_file_of("old", last));
  check_ok(tnd_checkpoint_read(path, support_tasks, &read, check_err));
  cr_assert_eq(tnd_tensors_length(read.tensors, "demonstration.x"), -1);
  tnd_checkpoint_close(&read);
  // the section did not exist: neither file has it
  blank(support_file_of("old", "config.json"), "\"demonstration\": {", "},");
  blank(path, "\\\"demonstration\\\": {", "},");
  resume("old", 1);
  check_same_file("whole", "old", last);
  tendril_config_destroy(config);
}

// Gaits: files, the walk that is shipped, the search.
#include "base/file.h"
#include "base/json.h"
#include "run/gait_search.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = sizeof(tendril_simbicon_options) / sizeof(double) };  // all options are numbers

// tendril_gait_measure() on a model of that configuration, from start states of a series.
static tendril_status measure(const tendril_gait_config *c, const tendril_simbicon_options *gait,
                              uint32_t series, int walks, tendril_gait_walks *out,
                              tendril_error *err) {
  support_stage s = support_stage_open(support_model(c->task, &c->sim), 2);
  const tendril_status status =
      tendril_gait_measure(s.model, gait, &c->gait, s.pool, series, walks, out, err);
  support_stage_close(&s);
  return status;
}

// --------------------------------------------------------------------------------------- files

Test(gait, a_file_gives_back_what_was_written) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "gait.json");
  tendril_simbicon_options written, read;
  char task[64];
  tendril_simbicon_defaults(&written);
  written.torso = 0.1 + 0.2;
  written.land_cv = -1.0 / 3;
  check_ok(tendril_simbicon_write(path, "walker-gps", &written, check_err));
  check_ok(tendril_simbicon_read(path, task, &read, check_err));
  check_same_bits((double *)&read, (double *)&written, N);
  cr_assert_str_eq(task, "walker-gps");
  // the folder of a search is as good
  written.torso = -0.1;
  check_ok(tendril_simbicon_write(path, "walker-gps", &written, check_err));
  check_ok(tendril_simbicon_read(folder, NULL, &read, check_err));
  cr_assert_eq(read.torso, -0.1);
  // what a file leaves out is the default
  const char few[] = "{\"task\": \"x\", \"simbicon\": {\"kd\": 0.2}, \"found\": {\"any\": [1]}}";
  support_write_file(path, few, strlen(few));
  check_ok(tendril_simbicon_read(path, NULL, &read, check_err));
  cr_assert_eq(read.kd, 0.2);
  cr_assert_eq(read.kp_hip, 80);
  support_tmpdir_remove(folder);
}

Test(gait, bad_files_are_refused_in_a_line) {
  static const struct {
    const char *text, *line;
    tendril_status status;
  } bad[] = {
      {"{", "line 1", TENDRIL_E_FORMAT},
      {"[]", "must be an object", TENDRIL_E_FORMAT},
      {"{}", "lacks task, or simbicon or wave", TENDRIL_E_FORMAT},
      {"{\"task\": 3, \"simbicon\": {}}", "lacks task", TENDRIL_E_FORMAT},
      {"{\"task\": \"x\", \"simbicon\": 3}", "simbicon", TENDRIL_E_CONFIG},
      {"{\"task\": \"x\", \"simbicon\": {}, \"wave\": {}}", "a gait is one of them",
       TENDRIL_E_FORMAT},
      {"{\"task\": \"x\", \"wave\": {}}", "lacks simbicon", TENDRIL_E_FORMAT},
      {"{\"task\": \"x\", \"wave\": {\"lagg\": 0}}", "did you mean lag?", TENDRIL_E_CONFIG},
      {"{\"task\": \"x\", \"simbican\": {}}", "did you mean simbicon?", TENDRIL_E_CONFIG},
      {"{\"task\": \"x\", \"simbicon\": {\"torsoo\": 0}}", "did you mean torso?", TENDRIL_E_CONFIG},
      {"{\"task\": \"x\", \"simbicon\": {\"torso\": 9}}", "simbicon.torso: 9 is out of range",
       TENDRIL_E_CONFIG},
      {"{\"task\": \"0123456789012345678901234567890123456789012345678901234567890123\", "
       "\"simbicon\": {}}",
       "more than 63 letters", TENDRIL_E_FORMAT},
  };
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "bad.json");
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    tendril_simbicon_options options = {.torso = 0.25};
    tendril_error err = {{0}};
    support_write_file(path, bad[i].text, strlen(bad[i].text));
    cr_assert_eq(tendril_simbicon_read(path, NULL, &options, &err), bad[i].status, "%s", err.text);
    cr_assert(strstr(err.text, bad[i].line), "%s", err.text);
    cr_assert(strstr(err.text, "bad.json"), "%s", err.text);
    cr_assert_eq(options.torso, 0.25);
  }
  tendril_simbicon_options options = {.torso = 9};
  cr_assert_eq(tendril_simbicon_write(path, "x", &options, NULL), TENDRIL_E_ARGUMENT);
  support_tmpdir_remove(folder);
}

Test(gait, a_file_says_who_moves_by_it) {
  static const struct {
    const char *text, *name;
  } files[] = {{"{\"task\": \"walker-gps\", \"simbicon\": {}}", "simbicon"},
               {"{\"task\": \"swimmer-gps\", \"wave\": {\"lag\": 2}}", "wave"}};
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "gait.json");
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    tendril_agent *agent = NULL;
    char task[64];
    support_write_file(path, files[i].text, strlen(files[i].text));
    cr_assert(tendril_is_gait(path));
    check_ok(tendril_agent_gait_create(path, task, &agent, check_err));
    cr_assert_str_eq(tendril_agent_name(agent), files[i].name);
    cr_assert(strstr(files[i].text, task));
    tendril_agent_destroy(agent);
    // the one that comes with the task is of the same kind
    check_ok(tendril_agent_gait_own(task, &agent, check_err));
    cr_assert_str_eq(tendril_agent_name(agent), files[i].name);
    tendril_agent_destroy(agent);
  }
  support_tmpdir_remove(folder);
}

static tendril_status read_and_write(void *context, tendril_error *err) {
  tendril_simbicon_options options;
  tendril_status status = tendril_simbicon_read_own("walker-gps", &options, err);
  if (status == TENDRIL_OK) status = tendril_simbicon_write(context, "walker-gps", &options, err);
  return status;
}

Test(gait, every_failed_allocation_of_a_file_is_a_clean_error) {
  char *folder = support_tmpdir();
  cr_assert_geq(support_fail_each_alloc(read_and_write, (void *)support_path(folder, "x")), 20);
  support_tmpdir_remove(folder);
}

Test(gait, tasks_without_one_say_so) {
  tendril_simbicon_options options;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_simbicon_read_own("hopper", &options, &err), TENDRIL_E_UNKNOWN);
  cr_assert_str_eq(err.text, "hopper: there is no gait for this task");
  cr_assert_eq(tendril_simbicon_read_own("../gaits/walker-gps", &options, &err), TENDRIL_E_UNKNOWN);
}

// ----------------------------------------------------------------------------- the shipped walk

// 10 s without a fall at 1.7 m/s or more: the bar of the demonstration walk.
static void expect_walks(double start_qpos, double start_qvel, double push, int walks) {
  tendril_gait_config c;
  tendril_simbicon_options gait;
  tendril_gait_walks result;
  tendril_gait_defaults("walker-gps", &c);
  c.sim.start_qpos = start_qpos;
  c.sim.start_qvel = start_qvel;
  c.gait.push = push;
  c.gait.seed = 1000;  // starts that no search has seen
  check_ok(tendril_simbicon_read_own("walker-gps", &gait, check_err));
  check_ok(measure(&c, &gait, 0, walks, &result, check_err));
  tendril_model *model = support_model("walker-gps", &c.sim);
  cr_assert_eq(tendril_model_max_steps(model) * tendril_model_seconds(model), 10);
  tendril_model_destroy(model);
  cr_assert_eq(result.fallen, 0);
  cr_assert_geq(result.slowest, 1.7);
}

Test(gait, the_shipped_one_walks_ten_seconds) {
  expect_walks(0, 0, 0, 20);
}

Test(gait, the_shipped_one_walks_from_perturbed_starts) {
  expect_walks(0.01, 0.1, 0, 50);
}

Test(gait, the_shipped_one_bears_pushes) {
  expect_walks(0.01, 0.1, 60, 10);
}

Test(gait, standing_still_is_no_walk) {
  // no torque at all: it falls, and a fall is dearer the earlier it comes
  tendril_gait_config c;
  tendril_gait_walks result;
  tendril_gait_defaults("walker-gps", &c);
  c.simbicon.torque = 0;
  check_ok(measure(&c, &c.simbicon, 0, 3, &result, check_err));
  cr_assert_eq(result.fallen, 3);
  cr_assert_eq(result.torques, 0);
  cr_assert(result.value > c.gait.fall_weight, "%g", result.value);
}

// What is paid for is what the motors gave, not what a controller that knows no limit asked for.
Test(gait, torques_are_those_that_the_motors_gave) {
  tendril_gait_config c;
  tendril_gait_walks result;
  tendril_gait_defaults("walker-gps", &c);
  c.simbicon.torque = 1e6;
  c.simbicon.kp_hip = 2000;
  check_ok(measure(&c, &c.simbicon, 0, 3, &result, check_err));
  cr_assert(result.torques > 0 && result.torques <= 6 * 150 * 150, "%g", result.torques);
}

Test(gait, numbers_out_of_range_measure_nothing) {
  tendril_gait_config c;
  tendril_gait_walks result;
  tendril_error err = {{0}};
  tendril_gait_defaults("walker-gps", &c);
  c.gait.push = (double)NAN;
  cr_assert_eq(measure(&c, &c.simbicon, 0, 1, &result, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "push"), "%s", err.text);
}

// -------------------------------------------------------------------------------------- search

static tendril_gait_config small(void) {
  tendril_gait_config c;
  tendril_gait_defaults("walker-gps", &c);
  c.cmaes.population = 8;
  c.cmaes.budget = 96;
  c.gait.judge_every = 4;
  c.gait.judge_walks = 4;
  c.gait.check_walks = 2;
  c.sim.max_steps = 300;
  return c;
}

static tendril_gait_result search_on(int threads, const char *folder) {
  tendril_gait_config c = small();
  tendril_tasks *tasks = NULL;
  tendril_gait_result result;
  check_ok(tendril_tasks_create(&tasks, check_err));
  check_ok(tendril_gait_search(&c, tasks, folder, false, threads, NULL, &result, check_err));
  tendril_tasks_destroy(tasks);
  return result;
}

Test(gait, a_search_finds_the_same_on_any_threads) {
  char *folder = support_tmpdir();
  const tendril_gait_result one = search_on(1, support_path(folder, "one"));
  const tendril_gait_result two = search_on(2, support_path(folder, "two"));
  check_same_bits((const double *)&one.gait, (const double *)&two.gait, N);
  cr_assert_eq(one.judged.value, two.judged.value);
  cr_assert_eq(one.steps, two.steps);
  cr_assert_eq(one.candidates, 96);
  cr_assert_eq(one.generations, 12);
  // its folder holds it
  tendril_simbicon_options read;
  check_ok(tendril_simbicon_read(support_path(folder, "two"), NULL, &read, check_err));
  check_same_bits((const double *)&read, (const double *)&two.gait, N);
  support_tmpdir_remove(folder);
}

Test(gait, a_search_improves_on_its_start) {
  tendril_gait_config c = small();
  tendril_gait_walks start;
  check_ok(measure(&c, &c.simbicon, 3, 4, &start, check_err));
  const tendril_gait_result result = search_on(2, NULL);
  cr_assert_lt(result.judged.value, 0.8 * start.value);
  cr_assert_gt(result.best_generation, 1);
}

typedef struct stopper {
  sig_atomic_t stop;
  int64_t generations;
} stopper;

static void stop_at_two(void *user, const tendril_gait_progress *p) {
  stopper *s = user;
  s->generations = p->generations;
  if (p->generations == 2) s->stop = 1;
}

Test(gait, a_stopped_search_keeps_the_best) {
  char *folder = support_tmpdir();
  tendril_gait_config c = small();
  tendril_tasks *tasks = NULL;
  stopper s = {0};
  const tendril_gait_hooks hooks = {.stop = &s.stop, .progress = stop_at_two, .user = &s};
  tendril_gait_result result;
  tendril_simbicon_options read;
  const char *path = support_path(folder, "x");
  check_ok(tendril_tasks_create(&tasks, check_err));
  check_ok(tendril_gait_search(&c, tasks, path, false, 1, &hooks, &result, check_err));
  cr_assert_eq(result.end, TENDRIL_CMAES_RUNNING);
  cr_assert_eq(result.generations, 3);
  check_ok(tendril_simbicon_read(path, NULL, &read, check_err));
  check_same_bits((const double *)&read, (const double *)&result.gait, N);
  // the folder is taken
  tendril_error err = {{0}};
  cr_assert_eq(tendril_gait_search(&c, tasks, path, false, 1, &hooks, &result, &err),
               TENDRIL_E_EXISTS);
  cr_assert(strstr(err.text, "--force"), "%s", err.text);
  check_ok(tendril_gait_search(&c, tasks, path, true, 1, &hooks, &result, check_err));
  tendril_tasks_destroy(tasks);
  support_tmpdir_remove(folder);
}

typedef struct attempt {
  tendril_gait_config config;
  const char *folder;
} attempt;

// In a folder that holds what the attempt before has left. What it leaves itself is whole: no file
// of a write that was begun.
static tendril_status search_once(void *context, tendril_error *err) {
  const attempt *a = context;
  tendril_tasks *tasks = NULL;
  tendril_gait_result result;
  tendril_status status = tendril_tasks_create(&tasks, err);
  if (status == TENDRIL_OK)
    status = tendril_gait_search(&a->config, tasks, a->folder, true, 1, NULL, &result, err);
  tendril_tasks_destroy(tasks);
  static const char *const parts[] = {"config.json.part", "gait.json.part"};
  for (int i = 0; i < 2; i++)
    cr_assert_not(tnd_path_exists(support_path(a->folder, parts[i])), "%s", parts[i]);
  return status;
}

Test(gait, every_failed_allocation_of_a_search_is_a_clean_error) {
  char *folder = support_tmpdir();
  attempt a = {.config = small()};
  char path[4096];  // those of support_path() don't last
  snprintf(path, sizeof path, "%s/run", folder);
  a.folder = path;
  a.config.cmaes.budget = 8;
  a.config.sim.max_steps = 5;
  cr_assert_geq(support_fail_each_alloc(search_once, &a), 100);
  cr_assert(tendril_is_gait(path));
  support_tmpdir_remove(folder);
}

Test(gait, bad_settings_are_refused_in_a_line) {
  static const char *const bad[][3] = {
      {"gait.spede", "1", "did you mean speed?"},
      {"simbicn.torso", "1", "did you mean simbicon?"},
      {"torso", "1", "section.option=value"},
      {"gait.walks", "0", "out of range"},
  };
  tendril_gait_config c;
  tendril_error err = {{0}};
  tendril_gait_defaults("walker-gps", &c);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    cr_assert_neq(tendril_gait_set(&c, bad[i][0], bad[i][1], &err), TENDRIL_OK);
    cr_assert(strstr(err.text, bad[i][2]), "%s", err.text);
  }
  tendril_tasks *tasks = NULL;
  tendril_gait_result result;
  check_ok(tendril_tasks_create(&tasks, check_err));
  c.task = "hopper";
  cr_assert_eq(tendril_gait_search(&c, tasks, NULL, false, 1, NULL, &result, &err),
               TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "hopper has not nine joints"), "%s", err.text);
  tendril_tasks_destroy(tasks);
}

// Plugins: the guide's example works, and a bad one is refused in one line with nothing changed.
#include "base/alloc.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *plugin(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s.so", TENDRIL_TEST_PLUGINS, name);
  return path;
}

static tendril_tasks *built_in(void) {
  tendril_tasks *tasks = NULL;
  cr_assert_eq(tendril_tasks_create(&tasks, NULL), TENDRIL_OK);
  return tasks;
}

Test(plugin, adds_its_tasks_and_runs_them_with_the_model_beside_it) {
  tendril_tasks *tasks = built_in();
  int n = tendril_tasks_count(tasks);
  tendril_error err = {{0}};
  cr_assert_eq(tendril_tasks_load(tasks, plugin("crane"), &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tendril_tasks_count(tasks), n + 1);
  cr_assert_str_eq(tendril_tasks_get(tasks, n)->name, "crane");

  tendril_model *model = NULL;
  cr_assert_eq(tendril_tasks_model(tasks, "crane", NULL, &model, &err), TENDRIL_OK, "%s", err.text);
  double obs[4], reward = 0;
  tendril_env *env = support_env(model, 3, obs);
  tendril_step step = {0};
  while (!step.truncated) {
    // towards the target, slowly
    double action = -obs[0] - obs[2];
    cr_assert_eq(tendril_env_step(env, &action, obs, &step, NULL), TENDRIL_OK);
    cr_assert(!step.terminated && !step.diverged);
    reward += step.reward;
  }
  cr_assert_lt(fabs(obs[0]), 0.1);
  cr_assert_gt(reward, 100);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
}

Test(plugin, is_found_by_a_relative_path) {
  tendril_tasks *tasks = built_in();
  tendril_error err = {{0}};
  cr_assert_eq(chdir(TENDRIL_TEST_PLUGINS), 0);
  cr_assert_eq(tendril_tasks_load(tasks, "crane.so", &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(chdir("/"), 0);
  tendril_model *model = NULL;
  cr_assert_eq(tendril_tasks_model(tasks, "crane", NULL, &model, &err), TENDRIL_OK, "%s", err.text);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
}

static void expect_refused(const char *path, tendril_status status, const char *part) {
  tendril_tasks *tasks = built_in();
  int n = tendril_tasks_count(tasks);
  tendril_error err = {{0}};
  cr_expect_eq(tendril_tasks_load(tasks, path, &err), status, "%s: \"%s\"", path, err.text);
  cr_expect_not_null(strstr(err.text, part), "\"%s\" lacks \"%s\"", err.text, part);
  cr_expect_null(strchr(err.text, '\n'));
  cr_expect_eq(tendril_tasks_count(tasks), n);
  tendril_tasks_destroy(tasks);
}

Test(plugin, is_refused_when_it_is_bad) {
  expect_refused("/nowhere/at/all.so", TENDRIL_E_IO, "No such file");
  expect_refused("", TENDRIL_E_IO, "No such file");
  expect_refused(support_mjcf("nan.xml"), TENDRIL_E_IO, "nan.xml");
  expect_refused(plugin("no_symbol"), TENDRIL_E_FORMAT, "tendril_plugin");
  expect_refused(plugin("abi"), TENDRIL_E_FORMAT, "ABI");
  expect_refused(plugin("no_tasks"), TENDRIL_E_FORMAT, "no tasks");
  expect_refused(plugin("flaw"), TENDRIL_E_FORMAT, "task 1: nobs");
  expect_refused(plugin("name"), TENDRIL_E_FORMAT, "task 1: a name");
  expect_refused(plugin("taken"), TENDRIL_E_EXISTS, "hopper-v4");
  expect_refused(plugin("twice"), TENDRIL_E_EXISTS, "good");
}

Test(plugin, is_refused_the_second_time) {
  tendril_tasks *tasks = built_in();
  int n = tendril_tasks_count(tasks);
  tendril_error err = {{0}};
  cr_assert_eq(tendril_tasks_load(tasks, plugin("none"), &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tendril_tasks_load(tasks, plugin("none"), &err), TENDRIL_E_EXISTS);
  cr_assert_eq(tendril_tasks_load(tasks, plugin("crane"), &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tendril_tasks_count(tasks), n + 3);
  cr_assert_str_eq(tendril_tasks_get(tasks, n + 2)->name, "crane");

  // a task whose model is missing is there, but cannot be made
  tendril_model *model = NULL;
  cr_assert_eq(tendril_tasks_model(tasks, "other", NULL, &model, &err), TENDRIL_E_IO);
  cr_assert_not_null(strstr(err.text, "missing.xml"), "%s", err.text);
  tendril_tasks_destroy(tasks);
}

Test(plugin, fails_cleanly_when_memory_runs_out) {
  tendril_tasks *tasks = built_in();
  int n = tendril_tasks_count(tasks);
  tendril_error err = {{0}};
  tnd_alloc_fail_at(0);
  cr_assert_eq(tendril_tasks_load(tasks, plugin("crane"), &err), TENDRIL_E_MEMORY);
  tnd_alloc_fail_at(-1);
  cr_assert_eq(tendril_tasks_count(tasks), n);
  tendril_tasks_destroy(tasks);
}

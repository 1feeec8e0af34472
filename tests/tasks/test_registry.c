// The list of tasks and the folder of models.
#include "base/alloc.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tendril_tasks *built_in(void) {
  setenv("TENDRIL_MODELS", TENDRIL_SOURCE_DIR "/models", 0);
  tendril_tasks *tasks = NULL;
  cr_assert_eq(tendril_tasks_create(&tasks, NULL), TENDRIL_OK);
  return tasks;
}

Test(registry, lists_the_built_in_tasks_in_order) {
  const char *const first[] = {"hopper-v4", "walker2d-v4", "swimmer-v4", "inverted-pendulum-v4",
                               "cartpole",  "swimmer",     "hopper",     "walker"};
  tendril_tasks *tasks = built_in();
  int n = tendril_tasks_count(tasks);
  cr_assert_geq(n, 8);
  for (int i = 0; i < n; i++) {
    const tendril_task *task = tendril_tasks_get(tasks, i);
    if (i < 8) cr_assert_str_eq(task->name, first[i]);
    cr_assert(task->summary[0] && task->source[0]);
  }
  cr_assert_null(tendril_tasks_get(tasks, n));
  cr_assert_null(tendril_tasks_get(tasks, -1));
  tendril_tasks_destroy(tasks);
}

Test(registry, suggests_the_nearest_name) {
  tendril_tasks *tasks = built_in();
  tendril_model *model = NULL;
  tendril_error err;
  cr_assert_eq(tendril_tasks_model(tasks, "hoper-v4", NULL, &model, &err), TENDRIL_E_UNKNOWN);
  cr_assert_str_eq(err.text, "hoper-v4: no such task; did you mean hopper-v4?");
  cr_assert_eq(tendril_tasks_model(tasks, "zzzzzzzzzzzzz", NULL, &model, &err), TENDRIL_E_UNKNOWN);
  cr_assert_null(strstr(err.text, "did you mean"));
  cr_assert_null(model);
  tendril_tasks_destroy(tasks);
}

static bool below_the_source_tree(void) {
  char path[4096] = "";
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  return n > 0 && strncmp(path, TENDRIL_SOURCE_DIR "/", strlen(TENDRIL_SOURCE_DIR) + 1) == 0;
}

Test(registry, looks_for_models_where_the_variable_says) {
  char path[4096];
  tendril_error err;
  setenv("TENDRIL_MODELS", "", 1);  // as if unset: found from where the program is
  if (below_the_source_tree()) {
    cr_assert_eq(tendril_models_folder(path, sizeof path, &err), TENDRIL_OK, "%s", err.text);
    cr_assert_str_eq(path, TENDRIL_SOURCE_DIR "/models");
  }

  setenv("TENDRIL_MODELS", TENDRIL_SOURCE_DIR "/models", 1);
  cr_assert_eq(tendril_models_folder(path, 5, &err), TENDRIL_E_ARGUMENT);

  setenv("TENDRIL_MODELS", TENDRIL_SOURCE_DIR "/tests", 1);
  cr_assert_eq(tendril_models_folder(path, sizeof path, &err), TENDRIL_OK);
  cr_assert_str_eq(path, TENDRIL_SOURCE_DIR "/tests");
  tendril_tasks *tasks = built_in();
  tendril_model *model = NULL;
  cr_assert_eq(tendril_tasks_model(tasks, "hopper-v4", NULL, &model, &err), TENDRIL_E_IO);
  cr_assert_not_null(strstr(err.text, "/tests/hopper_v4.xml"), "%s", err.text);
  tendril_tasks_destroy(tasks);

  setenv("TENDRIL_MODELS", "/nowhere", 1);
  cr_assert_eq(tendril_models_folder(path, sizeof path, &err), TENDRIL_E_IO);
  cr_assert_not_null(strstr(err.text, "TENDRIL_MODELS"));
}

Test(registry, fails_cleanly_at_every_allocation) {
  int failures = 0;
  for (long k = 0;; k++) {
    tendril_tasks *tasks = NULL;
    tendril_model *model = NULL;
    tnd_alloc_fail_at(k);
    tendril_status status = tendril_tasks_create(&tasks, NULL);
    if (status == TENDRIL_OK) status = tendril_tasks_model(tasks, "hopper-v4", NULL, &model, NULL);
    tnd_alloc_fail_at(-1);
    tendril_model_destroy(model);
    tendril_tasks_destroy(tasks);
    if (status == TENDRIL_OK) break;
    cr_assert_eq(status, TENDRIL_E_MEMORY);
    failures++;
  }
  cr_assert(failures >= 3);

  tendril_tasks *tasks = built_in();
  tendril_model *model = NULL;
  tnd_alloc_fail_at(0);
  cr_assert_eq(tendril_tasks_model(tasks, "hoper-v4", NULL, &model, NULL), TENDRIL_E_MEMORY);
  tnd_alloc_fail_at(-1);
  tendril_tasks_destroy(tasks);
}

// A walk through the checkpoints of one short run, and past those that can't be read.
#include "run/walk.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/tmpdir.h"
#include "support/training.h"

#include <criterion/criterion.h>

// Five iterations, every second kept, evaluated after the third alone.
static void train_once(void) {
  static const char *const settings[][2] = {{"run.iterations", "5"}, {"run.eval_at", "60"},
                                            {"run.keep_every", "2"}, {"run.eval_episodes", "1"},
                                            {"rollout.batch", "16"}, {"rollout.streams", "1"},
                                            {"policy.hidden", "4"},  {"critic.hidden", "4"}};
  tendril_config *config = NULL;
  tendril_train_result result;
  support_tasks_open();
  check_ok(
      tendril_config_create(support_tasks, "inverted-pendulum-v4", "trpo", &config, check_err));
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    check_ok(tendril_config_set(config, settings[i][0], settings[i][1], check_err));
  check_ok(tendril_train(config, support_tasks, support_file("run"), false, NULL, 1, NULL, &result,
                         check_err));
  tendril_config_destroy(config);
}

TestSuite(walk, .init = train_once, .fini = support_tasks_close);

// The iteration of the next checkpoint; -1: there is none.
static int64_t next(int by, int64_t from) {
  tendril_trained trained;
  bool there;
  check_ok(
      tnd_walk_open(support_tasks, support_file("run"), by, from, &trained, &there, check_err));
  if (!there) return -1;
  const int64_t iteration = trained.iteration;
  tendril_trained_close(&trained);
  return iteration;
}

Test(walk, goes_by_what_was_kept_the_best_and_the_last) {
  static const int64_t stations[] = {-1, 2, 3, 4, 5, -1};  // 3 is the best, 5 the last
  for (int i = 1; i < 5; i++) {
    cr_assert_eq(next(1, stations[i]), stations[i + 1]);
    cr_assert_eq(next(-1, stations[i]), stations[i - 1]);
  }
  cr_assert_eq(next(1, 0), 2);
  cr_assert_eq(next(-1, 100), 5);
}

Test(walk, passes_by_what_is_damaged_and_names_a_folder_that_is_no_run) {
  support_write_file(support_file_of("run", "checkpoints/best.safetensors"), "junk", 4);
  cr_assert_eq(next(1, 2), 4);
  tendril_trained trained;
  bool there;
  tendril_error err = {{0}};
  cr_assert_eq(tnd_walk_open(support_tasks, support_folder, 1, 0, &trained, &there, &err),
               TENDRIL_E_IO);
  cr_assert_neq(err.text[0], 0);
}

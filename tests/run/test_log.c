// Logs: what an iteration costs in memory, which columns evaluations have. What is in the files is
// tested with tables, events and whole runs.
#include "base/alloc.h"
#include "run/log.h"
#include "support/learning.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(log, an_iteration_after_the_first_allocates_nothing) {
  static const tendril_stat stats[] = {{"a", "", "one"}, {"physics_seconds", "s", "two"}};
  char *root = support_tmpdir();
  tnd_folder folder;
  tnd_log *log = NULL;
  check_ok(tnd_folder_paths(root, &folder, check_err));
  check_ok(tnd_log_open(&folder, stats, 2, false, false, false, 0, 0, &log, check_err));
  // numbers of the greatest length from the start: rows of later iterations are not longer
  double values[2] = {-1.2345678901234567e-300, 1.0 / 3};
  const tnd_log_times times = {1.0 / 3, 1.0 / 7, 1.0 / 9};
  const int64_t first = 1000000;
  long before = 0;
  for (int64_t i = first; i < first + 200; i++) {
    check_ok(tnd_log_iteration(log, i, 1000 * i, 1000, values, &times, check_err));
    if (i == first) before = tnd_alloc_count();
  }
  cr_assert_eq(tnd_alloc_count(), before);
  tnd_log_close(log);
  support_tmpdir_remove(root);
}

Test(log, has_the_columns_that_the_task_and_the_physics_call_for) {
#define FIRST                                                                                      \
  "return_mean,return_sd,return_min,return_max,length_mean,terminated,truncated,diverged"
#define AGAIN                                                                                      \
  "as_trained_return_mean,as_trained_return_sd,as_trained_return_min,as_trained_return_max,"       \
  "as_trained_length_mean,as_trained_terminated,as_trained_truncated,as_trained_diverged"
  static const char *const expected[2][2] = {
      {"iteration,steps," FIRST ",eval_steps\n3,400,1,2,3,4,5,6,7,8,10\n",
       "iteration,steps," FIRST ",succeeded,eval_steps\n3,400,1,2,3,4,5,6,7,8,9,10\n"},
      {"iteration,steps," FIRST ",eval_steps," AGAIN ",as_trained_eval_steps\n"
       "3,400,1,2,3,4,5,6,7,8,10,1,2,3,4,5,6,7,8,30\n",
       "iteration,steps," FIRST ",succeeded,eval_steps," AGAIN
       ",as_trained_succeeded,as_trained_eval_steps\n"
       "3,400,1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,6,7,8,20,30\n"}};
  const tendril_eval_result result = {.returns = {.mean = 1, .sd = 2, .min = 3, .max = 4},
                                      .lengths = {.mean = 5},
                                      .terminated = 6,
                                      .truncated = 7,
                                      .diverged = 8,
                                      .succeeded = 9,
                                      .steps = 10};
  tendril_eval_result as_trained = result;
  as_trained.succeeded = 20;
  as_trained.steps = 30;
  for (int i = 0; i < 4; i++) {
    const bool two = i / 2, goal = i % 2;
    char *root = support_tmpdir();
    tnd_folder folder;
    tnd_log *log = NULL;
    check_ok(tnd_folder_paths(root, &folder, check_err));
    check_ok(tnd_log_open(&folder, NULL, 0, two, goal, false, 0, 0, &log, check_err));
    check_ok(tnd_log_evaluation(log, 3, 400, &result, two ? &as_trained : NULL, check_err));
    tnd_log_close(log);
    char *text = support_read_file(folder.evaluations, NULL);
    cr_assert_str_eq(text, expected[two][goal]);
    free(text);
    support_tmpdir_remove(root);
  }
}

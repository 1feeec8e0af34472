// Logs: what an iteration costs in memory. What is in the files is tested with tables, events and
// whole runs.
#include "base/alloc.h"
#include "run/log.h"
#include "support/learning.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>

Test(log, an_iteration_after_the_first_allocates_nothing) {
  static const tendril_stat stats[] = {{"a", "", "one"}, {"physics_seconds", "s", "two"}};
  char *root = support_tmpdir();
  tnd_folder folder;
  tnd_log *log = NULL;
  check_ok(tnd_folder_paths(root, &folder, check_err));
  check_ok(tnd_log_open(&folder, stats, 2, false, false, 0, 0, &log, check_err));
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

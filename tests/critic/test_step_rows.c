// Samples by their time step.
#include "critic/step_rows.h"

#include <criterion/criterion.h>

Test(step_rows, every_row_is_in_its_steps_list_in_order) {
  const int time[] = {9, 2, 0, 2, -1, 1, 3, 2};
  int row[8];
  tnd_step_rows steps[3];
  tnd_step_rows_by_time(3, 1, 7, time, row, steps);  // not the first; -1 and 3 are no step's
  const int expected[] = {2, 5, 1, 3, 7}, n[] = {1, 1, 3};
  for (int t = 0, at = 0; t < 3; t++) {
    cr_assert_eq(steps[t].n, n[t]);
    cr_assert_eq(steps[t].effective, n[t]);
    cr_assert_null(steps[t].weight);
    for (int i = 0; i < n[t]; i++)
      cr_assert_eq(steps[t].row[i], expected[at++]);
  }
}

Test(step_rows, a_step_without_rows_has_an_empty_list) {
  const int time[] = {2, 2};
  int row[2];
  tnd_step_rows steps[3];
  tnd_step_rows_by_time(3, 0, 2, time, row, steps);
  cr_assert_eq(steps[0].n, 0);
  cr_assert_eq(steps[0].effective, 0);
  cr_assert_eq(steps[1].n, 0);
  cr_assert_eq(steps[2].n, 2);
  tnd_step_rows_by_time(3, 0, 0, time, row, steps);
  cr_assert_eq(steps[2].n, 0);
}

// The helpers that other tests trust: errors are what close.h says, differences converge, folders
// go.
#include "support/close.h"
#include "support/fd.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Test(close, error_is_relative_above_one_and_absolute_below) {
  cr_assert_eq(support_error(3, 2), 0.5);
  cr_assert_eq(support_error(0.25, 0), 0.25);
  cr_assert_eq(support_error(-100, -101), 1.0 / 101);
}

Test(close, nothing_is_close_to_what_is_no_number) {
  cr_assert(isinf(support_error(NAN, 1)) && isinf(support_error(1, NAN)));
  cr_assert(isinf(support_error(NAN, NAN)));
  cr_assert(isinf(support_error(INFINITY, 1)) && isinf(support_error(INFINITY, -INFINITY)));
  cr_assert_eq(support_error(INFINITY, INFINITY), 0);
}

// y = (x0^2 x1, exp(x1), sin(x0 + 3 x2))
static void smooth(void *context, const double *x, double *y) {
  (void)context;
  y[0] = x[0] * x[0] * x[1];
  y[1] = exp(x[1]);
  y[2] = sin(x[0] + 3 * x[2]);
}

Test(fd, agrees_with_a_closed_form) {
  const double x[3] = {1.5, -0.7, 20};
  double c = cos(x[0] + 3 * x[2]);
  const double expected[9] = {2 * x[0] * x[1], x[0] * x[0], 0, 0, exp(x[1]), 0, c, 0, 3 * c};
  double jacobian[9];
  support_fd_jacobian(smooth, NULL, x, 3, 3, SUPPORT_FD_STEP, jacobian);
  // truncation h^2/6 f''' with h = 20 * 6e-6 and f''' = 27 is 6.5e-8 in the sine's last entry
  check_all_close(jacobian, expected, 9, 1e-7);

  const double v[3] = {0.2, 1, -0.1};
  double jv[3], expected_jv[3] = {0};
  for (int j = 0; j < 3; j++)
    for (int i = 0; i < 3; i++)
      expected_jv[j] += expected[3 * j + i] * v[i];
  support_fd_direction(smooth, NULL, x, v, 3, 3, SUPPORT_FD_STEP, jv);
  // rounding of values of size 1 over a step of 6e-6: 1e-16 / 6e-6
  check_all_close(jv, expected_jv, 3, 1e-9);
}

Test(tmpdir, makes_a_folder_and_removes_it_with_all_that_is_in_it) {
  char *folder = support_tmpdir();
  char *other = support_tmpdir();
  cr_assert_str_neq(folder, other);
  support_write_file(support_path(folder, "a"), "bytes\0more", 10);
  size_t size;
  char *bytes = support_read_file(support_path(folder, "a"), &size);
  cr_assert_eq(size, 10);
  cr_assert_arr_eq(bytes, "bytes\0more", 10);
  free(bytes);

  char gone[4096];
  snprintf(gone, sizeof gone, "%s", folder);
  support_tmpdir_remove(folder);
  support_tmpdir_remove(other);
  cr_assert_neq(access(gone, F_OK), 0);
}

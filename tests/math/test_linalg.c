// Orthogonal weights and ridge regression.
#include "math/linalg.h"

#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(linalg, orthogonal_weights_have_orthonormal_rows_or_columns_times_the_gain) {
  const int shapes[][2] = {{1, 1}, {11, 64}, {64, 64}, {64, 3}, {1, 5}, {300, 7}};
  for (int s = 0; s < 6; s++) {
    int rows = shapes[s][0], columns = shapes[s][1];
    double *w = malloc((size_t)(rows * columns) * sizeof *w), gain = 1.7;
    tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
    check_ok(tnd_orthogonal(&random, rows, columns, gain, w, check_err));
    bool tall = rows >= columns;
    int small = tall ? columns : rows, big = tall ? rows : columns;
    for (int i = 0; i < small; i++)
      for (int j = 0; j < small; j++) {
        double dot = 0;
        for (int k = 0; k < big; k++)
          dot += tall ? w[k * columns + i] * w[k * columns + j]
                      : w[i * columns + k] * w[j * columns + k];
        check_close(dot, i == j ? gain * gain : 0, 1e-13);  // rounding of a QR factorisation
      }
    free(w);
  }
}

Test(linalg, orthogonal_weights_have_no_preferred_sign) {
  // without the sign of R's diagonal, LAPACK's reflections make the first column's first entry
  // negative whenever the Gaussian's is positive and so on: uniform signs need the correction
  int positive = 0;
  for (uint32_t k = 0; k < 400; k++) {
    double w[9];
    tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, k, 0);
    check_ok(tnd_orthogonal(&random, 3, 3, 1, w, check_err));
    positive += w[8] > 0;
  }
  cr_assert(abs(positive - 200) < 50, "%d of 400", positive);  // five deviations of 10
}

Test(linalg, ridge_regression_solves_its_normal_equations) {
  enum { N = 6, ROWS = 40 };
  double f[ROWS * N], y[ROWS], S[N * N] = {0}, b[N] = {0}, work[N * N], w[N];
  tendril_random random = tendril_random_stream(4, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, ROWS * N, f);
  tendril_random_normals(&random, ROWS, y);
  for (int r = 0; r < ROWS; r++)
    for (int i = 0; i < N; i++) {
      b[i] += f[r * N + i] * y[r];
      for (int j = 0; j < N; j++)
        S[i * N + j] += f[r * N + i] * f[r * N + j];
    }
  // the same by LAPACK's QR least squares on the rows, with sqrt(ridge) I below them
  double ridge = 0.3, tall[(ROWS + N) * N] = {0}, right[ROWS + N] = {0};
  memcpy(tall, f, sizeof f);
  memcpy(right, y, sizeof y);
  for (int i = 0; i < N; i++)
    tall[(ROWS + i) * N + i] = sqrt(ridge);
  cr_assert_eq(LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', ROWS + N, N, 1, tall, N, right, 1), 0);
  check_ok(tnd_ridge_solve(N, S, b, ridge, work, w, check_err));
  for (int i = 0; i < N; i++)
    check_close(w[i], right[i], 1e-13);  // condition below 10
}

Test(linalg, ridge_regression_with_dependent_features_is_finite_and_still_fits) {
  // two equal features and one that is always zero; no ridge given
  double S[9] = {4, 4, 0, 4, 4, 0, 0, 0, 0}, b[3] = {8, 8, 0}, work[9], w[3];
  check_ok(tnd_ridge_solve(3, S, b, 0, work, w, check_err));
  check_close(w[0] + w[1], 2, 1e-3);
  check_close(w[2], 0, 1e-3);
}

Test(linalg, ridge_regression_refuses_what_is_not_finite) {
  double S[1] = {(double)NAN}, b[1] = {1}, work[1], w[1];
  tendril_error err;
  cr_assert_eq(tnd_ridge_solve(1, S, b, 1, work, w, &err), TENDRIL_E_NUMERIC);
  S[0] = 1;
  b[0] = (double)INFINITY;
  cr_assert_eq(tnd_ridge_solve(1, S, b, 1, work, w, &err), TENDRIL_E_NUMERIC);
}

static tendril_status draw(void *context, tendril_error *err) {
  (void)context;
  double w[12];
  tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
  return tnd_orthogonal(&random, 3, 4, 1, w, err);
}

Test(linalg, orthogonal_weights_survive_a_failing_allocator) {
  cr_assert_gt(support_fail_each_alloc(draw, NULL), 0);
}

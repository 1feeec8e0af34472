// Small Cholesky factors against LAPACK's.
#include "math/cholesky.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { MOST = 12, STRIDE = 15 };

// S [n][STRIDE] = A A' + I / 10, its upper triangle and what is beside it 7
static void make_spd(tendril_random *random, int n, double *S) {
  double A[MOST * MOST];
  tendril_random_normals(random, n * n, A);
  for (int i = 0; i < n * STRIDE; i++)
    S[i] = 7;
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      S[i * STRIDE + j] = i == j ? 0.1 : 0;
      for (int k = 0; k < n; k++)
        S[i * STRIDE + j] += A[i * n + k] * A[j * n + k];
    }
}

Test(cholesky, factor_solution_and_determinant_are_lapacks) {
  for (uint32_t k = 0; k < 240; k++) {
    tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, k, 0);
    const int n = 1 + (int)(k % MOST), columns = 1 + (int)(k % 3);
    double S[MOST * STRIDE], L[MOST * STRIDE], expected[MOST * STRIDE];
    double b[MOST * 3], x[MOST * 3], y[MOST], logdet = 0;
    make_spd(&random, n, S);
    tendril_random_normals(&random, n * columns, b);

    // upper triangle and margin stay as they were
    memcpy(L, S, sizeof *S * (size_t)(n * STRIDE));
    memcpy(expected, S, sizeof *S * (size_t)(n * STRIDE));
    cr_assert(tnd_cholesky(n, STRIDE, L));
    cr_assert_eq(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, expected, STRIDE), 0);
    check_all_close(L, expected, n * STRIDE, 1e-12);  // condition below 1e3

    memcpy(x, b, sizeof b);
    tnd_cholesky_solve(n, STRIDE, L, columns, x);
    memcpy(expected, S, sizeof *S * (size_t)(n * STRIDE));
    double right[MOST * 3];
    memcpy(right, b, sizeof b);
    cr_assert_eq(LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', n, columns, expected, STRIDE, right, columns),
                 0);
    check_all_close(x, right, n * columns, 1e-10);  // the same, times the condition

    // L y = b, for the first column
    for (int i = 0; i < n; i++)
      y[i] = b[i * columns];
    tnd_cholesky_forward(n, STRIDE, L, 1, y);
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int j = 0; j <= i; j++)
        sum += L[i * STRIDE + j] * y[j];
      check_close(sum, b[i * columns], 1e-12);
    }

    // |S| by its eigenvalues
    double q[MOST];
    memcpy(expected, S, sizeof *S * (size_t)(n * STRIDE));
    cr_assert_eq(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'L', n, expected, STRIDE, q), 0);
    for (int i = 0; i < n; i++)
      logdet += log(q[i]);
    check_close(tnd_cholesky_logdet(n, STRIDE, L), logdet, 1e-11);
  }
}

Test(cholesky, refuses_what_is_not_positive_definite) {
  cr_assert_not(tnd_cholesky(2, 2, (double[]){1, 0, 2, 1}));  // indefinite
  cr_assert_not(tnd_cholesky(2, 2, (double[]){1, 0, 1, 1}));  // semidefinite
  cr_assert_not(tnd_cholesky(1, 1, (double[]){0}));           // zero
  cr_assert_not(tnd_cholesky(1, 1, (double[]){-1}));          // negative
  cr_assert_not(tnd_cholesky(2, 2, (double[]){NAN, 0, 0, 1}));
  cr_assert_not(tnd_cholesky(2, 2, (double[]){1, 0, NAN, 1}));
  cr_assert_not(tnd_cholesky(2, 2, (double[]){INFINITY, 0, 0, 1}));
  cr_assert_not(tnd_cholesky(2, 2, (double[]){1, 0, INFINITY, 1}));
  cr_assert(tnd_cholesky(2, 2, (double[]){1, NAN, 0, 1}));  // the upper triangle is not read
}

Test(cholesky, of_a_square_is_the_factor_of_the_product) {
  for (uint32_t k = 0; k < 240; k++) {
    tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, k, 0);
    const int n = 1 + (int)(k % MOST);
    double W[MOST * MOST], L[MOST * MOST], expected[MOST * MOST];
    tendril_random_normals(&random, n * n, W);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        expected[i * n + j] = 0;
        for (int l = 0; l < n; l++)
          expected[i * n + j] += W[i * n + l] * W[j * n + l];
      }
    }
    tnd_cholesky_of_square(n, W, L);
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int l = 0; l < n; l++)
          sum += L[i * n + l] * L[j * n + l];
        check_close(sum, expected[i * n + j], 1e-13);  // rounding of rows of length 4
        cr_assert(j <= i || L[i * n + j] == 0);
      }
  }
}

Test(cholesky, of_a_square_keeps_the_digits_that_the_product_has_not) {
  // W W' = [1, 1; 1, 1 + 1e-20], in doubles singular
  double W[4] = {1, 0, 1, 1e-10}, L[4];
  tnd_cholesky_of_square(2, W, L);
  cr_assert(L[0] == 1 && L[1] == 0 && L[2] == 1);
  check_close(L[3] / 1e-10, 1, 1e-15);
}

Test(cholesky, of_a_singular_square_is_singular) {
  double W[4] = {1, 0, 2, 0}, L[4];
  tnd_cholesky_of_square(2, W, L);
  cr_assert(L[0] == 1 && L[2] == 2 && L[3] == 0);
  double zero[4] = {0};
  tnd_cholesky_of_square(2, zero, L);
  cr_assert_not(L[0] > 0 && L[3] > 0);
}

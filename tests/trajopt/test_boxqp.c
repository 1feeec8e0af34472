// Box-constrained quadratic programmes against brute force over which variables are at a bound.
#include "trajopt/boxqp.h"

#include "math/cholesky.h"
#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { M = 4 };

// H = A A' + I / 10 of normal numbers.
static void make_spd(tendril_random *random, double *H) {
  double A[M * M];
  tendril_random_normals(random, M * M, A);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < M; j++) {
      H[i * M + j] = i == j ? 0.1 : 0;
      for (int k = 0; k < M; k++)
        H[i * M + j] += A[i * M + k] * A[j * M + k];
    }
}

// The optimality conditions: inside the box the gradient is zero, at a bound it points outwards.
static void check_optimal(const double *H, const double *g, const double *low, const double *high,
                          const double *x) {
  for (int i = 0; i < M; i++) {
    double grad = g[i];
    for (int j = 0; j < M; j++)
      grad += H[i * M + j] * x[j];
    cr_assert(x[i] >= low[i] && x[i] <= high[i]);
    // 1e-6: the iteration ends when a step gains less than 1e-14 of the objective
    if (x[i] > low[i] && grad > 0) check_close(grad, 0, 1e-6);
    if (x[i] < high[i] && grad < 0) check_close(grad, 0, 1e-6);
  }
}

Test(boxqp, meets_the_optimality_conditions) {
  for (uint32_t k = 0; k < 2000; k++) {
    tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, k, 0);
    double H[M * M], g[M], low[M], high[M], x[M], factor[M * M], normal[2 * M];
    bool clamped[M];
    int nfree;
    make_spd(&random, H);
    tendril_random_normals(&random, M, g);
    tendril_random_normals(&random, 2 * M, normal);
    for (int i = 0; i < M; i++) {
      low[i] = -fabs(normal[i]) * 0.5;
      high[i] = fabs(normal[M + i]) * 0.5;
      x[i] = 0;
    }
    cr_assert(tnd_boxqp(M, H, g, low, high, x, clamped, factor, &nfree));
    check_optimal(H, g, low, high, x);
    int held = 0;
    for (int i = 0; i < M; i++)
      held += clamped[i];
    cr_assert(held + nfree == M);
  }
}

Test(boxqp, without_bounds_is_the_newton_step) {
  tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, 0, 0);
  double H[M * M], g[M], low[M], high[M], x[M] = {0}, factor[M * M], expected[M];
  bool clamped[M];
  int nfree;
  make_spd(&random, H);
  tendril_random_normals(&random, M, g);
  for (int i = 0; i < M; i++) {
    low[i] = -INFINITY;
    high[i] = INFINITY;
    expected[i] = -g[i];
  }
  cr_assert(tnd_boxqp(M, H, g, low, high, x, clamped, factor, &nfree));
  cr_assert(tnd_cholesky(M, M, H));
  tnd_cholesky_solve(M, M, H, 1, expected);
  check_all_close(x, expected, M, 1e-12);  // rounding of two solves
}

Test(boxqp, refuses_a_matrix_that_is_not_positive_definite) {
  double H[4] = {1, 2, 2, 1}, g[2] = {1, 1}, low[2] = {-1, -1}, high[2] = {1, 1}, x[2] = {0};
  double factor[4];
  bool clamped[2];
  int nfree;
  cr_assert_not(tnd_boxqp(2, H, g, low, high, x, clamped, factor, &nfree));
  H[0] = NAN;
  cr_assert_not(tnd_boxqp(2, H, g, low, high, x, clamped, factor, &nfree));
}

// Jacobi's eigenvalues and eigenvectors against LAPACK's, and where they keep more digits.
#include "math/eigen.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tendril/random.h>

enum { MOST = 12 };

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// A = U diag(q) U', U orthogonal, and the same q as LAPACK's; all relative to A's largest entry.
static void check_eigen(int n, const double *A) {
  double work[MOST * MOST], q[MOST], U[MOST * MOST], expected[MOST], largest = 0;
  const double tolerance = 1e-14 * n;  // a few roundings of every sum
  memcpy(work, A, sizeof *A * (size_t)(n * n));
  cr_assert(tnd_symmetric_eigen(n, work, q, U));
  for (int i = 0; i < n * n; i++)
    largest = fmax(largest, fabs(A[i]));
  if (largest == 0) largest = 1;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double dot = 0, entry = 0;
      for (int k = 0; k < n; k++) {
        dot += U[k * n + i] * U[k * n + j];
        entry += U[i * n + k] * q[k] * U[j * n + k];
      }
      check_close(dot, i == j, tolerance);
      check_close(entry / largest, A[i * n + j] / largest, tolerance);
    }
  memcpy(work, A, sizeof *A * (size_t)(n * n));
  cr_assert_eq(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'L', n, work, n, expected), 0);
  qsort(q, (size_t)n, sizeof *q, ascending);
  for (int i = 0; i < n; i++)
    check_close(q[i] / largest, expected[i] / largest, tolerance);
}

Test(eigen, agrees_with_lapack_on_random_matrices_of_all_sizes_and_scales) {
  for (uint32_t k = 0; k < 2000; k++) {
    tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, k, 0);
    double A[MOST * MOST], B[MOST * MOST];
    const int n = 1 + (int)(k % MOST), rank = k % 5 == 0 ? (n + 1) / 2 : n;
    const double scale = pow(10, tendril_random_uniform(&random, -100, 100));
    tendril_random_normals(&random, n * n, B);
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        A[i * n + j] = 0;
        for (int r = 0; r < rank; r++)  // of either sign; some of them singular
          A[i * n + j] += scale * (r % 2 ? 1 : -1) * (B[i * n + r] * B[j * n + r]);
      }
    check_eigen(n, A);
  }
}

Test(eigen, special_matrices) {
  const double zero[9] = {0}, equal[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, swap[4] = {0, 1, 1, 0};
  const double diagonal[9] = {3, 0, 0, 0, -1, 0, 0, 0, 3}, one[1] = {-2};
  check_eigen(3, zero);
  check_eigen(3, equal);
  check_eigen(3, diagonal);
  check_eigen(2, swap);
  check_eigen(1, one);
}

Test(eigen, small_eigenvalues_of_a_graded_matrix_keep_their_digits) {
  // eigenvalues multiply to 4e-16 - 1e-16 and add up to 1 + 4e-16; LAPACK's small one has no digit
  double A[4] = {1, 1e-8, 1e-8, 4e-16}, q[2], U[4];
  cr_assert(tnd_symmetric_eigen(2, A, q, U));
  check_close(fmin(q[0], q[1]) / 3e-16, 1, 1e-14);  // rounding
}

Test(eigen, refuses_what_is_not_finite_or_overflows) {
  double q[2], U[4];
  cr_assert_not(tnd_symmetric_eigen(2, (double[]){1, NAN, NAN, 1}, q, U));
  cr_assert_not(tnd_symmetric_eigen(2, (double[]){INFINITY, 0, 0, 1}, q, U));
  cr_assert_not(tnd_symmetric_eigen(2, (double[]){1.7e308, 1.7e308, 1.7e308, 1.7e308}, q, U));
}

Test(eigen, congruent_eigenvalues_are_those_of_the_product_whatever_the_units) {
  for (uint32_t k = 0; k < 240; k++) {
    tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, k, 0);
    const int n = 1 + (int)(k % MOST);
    double C[MOST * MOST], A[MOST * MOST], B[MOST * MOST], work[2 * MOST * MOST];
    double q[MOST], U[MOST * MOST], plain[MOST], V[MOST * MOST];
    tendril_random_normals(&random, n * n, C);
    tendril_random_normals(&random, n * n, A);
    for (int i = 0; i < n; i++)
      for (int j = i + 1; j < n; j++) {
        C[i * n + j] = 0;
        A[j * n + i] = A[i * n + j];
      }
    cr_assert(tnd_congruent_eigen(n, C, A, work, q, U));

    // C'A C = U diag(q) U'
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        double product = 0, entry = 0;
        for (int a = 0; a < n; a++) {
          for (int b = 0; b < n; b++)
            product += C[a * n + i] * A[a * n + b] * C[b * n + j];
          entry += U[i * n + a] * q[a] * U[j * n + a];
        }
        check_close(entry, product, 1e-12);  // 144 terms of some 10
      }

    // a in other units
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        C[i * n + j] = ldexp(C[i * n + j], 3 * i);
        B[i * n + j] = ldexp(A[i * n + j], -3 * i - 3 * j);
      }
    cr_assert(tnd_congruent_eigen(n, C, B, work, plain, V));
    check_same_bits(plain, q, n);
    check_same_bits(V, U, n * n);
  }
}

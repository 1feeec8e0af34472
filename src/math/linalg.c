// LAPACKE behind the few factorisations that the library needs.
#include "math/linalg.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "math/blas.h"

#define RIDGE_TRIES 16

tendril_status tnd_orthogonal(tendril_random *random, int rows, int columns, double gain, double *w,
                              tendril_error *err) {
  tnd_blas_init();
  int big = rows > columns ? rows : columns;
  int small = rows > columns ? columns : rows;
  if (small == 0) return TENDRIL_OK;
  tnd_arena arena = {0};
  double *q = NULL, *diagonal = NULL, *tau = NULL, *work = NULL;
  int nwork = 64 * small;
  for (int carve = 0; carve < 2; carve++) {
    q = tnd_arena_doubles(&arena, (size_t)big * (size_t)small);  // [small][big], column-major
    diagonal = tnd_arena_doubles(&arena, (size_t)small);
    tau = tnd_arena_doubles(&arena, (size_t)small);
    work = tnd_arena_doubles(&arena, (size_t)nwork);
    if (!carve) TENDRIL_TRY(tnd_arena_alloc(&arena, err));
  }

  // Gaussian = Q R
  for (int j = 0; j < small; j++)
    tendril_random_normals(random, big, q + (ptrdiff_t)j * big);
  lapack_int info = LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, big, small, q, big, tau, work, nwork);
  for (int j = 0; j < small; j++)
    diagonal[j] = q[(ptrdiff_t)j * big + j];
  if (info == 0)
    info = LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, big, small, small, q, big, tau, work, nwork);

  // a column's sign is that of R's diagonal: without it Q would not be uniform
  for (int j = 0; j < small && info == 0; j++) {
    double scale = diagonal[j] < 0 ? -gain : gain;
    for (int i = 0; i < big; i++) {
      double entry = scale * q[(ptrdiff_t)j * big + i];
      if (rows >= columns)
        w[(ptrdiff_t)i * columns + j] = entry;
      else
        w[(ptrdiff_t)j * columns + i] = entry;
    }
  }
  tnd_arena_free(&arena);
  if (info != 0) return tnd_fail(err, TENDRIL_E_NUMERIC, "orthogonal weights: LAPACK %d", info);
  return TENDRIL_OK;
}

tendril_status tnd_ridge_solve(int n, const double *S, const double *b, double ridge, double *work,
                               double *w, tendril_error *err) {
  tnd_blas_init();
  double trace = 0;
  for (int i = 0; i < n; i++) {
    trace += S[(ptrdiff_t)i * n + i];
    if (!tnd_all_finite(i + 1, S + (ptrdiff_t)i * n))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "least squares: a feature is not finite");
  }
  if (!tnd_all_finite(n, b))
    return tnd_fail(err, TENDRIL_E_NUMERIC, "least squares: a target is not finite");

  for (int try = 0; try < RIDGE_TRIES; try++) {
    memcpy(work, S, (size_t)n * (size_t)n * sizeof *S);
    memcpy(w, b, (size_t)n * sizeof *b);
    for (int i = 0; i < n; i++)
      work[(ptrdiff_t)i * n + i] += ridge;
    // row-major lower is column-major upper: no copy inside LAPACKE
    lapack_int info = LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'U', n, 1, work, n, w, n);
    if (info == 0 && tnd_all_finite(n, w)) return TENDRIL_OK;
    double least = 1e-12 * (trace > 0 ? trace / n : 1);
    ridge = ridge > least ? 10 * ridge : least;
  }
  return tnd_fail(err, TENDRIL_E_NUMERIC, "least squares: the features are not independent");
}

double tnd_dot(int64_t n, const double *x, const double *y) {
  // four sums in a fixed order: the compiler may use vectors, the result is the same
  double sum[4] = {0};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int j = 0; j < 4; j++)
      sum[j] += x[i + j] * y[i + j];
  for (; i < n; i++)
    sum[0] += x[i] * y[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

bool tnd_all_finite(int64_t n, const double *x) {
  bool finite = true;
  for (int64_t i = 0; i < n; i++)
    finite &= isfinite(x[i]) != 0;
  return finite;
}

// LAPACKE behind the few factorisations that the library needs; the orthogonal weights are our own,
// so that no training's first bits depend on the kernels that BLAS chooses.
#include "math/linalg.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "math/blas.h"

#define RIDGE_TRIES 16

// v -= (q'v) q over all columns q of Q [n][big], each of length 1
static void project_out(int n, int big, const double *Q, double *v) {
  for (int j = 0; j < n; j++) {
    const double *q = Q + (ptrdiff_t)j * big;
    const double share = tnd_dot(big, q, v);
    for (int i = 0; i < big; i++)
      v[i] -= share * q[i];
  }
}

tendril_status tnd_orthogonal(tendril_random *random, int rows, int columns, double gain, double *w,
                              tendril_error *err) {
  int big = rows > columns ? rows : columns;
  int small = rows > columns ? columns : rows;
  if (small == 0) return TENDRIL_OK;
  tnd_arena arena = {0};
  double *Q = NULL;
  for (int carve = 0; carve < 2; carve++) {
    Q = tnd_arena_doubles(&arena, (size_t)big * (size_t)small);  // [small][big], column by column
    if (!carve) TENDRIL_TRY(tnd_arena_alloc(&arena, err));
  }
  for (int j = 0; j < small; j++)
    tendril_random_normals(random, big, Q + (ptrdiff_t)j * big);

  // Gaussian = Q R by modified Gram-Schmidt. A second pass makes Q orthogonal to rounding (Giraud,
  // Langou, Rozloznik 2005). Norms are positive, so R's diagonal is, without which Q would not be
  // uniform.
  tendril_status status = TENDRIL_OK;
  for (int j = 0; j < small && status == TENDRIL_OK; j++) {
    double *v = Q + (ptrdiff_t)j * big;
    for (int pass = 0; pass < 2; pass++)
      project_out(j, big, Q, v);
    const double norm = sqrt(tnd_dot(big, v, v));
    if (!(norm > 0)) status = tnd_fail(err, TENDRIL_E_NUMERIC, "orthogonal weights: rank lost");
    for (int i = 0; i < big; i++)
      v[i] /= norm;
  }

  for (int j = 0; j < small; j++)
    for (int i = 0; i < big; i++)
      w[rows >= columns ? (ptrdiff_t)i * columns + j : (ptrdiff_t)j * columns + i] =
          gain * Q[(ptrdiff_t)j * big + i];
  tnd_arena_free(&arena);
  return status;
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

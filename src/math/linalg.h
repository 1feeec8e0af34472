// Dense linear algebra of moderate size over LAPACKE, and small helpers on vectors.
#ifndef TND_LINALG_H
#define TND_LINALG_H

#include "base/status.h"

#include <tendril/random.h>

// w [rows][columns] = gain * Q, Q with orthonormal columns (rows >= columns) or rows, uniformly
// distributed: QR of a Gaussian matrix with R's diagonal positive (Saxe et al. 2014). One fixed
// order of sums: the same bits whatever BLAS is installed.
TENDRIL_MUST_CHECK tendril_status tnd_orthogonal(tendril_random *random, int rows, int columns,
                                                 double gain, double *w, tendril_error *err);

// Ridge regression from sums over rows of features f: solves (S + ridge I) w = b.
//   S [n][n] = sum f f', its lower triangle; b [n] = sum f y; both borrowed
//   work [n][n], w [n] filled
// If S + ridge I is not positive definite in floating point, ridge is raised (to 1e-12 of the mean
// diagonal, then tenfold) until it is; E_NUMERIC if S or b is not finite.
TENDRIL_MUST_CHECK tendril_status tnd_ridge_solve(int n, const double *S, const double *b,
                                                  double ridge, double *work, double *w,
                                                  tendril_error *err);

double tnd_dot(int64_t n, const double *x, const double *y);
bool tnd_all_finite(int64_t n, const double *x);

#endif

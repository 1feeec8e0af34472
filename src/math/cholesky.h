// Cholesky factors of small symmetric matrices, S = L L'.
#ifndef TND_CHOLESKY_H
#define TND_CHOLESKY_H

#include <stdbool.h>

// The lower Cholesky factor of the leading n rows of A, stride `stride`, in place; only the lower
// triangle is read and written. False if A is not positive definite.
bool tnd_cholesky(int n, int stride, double *A);
// b <- (L L')^-1 b for `columns` right-hand sides, b [n][columns].
void tnd_cholesky_solve(int n, int stride, const double *L, int columns, double *b);
// Half of it: b <- L^-1 b, and b <- L'^-1 b.
void tnd_cholesky_forward(int n, int stride, const double *L, int columns, double *b);
void tnd_cholesky_backward(int n, int stride, const double *L, int columns, double *b);
// The lower Cholesky factor L [n][n] of W W', zeros above, from W [n][n], which is destroyed, by
// orthogonalising its rows, W = L Q. The product is never formed: its factor would have half the
// digits. If W is not finite or exactly singular, so is L (or its diagonal).
void tnd_cholesky_of_square(int n, double *W, double *L);
// log |L L'|
double tnd_cholesky_logdet(int n, int stride, const double *L);

#endif

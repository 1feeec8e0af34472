// Plain loops over rows: for the sizes of states and actions a call of LAPACK costs more than the
// work.
#include "math/cholesky.h"

#include "math/linalg.h"
#include "math/simd.h"

#include <math.h>
#include <string.h>

bool tnd_cholesky(int n, int stride, double *A) {
  for (int j = 0; j < n; j++) {
    double d = A[j * stride + j];
    for (int k = 0; k < j; k++)
      d -= A[j * stride + k] * A[j * stride + k];
    if (!(d > 0) || !isfinite(d)) return false;
    d = sqrt(d);
    A[j * stride + j] = d;
    for (int i = j + 1; i < n; i++) {
      double s = A[i * stride + j];
      for (int k = 0; k < j; k++)
        s -= A[i * stride + k] * A[j * stride + k];
      A[i * stride + j] = s / d;
    }
  }
  return true;
}

TND_CLONES void tnd_cholesky_forward(int n, int stride, const double *L, int columns, double *b) {
  for (int i = 0; i < n; i++) {
    double *row = b + i * columns;
    for (int k = 0; k < i; k++) {
      const double c = L[i * stride + k], *above = b + k * columns;
      for (int j = 0; j < columns; j++)
        row[j] -= c * above[j];
    }
    for (int j = 0; j < columns; j++)
      row[j] /= L[i * stride + i];
  }
}

TND_CLONES void tnd_cholesky_backward(int n, int stride, const double *L, int columns, double *b) {
  for (int i = n - 1; i >= 0; i--) {
    double *row = b + i * columns;
    for (int k = i + 1; k < n; k++) {
      const double c = L[k * stride + i], *below = b + k * columns;
      for (int j = 0; j < columns; j++)
        row[j] -= c * below[j];
    }
    for (int j = 0; j < columns; j++)
      row[j] /= L[i * stride + i];
  }
}

void tnd_cholesky_solve(int n, int stride, const double *L, int columns, double *b) {
  tnd_cholesky_forward(n, stride, L, columns, b);
  tnd_cholesky_backward(n, stride, L, columns, b);
}

// Modified Gram-Schmidt, whose L is as good as that of Householder's reflections (Higham, Accuracy
// and Stability of Numerical Algorithms, sec. 19.8).
void tnd_cholesky_of_square(int n, double *W, double *L) {
  memset(L, 0, sizeof *L * (size_t)n * (size_t)n);
  for (int j = 0; j < n; j++) {
    double *wj = W + j * n;
    const double norm = sqrt(tnd_dot(n, wj, wj));
    L[j * n + j] = norm;
    for (int l = 0; l < n; l++)
      wj[l] /= norm;
    for (int i = j + 1; i < n; i++) {
      double *wi = W + i * n;
      const double share = L[i * n + j] = tnd_dot(n, wj, wi);
      for (int l = 0; l < n; l++)
        wi[l] -= share * wj[l];
    }
  }
}

double tnd_cholesky_logdet(int n, int stride, const double *L) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += log(L[i * stride + i]);
  return 2 * sum;
}

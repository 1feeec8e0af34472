// Cyclic Jacobi: each rotation makes one pair of entries zero, and what the others put back there
// shrinks quadratically. Against LAPACK's dsyev it takes 0.15 times as long for 2 rows, 0.6 for 4,
// 1.6 for 9, and needs no work space.
#include "math/eigen.h"

#include "math/linalg.h"

#include <math.h>
#include <string.h>

// (x, y) <- (c x - s y, s x + c y), with r = s / (1 + c), which loses fewer digits for small angles
static void rotate(double s, double r, double *x, double *y) {
  const double a = *x, b = *y;
  *x = a - s * (b + r * a);
  *y = b + s * (a - r * b);
}

bool tnd_symmetric_eigen(int n, double *A, double *q, double *U) {
  enum { SWEEPS = 60 };         // 6 to 10 are needed
  const double tiny = 0x1p-54;  // half a unit in the last place
  if (!tnd_all_finite((int64_t)n * n, A)) return false;
  memset(U, 0, sizeof *U * (size_t)n * (size_t)n);
  for (int i = 0; i < n; i++)
    U[i * n + i] = 1;

  bool rotated = true;
  for (int sweep = 0; sweep < SWEEPS && rotated; sweep++) {
    rotated = false;
    for (int i = 0; i < n; i++)
      for (int j = i + 1; j < n; j++) {
        double *aii = A + i * n + i, *ajj = A + j * n + j;
        const double aij = A[i * n + j];
        if (fabs(aij) <= tiny * (sqrt(fabs(*aii)) * sqrt(fabs(*ajj)))) continue;
        rotated = true;

        // the smaller angle of the two that make the entry zero
        const double cotangent = (*ajj / 2 - *aii / 2) / aij;  // of twice the angle
        const double t = copysign(1, cotangent) / (fabs(cotangent) + hypot(1, cotangent));
        const double c = 1 / sqrt(1 + t * t), s = t * c, r = s / (1 + c);
        *aii -= t * aij;
        *ajj += t * aij;
        A[i * n + j] = A[j * n + i] = 0;
        for (int k = 0; k < n; k++) {
          rotate(s, r, U + k * n + i, U + k * n + j);
          if (k == i || k == j) continue;
          rotate(s, r, A + k * n + i, A + k * n + j);
          A[i * n + k] = A[k * n + i];
          A[j * n + k] = A[k * n + j];
        }
      }
  }
  for (int i = 0; i < n; i++)
    q[i] = A[i * n + i];
  return !rotated && tnd_all_finite(n, q) && tnd_all_finite((int64_t)n * n, U);
}

bool tnd_congruent_eigen(int n, const double *C, const double *A, double *scratch, double *q,
                         double *U) {
  double *AC = scratch, *B = scratch + n * n;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      AC[i * n + j] = 0;
      for (int k = j; k < n; k++)
        AC[i * n + j] += A[i * n + k] * C[k * n + j];
    }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      B[i * n + j] = 0;
      for (int k = i; k < n; k++)
        B[i * n + j] += C[k * n + i] * AC[k * n + j];
    }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++)
      B[i * n + j] = B[j * n + i] = 0.5 * (B[i * n + j] + B[j * n + i]);
  return tnd_symmetric_eigen(n, B, q, U);
}

// Equation (8) is an algebraic Riccati equation, but one that falls apart: in coordinates in which
// two of its three matrices are diagonal all are, and what remains is a quadratic equation for each
// of the actions.
//
//   lambda > 1    M = C C',     C'Quu C = V diag(g) V',  A = W W',  W = C V diag(c)^1/2
//                 g c^2 + (lambda - 1) c - lambda = 0               Quu may have any sign
//   lambda <= 1   Quu = C C',   C'M C = V diag(g) V',    A = W W',  W = C^-T V diag(c)^1/2
//                 c^2 + (lambda - 1) c - lambda g = 0               M hardly matters for small
//                 lambda
//
// Where both forms will do, the second loses no digits to an M that has little to do with A.
#include "trajopt/gps_covariance.h"

#include "math/cholesky.h"
#include "math/eigen.h"
#include "math/linalg.h"

#include <math.h>
#include <string.h>

typedef struct pieces {
  int m;
  double *C;        // [m][m] factor of M or Quu
  double *W;        // [m][m] V, then W
  double *g;        // [m]
  double *L;        // [m][m] factor of A
  double *A;        // [m][m]
  double *scratch;  // [2][m][m]
  double logdet;    // log|A|
} pieces;

// Carves work, or, if that is NULL, only counts.
static int layout(pieces *p, int m, double *work) {
  int used = 0;
  const struct {
    double **piece;
    int size;
  } all[] = {{&p->C, m * m}, {&p->W, m * m}, {&p->g, m},
             {&p->L, m * m}, {&p->A, m * m}, {&p->scratch, 2 * m * m}};
  p->m = m;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    *all[i].piece = work ? work + used : NULL;
    used += all[i].size;
  }
  return used;
}

int tnd_gps_covariance_work(int m) {
  pieces p;
  return layout(&p, m, NULL);
}

// S = C C', zeros above. False if S is not finite or not positive definite.
static bool factorise(int m, const double *S, double *C) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < m; j++)
      C[i * m + j] = j <= i ? S[i * m + j] : 0;
  return tnd_all_finite(m * m, S) && tnd_cholesky(m, m, C);
}

// Column j of W <- W diag(c)^1/2. False if c is no variance.
static bool scale(pieces *p, int j, double c) {
  if (!(c > 0) || !isfinite(c)) return false;
  const double sd = sqrt(c);
  for (int i = 0; i < p->m; i++)
    p->W[i * p->m + j] *= sd;
  p->logdet += log(c);
  return true;
}

// Neither root is a difference of close numbers; nor does a square overflow on the way.

// W for lambda > 1, p->C the factor of M: of the two positive roots that there are if g < 0, the
// smaller is the minimum.
static bool solve_by_M(pieces *p, double lambda, const double *Quu) {
  const int m = p->m;
  const double h = 0.5 * (lambda - 1);
  if (!tnd_congruent_eigen(m, p->C, Quu, p->scratch, p->g, p->W)) return false;
  p->logdet = tnd_cholesky_logdet(m, m, p->C);
  for (int j = 0; j < m; j++) {
    const double q = sqrt(lambda) * sqrt(fabs(p->g[j]));
    if (p->g[j] < 0 && q > h) return false;
    const double s = p->g[j] < 0 ? sqrt(h - q) * sqrt(h + q) : hypot(h, q);
    if (!scale(p, j, lambda / (h + s))) return false;
  }
  // C W in place: a row needs those above it
  for (int i = m - 1; i >= 0; i--)
    for (int j = 0; j < m; j++) {
      double sum = 0;
      for (int k = 0; k <= i; k++)
        sum += p->C[i * m + k] * p->W[k * m + j];
      p->W[i * m + j] = sum;
    }
  return true;
}

// W for lambda <= 1, p->C the factor of Quu.
static bool solve_by_Quu(pieces *p, double lambda, const double *M) {
  const int m = p->m;
  const double h = 0.5 * (lambda - 1);
  if (!tnd_congruent_eigen(m, p->C, M, p->scratch, p->g, p->W)) return false;
  p->logdet = -tnd_cholesky_logdet(m, m, p->C);
  for (int j = 0; j < m; j++) {
    const double q = sqrt(lambda) * sqrt(fmax(p->g[j], 0));  // below 0 by rounding
    if (!scale(p, j, hypot(h, q) - h)) return false;
  }
  tnd_cholesky_backward(m, m, p->C, m, p->W);
  return true;
}

// A = W W' and its factor, W destroyed. False if A is not finite, or so nearly singular that
// rounding changed its entropy.
static bool multiply(const pieces *p) {
  const int m = p->m;
  tnd_cholesky_of_square(m, p->W, p->L);
  for (int i = 0; i < m; i++) {
    if (!(p->L[i * m + i] > 0)) return false;
    for (int j = 0; j <= i; j++)
      p->A[i * m + j] = p->A[j * m + i] = tnd_dot(j + 1, p->L + i * m, p->L + j * m);
    if (!isfinite(p->A[i * m + i])) return false;
  }
  return fabs(tnd_cholesky_logdet(m, m, p->L) - p->logdet) < 1e-6;
}

bool tnd_gps_covariance(int m, double lambda, const double *Quu, const double *M, double *work,
                        double *A, double *factor) {
  pieces p;
  layout(&p, m, work);
  if (!isfinite(lambda) || !(lambda >= 0) || !factorise(m, M, p.C)) return false;
  if (lambda <= 1 && !factorise(m, Quu, p.C)) return false;
  if (lambda > 1 ? !solve_by_M(&p, lambda, Quu) : !solve_by_Quu(&p, lambda, M)) return false;
  if (!multiply(&p)) return false;
  memcpy(A, p.A, sizeof *A * (size_t)(m * m));
  memcpy(factor, p.L, sizeof *factor * (size_t)(m * m));
  return true;
}

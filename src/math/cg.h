// Conjugate gradients for A x = b, A symmetric positive definite and known only by its products
// (Hestenes and Stiefel 1952; Schulman et al. 2015, app. C).
#ifndef TND_CG_H
#define TND_CG_H

#include "base/status.h"

// av [n] = A v
typedef void (*tnd_cg_product)(void *context, const double *v, double *av);

typedef enum tnd_cg_end {
  TND_CG_CONVERGED,   // |r| <= tolerance |b|
  TND_CG_ITERATIONS,  // all iterations done
  TND_CG_CURVATURE,   // p'Ap <= 0: A is not positive definite along p
  TND_CG_NONFINITE,   // a product (or b) was not finite
} tnd_cg_end;

typedef struct tnd_cg_result {
  tnd_cg_end end;
  int iterations;    // steps taken
  double residual;   // |b - A x| / |b|, from the recursion; 0 if b = 0
  double curvature;  // x'Ax = x'(b - r)
} tnd_cg_result;

typedef struct tnd_cg tnd_cg;
TENDRIL_MUST_CHECK tendril_status tnd_cg_create(int n, tnd_cg **out, tendril_error *err);
void tnd_cg_destroy(tnd_cg *cg);

// x [n] filled, starting from 0. However it ends, x is finite: the last good iterate (0 if the
// first step failed). One product per iteration; allocates nothing.
tnd_cg_result tnd_cg_solve(tnd_cg *cg, tnd_cg_product product, void *context, const double *b,
                           int iterations, double tolerance, double *x);

#endif

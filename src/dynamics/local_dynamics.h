// Local models of the dynamics: at each time step by itself a linear-Gaussian conditional
//   x' | x, u ~ N(f z + fc, F),   z = (x, u),
// fitted to the samples of that step, by regression or under a normal-inverse-Wishart prior.
// A sample is a row y = (x, u, x') of p = 2 dx + du numbers.
#ifndef TND_LOCAL_DYNAMICS_H
#define TND_LOCAL_DYNAMICS_H

#include "base/status.h"
#include "math/linear_gaussian.h"

// Default of `ridge` below.
#define TND_LOCAL_RIDGE 1e-6

// For each step: covariance of y ~ inverse-Wishart of scale Phi and n0 degrees, its mean ~ N(mu0, .
// / m). m and n0 count as samples do.
typedef struct tnd_niw_prior {
  double m, n0;       // > 0
  const double *mu0;  // [T][p] borrowed
  const double *Phi;  // [T][p][p] borrowed, symmetric, positive definite
} tnd_niw_prior;

// Posterior of one step from N samples of mean `mean` [p] and covariance S [p][p] (divisor N):
//   mu = (m mu0 + N mean) / (m + N)
//   Sigma = (Phi + N S + N m / (N + m) (mean - mu0)(mean - mu0)') / (N + n0)
// mu [p], Sigma [p][p] filled; of S and Phi the lower triangle is read.
// Source: docs/methods/local-models.md, step 2.
void tnd_niw_posterior(int p, int N, const double *mean, const double *S, double m, double n0,
                       const double *mu0, const double *Phi, double *mu, double *Sigma);

typedef struct tnd_local_dynamics tnd_local_dynamics;

// T steps of dx states and du controls; pool is borrowed. E_ARGUMENT, E_MEMORY.
TENDRIL_MUST_CHECK tendril_status tnd_local_dynamics_create(int T, int dx, int du,
                                                            tendril_pool *pool,
                                                            tnd_local_dynamics **out,
                                                            tendril_error *err);
void tnd_local_dynamics_destroy(tnd_local_dynamics *d);

// Samples of a step without which there is no regression: dx + du + 2.
int tnd_local_dynamics_need(const tnd_local_dynamics *d);

// Least squares of x' on (x, u, 1) from y [T][N][p], borrowed. `ridge` >= 0 is added to the
// covariance of z on its diagonal, as a part of each entry's own variance; the constant is free.
// F is the mean square of the residuals (divisor N), plus 1e-12 of x' own variance.
// E_ARGUMENT: too few samples; E_NUMERIC: a sample isn't finite, z or x' doesn't vary in some
// direction. The error names the step; the models are then those of before. Allocates nothing; same
// bits for any number of threads, as all here.
// Source: docs/methods/local-models.md, step 1.
TENDRIL_MUST_CHECK tendril_status tnd_local_dynamics_regress(tnd_local_dynamics *d, int N,
                                                             const double *y, double ridge,
                                                             tendril_error *err);

// The posterior of each step given y [T][N][p], N >= 0, conditioned on z. Errors as above, but any
// number of samples will do.
// Source: Levine and Abbeel 2014; docs/methods/local-models.md, step 2.
TENDRIL_MUST_CHECK tendril_status tnd_local_dynamics_update(tnd_local_dynamics *d, int N,
                                                            const double *y,
                                                            const tnd_niw_prior *prior,
                                                            tendril_error *err);

// [T] models of the last fit that succeeded, until the next: ns = dx + du, na = dx; f, fc and the
// lower factor of F are its K, k and C.
const tnd_linear_gaussian *tnd_local_dynamics_models(const tnd_local_dynamics *d);

#endif

// A mixture of Gaussians over rows y of p numbers, by expectation maximisation: of transitions
// (x, u, x') of all time steps and recent iterations it is the prior for the local models.
#ifndef TND_MIXTURE_H
#define TND_MIXTURE_H

#include "base/status.h"
#include "math/gaussian.h"

typedef struct tnd_mixture_options {
  int clusters;          // at most so many,
  int rows_per_cluster;  // and so many rows to each of them; at least one cluster
  int max_iters;
  double tolerance;  // ends when the objective rises by less, relative to itself
  double floor;      // scatter that each cluster has from the start, in every direction: `floor`
                     // of the variance of all rows, as one more sample would bring
  uint64_t seed;
} tnd_mixture_options;

// 20, 40, 100, 1e-4, 1e-4, 1
tnd_mixture_options tnd_mixture_defaults(void);

typedef struct tnd_mixture_stats {
  int clusters;         // that there are at the end
  int dropped;          // that ran empty on the way
  int iterations;       // of EM
  bool converged;       // false: max_iters ended it
  double logp;          // mean log-likelihood of a row, nats, in the units of y
  const double *trace;  // [iterations] objective after each, until the next fit; it only rises but
                        // where a cluster is dropped
} tnd_mixture_stats;

typedef struct tnd_mixture tnd_mixture;

// pool is borrowed. E_ARGUMENT, E_MEMORY.
TENDRIL_MUST_CHECK tendril_status tnd_mixture_create(const tnd_mixture_options *options, int p,
                                                     int max_rows, tendril_pool *pool,
                                                     tnd_mixture **out, tendril_error *err);
void tnd_mixture_destroy(tnd_mixture *mixture);

// Fits the mixture to y [rows][p], from seeds that (options.seed, iteration) decide. Any rows will
// do: one, equal ones, rows in a plane.
// E_ARGUMENT: no rows, or more than max_rows; E_NUMERIC: a number isn't finite, its row named.
// There is no mixture then. Allocates nothing; same bits for any number of threads. Source:
// docs/methods/local-models.md, step 3.
TENDRIL_MUST_CHECK tendril_status tnd_mixture_fit(tnd_mixture *mixture, int rows, const double *y,
                                                  uint32_t iteration, tnd_mixture_stats *stats,
                                                  tendril_error *err);

// Of the last fit, in the units of y: 0 without one.
int tnd_mixture_clusters(const tnd_mixture *mixture);
// Weight of cluster c; mean [p], S [p][p] filled.
double tnd_mixture_cluster(const tnd_mixture *mixture, int c, double *mean, double *S);

// The prior of each time step (tnd_niw_prior) from its samples y [T][N][p], N >= 1:
//   h_c = mean responsibility of cluster c for them
//   mu0 = sum h_c mu_c     Phi = n0 sum h_c (S_c + (mu_c - mu0)(mu_c - mu0)')
// mu0 [T][p], Phi [T][p][p] filled; after an error they are undefined. E_ARGUMENT without a
// mixture, E_NUMERIC naming the step. Source: Levine and Abbeel 2014; docs/methods/local-models.md,
// step 4.
TENDRIL_MUST_CHECK tendril_status tnd_mixture_priors(tnd_mixture *mixture, int T, int N,
                                                     const double *y, double n0, double *mu0,
                                                     double *Phi, tendril_error *err);

#endif

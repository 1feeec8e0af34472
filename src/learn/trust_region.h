// A policy's trust region over a batch of rows: the sample objective L, its gradient, products with
// the Fisher matrix, and the line search (Schulman et al. 2015, sec. 6 and app. C).
//
//   L(theta) = 1/n sum_i  pi_theta(a_i|s_i) / pi_old(a_i|s_i)  Q_i
//   g        = grad L at theta_old = 1/n sum_i Q_i grad log pi(a_i|s_i)
//   A v      = mean_i J_i' M_i J_i v                      over a share of the rows
//   step     = first of theta_old + beta shrink^k s that improves L with mean KL(old||new) <= delta
//
// Rows are cut into at most 64 pieces whose number depends on the number of rows alone; sums run
// over pieces in order, so all results are the same on any number of threads.
#ifndef TND_TRUST_REGION_H
#define TND_TRUST_REGION_H

#include "base/pool.h"
#include "policy/policy.h"

typedef struct tnd_trust_region tnd_trust_region;

// capacity: rows of the largest batch; fisher_capacity: rows that enter the Fisher matrix
TENDRIL_MUST_CHECK tendril_status tnd_trust_region_create(tendril_policy *policy,
                                                          tendril_pool *pool, int64_t capacity,
                                                          int64_t fisher_capacity,
                                                          tnd_trust_region **out,
                                                          tendril_error *err);
void tnd_trust_region_destroy(tnd_trust_region *region);

// Values of the objective and the constraint at some theta.
typedef struct tnd_objective {
  double L;
  double kl;      // mean KL(old || theta)
  double kl_max;  // largest of a row
} tnd_objective;

// Sets theta_old to the policy's parameters and the sample to n rows: x [n][nobs] normalised
// observations, action [n][nact], q [n] weights (advantages or returns); borrowed until the next
// begin. g [nparam] filled with the gradient of L, *entropy with the mean entropy of pi_old, *L
// with the objective at theta_old, the mean of q.
void tnd_trust_region_begin(tnd_trust_region *region, int64_t n, const double *x,
                            const double *action, const double *q, double *g, double *L,
                            double *entropy);

// Fixes the rows of the Fisher matrix: all if `rows` == n, else drawn without replacement from
// (seed, iteration).
void tnd_trust_region_draw(tnd_trust_region *region, int64_t rows, uint64_t seed,
                           uint32_t iteration);
// out [nparam] = (1/rows) sum J' M J v; the two may not overlap
void tnd_trust_region_fisher(tnd_trust_region *region, const double *v, double *out);

// Objective and KL at theta [nparam]; leaves the policy at theta. E_NUMERIC if theta is not finite.
TENDRIL_MUST_CHECK tendril_status tnd_trust_region_evaluate(tnd_trust_region *region,
                                                            const double *theta, tnd_objective *out,
                                                            tendril_error *err);

typedef struct tnd_search {
  bool accepted;
  int tries;
  tnd_objective at;  // of the accepted step, or of theta_old
} tnd_search;

// Tries theta_old + beta shrink^k s, k = 0 .. tries-1. Leaves the policy at the accepted step; if
// none passes, at theta_old bit for bit.
void tnd_trust_region_search(tnd_trust_region *region, const double *s, double beta, double shrink,
                             int tries, double delta, tnd_search *out);

#endif

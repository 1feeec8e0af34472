// The importance-sampled objective of guided policy search (Levine and Koltun 2013, "Guided Policy
// Search", ICML): what a policy pi would be worth by paths that others made,
//
//   Phi(theta) = sum over sets, steps t:  1/Z_t sum_i w_it r_it + w_r log Z_t,      Z_t = sum_i
//   w_it w_it = prod_(t' <= t) pi(u_it' | x_it') / qbar(path i up to t)
//
// the sums over the paths i of a set, qbar the density of their actions under the mixture of all
// distributions that they were drawn from; dynamics and starts cancel. A constant on the rewards or
// on log qbar adds a constant to Phi and no more.
#ifndef TND_IS_OBJECTIVE_H
#define TND_IS_OBJECTIVE_H

#include "base/pool.h"
#include "policy/policy.h"

#include <tendril/base.h>

// Paths of T steps; a set is those that began alike, one or more that are not left out. Arrays are
// borrowed.
typedef struct tnd_is_paths {
  int n, T, nset;
  const int *set;        // [n] 0 .. nset-1
  const int *length;     // [n] steps with actions, later w_it stays as it is; 0: is left out
  const double *obs;     // [n][T][nobs]; whatever is finite beyond a path's length
  const double *action;  // [n][T][nact] as they were drawn
  const double *reward;  // [n][T], beyond a path's length as well
} tnd_is_paths;

typedef struct tnd_is_objective tnd_is_objective;

// For up to `capacity` paths of T steps in up to `sets` sets. policy, pool: borrowed. E_CONFIG for
// a time-linear policy.
TENDRIL_MUST_CHECK tendril_status tnd_is_objective_create(tendril_policy *policy,
                                                          tendril_pool *pool, int capacity, int T,
                                                          int sets, tnd_is_objective **out,
                                                          tendril_error *err);
void tnd_is_objective_destroy(tnd_is_objective *objective);

// The paths of calls to come, whose observations pass the policy's normaliser now; their mixture is
// empty.
void tnd_is_objective_begin(tnd_is_objective *objective, const tnd_is_paths *paths);

// log_p [n][T]: sum over the steps up to t of log pi(u | x), the policy as it is.
void tnd_is_log_density(tnd_is_objective *objective, double *log_p);
// qbar += exp(log_share) p for all paths, log_share [nset] the logarithm of p's share of a set.
void tnd_is_mix(tnd_is_objective *objective, const double *log_share, const double *log_p);
// log qbar [n][T] of what was mixed so far, owned by the objective.
const double *tnd_is_mixture(const tnd_is_objective *objective);

typedef struct tnd_is_value {
  double phi;
  double expected;   // sum over sets and steps of 1/Z sum w r: Phi of w_r = 0
  double effective;  // (sum w)^2 / sum w^2, mean over sets and steps
} tnd_is_value;

// Phi at the policy's parameters and its gradient, g [nparam] filled, or NULL. What is not finite
// is the caller's to look for. Two forward passes and a backward one over paths that count.
// Allocates nothing; the same bits on any number of threads.
tnd_is_value tnd_is_objective_value(tnd_is_objective *objective, double w_r, double *g);

#endif

// A policy's trust region over a sample: the objective L, its gradient, products with the Fisher
// matrix, and the line search (Schulman et al. 2015, sec. 5, 6 and app. C).
//
//   w_nk     = pi_theta(a_nk|s_n) / pi_old(a_nk|s_n)
//   K = 1:     L(theta) = 1/N sum_n  w_n Q_n                                   single path, (14)
//              g        = 1/N sum_n  Q_n grad log pi(a_n|s_n)
//   K > 1:     L(theta) = 1/N sum_n  [sum_k w_nk Q_nk] / [sum_k w_nk]          vine, (16)
//              g        = 1/NK sum_nk  (Q_nk - mean_k Q_nk) grad log pi(a_nk|s_n)
//   A v      = mean_i J_i' M_i J_i v               over a share of the constraint's states
//              M_i the Hessian of the KL, or empirical: M_i = 1/K sum_k u_ik u_ik',
//              u_ik = d log pi(a_ik|s_i) / d(distribution)
//   step     = first of theta_old + beta shrink^k s that improves L with KL(old||new) <= delta,
//              its mean over the constraint's states, or the largest of them
//
// Rows are cut into at most 64 pieces whose number depends on the number of rows alone; sums run
// over pieces in order, so all results are the same on any number of threads.
#ifndef TND_TRUST_REGION_H
#define TND_TRUST_REGION_H

#include "base/pool.h"
#include "policy/policy.h"

typedef struct tnd_trust_region tnd_trust_region;

// What the largest sample has.
typedef struct tnd_trust_region_sizes {
  int64_t states, actions;  // N, K
  int64_t constraint;       // states of the constraint; 0 if they are always the sample's own
  int64_t fisher;           // states that enter the Fisher matrix
  bool empirical;           // the Fisher matrix is that of the sampled actions; constraint is 0
} tnd_trust_region_sizes;

TENDRIL_MUST_CHECK tendril_status tnd_trust_region_create(tendril_policy *policy,
                                                          tendril_pool *pool,
                                                          const tnd_trust_region_sizes *sizes,
                                                          tnd_trust_region **out,
                                                          tendril_error *err);
void tnd_trust_region_destroy(tnd_trust_region *region);

// Values of the objective and the constraint at some theta.
typedef struct tnd_objective {
  double L;
  double kl;      // mean KL(old || theta)
  double kl_max;  // largest of a row
} tnd_objective;

// States, K actions at each, and what they earned. Borrowed until the next begin.
typedef struct tnd_sample {
  int64_t n;             // states N
  const double *x;       // [N][nx] inputs of the policy, tnd_policy_input()
  int actions;           // K
  const double *action;  // [K][N][nact] the first action of every state, then the second, ...
  const double *q;       // [K][N] advantages or returns
  // the states over which KL and Fisher matrix are averaged; NULL: the sample's own
  const double *x_constraint;  // [nconstraint][nx]
  int64_t nconstraint;
} tnd_sample;

// Sets theta_old to the policy's parameters and takes the sample. g [nparam] filled with the
// gradient of L, *entropy with the mean entropy of pi_old, *L with the objective at theta_old, the
// mean of q.
void tnd_trust_region_begin(tnd_trust_region *region, const tnd_sample *sample, double *g,
                            double *L, double *entropy);

// Fixes the rows of the Fisher matrix: all states of the constraint if there are no more than
// `rows`, else so many drawn without replacement from (seed, iteration).
void tnd_trust_region_draw(tnd_trust_region *region, int64_t rows, uint64_t seed,
                           uint32_t iteration);
// out [nparam] = (1/rows) sum J' M J v; the two may not overlap
void tnd_trust_region_fisher(tnd_trust_region *region, const double *v, double *out);
// Largest s' J_i' M_i J_i s of the rows of the Fisher matrix, M_i the Hessian of the KL: twice the
// KL that a step s costs there.
double tnd_trust_region_curvature_max(tnd_trust_region *region, const double *s);

// Objective and KL at theta [nparam]; leaves the policy at theta. E_NUMERIC if theta is not finite.
TENDRIL_MUST_CHECK tendril_status tnd_trust_region_evaluate(tnd_trust_region *region,
                                                            const double *theta, tnd_objective *out,
                                                            tendril_error *err);

typedef struct tnd_search {
  bool accepted;
  int tries;
  tnd_objective at;  // of the accepted step, or of theta_old
} tnd_search;

// Tries theta_old + beta shrink^k s, k = 0 .. tries-1, delta bounding the mean KL or, `by_max`, the
// largest. Leaves the policy at the accepted step; if none passes, at theta_old bit for bit.
void tnd_trust_region_search(tnd_trust_region *region, const double *s, double beta, double shrink,
                             int tries, double delta, bool by_max, tnd_search *out);

// Moves the policy to theta_old + beta s whatever L and the KL are there; not accepted, and the
// policy at theta_old, only if that is not finite.
void tnd_trust_region_move(tnd_trust_region *region, const double *s, double beta, tnd_search *out);

#endif

// LQR under a bound on the KL divergence from the controller so far. Of time-varying
// linear-Gaussian controllers p, under linear-Gaussian dynamics and a quadratic cost,
//   min_p E_p[ sum_t l_t(x_t, u_t) + l_T(x_T) ]   s.t.   sum_t E_p KL( p(u|x_t) || old(u|x_t) ) <=
//   T eps,
// t = 0 .. T-1. Of n states and m controls, all in absolute coordinates.
#ifndef TND_KL_LQR_H
#define TND_KL_LQR_H

#include "base/status.h"
#include "math/linear_gaussian.h"

// l + lx'dx + lu'du + 1/2 (dx,du)' [ lxx lux' ; lux luu ] (dx,du), about a point. Need not be
// convex.
typedef struct tnd_stage_cost {
  double l;
  const double *lx, *lu, *lxx, *lux, *luu;  // [n], [m], [n][n], [m][n], [m][m]
  const double *x, *u;                      // [n], [m] the point; NULL: the origin
} tnd_stage_cost;

// All borrowed.
typedef struct tnd_kl_lqr_problem {
  const tnd_linear_gaussian *dynamics;  // [T] x' | (x, u): ns = n + m, na = n
  const tnd_stage_cost *cost;           // [T + 1]; of the last one only l, lx, lxx and x
  const tnd_linear_gaussian *old;  // [T] u | x: ns = n, na = m; may be what the last solve gave
  const tnd_gaussian *start;       // x_0; its mean and S, which may be singular
  double eps;                      // > 0, nats a step
} tnd_kl_lqr_problem;

typedef struct tnd_kl_lqr_stats {
  double eta;       // multiplier of the bound, in the cost's unit per nat: the next solve's start
  double kl;        // attained, summed over the steps: at most T eps, at least 1 - 1e-6 of it if
                    // not slack
  bool slack;       // no multiplier, however small, reaches the bound
  double cost_old;  // expected cost under these dynamics, of the old
  double cost;      // and of the new controller
  int passes;       // backward and forward
  int raised;       // of them those that eta was too small for: some Quu was not positive definite
} tnd_kl_lqr_stats;

typedef struct tnd_kl_lqr tnd_kl_lqr;

// E_ARGUMENT, E_MEMORY.
TENDRIL_MUST_CHECK tendril_status tnd_kl_lqr_create(int T, int n, int m, tnd_kl_lqr **out,
                                                    tendril_error *err);
void tnd_kl_lqr_destroy(tnd_kl_lqr *k);

// eta: where the search starts, > 0, as from the last solve; 0: anywhere.
// E_ARGUMENT: eps or eta; E_NUMERIC: a number isn't finite, or no multiplier gives a controller
// (step and reason named): what tnd_kl_lqr_controller() gives is then unchanged. Allocates nothing.
// Source: Levine and Abbeel 2014; docs/methods/local-models.md, steps 5 to 8.
TENDRIL_MUST_CHECK tendril_status tnd_kl_lqr_solve(tnd_kl_lqr *k, const tnd_kl_lqr_problem *problem,
                                                   double eta, tnd_kl_lqr_stats *stats,
                                                   tendril_error *err);

// Of the last solve that succeeded, and until the second after it:
// [T] the new controller
const tnd_linear_gaussian *tnd_kl_lqr_controller(const tnd_kl_lqr *k);
// [T] KL of each step, nats
const double *tnd_kl_lqr_divergence(const tnd_kl_lqr *k);
// [T + 1] mean and S of the states under the new controller; C is NULL
const tnd_gaussian *tnd_kl_lqr_states(const tnd_kl_lqr *k);

// The bound of the next step: eps times predicted / (2 (predicted - attained)), at least 0.1 and at
// most 5 times eps; predicted > 0 and attained are improvements of the expected cost, under the
// model of the step before and as measured. An improvement as predicted, or better, gives 5;
// attained = NaN gives 0.1.
// Source: docs/methods/local-models.md, step 9.
double tnd_kl_lqr_next_eps(double eps, double predicted, double attained);

#endif

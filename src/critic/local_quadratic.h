// Local quadratic Q~_t(s, a) and V~_t(s) of every time step t = 0 .. T-1, by weighted least squares
// on quadratic features phi (math/quadratic.h):
//
//   w_t = argmin 1/W sum_k w_k (w'phi(s_k, a_k) - Q^_k)^2 + lambda |w|^2,   W = sum w_k    (eq. 6)
//   Q^_k = r_t(s_k, a_k) + discount V~_{t+1}(s'_k),   V~_T = 0    dynamic programming      (eq. 7)
//   Q^_k = the return that followed                               Monte Carlo
//
// and V~_t by the same of the same Q^ on phi(s). States are centred and scaled by the weighted mean
// and deviation of step t's rows, and the bias is not penalised, so lambda (the ridge, which may be
// another one for features in which actions enter) has no unit. A coordinate that does not vary
// gets no weight but the bias.
// Actions are treated likewise or, given the policy, enter as its noise, y = C_t^-1 (a - K_t s -
// k_t): the quadratics are the same, but what an action does beside what the state already tells
// stays as visible to the regression, and to the ridge, as states are, however little noise the
// policy has left.
//
// Source: Akrour et al. 2018, sec. 4.1; docs/methods/moto.md, policy evaluation.
#ifndef TND_LOCAL_QUADRATIC_H
#define TND_LOCAL_QUADRATIC_H

#include "base/pool.h"
#include "base/status.h"
#include "critic/step_rows.h"
#include "math/linear_gaussian.h"
#include "math/quadratic.h"

typedef struct tnd_local_quadratic tnd_local_quadratic;

typedef struct tnd_local_quadratic_size {
  int T;                // time steps
  int ns, na;           // numbers of a state and an action; na = 0: V~ alone
  double ridge;         // lambda >= 0 of the features of s
  double action_ridge;  // >= 0, of those in which a enters
  int threads;          // the most that a pool given later has
} tnd_local_quadratic_size;

// y [n] filled: r_t(s, a) of the rows row [n]. Called by several threads at a time.
typedef void (*tnd_step_reward)(void *context, int t, int n, const int *row, double *y);

// What is fitted to; all borrowed. Samples are rows of arrays, in any order; a row may serve many
// steps.
typedef struct tnd_local_quadratic_data {
  const tnd_step_rows *steps;         // [T]
  const double *s;                    // [rows][ns] state
  const double *a;                    // [rows][na] action
  const tnd_linear_gaussian *policy;  // [T]; NULL: actions enter centred and scaled
  const double *returns;              // [rows] Monte Carlo, and nothing below counts; NULL: dynamic
                                      // programming
  tnd_step_reward reward;             // r_t
  void *context;                      // its first argument
  const double *next;                 // [rows][ns] state after the action
  const bool *terminated;             // [rows] no value follows; NULL: one always does
  double discount;                    // 1: none
} tnd_local_quadratic_data;

typedef struct tnd_local_quadratic_info {
  int rows;          // of positive weight
  double effective;  // (sum w)^2 / sum w^2
  double r2;         // weighted 1 - SSE / SST of Q~_t about its targets; 1 if these do not vary
} tnd_local_quadratic_info;

// Memory: T numbers squared of the features of (s, a) and s, whatever the number of rows.
TENDRIL_MUST_CHECK tendril_status tnd_local_quadratic_create(const tnd_local_quadratic_size *size,
                                                             tnd_local_quadratic **out,
                                                             tendril_error *err);
void tnd_local_quadratic_destroy(tnd_local_quadratic *fit);

// Fits every step, in parallel (pool NULL: by the caller alone); allocates nothing. Same bits on
// any number of threads.
//   E_NUMERIC  naming the step: no row of positive weight; without a ridge, fewer rows or effective
//              rows than features; features that are not independent; a weight that is negative; a
//              number that is not finite. The fit is then as before the call.
// With a ridge any number of rows will do, down to one (which gives a constant): whether they are
// enough, `effective` tells.
TENDRIL_MUST_CHECK tendril_status tnd_local_quadratic_fit(tnd_local_quadratic *fit,
                                                          tendril_pool *pool,
                                                          const tnd_local_quadratic_data *data,
                                                          tendril_error *err);

// Of the last fit that succeeded (before it: 0), borrowed until the next.
const tnd_action_quadratic *tnd_local_quadratic_action(const tnd_local_quadratic *fit, int t);
const tnd_quadratic *tnd_local_quadratic_v(const tnd_local_quadratic *fit, int t);  // Vss, vs, v0
const tnd_local_quadratic_info *tnd_local_quadratic_report(const tnd_local_quadratic *fit, int t);

// V~_t(s), to more digits than Vss, vs and v0 give where states are far from 0; 0 for t >= T.
double tnd_local_quadratic_value(const tnd_local_quadratic *fit, int t, const double *s);
// v [n] = V~_{time}(s) of the rows s [n][ns], time [n] >= 0; in parallel as above.
void tnd_local_quadratic_values(const tnd_local_quadratic *fit, tendril_pool *pool, int64_t n,
                                const double *s, const int *time, double *v);

// All that values depend on, `count` numbers, for a checkpoint: read them, or fill them back in.
double *tnd_local_quadratic_state(tnd_local_quadratic *fit, int64_t *count);

#endif

// Importance weights: samples of all time steps of the last iterations serve every time step t of
// the newest iteration i, each with weight
//
//   w = z^i_t(s, a) / z^{1:i}(s, a)                                                        (eq. 8)
//   z^j_t(s, a) = N(s; rho^j_t) N(a; K^j_t s + k^j_t, Sigma^j_t)
//   z^{1:i} = 1/N sum_j sum_t' n^j_t' z^j_t'      over kept iterations j, n^j_t' samples of step
//   t',
//                                                 N = sum n
//
// A sample's denominator is kept in parts, log sum_t' n^j_t' z^j_t' for every kept j, so that a new
// iteration costs the densities of its own samples under all that is kept and of the kept samples
// under what is new. Logarithms throughout.
// Source: Akrour et al. 2018, sec. 4.2; docs/methods/moto.md, policy evaluation.
#ifndef TND_IMPORTANCE_H
#define TND_IMPORTANCE_H

#include "base/pool.h"
#include "base/status.h"
#include "critic/step_rows.h"
#include "math/linear_gaussian.h"

typedef struct tnd_importance tnd_importance;

typedef struct tnd_importance_size {
  int T;         // time steps
  int ns, na;    // numbers of a state and an action
  int kept;      // iterations
  int rows;      // most samples of an iteration
  int threads;   // the most that a pool given later has
  double least;  // 0 < least < 1: samples of less than this share of a step's largest weight are
                 // left out
} tnd_importance_size;

// An iteration: its distributions and samples. Borrowed during the call only.
typedef struct tnd_importance_iteration {
  const tnd_gaussian *state;          // [T] rho_t; mean and factor C are read
  const tnd_linear_gaussian *policy;  // [T] pi_t
  int first, n;     // its samples are the rows first .. first + n - 1 of these arrays, and called
                    // by these numbers in the lists below
  const double *s;  // [..][ns]
  const double *a;  // [..][na]
  const int *time;  // [..] 0 .. T-1
} tnd_importance_iteration;

// Memory: for kept * rows samples 12 T + 8 kept + 8 (ns + na) bytes each, above all.
TENDRIL_MUST_CHECK tendril_status tnd_importance_create(const tnd_importance_size *size,
                                                        tnd_importance **out, tendril_error *err);
void tnd_importance_destroy(tnd_importance *importance);

// Forgets all iterations.
void tnd_importance_reset(tnd_importance *importance);

// A new iteration comes in; the oldest goes out if `kept` are in. Parallel (pool NULL: by the
// caller alone), same bits on any number of threads, and the same whether the iterations were added
// one by one as they came or again, oldest first, into another object.
//   E_ARGUMENT  more samples than there is room for, or a time out of range
//   E_NUMERIC   naming the step: a covariance without a proper factor; a number that is not finite
// In both cases all is as before the call.
TENDRIL_MUST_CHECK tendril_status tnd_importance_add(tnd_importance *importance, tendril_pool *pool,
                                                     const tnd_importance_iteration *iteration,
                                                     tendril_error *err);

// steps [T] filled: the samples of every step of the newest iteration, oldest iteration first, with
// weights and effective numbers; the lists are borrowed until the next call. Samples of less than
// `least` of the step's largest weight are left out. Weights are as in eq. 8, their mean over all
// samples about 1, unless the largest is beyond e^+-300, which only happens without samples of the
// step itself. A step whose samples have all density 0 has n = 0. Returns the first step whose
// weights are degenerate, that is of fewer effective samples than TND_EFFECTIVE_LEAST, or -1.
int tnd_importance_weights(tnd_importance *importance, tendril_pool *pool, tnd_step_rows *steps);

#endif

// Gaussian state distributions rho~_t of a policy, from samples of it and of those before it
// (Akrour et al. 2018, sec. 4.3).
#ifndef TND_STATE_DISTRIBUTION_H
#define TND_STATE_DISTRIBUTION_H

#include "base/pool.h"
#include "critic/step_rows.h"
#include "math/linear_gaussian.h"

// What they are made from; all borrowed. Lists of different steps share no row.
typedef struct tnd_state_samples {
  int T, ns, na;
  const tnd_step_rows *own;  // [T] samples of time t of the kept iterations
  const double *s;           // [..][ns] states
  const double *a;           // [..][na] and what follows: for the forward way
  const double *next;        // [..][ns]
  const bool *terminated;    // [..] nothing followed: its next counts for no step
  double ridge;              // of the mean variance, added to every covariance's diagonal
  double spread;             // factor on every covariance, ridge and all
} tnd_state_samples;

// Numbers of scratch for so many rows in all lists.
int64_t tnd_state_scratch(int ns, int na, int64_t rows);

// rho [T] filled: by maximum likelihood from own[t] with its weights (sec. 4.3.2: weights
// gamma^(i - j)), in parallel on the pool, which is not NULL. Returns the first step that has no
// distribution, or -1.
int tnd_state_mixture(const tnd_state_samples *samples, tendril_pool *pool, double *scratch,
                      tnd_gaussian *rho);

// The distributions and policies of the kept iterations, the newest, whose rho is sought, first.
typedef struct tnd_state_history {
  int kept;
  const tnd_gaussian *const *rho;            // [kept][T]; that of the newest is not read
  const tnd_linear_gaussian *const *policy;  // [kept][T]
  const int *count;                          // [kept] rows of each
} tnd_state_history;

// rho [T] filled, forward in time (sec. 4.3.1): rho_0 from own[0], the same for all iterations;
// rho_{t+1} from the s' of own[t] with weights z^i_t / z^{1:i}_t, z^j_t(s, a) = rho^j_t(s)
// pi^j_t(a|s), the denominator over iterations in proportion to their rows. Weights of own are not
// read. Returns the first step that has no distribution, or -1; *effective is set to the smallest
// effective number of samples of a step.
int tnd_state_forward(const tnd_state_samples *samples, const tnd_state_history *history,
                      double *scratch, tnd_gaussian *rho, double *effective);

#endif

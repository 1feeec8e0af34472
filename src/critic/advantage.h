// Returns and advantages of the paths of a batch. A path that terminated is followed by nothing;
// one that was truncated or cut is followed by the value of the state it stopped in.
#ifndef TND_ADVANTAGE_H
#define TND_ADVANTAGE_H

#include <tendril/rollout.h>

// time [npath] = control step within the episode of every path's last_obs
void tnd_last_times(const tendril_batch *batch, int *time);

// GAE(gamma, lambda), Schulman et al. 2016:
//   delta_t = r_t + gamma V(s_{t+1}) - V(s_t),   A_t = delta_t + gamma lambda A_{t+1}
// with V(s_{t+1}) = 0 after termination and A = 0 past a path's end.
//   reward [n]       batch->reward, or that scaled
//   v [n]            V of every row
//   v_last [npath]   V of every last_obs; those of terminated paths are not looked at
//   advantage [n]    filled;  target [n] = A + V filled (may be NULL; may be v itself)
void tnd_advantage_gae(const tendril_batch *batch, const double *reward, const double *v,
                       const double *v_last, double gamma, double lambda, double *advantage,
                       double *target);

// q [n]: q_t = r_t + gamma q_{t+1}; past a path's end v_last [npath] as above, or 0 if it is NULL
void tnd_discounted_returns(const tendril_batch *batch, const double *reward, const double *v_last,
                            double gamma, double *q);

// a [n] to mean 0 and deviation 1; to exactly 0 if its entries do not differ
void tnd_standardise(int64_t n, double *a);

// 1 - Var(target - v) / Var(target): 1 perfect, 0 no better than a constant; NAN if the targets do
// not vary or there are none.
double tnd_explained_variance(int64_t n, const double *v, const double *target);

#endif

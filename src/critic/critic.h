// Value functions V(x, t), x normalised observations. A neural one (of x alone) is trained by Adam
// on targets that it rescales itself (its output layer follows a running mean and deviation of the
// targets, so that a change of scale does not change its predictions: van Hasselt et al. 2016); a
// linear one is ridge regression on [x, x^2, t/100, (t/100)^2, (t/100)^3, 1] (Duan et al. 2016); a
// quadratic one is a quadratic function of the observation at every time step of an episode, backed
// up in time (Akrour et al. 2018, sec. 4); none is V = 0.
#ifndef TND_CRITIC_H
#define TND_CRITIC_H

#include "base/options.h"
#include "base/pool.h"
#include "base/tensors.h"

#include <tendril/critic.h>
#include <tendril/rollout.h>

extern const tnd_option_table tnd_critic_options;

typedef struct tnd_critic tnd_critic;

typedef struct tnd_critic_size {
  int nx;            // numbers of an input x, as the policy's
  int nobs;          // those of them that are the observation: the first
  int horizon;       // steps of an episode
  int64_t capacity;  // the largest number of rows of a fit
  int threads;       // the most that a pool given to tnd_critic_predict() has
} tnd_critic_size;

TENDRIL_MUST_CHECK tendril_status tnd_critic_create(const tendril_critic_options *options,
                                                    const tnd_critic_size *size, uint64_t seed,
                                                    tnd_critic **out, tendril_error *err);
void tnd_critic_destroy(tnd_critic *critic);

// v [n] filled, in parallel pieces (pool NULL: by the caller alone). x [n][nx], time [n] control
// steps within the episode. Not while a fit runs.
void tnd_critic_predict(const tnd_critic *critic, tendril_pool *pool, int64_t n, const double *x,
                        const int *time, double *v);

// A kind whose V is fitted to the very paths whose advantages it serves, before them: quadratic.
bool tnd_critic_fits_paths(const tnd_critic *critic);
// Its fit, in parallel: V_t(s) to r + gamma V_{t+1}(s'), backwards in time, V = 0 behind the
// horizon and after termination.
//   x [n][nx], x_last [npath][nx] inputs of the batch's rows and of the states after each path
//   reward [n]  batch->reward, or that scaled
// E_NUMERIC, naming the step; V is then as before the call.
TENDRIL_MUST_CHECK tendril_status tnd_critic_fit_paths(tnd_critic *critic, tendril_pool *pool,
                                                       const tendril_batch *batch, const double *x,
                                                       const double *x_last, const double *reward,
                                                       double gamma, tendril_error *err);

// Fits V of another kind to targets [n]; one thread, so that it can run beside the policy's update.
// `iteration` keys the shuffling. E_NUMERIC if the fit left the finite numbers; the critic is then
// as before the call.
TENDRIL_MUST_CHECK tendril_status tnd_critic_fit(tnd_critic *critic, int64_t n, const double *x,
                                                 const int *time, const double *targets,
                                                 uint32_t iteration, tendril_error *err);

// All that the critic is, under names that begin with "critic.".
TENDRIL_MUST_CHECK tendril_status tnd_critic_save(const tnd_critic *critic, tnd_tensors *tensors,
                                                  tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_critic_load(tnd_critic *critic, const tnd_tensors *tensors,
                                                  tendril_error *err);

#endif

// Value functions V(x, t), x normalised observations. A neural one (of x alone) is trained by Adam
// on targets that it rescales itself (its output layer follows a running mean and deviation of the
// targets, so that a change of scale does not change its predictions: van Hasselt et al. 2016); a
// linear one is ridge regression on [x, x^2, t/100, (t/100)^2, (t/100)^3, 1] (Duan et al. 2016);
// none is V = 0.
#ifndef TND_CRITIC_H
#define TND_CRITIC_H

#include "base/options.h"
#include "base/pool.h"
#include "base/tensors.h"

#include <tendril/critic.h>

extern const tnd_option_table tnd_critic_options;

typedef struct tnd_critic tnd_critic;

// capacity: the largest number of rows of a fit
// threads:  the most that a pool given to tnd_critic_predict() has
TENDRIL_MUST_CHECK tendril_status tnd_critic_create(const tendril_critic_options *options, int nobs,
                                                    int64_t capacity, int threads, uint64_t seed,
                                                    tnd_critic **out, tendril_error *err);
void tnd_critic_destroy(tnd_critic *critic);

// v [n] filled, in parallel pieces (pool NULL: by the caller alone). x [n][nobs], time [n] control
// steps within the episode. Not while a fit runs.
void tnd_critic_predict(const tnd_critic *critic, tendril_pool *pool, int64_t n, const double *x,
                        const int *time, double *v);

// Fits V to targets [n]; one thread, so that it can run beside the policy's update. `iteration`
// keys the shuffling. E_NUMERIC if the fit left the finite numbers; the critic is then as before
// the call.
TENDRIL_MUST_CHECK tendril_status tnd_critic_fit(tnd_critic *critic, int64_t n, const double *x,
                                                 const int *time, const double *targets,
                                                 uint32_t iteration, tendril_error *err);

// All that the critic is, under names that begin with "critic.".
TENDRIL_MUST_CHECK tendril_status tnd_critic_save(const tnd_critic *critic, tnd_tensors *tensors,
                                                  tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_critic_load(tnd_critic *critic, const tnd_tensors *tensors,
                                                  tendril_error *err);

#endif

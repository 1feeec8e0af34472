// Trials of gaits: many candidates, each from several start states, in parallel.
#ifndef TND_GAIT_TRIAL_H
#define TND_GAIT_TRIAL_H

#include <tendril/gait.h>

typedef struct tnd_trials tnd_trials;

// @param most  walks that one call of tnd_trials_run() makes
TENDRIL_MUST_CHECK tendril_status tnd_trials_create(const tendril_model *model,
                                                    const tendril_gait_options *options,
                                                    tendril_pool *pool, int most, tnd_trials **out,
                                                    tendril_error *err);
void tnd_trials_destroy(tnd_trials *trials);

// Walks of each of n candidates from the same start states, episodes first, first + 1, ... of
// (options->seed, series). out [n] filled. A simulation that fails is a fall.
TENDRIL_MUST_CHECK tendril_status tnd_trials_run(tnd_trials *trials,
                                                 const tendril_simbicon_options *candidates, int n,
                                                 uint32_t series, uint32_t first, int walks,
                                                 tendril_gait_walks *out, tendril_error *err);
// Control steps simulated so far.
int64_t tnd_trials_steps(const tnd_trials *trials);

#endif

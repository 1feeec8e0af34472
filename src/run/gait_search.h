// The search for a gait: CMA-ES over SIMBICON's numbers, a generation at a time, no files.
#ifndef TND_GAIT_SEARCH_H
#define TND_GAIT_SEARCH_H

#include "run/gait_trial.h"

typedef struct tnd_gait_search tnd_gait_search;

// config is copied, model and pool are borrowed.
TENDRIL_MUST_CHECK tendril_status tnd_gait_search_create(const tendril_gait_config *config,
                                                         const tendril_model *model,
                                                         tendril_pool *pool, tnd_gait_search **out,
                                                         tendril_error *err);
void tnd_gait_search_destroy(tnd_gait_search *search);

// One generation.
TENDRIL_MUST_CHECK tendril_status tnd_gait_search_iterate(tnd_gait_search *search,
                                                          tendril_error *err);
// Judges the mean of the distribution; *better: it is the best so far.
TENDRIL_MUST_CHECK tendril_status tnd_gait_search_judge(tnd_gait_search *search, bool *better,
                                                        tendril_error *err);
// Where the search is; pointers as in tendril_cmaes_get_result().
void tnd_gait_search_get(tnd_gait_search *search, tendril_cmaes_result *out);

// The best gait so far, its walks, and after which generation it was the mean; before the first
// judgement the start, none, 0.
typedef struct tnd_gait_best {
  tendril_simbicon_options gait;
  tendril_gait_walks walks;
  int64_t generation;
} tnd_gait_best;
const tnd_gait_best *tnd_gait_search_best(const tnd_gait_search *search);
// Lowest value of the last generation.
double tnd_gait_search_lowest(const tnd_gait_search *search);
int64_t tnd_gait_search_steps(const tnd_gait_search *search);

#endif

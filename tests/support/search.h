// Searches for tests of CMA-ES: all variables alike, one generation or all of them. The test fails
// if a call does.
#ifndef SUPPORT_SEARCH_H
#define SUPPORT_SEARCH_H

#include "support/objective.h"

enum { SUPPORT_SEARCH_MOST = 64 };  // variables

tendril_cmaes_options support_cmaes_options(void);

// Every variable begins at `mean` with deviation `sd`; bounds may be NULL; seed 1.
tendril_cmaes *support_search(const tendril_cmaes_options *options, int n, double mean, double sd,
                              const double *lower, const double *upper);

// The next one; false if the search is over.
bool support_generation(tendril_cmaes *search, support_objective f);
// As many; the search must not end before.
void support_generations(tendril_cmaes *search, support_objective f, int count);
// To the end, or until there have been `most`.
tendril_cmaes_result support_run(tendril_cmaes *search, support_objective f, int most);

tendril_cmaes_result support_result(tendril_cmaes *search);

#endif

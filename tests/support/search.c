// See search.h.
#include "support/search.h"

#include "learn/cmaes.h"
#include "support/learning.h"

#include <criterion/criterion.h>

enum { MOST_CANDIDATES = 4096 };

tendril_cmaes_options support_cmaes_options(void) {
  tendril_cmaes_options options;
  tendril_cmaes_defaults(&options);
  return options;
}

tendril_cmaes *support_search(const tendril_cmaes_options *options, int n, double mean, double sd,
                              const double *lower, const double *upper) {
  double means[SUPPORT_SEARCH_MOST], sds[SUPPORT_SEARCH_MOST];
  cr_assert(n <= SUPPORT_SEARCH_MOST);
  for (int i = 0; i < n; i++) {
    means[i] = mean;
    sds[i] = sd;
  }
  const tendril_cmaes_setup setup = {
      .n = n, .mean = means, .sd = sds, .lower = lower, .upper = upper, .seed = 1};
  tendril_cmaes *search = NULL;
  check_ok(tendril_cmaes_create(options, &setup, &search, check_err));
  return search;
}

bool support_generation(tendril_cmaes *search, support_objective f) {
  if (tendril_cmaes_get_end(search) != TENDRIL_CMAES_RUNNING) return false;
  double values[MOST_CANDIDATES];
  const double *x = NULL;
  int lambda = 0;
  check_ok(tendril_cmaes_ask(search, &lambda, &x, check_err));
  cr_assert(lambda <= MOST_CANDIDATES);
  for (int k = 0; k < lambda; k++)
    values[k] = f(search->n, x + (ptrdiff_t)k * search->n);
  check_ok(tendril_cmaes_tell(search, values, check_err));
  return true;
}

void support_generations(tendril_cmaes *search, support_objective f, int count) {
  for (int g = 0; g < count; g++)
    cr_assert(support_generation(search, f));
}

tendril_cmaes_result support_run(tendril_cmaes *search, support_objective f, int most) {
  for (int g = 0; g < most && support_generation(search, f); g++)
    ;
  return support_result(search);
}

tendril_cmaes_result support_result(tendril_cmaes *search) {
  tendril_cmaes_result result;
  tendril_cmaes_get_result(search, &result);
  return result;
}

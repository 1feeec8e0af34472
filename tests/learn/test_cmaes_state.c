// Saved and loaded, a search goes on bit for bit; damaged and foreign states are refused.
#include "learn/cmaes.h"

#include "support/close.h"
#include "support/learning.h"
#include "support/search.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

// A search saved after `first` generations and loaded by another one: both go on alike.
static void check_resumes(const tendril_cmaes_options *options, const double *lower,
                          const double *upper, int first, int more) {
  enum { N = 5 };
  tendril_cmaes *a = support_search(options, N, 3, 2, lower, upper);
  tendril_cmaes *b = support_search(options, N, 3, 2, lower, upper);
  if (first > 0) support_generations(a, support_rastrigin, first);
  support_generations(b, support_rastrigin, 3);  // whatever it has been doing
  const int64_t nstate = tendril_cmaes_get_nstate(a);
  double *state = malloc(sizeof *state * (size_t)nstate);
  const double *x = NULL;
  int lambda = 0;
  if (first % 2) check_ok(tendril_cmaes_ask(a, &lambda, &x, check_err));  // asked and not told
  tendril_cmaes_save(a, state);
  for (int64_t i = 0; i < nstate; i++)
    cr_assert(isfinite(state[i]));
  check_ok(tendril_cmaes_load(b, nstate, state, check_err));
  for (int g = 0; g < more; g++) {
    const bool going = support_generation(a, support_rastrigin);
    cr_assert_eq(support_generation(b, support_rastrigin), going);
    const tendril_cmaes_result ra = support_result(a), rb = support_result(b);
    check_same_bits(rb.mean, ra.mean, N);
    check_same_bits(rb.sd, ra.sd, N);
    check_same_bits(rb.best_x, ra.best_x, N);
    cr_assert_eq(ra.best, rb.best);
    cr_assert_eq(ra.end, rb.end);
    cr_assert_eq(ra.evaluations, rb.evaluations);
    cr_assert_eq(ra.restarts, rb.restarts);
  }
  free(state);
  tendril_cmaes_destroy(a);
  tendril_cmaes_destroy(b);
}

Test(cmaes, a_loaded_search_goes_on_bit_for_bit) {
  tendril_cmaes_options options = support_cmaes_options();
  const double lower[] = {-1, 0.5, -4, 2, -9}, upper[] = {4, 9, 9, 4, 9};
  options.restarts = 2;
  options.budget = 30000;
  for (int first = 0; first < 400; first = 3 * first / 2 + 1)
    check_resumes(&options, NULL, NULL, first, 300);
  options.restart_at = TENDRIL_RESTART_AT_RANDOM;
  for (int first = 0; first < 400; first = 3 * first / 2 + 1)
    check_resumes(&options, lower, upper, first, 300);
}

Test(cmaes, a_greater_budget_continues_a_search) {
  enum { N = 5 };
  tendril_cmaes_options options = support_cmaes_options();
  tendril_cmaes *whole = support_search(&options, N, 1, 0.5, NULL, NULL);
  support_generations(whole, support_sphere, 40);
  options.budget = 100;
  tendril_cmaes *part = support_search(&options, N, 1, 0.5, NULL, NULL);
  cr_assert_eq(support_run(part, support_sphere, 100).end, TENDRIL_CMAES_BUDGET);
  double state[20000];
  const int64_t nstate = tendril_cmaes_get_nstate(part);
  cr_assert(nstate < 20000);
  tendril_cmaes_save(part, state);
  tendril_cmaes_destroy(part);
  options.budget = 40 * 8;
  part = support_search(&options, N, 1, 0.5, NULL, NULL);
  check_ok(tendril_cmaes_load(part, nstate, state, check_err));
  cr_assert_eq(support_run(part, support_sphere, 100).end, TENDRIL_CMAES_BUDGET);
  check_same_bits(part->m, whole->m, N);
  tendril_cmaes_destroy(part);
  tendril_cmaes_destroy(whole);
}

Test(cmaes, a_damaged_or_foreign_state_is_refused_and_changes_nothing) {
  enum { N = 4 };
  tendril_cmaes_options options = support_cmaes_options();
  tendril_cmaes *s = support_search(&options, N, 1, 0.5, NULL, NULL);
  support_generations(s, support_sphere, 20);
  double state[20000], before[20000], damaged[20000];
  const int64_t nstate = tendril_cmaes_get_nstate(s);
  tendril_cmaes_save(s, state);
  support_generations(s, support_sphere, 1);
  tendril_cmaes_save(s, before);
  tendril_error err;
  cr_assert_eq(tendril_cmaes_load(s, 3, state, &err), TENDRIL_E_FORMAT);
  cr_assert_eq(tendril_cmaes_load(s, nstate - 1, state, &err), TENDRIL_E_FORMAT);
  const double bad[] = {NAN, -1, 0.5, 1e300};
  // every number of the header but best, and the first of d
  for (int i = 0; i < 18 + 4 * N; i++)
    for (int b = 0; b < 4; b++) {
      if (b > 0 && (i == 15 || (i >= 17 && i < 17 + 4 * N))) continue;  // any number will do there
      if ((i == 16 || i == 17 + 4 * N) && b > 1) continue;              // any positive number
      memcpy(damaged, state, sizeof *state * (size_t)nstate);
      damaged[i] = bad[b];
      cr_assert_eq(tendril_cmaes_load(s, nstate, damaged, &err), TENDRIL_E_FORMAT, "%d: %g", i,
                   bad[b]);
    }
  tendril_cmaes_save(s, damaged);
  check_same_bits(damaged, before, tendril_cmaes_get_nstate(s));
  tendril_cmaes *other = support_search(&options, N + 1, 1, 0.5, NULL, NULL);
  cr_assert_eq(tendril_cmaes_load(other, nstate, state, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "4 variables") != NULL, "%s", err.text);
  tendril_cmaes_destroy(other);
  const double zeros[N] = {0}, ones[N] = {1, 1, 1, 1};
  const tendril_cmaes_setup setup = {.n = N, .mean = zeros, .sd = ones, .seed = 1ull << 40};
  check_ok(tendril_cmaes_create(&options, &setup, &other, check_err));
  cr_assert_eq(tendril_cmaes_load(other, nstate, state, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "seed") != NULL, "%s", err.text);
  tendril_cmaes_destroy(other);
  tendril_cmaes_destroy(s);
}

// Every way to stop, by name; the histories that two of them look at.
#include "learn/cmaes_stop.h"

#include "support/learning.h"
#include "support/search.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

static double constant(int n, const double *x) {
  (void)n, (void)x;
  return 7;
}

static double falling(int n, const double *x) {
  (void)n;
  return -x[0];
}

// Nothing but noise: a hash of the point.
static double noise(int n, const double *x) {
  uint64_t bits = 0;
  for (int i = 0; i < n; i++) {
    uint64_t word;
    memcpy(&word, &x[i], sizeof word);
    bits = bits * 31 + word;
  }
  tendril_random random = tendril_random_stream(bits, TENDRIL_PURPOSE_TEST, 1, 0);
  return tendril_random_uniform(&random, 0, 1);
}

// The first variable is added to 1e8, where numbers are 1.5e-8 apart, and no axis is it alone.
static double coarse_first(int n, const double *x) {
  const double first = x[0] - 1e8;
  double sum = 0;
  for (int i = 1; i < n; i++)
    sum += (first + x[i]) * (first + x[i]) + 1e-4 * x[i] * x[i];
  return sum;
}

// A narrow valley along x = -y at 1e6.
static double far_valley(int n, const double *x) {
  (void)n;
  const double across = (x[0] - 1e6) + (x[1] - 1e6), along = (x[0] - 1e6) - (x[1] - 1e6);
  return 1e10 * across * across + along * along;
}

static void check_end_of(tendril_cmaes *s, support_objective f, tendril_cmaes_end end) {
  const tendril_cmaes_result result = support_run(s, f, 30000);
  cr_assert_eq(result.end, end, "expected %s, got %s after %lld generations, sigma %g",
               tendril_cmaes_end_text(end), tendril_cmaes_end_text(result.end),
               (long long)result.generations, result.sigma);
  if (end == TENDRIL_CMAES_BUDGET)
    cr_assert_eq(result.run_end, TENDRIL_CMAES_RUNNING);
  else
    cr_assert_eq(result.run_end, end);
  tendril_error err;
  const double *x = NULL;
  int lambda = 0;
  cr_assert_eq(tendril_cmaes_ask(s, &lambda, &x, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, tendril_cmaes_end_text(end)) != NULL, "%s", err.text);
  tendril_cmaes_destroy(s);
}

static void check_end(tendril_cmaes_options options, support_objective f, int n, double mean,
                      double sd, tendril_cmaes_end end) {
  check_end_of(support_search(&options, n, mean, sd, NULL, NULL), f, end);
}

Test(cmaes, says_why_it_stopped) {
  tendril_cmaes_options options = support_cmaes_options();
  check_end(options, support_sphere, 5, 1, 0.5, TENDRIL_CMAES_TOL_FUN);
  check_end(options, constant, 5, 1, 0.5, TENDRIL_CMAES_EQUAL_VALUES);
  check_end(options, falling, 5, 1, 0.5, TENDRIL_CMAES_TOL_X_UP);
  check_end(options, noise, 10, 1, 0.5, TENDRIL_CMAES_STAGNATION);
  options.tol_fun = 0;
  check_end(options, support_sphere, 5, 1, 0.5, TENDRIL_CMAES_TOL_X);
  options.tol_x = 0;
  const double mean[] = {1e8 + 1, 1, 1}, sd[] = {0.5, 0.5, 0.5};
  const tendril_cmaes_setup setup = {.n = 3, .mean = mean, .sd = sd, .seed = 1};
  tendril_cmaes *coarse = NULL;
  check_ok(tendril_cmaes_create(&options, &setup, &coarse, check_err));
  check_end_of(coarse, coarse_first, TENDRIL_CMAES_NO_EFFECT_COORD);
  check_end(options, far_valley, 2, 1e6 + 1, 0.5, TENDRIL_CMAES_NO_EFFECT_AXIS);
  options = support_cmaes_options();
  options.max_condition = 1e4;
  check_end(options, support_ellipsoid, 5, 1, 0.5, TENDRIL_CMAES_CONDITION);
  options = support_cmaes_options();
  options.target = 1e-3;
  check_end(options, support_sphere, 5, 1, 0.5, TENDRIL_CMAES_TARGET);
  options = support_cmaes_options();
  options.budget = 250;
  check_end(options, support_sphere, 10, 1, 0.5, TENDRIL_CMAES_BUDGET);
}

Test(cmaes, a_budget_is_never_overdrawn) {
  tendril_cmaes_options options = support_cmaes_options();
  for (int budget = 10; budget < 60; budget += 7) {
    options.budget = budget;
    tendril_cmaes *s = support_search(&options, 10, 1, 0.5, NULL, NULL);
    const tendril_cmaes_result result = support_run(s, support_sphere, 100);
    cr_assert_eq(result.end, TENDRIL_CMAES_BUDGET);
    cr_assert_eq(result.evaluations, budget / 10 * 10);
    tendril_cmaes_destroy(s);
  }
}

static void history_of(tnd_cmaes_history *h, tnd_arena *arena) {
  *h = (tnd_cmaes_history){0};
  tnd_cmaes_history_layout(h, arena);
  check_ok(tnd_arena_alloc(arena, check_err));
  tnd_cmaes_history_layout(h, arena);
}

Test(cmaes, stagnation_compares_the_medians_of_both_ends_of_the_history) {
  // n / lambda = 1: 150 generations are looked at, every second time
  tnd_cmaes_history h;
  tnd_arena arena = {0};
  history_of(&h, &arena);
  for (int g = 0; g < 149; g++) {
    tnd_cmaes_history_push(&h, 1, 2);
    cr_assert(!tnd_cmaes_history_stagnates(&h, 10, 10), "after %d", g + 1);
  }
  tnd_cmaes_history_push(&h, 1, 2);
  cr_assert(tnd_cmaes_history_stagnates(&h, 10, 10));

  // as long as one of the two improves it goes on, however often the other gets worse
  h.count = 0;
  for (int g = 0; g < 1000; g++) {
    tnd_cmaes_history_push(&h, g, 1000 - g);
    cr_assert(!tnd_cmaes_history_stagnates(&h, 10, 10));
  }
  // beyond 100000 generations it is the last 20000: the ring has gone round
  h.count = 0;
  for (int64_t g = 0; g < 150000; g++)
    tnd_cmaes_history_push(&h, g < 130000 ? 9 : g < 139000 ? 5 : 4, 1);
  bool stagnates = false;
  for (int g = 0; g < 300; g++) {
    tnd_cmaes_history_push(&h, 4, 1);
    stagnates |= tnd_cmaes_history_stagnates(&h, 10, 10);
  }
  cr_assert(!stagnates);  // 5 before, 4 now; the medians don't count alone
  for (int g = 0; g < 20000; g++) {
    tnd_cmaes_history_push(&h, 4, 1);
    stagnates |= tnd_cmaes_history_stagnates(&h, 10, 10);
  }
  cr_assert(stagnates);
  tnd_arena_free(&arena);
}

Test(cmaes, the_range_of_the_best_values_needs_all_generations_of_its_window) {
  tnd_cmaes_history h;
  tnd_arena arena = {0};
  history_of(&h, &arena);
  for (int g = 0; g < 39; g++) {
    cr_assert_eq(tnd_cmaes_history_range(&h, 10, 10), INFINITY);  // 10 + 30 generations
    tnd_cmaes_history_push(&h, g == 0 ? 100 : 3, 0);
  }
  tnd_cmaes_history_push(&h, 2, 0);
  cr_assert_eq(tnd_cmaes_history_range(&h, 10, 10), 98);
  tnd_cmaes_history_push(&h, 2, 0);
  cr_assert_eq(tnd_cmaes_history_range(&h, 10, 10), 1);  // the 100 is out of it
  tnd_arena_free(&arena);
}

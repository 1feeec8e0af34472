// CMA-ES: one generation against the equations done plainly, invariances, values that are no
// numbers, restarts, memory, mistakes.
#include "learn/cmaes.h"

#include "base/pool.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/mallocs.h"
#include "support/scarce.h"
#include "support/search.h"

#include <criterion/criterion.h>
#include <string.h>

// ----------------------------------------------------------------------------------- the equations

// The update as the tutorial's figure 6 writes it, with full matrices and C^-1/2 = B D^-1 B'.
typedef struct plain {
  int n, stalls;  // stalls: generations with h = 0
  double m[SUPPORT_SEARCH_MOST], ps[SUPPORT_SEARCH_MOST], pc[SUPPORT_SEARCH_MOST],
      C[SUPPORT_SEARCH_MOST][SUPPORT_SEARCH_MOST], sigma;
} plain;

static void plain_copy(const tendril_cmaes *s, plain *p) {
  p->n = s->n;
  p->sigma = s->sigma;
  for (int i = 0; i < s->n; i++) {
    p->m[i] = s->m[i];
    p->ps[i] = s->ps[i];
    p->pc[i] = s->pc[i];
    for (int j = 0; j < s->n; j++)
      p->C[i][j] = s->C[i * s->wide + j];
  }
}

static void plain_update(plain *p, const tendril_cmaes *s, const double *x, const double *f) {
  const int n = p->n, lambda = s->p.lambda;
  const tnd_cmaes_parameters *q = &s->p;
  double root[SUPPORT_SEARCH_MOST][SUPPORT_SEARCH_MOST], y[32][SUPPORT_SEARCH_MOST],
      yw[SUPPORT_SEARCH_MOST] = {0}, old[SUPPORT_SEARCH_MOST][SUPPORT_SEARCH_MOST];
  int order[32];
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      root[i][j] = 0;
      old[i][j] = p->C[i][j];
      for (int a = 0; a < n; a++)
        root[i][j] += s->B[a * s->wide + i] * s->B[a * s->wide + j] / s->d[a];
    }
  for (int k = 0; k < lambda; k++) {
    order[k] = 0;
    for (int l = 0; l < lambda; l++)
      order[k] += f[l] < f[k];
    for (int i = 0; i < n; i++)
      y[k][i] = (x[k * n + i] - p->m[i]) / (p->sigma * s->scale[i]);
  }
  for (int k = 0; k < lambda; k++)
    for (int i = 0; i < n && order[k] < q->mu; i++)
      yw[i] += s->w[order[k]] * y[k][i];

  double length2 = 0;
  for (int i = 0; i < n; i++) {
    double whitened = 0;
    for (int j = 0; j < n; j++)
      whitened += root[i][j] * yw[j];
    p->m[i] += p->sigma * s->scale[i] * yw[i];
    p->ps[i] = (1 - q->cs) * p->ps[i] + sqrt(q->cs * (2 - q->cs) * q->mueff) * whitened;
    length2 += p->ps[i] * p->ps[i];
  }
  const double length = sqrt(length2);
  const double h =
      length / sqrt(1 - pow(1 - q->cs, 2.0 * (double)(s->g + 1))) < (1.4 + 2.0 / (n + 1)) * q->chi;
  p->stalls += h == 0;
  double sum = 0;
  for (int k = 0; k < lambda; k++)
    sum += s->w[k];
  for (int i = 0; i < n; i++)
    p->pc[i] = (1 - q->cc) * p->pc[i] + h * sqrt(q->cc * (2 - q->cc) * q->mueff) * yw[i];
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      p->C[i][j] = (1 + q->c1 * (1 - h) * q->cc * (2 - q->cc) - q->c1 - q->cmu * sum) * old[i][j] +
                   q->c1 * p->pc[i] * p->pc[j];
  for (int k = 0; k < lambda; k++) {
    double norm2 = 0, w = s->w[order[k]];
    for (int i = 0; i < n; i++) {
      double whitened = 0;
      for (int j = 0; j < n; j++)
        whitened += root[i][j] * y[k][j];
      norm2 += whitened * whitened;
    }
    if (w < 0) w *= n / norm2;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++)
        p->C[i][j] += q->cmu * w * y[k][i] * y[k][j];
  }
  p->sigma *= exp(q->cs / q->ds * (length / q->chi - 1));
}

// 20 generations after the first ones; returns in how many of them pc stalled.
static int check_update(int n, double sd, int first) {
  const tendril_cmaes_options options = support_cmaes_options();
  tendril_cmaes *s = support_search(&options, n, 0.1, sd, NULL, NULL);
  if (first > 0) support_generations(s, support_rosenbrock, first);
  plain *p = calloc(1, sizeof *p);
  for (int g = 0; g < 20; g++) {
    const double *x = NULL;
    double f[32];
    int lambda = 0;
    check_ok(tendril_cmaes_ask(s, &lambda, &x, check_err));
    for (int k = 0; k < lambda; k++)
      f[k] = support_rosenbrock(n, x + k * n);
    plain_copy(s, p);
    plain_update(p, s, x, f);
    check_ok(tendril_cmaes_tell(s, f, check_err));
    // y is found again from x, in whose rounding a relative 1e-16 / sigma is lost
    check_all_close(s->m, p->m, n, 1e-13);
    check_all_close(s->ps, p->ps, n, 1e-11);
    check_all_close(s->pc, p->pc, n, 1e-11);
    check_close(s->sigma, p->sigma, 1e-12);
    for (int i = 0; i < n; i++)
      check_all_close(s->C + i * s->wide, p->C[i], n, 1e-11);
  }
  const int stalls = p->stalls;
  free(p);
  tendril_cmaes_destroy(s);
  return stalls;
}

Test(cmaes, a_generation_is_that_of_the_equations) {
  cr_assert_eq(check_update(5, 0.5, 0), 0);
  // where 100 generations have led depends on the processor's BLAS, and so how often a long ps
  // holds pc: 0 or 4 times
  cr_assert(check_update(13, 0.5, 100) < 20);
  cr_assert(check_update(8, 1e-6, 0) > 0);  // far too small a step: ps grows long
}

Test(cmaes, axes_are_those_of_the_covariance_matrix) {
  const tendril_cmaes_options options = support_cmaes_options();
  enum { N = 11 };
  tendril_cmaes *s = support_search(&options, N, 0.5, 0.3, NULL, NULL);
  support_generations(s, support_ellipsoid, 150);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double bdb = 0, bb = 0;
      for (int a = 0; a < N; a++) {
        bdb += s->B[a * s->wide + i] * s->d[a] * s->d[a] * s->B[a * s->wide + j];
        bb += s->B[i * s->wide + a] * s->B[j * s->wide + a];
      }
      check_close(bb, i == j, 1e-13);  // rounding of LAPACK's, some ten sums
      cr_assert(fabs(bdb - s->C[i * s->wide + j]) <= 1e-13 * s->d[N - 1] * s->d[N - 1]);
      cr_assert_eq(s->C[i * s->wide + j], s->C[j * s->wide + i]);
    }
  cr_assert(support_result(s).condition > 1e3);  // there is something to decompose
  tendril_cmaes_destroy(s);
}

Test(cmaes, axes_are_made_anew_as_seldom_as_the_tutorial_says) {
  // n = 64, lambda = 200: 1 / (10 n (c1 + cmu)) is below 1; with lambda = 2 it is 3.5
  tendril_cmaes_options options = support_cmaes_options();
  options.population = 2;
  tendril_cmaes *s = support_search(&options, 64, 1, 1, NULL, NULL);
  const double gap = 1 / (640 * (s->p.c1 + s->p.cmu));
  cr_assert(gap > 2);
  int made = 0;
  for (int g = 0; g < 60; g++) {
    support_generations(s, support_sphere, 1);
    made += s->since_eigen == 0;
  }
  cr_assert_eq(made, 60 / (int)floor(gap));
  tendril_cmaes_destroy(s);
}

// ------------------------------------------------------------------------------------- invariances

static double sphere_cubed(int n, const double *x) {
  const double f = support_sphere(n, x);
  return f * f * f;
}

Test(cmaes, only_ranks_count) {
  const tendril_cmaes_options options = support_cmaes_options();
  tendril_cmaes *a = support_search(&options, 7, 1, 0.5, NULL, NULL);
  tendril_cmaes *b = support_search(&options, 7, 1, 0.5, NULL, NULL);
  support_generations(a, support_sphere, 60);
  support_generations(b, sphere_cubed, 60);
  check_same_bits(a->m, b->m, 7);
  cr_assert_eq(a->sigma, b->sigma);
  tendril_cmaes_destroy(a);
  tendril_cmaes_destroy(b);
}

static double sphere_in_other_units(int n, const double *x) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += ldexp(x[i], 3 * i) * ldexp(x[i], 3 * i);
  return sum;
}

Test(cmaes, units_of_the_variables_dont_matter) {
  enum { N = 6 };
  const tendril_cmaes_options options = support_cmaes_options();
  tendril_cmaes *a = support_search(&options, N, 1, 0.5, NULL, NULL), *b = NULL;
  double mean[N], sd[N];
  for (int i = 0; i < N; i++) {
    mean[i] = ldexp(1, -3 * i);  // powers of two: nothing is rounded
    sd[i] = ldexp(0.5, -3 * i);
  }
  const tendril_cmaes_setup setup = {.n = N, .mean = mean, .sd = sd, .seed = 1};
  check_ok(tendril_cmaes_create(&options, &setup, &b, check_err));
  support_generations(a, support_sphere, 80);
  support_generations(b, sphere_in_other_units, 80);
  for (int i = 0; i < N; i++)
    cr_assert_eq(ldexp(b->m[i], 3 * i), a->m[i]);
  cr_assert_eq(a->sigma, b->sigma);
  tendril_cmaes_destroy(a);
  tendril_cmaes_destroy(b);
}

typedef struct evaluation {
  const double *x;
  double *f;
  int n;
} evaluation;

static void evaluate(void *context, int piece, int worker) {
  (void)worker;
  const evaluation *e = context;
  e->f[piece] = support_rosenbrock(e->n, e->x + (ptrdiff_t)piece * e->n);
}

Test(cmaes, gives_the_same_bits_on_any_number_of_threads) {
  enum { N = 9 };
  const tendril_cmaes_options options = support_cmaes_options();
  tendril_cmaes *one = support_search(&options, N, 0, 0.5, NULL, NULL);
  support_generations(one, support_rosenbrock, 100);
  for (int threads = 2; threads <= 4; threads++) {
    tendril_pool *pool = support_pool(threads);
    tendril_cmaes *many = support_search(&options, N, 0, 0.5, NULL, NULL);
    for (int g = 0; g < 100; g++) {
      double f[32];
      int lambda = 0;
      evaluation e = {.f = f, .n = N};
      check_ok(tendril_cmaes_ask(many, &lambda, &e.x, check_err));
      tnd_pool_run(pool, lambda, evaluate, &e);
      check_ok(tendril_cmaes_tell(many, f, check_err));
    }
    check_same_bits(many->m, one->m, N);
    tendril_cmaes_destroy(many);
    tendril_pool_destroy(pool);
  }
  tendril_cmaes_destroy(one);
}

Test(cmaes, candidates_differ_between_generations_and_seeds_and_stay_until_told) {
  enum { N = 4 };
  const tendril_cmaes_options options = support_cmaes_options();
  tendril_cmaes *s = support_search(&options, N, 0, 1, NULL, NULL), *other = NULL;
  const double zeros[N] = {0}, ones[N] = {1, 1, 1, 1};
  const tendril_cmaes_setup setup = {.n = N, .mean = zeros, .sd = ones, .seed = 2};
  check_ok(tendril_cmaes_create(&options, &setup, &other, check_err));
  const double *x = NULL, *again = NULL;
  double first[8 * N];
  int lambda = 0;
  check_ok(tendril_cmaes_ask(s, &lambda, &x, check_err));
  cr_assert_eq(lambda, 8);
  memcpy(first, x, sizeof first);
  check_ok(tendril_cmaes_ask(s, &lambda, &again, check_err));
  check_same_bits(again, first, 8 * N);
  for (int i = 0; i < 8 * N; i++)
    for (int j = 0; j < i; j++)
      cr_assert(first[i] != first[j]);
  check_ok(tendril_cmaes_ask(other, &lambda, &again, check_err));
  cr_assert(again[0] != first[0]);
  support_generations(s, support_sphere, 1);
  check_ok(tendril_cmaes_ask(s, &lambda, &x, check_err));
  cr_assert(memcmp(x, first, sizeof first) != 0);
  tendril_cmaes_destroy(s);
  tendril_cmaes_destroy(other);
}

// ---------------------------------------------------------------------- values that are no numbers

Test(cmaes, values_that_are_not_finite_never_enter_the_mean) {
  enum { N = 4, LAMBDA = 8 };  // mu = 4
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (int finite = 1; finite <= LAMBDA; finite++) {
    const tendril_cmaes_options options = support_cmaes_options();
    tendril_cmaes *s = support_search(&options, N, 0, 1, NULL, NULL);
    const double *x = NULL;
    double f[LAMBDA], expected[N] = {0}, sum = 0;
    int lambda = 0;
    check_ok(tendril_cmaes_ask(s, &lambda, &x, check_err));
    // the finite ones are the last candidates, in order
    for (int k = 0; k < LAMBDA; k++)
      f[k] = k < LAMBDA - finite ? bad[k % 3] : k;
    const int parents = finite < 4 ? finite : 4;
    for (int r = 0; r < parents; r++)
      sum += s->w[r];
    for (int r = 0; r < parents; r++)
      for (int i = 0; i < N; i++)
        expected[i] += s->w[r] / sum * x[(LAMBDA - finite + r) * N + i];
    check_ok(tendril_cmaes_tell(s, f, check_err));
    const tendril_cmaes_result result = support_result(s);
    check_all_close(result.mean, expected, N, 1e-15);  // rounding
    cr_assert_eq(result.best, LAMBDA - finite);
    cr_assert_eq(result.best_evaluation, LAMBDA - finite + 1);
    for (int g = 0; g < 3; g++)
      support_generations(s, support_sphere, 1);
    cr_assert(isfinite(support_result(s).sigma));
    tendril_cmaes_destroy(s);
  }
}

static double sphere_beside_a_cliff(int n, const double *x) {
  return x[0] < -0.1 ? (double)NAN : support_sphere(n, x);
}

Test(cmaes, finds_an_optimum_beside_a_region_without_values) {
  tendril_cmaes_options options = support_cmaes_options();
  options.target = 1e-9;
  tendril_cmaes *s = support_search(&options, 10, 1, 0.5, NULL, NULL);
  const tendril_cmaes_result result = support_run(s, sphere_beside_a_cliff, 1000);
  cr_assert_eq(result.end, TENDRIL_CMAES_TARGET);
  cr_assert(result.best <= 1e-9);
  tendril_cmaes_destroy(s);
}

Test(cmaes, a_population_without_any_number_is_an_error_that_changes_nothing) {
  enum { N = 5 };
  const tendril_cmaes_options options = support_cmaes_options();
  tendril_cmaes *a = support_search(&options, N, 1, 0.5, NULL, NULL);
  tendril_cmaes *b = support_search(&options, N, 1, 0.5, NULL, NULL);
  const double nothing[8] = {NAN, NAN, INFINITY, NAN, -INFINITY, NAN, NAN, NAN};
  const double *x = NULL;
  int lambda = 0;
  tendril_error err;
  for (int g = 0; g < 30; g++) {
    check_ok(tendril_cmaes_ask(a, &lambda, &x, check_err));
    cr_assert_eq(tendril_cmaes_tell(a, nothing, &err), TENDRIL_E_NUMERIC);
    cr_assert(strstr(err.text, "none of the 8 values") != NULL, "%s", err.text);
    support_generations(a, support_sphere, 1);
    support_generations(b, support_sphere, 1);
  }
  check_same_bits(a->m, b->m, N);
  cr_assert_eq(support_result(a).evaluations, support_result(b).evaluations);
  tendril_cmaes_destroy(a);
  tendril_cmaes_destroy(b);
}

// ---------------------------------------------------------------------------------------- restarts

Test(cmaes, restarts_with_doubled_populations_find_the_optimum_of_rastrigin) {
  // nine in ten of the first runs end in one of about 10^n local optima
  enum { N = 10, SEEDS = 5 };
  tendril_cmaes_options options = support_cmaes_options();
  int without = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    options.restarts = 0;
    without += support_evaluations(&options, support_rastrigin, N, 3, 2, seed, 1e-9) >= 0;
    options.restarts = 7;
    cr_assert(support_evaluations(&options, support_rastrigin, N, 3, 2, seed, 1e-9) >= 0);
  }
  cr_assert(without <= 1);
}

Test(cmaes, a_restart_begins_as_the_first_run_did_and_keeps_the_best_of_all) {
  enum { N = 5 };
  tendril_cmaes_options options = support_cmaes_options();
  options.restarts = 3;
  tendril_cmaes *s = support_search(&options, N, 3, 2, NULL, NULL);
  double best = INFINITY;
  for (int restarts = 0; support_generation(s, support_rastrigin);) {
    const tendril_cmaes_result result = support_result(s);
    cr_assert(result.best <= best);
    best = result.best;
    check_close(support_rastrigin(N, result.best_x), best, 0);
    cr_assert_eq(result.population, 8 << result.restarts);
    if (result.restarts > restarts && result.end == TENDRIL_CMAES_RUNNING) {
      cr_assert(result.run_end != TENDRIL_CMAES_RUNNING);
      cr_assert_eq(result.sigma, 1);
      cr_assert_eq(result.condition, 1);
      for (int i = 0; i < N; i++)
        cr_assert(result.mean[i] == 3 && result.sd[i] == 2);
      restarts = result.restarts;
    }
  }
  const tendril_cmaes_result result = support_result(s);
  cr_assert_eq(result.restarts, 3);
  cr_assert_eq(result.end, result.run_end);
  cr_assert(result.best_evaluation > 0 && result.best_evaluation <= result.evaluations);
  tendril_cmaes_destroy(s);
}

Test(cmaes, a_restart_may_begin_anywhere_within_the_bounds_and_within_the_budget) {
  enum { N = 3 };
  tendril_cmaes_options options = support_cmaes_options();
  options.restarts = 8;
  options.restart_at = TENDRIL_RESTART_AT_RANDOM;
  options.budget = 20000;
  const double lower[N] = {-5, -4, -3}, upper[N] = {5, 6, 7};
  tendril_cmaes *s = support_search(&options, N, 3, 2, lower, upper);
  double begun[16][N];
  int restarts = 0;
  while (support_generation(s, support_rastrigin)) {
    const tendril_cmaes_result result = support_result(s);
    if (result.restarts == restarts) continue;
    restarts = result.restarts;
    memcpy(begun[restarts], result.mean, sizeof begun[restarts]);
    for (int i = 0; i < N; i++)
      cr_assert(begun[restarts][i] >= lower[i] && begun[restarts][i] < upper[i]);
  }
  cr_assert(restarts >= 3);
  for (int r = 2; r <= restarts; r++)
    cr_assert(memcmp(begun[r], begun[r - 1], sizeof begun[r]) != 0);
  const tendril_cmaes_result result = support_result(s);
  cr_assert(result.evaluations <= 20000);
  cr_assert(result.end == TENDRIL_CMAES_BUDGET || result.restarts == 8);
  tendril_cmaes_destroy(s);
}

// ----------------------------------------------------------------------------- memory and mistakes

Test(cmaes, asking_and_telling_allocate_nothing) {
  tendril_cmaes_options options = support_cmaes_options();
  options.restarts = 2;
  double lower[SUPPORT_SEARCH_MOST], upper[SUPPORT_SEARCH_MOST];
  for (int i = 0; i < SUPPORT_SEARCH_MOST; i++) {
    lower[i] = 0;
    upper[i] = 4;
  }
  const int sizes[] = {3, 40};
  for (int i = 0; i < 2; i++) {
    const long at_first = support_mallocs;
    tendril_cmaes *s = support_search(&options, sizes[i], 1, 0.5, lower, upper);
#ifdef SUPPORT_MALLOCS_WATCHED
    cr_assert(support_mallocs > at_first);  // the watch works
#else
    (void)at_first;
#endif
    double values[4096], state[50000];
    support_generations(s, support_sphere, 2);  // the BLAS library takes its own buffers once
    const long mallocs = support_mallocs, calls = tnd_alloc_count();
    for (int g = 0; g < 2000 && tendril_cmaes_get_end(s) == TENDRIL_CMAES_RUNNING; g++) {
      const double *x = NULL;
      int lambda = 0;
      if (tendril_cmaes_ask(s, &lambda, &x, NULL) != TENDRIL_OK) break;
      for (int k = 0; k < lambda; k++)
        values[k] = support_sphere(sizes[i], x + (ptrdiff_t)k * sizes[i]);
      if (tendril_cmaes_tell(s, values, NULL) != TENDRIL_OK) break;
      if (tendril_cmaes_get_nstate(s) < 50000) tendril_cmaes_save(s, state);
    }
    cr_assert_eq(support_mallocs, mallocs);
    cr_assert_eq(tnd_alloc_count(), calls);
    cr_assert_eq(support_result(s).restarts, 2);
    tendril_cmaes_destroy(s);
  }
}

static tendril_status attempt(void *context, tendril_error *err) {
  (void)context;
  const tendril_cmaes_options options = support_cmaes_options();
  const double mean[] = {0, 0}, sd[] = {1, 1};
  const tendril_cmaes_setup setup = {.n = 2, .mean = mean, .sd = sd};
  tendril_cmaes *s = NULL;
  const tendril_status status = tendril_cmaes_create(&options, &setup, &s, err);
  tendril_cmaes_destroy(s);
  return status;
}

Test(cmaes, a_failed_allocation_is_an_error) {
  cr_assert_eq(support_fail_each_alloc(attempt, NULL), 2);
  tendril_cmaes_destroy(NULL);
}

static void expect(const tendril_cmaes_options *options, const tendril_cmaes_setup *setup,
                   tendril_status status, const char *part) {
  tendril_error err = {""};
  tendril_cmaes *s = NULL;
  cr_assert_eq(tendril_cmaes_create(options, setup, &s, &err), status, "%s", part);
  cr_assert(strstr(err.text, part) != NULL, "%s", err.text);
  cr_assert(s == NULL);
}

Test(cmaes, mistakes_are_told_with_their_mend) {
  const double mean[] = {0, 5}, sd[] = {1, 1}, zero_sd[] = {1, 0}, nan_mean[] = {NAN, 0};
  const double lower[] = {-1, 6}, upper[] = {1, INFINITY}, below[] = {-2, 9};
  const tendril_cmaes_setup good = {.n = 2, .mean = mean, .sd = sd};
  tendril_cmaes_setup setup = good;
  tendril_cmaes_options options = support_cmaes_options();
  setup.n = 0;
  expect(&options, &setup, TENDRIL_E_ARGUMENT, "0 variables; use 1 to 20000");
  setup = good;
  setup.mean = nan_mean;
  expect(&options, &setup, TENDRIL_E_ARGUMENT, "mean[0] is not finite");
  setup = good;
  setup.sd = zero_sd;
  expect(&options, &setup, TENDRIL_E_ARGUMENT, "sd[1] is 0; an initial deviation is positive");
  setup = good;
  setup.lower = lower;
  expect(&options, &setup, TENDRIL_E_ARGUMENT, "mean[1] is 5; begin within the bounds, 6 to inf");
  setup.upper = below;
  expect(&options, &setup, TENDRIL_E_ARGUMENT, "bounds[0] are -1 and -2");
  setup = good;
  setup.upper = upper;
  options.restarts = 1;
  options.restart_at = TENDRIL_RESTART_AT_RANDOM;
  expect(&options, &setup, TENDRIL_E_CONFIG, "needs two bounds for every variable");
  options = support_cmaes_options();
  options.population = 1;
  expect(&options, &good, TENDRIL_E_CONFIG, "use 2 or more, or 0");
  options.population = 1000;
  options.restarts = 20;
  expect(&options, &good, TENDRIL_E_CONFIG, "use fewer restarts");
  options = support_cmaes_options();
  options.budget = 3;
  expect(&options, &good, TENDRIL_E_CONFIG, "not enough for a generation of 6");
  options.budget = -1;
  expect(&options, &good, TENDRIL_E_ARGUMENT, "cmaes.budget");

  options = support_cmaes_options();
  tendril_cmaes *s = support_search(&options, 2, 0, 1, NULL, NULL);
  tendril_error err;
  const double f[6] = {0};
  cr_assert_eq(tendril_cmaes_tell(s, f, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "call tendril_cmaes_ask() first") != NULL);
  const tendril_cmaes_result result = support_result(s);
  cr_assert(isnan(result.best) && result.evaluations == 0 && result.best_evaluation == 0);
  tendril_cmaes_destroy(s);
}

Test(cmaes, one_variable_and_two_candidates_will_do) {
  tendril_cmaes_options options = support_cmaes_options();
  options.target = 1e-9;
  tendril_cmaes *s = support_search(&options, 1, 3, 1, NULL, NULL);
  cr_assert_eq(support_run(s, support_sphere, 1000).end, TENDRIL_CMAES_TARGET);
  tendril_cmaes_destroy(s);
  options.population = 2;
  s = support_search(&options, 2, 3, 1, NULL, NULL);
  cr_assert(support_run(s, support_sphere, 3000).best < 1);
  tendril_cmaes_destroy(s);
}

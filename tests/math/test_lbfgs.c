// L-BFGS by libLBFGS: minima known in closed form, functions that are not finite everywhere, wrong
// gradients, libLBFGS's own memory.
#include "math/lbfgs.h"

// libLBFGS's calls, too, are to go to the calloc of support/mallocs.h
#include <stdlib.h>
void *calloc(size_t count, size_t size) __attribute__((visibility("default")));

#include "support/close.h"
#include "support/learning.h"
#include "support/mallocs.h"
#include "support/objective.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MAX = 40 };

static const tnd_lbfgs_options thorough = {.iterations = 500, .memory = 20, .tolerance = 0};

// Minimises from x [n] on.
static tnd_lbfgs_result minimize(tnd_lbfgs_options options, tnd_lbfgs_function f, void *context,
                                 int n, double *x) {
  tnd_lbfgs *lbfgs;
  tnd_lbfgs_result result;
  check_ok(tnd_lbfgs_create(n, &options, &lbfgs, check_err));
  check_ok(tnd_lbfgs_minimize(lbfgs, f, context, x, &result, check_err));
  tnd_lbfgs_destroy(lbfgs);
  return result;
}

// sum 10^(4 (i-1) / (n-1)) (x_i - i)^2 / 2 + 3
static double ellipsoid(void *context, const double *x, double *g) {
  const int n = *(const int *)context;
  double f = 3;
  for (int i = 0; i < n; i++) {
    const double scale = pow(10, 4.0 * i / (n > 1 ? n - 1 : 1)), e = x[i] - i;
    f += 0.5 * scale * e * e;
    g[i] = scale * e;
  }
  return f;
}

static double rosenbrock(void *context, const double *x, double *g) {
  const int n = *(const int *)context;
  memset(g, 0, sizeof *g * (size_t)n);
  for (int i = 0; i + 1 < n; i++) {
    const double a = x[i] * x[i] - x[i + 1], b = x[i] - 1;
    g[i] += 400 * a * x[i] + 2 * b;
    g[i + 1] -= 200 * a;
  }
  return support_rosenbrock(n, x);
}

Test(lbfgs, finds_the_minimum_of_a_quadratic_of_any_size) {
  // 8 is where libLBFGS may round sizes up
  for (int n = 1; n <= 17; n++) {
    double x[MAX] = {0}, minimum[MAX];
    for (int i = 0; i < n; i++)
      minimum[i] = i;
    tnd_lbfgs_result r = minimize(thorough, ellipsoid, &n, n, x);
    // half the digits of f = 3, as f is flat at its minimum
    check_all_close(x, minimum, n, 1e-7);
    check_close(r.f, 3, 1e-14);
    cr_assert(r.end == TND_LBFGS_CONVERGED || r.end == TND_LBFGS_ROUNDING);
    cr_assert_gt(r.evaluations, r.iterations);
    cr_assert_eq(r.nonfinite, 0);
  }
}

Test(lbfgs, goes_through_the_valley_of_rosenbrock) {
  int n = 10;
  double x[MAX], ones[MAX];
  for (int i = 0; i < n; i++) {
    x[i] = i % 2 ? 1 : -1.2;
    ones[i] = 1;
  }
  tnd_lbfgs_result r = minimize(thorough, rosenbrock, &n, n, x);
  check_all_close(x, ones, n, 1e-9);  // f = 0 there: no digits are lost to it
  cr_assert_lt(r.f, 1e-18);
  check_close(r.before, 5 * (100 * 0.44 * 0.44 + 2.2 * 2.2) + 4 * 100 * 2.2 * 2.2, 1e-14);
}

Test(lbfgs, stops_as_it_is_told) {
  int n = 10;
  double x[MAX] = {0}, y[MAX] = {0}, g[MAX];
  tnd_lbfgs_options few = {.iterations = 7, .memory = 3, .tolerance = 0};
  tnd_lbfgs_result r = minimize(few, rosenbrock, &n, n, x);
  cr_assert_eq(r.end, TND_LBFGS_ITERATIONS);
  cr_assert_eq(r.iterations, 7);
  cr_assert_eq(r.f, rosenbrock(&n, x, g));
  // a tolerance of a half: ends once f fell by less than half in five iterations
  tnd_lbfgs_options coarse = {.iterations = 500, .memory = 20, .tolerance = 0.5};
  r = minimize(coarse, ellipsoid, &n, n, y);
  cr_assert_eq(r.end, TND_LBFGS_CONVERGED);
  cr_assert_lt(r.iterations, minimize(thorough, ellipsoid, &n, n, x).iterations);
  cr_assert_geq(r.iterations, 5);
}

Test(lbfgs, a_minimum_at_the_start_is_left_alone) {
  int n = 3;
  double x[] = {0, 1, 2}, start[] = {0, 1, 2};
  tnd_lbfgs_result r = minimize(thorough, ellipsoid, &n, n, x);
  cr_assert_eq(r.end, TND_LBFGS_CONVERGED);
  cr_assert_eq(r.iterations, 0);
  check_same_bits(x, start, n);
}

// c'x - log(1 - x'x), NaN outside the unit ball; the minimum at x = -r c / |c|, |c| = 2r / (1 -
// r^2)
static double barrier(void *context, const double *x, double *g) {
  const double c = *(const double *)context, inside = 1 - x[0] * x[0] - x[1] * x[1];
  g[0] = c * 0.6 + 2 * x[0] / inside;
  g[1] = c * 0.8 + 2 * x[1] / inside;
  return c * (0.6 * x[0] + 0.8 * x[1]) - log(inside);  // the logarithm of a negative number
}

Test(lbfgs, turns_back_from_where_the_function_is_not_a_number) {
  double r = 0.999, c = 2 * r / (1 - r * r), x[2] = {0.1, 0.2};
  tnd_lbfgs_result result = minimize(thorough, barrier, &c, 2, x);
  cr_assert_gt(result.nonfinite, 0);
  cr_assert_neq(result.end, TND_LBFGS_NONFINITE);
  const double minimum[] = {-0.6 * r, -0.8 * r};
  check_all_close(x, minimum, 2, 1e-8);  // half the digits, curvature 1e6
}

// Like it, but a step too far is infinite in the gradient alone.
static double steep(void *context, const double *x, double *g) {
  const double f = barrier(context, x, g), inside = 1 - x[0] * x[0] - x[1] * x[1];
  if (inside <= 0) g[1] = HUGE_VAL;
  return inside <= 0 ? -1e6 : f;
}

Test(lbfgs, turns_back_from_a_gradient_that_is_not_finite) {
  double r = 0.999, c = 2 * r / (1 - r * r), x[2] = {0.1, 0.2};
  tnd_lbfgs_result result = minimize(thorough, steep, &c, 2, x);
  cr_assert_gt(result.nonfinite, 0);
  const double minimum[] = {-0.6 * r, -0.8 * r};
  check_all_close(x, minimum, 2, 1e-8);
}

static double nowhere(void *context, const double *x, double *g) {
  (void)context, (void)x;
  g[0] = g[1] = 1;
  return NAN;
}

Test(lbfgs, a_start_that_is_not_finite_is_said_and_kept) {
  double x[] = {3, 4}, start[] = {3, 4};
  tnd_lbfgs_result r = minimize(thorough, nowhere, NULL, 2, x);
  cr_assert_eq(r.end, TND_LBFGS_NONFINITE);
  cr_assert_eq(r.evaluations, 1);
  cr_assert_eq(r.nonfinite, 1);
  cr_assert(!isnan(r.before) && !isnan(r.f));
  check_same_bits(x, start, 2);
}

static double only_at_the_start(void *context, const double *x, double *g) {
  g[0] = 1e3;
  g[1] = -1;
  return x[0] == 3 && x[1] == 4 ? 5 : *(const double *)context;
}

Test(lbfgs, a_start_with_nothing_finite_around_it_is_said_and_kept) {
  double values[] = {NAN, HUGE_VAL, -HUGE_VAL};
  for (int k = 0; k < 3; k++) {
    double x[] = {3, 4}, start[] = {3, 4};
    tnd_lbfgs_result r = minimize(thorough, only_at_the_start, &values[k], 2, x);
    cr_assert_eq(r.end, TND_LBFGS_NONFINITE);
    cr_assert_eq(r.f, 5);
    cr_assert_leq(r.evaluations, 21);
    check_same_bits(x, start, 2);
  }
}

// the gradient of -f
static double upside_down(void *context, const double *x, double *g) {
  const int n = *(const int *)context;
  const double f = ellipsoid(context, x, g);
  for (int i = 0; i < n; i++)
    g[i] = -g[i];
  return f;
}

Test(lbfgs, a_wrong_gradient_never_makes_it_worse) {
  int n = 5;
  double x[MAX] = {0}, start[MAX] = {0};
  tnd_lbfgs_result r = minimize(thorough, upside_down, &n, n, x);
  cr_assert_eq(r.end, TND_LBFGS_ROUNDING);
  cr_assert_eq(r.f, r.before);
  check_same_bits(x, start, n);
}

Test(lbfgs, the_second_search_of_an_object_is_as_the_first) {
  int n = 10;
  double x[MAX] = {0}, y[MAX] = {0};
  tnd_lbfgs *lbfgs;
  tnd_lbfgs_result first, second;
  tnd_lbfgs_options options = {.iterations = 30, .memory = 5, .tolerance = 1e-3};
  check_ok(tnd_lbfgs_create(n, &options, &lbfgs, check_err));
  check_ok(tnd_lbfgs_minimize(lbfgs, rosenbrock, &n, x, &first, check_err));
  check_ok(tnd_lbfgs_minimize(lbfgs, rosenbrock, &n, y, &second, check_err));
  check_same_bits(x, y, n);
  cr_assert_eq(first.evaluations, second.evaluations);
  tnd_lbfgs_destroy(lbfgs);
}

static tendril_status make(void *context, tendril_error *err) {
  (void)context;
  tnd_lbfgs *lbfgs;
  TENDRIL_TRY(tnd_lbfgs_create(10, &thorough, &lbfgs, err));
  tnd_lbfgs_destroy(lbfgs);
  return TENDRIL_OK;
}

Test(lbfgs, allocations_that_fail_are_clean) {
  cr_assert_eq(support_fail_each_alloc(make, NULL), 2);
}

#ifdef SUPPORT_MALLOCS_WATCHED
Test(lbfgs, memory_that_the_library_lacks_is_said_and_nothing_moved) {
  int n = 10, failed = 0;
  double x[MAX] = {0}, start[MAX] = {0};
  tnd_lbfgs *lbfgs;
  tnd_lbfgs_result result;
  tendril_status status = TENDRIL_E_MEMORY;
  check_ok(tnd_lbfgs_create(n, &thorough, &lbfgs, check_err));
  while (status != TENDRIL_OK && failed < 1000) {
    tendril_error err = {""};
    support_malloc_fail_at = support_mallocs + failed;
    status = tnd_lbfgs_minimize(lbfgs, rosenbrock, &n, x, &result, &err);
    support_malloc_fail_at = -1;
    if (status == TENDRIL_OK) break;
    failed++;
    cr_assert_eq(status, TENDRIL_E_MEMORY);
    cr_assert(err.text[0] != 0);
    check_same_bits(x, start, n);
  }
  // two vectors for each pair in its memory, five of its own, and the pairs
  cr_assert_geq(failed, 2 * thorough.memory + 5);
  cr_assert_lt(failed, 1000);
  tnd_lbfgs_destroy(lbfgs);
}
#endif

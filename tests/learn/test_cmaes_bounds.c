// Candidates within bounds; optima inside, on a side and in a corner.
#include "learn/cmaes.h"

#include "support/close.h"
#include "support/search.h"

#include <criterion/criterion.h>
#include <math.h>

static double within(int n, const double *x) {
  for (int i = 0; i < n; i++)
    cr_assert(x[i] >= -1 && x[i] <= 2, "x[%d] = %g", i, x[i]);
  return support_ellipsoid(n, x);
}

Test(cmaes, candidates_lie_within_the_bounds_and_an_optimum_inside_is_found) {
  enum { N = 6 };
  tendril_cmaes_options options = support_cmaes_options();
  options.target = 1e-9;
  const double lower[N] = {-1, -1, -1, -1, -1, -1}, upper[N] = {2, 2, 2, 2, 2, 2};
  tendril_cmaes *s = support_search(&options, N, 1.9, 1, lower, upper);
  const tendril_cmaes_result result = support_run(s, within, 2000);
  cr_assert_eq(result.end, TENDRIL_CMAES_TARGET);
  for (int i = 0; i < N; i++)
    cr_assert(result.mean[i] >= -1 && result.mean[i] <= 2);
  tendril_cmaes_destroy(s);
}

static double ellipsoid_of_three(int n, const double *x) {
  double moved[SUPPORT_SEARCH_MOST];
  for (int i = 0; i < n; i++)
    moved[i] = x[i] - 3;
  return support_ellipsoid(n, moved);
}

Test(cmaes, an_optimum_in_a_corner_of_the_bounds_is_found) {
  // sphere with x_i <= -1 for all but the last: 5 at (-1, ..., -1, 0), as in the docstring of
  // pycma's BoundTransform, whose search from -2 with 0.5 ends within 1e-8 of it
  enum { N = 6 };
  tendril_cmaes_options options = support_cmaes_options();
  options.target = 5 + 1e-8;
  const double upper[N] = {-1, -1, -1, -1, -1, INFINITY};
  tendril_cmaes *s = support_search(&options, N, -2, 0.5, NULL, upper);
  tendril_cmaes_result result = support_run(s, support_sphere, 2000);
  cr_assert_eq(result.end, TENDRIL_CMAES_TARGET, "%g: %s", result.best,
               tendril_cmaes_end_text(result.end));
  cr_assert(result.evaluations < 4000);
  tendril_cmaes_destroy(s);

  // badly scaled, the optimum far outside: the nearest corner is the best point
  const double twos[N] = {2, 2, 2, 2, 2, 2}, far[N] = {2, 2, 2, 2, 2, 2};
  options.target = support_ellipsoid(N, (const double[]){1, 1, 1, 1, 1, 1}) * (1 + 1e-9);
  s = support_search(&options, N, 0, 0.5, NULL, far);
  result = support_run(s, ellipsoid_of_three, 3000);
  cr_assert_eq(result.end, TENDRIL_CMAES_TARGET, "%g: %s", result.best,
               tendril_cmaes_end_text(result.end));
  check_all_close(result.best_x, twos, N, 1e-3);
  tendril_cmaes_destroy(s);
}

Test(cmaes, bounds_that_are_never_met_change_nothing) {
  enum { N = 5 };
  const tendril_cmaes_options options = support_cmaes_options();
  const double lower[N] = {-1e6, -1e6, -1e6, -1e6, -1e6}, upper[N] = {1e6, 1e6, 1e6, 1e6, 1e6};
  tendril_cmaes *a = support_search(&options, N, 1, 0.5, lower, upper);
  tendril_cmaes *b = support_search(&options, N, 1, 0.5, NULL, NULL);
  support_generations(a, support_ellipsoid, 50);
  support_generations(b, support_ellipsoid, 50);
  check_same_bits(a->m, b->m, N);
  tendril_cmaes_destroy(a);
  tendril_cmaes_destroy(b);
}

static double steep(int n, const double *x) {
  return support_sphere(n, x) * 1e300;
}

Test(cmaes, values_near_the_largest_number_leave_every_number_finite) {
  enum { N = 4 };
  const tendril_cmaes_options options = support_cmaes_options();
  const double upper[N] = {-1, -1, -1, -1};
  tendril_cmaes *s = support_search(&options, N, -1e3, 300, NULL, upper);
  double state[20000];
  for (int g = 0; g < 200 && support_generation(s, steep); g++) {
    const int64_t nstate = tendril_cmaes_get_nstate(s);
    tendril_cmaes_save(s, state);
    for (int64_t i = 0; i < nstate; i++)
      cr_assert(isfinite(state[i]), "entry %d in generation %d", (int)i, g);
  }
  cr_assert(support_result(s).best < 1e302);  // 4e300 is the least
  tendril_cmaes_destroy(s);
}

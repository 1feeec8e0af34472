// The dual of MOTO's policy update: gradient, optimum, and the limits in which it has a closed
// form.
#include "learn/moto_dual.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { MOST = 9 };

typedef struct problem {
  double q[MOST], c[MOST];
  tnd_moto_dual dual;
  double step[MOST], spread[MOST];
  tnd_moto_multipliers m;
} problem;

// 1 .. 4 or 9 coordinates of the same scale; of mixed, negative or positive sign.
static void make(uint32_t key, problem *x) {
  static const double kls[] = {1e-8, 1e-3, 0.1, 1, 10}, drops[] = {0, 0.05, 1, INFINITY};
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, key, 0);
  const int n = key % 5 == 4 ? MOST : 1 + (int)(key % 5);
  const uint32_t kind = tendril_random_below(&random, 4);
  tendril_random_normals(&random, n, x->q);
  tendril_random_normals(&random, n, x->c);
  for (int i = 0; i < n; i++) {
    if (kind == 1) x->q[i] = -fabs(x->q[i]);
    if (kind == 2) x->q[i] = fabs(x->q[i]);
    x->c[i] *= x->c[i];
  }
  x->dual = (tnd_moto_dual){.n = n, .q = x->q, .c = x->c};
  x->dual.bounds.max_kl = kls[tendril_random_below(&random, 5)];
  x->dual.bounds.entropy_drop = drops[tendril_random_below(&random, 4)];
}

static double eta_min(const tnd_moto_dual *dual) {
  double top = 0;
  for (int i = 0; i < dual->n; i++)
    top = fmax(top, dual->q[i]);
  return top;
}

static void solve(problem *x) {
  cr_assert(tnd_moto_dual_solve(&x->dual, x->step, x->spread, &x->m));
}

Test(moto_dual, gradient_is_that_of_the_value) {
  for (uint32_t key = 0; key < 2000; key++) {
    problem x;
    double ignored[2], gradient[2];
    make(key, &x);
    if (isinf(x.dual.bounds.entropy_drop)) x.dual.bounds.entropy_drop = 3;
    tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, key, 0);
    const double up = pow(10, tendril_random_uniform(&random, -2, 2));
    const double eta = eta_min(&x.dual) + up;
    const double omega = pow(10, tendril_random_uniform(&random, -2, 2));
    cr_assert(isfinite(tnd_moto_dual_value(&x.dual, eta, omega, gradient)));
    // a 1e-4th of the way to where g is singular: truncation about 1e-8 of g'
    const double h = 1e-4 * up, k = 1e-4 * omega;
    check_close((tnd_moto_dual_value(&x.dual, eta + h, omega, ignored) -
                 tnd_moto_dual_value(&x.dual, eta - h, omega, ignored)) /
                    (2 * h),
                gradient[0], 1e-6);
    check_close((tnd_moto_dual_value(&x.dual, eta, omega + k, ignored) -
                 tnd_moto_dual_value(&x.dual, eta, omega - k, ignored)) /
                    (2 * k),
                gradient[1], 1e-6);
  }
}

Test(moto_dual, is_infinite_outside_its_domain) {
  problem x = {.q = {1, -1}, .c = {1, 1}};
  double gradient[2];
  x.dual = (tnd_moto_dual){2, x.q, x.c, {0.1, 0.1}};
  cr_assert(isinf(tnd_moto_dual_value(&x.dual, 1, 1, gradient)));
  cr_assert(isinf(tnd_moto_dual_value(&x.dual, 2, -2, gradient)));
  cr_assert(isfinite(tnd_moto_dual_value(&x.dual, 1.01, 0, gradient)));
}

// The least of g on a grid of 41 x 41, logarithmic in eta - eta_min and in omega, with both zeros,
// then on ever finer grids about it.
static double brute_force(const tnd_moto_dual *dual, double *eta, double *omega) {
  enum { ZERO = -21, HALF = 20 };
  double best = INFINITY, z = 0, w = 0, width = 10, ignored[2];
  for (int zoom = 0; zoom < 60; zoom++, width *= 0.7) {
    const double z0 = z, w0 = w;
    for (int i = ZERO; i <= HALF; i++)
      for (int j = ZERO; j <= HALF; j++) {
        const double zi = z0 + i * width / HALF, wj = w0 + j * width / HALF;
        const double e = eta_min(dual) + (i == ZERO ? 0 : pow(10, zi));
        const double o = j == ZERO ? 0 : pow(10, wj);
        const double g = tnd_moto_dual_value(dual, e, o, ignored);
        if (g >= best) continue;
        best = g;
        *eta = e;
        *omega = o;
        if (i != ZERO) z = zi;
        if (j != ZERO) w = wj;
      }
  }
  return best;
}

Test(moto_dual, the_optimum_is_that_of_a_brute_force_search) {
  for (uint32_t key = 0; key < 100; key++) {
    problem x;
    double eta = 0, omega = 0, ignored[2];
    make(1000 + key, &x);
    solve(&x);
    const double least = brute_force(&x.dual, &eta, &omega);
    const double g = tnd_moto_dual_value(&x.dual, x.m.eta, x.m.omega, ignored);
    const double scale = 1 + x.m.eta + x.m.omega;
    cr_assert(g <= least + 1e-12 * scale, "%u: %.17g > %.17g", key, g, least);
    cr_assert(least <= g + 1e-9 * scale, "%u: %.17g > %.17g", key, least, g);
    // g is flat: an argument is known to the root of its rounding, over eps for the flattest
    check_close(eta / scale, x.m.eta / scale, 1e-3);
    check_close(omega / scale, x.m.omega / scale, 1e-3);
  }
}

Test(moto_dual, the_optimum_meets_the_conditions_and_has_no_duality_gap) {
  int most = 0, free = 0, bound = 0, slack = 0;
  for (uint32_t key = 0; key < 10000; key++) {
    problem x;
    double g[2];
    make(key, &x);
    solve(&x);
    const tnd_moto_bounds *b = &x.dual.bounds;
    const double value = tnd_moto_dual_value(&x.dual, x.m.eta, x.m.omega, g);
    cr_assert(x.m.eta >= 0 && x.m.omega >= 0);
    cr_assert(x.m.kl <= b->max_kl * (1 + 1e-11));
    cr_assert(x.m.entropy_change >= -b->entropy_drop - 1e-12);
    if (x.m.eta > 0) check_close(x.m.kl / b->max_kl, 1, 1e-11);
    if (x.m.omega > 0) check_close(x.m.entropy_change, -b->entropy_drop, 1e-12);
    // at the optimum g is what Q is worth to the new policy, beside its worth to the old one's
    // mean; g adds up eta eps and logarithms of about n tau
    double old = 0;
    for (int i = 0; i < x.dual.n; i++)
      old += 0.5 * x.q[i];
    const double size = x.m.gain + fabs(old) + x.dual.n * (x.m.eta + x.m.omega);
    cr_assert(fabs(value - old - x.m.gain) <= 1e-11 * size, "%u: %g for %g", key, value - old,
              x.m.gain);
    cr_assert(x.m.gain >= 0);
    most = x.m.iterations > most ? x.m.iterations : most;
    slack += x.m.eta == 0;
    free += x.m.omega == 0;
    bound += x.m.omega > 0 && x.m.eta > 0;
  }
  // all the cases there are, and a cost that says Newton's method converges
  cr_assert(slack > 100 && free > 1000 && bound > 1000, "%d %d %d", slack, free, bound);
  cr_assert(most <= 20, "%d iterations", most);
}

Test(moto_dual, scaling_q_scales_the_multipliers_and_nothing_else) {
  static const double scales[] = {0x1p-40, 0x1p40, 1e-12, 1e12, 3, 1e-100};
  for (uint32_t key = 0; key < 200; key++)
    for (int s = 0; s < 6; s++) {
      problem x, y;
      make(key, &x);
      make(key, &y);
      for (int i = 0; i < x.dual.n; i++) {
        y.q[i] *= scales[s];
        y.c[i] *= scales[s] * scales[s];
      }
      solve(&x);
      solve(&y);
      // 1e-8: with max_kl = 1e-8 roundings of q enter log v_i relative to 1e-4
      check_close(y.m.eta / scales[s], x.m.eta, 1e-11);
      check_close(y.m.omega / scales[s], x.m.omega, 1e-11);
      check_all_close(y.spread, x.spread, x.dual.n, 1e-11);
      if (s < 2) check_same_bits(y.spread, x.spread, x.dual.n);
    }
}

Test(moto_dual, a_q_without_curvature_has_a_closed_form) {
  // KL = sum c / (2 eta^2), and the variance stays as it is
  for (double eps = 1e-8; eps < 100; eps *= 10) {
    problem x = {.q = {0, 0, 0}, .c = {4, 0, 1}};
    x.dual = (tnd_moto_dual){3, x.q, x.c, {eps, 0.1}};
    solve(&x);
    check_close(x.m.eta / sqrt(5 / (2 * eps)), 1, 1e-12);
    check_close(x.m.omega, 0, 0);
    check_all_close(x.spread, ((double[]){0, 0, 0}), 3, 0);
  }
}

Test(moto_dual, a_wide_bound_on_a_concave_q_leads_to_its_maximum) {
  problem x = {.q = {-4, -1}, .c = {100, 9}};
  x.dual = (tnd_moto_dual){2, x.q, x.c, {1e6, 0.5}};
  solve(&x);
  check_close(x.m.eta, 0, 0);
  check_close(x.step[0], 0.25, 1e-15);
  check_close(x.step[1], 1, 1e-15);
  check_close(x.m.entropy_change, -0.5, 1e-15);
  check_close(x.m.omega, 2 * exp(-0.5), 1e-15);  // the geometric mean of 4 and 1, times e^-beta0
  check_close(x.m.iterations, 0, 0);
}

Test(moto_dual, without_q_the_policy_stays) {
  problem x = {.q = {0, 0}, .c = {0, 0}};
  x.dual = (tnd_moto_dual){2, x.q, x.c, {0.1, 0.1}};
  x.step[0] = x.spread[1] = 7;
  solve(&x);
  check_all_close(x.step, ((double[]){0, 0}), 2, 0);
  check_all_close(x.spread, ((double[]){0, 0}), 2, 0);
  check_all_close(&x.m.eta, ((double[]){0, 0, 0, 0, 0}), 5, 0);
}

Test(moto_dual, extremes_are_solved) {
  static const double values[] = {0, 1, -1, 1e-300, -1e-300, 1e-12, -1e-12, 1e12, -1e12, 1 + 1e-15};
  static const double kls[] = {1e-12, 1e-8, 0.1, 10, 100}, drops[] = {0, 1e-9, 1, 30, INFINITY};
  for (int i = 0; i < 1000; i++)
    for (int c = 0; c < 25; c++)
      for (int e = 0; e < 25; e++) {
        problem x = {.q = {values[i % 10], values[i / 10 % 10], values[i / 100]},
                     .c = {fabs(values[c / 5 * 2]), fabs(values[c % 5 * 2]), 0}};
        x.dual = (tnd_moto_dual){3, x.q, x.c, {kls[e / 5], drops[e % 5]}};
        solve(&x);
        cr_assert(isfinite(x.m.eta) && isfinite(x.m.omega) && x.m.eta >= 0 && x.m.omega >= 0);
        cr_assert(x.m.kl <= x.dual.bounds.max_kl * (1 + 1e-9), "%d %d %d: KL %g", i, c, e, x.m.kl);
        cr_assert(x.m.entropy_change >= -x.dual.bounds.entropy_drop - 1e-9);
        for (int j = 0; j < 3; j++)
          cr_assert(isfinite(x.step[j]) && isfinite(x.spread[j]), "%d %d %d", i, c, e);
      }
}

Test(moto_dual, refuses_what_is_not_finite_and_a_bound_that_no_variance_survives) {
  const double q[] = {-1, NAN, -INFINITY, -1, -1}, c[] = {NAN, 1, 1, INFINITY, 1};
  for (int i = 0; i < 5; i++) {
    problem x = {.q = {q[i]}, .c = {c[i]}, .m = {.eta = 7}};
    // the last: without a bound on the entropy the variance is eta, and the KL -1/2 log eta
    x.dual = (tnd_moto_dual){1, x.q, x.c, {1e4, INFINITY}};
    cr_assert_not(tnd_moto_dual_solve(&x.dual, x.step, x.spread, &x.m), "%d", i);
    check_all_close(&x.m.eta, ((double[]){0, 0, 0, 0, 0}), 5, 0);
  }
}

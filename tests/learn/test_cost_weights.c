// Weights of rollouts: by hand where that can be done, the effective number that was asked for,
// whatever the costs' unit, and what is not finite.
#include "learn/cost_weights.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { N = 1000 };

static double effective(int n, const double *w) {
  double sum = 0, squares = 0;
  for (int i = 0; i < n; i++) {
    sum += w[i];
    squares += w[i] * w[i];
  }
  return sum * sum / squares;
}

Test(cost_weights, two_and_three_costs_are_weighed_as_by_hand) {
  double w[3];
  // (1 + e)^2 = 3/2 (1 + e^2), e = exp(-c)
  const double two[] = {1, 0};
  tnd_cost_weights of = tnd_cost_weights_choose(2, two, 0.75, w);
  check_close(w[0], 2 - sqrt(3), 1e-10);  // the bisection ends at 1e-12 of log c, e moves by c e
  check_close(w[1], 1, 0);
  check_close(of.c, -log(2 - sqrt(3)), 1e-10);
  check_close(of.effective, 1.5, 1e-10);
  // (1 + 2 e)^2 = 2 (1 + 2 e^2): e = 1/4
  const double three[] = {5, 3, 5};
  of = tnd_cost_weights_choose(3, three, 2.0 / 3, w);
  check_close(w[0], 0.25, 1e-10);
  check_close(w[1], 1, 0);
  check_close(w[2], 0.25, 1e-10);
  check_close(of.c, log(4) / 2, 1e-10);
}

Test(cost_weights, as_many_count_as_were_asked_for_whatever_unit_and_offset) {
  double z[N], J[N], w[N], first[N];
  const double units[] = {1, 1e-200, 1e200, 3e-7}, shares[] = {0.1, 0.01, 0.5, 0.999};
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, N, z);
  for (int s = 0; s < 4; s++)
    for (int k = 0; k < 4; k++) {
      for (int i = 0; i < N; i++)
        J[i] = units[k] * (z[i] + 4);
      const tnd_cost_weights of = tnd_cost_weights_choose(N, J, shares[s], w);
      cr_assert_eq(of.counted, N);
      check_close(effective(N, w), shares[s] * N, 1e-9);
      check_close(of.effective, shares[s] * N, 1e-9);
      for (int i = 0; i < N; i++)
        cr_assert(w[i] >= 0 && w[i] <= 1);
      if (k == 0) memcpy(first, w, sizeof w);
      check_all_close(w, first, N, 1e-9);  // the costs are rounded in another unit
    }
}

Test(cost_weights, a_share_of_less_than_one_rollout_is_one) {
  const double J[] = {3, 1, 2};
  double w[3];
  const tnd_cost_weights of = tnd_cost_weights_choose(3, J, 0.01, w);
  check_close(of.effective, 1, 1e-9);
  check_close(w[1], 1, 0);
  cr_assert_lt(w[0] + w[2], 1e-9);
}

Test(cost_weights, equal_costs_weigh_the_same) {
  double J[N], w[N];
  for (int i = 0; i < N; i++)
    J[i] = -7;
  tnd_cost_weights of = tnd_cost_weights_choose(N, J, 0.1, w);
  cr_assert_eq(of.c, 0);
  cr_assert_eq(of.effective, N);
  for (int i = 0; i < N; i++)
    cr_assert_eq(w[i], 1);
  // more of them than are wanted share the lowest cost: only they count
  for (int i = 300; i < N; i++)
    J[i] = 1 + i;
  of = tnd_cost_weights_choose(N, J, 0.1, w);
  check_close(of.effective, 300, 1e-12);
  for (int i = 0; i < N; i++)
    cr_assert_eq(w[i], i < 300);
  cr_assert(isfinite(of.c));
}

Test(cost_weights, one_far_better_or_worse_than_all_others_leaves_them_comparable) {
  double J[N], w[N];
  for (int i = 0; i < N; i++)
    J[i] = 1 + i % 10;
  J[17] = -1e12;
  check_close(tnd_cost_weights_choose(N, J, 0.1, w).effective, 100, 1e-9);
  cr_assert(w[17] == 1 && w[0] < 1);
  J[17] = 1e12;
  check_close(tnd_cost_weights_choose(N, J, 0.05, w).effective, 100,
              1e-9);  // the best: 1, 100 of them
  cr_assert(w[17] == 0 && w[0] == 1);
}

Test(cost_weights, what_is_not_finite_weighs_nothing) {
  const double J[] = {NAN, 2, INFINITY, 1, -INFINITY, 2, 1e308, -1e308};
  double w[8];
  tnd_cost_weights of = tnd_cost_weights_choose(6, J, 1, w);
  cr_assert_eq(of.counted, 3);
  cr_assert(w[0] == 0 && w[2] == 0 && w[4] == 0);
  check_close(w[1], 1, 1e-6);  // all of the three are wanted
  // finite, but not their difference
  of = tnd_cost_weights_choose(8, J, 1, w);
  cr_assert(w[7] == 1 && w[6] == 0 && isfinite(of.c));
  of = tnd_cost_weights_choose(1, J, 0.1, w);
  cr_assert(of.counted == 0 && of.effective == 0 && w[0] == 0);
}

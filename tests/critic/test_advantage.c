// Advantages against their definition as sums, on hand-made paths with all three ends.
#include "critic/advantage.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <tendril/random.h>

enum { N = 12, PATHS = 4 };

// lengths 1, 4, 2, 5; the second path starts in the middle of an episode
static tendril_path paths[PATHS] = {{0, 1, 0, TENDRIL_END_TERMINATED},
                                    {1, 4, 0, TENDRIL_END_TRUNCATED},
                                    {5, 2, 1, TENDRIL_END_CUT},
                                    {7, 5, 1, TENDRIL_END_TERMINATED}};
static int times[N] = {0, 7, 8, 9, 10, 0, 1, 0, 1, 2, 3, 4};
static double reward[N], v[N], v_last[PATHS];
static tendril_batch batch = {.n = N, .npath = PATHS, .paths = paths, .time = times};

static void setup(void) {
  tendril_random random = tendril_random_stream(10, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, N, reward);
  tendril_random_normals(&random, N, v);
  tendril_random_normals(&random, PATHS, v_last);
  batch.reward = reward;
  // the value after a termination must not be looked at
  v_last[0] = v_last[3] = (double)NAN;
}

// sum over l of (gamma lambda)^l delta_{t+l} to the end of the path, from the definition
static double by_definition(const tendril_path *path, double last, int64_t t, double gamma,
                            double lambda) {
  int64_t end = path->first + path->length;
  double sum = 0;
  for (int64_t k = t; k < end; k++) {
    bool over = k + 1 == end && path->end == TENDRIL_END_TERMINATED;
    double next = over ? 0 : k + 1 == end ? last : v[k + 1];
    sum += pow(gamma * lambda, (double)(k - t)) * (reward[k] + gamma * next - v[k]);
  }
  return sum;
}

Test(advantage, gae_is_the_sum_of_its_definition_for_all_three_ends, .init = setup) {
  const double gammas[] = {0, 0.9, 0.995, 1}, lambdas[] = {0, 0.5, 0.97, 1};
  for (int g = 0; g < 4; g++)
    for (int l = 0; l < 4; l++) {
      double A[N], target[N];
      tnd_advantage_gae(&batch, reward, v, v_last, gammas[g], lambdas[l], A, target);
      for (int p = 0; p < PATHS; p++)
        for (int64_t t = paths[p].first; t < paths[p].first + paths[p].length; t++) {
          check_close(A[t], by_definition(&paths[p], v_last[p], t, gammas[g], lambdas[l]), 1e-14);
          check_close(target[t], A[t] + v[t], 1e-15);
        }
    }
}

Test(advantage, lambda_0_is_one_step_and_lambda_1_is_the_return_minus_the_value, .init = setup) {
  double A[N], q[N], gamma = 0.9;
  tnd_advantage_gae(&batch, reward, v, v_last, gamma, 0, A, NULL);
  cr_assert_eq(A[0], reward[0] - v[0]);
  check_close(A[1], reward[1] + gamma * v[2] - v[1], 1e-15);
  check_close(A[4], reward[4] + gamma * v_last[1] - v[4], 1e-15);
  check_close(A[6], reward[6] + gamma * v_last[2] - v[6], 1e-15);
  cr_assert_eq(A[11], reward[11] - v[11]);
  tnd_advantage_gae(&batch, reward, v, v_last, gamma, 1, A, NULL);
  tnd_discounted_returns(&batch, reward, v_last, gamma, q);
  for (int t = 0; t < N; t++)
    check_close(A[t], q[t] - v[t], 1e-14);
}

Test(advantage, a_perfect_value_function_leaves_no_advantage, .init = setup) {
  double A[N], q[N];
  tnd_discounted_returns(&batch, reward, v_last, 0.9, q);
  tnd_advantage_gae(&batch, reward, q, v_last, 0.9, 0.7, A, NULL);
  for (int t = 0; t < N; t++)
    check_close(A[t], 0, 1e-14);
}

Test(advantage, returns_without_bootstrap_are_the_discounted_rewards, .init = setup) {
  double q[N];
  tnd_discounted_returns(&batch, reward, NULL, 0.5, q);
  check_close(q[4], reward[4], 1e-15);
  check_close(q[1], reward[1] + 0.5 * reward[2] + 0.25 * reward[3] + 0.125 * reward[4], 1e-15);
  check_close(q[5], reward[5] + 0.5 * reward[6], 1e-15);
}

Test(advantage, targets_may_overwrite_the_values, .init = setup) {
  double A[N], target[N], in_place[N];
  for (int t = 0; t < N; t++)
    in_place[t] = v[t];
  tnd_advantage_gae(&batch, reward, v, v_last, 0.9, 0.7, A, target);
  tnd_advantage_gae(&batch, reward, in_place, v_last, 0.9, 0.7, A, in_place);
  for (int t = 0; t < N; t++)
    cr_assert_eq(in_place[t], target[t]);
}

Test(advantage, the_state_after_a_path_is_one_step_later, .init = setup) {
  int last[PATHS];
  tnd_last_times(&batch, last);
  cr_assert(last[0] == 1 && last[1] == 11 && last[2] == 2 && last[3] == 5);
}

Test(advantage, explained_variance_is_1_for_the_truth_and_0_for_a_constant, .init = setup) {
  double constant[N] = {0}, shifted[N], half[N];
  for (int t = 0; t < N; t++) {
    shifted[t] = v[t] + 5;
    half[t] = 0.5 * v[t];
  }
  check_close(tnd_explained_variance(N, v, v), 1, 0);
  check_close(tnd_explained_variance(N, constant, v), 0, 1e-14);
  check_close(tnd_explained_variance(N, shifted, v), 1, 1e-14);
  check_close(tnd_explained_variance(N, half, v), 0.75, 1e-14);
  cr_assert(isnan(tnd_explained_variance(N, v, constant)));
  cr_assert(isnan(tnd_explained_variance(0, v, v)));
}

Test(advantage, standardised_entries_have_mean_0_and_deviation_1, .init = setup) {
  double a[N], mean = 0, variance = 0;
  for (int t = 0; t < N; t++)
    a[t] = 1e3 + 50 * v[t];
  tnd_standardise(N, a);
  for (int t = 0; t < N; t++)
    mean += a[t] / N;
  for (int t = 0; t < N; t++)
    variance += a[t] * a[t] / N;
  check_close(mean, 0, 1e-13);
  check_close(variance, 1, 1e-12);
  // entries that do not differ; their mean is not 0.1 to the bit
  double same[7] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
  tnd_standardise(7, same);
  for (int t = 0; t < 7; t++)
    cr_assert_eq(same[t], 0);
  tnd_standardise(0, same);
}

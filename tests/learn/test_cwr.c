// Cost-weighted regression: an iteration against weights and least squares worked out anew, that it
// learns, that it begins with a clone of a demonstration, divergence, threads, resume, refusals.
#include "learn/cwr.h"

#include "policy/policy.h"
#include "support/cart.h"
#include "support/close.h"
#include "support/demonstration.h"
#include "support/learned.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { T = SUPPORT_CART_STEPS };

static tendril_cwr_options defaults(void) {
  tendril_cwr_options o;
  tendril_cwr_defaults(&o);
  return o;
}

// Without a demonstration; a linear policy of the cart's position and speed.
static support_training open_linear(const tendril_model *model, int streams, double log_std,
                                    const tendril_cwr_options *o) {
  support_training t;
  tendril_policy_options policy;
  tendril_policy_defaults(&policy);
  policy.kind = TENDRIL_POLICY_LINEAR;
  policy.precision = TENDRIL_DOUBLE;
  policy.normalize = false;
  policy.log_std = log_std;
  check_ok(support_training_open(&t, &tnd_method_cwr, o, model, streams, policy, 2, check_err));
  return t;
}

// A deviation of actions that no option allows.
static void set_noise(support_training *t, double sd) {
  const double log_std = log(sd);
  check_ok(tnd_policy_set_log_std(t->policy, &log_std, check_err));
}

// The policy's mean at an observation.
static double mean_at(const tendril_policy *policy, const double *obs) {
  tendril_actor *actor;
  double u;
  check_ok(tendril_actor_create(policy, &actor, check_err));
  tendril_policy_act(policy, actor, 0, obs, NULL, &u);
  tendril_actor_destroy(actor);
  return u;
}

// weight [npath] = exp(-c (J - min J)); returns the weighted mean return.
static double weigh(const tendril_batch *b, double c, double *weight) {
  double best = -HUGE_VAL, sum = 0, of_return = 0, *total = calloc((size_t)b->npath, sizeof *total);
  for (int64_t i = 0; i < b->npath; i++) {
    for (int k = 0; k < b->paths[i].length; k++)
      total[i] += b->reward[b->paths[i].first + k];
    best = fmax(best, total[i]);
  }
  for (int64_t i = 0; i < b->npath; i++) {
    weight[i] = exp(c * (total[i] - best));
    sum += weight[i];
    of_return += weight[i] * total[i];
  }
  free(total);
  return of_return / sum;
}

// u = w[0] x + w[1] v + w[2] by weighted least squares (QR), and the weighted mean square of what
// is left; weight [npath].
static double least_squares(const tendril_batch *b, const double *weight, double *w) {
  const size_t n = (size_t)b->n;
  double *A = malloc(sizeof *A * n * 3), *y = malloc(sizeof *y * n), sum = 0, residual = 0;
  for (int64_t i = 0; i < b->npath; i++)
    for (int64_t k = b->paths[i].first; k < b->paths[i].first + b->paths[i].length; k++) {
      const double root = sqrt(weight[i]);
      A[3 * k] = root * b->obs[2 * k];
      A[3 * k + 1] = root * b->obs[2 * k + 1];
      A[3 * k + 2] = root;
      y[k] = root * b->action[k];
      sum += weight[i];
    }
  cr_assert_eq(LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', (int)n, 3, 1, A, 3, y, 1), 0);
  memcpy(w, y, sizeof *w * 3);
  for (size_t k = 3; k < n; k++)
    residual += y[k] * y[k];
  free(A);
  free(y);
  return residual / sum;
}

Test(cwr, an_iteration_is_weights_and_least_squares) {
  enum { STREAMS = 200 };
  tendril_model *model = support_cart_model();
  const tendril_cwr_options o = defaults();
  support_training t = open_linear(model, STREAMS, 0.5, &o);
  // the same rollouts elsewhere
  tendril_rollout *rollout;
  const tendril_batch *b;
  tendril_rollout_stats collected;
  double weight[STREAMS], w[3], sum = 0, squares = 0;
  const tendril_rollout_options whole = support_whole_episodes(STREAMS, T);
  check_ok(tendril_rollout_create(&whole, model, t.pool, 4, &rollout, check_err));
  check_ok(tendril_rollout_collect(rollout, t.policy, &b, &collected, check_err));
  cr_assert_eq(b->npath, STREAMS);
  support_iterations(&t, 1);
  const double weighted = weigh(b, support_value(&t, "cost_weight"), weight);
  check_close(support_value(&t, "weighted_return"), weighted, 1e-12);
  for (int i = 0; i < STREAMS; i++) {
    sum += weight[i];
    squares += weight[i] * weight[i];
  }
  check_close(sum * sum / squares, 0.1 * STREAMS, 1e-8);  // as the bisection ends, and rounding
  check_close(support_value(&t, "effective"), 0.1 * STREAMS, 1e-8);
  cr_assert_eq(support_value(&t, "void_rollouts"), 0);
  const double variance = least_squares(b, weight, w);
  const double at[3][2] = {{0, 0}, {1, 0}, {0, 1}}, expected[3] = {w[2], w[0] + w[2], w[1] + w[2]};
  for (int i = 0; i < 3; i++)
    check_close(mean_at(t.policy, at[i]), expected[i], 1e-3);  // where the search ends
  check_close(support_value(&t, "policy_noise"), sqrt(variance), 1e-5);
  tendril_rollout_destroy(rollout);
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(cwr, learns_to_bring_the_cart_to_rest) {
  tendril_model *model = support_cart_model();
  const tendril_cwr_options o = defaults();
  double K[2 * T];
  support_training t = open_linear(model, 200, 0.5, &o);
  support_iterations(&t, 1);
  const double first = support_value(&t, "return_mean");
  support_iterations(&t, 40);
  // left alone it costs 18, by the best feedback some 13
  cr_assert_gt(support_value(&t, "return_mean"), first + 3);
  // the feedback has the signs of LQR's, if not its size: each step of an episode has its own there
  support_cart_gains(K);
  const double zero[2] = {0, 0}, x[2] = {1, 0};
  cr_assert_lt(mean_at(t.policy, x) - mean_at(t.policy, zero), 0.2 * K[0]);
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(cwr, an_iteration_after_the_first_allocates_nothing) {
  tendril_model *model = support_cart_model();
  const tendril_cwr_options o = defaults();
  support_training t = open_linear(model, 20, 0.5, &o);
  support_check_allocates_nothing(t.learner, 2);
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(cwr, rollouts_that_diverge_count_nothing) {
  tendril_model *model = support_cart_model();
  const tendril_cwr_options o = defaults();
  // MuJoCo takes no forces above 1e10 N: of 12 steps one is out of bounds in every fifth episode
  support_training t = open_linear(model, 60, 0, &o);
  set_noise(&t, 4.3e9);
  support_iterations(&t, 1);
  cr_assert(support_value(&t, "void_rollouts") > 0 &&
            support_value(&t, "void_rollouts") == support_value(&t, "diverged"));
  cr_assert(isfinite(support_value(&t, "weighted_return")));
  support_training_close(&t);
  // in every one
  tendril_error err;
  t = open_linear(model, 60, 0, &o);
  set_noise(&t, 2e10);
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "cwr: none of") && strstr(err.text, "policy.log_std"), "%s", err.text);
  support_training_close(&t);
  tendril_model_destroy(model);
}

// ---------------------------------------------------------------------------- with a demonstration

enum { STEPS = 40, STREAMS = 20 };

static tendril_model *swimmer(void) {
  return support_swimmer_model(0.01, STEPS);
}

static tendril_cwr_options small(void) {
  tendril_cwr_options o = defaults();
  o.samples = 16;
  o.tail = 5;
  o.reach = 100;
  o.effective = 0.3;
  return o;
}

static support_demonstration begin(tendril_model *model, const tendril_cwr_options *o, int n,
                                   int threads) {
  support_demonstration s = support_demonstrate(model, n, STEPS, 20, threads);
  s.setup.rollout = support_whole_episodes(STREAMS, STEPS);
  check_ok(support_imitate(&s, &tnd_method_cwr, o, check_err));
  return s;
}

Test(cwr, begins_with_a_clone_of_a_demonstration) {
  tendril_model *model = swimmer();
  const tendril_cwr_options o = small();
  support_demonstration s = begin(model, &o, 1, 2), alone = begin(model, &o, 0, 2);
  support_imitate_on(&s, 1);
  support_imitate_on(&alone, 1);
  // a return at rest is -40
  cr_assert_gt(support_imitation(&s, "return_mean"), support_imitation(&alone, "return_mean") + 5);
  cr_assert_eq(tendril_learner_steps(alone.learner), STREAMS * STEPS);
  cr_assert_eq(tendril_learner_steps(s.learner), STREAMS * STEPS + 16 * (STEPS - 5));
  support_imitate_on(&s, 1);  // it is cloned once
  cr_assert_eq(tendril_learner_steps(s.learner), 2 * STREAMS * STEPS + 16 * (STEPS - 5));
  cr_assert_eq(support_imitation(&s, "clone_cpu"), 0);
  support_demonstration_close(&s);
  support_demonstration_close(&alone);
  tendril_model_destroy(model);
}

Test(cwr, training_is_the_same_bits_on_one_two_and_three_threads) {
  tendril_model *model = swimmer();
  const tendril_cwr_options o = small();
  support_demonstration s[3];
  for (int i = 0; i < 3; i++)
    s[i] = begin(model, &o, 1, i + 1);
  support_check_alike(s, 3, 3);
  support_demonstration_close(&s[0]);
  tendril_model_destroy(model);
}

Test(cwr, goes_on_bit_for_bit_from_what_it_saved) {
  tendril_model *model = swimmer();
  const tendril_cwr_options o = small();
  for (int n = 0; n < 2; n++)  // with a demonstration and without
    support_check_imitation_resumes(begin(model, &o, n, 2), begin(model, &o, n, 3));
  tendril_model_destroy(model);
}

Test(cwr, what_it_cannot_learn_from_is_refused_in_one_line) {
  tendril_model *model = swimmer();
  const tendril_cwr_options o = small();
  support_demonstration s = support_demonstrate(model, 1, STEPS, 1, 1);
  s.setup.rollout = support_whole_episodes(STREAMS, STEPS);
  s.setup.rollout.episodes = TENDRIL_EPISODES_CARRIED;
  support_check_not_imitated(&s, &tnd_method_cwr, &o, TENDRIL_E_CONFIG,
                             "cwr needs one whole episode of every stream");
  s.setup.rollout = support_whole_episodes(STREAMS, 2 * STEPS);
  support_check_not_imitated(&s, &tnd_method_cwr, &o, TENDRIL_E_CONFIG,
                             "cwr needs one whole episode of every stream");
  s.setup.rollout = support_whole_episodes(STREAMS, STEPS);
  support_check_not_time_linear(&s, &tnd_method_cwr, &o);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

// With noise of hundreds of N m.
Test(cwr, a_demonstration_that_falls_is_named) {
  tendril_model *model = swimmer();
  tendril_cwr_options o = small();
  o.cost_scale = 1e-3;
  o.reach = 0.3;
  support_demonstration s = begin(model, &o, 1, 2);
  support_check_lost(&s, "none of 16 rollouts", "larger learner.cost_scale");
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

Test(cwr, noise_that_collapsed_and_too_few_states_are_named) {
  tendril_model *model = support_cart_model();
  tendril_cwr_options o = defaults();
  tendril_error err;
  support_training t = open_linear(model, 60, 0, &o);
  set_noise(&t, 1e-4);
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "cwr: the policy's noise has collapsed") &&
                strstr(err.text, "learner.effective"),
            "%s", err.text);
  support_training_close(&t);
  tendril_model_destroy(model);

  // one rollout of 40 steps for 20 units
  model = swimmer();
  o = small();
  o.effective = 1.0 / STREAMS;
  support_demonstration s = support_demonstrate(model, 1, STEPS, 5, 1);
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.hidden = (tendril_sizes){.n = 1, .at = {20}};
  tendril_policy *large;
  check_ok(tendril_policy_create(&options, 8, 2, STEPS, 1, &large, check_err));
  s.setup.policy = large;
  s.setup.rollout = support_whole_episodes(STREAMS, STEPS);
  check_ok(support_imitate(&s, &tnd_method_cwr, &o, check_err));
  support_check_lost(&s, "cwr: the rollouts that count have 40 states", "rollout.streams");
  support_demonstration_close(&s);
  tendril_policy_destroy(large);
  tendril_model_destroy(model);
}

Test(cwr, every_failed_allocation_is_a_clean_error) {
  tendril_model *model = swimmer();
  const tendril_cwr_options o = small();
  support_demonstration s = support_demonstrate(model, 1, STEPS, 2, 1);
  s.setup.rollout = support_whole_episodes(2, STEPS);
  cr_assert_gt(support_fail_each_imitation(&s, &tnd_method_cwr, &o, 1), 8);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

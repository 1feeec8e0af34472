// MOTO as a whole: it reproduces LQR, keeps its bounds, swings up; the same bits on any number of
// threads; what cannot be is refused in one line.
#include "learn/moto.h"

#include "policy/time_linear.h"
#include "support/cart.h"
#include "support/learned.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tendril_status try_open(support_training *t, const tendril_model *model, int streams,
                               double log_std, const tendril_moto_options *o, int threads,
                               tendril_error *err) {
  return support_training_open(t, &tnd_method_moto, o, model, streams, support_time_linear(log_std),
                               threads, err);
}

static tendril_moto_options defaults(void) {
  tendril_moto_options o;
  tendril_moto_defaults(&o);
  return o;
}

// How far the gains are from those of LQR, and the means from 0: the largest difference.
static double distance_to_lqr(const support_training *t) {
  double K[2 * SUPPORT_CART_STEPS], worst = 0;
  support_cart_gains(K);
  // the last action hardly matters: what it costs is all that it does
  for (int s = 0; s < SUPPORT_CART_STEPS; s++) {
    const tnd_linear_gaussian step = tnd_time_linear_step(t->policy, s);
    for (int i = 0; i < 2; i++)
      worst = fmax(worst, fabs(step.K[i] - K[2 * s + i]));
    worst = fmax(worst, fabs(step.k[0]));
  }
  return worst;
}

static void check_reaches_lqr(tendril_moto_options o, int streams) {
  tendril_model *model = support_cart_model();
  support_training t;
  check_ok(try_open(&t, model, streams, 1, &o, 2, check_err));
  const double before = distance_to_lqr(&t);
  support_iterations(&t, 60);
  // gains are up to 4 in size; what is left of the noise is what moves them
  cr_assert_gt(before, 2);
  cr_assert_lt(distance_to_lqr(&t), 0.1, "%g", distance_to_lqr(&t));
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(moto, repeated_updates_reach_the_gains_of_lqr) {
  tendril_moto_options o = defaults();
  o.reuse = TENDRIL_REUSE_NONE;
  o.keep = 1;
  o.max_kl = 0.5;
  o.entropy_drop = 0.2;
  check_reaches_lqr(o, 60);
}

Test(moto, so_they_do_with_samples_of_other_steps_and_iterations) {
  tendril_moto_options o = defaults();
  o.max_kl = 0.5;
  o.entropy_drop = 0.2;
  check_reaches_lqr(o, 12);
  o.states = TENDRIL_STATES_FORWARD;
  check_reaches_lqr(o, 12);
}

Test(moto, so_they_do_by_monte_carlo_with_many_samples) {
  tendril_moto_options o = defaults();
  o.targets = TENDRIL_TARGETS_MONTE_CARLO;
  o.reuse = TENDRIL_REUSE_NONE;
  o.keep = 1;
  o.max_kl = 0.2;
  o.entropy_drop = 0.1;
  check_reaches_lqr(o, 400);
}

Test(moto, every_step_keeps_its_bounds) {
  tendril_model *model = support_model("double-link", NULL);
  tendril_moto_options o = defaults();
  support_training t;
  check_ok(try_open(&t, model, 10, 1, &o, 2, check_err));
  double entropy = -HUGE_VAL;
  for (int k = 0; k < 6; k++) {
    support_iterations(&t, 1);
    cr_assert_leq(support_value(&t, "kl_max"), o.max_kl * (1 + 1e-6));
    cr_assert_geq(support_value(&t, "entropy"), entropy - o.entropy_drop - 1e-6);
    entropy = support_value(&t, "entropy");
    cr_assert(support_value(&t, "gain") > 0 && support_value(&t, "effective_min") >= 1.5 &&
              support_value(&t, "fit") <= 1);
  }
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(moto, training_is_the_same_bits_on_one_two_and_three_threads) {
  tendril_model *model = support_model("double-link", NULL);
  const tendril_moto_options o = defaults();
  support_training t[3];
  for (int i = 0; i < 3; i++) {
    check_ok(try_open(&t[i], model, 7, 1, &o, i + 1, check_err));
    support_iterations(&t[i], 4);
    check_same_policy(t[i].policy, t[0].policy);
  }
  for (int i = 0; i < 3; i++)
    support_training_close(&t[i]);
  tendril_model_destroy(model);
}

Test(moto, episodes_that_stop_short_are_named) {
  // inverted-pendulum-v4 falls within a few steps of 1000
  tendril_model *model = support_model("inverted-pendulum-v4", NULL);
  tendril_moto_options o = defaults();
  support_training t;
  tendril_error err;
  check_ok(try_open(&t, model, 4, 1, &o, 2, check_err));
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "moto, step ") && strstr(err.text, "every episode has to reach"), "%s",
            err.text);
  for (int i = 0; i < tendril_policy_nparam(t.policy); i++)
    cr_assert(isfinite(tendril_policy_get_params(t.policy)[i]));
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(moto, too_few_samples_are_counted) {
  tendril_model *model = support_cart_model();
  tendril_moto_options o = defaults();
  support_training t;
  tendril_error err;
  o.reuse = TENDRIL_REUSE_NONE;
  o.ridge = 0;
  check_ok(try_open(&t, model, 5, 1, &o, 1, check_err));
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "5 samples") && strstr(err.text, "10 features"), "%s", err.text);
  support_training_close(&t);
  // a single rollout has no distribution of states
  o = defaults();
  check_ok(try_open(&t, model, 1, 1, &o, 1, check_err));
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "rollout.streams to be 2 or more"), "%s", err.text);
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(moto, a_covariance_that_collapsed_is_named_and_its_samples_are_forgotten) {
  tendril_model *model = support_cart_model();
  const tendril_moto_options o = defaults();
  support_training t;
  tendril_error err;
  check_ok(try_open(&t, model, 8, 1, &o, 2, check_err));
  const int n = tendril_policy_nparam(t.policy);
  double *good = malloc(sizeof *good * (size_t)n);
  cr_assert(good);
  memcpy(good, tendril_policy_get_params(t.policy), sizeof *good * (size_t)n);
  double K[2] = {0}, k = 1, C = 1e-13;
  tnd_linear_gaussian mute[SUPPORT_CART_STEPS];
  for (int s = 0; s < SUPPORT_CART_STEPS; s++)
    mute[s] = (tnd_linear_gaussian){2, 1, K, &k, &C};
  check_ok(tnd_time_linear_set(t.policy, mute, check_err));
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert_not_null(strstr(err.text, "step 0: the policy's covariance has collapsed"), "%s",
                     err.text);
  check_ok(tendril_policy_set_params(t.policy, good, check_err));
  support_iterations(&t, 1);
  // of this iteration alone
  cr_assert_leq(support_value(&t, "effective"), 8 * SUPPORT_CART_STEPS, "%g",
                support_value(&t, "effective"));
  free(good);
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(moto, what_cannot_be_is_refused_in_a_line_that_names_the_option) {
  tendril_model *model = support_cart_model();
  support_training t;
  tendril_error err;
  tendril_moto_options o = defaults();
  o.targets = TENDRIL_TARGETS_MONTE_CARLO;
  cr_assert_eq(try_open(&t, model, 4, 1, &o, 1, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "learner.reuse"), "%s", err.text);
  support_training_close(&t);

  // another policy, another rollout
  o = defaults();
  tendril_pool *pool = NULL;
  tendril_policy *policy = NULL;
  tendril_learner *learner = NULL;
  tendril_policy_options p = support_time_linear(0);
  p.covariance = TENDRIL_COVARIANCE_DIAGONAL;
  check_ok(tendril_pool_create(1, &pool, check_err));
  check_ok(tendril_policy_create(&p, 2, 1, SUPPORT_CART_STEPS, 1, &policy, check_err));
  tendril_learner_setup setup = {.model = model,
                                 .pool = pool,
                                 .policy = policy,
                                 .seed = 4,
                                 .rollout = support_whole_episodes(4, SUPPORT_CART_STEPS)};
  cr_assert_eq(tendril_moto_create(&o, &setup, &learner, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "policy.covariance=full"), "%s", err.text);
  tendril_policy_destroy(policy);
  p.covariance = TENDRIL_COVARIANCE_FULL;
  check_ok(tendril_policy_create(&p, 2, 1, SUPPORT_CART_STEPS, 1, &policy, check_err));
  setup.policy = policy;
  setup.rollout.batch *= 2;
  cr_assert_eq(tendril_moto_create(&o, &setup, &learner, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "rollout.batch=48"), "%s", err.text);
  tendril_policy_destroy(policy);
  tendril_pool_destroy(pool);
  tendril_model_destroy(model);
}

static tendril_status live(void *context, tendril_error *err) {
  support_training t;
  const tendril_moto_options o = defaults();
  tendril_status status = try_open(&t, context, 3, 1, &o, 1, err);
  if (status == TENDRIL_OK) status = support_iterate(&t, err);
  support_training_close(&t);
  return status;
}

Test(moto, every_failed_allocation_is_a_clean_error) {
  tendril_model *model = support_cart_model();
  cr_assert_gt(support_fail_each_alloc(live, model), 8);
  tendril_model_destroy(model);
}

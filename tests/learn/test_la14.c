// The trajectory optimiser of Levine and Abbeel as a learner: it reaches LQR and swings up; the
// bound, its adaptation, the same bits on any threads, and what is refused.
#include "learn/la14.h"

#include "policy/time_linear.h"
#include "support/cart.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct training {
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_learner *learner;
  tendril_rollout_stats collected;
  tendril_la14_stats stats;
} training;

static tendril_status try_open(training *t, const tendril_model *model, int streams, double log_std,
                               const tendril_la14_options *o, int threads, tendril_error *err) {
  const int T = tendril_model_max_steps(model);
  tendril_policy_options p;
  tendril_policy_defaults(&p);
  p.kind = TENDRIL_POLICY_TIME_LINEAR;
  p.covariance = TENDRIL_COVARIANCE_FULL;
  p.normalize = false;
  p.log_std = log_std;
  *t = (training){0};
  TENDRIL_TRY(tendril_pool_create(threads, &t->pool, err));
  TENDRIL_TRY(tendril_policy_create(&p, tendril_model_nobs(model), tendril_model_nact(model), T, 1,
                                    &t->policy, err));
  tendril_learner_setup setup = {
      .model = model,
      .pool = t->pool,
      .policy = t->policy,
      .seed = 4,
      .rollout = {.streams = streams, .batch = streams * T, .episodes = TENDRIL_EPISODES_WHOLE}};
  tendril_critic_defaults(&setup.critic);
  return tendril_la14_create(o, &setup, &t->learner, err);
}

static void shut(training *t) {
  tendril_learner_destroy(t->learner);
  tendril_policy_destroy(t->policy);
  tendril_pool_destroy(t->pool);
}

static tendril_status iterate(training *t, tendril_error *err) {
  double values[(sizeof t->collected + sizeof t->stats) / sizeof(double)];
  TENDRIL_TRY(tendril_learner_iterate(t->learner, values, err));
  memcpy(&t->collected, values, sizeof t->collected);
  memcpy(&t->stats, values + sizeof t->collected / sizeof(double), sizeof t->stats);
  return TENDRIL_OK;
}

static tendril_model *cart(void) {
  tendril_model *model = NULL;
  check_ok(tendril_model_create(&support_cart, support_mjcf("cart.xml"), NULL, &model, check_err));
  return model;
}

static tendril_la14_options defaults(void) {
  tendril_la14_options o;
  tendril_la14_defaults(&o);
  return o;
}

static void check_reaches_lqr(const tendril_la14_options *o, int streams) {
  tendril_model *model = cart();
  training t;
  double K[2 * SUPPORT_CART_STEPS];
  support_cart_gains(K);
  check_ok(try_open(&t, model, streams, 1, o, 2, check_err));
  for (int k = 0; k < 40; k++) {
    check_ok(iterate(&t, check_err));
    cr_assert_leq(t.stats.kl, t.stats.max_kl * (1 + 1e-9));
    cr_assert_geq(t.stats.expected_gain, 0);
  }
  for (int s = 0; s < SUPPORT_CART_STEPS; s++) {
    const tnd_linear_gaussian step = tnd_time_linear_step(t.policy, s);
    // the dynamics are linear: what is left is the ridge, and the prior's pull
    for (int i = 0; i < 2; i++)
      check_close(step.K[i], K[2 * s + i], 0.02);
    check_close(step.k[0], 0, 0.02);
  }
  shut(&t);
  tendril_model_destroy(model);
}

Test(la14, reaches_the_gains_of_lqr_by_regression) {
  tendril_la14_options o = defaults();
  o.max_kl = 0.5;
  check_reaches_lqr(&o, 12);
}

Test(la14, so_it_does_with_few_samples_and_a_prior) {
  tendril_la14_options o = defaults();
  o.max_kl = 0.5;
  o.dynamics = TENDRIL_DYNAMICS_MIXTURE;
  check_reaches_lqr(&o, 4);
}

Test(la14, the_bound_grows_while_the_model_keeps_its_promises) {
  tendril_model *model = cart();
  tendril_la14_options o = defaults();
  o.adapt = true;
  o.max_kl = 0.01;
  training t;
  check_ok(try_open(&t, model, 40, 0, &o, 2, check_err));
  check_ok(iterate(&t, check_err));
  cr_assert_eq(t.stats.max_kl, 0.01);
  for (int k = 0; k < 5; k++)
    check_ok(iterate(&t, check_err));
  cr_assert_gt(t.stats.max_kl, 0.02);
  shut(&t);
  tendril_model_destroy(model);
}

Test(la14, training_is_the_same_bits_on_one_two_and_three_threads) {
  tendril_model *model = support_model("double-link", NULL);
  tendril_la14_options o = defaults();
  o.dynamics = TENDRIL_DYNAMICS_MIXTURE;
  training t[3];
  for (int i = 0; i < 3; i++) {
    check_ok(try_open(&t[i], model, 6, 0, &o, i + 1, check_err));
    for (int k = 0; k < 3; k++)
      check_ok(iterate(&t[i], check_err));
    check_same_bits(tendril_policy_get_params(t[i].policy), tendril_policy_get_params(t[0].policy),
                    tendril_policy_nparam(t[0].policy));
  }
  for (int i = 0; i < 3; i++)
    shut(&t[i]);
  tendril_model_destroy(model);
}

Test(la14, too_few_samples_are_counted) {
  tendril_model *model = cart();
  const tendril_la14_options o = defaults();
  training t;
  tendril_error err;
  check_ok(try_open(&t, model, 4, 1, &o, 1, check_err));  // 5 are needed
  cr_assert_eq(iterate(&t, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "4 ") && strstr(err.text, "5"), "%s", err.text);
  shut(&t);
  check_ok(try_open(&t, model, 1, 1, &o, 1, check_err));
  cr_assert_eq(iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "rollout.streams"), "%s", err.text);
  shut(&t);
  tendril_model_destroy(model);
}

Test(la14, tasks_without_a_cost_of_their_state_are_refused) {
  const tendril_la14_options o = defaults();
  // paid by formulas of its own; observes less than its state
  const char *const tasks[] = {"hopper-v4", "walker-gps"};
  for (int i = 0; i < 2; i++) {
    tendril_model *model = support_model(tasks[i], NULL);
    training t;
    tendril_error err;
    cr_assert_eq(try_open(&t, model, 4, 0, &o, 1, &err), TENDRIL_E_CONFIG, "%s", tasks[i]);
    cr_assert(strstr(err.text, "la14 needs a task") && strstr(err.text, tasks[i]), "%s", err.text);
    shut(&t);
    tendril_model_destroy(model);
  }
}

static tendril_status live(void *context, tendril_error *err) {
  training t;
  tendril_la14_options o = defaults();
  o.dynamics = TENDRIL_DYNAMICS_MIXTURE;
  tendril_status status = try_open(&t, context, 3, 1, &o, 1, err);
  if (status == TENDRIL_OK) status = iterate(&t, err);
  shut(&t);
  return status;
}

Test(la14, every_failed_allocation_is_a_clean_error) {
  tendril_model *model = cart();
  cr_assert_gt(support_fail_each_alloc(live, model), 8);
  tendril_model_destroy(model);
}

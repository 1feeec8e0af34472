// The trajectory optimiser of Levine and Abbeel as a learner: it reaches LQR and swings up; the
// bound, its adaptation, the same bits on any threads, and what is refused.
#include "learn/la14.h"

#include "policy/time_linear.h"
#include "support/cart.h"
#include "support/close.h"
#include "support/learned.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <string.h>

static tendril_status try_open(support_training *t, const tendril_model *model, int streams,
                               double log_std, const tendril_la14_options *o, int threads,
                               tendril_error *err) {
  return support_training_open(t, &tnd_method_la14, o, model, streams, support_time_linear(log_std),
                               threads, err);
}

static tendril_la14_options defaults(void) {
  tendril_la14_options o;
  tendril_la14_defaults(&o);
  return o;
}

static void check_reaches_lqr(const tendril_la14_options *o, int streams) {
  tendril_model *model = support_cart_model();
  support_training t;
  double K[2 * SUPPORT_CART_STEPS];
  support_cart_gains(K);
  check_ok(try_open(&t, model, streams, 1, o, 2, check_err));
  for (int k = 0; k < 40; k++) {
    support_iterations(&t, 1);
    cr_assert_leq(support_value(&t, "kl"), support_value(&t, "max_kl") * (1 + 1e-9));
    cr_assert_geq(support_value(&t, "expected_gain"), 0);
  }
  for (int s = 0; s < SUPPORT_CART_STEPS; s++) {
    const tnd_linear_gaussian step = tnd_time_linear_step(t.policy, s);
    // the dynamics are linear: what is left is the ridge, and the prior's pull
    for (int i = 0; i < 2; i++)
      check_close(step.K[i], K[2 * s + i], 0.02);
    check_close(step.k[0], 0, 0.02);
  }
  support_training_close(&t);
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
  tendril_model *model = support_cart_model();
  tendril_la14_options o = defaults();
  o.adapt = true;
  o.max_kl = 0.01;
  support_training t;
  check_ok(try_open(&t, model, 40, 0, &o, 2, check_err));
  support_iterations(&t, 1);
  cr_assert_eq(support_value(&t, "max_kl"), 0.01);
  support_iterations(&t, 5);
  cr_assert_gt(support_value(&t, "max_kl"), 0.02);
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(la14, training_is_the_same_bits_on_one_two_and_three_threads) {
  tendril_model *model = support_model("double-link", NULL);
  tendril_la14_options o = defaults();
  o.dynamics = TENDRIL_DYNAMICS_MIXTURE;
  support_training t[3];
  for (int i = 0; i < 3; i++) {
    check_ok(try_open(&t[i], model, 6, 0, &o, i + 1, check_err));
    support_iterations(&t[i], 3);
    check_same_policy(t[i].policy, t[0].policy);
  }
  for (int i = 0; i < 3; i++)
    support_training_close(&t[i]);
  tendril_model_destroy(model);
}

Test(la14, too_few_samples_are_counted) {
  tendril_model *model = support_cart_model();
  const tendril_la14_options o = defaults();
  support_training t;
  tendril_error err;
  check_ok(try_open(&t, model, 4, 1, &o, 1, check_err));  // 5 are needed
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "4 ") && strstr(err.text, "5"), "%s", err.text);
  support_training_close(&t);
  check_ok(try_open(&t, model, 1, 1, &o, 1, check_err));
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "rollout.streams"), "%s", err.text);
  support_training_close(&t);
  tendril_model_destroy(model);
}

Test(la14, tasks_without_a_cost_of_their_state_are_refused) {
  const tendril_la14_options o = defaults();
  // paid by formulas of its own; observes less than its state
  const char *const tasks[] = {"hopper-v4", "walker-gps"};
  for (int i = 0; i < 2; i++) {
    tendril_model *model = support_model(tasks[i], NULL);
    support_training t;
    tendril_error err;
    cr_assert_eq(try_open(&t, model, 4, 0, &o, 1, &err), TENDRIL_E_CONFIG, "%s", tasks[i]);
    cr_assert(strstr(err.text, "la14 needs a task") && strstr(err.text, tasks[i]), "%s", err.text);
    support_training_close(&t);
    tendril_model_destroy(model);
  }
}

static tendril_status live(void *context, tendril_error *err) {
  support_training t;
  tendril_la14_options o = defaults();
  o.dynamics = TENDRIL_DYNAMICS_MIXTURE;
  tendril_status status = try_open(&t, context, 3, 1, &o, 1, err);
  if (status == TENDRIL_OK) status = support_iterate(&t, err);
  support_training_close(&t);
  return status;
}

Test(la14, every_failed_allocation_is_a_clean_error) {
  tendril_model *model = support_cart_model();
  cr_assert_gt(support_fail_each_alloc(live, model), 8);
  tendril_model_destroy(model);
}

// TRPO as a whole on small tasks: it learns, its steps keep the bound, its bits depend on nothing
// but the options and the seed.
#include "base/clock.h"
#include "base/options.h"
#include "critic/critic.h"
#include "learn/trpo.h"
#include "policy/time_linear.h"
#include "support/cart.h"
#include "support/close.h"
#include "support/learned.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct training {
  support_scene scene;
  tendril_learner *learner;
  double values[64];
} training;

static void open_training(training *t, const char *task, int threads, tendril_trpo_options options,
                          tendril_critic_options critic, tendril_rollout_options rollout) {
  support_scene_open(&t->scene, task, threads);
  tendril_learner_setup setup = {.model = t->scene.model,
                                 .pool = t->scene.pool,
                                 .policy = t->scene.policy,
                                 .seed = 1,
                                 .rollout = rollout,
                                 .critic = critic};
  check_ok(tendril_trpo_create(&options, &setup, &t->learner, check_err));
}

static void close_training(training *t) {
  tendril_learner_destroy(t->learner);
  support_scene_close(&t->scene);
}

static double value(const training *t, const char *name) {
  return support_stat(t->learner, t->values, name);
}

static tendril_trpo_options trpo_defaults(void) {
  tendril_trpo_options options;
  tnd_options_default(tnd_method_trpo.options, &options);
  return options;
}

static tendril_critic_options critic_defaults(void) {
  tendril_critic_options options;
  tnd_options_default(&tnd_critic_options, &options);
  return options;
}

static const tendril_rollout_options small = {.batch = 1024, .streams = 8};

// Mean return of the mean action over 10 episodes.
static double score(const training *t) {
  tendril_eval_options options = {.episodes = 10, .seed = 5, .series = 1};
  tendril_eval_result result;
  check_ok(tendril_evaluate(t->scene.model, t->scene.agent, t->scene.pool, &options, &result, NULL,
                            check_err));
  return result.returns.mean;
}

// A pendulum that stands for all of its 1000 steps earns 1000; a fresh policy drops it at once.
static void check_learns_pendulum(tendril_trpo_options options, tendril_critic_options critic) {
  training t;
  open_training(&t, "inverted-pendulum-v4", 2, options, critic, small);
  cr_assert_lt(score(&t), 200);
  for (int k = 0; k < 60; k++)
    check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
  double reached = score(&t);
  cr_assert_gt(reached, 800, "reached only %g", reached);
  close_training(&t);
}

Test(trpo, learns_to_balance_with_a_neural_critic) {
  check_learns_pendulum(trpo_defaults(), critic_defaults());
}

Test(trpo, learns_to_balance_with_a_linear_critic) {
  tendril_critic_options critic = critic_defaults();
  critic.kind = TENDRIL_CRITIC_LINEAR;
  check_learns_pendulum(trpo_defaults(), critic);
}

Test(trpo, learns_to_balance_with_scaled_rewards_on_a_share_of_the_rows) {
  tendril_trpo_options options = trpo_defaults();
  options.reward_scale = TENDRIL_REWARD_BY_RETURN_SD;
  options.fisher_share = 0.25;
  check_learns_pendulum(options, critic_defaults());
}

// Mean return of the mean actions of a policy for the cart.
static double cart_score(const support_stage *stage, const tendril_policy *policy) {
  const tendril_eval_options options = {.episodes = 20, .seed = 5, .series = 1};
  tendril_eval_result result;
  tendril_agent *agent = NULL;
  check_ok(tendril_agent_create(policy, false, &agent, check_err));
  check_ok(tendril_evaluate(stage->model, agent, stage->pool, &options, &result, NULL, check_err));
  tendril_agent_destroy(agent);
  return result.returns.mean;
}

Test(trpo, learns_linear_control_with_a_policy_and_a_quadratic_critic_for_every_step) {
  support_stage stage = support_stage_open(support_cart_model(), 2);
  tendril_policy_options shape;
  tendril_policy *policy = NULL;
  tendril_policy_defaults(&shape);
  shape.kind = TENDRIL_POLICY_TIME_LINEAR;
  shape.normalize = false;
  check_ok(tendril_policy_create(&shape, 2, 1, SUPPORT_CART_STEPS, 1, &policy, check_err));

  // the best that there is: LQR's gains
  double K[2 * SUPPORT_CART_STEPS], zero = 0, one = 1;
  tnd_linear_gaussian steps[SUPPORT_CART_STEPS];
  support_cart_gains(K);
  for (int t = 0; t < SUPPORT_CART_STEPS; t++)
    steps[t] = (tnd_linear_gaussian){2, 1, K + 2 * t, &zero, &one};
  double *fresh = malloc(sizeof *fresh * (size_t)tendril_policy_nparam(policy));
  memcpy(fresh, tendril_policy_get_params(policy),
         sizeof *fresh * (size_t)tendril_policy_nparam(policy));
  check_ok(tnd_time_linear_set(policy, steps, check_err));
  const double best = cart_score(&stage, policy);
  check_ok(tendril_policy_set_params(policy, fresh, check_err));
  free(fresh);
  const double start = cart_score(&stage, policy);

  tendril_trpo_options options = trpo_defaults();
  tendril_learner_setup setup = {
      .model = stage.model, .pool = stage.pool, .policy = policy, .seed = 1};
  training t = {0};
  options.gamma = 1;
  options.max_kl = 0.1;
  setup.rollout = support_whole_episodes(100, SUPPORT_CART_STEPS);
  setup.critic = critic_defaults();
  setup.critic.kind = TENDRIL_CRITIC_QUADRATIC;
  check_ok(tendril_trpo_create(&options, &setup, &t.learner, check_err));
  for (int k = 0; k < 60; k++)
    check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
  // all but a tenth of what there is to gain
  const double reached = cart_score(&stage, policy);
  cr_assert(reached - best > 0.1 * (start - best), "%g -> %g, best %g", start, reached, best);
  cr_assert_gt(value(&t, "explained_variance"), 0.5);
  tendril_learner_destroy(t.learner);
  tendril_policy_destroy(policy);
  support_stage_close(&stage);
}

Test(trpo, what_an_update_costs_is_told_by_its_parts) {
  for (int threads = 1; threads <= 2; threads++) {
    training t;
    open_training(&t, "hopper-v4", threads, trpo_defaults(), critic_defaults(), small);
    for (int k = 0; k < 3; k++) {
      const double cpu = tnd_clock_process();
      check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
      const double whole = tnd_clock_process() - cpu;
      const double update = value(&t, "policy_cpu"), critic = value(&t, "critic_cpu");
      const double advantage = value(&t, "advantage_cpu");
      cr_assert(update > 0 && critic > 0 && advantage > 0);
      cr_assert_leq(update + critic + advantage, whole - value(&t, "physics_seconds") + 1e-3,
                    "%g + %g + %g", update, critic, advantage);
    }
    close_training(&t);
  }
}

Test(trpo, every_accepted_step_keeps_the_bound_and_gains) {
  training t;
  open_training(&t, "hopper-v4", 2, trpo_defaults(), critic_defaults(), small);
  int accepted = 0;
  for (int k = 0; k < 30; k++) {
    check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
    if (value(&t, "accepted") == 0) continue;
    accepted++;
    cr_assert_leq(value(&t, "kl"), 0.01);
    cr_assert_gt(value(&t, "surrogate_gain"), 0);
    cr_assert_gt(value(&t, "curvature"), 0);
  }
  cr_assert_gt(accepted, 25);
  cr_assert_eq(tendril_learner_steps(t.learner), 30 * 1024);
  cr_assert_eq(tendril_learner_iterations(t.learner), 30);
  close_training(&t);
}

Test(trpo, the_bound_falls_with_the_progress_that_the_learner_is_told) {
  training t;
  tendril_trpo_options options = trpo_defaults();
  options.max_kl_final = 0.1;
  open_training(&t, "hopper-v4", 2, options, critic_defaults(), small);
  for (int k = 0; k <= 10; k++) {
    // from 0.01 to 0.001 in a straight line; the step falls short of the bound, but not by half
    const double delta = 0.01 - 0.009 * k / 10;
    tendril_learner_set_progress(t.learner, k / 10.0);
    check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
    cr_assert_eq(value(&t, "accepted"), 1);
    cr_assert_leq(value(&t, "kl"), delta);
    cr_assert_gt(value(&t, "kl"), 0.5 * delta);
  }
  close_training(&t);
}

Test(trpo, the_discount_follows_the_progress_that_the_learner_is_told) {
  // half way from 0.99 to 0.9999: the same bits as a learner whose discount is what it is there
  tendril_trpo_options options = trpo_defaults();
  options.gamma = 0.99;
  options.gamma_final = 0.9999;
  training a, b;
  open_training(&a, "hopper-v4", 2, options, critic_defaults(), small);
  tendril_learner_set_progress(a.learner, 0.5);
  options.gamma = 1 - (1 - 0.99) * pow((1 - 0.9999) / (1 - 0.99), 0.5);
  options.gamma_final = 0;
  open_training(&b, "hopper-v4", 2, options, critic_defaults(), small);
  for (int k = 0; k < 2; k++) {
    check_ok(tendril_learner_iterate(a.learner, a.values, check_err));
    check_ok(tendril_learner_iterate(b.learner, b.values, check_err));
  }
  check_same_policy(b.scene.policy, a.scene.policy);
  close_training(&a);
  close_training(&b);
}

Test(trpo, with_max_kl_no_state_goes_beyond_the_bound) {
  training t;
  tendril_trpo_options options = trpo_defaults();
  options.bound = TENDRIL_BOUND_MAX;
  open_training(&t, "hopper-v4", 2, options, critic_defaults(), small);
  for (int k = 0; k < 10; k++) {
    check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
    cr_assert_eq(value(&t, "accepted"), 1);
    cr_assert_leq(value(&t, "kl_max"), 0.01);
    // the largest is near the bound: the quadratic forecast was made of the worst state
    cr_assert_gt(value(&t, "kl_max"), 0.002);
  }
  close_training(&t);
}

Test(trpo, the_natural_gradient_steps_as_far_as_it_is_told) {
  // the same batch and direction, twice the step: four times the KL
  double kl[2];
  for (int i = 0; i < 2; i++) {
    training t;
    tendril_trpo_options options = trpo_defaults();
    options.step = TENDRIL_STEP_FIXED;
    options.step_size = i ? 0.02 : 0.01;
    open_training(&t, "hopper-v4", 2, options, critic_defaults(), small);
    check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
    cr_assert_eq(value(&t, "accepted"), 1);
    kl[i] = value(&t, "kl");
    close_training(&t);
  }
  check_close(kl[1] / kl[0], 4, 0.1);  // third-order terms
}

Test(trpo, learns_to_balance_by_the_empirical_fisher_matrix) {
  tendril_trpo_options options = trpo_defaults();
  options.metric = TENDRIL_METRIC_EMPIRICAL;
  check_learns_pendulum(options, critic_defaults());
}

Test(trpo, the_kl_of_a_small_step_is_the_quadratic_forecast) {
  // full Fisher matrix, no damping: beta is chosen so that the forecast is delta itself
  training t;
  tendril_trpo_options options = trpo_defaults();
  options.damping = 0;
  options.cg_iters = 10;
  options.max_kl = 1e-8;
  open_training(&t, "swimmer-v4", 2, options, critic_defaults(), small);
  for (int k = 0; k < 3; k++) {
    check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
    cr_assert_eq(value(&t, "accepted"), 1);
    // one or two tries: third-order terms decide on which side of delta the first one falls
    cr_assert_leq(value(&t, "line_search_steps"), 2);
    double forecast = 1e-8 * pow(0.8, 2 * (value(&t, "line_search_steps") - 1));
    check_close(value(&t, "kl") / forecast, 1, 0.02);  // third-order terms
  }
  close_training(&t);
}

static void check_same_bits_on_threads(tendril_trpo_options options, tendril_critic_options critic,
                                       tendril_rollout_options rollout) {
  training one;
  open_training(&one, "hopper-v4", 1, options, critic, rollout);
  for (int k = 0; k < 5; k++)
    check_ok(tendril_learner_iterate(one.learner, one.values, check_err));
  for (int threads = 2; threads <= 3; threads++) {
    training many;
    open_training(&many, "hopper-v4", threads, options, critic, rollout);
    for (int k = 0; k < 5; k++)
      check_ok(tendril_learner_iterate(many.learner, many.values, check_err));
    check_same_policy(many.scene.policy, one.scene.policy);
    close_training(&many);
  }
  close_training(&one);
}

Test(trpo, training_is_the_same_bits_on_one_two_and_three_threads) {
  check_same_bits_on_threads(trpo_defaults(), critic_defaults(), small);
}

// The paper's single path: returns of whole episodes, no baseline, a share of whatever rows came.
static tendril_trpo_options papers_options(void) {
  tendril_trpo_options options = trpo_defaults();
  options.lambda = 1;
  options.damping = 0;
  options.fisher_share = 0.1;
  options.advantage_scale = TENDRIL_ADVANTAGE_AS_IS;
  return options;
}

static tendril_critic_options no_critic(void) {
  tendril_critic_options critic = critic_defaults();
  critic.kind = TENDRIL_CRITIC_NONE;
  return critic;
}

static const tendril_rollout_options whole = {
    .batch = 1024, .streams = 8, .episodes = TENDRIL_EPISODES_WHOLE};

Test(trpo, plain_monte_carlo_is_the_same_bits_on_any_threads) {
  check_same_bits_on_threads(papers_options(), no_critic(), whole);
}

Test(trpo, plain_monte_carlo_learns_to_balance_and_counts_every_step) {
  training t;
  tendril_trpo_options options = papers_options();
  options.gamma = 0.99;
  options.fisher_share = 1;
  open_training(&t, "inverted-pendulum-v4", 2, options, no_critic(), whole);
  const double fresh = score(&t);
  int64_t steps = 0;
  for (int k = 0; k < 40; k++) {
    check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
    // whole episodes: all that was simulated is in their lengths
    steps += (int64_t)llround(value(&t, "episodes") * value(&t, "length_mean"));
    cr_assert_eq(tendril_learner_steps(t.learner), steps);
    cr_assert_eq(value(&t, "explained_variance"), 0);  // V = 0 explains nothing
    if (value(&t, "accepted") > 0) cr_assert_leq(value(&t, "kl"), 0.01);
  }
  // with returns and no baseline it is slow
  const double reached = score(&t);
  cr_assert_gt(reached, 5 * fresh, "reached only %g from %g", reached, fresh);
  close_training(&t);
}

static void check_goes_on(tendril_trpo_options options, tendril_critic_options critic,
                          tendril_rollout_options rollout) {
  training a, b;
  open_training(&a, "hopper-v4", 2, options, critic, rollout);
  open_training(&b, "hopper-v4", 1, options, critic, rollout);
  support_check_resumes((support_learned){a.scene.policy, a.learner},
                        (support_learned){b.scene.policy, b.learner}, 3, 3);
  close_training(&a);
  close_training(&b);
}

Test(trpo, a_saved_learner_goes_on_bit_for_bit) {
  tendril_trpo_options options = trpo_defaults();
  options.reward_scale = TENDRIL_REWARD_BY_RETURN_SD;
  check_goes_on(options, critic_defaults(), small);
}

Test(trpo, plain_monte_carlo_goes_on_bit_for_bit) {
  check_goes_on(papers_options(), no_critic(), whole);
}

Test(trpo, advantages_that_do_not_differ_leave_the_policy_alone) {
  // a discount of 0 on a task that pays 1 at every step, and a critic that does not know yet: all
  // advantages are 1, standardised they are 0, and no direction is made of their rounding
  training t;
  tendril_trpo_options options = trpo_defaults();
  options.gamma = 0;
  options.lambda = 0;
  tendril_critic_options critic = critic_defaults();
  critic.kind = TENDRIL_CRITIC_LINEAR;
  open_training(&t, "inverted-pendulum-v4", 2, options, critic,
                (tendril_rollout_options){.batch = 49, .streams = 7});
  const int nparam = tendril_policy_nparam(t.scene.policy);
  double *before = malloc(sizeof *before * (size_t)nparam);
  memcpy(before, tendril_policy_get_params(t.scene.policy), sizeof *before * (size_t)nparam);
  check_ok(tendril_learner_iterate(t.learner, t.values, check_err));
  check_same_bits(tendril_policy_get_params(t.scene.policy), before, nparam);
  cr_assert_eq(value(&t, "accepted"), 0);
  cr_assert_eq(value(&t, "line_search_steps"), 0);
  free(before);
  close_training(&t);
}

static tendril_status create_and_destroy(void *context, tendril_error *err) {
  const support_scene *s = context;
  tendril_trpo_options options = trpo_defaults();
  tendril_learner_setup setup = {.model = s->model,
                                 .pool = s->pool,
                                 .policy = s->policy,
                                 .seed = 1,
                                 .rollout = {.batch = 64, .streams = 2},
                                 .critic = critic_defaults()};
  tendril_learner *learner = NULL;
  tendril_status status = tendril_trpo_create(&options, &setup, &learner, err);
  tendril_learner_destroy(learner);
  return status;
}

Test(trpo, every_failed_allocation_is_a_clean_error) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  cr_assert_gt(support_fail_each_alloc(create_and_destroy, &s), 5);
  support_scene_close(&s);
}

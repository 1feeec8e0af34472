// The vine as a whole on small tasks: it learns, its steps keep the bound, it counts every step
// that it simulated, its bits depend on nothing but the options and the seed; what it refuses.
#include "base/options.h"
#include "critic/critic.h"
#include "learn/vine.h"
#include "support/close.h"
#include "support/learned.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct training {
  support_scene scene;
  tendril_learner *learner;
  double values[64];
} training;

static tendril_learner_setup setup_of(const support_scene *s, tendril_rollout_options rollout) {
  tendril_learner_setup setup = {
      .model = s->model, .pool = s->pool, .policy = s->policy, .seed = 1, .rollout = rollout};
  tendril_critic_defaults(&setup.critic);
  setup.critic.epochs = 3;
  return setup;
}

static void open_training(training *t, const char *task, int threads, tendril_vine_options options,
                          tendril_rollout_options rollout) {
  support_scene_open(&t->scene, task, threads);
  const tendril_learner_setup setup = setup_of(&t->scene, rollout);
  check_ok(tendril_vine_create(&options, &setup, &t->learner, check_err));
}

static void close_training(training *t) {
  tendril_learner_destroy(t->learner);
  support_scene_close(&t->scene);
}

static void iterate(training *t, int times) {
  for (int k = 0; k < times; k++)
    check_ok(tendril_learner_iterate(t->learner, t->values, check_err));
}

static double value(const training *t, const char *name) {
  return support_stat(t->learner, t->values, name);
}

static const tendril_rollout_options carried = {.batch = 512, .streams = 8};
static const tendril_rollout_options whole = {
    .batch = 1000, .streams = 8, .episodes = TENDRIL_EPISODES_WHOLE};

// The paper's: no value function, KL and Fisher matrix over the rollout set.
static tendril_vine_options papers_options(void) {
  tendril_vine_options options;
  tendril_vine_defaults(&options);
  options.states = 30;
  options.branch = 20;
  options.damping = 0;
  options.constraint = TENDRIL_CONSTRAINT_ROLLOUT_SET;
  options.advantage_scale = TENDRIL_ADVANTAGE_AS_IS;
  return options;
}

static tendril_vine_options value_options(void) {
  tendril_vine_options options;
  tendril_vine_defaults(&options);
  options.states = 30;
  options.branch = 5;
  options.branch_value = true;
  options.fisher_share = 0.5;
  return options;
}

// Mean return of the mean action over 10 episodes.
static double score(const training *t) {
  tendril_eval_options options = {.episodes = 10, .seed = 5, .series = 1};
  tendril_eval_result result;
  check_ok(tendril_evaluate(t->scene.model, t->scene.agent, t->scene.pool, &options, &result, NULL,
                            check_err));
  return result.returns.mean;
}

// A pendulum that stands for all of its 1000 steps earns 1000; a fresh policy drops it at once.
static void check_learns_pendulum(tendril_vine_options options) {
  training t;
  options.states = 60;
  open_training(&t, "inverted-pendulum-v4", 2, options, carried);
  cr_assert_lt(score(&t), 200);
  iterate(&t, 40);
  const double reached = score(&t);
  cr_assert_gt(reached, 800, "reached only %g", reached);
  close_training(&t);
}

Test(vine_learner, learns_to_balance_by_plain_branches) {
  tendril_vine_options options = papers_options();
  options.branch = 50;
  options.gamma = 0.99;
  check_learns_pendulum(options);
}

Test(vine_learner, learns_to_balance_by_short_branches_with_values) {
  tendril_vine_options options = value_options();
  options.branch = 15;
  check_learns_pendulum(options);
}

static void check_steps(tendril_vine_options options, tendril_rollout_options rollout) {
  training t;
  open_training(&t, "hopper-v4", 2, options, rollout);
  int accepted = 0;
  int64_t steps = 0;
  for (int k = 0; k < 15; k++) {
    iterate(&t, 1);
    steps += (int64_t)(value(&t, "trunk_steps") + value(&t, "branch_steps"));
    cr_assert_eq(tendril_learner_steps(t.learner), steps);
    cr_assert_eq(value(&t, "branches"), (double)(options.states * options.actions));
    cr_assert_leq(value(&t, "branch_terminated"), value(&t, "branches"));
    cr_assert_leq(value(&t, "branch_steps"), value(&t, "branches") * (double)options.branch);
    cr_assert_gt(value(&t, "branch_spread"), 0);
    cr_assert_eq(isnan(value(&t, "explained_variance")) != 0, !options.branch_value);
    if (value(&t, "accepted") == 0) continue;
    accepted++;
    cr_assert_leq(value(&t, "kl"), 0.01);
    cr_assert_gt(value(&t, "surrogate_gain"), 0);
  }
  cr_assert_gt(accepted, 10);
  close_training(&t);
}

Test(vine_learner, every_accepted_step_keeps_the_bound_and_every_step_is_counted) {
  check_steps(papers_options(), carried);
  check_steps(papers_options(), whole);
  check_steps(value_options(), carried);
  check_steps(value_options(), whole);
}

static void check_threads(tendril_vine_options options, tendril_rollout_options rollout) {
  training one, many;
  open_training(&one, "hopper-v4", 1, options, rollout);
  iterate(&one, 3);
  for (int threads = 2; threads <= 4; threads++) {
    open_training(&many, "hopper-v4", threads, options, rollout);
    iterate(&many, 3);
    check_same_policy(many.scene.policy, one.scene.policy);
    cr_assert_eq(tendril_learner_steps(many.learner), tendril_learner_steps(one.learner));
    close_training(&many);
  }
  close_training(&one);
}

Test(vine_learner, training_is_the_same_bits_on_one_to_four_threads) {
  check_threads(papers_options(), whole);
  check_threads(value_options(), carried);
}

static void check_goes_on(tendril_vine_options options, tendril_rollout_options rollout) {
  training a, b;
  open_training(&a, "hopper-v4", 2, options, rollout);
  open_training(&b, "hopper-v4", 1, options, rollout);
  support_check_resumes((support_learned){a.scene.policy, a.learner},
                        (support_learned){b.scene.policy, b.learner}, 2, 2);
  close_training(&a);
  close_training(&b);
}

Test(vine_learner, a_saved_learner_goes_on_bit_for_bit) {
  check_goes_on(papers_options(), carried);
  check_goes_on(value_options(), whole);
}

Test(vine_learner, allocates_nothing_once_it_runs) {
  training t;
  open_training(&t, "hopper-v4", 2, value_options(), whole);
  support_check_allocates_nothing(t.learner, 2);
  close_training(&t);
}

Test(vine_learner, branches_that_do_not_differ_leave_the_policy_alone) {
  // the pendulum pays 1 for a step whatever the action: branches of one step have one value
  training t;
  tendril_vine_options options = papers_options();
  options.branch = 1;
  options.advantage_scale = TENDRIL_ADVANTAGE_STANDARDISED;
  open_training(&t, "inverted-pendulum-v4", 2, options, carried);
  double before[1024];
  const int nparam = tendril_policy_nparam(t.scene.policy);
  memcpy(before, tendril_policy_get_params(t.scene.policy), sizeof *before * (size_t)nparam);
  iterate(&t, 1);
  check_same_bits(tendril_policy_get_params(t.scene.policy), before, nparam);
  cr_assert_eq(value(&t, "accepted"), 0);
  cr_assert_eq(value(&t, "branch_spread"), 0);
  close_training(&t);
}

static void check_refused(tendril_vine_options options, tendril_critic_kind kind,
                          const char *line) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  tendril_learner_setup setup = setup_of(&s, carried);
  setup.critic.kind = kind;
  tendril_learner *learner = NULL;
  tendril_error err = {{0}};
  const tendril_status status = tendril_vine_create(&options, &setup, &learner, &err);
  cr_assert(status == TENDRIL_E_CONFIG || status == TENDRIL_E_ARGUMENT, "%s", err.text);
  cr_assert(strstr(err.text, line), "%s", err.text);
  cr_assert_null(learner);
  support_scene_close(&s);
}

Test(vine_learner, what_cannot_be_is_refused_in_a_line_that_names_the_option) {
  tendril_vine_options options = papers_options();
  options.states = 513;
  check_refused(options, TENDRIL_CRITIC_NEURAL,
                "learner.states: 513 states are more than the trunk of 512 steps (rollout.batch)");
  options = papers_options();
  options.branch = 0;
  check_refused(options, TENDRIL_CRITIC_NEURAL, "learner.branch: 0 is out of range");
  options = papers_options();
  options.actions = 1;
  check_refused(options, TENDRIL_CRITIC_NEURAL, "learner.actions: 1 is out of range");
  options = value_options();
  check_refused(options, TENDRIL_CRITIC_NONE, "learner.branch_value: there is no value function");
  check_refused(options, TENDRIL_CRITIC_QUADRATIC, "learner.branch_value: there is no value");
}

static tendril_status create_and_destroy(void *context, tendril_error *err) {
  const tendril_learner_setup setup =
      setup_of(context, (tendril_rollout_options){.batch = 64, .streams = 2});
  tendril_vine_options options = value_options();
  options.states = 8;
  tendril_learner *learner = NULL;
  tendril_status status = tendril_vine_create(&options, &setup, &learner, err);
  tendril_learner_destroy(learner);
  return status;
}

Test(vine_learner, every_failed_allocation_is_a_clean_error) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  cr_assert_gt(support_fail_each_alloc(create_and_destroy, &s), 10);
  support_scene_close(&s);
}

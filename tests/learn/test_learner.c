// Learners of any method with every kind of options: they go on bit for bit from what they saved,
// allocate nothing once they run, and work at sizes of which nothing is a multiple.
#include "base/options.h"
#include "critic/critic.h"
#include "learn/learner.h"
#include "learn/moto.h"
#include "learn/trpo.h"
#include "learn/vine.h"
#include "policy/policy.h"
#include "support/learned.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>

// Options that differ from the defaults, and sizes.
typedef struct variant {
  const char *task;
  const tnd_method *method;  // NULL: TRPO
  int max_steps;             // of an episode; 0: the task's own
  const char *policy[3][2], *critic[3][2], *learner[4][2];
  tendril_rollout_options rollout;
} variant;

typedef struct training {
  support_stage stage;
  tendril_policy *policy;
  tendril_learner *learner;
  double values[64];
} training;

static void set_all(const tnd_option_table *table, void *options, const char *const (*set)[2],
                    int n) {
  tnd_options_default(table, options);
  for (int i = 0; i < n && set[i][0]; i++)
    check_ok(tnd_options_set(table, options, "test", "", set[i][0], set[i][1], check_err));
}

static void open_training(training *t, const variant *v, int threads) {
  const tnd_method *method = v->method ? v->method : &tnd_method_trpo;
  tendril_sim_options sim = support_sim_options();
  tendril_policy_options policy;
  double options[128];
  cr_assert_leq(method->options->size, sizeof options);
  if (v->max_steps) sim.max_steps = v->max_steps;
  *t = (training){.stage = support_stage_open(support_model(v->task, &sim), threads)};
  const tendril_model *model = t->stage.model;
  tendril_learner_setup setup = {
      .model = model, .pool = t->stage.pool, .seed = 3, .rollout = v->rollout};
  set_all(&tnd_policy_options, &policy, v->policy, 3);
  set_all(&tnd_critic_options, &setup.critic, v->critic, 3);
  set_all(method->options, options, v->learner, 4);
  check_ok(tendril_policy_create(&policy, tendril_model_nobs(model), tendril_model_nact(model),
                                 tendril_model_max_steps(model), 3, &t->policy, check_err));
  setup.policy = t->policy;
  check_ok(method->create(options, &setup, &t->learner, check_err));
}

static void close_training(training *t) {
  tendril_learner_destroy(t->learner);
  tendril_policy_destroy(t->policy);
  support_stage_close(&t->stage);
}

static void iterate(training *t, int times) {
  for (int k = 0; k < times; k++)
    check_ok(tendril_learner_iterate(t->learner, t->values, check_err));
}

static void check_resumes(const variant *v) {
  training whole, parts;
  open_training(&whole, v, 2);
  open_training(&parts, v, 3);
  support_check_resumes((support_learned){whole.policy, whole.learner},
                        (support_learned){parts.policy, parts.learner}, 3, 3);
  close_training(&whole);
  close_training(&parts);
}

#define MOTO_POLICY                                                                                \
  { {"kind", "time-linear"}, {"covariance", "full"}, {"normalize", "false"}, }
static const variant plain = {.task = "hopper-v4", .rollout = {.batch = 600, .streams = 4}};
static const variant variants[] = {
    {.task = "walker2d-v4",
     .rollout = {.batch = 600, .streams = 4},
     .critic = {{"kind", "linear"}}},
    {.task = "swimmer-v4",
     .rollout = {.batch = 600, .streams = 3},
     .policy = {{"normalize", "false"}},
     .learner = {{"reward_scale", "return-sd"}, {"fisher_share", "0.3"}}},
    {.task = "hopper-v4",
     .rollout = {.batch = 600, .streams = 4},
     .policy = {{"precision", "double"}, {"activation", "softplus"}, {"hidden", "13 7 5"}},
     .critic = {{"precision", "double"}, {"activation", "relu"}, {"minibatch", "70"}},
     .learner = {{"advantage_scale", "none"}}},
    {.task = "hopper-v4",
     .rollout = {.batch = 600, .streams = 4},
     .policy = {{"kind", "linear"}},
     .critic = {{"kind", "linear"}},
     .learner = {{"damping", "0"}, {"reward_scale", "return-sd"}}},
    {.task = "hopper-v4",
     .method = &tnd_method_vine,
     .rollout = {.batch = 600, .streams = 4},
     .learner = {{"states", "20"}, {"branch", "5"}, {"branch_value", "true"}}},
    {.task = "double-link",
     .max_steps = 30,
     .rollout = {.batch = 300, .streams = 10, .episodes = TENDRIL_EPISODES_WHOLE},
     .policy = {{"kind", "time-linear"}},
     .critic = {{"kind", "quadratic"}},
     .learner = {{"gamma", "1"}, {"lambda", "0.9"}}},
    {.task = "double-link",
     .method = &tnd_method_moto,
     .max_steps = 30,
     .rollout = {.batch = 150, .streams = 5, .episodes = TENDRIL_EPISODES_WHOLE},
     .policy = MOTO_POLICY,
     .learner = {{"keep", "2"}}},
    {.task = "quad-link",
     .method = &tnd_method_moto,
     .max_steps = 21,
     .rollout = {.batch = 147, .streams = 7, .episodes = TENDRIL_EPISODES_WHOLE},
     .policy = MOTO_POLICY,
     .learner = {{"reuse", "none"}, {"entropy_bound", "false"}}},
    {.task = "double-link",
     .method = &tnd_method_moto,
     .max_steps = 30,
     .rollout = {.batch = 600, .streams = 20, .episodes = TENDRIL_EPISODES_WHOLE},
     .policy = MOTO_POLICY,
     .learner = {{"reuse", "none"}, {"targets", "monte-carlo"}, {"keep", "1"}}},
    {.task = "double-link",
     .method = &tnd_method_moto,
     .max_steps = 30,
     .rollout = {.batch = 150, .streams = 5, .episodes = TENDRIL_EPISODES_WHOLE},
     .policy = MOTO_POLICY,
     .learner = {{"states", "forward"}, {"keep", "4"}}},
};

Test(learner, goes_on_bit_for_bit_from_what_it_saved_whatever_the_options) {
  check_resumes(&plain);
  for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
    check_resumes(&variants[i]);
}

Test(learner, an_iteration_after_the_first_allocates_nothing) {
  for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
    training t;
    open_training(&t, &variants[i], 2);
    support_check_allocates_nothing(t.learner, 2);
    close_training(&t);
  }
}

static void check_works(const variant *v, int iterations) {
  training t;
  open_training(&t, v, 3);
  iterate(&t, iterations);
  cr_assert_eq(tendril_learner_steps(t.learner), iterations * v->rollout.batch);
  for (int i = 0; i < tendril_policy_nparam(t.policy); i++)
    cr_assert(isfinite(tendril_policy_get_params(t.policy)[i]));
  close_training(&t);
}

Test(learner, works_at_odd_sizes) {
  // one row: no deviation of anything; streams of one row; a minibatch larger than the batch; rows
  // and widths that fill no vector and no chunk; a Fisher matrix of one row
  check_works(&(variant){.task = "hopper-v4", .rollout = {.batch = 1, .streams = 1}}, 30);
  check_works(&(variant){.task = "hopper-v4", .rollout = {.batch = 5, .streams = 5}}, 10);
  check_works(&(variant){.task = "hopper-v4",
                         .rollout = {.batch = 257, .streams = 1},
                         .policy = {{"hidden", "1 17 3"}},
                         .critic = {{"hidden", "65"}, {"minibatch", "65536"}},
                         .learner = {{"fisher_share", "1e-4"}}},
              5);
}

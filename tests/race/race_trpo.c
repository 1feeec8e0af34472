// A whole training under ThreadSanitizer: environments stepped side by side, Fisher-vector products
// and sums in pieces, the value function fitted beside the policy's update, an evaluation. Whatever
// two threads share without an order between them is a data race. A plain program: exits with 0 if
// all was right.
#include "base/options.h"
#include "critic/critic.h"
#include "learn/trpo.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <tendril/tendril.h>

enum { THREADS = 3, ITERATIONS = 3, MAX_STATS = 64 };

static tendril_error err;

static void require(tendril_status status, const char *what) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "race_trpo: %s: %s\n", what, err.text);
  exit(1);
}

int main(void) {
  tendril_tasks *tasks;
  tendril_model *model;
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_learner *learner;
  tendril_policy_options policy_options;
  tnd_options_default(&tnd_policy_options, &policy_options);
  require(tendril_tasks_create(&tasks, &err), "tasks");
  require(tendril_tasks_model(tasks, "hopper-v4", NULL, &model, &err), "model");
  require(tendril_pool_create(THREADS, &pool, &err), "pool");
  require(tendril_policy_create(&policy_options, tendril_model_nobs(model),
                                tendril_model_nact(model), 1, &policy, &err),
          "policy");

  tendril_trpo_options options;
  tnd_options_default(tnd_method_trpo.options, &options);
  tendril_learner_setup setup = {
      .model = model, .pool = pool, .policy = policy, .seed = 1, .rollout = {512, 8}};
  tnd_options_default(&tnd_critic_options, &setup.critic);
  require(tendril_trpo_create(&options, &setup, &learner, &err), "learner");
  double stats[MAX_STATS];
  for (int i = 0; i < ITERATIONS; i++)
    require(tendril_learner_iterate(learner, stats, &err), "iteration");

  tendril_eval_options eval = {.episodes = 6, .seed = 1};
  tendril_eval_result result;
  require(tendril_evaluate(model, policy, pool, &eval, &result, NULL, &err), "evaluation");

  tendril_learner_destroy(learner);
  tendril_policy_destroy(policy);
  tendril_pool_destroy(pool);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return 0;
}

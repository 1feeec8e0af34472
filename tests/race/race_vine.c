// The vine under ThreadSanitizer: three iterations on one and on four threads, with a value
// function behind the branches and without, which must end at the same policy. A plain program:
// exits with 0 if all was right.
#include <tendril/tendril.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tendril_error err;

static void require(tendril_status status, const char *what) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "race_vine: %s: %s\n", what, err.text);
  exit(1);
}

static tendril_policy *train(const tendril_model *model, int threads, bool value) {
  tendril_policy_options shape;
  tendril_vine_options options;
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_learner *learner;
  tendril_policy_defaults(&shape);
  shape.hidden = (tendril_sizes){.n = 1, .at = {16}};
  tendril_vine_defaults(&options);
  options.states = 40;
  options.branch = 6;
  options.branch_value = value;
  if (!value) options.constraint = TENDRIL_CONSTRAINT_ROLLOUT_SET;
  require(tendril_pool_create(threads, &pool, &err), "pool");
  require(tendril_policy_create(&shape, tendril_model_nobs(model), tendril_model_nact(model),
                                tendril_model_max_steps(model), 1, &policy, &err),
          "policy");
  tendril_learner_setup setup = {.model = model, .pool = pool, .policy = policy, .seed = 1};
  tendril_rollout_defaults(&setup.rollout);
  tendril_critic_defaults(&setup.critic);
  setup.rollout.batch = 768;
  setup.rollout.streams = 12;
  setup.critic.epochs = 2;
  require(tendril_vine_create(&options, &setup, &learner, &err), "learner");
  double stats[64];
  for (int k = 0; k < 3; k++)
    require(tendril_learner_iterate(learner, stats, &err), "iteration");
  tendril_learner_destroy(learner);
  tendril_pool_destroy(pool);
  return policy;
}

int main(void) {
  tendril_tasks *tasks;
  tendril_model *model;
  require(tendril_tasks_create(&tasks, &err), "tasks");
  require(tendril_tasks_model(tasks, "hopper-v4", NULL, &model, &err), "model");
  for (int value = 0; value < 2; value++) {
    tendril_policy *one = train(model, 1, value), *four = train(model, 4, value);
    const size_t size = sizeof(double) * (size_t)tendril_policy_nparam(one);
    if (memcmp(tendril_policy_get_params(one), tendril_policy_get_params(four), size) != 0) {
      fprintf(stderr, "race_vine: four threads trained another policy\n");
      return 1;
    }
    tendril_policy_destroy(one);
    tendril_policy_destroy(four);
  }
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return 0;
}

// MOTO under ThreadSanitizer: three iterations on one and on four threads, with samples of all
// steps and with each step's own, which must end at the same policy; and TRPO with the quadratic
// critic, which is fitted in parallel, too. A plain program: exits with 0 if all was right.
#include <tendril/tendril.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tendril_error err;

static void require(tendril_status status, const char *what) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "race_moto: %s: %s\n", what, err.text);
  exit(1);
}

typedef enum kind { REUSE, OWN, FORWARD, TRPO, NKIND } kind;

static tendril_learner *learner_of(kind k, const tendril_learner_setup *setup) {
  tendril_learner *learner;
  if (k == TRPO) {
    tendril_trpo_options options;
    tendril_trpo_defaults(&options);
    require(tendril_trpo_create(&options, setup, &learner, &err), "trpo");
    return learner;
  }
  tendril_moto_options options;
  tendril_moto_defaults(&options);
  options.keep = 2;
  if (k == OWN) options.reuse = TENDRIL_REUSE_NONE;
  if (k == FORWARD) options.states = TENDRIL_STATES_FORWARD;
  require(tendril_moto_create(&options, setup, &learner, &err), "moto");
  return learner;
}

static tendril_policy *train(const tendril_model *model, int threads, kind k) {
  tendril_policy_options shape;
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_policy_defaults(&shape);
  shape.kind = TENDRIL_POLICY_TIME_LINEAR;
  shape.covariance = TENDRIL_COVARIANCE_FULL;
  shape.normalize = false;
  require(tendril_pool_create(threads, &pool, &err), "pool");
  require(tendril_policy_create(&shape, tendril_model_nobs(model), tendril_model_nact(model),
                                tendril_model_max_steps(model), 1, &policy, &err),
          "policy");
  tendril_learner_setup setup = {.model = model, .pool = pool, .policy = policy, .seed = 1};
  tendril_rollout_defaults(&setup.rollout);
  tendril_critic_defaults(&setup.critic);
  setup.rollout.streams = 6;
  setup.rollout.batch = 6 * tendril_model_max_steps(model);
  setup.rollout.episodes = TENDRIL_EPISODES_WHOLE;
  setup.critic.kind = TENDRIL_CRITIC_QUADRATIC;
  tendril_learner *learner = learner_of(k, &setup);
  double stats[64];
  for (int i = 0; i < 3; i++)
    require(tendril_learner_iterate(learner, stats, &err), "iteration");
  tendril_learner_destroy(learner);
  tendril_pool_destroy(pool);
  return policy;
}

int main(void) {
  tendril_tasks *tasks;
  tendril_model *model;
  tendril_sim_options sim;
  tendril_sim_defaults(&sim);
  sim.max_steps = 40;
  require(tendril_tasks_create(&tasks, &err), "tasks");
  require(tendril_tasks_model(tasks, "double-link", &sim, &model, &err), "model");
  for (kind k = 0; k < NKIND; k++) {
    tendril_policy *one = train(model, 1, k), *four = train(model, 4, k);
    const size_t size = sizeof(double) * (size_t)tendril_policy_nparam(one);
    if (memcmp(tendril_policy_get_params(one), tendril_policy_get_params(four), size) != 0) {
      fprintf(stderr, "race_moto: four threads trained another policy\n");
      return 1;
    }
    tendril_policy_destroy(one);
    tendril_policy_destroy(four);
  }
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return 0;
}

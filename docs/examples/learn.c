// Trains a policy with TRPO through the library, without a run folder, and evaluates it.
//
//   cc learn.c $(pkg-config --cflags --libs tendril) -o learn && ./learn
#include <stdio.h>
#include <stdlib.h>
#include <tendril/tendril.h>

#define TRY(call)                                                                                  \
  if ((call) != TENDRIL_OK) {                                                                      \
    fprintf(stderr, "%s\n", err.text);                                                             \
    return EXIT_FAILURE;                                                                           \
  }

int main(void) {
  tendril_error err = {{0}};
  tendril_tasks *tasks = NULL;
  tendril_model *model = NULL;
  tendril_pool *pool = NULL;
  tendril_policy *policy = NULL;
  tendril_agent *agent = NULL;
  tendril_learner *learner = NULL;

  // the task, compiled, and threads to share the work
  TRY(tendril_tasks_create(&tasks, &err));
  TRY(tendril_tasks_model(tasks, "inverted-pendulum-v4", NULL, &model, &err));
  TRY(tendril_pool_create(0, &pool, &err));

  // a small policy
  tendril_policy_options policy_options;
  tendril_policy_defaults(&policy_options);
  policy_options.hidden = (tendril_sizes){.n = 1, .at = {32}};
  TRY(tendril_policy_create(&policy_options, tendril_model_nobs(model), tendril_model_nact(model),
                            tendril_model_max_steps(model), 1, &policy, &err));

  // the learner, which changes the policy
  tendril_trpo_options options;
  tendril_trpo_defaults(&options);
  tendril_learner_setup setup = {.model = model, .pool = pool, .policy = policy, .seed = 1};
  tendril_rollout_defaults(&setup.rollout);
  tendril_critic_defaults(&setup.critic);
  TRY(tendril_trpo_create(&options, &setup, &learner, &err));

  int nstat;
  (void)tendril_learner_get_stats(learner, &nstat);
  double *stats = malloc(sizeof *stats * (size_t)nstat);
  for (int i = 0; i < 30; i++)
    TRY(tendril_learner_iterate(learner, stats, &err));

  tendril_eval_result result;
  // its mean actions
  TRY(tendril_agent_create(policy, false, &agent, &err));
  tendril_eval_options how = {.episodes = 10, .seed = 1};
  TRY(tendril_evaluate(model, agent, pool, &how, &result, NULL, &err));
  printf("after %lld steps the pendulum stands for %.0f of 1000 steps\n",
         (long long)tendril_learner_steps(learner), result.lengths.mean);

  free(stats);
  tendril_agent_destroy(agent);
  tendril_learner_destroy(learner);
  tendril_policy_destroy(policy);
  tendril_pool_destroy(pool);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return EXIT_SUCCESS;
}

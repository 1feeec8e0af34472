// See learning.h.
#include "support/learning.h"

#include "support/close.h"

#include "base/options.h"
#include "policy/policy.h"

#include <criterion/criterion.h>
#include <string.h>

tendril_error support_error_line;

void support_check_ok(const char *file, int line, tendril_status status) {
  cr_assert_eq(status, TENDRIL_OK, "%s:%d: %s (%s)", file, line, tendril_status_text(status),
               support_error_line.text);
}

tendril_pool *support_pool(int threads) {
  tendril_pool *pool = NULL;
  check_ok(tendril_pool_create(threads, &pool, check_err));
  return pool;
}

support_stage support_stage_open(tendril_model *model, int threads) {
  return (support_stage){model, support_pool(threads)};
}

void support_stage_close(support_stage *s) {
  tendril_pool_destroy(s->pool);
  tendril_model_destroy(s->model);
}

void support_scene_open(support_scene *s, const char *task, int threads) {
  *s = (support_scene){0};
  tendril_policy_options options;
  tnd_options_default(&tnd_policy_options, &options);
  options.precision = TENDRIL_DOUBLE;
  options.hidden = (tendril_sizes){.n = 2, .at = {16, 16}};
  check_ok(tendril_tasks_create(&s->tasks, check_err));
  check_ok(tendril_tasks_model(s->tasks, task, NULL, &s->model, check_err));
  s->pool = support_pool(threads);
  check_ok(tendril_policy_create(&options, tendril_model_nobs(s->model),
                                 tendril_model_nact(s->model), tendril_model_max_steps(s->model), 1,
                                 &s->policy, check_err));
  check_ok(tendril_agent_create(s->policy, false, &s->agent, check_err));
}

void support_scene_close(support_scene *s) {
  tendril_agent_destroy(s->agent);
  tendril_policy_destroy(s->policy);
  tendril_pool_destroy(s->pool);
  tendril_model_destroy(s->model);
  tendril_tasks_destroy(s->tasks);
}

tendril_policy_options support_time_linear(double log_std) {
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.kind = TENDRIL_POLICY_TIME_LINEAR;
  options.covariance = TENDRIL_COVARIANCE_FULL;
  options.normalize = false;
  options.log_std = log_std;
  return options;
}

tendril_rollout_options support_whole_episodes(int streams, int T) {
  return (tendril_rollout_options){
      .streams = streams, .batch = streams * T, .episodes = TENDRIL_EPISODES_WHOLE};
}

tendril_status support_training_open(support_training *t, const tnd_method *method,
                                     const void *options, const tendril_model *model, int streams,
                                     tendril_policy_options policy, int threads,
                                     tendril_error *err) {
  const int T = tendril_model_max_steps(model);
  *t = (support_training){0};
  TENDRIL_TRY(tendril_pool_create(threads, &t->pool, err));
  TENDRIL_TRY(tendril_policy_create(&policy, tendril_model_nobs(model), tendril_model_nact(model),
                                    T, 1, &t->policy, err));
  tendril_learner_setup setup = {.model = model,
                                 .pool = t->pool,
                                 .policy = t->policy,
                                 .seed = 4,
                                 .rollout = support_whole_episodes(streams, T)};
  tendril_critic_defaults(&setup.critic);
  return method->create(options, &setup, &t->learner, err);
}

void support_training_close(support_training *t) {
  tendril_learner_destroy(t->learner);
  tendril_policy_destroy(t->policy);
  tendril_pool_destroy(t->pool);
}

tendril_status support_iterate(support_training *t, tendril_error *err) {
  return tendril_learner_iterate(t->learner, t->values, err);
}

void support_iterations(support_training *t, int count) {
  for (int k = 0; k < count; k++)
    check_ok(support_iterate(t, check_err));
}

double support_value(const support_training *t, const char *name) {
  return support_stat(t->learner, t->values, name);
}

double support_stat(const tendril_learner *learner, const double *values, const char *name) {
  int n;
  const tendril_stat *stats = tendril_learner_get_stats(learner, &n);
  for (int i = 0; i < n; i++)
    if (strcmp(stats[i].name, name) == 0) return values[i];
  cr_assert_fail("no statistic %s", name);
  return 0;
}

void support_check_same_summary(const char *file, int line, const tendril_summary *got,
                                const tendril_summary *expected) {
  const double a[] = {got->n,   got->mean, got->sd,  got->median,
                      got->min, got->max,  got->low, got->high};
  const double b[] = {expected->n,   expected->mean, expected->sd,  expected->median,
                      expected->min, expected->max,  expected->low, expected->high};
  support_check_same_bits(file, line, "summary", a, b, sizeof a / sizeof a[0]);
}

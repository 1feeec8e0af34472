// See learning.h.
#include "support/learning.h"

#include "support/close.h"

#include "base/options.h"
#include "policy/policy.h"

#include <criterion/criterion.h>

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

void support_check_same_summary(const char *file, int line, const tendril_summary *got,
                                const tendril_summary *expected) {
  const double a[] = {got->n,   got->mean, got->sd,  got->median,
                      got->min, got->max,  got->low, got->high};
  const double b[] = {expected->n,   expected->mean, expected->sd,  expected->median,
                      expected->min, expected->max,  expected->low, expected->high};
  support_check_same_bits(file, line, "summary", a, b, sizeof a / sizeof a[0]);
}

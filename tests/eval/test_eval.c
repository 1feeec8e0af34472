// Summaries against their definitions; evaluations that do not depend on the threads.
#include "base/alloc.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(eval, a_summary_has_the_moments_of_its_sample) {
  const double values[] = {4, 1, 3, 2, 10};
  tendril_summary s;
  check_ok(tendril_summarise(values, 5, 1, &s, check_err));
  cr_assert_eq(s.n, 5);
  cr_assert_eq(s.mean, 4);
  check_close(s.sd, sqrt((0 + 9 + 1 + 4 + 36) / 4.0), 1e-15);
  cr_assert_eq(s.median, 3);
  cr_assert_eq(s.min, 1);
  cr_assert_eq(s.max, 10);
  check_ok(tendril_summarise(values, 4, 1, &s, check_err));
  cr_assert_eq(s.median, 2.5);
  check_ok(tendril_summarise(values, 1, 1, &s, check_err));
  cr_assert_eq(s.sd, 0);
  cr_assert_eq(s.low, 4);
  cr_assert_eq(s.high, 4);
  cr_assert_eq(tendril_summarise(values, 0, 1, &s, NULL), TENDRIL_E_ARGUMENT);
}

Test(eval, the_bootstrap_interval_is_that_of_the_normal_for_a_large_sample) {
  enum { N = 400 };
  double z[N];
  tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, N, z);
  tendril_summary s;
  check_ok(tendril_summarise(z, N, 1, &s, check_err));
  double half = 1.96 * s.sd / sqrt(N);
  // quantiles of 10000 resamples are good to some 3 % of the half width, and N is finite
  check_close((s.high - s.low) / (2 * half), 1, 0.06);
  cr_assert(s.low < s.mean && s.mean < s.high);
}

Test(eval, the_same_episodes_on_any_number_of_threads) {
  double first[12], returns[12];
  tendril_eval_result one, many;
  for (int sampled = 0; sampled < 2; sampled++) {
    tendril_eval_options options = {.episodes = 12, .seed = 3, .series = 2};
    for (int threads = 1; threads <= 3; threads++) {
      support_scene s;
      support_scene_open(&s, "hopper-v4", threads);
      tendril_agent *agent;
      check_ok(tendril_agent_create(s.policy, sampled, &agent, check_err));
      check_ok(tendril_evaluate(s.model, agent, s.pool, &options, &many, returns, check_err));
      tendril_agent_destroy(agent);
      if (threads == 1) {
        one = many;
        memcpy(first, returns, sizeof first);
      }
      check_same_bits(returns, first, 12);
      check_same_summary(&many.returns, &one.returns);
      check_same_summary(&many.lengths, &one.lengths);
      check_same_bits(many.terms, one.terms, TENDRIL_MAX_TERMS);
      cr_assert(many.terminated == one.terminated && many.truncated == one.truncated &&
                many.diverged == one.diverged && many.steps == one.steps);
      cr_assert_eq(many.succeeded, -1);
      support_scene_close(&s);
    }
    cr_assert_eq(one.terminated + one.truncated + one.diverged, 12);
    double terms = 0;
    for (int k = 0; k < TENDRIL_MAX_TERMS; k++)
      terms += one.terms[k];
    check_close(terms, one.returns.mean, 1e-12);  // sums in another order
  }
}

Test(eval, absurd_numbers_of_episodes_are_refused) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  tendril_eval_result result;
  tendril_eval_options options = {.episodes = 0};
  cr_assert_eq(tendril_evaluate(s.model, s.agent, s.pool, &options, &result, NULL, NULL),
               TENDRIL_E_ARGUMENT);
  support_scene_close(&s);
}

Test(eval, a_policy_of_another_task_is_refused) {
  support_scene s, other;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  support_scene_open(&other, "hopper-v4", 1);
  tendril_eval_result result;
  tendril_eval_options options = {.episodes = 1};
  cr_assert_eq(tendril_evaluate(s.model, other.agent, s.pool, &options, &result, NULL, NULL),
               TENDRIL_E_ARGUMENT);
  support_scene_close(&s);
  support_scene_close(&other);
}

// ------------------------------------------------------------------------------------------ goals

// A cart that nothing stops: x_t = 0.1 m t, and its episode of 10 steps ends at 1 m.
static double low, high, end;  // the goal is there; the task ends beyond `end`

static void push_off(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)model, (void)state, (void)random;
  data->qvel[0] = 1;
}

static bool is_there(const mjModel *model, const double *qpos, const double *qvel) {
  (void)model;
  return qpos[0] >= low && qpos[0] <= high && qvel[0] > 0;
}

static bool is_beyond(const mjModel *model, const mjData *data, double *state, const double *action,
                      double seconds, double *terms) {
  (void)model, (void)state, (void)action, (void)seconds;
  terms[0] = 1;
  return data->qpos[0] > end;
}

// Episodes of three that succeed.
static int successes(int goal_last) {
  tendril_task task = support_toy;
  task.max_steps = 10;
  task.reset = push_off;
  task.evaluate = is_beyond;
  task.goal = goal_last ? is_there : NULL;
  task.goal_last = goal_last;
  tendril_model *model = NULL;
  check_ok(tendril_model_create(&task, support_mjcf("cart.xml"), NULL, &model, check_err));
  support_stage s = support_stage_open(model, 2);
  const tendril_eval_options options = {.episodes = 3, .seed = 1};
  tendril_eval_result result;
  check_ok(
      tendril_evaluate(s.model, tendril_agent_zero(), s.pool, &options, &result, NULL, check_err));
  support_stage_close(&s);
  return result.succeeded;
}

Test(eval, an_episode_succeeds_if_its_last_states_are_where_the_task_wants_them) {
  // the states 7 to 10: no more than these four
  low = 0.65, high = end = 9;
  cr_assert_eq(successes(4), 3);
  cr_assert_eq(successes(5), 0);
  // all after a step; the start is none of them
  low = 0.05;
  cr_assert_eq(successes(10), 3);
  // left in the last state, however long it held before
  high = 0.95;
  cr_assert_eq(successes(1), 0);
  // the task ended on the last step, or before it: no success, though the goal held
  high = 9, end = 0.95;
  cr_assert_eq(successes(1), 0);
  end = 0.55;
  cr_assert_eq(successes(1), 0);
  // nothing to reach
  cr_assert_eq(successes(0), -1);
}

static tendril_status evaluate_once(void *context, tendril_error *err) {
  const support_scene *s = context;
  tendril_eval_result result;
  tendril_eval_options options = {.episodes = 2, .seed = 1};
  return tendril_evaluate(s->model, s->agent, s->pool, &options, &result, NULL, err);
}

Test(eval, every_failed_allocation_is_a_clean_error) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  cr_assert_gt(support_fail_each_alloc(evaluate_once, &s), 3);
  support_scene_close(&s);
}

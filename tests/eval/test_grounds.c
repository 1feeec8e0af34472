// Agents on many grounds: on level ones what an ordinary evaluation says, falls seen where the task
// knows none, the same on any number of threads.
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/eval.h>

enum { N = 6 };

static tendril_model *grounds(const char *task, int kind) {
  tendril_sim_options sim;
  tendril_sim_defaults(&sim);
  sim.max_steps = 300;
  sim.terrain.kind = kind;
  sim.terrain.flat = 0.5;
  sim.terrain.seeds = N;
  return support_model(task, &sim);
}

static tendril_grounds_result judge(const tendril_model *model, const tendril_agent *agent,
                                    int threads, double min_height, double *distances) {
  tendril_grounds_result r;
  tendril_grounds_options o;
  tendril_grounds_defaults(&o);
  o.min_height = min_height;
  tendril_pool *pool = support_pool(threads);
  check_ok(tendril_grounds_evaluate(model, agent, pool, &o, &r, distances, check_err));
  tendril_pool_destroy(pool);
  return r;
}

Test(grounds, that_are_level_give_what_an_evaluation_gives) {
  tendril_model *model = grounds("hopper-v4", TENDRIL_TERRAIN_FLAT);
  tendril_pool *pool = support_pool(2);
  const tendril_eval_options o = {.episodes = N, .seed = 1};
  tendril_eval_result e;
  double returns[N], mean = 0;
  check_ok(tendril_evaluate(model, tendril_agent_random(), pool, &o, &e, returns, check_err));
  const tendril_grounds_result r = judge(model, tendril_agent_random(), 2, 0, NULL);
  cr_assert_eq(r.steps, e.steps);
  cr_assert_eq(r.met, 0);
  cr_assert_eq(N - r.upright, e.terminated);
  check_close(r.seconds.mean, e.lengths.mean * tendril_model_seconds(model), 1e-12);
  check_close(r.seconds.min, e.lengths.min * tendril_model_seconds(model), 1e-12);
  // forward speed is what hopper-v4 pays for: its term adds up to the distance over a step's length
  check_close(r.distance.mean, e.terms[0] * tendril_model_seconds(model), 1e-9);
  for (int i = 0; i < N; i++)
    mean += returns[i] / N;
  cr_assert(isfinite(mean) && r.cost.max < 0);  // rewards are positive here
  tendril_pool_destroy(pool);
  tendril_model_destroy(model);
}

Test(grounds, are_the_same_on_any_number_of_threads_and_differ) {
  tendril_model *model = grounds("hopper", TENDRIL_TERRAIN_MIXED);
  double one[N], four[N];
  const tendril_grounds_result a = judge(model, tendril_agent_random(), 1, 0.5, one);
  const tendril_grounds_result b = judge(model, tendril_agent_random(), 4, 0.5, four);
  check_same_bits(one, four, N);
  cr_assert_eq(a.steps, b.steps);
  cr_assert(a.distance.sd > 0);
  tendril_model_destroy(model);
}

Test(grounds, a_fall_is_seen_where_the_task_knows_none) {
  tendril_model *model = grounds("walker-gps", TENDRIL_TERRAIN_SLOPES);
  const tendril_grounds_result r = judge(model, tendril_agent_zero(), 1, 0.5, NULL);
  cr_assert_eq(r.upright, 0);
  cr_assert(r.seconds.max < 2.5, "%g", r.seconds.max);  // an inverted pendulum of 1 m
  double distances[N];
  const tendril_grounds_result all = judge(model, tendril_agent_zero(), 1, 0, distances);
  int ahead = 0;
  for (int i = 0; i < N; i++)
    ahead += distances[i] > 0.5;  // where it is level, grounds()
  cr_assert(all.met == ahead && ahead > 0, "%d of %d", all.met, ahead);
  check_close(all.seconds.min, 3, 1e-12);  // at no height at all nobody falls
  cr_assert_eq(all.upright, N);
  tendril_model_destroy(model);
}

Test(grounds, options_out_of_range_are_refused) {
  support_stage s = support_stage_open(grounds("hopper", TENDRIL_TERRAIN_ROUGH), 1);
  static const double bad[] = {-0.1, 1.1, NAN};
  for (int i = 0; i < 3; i++) {
    const tendril_grounds_options o = {.min_height = bad[i]};
    tendril_grounds_result r;
    tendril_error err = {{0}};
    cr_expect_eq(
        tendril_grounds_evaluate(s.model, tendril_agent_zero(), s.pool, &o, &r, NULL, &err),
        TENDRIL_E_ARGUMENT);
    cr_expect(strstr(err.text, "min_height"), "%s", err.text);
  }
  support_stage_close(&s);
}

static tendril_status try_it(void *context, tendril_error *err) {
  const support_stage *s = context;
  tendril_grounds_options o;
  tendril_grounds_defaults(&o);
  tendril_grounds_result r;
  return tendril_grounds_evaluate(s->model, tendril_agent_zero(), s->pool, &o, &r, NULL, err);
}

Test(grounds, without_memory_are_a_clean_error) {
  support_stage s = support_stage_open(grounds("hopper", TENDRIL_TERRAIN_STEPS), 1);
  support_fail_each_alloc(try_it, &s);
  support_stage_close(&s);
}

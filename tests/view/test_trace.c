// Traces: the episode that eval plays, remembered exactly, and gone back in.
#include "sim/sim.h"
#include "support/sim.h"
#include "view/trace.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/eval.h>

static tendril_policy *policy_for(const tendril_model *model) {
  tendril_policy *policy = NULL;
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.output_gain = 1;
  cr_assert_eq(tendril_policy_create(&options, tendril_model_nobs(model), tendril_model_nact(model),
                                     tendril_model_max_steps(model), 1, &policy, NULL),
               TENDRIL_OK);
  return policy;
}

static tendril_controller *controller_of(const tendril_agent *agent, const tendril_model *model) {
  tendril_controller *controller = NULL;
  cr_assert_eq(tendril_controller_create(agent, model, &controller, NULL), TENDRIL_OK);
  return controller;
}

static tnd_trace *trace_of(const tendril_model *model, int capacity) {
  tnd_trace *trace = NULL;
  cr_assert_eq(tnd_trace_create(model, capacity, &trace, NULL), TENDRIL_OK);
  return trace;
}

static void expect_episodes_of_eval(bool sampled) {
  enum { EPISODES = 3 };
  tendril_model *model = support_model("hopper-v4", NULL);
  tendril_policy *policy = policy_for(model);
  tendril_pool *pool = NULL;
  tendril_eval_result result;
  double returns[EPISODES];
  tendril_agent *agent = NULL;
  const tendril_eval_options options = {.episodes = EPISODES, .seed = 5};
  cr_assert_eq(tendril_agent_create(policy, sampled, &agent, NULL), TENDRIL_OK);
  cr_assert_eq(tendril_pool_create(1, &pool, NULL), TENDRIL_OK);
  cr_assert_eq(tendril_evaluate(model, agent, pool, &options, &result, returns, NULL), TENDRIL_OK);

  tendril_controller *controller = controller_of(agent, model);
  tnd_trace *trace = trace_of(model, tendril_model_max_steps(model));
  for (int i = 0; i < EPISODES; i++) {
    cr_assert_eq(tnd_trace_play(trace, controller, 5, (uint32_t)i, NULL, 0, NULL), TENDRIL_OK);
    const int last = tnd_trace_last(trace);
    cr_assert_eq(tnd_trace_first(trace), 0);
    cr_assert_eq(tnd_trace_return(trace, last), returns[i]);
    cr_assert(tnd_trace_step(trace, last - 1)->terminated);
  }
  tnd_trace_destroy(trace);
  tendril_controller_destroy(controller);
  tendril_pool_destroy(pool);
  tendril_agent_destroy(agent);
  tendril_policy_destroy(policy);
  tendril_model_destroy(model);
}

Test(trace, is_the_episode_that_eval_plays) {
  expect_episodes_of_eval(false);
}

Test(trace, is_the_episode_that_eval_plays_with_sampled_actions) {
  expect_episodes_of_eval(true);
}

Test(trace, forgets_the_oldest_steps_and_those_that_are_cut) {
  tendril_model *model = support_model("swimmer-v4", NULL);
  const size_t size = (size_t)tendril_snapshot_size(model) * sizeof(double);
  tendril_controller *controller = controller_of(tendril_agent_random(), model);
  tnd_trace *whole = trace_of(model, 1000), *ring = trace_of(model, 7);
  cr_assert_eq(tnd_trace_play(whole, controller, 1, 0, NULL, 0, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_trace_play(ring, controller, 1, 0, NULL, 0, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_trace_last(ring), 1000);
  cr_assert_eq(tnd_trace_first(ring), 993);
  for (int t = 993; t <= 1000; t++) {
    cr_assert_arr_eq(tnd_trace_snapshot(ring, t), tnd_trace_snapshot(whole, t), size);
    cr_assert_eq(tnd_trace_return(ring, t), tnd_trace_return(whole, t));
    if (t == 1000) continue;
    cr_assert_arr_eq(tnd_trace_action(ring, t), tnd_trace_action(whole, t), 2 * sizeof(double));
    cr_assert_eq(tnd_trace_step(ring, t)->reward, tnd_trace_step(whole, t)->reward);
  }

  // back to 995 and on from there: the same again
  tendril_env *env = support_env(model, 1, NULL);
  double obs[32], action[2];
  tendril_step step;
  tnd_trace_cut(ring, 995);
  tendril_env_restore(env, tnd_trace_snapshot(ring, 995), obs);
  for (int t = 995; t < 1000; t++) {
    cr_assert_eq(tendril_controller_act(controller, env, t, obs, action, NULL), TENDRIL_OK);
    cr_assert_eq(tendril_env_step(env, action, obs, &step, NULL), TENDRIL_OK);
    tnd_trace_add(ring, env, action, &step);
  }
  cr_assert_eq(tnd_trace_first(ring), 993);
  cr_assert_arr_eq(tnd_trace_snapshot(ring, 1000), tnd_trace_snapshot(whole, 1000), size);
  cr_assert_eq(tnd_trace_return(ring, 1000), tnd_trace_return(whole, 1000));
  tendril_env_destroy(env);
  tnd_trace_destroy(whole);
  tnd_trace_destroy(ring);
  tendril_controller_destroy(controller);
  tendril_model_destroy(model);
}

Test(trace, a_push_changes_the_episode_from_its_time_on) {
  tendril_model *model = support_model("hopper-v4", NULL);
  const mjModel *mujoco = tendril_model_mujoco(model);
  const size_t state = (size_t)(mujoco->nq + mujoco->nv) * sizeof(double);
  tendril_controller *controller = controller_of(tendril_agent_zero(), model);
  tnd_trace *calm = trace_of(model, 1000), *pushed = trace_of(model, 1000);
  tendril_push push;
  cr_assert_eq(tendril_push_parse("60@0.08", &push, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_trace_play(calm, controller, 1, 0, NULL, 0, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_trace_play(pushed, controller, 1, 0, &push, 1, NULL), TENDRIL_OK);
  // qpos and qvel; the pushes in the snapshots differ from the start
  for (int t = 0; t <= 11; t++) {
    const double *a = tnd_snapshot_qpos(tnd_trace_snapshot(calm, t));
    const double *b = tnd_snapshot_qpos(tnd_trace_snapshot(pushed, t));
    cr_assert_eq(memcmp(a, b, state) == 0, t <= 10, "step %d", t);
  }
  tnd_trace_destroy(calm);
  tnd_trace_destroy(pushed);
  tendril_controller_destroy(controller);
  tendril_model_destroy(model);
}

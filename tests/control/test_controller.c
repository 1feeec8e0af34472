// Agents at work: the streams that an episode is made of, memory, the gate against foreign
// policies.
#include "base/alloc.h"
#include "support/agents.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <string.h>

static tendril_controller *controller_of(const tendril_agent *agent, const tendril_model *model) {
  tendril_controller *controller = NULL;
  check_ok(tendril_controller_create(agent, model, &controller, check_err));
  return controller;
}

// An episode as its definition has it: the start state from the stream (seed, EVAL_RESET, series,
// episode), the noise of one step after the other from (seed, EVAL_ACTION, series, episode).
static void expect_streams(bool sampled) {
  support_scene s;
  support_scene_open(&s, "hopper-v4", 1);
  tendril_agent *agent = NULL;
  check_ok(tendril_agent_create(s.policy, sampled, &agent, check_err));
  tendril_controller *controller = controller_of(agent, s.model);
  tendril_env *env = support_env(s.model, 7, NULL), *twin = support_env(s.model, 7, NULL);
  tendril_actor *actor = NULL;
  check_ok(tendril_actor_create(s.policy, &actor, check_err));
  double obs[11], action[3], twin_obs[11], twin_action[3], noise[3];
  tendril_step step = {0}, twin_step = {0};

  const tendril_random start = tendril_random_stream(5, TENDRIL_PURPOSE_EVAL_RESET, 2, 9);
  tendril_random random = tendril_random_stream(5, TENDRIL_PURPOSE_EVAL_ACTION, 2, 9);
  check_ok(tendril_env_reset(twin, &start, twin_obs, check_err));
  check_ok(tendril_controller_reset(controller, 5, 2, 9, env, obs, check_err));
  for (int t = 0; !step.terminated; t++) {
    check_same_bits(obs, twin_obs, 11);
    tendril_random_normals(&random, 3, noise);
    tendril_policy_act(s.policy, actor, 0, twin_obs, sampled ? noise : NULL, twin_action);
    check_ok(tendril_controller_act(controller, env, t, obs, action, check_err));
    check_same_bits(action, twin_action, 3);
    check_ok(tendril_env_step(env, action, obs, &step, check_err));
    check_ok(tendril_env_step(twin, twin_action, twin_obs, &twin_step, check_err));
    cr_assert_eq(step.reward, twin_step.reward);
  }
  tendril_actor_destroy(actor);
  tendril_env_destroy(env);
  tendril_env_destroy(twin);
  tendril_controller_destroy(controller);
  tendril_agent_destroy(agent);
  support_scene_close(&s);
}

Test(controller, mean_actions_are_the_policys_own) {
  expect_streams(false);
}

Test(controller, sampled_actions_are_drawn_from_the_episodes_stream) {
  expect_streams(true);
}

Test(controller, random_actions_fill_the_actuators_range) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tendril_controller *controller = controller_of(tendril_agent_random(), model);
  tendril_env *env = support_env(model, 1, NULL);
  double obs[11], action[3], low = 1, high = -1, sum = 0, again[3];
  check_ok(tendril_controller_reset(controller, 3, 0, 0, env, obs, check_err));
  for (int t = 0; t < 2000; t++) {
    check_ok(tendril_controller_act(controller, env, t, obs, action, check_err));
    low = action[0] < low ? action[0] : low;
    high = action[0] > high ? action[0] : high;
    sum += action[0];
  }
  cr_assert(low > -1 && low < -0.99 && high < 1 && high > 0.99, "%g %g", low, high);
  // six deviations of the mean of 2000 uniform numbers, sqrt(1/3/2000)
  cr_assert_float_eq(sum / 2000, 0, 6 * 0.0129);
  // a step's noise is its own: gone back, it is there again
  check_ok(tendril_controller_act(controller, env, 7, obs, action, check_err));
  check_ok(tendril_controller_act(controller, env, 8, obs, again, check_err));
  cr_assert(memcmp(action, again, sizeof action) != 0);
  check_ok(tendril_controller_act(controller, env, 7, obs, again, check_err));
  check_same_bits(again, action, 3);
  tendril_env_destroy(env);
  tendril_controller_destroy(controller);
  tendril_model_destroy(model);
}

Test(controller, a_branch_with_the_memory_goes_on_as_the_original_did) {
  tendril_model *model = support_model("swimmer-v4", NULL);
  tendril_controller *original = controller_of(&support_counter, model);
  tendril_controller *other = controller_of(&support_counter, model);
  tendril_env *env = support_env(model, 1, NULL);
  const int size = tendril_controller_size(original);
  double obs[8], first[2], again[2], memory[16];
  double *snapshot = tnd_alloc(sizeof *snapshot * (size_t)tendril_snapshot_size(model));
  tendril_step step;
  cr_assert(size > 1 && size <= 16);
  cr_assert(tendril_agent_sees_state(&support_counter));
  check_ok(
      tendril_controller_reset(original, UINT64_C(0x123456789abcdef), 3, 4, env, obs, check_err));
  check_ok(tendril_controller_reset(other, 1, 0, 0, env, obs, check_err));
  check_ok(
      tendril_controller_reset(original, UINT64_C(0x123456789abcdef), 3, 4, env, obs, check_err));
  for (int t = 0; t < 8; t++) {
    if (t == 5) {
      tendril_controller_save(original, memory);
      tendril_env_save(env, snapshot);
    }
    check_ok(tendril_controller_act(original, env, t, obs, first, check_err));
    check_ok(tendril_env_step(env, first, obs, &step, check_err));
  }
  tendril_controller_restore(other, memory);
  tendril_env_restore(env, snapshot, obs);
  for (int t = 5; t < 8; t++) {
    check_ok(tendril_controller_act(other, env, t, obs, again, check_err));
    check_ok(tendril_env_step(env, again, obs, &step, check_err));
  }
  check_same_bits(again, first, 2);
  tnd_free(snapshot);
  tendril_env_destroy(env);
  tendril_controller_destroy(original);
  tendril_controller_destroy(other);
  tendril_model_destroy(model);
}

Test(controller, what_an_agent_fails_with_ends_the_evaluation) {
  support_scene s;
  support_scene_open(&s, "swimmer-v4", 2);
  const tendril_eval_options options = {.episodes = 3, .seed = 1};
  tendril_eval_result result;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_evaluate(s.model, &support_counter, s.pool, &options, &result, NULL, &err),
               TENDRIL_E_NUMERIC);
  cr_assert_str_eq(err.text, "episode 0: counted too far");
  support_scene_close(&s);
}

Test(controller, a_policy_of_another_task_is_refused) {
  support_scene s, other;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  support_scene_open(&other, "hopper-v4", 1);
  tendril_controller *controller = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_controller_create(other.agent, s.model, &controller, &err),
               TENDRIL_E_ARGUMENT);
  cr_assert_str_eq(err.text, "a policy of 11 observations and 3 actions for a task of 4 and 1");
  support_scene_close(&s);
  support_scene_close(&other);
}

static tendril_status create_once(void *context, tendril_error *err) {
  const support_scene *s = context;
  tendril_agent *agent = NULL;
  tendril_controller *controller = NULL;
  tendril_status status = tendril_agent_create(s->policy, true, &agent, err);
  if (status == TENDRIL_OK) status = tendril_controller_create(agent, s->model, &controller, err);
  tendril_controller_destroy(controller);
  tendril_agent_destroy(agent);
  return status;
}

Test(controller, every_failed_allocation_is_a_clean_error) {
  support_scene s;
  support_scene_open(&s, "hopper-v4", 1);
  cr_assert_geq(support_fail_each_alloc(create_once, &s), 4);
  support_scene_close(&s);
}

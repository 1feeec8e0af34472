// The agents of trajectory optimisation: MPC goes on from a saved memory, on the ground that it is
// on; a trajectory is followed to the bit, and its feedback brings a robot back to it.
#include <tendril/tendril.h>

#include "support/close.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tendril_controller *controller_of(const tendril_agent *agent, const tendril_model *model) {
  tendril_controller *controller = NULL;
  check_ok(tendril_controller_create(agent, model, &controller, check_err));
  return controller;
}

static tendril_agent *mpc(int horizon, const tendril_agent *first) {
  tendril_mpc_options options;
  tendril_agent *agent = NULL;
  tendril_mpc_defaults(&options);
  options.horizon = horizon;
  options.warm_up = 10;
  check_ok(tendril_agent_mpc_create(&options, first, 1, &agent, check_err));
  return agent;
}

Test(trajopt_agents, mpc_goes_on_in_another_controller_as_it_would_have_itself) {
  tendril_model *model = support_model("walker-gps", NULL);
  tendril_agent *agent = mpc(20, tendril_agent_random());
  tendril_controller *one = controller_of(agent, model), *two = controller_of(agent, model);
  tendril_env *env = support_env(model, 1, NULL), *twin = support_env(model, 1, NULL);
  double obs[17], twin_obs[17], action[6], twin_action[6];
  tendril_step step;
  check_ok(tendril_controller_reset(one, 1, 0, 0, env, obs, check_err));
  for (int t = 0; t < 8; t++) {
    check_ok(tendril_controller_act(one, env, t, obs, action, check_err));
    check_ok(tendril_env_step(env, action, obs, &step, check_err));
  }
  double *memory = malloc(sizeof *memory * (size_t)tendril_controller_size(one));
  double *snapshot = malloc(sizeof *snapshot * (size_t)tendril_snapshot_size(model));
  tendril_controller_save(one, memory);
  tendril_env_save(env, snapshot);
  tendril_controller_restore(two, memory);
  tendril_env_restore(twin, snapshot, twin_obs);
  for (int t = 8; t < 14; t++) {
    check_ok(tendril_controller_act(one, env, t, obs, action, check_err));
    check_ok(tendril_controller_act(two, twin, t, twin_obs, twin_action, check_err));
    check_same_bits(twin_action, action, 6);
    check_ok(tendril_env_step(env, action, obs, &step, check_err));
    check_ok(tendril_env_step(twin, twin_action, twin_obs, &step, check_err));
  }
  free(memory);
  free(snapshot);
  tendril_controller_destroy(one);
  tendril_controller_destroy(two);
  tendril_env_destroy(env);
  tendril_env_destroy(twin);
  tendril_agent_destroy(agent);
  tendril_model_destroy(model);
}

// Two that begin otherwise: from nothing, and from what another agent does.
Test(trajopt_agents, a_first_plan_begins_with_what_another_agent_does) {
  tendril_model *model = support_model("walker-gps", NULL);
  tendril_env *env = support_env(model, 1, NULL);
  double obs[17], actions[2][6];
  for (int i = 0; i < 2; i++) {
    tendril_agent *agent = mpc(20, i ? tendril_agent_random() : NULL);
    tendril_controller *c = controller_of(agent, model);
    check_ok(tendril_controller_reset(c, 1, 0, 0, env, obs, check_err));
    check_ok(tendril_controller_act(c, env, 0, obs, actions[i], check_err));
    // asked again it goes on, as if nothing had been asked before
    double again[6];
    check_ok(tendril_controller_reset(c, 1, 0, 0, env, obs, check_err));
    check_ok(tendril_controller_act(c, env, 0, obs, again, check_err));
    check_same_bits(again, actions[i], 6);
    tendril_controller_destroy(c);
    tendril_agent_destroy(agent);
  }
  cr_assert(memcmp(actions[0], actions[1], sizeof actions[0]) != 0);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

// The first action on each of two grounds, of one controller.
Test(trajopt_agents, mpc_plans_on_the_ground_that_it_is_on) {
  tendril_sim_options sim = support_sim_options();
  sim.terrain.kind = TENDRIL_TERRAIN_SLOPES;
  sim.terrain.seeds = 2;
  tendril_model *model = support_model("walker-gps", &sim);
  tendril_agent *agent = mpc(40, NULL);
  tendril_controller *c = controller_of(agent, model);
  tendril_env *env = support_env(model, 1, NULL);
  double obs[17], actions[3][6];
  const int grounds[3] = {0, 1, 0};
  for (int i = 0; i < 3; i++) {
    check_ok(tendril_env_set_ground(env, grounds[i], check_err));
    check_ok(tendril_controller_reset(c, 1, 0, 0, env, obs, check_err));
    // in the middle of the unevenness, not on the level ground of the start
    tendril_env_data(env)->qpos[0] = 7;
    tendril_env_data(env)->qpos[1] += tendril_ground_height(tendril_env_mujoco(env), 7, NULL);
    check_ok(tendril_controller_act(c, env, 0, obs, actions[i], check_err));
  }
  check_same_bits(actions[2], actions[0], 6);
  cr_assert(memcmp(actions[1], actions[0], sizeof actions[0]) != 0);
  tendril_env_destroy(env);
  tendril_controller_destroy(c);
  tendril_agent_destroy(agent);
  tendril_model_destroy(model);
}

Test(trajopt_agents, mpc_is_no_agent_for_a_task_without_a_cost) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tendril_agent *agent = mpc(20, NULL);
  tendril_controller *c = NULL;
  tendril_error err;
  cr_assert(tendril_controller_create(agent, model, &c, &err) == TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "hopper-v4: the task has no smooth cost"), "%s", err.text);
  tendril_agent_destroy(agent);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------ trajectory

enum { T = 60 };

typedef struct swing {
  tendril_model *model;
  tendril_pool *pool;
  tendril_ilqg *ilqg;
  tendril_env *env;
  double obs[4];
} swing;

// A swing-up from the start of episode 0, and an environment that stands there.
static swing swing_up(void) {
  swing s;
  tendril_sim_options sim = support_sim_options();
  sim.max_steps = T;
  s.model = support_model("double-link", &sim);
  s.pool = support_pool(1);
  check_ok(tendril_ilqg_create(s.model, T, NULL, s.pool, &s.ilqg, check_err));
  s.env = support_env(s.model, 3, s.obs);
  const mjData *d = tendril_env_data(s.env);
  const double x0[4] = {d->qpos[0], d->qpos[1], d->qvel[0], d->qvel[1]};
  check_ok(tendril_ilqg_start(s.ilqg, x0, NULL, check_err));
  tendril_ilqg_stats stats = {0};
  for (int i = 0; i < 60 && !stats.converged; i++)
    check_ok(tendril_ilqg_iterate(s.ilqg, &stats, check_err));
  check_ok(tendril_ilqg_close(s.ilqg, check_err));
  return s;
}

static void let_go(swing *s) {
  tendril_env_destroy(s->env);
  tendril_ilqg_destroy(s->ilqg);
  tendril_pool_destroy(s->pool);
  tendril_model_destroy(s->model);
}

// Goes to the end; x [4] is where that is.
static void go(const swing *s, bool feedback, double x[4]) {
  tendril_agent *agent = NULL;
  double action[2], obs[4];
  tendril_step step;
  check_ok(tendril_agent_trajectory_create(tendril_ilqg_get(s->ilqg), feedback, &agent, check_err));
  tendril_controller *c = controller_of(agent, s->model);
  for (int t = 0; t < T; t++) {
    check_ok(tendril_controller_act(c, s->env, t, obs, action, check_err));
    check_ok(tendril_env_step(s->env, action, obs, &step, check_err));
  }
  memcpy(x, tendril_env_data(s->env)->qpos, sizeof *x * 2);
  memcpy(x + 2, tendril_env_data(s->env)->qvel, sizeof *x * 2);
  // beyond its end there is nothing to follow
  check_ok(tendril_controller_act(c, s->env, T, obs, action, check_err));
  cr_assert(action[0] == 0 && action[1] == 0);
  tendril_controller_destroy(c);
  tendril_agent_destroy(agent);
}

Test(trajopt_agents, a_trajectory_is_followed_to_the_bit) {
  for (int feedback = 0; feedback < 2; feedback++) {
    swing s = swing_up();
    double x[4];
    go(&s, feedback, x);
    check_same_bits(x, tendril_ilqg_get(s.ilqg)->x + T * 4, 4);
    let_go(&s);
  }
}

Test(trajopt_agents, feedback_brings_a_robot_back_that_open_loop_loses) {
  double off[2];
  for (int feedback = 0; feedback < 2; feedback++) {
    swing s = swing_up();
    double x[4];
    tendril_env_data(s.env)->qpos[0] += 0.02;
    go(&s, feedback, x);
    off[feedback] = hypot(x[0], x[1]);
    let_go(&s);
  }
  cr_assert(off[1] < 0.02, "%g rad with feedback", off[1]);
  cr_assert(off[0] > 4 * off[1], "%g rad without feedback, %g with it", off[0], off[1]);
}

Test(trajopt_agents, another_tasks_trajectory_is_refused) {
  swing s = swing_up();
  tendril_model *walker = support_model("walker-gps", NULL);
  tendril_agent *agent = NULL;
  tendril_controller *c = NULL;
  tendril_error err;
  check_ok(tendril_agent_trajectory_create(tendril_ilqg_get(s.ilqg), true, &agent, check_err));
  cr_assert(tendril_controller_create(agent, walker, &c, &err) == TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "4 state numbers and 2 controls, walker-gps has 18 and 6"), "%s",
            err.text);
  tendril_agent_destroy(agent);
  tendril_model_destroy(walker);
  let_go(&s);
}

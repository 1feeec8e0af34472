// A task's smooth cost: which terms count when, and its derivatives, for every task that has one.
#include "sim/cost.h"

#include "sim/sim.h"

#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"
#include "support/sim.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct at {
  const tendril_model *model;
  int t, T;
} at;

// z = (qpos, qvel, u), of tasks whose qpos is as long as qvel
static void cost_at(void *context, const double *z, double *out) {
  const at *a = context;
  const int nv = (int)tendril_model_mujoco(a->model)->nv;
  out[0] = tnd_cost(a->model, 0, a->t, a->T, z, z + nv, z + 2 * nv, NULL);
}

static void check_expansion(const tendril_model *model, int t, int T) {
  const mjModel *m = tendril_model_mujoco(model);
  const int nv = (int)m->nv, nu = (int)m->nu, n = 2 * nv, w = n + nu;
  double z[64], gradient[64], lx[64], lu[16], lxx[64 * 64], lux[16 * 64], luu[16 * 16], work[4096];
  tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, (uint32_t)t, 0);
  tendril_random_normals(&random, w, z);
  cr_assert(tnd_cost_work(model) <= 4096);
  const tnd_cost_expansion e = {lx, lu, lxx, lux, luu};
  at a = {model, t, T};
  const double l = tnd_cost_expand(model, 0, t, T, z, z + nv, z + n, work, &e);
  double again;
  cost_at(&a, z, &again);
  check_close(l, again, 1e-14);
  support_fd_jacobian(cost_at, &a, z, (size_t)w, 1, SUPPORT_FD_STEP, gradient);
  check_all_close(lx, gradient, n, 1e-6);  // weights are up to 1e4: rounding of l / h
  check_all_close(lu, gradient + n, nu, 1e-6);
  // the costs here have linear residuals, so that Gauss and Newton's Hessian is the whole one: the
  // change of the gradient along a line is exact
  double moved[64], lx2[64], lu2[16], d[64], Hd[64], scrap[4096 * 2];
  tendril_random_normals(&random, w, d);
  for (int i = 0; i < w; i++)
    moved[i] = z[i] + d[i];
  const tnd_cost_expansion e2 = {lx2, lu2, scrap, scrap + 4096, scrap + 5200};
  tnd_cost_expand(model, 0, t, T, moved, moved + nv, moved + n, work, &e2);
  for (int i = 0; i < w; i++) {
    Hd[i] = 0;
    for (int j = 0; j < w; j++)
      Hd[i] += d[j] * (i < n && j < n    ? lxx[i * n + j]
                       : i >= n && j < n ? lux[(i - n) * n + j]
                       : i < n           ? lux[(j - n) * n + i]
                                         : luu[(i - n) * nu + j - n]);
    check_close(i < n ? lx2[i] - lx[i] : lu2[i - n] - lu[i - n], Hd[i], 1e-10);
  }
}

Test(cost, derivatives_of_every_task_that_has_one) {
  tendril_tasks *tasks;
  int n = 0;
  check_ok(tendril_tasks_create(&tasks, check_err));
  for (int i = 0; i < tendril_tasks_count(tasks); i++) {
    const tendril_task *task = tendril_tasks_get(tasks, i);
    if (!task->ncost) continue;
    tendril_model *model = support_model(task->name, NULL);
    const int T = tendril_model_max_steps(model);
    const int times[] = {0, T - 20, T - 19, T - 1, T};
    for (int k = 0; k < 5; k++)
      check_expansion(model, times[k], T);
    tendril_model_destroy(model);
    n++;
  }
  cr_assert(n >= 4);
  tendril_tasks_destroy(tasks);
}

Test(cost, state_terms_of_the_links_count_in_the_last_twenty_states) {
  tendril_model *model = support_model("double-link", NULL);
  const double q[2] = {1, 2}, v[2] = {3, 4}, u[2] = {5, 6};
  double terms[3];
  // the last 20 of the states 0 .. 100 are 81 .. 100
  check_close(tnd_cost(model, 0, 80, 100, q, v, u, terms), 1e-5 * 61, 1e-15);
  check_close(terms[0], 0, 0);
  check_close(tnd_cost(model, 0, 81, 100, q, v, u, terms), 5e4 + 25 + 1e-5 * 61, 1e-15);
  check_close(tnd_cost(model, 0, 100, 100, q, v, NULL, terms), 5e4 + 25, 1e-15);
  check_close(terms[2], 0, 0);
  tendril_model_destroy(model);
}

Test(cost, of_the_walker_by_hand) {
  tendril_model *model = support_model("walker-gps", NULL);
  double q[9] = {7, 1.2, 0.3}, v[9] = {1.6}, u[6] = {10, -20}, terms[3];
  check_close(tnd_cost(model, 0, 0, 500, q, v, u, terms), 0.25 + 0.1 + 0.05, 1e-12);
  check_close(terms[0], 0.25, 1e-12);
  check_close(terms[1], 0.1, 1e-12);
  check_close(terms[2], 0.05, 1e-12);
  // no term of its is a final one
  check_close(tnd_cost(model, 0, 500, 500, q, v, NULL, terms), 0, 0);
  tendril_model_destroy(model);
}

// Rewards of a task without `evaluate`, under start noise and with an odd control step.
Test(cost, options_of_the_simulation_are_kept) {
  tendril_sim_options sim = support_sim_options();
  sim.step_seconds = 0.02;
  sim.limit = 7;
  sim.max_steps = 3;
  sim.start_qpos = 0.5;
  sim.start_qvel = 2;
  tendril_model *model = support_model("double-link", &sim);
  check_close(tendril_model_seconds(model), 0.02, 0);
  cr_assert(tendril_model_physics_steps(model) == 5);
  check_close(tendril_model_mujoco(model)->opt.timestep, 0.004, 1e-15);
  double q2 = 0, v2 = 0;
  enum { N = 200 };
  for (uint32_t i = 0; i < N; i++) {
    double obs[4], action[2] = {9, -9};
    tendril_env *env = support_env(model, i, obs);
    q2 += pow(obs[0] - 3.14159265358979, 2) + pow(obs[1], 2);
    v2 += pow(obs[2], 2) + pow(obs[3], 2);
    for (int t = 0; t < 3; t++) {
      tendril_step step;
      const double q = obs[0] * obs[0] + obs[1] * obs[1], v = obs[2] * obs[2] + obs[3] * obs[3];
      check_ok(tendril_env_step(env, action, obs, &step, check_err));
      check_close(step.terms[2], -1e-5 * 98, 1e-12);  // clipped to 7
      if (t < 2) check_close(step.reward, -1e4 * q - v - 1e-5 * 98, 1e-10);
      if (t == 2)  // the state it ends in, too
        check_close(step.terms[0], -1e4 * (q + obs[0] * obs[0] + obs[1] * obs[1]), 1e-10);
    }
    tendril_env_destroy(env);
  }
  // deviations: those asked for and the task's own 0.01, to three standard errors of 400 squares
  check_close(sqrt(q2 / (2 * N)) / 0.5, 1, 0.11);
  check_close(sqrt(v2 / (2 * N)) / 2, 1, 0.11);
  tendril_model_destroy(model);
}

// ----------------------------------------------------------------------------------------- reward

static void get_state(tendril_env *env, double *qpos, double *qvel) {
  const mjModel *m = tendril_env_mujoco(env);
  mju_copy(qpos, tendril_env_data(env)->qpos, (int)m->nq);
  mju_copy(qvel, tendril_env_data(env)->qvel, (int)m->nv);
}

Test(reward, of_a_step_at_its_own_time_is_what_the_environment_paid) {
  const char *const tasks[] = {"double-link", "quad-link", "quad-link-limits", "swimmer-gps"};
  for (int k = 0; k < 4; k++) {
    tendril_model *model = support_model(tasks[k], NULL);
    const int T = tendril_model_max_steps(model), nu = tendril_model_nact(model);
    double obs[32], q[16], v[16], next_q[16], next_v[16], u[8];
    tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
    tendril_env *env = support_env(model, 5, obs);
    get_state(env, q, v);
    for (int t = 0; t < T; t++) {
      tendril_step step;
      tnd_reward_squares squares;
      double terms[TENDRIL_MAX_TERMS];
      tendril_random_normals(&random, nu, u);
      for (int i = 0; i < nu; i++)
        u[i] *= 20;  // some of it is clipped
      check_ok(tendril_env_step(env, u, obs, &step, check_err));
      cr_assert(!step.diverged);
      get_state(env, next_q, next_v);
      const double reward = tnd_reward_at(model, 0, t, q, v, u, next_q, next_v);
      check_same_bits(&reward, &step.reward, 1);
      tnd_reward_square(model, 0, q, v, u, next_q, next_v, &squares);
      const double again = tnd_reward_of_squares(model, t, &squares, terms);
      check_same_bits(&again, &step.reward, 1);
      check_same_bits(terms, step.terms, tendril_model_task(model)->nterm);
      memcpy(q, next_q, sizeof q);
      memcpy(v, next_v, sizeof v);
    }
    tendril_env_destroy(env);
    tendril_model_destroy(model);
  }
}

Test(reward, of_a_step_at_other_times_by_hand) {
  tendril_sim_options sim = support_sim_options();
  sim.limit = 5;
  sim.max_steps = 40;
  tendril_model *model = support_model("double-link", &sim);
  const double q[2] = {1, 2}, v[2] = {3, 4}, u[2] = {3, -9}, next_q[2] = {0.5, 0}, next_v[2] = {1};
  const double torques = 1e-5 * (9 + 25);  // -9 is clipped to -5
  const double state = 1e4 * 5 + 25, next = 1e4 * 0.25 + 1;
  // of the states 0 .. 40 the last 20 are 21 .. 40; the last step, 39, pays for x_40, too
  for (int t = 0; t < 40; t++)
    check_close(tnd_reward_at(model, 0, t, q, v, u, next_q, next_v),
                -torques - (t >= 21 ? state : 0) - (t == 39 ? next : 0), 1e-15);
  tendril_model_destroy(model);
}

Test(reward, depends_on_time_where_a_term_does) {
  tendril_task task = support_toy;
  cr_assert_not(tnd_reward_depends_on_time(&task));  // it has `evaluate`
  task.evaluate = NULL;
  task.ncost = 2;
  task.cost[0] = (tendril_cost_term){"a", 1, 1, 0, false};
  task.cost[1] = task.cost[0];
  cr_assert_not(tnd_reward_depends_on_time(&task));
  task.cost[1].last = 20;
  cr_assert(tnd_reward_depends_on_time(&task));
  task.cost[1].weight = 0;
  cr_assert_not(tnd_reward_depends_on_time(&task));
  task.cost[0].final = true;  // the last step pays for two states
  cr_assert(tnd_reward_depends_on_time(&task));
}

static void residual_of_torque(const mjModel *model, const double *qpos, const double *qvel,
                               const double *action, double *r, double *rx, double *ru) {
  (void)model, (void)qpos, (void)qvel, (void)rx;
  r[0] = action[0];
  if (ru) ru[0] = 1;
}

Test(reward, refuses_more_actuators_than_it_takes) {
  enum { MOST = TND_REWARD_MAX_ACTIONS };
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "many.xml");
  tendril_task task = support_toy;
  task.evaluate = NULL;
  task.nterm = task.ncost = 1;
  task.cost[0] = (tendril_cost_term){"a", 1, 1, 0, false};
  task.residuals = residual_of_torque;
  for (int n = MOST; n <= MOST + 1; n++) {
    tendril_model *model = NULL;
    tendril_error err = {{0}};
    char xml[4096] =
        "<mujoco><worldbody><body><joint name='a'/><geom size='.1'/></body></worldbody>"
        "<actuator>";
    for (int i = 0; i < n; i++)
      strcat(xml, "<motor joint='a'/>");
    strcat(xml, "</actuator></mujoco>");
    support_write_file(path, xml, strlen(xml));
    const tendril_status status = tendril_model_create(&task, path, NULL, &model, &err);
    cr_assert_eq(status, n <= MOST ? TENDRIL_OK : TENDRIL_E_FORMAT, "%s", err.text);
    if (status != TENDRIL_OK)
      cr_assert(strstr(err.text, "at most 64 actuators; this model has 65"));
    tendril_model_destroy(model);
  }
  support_tmpdir_remove(folder);
}

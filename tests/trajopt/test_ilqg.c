// iLQG: one step on a linear problem, swing-ups, the same bits on any number of threads, and what
// it says when it can't go on.
#include <tendril/tendril.h>

#include "sim/cost.h"
#include "trajopt/ilqg.h"

#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct problem {
  tendril_model *model;
  tendril_pool *pool;
  tendril_ilqg *ilqg;
  double x0[32];
  int nx;
} problem;

static problem setup(const char *task, int T, double limit, int threads, uint32_t start) {
  tendril_sim_options sim = support_sim_options();
  problem p;
  sim.max_steps = T;
  sim.limit = limit;
  p.model = support_model(task, &sim);
  p.pool = support_pool(threads);
  check_ok(tendril_ilqg_create(p.model, T, NULL, p.pool, &p.ilqg, check_err));
  tendril_env *env = support_env(p.model, start, NULL);
  const mjModel *m = tendril_model_mujoco(p.model);
  p.nx = (int)(m->nq + m->nv);
  memcpy(p.x0, tendril_env_data(env)->qpos, sizeof(double) * (size_t)m->nq);
  memcpy(p.x0 + m->nq, tendril_env_data(env)->qvel, sizeof(double) * (size_t)m->nv);
  tendril_env_destroy(env);
  check_ok(tendril_ilqg_start(p.ilqg, p.x0, NULL, check_err));
  return p;
}

static void shut(problem *p) {
  tendril_ilqg_destroy(p->ilqg);
  tendril_pool_destroy(p->pool);
  tendril_model_destroy(p->model);
}

static int iterate(problem *p, int most) {
  tendril_ilqg_stats stats = {0};
  int i = 0;
  double before = tendril_ilqg_get(p->ilqg)->cost;
  for (; i < most && !stats.converged; i++) {
    check_ok(tendril_ilqg_iterate(p->ilqg, &stats, check_err));
    cr_assert(stats.cost <= before, "the cost rose from %g to %g", before, stats.cost);
    before = stats.cost;
  }
  return i;
}

Test(ilqg, swings_two_links_up_under_two_torque_limits) {
  const double limits[] = {25, 10};
  for (int k = 0; k < 2; k++) {
    problem p = setup("double-link", 100, limits[k], 2, 1);
    iterate(&p, 60);
    const tendril_trajectory *now = tendril_ilqg_get(p.ilqg);
    for (int t = 82; t <= 100; t += 6)
      for (int i = 0; i < 2; i++) {
        cr_assert(fabs(now->x[t * 4 + i]) < 0.02, "limit %g, t %d: angle %g", limits[k], t,
                  now->x[t * 4 + i]);
        cr_assert(fabs(now->x[t * 4 + 2 + i]) < 0.3, "velocity %g", now->x[t * 4 + 2 + i]);
      }
    for (int i = 0; i < 200; i++)
      cr_assert(fabs(now->u[i]) <= limits[k]);
    shut(&p);
  }
}

// Under a weight on the effort the trajectory needs less of it; the cost that is told is the
// task's.
Test(ilqg, effort_is_weighed_for_a_while_and_is_no_part_of_the_cost) {
  tendril_ilqg_options options;
  double effort[2];
  tendril_ilqg_defaults(&options);
  for (int k = 0; k < 2; k++) {
    problem p = setup("double-link", 60, 25, 2, 1);
    tendril_ilqg_stats stats = {0};
    options.effort = k == 0 ? 0 : 10;
    options.effort_iterations = 40;
    tendril_ilqg_destroy(p.ilqg);
    check_ok(tendril_ilqg_create(p.model, 60, &options, p.pool, &p.ilqg, check_err));
    check_ok(tendril_ilqg_start(p.ilqg, p.x0, NULL, check_err));
    const tendril_trajectory *now = tendril_ilqg_get(p.ilqg);
    for (int i = 0; i < 30; i++)
      check_ok(tendril_ilqg_iterate(p.ilqg, &stats, check_err));
    effort[k] = 0;
    for (int i = 0; i < 120; i++)
      effort[k] += now->u[i] * now->u[i];
    double cost = 0;
    for (int t = 0; t <= 60; t++)
      cost += tnd_cost(p.model, 0, t, 60, now->x + t * 4, now->x + t * 4 + 2,
                       t < 60 ? now->u + t * 2 : NULL, NULL);
    check_close(now->cost, cost, 1e-9 * cost);
    check_close(stats.cost, now->cost, 0);
    // in the end it is gone, and what is left is a swing-up
    for (int i = 0; i < 50 && !stats.converged; i++)
      check_ok(tendril_ilqg_iterate(p.ilqg, &stats, check_err));
    cr_assert(fabs(now->x[60 * 4]) < 0.02 && fabs(now->x[60 * 4 + 1]) < 0.02);
    shut(&p);
  }
  cr_assert(effort[1] < 0.8 * effort[0], "%g with, %g without", effort[1], effort[0]);
}

Test(ilqg, same_bits_on_one_thread_and_on_three) {
  problem one = setup("walker-gps", 40, 0, 1, 2), three = setup("walker-gps", 40, 0, 3, 2);
  iterate(&one, 8);
  iterate(&three, 8);
  const tendril_trajectory *a = tendril_ilqg_get(one.ilqg), *b = tendril_ilqg_get(three.ilqg);
  check_same_bits(a->x, b->x, 41 * one.nx);
  check_same_bits(a->u, b->u, 40 * 6);
  check_same_bits(a->K, b->K, 40 * 6 * 18);
  shut(&one);
  shut(&three);
}

Test(ilqg, its_cost_is_less_the_return_of_the_environment) {
  // the plan, played: the environment's rewards are those of the same cost
  problem p = setup("walker-gps", 50, 0, 1, 4);
  iterate(&p, 5);
  const tendril_trajectory *now = tendril_ilqg_get(p.ilqg);
  double obs[64], sum = 0;
  tendril_env *env = support_env(p.model, 4, obs);
  for (int t = 0; t < 50; t++) {
    tendril_step step;
    check_ok(tendril_env_step(env, now->u + t * 6, obs, &step, check_err));
    sum += step.reward;
    cr_assert(step.truncated == (t == 49));
    cr_assert_not(step.terminated);
  }
  check_close(-sum, now->cost, 1e-12);  // order of summation
  tendril_env_destroy(env);
  shut(&p);
}

Test(ilqg, a_restart_follows_the_plan_by_its_feedback) {
  problem p = setup("double-link", 60, 25, 1, 5);
  iterate(&p, 60);
  check_ok(tendril_ilqg_close(p.ilqg, check_err));
  p.x0[0] += 0.02;
  check_ok(tnd_ilqg_restart(p.ilqg, p.x0, check_err));
  const tendril_trajectory *now = tendril_ilqg_get(p.ilqg);
  cr_assert(fabs(now->x[240]) < 0.05 && fabs(now->x[241]) < 0.05, "ended at %g, %g", now->x[240],
            now->x[241]);
  shut(&p);
}

Test(ilqg, says_what_is_wrong) {
  tendril_error err;
  tendril_ilqg *ilqg = NULL;
  tendril_pool *pool = support_pool(1);
  tendril_model *hopper = support_model("hopper-v4", NULL);
  cr_assert(tendril_ilqg_create(hopper, 10, NULL, pool, &ilqg, &err) == TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "no smooth cost"), "%s", err.text);
  tendril_model_destroy(hopper);
  tendril_model *links = support_model("double-link", NULL);
  cr_assert(tendril_ilqg_create(links, 0, NULL, pool, &ilqg, &err) == TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "horizon of 0 steps"), "%s", err.text);
  check_ok(tendril_ilqg_create(links, 10, NULL, pool, &ilqg, check_err));
  const double far[4] = {0, 0, 1e9, 0};
  cr_assert(tendril_ilqg_start(ilqg, far, NULL, &err) == TENDRIL_E_PHYSICS);
  cr_assert(strstr(err.text, "at step 0"), "%s", err.text);
  // what was reached before is gone
  double x0[4] = {3, 0, 0, 0}, u[20] = {0};
  check_ok(tendril_ilqg_start(ilqg, x0, u, check_err));
  cr_assert(isfinite(tendril_ilqg_get(ilqg)->cost));
  cr_assert(tendril_ilqg_start(ilqg, far, NULL, NULL) == TENDRIL_E_PHYSICS);
  cr_assert_eq(tendril_ilqg_get(ilqg)->cost, HUGE_VAL);
  u[3] = NAN;
  cr_assert(tendril_ilqg_start(ilqg, x0, u, &err) == TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "step 1 "), "%s", err.text);
  tendril_ilqg_destroy(ilqg);
  tendril_model_destroy(links);
  tendril_pool_destroy(pool);
}

static tendril_status attempt(void *context, tendril_error *err) {
  tendril_ilqg *ilqg;
  const problem *p = context;
  TENDRIL_TRY(tendril_ilqg_create(p->model, 10, NULL, p->pool, &ilqg, err));
  tendril_ilqg_destroy(ilqg);
  return TENDRIL_OK;
}

Test(ilqg, survives_every_failing_allocation) {
  problem p = setup("double-link", 10, 0, 1, 1);
  cr_assert(support_fail_each_alloc(attempt, &p) > 2);
  shut(&p);
}

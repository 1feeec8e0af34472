// Model-predictive control: it walks, it gives the same bits on any number of threads, and it plans
// anew where an episode doesn't go on from the step before.
#include <tendril/tendril.h>

#include "support/close.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { NX = 18, NU = 6 };

typedef struct walk {
  tendril_model *model;
  tendril_pool *pool;
  tendril_mpc *mpc;
  tendril_env *env;
} walk;

static walk begin(int threads) {
  walk w = {.model = support_model("walker-gps", NULL)};
  w.pool = support_pool(threads);
  check_ok(tendril_mpc_create(w.model, NULL, w.pool, &w.mpc, check_err));
  w.env = support_env(w.model, 1, NULL);
  return w;
}

static void end(walk *w) {
  tendril_env_destroy(w->env);
  tendril_mpc_destroy(w->mpc);
  tendril_pool_destroy(w->pool);
  tendril_model_destroy(w->model);
}

static void look(const walk *w, double *x) {
  const mjData *d = tendril_env_data(w->env);
  memcpy(x, d->qpos, sizeof *x * 9);
  memcpy(x + 9, d->qvel, sizeof *x * 9);
}

// One control step; the smallest height of the torso so far into *lowest.
static void advance(const walk *w, double *lowest) {
  double x[NX], u[NU], obs[64];
  tendril_step step;
  look(w, x);
  check_ok(tendril_mpc_act(w->mpc, tendril_env_time(w->env), x, u, check_err));
  check_ok(tendril_env_step(w->env, u, obs, &step, check_err));
  cr_assert_not(step.diverged);
  *lowest = fmin(*lowest, tendril_env_data(w->env)->qpos[1]);
}

Test(mpc, walks_off_from_standing) {
  walk w = begin(2);
  double x[NX], lowest = 2;
  for (int t = 0; t < 200; t++)
    advance(&w, &lowest);
  look(&w, x);
  // standing it would be at 1.12 m and 0 m; a fall ends below 0.4 m
  cr_assert(lowest > 0.8, "down to %g m", lowest);
  cr_assert(x[0] > 2, "%g m in 2 s", x[0]);
  end(&w);
}

Test(mpc, same_bits_on_one_thread_and_on_three) {
  walk one = begin(1), three = begin(3);
  double x[NX], y[NX], lowest = 2;
  for (int t = 0; t < 12; t++) {
    advance(&one, &lowest);
    advance(&three, &lowest);
  }
  look(&one, x);
  look(&three, y);
  check_same_bits(x, y, NX);
  end(&one);
  end(&three);
}

Test(mpc, plans_anew_after_a_jump_in_time_and_after_a_reset) {
  walk w = begin(1);
  double x[NX], first[NU], again[NU], lowest = 2;
  look(&w, x);
  check_ok(tendril_mpc_act(w.mpc, 0, x, first, check_err));
  advance(&w, &lowest);
  advance(&w, &lowest);
  // back to the start: what was planned in between leaves no trace
  check_ok(tendril_mpc_act(w.mpc, 0, x, again, check_err));
  check_same_bits(again, first, NU);
  tendril_mpc_reset(w.mpc);
  check_ok(tendril_mpc_act(w.mpc, 0, x, again, check_err));
  check_same_bits(again, first, NU);
  end(&w);
}

Test(mpc, a_state_that_no_plan_survives_gives_an_error_and_no_torque) {
  walk w = begin(1);
  double x[NX], u[NU] = {1, 1, 1, 1, 1, 1};
  const double none[NU] = {0};
  tendril_error err;
  look(&w, x);
  x[12] = 1e9;
  cr_assert(tendril_mpc_act(w.mpc, 0, x, u, &err) == TENDRIL_E_PHYSICS);
  check_same_bits(u, none, NU);
  end(&w);
}

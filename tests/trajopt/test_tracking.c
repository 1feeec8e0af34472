// The term that holds to a reference: its value by hand, its expansion against differences, which
// steps and coordinates it knows, and an optimisation that follows it.
#include "trajopt/tracking.h"

#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { T = 30, NX = 18, N = 18, NU = 6 };

typedef struct problem {
  tendril_model *model;
  tnd_tracking tracking;
  tnd_ilqg_term term;
  double reference[(T + 1) * NX];
} problem;

// The walker's first position is the way along the ground.
static void setup(problem *p, int horizon) {
  p->model = support_model("walker-gps", NULL);
  for (int k = 0; k < (T + 1) * NX; k++)
    p->reference[k] = 0.3 * sin(k);
  check_ok(tnd_tracking_create(p->model, T, p->reference, horizon, 2, &p->tracking, check_err));
  p->tracking.qpos = 7;
  p->tracking.qvel = 0.5;
  p->term = tnd_tracking_term(&p->tracking);
}

static void teardown(problem *p) {
  tnd_tracking_free(&p->tracking);
  tendril_model_destroy(p->model);
}

Test(tracking, costs_what_the_positions_and_velocities_are_off) {
  problem p;
  double x[NX];
  setup(&p, T);
  memcpy(x, p.reference + 4 * NX, sizeof x);
  p.tracking.from = 4;
  cr_assert_eq(p.term.value(&p.tracking, 1, 0, x, NULL), 0);
  x[0] += 100;  // the way along the ground is free
  x[2] += 0.5;
  x[5] -= 0.25;
  x[9] += 2;  // its velocity is not
  check_close(p.term.value(&p.tracking, 1, 0, x, NULL), 7 * (0.25 + 0.0625) / 2 + 0.5 * 4 / 2,
              1e-12);
  p.tracking.from = 0;
  check_close(p.term.value(&p.tracking, 0, 4, x, NULL), 7 * (0.25 + 0.0625) / 2 + 0.5 * 4 / 2,
              1e-12);
  // steps after the reference's last state are free
  p.tracking.from = T;
  cr_assert_neq(p.term.value(&p.tracking, 0, 0, x, NULL), 0);
  cr_assert_eq(p.term.value(&p.tracking, 0, 1, x, NULL), 0);
  cr_assert_eq(p.term.expand(&p.tracking, 0, 1, x, NULL), 0);
  teardown(&p);
}

typedef struct point {
  problem *p;
  int i;
  double *x;
} point;

static double along(double h, void *context) {
  const point *at = context;
  const double x = at->x[at->i];
  at->x[at->i] = x + h;
  const double value = at->p->term.value(&at->p->tracking, 0, 3, at->x, NULL);
  at->x[at->i] = x;
  return value;
}

Test(tracking, expands_as_it_differs) {
  problem p;
  double x[NX], lx[N], lu[NU] = {0}, lxx[N * N], lux[NU * N] = {0}, luu[NU * NU] = {0};
  setup(&p, T);
  p.tracking.from = 2;
  for (int i = 0; i < NX; i++)
    x[i] = 0.2 * i - 1;
  for (int i = 0; i < N; i++)
    lx[i] = 10 + i;  // what the cost has stays
  for (int i = 0; i < N * N; i++)
    lxx[i] = i;
  const double value = p.term.expand(&p.tracking, 1, 3, x, NULL);
  check_close(value, p.term.value(&p.tracking, 0, 3, x, NULL), 0);
  const tnd_cost_expansion l = {lx, lu, lxx, lux, luu};
  p.term.add(&p.tracking, 3, &l);
  for (int i = 0; i < N; i++) {
    // it is a square: central differences are exact but for rounding
    const double h = 0.1;
    point at = {&p, i, x};
    const double up = along(h, &at), down = along(-h, &at);
    check_close(lx[i] - (10 + i), (up - down) / (2 * h), 1e-10);
    for (int j = 0; j < N; j++)
      check_close(lxx[i * N + j] - (i * N + j), i == j ? (up - 2 * value + down) / (h * h) : 0,
                  1e-8);
  }
  for (int i = 0; i < NU; i++)
    cr_assert_eq(lu[i], 0);
  teardown(&p);
}

// A swing of the reference that the task's cost knows nothing of.
Test(tracking, is_followed_by_an_optimisation) {
  tendril_model *model = support_model("double-link", NULL);
  tendril_pool *pool = support_pool(2);
  tendril_ilqg *ilqg;
  enum { STEPS = 30, X = 4, U = 2 };
  double swing[(STEPS + 1) * X], u[STEPS * U], off[2];
  check_ok(tendril_ilqg_create(model, STEPS, NULL, pool, &ilqg, check_err));
  for (int k = 0; k < STEPS * U; k++)
    u[k] = 8 * sin(0.4 * k);
  const double x0[X] = {0, 0, 0, 0};
  check_ok(tendril_ilqg_start(ilqg, x0, u, check_err));
  memcpy(swing, tendril_ilqg_get(ilqg)->x, sizeof swing);
  for (int pass = 0; pass < 2; pass++) {
    tnd_tracking tracking;
    check_ok(tnd_tracking_create(model, STEPS, swing, STEPS, 2, &tracking, check_err));
    tracking.qpos = pass ? 1e9 : 0;
    tracking.qvel = pass ? 1e6 : 0;
    const tnd_ilqg_term term = tnd_tracking_term(&tracking);
    tnd_ilqg_set_term(ilqg, &term);
    check_ok(tendril_ilqg_start(ilqg, x0, NULL, check_err));
    tendril_ilqg_stats stats = {0};
    for (int i = 0; i < 60 && !stats.converged; i++)
      check_ok(tendril_ilqg_iterate(ilqg, &stats, check_err));
    off[pass] = 0;
    for (int t = 0; t < STEPS; t++)
      for (int i = 0; i < 2; i++)
        off[pass] = fmax(off[pass], fabs(tendril_ilqg_get(ilqg)->x[t * X + i] - swing[t * X + i]));
    tnd_tracking_free(&tracking);
  }
  cr_assert_gt(off[0], 0.3);
  cr_assert_lt(off[1], 0.02, "%g", off[1]);
  tendril_ilqg_destroy(ilqg);
  tendril_pool_destroy(pool);
  tendril_model_destroy(model);
}

#include "run/recovery.h"

#include "base/alloc.h"
#include "sim/cost.h"
#include "sim/sim.h"
#include "trajopt/mpc.h"
#include "trajopt/tracking.h"

#include <limits.h>
#include <math.h>
#include <string.h>

// What half a squared rad or m off the walk costs, and half a squared rad/s or m/s.
static const double track_qpos = 30, track_qvel = 0.3;

struct tnd_recovery {
  const tendril_model *model;
  tendril_mpc *mpc;
  tnd_transition *f;
  tnd_tracking tracking;
  int T, nx, nu;
  double *walk_x, *walk_u;  // [T + 1][nx], [T + horizon][nu], which ends in zeros
  double *best_x, *best_u;  // [T + 1][nx], [T][nu]
  tnd_arena arena;
};

// ------------------------------------------------------------------------------ create, destroy

static void layout(tnd_recovery *r, int horizon) {
  const size_t T = (size_t)r->T, nx = (size_t)r->nx, nu = (size_t)r->nu;
  r->walk_x = tnd_arena_doubles(&r->arena, (T + 1) * nx);
  r->walk_u = tnd_arena_doubles(&r->arena, (T + (size_t)horizon) * nu);
  r->best_x = tnd_arena_doubles(&r->arena, (T + 1) * nx);
  r->best_u = tnd_arena_doubles(&r->arena, T * nu);
}

static tendril_status build(tnd_recovery *r, tendril_pool *pool, tendril_error *err) {
  tendril_mpc_options mpc;
  tendril_mpc_defaults(&mpc);
  if (mpc.horizon > r->T) mpc.horizon = r->T;
  TENDRIL_TRY(tendril_mpc_create(r->model, &mpc, pool, &r->mpc, err));
  TENDRIL_TRY(tnd_transition_create(r->model, &r->f, err));
  layout(r, (int)mpc.horizon);
  TENDRIL_TRY(tnd_arena_alloc(&r->arena, err));
  layout(r, (int)mpc.horizon);
  return tnd_tracking_create(r->model, r->T, r->walk_x, (int)mpc.horizon,
                             tendril_pool_threads(pool), &r->tracking, err);
}

tendril_status tnd_recovery_create(const tendril_model *model, int T, tendril_pool *pool,
                                   tnd_recovery **out, tendril_error *err) {
  tnd_recovery *r = tnd_alloc(sizeof *r);
  if (!r) return tnd_fail_memory(err);
  r->model = model;
  r->T = T;
  r->nx = (int)(model->mujoco->nq + model->mujoco->nv);
  r->nu = (int)model->mujoco->nu;
  const tendril_status status = build(r, pool, err);
  if (status == TENDRIL_OK)
    *out = r;
  else
    tnd_recovery_destroy(r);
  return status;
}

void tnd_recovery_destroy(tnd_recovery *r) {
  if (!r) return;
  tnd_tracking_free(&r->tracking);
  tnd_arena_free(&r->arena);
  tnd_transition_destroy(r->f);
  tendril_mpc_destroy(r->mpc);
  tnd_free(r);
}

// -------------------------------------------------------------------------------------- attempts

// The first control step that the push acts in.
static int first_pushed(const tnd_recovery *r, const struct tnd_pushes *pushes) {
  const int64_t begin = pushes->at[TND_OWN_PUSH].begin / r->model->physics_steps;
  return begin < INT_MAX ? (int)begin : INT_MAX;
}

// How much more or less strongly an attempt is drawn back: 1, 3, 1/3, 9, 1/9, ..
static double strength(int attempt) {
  const int power = (attempt + 1) / 2;
  return pow(3, attempt % 2 ? power : -power);
}

static void set_strength(tnd_recovery *r, double times) {
  r->tracking.qpos = times * track_qpos;
  r->tracking.qvel = times * track_qvel;
}

// From step `first` on, y its states and controls. E_PHYSICS: the simulation does not survive.
static tendril_status attempt(tnd_recovery *r, int first, tendril_trajectory *y,
                              tendril_error *err) {
  const tnd_ilqg_term term = tnd_tracking_term(&r->tracking);
  for (int t = first; t < y->T; t++) {
    double *x = y->x + t * y->nx, *u = y->u + t * y->nu;
    r->tracking.from = t;
    tnd_mpc_set_term(r->mpc, &term);
    if (t == first) TENDRIL_TRY(tendril_mpc_begin(r->mpc, t, x, r->walk_u + t * y->nu, err));
    TENDRIL_TRY(tendril_mpc_act(r->mpc, t, x, u, err));
    if (!tnd_transition_step(r->f, t, x, u, x + y->nx))
      return tnd_fail(err, TENDRIL_E_PHYSICS, "the simulation does not survive step %d", t);
  }
  return TENDRIL_OK;
}

// What y costs from step `first` on, with what it is off the walk.
static double cost_of(tnd_recovery *r, int first, const tendril_trajectory *y) {
  const tnd_ilqg_term term = tnd_tracking_term(&r->tracking);
  const ptrdiff_t nq = r->model->mujoco->nq;
  double cost = 0;
  r->tracking.from = 0;
  set_strength(r, 1);
  for (int t = first; t < y->T; t++) {
    const double *x = y->x + t * y->nx, *u = y->u + t * y->nu;
    cost += tnd_cost(r->model, y->ground, t, r->model->max_steps, x, x + nq, u, NULL) +
            term.value(&r->tracking, 0, t, x, u);
  }
  return cost;
}

// Whether the robot falls is a matter of chance where the push is hard, so several are made.
tendril_status tnd_recovery_find(tnd_recovery *r, int i, int attempts, tendril_trajectory *y,
                                 tendril_error *err) {
  const int first = first_pushed(r, y->pushes);
  const size_t states = sizeof *y->x * (size_t)(r->T + 1) * (size_t)r->nx;
  const size_t controls = sizeof *y->u * (size_t)r->T * (size_t)r->nu;
  if (first >= r->T)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "demonstration.steps: demonstration %d is pushed at its step %d and has %d; "
                    "use more steps, or an earlier push (push.time, push.spread)",
                    i, first, r->T);
  TENDRIL_TRY(tendril_mpc_set_ground(r->mpc, y->ground, err));
  tnd_transition_set_ground(r->f, y->ground);
  tnd_transition_set_pushes(r->f, y->pushes);
  memcpy(r->walk_x, y->x, states);
  memcpy(r->walk_u, y->u, controls);
  double least = HUGE_VAL;
  for (int a = 0; a < attempts; a++) {
    memcpy(y->x, r->walk_x, states);
    memcpy(y->u, r->walk_u, controls);
    set_strength(r, strength(a));
    const tendril_status status = attempt(r, first, y, err);
    if (status != TENDRIL_OK && status != TENDRIL_E_PHYSICS) return status;
    const double cost = status == TENDRIL_OK ? cost_of(r, first, y) : HUGE_VAL;
    if (!(cost < least)) continue;
    least = cost;
    memcpy(r->best_x, y->x, states);
    memcpy(r->best_u, y->u, controls);
  }
  if (least == HUGE_VAL)
    return tnd_fail(err, TENDRIL_E_PHYSICS,
                    "%s: demonstration %d does not survive its push; use smaller pushes or another "
                    "demonstration.seed",
                    r->model->task->name, i);
  memcpy(y->x, r->best_x, states);
  memcpy(y->u, r->best_u, controls);
  return TENDRIL_OK;
}

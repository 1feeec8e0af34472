// The pure step map and its derivatives. Warm starts are set to zero before every control step:
// with those of another state left in place results differ in the last bits, which no test of
// repeatability survives and a long flight through contacts amplifies.
#include "trajopt/transition.h"

#include "base/alloc.h"
#include "sim/compat.h"
#include "sim/physics.h"
#include "sim/push.h"
#include "sim/sim.h"
#include "trajopt/euler.h"

#include <math.h>
#include <string.h>

// Steps of forward differences. MuJoCo's own go through the constraint solver, whose tolerance
// bounds them from below; those of the residual in euler.c don't. Errors relative to the largest
// entry of a column, measured on walker-gps: 4e-4 in contact for 1e-6, in proportion below it.
static const double eps = 1e-6, euler_eps = 1e-7;

struct tnd_transition {
  const tendril_model *model;
  const mjModel *mujoco;     // on the ground that was chosen
  const tnd_pushes *pushes;  // NULL: none
  mjData *data;
  int nq, nv, nu, n, nx;
  bool whole;              // derivatives are differences of the whole control step
  bool implicit_function;  // a MuJoCo step is differentiated by `euler`
  tnd_euler euler;
  tnd_arena arena;
  double *A, *B;       // [n][n], [n][nu] of one MuJoCo step
  double *step;        // [n][n + nu] (A, B)
  double *product;     // [n][n + nu]
  double *base;        // [nx] f(x, u)
  double *moved;       // [nx]
  double *after;       // [nx]
  double *change;      // [nv] zeros between calls
  double *difference;  // [n]

  // what a guarded call works on
  int t;
  const double *x, *u;
  double *out;
  bool good;
};

// ------------------------------------------------------------------------------------------- life

static void layout(tnd_transition *f, tnd_arena *arena) {
  const size_t n = (size_t)f->n, nu = (size_t)f->nu, nx = (size_t)f->nx;
  f->A = tnd_arena_doubles(arena, n * n);
  f->B = tnd_arena_doubles(arena, n * nu);
  f->step = tnd_arena_doubles(arena, n * (n + nu));
  f->product = tnd_arena_doubles(arena, n * (n + nu));
  f->base = tnd_arena_doubles(arena, nx);
  f->moved = tnd_arena_doubles(arena, nx);
  f->after = tnd_arena_doubles(arena, nx);
  f->change = tnd_arena_doubles(arena, (size_t)f->nv);
  f->difference = tnd_arena_doubles(arena, n);
  if (f->implicit_function) tnd_euler_layout(&f->euler, f->mujoco, arena);
}

static void make_data(void *context) {
  tnd_transition *f = context;
  f->data = mj_makeData(f->mujoco);
}

static void delete_data(void *context) {
  mj_deleteData(context);
}

static tendril_status build(tnd_transition *f, tendril_error *err) {
  layout(f, &f->arena);
  TENDRIL_TRY(tnd_arena_alloc(&f->arena, err));
  layout(f, &f->arena);
  if (f->implicit_function) tnd_euler_init(&f->euler, f->mujoco);
  TENDRIL_TRY(tnd_physics_run(make_data, f, err));
  if (!f->data || !tnd_memory_take(tnd_physics_data_size(f->data))) return tnd_fail_memory(err);
  return TENDRIL_OK;
}

tendril_status tnd_transition_create(const tendril_model *model, tnd_transition **out,
                                     tendril_error *err) {
  const mjModel *m = model->mujoco;
  if (m->na > 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%s: trajectory optimisation needs actuators without activations of their own; "
                    "this model has %d",
                    model->task->name, (int)m->na);
  tnd_transition *f = tnd_alloc(sizeof *f);
  if (!f) return tnd_fail_memory(err);
  f->model = model;
  f->mujoco = tnd_model_ground(model, 0);
  f->nq = (int)m->nq;
  f->nv = (int)m->nv;
  f->nu = (int)m->nu;
  f->n = 2 * f->nv;
  f->nx = f->nq + f->nv;
  // what a task's motors make of state and action is known to the step map alone
  f->whole = m->opt.integrator == mjINT_RK4 || model->task->actuate;
  f->implicit_function = !f->whole && tnd_euler_can(m);
  const tendril_status status = build(f, err);
  if (status == TENDRIL_OK)
    *out = f;
  else
    tnd_transition_destroy(f);
  return status;
}

void tnd_transition_destroy(tnd_transition *f) {
  if (!f) return;
  if (f->data && tnd_physics_run(delete_data, f->data, NULL) != TENDRIL_OK) {
    // nothing can be done about it; the rest is still released
  }
  tnd_arena_free(&f->arena);
  tnd_free(f);
}

void tnd_transition_set_ground(tnd_transition *f, int ground) {
  f->mujoco = tnd_model_ground(f->model, ground);
}

void tnd_transition_set_pushes(tnd_transition *f, const struct tnd_pushes *pushes) {
  f->pushes = pushes;
}

// ------------------------------------------------------------------------------------------- step

static bool within(const double *x, int n, double bound) {
  for (int i = 0; i < n; i++)
    if (!(fabs(x[i]) <= bound)) return false;  // a NaN, too
  return true;
}

static void set_state(tnd_transition *f, const double *x, const double *u) {
  mjData *d = f->data;
  memcpy(d->qpos, x, sizeof *x * (size_t)f->nq);
  memcpy(d->qvel, x + f->nq, sizeof *x * (size_t)f->nv);
  memcpy(d->ctrl, u, sizeof *u * (size_t)f->nu);
  memset(d->qacc_warmstart, 0, sizeof *d->qacc_warmstart * (size_t)f->nv);
  d->time = f->t * f->model->seconds;
}

static bool get_state(const tnd_transition *f, double *x) {
  memcpy(x, f->data->qpos, sizeof *x * (size_t)f->nq);
  memcpy(x + f->nq, f->data->qvel, sizeof *x * (size_t)f->nv);
  return within(x, f->nx, mjMAXVAL);
}

// MuJoCo step i of control step t.
static bool step_once(tnd_transition *f, const double *u, int i) {
  static const tnd_pushes none;
  const int64_t k = (int64_t)f->t * f->model->physics_steps + i;
  tnd_model_step(f->model, f->mujoco, f->pushes ? f->pushes : &none, k, u, f->data);
  return !tnd_physics_warned(f->data);
}

static bool step_from(tnd_transition *f, const double *x, const double *u, double *next) {
  set_state(f, x, u);
  for (int i = 0; i < f->model->physics_steps; i++)
    if (!step_once(f, u, i)) return false;
  return get_state(f, next);
}

static void step(void *context) {
  tnd_transition *f = context;
  f->good = step_from(f, f->x, f->u, f->out);
}

static void reset(void *context) {
  tnd_transition *f = context;
  mj_resetData(f->mujoco, f->data);
}

// Runs a call that may end in MuJoCo's error, which is as bad as a warning here.
static bool run(tnd_transition *f, tnd_physics_call call) {
  mjData *d = f->data;
  f->good = false;
  if (tnd_physics_run(call, f, NULL) != TENDRIL_OK) {
    f->good = false;  // it was left in mid-call
    if (tnd_physics_run(reset, f, NULL) != TENDRIL_OK) return false;
  }
  memset(d->warning, 0, sizeof d->warning);
  memset(f->change, 0, sizeof *f->change * (size_t)f->nv);
  return f->good;
}

bool tnd_transition_step(tnd_transition *f, int t, const double *x, const double *u, double *next) {
  f->t = t;
  f->x = x;
  f->u = u;
  f->out = next;
  return within(x, f->nx, mjMAXVAL) && within(u, f->nu, mjMAXVAL) && run(f, step);
}

// ------------------------------------------------------------------------------------ derivatives

// F <- A F, of its right columns also + B: one more MuJoCo step behind those in F.
static void chain(tnd_transition *f, double *F) {
  const int n = f->n, w = n + f->nu;
  for (int i = 0; i < n; i++) {
    const double *AB = f->step + i * w;
    double *row = f->product + i * w;
    memset(row, 0, sizeof *row * (size_t)n);
    memcpy(row + n, AB + n, sizeof *row * (size_t)f->nu);
    for (int k = 0; k < n; k++) {
      for (int j = 0; j < w; j++)
        row[j] += AB[k] * F[k * w + j];
    }
  }
  memcpy(F, f->product, sizeof *F * (size_t)(n * w));
}

// F of one MuJoCo step by MuJoCo, which solves for the constraint forces in every column.
static void difference_once(tnd_transition *f, double *F) {
  const int n = f->n, nu = f->nu;
  mjData *d = f->data;
  const double time = d->time;
  mjd_transitionFD(f->mujoco, d, eps, 0, f->A, f->B, NULL, NULL);
  d->time = time;  // which it has moved on
  for (int i = 0; i < n; i++) {
    memcpy(F + i * (n + nu), f->A + i * n, sizeof *F * (size_t)n);
    memcpy(F + i * (n + nu) + n, f->B + i * nu, sizeof *F * (size_t)nu);
  }
}

// F [n][n + nu] of MuJoCo step i, with what pushes add to the applied forces in it.
static bool differentiate_once(tnd_transition *f, int i, double *F) {
  const mjModel *m = f->mujoco;
  double *applied = f->data->xfrc_applied;
  const int64_t k = (int64_t)f->t * f->model->physics_steps + i;
  bool good = true;
  if (f->pushes) tnd_pushes_apply(f->pushes, k, f->data);
  if (f->implicit_function)
    good = tnd_euler_differentiate(&f->euler, m, f->data, euler_eps, F);
  else
    difference_once(f, F);
  if (f->pushes) memset(applied, 0, sizeof *applied * 6 * (size_t)m->nbody);
  return good && !tnd_physics_warned(f->data);
}

static void linearise_steps(void *context) {
  tnd_transition *f = context;
  set_state(f, f->x, f->u);
  for (int i = 0; i < f->model->physics_steps; i++) {
    if (!differentiate_once(f, i, i == 0 ? f->out : f->step)) return;
    if (i > 0) chain(f, f->out);
    if (i + 1 < f->model->physics_steps && !step_once(f, f->u, i)) return;
  }
  f->good = true;
}

static void linearise_whole(void *context) {
  tnd_transition *f = context;
  const mjModel *m = f->mujoco;
  const int n = f->n, nq = f->nq, nv = f->nv, nu = f->nu, w = n + nu;
  if (!step_from(f, f->x, f->u, f->base)) return;
  double *u = f->B;  // [nu], as scratch
  memcpy(u, f->u, sizeof *u * (size_t)nu);
  for (int j = 0; j < w; j++) {
    double h = eps;
    memcpy(f->moved, f->x, sizeof *f->moved * (size_t)f->nx);
    if (j < nv) {
      f->change[j] = 1;
      mj_integratePos(m, f->moved, f->change, h);
      f->change[j] = 0;
    } else if (j < n) {
      f->moved[nq + j - nv] += h;
    } else {
      // MuJoCo clamps controls: away from the upper limit
      const int k = j - n;
      if (m->actuator_ctrllimited[k] && u[k] + h > m->actuator_ctrlrange[2 * k + 1]) h = -h;
      u[k] += h;
    }
    if (!step_from(f, f->moved, u, f->after)) return;
    if (j >= n) u[j - n] = f->u[j - n];
    tnd_state_difference(f->model, f->base, f->after, f->difference);
    for (int i = 0; i < n; i++)
      f->out[i * w + j] = f->difference[i] / h;
  }
  f->good = true;
}

bool tnd_transition_linearise(tnd_transition *f, int t, const double *x, const double *u,
                              double *F) {
  f->t = t;
  f->x = x;
  f->u = u;
  f->out = F;
  if (!within(x, f->nx, mjMAXVAL) || !within(u, f->nu, mjMAXVAL)) return false;
  return run(f, f->whole ? linearise_whole : linearise_steps) &&
         within(F, f->n * (f->n + f->nu), mjMAXVAL);
}

void tnd_state_difference(const tendril_model *model, const double *a, const double *b,
                          double *dx) {
  const mjModel *m = model->mujoco;
  mj_differentiatePos(m, dx, 1, a, b);
  for (int i = 0; i < m->nv; i++)
    dx[m->nv + i] = b[m->nq + i] - a[m->nq + i];
}

bool tnd_is_horizontal_translation(const mjModel *m, int i) {
  const int j = m->dof_jntid[i];
  const double *axis = m->jnt_axis + (ptrdiff_t)3 * j, *g = m->opt.gravity;
  const double across = fabs(axis[0] * g[0] + axis[1] * g[1] + axis[2] * g[2]);
  return m->jnt_type[j] == mjJNT_SLIDE && m->body_parentid[m->jnt_bodyid[j]] == 0 &&
         across <= 1e-9 * (1 + mju_norm3(g));
}

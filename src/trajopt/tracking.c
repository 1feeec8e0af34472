#include "trajopt/tracking.h"

#include "sim/sim.h"

// Steps that follow the reference's end are free.
static bool holds(const tnd_tracking *g, int t) {
  return g->from + t <= g->T;
}

// dx [n], zeros where a position does not matter; the term's value.
static double differ(const tnd_tracking *g, int t, const double *x, double *dx) {
  const int nv = (int)g->model->mujoco->nv, nx = (int)g->model->mujoco->nq + nv;
  double dq = 0, dv = 0;
  tnd_state_difference(g->model, g->reference + (ptrdiff_t)(g->from + t) * nx, x, dx);
  for (int i = 0; i < nv; i++) {
    if (tnd_is_horizontal_translation(g->model->mujoco, i)) dx[i] = 0;
    dq += dx[i] * dx[i];
    dv += dx[nv + i] * dx[nv + i];
  }
  return (g->qpos * dq + g->qvel * dv) / 2;
}

static double value(void *context, int worker, int t, const double *x, const double *u) {
  (void)u;
  const tnd_tracking *g = context;
  return holds(g, t) ? differ(g, t, x, g->dx + (ptrdiff_t)worker * 2 * g->model->mujoco->nv) : 0;
}

static double expand(void *context, int worker, int t, const double *x, const double *u) {
  (void)worker, (void)u;
  const tnd_tracking *g = context;
  return holds(g, t) ? differ(g, t, x, g->difference + (ptrdiff_t)t * 2 * g->model->mujoco->nv) : 0;
}

// Of a difference of orientations the derivative is taken for the identity: exact for hinges and
// slides, and a rotation is never far off where it is to be held.
static void add(void *context, int t, const tnd_cost_expansion *l) {
  const tnd_tracking *g = context;
  if (!holds(g, t)) return;
  const int nv = (int)g->model->mujoco->nv, n = 2 * nv;
  const double *dx = g->difference + (ptrdiff_t)t * n;
  for (int i = 0; i < n; i++) {
    if (i < nv && tnd_is_horizontal_translation(g->model->mujoco, i)) continue;
    const double w = i < nv ? g->qpos : g->qvel;
    l->lx[i] += w * dx[i];
    l->lxx[i * n + i] += w;
  }
}

tnd_ilqg_term tnd_tracking_term(tnd_tracking *g) {
  return (tnd_ilqg_term){.context = g, .value = value, .expand = expand, .add = add};
}

static void layout(tnd_tracking *g, int workers) {
  const size_t n = 2 * (size_t)g->model->mujoco->nv;
  g->dx = tnd_arena_doubles(&g->arena, (size_t)workers * n);
  g->difference = tnd_arena_doubles(&g->arena, (size_t)g->horizon * n);
}

tendril_status tnd_tracking_create(const tendril_model *model, int T, const double *reference,
                                   int horizon, int workers, tnd_tracking *out,
                                   tendril_error *err) {
  *out = (tnd_tracking){.model = model, .reference = reference, .T = T, .horizon = horizon};
  layout(out, workers);
  TENDRIL_TRY(tnd_arena_alloc(&out->arena, err));
  layout(out, workers);
  return TENDRIL_OK;
}

void tnd_tracking_free(tnd_tracking *tracking) {
  tnd_arena_free(&tracking->arena);
}

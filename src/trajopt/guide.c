// Life of a trajectory distribution and its iteration; guide_samples.c draws from it,
// guide_policy.c has what the policy adds to its objective, guide_covariance.c the second pass.
#include "trajopt/guide_parts.h"

#include "base/number.h"
#include "math/blas.h"
#include "math/cholesky.h"
#include "math/linalg.h"
#include "trajopt/gps_covariance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ------------------------------------------------------------------------------------------- life

static void layout_worker(const tnd_guide *g, tnd_guide_worker *w, tnd_arena *arena) {
  const size_t N = (size_t)g->N, n = (size_t)g->n, m = (size_t)g->m;
  w->x = tnd_arena_doubles(arena, N * (size_t)g->nx);
  w->mu = tnd_arena_doubles(arena, N * m);
  w->P = tnd_arena_doubles(arena, N * m * n);
  w->dx = tnd_arena_doubles(arena, n);
  w->u = tnd_arena_doubles(arena, m);
  w->e = tnd_arena_doubles(arena, m);
  w->WP = tnd_arena_doubles(arena, m * n);
  w->change = tnd_arena_doubles(arena, n);
}

static void layout(tnd_guide *g, tnd_arena *arena) {
  const size_t T = (size_t)g->T, taught = (size_t)g->taught, N = (size_t)g->N;
  const size_t nx = (size_t)g->nx, n = (size_t)g->n, m = (size_t)g->m;
  tnd_guide_worker *workers = tnd_arena_take(arena, (size_t)g->nthread, sizeof *workers);
  g->lambda = tnd_arena_doubles(arena, taught);
  g->A = tnd_arena_doubles(arena, T * m * m);
  g->C = tnd_arena_doubles(arena, T * m * m);
  g->W = tnd_arena_doubles(arena, T * m * m);
  g->pull = tnd_arena_doubles(arena, m * m);
  g->before.x = tnd_arena_doubles(arena, (T + 1) * nx);
  g->before.u = tnd_arena_doubles(arena, T * m);
  g->before.K = tnd_arena_doubles(arena, T * m * n);
  g->before.A = tnd_arena_doubles(arena, T * m * m);
  g->before.C = tnd_arena_doubles(arena, T * m * m);
  g->before.W = tnd_arena_doubles(arena, T * m * m);
  g->before.d = tnd_arena_doubles(arena, taught * N * n);
  g->before.memory = tnd_arena_doubles(arena, (size_t)tnd_ilqg_size(g->ilqg));
  g->matters = tnd_arena_take(arena, n, sizeof *g->matters);
  g->x = tnd_arena_doubles(arena, N * (T + 1) * nx);
  g->good = tnd_arena_take(arena, N, 1);
  g->rank = tnd_arena_ints(arena, N);
  g->steps = tnd_arena_ints(arena, N);
  g->cost = tnd_arena_doubles(arena, N);
  g->d = tnd_arena_doubles(arena, taught * N * n);
  if (g->options.gaussian) {
    g->S = tnd_arena_doubles(arena, n * n);
    g->S1 = tnd_arena_doubles(arena, n * n);
    g->CS = tnd_arena_doubles(arena, n * n);
    g->SK = tnd_arena_doubles(arena, (n + m) * (n + m));
    g->FS = tnd_arena_doubles(arena, n * (n + m));
  }
  g->means = tnd_arena_doubles(arena, taught * N * m);
  g->mu = tnd_arena_doubles(arena, taught * m);
  g->P = tnd_arena_doubles(arena, taught * m * n);
  g->kl = tnd_arena_doubles(arena, taught);
  g->lqr_work = tnd_arena_doubles(arena, (size_t)tnd_lqr_work(g->n, g->m));
  g->covariance_work = tnd_arena_doubles(arena, (size_t)tnd_gps_covariance_work(g->m));
  g->Vx = tnd_arena_doubles(arena, n);
  g->Vxx = tnd_arena_doubles(arena, n * n);
  g->k = tnd_arena_doubles(arena, m);
  g->Quu = tnd_arena_doubles(arena, m * m);
  g->M = tnd_arena_doubles(arena, m * m);
  g->E = tnd_arena_doubles(arena, N * m);
  g->H = tnd_arena_doubles(arena, m * m);
  g->A1 = tnd_arena_doubles(arena, m * m);
  g->C1 = tnd_arena_doubles(arena, m * m);
  g->Q.Qx = tnd_arena_doubles(arena, n);
  g->Q.Qu = tnd_arena_doubles(arena, m);
  g->Q.Qxx = tnd_arena_doubles(arena, n * n);
  g->Q.Qux = tnd_arena_doubles(arena, m * n);
  g->Q.Quu = tnd_arena_doubles(arena, m * m);
  for (int i = 0; i < g->nthread; i++) {
    tnd_guide_worker unused;
    layout_worker(g, arena->base ? &workers[i] : &unused, arena);
  }
  g->workers = workers;
}

static tendril_status build(tnd_guide *g, int ground, const tendril_policy *policy,
                            tendril_error *err) {
  tnd_blas_init();
  TENDRIL_TRY(tendril_ilqg_create(g->model, g->T, &g->options.ilqg, g->pool, &g->ilqg, err));
  layout(g, &g->arena);
  TENDRIL_TRY(tnd_arena_alloc(&g->arena, err));
  layout(g, &g->arena);
  TENDRIL_TRY(tendril_ilqg_set_ground(g->ilqg, ground, err));
  g->q = tendril_ilqg_get(g->ilqg);
  for (int i = 0; i < g->nthread; i++) {
    tnd_guide_worker *w = &g->workers[i];
    TENDRIL_TRY(tnd_transition_create(g->model, &w->f, err));
    TENDRIL_TRY(tnd_state_policy_create(g->model, policy, g->N, &w->policy, err));
    tnd_transition_set_ground(w->f, ground);
    tnd_state_policy_set_ground(w->policy, ground);
  }
  for (int i = 0; i < g->positions; i++)
    g->matters[i] = !tnd_is_horizontal_translation(g->model->mujoco, i);
  for (int t = 0; t < g->taught; t++)
    g->lambda[t] = g->options.lambda;
  return TENDRIL_OK;
}

tendril_status tnd_guide_create(const tendril_model *model, int ground,
                                const tendril_policy *policy, int T,
                                const tnd_guide_options *options, tendril_pool *pool,
                                tnd_guide **out, tendril_error *err) {
  if (options->tail >= T)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%s: a trajectory of %d steps has nothing left to teach without its last %d; "
                    "use a longer one (demonstration.steps)",
                    model->task->name, T, options->tail);
  tnd_guide *g = tnd_alloc(sizeof *g);
  if (!g) return tnd_fail_memory(err);
  const mjModel *m = model->mujoco;
  g->model = model;
  g->options = *options;
  g->pool = pool;
  g->T = T;
  g->taught = T - options->tail;
  g->nx = (int)(m->nq + m->nv);
  g->n = 2 * (int)m->nv;
  g->positions = (int)m->nv;
  g->m = (int)m->nu;
  g->N = options->samples;
  g->nthread = tendril_pool_threads(pool);
  g->scale = 1;
  g->ground = ground;
  const tendril_status status = build(g, ground, policy, err);
  if (status == TENDRIL_OK)
    *out = g;
  else
    tnd_guide_destroy(g);
  return status;
}

void tnd_guide_destroy(tnd_guide *g) {
  if (!g) return;
  for (int i = 0; g->workers && i < g->nthread; i++) {
    tnd_transition_destroy(g->workers[i].f);
    tnd_state_policy_destroy(g->workers[i].policy);
  }
  tendril_ilqg_destroy(g->ilqg);
  tnd_arena_free(&g->arena);
  tnd_free(g);
}

const tendril_trajectory *tnd_guide_trajectory(const tnd_guide *g) {
  return g->q;
}

double *tnd_guide_lambda(tnd_guide *g) {
  return g->lambda;
}

const double *tnd_guide_covariance(const tnd_guide *g) {
  return g->A;
}

const double *tnd_guide_precision(const tnd_guide *g) {
  return g->W;
}

int tnd_guide_kept(const tnd_guide *g) {
  return g->kept;
}

int tnd_guide_taught(const tnd_guide *g) {
  return g->taught;
}

void tnd_guide_set_pushes(tnd_guide *g, const struct tnd_pushes *pushes) {
  tnd_ilqg_set_pushes(g->ilqg, pushes);
  for (int i = 0; i < g->nthread; i++)
    tnd_transition_set_pushes(g->workers[i].f, pushes);
}

void tnd_guide_set_scale(tnd_guide *g, double scale) {
  g->scale = scale;
}

// -------------------------------------------------------------------------------------- iteration

bool tnd_guide_factor(tnd_guide *g, int t) {
  const int m = g->m;
  const double *A = g->A + (ptrdiff_t)t * m * m;
  double *C = g->C + (ptrdiff_t)t * m * m, *W = g->W + (ptrdiff_t)t * m * m;
  memset(C, 0, sizeof *C * (size_t)(m * m));
  memset(W, 0, sizeof *W * (size_t)(m * m));
  for (int i = 0; i < m; i++) {
    memcpy(C + i * m, A + i * m, sizeof *C * (size_t)(i + 1));
    W[i * m + i] = 1;
  }
  if (!tnd_cholesky(m, m, C)) return false;
  tnd_cholesky_solve(m, m, C, m, W);
  return true;
}

tendril_status tnd_guide_start(tnd_guide *g, const double *x0, const double *u,
                               tendril_error *err) {
  int refused;
  g->drawn = false;
  tnd_guide_set_term(g);
  TENDRIL_TRY(tendril_ilqg_start(g->ilqg, x0, u, err));
  TENDRIL_TRY(tnd_guide_second_pass(g, &refused, err));
  if (refused > 0)  // there is no older covariance to keep
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "%s: %d of %d steps of the trajectory have no covariance: their Quu has no "
                    "inverse in floating point; use another learner.cost_scale",
                    g->model->task->name, refused, g->T);
  return TENDRIL_OK;
}

tendril_status tnd_guide_improve(tnd_guide *g, const double *sigma2, tnd_guide_step *step,
                                 tendril_error *err) {
  tendril_ilqg_stats stats;
  g->drawn = true;
  g->sigma2 = sigma2;
  memset(g->pull, 0, sizeof *g->pull * (size_t)(g->m * g->m));
  for (int i = 0; i < g->m; i++)
    g->pull[i * g->m + i] = 1 / sigma2[i];
  tnd_guide_remember(g);
  tnd_guide_set_term(g);
  TENDRIL_TRY(tendril_ilqg_iterate(g->ilqg, &stats, err));
  step->alpha = stats.alpha;
  step->cost = stats.cost;
  return tnd_guide_second_pass(g, &step->refused, err);
}

// ------------------------------------------------------------------------------------ checkpoints

enum { MAX_NAME = 64 };

static const char *name_of(int i, const char *what, char *name) {
  snprintf(name, MAX_NAME, "guide.%d.%s", i, what);
  return name;
}

tendril_status tnd_guide_save(const tnd_guide *g, int i, tnd_tensors *tensors, tendril_error *err) {
  char name[MAX_NAME];
  const int size = tnd_ilqg_size(g->ilqg);
  double *memory = tnd_alloc(sizeof *memory * (size_t)size);
  if (!memory) return tnd_fail_memory(err);
  tnd_ilqg_save(g->ilqg, memory);
  tendril_status status =
      tnd_tensors_put(tensors, name_of(i, "trajectory", name), size, 0, memory, err);
  tnd_free(memory);
  TENDRIL_TRY(status);
  TENDRIL_TRY(tnd_tensors_put(tensors, name_of(i, "covariance", name), (int64_t)g->T * g->m, g->m,
                              g->A, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, name_of(i, "anchor", name), 1, 0, &g->anchor, err));
  return tnd_tensors_put(tensors, name_of(i, "lambda", name), g->taught, 0, g->lambda, err);
}

tendril_status tnd_guide_load(tnd_guide *g, int i, const tnd_tensors *tensors, tendril_error *err) {
  char name[MAX_NAME];
  const int size = tnd_ilqg_size(g->ilqg);
  double *memory = tnd_alloc(sizeof *memory * (size_t)size);
  if (!memory) return tnd_fail_memory(err);
  tendril_status status =
      tnd_tensors_get(tensors, name_of(i, "trajectory", name), size, 0, memory, err);
  if (status == TENDRIL_OK) tnd_ilqg_restore(g->ilqg, memory);
  tnd_free(memory);
  TENDRIL_TRY(status);
  TENDRIL_TRY(tnd_tensors_get(tensors, name_of(i, "covariance", name), (int64_t)g->T * g->m, g->m,
                              g->A, err));
  for (int t = 0; t < g->T; t++)
    if (!tnd_guide_factor(g, t)) return tnd_tensors_refuse(tensors, name, "is no covariance", err);
  TENDRIL_TRY(tnd_tensors_get(tensors, name_of(i, "anchor", name), 1, 0, &g->anchor, err));
  if (g->anchor < 0) return tnd_tensors_refuse(tensors, name, "is negative", err);
  TENDRIL_TRY(tnd_tensors_get(tensors, name_of(i, "lambda", name), g->taught, 0, g->lambda, err));
  for (int t = 0; t < g->taught; t++)
    if (g->lambda[t] < 0) return tnd_tensors_refuse(tensors, name, "is negative", err);
  return TENDRIL_OK;
}

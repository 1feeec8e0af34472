// Samples of a trajectory distribution's states, and what is made of them.
#include "trajopt/guide_parts.h"

#include "base/clock.h"
#include "base/pool.h"
#include "math/cholesky.h"
#include "sim/cost.h"

#include <math.h>
#include <string.h>

static double *state_of(const tnd_guide *g, int i, int t) {
  return g->x + ((ptrdiff_t)i * (g->T + 1) + t) * g->nx;
}

// x moved by dx, as positions and velocities are.
static void move(const tnd_guide *g, double *x, const double *dx) {
  const int nv = g->positions;
  mj_integratePos(g->model->mujoco, x, dx, 1);
  for (int j = 0; j < nv; j++)
    x[g->nx - nv + j] += dx[nv + j];
}

// Of coordinate i of the start state: q's is that of the model's episodes about x^_0.
static double start_sd(const tnd_guide *g, int i) {
  return i < g->positions ? g->model->start_qpos : g->model->start_qvel;
}

bool tnd_guide_within_reach(const tnd_guide *g, const double *dx) {
  for (int j = 0; j < g->positions; j++)
    if (g->matters[j] && !(fabs(dx[j]) <= g->options.reach)) return false;
  return true;
}

void tnd_guide_draw_start(const tnd_guide *g, int i, uint64_t seed, uint32_t iteration, double *dx,
                          double *x) {
  tendril_random random =
      tendril_random_stream(seed, TENDRIL_PURPOSE_RESET, (uint32_t)i, iteration);
  memcpy(x, g->q->x, sizeof *x * (size_t)g->nx);
  tendril_random_normals(&random, g->n, dx);
  for (int j = 0; j < g->n; j++)
    dx[j] *= start_sd(g, j);
  move(g, x, dx);
}

// ------------------------------------------------------------------------------------- rollouts

// Rollout i of q with its noise, over the steps that are taught. Returns wall seconds of the
// simulation.
static double roll_out(tnd_guide *g, tnd_guide_worker *w, int i) {
  double physics = 0;
  const int m = g->m, nq = g->nx - g->positions;
  tendril_random noise =
      tendril_random_stream(g->seed, TENDRIL_PURPOSE_ACTION, (uint32_t)i, g->iteration);
  double *x = state_of(g, i, 0);
  tnd_guide_draw_start(g, i, g->seed, g->iteration, w->dx, x);
  g->good[i] = false;
  g->cost[i] = 0;
  for (int t = 0; t < g->taught; t++, x += g->nx) {
    g->steps[i] = t;
    tnd_state_difference(g->model, g->q->x + t * g->nx, x, w->dx);
    if (!tnd_guide_within_reach(g, w->dx)) return physics;
    tnd_guide_mean(g, t, w->dx, w->u);
    tendril_random_normals(&noise, m, w->e);
    for (int a = 0; a < m; a++)
      for (int b = 0; b <= a; b++)
        w->u[a] += g->C[((ptrdiff_t)t * m + a) * m + b] * w->e[b];
    tnd_model_clip(g->model, w->u, w->u);
    g->cost[i] += tnd_cost(g->model, g->ground, t, g->T, x, x + nq, w->u, NULL);
    const double clock = tnd_clock_wall();
    const bool stepped = tnd_transition_step(w->f, t, x, w->u, x + g->nx);
    physics += tnd_clock_wall() - clock;
    if (!stepped) return physics;
  }
  g->steps[i] = g->taught;
  g->good[i] = true;
  return physics;
}

// The thread's own clock, too dear to be read at every step, says for how much of the wall's time
// it was running.
static void roll_one_out(void *context, int i, int worker) {
  tnd_guide *g = context;
  tnd_guide_worker *w = &g->workers[worker];
  const double cpu = tnd_clock_thread(), begin = tnd_clock_wall();
  const double physics = roll_out(g, w, i), wall = tnd_clock_wall() - begin;
  w->physics += physics * fmin((tnd_clock_thread() - cpu) / wall, 1);
}

// Deviations at step t of the samples that stayed, from their mean, for these few have one that is
// not x^ and the policy's terms are to be those about x^; for those that were lost there are copies
// of others.
static void deviate(void *context, int t, int worker) {
  tnd_guide *g = context;
  (void)worker;
  const int n = g->n, N = g->N;
  double *d = g->d + (ptrdiff_t)t * N * n;
  int from = -1;
  for (int i = 0; i < N; i++) {
    do
      from = (from + 1) % N;
    while (!g->good[from]);
    tnd_state_difference(g->model, g->q->x + t * g->nx, state_of(g, from, t), d + i * n);
  }
  for (int j = 0; j < n; j++) {
    double mean = 0;
    for (int i = 0; i < N; i++)
      mean += d[i * n + j] / N;
    for (int i = 0; i < N; i++)
      d[i * n + j] -= mean;
  }
}

// -------------------------------------------------------------------------------------- Gaussians

// S <- F Sigma F', Sigma of (x, u) at step t.
static void propagate(tnd_guide *g, int t) {
  const int n = g->n, m = g->m, w = n + m;
  const double *F = tnd_ilqg_derivatives(g->ilqg, t), *K = g->q->K + (ptrdiff_t)t * m * n;
  double *SK = g->SK;
  for (int i = 0; i < n; i++) {
    memcpy(SK + i * w, g->S + i * n, sizeof *SK * (size_t)n);
    for (int a = 0; a < m; a++) {
      double sum = 0;
      for (int j = 0; j < n; j++)
        sum += g->S[i * n + j] * K[a * n + j];
      SK[i * w + n + a] = SK[(n + a) * w + i] = sum;
    }
  }
  for (int a = 0; a < m; a++)
    for (int b = 0; b < m; b++) {
      double sum = g->A[((ptrdiff_t)t * m + a) * m + b];
      for (int j = 0; j < n; j++)
        sum += K[a * n + j] * SK[j * w + n + b];
      SK[(n + a) * w + n + b] = sum;
    }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < w; j++) {
      double sum = 0;
      for (int k = 0; k < w; k++)
        sum += F[i * w + k] * SK[k * w + j];
      g->FS[i * w + j] = sum;
    }
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0;
      for (int k = 0; k < w; k++)
        sum += g->FS[i * w + k] * F[j * w + k];
      g->S[i * n + j] = g->S[j * n + i] = sum;
    }
}

// The samples of step t, x^ + CS s_i: the same s_i in every iteration.
static void draw_step(tnd_guide *g, int t) {
  const int n = g->n;
  tnd_guide_worker *w = &g->workers[0];
  for (int i = 0; i < g->N; i++) {
    double *d = w->change, *x = state_of(g, i, t);
    tendril_random random =
        tendril_random_stream(g->seed, TENDRIL_PURPOSE_RESET, (uint32_t)i, UINT32_MAX);
    tendril_random_normals(&random, n, w->dx);
    for (int a = 0; a < n; a++) {
      d[a] = 0;
      for (int b = 0; b <= a; b++)
        d[a] += g->CS[a * n + b] * w->dx[b];
    }
    memcpy(x, g->q->x + t * g->nx, sizeof *x * (size_t)g->nx);
    move(g, x, d);
  }
}

static tendril_status draw_gaussians(tnd_guide *g, tendril_error *err) {
  const int n = g->n;
  TENDRIL_TRY(tnd_ilqg_expand(g->ilqg, NULL, NULL, err));
  memset(g->S, 0, sizeof *g->S * (size_t)(n * n));
  for (int i = 0; i < n; i++)
    g->S[i * n + i] = start_sd(g, i) * start_sd(g, i);
  for (int t = 0; t < g->taught; t++) {
    double trace = 0;
    for (int i = 0; i < n; i++)
      trace += g->S[i * n + i];
    memcpy(g->CS, g->S, sizeof *g->CS * (size_t)(n * n));
    for (int i = 0; i < n; i++)  // S has no more directions than noise has reached so far
      g->CS[i * n + i] += 1e-9 * trace / n + 1e-18;
    if (!tnd_cholesky(n, n, g->CS))
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "%s: the states of step %d have no distribution: the trajectory's feedback "
                      "does not hold it; use states=rollouts",
                      g->model->task->name, t);
    draw_step(g, t);
    propagate(g, t);
  }
  for (int i = 0; i < g->N; i++) {
    g->good[i] = true;
    g->steps[i] = 0;
    g->cost[i] = (double)NAN;
  }
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------------------- samples

tendril_status tnd_guide_sample(tnd_guide *g, uint64_t seed, uint32_t iteration,
                                tnd_guide_samples *out, tendril_error *err) {
  *out = (tnd_guide_samples){0};
  g->seed = seed;
  g->iteration = iteration;
  for (int i = 0; i < g->nthread; i++)
    g->workers[i].physics = 0;
  if (g->options.gaussian)
    TENDRIL_TRY(draw_gaussians(g, err));
  else
    tnd_pool_run(g->pool, g->N, roll_one_out, g);
  double sum = 0;
  for (int i = 0; i < g->N; i++) {
    g->rank[i] = out->kept;
    out->kept += g->good[i];
    out->steps += g->steps[i];
    if (g->good[i]) sum += g->cost[i];
  }
  for (int i = 0; i < g->nthread; i++)
    out->physics += g->workers[i].physics;
  g->kept = out->kept;
  if (out->kept == 0)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "%s: none of %d rollouts of the trajectory and its feedback stays within "
                    "reach: with this noise it falls; use a larger learner.cost_scale or a longer "
                    "demonstration.iterations",
                    g->model->task->name, g->N);
  out->cost = sum / out->kept;
  tnd_pool_run(g->pool, g->taught, deviate, g);
  return TENDRIL_OK;
}

typedef struct rows {
  tnd_guide *g;
  double *obs, *action;
  int *step;
} rows;

// Those of rollout i.
static void fill_rows(void *context, int i, int worker) {
  const rows *r = context;
  tnd_guide *g = r->g;
  tnd_guide_worker *w = &g->workers[worker];
  if (!g->good[i]) return;
  int64_t row = (int64_t)g->rank[i] * g->taught;
  tnd_state_policy_observe(w->policy, g->taught, state_of(g, i, 0),
                           r->obs + row * g->model->task->nobs);
  for (int t = 0; t < g->taught; t++, row++) {
    tnd_state_difference(g->model, g->q->x + t * g->nx, state_of(g, i, t), w->dx);
    tnd_guide_mean(g, t, w->dx, r->action + row * g->m);
    r->step[row] = t;
  }
}

int64_t tnd_guide_rows(tnd_guide *g, double *obs, double *action, int *step) {
  rows r = {g, obs, action, step};
  tnd_pool_run(g->pool, g->N, fill_rows, &r);
  return (int64_t)g->kept * g->taught;
}

double tnd_guide_policy_cost(tnd_guide *g) {
  tnd_guide_worker *w = &g->workers[0];
  const int nq = g->nx - g->positions;
  double *x = w->x, *next = w->x + g->nx, cost = 0;
  memcpy(x, g->q->x, sizeof *x * (size_t)g->nx);
  for (int t = 0; t < g->taught; t++) {
    tnd_state_policy_mean(w->policy, t, 1, x, w->u);
    tnd_model_clip(g->model, w->u, w->u);
    cost += tnd_cost(g->model, g->ground, t, g->T, x, x + nq, w->u, NULL);
    if (!tnd_transition_step(w->f, t, x, w->u, next)) return HUGE_VAL;
    memcpy(x, next, sizeof *x * (size_t)g->nx);
  }
  return cost;
}

static void diverge(void *context, int t, int worker) {
  tnd_guide *g = context;
  tnd_guide_worker *w = &g->workers[worker];
  const int m = g->m;
  const double *W = g->W + (ptrdiff_t)t * m * m;
  double sum = 0, constant = tnd_cholesky_logdet(m, m, g->C + (ptrdiff_t)t * m * m) - m;
  for (int a = 0; a < m; a++)
    constant += W[a * m + a] * g->sigma2[a] - log(g->sigma2[a]);
  int kept = 0;
  for (int i = 0; i < g->N; i++)
    if (g->good[i])
      memcpy(w->x + (ptrdiff_t)kept++ * g->nx, state_of(g, i, t), sizeof *w->x * (size_t)g->nx);
  tnd_state_policy_mean(w->policy, t, kept, w->x, w->mu);
  for (int i = 0; i < kept; i++) {
    tnd_state_difference(g->model, g->q->x + t * g->nx, w->x + (ptrdiff_t)i * g->nx, w->dx);
    tnd_guide_mean(g, t, w->dx, w->e);
    for (int a = 0; a < m; a++)
      w->e[a] -= w->mu[i * m + a];
    sum += tnd_guide_square(m, W, w->e);
  }
  g->kl[t] = (constant + sum / kept) / 2;
}

void tnd_guide_divergence(tnd_guide *g, const double *sigma2, double *kl) {
  g->sigma2 = sigma2;
  tnd_pool_run(g->pool, g->taught, diverge, g);
  memcpy(kl, g->kl, sizeof *kl * (size_t)g->taught);
}

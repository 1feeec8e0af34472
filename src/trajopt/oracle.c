// See oracle.h. Rollouts are the pieces of work; each has rows of its own.
#include "trajopt/oracle.h"

#include "base/clock.h"
#include "base/pool.h"
#include "math/cholesky.h"
#include "sim/cost.h"
#include "trajopt/guide_parts.h"

#include <math.h>
#include <string.h>

// Added to the variances of S_t: this share of each, for the factor's sake, and so much for a
// coordinate that has none.
static const double ridge = 1e-6, floor_variance = 1e-12;

struct tnd_oracle {
  tnd_guide *guide;
  int count;  // rollouts
  int nd;     // coordinates of the density
  bool measured;
  int *of;          // [nd] which coordinates of a change of state these are
  double *L;        // [taught][nd][nd] factors of S_t
  double *z;        // [nthread][nd] scratch
  double *squares;  // [nd][nd] scratch

  // of the last run
  const double *sigma;
  uint64_t seed;
  uint32_t iteration;
  double *obs;       // [count][taught][nobs]
  double *action;    // [count][taught][nu]
  double *weight;    // [count][taught]
  int *length;       // [count] states within reach
  int *steps;        // [count] simulated
  double *cost;      // [count]
  double *mismatch;  // [count] sum over its rows
  tnd_arena arena;
};

static void layout(tnd_oracle *o, tnd_arena *arena) {
  const tnd_guide *g = o->guide;
  const size_t taught = (size_t)g->taught, nd = (size_t)o->nd, count = (size_t)o->count;
  o->of = tnd_arena_ints(arena, nd);
  o->L = tnd_arena_doubles(arena, taught * nd * nd);
  o->z = tnd_arena_doubles(arena, (size_t)g->nthread * nd);
  o->squares = tnd_arena_doubles(arena, nd * nd);
  o->obs = tnd_arena_doubles(arena, count * taught * (size_t)g->model->task->nobs);
  o->action = tnd_arena_doubles(arena, count * taught * (size_t)g->m);
  o->weight = tnd_arena_doubles(arena, count * taught);
  o->length = tnd_arena_ints(arena, count);
  o->steps = tnd_arena_ints(arena, count);
  o->cost = tnd_arena_doubles(arena, count);
  o->mismatch = tnd_arena_doubles(arena, count);
}

// All velocities, and the positions that matter; *of may be NULL. Returns how many.
static int choose(const tnd_guide *g, int *of) {
  int nd = 0;
  for (int j = 0; j < g->n; j++) {
    if (j < g->positions && !g->matters[j]) continue;
    if (of) of[nd] = j;
    nd++;
  }
  return nd;
}

tendril_status tnd_oracle_create(tnd_guide *guide, int rollouts, tnd_oracle **out,
                                 tendril_error *err) {
  tnd_oracle *o = tnd_alloc(sizeof *o);
  if (!o) return tnd_fail_memory(err);
  o->guide = guide;
  o->count = rollouts;
  o->nd = choose(guide, NULL);
  layout(o, &o->arena);
  const tendril_status status = tnd_arena_alloc(&o->arena, err);
  if (status != TENDRIL_OK) {
    tnd_oracle_destroy(o);
    return status;
  }
  layout(o, &o->arena);
  choose(guide, o->of);
  *out = o;
  return TENDRIL_OK;
}

void tnd_oracle_destroy(tnd_oracle *o) {
  if (!o) return;
  tnd_arena_free(&o->arena);
  tnd_free(o);
}

// ---------------------------------------------------------------------------------------- density

// State t of the guide's sample i, [nx].
static const double *sample(const tnd_guide *g, int i, int t) {
  return g->x + ((ptrdiff_t)i * (g->T + 1) + t) * g->nx;
}

// S [nd][nd], its lower triangle, = 1/N sum dx dx' over the samples of step t, and the sums of the
// products' squares.
static void add_up(tnd_oracle *o, int t, double *S) {
  const tnd_guide *g = o->guide;
  double *dx = g->workers[0].dx;
  const int nd = o->nd;
  memset(S, 0, sizeof *S * (size_t)(nd * nd));
  memset(o->squares, 0, sizeof *S * (size_t)(nd * nd));
  for (int i = 0; i < g->N; i++) {
    if (!g->good[i]) continue;
    tnd_state_difference(g->model, g->q->x + t * g->nx, sample(g, i, t), dx);
    for (int a = 0; a < nd; a++)
      for (int b = 0; b <= a; b++) {
        const double product = dx[o->of[a]] * dx[o->of[b]];
        S[a * nd + b] += product / g->kept;
        o->squares[a * nd + b] += product * product;
      }
  }
}

// By how much S's correlations r shrink: the share that lowers the expected square of their error
// most, sum Var(r) / sum r^2 over all pairs (Schaefer and Strimmer 2005, sec. 2).
static double shrinkage(const tnd_oracle *o, const double *S) {
  const int nd = o->nd;
  const double N = o->guide->kept;
  double variance = 0, square = 0;
  if (N < 2) return 1;
  for (int a = 0; a < nd; a++)
    for (int b = 0; b < a; b++) {
      const double scale = S[a * nd + a] * S[b * nd + b];
      if (!(scale > 0)) continue;
      const double r2 = S[a * nd + b] * S[a * nd + b] / scale;
      variance += (o->squares[a * nd + b] / scale - N * r2) / (N * (N - 1));
      square += r2;
    }
  return square > 0 ? fmin(fmax(variance / square, 0), 1) : 1;
}

tendril_status tnd_oracle_measure(tnd_oracle *o, tendril_error *err) {
  const tnd_guide *g = o->guide;
  const int nd = o->nd;
  for (int t = 0; t < g->taught; t++) {
    double *S = o->L + (ptrdiff_t)t * nd * nd;
    add_up(o, t, S);
    const double kept = 1 - shrinkage(o, S);
    for (int a = 0; a < nd; a++) {
      for (int b = 0; b < a; b++)
        S[a * nd + b] *= kept;
      S[a * nd + a] += ridge * S[a * nd + a] + floor_variance;
    }
    if (!tnd_cholesky(nd, nd, S))
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "%s: the states of step %d of a trajectory have no density: its samples are "
                      "too far apart; use learner.weights=none",
                      g->model->task->name, t);
  }
  o->measured = true;
  return TENDRIL_OK;
}

static double density(const tnd_oracle *o, int t, const double *dx, double *z) {
  const int nd = o->nd;
  double square = 0;
  if (!o->measured) return 1;
  for (int a = 0; a < nd; a++)
    z[a] = dx[o->of[a]];
  tnd_cholesky_forward(nd, nd, o->L + (ptrdiff_t)t * nd * nd, 1, z);
  for (int a = 0; a < nd; a++)
    square += z[a] * z[a];
  return exp(-square / 2);
}

int64_t tnd_oracle_weigh(tnd_oracle *o, double *weight) {
  const tnd_guide *g = o->guide;
  double *dx = g->workers[0].dx;
  int64_t row = 0;
  for (int i = 0; i < g->N; i++)
    for (int t = 0; g->good[i] && t < g->taught; t++) {
      tnd_state_difference(g->model, g->q->x + t * g->nx, sample(g, i, t), dx);
      weight[row++] = density(o, t, dx, o->z);
    }
  return row;
}

// --------------------------------------------------------------------------------------- rollouts

// What the oracle says of x, which is off by dx, at step t of rollout i.
static void label(tnd_oracle *o, int i, int t, const double *x, const double *dx, int worker) {
  tnd_guide *g = o->guide;
  tnd_state_policy *policy = g->workers[worker].policy;
  const ptrdiff_t row = (ptrdiff_t)i * g->taught + t;
  tnd_guide_mean(g, t, dx, o->action + row * g->m);
  o->weight[row] = density(o, t, dx, o->z + (ptrdiff_t)worker * o->nd);
  tnd_state_policy_observe(policy, 1, x, o->obs + row * g->model->task->nobs);
  o->length[i] = t + 1;
}

// u [nu], the policy's mean action, becomes the one that is taken; step t of rollout i.
static void act(tnd_oracle *o, int i, int t, tendril_random *noise, double *u, double *scratch) {
  const tnd_guide *g = o->guide;
  const double *y = o->action + ((ptrdiff_t)i * g->taught + t) * g->m;
  for (int a = 0; a < g->m; a++)
    o->mismatch[i] += (u[a] - y[a]) * (u[a] - y[a]);
  if (o->sigma) {
    tendril_random_normals(noise, g->m, scratch);
    for (int a = 0; a < g->m; a++)
      u[a] += o->sigma[a] * scratch[a];
  }
  tnd_model_clip(g->model, u, u);
}

static void roll_out(void *context, int i, int worker) {
  tnd_oracle *o = context;
  tnd_guide *g = o->guide;
  tnd_guide_worker *w = &g->workers[worker];
  const int nq = g->nx - g->positions;
  tendril_random noise =
      tendril_random_stream(o->seed, TENDRIL_PURPOSE_ACTION, (uint32_t)i, o->iteration);
  double *x = w->x, *next = w->x + g->nx;  // there are two or more samples
  tnd_guide_draw_start(g, i, o->seed, o->iteration, w->dx, x);
  o->length[i] = o->steps[i] = 0;
  o->cost[i] = o->mismatch[i] = 0;
  for (int t = 0; t < g->taught; t++) {
    tnd_state_difference(g->model, g->q->x + t * g->nx, x, w->dx);
    if (!tnd_guide_within_reach(g, w->dx)) return;
    label(o, i, t, x, w->dx, worker);
    tnd_state_policy_mean(w->policy, t, 1, x, w->u);
    act(o, i, t, &noise, w->u, w->e);
    o->cost[i] += tnd_cost(g->model, g->ground, t, g->T, x, x + nq, w->u, NULL);
    const double clock = tnd_clock_thread();
    const bool stepped = tnd_transition_step(w->f, t, x, w->u, next);
    w->physics += tnd_clock_thread() - clock;
    if (!stepped) return;
    o->steps[i]++;
    memcpy(x, next, sizeof *x * (size_t)g->nx);
  }
}

void tnd_oracle_run(tnd_oracle *o, const double *sigma, uint64_t seed, uint32_t iteration,
                    tnd_oracle_rollouts *out) {
  const tnd_guide *g = o->guide;
  *out = (tnd_oracle_rollouts){0};
  o->sigma = sigma;
  o->seed = seed;
  o->iteration = iteration;
  for (int i = 0; i < g->nthread; i++)
    g->workers[i].physics = 0;
  tnd_pool_run(g->pool, o->count, roll_out, o);
  for (int i = 0; i < o->count; i++) {
    const bool whole = o->steps[i] == g->taught;
    out->survived += whole;
    out->rows += o->length[i];
    out->steps += o->steps[i];
    if (whole) out->cost += o->cost[i];
    out->mismatch += o->mismatch[i];
    for (int t = 0; t < o->length[i]; t++)
      out->weight += o->weight[(ptrdiff_t)i * g->taught + t];
  }
  for (int i = 0; i < g->nthread; i++)
    out->physics += g->workers[i].physics;
  out->cost = out->survived > 0 ? out->cost / out->survived : (double)NAN;
  out->mismatch = out->rows > 0 ? out->mismatch / (double)out->rows / g->m : (double)NAN;
  out->weight = out->rows > 0 ? out->weight / (double)out->rows : (double)NAN;
}

int64_t tnd_oracle_rows(const tnd_oracle *o, double *obs, double *action, int *step,
                        double *weight) {
  const tnd_guide *g = o->guide;
  const int nobs = g->model->task->nobs, m = g->m;
  int64_t row = 0;
  for (int i = 0; i < o->count; i++) {
    const ptrdiff_t from = (ptrdiff_t)i * g->taught;
    const size_t n = (size_t)o->length[i];
    memcpy(obs + row * nobs, o->obs + from * nobs, sizeof *obs * n * (size_t)nobs);
    memcpy(action + row * m, o->action + from * m, sizeof *action * n * (size_t)m);
    memcpy(weight + row, o->weight + from, sizeof *weight * n);
    for (int t = 0; t < o->length[i]; t++)
      step[row++] = t;
  }
  return row;
}

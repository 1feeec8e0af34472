// See guide_paths.h. Paths are the pieces of work; each has rows of its own.
#include "trajopt/guide_paths.h"

#include "base/clock.h"
#include "base/pool.h"
#include "math/cholesky.h"
#include "math/gaussian.h"
#include "sim/cost.h"
#include "trajopt/guide_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// What is at work on them.
typedef struct job {
  tnd_guide *g;
  const tnd_guide_paths *paths;
  const double *sigma;
  uint64_t seed;
  uint32_t iteration;
  double *log_q;
} job;

// ------------------------------------------------------------------------------------------- paths

// u [nu] at state x and step t, as drawn; false if q loses the path here.
static bool act(const job *j, tnd_guide_worker *w, int t, const double *x, tendril_random *noise,
                double *u) {
  tnd_guide *g = j->g;
  const int m = g->m;
  if (j->sigma) {
    tnd_state_policy_mean(w->policy, t, 1, x, u);
    tendril_random_normals(noise, m, w->e);
    for (int a = 0; a < m; a++)
      u[a] += j->sigma[a] * w->e[a];
    return true;
  }
  tnd_state_difference(g->model, g->q->x + t * g->nx, x, w->dx);
  if (!tnd_guide_within_reach(g, w->dx)) return false;
  tnd_guide_mean(g, t, w->dx, u);
  tendril_random_normals(noise, m, w->e);
  for (int a = 0; a < m; a++)
    for (int b = 0; b <= a; b++)
      u[a] += g->C[((ptrdiff_t)t * m + a) * m + b] * w->e[b];
  return true;
}

static void draw_path(void *context, int i, int worker) {
  const job *j = context;
  const tnd_guide_paths *p = j->paths;
  tnd_guide *g = j->g;
  tnd_guide_worker *w = &g->workers[worker];
  const int m = g->m, nobs = g->model->task->nobs, nq = g->nx - g->positions;
  tendril_random noise =
      tendril_random_stream(j->seed, TENDRIL_PURPOSE_ACTION, (uint32_t)i, j->iteration);
  double *x = w->x, *next = w->x + g->nx;  // there are two or more samples
  tnd_guide_draw_start(g, i, j->seed, j->iteration, w->dx, x);
  const ptrdiff_t first = (ptrdiff_t)i * g->taught;
  int t = 0;
  bool stepped = true, lost = false;
  for (; stepped && !lost && t < g->taught; t++) {
    double *u = p->action + (first + t) * m;
    memcpy(p->x + (first + t) * g->nx, x, sizeof *x * (size_t)g->nx);
    tnd_state_policy_observe(w->policy, 1, x, p->obs + (first + t) * nobs);
    lost = !act(j, w, t, x, &noise, u);
    if (lost) break;
    tnd_model_clip(g->model, u, w->u);
    p->cost[first + t] = tnd_cost(g->model, g->ground, t, g->T, x, x + nq, w->u, NULL);
    const double clock = tnd_clock_thread();
    stepped = tnd_transition_step(w->f, t, x, w->u, next);
    w->physics += tnd_clock_thread() - clock;
    memcpy(x, next, sizeof *x * (size_t)g->nx);
  }
  lost = lost || (!j->sigma && !stepped);
  p->length[i] = lost ? -t : t;  // until its steps are counted
  const int length = lost ? 0 : t;
  const size_t left = (size_t)(g->taught - length);
  memset(p->x + (first + length) * g->nx, 0, sizeof *p->x * left * (size_t)g->nx);
  memset(p->obs + (first + length) * nobs, 0, sizeof *p->obs * left * (size_t)nobs);
  memset(p->action + (first + length) * m, 0, sizeof *p->action * left * (size_t)m);
}

void tnd_guide_draw_paths(tnd_guide *g, const double *sigma, uint64_t seed, uint32_t iteration,
                          const tnd_guide_paths *paths, tnd_guide_paths_stats *stats) {
  job j = {.g = g, .paths = paths, .sigma = sigma, .seed = seed, .iteration = iteration};
  for (int i = 0; i < g->nthread; i++)
    g->workers[i].physics = 0;
  tnd_pool_run(g->pool, paths->count, draw_path, &j);
  *stats = (tnd_guide_paths_stats){0};
  double worst = 0;
  for (int i = 0; i < paths->count; i++) {
    const bool lost = paths->length[i] <= 0;
    stats->steps += abs(paths->length[i]);
    stats->lost += lost;
    stats->diverged += !lost && paths->length[i] < g->taught;
    if (lost) paths->length[i] = 0;
    for (int t = 0; t < paths->length[i]; t++)
      worst = fmax(worst, paths->cost[(ptrdiff_t)i * g->taught + t]);
  }
  for (int i = 0; i < paths->count; i++)
    for (int t = 0; t < g->taught; t++) {
      double *cost = &paths->cost[(ptrdiff_t)i * g->taught + t];
      if (t >= paths->length[i]) *cost = worst;
      if (paths->length[i] > 0) stats->cost += *cost / (paths->count - stats->lost);
    }
  if (stats->lost == paths->count) stats->cost = (double)NAN;
  for (int i = 0; i < g->nthread; i++)
    stats->physics += g->workers[i].physics;
}

// ----------------------------------------------------------------------------------------- density

static void weigh_path(void *context, int i, int worker) {
  const job *j = context;
  const tnd_guide_paths *p = j->paths;
  tnd_guide *g = j->g;
  tnd_guide_worker *w = &g->workers[worker];
  const int m = g->m;
  const ptrdiff_t first = (ptrdiff_t)i * g->taught;
  double sum = 0;
  for (int t = 0; t < g->taught; t++) {
    const ptrdiff_t at = (ptrdiff_t)t * m * m;
    if (t < p->length[i]) {
      tnd_state_difference(g->model, g->q->x + t * g->nx, p->x + (first + t) * g->nx, w->dx);
      tnd_guide_mean(g, t, w->dx, w->e);
      for (int a = 0; a < m; a++)
        w->e[a] = p->action[(first + t) * m + a] - w->e[a];
      sum -= (tnd_guide_square(m, g->W + at, w->e) + tnd_cholesky_logdet(m, m, g->C + at) +
              m * TND_LOG_2PI) /
             2;
    }
    j->log_q[first + t] = sum;
  }
}

void tnd_guide_log_density(tnd_guide *g, const tnd_guide_paths *paths, double *log_q) {
  job j = {.g = g, .paths = paths, .log_q = log_q};
  tnd_pool_run(g->pool, paths->count, weigh_path, &j);
}

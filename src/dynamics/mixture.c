// Expectation maximisation in log space, on data that are standardised: each entry of y minus its
// mean, over its standard deviation. Responsibilities are kept by cluster, h [C][rows], so a
// cluster's moments are one weighted fit; rows go through the expectation in blocks of a vector's
// multiple, transposed. Symbols: C clusters of weight w_c, mean mu_c, covariance S_c; kappa the
// floor; J the objective,
//   J = sum_rows log sum_c w_c N(y; mu_c, S_c) - kappa/2 sum_c tr S_c^-1,
// whose maximum over S_c for given h is S_c = (scatter_c + kappa I) / N_c: no variance vanishes.
// Source: docs/methods/local-models.md, steps 3 and 4.
#include "dynamics/mixture.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "math/cholesky.h"
#include "math/linalg.h"
#include "math/simd.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { BLOCK = 64, BLOCKS = 4 };  // rows of a block, blocks of a piece of work
enum { CANDIDATES = 4 };          // for each seed

static const double negligible = 1e-15;  // a responsibility
// a cluster with less than half a row is empty
static const double empty = 0.5;

typedef struct cluster {
  tnd_gaussian g;
  double w;         // weight
  double rows;      // N_c
  double constant;  // log w - 1/2 log |2 pi S|
  double penalty;   // kappa/2 tr S^-1
  bool failed;
  double *inverse;  // [p] scratch: a column of L^-1
} cluster;

// One thread's.
typedef struct scratch {
  double *x;      // [p][BLOCK] rows of a block, transposed
  double *r;      // [p][BLOCK] L^-1 (x - mu)
  double *h;      // [clusters][BLOCK]
  double *share;  // [clusters] mean responsibilities
} scratch;

struct tnd_mixture {
  tnd_mixture_options options;
  int p, max_rows;
  tendril_pool *pool;
  int C;              // clusters now
  cluster *clusters;  // [options.clusters]
  double *mean, *sd;  // [p] of the data
  double *x;          // [max_rows][p] standardised
  double *h;          // [options.clusters][max_rows]
  double *distance;   // [max_rows] squared, to the nearest seed
  double *candidate;  // [max_rows] the same if a candidate were one
  int *nearest;       // [max_rows] which seed
  double *partial;    // [pieces] sums over their rows
  double *trace;      // [max_iters]
  scratch *scratch;   // [threads]
  // the work that runs
  int rows, N;
  const double *y;
  double n0, *mu0, *Phi;
  tnd_arena arena;
};

tnd_mixture_options tnd_mixture_defaults(void) {
  return (tnd_mixture_options){.clusters = 20,
                               .rows_per_cluster = 40,
                               .max_iters = 100,
                               .tolerance = 1e-4,
                               .floor = 1e-4,
                               .seed = 1};
}

static int pieces_of(int rows) {
  return (rows + BLOCK * BLOCKS - 1) / (BLOCK * BLOCKS);
}

static void layout(tnd_mixture *m, tnd_arena *arena) {
  const size_t C = (size_t)m->options.clusters, p = (size_t)m->p, rows = (size_t)m->max_rows;
  m->clusters = tnd_arena_take(arena, C, sizeof *m->clusters);
  for (size_t c = 0; c < C; c++) {
    cluster own = {.g = {.n = m->p}};
    own.g.mean = tnd_arena_doubles(arena, p);
    own.g.S = tnd_arena_doubles(arena, p * p);
    own.g.C = tnd_arena_doubles(arena, p * p);
    own.inverse = tnd_arena_doubles(arena, p);
    if (m->clusters) m->clusters[c] = own;
  }
  m->mean = tnd_arena_doubles(arena, p);
  m->sd = tnd_arena_doubles(arena, p);
  m->x = tnd_arena_doubles(arena, rows * p);
  m->h = tnd_arena_doubles(arena, C * rows);
  m->distance = tnd_arena_doubles(arena, rows);
  m->candidate = tnd_arena_doubles(arena, rows);
  m->nearest = tnd_arena_ints(arena, rows);
  m->partial = tnd_arena_doubles(arena, (size_t)pieces_of(m->max_rows));
  m->trace = tnd_arena_doubles(arena, (size_t)m->options.max_iters);
  const int threads = tendril_pool_threads(m->pool);
  m->scratch = tnd_arena_take(arena, (size_t)threads, sizeof *m->scratch);
  for (int i = 0; i < threads; i++) {
    scratch own;
    own.x = tnd_arena_doubles(arena, p * BLOCK);
    own.r = tnd_arena_doubles(arena, p * BLOCK);
    own.h = tnd_arena_doubles(arena, C * BLOCK);
    own.share = tnd_arena_doubles(arena, C);
    if (m->scratch) m->scratch[i] = own;
  }
}

tendril_status tnd_mixture_create(const tnd_mixture_options *options, int p, int max_rows,
                                  tendril_pool *pool, tnd_mixture **out, tendril_error *err) {
  const tnd_mixture_options *o = options;
  if (p < 1 || max_rows < 1 || o->clusters < 1 || o->rows_per_cluster < 1 || o->max_iters < 1 ||
      !(o->floor > 0) || !(o->tolerance >= 0))
    return tnd_fail(
        err, TENDRIL_E_ARGUMENT,
        "mixture: %d numbers, %d rows, %d clusters of %d rows, %d iterations, floor %g, "
        "tolerance %g; use at least 1, a floor above 0, a tolerance of 0 or more",
        p, max_rows, o->clusters, o->rows_per_cluster, o->max_iters, o->floor, o->tolerance);
  tnd_mixture *m = tnd_alloc(sizeof *m);
  if (!m) return tnd_fail_memory(err);
  *m = (tnd_mixture){.options = *o, .p = p, .max_rows = max_rows, .pool = pool};
  layout(m, &m->arena);
  tendril_status status = tnd_arena_alloc(&m->arena, err);
  if (status != TENDRIL_OK) {
    tnd_free(m);
    return status;
  }
  layout(m, &m->arena);
  *out = m;
  return TENDRIL_OK;
}

void tnd_mixture_destroy(tnd_mixture *m) {
  if (!m) return;
  tnd_arena_free(&m->arena);
  tnd_free(m);
}

int tnd_mixture_clusters(const tnd_mixture *m) {
  return m->C;
}

double tnd_mixture_cluster(const tnd_mixture *m, int c, double *mean, double *S) {
  assert(c >= 0 && c < m->C);
  const cluster *own = &m->clusters[c];
  for (int i = 0; i < m->p; i++) {
    mean[i] = m->mean[i] + m->sd[i] * own->g.mean[i];
    for (int j = 0; j < m->p; j++)
      S[i * m->p + j] = m->sd[i] * m->sd[j] * own->g.S[i * m->p + j];
  }
  return own->w;
}

// mean, sd and x from y. An entry whose spread is the rounding of its mean counts as constant: its
// unit stays.
static tendril_status standardise(tnd_mixture *m, const double *y, tendril_error *err) {
  const int p = m->p, rows = m->rows;
  memset(m->mean, 0, sizeof *m->mean * (size_t)p);
  memset(m->sd, 0, sizeof *m->sd * (size_t)p);
  for (int r = 0; r < rows; r++) {
    const double *row = y + (size_t)r * (size_t)p;
    if (!tnd_all_finite(p, row))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "mixture: row %d is not finite", r);
    for (int i = 0; i < p; i++)
      m->mean[i] += row[i] / rows;
  }
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < p; i++) {
      const double d = y[(size_t)r * (size_t)p + (size_t)i] - m->mean[i];
      m->sd[i] += d * d / rows;
    }
  for (int i = 0; i < p; i++) {
    m->sd[i] = sqrt(m->sd[i]);
    if (!isfinite(m->sd[i]))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "mixture: entry %d of the rows is too large", i);
    if (m->sd[i] <= 1e-12 * fabs(m->mean[i]) || m->sd[i] == 0) m->sd[i] = 1;
  }
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < p; i++) {
      const size_t at = (size_t)r * (size_t)p + (size_t)i;
      m->x[at] = (y[at] - m->mean[i]) / m->sd[i];
    }
  return TENDRIL_OK;
}

// distance [rows] = min(old, squared distance to row `to`); returns the sum. old NULL: infinite.
static double measure(const tnd_mixture *m, int to, const double *old, double *distance) {
  const double *a = m->x + (size_t)to * (size_t)m->p;
  double total = 0;
  for (int r = 0; r < m->rows; r++) {
    const double *b = m->x + (size_t)r * (size_t)m->p;
    double sum = 0;
    for (int i = 0; i < m->p; i++)
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    distance[r] = old && old[r] < sum ? old[r] : sum;
    total += distance[r];
  }
  return total;
}

// The row at which the sum of distances passes a random share of `total`.
static int draw(const tnd_mixture *m, double total, tendril_random *random) {
  double left = tendril_random_uniform(random, 0, total);
  int last = 0;
  for (int r = 0; r < m->rows; r++) {
    if (m->distance[r] == 0) continue;
    last = r;
    left -= m->distance[r];
    if (left < 0) break;
  }
  return last;
}

// Seeds, each of a few rows drawn by their squared distance to those before, the one that
// leaves the least (greedy k-means++: Arthur, Vassilvitskii 2007), and every row to its nearest:
// h is 0 or 1. Fewer clusters if no rows differ from the seeds.
static void seed(tnd_mixture *m, uint32_t iteration) {
  tendril_random random =
      tendril_random_stream(m->options.seed, TENDRIL_PURPOSE_MIXTURE, iteration, 0);
  const int rows = m->rows, wanted = rows / m->options.rows_per_cluster;
  const int most = wanted < 1 ? 1 : wanted > m->options.clusters ? m->options.clusters : wanted;
  const size_t bytes = sizeof *m->distance * (size_t)rows;
  double total = measure(m, (int)tendril_random_below(&random, (uint32_t)rows), NULL, m->distance);
  memset(m->nearest, 0, sizeof *m->nearest * (size_t)rows);
  for (m->C = 1; m->C < most && total > 0; m->C++) {
    int best = -1;
    double least = 0;
    for (int k = 0; k < CANDIDATES; k++) {
      const int to = draw(m, total, &random);
      const double sum = measure(m, to, m->distance, m->candidate);
      if (best >= 0 && sum >= least) continue;
      best = to;
      least = sum;
    }
    total = measure(m, best, m->distance, m->candidate);
    for (int r = 0; r < rows; r++)
      if (m->candidate[r] < m->distance[r]) m->nearest[r] = m->C;
    memcpy(m->distance, m->candidate, bytes);
  }
  for (int c = 0; c < m->C; c++)
    for (int r = 0; r < rows; r++)
      m->h[(size_t)c * (size_t)m->max_rows + (size_t)r] = m->nearest[r] == c;
}

// What of a cluster the next expectation needs, from its g, w and factor.
static void prepare(tnd_mixture *m, cluster *own) {
  const int p = m->p;
  own->constant = log(own->w) - 0.5 * (p * TND_LOG_2PI + tnd_cholesky_logdet(p, p, own->g.C));
  // tr S^-1 = |L^-1|^2, a column at a time
  double square = 0;
  for (int j = 0; j < p; j++) {
    memset(own->inverse, 0, sizeof *own->inverse * (size_t)p);
    own->inverse[j] = 1;
    tnd_cholesky_forward(p, p, own->g.C, 1, own->inverse);
    for (int i = j; i < p; i++)
      square += own->inverse[i] * own->inverse[i];
  }
  own->penalty = 0.5 * m->options.floor * square;
}

// N_c and, unless it is empty, mean and covariance of one cluster.
static void maximise_one(void *context, int c, int worker) {
  (void)worker;
  tnd_mixture *m = context;
  cluster *own = &m->clusters[c];
  const double *h = m->h + (size_t)c * (size_t)m->max_rows;
  own->rows = 0;
  for (int r = 0; r < m->rows; r++)
    own->rows += h[r];
  own->failed = false;
  if (own->rows < empty) return;
  own->failed = !tnd_gaussian_fit(&own->g, m->rows, m->x, m->p, h, 0, m->options.floor / own->rows);
}

// New weights, means and covariances from h; empty clusters go. False if one has no covariance.
static bool maximise(tnd_mixture *m, int *dropped) {
  tnd_pool_run(m->pool, m->C, maximise_one, m);
  int kept = 0;
  double rows = 0;
  for (int c = 0; c < m->C; c++) {
    if (m->clusters[c].failed) return false;
    if (m->clusters[c].rows < empty) continue;
    const cluster moved = m->clusters[c];  // they change places, and their memory with them
    m->clusters[c] = m->clusters[kept];
    m->clusters[kept++] = moved;
    rows += moved.rows;
  }
  *dropped += m->C - kept;
  m->C = kept;
  for (int c = 0; c < m->C; c++) {
    m->clusters[c].w = m->clusters[c].rows / rows;
    prepare(m, &m->clusters[c]);
  }
  return true;
}

// h [BLOCK] = constant - 1/2 |L^-1 (x - mu)|^2 for a block of rows x [p][BLOCK]
static TND_CLONES void block_logp(int p, const cluster *own, const double *restrict x,
                                  double *restrict r, double *restrict h) {
  for (int b = 0; b < BLOCK; b++)
    h[b] = 0;
  for (int i = 0; i < p; i++) {
    const double *L = own->g.C + i * p;
    const double mean = own->g.mean[i], pivot = L[i];
    double *ri = r + i * BLOCK;
    for (int b = 0; b < BLOCK; b++)
      ri[b] = x[i * BLOCK + b] - mean;
    for (int k = 0; k < i; k++) {
      const double l = L[k];
      for (int b = 0; b < BLOCK; b++)
        ri[b] -= l * r[k * BLOCK + b];
    }
    for (int b = 0; b < BLOCK; b++) {
      ri[b] /= pivot;
      h[b] += ri[b] * ri[b];
    }
  }
  for (int b = 0; b < BLOCK; b++)
    h[b] = own->constant - 0.5 * h[b];
}

// w->h = responsibilities for the `rows` first of w->x. Returns the sum of their log-likelihoods.
static double expect(const tnd_mixture *m, int rows, scratch *w) {
  double sum = 0;
  for (int c = 0; c < m->C; c++)
    block_logp(m->p, &m->clusters[c], w->x, w->r, w->h + c * BLOCK);
  for (int b = 0; b < rows; b++) {
    double most = w->h[b], total = 0;
    for (int c = 1; c < m->C; c++)
      if (w->h[c * BLOCK + b] > most) most = w->h[c * BLOCK + b];
    for (int c = 0; c < m->C; c++)
      total += w->h[c * BLOCK + b] = exp(w->h[c * BLOCK + b] - most);
    // what is lost in the rounding of any sum counts as nothing: the maximisation passes it over
    for (int c = 0; c < m->C; c++) {
      w->h[c * BLOCK + b] /= total;
      if (w->h[c * BLOCK + b] < negligible) w->h[c * BLOCK + b] = 0;
    }
    sum += most + log(total);
  }
  return sum;
}

static void expect_piece(void *context, int piece, int worker) {
  tnd_mixture *m = context;
  scratch *w = &m->scratch[worker];
  m->partial[piece] = 0;
  for (int k = 0; k < BLOCKS; k++) {
    const int first = (piece * BLOCKS + k) * BLOCK;
    const int rows = m->rows - first < BLOCK ? m->rows - first : BLOCK;
    if (rows <= 0) return;
    for (int b = 0; b < rows; b++)
      for (int i = 0; i < m->p; i++)
        w->x[i * BLOCK + b] = m->x[(size_t)(first + b) * (size_t)m->p + (size_t)i];
    m->partial[piece] += expect(m, rows, w);
    for (int c = 0; c < m->C; c++)
      memcpy(m->h + (size_t)c * (size_t)m->max_rows + first, w->h + c * BLOCK,
             sizeof *m->h * (size_t)rows);
  }
}

tendril_status tnd_mixture_fit(tnd_mixture *m, int rows, const double *y, uint32_t iteration,
                               tnd_mixture_stats *stats, tendril_error *err) {
  m->C = 0;
  if (rows < 1 || rows > m->max_rows)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "mixture: %d rows; it was made for 1 to %d", rows,
                    m->max_rows);
  m->rows = rows;
  TENDRIL_TRY(standardise(m, y, err));
  seed(m, iteration);

  *stats = (tnd_mixture_stats){.trace = m->trace};
  double logp = 0;
  while (stats->iterations < m->options.max_iters && !stats->converged) {
    const int dropped = stats->dropped;
    if (!maximise(m, &stats->dropped)) {
      m->C = 0;
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "mixture: a cluster's covariance is not positive definite; raise the floor");
    }
    tnd_pool_run(m->pool, pieces_of(rows), expect_piece, m);
    logp = 0;
    for (int i = 0; i < pieces_of(rows); i++)
      logp += m->partial[i];
    double J = logp;
    for (int c = 0; c < m->C; c++)
      J -= m->clusters[c].penalty;
    const int n = stats->iterations++;
    m->trace[n] = J;
    // where a cluster was dropped the objective may have fallen
    stats->converged =
        n > 0 && stats->dropped == dropped && J - m->trace[n - 1] <= m->options.tolerance * fabs(J);
  }
  stats->clusters = m->C;
  stats->logp = logp / rows;
  for (int i = 0; i < m->p; i++)
    stats->logp -= log(m->sd[i]);
  return TENDRIL_OK;
}

// mu0 and Phi of one time step.
static void prior_of_step(void *context, int t, int worker) {
  tnd_mixture *m = context;
  scratch *w = &m->scratch[worker];
  const int p = m->p;
  const double *y = m->y + (size_t)t * (size_t)m->N * (size_t)p;
  double *mu0 = m->mu0 + (size_t)t * (size_t)p, *Phi = m->Phi + (size_t)t * (size_t)(p * p);
  if (!tnd_all_finite((int64_t)m->N * p, y)) {
    mu0[0] = NAN;  // for the caller to find
    return;
  }

  // h_c
  memset(w->share, 0, sizeof *w->share * (size_t)m->C);
  for (int first = 0; first < m->N; first += BLOCK) {
    const int rows = m->N - first < BLOCK ? m->N - first : BLOCK;
    for (int b = 0; b < rows; b++)
      for (int i = 0; i < p; i++)
        w->x[i * BLOCK + b] =
            (y[(size_t)(first + b) * (size_t)p + (size_t)i] - m->mean[i]) / m->sd[i];
    expect(m, rows, w);
    for (int c = 0; c < m->C; c++)
      for (int b = 0; b < rows; b++)
        w->share[c] += w->h[c * BLOCK + b];
  }

  // standardised, then in the data's units
  memset(mu0, 0, sizeof *mu0 * (size_t)p);
  memset(Phi, 0, sizeof *Phi * (size_t)(p * p));
  for (int c = 0; c < m->C; c++)
    for (int i = 0; i < p; i++)
      mu0[i] += w->share[c] / m->N * m->clusters[c].g.mean[i];
  for (int c = 0; c < m->C; c++) {
    const tnd_gaussian *g = &m->clusters[c].g;
    const double h = w->share[c] / m->N;
    if (h == 0) continue;
    for (int i = 0; i < p; i++)
      for (int j = 0; j <= i; j++)
        Phi[i * p + j] += h * (g->S[i * p + j] + (g->mean[i] - mu0[i]) * (g->mean[j] - mu0[j]));
  }
  for (int i = 0; i < p; i++) {
    mu0[i] = m->mean[i] + m->sd[i] * mu0[i];
    for (int j = 0; j <= i; j++) {
      Phi[i * p + j] *= m->n0 * m->sd[i] * m->sd[j];
      Phi[j * p + i] = Phi[i * p + j];
    }
  }
}

tendril_status tnd_mixture_priors(tnd_mixture *m, int T, int N, const double *y, double n0,
                                  double *mu0, double *Phi, tendril_error *err) {
  if (m->C == 0 || T < 1 || N < 1 || !(n0 > 0) || !isfinite(n0))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "mixture: a prior of strength %g for %d steps of %d samples, from %d clusters; "
                    "use at least 1 of each, after a fit",
                    n0, T, N, m->C);
  m->N = N;
  m->y = y;
  m->n0 = n0;
  m->mu0 = mu0;
  m->Phi = Phi;
  tnd_pool_run(m->pool, T, prior_of_step, m);
  for (int t = 0; t < T; t++)
    if (!isfinite(mu0[(size_t)t * (size_t)m->p]))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "mixture: step %d: a sample is not finite", t);
  return TENDRIL_OK;
}

// Importance weights of samples kept from several iterations; see importance.h.
//
// Samples lie in blocks of LANES, structure of arrays, so that loops over samples fill vector
// registers: a slot of blocks for every kept iteration. As a function of x = (s, a), z^j_t is one
// Gaussian:
//   log z = constant - 1/2 |W (x - m)|^2,   m = (mu, K mu + k),   W = [ Cs^-1        0     ]
//                                                                     [ -Ca^-1 K   Ca^-1 ]
// with rho = N(mu, Cs Cs'), Sigma = Ca Ca': W is lower triangular and its diagonal gives the
// constant.
#include "critic/importance.h"

#include "base/alloc.h"
#include "math/linalg.h"
#include "math/simd.h"
#include "math/vecmath.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define LANES 64
#define LARGEST 300.0  // of a weight's logarithm: squares stay finite and above 0

typedef struct slot {
  int first, n;        // rows of the caller's arrays
  double *components;  // [T][stride]: constant, log n_t, m [n], W [n (n+1) / 2] by rows
} slot;

typedef struct scratch {
  double *d;     // [n][LANES] x - m
  double *y;     // [LANES] an entry of W d
  double *logp;  // [T or kept][LANES]
  double *sum;   // [LANES]
} scratch;

struct tnd_importance {
  tnd_importance_size size;
  int n, stride, blocks;  // blocks of a slot
  int64_t added;          // iterations so far: iteration k is in slot k mod kept
  slot *slots;            // [kept]
  double *x;              // [kept][blocks][n][LANES] samples
  double *parts;          // [kept][kept][blocks][LANES]: of the second's samples under the first
  double *mixture;        // [kept][blocks][LANES] log z^{1:i} of every sample
  int *row;               // [T][kept blocks LANES] lists
  double *weight;         // the same
  double *spare;          // [T][stride] components that may not be good
  scratch *workers;       // [threads]
  tnd_arena arena;
};

static void layout(tnd_importance *im, tnd_arena *arena) {
  const size_t T = (size_t)im->size.T, n = (size_t)im->n, kept = (size_t)im->size.kept;
  const size_t rows = (size_t)im->blocks * LANES, stride = (size_t)im->stride;
  im->slots = tnd_arena_take(arena, kept, sizeof *im->slots);
  for (size_t k = 0; k < kept; k++) {
    double *components = tnd_arena_doubles(arena, T * stride);
    if (arena->base) im->slots[k].components = components;
  }
  im->x = tnd_arena_doubles(arena, kept * rows * n);
  im->parts = tnd_arena_doubles(arena, kept * kept * rows);
  im->mixture = tnd_arena_doubles(arena, kept * rows);
  im->row = tnd_arena_ints(arena, T * kept * rows);
  im->weight = tnd_arena_doubles(arena, T * kept * rows);
  im->spare = tnd_arena_doubles(arena, T * stride);
  im->workers = tnd_arena_take(arena, (size_t)im->size.threads, sizeof *im->workers);
  for (int i = 0; i < im->size.threads; i++) {
    scratch w;
    w.d = tnd_arena_doubles(arena, n * LANES);
    w.y = tnd_arena_doubles(arena, LANES);
    w.logp = tnd_arena_doubles(arena, (T > kept ? T : kept) * LANES);
    w.sum = tnd_arena_doubles(arena, LANES);
    if (arena->base) im->workers[i] = w;
  }
}

tendril_status tnd_importance_create(const tnd_importance_size *size, tnd_importance **out,
                                     tendril_error *err) {
  if (size->T < 1 || size->ns < 1 || size->na < 1 || size->ns + size->na > 1000 || size->kept < 1 ||
      size->rows < 1 || size->threads < 1 || (int64_t)size->kept * size->rows > 1 << 30 ||
      !(size->least > 0 && size->least < 1))
    return tnd_fail(
        err, TENDRIL_E_ARGUMENT,
        "importance weights: %d steps of %d states and %d actions, %d iterations of %d "
        "samples, shares from %g on: sizes must be positive, samples at most 2^30, the share "
        "between 0 and 1",
        size->T, size->ns, size->na, size->kept, size->rows, size->least);
  tnd_importance *im = tnd_alloc(sizeof *im);
  if (!im) return tnd_fail_memory(err);
  im->size = *size;
  im->n = size->ns + size->na;
  im->stride = 2 + im->n + im->n * (im->n + 1) / 2;
  im->blocks = (size->rows + LANES - 1) / LANES;
  layout(im, &im->arena);
  tendril_status status = tnd_arena_alloc(&im->arena, err);
  if (status != TENDRIL_OK) {
    tnd_importance_destroy(im);
    return status;
  }
  layout(im, &im->arena);
  *out = im;
  return TENDRIL_OK;
}

void tnd_importance_destroy(tnd_importance *importance) {
  if (!importance) return;
  tnd_arena_free(&importance->arena);
  tnd_free(importance);
}

void tnd_importance_reset(tnd_importance *importance) {
  importance->added = 0;
}

static void run(const tnd_importance *im, tendril_pool *pool, int pieces, tnd_job job,
                void *context) {
  assert(!pool || tendril_pool_threads(pool) <= im->size.threads);
  (void)im;
  if (pool)
    tnd_pool_run(pool, pieces, job, context);
  else
    for (int i = 0; i < pieces; i++)
      job(context, i, 0);
}

// Iterations that are in, and the slot of the q-th of them, oldest first. All sums over iterations
// run in that order.
static int present(const tnd_importance *im) {
  return im->added < im->size.kept ? (int)im->added : im->size.kept;
}
static int slot_of(const tnd_importance *im, int q) {
  return (int)((im->added - present(im) + q) % im->size.kept);
}

// ---------------------------------------------------------------------------- densities

// c [stride] = the component of step t, without log n_t
static bool component(int ns, int na, const tnd_gaussian *state, const tnd_linear_gaussian *policy,
                      double *c) {
  const int n = ns + na;
  double *m = c + 2, *W = m + n;
  memcpy(m, state->mean, (size_t)ns * sizeof *m);
  tnd_linear_gaussian_mean(policy, state->mean, m + ns);

  // the triangular inverse of [Cs 0; K .. ] row by row; entry (i, j) is W[i (i+1) / 2 + j]
  double constant = -0.5 * n * TND_LOG_2PI;
  for (int i = 0; i < n; i++) {
    double *Wi = W + i * (i + 1) / 2;
    const bool of_state = i < ns;
    const int from = of_state ? 0 : ns, at = i - from;
    const double *L = of_state ? state->C + (ptrdiff_t)at * ns : policy->C + (ptrdiff_t)at * na;
    // W_i = (right - sum_k L_ik W_k) / L_ii, right = e_i or (-K_i, e_i)
    for (int j = 0; j < i; j++)
      Wi[j] = !of_state && j < ns ? -policy->K[(ptrdiff_t)at * ns + j] : 0;
    Wi[i] = 1;
    for (int k = 0; k < at; k++) {
      const int kk = from + k;
      const double *Wk = W + kk * (kk + 1) / 2;
      for (int j = 0; j <= kk; j++)
        Wi[j] -= L[k] * Wk[j];
    }
    if (!(L[at] > 0)) return false;
    for (int j = 0; j <= i; j++)
      Wi[j] /= L[at];
    constant += log(Wi[i]);
  }
  c[0] = constant;
  return isfinite(constant) && tnd_all_finite(n + n * (n + 1) / 2, m);
}

// out [LANES] = c's log density at the samples of a block x [n][LANES]
static TND_CLONES void log_density(int n, const double *c, const double *x, scratch *w,
                                   double *out) {
  const double *m = c + 2, *W = m + n;
  double *restrict d = w->d, *restrict y = w->y, *restrict square = out;
  for (int i = 0; i < n; i++)
    for (int r = 0; r < LANES; r++)
      d[i * LANES + r] = x[i * LANES + r] - m[i];
  for (int r = 0; r < LANES; r++)
    square[r] = 0;
  for (int i = 0; i < n; i++, W += i) {
    for (int r = 0; r < LANES; r++)
      y[r] = W[0] * d[r];
    for (int j = 1; j <= i; j++)
      for (int r = 0; r < LANES; r++)
        y[r] += W[j] * d[j * LANES + r];
    for (int r = 0; r < LANES; r++)
      square[r] += y[r] * y[r];
  }
  for (int r = 0; r < LANES; r++)
    out[r] = c[0] - 0.5 * square[r];
}

static TND_CLONES void shifted(int rows, const double *largest, double *logp) {
  for (int k = 0; k < rows; k++)
    for (int r = 0; r < LANES; r++)
      logp[k * LANES + r] -= largest[r];
}

// out [LANES] = log sum_k exp logp[k], of logp [rows][LANES], which is lost; -inf if all are
static void log_sum_exp(int rows, double *logp, double *sum, double *out) {
  for (int r = 0; r < LANES; r++)
    out[r] = -DBL_MAX;
  for (int k = 0; k < rows; k++)
    for (int r = 0; r < LANES; r++)
      out[r] = logp[k * LANES + r] > out[r] ? logp[k * LANES + r] : out[r];
  shifted(rows, out, logp);
  tnd_exp_doubles((ptrdiff_t)rows * LANES, logp, logp);
  for (int r = 0; r < LANES; r++)
    sum[r] = 0;
  for (int k = 0; k < rows; k++)
    for (int r = 0; r < LANES; r++)
      sum[r] += logp[k * LANES + r];
  for (int r = 0; r < LANES; r++)
    out[r] += log(sum[r]);
}

static const double *block_of(const tnd_importance *im, int k, int b) {
  return im->x + ((ptrdiff_t)k * im->blocks + b) * im->n * LANES;
}

// [LANES] log sum_t n_t z_t of the samples of block b of slot `samples` under slot `under`
static double *part_of(const tnd_importance *im, int under, int samples, int b) {
  return im->parts + (((ptrdiff_t)under * im->size.kept + samples) * im->blocks + b) * LANES;
}

static double *mixture_of(const tnd_importance *im, int k, int b) {
  return im->mixture + ((ptrdiff_t)k * im->blocks + b) * LANES;
}

static void find_part(tnd_importance *im, int under, int samples, int b, scratch *w) {
  const double *c = im->slots[under].components, *x = block_of(im, samples, b);
  int rows = 0;
  for (int t = 0; t < im->size.T; t++, c += im->stride) {
    if (c[1] == -(double)INFINITY) continue;  // no samples of that step
    double *logp = w->logp + (ptrdiff_t)rows++ * LANES;
    log_density(im->n, c, x, w, logp);
    for (int r = 0; r < LANES; r++)
      logp[r] += c[1];
  }
  log_sum_exp(rows, w->logp, w->sum, part_of(im, under, samples, b));
}

// ---------------------------------------------------------------------------- an iteration comes

// One block of samples: of a kept iteration under the newest, of the newest under all; then the
// sum of its parts.
static void parts_job(void *context, int piece, int worker) {
  tnd_importance *im = context;
  scratch *w = &im->workers[worker];
  const int count = present(im), newest = slot_of(im, count - 1);
  const int k = slot_of(im, piece / im->blocks), b = piece % im->blocks;
  if (b * LANES >= im->slots[k].n) return;
  if (k == newest)
    for (int q = 0; q < count - 1; q++)
      find_part(im, slot_of(im, q), k, b, w);
  find_part(im, newest, k, b, w);

  double total = 0;
  int parts = 0;
  for (int q = 0; q < count; q++) {
    const int under = slot_of(im, q);
    if (im->slots[under].n == 0) continue;
    memcpy(w->logp + (ptrdiff_t)parts++ * LANES, part_of(im, under, k, b), LANES * sizeof *w->logp);
    total += im->slots[under].n;
  }
  double *mixture = mixture_of(im, k, b);
  log_sum_exp(parts, w->logp, w->sum, mixture);
  for (int r = 0; r < LANES; r++)
    mixture[r] -= log(total);
}

// The samples of slot k, in blocks; what is left of the last repeats the last sample.
static void take_samples(tnd_importance *im, int k, const tnd_importance_iteration *it) {
  const int ns = im->size.ns, na = im->size.na, n = im->n;
  for (int b = 0; b * LANES < it->n; b++) {
    double *x = im->x + ((ptrdiff_t)k * im->blocks + b) * n * LANES;
    for (int r = 0; r < LANES; r++) {
      const int in = b * LANES + r;
      const ptrdiff_t row = it->first + (in < it->n ? in : it->n - 1);
      for (int i = 0; i < ns; i++)
        x[i * LANES + r] = it->s[row * ns + i];
      for (int i = 0; i < na; i++)
        x[(ns + i) * LANES + r] = it->a[row * na + i];
    }
  }
}

tendril_status tnd_importance_add(tnd_importance *importance, tendril_pool *pool,
                                  const tnd_importance_iteration *iteration, tendril_error *err) {
  tnd_importance *im = importance;
  const tnd_importance_iteration *it = iteration;
  const int T = im->size.T, ns = im->size.ns, na = im->size.na;
  if (it->n < 0 || it->n > im->size.rows)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "importance weights: %d samples in an iteration; there is room for %d", it->n,
                    im->size.rows);

  // components, and how many samples each has; nothing of this is in yet
  for (int t = 0; t < T; t++) {
    double *c = im->spare + (ptrdiff_t)t * im->stride;
    if (!component(ns, na, &it->state[t], &it->policy[t], c))
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "importance weights, step %d: the distribution of states or actions is "
                      "singular or not finite; give it a ridge",
                      t);
    c[1] = 0;
  }
  for (int r = it->first; r < it->first + it->n; r++) {
    if (it->time[r] < 0 || it->time[r] >= T)
      return tnd_fail(err, TENDRIL_E_ARGUMENT,
                      "importance weights: a sample of step %d; steps are 0 to %d", it->time[r],
                      T - 1);
    if (!tnd_all_finite(ns, it->s + (ptrdiff_t)r * ns) ||
        !tnd_all_finite(na, it->a + (ptrdiff_t)r * na))
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "importance weights, step %d: a sample's state or action is not finite",
                      it->time[r]);
    im->spare[(ptrdiff_t)it->time[r] * im->stride + 1] += 1;
  }
  for (int t = 0; t < T; t++) {
    double *count = im->spare + (ptrdiff_t)t * im->stride + 1;
    *count = *count > 0 ? log(*count) : -(double)INFINITY;
  }

  // it takes the oldest one's place
  const int k = (int)(im->added++ % im->size.kept);
  double *components = im->slots[k].components;
  im->slots[k] = (slot){.first = it->first, .n = it->n, .components = im->spare};
  im->spare = components;
  take_samples(im, k, it);
  run(im, pool, present(im) * im->blocks, parts_job, im);
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------- weights

typedef struct weighing {
  tnd_importance *im;
  tnd_step_rows *steps;
} weighing;

static void weights_job(void *context, int t, int worker) {
  const weighing *x = context;
  const tnd_importance *im = x->im;
  scratch *w = &im->workers[worker];
  const ptrdiff_t room = (ptrdiff_t)im->size.kept * im->blocks * LANES;
  int *row = im->row + t * room, count = 0;
  double *weight = im->weight + t * room, largest = -(double)INFINITY;
  const double *c = im->slots[slot_of(im, present(im) - 1)].components + (ptrdiff_t)t * im->stride;

  // log weights of all samples; those too far off to have a density are left out
  for (int q = 0; q < present(im); q++) {
    const int k = slot_of(im, q);
    for (int i = 0; i < im->slots[k].n; i++) {
      const int b = i / LANES, r = i % LANES;
      if (r == 0) log_density(im->n, c, block_of(im, k, b), w, w->logp);
      const double log_weight = w->logp[r] - mixture_of(im, k, b)[r];
      if (!isfinite(log_weight)) continue;
      row[count] = im->slots[k].first + i;
      weight[count++] = log_weight;
      if (log_weight > largest) largest = log_weight;
    }
  }

  // those that count, in place
  const double negligible = log(im->size.least);
  int n = 0;
  for (int i = 0; i < count; i++) {
    if (weight[i] - largest < negligible) continue;
    row[n] = row[i];
    weight[n++] = weight[i] - largest;
  }
  tnd_exp_doubles(n, weight, weight);

  double sum = 0, squares = 0;
  const double scale = exp(fmax(fmin(largest, LARGEST), -LARGEST));
  for (int i = 0; i < n; i++) {
    sum += weight[i];
    squares += weight[i] * weight[i];
    weight[i] *= scale;
  }
  x->steps[t] = (tnd_step_rows){
      .n = n, .row = row, .weight = weight, .effective = n ? sum * sum / squares : 0};
}

int tnd_importance_weights(tnd_importance *importance, tendril_pool *pool, tnd_step_rows *steps) {
  weighing x = {.im = importance, .steps = steps};
  assert(importance->added > 0);
  run(importance, pool, importance->size.T, weights_job, &x);
  for (int t = 0; t < importance->size.T; t++)
    if (steps[t].effective < TND_EFFECTIVE_LEAST) return t;
  return -1;
}

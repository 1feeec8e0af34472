// See trust_region.h. All loops over rows run in pieces of whole chunks; a chunk is what the
// network works on at once.
#include "learn/trust_region.h"

#include "base/alloc.h"

#include <tendril/random.h>

#include <math.h>
#include <string.h>

// KEPT bounds the memory, to some 50 MB for two hidden layers of 64: chunks beyond it go through
// the network again in every Fisher product
enum { CHUNK = 256, MAX_PIECES = 64, MAX_KEPT = 256 };

typedef struct piece_sums {
  double L, kl, kl_max, entropy;
} piece_sums;

// Scratch of one worker for a chunk.
typedef struct scratch {
  tnd_policy_rows *rows;
  double *d;      // [CHUNK][ndist]
  double *u;      // [CHUNK][ndist]
  double *logp;   // [CHUNK]
  double *value;  // [CHUNK] a number per row: entropy or divergence
} scratch;

struct tnd_trust_region {
  tendril_policy *policy;
  tendril_pool *pool;
  int nparam, ndist, nobs, nact, nworker;
  int64_t capacity, fisher_capacity;

  // the sample
  int64_t n;
  const double *x, *action, *q;
  double *d_old;      // [capacity][ndist]
  double *logp_old;   // [capacity]
  double *theta_old;  // [nparam]
  double *theta;      // [nparam] tried
  double L_old;

  // the rows of the Fisher matrix; the activations of the first chunks are kept
  int64_t nfisher;
  int64_t *order;          // [capacity] rows, the drawn ones first
  double *fisher_x;        // [fisher_capacity][nobs]
  double *fisher_d;        // [fisher_capacity][ndist]
  tnd_policy_rows **kept;  // [kept_of(fisher_capacity)]

  scratch *workers;  // [nworker]
  piece_sums *sums;  // [MAX_PIECES]
  double *partial;   // [MAX_PIECES][nparam]
  tnd_arena arena;
};

static int64_t chunks_of(int64_t n) {
  return (n + CHUNK - 1) / CHUNK;
}

static int pieces_of(int64_t n) {
  int64_t chunks = chunks_of(n);
  return (int)(chunks < MAX_PIECES ? chunks : MAX_PIECES);
}

// Chunks of the Fisher rows whose activations are kept.
static int64_t kept_of(int64_t n) {
  int64_t chunks = chunks_of(n);
  return chunks < MAX_KEPT ? chunks : MAX_KEPT;
}

// Chunks first .. last-1 of a piece of n rows.
static void chunks_of_piece(int64_t n, int piece, int64_t *first, int64_t *last) {
  int64_t chunks = chunks_of(n), pieces = pieces_of(n);
  *first = chunks * piece / pieces;
  *last = chunks * (piece + 1) / pieces;
}

static int rows_of_chunk(int64_t n, int64_t chunk) {
  int64_t left = n - chunk * CHUNK;
  return (int)(left < CHUNK ? left : CHUNK);
}

static void layout(tnd_trust_region *t, tnd_arena *arena) {
  size_t n = (size_t)t->capacity, nf = (size_t)t->fisher_capacity;
  size_t nparam = (size_t)t->nparam, ndist = (size_t)t->ndist;
  t->d_old = tnd_arena_doubles(arena, n * ndist);
  t->logp_old = tnd_arena_doubles(arena, n);
  t->theta_old = tnd_arena_doubles(arena, nparam);
  t->theta = tnd_arena_doubles(arena, nparam);
  t->order = tnd_arena_take(arena, n, sizeof *t->order);
  t->fisher_x = tnd_arena_doubles(arena, nf * (size_t)t->nobs);
  t->fisher_d = tnd_arena_doubles(arena, nf * ndist);
  t->kept = tnd_arena_take(arena, (size_t)kept_of(t->fisher_capacity), sizeof *t->kept);
  t->sums = tnd_arena_take(arena, MAX_PIECES, sizeof *t->sums);
  t->partial = tnd_arena_doubles(arena, (size_t)pieces_of(t->capacity) * nparam);
  t->workers = tnd_arena_take(arena, (size_t)t->nworker, sizeof *t->workers);
  for (int w = 0; w < t->nworker; w++) {
    scratch s = {.d = tnd_arena_doubles(arena, CHUNK * ndist),
                 .u = tnd_arena_doubles(arena, CHUNK * ndist),
                 .logp = tnd_arena_doubles(arena, CHUNK),
                 .value = tnd_arena_doubles(arena, CHUNK)};
    if (arena->base) t->workers[w] = s;
  }
}

tendril_status tnd_trust_region_create(tendril_policy *policy, tendril_pool *pool, int64_t capacity,
                                       int64_t fisher_capacity, tnd_trust_region **out,
                                       tendril_error *err) {
  tnd_trust_region *t = tnd_alloc(sizeof *t);
  if (!t) return tnd_fail_memory(err);
  *t = (tnd_trust_region){.policy = policy,
                          .pool = pool,
                          .nparam = tendril_policy_nparam(policy),
                          .ndist = tnd_policy_ndist(policy),
                          .nobs = tendril_policy_nobs(policy),
                          .nact = tendril_policy_nact(policy),
                          .nworker = tendril_pool_threads(pool),
                          .capacity = capacity,
                          .fisher_capacity = fisher_capacity};
  layout(t, &t->arena);
  tendril_status status = tnd_arena_alloc(&t->arena, err);
  if (status == TENDRIL_OK) layout(t, &t->arena);
  for (int w = 0; w < t->nworker && status == TENDRIL_OK; w++)
    status = tnd_policy_rows_create(policy, CHUNK, &t->workers[w].rows, err);
  for (int64_t c = 0; c < kept_of(fisher_capacity) && status == TENDRIL_OK; c++)
    status =
        tnd_policy_rows_create_kept(policy, rows_of_chunk(fisher_capacity, c), &t->kept[c], err);
  if (status != TENDRIL_OK) {
    tnd_trust_region_destroy(t);
    return status;
  }
  *out = t;
  return TENDRIL_OK;
}

void tnd_trust_region_destroy(tnd_trust_region *t) {
  if (!t) return;
  if (t->arena.base) {
    for (int w = 0; w < t->nworker; w++)
      tnd_policy_rows_destroy(t->workers[w].rows);
    for (int64_t c = 0; c < kept_of(t->fisher_capacity); c++)
      tnd_policy_rows_destroy(t->kept[c]);
  }
  tnd_arena_free(&t->arena);
  tnd_free(t);
}

// out [nparam] = scale * sum over pieces, in order.
static void reduce(const tnd_trust_region *t, int pieces, double scale, double *out) {
  memcpy(out, t->partial, sizeof *out * (size_t)t->nparam);
  for (int p = 1; p < pieces; p++) {
    const double *partial = t->partial + (size_t)p * (size_t)t->nparam;
    for (int i = 0; i < t->nparam; i++)
      out[i] += partial[i];
  }
  for (int i = 0; i < t->nparam; i++)
    out[i] *= scale;
}

// ---------------------------------------------------------------------- gradient at theta_old

static void gradient_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  scratch *w = &t->workers[worker];
  piece_sums sums = {0};
  double *g = t->partial + (size_t)piece * (size_t)t->nparam;
  memset(g, 0, sizeof *g * (size_t)t->nparam);
  int64_t first, last;
  chunks_of_piece(t->n, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = rows_of_chunk(t->n, c);
    double *d = t->d_old + row * t->ndist;
    const double *action = t->action + row * t->nact;
    tnd_policy_forward(t->policy, w->rows, rows, t->x + row * t->nobs, d);
    tnd_policy_logp(t->policy, rows, d, action, t->logp_old + row);
    tnd_policy_logp_gradient(t->policy, rows, d, action, t->q + row, w->u);
    tnd_policy_vjp(t->policy, w->rows, w->u, g);
    tnd_policy_entropy(t->policy, rows, d, w->value);
    for (int i = 0; i < rows; i++) {
      sums.L += t->q[row + i];
      sums.entropy += w->value[i];
    }
  }
  t->sums[piece] = sums;
}

void tnd_trust_region_begin(tnd_trust_region *t, int64_t n, const double *x, const double *action,
                            const double *q, double *g, double *L, double *entropy) {
  t->n = n;
  t->x = x;
  t->action = action;
  t->q = q;
  memcpy(t->theta_old, tendril_policy_get_params(t->policy),
         sizeof *t->theta_old * (size_t)t->nparam);
  const int pieces = pieces_of(n);
  tnd_pool_run(t->pool, pieces, gradient_piece, t);
  reduce(t, pieces, 1.0 / (double)n, g);
  *L = *entropy = 0;
  for (int p = 0; p < pieces; p++) {
    *L += t->sums[p].L / (double)n;
    *entropy += t->sums[p].entropy / (double)n;
  }
  t->L_old = *L;
}

// ------------------------------------------------------------------------------ Fisher products

// Where the activations of a chunk of the Fisher rows are, ready for a worker's use.
static tnd_policy_rows *rows_for_chunk(const tnd_trust_region *t, int64_t chunk,
                                       const scratch *worker) {
  if (chunk >= MAX_KEPT) return worker->rows;
  tnd_policy_rows_borrow(t->kept[chunk], worker->rows);
  return t->kept[chunk];
}

static void keep_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  int64_t first, last;
  chunks_of_piece(t->nfisher, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = rows_of_chunk(t->nfisher, c);
    tnd_policy_rows *activations = rows_for_chunk(t, c, &t->workers[worker]);
    double *x = t->fisher_x + row * t->nobs;
    for (int i = 0; i < rows; i++)
      memcpy(x + (size_t)i * (size_t)t->nobs, t->x + t->order[row + i] * t->nobs,
             sizeof *x * (size_t)t->nobs);
    tnd_policy_forward(t->policy, activations, rows, x, t->fisher_d + row * t->ndist);
  }
}

void tnd_trust_region_draw(tnd_trust_region *t, int64_t rows, uint64_t seed, uint32_t iteration) {
  t->nfisher = rows < t->fisher_capacity ? rows : t->fisher_capacity;
  for (int64_t i = 0; i < t->n; i++)
    t->order[i] = i;
  if (t->nfisher < t->n) {
    // the first steps of a Fisher-Yates shuffle
    tendril_random random = tendril_random_stream(seed, TENDRIL_PURPOSE_ROWS, iteration, 0);
    for (int64_t i = 0; i < t->nfisher; i++) {
      int64_t j = i + tendril_random_below(&random, (uint32_t)(t->n - i));
      int64_t swap = t->order[i];
      t->order[i] = t->order[j];
      t->order[j] = swap;
    }
  }
  tnd_pool_run(t->pool, pieces_of(t->nfisher), keep_piece, t);
}

static void fisher_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  scratch *w = &t->workers[worker];
  double *out = t->partial + (size_t)piece * (size_t)t->nparam;
  memset(out, 0, sizeof *out * (size_t)t->nparam);
  int64_t first, last;
  chunks_of_piece(t->nfisher, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = rows_of_chunk(t->nfisher, c);
    tnd_policy_rows *activations = rows_for_chunk(t, c, w);
    if (c >= MAX_KEPT)
      tnd_policy_forward(t->policy, activations, rows, t->fisher_x + row * t->nobs, w->d);
    tnd_policy_jvp(t->policy, activations, w->u);                            // J v
    tnd_policy_metric(t->policy, rows, t->fisher_d + row * t->ndist, w->u);  // M J v
    tnd_policy_vjp(t->policy, activations, w->u, out);                       // J' M J v
  }
}

void tnd_trust_region_fisher(tnd_trust_region *t, const double *v, double *out) {
  const int pieces = pieces_of(t->nfisher);
  tnd_policy_set_tangent(t->policy, v);
  tnd_pool_run(t->pool, pieces, fisher_piece, t);
  reduce(t, pieces, 1.0 / (double)t->nfisher, out);
}

// ---------------------------------------------------------------------------------- line search

static void objective_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  scratch *w = &t->workers[worker];
  piece_sums sums = {0};
  int64_t first, last;
  chunks_of_piece(t->n, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = rows_of_chunk(t->n, c);
    double *kl = w->value;
    tnd_policy_forward(t->policy, w->rows, rows, t->x + row * t->nobs, w->d);
    tnd_policy_logp(t->policy, rows, w->d, t->action + row * t->nact, w->logp);
    tnd_policy_kl(t->policy, rows, t->d_old + row * t->ndist, w->d, kl);
    for (int i = 0; i < rows; i++) {
      sums.L += exp(w->logp[i] - t->logp_old[row + i]) * t->q[row + i];
      sums.kl += kl[i];
      sums.kl_max = fmax(sums.kl_max, kl[i]);
    }
  }
  t->sums[piece] = sums;
}

tendril_status tnd_trust_region_evaluate(tnd_trust_region *t, const double *theta,
                                         tnd_objective *out, tendril_error *err) {
  TENDRIL_TRY(tendril_policy_set_params(t->policy, theta, err));
  const int pieces = pieces_of(t->n);
  tnd_pool_run(t->pool, pieces, objective_piece, t);
  *out = (tnd_objective){0};
  for (int p = 0; p < pieces; p++) {
    out->L += t->sums[p].L / (double)t->n;
    out->kl += t->sums[p].kl / (double)t->n;
    out->kl_max = fmax(out->kl_max, t->sums[p].kl_max);
  }
  return TENDRIL_OK;
}

void tnd_trust_region_search(tnd_trust_region *t, const double *s, double beta, double shrink,
                             int tries, double delta, tnd_search *out) {
  *out = (tnd_search){.at = {.L = t->L_old}};
  while (out->tries < tries) {
    for (int i = 0; i < t->nparam; i++)
      t->theta[i] = t->theta_old[i] + beta * s[i];
    out->tries++;
    tnd_objective at;
    // a step to a place that is not finite fails like any other; so does NaN in a comparison
    if (tnd_trust_region_evaluate(t, t->theta, &at, NULL) == TENDRIL_OK && at.L > t->L_old &&
        at.kl <= delta) {
      out->accepted = true;
      out->at = at;
      return;
    }
    beta *= shrink;
  }
  // theta_old was finite when it was set
  tendril_status restored = tendril_policy_set_params(t->policy, t->theta_old, NULL);
  (void)restored;
}

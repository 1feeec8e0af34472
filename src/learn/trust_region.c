// See trust_region.h. All loops over rows run in pieces of whole chunks; a chunk is what the
// network works on at once.
#include "learn/trust_region.h"

#include "base/alloc.h"
#include "learn/row_pieces.h"

#include <tendril/random.h>

#include <assert.h>
#include <math.h>
#include <string.h>

// KEPT bounds the memory, to some 50 MB for two hidden layers of 64: chunks beyond it go through
// the network again in every Fisher product
enum { CHUNK = TND_ROW_CHUNK, MAX_KEPT = 256 };

typedef struct piece_sums {
  double L, kl, kl_max, entropy;
} piece_sums;

// Scratch of one worker for a chunk.
typedef struct scratch {
  tnd_policy_rows *rows;
  double *d;      // [CHUNK][ndist]
  double *u;      // [CHUNK][ndist]
  double *u_k;    // [CHUNK][ndist] of one action
  double *logp;   // [CHUNK]
  double *mean;   // [CHUNK] of Q over a state's actions, with the ratios as weights or without
  double *sum;    // [CHUNK] of a state's ratios
  double *value;  // [CHUNK] a number per row: weight, entropy or divergence
} scratch;

struct tnd_trust_region {
  tendril_policy *policy;
  tendril_pool *pool;
  int nparam, ndist, nx, nact, nworker;
  tnd_trust_region_sizes sizes;

  tnd_sample sample;
  double *d_old;      // [states][ndist]
  double *logp_old;   // [actions][states]
  double *theta_old;  // [nparam]
  double *theta;      // [nparam] tried
  double L_old;

  // the states of the constraint: others than the sample's, or those
  bool others;
  int64_t nc;
  const double *x_c;  // [nc][nx]
  double *d_c_old;    // [constraint][ndist]; d_old if they are the sample's

  // the rows of the Fisher matrix; the activations of the first chunks are kept
  int64_t nfisher;
  int64_t *order;          // [constraint or states] rows, the drawn ones first
  double *fisher_x;        // [fisher][nx]
  double *fisher_d;        // [fisher][ndist]
  double *fisher_u;        // [fisher][actions][ndist] of the empirical one
  tnd_policy_rows **kept;  // [kept_of(fisher)]

  scratch *workers;  // [nworker]
  piece_sums *sums;  // [2 TND_ROW_PIECES_MAX] of the sample, of other states of the constraint
  double *partial;   // [TND_ROW_PIECES_MAX][nparam]
  tnd_arena arena;
};

// Chunks of the Fisher rows whose activations are kept.
static int64_t kept_of(int64_t n) {
  int64_t chunks = tnd_row_chunks(n);
  return chunks < MAX_KEPT ? chunks : MAX_KEPT;
}

static int64_t most_constraint(const tnd_trust_region_sizes *sizes) {
  return sizes->constraint ? sizes->constraint : sizes->states;
}

static void layout(tnd_trust_region *t, tnd_arena *arena) {
  size_t n = (size_t)t->sizes.states, K = (size_t)t->sizes.actions, nf = (size_t)t->sizes.fisher;
  size_t nparam = (size_t)t->nparam, ndist = (size_t)t->ndist;
  t->d_old = tnd_arena_doubles(arena, n * ndist);
  t->logp_old = tnd_arena_doubles(arena, K * n);
  t->theta_old = tnd_arena_doubles(arena, nparam);
  t->theta = tnd_arena_doubles(arena, nparam);
  t->d_c_old = t->d_old;
  if (t->sizes.constraint)
    t->d_c_old = tnd_arena_doubles(arena, (size_t)t->sizes.constraint * ndist);
  t->order = tnd_arena_take(arena, (size_t)most_constraint(&t->sizes), sizeof *t->order);
  t->fisher_x = tnd_arena_doubles(arena, nf * (size_t)t->nx);
  t->fisher_d = tnd_arena_doubles(arena, nf * ndist);
  if (t->sizes.empirical) t->fisher_u = tnd_arena_doubles(arena, nf * K * ndist);
  t->kept = tnd_arena_take(arena, (size_t)kept_of(t->sizes.fisher), sizeof *t->kept);
  t->sums = tnd_arena_take(arena, 2 * TND_ROW_PIECES_MAX, sizeof *t->sums);
  const int64_t rows = most_constraint(&t->sizes);
  t->partial = tnd_arena_doubles(
      arena, (size_t)tnd_row_pieces(rows > t->sizes.states ? rows : t->sizes.states) * nparam);
  t->workers = tnd_arena_take(arena, (size_t)t->nworker, sizeof *t->workers);
  for (int w = 0; w < t->nworker; w++) {
    scratch s = {.d = tnd_arena_doubles(arena, CHUNK * ndist),
                 .u = tnd_arena_doubles(arena, CHUNK * ndist),
                 .u_k = tnd_arena_doubles(arena, CHUNK * ndist),
                 .logp = tnd_arena_doubles(arena, CHUNK),
                 .mean = tnd_arena_doubles(arena, CHUNK),
                 .sum = tnd_arena_doubles(arena, CHUNK),
                 .value = tnd_arena_doubles(arena, CHUNK)};
    if (arena->base) t->workers[w] = s;
  }
}

tendril_status tnd_trust_region_create(tendril_policy *policy, tendril_pool *pool,
                                       const tnd_trust_region_sizes *sizes, tnd_trust_region **out,
                                       tendril_error *err) {
  tnd_trust_region *t = tnd_alloc(sizeof *t);
  if (!t) return tnd_fail_memory(err);
  *t = (tnd_trust_region){.policy = policy,
                          .pool = pool,
                          .nparam = tendril_policy_nparam(policy),
                          .ndist = tnd_policy_ndist(policy),
                          .nx = tnd_policy_ninput(policy),
                          .nact = tendril_policy_nact(policy),
                          .nworker = tendril_pool_threads(pool),
                          .sizes = *sizes};
  layout(t, &t->arena);
  tendril_status status = tnd_arena_alloc(&t->arena, err);
  if (status == TENDRIL_OK) layout(t, &t->arena);
  for (int w = 0; w < t->nworker && status == TENDRIL_OK; w++)
    status = tnd_policy_rows_create(policy, CHUNK, &t->workers[w].rows, err);
  for (int64_t c = 0; c < kept_of(sizes->fisher) && status == TENDRIL_OK; c++)
    status =
        tnd_policy_rows_create_kept(policy, tnd_rows_of_chunk(sizes->fisher, c), &t->kept[c], err);
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
    for (int64_t c = 0; c < kept_of(t->sizes.fisher); c++)
      tnd_policy_rows_destroy(t->kept[c]);
  }
  tnd_arena_free(&t->arena);
  tnd_free(t);
}

// ---------------------------------------------------------------------- gradient at theta_old

// u [rows][ndist] = d/dd of what the states `row` .. of the sample add to N L, at theta_old
static void objective_gradient(tnd_trust_region *t, scratch *w, int64_t row, int rows,
                               const double *d) {
  const tnd_sample *s = &t->sample;
  const int K = s->actions;
  for (int i = 0; i < rows; i++) {
    w->mean[i] = 0;
    for (int k = 0; k < K; k++)
      w->mean[i] += s->q[k * s->n + row + i] / K;
  }
  for (int k = 0; k < K; k++) {
    const int64_t first = k * s->n + row;
    const double *action = s->action + first * t->nact, *weight = s->q + first;
    if (K > 1) {
      for (int i = 0; i < rows; i++)
        w->value[i] = (weight[i] - w->mean[i]) / K;
      weight = w->value;
    }
    tnd_policy_logp(t->policy, rows, d, action, t->logp_old + first);
    tnd_policy_logp_gradient(t->policy, rows, d, action, weight, k == 0 ? w->u : w->u_k);
    for (int i = 0; k > 0 && i < rows * t->ndist; i++)
      w->u[i] += w->u_k[i];
  }
}

static void gradient_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  const tnd_sample *s = &t->sample;
  scratch *w = &t->workers[worker];
  piece_sums sums = {0};
  double *g = t->partial + (size_t)piece * (size_t)t->nparam;
  memset(g, 0, sizeof *g * (size_t)t->nparam);
  int64_t first, last;
  tnd_row_chunks_of_piece(s->n, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = tnd_rows_of_chunk(s->n, c);
    double *d = t->d_old + row * t->ndist;
    tnd_policy_forward(t->policy, w->rows, rows, s->x + row * t->nx, d);
    objective_gradient(t, w, row, rows, d);
    tnd_policy_vjp(t->policy, w->rows, w->u, g);
    tnd_policy_entropy(t->policy, rows, d, w->value);
    for (int i = 0; i < rows; i++) {
      sums.L += w->mean[i];
      sums.entropy += w->value[i];
    }
  }
  t->sums[piece] = sums;
}

// d_c_old of the constraint's own states
static void constraint_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  int64_t first, last;
  tnd_row_chunks_of_piece(t->nc, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    tnd_policy_forward(t->policy, t->workers[worker].rows, tnd_rows_of_chunk(t->nc, c),
                       t->x_c + row * t->nx, t->d_c_old + row * t->ndist);
  }
}

void tnd_trust_region_begin(tnd_trust_region *t, const tnd_sample *sample, double *g, double *L,
                            double *entropy) {
  t->sample = *sample;
  t->others = sample->x_constraint != NULL;
  t->nc = t->others ? sample->nconstraint : sample->n;
  t->x_c = t->others ? sample->x_constraint : sample->x;
  assert(sample->n <= t->sizes.states && sample->actions <= t->sizes.actions);
  assert(t->others == (t->sizes.constraint > 0) && t->nc <= most_constraint(&t->sizes));
  memcpy(t->theta_old, tendril_policy_get_params(t->policy),
         sizeof *t->theta_old * (size_t)t->nparam);
  const double n = (double)sample->n;
  const int pieces = tnd_row_pieces(sample->n);
  tnd_pool_run(t->pool, pieces, gradient_piece, t);
  tnd_row_pieces_sum(pieces, t->nparam, t->partial, 1.0 / n, g);
  if (t->others) tnd_pool_run(t->pool, tnd_row_pieces(t->nc), constraint_piece, t);
  *L = *entropy = 0;
  for (int p = 0; p < pieces; p++) {
    *L += t->sums[p].L / n;
    *entropy += t->sums[p].entropy / n;
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

// u of all actions at the state that is row `row` of the Fisher matrix.
static void keep_scores(tnd_trust_region *t, int64_t row) {
  const tnd_sample *s = &t->sample;
  const int K = s->actions;
  const double one = 1;
  for (int k = 0; k < K; k++)
    tnd_policy_logp_gradient(t->policy, 1, t->fisher_d + row * t->ndist,
                             s->action + (k * s->n + t->order[row]) * t->nact, &one,
                             t->fisher_u + (row * K + k) * t->ndist);
}

static void keep_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  int64_t first, last;
  tnd_row_chunks_of_piece(t->nfisher, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = tnd_rows_of_chunk(t->nfisher, c);
    tnd_policy_rows *activations = rows_for_chunk(t, c, &t->workers[worker]);
    double *x = t->fisher_x + row * t->nx;
    for (int i = 0; i < rows; i++)
      memcpy(x + (size_t)i * (size_t)t->nx, t->x_c + t->order[row + i] * t->nx,
             sizeof *x * (size_t)t->nx);
    tnd_policy_forward(t->policy, activations, rows, x, t->fisher_d + row * t->ndist);
    for (int i = 0; t->sizes.empirical && i < rows; i++)
      keep_scores(t, row + i);
  }
}

void tnd_trust_region_draw(tnd_trust_region *t, int64_t rows, uint64_t seed, uint32_t iteration) {
  t->nfisher = rows < t->nc ? rows : t->nc;
  assert(t->nfisher <= t->sizes.fisher);
  for (int64_t i = 0; i < t->nc; i++)
    t->order[i] = i;
  if (t->nfisher < t->nc) {
    // the first steps of a Fisher-Yates shuffle
    tendril_random random = tendril_random_stream(seed, TENDRIL_PURPOSE_ROWS, iteration, 0);
    for (int64_t i = 0; i < t->nfisher; i++) {
      int64_t j = i + tendril_random_below(&random, (uint32_t)(t->nc - i));
      int64_t swap = t->order[i];
      t->order[i] = t->order[j];
      t->order[j] = swap;
    }
  }
  tnd_pool_run(t->pool, tnd_row_pieces(t->nfisher), keep_piece, t);
}

// y <- 1/K sum_k u_k u_k' y, row by row
static void empirical_metric(const tnd_trust_region *t, scratch *w, int64_t row, int rows,
                             double *y) {
  const int K = t->sample.actions, ndist = t->ndist;
  for (int i = 0; i < rows; i++, y += ndist) {
    double *sum = w->u_k;
    memset(sum, 0, sizeof *sum * (size_t)ndist);
    for (int k = 0; k < K; k++) {
      const double *u = t->fisher_u + ((row + i) * K + k) * ndist;
      double share = 0;
      for (int j = 0; j < ndist; j++)
        share += u[j] * y[j] / K;
      for (int j = 0; j < ndist; j++)
        sum[j] += share * u[j];
    }
    memcpy(y, sum, sizeof *y * (size_t)ndist);
  }
}

// Activations of a chunk of the Fisher matrix's rows.
static tnd_policy_rows *fisher_rows(tnd_trust_region *t, scratch *w, int64_t chunk) {
  tnd_policy_rows *activations = rows_for_chunk(t, chunk, w);
  if (chunk >= MAX_KEPT)
    tnd_policy_forward(t->policy, activations, tnd_rows_of_chunk(t->nfisher, chunk),
                       t->fisher_x + chunk * CHUNK * t->nx, w->d);
  return activations;
}

static void fisher_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  scratch *w = &t->workers[worker];
  double *out = t->partial + (size_t)piece * (size_t)t->nparam;
  memset(out, 0, sizeof *out * (size_t)t->nparam);
  int64_t first, last;
  tnd_row_chunks_of_piece(t->nfisher, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = tnd_rows_of_chunk(t->nfisher, c);
    tnd_policy_rows *activations = fisher_rows(t, w, c);
    tnd_policy_jvp(t->policy, activations, w->u);  // J v
    if (t->sizes.empirical)
      empirical_metric(t, w, row, rows, w->u);
    else
      tnd_policy_metric(t->policy, rows, t->fisher_d + row * t->ndist, w->u);  // M J v
    tnd_policy_vjp(t->policy, activations, w->u, out);                         // J' M J v
  }
}

void tnd_trust_region_fisher(tnd_trust_region *t, const double *v, double *out) {
  const int pieces = tnd_row_pieces(t->nfisher);
  tnd_policy_set_tangent(t->policy, v);
  tnd_pool_run(t->pool, pieces, fisher_piece, t);
  tnd_row_pieces_sum(pieces, t->nparam, t->partial, 1.0 / (double)t->nfisher, out);
}

static void curvature_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  scratch *w = &t->workers[worker];
  const int ndist = t->ndist;
  double most = 0;
  int64_t first, last;
  tnd_row_chunks_of_piece(t->nfisher, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = tnd_rows_of_chunk(t->nfisher, c);
    tnd_policy_jvp(t->policy, fisher_rows(t, w, c), w->u);
    memcpy(w->u_k, w->u, sizeof *w->u * (size_t)(rows * ndist));
    tnd_policy_metric(t->policy, rows, t->fisher_d + row * ndist, w->u);
    for (int i = 0; i < rows; i++) {
      double curvature = 0;
      for (int j = 0; j < ndist; j++)
        curvature += w->u_k[i * ndist + j] * w->u[i * ndist + j];
      most = fmax(most, curvature);
    }
  }
  t->sums[piece] = (piece_sums){.kl_max = most};
}

double tnd_trust_region_curvature_max(tnd_trust_region *t, const double *s) {
  const int pieces = tnd_row_pieces(t->nfisher);
  tnd_policy_set_tangent(t->policy, s);
  tnd_pool_run(t->pool, pieces, curvature_piece, t);
  double most = 0;
  for (int p = 0; p < pieces; p++)
    most = fmax(most, t->sums[p].kl_max);
  return most;
}

// ---------------------------------------------------------------------------------- line search

// What the states `row` .. of the sample add to N L at the parameters that gave d.
static void add_objective(tnd_trust_region *t, scratch *w, int64_t row, int rows, const double *d,
                          piece_sums *sums) {
  const tnd_sample *s = &t->sample;
  const int K = s->actions;
  for (int k = 0; k < K; k++) {
    const int64_t first = k * s->n + row;
    tnd_policy_logp(t->policy, rows, d, s->action + first * t->nact, w->logp);
    for (int i = 0; i < rows; i++) {
      const double ratio = exp(w->logp[i] - t->logp_old[first + i]);
      const double part = ratio * s->q[first + i];
      w->mean[i] = k == 0 ? part : w->mean[i] + part;
      w->sum[i] = k == 0 ? ratio : w->sum[i] + ratio;
    }
  }
  for (int i = 0; i < rows; i++)
    sums->L += K == 1 ? w->mean[i] : w->mean[i] / w->sum[i];
}

static void add_divergence(tnd_trust_region *t, scratch *w, int64_t row, int rows, const double *d,
                           piece_sums *sums) {
  tnd_policy_kl(t->policy, rows, t->d_c_old + row * t->ndist, d, w->value);
  for (int i = 0; i < rows; i++) {
    sums->kl += w->value[i];
    sums->kl_max = fmax(sums->kl_max, w->value[i]);
  }
}

// A piece of the sample, or after those one of other states of the constraint.
static void evaluate_piece(void *context, int piece, int worker) {
  tnd_trust_region *t = context;
  scratch *w = &t->workers[worker];
  piece_sums sums = {0};
  const int of_sample = tnd_row_pieces(t->sample.n);
  const bool sample = piece < of_sample;
  const int64_t n = sample ? t->sample.n : t->nc;
  const double *x = sample ? t->sample.x : t->x_c;
  int64_t first, last;
  tnd_row_chunks_of_piece(n, sample ? piece : piece - of_sample, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int rows = tnd_rows_of_chunk(n, c);
    tnd_policy_forward(t->policy, w->rows, rows, x + row * t->nx, w->d);
    if (sample) add_objective(t, w, row, rows, w->d, &sums);
    if (sample != t->others) add_divergence(t, w, row, rows, w->d, &sums);
  }
  t->sums[piece] = sums;
}

tendril_status tnd_trust_region_evaluate(tnd_trust_region *t, const double *theta,
                                         tnd_objective *out, tendril_error *err) {
  TENDRIL_TRY(tendril_policy_set_params(t->policy, theta, err));
  const int pieces = tnd_row_pieces(t->sample.n) + (t->others ? tnd_row_pieces(t->nc) : 0);
  tnd_pool_run(t->pool, pieces, evaluate_piece, t);
  *out = (tnd_objective){0};
  for (int p = 0; p < pieces; p++) {
    out->L += t->sums[p].L / (double)t->sample.n;
    out->kl += t->sums[p].kl / (double)t->nc;
    out->kl_max = fmax(out->kl_max, t->sums[p].kl_max);
  }
  return TENDRIL_OK;
}

// Goes to theta_old + beta s; false if that is not finite.
static bool try_step(tnd_trust_region *t, const double *s, double beta, tnd_objective *at) {
  for (int i = 0; i < t->nparam; i++)
    t->theta[i] = t->theta_old[i] + beta * s[i];
  return tnd_trust_region_evaluate(t, t->theta, at, NULL) == TENDRIL_OK;
}

static void restore(tnd_trust_region *t) {
  // theta_old was finite when it was set
  tendril_status restored = tendril_policy_set_params(t->policy, t->theta_old, NULL);
  (void)restored;
}

void tnd_trust_region_search(tnd_trust_region *t, const double *s, double beta, double shrink,
                             int tries, double delta, bool by_max, tnd_search *out) {
  *out = (tnd_search){.at = {.L = t->L_old}};
  while (out->tries < tries) {
    tnd_objective at;
    out->tries++;
    // a step to a place that is not finite fails like any other; so does NaN in a comparison
    if (try_step(t, s, beta, &at) && at.L > t->L_old && (by_max ? at.kl_max : at.kl) <= delta) {
      out->accepted = true;
      out->at = at;
      return;
    }
    beta *= shrink;
  }
  restore(t);
}

void tnd_trust_region_move(tnd_trust_region *t, const double *s, double beta, tnd_search *out) {
  *out = (tnd_search){.tries = 1, .at = {.L = t->L_old}};
  tnd_objective at;
  if (try_step(t, s, beta, &at)) {
    out->accepted = true;
    out->at = at;
  } else {
    restore(t);
  }
}

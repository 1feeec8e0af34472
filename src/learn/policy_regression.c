// See policy_regression.h. An evaluation of f and its gradient goes over the rows in pieces
// (row_pieces.h). With e = mu(x) - y:
//   f += 1/2 w e'W e / Z     df/dmu = w W e / Z     df/dtheta = J' df/dmu
#include "learn/policy_regression.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "learn/row_pieces.h"
#include "math/linalg.h"

#include <math.h>
#include <string.h>

enum { CHUNK = TND_ROW_CHUNK };

// Scratch of one worker for a chunk.
typedef struct scratch {
  tnd_policy_rows *rows;
  double *d;  // [CHUNK][ndist] distributions
  double *u;  // [CHUNK][ndist] df/dd
  double *e;  // [nact]
} scratch;

struct tnd_policy_regression {
  tendril_policy *policy;
  tendril_pool *pool;
  int nparam, nmean, ndist, nx, nact, nworker;
  int64_t capacity;
  tnd_lbfgs *search;

  const tnd_regression_rows *rows;  // of this call
  double scale;                     // 1 / Z
  double *x;                        // [capacity][nx] inputs
  double *theta;                    // [nparam] tried; its end is not the search's
  double *g;                        // [nparam]
  double *mean;                     // [nmean] where the search begins and ends
  double *f;                        // [TND_ROW_PIECES_MAX]
  double *partial;                  // [TND_ROW_PIECES_MAX][nparam]
  scratch *workers;                 // [nworker]
  tnd_arena arena;
};

static void layout(tnd_policy_regression *r, tnd_arena *arena) {
  const size_t nparam = (size_t)r->nparam, ndist = (size_t)r->ndist;
  r->x = tnd_arena_doubles(arena, (size_t)r->capacity * (size_t)r->nx);
  r->theta = tnd_arena_doubles(arena, nparam);
  r->g = tnd_arena_doubles(arena, nparam);
  r->mean = tnd_arena_doubles(arena, nparam);
  r->f = tnd_arena_doubles(arena, TND_ROW_PIECES_MAX);
  r->partial = tnd_arena_doubles(arena, (size_t)tnd_row_pieces(r->capacity) * nparam);
  r->workers = tnd_arena_take(arena, (size_t)r->nworker, sizeof *r->workers);
  for (int w = 0; w < r->nworker; w++) {
    scratch s = {.d = tnd_arena_doubles(arena, CHUNK * ndist),
                 .u = tnd_arena_doubles(arena, CHUNK * ndist),
                 .e = tnd_arena_doubles(arena, (size_t)r->nact)};
    if (arena->base) r->workers[w] = s;
  }
}

tendril_status tnd_policy_regression_create(tendril_policy *policy, tendril_pool *pool,
                                            int64_t capacity, const tnd_lbfgs_options *search,
                                            tnd_policy_regression **out, tendril_error *err) {
  const int nmean = tnd_policy_log_std(policy);
  if (nmean < 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "regression: a time-linear policy has parameters of its own in every step; set "
                    "policy.kind to mlp or linear");
  tnd_policy_regression *r = tnd_alloc(sizeof *r);
  if (!r) return tnd_fail_memory(err);
  *r = (tnd_policy_regression){.policy = policy,
                               .pool = pool,
                               .nparam = tendril_policy_nparam(policy),
                               .nmean = nmean,
                               .ndist = tnd_policy_ndist(policy),
                               .nx = tnd_policy_ninput(policy),
                               .nact = tendril_policy_nact(policy),
                               .nworker = tendril_pool_threads(pool),
                               .capacity = capacity};
  layout(r, &r->arena);
  tendril_status status = tnd_arena_alloc(&r->arena, err);
  if (status == TENDRIL_OK) layout(r, &r->arena);
  for (int w = 0; w < r->nworker && status == TENDRIL_OK; w++)
    status = tnd_policy_rows_create(policy, CHUNK, &r->workers[w].rows, err);
  if (status == TENDRIL_OK) status = tnd_lbfgs_create(nmean, search, &r->search, err);
  if (status != TENDRIL_OK) {
    tnd_policy_regression_destroy(r);
    return status;
  }
  *out = r;
  return TENDRIL_OK;
}

void tnd_policy_regression_destroy(tnd_policy_regression *r) {
  if (!r) return;
  for (int w = 0; r->arena.base && w < r->nworker; w++)
    tnd_policy_rows_destroy(r->workers[w].rows);
  tnd_lbfgs_destroy(r->search);
  tnd_arena_free(&r->arena);
  tnd_free(r);
}

tendril_policy *tnd_policy_regression_policy(const tnd_policy_regression *r) {
  return r->policy;
}

// Takes the rows of a call.
static tendril_status begin(tnd_policy_regression *r, const tnd_regression_rows *rows,
                            tnd_regression_total *total, tendril_error *err) {
  if (rows->n > r->capacity)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "regression: %lld rows, made for %lld",
                    (long long)rows->n, (long long)r->capacity);
  TENDRIL_TRY(tnd_regression_rows_check(rows, r->policy, total, err));
  r->rows = rows;
  r->scale = 1 / total->trace;
  tnd_policy_input(r->policy, rows->n, rows->obs, rows->time, r->x);
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------- f and its gradient

// u = df/dd of a chunk that begins at `row`; returns its part of f.
static double errors(const tnd_policy_regression *r, scratch *w, int64_t row, int n) {
  const tnd_regression_rows *rows = r->rows;
  const int nact = r->nact;
  double f = 0;
  memset(w->u, 0, sizeof *w->u * (size_t)n * (size_t)r->ndist);
  for (int i = 0; i < n; i++) {
    const double *mu = w->d + (ptrdiff_t)i * r->ndist, *y = rows->target + (row + i) * nact;
    const double weight = tnd_regression_weight(rows, row + i) * r->scale;
    double *u = w->u + (ptrdiff_t)i * r->ndist;
    const double *W = NULL;
    if (rows->precision)
      W = rows->precision + (ptrdiff_t)tnd_regression_group(rows, row + i) * nact * nact;
    for (int a = 0; a < nact; a++)
      w->e[a] = mu[a] - y[a];
    double eWe = 0;
    for (int a = 0; a < nact; a++) {
      double We = W ? 0 : w->e[a];
      for (int b = 0; W && b < nact; b++)
        We += W[b * nact + a] * w->e[b];
      eWe += w->e[a] * We;
      u[a] = weight * We;
    }
    f += 0.5 * weight * eWe;
  }
  return f;
}

static void gradient_piece(void *context, int piece, int worker) {
  tnd_policy_regression *r = context;
  scratch *w = &r->workers[worker];
  double *g = r->partial + (ptrdiff_t)piece * r->nparam, f = 0;
  memset(g, 0, sizeof *g * (size_t)r->nparam);
  int64_t first, last;
  tnd_row_chunks_of_piece(r->rows->n, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int n = tnd_rows_of_chunk(r->rows->n, c);
    tnd_policy_forward(r->policy, w->rows, n, r->x + row * r->nx, w->d);
    f += errors(r, w, row, n);
    tnd_policy_vjp(r->policy, w->rows, w->u, g);
  }
  r->f[piece] = f;
}

// f at the policy's parameters and g [nparam].
static double evaluate(tnd_policy_regression *r, double *g) {
  const int pieces = tnd_row_pieces(r->rows->n);
  tnd_pool_run(r->pool, pieces, gradient_piece, r);
  tnd_row_pieces_sum(pieces, r->nparam, r->partial, 1, g);
  double f = 0;
  for (int p = 0; p < pieces; p++)
    f += r->f[p];
  return f;
}

tendril_status tnd_policy_regression_value(tnd_policy_regression *r,
                                           const tnd_regression_rows *rows, double *f, double *g,
                                           tendril_error *err) {
  tnd_regression_total total;
  TENDRIL_TRY(begin(r, rows, &total, err));
  *f = evaluate(r, g);
  if (!isfinite(*f) || !tnd_all_finite(r->nparam, g))
    return tnd_fail(
        err, TENDRIL_E_NUMERIC,
        "regression: the policy's actions are not finite, its parameters are too large; begin anew "
        "from another policy (--from)");
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------------- fit

static void set_mean(tnd_policy_regression *r, const double *mean) {
  memcpy(r->theta, mean, sizeof *mean * (size_t)r->nmean);
  // finite: the search evaluates nothing else
  tendril_status set = tendril_policy_set_params(r->policy, r->theta, NULL);
  (void)set;
}

static double at_mean(void *context, const double *mean, double *g) {
  tnd_policy_regression *r = context;
  set_mean(r, mean);
  const double f = evaluate(r, r->g);
  memcpy(g, r->g, sizeof *g * (size_t)r->nmean);
  return f;
}

tendril_status tnd_policy_regression_fit(tnd_policy_regression *r, const tnd_regression_rows *rows,
                                         tnd_regression_result *result, tendril_error *err) {
  const double clock = tnd_clock_process();
  tnd_regression_total total;
  *result = (tnd_regression_result){0};
  TENDRIL_TRY(begin(r, rows, &total, err));
  if (total.rows * r->nact < r->nmean)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "regression: %lld rows with a weight for %d parameters; it takes %d or more",
                    (long long)total.rows, r->nmean, (r->nmean + r->nact - 1) / r->nact);

  memcpy(r->theta, tendril_policy_get_params(r->policy), sizeof *r->theta * (size_t)r->nparam);
  memcpy(r->mean, r->theta, sizeof *r->mean * (size_t)r->nmean);
  const tendril_status status =
      tnd_lbfgs_minimize(r->search, at_mean, r, r->mean, &result->search, err);
  set_mean(r, r->mean);
  result->cpu_seconds = tnd_clock_process() - clock;
  if (status == TENDRIL_OK && result->search.end == TND_LBFGS_NONFINITE)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "regression: the policy's actions left the finite numbers in iteration %d; its "
                    "parameters or the targets are too large; begin anew from another policy "
                    "(--from), or with fewer learner.fit_iterations",
                    result->search.iterations);
  return status;
}

// ------------------------------------------------------------------------------------- residuals

// partial [nact] = sum over the piece of w e^2
static void residual_piece(void *context, int piece, int worker) {
  tnd_policy_regression *r = context;
  scratch *w = &r->workers[worker];
  double *sum = r->partial + (ptrdiff_t)piece * r->nact;
  memset(sum, 0, sizeof *sum * (size_t)r->nact);
  int64_t first, last;
  tnd_row_chunks_of_piece(r->rows->n, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int n = tnd_rows_of_chunk(r->rows->n, c);
    tnd_policy_forward(r->policy, w->rows, n, r->x + row * r->nx, w->d);
    for (int i = 0; i < n; i++)
      for (int a = 0; a < r->nact; a++) {
        const double e =
            w->d[(ptrdiff_t)i * r->ndist + a] - r->rows->target[(row + i) * r->nact + a];
        sum[a] += tnd_regression_weight(r->rows, row + i) * e * e;
      }
  }
}

tendril_status tnd_policy_regression_residual(tnd_policy_regression *r,
                                              const tnd_regression_rows *rows, double *variance,
                                              tendril_error *err) {
  tnd_regression_total total;
  TENDRIL_TRY(begin(r, rows, &total, err));
  const int pieces = tnd_row_pieces(rows->n);
  tnd_pool_run(r->pool, pieces, residual_piece, r);
  tnd_row_pieces_sum(pieces, r->nact, r->partial, 1 / total.weight, variance);
  if (!tnd_all_finite(r->nact, variance))
    return tnd_fail(
        err, TENDRIL_E_NUMERIC,
        "regression: the policy's actions are not finite, its parameters are too large; begin anew "
        "from another policy (--from)");
  return TENDRIL_OK;
}

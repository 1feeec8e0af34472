// See is_objective.h. With p_it = w_it / Z_t and J_t = sum_i p_it r_it, all from log w_it:
//
//   d Phi / d log w_it = p_it (r_it - J_t + w_r)
//   d Phi / d theta = sum_i sum_t xi_it d log pi(u_it|x_it) / d theta,
//                     xi_it = sum_(t' >= t) p_it' (r_it' - J_t' + w_r)
//
// Rows, one a path and step, go through the network in pieces (row_pieces.h); cumulative sums are
// a piece a path, sums over paths a piece a set and step.
#include "learn/is_objective.h"

#include "base/alloc.h"
#include "learn/row_pieces.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CHUNK = TND_ROW_CHUNK };

// Scratch of one worker for a chunk.
typedef struct scratch {
  tnd_policy_rows *rows;
  double *d;  // [CHUNK][ndist] distributions
  double *u;  // [CHUNK][ndist] dPhi/dd
} scratch;

// Of a set and step.
typedef struct step_sums {
  double J, log_Z, effective;
} step_sums;

struct tnd_is_objective {
  tendril_policy *policy;
  tendril_pool *pool;
  int nparam, ndist, nx, nact, nworker, capacity, T, sets;

  tnd_is_paths paths;
  int *time;        // [capacity][T]
  double *x;        // [capacity][T][nx] inputs
  double *log_q;    // [capacity][T]
  double *log_pi;   // [capacity][T] of a step's action
  double *log_w;    // [capacity][T]
  double *xi;       // [capacity][T] d Phi / d log w, then its sums
  double *log_p;    // [capacity][T] where log_density() writes; the caller's
  step_sums *sums;  // [sets][T]
  double w_r;
  double *partial;   // [pieces][nparam]
  scratch *workers;  // [nworker]
  tnd_arena arena;
};

static void layout(tnd_is_objective *o, tnd_arena *arena) {
  const size_t rows = (size_t)o->capacity * (size_t)o->T, ndist = (size_t)o->ndist;
  o->time = tnd_arena_ints(arena, rows);
  o->x = tnd_arena_doubles(arena, rows * (size_t)o->nx);
  o->log_q = tnd_arena_doubles(arena, rows);
  o->log_pi = tnd_arena_doubles(arena, rows);
  o->log_w = tnd_arena_doubles(arena, rows);
  o->xi = tnd_arena_doubles(arena, rows);
  o->sums = tnd_arena_take(arena, (size_t)o->sets * (size_t)o->T, sizeof *o->sums);
  o->partial = tnd_arena_doubles(arena, (size_t)tnd_row_pieces((int64_t)rows) * (size_t)o->nparam);
  o->workers = tnd_arena_take(arena, (size_t)o->nworker, sizeof *o->workers);
  for (int w = 0; w < o->nworker; w++) {
    scratch s = {.d = tnd_arena_doubles(arena, CHUNK * ndist),
                 .u = tnd_arena_doubles(arena, CHUNK * ndist)};
    if (arena->base) o->workers[w] = s;
  }
}

tendril_status tnd_is_objective_create(tendril_policy *policy, tendril_pool *pool, int capacity,
                                       int T, int sets, tnd_is_objective **out,
                                       tendril_error *err) {
  if (tnd_policy_log_std(policy) < 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "importance sampling: a time-linear policy has parameters of its own in every "
                    "step; set policy.kind to mlp or linear");
  tnd_is_objective *o = tnd_alloc(sizeof *o);
  if (!o) return tnd_fail_memory(err);
  *o = (tnd_is_objective){.policy = policy,
                          .pool = pool,
                          .nparam = tendril_policy_nparam(policy),
                          .ndist = tnd_policy_ndist(policy),
                          .nx = tnd_policy_ninput(policy),
                          .nact = tendril_policy_nact(policy),
                          .nworker = tendril_pool_threads(pool),
                          .capacity = capacity,
                          .T = T,
                          .sets = sets};
  layout(o, &o->arena);
  tendril_status status = tnd_arena_alloc(&o->arena, err);
  if (status == TENDRIL_OK) layout(o, &o->arena);
  for (int w = 0; w < o->nworker && status == TENDRIL_OK; w++)
    status = tnd_policy_rows_create(policy, CHUNK, &o->workers[w].rows, err);
  if (status != TENDRIL_OK) {
    tnd_is_objective_destroy(o);
    return status;
  }
  *out = o;
  return TENDRIL_OK;
}

void tnd_is_objective_destroy(tnd_is_objective *o) {
  if (!o) return;
  for (int w = 0; o->arena.base && w < o->nworker; w++)
    tnd_policy_rows_destroy(o->workers[w].rows);
  tnd_arena_free(&o->arena);
  tnd_free(o);
}

static int64_t rows_of(const tnd_is_objective *o) {
  return (int64_t)o->paths.n * o->T;
}

void tnd_is_objective_begin(tnd_is_objective *o, const tnd_is_paths *paths) {
  assert(paths->n <= o->capacity && paths->T == o->T && paths->nset <= o->sets);
  o->paths = *paths;
  const int64_t rows = rows_of(o);
  for (int64_t k = 0; k < rows; k++) {
    o->time[k] = (int)(k % o->T);
    o->log_q[k] = -HUGE_VAL;
  }
  tnd_policy_input(o->policy, rows, paths->obs, o->time, o->x);
}

// --------------------------------------------------------------------------------------- densities

// log_pi of the rows of a piece.
static void density_piece(void *context, int piece, int worker) {
  tnd_is_objective *o = context;
  scratch *w = &o->workers[worker];
  const int64_t rows = rows_of(o);
  int64_t first, last;
  tnd_row_chunks_of_piece(rows, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int n = tnd_rows_of_chunk(rows, c);
    tnd_policy_forward(o->policy, w->rows, n, o->x + row * o->nx, w->d);
    tnd_policy_logp(o->policy, n, w->d, o->paths.action + row * o->nact, o->log_pi + row);
  }
}

// log_p of path i: sums of log_pi, which end where its actions do.
static void add_up_path(void *context, int i, int worker) {
  tnd_is_objective *o = context;
  (void)worker;
  const int64_t row = (int64_t)i * o->T;
  double sum = 0;
  for (int t = 0; t < o->T; t++) {
    if (t < o->paths.length[i]) sum += o->log_pi[row + t];
    o->log_p[row + t] = sum;
  }
}

void tnd_is_log_density(tnd_is_objective *o, double *log_p) {
  o->log_p = log_p;
  tnd_pool_run(o->pool, tnd_row_pieces(rows_of(o)), density_piece, o);
  tnd_pool_run(o->pool, o->paths.n, add_up_path, o);
}

void tnd_is_mix(tnd_is_objective *o, const double *log_share, const double *log_p) {
  const int64_t rows = rows_of(o);
  for (int64_t k = 0; k < rows; k++) {
    // log(e^a + e^b), a >= b
    const double p = log_share[o->paths.set[k / o->T]] + log_p[k], q = o->log_q[k];
    const double a = fmax(p, q), b = fmin(p, q);
    o->log_q[k] = a > -HUGE_VAL ? a + log1p(exp(b - a)) : a;
  }
}

const double *tnd_is_mixture(const tnd_is_objective *o) {
  return o->log_q;
}

// ---------------------------------------------------------------------------- Phi and its gradient

static bool belongs(const tnd_is_paths *paths, int i, int set) {
  return paths->set[i] == set && paths->length[i] > 0;
}

// J, log Z and d Phi / d log w of a set and step.
static void weigh_step(void *context, int piece, int worker) {
  tnd_is_objective *o = context;
  (void)worker;
  const int set = piece / o->T, t = piece % o->T;
  const tnd_is_paths *paths = &o->paths;
  double most = -HUGE_VAL, Z = 0, J = 0, squares = 0;
  for (int i = 0; i < paths->n; i++)
    if (belongs(paths, i, set)) most = fmax(most, o->log_w[(int64_t)i * o->T + t]);
  for (int i = 0; i < paths->n; i++) {
    if (!belongs(paths, i, set)) continue;
    const int64_t k = (int64_t)i * o->T + t;
    const double w = exp(o->log_w[k] - most);
    o->xi[k] = w;
    Z += w;
    squares += w * w;
    J += w * paths->reward[k];
  }
  J /= Z;
  for (int i = 0; i < paths->n; i++) {
    const int64_t k = (int64_t)i * o->T + t;
    if (belongs(paths, i, set)) o->xi[k] *= (paths->reward[k] - J + o->w_r) / Z;
  }
  o->sums[piece] = (step_sums){J, most + log(Z), Z * Z / squares};
}

// xi of path i, from the end.
static void sum_back(void *context, int i, int worker) {
  tnd_is_objective *o = context;
  (void)worker;
  double *xi = o->xi + (int64_t)i * o->T, sum = 0;
  if (o->paths.length[i] == 0) memset(xi, 0, sizeof *xi * (size_t)o->T);
  for (int t = o->T - 1; t >= 0; t--) {
    sum += xi[t];
    xi[t] = t < o->paths.length[i] ? sum : 0;
  }
}

static void gradient_piece(void *context, int piece, int worker) {
  tnd_is_objective *o = context;
  scratch *w = &o->workers[worker];
  double *g = o->partial + (ptrdiff_t)piece * o->nparam;
  memset(g, 0, sizeof *g * (size_t)o->nparam);
  const int64_t rows = rows_of(o);
  int64_t first, last;
  tnd_row_chunks_of_piece(rows, piece, &first, &last);
  for (int64_t c = first; c < last; c++) {
    const int64_t row = c * CHUNK;
    const int n = tnd_rows_of_chunk(rows, c);
    // most weights underflow
    bool counts = false;
    for (int i = 0; i < n && !counts; i++)
      counts = o->xi[row + i] != 0;
    if (!counts) continue;
    tnd_policy_forward(o->policy, w->rows, n, o->x + row * o->nx, w->d);
    tnd_policy_logp_gradient(o->policy, n, w->d, o->paths.action + row * o->nact, o->xi + row,
                             w->u);
    tnd_policy_vjp(o->policy, w->rows, w->u, g);
  }
}

tnd_is_value tnd_is_objective_value(tnd_is_objective *o, double w_r, double *g) {
  const int64_t rows = rows_of(o);
  const int steps = o->paths.nset * o->T;
  o->w_r = w_r;
  tnd_is_log_density(o, o->log_w);
  for (int64_t k = 0; k < rows; k++)
    o->log_w[k] -= o->log_q[k];
  tnd_pool_run(o->pool, steps, weigh_step, o);
  tnd_is_value value = {0};
  for (int s = 0; s < steps; s++) {
    value.phi += o->sums[s].J + w_r * o->sums[s].log_Z;
    value.expected += o->sums[s].J;
    value.effective += o->sums[s].effective / steps;
  }
  if (!g) return value;
  tnd_pool_run(o->pool, o->paths.n, sum_back, o);
  const int pieces = tnd_row_pieces(rows);
  tnd_pool_run(o->pool, pieces, gradient_piece, o);
  tnd_row_pieces_sum(pieces, o->nparam, o->partial, 1, g);
  return value;
}

// Regressions of all time steps at once; see local_quadratic.h. The recursion over time is linear
// in the weights v of V~_{t+1}, so its matrices need no target. For every t, in parallel, with
//   Phi [nQ][rows]  features of (s, a); those of s lead
//   Psi [nV][rows]  features of s', in the scaling of step t+1; 0 after termination
//   r   [rows]      rewards
// all with columns times sqrt(w_k / W), one symmetric product of the rows of X = [Phi; Psi; r]
// gives
//   A = Phi Phi'    G = Phi Psi'    c = Phi r    and what R^2 is made of
// and A + lambda I = L L', whose leading block is the factor of V's regression. Then
//   v_t = A_V^-1 (c_V + discount G_V v_{t+1})     one step after the other, small
//   w_t = A^-1 (c + discount G v_{t+1})           in parallel again
// A Monte Carlo fit is one without Psi whose r is the return.
#include "critic/local_quadratic.h"

#include "base/alloc.h"
#include "math/blas.h"
#include "math/cholesky.h"
#include "math/gemm.h"
#include "math/linalg.h"

#include <assert.h>
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#define BLOCK 256  // rows whose features are made at a time
// Distance between features; a power of two would put them all into the same few sets of a cache.
#define STRIDE (BLOCK + TND_LINE_DOUBLES)
// A pivot of the factorisation so much smaller than the diagonal it came from is rounding.
#define PIVOT 1e-13
// As is a deviation so much smaller than the mean.
#define FLAT 1e-12

typedef enum problem {
  FINE,
  NO_ROWS,
  BAD_WEIGHT,
  BAD_STATE,
  BAD_ACTION,
  TOO_FEW,
  BAD_NEXT,
  BAD_TARGET,
  DEPENDENT,
  NO_SOLUTION,
} problem;

// What a fit leaves behind.
typedef struct result {
  double *v;                // [T][2 ns + nV]: centre and 1 / scale of the states, weights of V~
  tnd_quadratic *V;         // [T]
  tnd_action_quadratic *Q;  // [T]
  tnd_local_quadratic_info *info;  // [T]
} result;

typedef struct scratch {
  double *z;       // [n][STRIDE] scaled coordinates
  double *root;    // [BLOCK] sqrt(w / W)
  double *follow;  // [BLOCK] that, or 0 after termination
  double *y;       // [BLOCK] rewards
  double *X;       // [P][STRIDE] features
  double *b;       // [nQ] right-hand side
  double *w;       // [nQ] the solution; before that A's diagonal
  tnd_quadratic Q;
} scratch;

struct tnd_local_quadratic {
  tnd_local_quadratic_size size;
  int n, nQ, nV, P;  // P = nQ + nV + 1 rows of X
  result now, next;

  // of a fit
  const tnd_local_quadratic_data *data;
  problem *problems;  // [T]
  double *centre;     // [T][n]
  double *per_unit;   // [T][n]
  double *total;      // [T] W
  double *products;   // [T][P][P] X X', lower; A's place is then L's
  scratch *workers;   // [threads]
  tnd_arena arena;
};

static void layout_quadratic(tnd_quadratic *q, int n, tnd_arena *arena) {
  q->n = n;
  q->A = tnd_arena_doubles(arena, (size_t)n * (size_t)n);
  q->b = tnd_arena_doubles(arena, (size_t)n);
}

static void layout_result(const tnd_local_quadratic *f, result *r, tnd_arena *arena) {
  const size_t T = (size_t)f->size.T, ns = (size_t)f->size.ns, na = (size_t)f->size.na;
  r->v = tnd_arena_doubles(arena, T * (2 * ns + (size_t)f->nV));
  r->V = tnd_arena_take(arena, T, sizeof *r->V);
  r->Q = tnd_arena_take(arena, T, sizeof *r->Q);
  r->info = tnd_arena_take(arena, T, sizeof *r->info);
  for (size_t t = 0; t < T; t++) {
    tnd_quadratic V;
    tnd_action_quadratic Q;
    layout_quadratic(&V, f->size.ns, arena);
    Q.Qaa = tnd_arena_doubles(arena, na * na);
    Q.Qas = tnd_arena_doubles(arena, na * ns);
    Q.qa = tnd_arena_doubles(arena, na);
    if (!arena->base) continue;
    V.c = 0;
    r->V[t] = V;
    r->Q[t] = Q;
  }
}

static void layout(tnd_local_quadratic *f, tnd_arena *arena) {
  const size_t T = (size_t)f->size.T, n = (size_t)f->n, P = (size_t)f->P, nQ = (size_t)f->nQ;
  layout_result(f, &f->now, arena);
  layout_result(f, &f->next, arena);
  f->problems = tnd_arena_take(arena, T, sizeof *f->problems);
  f->centre = tnd_arena_doubles(arena, T * n);
  f->per_unit = tnd_arena_doubles(arena, T * n);
  f->total = tnd_arena_doubles(arena, T);
  f->products = tnd_arena_doubles(arena, T * P * P);
  f->workers = tnd_arena_take(arena, (size_t)f->size.threads, sizeof *f->workers);
  for (int i = 0; i < f->size.threads; i++) {
    scratch w;
    w.z = tnd_arena_doubles(arena, n * STRIDE);
    w.root = tnd_arena_doubles(arena, BLOCK);
    w.follow = tnd_arena_doubles(arena, BLOCK);
    w.y = tnd_arena_doubles(arena, BLOCK);
    w.X = tnd_arena_doubles(arena, P * STRIDE);
    w.b = tnd_arena_doubles(arena, nQ);
    w.w = tnd_arena_doubles(arena, nQ);
    layout_quadratic(&w.Q, f->n, arena);
    w.Q.c = 0;
    if (arena->base) f->workers[i] = w;
  }
}

tendril_status tnd_local_quadratic_create(const tnd_local_quadratic_size *size,
                                          tnd_local_quadratic **out, tendril_error *err) {
  tnd_blas_init();
  // more features than that would fill the memory of any machine
  if (size->T < 1 || size->ns < 1 || size->na < 0 || size->ns + size->na > 1000 ||
      size->threads < 1 || !(size->ridge >= 0) || !isfinite(size->ridge) ||
      !(size->action_ridge >= 0) || !isfinite(size->action_ridge))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "local quadratic: %d steps of %d states and %d actions, ridge %g: sizes must "
                    "be positive, with at most 1000 states and actions, and the ridge not negative",
                    size->T, size->ns, size->na, size->ridge);
  tnd_local_quadratic *f = tnd_alloc(sizeof *f);
  if (!f) return tnd_fail_memory(err);
  f->size = *size;
  f->n = size->ns + size->na;
  f->nQ = tnd_quadratic_nfeature(f->n);
  f->nV = tnd_quadratic_nfeature(size->ns);
  f->P = f->nQ + f->nV + 1;
  layout(f, &f->arena);
  tendril_status status = tnd_arena_alloc(&f->arena, err);
  if (status != TENDRIL_OK) {
    tnd_local_quadratic_destroy(f);
    return status;
  }
  layout(f, &f->arena);
  *out = f;
  return TENDRIL_OK;
}

void tnd_local_quadratic_destroy(tnd_local_quadratic *fit) {
  if (!fit) return;
  tnd_arena_free(&fit->arena);
  tnd_free(fit);
}

static void run(const tnd_local_quadratic *f, tendril_pool *pool, int pieces, tnd_job job,
                void *context) {
  assert(!pool || tendril_pool_threads(pool) <= f->size.threads);
  (void)f;
  if (pool)
    tnd_pool_run(pool, pieces, job, context);
  else
    for (int i = 0; i < pieces; i++)
      job(context, i, 0);
}

// ---------------------------------------------------------------------------- 1. scaling

// centre [m], per_unit [m]: weighted mean and one over the deviation of rows x [..][m]. False if
// one is not finite. Sums are about the first row, so that no digits are lost to the mean. They are
// made in work [2 m], which is one thread's own: those of neighbouring steps share a cache line.
static bool moments(const tnd_step_rows *step, double total, int m, const double *x, double *centre,
                    double *per_unit, double *work) {
  const double *origin = x + (ptrdiff_t)step->row[0] * m;
  double *sum = work, *sum2 = work + m;
  for (int i = 0; i < m; i++)
    sum[i] = sum2[i] = 0;
  for (int r = 0; r < step->n; r++) {
    const double *xr = x + (ptrdiff_t)step->row[r] * m;
    const double w = step->weight ? step->weight[r] : 1;
    for (int i = 0; i < m; i++) {
      const double d = xr[i] - origin[i];
      sum[i] += w * d;
      sum2[i] += w * (d * d);
    }
  }
  for (int i = 0; i < m; i++) {
    const double mean = sum[i] / total;
    const double deviation = sqrt(fmax(sum2[i] / total - mean * mean, 0));
    if (!isfinite(sum2[i])) return false;
    centre[i] = origin[i] + mean;
    per_unit[i] = deviation > FLAT * fabs(centre[i]) ? 1 / deviation : 0;
  }
  return true;
}

static problem find_scaling(tnd_local_quadratic *f, int t, double *work) {
  const tnd_local_quadratic_data *data = f->data;
  const tnd_step_rows *step = &data->steps[t];
  const int ns = f->size.ns, na = f->size.na;
  double total = 0, squares = 0;
  int rows = 0;
  for (int r = 0; r < step->n; r++) {
    const double w = step->weight ? step->weight[r] : 1;
    if (!(w >= 0)) return BAD_WEIGHT;
    total += w;
    squares += w * w;
    rows += w > 0;
  }
  if (rows == 0) return NO_ROWS;
  if (!isfinite(squares) || !(squares > 0)) return BAD_WEIGHT;
  f->total[t] = total;
  f->next.info[t].rows = rows;
  f->next.info[t].effective = total * total / squares;

  // the state's part and the action's, one behind the other
  double *centre = f->centre + (ptrdiff_t)t * f->n, *per_unit = f->per_unit + (ptrdiff_t)t * f->n;
  if (!moments(step, total, ns, data->s, centre, per_unit, work)) return BAD_STATE;
  if (na && data->policy) {
    for (int i = ns; i < f->n; i++) {
      centre[i] = 0;
      per_unit[i] = 1;
    }
  } else if (na && !moments(step, total, na, data->a, centre + ns, per_unit + ns, work)) {
    return BAD_ACTION;
  }
  if (f->size.ridge > 0 && (na == 0 || f->size.action_ridge > 0)) return FINE;
  // equal weights need not come to a whole number in floating point
  return rows < f->nQ || f->next.info[t].effective < f->nQ - 1e-6 ? TOO_FEW : FINE;
}

static void scaling_job(void *context, int t, int worker) {
  tnd_local_quadratic *f = context;
  f->problems[t] = find_scaling(f, t, f->workers[worker].b);  // nQ >= 2 n
}

// ---------------------------------------------------------------------------- 2. products

// Rows of X that hold Psi: none where no value follows.
static int nfollow(const tnd_local_quadratic *f, int t) {
  return f->data->returns || t + 1 == f->size.T ? 0 : f->nV;
}

static double *products(const tnd_local_quadratic *f, int t) {
  return f->products + (ptrdiff_t)t * f->P * f->P;
}

// z [na][STRIDE] = C^-1 (a - K s - k), the policy's noise
static void noise_rows(const tnd_linear_gaussian *policy, int rows, const double *s,
                       const double *a, const int *row, double *z) {
  const int ns = policy->ns, na = policy->na;
  for (int i = 0; i < na; i++) {
    const double *K = policy->K + i * ns, *C = policy->C + i * na;
    double *zi = z + (ptrdiff_t)i * STRIDE;
    for (int r = 0; r < rows; r++) {
      const double *sr = s + (ptrdiff_t)row[r] * ns;
      double y = a[(ptrdiff_t)row[r] * na + i] - policy->k[i];
      for (int j = 0; j < ns; j++)
        y -= K[j] * sr[j];
      zi[r] = y;
    }
    for (int j = 0; j < i; j++)
      for (int r = 0; r < rows; r++)
        zi[r] -= C[j] * z[(ptrdiff_t)j * STRIDE + r];
    for (int r = 0; r < rows; r++)
      zi[r] /= C[i];
  }
}

// X [p][STRIDE] of `rows` rows of step t, from its `first`
static void features(tnd_local_quadratic *f, int t, int first, int rows, scratch *w) {
  const tnd_local_quadratic_data *data = f->data;
  const tnd_step_rows *step = &data->steps[t];
  const int n = f->n, ns = f->size.ns, follow = nfollow(f, t), *row = step->row + first;
  const double *centre = f->centre + (ptrdiff_t)t * n, *per_unit = f->per_unit + (ptrdiff_t)t * n;

  for (int r = 0; r < rows; r++)
    w->root[r] = sqrt((step->weight ? step->weight[first + r] : 1) / f->total[t]);

  // Phi
  tnd_quadratic_scale_rows(ns, rows, data->s, row, centre, per_unit, STRIDE, w->z);
  if (n > ns && data->policy)
    noise_rows(&data->policy[t], rows, data->s, data->a, row, w->z + (ptrdiff_t)ns * STRIDE);
  else if (n > ns)
    tnd_quadratic_scale_rows(n - ns, rows, data->a, row, centre + ns, per_unit + ns, STRIDE,
                             w->z + (ptrdiff_t)ns * STRIDE);
  tnd_quadratic_features(n, rows, STRIDE, w->z, w->root, w->X);

  // Psi; where the episode terminated s' may be anything
  if (follow) {
    tnd_quadratic_scale_rows(ns, rows, data->next, row, centre + n, per_unit + n, STRIDE, w->z);
    memcpy(w->follow, w->root, (size_t)rows * sizeof *w->follow);
    for (int r = 0; data->terminated && r < rows; r++) {
      if (!data->terminated[row[r]]) continue;
      w->follow[r] = 0;
      for (int i = 0; i < ns; i++)
        w->z[i * STRIDE + r] = 0;
    }
    tnd_quadratic_features(ns, rows, STRIDE, w->z, w->follow, w->X + (ptrdiff_t)f->nQ * STRIDE);
  }

  // r
  double *y = w->X + (ptrdiff_t)(f->nQ + follow) * STRIDE;
  if (data->returns)
    for (int r = 0; r < rows; r++)
      w->y[r] = data->returns[row[r]];
  else
    data->reward(data->context, t, rows, row, w->y);
  for (int r = 0; r < rows; r++)
    y[r] = w->root[r] * w->y[r];
}

// lambda of feature i; the bias is free
static double ridge_of(const tnd_local_quadratic *f, int i) {
  return i == 0 ? 0 : i < f->nV ? f->size.ridge : f->size.action_ridge;
}

static problem find_products(tnd_local_quadratic *f, int t, scratch *w) {
  const int nQ = f->nQ, follow = nfollow(f, t), p = nQ + follow + 1, rows = f->data->steps[t].n;
  double *C = products(f, t);
  memset(C, 0, (size_t)p * (size_t)p * sizeof *C);
  for (int first = 0; first < rows; first += BLOCK) {
    const int some = rows - first < BLOCK ? rows - first : BLOCK;
    features(f, t, first, some, w);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, p, some, 1, w->X, STRIDE, 1, C, p);
  }
  // the diagonal holds sums of squares: it is finite only if all else is. Phi has seen moments(),
  // but for actions that come as noise.
  for (int i = 0; i < p; i++)
    if (!isfinite(C[(ptrdiff_t)i * p + i]))
      return i < nQ ? BAD_ACTION : i < p - 1 ? BAD_NEXT : BAD_TARGET;

  // L L' = A + lambda I, the bias free; row-major lower is column-major upper
  for (int i = 0; i < nQ; i++) {
    double *diagonal = C + (ptrdiff_t)i * p + i;
    *diagonal += ridge_of(f, i);
    w->w[i] = *diagonal;
  }
  if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', nQ, C, p) != 0) return DEPENDENT;
  for (int i = 0; i < nQ; i++) {
    const double pivot = C[(ptrdiff_t)i * p + i];
    if (!(pivot * pivot > PIVOT * w->w[i])) return DEPENDENT;
  }
  return FINE;
}

static void products_job(void *context, int t, int worker) {
  tnd_local_quadratic *f = context;
  f->problems[t] = find_products(f, t, &f->workers[worker]);
}

// ---------------------------------------------------------------------------- 3., 4. solutions

static double *v_of(const tnd_local_quadratic *f, const result *r, int t) {
  return r->v + (ptrdiff_t)t * (2 * f->size.ns + f->nV);
}

// b [m] = c + discount G v_{t+1}, w [m] = (L L')^-1 b, of the leading m features
static void solve(const tnd_local_quadratic *f, int t, int m, double *b, double *w) {
  const int nQ = f->nQ, follow = nfollow(f, t), p = nQ + follow + 1;
  const double *C = products(f, t);
  memcpy(b, C + (ptrdiff_t)(p - 1) * p, (size_t)m * sizeof *b);
  if (follow)
    cblas_dgemv(CblasRowMajor, CblasTrans, follow, m, f->data->discount, C + (ptrdiff_t)nQ * p, p,
                v_of(f, &f->next, t + 1) + 2 * f->size.ns, 1, 1, b, 1);
  memcpy(w, b, (size_t)m * sizeof *w);
  cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, m, C, p, w, 1);
  cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, m, C, p, w, 1);
}

// Backwards in time: the only part that is serial.
static problem find_v(tnd_local_quadratic *f, int *bad) {
  const int ns = f->size.ns;
  for (int t = f->size.T - 1; t >= 0; t--) {
    double *v = v_of(f, &f->next, t);
    memcpy(v, f->centre + (ptrdiff_t)t * f->n, (size_t)ns * sizeof *v);
    memcpy(v + ns, f->per_unit + (ptrdiff_t)t * f->n, (size_t)ns * sizeof *v);
    solve(f, t, f->nV, f->workers[0].b, v + 2 * ns);
    *bad = t;
    if (!tnd_all_finite(f->nV, v + 2 * ns)) return NO_SOLUTION;
  }
  return FINE;
}

// 1 - SSE / SST of the weights w, from the products alone. With y = r + discount v'psi,
//   yy = r r + 2 discount v'Psi r + discount^2 v'Psi Psi'v     mean = b_0, as phi_0 = 1
//   SST = yy - mean^2     SSE = yy - w'b - lambda |w|^2 (w without the bias), as (A + lambda I) w =
//   b
static double r_squared(const tnd_local_quadratic *f, int t, const double *b, const double *w,
                        double *work) {
  const int nQ = f->nQ, follow = nfollow(f, t), p = nQ + follow + 1;
  const double *C = products(f, t), *last = C + (ptrdiff_t)(p - 1) * p;
  double yy = last[p - 1];
  if (follow) {
    const double *v = v_of(f, &f->next, t + 1) + 2 * f->size.ns, g = f->data->discount;
    memset(work, 0, (size_t)follow * sizeof *work);
    cblas_dsymv(CblasRowMajor, CblasLower, follow, g, C + (ptrdiff_t)nQ * p + nQ, p, v, 1, 1, work,
                1);
    for (int i = 0; i < follow; i++)
      yy += g * v[i] * (2 * last[nQ + i] + work[i]);
  }
  const double sst = yy - b[0] * b[0];
  double sse = yy - tnd_dot(nQ, w, b);
  for (int i = 0; i < nQ; i++)
    sse -= ridge_of(f, i) * w[i] * w[i];
  // what is left of equal targets is rounding
  return sst > 1e-13 * yy ? 1 - fmax(sse, 0) / sst : 1;
}

// From Q of (s, y) to Q of (s, a), y = W (a - K s - k), W = C^-1:
//   Qaa = W'Qyy W    Qas = W'Qys - Qaa K    qa = W'qy - Qaa k
static void of_actions(const tnd_linear_gaussian *policy, const tnd_action_quadratic *Q) {
  const int ns = policy->ns, na = policy->na;
  tnd_cholesky_backward(na, na, policy->C, na, Q->Qaa);
  for (int i = 0; i < na; i++)  // (W'Qyy)' = Qyy W
    for (int j = 0; j < i; j++) {
      const double x = Q->Qaa[i * na + j];
      Q->Qaa[i * na + j] = Q->Qaa[j * na + i];
      Q->Qaa[j * na + i] = x;
    }
  tnd_cholesky_backward(na, na, policy->C, na, Q->Qaa);
  for (int i = 0; i < na; i++)  // symmetric but for rounding
    for (int j = 0; j < i; j++)
      Q->Qaa[j * na + i] = Q->Qaa[i * na + j];
  tnd_cholesky_backward(na, na, policy->C, ns, Q->Qas);
  tnd_cholesky_backward(na, na, policy->C, 1, Q->qa);
  for (int i = 0; i < na; i++)
    for (int j = 0; j < na; j++) {
      const double q = Q->Qaa[i * na + j];
      for (int l = 0; l < ns; l++)
        Q->Qas[i * ns + l] -= q * policy->K[j * ns + l];
      Q->qa[i] -= q * policy->k[j];
    }
}

static problem find_w(tnd_local_quadratic *f, int t, scratch *w) {
  const int ns = f->size.ns;
  solve(f, t, f->nQ, w->b, w->w);
  if (!tnd_all_finite(f->nQ, w->w)) return NO_SOLUTION;
  // X is free again
  f->next.info[t].r2 = r_squared(f, t, w->b, w->w, w->X);

  // raw coordinates
  tnd_quadratic *V = &f->next.V[t];
  const tnd_action_quadratic *Q = &f->next.Q[t];
  const double *v = v_of(f, &f->next, t);
  tnd_quadratic_from_weights(w->w, f->centre + (ptrdiff_t)t * f->n,
                             f->per_unit + (ptrdiff_t)t * f->n, &w->Q);
  tnd_quadratic_split(&w->Q, ns, NULL, &f->next.Q[t]);
  if (f->size.na && f->data->policy) of_actions(&f->data->policy[t], &f->next.Q[t]);
  tnd_quadratic_from_weights(v + 2 * ns, v, v + ns, V);
  const int64_t na = f->size.na;
  const bool finite = isfinite(V->c) && tnd_all_finite(ns, V->b) &&
                      tnd_all_finite((int64_t)ns * ns, V->A) && tnd_all_finite(na, Q->qa) &&
                      tnd_all_finite(na * ns, Q->Qas) && tnd_all_finite(na * na, Q->Qaa);
  return finite && isfinite(f->next.info[t].r2) ? FINE : NO_SOLUTION;
}

static void solution_job(void *context, int t, int worker) {
  tnd_local_quadratic *f = context;
  f->problems[t] = find_w(f, t, &f->workers[worker]);
}

// ---------------------------------------------------------------------------- the fit

static tendril_status complain(const tnd_local_quadratic *f, int t, problem what,
                               tendril_error *err) {
  const tnd_local_quadratic_info *info = &f->next.info[t];
  const char *text = "";
  switch (what) {
  case FINE:
    return TENDRIL_OK;
  case TOO_FEW:
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "local quadratic, step %d: %d samples (%.3g effective) for %d features; give "
                    "more rollouts, or a ridge above 0",
                    t, info->rows, info->effective, f->nQ);
  case NO_ROWS:
    text = "no sample has weight; give more rollouts, or reuse fewer";
    break;
  case BAD_WEIGHT:
    text = "a sample's weight is negative, or not finite, or all are too small";
    break;
  case BAD_STATE:
    text = "a sample's state is not finite";
    break;
  case BAD_ACTION:
    text = "a sample's action is not finite";
    break;
  case BAD_NEXT:
    text = "a sample's next state is not finite";
    break;
  case BAD_TARGET:
    text = f->data->returns ? "a sample's return is not finite" : "a sample's reward is not finite";
    break;
  case DEPENDENT:
    text =
        f->size.ridge > 0
            ? "the samples do not determine the features; give more rollouts, or a larger ridge"
            : "the samples do not determine the features; give more rollouts, or a ridge above 0";
    break;
  case NO_SOLUTION:
    text = "the fit left the finite numbers; scale the rewards down, or give a larger ridge";
    break;
  }
  return tnd_fail(err, TENDRIL_E_NUMERIC, "local quadratic, step %d: %s", t, text);
}

// The error of the first step that has one.
static tendril_status judge(const tnd_local_quadratic *f, tendril_error *err) {
  for (int t = 0; t < f->size.T; t++)
    TENDRIL_TRY(complain(f, t, f->problems[t], err));
  return TENDRIL_OK;
}

tendril_status tnd_local_quadratic_fit(tnd_local_quadratic *fit, tendril_pool *pool,
                                       const tnd_local_quadratic_data *data, tendril_error *err) {
  tnd_local_quadratic *f = fit;
  const int T = f->size.T;
  f->data = data;

  // 1. centre and scale of every step
  run(f, pool, T, scaling_job, f);
  TENDRIL_TRY(judge(f, err));

  // 2. A, G, c and the factors
  run(f, pool, T, products_job, f);
  TENDRIL_TRY(judge(f, err));

  // 3. v_t = A_V^-1 (c_V + discount G_V v_{t+1}), t = T-1 .. 0
  int bad = 0;
  problem what = find_v(f, &bad);
  TENDRIL_TRY(complain(f, bad, what, err));

  // 4. w_t = A^-1 (c + discount G v_{t+1})
  run(f, pool, T, solution_job, f);
  TENDRIL_TRY(judge(f, err));

  const result before = f->now;
  f->now = f->next;
  f->next = before;
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------- what was found

const tnd_action_quadratic *tnd_local_quadratic_action(const tnd_local_quadratic *fit, int t) {
  return &fit->now.Q[t];
}

const tnd_quadratic *tnd_local_quadratic_v(const tnd_local_quadratic *fit, int t) {
  return &fit->now.V[t];
}

const tnd_local_quadratic_info *tnd_local_quadratic_report(const tnd_local_quadratic *fit, int t) {
  return &fit->now.info[t];
}

double tnd_local_quadratic_value(const tnd_local_quadratic *fit, int t, const double *s) {
  const int ns = fit->size.ns;
  if (t >= fit->size.T) return 0;
  const double *v = v_of(fit, &fit->now, t);
  return tnd_quadratic_scaled_value(ns, v + 2 * ns, v, v + ns, s);
}

typedef struct values {
  const tnd_local_quadratic *fit;
  int64_t n;
  const double *s;
  const int *time;
  double *v;
} values;

static void values_job(void *context, int piece, int worker) {
  (void)worker;
  const values *x = context;
  const int64_t first = (int64_t)piece * BLOCK;
  for (int64_t r = first; r < x->n && r < first + BLOCK; r++)
    x->v[r] = tnd_local_quadratic_value(x->fit, x->time[r], x->s + r * x->fit->size.ns);
}

void tnd_local_quadratic_values(const tnd_local_quadratic *fit, tendril_pool *pool, int64_t n,
                                const double *s, const int *time, double *v) {
  values x = {.fit = fit, .n = n, .s = s, .time = time, .v = v};
  run(fit, pool, (int)((n + BLOCK - 1) / BLOCK), values_job, &x);
}

double *tnd_local_quadratic_state(tnd_local_quadratic *fit, int64_t *count) {
  *count = (int64_t)fit->size.T * (2 * fit->size.ns + fit->nV);
  return fit->now.v;
}

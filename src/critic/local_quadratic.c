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
#include "critic/local_quadratic_parts.h"
#include "math/blas.h"

#include <assert.h>
#include <math.h>

static void layout_quadratic(tnd_quadratic *q, int n, tnd_arena *arena) {
  q->n = n;
  q->A = tnd_arena_doubles(arena, (size_t)n * (size_t)n);
  q->b = tnd_arena_doubles(arena, (size_t)n);
}

static void layout_result(const tnd_local_quadratic *f, tnd_fit_result *r, tnd_arena *arena) {
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
    tnd_fit_scratch w;
    w.z = tnd_arena_doubles(arena, n * TND_FIT_STRIDE);
    w.root = tnd_arena_doubles(arena, TND_FIT_BLOCK);
    w.follow = tnd_arena_doubles(arena, TND_FIT_BLOCK);
    w.y = tnd_arena_doubles(arena, TND_FIT_BLOCK);
    w.X = tnd_arena_doubles(arena, P * TND_FIT_STRIDE);
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
// ---------------------------------------------------------------------------- the fit

static tendril_status complain(const tnd_local_quadratic *f, int t, tnd_fit_problem what,
                               tendril_error *err) {
  const tnd_local_quadratic_info *info = &f->next.info[t];
  const char *text = "";
  switch (what) {
  case TND_FIT_FINE:
    return TENDRIL_OK;
  case TND_FIT_TOO_FEW:
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "local quadratic, step %d: %d samples (%.3g effective) for %d features; give "
                    "more rollouts, or a ridge above 0",
                    t, info->rows, info->effective, f->nQ);
  case TND_FIT_NO_ROWS:
    text = "no sample has weight; give more rollouts, or reuse fewer";
    break;
  case TND_FIT_BAD_WEIGHT:
    text = "a sample's weight is negative, or not finite, or all are too small";
    break;
  case TND_FIT_BAD_STATE:
    text = "a sample's state is not finite";
    break;
  case TND_FIT_BAD_ACTION:
    text = "a sample's action is not finite";
    break;
  case TND_FIT_BAD_NEXT:
    text = "a sample's next state is not finite";
    break;
  case TND_FIT_BAD_TARGET:
    text = f->data->returns ? "a sample's return is not finite" : "a sample's reward is not finite";
    break;
  case TND_FIT_DEPENDENT:
    text =
        f->size.ridge > 0
            ? "the samples do not determine the features; give more rollouts, or a larger ridge"
            : "the samples do not determine the features; give more rollouts, or a ridge above 0";
    break;
  case TND_FIT_NO_SOLUTION:
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

static void scaling_job(void *context, int t, int worker) {
  tnd_local_quadratic *f = context;
  f->problems[t] = tnd_fit_scaling(f, t, f->workers[worker].b);  // nQ >= 2 n
}

static void products_job(void *context, int t, int worker) {
  tnd_local_quadratic *f = context;
  f->problems[t] = tnd_fit_products(f, t, &f->workers[worker]);
}

static void solution_job(void *context, int t, int worker) {
  tnd_local_quadratic *f = context;
  f->problems[t] = tnd_fit_w(f, t, &f->workers[worker]);
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
  tnd_fit_problem what = tnd_fit_v(f, &bad);
  TENDRIL_TRY(complain(f, bad, what, err));

  // 4. w_t = A^-1 (c + discount G v_{t+1})
  run(f, pool, T, solution_job, f);
  TENDRIL_TRY(judge(f, err));

  const tnd_fit_result before = f->now;
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
  const double *v = tnd_fit_v_of(fit, &fit->now, t);
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
  const int64_t first = (int64_t)piece * TND_FIT_BLOCK;
  for (int64_t r = first; r < x->n && r < first + TND_FIT_BLOCK; r++)
    x->v[r] = tnd_local_quadratic_value(x->fit, x->time[r], x->s + r * x->fit->size.ns);
}

void tnd_local_quadratic_values(const tnd_local_quadratic *fit, tendril_pool *pool, int64_t n,
                                const double *s, const int *time, double *v) {
  values x = {.fit = fit, .n = n, .s = s, .time = time, .v = v};
  run(fit, pool, (int)((n + TND_FIT_BLOCK - 1) / TND_FIT_BLOCK), values_job, &x);
}

double *tnd_local_quadratic_state(tnd_local_quadratic *fit, int64_t *count) {
  *count = (int64_t)fit->size.T * (2 * fit->size.ns + fit->nV);
  return fit->now.v;
}

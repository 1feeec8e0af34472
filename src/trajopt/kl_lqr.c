// Search for the multiplier eta of the KL bound. For a given eta the Lagrangian over eta is the
// maximum-entropy LQR of the cost l~ = l / eta - log old(u|x): one backward pass gives its
// controller, one forward pass the moments of the states, with them the KL and the expected cost.
// The KL falls as eta rises; with costs that aren't convex there is an eta below which some Quu is
// not positive definite, and the KL grows without bound towards it. So the root is bracketed in
// log eta, "not positive definite" counting as "KL too large".
// Source: Levine and Abbeel 2014; docs/methods/local-models.md, whose steps the comments number.
#include "trajopt/kl_lqr.h"

#include "base/alloc.h"
#include "math/cholesky.h"
#include "math/linalg.h"
#include "trajopt/boxqp.h"
#include "trajopt/lqr.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const double tolerance = 1e-6;  // of the bound
static const double eta_low = 1e-30, eta_high = 1e30;
enum { MAX_PASSES = 200 };

// A controller and what a forward pass says of it.
typedef struct solution {
  tnd_linear_gaussian *controller;  // [T]
  double *mean, *S;                 // [T+1][n], [T+1][n][n]
  double *kl;                       // [T]
  tnd_gaussian *states;             // [T + 1]
} solution;

struct tnd_kl_lqr {
  int T, n, m;
  solution solutions[2];
  int current;  // the one that is shown
  // of the problem: gradients of the cost at the origin, and the Hessian and gradient of -log old
  double *gx, *gu;          // [T+1][n], [T][m]
  double *hxx, *hux, *huu;  // [T][n][n], [T][m][n], [T][m][m]
  double *hx, *hu;          // [T][n], [T][m]
  // one step
  double *lx, *lu, *lxx, *lux, *luu;  // of l~
  double *Vx, *Vxx, *Quu;
  double *G, *GS, *fC;  // [n][n] closed loop, [n][n], [n][m] fu C
  double *SK, *Suu;     // [m][n], [m][m] covariance of (u, x) and of u
  double *dx, *du;      // [n], [m]
  double *work;         // of the backward step and of the KL
  tnd_arena arena;
};

static void layout(tnd_kl_lqr *k, tnd_arena *arena) {
  const size_t T = (size_t)k->T, n = (size_t)k->n, m = (size_t)k->m;
  for (int i = 0; i < 2; i++) {
    solution *s = &k->solutions[i];
    s->controller = tnd_linear_gaussian_layout(arena, k->T, k->n, k->m);
    s->mean = tnd_arena_doubles(arena, (T + 1) * n);
    s->S = tnd_arena_doubles(arena, (T + 1) * n * n);
    s->kl = tnd_arena_doubles(arena, T);
    s->states = tnd_arena_take(arena, T + 1, sizeof *s->states);
  }
  k->gx = tnd_arena_doubles(arena, (T + 1) * n);
  k->gu = tnd_arena_doubles(arena, T * m);
  k->hxx = tnd_arena_doubles(arena, T * n * n);
  k->hux = tnd_arena_doubles(arena, T * m * n);
  k->huu = tnd_arena_doubles(arena, T * m * m);
  k->hx = tnd_arena_doubles(arena, T * n);
  k->hu = tnd_arena_doubles(arena, T * m);
  k->lx = tnd_arena_doubles(arena, n);
  k->lu = tnd_arena_doubles(arena, m);
  k->lxx = tnd_arena_doubles(arena, n * n);
  k->lux = tnd_arena_doubles(arena, m * n);
  k->luu = tnd_arena_doubles(arena, m * m);
  k->Vx = tnd_arena_doubles(arena, n);
  k->Vxx = tnd_arena_doubles(arena, n * n);
  k->Quu = tnd_arena_doubles(arena, m * m);
  k->G = tnd_arena_doubles(arena, n * n);
  k->GS = tnd_arena_doubles(arena, n * n);
  k->fC = tnd_arena_doubles(arena, n * m);
  k->SK = tnd_arena_doubles(arena, m * n);
  k->Suu = tnd_arena_doubles(arena, m * m);
  k->dx = tnd_arena_doubles(arena, n);
  k->du = tnd_arena_doubles(arena, m);
  const size_t lqr = (size_t)tnd_lqr_work(k->n, k->m), kl = m * (n + m + 1);
  k->work = tnd_arena_doubles(arena, lqr > kl ? lqr : kl);
}

tendril_status tnd_kl_lqr_create(int T, int n, int m, tnd_kl_lqr **out, tendril_error *err) {
  if (T < 1 || n < 1 || m < 1 || m > TND_BOXQP_MAX)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "KL-constrained LQR: %d steps of %d states and %d controls; use at least 1 of "
                    "each and at most %d controls",
                    T, n, m, TND_BOXQP_MAX);
  tnd_kl_lqr *k = tnd_alloc(sizeof *k);
  if (!k) return tnd_fail_memory(err);
  *k = (tnd_kl_lqr){.T = T, .n = n, .m = m};
  layout(k, &k->arena);
  tendril_status status = tnd_arena_alloc(&k->arena, err);
  if (status != TENDRIL_OK) {
    tnd_free(k);
    return status;
  }
  layout(k, &k->arena);
  for (int i = 0; i < 2; i++) {
    solution *s = &k->solutions[i];
    for (int t = 0; t <= T; t++)
      s->states[t] = (tnd_gaussian){.n = n, .mean = s->mean + t * n, .S = s->S + t * n * n};
  }
  *out = k;
  return TENDRIL_OK;
}

void tnd_kl_lqr_destroy(tnd_kl_lqr *k) {
  if (!k) return;
  tnd_arena_free(&k->arena);
  tnd_free(k);
}

const tnd_linear_gaussian *tnd_kl_lqr_controller(const tnd_kl_lqr *k) {
  return k->solutions[k->current].controller;
}

const double *tnd_kl_lqr_divergence(const tnd_kl_lqr *k) {
  return k->solutions[k->current].kl;
}

const tnd_gaussian *tnd_kl_lqr_states(const tnd_kl_lqr *k) {
  return k->solutions[k->current].states;
}

// y [rows] += A x, A [rows][columns]
static void add_product(int rows, int columns, const double *A, const double *x, double *y) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      y[i] += A[i * columns + j] * x[j];
}

// y [columns] += A'x
static void add_transposed(int rows, int columns, const double *A, const double *x, double *y) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      y[j] += A[i * columns + j] * x[i];
}

// tr(A B) for symmetric A, B [n][n], or the sum of products of any two arrays
static double inner(int count, const double *A, const double *B) {
  return tnd_dot(count, A, B);
}

static bool positive_diagonal(int n, const double *C) {
  for (int i = 0; i < n; i++)
    if (!(C[i * n + i] > 0)) return false;
  return true;
}

static bool lower_finite(int n, const double *C) {
  for (int i = 0; i < n; i++)
    if (!tnd_all_finite(i + 1, C + i * n)) return false;
  return true;
}

// What of step t isn't a number, or NULL.
static const char *fault_of(const tnd_kl_lqr *k, const tnd_kl_lqr_problem *p, int t) {
  const int n = k->n, m = k->m;
  const tnd_stage_cost *c = &p->cost[t];
  if (!isfinite(c->l) || !tnd_all_finite(n, c->lx) || !tnd_all_finite(n * n, c->lxx) ||
      (c->x && !tnd_all_finite(n, c->x)))
    return "the cost";
  if (t == k->T) return NULL;
  if (!tnd_all_finite(m, c->lu) || !tnd_all_finite(m * n, c->lux) ||
      !tnd_all_finite(m * m, c->luu) || (c->u && !tnd_all_finite(m, c->u)))
    return "the cost";
  const tnd_linear_gaussian *f = &p->dynamics[t], *old = &p->old[t];
  assert(f->ns == n + m && f->na == n && old->ns == n && old->na == m);
  if (!tnd_all_finite(n * (n + m), f->K) || !tnd_all_finite(n, f->k) || !lower_finite(n, f->C))
    return "the model of the dynamics";
  if (!tnd_all_finite(m * n, old->K) || !tnd_all_finite(m, old->k) || !lower_finite(m, old->C) ||
      !positive_diagonal(m, old->C))
    return "the old controller";
  return NULL;
}

// The gradients of the cost at the origin and, step 5, of -log old(u|x) = 1/2 |u - K x - k|^2 in
// the metric P = (C C')^-1: Hessian [ K'P K, -K'P ; -P K, P ], gradient (K'P k, -P k).
static void expand(tnd_kl_lqr *k, const tnd_kl_lqr_problem *p) {
  const int T = k->T, n = k->n, m = k->m;
  for (int t = 0; t <= T; t++) {
    const tnd_stage_cost *c = &p->cost[t];
    double *gx = k->gx + t * n;
    memcpy(gx, c->lx, sizeof *gx * (size_t)n);
    for (int i = 0; c->x && i < n; i++)
      for (int j = 0; j < n; j++)
        gx[i] -= c->lxx[i * n + j] * c->x[j];
    if (t == T) break;
    double *gu = k->gu + t * m;
    memcpy(gu, c->lu, sizeof *gu * (size_t)m);
    for (int i = 0; i < m; i++) {
      for (int j = 0; c->u && j < m; j++)
        gu[i] -= c->luu[i * m + j] * c->u[j];
      for (int j = 0; c->x && j < n; j++)
        gu[i] -= c->lux[i * n + j] * c->x[j];
      for (int j = 0; c->u && j < n; j++)
        gx[j] -= c->lux[i * n + j] * c->u[i];
    }

    const tnd_linear_gaussian *old = &p->old[t];
    double *P = k->huu + t * m * m, *PK = k->hux + t * m * n, *Pk = k->hu + t * m;
    double *KPK = k->hxx + t * n * n, *KPk = k->hx + t * n;
    for (int i = 0; i < m * m; i++)
      P[i] = i % (m + 1) == 0;
    tnd_cholesky_solve(m, m, old->C, m, P);
    memset(PK, 0, sizeof *PK * (size_t)(m * n));
    memset(Pk, 0, sizeof *Pk * (size_t)m);
    memset(KPK, 0, sizeof *KPK * (size_t)(n * n));
    memset(KPk, 0, sizeof *KPk * (size_t)n);
    for (int i = 0; i < m; i++) {
      add_transposed(m, n, old->K, P + i * m, PK + i * n);
      add_product(1, m, P + i * m, old->k, Pk + i);
    }
    for (int i = 0; i < n; i++)
      for (int a = 0; a < m; a++) {
        KPk[i] += old->K[a * n + i] * Pk[a];
        for (int j = 0; j < n; j++)
          KPK[i * n + j] += old->K[a * n + i] * PK[a * n + j];
      }
    for (int i = 0; i < m * n; i++)
      PK[i] = -PK[i];
    for (int i = 0; i < m; i++)
      Pk[i] = -Pk[i];
  }
}

// C lower, C C' = Q^-1: with rows and columns in reverse order Q = M M', C is M^-T in reverse. Q is
// overwritten.
static bool invert(int m, double *Q, double *C) {
  for (int i = 0, j = m * m - 1; i < j; i++, j--) {
    const double q = Q[i];
    Q[i] = Q[j];
    Q[j] = q;
  }
  if (!tnd_cholesky(m, m, Q)) return false;
  memset(C, 0, sizeof *C * (size_t)(m * m));
  for (int a = 0; a < m; a++) {  // column a of M^-1 is row m-1-a of C, backwards
    double *row = C + (m - 1 - a) * m;
    for (int i = a; i < m; i++) {
      double sum = i == a;
      for (int j = a; j < i; j++)
        sum -= Q[i * m + j] * row[m - 1 - j];
      row[m - 1 - i] = sum / Q[i * m + i];
    }
  }
  return true;
}

// out = a / eta + b
static void blend(int count, const double *a, double eta, const double *b, double *out) {
  for (int i = 0; i < count; i++)
    out[i] = a[i] / eta + b[i];
}

// Step 6: the controller of l~. Returns the step whose Quu isn't positive definite, or -1.
static int backward(tnd_kl_lqr *k, const tnd_kl_lqr_problem *p, double eta, solution *s) {
  const int T = k->T, n = k->n, m = k->m;
  tnd_lqr_value v = {k->Vx, k->Vxx};
  for (int i = 0; i < n; i++)
    k->Vx[i] = k->gx[T * n + i] / eta;
  for (int i = 0; i < n * n; i++)
    k->Vxx[i] = p->cost[T].lxx[i] / eta;
  for (int t = T - 1; t >= 0; t--) {
    const tnd_stage_cost *c = &p->cost[t];
    blend(n, k->gx + t * n, eta, k->hx + t * n, k->lx);
    blend(m, k->gu + t * m, eta, k->hu + t * m, k->lu);
    blend(n * n, c->lxx, eta, k->hxx + t * n * n, k->lxx);
    blend(m * n, c->lux, eta, k->hux + t * m * n, k->lux);
    blend(m * m, c->luu, eta, k->huu + t * m * m, k->luu);
    const tnd_lqr_stage stage = {.F = p->dynamics[t].K,
                                 .fc = p->dynamics[t].k,
                                 .lx = k->lx,
                                 .lu = k->lu,
                                 .lxx = k->lxx,
                                 .lux = k->lux,
                                 .luu = k->luu};
    const tnd_linear_gaussian *u = &s->controller[t];
    tnd_lqr_law law = {.k = u->k, .K = u->K, .Quu = k->Quu};
    if (!tnd_lqr_step(n, m, &stage, k->work, &v, &law) || !invert(m, k->Quu, u->C)) return t;
  }
  return -1;
}

// E l at a step where x ~ N(mean, S) and u | x follows `law` (NULL: no control). Leaves SK and Suu.
static double expected(tnd_kl_lqr *k, const tnd_stage_cost *c, const tnd_gaussian *state,
                       const tnd_linear_gaussian *law) {
  const int n = k->n, m = k->m;
  double sum = c->l;
  for (int i = 0; i < n; i++)
    k->dx[i] = state->mean[i] - (c->x ? c->x[i] : 0);
  for (int i = 0; i < n; i++)
    sum += k->dx[i] * (c->lx[i] + 0.5 * inner(n, c->lxx + i * n, k->dx));
  sum += 0.5 * inner(n * n, c->lxx, state->S);
  if (!law) return sum;

  tnd_linear_gaussian_mean(law, state->mean, k->du);
  for (int i = 0; c->u && i < m; i++)
    k->du[i] -= c->u[i];
  memset(k->SK, 0, sizeof *k->SK * (size_t)(m * n));
  for (int i = 0; i < m; i++) {
    add_transposed(n, n, state->S, law->K + i * n, k->SK + i * n);
    for (int j = 0; j <= i; j++) {
      double cov = inner(j + 1, law->C + i * m, law->C + j * m);
      cov += inner(n, k->SK + i * n, law->K + j * n);
      k->Suu[i * m + j] = k->Suu[j * m + i] = cov;
    }
  }
  for (int i = 0; i < m; i++)
    sum += k->du[i] *
           (c->lu[i] + inner(n, c->lux + i * n, k->dx) + 0.5 * inner(m, c->luu + i * m, k->du));
  return sum + inner(m * n, c->lux, k->SK) + 0.5 * inner(m * m, c->luu, k->Suu);
}

// Step 7: moments of the states under `law`, KL from the old controller, expected cost. False if a
// number isn't finite.
static bool forward(tnd_kl_lqr *k, const tnd_kl_lqr_problem *p, const tnd_linear_gaussian *law,
                    solution *s, double *kl, double *cost) {
  const int T = k->T, n = k->n, m = k->m, w = n + m;
  *kl = *cost = 0;
  memcpy(s->mean, p->start->mean, sizeof *s->mean * (size_t)n);
  memcpy(s->S, p->start->S, sizeof *s->S * (size_t)(n * n));
  for (int t = 0; t < T; t++) {
    const tnd_gaussian *x = &s->states[t], *next = &s->states[t + 1];
    *cost += expected(k, &p->cost[t], x, &law[t]);
    s->kl[t] = tnd_linear_gaussian_kl(&law[t], &p->old[t], x, k->work);
    *kl += s->kl[t];

    // x' = f (x, u) + fc; S' = G S G' + fu C C'fu' + F, G = fx + fu K
    const tnd_linear_gaussian *f = &p->dynamics[t];
    tnd_linear_gaussian_mean(&law[t], x->mean, k->du);
    memcpy(next->mean, f->k, sizeof *next->mean * (size_t)n);
    memset(k->fC, 0, sizeof *k->fC * (size_t)(n * m));
    memset(k->GS, 0, sizeof *k->GS * (size_t)(n * n));
    for (int i = 0; i < n; i++) {
      const double *fx = f->K + i * w, *fu = fx + n;
      double *G = k->G + i * n;
      next->mean[i] += inner(n, fx, x->mean) + inner(m, fu, k->du);
      memcpy(G, fx, sizeof *G * (size_t)n);
      add_transposed(m, n, law[t].K, fu, G);
      for (int a = 0; a < m; a++)
        for (int b = 0; b <= a; b++)
          k->fC[i * m + b] += fu[a] * law[t].C[a * m + b];
      add_transposed(n, n, x->S, G, k->GS + i * n);
    }
    for (int i = 0; i < n; i++)
      for (int j = 0; j <= i; j++)
        next->S[i * n + j] = next->S[j * n + i] = inner(n, k->GS + i * n, k->G + j * n) +
                                                  inner(m, k->fC + i * m, k->fC + j * m) +
                                                  inner(j + 1, f->C + i * n, f->C + j * n);
  }
  *cost += expected(k, &p->cost[T], &s->states[T], NULL);
  return isfinite(*cost) && isfinite(*kl);
}

// What a pass found.
typedef struct trial {
  double eta, kl, cost;
  int bad;  // -1, or the step that has no controller; T: a number was not finite
} trial;

static trial pass(tnd_kl_lqr *k, const tnd_kl_lqr_problem *p, double eta, tnd_kl_lqr_stats *stats) {
  solution *s = &k->solutions[1 - k->current];
  trial r = {.eta = eta};
  stats->passes++;
  r.bad = backward(k, p, eta, s);
  if (r.bad < 0 && !forward(k, p, s->controller, s, &r.kl, &r.cost)) r.bad = k->T;
  stats->raised += r.bad >= 0;
  return r;
}

// log (KL / aim): positive where eta is too small.
static double excess(const trial *r, double aim) {
  return r->bad >= 0 ? HUGE_VAL : log(fmax(r->kl, 1e-300) / aim);
}

// Step 8: the eta whose KL is the bound. The trial solution is that of what it returns; .bad >= 0:
// there is none.
static trial search(tnd_kl_lqr *k, const tnd_kl_lqr_problem *p, double eta,
                    tnd_kl_lqr_stats *stats) {
  const double bound = k->T * p->eps;
  const double aim = bound * (1 - tolerance / 2), enough = tolerance / 2;
  // a bracket: KL too large at low, small enough at high
  trial low = {.eta = 0}, high = {.eta = 0}, now;
  double flow = 0, fhigh = 0, factor = 4;
  for (;;) {
    now = pass(k, p, eta, stats);
    const double f = excess(&now, aim);
    if (fabs(f) <= enough) return now;
    if (f > 0) {
      low = now;
      flow = f;
      if (high.eta > 0 || eta >= eta_high) break;
      eta = fmin(eta * factor, eta_high);
    } else {
      high = now;
      fhigh = f;
      if (low.eta > 0 || eta <= eta_low) break;
      eta = fmax(eta / factor, eta_low);
    }
    factor *= factor;
  }
  if (high.eta == 0) return now;                      // not even at eta_high
  if (low.eta == 0) return stats->slack = true, now;  // not even at eta_low

  // secants in (log eta, log KL), as the KL goes by a power of eta where the bound is tight
  // (Illinois: an end that stays counts half); halves where the lower end has no controller
  int stayed = 0;
  while (stats->passes < MAX_PASSES) {
    const double a = log(low.eta), b = log(high.eta), width = b - a;
    if (width < 1e-13 * fmax(1, fabs(b))) break;
    double to = 0.5 * (a + b);
    if (isfinite(flow)) to = a + width * flow / (flow - fhigh);
    to = fmin(fmax(to, a + 1e-3 * width), b - 1e-3 * width);
    now = pass(k, p, exp(to), stats);
    const double f = excess(&now, aim);
    if (fabs(f) <= enough) return now;
    if (f > 0) {
      low = now;
      flow = f;
      if (stayed > 0) fhigh *= 0.5;
      stayed = 1;
    } else {
      high = now;
      fhigh = f;
      if (stayed < 0) flow *= 0.5;
      stayed = -1;
    }
  }
  // the KL jumps over the bound between two neighbours: the safe one
  stats->slack = true;
  return pass(k, p, high.eta, stats);
}

tendril_status tnd_kl_lqr_solve(tnd_kl_lqr *k, const tnd_kl_lqr_problem *p, double eta,
                                tnd_kl_lqr_stats *stats, tendril_error *err) {
  if (!(p->eps > 0) || !isfinite(p->eps) || !(eta >= 0) || !isfinite(eta))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "KL-constrained LQR: a bound of %g nats a step, eta %g; use a bound above 0",
                    p->eps, eta);
  if (!tnd_all_finite(k->n, p->start->mean) || !tnd_all_finite(k->n * k->n, p->start->S))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "KL-constrained LQR: the start's distribution is not finite");
  for (int t = 0; t <= k->T; t++) {
    const char *fault = fault_of(k, p, t);
    if (fault)
      return tnd_fail(err, TENDRIL_E_NUMERIC, "KL-constrained LQR: step %d: %s is not finite%s", t,
                      fault, strcmp(fault, "the old controller") == 0 ? " or has no spread" : "");
  }
  expand(k, p);

  *stats = (tnd_kl_lqr_stats){0};
  double kl;
  if (!forward(k, p, p->old, &k->solutions[1 - k->current], &kl, &stats->cost_old))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "KL-constrained LQR: the model of the dynamics runs away under the old "
                    "controller; use more samples or a prior");
  if (eta == 0) eta = 1;
  const trial found = search(k, p, fmin(fmax(eta, eta_low), eta_high), stats);
  if (found.bad == k->T)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "KL-constrained LQR: the model of the dynamics runs away at every eta up to %g",
                    found.eta);
  if (found.bad >= 0)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "KL-constrained LQR: step %d: Quu is not positive definite even at eta %g; "
                    "scale the cost",
                    found.bad, found.eta);
  if (found.kl > k->T * p->eps)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "KL-constrained LQR: a KL of %g is above the bound even at eta %g; scale the "
                    "cost",
                    found.kl, found.eta);
  stats->eta = found.eta;
  stats->kl = found.kl;
  stats->cost = found.cost;
  k->current = 1 - k->current;
  return TENDRIL_OK;
}

double tnd_kl_lqr_next_eps(double eps, double predicted, double attained) {
  if (!(predicted > 0) || isnan(attained)) return 0.1 * eps;
  const double short_by = predicted - attained;
  if (short_by <= 0.1 * predicted) return 5 * eps;
  return eps * fmax(predicted / (2 * short_by), 0.1);
}

// Time-dependent linear-Gaussian policies, a ~ N(K_t x + k_t, C_t C_t') in step t of the episode.
// C_t is lower triangular, its diagonal the exponential of free parameters; "diagonal": there is
// nothing below it.
//   theta = T blocks [K_t (nact x nobs), k_t, r_t = log diag C_t, l_t below it, row by row]
//   a row of the distribution  d = [m (nact), r (nact), l (nact (nact - 1) / 2 or none)]
//   z = C^-1 (a - m),   y = C^-T z
// d is linear in theta. Source: Akrour et al. 2018, sec. 2.
#include "policy/time_linear.h"

#include "math/cholesky.h"
#include "math/linalg.h"
#include "policy/ops.h"

#include <math.h>
#include <string.h>

enum { MAX = TND_TIME_LINEAR_MAX_ACTIONS };

typedef struct time_linear {
  tendril_policy base;
  int nlow;       // entries below the diagonal
  int block;      // parameters of a step
  double *C;      // [T][nact][nact]
  double *v;      // [nparam] tangent
  double *theta;  // [nparam] that are to be set
  tnd_arena arena;
} time_linear;

typedef struct time_linear_rows {
  tnd_policy_rows base;
  double *x;  // [capacity][nobs]
  int *t;     // [capacity]
  int n;
  tnd_arena arena;
} time_linear_rows;

static void layout(time_linear *p, tnd_arena *arena) {
  const size_t nact = (size_t)p->base.nact;
  p->C = tnd_arena_doubles(arena, (size_t)p->base.horizon * nact * nact);
  p->v = tnd_arena_doubles(arena, (size_t)p->base.nparam);
  p->theta = tnd_arena_doubles(arena, (size_t)p->base.nparam);
}

static void destroy(tendril_policy *policy) {
  time_linear *p = (time_linear *)policy;
  tnd_arena_free(&p->arena);
  tnd_policy_base_destroy(policy);
  tnd_free(p);
}

// C [nact][nact], zeros above the diagonal, from r and l.
static void make_factor(int nact, int nlow, const double *r, const double *l, double *C) {
  memset(C, 0, sizeof *C * (size_t)(nact * nact));
  for (int i = 0; i < nact; i++) {
    C[i * nact + i] = exp(r[i]);
    for (int j = 0; nlow && j < i; j++)
      C[i * nact + j] = *l++;
  }
}

static void params_changed(tendril_policy *policy) {
  time_linear *p = (time_linear *)policy;
  const int nact = policy->nact;
  for (int t = 0; t < policy->horizon; t++) {
    const double *r = policy->theta + (ptrdiff_t)t * p->block + nact * (policy->nobs + 1);
    make_factor(nact, p->nlow, r, r + nact, p->C + (ptrdiff_t)t * nact * nact);
  }
}

// The step of an input; a longer episode goes on with the last one.
static int step_of(const tendril_policy *policy, const double *x) {
  const double t = floor(x[policy->nobs] * policy->horizon + 0.5);
  return t < policy->horizon ? (int)t : policy->horizon - 1;
}

// m [nact] = K x + k for a block that begins with K and k
static void linear(const tendril_policy *policy, const double *block, const double *x, double *m) {
  const int nobs = policy->nobs, nact = policy->nact;
  const double *k = block + nact * nobs;
  for (int i = 0; i < nact; i++) {
    m[i] = k[i];
    for (int j = 0; j < nobs; j++)
      m[i] += block[i * nobs + j] * x[j];
  }
}

static size_t act_size(const tendril_policy *policy) {
  (void)policy;
  return 0;
}

static void act(const tendril_policy *policy, double *scratch, const double *x, const double *noise,
                double *action) {
  (void)scratch;
  const time_linear *p = (const time_linear *)policy;
  const int nact = policy->nact, t = step_of(policy, x);
  linear(policy, policy->theta + (ptrdiff_t)t * p->block, x, action);
  const double *C = p->C + (ptrdiff_t)t * nact * nact;
  for (int i = 0; noise && i < nact; i++)
    for (int j = 0; j <= i; j++)
      action[i] += C[i * nact + j] * noise[j];
}

// ------------------------------------------------------------------------ products with d's J

static void rows_destroy(tnd_policy_rows *rows) {
  time_linear_rows *r = (time_linear_rows *)rows;
  tnd_arena_free(&r->arena);
  tnd_free(r);
}

static void layout_rows(time_linear_rows *r, const tendril_policy *policy, int capacity) {
  r->x = tnd_arena_doubles(&r->arena, (size_t)capacity * (size_t)policy->nobs);
  r->t = tnd_arena_ints(&r->arena, (size_t)capacity);
}

static tendril_status rows_create(const tendril_policy *policy, int capacity, bool kept,
                                  tnd_policy_rows **out, tendril_error *err) {
  (void)kept;  // there is no scratch
  time_linear_rows *r = tnd_alloc(sizeof *r);
  if (!r) return tnd_fail_memory(err);
  r->base.ops = policy->ops;
  layout_rows(r, policy, capacity);
  const tendril_status status = tnd_arena_alloc(&r->arena, err);
  if (status != TENDRIL_OK) {
    rows_destroy(&r->base);
    return status;
  }
  layout_rows(r, policy, capacity);
  *out = &r->base;
  return TENDRIL_OK;
}

static void rows_borrow(tnd_policy_rows *kept, const tnd_policy_rows *from) {
  (void)kept, (void)from;
}

// d [n][ndist] of the rows for some parameters; those that it is linear in
static void apply(const time_linear *p, const time_linear_rows *r, const double *theta, double *d) {
  const tendril_policy *policy = &p->base;
  const int nact = policy->nact;
  for (int i = 0; i < r->n; i++) {
    const double *block = theta + (ptrdiff_t)r->t[i] * p->block;
    double *row = d + (ptrdiff_t)i * policy->ndist;
    linear(policy, block, r->x + (ptrdiff_t)i * policy->nobs, row);
    memcpy(row + nact, block + nact * (policy->nobs + 1), sizeof *row * (size_t)(nact + p->nlow));
  }
}

static void forward(const tendril_policy *policy, tnd_policy_rows *rows, int n, const double *x,
                    double *d) {
  const time_linear *p = (const time_linear *)policy;
  time_linear_rows *r = (time_linear_rows *)rows;
  const int nobs = policy->nobs;
  r->n = n;
  for (int i = 0; i < n; i++) {
    const double *xi = x + (ptrdiff_t)i * policy->ninput;
    memcpy(r->x + (ptrdiff_t)i * nobs, xi, sizeof *xi * (size_t)nobs);
    r->t[i] = step_of(policy, xi);
  }
  apply(p, r, policy->theta, d);
}

static void jacobian(const tendril_policy *policy, const tnd_policy_rows *rows, double *P) {
  const time_linear *p = (const time_linear *)policy;
  const time_linear_rows *r = (const time_linear_rows *)rows;
  const size_t size = (size_t)policy->nact * (size_t)policy->nobs;
  for (int i = 0; i < r->n; i++)  // K_t
    memcpy(P + (size_t)i * size, policy->theta + (ptrdiff_t)r->t[i] * p->block, sizeof *P * size);
}

static void set_tangent(tendril_policy *policy, const double *v) {
  memcpy(((time_linear *)policy)->v, v, sizeof *v * (size_t)policy->nparam);
}

static void jvp(const tendril_policy *policy, tnd_policy_rows *rows, double *jv) {
  const time_linear *p = (const time_linear *)policy;
  apply(p, (const time_linear_rows *)rows, p->v, jv);
}

static void vjp(const tendril_policy *policy, tnd_policy_rows *rows, const double *u,
                double *grad) {
  const time_linear *p = (const time_linear *)policy;
  const time_linear_rows *r = (const time_linear_rows *)rows;
  const int nobs = policy->nobs, nact = policy->nact;
  for (int i = 0; i < r->n; i++) {
    const double *row = u + (ptrdiff_t)i * policy->ndist, *x = r->x + (ptrdiff_t)i * nobs;
    double *block = grad + (ptrdiff_t)r->t[i] * p->block;
    for (int a = 0; a < nact; a++)
      for (int j = 0; j < nobs; j++)
        block[a * nobs + j] += row[a] * x[j];
    for (int a = 0; a < 2 * nact + p->nlow; a++)  // k, r and l
      block[nact * nobs + a] += row[a];
  }
}

// ------------------------------------------------------------------------- rows of d

// C of a row and z = C^-1 (a - m).
static void whiten(const time_linear *p, const double *d, const double *action, double *C,
                   double *z) {
  const int nact = p->base.nact;
  make_factor(nact, p->nlow, d + nact, d + 2 * nact, C);
  for (int i = 0; i < nact; i++)
    z[i] = action[i] - d[i];
  tnd_cholesky_forward(nact, nact, C, 1, z);
}

// log pi = - |z|^2 / 2 - sum r - nact log(2 pi) / 2
static void logp(const tendril_policy *policy, int n, const double *d, const double *action,
                 double *out) {
  const time_linear *p = (const time_linear *)policy;
  const int nact = policy->nact;
  double C[MAX * MAX], z[MAX];
  for (int i = 0; i < n; i++) {
    const double *row = d + (ptrdiff_t)i * policy->ndist;
    whiten(p, row, action + (ptrdiff_t)i * nact, C, z);
    out[i] = 0;
    for (int j = 0; j < nact; j++)
      out[i] -= 0.5 * z[j] * z[j] + row[nact + j] + 0.5 * TND_LOG_2PI;
  }
}

// d log pi / dm = y,   / dC_ij = y_i z_j - [i = j] / C_ii
static void logp_gradient(const tendril_policy *policy, int n, const double *d,
                          const double *action, const double *weight, double *u) {
  const time_linear *p = (const time_linear *)policy;
  const int nact = policy->nact;
  double C[MAX * MAX], z[MAX], y[MAX];
  for (int i = 0; i < n; i++) {
    whiten(p, d + (ptrdiff_t)i * policy->ndist, action + (ptrdiff_t)i * nact, C, z);
    memcpy(y, z, sizeof *y * (size_t)nact);
    tnd_cholesky_backward(nact, nact, C, 1, y);
    double *ui = u + (ptrdiff_t)i * policy->ndist, *low = ui + 2 * nact;
    for (int a = 0; a < nact; a++) {
      ui[a] = weight[i] * y[a];
      ui[nact + a] = weight[i] * (y[a] * z[a] * C[a * nact + a] - 1);
      for (int b = 0; p->nlow && b < a; b++)
        *low++ = weight[i] * y[a] * z[b];
    }
  }
}

// KL(old || new) = 1/2 [ |P|_F^2 - nact - 2 log |P| + |C^-1 (m0 - m)|^2 ],  P = C^-1 C0; the
// diagonal of P by q = r - r0, as q + (exp(-2q) - 1) / 2 keeps its digits when old and new are
// close.
static void kl(const tendril_policy *policy, int n, const double *d_old, const double *d_new,
               double *out) {
  const time_linear *p = (const time_linear *)policy;
  const int nact = policy->nact;
  double C[MAX * MAX], C0[MAX * MAX], z[MAX], column[MAX];
  for (int i = 0; i < n; i++) {
    const double *row0 = d_old + (ptrdiff_t)i * policy->ndist;
    const double *row = d_new + (ptrdiff_t)i * policy->ndist;
    whiten(p, row, row0, C, z);
    double sum = 0;
    for (int a = 0; a < nact; a++) {
      const double q = row[nact + a] - row0[nact + a];
      const double spread = q + 0.5 * expm1(-2 * q);
      sum += 0.5 * z[a] * z[a] + (spread > 0 ? spread : 0);
    }
    if (p->nlow) make_factor(nact, p->nlow, row0 + nact, row0 + 2 * nact, C0);
    for (int b = 0; p->nlow && b < nact; b++) {  // P column by column
      for (int a = 0; a < nact; a++)
        column[a] = C0[a * nact + b];
      tnd_cholesky_forward(nact, nact, C, 1, column);
      for (int a = b + 1; a < nact; a++)
        sum += 0.5 * column[a] * column[a];
    }
    out[i] = sum;
  }
}

// In m: Sigma^-1. In C: with E = C^-1 dC the KL is |E|_F^2 / 2 + sum E_ii^2 / 2, so the product is
// C^-T W with W = E, its diagonal doubled.
static void metric(const tendril_policy *policy, int n, const double *d, double *v) {
  const time_linear *p = (const time_linear *)policy;
  const int nact = policy->nact;
  double C[MAX * MAX], column[MAX], dC[MAX * MAX];
  for (int i = 0; i < n; i++) {
    const double *row = d + (ptrdiff_t)i * policy->ndist;
    double *vi = v + (ptrdiff_t)i * policy->ndist;
    make_factor(nact, p->nlow, row + nact, row + 2 * nact, C);
    tnd_cholesky_solve(nact, nact, C, 1, vi);
    if (!p->nlow) {
      for (int a = 0; a < nact; a++)
        vi[nact + a] *= 2;
      continue;
    }
    make_factor(nact, p->nlow, vi + nact, vi + 2 * nact, dC);
    for (int b = 0; b < nact; b++) {
      for (int a = 0; a < nact; a++)
        column[a] = a < b ? 0 : a == b ? vi[nact + a] * C[a * nact + a] : dC[a * nact + b];
      tnd_cholesky_forward(nact, nact, C, 1, column);
      column[b] *= 2;
      tnd_cholesky_backward(nact, nact, C, 1, column);
      for (int a = b; a < nact; a++)
        dC[a * nact + b] = column[a];
    }
    double *low = vi + 2 * nact;
    for (int a = 0; a < nact; a++) {
      vi[nact + a] = dC[a * nact + a] * C[a * nact + a];
      for (int b = 0; b < a; b++)
        *low++ = dC[a * nact + b];
    }
  }
}

// entropy = sum r + nact log(2 pi e) / 2
static void entropy(const tendril_policy *policy, int n, const double *d, double *h) {
  const int nact = policy->nact;
  for (int i = 0; i < n; i++) {
    const double *r = d + (ptrdiff_t)i * policy->ndist + nact;
    h[i] = 0.5 * nact * (TND_LOG_2PI + 1);
    for (int j = 0; j < nact; j++)
      h[i] += r[j];
  }
}

static const tnd_policy_ops ops = {
    .destroy = destroy,
    .params_changed = params_changed,
    .act_size = act_size,
    .act = act,
    .rows_create = rows_create,
    .rows_borrow = rows_borrow,
    .rows_destroy = rows_destroy,
    .forward = forward,
    .jacobian = jacobian,
    .set_tangent = set_tangent,
    .jvp = jvp,
    .vjp = vjp,
    .logp = logp,
    .logp_gradient = logp_gradient,
    .kl = kl,
    .metric = metric,
    .entropy = entropy,
};

tendril_status tnd_time_linear_create(const tendril_policy_options *options,
                                      const tnd_policy_shape *shape, uint64_t seed,
                                      tendril_policy **out, tendril_error *err) {
  (void)seed;
  const int nact = shape->nact, nobs = shape->nobs, T = shape->horizon;
  const bool full = options->covariance == TENDRIL_COVARIANCE_FULL;
  if (nact > MAX)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "policy.kind: time-linear takes up to %d actions, this task has %d; use mlp or "
                    "linear",
                    MAX, nact);
  const int nlow = full ? nact * (nact - 1) / 2 : 0;
  const int64_t block = (int64_t)nact * (nobs + 2) + nlow;
  if (block * T > INT32_MAX / 8)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "policy.kind: time-linear has %lld parameters for each of %d steps, too many "
                    "in all; shorten the episode (sim.max_steps)",
                    (long long)block, T);
  time_linear *p = tnd_alloc(sizeof *p);
  if (!p) return tnd_fail_memory(err);
  p->base.ops = &ops;
  p->nlow = nlow;
  p->block = (int)block;
  p->base.nparam = (int)(block * T);
  p->base.ndist = 2 * nact + nlow;
  p->base.log_std = -1;
  tendril_status status = tnd_policy_base_create(&p->base, options, shape, err);
  if (status == TENDRIL_OK) {
    layout(p, &p->arena);
    status = tnd_arena_alloc(&p->arena, err);
  }
  if (status != TENDRIL_OK) {
    destroy(&p->base);
    return status;
  }
  layout(p, &p->arena);
  for (int t = 0; t < T; t++)
    for (int i = 0; i < nact; i++)
      p->base.theta[(ptrdiff_t)t * p->block + nact * (nobs + 1) + i] = options->log_std;
  params_changed(&p->base);
  *out = &p->base;
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- by its steps

tendril_status tnd_time_linear_check(const tendril_policy *policy, const char *method,
                                     tendril_error *err) {
  const tendril_policy_options *o = &policy->options;
  if (o->kind == TENDRIL_POLICY_TIME_LINEAR && o->covariance == TENDRIL_COVARIANCE_FULL &&
      !o->normalize)
    return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_CONFIG,
                  "learner.name: %s needs policy.kind=time-linear, policy.covariance=full and "
                  "policy.normalize=false",
                  method);
}

tnd_linear_gaussian tnd_time_linear_step(const tendril_policy *policy, int t) {
  const time_linear *p = (const time_linear *)policy;
  const int nobs = policy->nobs, nact = policy->nact;
  double *block = policy->theta + (ptrdiff_t)t * p->block;
  return (tnd_linear_gaussian){.ns = nobs,
                               .na = nact,
                               .K = block,
                               .k = block + nact * nobs,
                               .C = p->C + (ptrdiff_t)t * nact * nact};
}

tendril_status tnd_time_linear_set(tendril_policy *policy, const tnd_linear_gaussian *steps,
                                   tendril_error *err) {
  time_linear *p = (time_linear *)policy;
  const int nobs = policy->nobs, nact = policy->nact;
  for (int t = 0; t < policy->horizon; t++) {
    const tnd_linear_gaussian *step = &steps[t];
    double *block = p->theta + (ptrdiff_t)t * p->block, *low = block + nact * (nobs + 2);
    memcpy(block, step->K, sizeof *block * (size_t)(nact * nobs));
    memcpy(block + nact * nobs, step->k, sizeof *block * (size_t)nact);
    for (int i = 0; i < nact; i++) {
      block[nact * (nobs + 1) + i] = log(step->C[i * nact + i]);
      for (int j = 0; p->nlow && j < i; j++)
        *low++ = step->C[i * nact + j];
    }
    if (!tnd_all_finite(p->block, block))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "policy: a number of step %d is not finite", t);
  }
  return tendril_policy_set_params(policy, p->theta, err);
}

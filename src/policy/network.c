// Diagonal Gaussian policies, a ~ N(m(x), diag(exp(2 r))): m a network or a linear map of the
// input, r free parameters that do not depend on it (Schulman et al. 2015, app.
// D).
//   theta = [parameters of m, r],  a row of the distribution d = [m (nact), r (nact)]
//   z = (a - m) / exp(r)
#include <math.h>
#include <string.h>

#include "policy/mlp.h"
#include "policy/ops.h"

#define HALF_LOG_2PI 0.91893853320467274178

typedef struct gaussian {
  tendril_policy base;
  tnd_mlp *mean;
  int nmean;   // parameters of the mean
  double *sd;  // [nact] exp(r)
  double *dr;  // [nact] tangent of r
  tnd_arena arena;
} gaussian;

typedef struct gaussian_rows {
  tnd_policy_rows base;
  tnd_mlp_rows *mean;
  double *m;  // [capacity][nact] means, their tangents or gradients
  int n;
  tnd_arena arena;
} gaussian_rows;

static void layout(gaussian *g, tnd_arena *arena) {
  g->sd = tnd_arena_doubles(arena, (size_t)g->base.nact);
  g->dr = tnd_arena_doubles(arena, (size_t)g->base.nact);
}

static void destroy(tendril_policy *policy) {
  gaussian *g = (gaussian *)policy;
  tnd_mlp_destroy(g->mean);
  tnd_arena_free(&g->arena);
  tnd_policy_base_destroy(policy);
  tnd_free(g);
}

static void params_changed(tendril_policy *policy) {
  gaussian *g = (gaussian *)policy;
  tnd_mlp_set_params(g->mean, policy->theta);
  for (int j = 0; j < policy->nact; j++)
    g->sd[j] = exp(policy->theta[g->nmean + j]);
}

static size_t act_size(const tendril_policy *policy) {
  return tnd_mlp_point_size(((const gaussian *)policy)->mean);
}

static void act(const tendril_policy *policy, double *scratch, const double *x, const double *noise,
                double *action) {
  const gaussian *g = (const gaussian *)policy;
  tnd_mlp_point(g->mean, scratch, x, action);
  // a = m + exp(r) noise
  for (int j = 0; noise && j < policy->nact; j++)
    action[j] += g->sd[j] * noise[j];
}

static void rows_destroy(tnd_policy_rows *rows) {
  gaussian_rows *r = (gaussian_rows *)rows;
  tnd_mlp_rows_destroy(r->mean);
  tnd_arena_free(&r->arena);
  tnd_free(r);
}

static tendril_status rows_create(const tendril_policy *policy, int capacity, bool kept,
                                  tnd_policy_rows **out, tendril_error *err) {
  const gaussian *g = (const gaussian *)policy;
  gaussian_rows *r = tnd_alloc(sizeof *r);
  if (!r) return tnd_fail_memory(err);
  r->base.ops = policy->ops;
  size_t nm = kept ? 0 : (size_t)capacity * (size_t)policy->nact;
  r->m = tnd_arena_doubles(&r->arena, nm);
  tendril_status status = tnd_arena_alloc(&r->arena, err);
  if (status == TENDRIL_OK) {
    r->m = tnd_arena_doubles(&r->arena, nm);
    status = kept ? tnd_mlp_rows_create_kept(g->mean, capacity, &r->mean, err)
                  : tnd_mlp_rows_create(g->mean, capacity, &r->mean, err);
  }
  if (status != TENDRIL_OK) {
    rows_destroy(&r->base);
    return status;
  }
  *out = &r->base;
  return TENDRIL_OK;
}

static void rows_borrow(tnd_policy_rows *kept, const tnd_policy_rows *from) {
  gaussian_rows *r = (gaussian_rows *)kept;
  const gaussian_rows *f = (const gaussian_rows *)from;
  r->m = f->m;
  tnd_mlp_rows_borrow(r->mean, f->mean);
}

// d [n][2 nact] = [m, r], r the same in every row
static void join(const gaussian *g, int n, const double *m, const double *r, double *d) {
  int nact = g->base.nact;
  for (int i = 0; i < n; i++) {
    double *row = d + (ptrdiff_t)i * 2 * nact;
    for (int j = 0; j < nact; j++) {
      row[j] = m[(ptrdiff_t)i * nact + j];
      row[nact + j] = r[j];
    }
  }
}

static void forward(const tendril_policy *policy, tnd_policy_rows *rows, int n, const double *x,
                    double *d) {
  const gaussian *g = (const gaussian *)policy;
  gaussian_rows *r = (gaussian_rows *)rows;
  r->n = n;
  tnd_mlp_forward(g->mean, r->mean, n, x, r->m);
  join(g, n, r->m, policy->theta + g->nmean, d);
}

static void jacobian(const tendril_policy *policy, const tnd_policy_rows *rows, double *P) {
  tnd_mlp_jacobian(((const gaussian *)policy)->mean, ((const gaussian_rows *)rows)->mean,
                   policy->nobs, P);
}

static void set_tangent(tendril_policy *policy, const double *v) {
  gaussian *g = (gaussian *)policy;
  tnd_mlp_set_tangent(g->mean, v);
  memcpy(g->dr, v + g->nmean, (size_t)policy->nact * sizeof *v);
}

static void jvp(const tendril_policy *policy, tnd_policy_rows *rows, double *jv) {
  const gaussian *g = (const gaussian *)policy;
  gaussian_rows *r = (gaussian_rows *)rows;
  tnd_mlp_jvp(g->mean, r->mean, r->m);
  join(g, r->n, r->m, g->dr, jv);
}

static void vjp(const tendril_policy *policy, tnd_policy_rows *rows, const double *u,
                double *grad) {
  const gaussian *g = (const gaussian *)policy;
  gaussian_rows *r = (gaussian_rows *)rows;
  int nact = policy->nact;
  for (int i = 0; i < r->n; i++) {
    const double *row = u + (ptrdiff_t)i * 2 * nact;
    for (int j = 0; j < nact; j++) {
      r->m[(ptrdiff_t)i * nact + j] = row[j];
      grad[g->nmean + j] += row[nact + j];
    }
  }
  tnd_mlp_vjp(g->mean, r->mean, r->m, grad);
}

// The functions of rows below go column by column: r hardly ever differs between rows, and so each
// column calls the exponential once.

// log pi = sum_j [ -z_j^2 / 2 - r_j - log(2 pi) / 2 ]
static void logp(const tendril_policy *policy, int n, const double *d, const double *action,
                 double *out) {
  int nact = policy->nact;
  memset(out, 0, (size_t)n * sizeof *out);
  for (int j = 0; j < nact; j++) {
    double r = 0, precision = 1;
    for (int i = 0; i < n; i++) {
      const double *row = d + (ptrdiff_t)i * 2 * nact + j;
      if (row[nact] != r) precision = exp(-(r = row[nact]));
      double z = (action[(ptrdiff_t)i * nact + j] - row[0]) * precision;
      out[i] -= 0.5 * z * z + r + HALF_LOG_2PI;
    }
  }
}

// d log pi / dm = z / exp(r),  d log pi / dr = z^2 - 1
static void logp_gradient(const tendril_policy *policy, int n, const double *d,
                          const double *action, const double *weight, double *u) {
  int nact = policy->nact;
  for (int j = 0; j < nact; j++) {
    double r = 0, precision = 1;
    for (int i = 0; i < n; i++) {
      const double *row = d + (ptrdiff_t)i * 2 * nact + j;
      if (row[nact] != r) precision = exp(-(r = row[nact]));
      double z = (action[(ptrdiff_t)i * nact + j] - row[0]) * precision;
      double *ui = u + (ptrdiff_t)i * 2 * nact + j;
      ui[0] = weight[i] * z * precision;
      ui[nact] = weight[i] * (z * z - 1);
    }
  }
}

// KL(old || new) = sum_j [ r_j - r0_j + (sd0_j^2 + (m0_j - m_j)^2) / (2 sd_j^2) - 1/2 ]
//                = sum_j [ q + (exp(-2q) - 1) / 2 + z^2 / 2 ],  q = r_j - r0_j,
// which keeps its digits when old and new are close.
static void kl(const tendril_policy *policy, int n, const double *d_old, const double *d_new,
               double *out) {
  int nact = policy->nact;
  memset(out, 0, (size_t)n * sizeof *out);
  for (int j = 0; j < nact; j++) {
    double r = 0, q = 0, precision = 1, spread = 0;
    for (int i = 0; i < n; i++) {
      const double *row0 = d_old + (ptrdiff_t)i * 2 * nact + j;
      const double *row = d_new + (ptrdiff_t)i * 2 * nact + j;
      if (row[nact] != r) precision = exp(-(r = row[nact]));
      if (row[nact] - row0[nact] != q) {
        q = row[nact] - row0[nact];
        spread = q + 0.5 * expm1(-2 * q);
        if (spread < 0) spread = 0;  // rounding
      }
      double z = (row0[0] - row[0]) * precision;
      out[i] += spread + 0.5 * z * z;
    }
  }
}

// M = diag(exp(-2 r)) for m, 2 I for r
static void metric(const tendril_policy *policy, int n, const double *d, double *v) {
  int nact = policy->nact;
  for (int j = 0; j < nact; j++) {
    double r = 0, precision2 = 1;
    for (int i = 0; i < n; i++) {
      double rj = d[(ptrdiff_t)i * 2 * nact + nact + j];
      if (rj != r) precision2 = exp(-2 * (r = rj));
      double *vi = v + (ptrdiff_t)i * 2 * nact + j;
      vi[0] *= precision2;
      vi[nact] *= 2;
    }
  }
}

// entropy = sum_j [ r_j + log(2 pi e) / 2 ]
static void entropy(const tendril_policy *policy, int n, const double *d, double *h) {
  int nact = policy->nact;
  for (int i = 0; i < n; i++) {
    const double *r = d + (ptrdiff_t)i * 2 * nact + nact;
    h[i] = 0;
    for (int j = 0; j < nact; j++)
      h[i] += r[j] + HALF_LOG_2PI + 0.5;
  }
}

static const tnd_policy_ops gaussian_ops = {
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

// Orthogonal weights for the mean, r = log_std.
static tendril_status init(gaussian *g, const tnd_mlp_shape *shape, uint64_t seed,
                           tendril_error *err) {
  tendril_random random = tendril_random_stream(seed, TENDRIL_PURPOSE_INIT, 0, 0);
  TENDRIL_TRY(tnd_mlp_init(shape, g->base.options.output_gain, &random, g->base.theta, err));
  for (int j = 0; j < g->base.nact; j++)
    g->base.theta[g->nmean + j] = g->base.options.log_std;
  params_changed(&g->base);
  return TENDRIL_OK;
}

tendril_status tnd_network_policy_create(const tendril_policy_options *options,
                                         const tnd_policy_shape *sizes, uint64_t seed,
                                         tendril_policy **out, tendril_error *err) {
  gaussian *g = tnd_alloc(sizeof *g);
  if (!g) return tnd_fail_memory(err);
  const int nact = sizes->nact;
  tnd_mlp_shape shape = {.nin = sizes->ninput,
                         .nout = nact,
                         .activation = (tendril_activation)options->activation,
                         .precision = (tendril_precision)options->precision};
  if (options->kind == TENDRIL_POLICY_MLP) shape.hidden = options->hidden;

  tendril_status status = tnd_mlp_create(&shape, &g->mean, err);
  if (status == TENDRIL_OK) {
    g->nmean = (int)tnd_mlp_nparam(&shape);
    g->base.ops = &gaussian_ops;
    g->base.nact = nact;
    g->base.nparam = g->nmean + nact;
    g->base.ndist = 2 * nact;
    g->base.log_std = g->nmean;
    layout(g, &g->arena);
    status = tnd_arena_alloc(&g->arena, err);
  }
  if (status == TENDRIL_OK) {
    layout(g, &g->arena);
    status = tnd_policy_base_create(&g->base, options, sizes, err);
  }
  if (status == TENDRIL_OK) status = init(g, &shape, seed, err);
  if (status != TENDRIL_OK) {
    destroy(&g->base);
    return status;
  }
  *out = &g->base;
  return TENDRIL_OK;
}

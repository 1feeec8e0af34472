// Each step is a piece of work of its own. Both fits come down to the mean and the covariance of
// the joint (z, x') and to a Cholesky factor of it: with
//   Sigma = [ Lzz 0 ; Lxz Lxx ] [ . ]',   f = Lxz Lzz^-1   and   F = Lxx Lxx',
// so F is positive definite however small. Regression takes its residuals from the data instead,
// as a ridge in Sigma would be counted as noise.
// Source: docs/methods/local-models.md.
#include "dynamics/local_dynamics.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "math/cholesky.h"
#include "math/linalg.h"

#include <float.h>
#include <math.h>
#include <string.h>

// on F, of the variance of x': a millionth of its spread
static const double noise_floor = 1e-12;

typedef enum fault { NO_FAULT, SAMPLE, PRIOR, SINGULAR, CONSTANT, OVERFLOWN } fault;

// One thread's.
typedef struct scratch {
  double *mean, *S;    // [p], [p][p] of the samples
  double *mu, *Sigma;  // [p], [p][p] of the posterior; Sigma is factored in place
  double *r;           // [p] residual of a sample
} scratch;

struct tnd_local_dynamics {
  int T, dx, du, nz, p;
  tendril_pool *pool;
  tnd_linear_gaussian *models[2];  // [T]
  int current;                     // those that are shown
  scratch *scratch;                // [threads]
  fault *faults;                   // [T]
  int *entries;                    // [T] which entry of y, where that says more
  // the fit that runs
  int N;
  const double *y;
  double ridge;
  const tnd_niw_prior *prior;  // NULL: regression
  tnd_arena arena;
};

static void layout(tnd_local_dynamics *d, tnd_arena *arena) {
  const size_t T = (size_t)d->T, p = (size_t)d->p;
  for (int i = 0; i < 2; i++)
    d->models[i] = tnd_linear_gaussian_layout(arena, d->T, d->nz, d->dx);
  d->faults = tnd_arena_take(arena, T, sizeof *d->faults);
  d->entries = tnd_arena_ints(arena, T);
  const int threads = tendril_pool_threads(d->pool);
  d->scratch = tnd_arena_take(arena, (size_t)threads, sizeof *d->scratch);
  for (int i = 0; i < threads; i++) {
    scratch own;
    own.mean = tnd_arena_doubles(arena, p);
    own.S = tnd_arena_doubles(arena, p * p);
    own.mu = tnd_arena_doubles(arena, p);
    own.Sigma = tnd_arena_doubles(arena, p * p);
    own.r = tnd_arena_doubles(arena, p);
    if (d->scratch) d->scratch[i] = own;
  }
}

tendril_status tnd_local_dynamics_create(int T, int dx, int du, tendril_pool *pool,
                                         tnd_local_dynamics **out, tendril_error *err) {
  if (T < 1 || dx < 1 || du < 1)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "local dynamics: %d steps of %d states and %d controls; use at least 1 of each",
                    T, dx, du);
  tnd_local_dynamics *d = tnd_alloc(sizeof *d);
  if (!d) return tnd_fail_memory(err);
  *d = (tnd_local_dynamics){
      .T = T, .dx = dx, .du = du, .nz = dx + du, .p = 2 * dx + du, .pool = pool};
  layout(d, &d->arena);
  tendril_status status = tnd_arena_alloc(&d->arena, err);
  if (status != TENDRIL_OK) {
    tnd_free(d);
    return status;
  }
  layout(d, &d->arena);
  *out = d;
  return TENDRIL_OK;
}

void tnd_local_dynamics_destroy(tnd_local_dynamics *d) {
  if (!d) return;
  tnd_arena_free(&d->arena);
  tnd_free(d);
}

int tnd_local_dynamics_need(const tnd_local_dynamics *d) {
  return d->nz + 2;
}

const tnd_linear_gaussian *tnd_local_dynamics_models(const tnd_local_dynamics *d) {
  return d->models[d->current];
}

// Mean and covariance (lower triangle, divisor N) of rows y [N][p], in two passes: no digits are
// lost to the size of the mean. An entry whose spread is the rounding of its mean doesn't vary.
static void moments(int p, int N, const double *y, double *mean, double *S) {
  memset(mean, 0, sizeof *mean * (size_t)p);
  memset(S, 0, sizeof *S * (size_t)(p * p));
  if (N == 0) return;
  for (int s = 0; s < N; s++)
    for (int i = 0; i < p; i++)
      mean[i] += y[s * p + i];
  for (int i = 0; i < p; i++)
    mean[i] /= N;
  for (int s = 0; s < N; s++)
    for (int i = 0; i < p; i++) {
      const double di = y[s * p + i] - mean[i];
      for (int j = 0; j <= i; j++)
        S[i * p + j] += di * (y[s * p + j] - mean[j]);
    }
  for (int i = 0; i < p; i++)
    for (int j = 0; j <= i; j++)
      S[i * p + j] /= N;
  for (int i = 0; i < p; i++) {
    if (sqrt(S[i * p + i]) > N * DBL_EPSILON * fabs(mean[i])) continue;
    memset(S + i * p, 0, sizeof *S * (size_t)(i + 1));
    for (int k = i + 1; k < p; k++)
      S[k * p + i] = 0;
  }
}

void tnd_niw_posterior(int p, int N, const double *mean, const double *S, double m, double n0,
                       const double *mu0, const double *Phi, double *mu, double *Sigma) {
  const double pull = N * m / (N + m);
  for (int i = 0; i < p; i++)
    for (int j = 0; j <= i; j++) {
      const double shift = (mean[i] - mu0[i]) * (mean[j] - mu0[j]);
      Sigma[i * p + j] = (Phi[i * p + j] + N * S[i * p + j] + pull * shift) / (N + n0);
      Sigma[j * p + i] = Sigma[i * p + j];
    }
  for (int i = 0; i < p; i++)
    mu[i] = (m * mu0[i] + N * mean[i]) / (m + N);
}

// The factor of A [n][n] in place; false where a pivot is rounding of its own diagonal entry.
static bool factor(int n, int stride, double *A, const double *diagonal) {
  if (!tnd_cholesky(n, stride, A)) return false;
  for (int i = 0; i < n; i++) {
    const double pivot = A[i * stride + i];
    if (pivot * pivot <= 4 * n * DBL_EPSILON * diagonal[i]) return false;
  }
  return true;
}

// f [dx][nz] from the rows below Lzz, f Lzz = Lxz: from the last column on.
static void divide(int dx, int nz, int stride, const double *L, double *f) {
  for (int i = 0; i < dx; i++) {
    const double *lxz = L + (nz + i) * stride;
    for (int j = nz - 1; j >= 0; j--) {
      double sum = lxz[j];
      for (int k = j + 1; k < nz; k++)
        sum -= f[i * nz + k] * L[k * stride + j];
      f[i * nz + j] = sum / L[j * stride + j];
    }
  }
}

// fc = mean of x' - f mean of z
static void constants(int dx, int nz, const double *mean, tnd_linear_gaussian *model) {
  for (int i = 0; i < dx; i++) {
    model->k[i] = mean[nz + i];
    for (int j = 0; j < nz; j++)
      model->k[i] -= model->K[i * nz + j] * mean[j];
  }
}

static fault regress(const tnd_local_dynamics *d, const double *y, scratch *w,
                     tnd_linear_gaussian *model, int *entry) {
  const int p = d->p, nz = d->nz, dx = d->dx;
  // what is to be factored: [ S_zz + ridge . ; S_x'z . ]
  double *L = w->Sigma;
  memcpy(L, w->S, sizeof *L * (size_t)(p * p));
  for (int i = 0; i < nz; i++) {
    L[i * p + i] += d->ridge * L[i * p + i];
    // an entry that never varies has the coefficient 0, if there is a ridge
    if (d->ridge > 0 && L[i * p + i] == 0) L[i * p + i] = 1;
    w->r[i] = L[i * p + i];
  }
  if (!factor(nz, p, L, w->r)) return SINGULAR;
  for (int i = nz; i < p; i++) {
    if (!(w->S[i * p + i] > 0)) {
      *entry = i - nz;
      return CONSTANT;
    }
    tnd_cholesky_forward(nz, p, L, 1, L + i * p);  // Lxz = S_x'z Lzz^-T, a row at a time
  }
  divide(dx, nz, p, L, model->K);
  constants(dx, nz, w->mean, model);

  // F from the residuals of the samples
  double *F = model->C;
  memset(F, 0, sizeof *F * (size_t)(dx * dx));
  for (int s = 0; s < d->N; s++) {
    const double *row = y + s * p;
    for (int i = 0; i < dx; i++) {
      double r = row[nz + i] - w->mean[nz + i];
      for (int j = 0; j < nz; j++)
        r -= model->K[i * nz + j] * (row[j] - w->mean[j]);
      w->r[i] = r;
      for (int j = 0; j <= i; j++)
        F[i * dx + j] += r * w->r[j];
    }
  }
  for (int i = 0; i < dx; i++) {
    for (int j = 0; j <= i; j++)
      F[i * dx + j] /= d->N;
    F[i * dx + i] += noise_floor * w->S[(nz + i) * p + nz + i];
  }
  return tnd_cholesky(dx, dx, F) ? NO_FAULT : SINGULAR;
}

static fault update(const tnd_local_dynamics *d, int t, scratch *w, tnd_linear_gaussian *model) {
  const int p = d->p, nz = d->nz, dx = d->dx;
  const tnd_niw_prior *prior = d->prior;
  const double *mu0 = prior->mu0 + (size_t)t * (size_t)p;
  const double *Phi = prior->Phi + (size_t)t * (size_t)(p * p);
  if (!tnd_all_finite(p, mu0) || !tnd_all_finite(p * p, Phi)) return PRIOR;
  tnd_niw_posterior(p, d->N, w->mean, w->S, prior->m, prior->n0, mu0, Phi, w->mu, w->Sigma);
  for (int i = 0; i < p; i++)
    w->r[i] = w->Sigma[i * p + i];
  if (!factor(p, p, w->Sigma, w->r)) return SINGULAR;
  divide(dx, nz, p, w->Sigma, model->K);
  constants(dx, nz, w->mu, model);
  for (int i = 0; i < dx; i++)
    for (int j = 0; j < dx; j++)
      model->C[i * dx + j] = j <= i ? w->Sigma[(nz + i) * p + nz + j] : 0;
  return NO_FAULT;
}

static void fit_step(void *context, int t, int worker) {
  tnd_local_dynamics *d = context;
  scratch *w = &d->scratch[worker];
  const double *y = d->N ? d->y + (size_t)t * (size_t)d->N * (size_t)d->p : NULL;
  tnd_linear_gaussian *model = &d->models[1 - d->current][t];
  if (!tnd_all_finite((int64_t)d->N * d->p, y)) {
    d->faults[t] = SAMPLE;
    return;
  }
  moments(d->p, d->N, y, w->mean, w->S);
  fault found = d->prior ? update(d, t, w, model) : regress(d, y, w, model, &d->entries[t]);
  if (found == NO_FAULT &&
      (!tnd_all_finite(d->dx * d->nz, model->K) || !tnd_all_finite(d->dx, model->k)))
    found = OVERFLOWN;
  d->faults[t] = found;
}

static tendril_status fit(tnd_local_dynamics *d, int N, const double *y, double ridge,
                          const tnd_niw_prior *prior, tendril_error *err) {
  d->N = N;
  d->y = y;
  d->ridge = ridge;
  d->prior = prior;
  tnd_pool_run(d->pool, d->T, fit_step, d);
  for (int t = 0; t < d->T; t++)
    switch (d->faults[t]) {
    case NO_FAULT:
      break;
    case SAMPLE:
      return tnd_fail(err, TENDRIL_E_NUMERIC, "local dynamics: step %d: a sample is not finite", t);
    case PRIOR:
      return tnd_fail(err, TENDRIL_E_NUMERIC, "local dynamics: step %d: the prior is not finite",
                      t);
    case CONSTANT:
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "local dynamics: step %d: entry %d of the next state is the same in all "
                      "samples; use a prior",
                      t, d->entries[t]);
    case SINGULAR:
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "local dynamics: step %d: states and controls of %d samples do not vary in "
                      "every direction; use %s",
                      t, N, prior ? "a wider prior" : "a larger ridge or a prior");
    case OVERFLOWN:
      return tnd_fail(err, TENDRIL_E_NUMERIC, "local dynamics: step %d: the fit is not finite", t);
    }
  d->current = 1 - d->current;
  return TENDRIL_OK;
}

tendril_status tnd_local_dynamics_regress(tnd_local_dynamics *d, int N, const double *y,
                                          double ridge, tendril_error *err) {
  if (N < d->nz + 2)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "local dynamics: step 0: %d samples; regression on %d states and %d controls "
                    "needs %d, or use a prior",
                    N, d->dx, d->du, d->nz + 2);
  if (!(ridge >= 0) || !isfinite(ridge))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "local dynamics: a ridge of %g; use 0 or more", ridge);
  return fit(d, N, y, ridge, NULL, err);
}

tendril_status tnd_local_dynamics_update(tnd_local_dynamics *d, int N, const double *y,
                                         const tnd_niw_prior *prior, tendril_error *err) {
  if (N < 0 || !(prior->m > 0) || !(prior->n0 > 0) || !isfinite(prior->m) || !isfinite(prior->n0))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "local dynamics: %d samples, a prior of strength %g and %g; use more than 0", N,
                    prior->m, prior->n0);
  return fit(d, N, y, 0, prior, err);
}

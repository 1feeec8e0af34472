// Linear critic: ridge regression on f = [x, x^2, t/100, (t/100)^2, (t/100)^3, 1] (Duan et al.
// 2016). A fit forgets the one before.
//   w = (sum f f' + ridge I)^-1 sum f y
#include <cblas.h>
#include <string.h>

#include "base/alloc.h"
#include "critic/ops.h"
#include "math/blas.h"
#include "math/linalg.h"

#define ROWS 128  // features are made for so many rows at a time

typedef struct linear {
  tnd_critic base;
  int nf;        // features
  double *w;     // [nf] weights
  double *f;     // [ROWS][nf] features
  double *S;     // [nf][nf] sum f f'
  double *b;     // [nf] sum f y
  double *work;  // [nf][nf] factor
  double *next;  // [nf] weights of a fit that may still fail
  tnd_arena arena;
} linear;

static void layout(linear *c, tnd_arena *arena) {
  size_t nf = (size_t)c->nf;
  c->w = tnd_arena_doubles(arena, nf);
  c->f = tnd_arena_doubles(arena, ROWS * nf);
  c->S = tnd_arena_doubles(arena, nf * nf);
  c->b = tnd_arena_doubles(arena, nf);
  c->work = tnd_arena_doubles(arena, nf * nf);
  c->next = tnd_arena_doubles(arena, nf);
}

static void destroy(tnd_critic *critic) {
  linear *c = (linear *)critic;
  tnd_arena_free(&c->arena);
  tnd_free(c);
}

// f [2 nx + 4] of one row
static void features(int nx, const double *x, int time, double *f) {
  for (int i = 0; i < nx; i++) {
    f[i] = x[i];
    f[nx + i] = x[i] * x[i];
  }
  double t = time / 100.0;
  f[2 * nx] = t;
  f[2 * nx + 1] = t * t;
  f[2 * nx + 2] = t * t * t;
  f[2 * nx + 3] = 1;
}

static void predict(const tnd_critic *critic, int worker, int n, const double *x, const int *time,
                    double *v) {
  (void)worker;
  const linear *c = (const linear *)critic;
  int nx = critic->nx;
  const double *w = c->w;
  for (int r = 0; r < n; r++) {
    const double *xr = x + (ptrdiff_t)r * nx;
    double t = time[r] / 100.0;
    double sum = w[2 * nx + 3] + t * (w[2 * nx] + t * (w[2 * nx + 1] + t * w[2 * nx + 2]));
    for (int i = 0; i < nx; i++)
      sum += xr[i] * (w[i] + xr[i] * w[nx + i]);
    v[r] = sum;
  }
}

static tendril_status fit(tnd_critic *critic, int64_t n, const double *x, const int *time,
                          const double *targets, uint32_t iteration, tendril_error *err) {
  (void)iteration;
  linear *c = (linear *)critic;
  int nf = c->nf, nx = critic->nx;
  memset(c->S, 0, (size_t)nf * (size_t)nf * sizeof *c->S);
  memset(c->b, 0, (size_t)nf * sizeof *c->b);
  for (int64_t first = 0; first < n; first += ROWS) {
    int rows = n - first < ROWS ? (int)(n - first) : ROWS;
    for (int r = 0; r < rows; r++)
      features(nx, x + (first + r) * nx, time[first + r], c->f + (ptrdiff_t)r * nf);
    // S += F'F, b += F'y
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, nf, rows, 1, c->f, nf, 1, c->S, nf);
    cblas_dgemv(CblasRowMajor, CblasTrans, rows, nf, 1, c->f, nf, targets + first, 1, 1, c->b, 1);
  }
  TENDRIL_TRY(tnd_ridge_solve(nf, c->S, c->b, critic->options.ridge, c->work, c->next, err));
  memcpy(c->w, c->next, (size_t)nf * sizeof *c->w);
  return TENDRIL_OK;
}

static tendril_status save(const tnd_critic *critic, tnd_tensors *tensors, tendril_error *err) {
  const linear *c = (const linear *)critic;
  return tnd_tensors_put(tensors, "critic.w", c->nf, 0, c->w, err);
}

static tendril_status load(tnd_critic *critic, const tnd_tensors *tensors, tendril_error *err) {
  linear *c = (linear *)critic;
  TENDRIL_TRY(tnd_tensors_get(tensors, "critic.w", c->nf, 0, c->next, err));
  memcpy(c->w, c->next, (size_t)c->nf * sizeof *c->w);
  return TENDRIL_OK;
}

static const tnd_critic_ops linear_ops = {
    .destroy = destroy, .predict = predict, .fit = fit, .save = save, .load = load};

tendril_status tnd_critic_linear_create(const tnd_critic *base, tnd_critic **out,
                                        tendril_error *err) {
  tnd_blas_init();
  if (base->nx > 16384)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "critic: %d observations are too many for a linear one; use kind neural",
                    base->nx);
  linear *c = tnd_alloc(sizeof *c);
  if (!c) return tnd_fail_memory(err);
  c->base = *base;
  c->base.ops = &linear_ops;
  c->nf = 2 * base->nx + 4;
  layout(c, &c->arena);
  tendril_status status = tnd_arena_alloc(&c->arena, err);
  if (status != TENDRIL_OK) {
    destroy(&c->base);
    return status;
  }
  layout(c, &c->arena);
  *out = &c->base;
  return TENDRIL_OK;
}

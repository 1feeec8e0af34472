#include "math/gaussian.h"

#include "math/cholesky.h"
#include "math/simd.h"

#include <math.h>
#include <string.h>

tnd_gaussian *tnd_gaussian_layout(tnd_arena *arena, int T, int n) {
  const size_t t = (size_t)T, m = (size_t)n;
  tnd_gaussian *g = tnd_arena_take(arena, t, sizeof *g);
  double *mean = tnd_arena_doubles(arena, t * m), *S = tnd_arena_doubles(arena, t * m * m);
  double *C = tnd_arena_doubles(arena, t * m * m);
  for (size_t i = 0; g && i < t; i++)
    g[i] = (tnd_gaussian){n, mean + i * m, S + i * m * m, C + i * m * m};
  return g;
}

bool tnd_gaussian_factor(tnd_gaussian *g) {
  memcpy(g->C, g->S, sizeof *g->C * (size_t)g->n * (size_t)g->n);
  return tnd_cholesky(g->n, g->n, g->C);
}

// The lower triangle of S [n][n] += w d d', and what of it a whole vector covers beside.
static TND_CLONES void add_square(int n, double w, const double *restrict d, double *restrict S) {
  for (int i = 0; i < n; i++) {
    const double c = w * d[i];
    const int whole = (i + 4) & ~3, width = whole < n ? whole : n;
    for (int j = 0; j < width; j++)
      S[i * n + j] += c * d[j];
  }
}

bool tnd_gaussian_fit(tnd_gaussian *g, int64_t rows, const double *x, int64_t stride,
                      const double *w, double ridge, double floor) {
  const int n = g->n;
  double total = 0, trace = 0;
  memset(g->mean, 0, sizeof *g->mean * (size_t)n);
  memset(g->S, 0, sizeof *g->S * (size_t)n * (size_t)n);
  for (int64_t r = 0; r < rows; r++) {
    const double wr = w ? w[r] : 1, *xr = x + r * stride;
    if (wr == 0) continue;
    total += wr;
    for (int i = 0; i < n; i++)
      g->mean[i] += wr * xr[i];
  }
  if (!(total > 0)) return false;
  for (int i = 0; i < n; i++)
    g->mean[i] /= total;
  // about the mean, in a second pass: no digits are lost to its size
  for (int64_t r = 0; r < rows; r++) {
    const double wr = w ? w[r] : 1, *xr = x + r * stride;
    if (wr == 0) continue;
    double *d = g->C;  // free until the factor is taken
    for (int i = 0; i < n; i++)
      d[i] = xr[i] - g->mean[i];
    add_square(n, wr, d, g->S);
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j <= i; j++)
      g->S[j * n + i] = g->S[i * n + j] /= total;
    trace += g->S[i * n + i];
  }
  for (int i = 0; i < n; i++)
    g->S[i * n + i] += ridge * trace / n + floor;
  return tnd_gaussian_factor(g);
}

void tnd_gaussian_widen(tnd_gaussian *g, double factor) {
  const double root = sqrt(factor);
  for (int i = 0; i < g->n; i++)
    for (int j = 0; j < g->n; j++) {
      g->S[i * g->n + j] *= factor;
      if (j <= i) g->C[i * g->n + j] *= root;
    }
}

double tnd_gaussian_logp(const tnd_gaussian *g, const double *x, double *scratch) {
  double square = 0;
  for (int i = 0; i < g->n; i++)
    scratch[i] = x[i] - g->mean[i];
  tnd_cholesky_forward(g->n, g->n, g->C, 1, scratch);
  for (int i = 0; i < g->n; i++)
    square += scratch[i] * scratch[i];
  return -0.5 * (square + g->n * TND_LOG_2PI + tnd_cholesky_logdet(g->n, g->n, g->C));
}

void tnd_gaussian_sample(const tnd_gaussian *g, const double *noise, double *x) {
  for (int i = 0; i < g->n; i++) {
    x[i] = g->mean[i];
    for (int j = 0; j <= i; j++)
      x[i] += g->C[i * g->n + j] * noise[j];
  }
}

double tnd_gaussian_entropy(int n, const double *C) {
  return 0.5 * (n * (TND_LOG_2PI + 1) + tnd_cholesky_logdet(n, n, C));
}

// See cmaes_bounds.h. A penalty rather than drawing again until a candidate fits: where the optimum
// lies on a bound, or in a corner, hardly any would.
#include "learn/cmaes_bounds.h"

#include <math.h>
#include <string.h>

#define MOST 1e150  // of a weight: times any way it stays a number

int tnd_cmaes_bounds_window(int n) {
  return 20 + 3 * n;
}

void tnd_cmaes_bounds_layout(tnd_cmaes_bounds *b, tnd_arena *arena) {
  const size_t n = (size_t)b->n, window = (size_t)tnd_cmaes_bounds_window(b->n);
  b->lower = tnd_arena_doubles(arena, n);
  b->upper = tnd_arena_doubles(arena, n);
  b->gamma = tnd_arena_doubles(arena, n);
  b->spread = tnd_arena_doubles(arena, window);
  b->sorted = tnd_arena_take(arena, window, sizeof *b->sorted);
}

void tnd_cmaes_bounds_reset(tnd_cmaes_bounds *b) {
  b->weighted = false;
  b->nspread = 0;
  memset(b->gamma, 0, sizeof *b->gamma * (size_t)b->n);
}

static double nearest(const tnd_cmaes_bounds *b, int i, double x) {
  return fmin(fmax(x, b->lower[i]), b->upper[i]);
}

double tnd_cmaes_bounds_repair(const tnd_cmaes_bounds *b, double *x) {
  if (!b->any) return 0;
  double penalty = 0;
  for (int i = 0; i < b->n; i++) {
    const double inside = nearest(b, i, x[i]);
    const double way = (x[i] - inside) / b->scale[i];
    penalty += b->gamma[i] * way * way;
    x[i] = inside;
  }
  return penalty / b->n;
}

// The spread of this generation's values over its mean variance, into the history; returns the
// median of that, 0 if there has been none.
static double typical_spread(tnd_cmaes_bounds *b, int nvalues, const tnd_ranked *values, int lambda,
                             const double *variance) {
  double mean_variance = 0;
  for (int i = 0; i < b->n; i++)
    mean_variance += variance[i] / b->n;
  const int quarter = (nvalues - 1) / 4;
  const double quartiles = values[nvalues - 1 - quarter].value - values[quarter].value;
  const double spread = quartiles / mean_variance;

  const int window = 20 + 3 * b->n / lambda;
  if (spread > 0 && isfinite(spread)) {
    if (b->nspread >= window) b->nspread = window - 1;
    memmove(b->spread + 1, b->spread, sizeof *b->spread * (size_t)b->nspread);
    b->spread[0] = spread;
    b->nspread++;
  }
  if (b->nspread == 0) return 0;
  for (int g = 0; g < b->nspread; g++)
    b->sorted[g] = (tnd_ranked){b->spread[g], g};
  return tnd_median(b->nspread, b->sorted);
}

void tnd_cmaes_bounds_update(tnd_cmaes_bounds *b, int nvalues, const tnd_ranked *values, int lambda,
                             double mueff, bool second, const double *m, const double *variance) {
  if (!b->any) return;
  const double delta = typical_spread(b, nvalues, values, lambda, variance);

  // gamma = 2 delta once the mean is outside, and again in the second generation
  bool outside = false;
  for (int i = 0; i < b->n; i++)
    outside |= m[i] != nearest(b, i, m[i]);
  if (outside && delta > 0 && (!b->weighted || second)) {
    for (int i = 0; i < b->n; i++)
      b->gamma[i] = fmin(2 * delta, MOST);
    b->weighted = true;
  }
  if (!b->weighted) return;

  // up where the mean is further outside than a random walk of nine steps, down from 5 delta
  const double damping = fmin(1, mueff / (10.0 * b->n));
  const double near = 3 * fmax(1, sqrt(b->n) / mueff);
  for (int i = 0; i < b->n; i++) {
    const double way = fabs(m[i] - nearest(b, i, m[i])) / b->scale[i];
    const double excess = way / sqrt(variance[i]) - near;
    if (excess > 0) b->gamma[i] = fmin(b->gamma[i] * exp(damping * tanh(excess / 3) / 2), MOST);
    if (b->gamma[i] > 5 * delta) b->gamma[i] *= exp(-damping / 3);
  }
}

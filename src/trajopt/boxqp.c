// Projected Newton steps for a box-constrained quadratic programme: a variable is clamped while it
// is at a bound and the gradient pushes it outwards; the others take a Newton step, projected back
// into the box, with Armijo's rule along the projected arc. With few variables and a good start it
// ends after one or two factorisations.
#include "trajopt/boxqp.h"

#include "math/cholesky.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static double objective(int m, const double *H, const double *g, const double *x) {
  double sum = 0;
  for (int i = 0; i < m; i++) {
    double hx = 0;
    for (int j = 0; j < m; j++)
      hx += H[i * m + j] * x[j];
    sum += x[i] * (0.5 * hx + g[i]);
  }
  return sum;
}

// H over the free variables, factored.
static bool factorise(int m, const double *H, const bool *clamped, double *factor, int *nfree) {
  int rows = 0;
  for (int i = 0; i < m; i++) {
    if (clamped[i]) continue;
    int columns = 0;
    for (int j = 0; j < m; j++)
      if (!clamped[j]) factor[rows * m + columns++] = H[i * m + j];
    rows++;
  }
  *nfree = rows;
  return tnd_cholesky(rows, m, factor);
}

bool tnd_boxqp(int m, const double *H, const double *g, const double *low, const double *high,
               double *x, bool *clamped, double *factor, int *nfree) {
  enum { ITERATIONS = 100, HALVINGS = 30 };
  double grad[TND_BOXQP_MAX], step[TND_BOXQP_MAX], trial[TND_BOXQP_MAX];
  assert(m <= TND_BOXQP_MAX);
  for (int i = 0; i < m; i++)
    x[i] = fmin(fmax(x[i], low[i]), high[i]);
  double value = objective(m, H, g, x);

  for (int iteration = 0; iteration < ITERATIONS; iteration++) {
    // 1. which variables are held at a bound
    bool changed = false;
    for (int i = 0; i < m; i++) {
      grad[i] = g[i];
      for (int j = 0; j < m; j++)
        grad[i] += H[i * m + j] * x[j];
      const bool held = (x[i] <= low[i] && grad[i] > 0) || (x[i] >= high[i] && grad[i] < 0);
      changed = iteration == 0 || changed || held != clamped[i];
      clamped[i] = held;
    }
    if (changed && !factorise(m, H, clamped, factor, nfree)) return false;

    // 2. the Newton step of the others
    double packed[TND_BOXQP_MAX] = {0}, slope = 0;
    for (int i = 0, k = 0; i < m; i++)
      if (!clamped[i]) packed[k++] = -grad[i];
    tnd_cholesky_solve(*nfree, m, factor, 1, packed);
    for (int i = 0, k = 0; i < m; i++) {
      step[i] = clamped[i] ? 0 : packed[k++];
      slope += step[i] * grad[i];
    }
    if (!(slope < -1e-14 * (1 + fabs(value)))) return true;

    // 3. as far along it, projected, as the objective falls
    double a = 1, now = value;
    for (int i = 0; i < HALVINGS; i++, a *= 0.6) {
      double gain = 0;
      for (int j = 0; j < m; j++) {
        trial[j] = fmin(fmax(x[j] + a * step[j], low[j]), high[j]);
        gain += grad[j] * (x[j] - trial[j]);
      }
      now = objective(m, H, g, trial);
      if (value - now >= 0.1 * gain) break;
    }
    if (!(now < value)) return true;  // rounding
    value = now;
    memcpy(x, trial, sizeof *x * (size_t)m);
  }
  return true;
}

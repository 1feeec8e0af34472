// The normal equations of every time step; symbols are those of local_quadratic.c.
#include "critic/local_quadratic_parts.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

// A pivot of the factorisation so much smaller than the diagonal it came from is rounding.
#define PIVOT 1e-13
// As is a deviation so much smaller than the mean.
#define FLAT 1e-12

enum { BLOCK = TND_FIT_BLOCK, STRIDE = TND_FIT_STRIDE };

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

tnd_fit_problem tnd_fit_scaling(tnd_local_quadratic *f, int t, double *work) {
  const tnd_local_quadratic_data *data = f->data;
  const tnd_step_rows *step = &data->steps[t];
  const int ns = f->size.ns, na = f->size.na;
  double total = 0, squares = 0;
  int rows = 0;
  for (int r = 0; r < step->n; r++) {
    const double w = step->weight ? step->weight[r] : 1;
    if (!(w >= 0)) return TND_FIT_BAD_WEIGHT;
    total += w;
    squares += w * w;
    rows += w > 0;
  }
  if (rows == 0) return TND_FIT_NO_ROWS;
  if (!isfinite(squares) || !(squares > 0)) return TND_FIT_BAD_WEIGHT;
  f->total[t] = total;
  f->next.info[t].rows = rows;
  f->next.info[t].effective = total * total / squares;

  // the state's part and the action's, one behind the other
  double *centre = f->centre + (ptrdiff_t)t * f->n, *per_unit = f->per_unit + (ptrdiff_t)t * f->n;
  if (!moments(step, total, ns, data->s, centre, per_unit, work)) return TND_FIT_BAD_STATE;
  if (na && data->policy) {
    for (int i = ns; i < f->n; i++) {
      centre[i] = 0;
      per_unit[i] = 1;
    }
  } else if (na && !moments(step, total, na, data->a, centre + ns, per_unit + ns, work)) {
    return TND_FIT_BAD_ACTION;
  }
  if (f->size.ridge > 0 && (na == 0 || f->size.action_ridge > 0)) return TND_FIT_FINE;
  // equal weights need not come to a whole number in floating point
  return rows < f->nQ || f->next.info[t].effective < f->nQ - 1e-6 ? TND_FIT_TOO_FEW : TND_FIT_FINE;
}

// ---------------------------------------------------------------------------- 2. products

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
static void features(tnd_local_quadratic *f, int t, int first, int rows, tnd_fit_scratch *w) {
  const tnd_local_quadratic_data *data = f->data;
  const tnd_step_rows *step = &data->steps[t];
  const int n = f->n, ns = f->size.ns, follow = tnd_fit_follow(f, t), *row = step->row + first;
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

tnd_fit_problem tnd_fit_products(tnd_local_quadratic *f, int t, tnd_fit_scratch *w) {
  const int nQ = f->nQ, follow = tnd_fit_follow(f, t), p = nQ + follow + 1,
            rows = f->data->steps[t].n;
  double *C = tnd_fit_product(f, t);
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
      return i < nQ ? TND_FIT_BAD_ACTION : i < p - 1 ? TND_FIT_BAD_NEXT : TND_FIT_BAD_TARGET;

  // L L' = A + lambda I, the bias free; row-major lower is column-major upper
  for (int i = 0; i < nQ; i++) {
    double *diagonal = C + (ptrdiff_t)i * p + i;
    *diagonal += tnd_fit_ridge(f, i);
    w->w[i] = *diagonal;
  }
  if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', nQ, C, p) != 0) return TND_FIT_DEPENDENT;
  for (int i = 0; i < nQ; i++) {
    const double pivot = C[(ptrdiff_t)i * p + i];
    if (!(pivot * pivot > PIVOT * w->w[i])) return TND_FIT_DEPENDENT;
  }
  return TND_FIT_FINE;
}

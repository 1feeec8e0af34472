// Quadratic functions and their features; see quadratic.h.
#include "math/quadratic.h"

#include "math/simd.h"

#include <string.h>

double tnd_quadratic_value(const tnd_quadratic *q, const double *z) {
  double sum = q->c;
  for (int i = 0; i < q->n; i++) {
    double Az = 0;
    for (int j = 0; j < q->n; j++)
      Az += q->A[i * q->n + j] * z[j];
    sum += z[i] * (0.5 * Az + q->b[i]);
  }
  return sum;
}

void tnd_quadratic_split(const tnd_quadratic *q, int ns, tnd_quadratic *state,
                         tnd_action_quadratic *action) {
  const int n = q->n, na = n - ns;
  if (state) {
    for (int i = 0; i < ns; i++)
      memcpy(state->A + (ptrdiff_t)i * ns, q->A + (ptrdiff_t)i * n, (size_t)ns * sizeof *q->A);
    memcpy(state->b, q->b, (size_t)ns * sizeof *q->b);
    state->c = q->c;
  }
  for (int i = 0; action && i < na; i++) {
    const double *row = q->A + (ptrdiff_t)(ns + i) * n;
    memcpy(action->Qas + (ptrdiff_t)i * ns, row, (size_t)ns * sizeof *row);
    memcpy(action->Qaa + (ptrdiff_t)i * na, row + ns, (size_t)na * sizeof *row);
    action->qa[i] = q->b[ns + i];
  }
}

void tnd_quadratic_scale_rows(int n, int rows, const double *x, const int *row,
                              const double *centre, const double *per_unit, ptrdiff_t stride,
                              double *z) {
  for (int r = 0; r < rows; r++) {
    const double *xr = x + (ptrdiff_t)row[r] * n;
    for (int i = 0; i < n; i++)
      z[i * stride + r] = (xr[i] - centre[i]) * per_unit[i];
  }
}

TND_CLONES void tnd_quadratic_features(int n, int rows, ptrdiff_t stride, const double *z,
                                       const double *root, double *phi) {
  double *restrict out = phi;
  for (int r = 0; r < rows; r++)
    out[r] = root[r];
  for (int i = 0; i < n; i++) {
    // root z_i, then that times z_0 .. z_i
    const double *zi = z + i * stride;
    double *restrict linear = phi + tnd_quadratic_feature(i) * stride;
    for (int r = 0; r < rows; r++)
      linear[r] = root[r] * zi[r];
    for (int j = 0; j <= i; j++) {
      const double *zj = z + j * stride;
      double *restrict product = linear + (1 + j) * stride;
      for (int r = 0; r < rows; r++)
        product[r] = linear[r] * zj[r];
    }
  }
}

double tnd_quadratic_scaled_value(int n, const double *w, const double *centre,
                                  const double *per_unit, const double *x) {
  double sum = w[0];
  for (int i = 0; i < n; i++) {
    const double *wi = w + tnd_quadratic_feature(i);
    double slope = wi[0];
    for (int j = 0; j <= i; j++)
      slope += wi[1 + j] * (x[j] - centre[j]) * per_unit[j];
    sum += slope * (x[i] - centre[i]) * per_unit[i];
  }
  return sum;
}

void tnd_quadratic_from_weights(const double *w, const double *centre, const double *per_unit,
                                tnd_quadratic *q) {
  const int n = q->n;
  q->c = w[0];
  for (int i = 0; i < n; i++) {
    const double *wi = w + tnd_quadratic_feature(i);
    for (int j = 0; j < i; j++)
      q->A[i * n + j] = q->A[j * n + i] = wi[1 + j] * per_unit[i] * per_unit[j];
    q->A[i * n + i] = 2 * wi[1 + i] * per_unit[i] * per_unit[i];
    q->b[i] = wi[0] * per_unit[i];
    q->c -= q->b[i] * centre[i];
  }
  for (int i = 0; i < n; i++) {
    double Am = 0;
    for (int j = 0; j < n; j++)
      Am += q->A[i * n + j] * centre[j];
    q->b[i] -= Am;
    q->c += 0.5 * centre[i] * Am;
  }
}

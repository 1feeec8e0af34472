// Central differences.
#include "support/fd.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *numbers(size_t n) {
  double *memory = malloc((n ? n : 1) * sizeof *memory);
  cr_assert_not_null(memory);
  return memory;
}

void support_fd_jacobian(support_function f, void *context, const double *x, size_t nx, size_t ny,
                         double step, double *jacobian) {
  double *at = numbers(nx), *plus = numbers(ny), *minus = numbers(ny);
  memcpy(at, x, nx * sizeof *at);
  for (size_t i = 0; i < nx; i++) {
    double h = step * fmax(1, fabs(x[i]));
    at[i] = x[i] + h;
    f(context, at, plus);
    at[i] = x[i] - h;
    f(context, at, minus);
    at[i] = x[i];
    // the step as it was rounded
    double width = (x[i] + h) - (x[i] - h);
    for (size_t j = 0; j < ny; j++)
      jacobian[j * nx + i] = (plus[j] - minus[j]) / width;
  }
  free(at);
  free(plus);
  free(minus);
}

void support_fd_direction(support_function f, void *context, const double *x, const double *v,
                          size_t nx, size_t ny, double step, double *jv) {
  double *at = numbers(nx), *minus = numbers(ny);
  double largest = 0;
  for (size_t i = 0; i < nx; i++)
    largest = fmax(largest, fabs(v[i]));
  double h = largest > 0 ? step / largest : step;
  for (size_t i = 0; i < nx; i++)
    at[i] = x[i] + h * v[i];
  f(context, at, jv);
  for (size_t i = 0; i < nx; i++)
    at[i] = x[i] - h * v[i];
  f(context, at, minus);
  for (size_t j = 0; j < ny; j++)
    jv[j] = (jv[j] - minus[j]) / (2 * h);
  free(at);
  free(minus);
}

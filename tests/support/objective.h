// Functions that searches are measured on, and how many evaluations one needs. Header only, as
// benchmarks don't link the support library.
#ifndef SUPPORT_OBJECTIVE_H
#define SUPPORT_OBJECTIVE_H

#include <math.h>
#include <stdlib.h>
#include <tendril/cmaes.h>

typedef double (*support_objective)(int n, const double *x);

// sum x_i^2
static inline double support_sphere(int n, const double *x) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += x[i] * x[i];
  return sum;
}

// sum 10^(6 (i-1) / (n-1)) x_i^2: condition 10^6
static inline double support_ellipsoid(int n, const double *x) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += pow(10, 6.0 * i / (n - 1)) * x[i] * x[i];
  return sum;
}

// sum 100 (x_i^2 - x_i+1)^2 + (x_i - 1)^2
static inline double support_rosenbrock(int n, const double *x) {
  double sum = 0;
  for (int i = 0; i + 1 < n; i++) {
    const double a = x[i] * x[i] - x[i + 1], b = x[i] - 1;
    sum += 100 * a * a + b * b;
  }
  return sum;
}

// 10 n + sum x_i^2 - 10 cos(2 pi x_i): a local minimum at about every whole number
static inline double support_rastrigin(int n, const double *x) {
  double sum = 10 * n;
  for (int i = 0; i < n; i++)
    sum += x[i] * x[i] - 10 * cos(6.283185307179586 * x[i]);
  return sum;
}

// The evaluation that first was at most `target`; -1 if the search ended before. Mean and deviation
// are the same for all variables.
static inline int64_t support_evaluations(const tendril_cmaes_options *options, support_objective f,
                                          int n, double mean, double sd, uint64_t seed,
                                          double target) {
  double *start = (double *)malloc(2 * sizeof(double) * (size_t)n);
  double values[4096];
  for (int i = 0; i < n; i++) {
    start[i] = mean;
    start[n + i] = sd;
  }
  const tendril_cmaes_setup setup = {.n = n, .mean = start, .sd = start + n, .seed = seed};
  tendril_cmaes *search = NULL;
  int64_t evaluations = 0, found = -1;
  if (tendril_cmaes_create(options, &setup, &search, NULL) != TENDRIL_OK) abort();
  while (found < 0 && tendril_cmaes_get_end(search) == TENDRIL_CMAES_RUNNING) {
    const double *x;
    int lambda;
    if (tendril_cmaes_ask(search, &lambda, &x, NULL) != TENDRIL_OK || lambda > 4096) abort();
    for (int k = 0; k < lambda && found < 0; k++) {
      values[k] = f(n, x + k * n);
      evaluations++;
      if (values[k] <= target) found = evaluations;
    }
    if (found < 0 && tendril_cmaes_tell(search, values, NULL) != TENDRIL_OK) abort();
  }
  tendril_cmaes_destroy(search);
  free(start);
  return found;
}

#endif

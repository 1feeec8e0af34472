// Normal distributions: closed forms, samples, and fits to weighted rows.
#include "math/gaussian.h"

#include "math/cholesky.h"
#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { N = 3, ROWS = 50, STRIDE = 5 };

typedef struct normal {
  double mean[N], S[N * N], C[N * N];
} normal;

static tnd_gaussian view(normal *x, int n) {
  return (tnd_gaussian){.n = n, .mean = x->mean, .S = x->S, .C = x->C};
}

static void make_rows(uint32_t key, double offset, double *x) {
  tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, key, 0);
  tendril_random_normals(&random, ROWS * STRIDE, x);
  for (int r = 0; r < ROWS; r++) {
    x[r * STRIDE + 1] += 0.5 * x[r * STRIDE];
    x[r * STRIDE + 2] += offset;
  }
}

Test(gaussian, density_and_entropy_are_the_textbooks) {
  normal one = {.mean = {1}, .S = {4}}, two = {.mean = {1, -1}, .S = {4, 1.2, 1.2, 1}};
  tnd_gaussian g = view(&one, 1), h = view(&two, 2);
  double scratch[2];
  cr_assert(tnd_gaussian_factor(&g) && tnd_gaussian_factor(&h));
  check_close(tnd_gaussian_logp(&g, (double[]){4}, scratch), -0.5 * log(2 * M_PI * 4) - 9.0 / 8,
              1e-15);
  check_close(tnd_gaussian_entropy(1, g.C), 0.5 * log(2 * M_PI * M_E * 4), 1e-15);
  // correlation 0.6: standardised deviations 0.5 and 2
  const double rho = 0.6, u = 0.5, v = 2;
  check_close(tnd_gaussian_logp(&h, (double[]){2, 1}, scratch),
              -log(2 * M_PI * 2 * sqrt(1 - rho * rho)) -
                  (u * u - 2 * rho * u * v + v * v) / (2 * (1 - rho * rho)),
              1e-14);
  check_close(tnd_gaussian_entropy(2, h.C), log(2 * M_PI * M_E * 2 * sqrt(1 - rho * rho)), 1e-15);
}

Test(gaussian, samples_have_its_mean_covariance_and_entropy) {
  enum { SAMPLES = 200000 };
  normal x = {.mean = {1, -2, 0.5}, .S = {2, 0.6, -0.3, 0.6, 1, 0.2, -0.3, 0.2, 0.5}};
  tnd_gaussian g = view(&x, N);
  cr_assert(tnd_gaussian_factor(&g));
  for (int i = 0; i < N; i++)
    for (int j = i + 1; j < N; j++)
      x.C[i * N + j] = NAN;  // the upper triangle is nobody's
  tendril_random random = tendril_random_stream(4, TENDRIL_PURPOSE_TEST, 0, 0);
  double mean[N] = {0}, S[N * N] = {0}, entropy = 0, entropy2 = 0;
  for (int r = 0; r < SAMPLES; r++) {
    double noise[N], s[N], scratch[N];
    tendril_random_normals(&random, N, noise);
    tnd_gaussian_sample(&g, noise, s);
    const double surprise = -tnd_gaussian_logp(&g, s, scratch);
    entropy += surprise;
    entropy2 += surprise * surprise;
    for (int i = 0; i < N; i++) {
      mean[i] += s[i];
      for (int j = 0; j < N; j++)
        S[i * N + j] += (s[i] - x.mean[i]) * (s[j] - x.mean[j]);
    }
  }
  // three standard errors each
  entropy /= SAMPLES;
  cr_assert_float_eq(tnd_gaussian_entropy(N, g.C), entropy,
                     3 * sqrt((entropy2 / SAMPLES - entropy * entropy) / SAMPLES));
  for (int i = 0; i < N; i++) {
    cr_assert_float_eq(mean[i] / SAMPLES, x.mean[i], 3 * sqrt(x.S[i * N + i] / SAMPLES));
    for (int j = 0; j < N; j++) {
      const double s = x.S[i * N + j];  // Var of a product: Sii Sjj + Sij^2
      cr_assert_float_eq(S[i * N + j] / SAMPLES, s,
                         3 * sqrt((x.S[i * N + i] * x.S[j * N + j] + s * s) / SAMPLES));
    }
  }
}

Test(gaussian, a_fit_is_mean_and_covariance_of_the_rows) {
  double x[ROWS * STRIDE];
  normal fit;
  tnd_gaussian g = view(&fit, N);
  make_rows(0, 0, x);
  cr_assert(tnd_gaussian_fit(&g, ROWS, x, STRIDE, NULL, 0, 0));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      // by the other formula, E xy - E x E y
      double mi = 0, mj = 0, product = 0, factors = 0;
      for (int r = 0; r < ROWS; r++) {
        mi += x[r * STRIDE + i] / ROWS;
        mj += x[r * STRIDE + j] / ROWS;
        product += x[r * STRIDE + i] * x[r * STRIDE + j] / ROWS;
      }
      check_close(fit.mean[i], mi, 1e-14);
      check_close(fit.S[i * N + j], product - mi * mj, 1e-14);
      for (int k = 0; k <= (i < j ? i : j); k++)
        factors += fit.C[i * N + k] * fit.C[j * N + k];
      check_close(factors, fit.S[i * N + j], 1e-14);
    }
}

Test(gaussian, weights_are_repetitions) {
  double x[ROWS * STRIDE], w[ROWS], repeated[ROWS * 4 * STRIDE];
  normal weighted, plain;
  tnd_gaussian g = view(&weighted, N), h = view(&plain, N);
  int rows = 0;
  make_rows(1, 3, x);
  for (int r = 0; r < ROWS; r++) {
    w[r] = r % 4;
    for (int k = 0; k < r % 4; k++, rows++)
      memcpy(repeated + rows * STRIDE, x + r * STRIDE, sizeof *x * STRIDE);
    if (r % 4 == 0) x[r * STRIDE] = NAN;  // a row without weight is not looked at
    w[r] *= 0.1;                          // the sum of the weights does not matter
  }
  cr_assert(tnd_gaussian_fit(&g, ROWS, x, STRIDE, w, 0.01, 0.001));
  cr_assert(tnd_gaussian_fit(&h, rows, repeated, STRIDE, NULL, 0.01, 0.001));
  check_all_close(weighted.mean, plain.mean, N, 1e-14);  // rounding of 75 terms
  check_all_close(weighted.S, plain.S, N * N, 1e-14);
}

Test(gaussian, ridge_and_floor_are_on_the_diagonal) {
  double x[ROWS * STRIDE];
  normal plain, raised;
  tnd_gaussian g = view(&plain, N), h = view(&raised, N);
  make_rows(2, 0, x);
  cr_assert(tnd_gaussian_fit(&g, ROWS, x, STRIDE, NULL, 0, 0));
  cr_assert(tnd_gaussian_fit(&h, ROWS, x, STRIDE, NULL, 0.5, 0.25));
  const double mean = (plain.S[0] + plain.S[4] + plain.S[8]) / 3;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      check_close(raised.S[i * N + j], plain.S[i * N + j] + (i == j) * (0.5 * mean + 0.25), 1e-15);
}

Test(gaussian, a_fit_far_from_zero_keeps_its_digits) {
  double near[ROWS * STRIDE], far[ROWS * STRIDE];
  normal a, b;
  tnd_gaussian g = view(&a, N), h = view(&b, N);
  make_rows(3, 0, near);
  make_rows(3, 1 << 24, far);
  cr_assert(tnd_gaussian_fit(&g, ROWS, near, STRIDE, NULL, 0, 0));
  cr_assert(tnd_gaussian_fit(&h, ROWS, far, STRIDE, NULL, 0, 0));
  // rows are rounded to 2^24 2^-53 = 2e-9; E xx - E x E x would lose 2^48
  check_all_close(b.S, a.S, N * N, 1e-8);
}

Test(gaussian, refuses_what_has_no_distribution) {
  double x[ROWS * STRIDE], w[ROWS] = {0};
  normal fit;
  tnd_gaussian g = view(&fit, N);
  make_rows(4, 0, x);
  cr_assert_not(tnd_gaussian_fit(&g, ROWS, x, STRIDE, w, 0, 1));  // no weight
  cr_assert_not(tnd_gaussian_fit(&g, 0, x, STRIDE, NULL, 0, 1));  // no rows
  w[0] = NAN;
  cr_assert_not(tnd_gaussian_fit(&g, ROWS, x, STRIDE, w, 0, 1));
  w[0] = INFINITY;
  cr_assert_not(tnd_gaussian_fit(&g, ROWS, x, STRIDE, w, 0, 1));
  // fewer rows than dimensions: only with something on the diagonal
  cr_assert_not(tnd_gaussian_fit(&g, 1, x, STRIDE, NULL, 0, 0));
  cr_assert(tnd_gaussian_fit(&g, 1, x, STRIDE, NULL, 0, 1e-6));
  x[7] = NAN;
  cr_assert_not(tnd_gaussian_fit(&g, ROWS, x, STRIDE, NULL, 0, 1));
  x[7] = INFINITY;
  cr_assert_not(tnd_gaussian_fit(&g, ROWS, x, STRIDE, NULL, 0, 1));
  fit.S[0] = -1;
  cr_assert_not(tnd_gaussian_factor(&g));
}

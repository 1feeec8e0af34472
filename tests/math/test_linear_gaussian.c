// Linear-Gaussian conditionals: closed forms, and the expected KL divergence by sampling.
#include "math/linear_gaussian.h"

#include "math/cholesky.h"
#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { NA = 3, NS = 4 };

typedef struct conditional {
  double K[NA * NS], k[NA], C[NA * NA];
  tnd_linear_gaussian p;
} conditional;

typedef struct states {
  double mean[NS], S[NS * NS], C[NS * NS];
  tnd_gaussian g;
} states;

// Both leave NaN above C's diagonal: nothing may read it.
static void make_conditional(uint32_t key, conditional *x) {
  tendril_random random = tendril_random_stream(5, TENDRIL_PURPOSE_TEST, key, 0);
  tendril_random_normals(&random, NA * NS, x->K);
  tendril_random_normals(&random, NA, x->k);
  tendril_random_normals(&random, NA * NA, x->C);
  for (int i = 0; i < NA; i++)
    for (int j = i; j < NA; j++)
      x->C[i * NA + j] = i == j ? 0.5 + fabs(x->C[i * NA + i]) : (double)NAN;
  x->p = (tnd_linear_gaussian){.ns = NS, .na = NA, .K = x->K, .k = x->k, .C = x->C};
}

static void make_states(uint32_t key, states *x) {
  tendril_random random = tendril_random_stream(6, TENDRIL_PURPOSE_TEST, key, 0);
  double A[NS * NS];
  tendril_random_normals(&random, NS, x->mean);
  tendril_random_normals(&random, NS * NS, A);
  for (int i = 0; i < NS; i++)
    for (int j = 0; j < NS; j++) {
      x->S[i * NS + j] = i == j ? 0.1 : 0;
      for (int k = 0; k < NS; k++)
        x->S[i * NS + j] += A[i * NS + k] * A[j * NS + k];
    }
  x->g = (tnd_gaussian){.n = NS, .mean = x->mean, .S = x->S, .C = x->C};
  cr_assert(tnd_gaussian_factor(&x->g));
}

Test(linear_gaussian, density_is_that_of_its_conditional_distribution) {
  conditional x;
  double s[NS], a[NA], mean[NA], S[NA * NA], C[NA * NA], scratch[NA];
  make_conditional(0, &x);
  tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, NS, s);
  tendril_random_normals(&random, NA, a);
  for (int i = 0; i < NA; i++) {
    mean[i] = x.k[i];
    for (int j = 0; j < NS; j++)
      mean[i] += x.K[i * NS + j] * s[j];
    for (int j = 0; j < NA; j++) {
      S[i * NA + j] = 0;
      for (int k = 0; k <= (i < j ? i : j); k++)
        S[i * NA + j] += x.C[i * NA + k] * x.C[j * NA + k];
    }
  }
  tnd_linear_gaussian_mean(&x.p, s, scratch);
  check_all_close(scratch, mean, NA, 1e-15);
  tnd_gaussian g = {.n = NA, .mean = mean, .S = S, .C = C};
  cr_assert(tnd_gaussian_factor(&g));
  check_close(tnd_linear_gaussian_logp(&x.p, s, a, scratch), tnd_gaussian_logp(&g, a, scratch),
              1e-13);
}

Test(linear_gaussian, kl_in_one_dimension_is_the_textbooks) {
  double Kp = 2, kp = 1, Cp = 0.5, Kq = -1, kq = 0.25, Cq = 2, mean = 0.3, S = 4, C = 2;
  tnd_linear_gaussian p = {1, 1, &Kp, &kp, &Cp}, q = {1, 1, &Kq, &kq, &Cq};
  tnd_gaussian state = {1, &mean, &S, &C};
  double scratch[3];
  // log(Cq/Cp) + (Cp^2 + E (3 s + 0.75)^2) / (2 Cq^2) - 1/2, E ()^2 = (3 0.3 + 0.75)^2 + 9 4
  const double shift = 1.65 * 1.65 + 36;
  check_close(tnd_linear_gaussian_kl(&p, &q, &state, scratch), log(4) + (0.25 + shift) / 8 - 0.5,
              1e-15);
  check_close(tnd_linear_gaussian_kl(&p, &p, &state, scratch), 0, 0);
}

Test(linear_gaussian, kl_keeps_its_digits_for_tiny_changes_and_for_tiny_variances) {
  double K = 0, k = 0, Cp = 1 + 0x1p-20, Cq = 1, mean = 0, S = 1, C = 1, scratch[3];
  tnd_linear_gaussian p = {1, 1, &K, &k, &Cp}, q = {1, 1, &K, &k, &Cq};
  tnd_gaussian state = {1, &mean, &S, &C};
  // r = 1 + h: 1/2 (r^2 - 1 - 2 log r) = h^2 - h^3 / 3 + ..
  const double h = 0x1p-20;
  check_close(tnd_linear_gaussian_kl(&p, &q, &state, scratch) / (h * h * (1 - h / 3)), 1, 1e-9);
  for (double r = 1e-3; r > 1e-150; r *= 1e-3) {
    Cp = r;
    check_close(tnd_linear_gaussian_kl(&p, &q, &state, scratch), -log(r) - 0.5 + r * r / 2, 1e-14);
  }
}

Test(linear_gaussian, kl_is_what_samples_say) {
  enum { SAMPLES = 100000 };
  for (uint32_t key = 0; key < 4; key++) {
    conditional p, q;
    states state;
    double sum = 0, squares = 0, scratch[NA * (NS + NA + 1)];
    make_conditional(10 + key, &p);
    make_conditional(20 + key, &q);
    make_states(key, &state);
    tendril_random random = tendril_random_stream(8, TENDRIL_PURPOSE_TEST, key, 0);
    for (int r = 0; r < SAMPLES; r++) {
      double noise[NS + NA], s[NS], a[NA];
      tendril_random_normals(&random, NS + NA, noise);
      tnd_gaussian_sample(&state.g, noise, s);
      tnd_linear_gaussian_mean(&p.p, s, a);
      for (int i = 0; i < NA; i++)
        for (int j = 0; j <= i; j++)
          a[i] += p.C[i * NA + j] * noise[NS + j];
      const double ratio = tnd_linear_gaussian_logp(&p.p, s, a, scratch) -
                           tnd_linear_gaussian_logp(&q.p, s, a, scratch);
      sum += ratio;
      squares += ratio * ratio;
    }
    const double mean = sum / SAMPLES;
    cr_assert_float_eq(tnd_linear_gaussian_kl(&p.p, &q.p, &state.g, scratch), mean,
                       3 * sqrt((squares / SAMPLES - mean * mean) / SAMPLES));
  }
}

// Fits of each step against LAPACK's least squares and the formulas of the posterior written out
// another way; limits of weak and strong priors; errors that leave the models as they were.
#include "dynamics/local_dynamics.h"

#include "base/alloc.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tendril/random.h>

enum { DX = 4, DU = 2, NZ = DX + DU, P = NZ + DX, T = 5, MOST = 400 };

typedef struct scene {
  tendril_pool *pool;
  tnd_local_dynamics *fit;
} scene;

static scene open_scene(int threads) {
  scene s;
  check_ok(tendril_pool_create(threads, &s.pool, check_err));
  check_ok(tnd_local_dynamics_create(T, DX, DU, s.pool, &s.fit, check_err));
  return s;
}

static void close_scene(scene *s) {
  tnd_local_dynamics_destroy(s->fit);
  tendril_pool_destroy(s->pool);
}

// x' = A z + c + noise e, z ~ a full covariance about a mean; all drawn by `key`.
typedef struct truth {
  double A[T][DX * NZ], c[T][DX];
} truth;

static truth make_truth(uint32_t key) {
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, key, 0);
  truth f;
  tendril_random_normals(&random, T * DX * NZ, &f.A[0][0]);
  tendril_random_normals(&random, T * DX, &f.c[0][0]);
  return f;
}

static void predict(const double *A, const double *c, const double *z, double *x) {
  for (int i = 0; i < DX; i++) {
    x[i] = c[i];
    for (int j = 0; j < NZ; j++)
      x[i] += A[i * NZ + j] * z[j];
  }
}

// y [T][N][P]
static void sample(const truth *f, int N, double noise, uint32_t key, double *y) {
  tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, key, 0);
  for (int t = 0; t < T; t++)
    for (int s = 0; s < N; s++) {
      double *row = y + (t * N + s) * P, e[NZ + DX];
      tendril_random_normals(&random, NZ + DX, e);
      for (int i = 0; i < NZ; i++)
        row[i] = 0.3 * i + e[i] + (i > 0 ? 0.7 * e[i - 1] : 0);
      predict(f->A[t], f->c[t], row, row + NZ);
      for (int i = 0; i < DX; i++)
        row[NZ + i] += noise * e[NZ + i];
    }
}

static void covariance(const tnd_linear_gaussian *model, double *F) {
  const int n = model->na;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      F[i * n + j] = 0;
      for (int k = 0; k <= (i < j ? i : j); k++)
        F[i * n + j] += model->C[i * n + k] * model->C[j * n + k];
    }
}

static void statistics(const double *y, int N, double *mean, double *S) {
  for (int i = 0; i < P; i++) {
    mean[i] = 0;
    for (int s = 0; s < N; s++)
      mean[i] += y[s * P + i] / N;
  }
  for (int i = 0; i < P; i++)
    for (int j = 0; j < P; j++) {
      S[i * P + j] = 0;
      for (int s = 0; s < N; s++)
        S[i * P + j] += (y[s * P + i] - mean[i]) * (y[s * P + j] - mean[j]) / N;
    }
}

// f = S_x'z S_zz^-1, F = S_x'x' - f S_zx', by LAPACK.
static void condition(const double *S, double *f, double *F) {
  double Szz[NZ * NZ], Szx[NZ * DX];
  for (int i = 0; i < NZ; i++) {
    for (int j = 0; j < NZ; j++)
      Szz[i * NZ + j] = S[i * P + j];
    for (int j = 0; j < DX; j++)
      Szx[i * DX + j] = S[i * P + NZ + j];
  }
  cr_assert(LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', NZ, DX, Szz, NZ, Szx, DX) == 0);
  for (int i = 0; i < DX; i++)
    for (int j = 0; j < NZ; j++)
      f[i * NZ + j] = Szx[j * DX + i];
  for (int i = 0; i < DX; i++)
    for (int j = 0; j < DX; j++) {
      F[i * DX + j] = S[(NZ + i) * P + NZ + j];
      for (int k = 0; k < NZ; k++)
        F[i * DX + j] -= f[i * NZ + k] * S[k * P + NZ + j];
    }
}

static void spd(tendril_random *random, double *S) {
  double A[P * P];
  tendril_random_normals(random, P * P, A);
  for (int i = 0; i < P; i++)
    for (int j = 0; j < P; j++) {
      S[i * P + j] = i == j;
      for (int k = 0; k < P; k++)
        S[i * P + j] += A[i * P + k] * A[j * P + k];
    }
}

static double data[T * MOST * P];

Test(local_dynamics, regression_finds_linear_dynamics_exactly) {
  scene s = open_scene(1);
  const truth f = make_truth(0);
  sample(&f, 40, 0, 0, data);
  check_ok(tnd_local_dynamics_regress(s.fit, 40, data, 0, check_err));
  for (int t = 0; t < T; t++) {
    const tnd_linear_gaussian *model = tnd_local_dynamics_models(s.fit) + t;
    double F[DX * DX];
    check_all_close(model->K, f.A[t], DX * NZ, 1e-12);  // condition of the covariance: about 1e2
    check_all_close(model->k, f.c[t], DX, 1e-12);
    covariance(model, F);
    for (int i = 0; i < DX; i++)  // the floor on F, 1e-12 of a variance of about 10
      cr_assert(F[i * DX + i] > 0 && F[i * DX + i] < 1e-10);
  }
  close_scene(&s);
}

Test(local_dynamics, regression_is_lapack_s_least_squares) {
  enum { N = 25 };
  scene s = open_scene(1);
  const truth f = make_truth(1);
  sample(&f, N, 0.5, 1, data);
  check_ok(tnd_local_dynamics_regress(s.fit, N, data, 0, check_err));
  for (int t = 0; t < T; t++) {
    double V[N * (NZ + 1)], b[N * DX], F[DX * DX], got[DX * DX];
    for (int r = 0; r < N; r++) {
      const double *row = data + (t * N + r) * P;
      memcpy(V + r * (NZ + 1), row, sizeof(double) * NZ);
      V[r * (NZ + 1) + NZ] = 1;
      memcpy(b + r * DX, row + NZ, sizeof(double) * DX);
    }
    cr_assert(LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', N, NZ + 1, DX, V, NZ + 1, b, DX) == 0);
    const tnd_linear_gaussian *model = tnd_local_dynamics_models(s.fit) + t;
    for (int i = 0; i < DX; i++) {
      for (int j = 0; j < NZ; j++)
        check_close(model->K[i * NZ + j], b[j * DX + i], 1e-11);  // normal equations: condition^2
      check_close(model->k[i], b[NZ * DX + i], 1e-11);
    }
    // F: mean square of the residuals, here from the solution of LAPACK
    memset(F, 0, sizeof F);
    for (int r = 0; r < N; r++) {
      const double *row = data + (t * N + r) * P;
      double e[DX];
      for (int i = 0; i < DX; i++) {
        e[i] = row[NZ + i] - b[NZ * DX + i];
        for (int j = 0; j < NZ; j++)
          e[i] -= b[j * DX + i] * row[j];
      }
      for (int i = 0; i < DX * DX; i++)
        F[i] += e[i / DX] * e[i % DX] / N;
    }
    covariance(model, got);
    check_all_close(got, F, DX * DX, 1e-10);
  }
  close_scene(&s);
}

Test(local_dynamics, the_ridge_is_a_part_of_each_entry_s_variance) {
  enum { N = 12, ROWS = N + NZ };
  const double ridge = 0.2;
  scene s = open_scene(1);
  const truth f = make_truth(2);
  sample(&f, N, 0.5, 2, data);
  check_ok(tnd_local_dynamics_regress(s.fit, N, data, ridge, check_err));
  double first[DX * NZ];
  memcpy(first, tnd_local_dynamics_models(s.fit)[0].K, sizeof first);
  for (int t = 0; t < T; t++) {
    // least squares of centred data with one more row per entry of z
    double mean[P], S[P * P], V[ROWS * NZ] = {0}, b[ROWS * DX] = {0};
    statistics(data + t * N * P, N, mean, S);
    for (int r = 0; r < N; r++) {
      const double *row = data + (t * N + r) * P;
      for (int j = 0; j < NZ; j++)
        V[r * NZ + j] = row[j] - mean[j];
      for (int i = 0; i < DX; i++)
        b[r * DX + i] = row[NZ + i] - mean[NZ + i];
    }
    for (int j = 0; j < NZ; j++)
      V[(N + j) * NZ + j] = sqrt(N * ridge * S[j * P + j]);
    cr_assert(LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', ROWS, NZ, DX, V, NZ, b, DX) == 0);
    const tnd_linear_gaussian *model = tnd_local_dynamics_models(s.fit) + t;
    for (int i = 0; i < DX; i++) {
      double constant = mean[NZ + i];
      for (int j = 0; j < NZ; j++) {
        check_close(model->K[i * NZ + j], b[j * DX + i], 1e-11);
        constant -= b[j * DX + i] * mean[j];
      }
      check_close(model->k[i], constant, 1e-11);
    }
  }
  // so it doesn't see units: an entry of z in another unit, by a power of two, to the bit
  for (int r = 0; r < T * N; r++)
    data[r * P + 1] *= 1024;
  check_ok(tnd_local_dynamics_regress(s.fit, N, data, ridge, check_err));
  double scaled[DX * NZ];
  memcpy(scaled, tnd_local_dynamics_models(s.fit)[0].K, sizeof scaled);
  for (int i = 0; i < DX; i++)
    scaled[i * NZ + 1] *= 1024;
  check_same_bits(scaled, first, DX * NZ);
  close_scene(&s);
}

Test(local_dynamics, the_posterior_is_that_of_sums_of_squares) {
  enum { N = 7 };
  tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
  const double m = 2.5, n0 = 4;
  double mu0[P], Phi[P * P], mean[P], S[P * P], mu[P], Sigma[P * P], expected[P * P];
  const truth f = make_truth(3);
  sample(&f, N, 0.5, 3, data);
  tendril_random_normals(&random, P, mu0);
  spd(&random, Phi);
  statistics(data, N, mean, S);
  tnd_niw_posterior(P, N, mean, S, m, n0, mu0, Phi, mu, Sigma);
  // Phi + sum y y' + m mu0 mu0' - (m + N) mu mu', nothing about the samples' mean
  for (int i = 0; i < P; i++) {
    double total = m * mu0[i];
    for (int s = 0; s < N; s++)
      total += data[s * P + i];
    check_close(mu[i], total / (m + N), 1e-13);
  }
  for (int i = 0; i < P; i++)
    for (int j = 0; j < P; j++) {
      double sum = Phi[i * P + j] + m * mu0[i] * mu0[j] - (m + N) * mu[i] * mu[j];
      for (int s = 0; s < N; s++)
        sum += data[s * P + i] * data[s * P + j];
      expected[i * P + j] = sum / (N + n0);
    }
  check_all_close(Sigma, expected, P * P, 1e-12);  // squares of about 1e2 are taken off each other

  // two halves in turn, with the scale, strength and degrees of the first as the second's prior
  double mu1[P], Sigma1[P * P], mu2[P], Sigma2[P * P];
  statistics(data, 3, mean, S);
  tnd_niw_posterior(P, 3, mean, S, m, n0, mu0, Phi, mu1, Sigma1);
  for (int i = 0; i < P * P; i++)
    Sigma1[i] *= n0 + 3;
  statistics(data + 3 * P, N - 3, mean, S);
  tnd_niw_posterior(P, N - 3, mean, S, m + 3, n0 + 3, mu1, Sigma1, mu2, Sigma2);
  check_all_close(mu2, mu, P, 1e-13);
  check_all_close(Sigma2, Sigma, P * P, 1e-12);
}

// A prior for every step.
typedef struct priors {
  double mu0[T][P], Phi[T][P * P];
} priors;

Test(local_dynamics, the_conditional_is_that_of_the_posterior) {
  enum { N = 9 };
  scene s = open_scene(1);
  tendril_random random = tendril_random_stream(4, TENDRIL_PURPOSE_TEST, 0, 0);
  const truth f = make_truth(4);
  static priors p;
  sample(&f, N, 0.5, 4, data);
  for (int t = 0; t < T; t++) {
    tendril_random_normals(&random, P, p.mu0[t]);
    spd(&random, p.Phi[t]);
  }
  const tnd_niw_prior prior = {.m = 3, .n0 = 2, .mu0 = &p.mu0[0][0], .Phi = &p.Phi[0][0]};
  for (int samples = 0; samples <= N; samples += N) {
    check_ok(tnd_local_dynamics_update(s.fit, samples, data, &prior, check_err));
    for (int t = 0; t < T; t++) {
      double mean[P] = {0}, S[P * P] = {0}, mu[P], Sigma[P * P], A[DX * NZ], F[DX * DX];
      double got[DX * DX];
      if (samples) statistics(data + t * N * P, N, mean, S);
      tnd_niw_posterior(P, samples, mean, S, prior.m, prior.n0, p.mu0[t], p.Phi[t], mu, Sigma);
      condition(Sigma, A, F);
      const tnd_linear_gaussian *model = tnd_local_dynamics_models(s.fit) + t;
      check_all_close(model->K, A, DX * NZ, 1e-11);
      for (int i = 0; i < DX; i++) {
        double constant = mu[NZ + i];
        for (int j = 0; j < NZ; j++)
          constant -= A[i * NZ + j] * mu[j];
        check_close(model->k[i], constant, 1e-11);
      }
      covariance(model, got);
      check_all_close(got, F, DX * DX, 1e-11);
    }
  }
  close_scene(&s);
}

Test(local_dynamics, a_weak_prior_is_regression_and_a_strong_one_the_prior) {
  enum { N = 30 };
  scene s = open_scene(1);
  tendril_random random = tendril_random_stream(5, TENDRIL_PURPOSE_TEST, 0, 0);
  const truth f = make_truth(5);
  static priors p;
  double K[T][DX * NZ], k[T][DX], F[T][DX * DX], got[DX * DX];
  sample(&f, N, 0.5, 5, data);
  check_ok(tnd_local_dynamics_regress(s.fit, N, data, 0, check_err));
  for (int t = 0; t < T; t++) {
    const tnd_linear_gaussian *model = tnd_local_dynamics_models(s.fit) + t;
    memcpy(K[t], model->K, sizeof K[t]);
    memcpy(k[t], model->k, sizeof k[t]);
    covariance(model, F[t]);
  }
  for (int t = 0; t < T; t++) {
    tendril_random_normals(&random, P, p.mu0[t]);
    spd(&random, p.Phi[t]);
    for (int i = 0; i < P * P; i++)
      p.Phi[t][i] *= 1e-9;
  }
  tnd_niw_prior prior = {.m = 1e-9, .n0 = 1e-9, .mu0 = &p.mu0[0][0], .Phi = &p.Phi[0][0]};
  check_ok(tnd_local_dynamics_update(s.fit, N, data, &prior, check_err));
  for (int t = 0; t < T; t++) {
    const tnd_linear_gaussian *model = tnd_local_dynamics_models(s.fit) + t;
    check_all_close(model->K, K[t], DX * NZ, 1e-7);  // a billionth of a sample, condition 1e2
    check_all_close(model->k, k[t], DX, 1e-7);
    covariance(model, got);
    check_all_close(got, F[t], DX * DX, 1e-7);
  }

  prior.m = prior.n0 = 1e12;
  for (int t = 0; t < T; t++)
    for (int i = 0; i < P * P; i++)
      p.Phi[t][i] *= 1e9 * prior.n0;
  check_ok(tnd_local_dynamics_update(s.fit, N, data, &prior, check_err));
  for (int t = 0; t < T; t++) {
    double S[P * P], A[DX * NZ];
    for (int i = 0; i < P * P; i++)
      S[i] = p.Phi[t][i] / prior.n0;
    condition(S, A, F[t]);
    const tnd_linear_gaussian *model = tnd_local_dynamics_models(s.fit) + t;
    check_all_close(model->K, A, DX * NZ, 1e-7);
    covariance(model, got);
    check_all_close(got, F[t], DX * DX, 1e-7);
  }
  close_scene(&s);
}

// Mean squared error of the models on rows y [T][N][P].
static double error_of(const tnd_linear_gaussian *models, int N, const double *y) {
  double sum = 0;
  for (int t = 0; t < T; t++)
    for (int r = 0; r < N; r++) {
      double x[DX];
      const double *row = y + (t * N + r) * P;
      tnd_linear_gaussian_mean(&models[t], row, x);
      for (int i = 0; i < DX; i++)
        sum += (x[i] - row[NZ + i]) * (x[i] - row[NZ + i]) / (T * N * DX);
    }
  return sum;
}

Test(local_dynamics, a_good_prior_makes_up_for_samples) {
  enum { N = 4, TEST = 200 };  // far below dx + du + 1
  scene s = open_scene(1);
  truth f = make_truth(6);
  static priors good, vague;
  static double test[T * TEST * P];
  tendril_random random = tendril_random_stream(6, TENDRIL_PURPOSE_TEST, 0, 0);
  // the prior: other steps' dynamics, a tenth off
  sample(&f, MOST, 0.05, 7, data);
  for (int t = 0; t < T; t++) {
    statistics(data + t * MOST * P, MOST, good.mu0[t], good.Phi[t]);
    memcpy(vague.mu0[t], good.mu0[t], sizeof vague.mu0[t]);
    for (int i = 0; i < P * P; i++)
      vague.Phi[t][i] = i % (P + 1) ? 0 : good.Phi[t][i];
  }
  for (int i = 0; i < T * DX * NZ; i++) {
    double e;
    tendril_random_normals(&random, 1, &e);
    (&f.A[0][0])[i] += 0.1 * e;
  }
  sample(&f, N, 0.05, 8, data);
  sample(&f, TEST, 0.05, 9, test);
  tnd_niw_prior prior = {.m = 1, .n0 = 1, .mu0 = &good.mu0[0][0], .Phi = &good.Phi[0][0]};
  check_ok(tnd_local_dynamics_update(s.fit, N, data, &prior, check_err));
  const double with = error_of(tnd_local_dynamics_models(s.fit), TEST, test);
  prior.mu0 = &vague.mu0[0][0];
  prior.Phi = &vague.Phi[0][0];
  check_ok(tnd_local_dynamics_update(s.fit, N, data, &prior, check_err));
  const double without = error_of(tnd_local_dynamics_models(s.fit), TEST, test);
  cr_assert(with < 0.1 * without, "squared error %g with, %g without", with, without);
  // and regression says what it needs
  cr_assert_eq(tnd_local_dynamics_regress(s.fit, N, data, TND_LOCAL_RIDGE, check_err),
               TENDRIL_E_ARGUMENT);
  cr_assert(strstr(support_error_line.text, "4 samples"), "%s", support_error_line.text);
  cr_assert(strstr(support_error_line.text, "needs 8"), "%s", support_error_line.text);
  close_scene(&s);
}

Test(local_dynamics, an_error_names_the_step_and_leaves_the_models) {
  enum { N = 20 };
  scene s = open_scene(2);
  const truth f = make_truth(7);
  static priors p;
  static double bad[T * N * P];
  double before[DX * NZ];
  sample(&f, N, 0.5, 10, data);
  check_ok(tnd_local_dynamics_regress(s.fit, N, data, 0, check_err));
  const tnd_linear_gaussian *models = tnd_local_dynamics_models(s.fit);
  memcpy(before, models[0].K, sizeof before);
  for (int t = 0; t < T; t++)
    for (int i = 0; i < P; i++)
      p.Phi[t][i * P + i] = 1;
  const tnd_niw_prior prior = {.m = 1, .n0 = 1, .mu0 = &p.mu0[0][0], .Phi = &p.Phi[0][0]};

  memcpy(bad, data, sizeof bad);
  bad[(3 * N + 7) * P + 2] = NAN;
  cr_assert_eq(tnd_local_dynamics_regress(s.fit, N, bad, 1e-6, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "step 3: a sample"), "%s", support_error_line.text);
  cr_assert_eq(tnd_local_dynamics_update(s.fit, N, bad, &prior, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "step 3: a sample"), "%s", support_error_line.text);

  // states on a line: only a ridge or a prior decides
  memcpy(bad, data, sizeof bad);
  for (int r = 0; r < N; r++)
    bad[(2 * N + r) * P + 1] = 3 * bad[(2 * N + r) * P];
  cr_assert_eq(tnd_local_dynamics_regress(s.fit, N, bad, 0, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "step 2: states"), "%s", support_error_line.text);
  check_ok(tnd_local_dynamics_update(s.fit, N, bad, &prior, check_err));
  check_ok(tnd_local_dynamics_regress(s.fit, N, bad, 1e-6, check_err));
  check_ok(tnd_local_dynamics_regress(s.fit, N, data, 0, check_err));
  models = tnd_local_dynamics_models(s.fit);

  // a state that never moves
  memcpy(bad, data, sizeof bad);
  for (int r = 0; r < N; r++)
    bad[(1 * N + r) * P + NZ + 2] = 0.1;
  cr_assert_eq(tnd_local_dynamics_regress(s.fit, N, bad, 1e-6, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "step 1: entry 2"), "%s", support_error_line.text);

  p.Phi[4][0] = -100;
  cr_assert_eq(tnd_local_dynamics_update(s.fit, 3, data, &prior, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "step 4"), "%s", support_error_line.text);
  p.Phi[4][0] = NAN;
  cr_assert_eq(tnd_local_dynamics_update(s.fit, 3, data, &prior, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "step 4: the prior"), "%s", support_error_line.text);
  cr_assert_eq(tnd_local_dynamics_regress(s.fit, N, data, -1, check_err), TENDRIL_E_ARGUMENT);

  cr_assert_eq(models, tnd_local_dynamics_models(s.fit));
  check_same_bits(models[0].K, before, DX * NZ);
  close_scene(&s);
}

// A start state that is always the same: its coefficients are 0, not what rounding makes of it.
Test(local_dynamics, an_entry_that_never_varies_has_no_coefficient) {
  enum { N = 21 };
  scene s = open_scene(1);
  const truth f = make_truth(8);
  sample(&f, N, 0.5, 11, data);
  for (int r = 0; r < T * N; r++)
    for (int i = 0; i < DX; i++)
      data[r * P + i] = 3.14159 + 0.1 * i;
  check_ok(tnd_local_dynamics_regress(s.fit, N, data, TND_LOCAL_RIDGE, check_err));
  for (int t = 0; t < T; t++)
    for (int i = 0; i < DX; i++)
      for (int j = 0; j < NZ; j++) {
        const double a = tnd_local_dynamics_models(s.fit)[t].K[i * NZ + j];
        cr_assert(j < DX ? a == 0 : a != 0);
      }
  close_scene(&s);
}

Test(local_dynamics, same_bits_on_any_number_of_threads_and_no_allocation) {
  enum { N = 15 };
  const truth f = make_truth(9);
  static priors p;
  double first[2][T][DX * NZ];
  sample(&f, N, 0.5, 12, data);
  for (int t = 0; t < T; t++)
    for (int i = 0; i < P; i++)
      p.Phi[t][i * P + i] = 0.1 * (1 + t);
  const tnd_niw_prior prior = {.m = 1, .n0 = 1, .mu0 = &p.mu0[0][0], .Phi = &p.Phi[0][0]};
  for (int threads = 1; threads <= 3; threads++) {
    scene s = open_scene(threads);
    const long allocations = tnd_alloc_count();
    for (int kind = 0; kind < 2; kind++) {
      if (kind == 0)
        check_ok(tnd_local_dynamics_regress(s.fit, N, data, TND_LOCAL_RIDGE, check_err));
      else
        check_ok(tnd_local_dynamics_update(s.fit, N, data, &prior, check_err));
      const tnd_linear_gaussian *models = tnd_local_dynamics_models(s.fit);
      for (int t = 0; t < T; t++)
        if (threads == 1)
          memcpy(first[kind][t], models[t].K, sizeof first[kind][t]);
        else
          check_same_bits(models[t].K, first[kind][t], DX * NZ);
    }
    cr_assert_eq(tnd_alloc_count(), allocations);
    close_scene(&s);
  }
}

static tendril_status attempt(void *context, tendril_error *err) {
  tnd_local_dynamics *d;
  tendril_status status = tnd_local_dynamics_create(T, DX, DU, context, &d, err);
  if (status == TENDRIL_OK) tnd_local_dynamics_destroy(d);
  return status;
}

Test(local_dynamics, survives_failing_allocations_and_refuses_empty_sizes) {
  scene s = open_scene(1);
  cr_assert_geq(support_fail_each_alloc(attempt, s.pool), 2);
  tnd_local_dynamics *d;
  cr_assert_eq(tnd_local_dynamics_create(0, DX, DU, s.pool, &d, check_err), TENDRIL_E_ARGUMENT);
  tnd_local_dynamics_destroy(NULL);
  close_scene(&s);
}

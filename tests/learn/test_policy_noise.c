// The policy's noise in closed form: stationary for the objective it belongs to, the floor, what is
// refused.
#include "learn/policy_noise.h"

#include "support/close.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOBS = 4, NACT = 3, N = 300, NGROUP = 5 };

typedef struct fixture {
  tendril_policy *policy;
  tendril_pool *pool;
  tnd_policy_regression *regression;
  int nparam;
  double obs[N * NOBS], target[N * NACT], weight[N];
  double A[NGROUP][NACT * NACT], precision[NGROUP][NACT * NACT], lambda[NGROUP];
  int group[N];
  tnd_regression_rows rows;
} fixture;

static void normals(uint32_t which, int n, double *z) {
  tendril_random random = tendril_random_stream(4, TENDRIL_PURPOSE_TEST, which, 0);
  tendril_random_normals(&random, n, z);
}

// Covariances A, multipliers lambda and W = lambda A^-1, inverted by LAPACK.
static void make_groups(fixture *f) {
  for (int g = 0; g < NGROUP; g++) {
    double M[NACT * NACT], *W = f->precision[g];
    normals(10 + (uint32_t)g, NACT * NACT, M);
    f->lambda[g] = 1 + g * g;
    for (int a = 0; a < NACT; a++)
      for (int b = 0; b < NACT; b++) {
        f->A[g][a * NACT + b] = a == b;
        for (int c = 0; c < NACT; c++)
          f->A[g][a * NACT + b] += M[a * NACT + c] * M[b * NACT + c];
      }
    memcpy(W, f->A[g], sizeof f->A[g]);
    cr_assert_eq(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', NACT, W, NACT), 0);
    cr_assert_eq(LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', NACT, W, NACT), 0);
    for (int a = 0; a < NACT; a++)
      for (int b = 0; b <= a; b++)
        W[a * NACT + b] = W[b * NACT + a] = f->lambda[g] * W[a * NACT + b];
  }
}

static fixture *open_fixture(void) {
  fixture *f = calloc(1, sizeof *f);
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.kind = TENDRIL_POLICY_LINEAR;
  options.precision = TENDRIL_DOUBLE;
  options.output_gain = 1;
  check_ok(tendril_policy_create(&options, NOBS, NACT, 1, 1, &f->policy, check_err));
  f->pool = support_pool(2);
  f->nparam = tendril_policy_nparam(f->policy);
  const tnd_lbfgs_options search = TND_POLICY_REGRESSION_SEARCH;
  check_ok(tnd_policy_regression_create(f->policy, f->pool, N, &search, &f->regression, check_err));
  normals(1, N * NOBS, f->obs);
  normals(2, N * NACT, f->target);
  normals(3, N, f->weight);
  for (int k = 0; k < N; k++) {
    f->weight[k] = fabs(f->weight[k]);
    f->group[k] = k * k % NGROUP;
  }
  make_groups(f);
  f->rows = (tnd_regression_rows){.n = N,
                                  .obs = f->obs,
                                  .target = f->target,
                                  .weight = f->weight,
                                  .ngroup = NGROUP,
                                  .group = f->group,
                                  .precision = f->precision[0]};
  return f;
}

static void close_fixture(fixture *f) {
  tnd_policy_regression_destroy(f->regression);
  tendril_pool_destroy(f->pool);
  tendril_policy_destroy(f->policy);
  free(f);
}

static const double *log_std(const fixture *f) {
  return tendril_policy_get_params(f->policy) + tnd_policy_log_std(f->policy);
}

// sum_k v_k { tr(S A_k^-1) - log|S| } / 2, S = diag(exp(2 r)): what of the sum of KL divergences
// depends on the noise
static double divergence(const fixture *f, const double *r) {
  double sum = 0;
  for (int k = 0; k < N; k++) {
    const int g = f->group[k];
    for (int j = 0; j < NACT; j++)
      sum += f->weight[k] *
             (0.5 * exp(2 * r[j]) * f->precision[g][j * NACT + j] - f->lambda[g] * r[j]);
  }
  return sum;
}

// sum_k weight_k log N(y_k; mu_k, diag(exp(2 r))), by the policy itself
static double likelihood(fixture *f, const double *r) {
  double x[N * NOBS], d[N * 2 * NACT], logp[N], sum = 0;
  tnd_policy_rows *rows;
  check_ok(tnd_policy_set_log_std(f->policy, r, check_err));
  check_ok(tnd_policy_rows_create(f->policy, N, &rows, check_err));
  tnd_policy_input(f->policy, N, f->obs, NULL, x);
  tnd_policy_forward(f->policy, rows, N, x, d);
  tnd_policy_logp(f->policy, N, d, f->target, logp);
  for (int k = 0; k < N; k++)
    sum += f->weight[k] * logp[k];
  tnd_policy_rows_destroy(rows);
  return sum;
}

Test(policy_noise, from_precisions_it_minimises_the_divergence) {
  fixture *f = open_fixture();
  check_ok(tnd_policy_noise_from_precisions(f->policy, &f->rows, f->lambda, 1e-9, check_err));
  const double h = 1e-4;
  for (int j = 0; j < NACT; j++) {
    double r[NACT];
    memcpy(r, log_std(f), sizeof r);
    const double least = divergence(f, r);
    r[j] += h;
    const double above = divergence(f, r);
    r[j] -= 2 * h;
    const double below = divergence(f, r);
    cr_assert(above > least && below > least);
    // third derivative h^2, by the second one, which the values are of the size of
    check_close((above - below) / (2 * h) / fabs(least), 0, 1e-6);
  }
  close_fixture(f);
}

Test(policy_noise, of_one_covariance_it_is_one_over_the_precision) {
  fixture *f = open_fixture();
  memset(f->group, 0, sizeof f->group);
  double expected[NACT];
  for (int j = 0; j < NACT; j++)
    expected[j] = 0.5 * log(f->lambda[0] / f->precision[0][j * NACT + j]);
  check_ok(tnd_policy_noise_from_precisions(f->policy, &f->rows, f->lambda, 1e-9, check_err));
  check_all_close(log_std(f), expected, NACT, 1e-14);
  close_fixture(f);
}

Test(policy_noise, from_residuals_it_maximises_the_likelihood) {
  fixture *f = open_fixture();
  double variance[NACT], r[NACT];
  check_ok(tnd_policy_noise_from_residuals(f->regression, &f->rows, 1e-9, check_err));
  memcpy(r, log_std(f), sizeof r);
  check_ok(tnd_policy_regression_residual(f->regression, &f->rows, variance, check_err));
  for (int j = 0; j < NACT; j++)
    check_close(exp(2 * r[j]), variance[j], 1e-14);
  const double most = likelihood(f, r), h = 1e-4;
  for (int j = 0; j < NACT; j++) {
    double up[NACT], down[NACT];
    memcpy(up, r, sizeof r);
    memcpy(down, r, sizeof r);
    up[j] += h;
    down[j] -= h;
    const double above = likelihood(f, up), below = likelihood(f, down);
    cr_assert(above < most && below < most);
    check_close((above - below) / (2 * h) / fabs(most), 0, 1e-6);  // third derivative h^2
  }
  close_fixture(f);
}

Test(policy_noise, is_not_below_its_floor_and_leaves_the_mean) {
  fixture *f = open_fixture();
  const int nmean = f->nparam - NACT;
  double mean[(NOBS + 1) * NACT];
  memcpy(mean, tendril_policy_get_params(f->policy), sizeof mean);
  check_ok(tnd_policy_noise_from_precisions(f->policy, &f->rows, f->lambda, 7, check_err));
  for (int j = 0; j < NACT; j++)
    cr_assert_eq(log_std(f)[j], log(7));
  // targets that are met exactly
  for (int k = 0; k < N; k++) {
    tendril_actor *actor;
    check_ok(tendril_actor_create(f->policy, &actor, check_err));
    tendril_policy_act(f->policy, actor, 0, f->obs + k * NOBS, NULL, f->target + k * NACT);
    tendril_actor_destroy(actor);
  }
  check_ok(tnd_policy_noise_from_residuals(f->regression, &f->rows, 0.01, check_err));
  for (int j = 0; j < NACT; j++)
    cr_assert_eq(log_std(f)[j], log(0.01));
  check_same_bits(tendril_policy_get_params(f->policy), mean, nmean);
  close_fixture(f);
}

static void check_refused(fixture *f, double floor, tendril_status status, const char *words) {
  tendril_error err = {""};
  double before[NACT];
  memcpy(before, log_std(f), sizeof before);
  tendril_status got =
      tnd_policy_noise_from_precisions(f->policy, &f->rows, f->lambda, floor, &err);
  cr_assert_eq(got, status, "%s: %s (%s)", words, tendril_status_text(got), err.text);
  cr_assert(strstr(err.text, words) && !strchr(err.text, '\n'), "'%s' is not in '%s'", words,
            err.text);
  check_same_bits(log_std(f), before, NACT);
}

Test(policy_noise, that_has_collapsed_in_every_action_is_named) {
  fixture *f = open_fixture();
  tendril_error err = {""};
  double noise[NACT];
  for (int j = 0; j < NACT; j++)
    noise[j] = log(0.01);
  check_ok(tnd_policy_set_log_std(f->policy, noise, check_err));
  cr_assert_eq(tnd_policy_noise_check(f->policy, 0.01, "cgps", "use more", &err),
               TENDRIL_E_NUMERIC);
  cr_assert_str_eq(err.text,
                   "cgps: the policy's noise has collapsed, it is at its floor of 0.01 in "
                   "every action; use more");
  // one that varies is enough
  noise[NACT - 1] = log(0.011);
  check_ok(tnd_policy_set_log_std(f->policy, noise, check_err));
  check_ok(tnd_policy_noise_check(f->policy, 0.01, "cgps", "use more", check_err));
  close_fixture(f);
}

Test(policy_noise, what_does_not_determine_it_is_refused_in_one_line) {
  fixture *f = open_fixture();
  check_refused(f, 0, TENDRIL_E_ARGUMENT, "least standard deviation of 0");
  f->lambda[2] = NAN;
  check_refused(f, 1, TENDRIL_E_NUMERIC, "group 2: a multiplier of nan");
  // each is finite, their sum is not
  for (int g = 0; g < NGROUP; g++)
    f->lambda[g] = 1e308;
  check_refused(f, 1, TENDRIL_E_NUMERIC, "a variance of inf for action 0");
  memset(f->lambda, 0, sizeof f->lambda);
  check_refused(f, 1, TENDRIL_E_ARGUMENT, "the multipliers of all rows are zero");
  f->lambda[0] = 1;
  for (int g = 0; g < NGROUP; g++)
    for (int a = 0; a < NACT; a++)
      f->precision[g][a * NACT + 1] = f->precision[g][NACT + a] = 0;
  check_refused(f, 1, TENDRIL_E_ARGUMENT, "no row has a precision for action 1");
  f->target[0] = NAN;
  check_refused(f, 1, TENDRIL_E_NUMERIC, "row 0: the target is not finite");
  tendril_error err = {""};
  cr_assert_eq(tnd_policy_noise_from_residuals(f->regression, &f->rows, 1, &err),
               TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "row 0"));
  close_fixture(f);
}

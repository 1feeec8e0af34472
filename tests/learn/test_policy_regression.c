// The policy's regression: gradient by finite differences, a linear policy against LAPACK, a
// teacher, weights and precisions in closed form, thread independence, what is refused.
#include "learn/policy_regression.h"

#include "base/alloc.h"
#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOBS = 5, NACT = 3, HORIZON = 50, MANY = 1000, NGROUP = 7 };  // four chunks, the last short

static const tnd_lbfgs_options thorough = {.iterations = 3000, .memory = 20, .tolerance = 0};
static const tnd_lbfgs_options sixty = {.iterations = 60, .memory = 20, .tolerance = 0};

static double *numbers(size_t n, uint32_t which) {
  double *z = malloc(sizeof *z * n);
  tendril_random random = tendril_random_stream(9, TENDRIL_PURPOSE_TEST, which, 0);
  tendril_random_normals(&random, (int)n, z);
  return z;
}

// kind, precision and hidden layers are set; the rest follows.
static tendril_policy *policy_of(tendril_policy_options *options, uint64_t seed) {
  tendril_policy *policy;
  options->activation = TENDRIL_SOFTPLUS;
  options->output_gain = 1;
  check_ok(tendril_policy_create(options, NOBS, NACT, HORIZON, seed, &policy, check_err));
  return policy;
}

static tendril_policy *network(int hidden, bool time, uint64_t seed) {
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.hidden = (tendril_sizes){.n = 1, .at = {hidden}};
  options.precision = TENDRIL_DOUBLE;
  options.time = time;
  return policy_of(&options, seed);
}

static tendril_policy *linear(void) {
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.kind = TENDRIL_POLICY_LINEAR;
  options.precision = TENDRIL_DOUBLE;
  return policy_of(&options, 1);
}

// Random rows: observations away from the unit normal, targets, weights, groups of precisions with
// off-diagonal entries.
typedef struct sample {
  double *obs, *target, *weight, *precision;
  int *time, *group;
  tnd_regression_rows rows;
} sample;

static sample sample_of(int n) {
  sample s = {.obs = numbers((size_t)n * NOBS, 1),
              .target = numbers((size_t)n * NACT, 2),
              .weight = numbers((size_t)n, 3),
              .precision = calloc(NGROUP * NACT * NACT, sizeof(double)),
              .time = malloc(sizeof(int) * (size_t)n),
              .group = malloc(sizeof(int) * (size_t)n)};
  double *mix = numbers(NGROUP * NACT * NACT, 4);
  for (int k = 0; k < n; k++) {
    s.weight[k] = fabs(s.weight[k]);
    s.time[k] = k % HORIZON;
    s.group[k] = k % NGROUP;
    for (int i = 0; i < NOBS; i++)
      s.obs[k * NOBS + i] = 3 + (1 + i) * s.obs[k * NOBS + i];
  }
  for (int g = 0; g < NGROUP; g++)
    for (int a = 0; a < NACT; a++)
      for (int b = 0; b < NACT; b++)
        for (int c = 0; c < NACT; c++)
          s.precision[(g * NACT + a) * NACT + b] +=
              40 * mix[(g * NACT + a) * NACT + c] * mix[(g * NACT + b) * NACT + c];
  free(mix);
  s.rows = (tnd_regression_rows){.n = n,
                                 .obs = s.obs,
                                 .time = s.time,
                                 .target = s.target,
                                 .weight = s.weight,
                                 .ngroup = NGROUP,
                                 .group = s.group,
                                 .precision = s.precision};
  return s;
}

static void free_sample(sample *s) {
  void *arrays[] = {s->obs, s->target, s->weight, s->precision, s->time, s->group};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    free(arrays[i]);
}

// A policy with its regression.
typedef struct fixture {
  tendril_policy *policy;
  tendril_pool *pool;
  tnd_policy_regression *regression;
  int nparam;
} fixture;

static fixture open_fixture(tendril_policy *policy, const sample *s, int threads,
                            tnd_lbfgs_options search) {
  fixture f = {
      .policy = policy, .pool = support_pool(threads), .nparam = tendril_policy_nparam(policy)};
  tnd_policy_observe(policy, s->rows.n, s->obs);
  check_ok(
      tnd_policy_regression_create(policy, f.pool, s->rows.n, &search, &f.regression, check_err));
  return f;
}

static void close_fixture(fixture *f) {
  tnd_policy_regression_destroy(f->regression);
  tendril_pool_destroy(f->pool);
  tendril_policy_destroy(f->policy);
}

static tnd_regression_result fit(fixture *f, const tnd_regression_rows *rows) {
  tnd_regression_result result;
  check_ok(tnd_policy_regression_fit(f->regression, rows, &result, check_err));
  return result;
}

static double value(fixture *f, const tnd_regression_rows *rows) {
  double *g = malloc(sizeof *g * (size_t)f->nparam), v;
  check_ok(tnd_policy_regression_value(f->regression, rows, &v, g, check_err));
  free(g);
  return v;
}

// mu [nact] of an observation
static void mean_of(const tendril_policy *policy, int t, const double *obs, double *mu) {
  tendril_actor *actor;
  check_ok(tendril_actor_create(policy, &actor, check_err));
  tendril_policy_act(policy, actor, t, obs, NULL, mu);
  tendril_actor_destroy(actor);
}

// ------------------------------------------------------------------------ objective and gradient

// f by its definition, row by row.
static double by_definition(const tendril_policy *policy, const sample *s) {
  double f = 0, Z = 0;
  for (int k = 0; k < s->rows.n; k++) {
    double mu[NACT];
    mean_of(policy, s->time[k], s->obs + k * NOBS, mu);
    const double *W = s->precision + s->group[k] * NACT * NACT, *y = s->target + k * NACT;
    for (int a = 0; a < NACT; a++) {
      Z += s->weight[k] * W[a * NACT + a];
      for (int b = 0; b < NACT; b++)
        f += 0.5 * s->weight[k] * (y[a] - mu[a]) * W[a * NACT + b] * (y[b] - mu[b]);
    }
  }
  return f / Z;
}

typedef struct at {
  fixture *fixture;
  const tnd_regression_rows *rows;
} at;

static void value_at(void *context, const double *theta, double *y) {
  at *c = context;
  check_ok(tendril_policy_set_params(c->fixture->policy, theta, check_err));
  *y = value(c->fixture, c->rows);
}

Test(policy_regression, objective_and_gradient_are_those_of_the_definition) {
  sample s = sample_of(MANY);
  fixture f = open_fixture(network(8, true, 1), &s, 2, sixty);
  const size_t n = (size_t)f.nparam;
  double *g = malloc(sizeof *g * n), *fd = malloc(sizeof *fd * n), v;
  double *theta = malloc(sizeof *theta * n);
  memcpy(theta, tendril_policy_get_params(f.policy), sizeof *theta * n);
  check_ok(tnd_policy_regression_value(f.regression, &s.rows, &v, g, check_err));
  check_close(v, by_definition(f.policy, &s), 1e-13);  // sums in another order
  at context = {&f, &s.rows};
  support_fd_jacobian(value_at, &context, theta, n, 1, SUPPORT_FD_STEP, fd);
  check_all_close(g, fd, n, 1e-8);  // h^2 f''' plus rounding / h
  for (int j = f.nparam - NACT; j < f.nparam; j++)
    cr_assert_eq(g[j], 0);  // of the log standard deviations
  free(g);
  free(fd);
  free(theta);
  close_fixture(&f);
  free_sample(&s);
}

Test(policy_regression, rows_and_weights_may_be_left_out) {
  sample s = sample_of(MANY);
  fixture f = open_fixture(network(8, true, 1), &s, 1, sixty);
  tnd_regression_rows plain = s.rows, ones = s.rows;
  plain.weight = plain.precision = NULL;
  plain.group = NULL;
  plain.ngroup = 0;
  memset(s.precision, 0, sizeof(double) * NGROUP * NACT * NACT);
  for (int g = 0; g < NGROUP; g++)
    for (int a = 0; a < NACT; a++)
      s.precision[(g * NACT + a) * NACT + a] = 5;
  for (int k = 0; k < MANY; k++)
    s.weight[k] = 3;
  check_close(value(&f, &plain), value(&f, &ones), 1e-14);  // factors of all rows cancel
  // half the mean squared error of an action
  double sum = 0;
  for (int k = 0; k < MANY; k++) {
    double mu[NACT];
    mean_of(f.policy, s.time[k], s.obs + k * NOBS, mu);
    for (int a = 0; a < NACT; a++)
      sum += pow(mu[a] - s.target[k * NACT + a], 2);
  }
  check_close(value(&f, &plain), 0.5 * sum / (MANY * NACT), 1e-13);
  close_fixture(&f);
  free_sample(&s);
}

Test(policy_regression, size_of_the_objective_is_that_of_a_row) {
  // twice the same rows: the same objective
  sample s = sample_of(MANY), half = s;
  const int n = half.rows.n = MANY / 2;
  memcpy(s.obs + n * NOBS, s.obs, sizeof(double) * (size_t)n * NOBS);
  memcpy(s.target + n * NACT, s.target, sizeof(double) * (size_t)n * NACT);
  memcpy(s.weight + n, s.weight, sizeof(double) * (size_t)n);
  memcpy(s.time + n, s.time, sizeof(int) * (size_t)n);
  memcpy(s.group + n, s.group, sizeof(int) * (size_t)n);
  fixture f = open_fixture(network(8, true, 1), &s, 1, sixty);
  check_close(value(&f, &s.rows), value(&f, &half.rows), 1e-14);  // sums in another order
  close_fixture(&f);
  free_sample(&s);
}

// ------------------------------------------------------------------------------ known minima

// The linear policy's weighted least squares by LAPACK: for every row, U (y - Theta'[x, 1]) with
// U'U = w W. solution [NOBS + 1][NACT], as the policy has it: W [nobs][nact], then b.
static void by_lapack(const sample *s, const double *x, double *solution) {
  enum { NX = NOBS + 1, NU = NX * NACT };
  const int n = (int)s->rows.n;
  double *A = calloc((size_t)n * NACT * NU, sizeof *A), *b = calloc((size_t)n * NACT, sizeof *b);
  for (int k = 0; k < n; k++) {
    double U[NACT * NACT];
    memcpy(U, s->precision + s->group[k] * NACT * NACT, sizeof U);
    cr_assert_eq(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', NACT, U, NACT), 0);
    for (int a = 0; a < NACT; a++)
      for (int c = a; c < NACT; c++) {
        const double u = sqrt(s->weight[k]) * U[a * NACT + c];
        b[k * NACT + a] += u * s->target[k * NACT + c];
        for (int i = 0; i < NX; i++)
          A[(k * NACT + a) * NU + i * NACT + c] = u * (i < NOBS ? x[k * NOBS + i] : 1);
      }
  }
  cr_assert_eq(LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', n * NACT, NU, 1, A, NU, b, 1), 0);
  memcpy(solution, b, sizeof *solution * NU);
  free(A);
  free(b);
}

Test(policy_regression, linear_policy_is_lapacks_weighted_least_squares) {
  sample s = sample_of(MANY);
  fixture f = open_fixture(linear(), &s, 2, thorough);
  double *x = malloc(sizeof *x * MANY * NOBS), solution[(NOBS + 1) * NACT];
  tnd_policy_input(f.policy, MANY, s.obs, s.time, x);
  by_lapack(&s, x, solution);
  tnd_regression_result r = fit(&f, &s.rows);
  // the gradient of f keeps its digits at the minimum, but the line search looks at f, too
  check_all_close(tendril_policy_get_params(f.policy), solution, (NOBS + 1) * NACT, 1e-7);
  cr_assert(r.search.end == TND_LBFGS_ROUNDING || r.search.end == TND_LBFGS_CONVERGED);
  check_close(r.search.f, value(&f, &s.rows), 0);
  free(x);
  close_fixture(&f);
  free_sample(&s);
}

// Mean of a linear policy at one observation for targets that contradict each other there.
static void conflict(const double *weight, const double *precision, const double *target, int n,
                     double *mu) {
  double obs[8 * NOBS];
  int group[] = {0, 1, 2, 3, 4, 5, 6, 7};
  for (int i = 0; i < n * NOBS; i++)
    obs[i] = i % NOBS;
  sample s = {.obs = obs};
  s.rows = (tnd_regression_rows){.n = n,
                                 .obs = obs,
                                 .target = target,
                                 .weight = weight,
                                 .ngroup = n,
                                 .group = group,
                                 .precision = precision};
  fixture f = open_fixture(linear(), &s, 1, thorough);
  fit(&f, &s.rows);
  mean_of(f.policy, 0, obs, mu);
  close_fixture(&f);
}

Test(policy_regression, weights_single_out_rows) {
  double target[8 * NACT], weight[8] = {0}, mu[NACT], mean[NACT] = {0};
  for (int i = 0; i < 8 * NACT; i++)
    target[i] = cos(i);
  // all weight on enough rows of one target
  for (int k = 0; k < 8; k++) {
    weight[k] = k % 8 < 6 ? 2 : 0;
    for (int a = 0; a < NACT && weight[k] > 0; a++)
      target[k * NACT + a] = a - 1;
  }
  conflict(weight, NULL, target, 8, mu);
  const double wanted[] = {-1, 0, 1};
  check_all_close(mu, wanted, NACT, 1e-7);  // half the digits of f
  // the weighted mean
  for (int k = 0; k < 8; k++) {
    weight[k] = 1 + k;
    for (int a = 0; a < NACT; a++) {
      target[k * NACT + a] = sin(k * NACT + a);
      mean[a] += weight[k] * target[k * NACT + a] / 36;
    }
  }
  conflict(weight, NULL, target, 8, mu);
  check_all_close(mu, mean, NACT, 1e-7);
}

Test(policy_regression, precisions_weigh_combinations_of_actions) {
  // mu = (sum W)^-1 sum W y; the answer with the diagonals alone is another one
  sample s = sample_of(8);
  double *W = calloc(8 * NACT * NACT, sizeof *W), mu[NACT];
  double sum[NACT * NACT] = {0}, right[NACT] = {0}, diagonal[NACT] = {0}, trace[NACT] = {0};
  lapack_int pivot[NACT];
  for (int k = 0; k < 8; k++) {
    memcpy(W + k * NACT * NACT, s.precision + k % NGROUP * NACT * NACT, sizeof sum);
    for (int a = 0; a < NACT; a++) {
      for (int b = 0; b < NACT; b++) {
        const double w = W[(k * NACT + a) * NACT + b];
        sum[a * NACT + b] += w;
        right[a] += w * s.target[k * NACT + b];
      }
      trace[a] += W[(k * NACT + a) * NACT + a];
      diagonal[a] += W[(k * NACT + a) * NACT + a] * s.target[k * NACT + a];
    }
  }
  cr_assert_eq(LAPACKE_dgesv(LAPACK_ROW_MAJOR, NACT, 1, sum, NACT, pivot, right, 1), 0);
  conflict(NULL, W, s.target, 8, mu);
  check_all_close(mu, right, NACT, 1e-6);  // half the digits, for a matrix of condition 100
  cr_assert_gt(fabs(right[0] - diagonal[0] / trace[0]), 0.01);
  free(W);
  free_sample(&s);
}

Test(policy_regression, a_singular_precision_leaves_the_rest_to_others) {
  // every row cares for the sum of the first two actions alone, and for the third
  double W[NACT * NACT] = {1, 1, 0, 1, 1, 0, 0, 0, 1}, all[8 * NACT * NACT], target[8 * NACT],
                  mu[NACT];
  for (int k = 0; k < 8; k++) {
    memcpy(all + k * NACT * NACT, W, sizeof W);
    target[k * NACT] = 3;
    target[k * NACT + 1] = -1;
    target[k * NACT + 2] = 0.5;
  }
  conflict(NULL, all, target, 8, mu);
  check_close(mu[0] + mu[1], 2, 1e-7);
  check_close(mu[2], 0.5, 1e-7);
}

Test(policy_regression, recovers_what_a_teacher_does) {
  // as many units as the teacher: a minimum of 0 is there, but not the only one
  sample s = sample_of(MANY);
  tendril_policy *teacher = network(4, true, 5);
  fixture f = open_fixture(network(10, true, 1), &s, 2, thorough);
  check_ok(tnd_policy_copy(teacher, teacher, check_err));
  tnd_policy_observe(teacher, MANY, s.obs);
  double spread = 0;
  for (int k = 0; k < MANY; k++) {
    mean_of(teacher, s.time[k], s.obs + k * NOBS, s.target + k * NACT);
    for (int a = 0; a < NACT; a++)
      spread += pow(s.target[k * NACT + a], 2) / (MANY * NACT);
  }
  tnd_regression_rows plain = s.rows;
  plain.weight = plain.precision = NULL;
  tnd_regression_result r = fit(&f, &plain);
  // a hundredth of the size of what it does, in the mean over the rows
  cr_assert_lt(sqrt(2 * r.search.f), 0.01 * sqrt(spread), "rms error %g of %g, %d iterations",
               sqrt(2 * r.search.f), sqrt(spread), r.search.iterations);
  tendril_policy_destroy(teacher);
  close_fixture(&f);
  free_sample(&s);
}

// ------------------------------------------------------------------------------- what a fit keeps

Test(policy_regression, begins_at_the_policy_and_says_what_it_did) {
  sample s = sample_of(MANY);
  fixture f = open_fixture(network(8, true, 1), &s, 1, sixty);
  const double before = value(&f, &s.rows);
  double noise[NACT];
  memcpy(noise, tendril_policy_get_params(f.policy) + f.nparam - NACT, sizeof noise);
  const long allocations = tnd_alloc_count();
  tnd_regression_result first = fit(&f, &s.rows);
  cr_assert_eq(tnd_alloc_count(), allocations);
  cr_assert_eq(first.search.before, before);
  cr_assert_eq(first.search.end, TND_LBFGS_ITERATIONS);
  cr_assert_eq(first.search.iterations, 60);
  cr_assert_gt(first.search.evaluations, 60);
  cr_assert_lt(first.search.f, before);
  cr_assert_gt(first.cpu_seconds, 0);
  cr_assert_eq(value(&f, &s.rows), first.search.f);  // the policy is where the search was lowest
  check_same_bits(tendril_policy_get_params(f.policy) + f.nparam - NACT, noise, NACT);
  // a second fit goes on from there
  tnd_regression_result second = fit(&f, &s.rows);
  cr_assert_eq(second.search.before, first.search.f);
  cr_assert_lt(second.search.f, first.search.f);
  close_fixture(&f);
  free_sample(&s);
}

Test(policy_regression, same_bits_on_any_number_of_threads) {
  sample s = sample_of(MANY);
  double *theta = NULL;
  for (int threads = 1; threads <= 3; threads++) {
    fixture f = open_fixture(network(8, true, 1), &s, threads, sixty);
    double variance[NACT];
    tnd_regression_result r = fit(&f, &s.rows);
    check_ok(tnd_policy_regression_residual(f.regression, &s.rows, variance, check_err));
    const size_t n = (size_t)f.nparam + NACT + 1;
    double *all = malloc(sizeof *all * n);
    memcpy(all, tendril_policy_get_params(f.policy), sizeof *all * (size_t)f.nparam);
    memcpy(all + f.nparam, variance, sizeof variance);
    all[n - 1] = r.search.f;
    if (theta) check_same_bits(all, theta, n);
    if (theta) free(all);
    if (!theta) theta = all;
    close_fixture(&f);
  }
  free(theta);
  free_sample(&s);
}

Test(policy_regression, single_precision_is_good_enough_for_sixty_iterations) {
  sample s = sample_of(MANY);
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.hidden = (tendril_sizes){.n = 1, .at = {10}};
  fixture rough = open_fixture(policy_of(&options, 1), &s, 1, sixty);
  options.precision = TENDRIL_DOUBLE;
  fixture fine = open_fixture(policy_of(&options, 1), &s, 1, sixty);
  const size_t n = (size_t)fine.nparam;
  double *g = malloc(sizeof *g * n), *exact = malloc(sizeof *exact * n), f, error = 0, size = 0;
  check_ok(tnd_policy_regression_value(rough.regression, &s.rows, &f, g, check_err));
  check_ok(tnd_policy_regression_value(fine.regression, &s.rows, &f, exact, check_err));
  for (size_t i = 0; i < n; i++) {
    error += pow(g[i] - exact[i], 2);
    size += pow(exact[i], 2);
  }
  cr_assert_lt(sqrt(error / size), 1e-5);  // a hundred roundings of 6e-8
  tnd_regression_result a = fit(&rough, &s.rows), b = fit(&fine, &s.rows);
  cr_assert_eq(a.search.iterations, 60);
  // paths part, what they reach hardly does
  check_close(a.search.f / b.search.f, 1, 0.03);
  free(g);
  free(exact);
  close_fixture(&rough);
  close_fixture(&fine);
  free_sample(&s);
}

Test(policy_regression, residuals_are_the_weighted_mean_squares) {
  sample s = sample_of(MANY);
  fixture f = open_fixture(network(8, true, 1), &s, 2, sixty);
  double variance[NACT], sum[NACT] = {0}, weight = 0;
  for (int k = 0; k < MANY; k++) {
    double mu[NACT];
    mean_of(f.policy, s.time[k], s.obs + k * NOBS, mu);
    weight += s.weight[k];
    for (int a = 0; a < NACT; a++)
      sum[a] += s.weight[k] * pow(s.target[k * NACT + a] - mu[a], 2);
  }
  for (int a = 0; a < NACT; a++)
    sum[a] /= weight;
  check_ok(tnd_policy_regression_residual(f.regression, &s.rows, variance, check_err));
  check_all_close(variance, sum, NACT, 1e-13);  // sums in another order
  close_fixture(&f);
  free_sample(&s);
}

// ---------------------------------------------------------------------------- what goes wrong

// The fit is refused with this status and one line that has `words`; the policy is as it was.
static void check_refused(fixture *f, const tnd_regression_rows *rows, tendril_status status,
                          const char *words) {
  tendril_error err = {""};
  tnd_regression_result result;
  const size_t n = (size_t)f->nparam;
  double *before = malloc(sizeof *before * n);
  memcpy(before, tendril_policy_get_params(f->policy), sizeof *before * n);
  tendril_status got = tnd_policy_regression_fit(f->regression, rows, &result, &err);
  cr_assert_eq(got, status, "%s: %s (%s)", words, tendril_status_text(got), err.text);
  cr_assert(strstr(err.text, words) && !strchr(err.text, '\n'), "'%s' is not in '%s'", words,
            err.text);
  check_same_bits(tendril_policy_get_params(f->policy), before, n);
  free(before);
}

Test(policy_regression, rows_that_are_not_right_are_refused_in_one_line) {
  sample s = sample_of(MANY);
  fixture f = open_fixture(network(8, true, 1), &s, 1, sixty);
  tnd_regression_rows rows = s.rows;

  s.target[5 * NACT + 1] = NAN;
  s.weight[5] = 0;  // even so
  check_refused(&f, &rows, TENDRIL_E_NUMERIC, "row 5: the target is not finite");
  s.target[5 * NACT + 1] = 0;
  s.obs[6 * NOBS] = HUGE_VAL;
  check_refused(&f, &rows, TENDRIL_E_NUMERIC, "row 6: the observation is not finite");
  s.obs[6 * NOBS] = 0;
  s.weight[7] = -1;
  check_refused(&f, &rows, TENDRIL_E_NUMERIC, "row 7: a weight of -1");
  s.weight[7] = NAN;
  check_refused(&f, &rows, TENDRIL_E_NUMERIC, "row 7: a weight of nan");
  s.weight[7] = s.weight[8] = 1e308;
  check_refused(&f, &rows, TENDRIL_E_NUMERIC, "scale them down");
  s.weight[7] = s.weight[8] = 1;
  s.group[9] = NGROUP;
  check_refused(&f, &rows, TENDRIL_E_ARGUMENT, "row 9: group 7 of 7");
  s.group[9] = 0;
  s.precision[2 * NACT * NACT + 1] += 1;
  check_refused(&f, &rows, TENDRIL_E_ARGUMENT, "group 2: the precision is not symmetric");
  s.precision[2 * NACT * NACT + 1] -= 1;
  s.precision[3 * NACT * NACT] *= -1;
  check_refused(&f, &rows, TENDRIL_E_ARGUMENT,
                "group 3: the precision is not symmetric and positive");
  s.precision[3 * NACT * NACT] = NAN;
  check_refused(&f, &rows, TENDRIL_E_NUMERIC, "group 3: an entry of the precision is not finite");
  s.precision[3 * NACT * NACT] = 1e3;

  rows.time = NULL;
  check_refused(&f, &rows, TENDRIL_E_ARGUMENT, "rows without times");
  rows = s.rows;
  rows.n = 0;
  check_refused(&f, &rows, TENDRIL_E_ARGUMENT, "no rows");
  rows.n = MANY + 1;
  check_refused(&f, &rows, TENDRIL_E_ARGUMENT, "1001 rows, made for 1000");
  rows.n = MANY;
  memset(s.weight, 0, sizeof *s.weight * MANY);
  check_refused(&f, &rows, TENDRIL_E_ARGUMENT, "all weights of 1000 rows are zero");
  // 6 inputs, 8 units, 3 actions: 83 parameters, 28 rows
  for (int k = 0; k < 27; k++)
    s.weight[k] = 1;
  check_refused(&f, &rows, TENDRIL_E_ARGUMENT,
                "27 rows with a weight for 83 parameters; it takes 28");
  close_fixture(&f);
  free_sample(&s);
}

Test(policy_regression, a_time_linear_policy_is_refused) {
  tendril_policy_options options;
  tendril_policy *policy;
  tnd_policy_regression *regression;
  tendril_pool *pool = support_pool(1);
  tendril_policy_defaults(&options);
  options.kind = TENDRIL_POLICY_TIME_LINEAR;
  policy = policy_of(&options, 1);
  tendril_error err;
  cr_assert_eq(tnd_policy_regression_create(policy, pool, 10, &sixty, &regression, &err),
               TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "policy.kind"));
  tendril_policy_destroy(policy);
  tendril_pool_destroy(pool);
}

Test(policy_regression, actions_beyond_all_numbers_are_refused) {
  sample s = sample_of(MANY);
  fixture f = open_fixture(network(8, true, 1), &s, 1, sixty);
  for (int k = 0; k < MANY * NACT; k++)
    s.target[k] = 1e200;  // its square is infinite
  check_refused(&f, &s.rows, TENDRIL_E_NUMERIC, "left the finite numbers in iteration 0");
  close_fixture(&f);
  free_sample(&s);
}

Test(policy_regression, a_fit_that_meets_infinity_turns_back) {
  // targets near the end of single precision: what leads there makes the gradient infinite
  sample s = sample_of(MANY);
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.hidden = (tendril_sizes){.n = 1, .at = {10}};
  fixture f = open_fixture(policy_of(&options, 1), &s, 1, sixty);
  for (int k = 0; k < MANY * NACT; k++)
    s.target[k] *= 1e37;
  tendril_error err = {""};
  tnd_regression_result r;
  tendril_status status = tnd_policy_regression_fit(f.regression, &s.rows, &r, &err);
  cr_assert(status == TENDRIL_OK || status == TENDRIL_E_NUMERIC);
  cr_assert_gt(r.search.nonfinite, 0);
  const double *params = tendril_policy_get_params(f.policy);
  for (int i = 0; i < f.nparam; i++)
    cr_assert(isfinite(params[i]));
  cr_assert_eq(value(&f, &s.rows), r.search.f);
  cr_assert_leq(r.search.f, r.search.before);
  close_fixture(&f);
  free_sample(&s);
}

typedef struct scarce {
  const sample *sample;
  tendril_policy *policy;
  tendril_pool *pool;
} scarce;

static tendril_status make_and_fit(void *context, tendril_error *err) {
  scarce *c = context;
  tnd_policy_regression *regression;
  tnd_regression_result result;
  TENDRIL_TRY(tnd_policy_regression_create(c->policy, c->pool, MANY, &sixty, &regression, err));
  tendril_status status = tnd_policy_regression_fit(regression, &c->sample->rows, &result, err);
  tnd_policy_regression_destroy(regression);
  return status;
}

Test(policy_regression, allocations_that_fail_are_clean) {
  sample s = sample_of(MANY);
  scarce c = {&s, network(8, true, 1), support_pool(2)};
  cr_assert_gt(support_fail_each_alloc(make_and_fit, &c), 4);
  tendril_policy_destroy(c.policy);
  tendril_pool_destroy(c.pool);
  free_sample(&s);
}

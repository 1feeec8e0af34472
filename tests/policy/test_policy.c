// Gaussian policies: the distribution's formulas against finite differences and integrals, the
// normaliser, acting, files.
#include "policy/policy.h"

#include "base/alloc.h"
#include "math/linalg.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/random.h>

enum { NOBS = 5, NACT = 3, ND = 2 * NACT, ROWS = 40 };

static tendril_policy_options options(void) {
  return (tendril_policy_options){.kind = TENDRIL_POLICY_MLP,
                                  .hidden = {2, {9, 17}},
                                  .activation = TENDRIL_TANH,
                                  .log_std = -0.3,
                                  .output_gain = 0.5,
                                  .normalize = true,
                                  .obs_clip = 10,
                                  .precision = TENDRIL_DOUBLE};
}

static tendril_policy *make(tendril_policy_options o) {
  tendril_policy *policy = NULL;
  check_ok(tendril_policy_create(&o, NOBS, NACT, 100, 7, &policy, check_err));
  return policy;
}

static void normals(uint32_t which, int n, double *z) {
  tendril_random random = tendril_random_stream(9, TENDRIL_PURPOSE_TEST, which, 0);
  tendril_random_normals(&random, n, z);
}

// two rows of distributions near each other, with different deviations, and actions
static double d0[ROWS * ND], d1[ROWS * ND], action[ROWS * NACT];
static void setup(void) {
  normals(0, ROWS * ND, d0);
  normals(1, ROWS * ND, d1);
  normals(2, ROWS * NACT, action);
  for (int i = 0; i < ROWS * ND; i++) {
    d0[i] *= 0.5;
    d1[i] = d0[i] + 0.2 * d1[i];
  }
}

Test(policy, density_integrates_to_one_and_has_the_entropy_it_says) {
  tendril_policy_options o = options();
  tendril_policy *policy = NULL;
  check_ok(tendril_policy_create(&o, NOBS, 2, 100, 7, &policy, check_err));
  // the trapezium rule is exact to rounding for a smooth function that vanishes at both ends
  double d[4] = {0.4, -1, -0.2, 0.3}, mass = 0, entropy = 0, h, step = 0.1;
  for (double x = -12; x < 12; x += step)
    for (double y = -12; y < 12; y += step) {
      double a[2] = {x, y}, logp;
      tnd_policy_logp(policy, 1, d, a, &logp);
      mass += exp(logp) * step * step;
      entropy -= exp(logp) * logp * step * step;
    }
  tnd_policy_entropy(policy, 1, d, &h);
  check_close(mass, 1, 1e-10);
  check_close(entropy, h, 1e-10);
  tendril_policy_destroy(policy);
}

Test(policy, gradient_of_logp_agrees_with_finite_differences, .init = setup) {
  tendril_policy *policy = make(options());
  double weight[ROWS], u[ROWS * ND], h = 1e-5;
  normals(3, ROWS, weight);
  tnd_policy_logp_gradient(policy, ROWS, d0, action, weight, u);
  for (int k = 0; k < ND; k++) {
    double plus[ROWS * ND], minus[ROWS * ND], lp[ROWS], lm[ROWS];
    memcpy(plus, d0, sizeof plus);
    memcpy(minus, d0, sizeof minus);
    for (int i = 0; i < ROWS; i++) {
      plus[i * ND + k] += h;
      minus[i * ND + k] -= h;
    }
    tnd_policy_logp(policy, ROWS, plus, action, lp);
    tnd_policy_logp(policy, ROWS, minus, action, lm);
    for (int i = 0; i < ROWS; i++)
      check_close(u[i * ND + k], weight[i] * (lp[i] - lm[i]) / (2 * h), 1e-6);  // h^2 f''' / 6
  }
  tendril_policy_destroy(policy);
}

Test(policy, kl_has_its_closed_forms) {
  tendril_policy_options o = options();
  tendril_policy *policy = NULL;
  check_ok(tendril_policy_create(&o, NOBS, 1, 100, 7, &policy, check_err));
  const double a[2] = {0, 0}, b[2] = {2, 0}, c[2] = {0, log(2)};
  double kl;
  tnd_policy_kl(policy, 1, a, a, &kl);
  cr_assert_eq(kl, 0);
  tnd_policy_kl(policy, 1, a, b, &kl);
  check_close(kl, 2, 1e-15);  // (m0 - m)^2 / 2
  tnd_policy_kl(policy, 1, a, c, &kl);
  check_close(kl, log(2) + 1.0 / 8 - 0.5, 1e-15);
  tnd_policy_kl(policy, 1, c, a, &kl);
  check_close(kl, -log(2) + 2 - 0.5, 1e-15);
  tendril_policy_destroy(policy);
}

Test(policy, kl_is_the_mean_difference_of_log_densities, .init = setup) {
  // KL(p || q) = E_p [log p - log q], the expectation by Gauss-Hermite-like trapezia in one
  // dimension
  tendril_policy_options o = options();
  tendril_policy *policy = NULL;
  check_ok(tendril_policy_create(&o, NOBS, 1, 100, 7, &policy, check_err));
  for (int i = 0; i < ROWS; i++) {
    double sum = 0, kl, step = 0.02;
    for (double a = -60; a < 60; a += step) {
      double p, q;
      tnd_policy_logp(policy, 1, d0 + 2 * i, &a, &p);
      tnd_policy_logp(policy, 1, d1 + 2 * i, &a, &q);
      sum += exp(p) * (p - q) * step;
    }
    tnd_policy_kl(policy, 1, d0 + 2 * i, d1 + 2 * i, &kl);
    check_close(kl, sum, 1e-9);
  }
  tendril_policy_destroy(policy);
}

Test(policy, kl_is_never_negative, .init = setup) {
  tendril_policy *policy = make(options());
  double kl[ROWS];
  for (double scale = 1; scale > 1e-18; scale *= 0.1) {
    double near[ROWS * ND];
    for (int i = 0; i < ROWS * ND; i++)
      near[i] = d0[i] + scale * (d1[i] - d0[i]);
    tnd_policy_kl(policy, ROWS, d0, near, kl);
    for (int i = 0; i < ROWS; i++)
      cr_assert(kl[i] >= 0, "%g at distance %g", kl[i], scale);
  }
  tendril_policy_destroy(policy);
}

Test(policy, metric_is_the_second_derivative_of_kl, .init = setup) {
  tendril_policy *policy = make(options());
  double h = 1e-4;
  for (int k = 0; k < ND; k++)
    for (int l = 0; l < ND; l++) {
      double corner[4][ROWS];
      for (int s = 0; s < 4; s++) {
        double d[ROWS * ND];
        memcpy(d, d0, sizeof d);
        for (int i = 0; i < ROWS; i++) {
          d[i * ND + k] += s & 1 ? h : -h;
          d[i * ND + l] += s & 2 ? h : -h;
        }
        tnd_policy_kl(policy, ROWS, d0, d, corner[s]);
      }
      double v[ROWS * ND] = {0};
      for (int i = 0; i < ROWS; i++)
        v[i * ND + l] = 1;
      tnd_policy_metric(policy, ROWS, d0, v);
      for (int i = 0; i < ROWS; i++) {
        double fd = (corner[3][i] - corner[1][i] - corner[2][i] + corner[0][i]) / (4 * h * h);
        check_close(v[i * ND + k], fd, 1e-5);  // h^2 f'''' and 1e-16 / h^2
      }
    }
  tendril_policy_destroy(policy);
}

// gradient [nparam] = mean over rows of dKL(d_old || d(theta)) / dtheta
static void kl_gradient(tendril_policy *policy, tnd_policy_rows *rows, const double *theta,
                        const double *x, const double *d_old, double *gradient) {
  double d[ROWS * ND], u[ROWS * ND];
  check_ok(tendril_policy_set_params(policy, theta, check_err));
  tnd_policy_forward(policy, rows, ROWS, x, d);
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < NACT; j++) {
      double m0 = d_old[i * ND + j], r0 = d_old[i * ND + NACT + j];
      double m = d[i * ND + j], r = d[i * ND + NACT + j];
      u[i * ND + j] = (m - m0) * exp(-2 * r) / ROWS;
      u[i * ND + NACT + j] = (1 - (exp(2 * r0) + (m0 - m) * (m0 - m)) * exp(-2 * r)) / ROWS;
    }
  memset(gradient, 0, (size_t)tendril_policy_nparam(policy) * sizeof *gradient);
  tnd_policy_vjp(policy, rows, u, gradient);
}

Test(policy, fisher_vector_product_is_the_derivative_of_the_gradient_of_the_mean_kl) {
  for (int kind = TENDRIL_POLICY_MLP; kind <= TENDRIL_POLICY_LINEAR; kind++)
    for (int a = TENDRIL_TANH; a <= TENDRIL_SOFTPLUS; a++) {
      tendril_policy_options o = options();
      o.kind = kind;
      o.activation = a;
      tendril_policy *policy = make(o);
      int n = tendril_policy_nparam(policy);
      double *theta = malloc((size_t)n * sizeof *theta), *near = malloc((size_t)n * sizeof *near);
      double *v = malloc((size_t)n * sizeof *v), *fv = calloc((size_t)n, sizeof *fv);
      double *plus = malloc((size_t)n * sizeof *plus), *minus = malloc((size_t)n * sizeof *minus);
      double x[ROWS * NOBS], d[ROWS * ND], jv[ROWS * ND], h = 1e-5;
      normals(4, ROWS * NOBS, x);
      normals(5, n, v);
      memcpy(theta, tendril_policy_get_params(policy), (size_t)n * sizeof *theta);
      tnd_policy_rows *rows = NULL;
      check_ok(tnd_policy_rows_create(policy, ROWS, &rows, check_err));

      // J' M J v / n
      tnd_policy_set_tangent(policy, v);
      tnd_policy_forward(policy, rows, ROWS, x, d);
      tnd_policy_jvp(policy, rows, jv);
      tnd_policy_metric(policy, ROWS, d, jv);
      tnd_policy_vjp(policy, rows, jv, fv);

      for (int i = 0; i < n; i++)
        near[i] = theta[i] + h * v[i];
      kl_gradient(policy, rows, near, x, d, plus);
      for (int i = 0; i < n; i++)
        near[i] = theta[i] - h * v[i];
      kl_gradient(policy, rows, near, x, d, minus);
      // h^2 times a third derivative of some 1e3
      for (int i = 0; i < n; i++)
        check_close(fv[i] / ROWS, (plus[i] - minus[i]) / (2 * h), 1e-6);
      tnd_policy_rows_destroy(rows);
      tendril_policy_destroy(policy);
      free(theta), free(near), free(v), free(fv), free(plus), free(minus);
    }
}

Test(policy, the_mean_action_is_the_mean_of_the_distribution_to_the_bit) {
  for (int precision = TENDRIL_SINGLE; precision <= TENDRIL_DOUBLE; precision++) {
    tendril_policy_options o = options();
    o.precision = precision;
    tendril_policy *policy = make(o);
    tendril_actor *actor = NULL;
    tnd_policy_rows *rows = NULL;
    check_ok(tendril_actor_create(policy, &actor, check_err));
    check_ok(tnd_policy_rows_create(policy, ROWS, &rows, check_err));
    double obs[ROWS * NOBS], x[ROWS * NOBS], d[ROWS * ND], noise[NACT], a[NACT];
    normals(6, ROWS * NOBS, obs);
    normals(7, NACT, noise);
    tnd_policy_observe(policy, ROWS, obs);
    tnd_policy_input(policy, ROWS, obs, NULL, x);
    tnd_policy_forward(policy, rows, ROWS, x, d);
    for (int i = 0; i < ROWS; i++) {
      tendril_policy_act(policy, actor, 0, obs + i * NOBS, NULL, a);
      cr_assert_eq(memcmp(a, d + i * ND, sizeof a), 0);
      tendril_policy_act(policy, actor, 0, obs + i * NOBS, noise, a);
      for (int j = 0; j < NACT; j++)
        check_close(a[j], d[i * ND + j] + exp(d[i * ND + NACT + j]) * noise[j], 1e-15);
    }
    tnd_policy_rows_destroy(rows);
    tendril_actor_destroy(actor);
    tendril_policy_destroy(policy);
  }
}

Test(policy, normaliser_is_the_identity_at_first_then_standardises_and_clips) {
  tendril_policy *policy = make(options());
  double obs[ROWS * NOBS], x[ROWS * NOBS], clip = options().obs_clip;
  normals(8, ROWS * NOBS, obs);
  for (int i = 0; i < ROWS; i++)
    obs[i * NOBS + 2] = 100 + 7 * obs[i * NOBS + 2];
  double first[NOBS] = {1, -2, 3, 200, -200};
  tnd_policy_input(policy, 1, first, NULL, x);
  cr_assert(x[0] == 1 && x[1] == -2 && x[2] == 3 && x[3] == clip && x[4] == -clip);

  tnd_policy_observe(policy, 13, obs);
  tnd_policy_observe(policy, 0, obs);
  tnd_policy_observe(policy, ROWS - 13, obs + 13 * NOBS);
  tnd_policy_input(policy, ROWS, obs, NULL, x);
  for (int i = 0; i < NOBS; i++) {
    double mean = 0, var = 0;
    for (int r = 0; r < ROWS; r++)
      mean += x[r * NOBS + i] / ROWS;
    for (int r = 0; r < ROWS; r++)
      var += x[r * NOBS + i] * x[r * NOBS + i] / ROWS;
    check_close(mean, 0, 1e-12);
    check_close(var, 1, 1e-12);
  }
  tendril_policy_destroy(policy);
}

Test(policy, a_feature_that_never_varies_is_only_shifted) {
  tendril_policy *policy = make(options());
  double obs[2 * NOBS] = {1, 0, 0.1, 1e9, -3, 1, 0, 0.1, 1e9, -3}, x[NOBS];
  for (int k = 0; k < 50; k++)
    tnd_policy_observe(policy, 2, obs);
  double other[NOBS] = {1, 0, 0.1 + 1e-9, 1e9, -2.5};
  tnd_policy_input(policy, 1, other, NULL, x);
  const double expected[NOBS] = {0, 0, 1e-9, 0, 0.5};
  for (int i = 0; i < NOBS; i++)
    check_close(x[i], expected[i], 1e-12);
  tendril_policy_destroy(policy);
}

Test(policy, without_normalize_observations_pass_unchanged) {
  tendril_policy_options o = options();
  o.normalize = false;
  tendril_policy *policy = make(o);
  double obs[NOBS] = {1, 2, 300, -4000, 5}, x[NOBS];
  tnd_policy_observe(policy, 1, obs);
  tnd_policy_input(policy, 1, obs, NULL, x);
  cr_assert_eq(memcmp(x, obs, sizeof x), 0);
  tendril_policy_destroy(policy);
}

Test(policy, parameters_that_are_not_finite_are_refused_and_change_nothing) {
  tendril_policy *policy = make(options());
  int n = tendril_policy_nparam(policy);
  double *theta = malloc((size_t)n * sizeof *theta), *before = malloc((size_t)n * sizeof *before);
  memcpy(before, tendril_policy_get_params(policy), (size_t)n * sizeof *before);
  memcpy(theta, before, (size_t)n * sizeof *theta);
  theta[0] += 1;
  theta[n - 1] = (double)NAN;
  tendril_error err;
  cr_assert_eq(tendril_policy_set_params(policy, theta, &err), TENDRIL_E_NUMERIC);
  cr_assert_eq(memcmp(before, tendril_policy_get_params(policy), (size_t)n * sizeof *before), 0);
  free(theta);
  free(before);
  tendril_policy_destroy(policy);
}

Test(policy, a_new_policy_has_the_options_log_std_and_a_small_mean) {
  tendril_policy_options o = options();
  o.output_gain = 0;
  tendril_policy *policy = make(o);
  int n = tendril_policy_nparam(policy);
  cr_assert_eq(n, (NOBS + 1) * 9 + 10 * 17 + 18 * NACT + NACT);
  cr_assert(tnd_policy_ndist(policy) == ND && tendril_policy_nobs(policy) == NOBS &&
            tendril_policy_nact(policy) == NACT);
  for (int j = 0; j < NACT; j++)
    cr_assert_eq(tendril_policy_get_params(policy)[n - NACT + j], o.log_std);
  tendril_actor *actor = NULL;
  check_ok(tendril_actor_create(policy, &actor, check_err));
  double obs[NOBS] = {1, 2, 3, 4, 5}, a[NACT] = {9, 9, 9};
  tendril_policy_act(policy, actor, 0, obs, NULL, a);
  cr_assert(a[0] == 0 && a[1] == 0 && a[2] == 0);
  tendril_actor_destroy(actor);
  tendril_policy_destroy(policy);
}

Test(policy, another_seed_gives_other_weights_and_the_same_seed_the_same) {
  tendril_policy_options o = options();
  tendril_policy *a = make(o), *b = make(o), *c = NULL;
  check_ok(tendril_policy_create(&o, NOBS, NACT, 100, 8, &c, check_err));
  size_t size = (size_t)tendril_policy_nparam(a) * sizeof(double);
  cr_assert_eq(memcmp(tendril_policy_get_params(a), tendril_policy_get_params(b), size), 0);
  cr_assert_neq(memcmp(tendril_policy_get_params(a), tendril_policy_get_params(c), size), 0);
  tendril_policy_destroy(a);
  tendril_policy_destroy(b);
  tendril_policy_destroy(c);
}

Test(policy, a_saved_policy_acts_the_same_to_the_bit_when_loaded) {
  tendril_policy *a = make(options()), *b = NULL;
  tendril_policy_options o = options();
  check_ok(tendril_policy_create(&o, NOBS, NACT, 100, 99, &b, check_err));
  double obs[ROWS * NOBS], noise[NACT], one[NACT], two[NACT];
  normals(10, ROWS * NOBS, obs);
  normals(11, NACT, noise);
  tnd_policy_observe(a, ROWS, obs);
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_policy_save(a, tensors, check_err));
  check_ok(tnd_policy_load(b, tensors, check_err));
  for (int k = 0; k < 2; k++) {
    tendril_actor *actor_a = NULL, *actor_b = NULL;
    check_ok(tendril_actor_create(a, &actor_a, check_err));
    check_ok(tendril_actor_create(b, &actor_b, check_err));
    tendril_policy_act(a, actor_a, 0, obs, noise, one);
    tendril_policy_act(b, actor_b, 0, obs, noise, two);
    cr_assert_eq(memcmp(one, two, sizeof one), 0);
    tendril_actor_destroy(actor_a);
    tendril_actor_destroy(actor_b);
    // and the normaliser goes on from the same place
    tnd_policy_observe(a, 7, obs);
    tnd_policy_observe(b, 7, obs);
  }
  tnd_tensors_destroy(tensors);
  tendril_policy_destroy(a);
  tendril_policy_destroy(b);
}

Test(policy, a_copy_acts_the_same_to_the_bit_and_another_shape_is_refused) {
  tendril_policy_options o = options(), wider = options(), relu = options();
  o.hidden.at[2] = 77;  // behind the end of the list: of no account
  wider.hidden = (tendril_sizes){2, {17, 9}};
  relu.activation = TENDRIL_RELU;
  tendril_policy *a = make(options()), *b = NULL, *c = make(wider), *d = make(relu);
  check_ok(tendril_policy_create(&o, NOBS, NACT, 100, 99, &b, check_err));
  double obs[ROWS * NOBS], x[NOBS], y[NOBS];
  normals(13, ROWS * NOBS, obs);
  cr_assert(!tnd_policy_observed(a));
  tnd_policy_observe(a, ROWS, obs);
  cr_assert(tnd_policy_observed(a) && !tnd_policy_observed(b));
  check_ok(tnd_policy_copy(b, a, check_err));
  cr_assert(tnd_policy_observed(b));
  check_same_bits(tendril_policy_get_params(b), tendril_policy_get_params(a),
                  tendril_policy_nparam(a));
  tnd_policy_input(a, 1, obs, NULL, x);
  tnd_policy_input(b, 1, obs, NULL, y);
  check_same_bits(y, x, NOBS);
  tendril_error err;
  cr_assert_eq(tnd_policy_copy(c, a, &err), TENDRIL_E_CONFIG);
  cr_assert_eq(tnd_policy_copy(d, a, &err), TENDRIL_E_CONFIG);
  tendril_policy_destroy(a);
  tendril_policy_destroy(b);
  tendril_policy_destroy(c);
  tendril_policy_destroy(d);
}

Test(policy, loading_a_policy_of_another_size_is_an_error_and_changes_nothing) {
  tendril_policy *a = make(options()), *b = NULL;
  tendril_policy_options o = options();
  check_ok(tendril_policy_create(&o, NOBS + 1, NACT, 100, 99, &b, check_err));
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_policy_save(b, tensors, check_err));
  size_t size = (size_t)tendril_policy_nparam(a) * sizeof(double);
  double *before = malloc(size);
  memcpy(before, tendril_policy_get_params(a), size);
  tendril_error err;
  cr_assert_eq(tnd_policy_load(a, tensors, &err), TENDRIL_E_FORMAT);
  cr_assert_eq(memcmp(before, tendril_policy_get_params(a), size), 0);
  free(before);
  tnd_tensors_destroy(tensors);
  tendril_policy_destroy(a);
  tendril_policy_destroy(b);
}

// Everything that allocates, a save and a load included.
static tendril_status live_once(void *context, tendril_error *err) {
  (void)context;
  tendril_policy_options o = options();
  tendril_policy *policy = NULL;
  tendril_actor *actor = NULL;
  tnd_policy_rows *rows = NULL, *kept = NULL;
  tnd_tensors *tensors = NULL;
  tendril_status status = tendril_policy_create(&o, NOBS, NACT, 100, 1, &policy, err);
  if (status == TENDRIL_OK) status = tendril_actor_create(policy, &actor, err);
  if (status == TENDRIL_OK) status = tnd_policy_rows_create(policy, ROWS, &rows, err);
  if (status == TENDRIL_OK) status = tnd_policy_rows_create_kept(policy, ROWS, &kept, err);
  if (status == TENDRIL_OK) status = tnd_tensors_create(&tensors, err);
  if (status == TENDRIL_OK) status = tnd_policy_save(policy, tensors, err);
  if (status == TENDRIL_OK) status = tnd_policy_load(policy, tensors, err);
  tnd_tensors_destroy(tensors);
  tnd_policy_rows_destroy(kept);
  tnd_policy_rows_destroy(rows);
  tendril_actor_destroy(actor);
  tendril_policy_destroy(policy);
  return status;
}

Test(policy, creating_survives_a_failing_allocator_and_working_allocates_nothing) {
  cr_assert_gt(support_fail_each_alloc(live_once, NULL), 10);
  tendril_policy *policy = make(options());
  tendril_actor *actor = NULL;
  tnd_policy_rows *rows = NULL;
  check_ok(tendril_actor_create(policy, &actor, check_err));
  check_ok(tnd_policy_rows_create(policy, ROWS, &rows, check_err));

  double obs[ROWS * NOBS], x[ROWS * NOBS], d[ROWS * ND], a[NACT];
  normals(12, ROWS * NOBS, obs);
  long before = tnd_alloc_count();
  tnd_policy_observe(policy, ROWS, obs);
  tnd_policy_input(policy, ROWS, obs, NULL, x);
  tnd_policy_forward(policy, rows, ROWS, x, d);
  tendril_policy_act(policy, actor, 0, obs, NULL, a);
  cr_assert_eq(tnd_alloc_count(), before);
  tnd_policy_rows_destroy(rows);
  tendril_actor_destroy(actor);
  tendril_policy_destroy(policy);
  tendril_policy_destroy(NULL);
  tendril_actor_destroy(NULL);
}

Test(policy, no_actions_or_no_observations_are_refused) {
  tendril_policy_options o = options();
  tendril_policy *policy = NULL;
  tendril_error err;
  cr_assert_eq(tendril_policy_create(&o, 0, 1, 100, 1, &policy, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tendril_policy_create(&o, 1, 0, 100, 1, &policy, &err), TENDRIL_E_ARGUMENT);
}

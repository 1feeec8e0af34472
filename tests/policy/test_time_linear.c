// Time-dependent linear-Gaussian policies: the distribution against src/math/linear_gaussian.h and
// finite differences, both covariances; time as an input of networks.
#include "policy/time_linear.h"

#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/random.h>

enum { NOBS = 4, NACT = 3, T = 6, LOW = NACT * (NACT - 1) / 2, ROWS = 24 };

static const int covariances[] = {TENDRIL_COVARIANCE_DIAGONAL, TENDRIL_COVARIANCE_FULL};

static tendril_policy_options options(int covariance) {
  tendril_policy_options o;
  tendril_policy_defaults(&o);
  o.kind = TENDRIL_POLICY_TIME_LINEAR;
  o.covariance = covariance;
  o.normalize = false;
  o.log_std = 0.7;
  return o;
}

static void normals(uint32_t which, int n, double *z) {
  tendril_random random = tendril_random_stream(5, TENDRIL_PURPOSE_TEST, which, 0);
  tendril_random_normals(&random, n, z);
}

// A policy with random parameters, deviations between exp(-0.5) and exp(0.5) or so.
static tendril_policy *make(int covariance) {
  const tendril_policy_options o = options(covariance);
  tendril_policy *policy = NULL;
  check_ok(tendril_policy_create(&o, NOBS, NACT, T, 7, &policy, check_err));
  const int n = tendril_policy_nparam(policy);
  double *theta = malloc(sizeof *theta * (size_t)n);
  normals(1, n, theta);
  for (int i = 0; i < n; i++)
    theta[i] *= 0.5;
  check_ok(tendril_policy_set_params(policy, theta, check_err));
  free(theta);
  return policy;
}

// Observations, times and inputs of some rows, every step among them.
typedef struct sample {
  double obs[ROWS * NOBS], x[ROWS * (NOBS + 1)], action[ROWS * NACT];
  int time[ROWS];
} sample;

static void draw(const tendril_policy *policy, sample *s) {
  normals(2, ROWS * NOBS, s->obs);
  normals(3, ROWS * NACT, s->action);
  for (int i = 0; i < ROWS; i++)
    s->time[i] = (5 * i) % T;
  tnd_policy_input(policy, ROWS, s->obs, s->time, s->x);
}

Test(time_linear, starts_with_zero_gains_and_the_deviation_of_the_option) {
  const tendril_policy_options o = options(TENDRIL_COVARIANCE_FULL);
  tendril_policy *policy = NULL;
  check_ok(tendril_policy_create(&o, NOBS, NACT, T, 7, &policy, check_err));
  cr_assert_eq(tendril_policy_nparam(policy), T * (NACT * NOBS + 2 * NACT + LOW));
  for (int t = 0; t < T; t++) {
    const tnd_linear_gaussian p = tnd_time_linear_step(policy, t);
    for (int i = 0; i < NACT * NOBS; i++)
      cr_assert_eq(p.K[i], 0);
    for (int i = 0; i < NACT; i++) {
      cr_assert_eq(p.k[i], 0);
      for (int j = 0; j < NACT; j++)
        cr_assert_eq(p.C[i * NACT + j], i == j ? exp(0.7) : 0);
    }
  }
  tendril_policy_destroy(policy);
}

Test(time_linear, acts_by_the_step_of_the_episode_and_goes_on_with_the_last) {
  for (int c = 0; c < 2; c++) {
    tendril_policy *policy = make(covariances[c]);
    tendril_actor *actor = NULL;
    check_ok(tendril_actor_create(policy, &actor, check_err));
    double obs[NOBS], noise[NACT], action[NACT], expected[NACT];
    normals(4, NOBS, obs);
    normals(5, NACT, noise);
    for (int t = 0; t < T + 3; t++) {
      const tnd_linear_gaussian p = tnd_time_linear_step(policy, t < T ? t : T - 1);
      tnd_linear_gaussian_mean(&p, obs, expected);
      tendril_policy_act(policy, actor, t, obs, NULL, action);
      check_same_bits(action, expected, NACT);
      for (int i = 0; i < NACT; i++)
        for (int j = 0; j <= i; j++)
          expected[i] += p.C[i * NACT + j] * noise[j];
      tendril_policy_act(policy, actor, t, obs, noise, action);
      check_same_bits(action, expected, NACT);
    }
    tendril_actor_destroy(actor);
    tendril_policy_destroy(policy);
  }
}

Test(time_linear, density_and_entropy_are_those_of_each_step) {
  for (int c = 0; c < 2; c++) {
    tendril_policy *policy = make(covariances[c]);
    const int nd = tnd_policy_ndist(policy);
    sample s;
    draw(policy, &s);
    tnd_policy_rows *rows = NULL;
    check_ok(tnd_policy_rows_create(policy, ROWS, &rows, check_err));
    double *d = malloc(sizeof *d * (size_t)(ROWS * nd)), logp[ROWS], h[ROWS], scratch[NACT];
    tnd_policy_forward(policy, rows, ROWS, s.x, d);
    tnd_policy_logp(policy, ROWS, d, s.action, logp);
    tnd_policy_entropy(policy, ROWS, d, h);
    for (int i = 0; i < ROWS; i++) {
      const tnd_linear_gaussian p = tnd_time_linear_step(policy, s.time[i]);
      // rounding of a few dozen operations
      check_close(logp[i],
                  tnd_linear_gaussian_logp(&p, s.obs + i * NOBS, s.action + i * NACT, scratch),
                  1e-13);
      check_close(h[i], tnd_gaussian_entropy(NACT, p.C), 1e-13);
    }
    free(d);
    tnd_policy_rows_destroy(rows);
    tendril_policy_destroy(policy);
  }
}

Test(time_linear, kl_is_that_of_two_gaussians) {
  for (int c = 0; c < 2; c++) {
    tendril_policy *policy = make(covariances[c]);
    const int nd = tnd_policy_ndist(policy);
    double *d = malloc(sizeof *d * (size_t)(2 * T * nd)), kl, x[NOBS + 1] = {0};
    tnd_policy_rows *rows = NULL;
    check_ok(tnd_policy_rows_create(policy, 1, &rows, check_err));
    for (int t = 0; t < T; t++) {  // at observation 0 the mean is k
      x[NOBS] = t / (double)T;
      tnd_policy_forward(policy, rows, 1, x, d + t * nd);
    }
    double zero[NOBS] = {0}, S[NOBS * NOBS] = {0}, scratch[NACT * (NOBS + NACT + 1)];
    const tnd_gaussian at = {.n = NOBS, .mean = zero, .S = S};
    for (int t = 0; t < T; t++)
      for (int u = 0; u < T; u++) {
        const tnd_linear_gaussian p = tnd_time_linear_step(policy, t);
        const tnd_linear_gaussian q = tnd_time_linear_step(policy, u);
        tnd_policy_kl(policy, 1, d + t * nd, d + u * nd, &kl);
        check_close(kl, tnd_linear_gaussian_kl(&p, &q, &at, scratch), 1e-12);
      }
    tnd_policy_rows_destroy(rows);
    free(d);
    tendril_policy_destroy(policy);
  }
}

// d log pi / dd of one row, the row the variable
typedef struct row_context {
  const tendril_policy *policy;
  const double *action, *d_old;
} row_context;

static void row_logp(void *context, const double *d, double *y) {
  const row_context *r = context;
  tnd_policy_logp(r->policy, 1, d, r->action, y);
}

Test(time_linear, gradient_of_the_log_density) {
  for (int c = 0; c < 2; c++) {
    tendril_policy *policy = make(covariances[c]);
    const int nd = tnd_policy_ndist(policy);
    sample s;
    draw(policy, &s);
    tnd_policy_rows *rows = NULL;
    check_ok(tnd_policy_rows_create(policy, ROWS, &rows, check_err));
    double *d = malloc(sizeof *d * (size_t)(ROWS * nd)), *u = malloc(sizeof *u * (size_t)nd);
    double *fd = malloc(sizeof *fd * (size_t)nd), weight = 1.7;
    tnd_policy_forward(policy, rows, ROWS, s.x, d);
    for (int i = 0; i < ROWS; i++) {
      row_context r = {.policy = policy, .action = s.action + i * NACT};
      tnd_policy_logp_gradient(policy, 1, d + i * nd, r.action, &weight, u);
      support_fd_jacobian(row_logp, &r, d + i * nd, (size_t)nd, 1, SUPPORT_FD_STEP, fd);
      for (int j = 0; j < nd; j++)
        check_close(u[j], weight * fd[j], 1e-7);  // of the differences
    }
    free(d);
    free(u);
    free(fd);
    tnd_policy_rows_destroy(rows);
    tendril_policy_destroy(policy);
  }
}

Test(time_linear, metric_is_the_second_derivative_of_kl) {
  for (int c = 0; c < 2; c++) {
    tendril_policy *policy = make(covariances[c]);
    const int nd = tnd_policy_ndist(policy);
    sample s;
    draw(policy, &s);
    tnd_policy_rows *rows = NULL;
    check_ok(tnd_policy_rows_create(policy, ROWS, &rows, check_err));
    double *d = malloc(sizeof *d * (size_t)(ROWS * nd)), *v = malloc(sizeof *v * (size_t)nd);
    double *moved = malloc(sizeof *moved * (size_t)nd), h = 1e-4;
    tnd_policy_forward(policy, rows, ROWS, s.x, d);
    for (int i = 0; i < 4; i++)
      for (int l = 0; l < nd; l++) {
        memset(v, 0, sizeof *v * (size_t)nd);
        v[l] = 1;
        tnd_policy_metric(policy, 1, d + i * nd, v);
        for (int k = 0; k < nd; k++) {
          double corner[4];
          for (int q = 0; q < 4; q++) {
            memcpy(moved, d + i * nd, sizeof *moved * (size_t)nd);
            moved[k] += q & 1 ? h : -h;
            moved[l] += q & 2 ? h : -h;
            tnd_policy_kl(policy, 1, d + i * nd, moved, &corner[q]);
          }
          const double fd = (corner[3] - corner[1] - corner[2] + corner[0]) / (4 * h * h);
          check_close(v[k], fd, 1e-4);  // h^2 f'''' and 1e-16 / h^2, f'''' about a thousand
        }
      }
    free(d);
    free(v);
    free(moved);
    tnd_policy_rows_destroy(rows);
    tendril_policy_destroy(policy);
  }
}

Test(time_linear, products_with_the_jacobian) {
  for (int c = 0; c < 2; c++) {
    tendril_policy *policy = make(covariances[c]);
    const int nd = tnd_policy_ndist(policy), n = tendril_policy_nparam(policy);
    sample s;
    draw(policy, &s);
    tnd_policy_rows *rows = NULL;
    check_ok(tnd_policy_rows_create(policy, ROWS, &rows, check_err));
    const size_t size = sizeof(double) * (size_t)(ROWS * nd);
    double *d = malloc(size), *d1 = malloc(size), *jv = malloc(size), *u = malloc(size);
    double *v = malloc(sizeof *v * (size_t)n), *moved = malloc(sizeof *v * (size_t)n);
    double *grad = calloc((size_t)n, sizeof *grad);
    normals(6, n, v);
    normals(7, ROWS * nd, u);
    tnd_policy_forward(policy, rows, ROWS, s.x, d);
    tnd_policy_set_tangent(policy, v);
    tnd_policy_jvp(policy, rows, jv);
    tnd_policy_vjp(policy, rows, u, grad);
    // d is linear in theta: J v = d(theta + v) - d(theta);   u'(J v) = (J'u)'v
    for (int i = 0; i < n; i++)
      moved[i] = tendril_policy_get_params(policy)[i] + v[i];
    check_ok(tendril_policy_set_params(policy, moved, check_err));
    tnd_policy_forward(policy, rows, ROWS, s.x, d1);
    double a = 0, b = 0;
    for (int i = 0; i < ROWS * nd; i++) {
      check_close(jv[i], d1[i] - d[i], 1e-12);
      a += u[i] * jv[i];
    }
    for (int i = 0; i < n; i++)
      b += grad[i] * v[i];
    check_close(a, b, 1e-12);
    free(d), free(d1), free(jv), free(u), free(v), free(moved), free(grad);
    tnd_policy_rows_destroy(rows);
    tendril_policy_destroy(policy);
  }
}

Test(time_linear, steps_are_set_as_they_were_read) {
  tendril_policy *from = make(TENDRIL_COVARIANCE_FULL);
  const tendril_policy_options o = options(TENDRIL_COVARIANCE_FULL);
  tendril_policy *to = NULL;
  check_ok(tendril_policy_create(&o, NOBS, NACT, T, 7, &to, check_err));
  tnd_linear_gaussian steps[T];
  for (int t = 0; t < T; t++)
    steps[t] = tnd_time_linear_step(from, t);
  check_ok(tnd_time_linear_set(to, steps, check_err));
  // a logarithm and an exponential of the diagonal lie between them
  check_all_close(tendril_policy_get_params(to), tendril_policy_get_params(from),
                  tendril_policy_nparam(to), 1e-15);

  // a number that is not finite changes nothing
  double *before = malloc(sizeof *before * (size_t)tendril_policy_nparam(to));
  memcpy(before, tendril_policy_get_params(to), sizeof *before * (size_t)tendril_policy_nparam(to));
  double bad[NACT] = {0, NAN, 0};
  steps[4].k = bad;
  tendril_error err;
  cr_assert_eq(tnd_time_linear_set(to, steps, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "step 4"), "%s", err.text);
  check_same_bits(tendril_policy_get_params(to), before, tendril_policy_nparam(to));
  free(before);
  tendril_policy_destroy(from);
  tendril_policy_destroy(to);
}

Test(time_linear, checkpoints_bring_it_back_to_the_bit) {
  tendril_policy *from = make(TENDRIL_COVARIANCE_FULL);
  const tendril_policy_options o = options(TENDRIL_COVARIANCE_FULL);
  tendril_policy *to = NULL;
  check_ok(tendril_policy_create(&o, NOBS, NACT, T, 9, &to, check_err));
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_policy_save(from, tensors, check_err));
  check_ok(tnd_policy_load(to, tensors, check_err));
  check_same_bits(tendril_policy_get_params(to), tendril_policy_get_params(from),
                  tendril_policy_nparam(to));
  tnd_tensors_destroy(tensors);
  tendril_policy_destroy(from);
  tendril_policy_destroy(to);
}

Test(time_linear, methods_that_compute_with_its_steps_say_what_they_need) {
  const struct {
    int kind, covariance;
    bool normalize, fits;
  } cases[] = {{TENDRIL_POLICY_TIME_LINEAR, TENDRIL_COVARIANCE_FULL, false, true},
               {TENDRIL_POLICY_TIME_LINEAR, TENDRIL_COVARIANCE_DIAGONAL, false, false},
               {TENDRIL_POLICY_TIME_LINEAR, TENDRIL_COVARIANCE_FULL, true, false},
               {TENDRIL_POLICY_LINEAR, TENDRIL_COVARIANCE_FULL, false, false}};
  for (int i = 0; i < 4; i++) {
    tendril_policy_options o = options(cases[i].covariance);
    o.kind = cases[i].kind;
    o.normalize = cases[i].normalize;
    tendril_policy *policy = NULL;
    tendril_error err;
    check_ok(tendril_policy_create(&o, NOBS, NACT, T, 7, &policy, check_err));
    const tendril_status status = tnd_time_linear_check(policy, "some method", &err);
    cr_assert_eq(status, cases[i].fits ? TENDRIL_OK : TENDRIL_E_CONFIG, "case %d", i);
    if (!cases[i].fits) cr_assert(strstr(err.text, "policy.covariance=full"));
    tendril_policy_destroy(policy);
  }
}

Test(time_linear, refuses_sizes_that_it_cannot_have) {
  const tendril_policy_options o = options(TENDRIL_COVARIANCE_FULL);
  tendril_policy *policy = NULL;
  tendril_error err;
  cr_assert_eq(tendril_policy_create(&o, NOBS, NACT, 0, 7, &policy, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(
      tendril_policy_create(&o, NOBS, TND_TIME_LINEAR_MAX_ACTIONS + 1, T, 7, &policy, &err),
      TENDRIL_E_CONFIG);
  cr_assert_eq(tendril_policy_create(&o, 1000, 60, 1000000, 7, &policy, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "sim.max_steps"), "%s", err.text);
}

static tendril_status create(void *context, tendril_error *err) {
  (void)context;
  const tendril_policy_options o = options(TENDRIL_COVARIANCE_FULL);
  tendril_policy *policy = NULL;
  TENDRIL_TRY(tendril_policy_create(&o, NOBS, NACT, T, 7, &policy, err));
  tnd_policy_rows *rows = NULL;
  const tendril_status status = tnd_policy_rows_create(policy, ROWS, &rows, err);
  tnd_policy_rows_destroy(rows);
  tendril_policy_destroy(policy);
  return status;
}

Test(time_linear, survives_scarce_memory) {
  cr_assert_gt(support_fail_each_alloc(create, NULL), 3);
}

Test(policy, time_is_one_more_input_of_a_network) {
  tendril_policy_options o;
  tendril_policy_defaults(&o);
  o.time = true;
  o.normalize = false;
  o.output_gain = 1;
  o.precision = TENDRIL_DOUBLE;
  tendril_policy *policy = NULL;
  tendril_actor *actor = NULL;
  check_ok(tendril_policy_create(&o, NOBS, NACT, 8, 7, &policy, check_err));
  check_ok(tendril_actor_create(policy, &actor, check_err));
  cr_assert_eq(tnd_policy_ninput(policy), NOBS + 1);
  const double obs[NOBS] = {0.1, 0.2, 0.3, 0.4};
  const int time = 2;
  double x[NOBS + 1], action[NACT], other[NACT], d[2 * NACT];
  tnd_policy_input(policy, 1, obs, &time, x);
  check_same_bits(x, obs, NOBS);
  cr_assert_eq(x[NOBS], 0.25);
  // one at a time and by rows they are the same; another time is another action
  tnd_policy_rows *rows = NULL;
  check_ok(tnd_policy_rows_create(policy, 1, &rows, check_err));
  tnd_policy_forward(policy, rows, 1, x, d);
  tendril_policy_act(policy, actor, 2, obs, NULL, action);
  check_same_bits(action, d, NACT);
  tendril_policy_act(policy, actor, 3, obs, NULL, other);
  cr_assert_neq(action[0], other[0]);
  tnd_policy_rows_destroy(rows);
  tendril_actor_destroy(actor);
  tendril_policy_destroy(policy);
}

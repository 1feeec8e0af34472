// The linear critic is least squares on Duan's features.
#include "critic/critic.h"

#include "base/alloc.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { N = 300, NOBS = 3, NF = 2 * NOBS + 4 };

static double x[N * NOBS], y[N], v[N];
static int times[N];

static void setup(void) {
  tendril_random random = tendril_random_stream(12, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, N * NOBS, x);
  tendril_random_normals(&random, N, y);
  for (int i = 0; i < N; i++) {
    times[i] = 7 * i % 300;
    y[i] += 3 * x[i * NOBS] + 0.01 * times[i];
  }
}

static tnd_critic *make(double ridge) {
  tendril_critic_options o = {.kind = TENDRIL_CRITIC_LINEAR,
                              .hidden = {1, {8}},
                              .epochs = 1,
                              .minibatch = 1,
                              .learning_rate = 1e-3,
                              .ridge = ridge};
  tnd_critic *critic = NULL;
  check_ok(
      tnd_critic_create(&o, &(tnd_critic_size){NOBS, NOBS, 1000, N, 2}, 1, &critic, check_err));
  return critic;
}

static void features(int i, double *f) {
  for (int j = 0; j < NOBS; j++) {
    f[j] = x[i * NOBS + j];
    f[NOBS + j] = f[j] * f[j];
  }
  for (int p = 1; p <= 3; p++)
    f[2 * NOBS + p - 1] = pow(times[i] / 100.0, p);
  f[NF - 1] = 1;
}

Test(linear_critic, is_lapacks_least_squares_on_its_features, .init = setup) {
  double f[(N + NF) * NF] = {0}, w[N + NF] = {0}, ridge = 1e-5;
  for (int i = 0; i < N; i++)
    features(i, f + i * NF);
  for (int i = 0; i < NF; i++)
    f[(N + i) * NF + i] = sqrt(ridge);
  memcpy(w, y, sizeof y);
  cr_assert_eq(LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', N + NF, NF, 1, f, NF, w, 1), 0);
  tnd_critic *critic = make(ridge);
  check_ok(tnd_critic_fit(critic, N, x, times, y, 0, check_err));
  tnd_critic_predict(critic, NULL, N, x, times, v);
  for (int i = 0; i < N; i++) {
    double fi[NF], exact = 0;
    features(i, fi);
    for (int j = 0; j < NF; j++)
      exact += fi[j] * w[j];
    check_close(v[i], exact, 1e-9);  // normal equations square a condition of about 1e2
  }
  tnd_critic_destroy(critic);
}

Test(linear_critic, predicts_zero_before_its_first_fit, .init = setup) {
  tnd_critic *critic = make(1e-5);
  tnd_critic_predict(critic, NULL, N, x, times, v);
  for (int i = 0; i < N; i++)
    cr_assert_eq(v[i], 0);
  tnd_critic_destroy(critic);
}

Test(linear_critic, one_row_and_rows_that_are_all_the_same_are_fitted, .init = setup) {
  tnd_critic *critic = make(0);
  check_ok(tnd_critic_fit(critic, 1, x, times, y, 0, check_err));
  tnd_critic_predict(critic, NULL, 1, x, times, v);
  check_close(v[0], y[0], 1e-6);
  memset(x, 0, sizeof x);
  check_ok(tnd_critic_fit(critic, N, x, times, y, 0, check_err));
  tnd_critic_predict(critic, NULL, N, x, times, v);
  for (int i = 0; i < N; i++)
    cr_assert(isfinite(v[i]));
  tnd_critic_destroy(critic);
}

Test(linear_critic, a_fit_that_fails_changes_nothing, .init = setup) {
  tnd_critic *critic = make(1e-5);
  check_ok(tnd_critic_fit(critic, N, x, times, y, 0, check_err));
  tnd_critic_predict(critic, NULL, N, x, times, v);
  double bad[N * NOBS], after[N];
  memcpy(bad, x, sizeof bad);
  bad[17] = (double)INFINITY;
  tendril_error err;
  cr_assert_eq(tnd_critic_fit(critic, N, bad, times, y, 0, &err), TENDRIL_E_NUMERIC);
  tnd_critic_predict(critic, NULL, N, x, times, after);
  cr_assert_eq(memcmp(v, after, sizeof v), 0);
  tnd_critic_destroy(critic);
}

Test(linear_critic, a_restored_critic_predicts_the_same_to_the_bit, .init = setup) {
  tnd_critic *a = make(1e-5), *b = make(1e-5);
  check_ok(tnd_critic_fit(a, N, x, times, y, 0, check_err));
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_critic_save(a, tensors, check_err));
  check_ok(tnd_critic_load(b, tensors, check_err));
  double from_b[N];
  tnd_critic_predict(a, NULL, N, x, times, v);
  tnd_critic_predict(b, NULL, N, x, times, from_b);
  cr_assert_eq(memcmp(v, from_b, sizeof v), 0);
  tnd_tensors_destroy(tensors);
  tnd_critic_destroy(a);
  tnd_critic_destroy(b);
}

static tendril_status create_once(void *context, tendril_error *err) {
  (void)context;
  tendril_critic_options o = {.kind = TENDRIL_CRITIC_LINEAR,
                              .hidden = {1, {8}},
                              .epochs = 1,
                              .minibatch = 1,
                              .learning_rate = 1e-3,
                              .ridge = 1e-5};
  tnd_critic *critic = NULL;
  TENDRIL_TRY(tnd_critic_create(&o, &(tnd_critic_size){NOBS, NOBS, 1000, N, 3}, 5, &critic, err));
  tnd_critic_destroy(critic);
  return TENDRIL_OK;
}

Test(linear_critic, creating_survives_a_failing_allocator_and_fitting_allocates_nothing,
     .init = setup) {
  cr_assert_gt(support_fail_each_alloc(create_once, NULL), 1);
  tnd_critic *critic = make(1e-5);
  long before = tnd_alloc_count();
  check_ok(tnd_critic_fit(critic, N, x, times, y, 0, check_err));
  cr_assert_eq(tnd_alloc_count(), before);
  tnd_critic_destroy(critic);
}

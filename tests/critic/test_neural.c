// The neural critic learns, rescales without forgetting, and goes on after a restart as if nothing
// had happened.
#include "critic/critic.h"

#include "base/alloc.h"
#include "critic/advantage.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { N = 700, NOBS = 4 };

static double x[N * NOBS], y[N], v[N];
static int times[N];

static void setup(void) {
  tendril_random random = tendril_random_stream(11, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, N * NOBS, x);
  for (int i = 0; i < N; i++)
    y[i] = 200 + 60 * sin(x[i * NOBS]) + 40 * x[i * NOBS + 1] * tanh(x[i * NOBS + 2]);
}

static tendril_critic_options options(void) {
  return (tendril_critic_options){.kind = TENDRIL_CRITIC_NEURAL,
                                  .hidden = {2, {32, 32}},
                                  .activation = TENDRIL_TANH,
                                  .epochs = 10,
                                  .minibatch = 128,
                                  .learning_rate = 1e-3,
                                  .precision = TENDRIL_SINGLE,
                                  .ridge = 1e-5};
}

static tnd_critic *make(tendril_critic_options o) {
  tnd_critic *critic = NULL;
  check_ok(
      tnd_critic_create(&o, &(tnd_critic_size){NOBS, NOBS, 1000, N, 4}, 5, &critic, check_err));
  return critic;
}

Test(neural_critic, fits_a_smooth_function, .init = setup) {
  for (int precision = TENDRIL_SINGLE; precision <= TENDRIL_DOUBLE; precision++) {
    tendril_critic_options o = options();
    o.precision = precision;
    tnd_critic *critic = make(o);
    for (uint32_t k = 0; k < 40; k++)
      check_ok(tnd_critic_fit(critic, N, x, times, y, k, check_err));
    tnd_critic_predict(critic, NULL, N, x, times, v);
    double explained = tnd_explained_variance(N, v, y);
    cr_assert_gt(explained, 0.98, "%g", explained);
    tnd_critic_destroy(critic);
  }
}

Test(neural_critic, the_first_fit_begins_at_mean_and_deviation_of_its_targets, .init = setup) {
  tendril_critic_options o = options();
  o.epochs = 1;
  o.learning_rate = 1e-8;
  tnd_critic *critic = make(o);
  for (int i = 0; i < N; i++)
    y[i] = 1e6 + 1e-2 * y[i];
  check_ok(tnd_critic_fit(critic, N, x, times, y, 0, check_err));
  tnd_critic_predict(critic, NULL, N, x, times, v);
  // next to no training: an untrained network in units of the targets' deviation, below 1
  for (int i = 0; i < N; i++)
    check_close(v[i] - 1e6, 0, 10);
  tnd_critic_destroy(critic);
}

Test(neural_critic, predictions_do_not_change_when_only_the_scale_of_the_targets_does,
     .init = setup) {
  tendril_critic_options o = options();
  o.precision = TENDRIL_DOUBLE;
  tnd_critic *trained = make(o);
  for (uint32_t k = 0; k < 5; k++)
    check_ok(tnd_critic_fit(trained, N, x, times, y, k, check_err));
  tnd_critic_predict(trained, NULL, N, x, times, v);
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_critic_save(trained, tensors, check_err));

  // the same critic with a learning rate of next to nothing, given targets of another scale
  o.epochs = 1;
  o.learning_rate = 1e-8;
  tnd_critic *still = make(o);
  check_ok(tnd_critic_load(still, tensors, check_err));
  double other[N], after[N];
  for (int i = 0; i < N; i++)
    other[i] = -3e4 + 100 * y[i];
  check_ok(tnd_critic_fit(still, N, x, times, other, 5, check_err));
  tnd_critic_predict(still, NULL, N, x, times, after);
  // six steps of 1e-8 on 1300 parameters, times the new deviation of about 2e3
  for (int i = 0; i < N; i++)
    check_close(after[i], v[i], 6 * 1e-8 * 1300 * 2e3);
  tnd_tensors_destroy(tensors);
  tnd_critic_destroy(trained);
  tnd_critic_destroy(still);
}

Test(neural_critic, targets_that_do_not_vary_are_learnt, .init = setup) {
  tnd_critic *critic = make(options());
  for (int i = 0; i < N; i++)
    y[i] = -7;
  for (uint32_t k = 0; k < 20; k++)
    check_ok(tnd_critic_fit(critic, N, x, times, y, k, check_err));
  tnd_critic_predict(critic, NULL, N, x, times, v);
  double mean2 = 0;
  for (int i = 0; i < N; i++)
    mean2 += (v[i] + 7) * (v[i] + 7) / N;
  check_close(sqrt(mean2), 0, 0.2);  // 1 at the start: there is no scale to divide by
  tnd_critic_destroy(critic);
}

Test(neural_critic, fewer_rows_than_a_minibatch_and_a_short_last_one_are_used, .init = setup) {
  const int rows[] = {1, 2, 127, 128, 129, N};
  for (int k = 0; k < 6; k++) {
    tnd_critic *critic = make(options());
    double before[N];
    tnd_critic_predict(critic, NULL, N, x, times, before);
    check_ok(tnd_critic_fit(critic, rows[k], x, times, y, 0, check_err));
    tnd_critic_predict(critic, NULL, N, x, times, v);
    cr_assert_neq(v[0], before[0]);
    for (int i = 0; i < N; i++)
      cr_assert(isfinite(v[i]));
    tnd_critic_destroy(critic);
  }
  tnd_critic *critic = make(options());
  check_ok(tnd_critic_fit(critic, 0, NULL, NULL, NULL, 0, check_err));
  tnd_critic_predict(critic, NULL, 0, NULL, NULL, NULL);
  tnd_critic_destroy(critic);
}

Test(neural_critic, predictions_are_the_same_to_the_bit_on_any_number_of_threads, .init = setup) {
  tnd_critic *critic = make(options());
  double parallel[N];
  tnd_critic_predict(critic, NULL, N, x, times, v);
  for (int threads = 1; threads <= 4; threads++) {
    tendril_pool *pool = support_pool(threads);
    memset(parallel, 0, sizeof parallel);
    tnd_critic_predict(critic, pool, N, x, times, parallel);
    cr_assert_eq(memcmp(parallel, v, sizeof v), 0);
    tendril_pool_destroy(pool);
  }
  tnd_critic_destroy(critic);
}

Test(neural_critic, a_restored_critic_fits_on_as_the_original_to_the_bit, .init = setup) {
  tnd_critic *a = make(options()), *b = make(options());
  tnd_tensors *tensors = NULL;
  double from_b[N];
  check_ok(tnd_tensors_create(&tensors, check_err));
  for (uint32_t k = 0; k < 3; k++)
    check_ok(tnd_critic_fit(a, N, x, times, y, k, check_err));
  check_ok(tnd_critic_save(a, tensors, check_err));
  check_ok(tnd_critic_load(b, tensors, check_err));
  for (uint32_t k = 3; k < 6; k++) {
    tnd_critic_predict(a, NULL, N, x, times, v);
    tnd_critic_predict(b, NULL, N, x, times, from_b);
    cr_assert_eq(memcmp(v, from_b, sizeof v), 0);
    check_ok(tnd_critic_fit(a, N - 50 * (int)k, x, times, y, k, check_err));
    check_ok(tnd_critic_fit(b, N - 50 * (int)k, x, times, y, k, check_err));
  }
  tnd_tensors_destroy(tensors);
  tnd_critic_destroy(a);
  tnd_critic_destroy(b);
}

Test(neural_critic, a_fit_that_leaves_the_finite_numbers_is_undone_to_the_bit, .init = setup) {
  tnd_critic *a = make(options()), *b = make(options());
  check_ok(tnd_critic_fit(a, N, x, times, y, 0, check_err));
  check_ok(tnd_critic_fit(b, N, x, times, y, 0, check_err));
  tendril_error why;
  double bad[N * NOBS], from_b[N];
  memcpy(bad, x, sizeof bad);
  bad[N * NOBS / 2] = (double)NAN;
  cr_assert_eq(tnd_critic_fit(a, N, bad, times, y, 1, &why), TENDRIL_E_NUMERIC);
  double y_bad[N];
  memcpy(y_bad, y, sizeof y_bad);
  y_bad[N - 1] = (double)INFINITY;
  cr_assert_eq(tnd_critic_fit(a, N, x, times, y_bad, 1, &why), TENDRIL_E_NUMERIC);
  // a goes on as b, which has seen none of it
  check_ok(tnd_critic_fit(a, N, x, times, y, 1, check_err));
  check_ok(tnd_critic_fit(b, N, x, times, y, 1, check_err));
  tnd_critic_predict(a, NULL, N, x, times, v);
  tnd_critic_predict(b, NULL, N, x, times, from_b);
  cr_assert_eq(memcmp(v, from_b, sizeof v), 0);
  tnd_critic_destroy(a);
  tnd_critic_destroy(b);
}

Test(neural_critic, more_rows_than_its_capacity_are_refused, .init = setup) {
  tnd_critic *critic = make(options());
  tendril_error err;
  cr_assert_eq(tnd_critic_fit(critic, N + 1, x, times, y, 0, &err), TENDRIL_E_ARGUMENT);
  tnd_critic_destroy(critic);
}

Test(neural_critic, a_file_of_another_network_is_refused_and_changes_nothing, .init = setup) {
  tendril_critic_options o = options();
  o.hidden.at[0] = 16;
  tnd_critic *a = make(options()), *b = make(o);
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_critic_save(b, tensors, check_err));
  double after[N];
  tnd_critic_predict(a, NULL, N, x, times, v);
  tendril_error err;
  cr_assert_eq(tnd_critic_load(a, tensors, &err), TENDRIL_E_FORMAT);
  tnd_critic_predict(a, NULL, N, x, times, after);
  cr_assert_eq(memcmp(v, after, sizeof v), 0);
  tnd_tensors_destroy(tensors);
  tnd_critic_destroy(a);
  tnd_critic_destroy(b);
}

static tendril_status create_once(void *context, tendril_error *err) {
  (void)context;
  tendril_critic_options o = options();
  tnd_critic *critic = NULL;
  TENDRIL_TRY(tnd_critic_create(&o, &(tnd_critic_size){NOBS, NOBS, 1000, N, 3}, 5, &critic, err));
  tnd_critic_destroy(critic);
  return TENDRIL_OK;
}

Test(neural_critic, creating_survives_a_failing_allocator_and_fitting_allocates_nothing,
     .init = setup) {
  cr_assert_gt(support_fail_each_alloc(create_once, NULL), 1);
  tnd_critic *critic = make(options());
  long before = tnd_alloc_count();
  check_ok(tnd_critic_fit(critic, N, x, times, y, 0, check_err));
  tnd_critic_predict(critic, NULL, N, x, times, v);
  cr_assert_eq(tnd_alloc_count(), before);
  tnd_critic_destroy(critic);
  tnd_critic_destroy(NULL);
}

// The quadratic critic is the local quadratics' V of the batch's own paths.
#include "critic/critic.h"

#include "base/alloc.h"
#include "critic/advantage.h"
#include "critic/local_quadratic.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

// PATHS paths of T steps each, but for those of `length`; inputs have a time column behind the
// observation, which is not the critic's.
enum { T = 7, PATHS = 60, N = PATHS * T, NOBS = 2, NX = NOBS + 1 };
static const double discount = 0.9;

static double x[N * NX], x_last[PATHS * NX], reward[N], v[N], v_last[PATHS];
static int times[N], last_times[PATHS];
static tendril_path paths[PATHS];
static tendril_batch batch;

// Observations at random, rewards that are no quadratic; ends of all three kinds. `length` of the
// path with that number.
static void fill(int (*length)(int path)) {
  tendril_random random = tendril_random_stream(51, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, N * NX, x);
  tendril_random_normals(&random, PATHS * NX, x_last);
  tendril_random_normals(&random, N, reward);
  int64_t n = 0;
  for (int p = 0; p < PATHS; p++) {
    const int m = length(p);
    const tendril_end end = m == T  ? TENDRIL_END_TRUNCATED
                            : p % 2 ? TENDRIL_END_TERMINATED
                                    : TENDRIL_END_CUT;
    paths[p] = (tendril_path){.first = n, .length = m, .end = end};
    for (int t = 0; t < m; t++, n++) {
      times[n] = t;
      x[n * NX + NOBS] = (double)t / T;
      reward[n] += sin(x[n * NX]) - x[n * NX + 1];
    }
  }
  batch = (tendril_batch){.n = n, .nobs = NOBS, .time = times, .npath = PATHS, .paths = paths};
  tnd_last_times(&batch, last_times);
}

static int some(int path) {
  return path % 3 ? T : 1 + path % T;
}

static int all(int path) {
  (void)path;
  return T;
}

static tendril_critic_options options_of(double ridge) {
  tendril_critic_options o;
  tendril_critic_defaults(&o);
  o.kind = TENDRIL_CRITIC_QUADRATIC;
  o.ridge = ridge;
  return o;
}

static tnd_critic *make(int nx, double ridge) {
  const tendril_critic_options o = options_of(ridge);
  tnd_critic *critic = NULL;
  check_ok(tnd_critic_create(&o, &(tnd_critic_size){nx, NOBS, T, N, 3}, 1, &critic, check_err));
  cr_assert(tnd_critic_fits_paths(critic));
  return critic;
}

static tendril_status fit(tnd_critic *critic, tendril_pool *pool, tendril_error *err) {
  return tnd_critic_fit_paths(critic, pool, &batch, x, x_last, reward, discount, err);
}

static void predict(const tnd_critic *critic) {
  tnd_critic_predict(critic, NULL, batch.n, x, times, v);
  tnd_critic_predict(critic, NULL, batch.npath, x_last, last_times, v_last);
}

// ------------------------------------------------------------- the same by the local quadratics

static void reward_of(void *context, int t, int n, const int *which, double *y) {
  (void)context, (void)t;
  for (int i = 0; i < n; i++)
    y[i] = reward[which[i]];
}

Test(quadratic_critic, is_v_of_the_local_quadratics_of_the_same_transitions) {
  static double s[N * NOBS], next[N * NOBS];
  static bool terminated[N];
  int row[N];
  tnd_step_rows steps[T];
  fill(some);
  for (int p = 0; p < PATHS; p++)
    for (int t = 0; t < paths[p].length; t++) {
      const int64_t r = paths[p].first + t;
      const bool last = t + 1 == paths[p].length;
      memcpy(s + r * NOBS, x + r * NX, sizeof *s * NOBS);
      memcpy(next + r * NOBS, last ? x_last + p * NX : x + (r + 1) * NX, sizeof *s * NOBS);
      terminated[r] = last && paths[p].end == TENDRIL_END_TERMINATED;
    }
  tnd_step_rows_by_time(T, 0, (int)batch.n, times, row, steps);
  const tnd_local_quadratic_size size = {.T = T, .ns = NOBS, .ridge = 1e-4, .threads = 1};
  const tnd_local_quadratic_data data = {.steps = steps,
                                         .s = s,
                                         .reward = reward_of,
                                         .next = next,
                                         .terminated = terminated,
                                         .discount = discount};
  tnd_local_quadratic *plain = NULL;
  tnd_critic *critic = make(NX, 1e-4);
  check_ok(tnd_local_quadratic_create(&size, &plain, check_err));
  check_ok(tnd_local_quadratic_fit(plain, NULL, &data, check_err));
  check_ok(fit(critic, NULL, check_err));
  predict(critic);
  for (int64_t r = 0; r < batch.n; r++)
    cr_assert_eq(v[r], tnd_local_quadratic_value(plain, times[r], s + r * NOBS));
  for (int p = 0; p < PATHS; p++) {
    cr_assert_eq(v_last[p], tnd_local_quadratic_value(plain, last_times[p], x_last + p * NX));
    if (paths[p].length == T) cr_assert_eq(v_last[p], 0);  // nothing is paid behind the horizon
  }

  // a column of time more or less is nothing to it
  tnd_critic *narrow = make(NOBS, 1e-4);
  double narrow_v[N], narrow_last[PATHS * NOBS];
  for (int p = 0; p < PATHS; p++)
    memcpy(narrow_last + p * NOBS, x_last + p * NX, sizeof *s * NOBS);
  check_ok(tnd_critic_fit_paths(narrow, NULL, &batch, s, narrow_last, reward, discount, check_err));
  tnd_critic_predict(narrow, NULL, batch.n, s, times, narrow_v);
  check_same_bits(narrow_v, v, batch.n);
  tnd_critic_destroy(narrow);
  tnd_critic_destroy(critic);
  tnd_local_quadratic_destroy(plain);
}

Test(quadratic_critic, explains_all_of_a_linear_systems_quadratic_rewards) {
  // s' = (0.9 s_0 + 0.1 s_1, 0.8 s_1), r = -s_0^2 + s_1: V_t = -s'P_t s + p_t s_1
  fill(all);
  for (int p = 0; p < PATHS; p++)
    for (int t = 0; t < T; t++) {
      const double *at = x + (paths[p].first + t) * NX;
      double *then = t + 1 < T ? x + (paths[p].first + t + 1) * NX : x_last + p * NX;
      reward[paths[p].first + t] = -at[0] * at[0] + at[1];
      then[0] = 0.9 * at[0] + 0.1 * at[1];
      then[1] = 0.8 * at[1];
    }
  double returns[N];
  tnd_critic *critic = make(NX, 0);
  tnd_discounted_returns(&batch, reward, NULL, discount, returns);
  check_ok(fit(critic, NULL, check_err));
  predict(critic);
  // features of states that shrink alike have a condition of about 1e3
  check_all_close(v, returns, N, 1e-9);
  check_close(tnd_explained_variance(N, v, returns), 1, 1e-12);
  tnd_critic_destroy(critic);
}

// Kinds of path by the sign of s_0, all paid 1 a step: half end early.
static int by_kind(int path) {
  return path % 2 ? 4 : T;
}

static void check_ends(tendril_end end) {
  fill(by_kind);
  for (int64_t r = 0; r < batch.n; r++)
    reward[r] = 1;
  for (int p = 0; p < PATHS; p++) {
    const double kind = p % 2 ? -1 : 1;
    for (int t = 0; t < paths[p].length; t++) {
      x[(paths[p].first + t) * NX] = kind;
      x[(paths[p].first + t) * NX + 1] = 0;
    }
    if (p % 2) paths[p].end = end;
    // what follows a path is like the other kind, or nobody's business
    x_last[p * NX] = p % 2 && end == TENDRIL_END_TERMINATED ? (double)NAN : -kind;
    x_last[p * NX + 1] = 0;
  }
  double V[2][T + 1] = {{0}};  // of the long and the short paths
  for (int t = T - 1; t >= 0; t--) {
    V[0][t] = 1 + discount * V[0][t + 1];
    if (t < 4) V[1][t] = 1 + discount * (t + 1 < 4 ? V[1][t + 1] : 0);
    if (t == 3 && end == TENDRIL_END_CUT) V[1][t] = 1 + discount * V[0][t + 1];
  }
  tnd_critic *critic = make(NX, 1e-9);
  check_ok(fit(critic, NULL, check_err));
  predict(critic);
  for (int p = 0; p < PATHS; p++)
    for (int t = 0; t < paths[p].length; t++)
      // the ridge's share, once for every step
      check_close(v[paths[p].first + t], V[p % 2][t], 1e-7);
  tnd_critic_destroy(critic);
}

Test(quadratic_critic, nothing_follows_a_termination_and_a_cut_goes_on_in_the_last_state) {
  check_ends(TENDRIL_END_TERMINATED);
  check_ends(TENDRIL_END_CUT);
}

static int short_paths(int path) {
  return 1 + path % (T - 2);
}

Test(quadratic_critic, a_fit_that_fails_names_the_step_and_changes_nothing) {
  tnd_critic *critic = make(NX, 1e-5);
  tendril_error err;
  double before[N];
  fill(some);
  predict(critic);
  for (int64_t r = 0; r < batch.n; r++)
    cr_assert_eq(v[r], 0);  // before the first fit
  check_ok(fit(critic, NULL, check_err));
  predict(critic);
  memcpy(before, v, sizeof v);
  const int64_t n = batch.n;
  reward[paths[1].first + 2] = (double)NAN;
  cr_assert_eq(fit(critic, NULL, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "step 2: a sample's reward"), "%s", err.text);
  predict(critic);
  check_same_bits(v, before, n);
  // no path lives that long
  fill(short_paths);
  cr_assert_eq(fit(critic, NULL, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "step 5: no sample"), "%s", err.text);
  fill(some);
  predict(critic);
  check_same_bits(v, before, n);
  tnd_critic_destroy(critic);
}

Test(quadratic_critic, any_number_of_threads_gives_the_same_bits_and_fitting_allocates_nothing) {
  double first[N];
  fill(some);
  for (int threads = 1; threads <= 3; threads++) {
    tnd_critic *critic = make(NX, 1e-5);
    tendril_pool *pool = support_pool(threads);
    const long before = tnd_alloc_count();
    check_ok(fit(critic, pool, check_err));
    tnd_critic_predict(critic, pool, batch.n, x, times, v);
    cr_assert_eq(tnd_alloc_count(), before);
    if (threads == 1) memcpy(first, v, sizeof v);
    check_same_bits(v, first, batch.n);
    tendril_pool_destroy(pool);
    tnd_critic_destroy(critic);
  }
}

static tendril_status create_once(void *context, tendril_error *err) {
  (void)context;
  const tendril_critic_options o = options_of(1e-5);
  tnd_critic *critic = NULL;
  TENDRIL_TRY(tnd_critic_create(&o, &(tnd_critic_size){NX, NOBS, T, N, 3}, 5, &critic, err));
  tnd_critic_destroy(critic);
  return TENDRIL_OK;
}

Test(quadratic_critic, creating_survives_a_failing_allocator_and_refuses_too_many_rows) {
  cr_assert_gt(support_fail_each_alloc(create_once, NULL), 3);
  const tendril_critic_options o = options_of(1e-5);
  tnd_critic *critic = NULL;
  tendril_error err;
  const tnd_critic_size size = {NX, NOBS, T, (int64_t)INT_MAX + 1, 1};
  cr_assert_eq(tnd_critic_create(&o, &size, 1, &critic, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "critic.kind: quadratic takes up to"), "%s", err.text);
}

// Local quadratic Q~ and V~: least squares step by step, backwards in time.
#include "critic/local_quadratic.h"

#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { T = 5, NS = 2, NA = 2, N = NS + NA, NQ = 15, NV = 6, ROWS = 400 };
enum { STIFFER = 7 };  // ridge of the action's features over that of the state's

static double s[ROWS * NS], a[ROWS * NA], next[ROWS * NS], reward[ROWS], returns[ROWS];
static bool terminated[ROWS];
static int row[T][ROWS];
static double weight[T][ROWS];
static tnd_step_rows steps[T];

// r_t(s, a) depends on the time; not a quadratic, so nothing is fitted exactly
static void reward_of(void *context, int t, int n, const int *which, double *y) {
  cr_assert_eq(context, reward);
  for (int i = 0; i < n; i++)
    y[i] = reward[which[i]] * (1 + 0.3 * t) + sin(s[which[i] * NS]);
}

static tnd_local_quadratic_data data_of(void) {
  return (tnd_local_quadratic_data){.steps = steps,
                                    .s = s,
                                    .a = a,
                                    .reward = reward_of,
                                    .context = reward,
                                    .next = next,
                                    .terminated = terminated,
                                    .discount = 0.97};
}

// Every step has some of the rows, in another order, and weights from 0 up.
static void setup(void) {
  tendril_random random = tendril_random_stream(31, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, ROWS * NS, s);
  tendril_random_normals(&random, ROWS * NA, a);
  tendril_random_normals(&random, ROWS * NS, next);
  tendril_random_normals(&random, ROWS, reward);
  tendril_random_normals(&random, T * ROWS, &weight[0][0]);
  for (int r = 0; r < ROWS; r++) {
    s[r * NS] = 2 + 0.1 * s[r * NS];
    next[r * NS] = 2 + 0.1 * next[r * NS];
    a[r * NA + 1] = 30 * a[r * NA + 1] + s[r * NS + 1];
    returns[r] = 100 + reward[r] * a[r * NA];
    terminated[r] = r % 10 == 3;
  }
  for (int t = 0; t < T; t++) {
    const int n = 300 + 20 * t;
    for (int i = 0; i < n; i++) {
      row[t][i] = (7 * i + 50 * t) % ROWS;
      weight[t][i] = i % 9 ? exp(weight[t][i]) : 0;
    }
    steps[t] = (tnd_step_rows){.n = n, .row = row[t], .weight = weight[t]};
  }
}

static tnd_local_quadratic *make(int na, double ridge, int threads) {
  const tnd_local_quadratic_size size = {T, NS, na, ridge, STIFFER * ridge, threads};
  tnd_local_quadratic *fit = NULL;
  check_ok(tnd_local_quadratic_create(&size, &fit, check_err));
  return fit;
}

// ------------------------------------------------------------ the plain way, one step at a time

typedef struct plain {
  double centre[N], scale[N];
  double w[NQ], v[NV], r2;
} plain;

static void plain_phi(int n, const double *z, double *phi) {
  double one[N + 1] = {1};
  memcpy(one + 1, z, (size_t)n * sizeof *z);
  for (int i = 0, at = 0; i <= n; i++)
    for (int j = 0; j <= i; j++)
      phi[at++] = one[i] * one[j];
}

static void plain_z(const plain *p, int r, double *z) {
  for (int i = 0; i < N; i++)
    z[i] = ((i < NS ? s[r * NS + i] : a[r * NA + i - NS]) - p->centre[i]) / p->scale[i];
}

static double plain_value(const plain *p, const double *state) {
  double z[NS], phi[NV], sum = 0;
  for (int i = 0; i < NS; i++)
    z[i] = (state[i] - p->centre[i]) / p->scale[i];
  plain_phi(NS, z, phi);
  for (int f = 0; f < NV; f++)
    sum += p->v[f] * phi[f];
  return sum;
}

// w [nf] by LAPACK's QR on rows sqrt(w / W) phi, with rows sqrt(ridge) e_f below
static void plain_solve(const plain *p, const tnd_step_rows *step, double total, int n, int nf,
                        double ridge, const double *target, double *w) {
  static double X[(ROWS + NQ) * NQ], y[ROWS + NQ];
  memset(X, 0, sizeof X);
  memset(y, 0, sizeof y);
  for (int i = 0; i < step->n; i++) {
    double z[N], root = sqrt((step->weight ? step->weight[i] : 1) / total);
    plain_z(p, step->row[i], z);
    plain_phi(n, z, X + i * nf);
    for (int f = 0; f < nf; f++)
      X[i * nf + f] *= root;
    y[i] = root * target[i];
  }
  for (int f = 1; f < nf; f++)
    X[(step->n + f) * nf + f] = sqrt(f < NV ? ridge : STIFFER * ridge);
  cr_assert_eq(LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', step->n + nf, nf, 1, X, nf, y, 1), 0);
  memcpy(w, y, (size_t)nf * sizeof *w);
}

static void plain_step(plain *p, const tnd_step_rows *step, double ridge, const double *target) {
  double total = 0, mean = 0, sse = 0, sst = 0;
  memset(p, 0, sizeof *p);
  for (int pass = 0; pass < 3; pass++)
    for (int i = 0; i < step->n; i++) {
      const int r = step->row[i];
      const double w = step->weight ? step->weight[i] : 1;
      if (pass == 0) total += w;
      for (int j = 0; j < N; j++) {
        const double x = j < NS ? s[r * NS + j] : a[r * NA + j - NS];
        if (pass == 1) p->centre[j] += w * x / total;
        if (pass == 2) p->scale[j] += w * (x - p->centre[j]) * (x - p->centre[j]) / total;
      }
    }
  for (int j = 0; j < N; j++)
    p->scale[j] = sqrt(p->scale[j]);
  plain_solve(p, step, total, N, NQ, ridge, target, p->w);
  plain_solve(p, step, total, NS, NV, ridge, target, p->v);
  for (int i = 0; i < step->n; i++)
    mean += (step->weight ? step->weight[i] : 1) * target[i] / total;
  for (int i = 0; i < step->n; i++) {
    double z[N], phi[NQ], q = 0, w = step->weight ? step->weight[i] : 1;
    plain_z(p, step->row[i], z);
    plain_phi(N, z, phi);
    for (int f = 0; f < NQ; f++)
      q += p->w[f] * phi[f];
    sse += w * (target[i] - q) * (target[i] - q);
    sst += w * (target[i] - mean) * (target[i] - mean);
  }
  p->r2 = 1 - sse / sst;
}

// coefficients of a_i a_j, a_i s_j of the weights, in raw units; a's slope at s, a = 0 by hand
static void plain_action(const plain *p, double *Qaa, double *Qas, double *qa) {
  for (int i = 0; i < NA; i++) {
    const int place = (NS + i + 1) * (NS + i + 2) / 2;
    for (int j = 0; j <= i; j++)
      Qaa[i * NA + j] = Qaa[j * NA + i] =
          (i == j ? 2 : 1) * p->w[place + 1 + NS + j] / (p->scale[NS + i] * p->scale[NS + j]);
    qa[i] = p->w[place] / p->scale[NS + i];
    for (int j = 0; j < NS; j++)
      Qas[i * NS + j] = p->w[place + 1 + j] / (p->scale[NS + i] * p->scale[j]);
  }
  for (int i = 0; i < NA; i++) {
    for (int j = 0; j < NA; j++)
      qa[i] -= Qaa[i * NA + j] * p->centre[NS + j];
    for (int j = 0; j < NS; j++)
      qa[i] -= Qas[i * NS + j] * p->centre[j];
  }
}

static void check_step(const tnd_local_quadratic *fit, int t, const plain *p) {
  double Qaa[NA * NA], Qas[NA * NS], qa[NA];
  const tnd_action_quadratic *q = tnd_local_quadratic_action(fit, t);
  plain_action(p, Qaa, Qas, qa);
  // normal equations of standardised features square a condition of about 1e2
  check_all_close(q->Qaa, Qaa, NA * NA, 1e-10);
  check_all_close(q->Qas, Qas, NA * NS, 1e-10);
  check_all_close(q->qa, qa, NA, 1e-10);
  for (int r = 0; r < ROWS; r++) {
    check_close(tnd_local_quadratic_value(fit, t, s + r * NS), plain_value(p, s + r * NS), 1e-10);
    // raw coordinates lose digits where centres are 20 deviations off 0
    check_close(tnd_quadratic_value(tnd_local_quadratic_v(fit, t), s + r * NS),
                plain_value(p, s + r * NS), 1e-8);
  }
  check_close(tnd_local_quadratic_report(fit, t)->r2, p->r2, 1e-10);
}

Test(local_quadratic, a_monte_carlo_fit_is_lapacks_least_squares_with_ridge_rows, .init = setup) {
  const double ridges[] = {0, 1e-3};
  for (int k = 0; k < 2; k++) {
    tnd_local_quadratic *fit = make(NA, ridges[k], 1);
    tnd_local_quadratic_data data = {.steps = steps, .s = s, .a = a, .returns = returns};
    check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
    for (int t = 0; t < T; t++) {
      double target[ROWS], sum = 0, squares = 0;
      plain p;
      int rows = 0;
      for (int i = 0; i < steps[t].n; i++) {
        target[i] = returns[row[t][i]];
        sum += weight[t][i];
        squares += weight[t][i] * weight[t][i];
        rows += weight[t][i] > 0;
      }
      plain_step(&p, &steps[t], ridges[k], target);
      check_step(fit, t, &p);
      cr_assert_eq(tnd_local_quadratic_report(fit, t)->rows, rows);
      check_close(tnd_local_quadratic_report(fit, t)->effective, sum * sum / squares, 1e-13);
    }
    tnd_local_quadratic_destroy(fit);
  }
}

Test(local_quadratic, dynamic_programming_is_the_plain_recursion_with_explicit_targets,
     .init = setup) {
  const double ridges[] = {0, 1e-3};
  for (int k = 0; k < 2; k++) {
    tnd_local_quadratic *fit = make(NA, ridges[k], 1);
    const tnd_local_quadratic_data data = data_of();
    steps[2].weight = NULL;  // all weigh the same there
    check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
    plain now, later = {0};
    for (int t = T - 1; t >= 0; t--) {
      double target[ROWS];
      reward_of(reward, t, steps[t].n, steps[t].row, target);
      for (int i = 0; i < steps[t].n; i++) {
        const int r = steps[t].row[i];
        if (t + 1 < T && !terminated[r])
          target[i] += data.discount * plain_value(&later, next + r * NS);
      }
      plain_step(&now, &steps[t], ridges[k], target);
      check_step(fit, t, &now);
      later = now;
    }
    tnd_local_quadratic_destroy(fit);
  }
}

Test(local_quadratic, without_actions_it_is_v_alone, .init = setup) {
  tnd_local_quadratic *fit = make(NA, 0, 1), *alone = make(0, 0, 1);
  tnd_local_quadratic_data data = data_of();
  check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
  data.a = NULL;
  check_ok(tnd_local_quadratic_fit(alone, NULL, &data, check_err));
  for (int t = 0; t < T; t++) {
    for (int r = 0; r < ROWS; r++)
      check_close(tnd_local_quadratic_value(alone, t, s + r * NS),
                  tnd_local_quadratic_value(fit, t, s + r * NS), 1e-11);
    cr_assert_lt(tnd_local_quadratic_report(alone, t)->r2, tnd_local_quadratic_report(fit, t)->r2);
  }
  tnd_local_quadratic_destroy(fit);
  tnd_local_quadratic_destroy(alone);
}

Test(local_quadratic, a_quadratic_target_is_found_exactly_and_explained_wholly, .init = setup) {
  tnd_local_quadratic *fit = make(NA, 0, 1);
  for (int r = 0; r < ROWS; r++) {
    const double *x = s + r * NS, *u = a + r * NA;
    returns[r] = 5 - 3 * u[0] + 2 * u[1] * x[0] - 4 * u[0] * u[0] + u[0] * u[1] + 7 * x[0] * x[1];
  }
  const tnd_local_quadratic_data data = {.steps = steps, .s = s, .a = a, .returns = returns};
  check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
  for (int t = 0; t < T; t++) {
    const double Qaa[] = {-8, 1, 1, 0}, Qas[] = {0, 0, 2, 0}, qa[] = {-3, 0};
    const tnd_action_quadratic *q = tnd_local_quadratic_action(fit, t);
    // targets of some thousands over actions of 1 and 30 and states of deviation 0.1
    check_all_close(q->Qaa, Qaa, 4, 1e-9);
    check_all_close(q->Qas, Qas, 4, 1e-9);
    check_all_close(q->qa, qa, 2, 1e-9);
    check_close(tnd_local_quadratic_report(fit, t)->r2, 1, 1e-12);
  }
  tnd_local_quadratic_destroy(fit);
}

Test(local_quadratic, with_a_ridge_few_samples_and_coordinates_that_do_not_vary_will_do,
     .init = setup) {
  tnd_local_quadratic *fit = make(NA, 1e-3, 1);
  for (int r = 0; r < ROWS; r++)
    s[r * NS + 1] = 0.1;  // as at the first step of episodes that all start the same
  steps[1].n = 8;
  steps[3].n = 2;
  weight[3][0] = 0;
  steps[4].n = 5;
  for (int i = 0; i < 5; i++)
    returns[row[4][i]] = 17.25;
  const tnd_local_quadratic_data data = {.steps = steps, .s = s, .a = a, .returns = returns};
  check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
  for (int t = 0; t < T; t++) {
    const tnd_action_quadratic *q = tnd_local_quadratic_action(fit, t);
    cr_assert_eq(q->Qas[1], 0);
    cr_assert_eq(q->Qas[3], 0);
    cr_assert_eq(tnd_local_quadratic_v(fit, t)->b[1], 0);
  }
  cr_assert_neq(tnd_local_quadratic_action(fit, 1)->qa[0], 0);
  // one sample is a constant, and so are equal targets
  const tnd_local_quadratic_info *one = tnd_local_quadratic_report(fit, 3);
  cr_assert_eq(one->rows, 1);
  cr_assert_eq(one->effective, 1);
  const double far[] = {1, 40};
  check_close(tnd_local_quadratic_value(fit, 3, far), returns[row[3][1]], 1e-13);
  check_close(tnd_local_quadratic_value(fit, 4, far), 17.25, 1e-13);
  cr_assert_eq(tnd_local_quadratic_report(fit, 4)->r2, 1);
  cr_assert_lt(fabs(tnd_local_quadratic_action(fit, 4)->qa[0]), 1e-10);  // rounding over the ridge
  tnd_local_quadratic_destroy(fit);
}

Test(local_quadratic, any_number_of_threads_gives_the_same_bits, .init = setup) {
  static double v[3][T * ROWS];
  static double where[T * ROWS * NS];
  static int times[T * ROWS];
  double Qas[T * NA * NS];
  for (int k = 0; k < T * ROWS; k++) {
    times[k] = k % (T + 1);  // the last: no value there
    memcpy(where + k * NS, s + k % ROWS * NS, NS * sizeof *s);
  }
  const tnd_local_quadratic_data data = data_of();
  for (int k = 0; k < 3; k++) {
    tnd_local_quadratic *fit = make(NA, 1e-6, 3);
    tendril_pool *pool;
    check_ok(tendril_pool_create(k + 1, &pool, check_err));
    check_ok(tnd_local_quadratic_fit(fit, pool, &data, check_err));
    tnd_local_quadratic_values(fit, pool, T * ROWS, where, times, v[k]);
    for (int t = 0; t < T; t++) {
      const double *got = tnd_local_quadratic_action(fit, t)->Qas;
      if (k) check_same_bits(got, Qas + t * NA * NS, NA * NS);
      memcpy(Qas + t * NA * NS, got, NA * NS * sizeof *got);
    }
    check_same_bits(v[k], v[0], T * ROWS);
    if (k == 0) {
      for (int i = 0; i < T * ROWS; i++)
        cr_assert_eq(v[0][i], tnd_local_quadratic_value(fit, times[i], where + i * NS));
      cr_assert_eq(v[0][T], 0);
    }
    tendril_pool_destroy(pool);
    tnd_local_quadratic_destroy(fit);
  }
}

Test(local_quadratic, a_restored_state_has_the_same_values_to_the_bit, .init = setup) {
  tnd_local_quadratic *fit = make(NA, 1e-6, 1), *other = make(NA, 1e-6, 1);
  const tnd_local_quadratic_data data = data_of();
  cr_assert_eq(tnd_local_quadratic_value(other, 2, s), 0);  // before the first fit
  check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
  int64_t count, count_too;
  const double *from = tnd_local_quadratic_state(fit, &count);
  double *to = tnd_local_quadratic_state(other, &count_too);
  cr_assert_eq(count, count_too);
  memcpy(to, from, (size_t)count * sizeof *to);
  for (int t = 0; t < T; t++)
    cr_assert_eq(tnd_local_quadratic_value(other, t, s), tnd_local_quadratic_value(fit, t, s));
  tnd_local_quadratic_destroy(fit);
  tnd_local_quadratic_destroy(other);
}

// The line it fails with; the fit must be as before.
static const char *refusal(double ridge, const tnd_local_quadratic_data *data) {
  static tendril_error err;
  tnd_local_quadratic *fit = make(NA, ridge, 1);
  double before[ROWS];
  tnd_local_quadratic_data good = *data;
  tnd_step_rows all[T];
  static int every[ROWS];
  for (int r = 0; r < ROWS; r++)
    every[r] = r;
  for (int t = 0; t < T; t++)
    all[t] = (tnd_step_rows){.n = ROWS, .row = every};
  double fine[ROWS], state[NS] = {2, 0.5}, kept[ROWS * NS];
  memcpy(kept, s, sizeof s);
  for (int r = 0; r < ROWS; r++)
    fine[r] = r % 7;
  for (int i = 0; i < ROWS * NS; i++)
    s[i] = i % 11 + 0.01 * (i % 13);
  double actions[ROWS * NA];
  for (int i = 0; i < ROWS * NA; i++)
    actions[i] = i % 17 - 0.1 * (i % 5);
  good.steps = all;
  good.a = actions;
  good.returns = fine;
  check_ok(tnd_local_quadratic_fit(fit, NULL, &good, check_err));
  memcpy(s, kept, sizeof s);
  for (int t = 0; t < T; t++)
    before[t] = tnd_local_quadratic_value(fit, t, state);
  cr_assert_eq(tnd_local_quadratic_fit(fit, NULL, data, &err), TENDRIL_E_NUMERIC);
  for (int t = 0; t < T; t++) {
    cr_assert_eq(tnd_local_quadratic_value(fit, t, state), before[t]);
    cr_assert_eq(tnd_local_quadratic_report(fit, t)->effective, ROWS);
  }
  tnd_local_quadratic_destroy(fit);
  return err.text;
}

Test(local_quadratic, too_few_samples_and_dependent_ones_are_refused_by_step, .init = setup) {
  const tnd_local_quadratic_data data = data_of();
  steps[3].n = 12;
  steps[3].weight = NULL;
  cr_assert_str_eq(refusal(0, &data), "local quadratic, step 3: 12 samples (12 effective) for 15 "
                                      "features; give more rollouts, or a ridge above 0");
  setup();
  weight[2][1] = 1e9;  // many rows, and one of them is all that counts
  cr_assert_not_null(strstr(refusal(0, &data), "step 2: "));
  cr_assert_not_null(strstr(refusal(0, &data), "(1 effective) for 15 features"));
  setup();
  steps[1].n = 15;  // just enough, if all count the same
  steps[1].weight = NULL;
  tnd_local_quadratic *fit = make(NA, 0, 1);
  check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
  tnd_local_quadratic_destroy(fit);
  setup();
  steps[4].n = 0;
  cr_assert_str_eq(refusal(1e-3, &data), "local quadratic, step 4: no sample has weight; give more "
                                         "rollouts, or reuse fewer");
  setup();
  for (int r = 0; r < ROWS; r++)
    a[r * NA] = 3 * s[r * NS] - 2;  // a policy without noise
  cr_assert_str_eq(refusal(0, &data), "local quadratic, step 0: the samples do not determine the "
                                      "features; give more rollouts, or a ridge above 0");
  // one feature too many: the square of a state of two values is linear in it. By rounding, some
  // of these have a factor all the same.
  for (int k = 1; k <= 20; k++) {
    setup();
    for (int r = 0; r < ROWS; r++)
      s[r * NS + 1] = r % 3 ? 0.1 * k : -0.3;
    cr_assert_not_null(strstr(refusal(0, &data), "step 0: the samples do not determine"));
  }
  setup();
  for (int r = 0; r < ROWS; r++)
    s[r * NS + 1] = 1;
  cr_assert_not_null(strstr(refusal(0, &data), "step 0: the samples do not determine"));
}

Test(local_quadratic, numbers_that_are_not_finite_are_refused_by_step, .init = setup) {
  const tnd_local_quadratic_data data = data_of();
  const double nan = (double)NAN, inf = (double)INFINITY;
  // rows that only these steps have come first; step 0 has all up to its 300th
  weight[1][5] = nan;
  cr_assert_not_null(strstr(refusal(0, &data), "step 1: a sample's weight"));
  weight[1][5] = -1;
  cr_assert_not_null(strstr(refusal(0, &data), "step 1: a sample's weight"));
  setup();
  s[row[0][3] * NS] = nan;
  cr_assert_str_eq(refusal(0, &data), "local quadratic, step 0: a sample's state is not finite");
  setup();
  a[row[0][3] * NA + 1] = inf;
  cr_assert_str_eq(refusal(1e-3, &data),
                   "local quadratic, step 0: a sample's action is not finite");
  setup();
  terminated[row[0][4]] = false;
  next[row[0][4] * NS] = nan;
  cr_assert_str_eq(refusal(0, &data),
                   "local quadratic, step 0: a sample's next state is not finite");
  terminated[row[0][4]] = true;  // then nobody looks at it
  tnd_local_quadratic *fit = make(NA, 0, 1);
  check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
  tnd_local_quadratic_destroy(fit);
  setup();
  reward[row[0][4]] = -inf;
  cr_assert_str_eq(refusal(0, &data), "local quadratic, step 0: a sample's reward is not finite");
  setup();
  returns[row[0][4]] = nan;
  const tnd_local_quadratic_data mc = {.steps = steps, .s = s, .a = a, .returns = returns};
  cr_assert_str_eq(refusal(0, &mc), "local quadratic, step 0: a sample's return is not finite");
}

// ------------------------------------------------------------------ actions as the policy's noise

static double K[T][NA * NS], k[T][NA], C[T][NA * NA];
static tnd_linear_gaussian policy[T];

// Policies with deviations of `size`, none of them diagonal; actions of the rows are drawn from the
// first step's, and what lies above the diagonal is nobody's.
static void setup_policy(double size) {
  tendril_random random = tendril_random_stream(32, TENDRIL_PURPOSE_TEST, 0, 0);
  for (int t = 0; t < T; t++) {
    tendril_random_normals(&random, NA * NS, K[t]);
    tendril_random_normals(&random, NA, k[t]);
    const double factor[NA * NA] = {size, (double)NAN, -0.4 * size, 0.7 * size + 0.1 * t * size};
    memcpy(C[t], factor, sizeof factor);
    policy[t] = (tnd_linear_gaussian){NS, NA, K[t], k[t], C[t]};
  }
  for (int r = 0; r < ROWS; r++) {
    double noise[NA];
    tendril_random_normals(&random, NA, noise);
    tnd_linear_gaussian_mean(&policy[0], s + r * NS, a + r * NA);
    for (int i = 0; i < NA; i++)
      for (int j = 0; j <= i; j++)
        a[r * NA + i] += C[0][i * NA + j] * noise[j];
  }
}

Test(local_quadratic, actions_as_noise_are_the_same_quadratics_without_a_ridge, .init = setup) {
  setup_policy(1);
  tnd_local_quadratic *plain_way = make(NA, 0, 1), *by_noise = make(NA, 0, 1);
  tnd_local_quadratic_data data = data_of();
  check_ok(tnd_local_quadratic_fit(plain_way, NULL, &data, check_err));
  data.policy = policy;
  check_ok(tnd_local_quadratic_fit(by_noise, NULL, &data, check_err));
  for (int t = 0; t < T; t++) {
    const tnd_action_quadratic *q = tnd_local_quadratic_action(by_noise, t);
    const tnd_action_quadratic *p = tnd_local_quadratic_action(plain_way, t);
    // both are the least-squares solution; states of deviation 0.1 about 2 cost the digits
    check_all_close(q->Qaa, p->Qaa, NA * NA, 1e-9);
    check_all_close(q->Qas, p->Qas, NA * NS, 1e-9);
    check_all_close(q->qa, p->qa, NA, 1e-9);
    check_same_bits(&q->Qaa[1], &q->Qaa[2], 1);
    check_close(tnd_local_quadratic_report(by_noise, t)->r2,
                tnd_local_quadratic_report(plain_way, t)->r2, 1e-10);
    for (int r = 0; r < ROWS; r++)
      cr_assert_eq(tnd_local_quadratic_value(by_noise, t, s + r * NS),
                   tnd_local_quadratic_value(plain_way, t, s + r * NS));
  }
  tnd_local_quadratic_destroy(plain_way);
  tnd_local_quadratic_destroy(by_noise);
}

// Targets 1/2 s's + slope'(a - K s - k), where the noise is a millionth of what K s varies by. The
// largest relative error of dQ/da at the policy's means.
static double slope_error(bool by_noise) {
  const double slope[NA] = {3e6, -2e6};
  tnd_local_quadratic *fit = make(NA, 1e-6, 1);
  for (int r = 0; r < ROWS; r++) {
    double mean[NA];
    const double *x = s + r * NS;
    tnd_linear_gaussian_mean(&policy[0], x, mean);
    returns[r] = 0.5 * (x[0] * x[0] + x[1] * x[1]);
    for (int i = 0; i < NA; i++)
      returns[r] += slope[i] * (a[r * NA + i] - mean[i]);
  }
  for (int t = 0; t < T; t++)
    policy[t] = policy[0];
  const tnd_local_quadratic_data data = {
      .steps = steps, .s = s, .a = a, .policy = by_noise ? policy : NULL, .returns = returns};
  check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
  double worst = 0;
  for (int t = 0; t < T; t++) {
    const tnd_action_quadratic *q = tnd_local_quadratic_action(fit, t);
    for (int r = 0; r < 20; r++) {
      double mean[NA];
      const double *x = s + r * NS;
      tnd_linear_gaussian_mean(&policy[0], x, mean);
      for (int i = 0; i < NA; i++) {
        double dq = q->qa[i];
        for (int j = 0; j < NA; j++)
          dq += q->Qaa[i * NA + j] * mean[j];
        for (int j = 0; j < NS; j++)
          dq += q->Qas[i * NS + j] * x[j];
        worst = fmax(worst, fabs(dq / slope[i] - 1));
      }
    }
  }
  tnd_local_quadratic_destroy(fit);
  return worst;
}

Test(local_quadratic, with_a_ridge_the_noise_of_a_policy_that_has_hardly_any_is_still_seen,
     .init = setup) {
  setup_policy(1e-6);
  // the ridge takes a share of about 1e-6; rounding of actions of size 1 is 1e-10 of the noise
  cr_assert_lt(slope_error(true), 1e-4, "%g", slope_error(true));
  // scaled by their own deviation, actions tell 1e-6 that states don't: its square is far below the
  // ridge
  cr_assert_gt(slope_error(false), 0.5, "%g", slope_error(false));
}

Test(local_quadratic, actions_as_noise_have_the_same_bits_on_any_number_of_threads, .init = setup) {
  setup_policy(0.3);
  double first[T][NA * NS];
  tnd_local_quadratic_data data = data_of();
  data.policy = policy;
  for (int threads = 0; threads <= 3; threads++) {  // 0: without a pool
    tnd_local_quadratic *fit = make(NA, 1e-6, 3);
    tendril_pool *pool = NULL;
    if (threads) check_ok(tendril_pool_create(threads, &pool, check_err));
    check_ok(tnd_local_quadratic_fit(fit, pool, &data, check_err));
    for (int t = 0; t < T; t++) {
      const double *Qas = tnd_local_quadratic_action(fit, t)->Qas;
      if (threads) check_same_bits(Qas, first[t], NA * NS);
      memcpy(first[t], Qas, sizeof first[t]);
    }
    tendril_pool_destroy(pool);
    tnd_local_quadratic_destroy(fit);
  }
}

Test(local_quadratic, actions_as_noise_that_are_not_finite_are_refused_by_step, .init = setup) {
  setup_policy(1);
  tnd_local_quadratic_data data = data_of();
  data.policy = policy;
  for (int way = 0; way < 3; way++) {
    setup_policy(1);
    if (way == 0) a[row[0][3] * NA + 1] = (double)NAN;
    if (way == 1) a[row[0][3] * NA] = (double)-INFINITY;
    if (way == 2) a[row[0][3] * NA] = 1e100;  // its square's square is not finite
    cr_assert_str_eq(refusal(1e-3, &data),
                     "local quadratic, step 0: a sample's action is not finite");
  }
  // V alone doesn't look at it
  setup_policy(1);
  tnd_local_quadratic *fit = make(0, 1e-3, 1);
  check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
  tnd_local_quadratic_destroy(fit);
}

static tendril_status create_once(void *context, tendril_error *err) {
  (void)context;
  const tnd_local_quadratic_size size = {T, NS, NA, 0, 0, 2};
  tnd_local_quadratic *fit = NULL;
  TENDRIL_TRY(tnd_local_quadratic_create(&size, &fit, err));
  tnd_local_quadratic_destroy(fit);
  return TENDRIL_OK;
}

Test(local_quadratic, creating_survives_a_failing_allocator_and_refuses_bad_sizes) {
  cr_assert_gt(support_fail_each_alloc(create_once, NULL), 1);
  tnd_local_quadratic *fit = NULL;
  tnd_local_quadratic_size bad = {T, NS, NA, -1, -1, 2};
  cr_assert_eq(tnd_local_quadratic_create(&bad, &fit, NULL), TENDRIL_E_ARGUMENT);
  bad.ridge = (double)NAN;
  cr_assert_eq(tnd_local_quadratic_create(&bad, &fit, NULL), TENDRIL_E_ARGUMENT);
  bad = (tnd_local_quadratic_size){T, 0, NA, 0, 0, 2};
  cr_assert_eq(tnd_local_quadratic_create(&bad, &fit, NULL), TENDRIL_E_ARGUMENT);
  tnd_local_quadratic_destroy(NULL);
}

// MOTO's whole policy evaluation on linear dynamics with quadratic rewards and Gaussian noise,
// where Q and V of a linear-Gaussian policy are quadratic and known.
#include "critic/importance.h"
#include "critic/local_quadratic.h"

#include "base/alloc.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/mallocs.h"
#include "trajopt/lqr.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { T = 6, NS = 2, NA = 2, REPEATS = 24, ITERATIONS = 4, MOST = 500, ROWS = MOST * T };

// s' = A s + B a + noise; the goal is a state other than 0
static const double A[NS * NS] = {1, 0.2, -0.1, 0.9}, B[NS * NA] = {0.1, 0, 0.3, 0.5};
static const double noise_sd = 0.05, goal[NS] = {1, -0.5}, Rs[NS] = {2, 0.5}, Ra[NA] = {0.3, 0.1};

static double K[ITERATIONS][T][NA * NS], k[ITERATIONS][T][NA], C[T][NA * NA];
static tnd_linear_gaussian policy[ITERATIONS][T];
static double mean[ITERATIONS][T][NS], S[ITERATIONS][T][NS * NS], Cs[ITERATIONS][T][NS * NS];
static tnd_gaussian state[ITERATIONS][T];

static double s[ITERATIONS * ROWS * NS], a[ITERATIONS * ROWS * NA], next[ITERATIONS * ROWS * NS];
static double returns[ITERATIONS * ROWS];
static int times[ITERATIONS * ROWS], rows[ITERATIONS * ROWS];
static tnd_step_rows steps[T];

// of the policy's Q_t, V_t exactly
static struct exact {
  double Qaa[NA * NA], Qas[NA * NS], qa[NA], Vss[NS * NS], vs[NS], v0;
} exact[T + 1];

// reward r_t = - sum Rs (s - goal)^2 - sum Ra a^2, paid double in the last step
static double pay(int t) {
  return t == T - 1 ? 2 : 1;
}

static void reward_of(void *context, int t, int n, const int *row, double *y) {
  (void)context;
  for (int i = 0; i < n; i++) {
    y[i] = 0;
    for (int j = 0; j < NS; j++) {
      const double d = s[row[i] * NS + j] - goal[j];
      y[i] -= pay(t) * Rs[j] * d * d;
    }
    for (int j = 0; j < NA; j++)
      y[i] -= pay(t) * Ra[j] * a[row[i] * NA + j] * a[row[i] * NA + j];
  }
}

// Backwards: Q_t = r_t + E V_{t+1}, V_t = E_pi Q_t
static void find_exact(int i) {
  memset(&exact[T], 0, sizeof exact[T]);
  for (int t = T - 1; t >= 0; t--) {
    const struct exact *v = &exact[t + 1];
    struct exact *e = &exact[t];
    // M = [A B], of z = (s, a)
    double M[NS][NS + NA], H[NS + NA][NS + NA] = {{0}}, g[NS + NA] = {0}, c = v->v0;
    for (int l = 0; l < NS; l++)
      for (int j = 0; j < NS + NA; j++)
        M[l][j] = j < NS ? A[l * NS + j] : B[l * NA + j - NS];
    for (int j = 0; j < NS + NA; j++)
      for (int l = 0; l < NS; l++) {
        g[j] += M[l][j] * v->vs[l];
        for (int m = 0; m < NS + NA; m++)
          for (int o = 0; o < NS; o++)
            H[j][m] += M[l][j] * v->Vss[l * NS + o] * M[o][m];
      }
    for (int j = 0; j < NS; j++) {
      H[j][j] -= 2 * pay(t) * Rs[j];
      g[j] += 2 * pay(t) * Rs[j] * goal[j];
      c -= pay(t) * Rs[j] * goal[j] * goal[j];
      c += 0.5 * v->Vss[j * NS + j] * noise_sd * noise_sd;
    }
    for (int j = 0; j < NA; j++)
      H[NS + j][NS + j] -= 2 * pay(t) * Ra[j];
    for (int j = 0; j < NA; j++) {
      e->qa[j] = g[NS + j];
      memcpy(e->Qaa + j * NA, &H[NS + j][NS], sizeof e->Qaa / NA);
      memcpy(e->Qas + j * NS, H[NS + j], sizeof e->Qas / NA);
    }
    // z = P (s, 1): a = K s + k; the noise of a adds tr(Qaa C C') / 2
    double P[NS + NA][NS + 1] = {{0}}, W[NS + 1][NS + 1] = {{0}};
    for (int j = 0; j < NS; j++)
      P[j][j] = 1;
    for (int j = 0; j < NA; j++) {
      memcpy(P[NS + j], K[i][t] + j * NS, NS * sizeof(double));
      P[NS + j][NS] = k[i][t][j];
    }
    for (int x = 0; x <= NS; x++)
      for (int y = 0; y <= NS; y++)
        for (int j = 0; j < NS + NA; j++)
          for (int m = 0; m < NS + NA; m++)
            W[x][y] += P[j][x] * H[j][m] * P[m][y];
    for (int x = 0; x < NS; x++) {
      memcpy(e->Vss + x * NS, W[x], NS * sizeof(double));
      e->vs[x] = W[x][NS];
      for (int j = 0; j < NS + NA; j++)
        e->vs[x] += P[j][x] * g[j];
    }
    e->v0 = c + 0.5 * W[NS][NS];
    for (int j = 0; j < NS + NA; j++)
      e->v0 += P[j][NS] * g[j];
    for (int j = 0; j < NA; j++)
      for (int m = 0; m < NA; m++)
        for (int l = 0; l < NA; l++)
          e->v0 += 0.5 * e->Qaa[j * NA + m] * C[t][j * NA + l] * C[t][m * NA + l];
  }
}

// The gains of the optimal controller, by the backward pass of linear-quadratic control.
static void optimal(int i) {
  double Vx[NS] = {0}, Vxx[NS * NS] = {0}, work[1000], F[NS * (NS + NA)];
  tnd_lqr_value v = {Vx, Vxx};
  cr_assert_leq(tnd_lqr_work(NS, NA), 1000);
  for (int l = 0; l < NS; l++)
    for (int j = 0; j < NS + NA; j++)
      F[l * (NS + NA) + j] = j < NS ? A[l * NS + j] : B[l * NA + j - NS];
  for (int t = T - 1; t >= 0; t--) {
    double lx[NS], lu[NA] = {0}, lxx[NS * NS] = {0}, lux[NA * NS] = {0}, luu[NA * NA] = {0};
    double Quu[NA * NA];
    for (int j = 0; j < NS; j++) {
      lx[j] = -2 * pay(t) * Rs[j] * goal[j];
      lxx[j * NS + j] = 2 * pay(t) * Rs[j];
    }
    for (int j = 0; j < NA; j++)
      luu[j * NA + j] = 2 * pay(t) * Ra[j];
    const tnd_lqr_stage stage = {.F = F, .lx = lx, .lu = lu, .lxx = lxx, .lux = lux, .luu = luu};
    tnd_lqr_law law = {.k = k[i][t], .K = K[i][t], .Quu = Quu};
    cr_assert(tnd_lqr_step(NS, NA, &stage, work, &v, &law));
  }
}

// M rollouts of policy i from N((0.3, 0), 0.4^2 I), to the rows from `first` on.
static void roll(int i, int M, int first, uint32_t stream) {
  tendril_random random = tendril_random_stream(41, TENDRIL_PURPOSE_TEST, stream, 0);
  for (int m = 0, r = first; m < M; m++) {
    double x[NS], noise[NS + NA], sum = 0;
    tendril_random_normals(&random, NS, x);
    for (int j = 0; j < NS; j++)
      x[j] = (j == 0 ? 0.3 : 0) + 0.4 * x[j];
    for (int t = 0; t < T; t++, r++) {
      double *u = a + r * NA, *y = next + r * NS;
      tendril_random_normals(&random, NS + NA, noise);
      memcpy(s + r * NS, x, sizeof x);
      tnd_linear_gaussian_mean(&policy[i][t], x, u);
      for (int j = 0; j < NA; j++)
        for (int l = 0; l <= j; l++)
          u[j] += C[t][j * NA + l] * noise[NS + l];
      for (int j = 0; j < NS; j++) {
        y[j] = noise_sd * noise[j];
        for (int l = 0; l < NS; l++)
          y[j] += A[j * NS + l] * x[l];
        for (int l = 0; l < NA; l++)
          y[j] += B[j * NA + l] * u[l];
      }
      memcpy(x, y, sizeof x);
      times[r] = t;
    }
    for (int t = T - 1; t >= 0; t--) {
      const int last = r - T + t;
      double y;
      reward_of(NULL, t, 1, &last, &y);
      returns[last] = sum += y;
    }
  }
}

// Policy 0 and others near it: gains a little off, as after small updates.
static void setup(void) {
  tendril_random random = tendril_random_stream(40, TENDRIL_PURPOSE_TEST, 0, 0);
  optimal(0);
  for (int t = 0; t < T; t++) {
    C[t][0] = 0.5;
    C[t][2] = 0.1;
    C[t][3] = 0.4;
    for (int i = 0; i < ITERATIONS; i++) {
      double off[NA * NS + NA];
      tendril_random_normals(&random, NA * NS + NA, off);
      for (int j = 0; i && j < NA * NS; j++)
        K[i][t][j] = K[0][t][j] + 0.05 * off[j];
      for (int j = 0; i && j < NA; j++)
        k[i][t][j] = k[0][t][j] + 0.05 * off[NA * NS + j];
      policy[i][t] = (tnd_linear_gaussian){NS, NA, K[i][t], k[i][t], C[t]};
      state[i][t] = (tnd_gaussian){NS, mean[i][t], S[i][t], Cs[i][t]};
    }
  }
}

static tnd_local_quadratic *make(double ridge, int threads) {
  const tnd_local_quadratic_size size = {T, NS, NA, ridge, ridge, threads};
  tnd_local_quadratic *fit = NULL;
  check_ok(tnd_local_quadratic_create(&size, &fit, check_err));
  return fit;
}

static const tnd_local_quadratic_data data = {
    .steps = steps, .s = s, .a = a, .reward = reward_of, .next = next, .discount = 1};

// Coefficients of a step, one behind the other: Qaa, Qas, qa, Vss, vs, v0.
enum { NC = sizeof(struct exact) / sizeof(double) };
static void coefficients(const tnd_local_quadratic *fit, int t, double *c) {
  const tnd_action_quadratic *q = tnd_local_quadratic_action(fit, t);
  const tnd_quadratic *v = tnd_local_quadratic_v(fit, t);
  struct exact e;
  memcpy(e.Qaa, q->Qaa, sizeof e.Qaa);
  memcpy(e.Qas, q->Qas, sizeof e.Qas);
  memcpy(e.qa, q->qa, sizeof e.qa);
  memcpy(e.Vss, v->A, sizeof e.Vss);
  memcpy(e.vs, v->b, sizeof e.vs);
  e.v0 = v->c;
  memcpy(c, &e, sizeof e);
}

// Means over repeated fits to M new rollouts, and root mean squares of the errors over all
// coefficients. The means must be within 4 standard errors of the exact ones.
static double repeat(int M, const double *mc, double bar, uint32_t stream) {
  static double c[REPEATS][T][NC];
  tnd_local_quadratic *fit = make(0, 1);
  tnd_local_quadratic_data d = data;
  double worst = 0, square = 0;
  d.returns = mc;
  for (int n = 0; n < REPEATS; n++) {
    roll(0, M, 0, stream + (uint32_t)n);
    tnd_step_rows_by_time(T, 0, M * T, times, rows, steps);
    check_ok(tnd_local_quadratic_fit(fit, NULL, &d, check_err));
    for (int t = 0; t < T; t++)
      coefficients(fit, t, c[n][t]);
  }
  for (int t = 0; t < T; t++)
    for (int f = 0; f < NC; f++) {
      double average = 0, variance = 0, truth;
      memcpy(&truth, (const double *)&exact[t] + f, sizeof truth);
      for (int n = 0; n < REPEATS; n++)
        average += c[n][t][f] / REPEATS;
      for (int n = 0; n < REPEATS; n++) {
        variance += (c[n][t][f] - average) * (c[n][t][f] - average) / (REPEATS - 1);
        square += (c[n][t][f] - truth) * (c[n][t][f] - truth) / (REPEATS * T * NC);
      }
      // rounding, where the exact quadratic is found every time
      const double error = sqrt(variance / REPEATS) + 1e-10;
      worst = fmax(worst, fabs(average - truth) / error);
    }
  cr_assert_lt(worst, bar, "%d rollouts: a mean is %g standard errors off", M, worst);
  tnd_local_quadratic_destroy(fit);
  return sqrt(square);
}

Test(policy_evaluation, finds_the_exact_q_and_v_of_linear_quadratic_gaussian_control,
     .init = setup) {
  find_exact(0);
  // 90 means: the largest of as many t values of 23 degrees of freedom is below 4.5 in 99 of 100
  // cases
  const double few = repeat(60, NULL, 4.5, 100), many = repeat(480, NULL, 4.5, 200);
  // 1 / sqrt(M): errors 2.8 times as small for 8 times the rollouts
  cr_assert_gt(few / many, 2);
  cr_assert_lt(many, 0.4);  // of coefficients up to 10
}

Test(policy_evaluation, monte_carlo_finds_the_same_with_larger_errors, .init = setup) {
  find_exact(0);
  cr_assert_gt(repeat(60, returns, 4.5, 100), 1.2 * repeat(60, NULL, 4.5, 100));
}

// K [NA][NS], k [NA] of the action where Q is largest, -Qaa^-1 (Qas s + qa)
static void greedy(const struct exact *q, double *gain, double *bias) {
  const double *H = q->Qaa, det = H[0] * H[3] - H[1] * H[2];
  const double inverse[] = {H[3] / det, -H[1] / det, -H[2] / det, H[0] / det};
  for (int i = 0; i < NA; i++) {
    bias[i] = 0;
    for (int j = 0; j < NA; j++)
      bias[i] -= inverse[i * NA + j] * q->qa[j];
    for (int l = 0; l < NS; l++) {
      gain[i * NS + l] = 0;
      for (int j = 0; j < NA; j++)
        gain[i * NS + l] -= inverse[i * NA + j] * q->Qas[j * NS + l];
    }
  }
}

Test(policy_evaluation, the_action_of_the_largest_q_is_the_optimal_controllers, .init = setup) {
  find_exact(0);
  static double mean_of[T][NC];
  tnd_local_quadratic *fit = make(0, 1);
  for (int n = 0; n < REPEATS; n++) {
    roll(0, MOST, 0, 300 + (uint32_t)n);
    tnd_step_rows_by_time(T, 0, ROWS, times, rows, steps);
    check_ok(tnd_local_quadratic_fit(fit, NULL, &data, check_err));
    for (int t = 0; t < T; t++) {
      double c[NC];
      coefficients(fit, t, c);
      for (int f = 0; f < NC; f++)
        mean_of[t][f] += c[f] / REPEATS;
    }
  }
  for (int t = 0; t < T; t++) {
    double gain[NA * NS], bias[NA];
    greedy(&exact[t], gain, bias);  // this file's Q and the backward pass agree to rounding
    check_all_close(gain, K[0][t], NA * NS, 1e-12);
    check_all_close(bias, k[0][t], NA, 1e-12);
    struct exact fitted;
    memcpy(&fitted, mean_of[t], sizeof fitted);
    greedy(&fitted, gain, bias);
    // gains of one fit are up to 0.6 off, as a step's noise moves the state little: 0.12 for the
    // mean of 24. In the last step r itself is fitted, exactly.
    check_all_close(gain, K[0][t], NA * NS, t == T - 1 ? 1e-9 : 0.2);
    check_all_close(bias, k[0][t], NA, t == T - 1 ? 1e-9 : 0.2);
  }
  tnd_local_quadratic_destroy(fit);
}

// Everything of iteration i that MOTO does before its update; M rollouts an iteration.
static void evaluate(tnd_importance *im, tnd_local_quadratic *fit, tendril_pool *pool, int i,
                     int M) {
  for (int t = 0; t < T; t++) {
    static double x[MOST * NS];
    for (int m = 0; m < M; m++)
      memcpy(x + m * NS, s + (i * M * T + m * T + t) * NS, NS * sizeof *x);
    cr_assert(tnd_gaussian_fit(&state[i][t], M, x, NS, NULL, 0, 1e-6));
  }
  const tnd_importance_iteration it = {state[i], policy[i], i * M * T, M * T, s, a, times};
  check_ok(tnd_importance_add(im, pool, &it, check_err));
  cr_assert_eq(tnd_importance_weights(im, pool, steps), -1);
  check_ok(tnd_local_quadratic_fit(fit, pool, &data, check_err));
}

Test(policy_evaluation, samples_of_other_steps_and_iterations_make_it_more_exact, .init = setup) {
  enum { M = 30 };
  const int last = ITERATIONS - 1;
  tnd_importance *im = NULL;
  const tnd_importance_size size = {T, NS, NA, ITERATIONS, M * T, 1, 1e-10};
  check_ok(tnd_importance_create(&size, &im, check_err));
  tnd_local_quadratic *fit = make(0, 1), *own = make(0, 1);
  double square[2] = {0}, effective = 0;
  find_exact(last);
  for (int n = 0; n < REPEATS; n++) {
    tnd_importance_reset(im);
    for (int i = 0; i < ITERATIONS; i++)
      roll(i, M, i * M * T, (uint32_t)(1000 + n * ITERATIONS + i));
    for (int i = 0; i < ITERATIONS; i++)
      evaluate(im, fit, NULL, i, M);
    tnd_step_rows_by_time(T, last * M * T, M * T, times, rows, steps);
    check_ok(tnd_local_quadratic_fit(own, NULL, &data, check_err));
    for (int t = 0; t < T; t++) {
      double c[2][NC];
      coefficients(fit, t, c[0]);
      coefficients(own, t, c[1]);
      effective += tnd_local_quadratic_report(fit, t)->effective / (REPEATS * T);
      for (int f = 0; f < NC; f++)
        for (int way = 0; way < 2; way++) {
          double truth;
          memcpy(&truth, (const double *)&exact[t] + f, sizeof truth);
          square[way] += (c[way][f] - truth) * (c[way][f] - truth);
        }
    }
  }
  // 4 iterations, and steps that overlap, of policies that are close: several times the samples
  cr_assert_gt(effective, 4 * M);
  cr_assert_gt(square[1], 3 * square[0]);
  tnd_importance_destroy(im);
  tnd_local_quadratic_destroy(fit);
  tnd_local_quadratic_destroy(own);
}

Test(policy_evaluation, allocates_nothing_and_has_the_same_bits_on_any_number_of_threads,
     .init = setup) {
  enum { M = 40 };
  const tnd_importance_size size = {T, NS, NA, 2, M * T, 3, 1e-10};
  double first[T][NC];
  for (int i = 0; i < 3; i++)
    roll(i, M, i * M * T, (uint32_t)i);
  for (int threads = 0; threads <= 3; threads++) {  // 0: without a pool
    tnd_importance *im = NULL;
    tendril_pool *pool = NULL;
    if (threads) check_ok(tendril_pool_create(threads, &pool, check_err));
    check_ok(tnd_importance_create(&size, &im, check_err));
    tnd_local_quadratic *fit = make(1e-6, 3);
    evaluate(im, fit, pool, 0, M);  // BLAS takes its buffers
    const long before = support_mallocs, taken = tnd_alloc_count();
    evaluate(im, fit, pool, 1, M);
    evaluate(im, fit, pool, 2, M);
    cr_assert_eq(support_mallocs, before);
    cr_assert_eq(tnd_alloc_count(), taken);
    for (int t = 0; t < T; t++) {
      double c[NC];
      coefficients(fit, t, c);
      if (threads == 0)
        memcpy(first[t], c, sizeof c);
      else
        check_same_bits(c, first[t], NC);
    }
    tnd_local_quadratic_destroy(fit);
    tnd_importance_destroy(im);
    tendril_pool_destroy(pool);
  }
}

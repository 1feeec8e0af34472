// The backward step against the closed form: the discrete Riccati equation written out, its fixed
// point, and the minimum of the whole problem by one big linear solve.
#include "trajopt/lqr.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tendril/random.h>

enum { N = 4, M = 2, W = N + M, T = 7 };

typedef struct problem {
  double F[T][N * W], fc[T][N], lx[T + 1][N], lu[T][M], lxx[T + 1][N * N], lux[T][M * N],
      luu[T][M * M];
} problem;

static void make_spd(tendril_random *random, int n, double *H) {
  double A[W * W];
  tendril_random_normals(random, n * n, A);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      H[i * n + j] = i == j ? 0.5 : 0;
      for (int k = 0; k < n; k++)
        H[i * n + j] += A[i * n + k] * A[j * n + k] / n;
    }
}

// A random problem whose cost is convex in (x, u) together.
static problem make_problem(uint32_t k) {
  tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, k, 0);
  problem p;
  for (int t = 0; t <= T; t++) {
    double H[W * W];
    make_spd(&random, W, H);
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++)
        p.lxx[t][i * N + j] = H[i * W + j];
    tendril_random_normals(&random, N, p.lx[t]);
    if (t == T) break;
    for (int i = 0; i < M; i++) {
      for (int j = 0; j < N; j++)
        p.lux[t][i * N + j] = H[(N + i) * W + j];
      for (int j = 0; j < M; j++)
        p.luu[t][i * M + j] = H[(N + i) * W + N + j];
    }
    tendril_random_normals(&random, M, p.lu[t]);
    tendril_random_normals(&random, N * W, p.F[t]);
    for (int i = 0; i < N * W; i++)
      p.F[t][i] *= 0.5;
    tendril_random_normals(&random, N, p.fc[t]);
  }
  return p;
}

typedef struct solution {
  double k[T][M], K[T][M * N], Quu[T][M * M], Vx[N], Vxx[N * N], linear, quadratic;
} solution;

static solution solve(const problem *p, const double *low, const double *high) {
  solution s = {.linear = 0};
  double work[1024];
  cr_assert(tnd_lqr_work(N, M) <= 1024);
  tnd_lqr_value v = {s.Vx, s.Vxx};
  memcpy(s.Vx, p->lx[T], sizeof s.Vx);
  memcpy(s.Vxx, p->lxx[T], sizeof s.Vxx);
  for (int t = T - 1; t >= 0; t--) {
    const tnd_lqr_stage stage = {.F = p->F[t],
                                 .fc = p->fc[t],
                                 .lx = p->lx[t],
                                 .lu = p->lu[t],
                                 .lxx = p->lxx[t],
                                 .lux = p->lux[t],
                                 .luu = p->luu[t],
                                 .low = low,
                                 .high = high};
    tnd_lqr_law law = {.k = s.k[t], .K = s.K[t], .Quu = s.Quu[t]};
    cr_assert(tnd_lqr_step(N, M, &stage, work, &v, &law));
    s.linear += law.linear;
    s.quadratic += law.quadratic;
  }
  return s;
}

// Cost of the controls u from x0.
static double cost_of(const problem *p, const double *x0, double u[T][M]) {
  double x[N], next[N], sum = 0;
  memcpy(x, x0, sizeof x);
  for (int t = 0; t <= T; t++) {
    for (int i = 0; i < N; i++) {
      sum += p->lx[t][i] * x[i];
      for (int j = 0; j < N; j++)
        sum += 0.5 * x[i] * p->lxx[t][i * N + j] * x[j];
    }
    if (t == T) break;
    for (int i = 0; i < M; i++) {
      sum += p->lu[t][i] * u[t][i];
      for (int j = 0; j < N; j++)
        sum += u[t][i] * p->lux[t][i * N + j] * x[j];
      for (int j = 0; j < M; j++)
        sum += 0.5 * u[t][i] * p->luu[t][i * M + j] * u[t][j];
    }
    for (int i = 0; i < N; i++) {
      next[i] = p->fc[t][i];
      for (int j = 0; j < N; j++)
        next[i] += p->F[t][i * W + j] * x[j];
      for (int j = 0; j < M; j++)
        next[i] += p->F[t][i * W + N + j] * u[t][j];
    }
    memcpy(x, next, sizeof x);
  }
  return sum;
}

// The cost is a quadratic in all controls: its minimiser from exact second differences and LAPACK.
static void minimise(const problem *p, const double *x0, double u[T][M]) {
  enum { ALL = T * M };
  double H[ALL * ALL], g[ALL], v[T][M];
  memset(v, 0, sizeof v);
  const double base = cost_of(p, x0, v);
  double *flat = &v[0][0], single[ALL];
  for (int i = 0; i < ALL; i++) {
    flat[i] = 1;
    const double plus = cost_of(p, x0, v);
    flat[i] = -1;
    const double minus = cost_of(p, x0, v);
    flat[i] = 0;
    g[i] = (plus - minus) / 2;
    H[i * ALL + i] = plus + minus - 2 * base;
    single[i] = plus;
  }
  for (int i = 0; i < ALL; i++)
    for (int j = 0; j < i; j++) {
      flat[i] = flat[j] = 1;
      H[i * ALL + j] = H[j * ALL + i] = cost_of(p, x0, v) - single[i] - single[j] + base;
      flat[i] = flat[j] = 0;
    }
  for (int i = 0; i < ALL; i++)
    (&u[0][0])[i] = -g[i];
  cr_assert(LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', ALL, 1, H, ALL, &u[0][0], 1) == 0);
}

Test(lqr, its_law_gives_the_controls_of_one_big_least_squares_problem) {
  for (uint32_t c = 0; c < 20; c++) {
    const problem p = make_problem(c);
    const solution s = solve(&p, NULL, NULL);
    tendril_random random = tendril_random_stream(4, TENDRIL_PURPOSE_TEST, c, 0);
    double x0[N], x[N], next[N], u[T][M], expected[T][M];
    tendril_random_normals(&random, N, x0);
    minimise(&p, x0, expected);
    memcpy(x, x0, sizeof x);
    for (int t = 0; t < T; t++) {
      for (int i = 0; i < M; i++) {
        u[t][i] = s.k[t][i];
        for (int j = 0; j < N; j++)
          u[t][i] += s.K[t][i * N + j] * x[j];
      }
      for (int i = 0; i < N; i++) {
        next[i] = p.fc[t][i];
        for (int j = 0; j < N; j++)
          next[i] += p.F[t][i * W + j] * x[j];
        for (int j = 0; j < M; j++)
          next[i] += p.F[t][i * W + N + j] * u[t][j];
      }
      memcpy(x, next, sizeof x);
    }
    check_all_close(&u[0][0], &expected[0][0], T * M, 1e-8);  // second differences lose digits

    // V of the first step is the cost of the best controls, but for a constant: two starts
    double zero[N] = {0}, best[T][M];
    minimise(&p, zero, best);
    double V = 0;
    for (int i = 0; i < N; i++) {
      V += s.Vx[i] * x0[i];
      for (int j = 0; j < N; j++)
        V += 0.5 * x0[i] * s.Vxx[i * N + j] * x0[j];
    }
    check_close(V, cost_of(&p, x0, expected) - cost_of(&p, zero, best), 1e-8);
  }
}

Test(lqr, expected_change_is_that_of_the_cost) {
  problem p = make_problem(5);
  memset(p.fc, 0, sizeof p.fc);  // about a nominal at rest: u = 0 keeps x = 0
  const solution s = solve(&p, NULL, NULL);
  double zero[N] = {0}, none[T][M] = {{0}};
  for (int a = 1; a <= 4; a++) {
    const double alpha = 0.25 * a;
    // roll out alpha k + K x
    double x[N] = {0}, next[N], u[T][M];
    for (int t = 0; t < T; t++) {
      for (int i = 0; i < M; i++) {
        u[t][i] = alpha * s.k[t][i];
        for (int j = 0; j < N; j++)
          u[t][i] += s.K[t][i * N + j] * x[j];
      }
      for (int i = 0; i < N; i++) {
        next[i] = 0;
        for (int j = 0; j < N; j++)
          next[i] += p.F[t][i * W + j] * x[j];
        for (int j = 0; j < M; j++)
          next[i] += p.F[t][i * W + N + j] * u[t][j];
      }
      memcpy(x, next, sizeof x);
    }
    const double change = cost_of(&p, zero, u) - cost_of(&p, zero, none);
    check_close(change, alpha * s.linear + alpha * alpha * s.quadratic, 1e-12);  // rounding
  }
}

// A double integrator whose value function over a long horizon is that of the algebraic Riccati
// equation; for x'' = u sampled at 1 s with Q = diag(1, 0), R = 1, P is known from its residual.
Test(lqr, a_long_horizon_solves_the_algebraic_riccati_equation) {
  enum { n = 2, m = 1 };
  const double F[n * 3] = {1, 1, 0.5, 0, 1, 1}, Q[n * n] = {1, 0, 0, 0}, R[1] = {1};
  const double zero[n * n] = {0};
  double P[n * n] = {1, 0, 0, 0}, p[n] = {0}, k[m], K[m * n], Quu[m], work[256];
  tnd_lqr_value v = {p, P};
  const tnd_lqr_stage stage = {
      .F = F, .lx = zero, .lu = zero, .lxx = Q, .lux = zero, .luu = R, .mu = 0};
  tnd_lqr_law law = {.k = k, .K = K, .Quu = Quu};
  for (int t = 0; t < 200; t++)
    cr_assert(tnd_lqr_step(n, m, &stage, work, &v, &law));
  // P = A'PA - A'PB (R + B'PB)^-1 B'PA + Q
  const double A[4] = {1, 1, 0, 1}, B[2] = {0.5, 1};
  double PA[4], PB[2], APA[4], APB[2], S = R[0];
  for (int i = 0; i < 2; i++) {
    PB[i] = P[i * 2] * B[0] + P[i * 2 + 1] * B[1];
    for (int j = 0; j < 2; j++)
      PA[i * 2 + j] = P[i * 2] * A[j] + P[i * 2 + 1] * A[2 + j];
  }
  for (int i = 0; i < 2; i++) {
    S += B[i] * PB[i];
    APB[i] = A[i] * PB[0] + A[2 + i] * PB[1];
    for (int j = 0; j < 2; j++)
      APA[i * 2 + j] = A[i] * PA[j] + A[2 + i] * PA[2 + j];
  }
  for (int i = 0; i < 2; i++) {
    check_close(K[i], -APB[i] / S, 1e-10);
    for (int j = 0; j < 2; j++)
      check_close(P[i * 2 + j], APA[i * 2 + j] - APB[i] * APB[j] / S + Q[i * 2 + j], 1e-10);
  }
}

Test(lqr, clamped_controls_have_no_feedback_and_stay_within_the_bounds) {
  const problem p = make_problem(6);
  const double low[M] = {-0.01, -10}, high[M] = {0.01, 10};
  const solution s = solve(&p, low, high);
  int clamped = 0;
  for (int t = 0; t < T; t++) {
    cr_assert(fabs(s.k[t][0]) <= 0.01);
    if (fabs(s.k[t][0]) < 0.01) continue;
    clamped++;
    for (int j = 0; j < N; j++)
      check_close(s.K[t][j], 0, 0);
  }
  cr_assert(clamped > 0);
}

Test(lqr, regularisation_makes_an_indefinite_step_solvable_and_leaves_v_alone_otherwise) {
  problem p = make_problem(7);
  double work[1024], Vx[N], Vxx[N * N], k[M], K[M * N], Quu[M * M];
  tnd_lqr_value v = {Vx, Vxx};
  tnd_lqr_law law = {.k = k, .K = K, .Quu = Quu};
  tnd_lqr_stage stage = {
      .F = p.F[0], .lx = p.lx[0], .lu = p.lu[0], .lxx = p.lxx[0], .lux = p.lux[0], .luu = p.luu[0]};
  memcpy(Vx, p.lx[1], sizeof Vx);
  for (int i = 0; i < N * N; i++)
    Vxx[i] = -20 * (i % (N + 1) == 0);  // concave
  double before[N * N];
  memcpy(before, Vxx, sizeof before);
  cr_assert_not(tnd_lqr_step(N, M, &stage, work, &v, &law));
  check_same_bits(Vxx, before, N * N);
  check_same_bits(Vx, p.lx[1], N);
  stage.mu = 100;
  cr_assert(tnd_lqr_step(N, M, &stage, work, &v, &law));
}

// As guided policy search does it, which changes the cost between the two.
Test(lqr, a_cost_that_is_added_to_the_expansion_of_a_stage_is_as_good_as_one_in_the_stage) {
  const problem p = make_problem(8), more = make_problem(9);
  double work[1024], Vx[N], Vxx[N * N], k[M], K[M * N], Quu[M * M];
  double Qx[N], Qu[M], Qxx[N * N], Qux[M * N], Quu1[M * M];
  double lx[N], lu[M], lxx[N * N], lux[M * N], luu[M * M];
  for (int i = 0; i < N; i++)
    lx[i] = p.lx[0][i] + more.lx[0][i];
  for (int i = 0; i < M; i++)
    lu[i] = p.lu[0][i] + more.lu[0][i];
  for (int i = 0; i < N * N; i++)
    lxx[i] = p.lxx[0][i] + more.lxx[0][i];
  for (int i = 0; i < M * N; i++)
    lux[i] = p.lux[0][i] + more.lux[0][i];
  for (int i = 0; i < M * M; i++)
    luu[i] = p.luu[0][i] + more.luu[0][i];
  // at once
  double V1x[N], V1xx[N * N], k1[M], K1[M * N];
  memcpy(V1x, p.lx[1], sizeof V1x);
  memcpy(V1xx, p.lxx[1], sizeof V1xx);
  const tnd_lqr_stage whole = {
      .F = p.F[0], .fc = p.fc[0], .lx = lx, .lu = lu, .lxx = lxx, .lux = lux, .luu = luu};
  tnd_lqr_value v1 = {V1x, V1xx};
  tnd_lqr_law law1 = {.k = k1, .K = K1, .Quu = Quu1};
  cr_assert(tnd_lqr_step(N, M, &whole, work, &v1, &law1));
  // in two goes
  memcpy(Vx, p.lx[1], sizeof Vx);
  memcpy(Vxx, p.lxx[1], sizeof Vxx);
  const tnd_lqr_stage stage = {.F = p.F[0],
                               .fc = p.fc[0],
                               .lx = p.lx[0],
                               .lu = p.lu[0],
                               .lxx = p.lxx[0],
                               .lux = p.lux[0],
                               .luu = p.luu[0]};
  tnd_lqr_value v = {Vx, Vxx};
  double Quu0[M * M];
  const tnd_lqr_q Q = {Qx, Qu, Qxx, Qux, Quu0};
  tnd_lqr_expand(N, M, &stage, &v, work, &Q);
  for (int i = 0; i < N; i++)
    Qx[i] += more.lx[0][i];
  for (int i = 0; i < M; i++)
    Qu[i] += more.lu[0][i];
  for (int i = 0; i < N * N; i++)
    Qxx[i] += more.lxx[0][i];
  for (int i = 0; i < M * N; i++)
    Qux[i] += more.lux[0][i];
  for (int i = 0; i < M * M; i++)
    Quu0[i] += more.luu[0][i];
  const tnd_lqr_stage rest = {.lx = Qx, .lu = Qu, .lxx = Qxx, .lux = Qux, .luu = Quu0};
  tnd_lqr_law law = {.k = k, .K = K, .Quu = Quu};
  cr_assert(tnd_lqr_step(N, M, &rest, work, &v, &law));
  const double tolerance = 1e-12;  // sums in another order
  for (int i = 0; i < M; i++)
    check_close(k[i], k1[i], tolerance);
  for (int i = 0; i < M * N; i++)
    check_close(K[i], K1[i], tolerance);
  for (int i = 0; i < M * M; i++)
    check_close(Quu[i], Quu1[i], tolerance);
  for (int i = 0; i < N; i++)
    check_close(Vx[i], V1x[i], tolerance);
  for (int i = 0; i < N * N; i++)
    check_close(Vxx[i], V1xx[i], tolerance);
}

// The controller under a KL bound: bound and cost by formulas written out again and by sampling,
// optimality by perturbing it along the bound, limits, costs that are not convex, errors.
#include "trajopt/kl_lqr.h"

#include "base/alloc.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "trajopt/lqr.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { N = 3, M = 2, W = N + M, T = 8 };

// The arrays behind a problem.
typedef struct scene {
  double f[T][N * W], fc[T][N], fC[T][N * N];
  double lx[T + 1][N], lu[T][M], lxx[T + 1][N * N], lux[T][M * N], luu[T][M * M];
  double x[T + 1][N], u[T][M];
  double K[T][M * N], k[T][M], C[T][M * M];
  double mean[N], S[N * N];
  tnd_linear_gaussian dynamics[T], old[T];
  tnd_stage_cost cost[T + 1];
  tnd_gaussian start;
  tnd_kl_lqr_problem problem;
} scene;

// convex: the cost's Hessian is positive definite; otherwise it has eigenvalues of both signs.
static void make_scene(scene *s, uint32_t key, bool convex, double eps) {
  tendril_random random = tendril_random_stream(21, TENDRIL_PURPOSE_TEST, key, 0);
  for (int t = 0; t <= T; t++) {
    double A[W * W], H[W * W];
    tendril_random_normals(&random, W * W, A);
    for (int i = 0; i < W; i++)
      for (int j = 0; j < W; j++) {
        H[i * W + j] = convex ? 0.3 * (i == j) : 0.5 * (A[i * W + j] + A[j * W + i]);
        for (int l = 0; convex && l < W; l++)
          H[i * W + j] += A[i * W + l] * A[j * W + l] / W;
      }
    for (int i = 0; i < N; i++)
      memcpy(s->lxx[t] + i * N, H + i * W, sizeof(double) * N);
    tendril_random_normals(&random, N, s->lx[t]);
    tendril_random_normals(&random, N, s->x[t]);
    s->cost[t] = (tnd_stage_cost){.l = 0.5 * t, .lx = s->lx[t], .lxx = s->lxx[t], .x = s->x[t]};
    if (t == T) break;
    for (int i = 0; i < M; i++) {
      memcpy(s->lux[t] + i * N, H + (N + i) * W, sizeof(double) * N);
      memcpy(s->luu[t] + i * M, H + (N + i) * W + N, sizeof(double) * M);
    }
    tendril_random_normals(&random, M, s->lu[t]);
    tendril_random_normals(&random, M, s->u[t]);
    s->cost[t].lu = s->lu[t];
    s->cost[t].lux = s->lux[t];
    s->cost[t].luu = s->luu[t];
    s->cost[t].u = s->u[t];

    tendril_random_normals(&random, N * W, s->f[t]);
    tendril_random_normals(&random, N, s->fc[t]);
    tendril_random_normals(&random, N * N, s->fC[t]);
    for (int i = 0; i < N * W; i++)
      s->f[t][i] = (i % W < N ? 0.2 : 0.5) * s->f[t][i] + (i % W == i / W ? 0.8 : 0);
    for (int i = 0; i < N * N; i++) {
      if (i % N > i / N) s->fC[t][i] = 99;  // what lies above the diagonal is anything
      if (i % N < i / N) s->fC[t][i] *= 0.1;
      if (i % N == i / N) s->fC[t][i] = 0.1 + 0.1 * fabs(s->fC[t][i]);
    }
    s->dynamics[t] =
        (tnd_linear_gaussian){.ns = W, .na = N, .K = s->f[t], .k = s->fc[t], .C = s->fC[t]};
    tendril_random_normals(&random, M * N, s->K[t]);
    tendril_random_normals(&random, M, s->k[t]);
    tendril_random_normals(&random, M * M, s->C[t]);
    for (int i = 0; i < M * N; i++)
      s->K[t][i] *= 0.3;
    for (int i = 0; i < M * M; i++) {
      if (i % M > i / M) s->C[t][i] = -99;
      if (i % M < i / M) s->C[t][i] *= 0.3;
      if (i % M == i / M) s->C[t][i] = 0.4 + 0.3 * fabs(s->C[t][i]);
    }
    s->old[t] = (tnd_linear_gaussian){.ns = N, .na = M, .K = s->K[t], .k = s->k[t], .C = s->C[t]};
  }
  tendril_random_normals(&random, N, s->mean);
  for (int i = 0; i < N * N; i++)
    s->S[i] = i % (N + 1) ? 0.02 : 0.1;
  s->start = (tnd_gaussian){.n = N, .mean = s->mean, .S = s->S};
  s->problem = (tnd_kl_lqr_problem){
      .dynamics = s->dynamics, .cost = s->cost, .old = s->old, .start = &s->start, .eps = eps};
}

static void outer(int n, const double *C, double *S) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      S[i * n + j] = 0;
      for (int l = 0; l <= (i < j ? i : j); l++)
        S[i * n + j] += C[i * n + l] * C[j * n + l];
    }
}

// KL( N(Kx + k, CC') || the same of q ) given x ~ N(mean, S), by inverses and determinants.
static double kl_of(const tnd_linear_gaussian *p, const tnd_linear_gaussian *q, const double *mean,
                    const double *S) {
  double Sp[M * M], iq[M * M], d[M], kl = -M;
  outer(M, p->C, Sp);
  outer(M, q->C, iq);
  cr_assert(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', M, iq, M) == 0);
  for (int i = 0; i < M; i++)
    kl += 2 * log(iq[i * M + i]) - 2 * log(p->C[i * M + i]);
  cr_assert(LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', M, iq, M) == 0);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < i; j++)
      iq[j * M + i] = iq[i * M + j];
  for (int i = 0; i < M; i++) {
    d[i] = p->k[i] - q->k[i];
    for (int j = 0; j < N; j++)
      d[i] += (p->K[i * N + j] - q->K[i * N + j]) * mean[j];
  }
  for (int i = 0; i < M; i++)
    for (int j = 0; j < M; j++) {
      kl += iq[i * M + j] * (Sp[i * M + j] + d[i] * d[j]);
      for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++)
          kl += iq[i * M + j] * S[a * N + b] * (p->K[i * N + a] - q->K[i * N + a]) *
                (p->K[j * N + b] - q->K[j * N + b]);
    }
  return 0.5 * kl;
}

typedef struct verdict {
  double kl, cost, kls[T];
} verdict;

// KL from the old controller and expected cost of any controller, by the joint moments of (x, u).
static verdict evaluate(const scene *s, const tnd_linear_gaussian *law) {
  verdict v = {0};
  double mean[N], S[N * N];
  memcpy(mean, s->mean, sizeof mean);
  memcpy(S, s->S, sizeof S);
  for (int t = 0; t <= T; t++) {
    double z[W] = {0}, Z[W * W] = {0}, H[W * W] = {0}, g[W] = {0}, Su[M * M];
    memcpy(z, mean, sizeof mean);
    for (int i = 0; i < N; i++)
      memcpy(Z + i * W, S + i * N, sizeof(double) * N);
    const int w = t < T ? W : N;
    if (t < T) {
      v.kls[t] = kl_of(&law[t], &s->old[t], mean, S);
      v.kl += v.kls[t];
      outer(M, law[t].C, Su);
      tnd_linear_gaussian_mean(&law[t], mean, z + N);
      for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
          for (int l = 0; l < N; l++)
            Z[(N + i) * W + j] = Z[j * W + N + i] += law[t].K[i * N + l] * S[l * N + j];
      for (int i = 0; i < M; i++)
        for (int j = 0; j < M; j++) {
          Z[(N + i) * W + N + j] = Su[i * M + j];
          for (int l = 0; l < N; l++)
            Z[(N + i) * W + N + j] += Z[(N + i) * W + l] * law[t].K[j * N + l];
        }
    }
    // cost
    for (int i = 0; i < w; i++)
      for (int j = 0; j < w; j++)
        H[i * W + j] = i < N   ? (j < N ? s->lxx[t][i * N + j] : s->lux[t][(j - N) * N + i])
                       : j < N ? s->lux[t][(i - N) * N + j]
                               : s->luu[t][(i - N) * M + j - N];
    double dz[W];
    for (int i = 0; i < w; i++) {
      g[i] = i < N ? s->lx[t][i] : s->lu[t][i - N];
      dz[i] = z[i] - (i < N ? s->x[t][i] : s->u[t][i - N]);
    }
    v.cost += s->cost[t].l;
    for (int i = 0; i < w; i++) {
      v.cost += g[i] * dz[i];
      for (int j = 0; j < w; j++)
        v.cost += 0.5 * H[i * W + j] * (dz[i] * dz[j] + Z[i * W + j]);
    }
    if (t == T) break;
    // x' = f z + fc
    double F[N * N], next[N];
    outer(N, s->fC[t], F);
    for (int i = 0; i < N; i++) {
      next[i] = s->fc[t][i];
      for (int j = 0; j < W; j++)
        next[i] += s->f[t][i * W + j] * z[j];
      for (int j = 0; j < N; j++) {
        S[i * N + j] = F[i * N + j];
        for (int a = 0; a < W; a++)
          for (int b = 0; b < W; b++)
            S[i * N + j] += s->f[t][i * W + a] * Z[a * W + b] * s->f[t][j * W + b];
      }
    }
    memcpy(mean, next, sizeof mean);
  }
  return v;
}

static tnd_kl_lqr *make_solver(void) {
  tnd_kl_lqr *k;
  check_ok(tnd_kl_lqr_create(T, N, M, &k, check_err));
  return k;
}

Test(kl_lqr, the_kl_is_the_bound_and_the_cost_the_expected_one) {
  static const double bounds[] = {1e-4, 0.01, 0.1, 1, 5};
  tnd_kl_lqr *k = make_solver();
  scene s;
  for (uint32_t key = 0; key < 40; key++)
    for (int b = 0; b < 5; b++) {
      tnd_kl_lqr_stats stats;
      make_scene(&s, key, key % 2 == 0, bounds[b]);  // every other cost is not convex
      check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &stats, check_err));
      const verdict v = evaluate(&s, tnd_kl_lqr_controller(k));
      const double bound = T * bounds[b];
      cr_assert(!stats.slack);
      cr_assert(stats.kl <= bound && stats.kl >= bound * (1 - 1.01e-6), "key %u: KL %.12g of %g",
                key, stats.kl, bound);
      check_close(v.kl / bound, stats.kl / bound, 1e-9);  // the formula's differences cancel
      for (int t = 0; t < T; t++)
        check_close(tnd_kl_lqr_divergence(k)[t], v.kls[t], 1e-9);
      check_close(stats.cost, v.cost, 1e-9);
      check_close(stats.cost_old, evaluate(&s, s.old).cost, 1e-12);
      cr_assert(stats.cost < stats.cost_old);
      cr_assert(stats.passes <= 60, "%d passes", stats.passes);
    }
  tnd_kl_lqr_destroy(k);
}

// A controller that may be moved.
typedef struct copy {
  double K[T][M * N], k[T][M], C[T][M * M];
  tnd_linear_gaussian law[T];
} copy;

// a + step (b - a); the logarithm of the factor's diagonal goes in a straight line, too.
static void between(const tnd_linear_gaussian *a, const tnd_linear_gaussian *b, double step,
                    copy *out) {
  for (int t = 0; t < T; t++) {
    out->law[t] =
        (tnd_linear_gaussian){.ns = N, .na = M, .K = out->K[t], .k = out->k[t], .C = out->C[t]};
    for (int i = 0; i < M * N; i++)
      out->K[t][i] = a[t].K[i] + step * (b[t].K[i] - a[t].K[i]);
    for (int i = 0; i < M; i++)
      out->k[t][i] = a[t].k[i] + step * (b[t].k[i] - a[t].k[i]);
    for (int i = 0; i < M; i++)
      for (int j = 0; j < M; j++)
        out->C[t][i * M + j] =
            i == j  ? a[t].C[i * M + i] * pow(b[t].C[i * M + i] / a[t].C[i * M + i], step)
            : j < i ? a[t].C[i * M + j] + step * (b[t].C[i * M + j] - a[t].C[i * M + j])
                    : 0;
  }
}

Test(kl_lqr, no_controller_of_the_same_kl_has_a_lower_cost) {
  tnd_kl_lqr *k = make_solver();
  scene s;
  double closest = HUGE_VAL;
  for (uint32_t key = 0; key < 8; key++) {
    tnd_kl_lqr_stats stats;
    tendril_random random = tendril_random_stream(22, TENDRIL_PURPOSE_TEST, key, 0);
    make_scene(&s, key, key % 2 == 0, 0.2);
    check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &stats, check_err));
    for (int trial = 0; trial < 120; trial++) {
      // a step or all of them, a little or a lot
      copy other, moved;
      const double size = pow(10, -tendril_random_uniform(&random, 0.5, 2.5));
      const int only = trial % 2 ? (int)tendril_random_below(&random, T) : -1;
      between(tnd_kl_lqr_controller(k), tnd_kl_lqr_controller(k), 0, &other);
      for (int t = 0; t < T; t++) {
        double e[M * N + M + M * M];
        tendril_random_normals(&random, M * N + M + M * M, e);
        if (only >= 0 && t != only) continue;
        for (int i = 0; i < M * N; i++)
          other.K[t][i] += size * e[i];
        for (int i = 0; i < M; i++)
          other.k[t][i] += size * e[M * N + i];
        for (int i = 0; i < M; i++)
          for (int j = 0; j <= i; j++)
            if (i == j)
              other.C[t][i * M + j] *= exp(size * e[M * N + M + i * M + j]);
            else
              other.C[t][i * M + j] += size * e[M * N + M + i * M + j];
      }
      // along the line from the old controller to where the KL is the bound
      double low = 0, high = 1;
      for (between(s.old, other.law, high, &moved); evaluate(&s, moved.law).kl < stats.kl;
           between(s.old, other.law, high, &moved))
        high *= 1.5;
      for (int i = 0; i < 60; i++) {
        between(s.old, other.law, 0.5 * (low + high), &moved);
        *(evaluate(&s, moved.law).kl < stats.kl ? &low : &high) = 0.5 * (low + high);
      }
      const verdict v = evaluate(&s, moved.law);
      check_close(v.kl / stats.kl, 1, 1e-9);
      // the KL is kept to about 1e-12; what that is worth is eta 1e-12
      cr_assert(v.cost >= stats.cost - 1e-9 * fabs(stats.cost), "key %u, trial %d: %.12g, %.12g",
                key, trial, v.cost, stats.cost);
      closest = fmin(closest, (v.cost - stats.cost) / fabs(stats.cost));
    }
  }
  cr_assert(closest < 1e-3, "no perturbation came near: %g", closest);
  tnd_kl_lqr_destroy(k);
}

// The multiplier is the price of the bound: d cost / d (T eps) = -eta.
Test(kl_lqr, eta_is_what_a_nat_is_worth) {
  tnd_kl_lqr *k = make_solver();
  scene s;
  for (uint32_t key = 0; key < 10; key++) {
    tnd_kl_lqr_stats less, more, at;
    const double h = 1e-3;
    make_scene(&s, key, key % 2 == 0, 0.3 * (1 - h));
    check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &less, check_err));
    s.problem.eps = 0.3 * (1 + h);
    check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &more, check_err));
    s.problem.eps = 0.3;
    check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &at, check_err));
    // central difference: error of order h^2
    check_close((less.cost - more.cost) / (more.kl - less.kl) / at.eta, 1, 1e-5);
  }
  tnd_kl_lqr_destroy(k);
}

Test(kl_lqr, sampled_rollouts_have_the_kl_and_the_cost) {
  enum { ROLLOUTS = 20000 };
  tnd_kl_lqr *k = make_solver();
  scene s;
  tnd_kl_lqr_stats stats;
  make_scene(&s, 3, true, 0.3);
  check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &stats, check_err));
  const tnd_linear_gaussian *law = tnd_kl_lqr_controller(k);
  tendril_random random = tendril_random_stream(23, TENDRIL_PURPOSE_TEST, 0, 0);
  double sum[2] = {0}, square[2] = {0}, xs[N] = {0}, x2[N] = {0}, C0[N * N];
  memcpy(C0, s.S, sizeof C0);
  cr_assert(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', N, C0, N) == 0);
  for (int r = 0; r < ROLLOUTS; r++) {
    double x[N], e[N], scratch[W], both[2] = {0};
    tendril_random_normals(&random, N, e);
    const tnd_gaussian start = {.n = N, .mean = s.mean, .C = C0};
    tnd_gaussian_sample(&start, e, x);
    for (int t = 0; t <= T; t++) {
      double z[W], dx[N], du[M], next[N], noise[W];
      const tnd_stage_cost *c = &s.cost[t];
      memcpy(z, x, sizeof x);
      both[0] += c->l;
      for (int i = 0; i < N; i++)
        dx[i] = x[i] - s.x[t][i];
      for (int i = 0; i < N; i++) {
        both[0] += c->lx[i] * dx[i];
        for (int j = 0; j < N; j++)
          both[0] += 0.5 * c->lxx[i * N + j] * dx[i] * dx[j];
      }
      if (t == T) break;
      tendril_random_normals(&random, W, noise);
      const tnd_gaussian u = {.n = M, .mean = du, .C = law[t].C};
      tnd_linear_gaussian_mean(&law[t], x, du);
      tnd_gaussian_sample(&u, noise, z + N);
      both[1] += tnd_linear_gaussian_logp(&law[t], x, z + N, scratch) -
                 tnd_linear_gaussian_logp(&s.old[t], x, z + N, scratch);
      for (int i = 0; i < M; i++)
        du[i] = z[N + i] - s.u[t][i];
      for (int i = 0; i < M; i++) {
        both[0] += c->lu[i] * du[i];
        for (int j = 0; j < N; j++)
          both[0] += c->lux[i * N + j] * du[i] * dx[j];
        for (int j = 0; j < M; j++)
          both[0] += 0.5 * c->luu[i * M + j] * du[i] * du[j];
      }
      const tnd_gaussian to = {.n = N, .mean = next, .C = s.fC[t]};
      tnd_linear_gaussian_mean(&s.dynamics[t], z, next);
      tnd_gaussian_sample(&to, noise + M, x);
    }
    for (int i = 0; i < 2; i++) {
      sum[i] += both[i] / ROLLOUTS;
      square[i] += both[i] * both[i] / ROLLOUTS;
    }
    for (int i = 0; i < N; i++) {
      xs[i] += x[i] / ROLLOUTS;
      x2[i] += x[i] * x[i] / ROLLOUTS;
    }
  }
  // within three standard errors of 20000 rollouts
  const double expected[2] = {stats.cost, stats.kl};
  for (int i = 0; i < 2; i++) {
    const double error = sqrt((square[i] - sum[i] * sum[i]) / ROLLOUTS);
    cr_assert(fabs(sum[i] - expected[i]) < 3 * error, "%g, not %g (error %g)", sum[i], expected[i],
              error);
  }
  const tnd_gaussian *last = tnd_kl_lqr_states(k) + T;
  for (int i = 0; i < N; i++) {
    const double v = last->S[i * N + i];
    cr_assert(fabs(xs[i] - last->mean[i]) < 3 * sqrt(v / ROLLOUTS));
    cr_assert(fabs(x2[i] - xs[i] * xs[i] - v) < 3 * v * sqrt(2.0 / ROLLOUTS));
  }
  tnd_kl_lqr_destroy(k);
}

// A bound that hardly binds: K and k are those of the LQR of the cost itself, and the covariance is
// eta times the inverse of its Quu, the law of maximum entropy at temperature eta.
Test(kl_lqr, a_wide_bound_gives_the_lqr_at_the_temperature_eta) {
  tnd_kl_lqr *k = make_solver();
  scene s;
  tnd_kl_lqr_stats stats;
  make_scene(&s, 4, true, 40);
  for (int t = 0; t <= T; t++)
    s.cost[t].x = s.cost[t].u = NULL;  // about the origin
  check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &stats, check_err));
  cr_assert(stats.eta < 1e-6 && !stats.slack);
  double Vx[N], Vxx[N * N], K[M * N], kk[M], Quu[M * M], S[M * M], work[256];
  cr_assert(tnd_lqr_work(N, M) <= 256);
  memcpy(Vx, s.lx[T], sizeof Vx);
  memcpy(Vxx, s.lxx[T], sizeof Vxx);
  tnd_lqr_value v = {Vx, Vxx};
  for (int t = T - 1; t >= 0; t--) {
    const tnd_lqr_stage stage = {.F = s.f[t],
                                 .fc = s.fc[t],
                                 .lx = s.lx[t],
                                 .lu = s.lu[t],
                                 .lxx = s.lxx[t],
                                 .lux = s.lux[t],
                                 .luu = s.luu[t]};
    tnd_lqr_law law = {.k = kk, .K = K, .Quu = Quu};
    cr_assert(tnd_lqr_step(N, M, &stage, work, &v, &law));
    const tnd_linear_gaussian *got = tnd_kl_lqr_controller(k) + t;
    // they differ by eta over the old covariance, beside Quu
    check_all_close(got->K, K, M * N, 100 * stats.eta);
    check_all_close(got->k, kk, M, 100 * stats.eta);
    outer(M, got->C, S);
    for (int i = 0; i < M; i++)
      for (int j = 0; j < M; j++) {
        double unit = 0;
        for (int l = 0; l < M; l++)
          unit += S[i * M + l] * Quu[l * M + j] / stats.eta;
        check_close(unit, i == j, 1e-4);
      }
  }
  tnd_kl_lqr_destroy(k);
}

// Step after step, each with the last one's controller as its old one: the cost falls to the LQR's.
Test(kl_lqr, repeated_steps_reach_the_optimum) {
  tnd_kl_lqr *k = make_solver();
  scene s;
  tnd_kl_lqr_stats stats;
  make_scene(&s, 6, true, 50);
  check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &stats, check_err));
  const double best = stats.cost;
  s.problem.eps = 0.2;
  double eta = 0, cost = stats.cost_old;
  int passes = 0;
  for (int i = 0; i < 60; i++) {
    const bool early = i < 30;  // later the cost differs by rounding
    check_ok(tnd_kl_lqr_solve(k, &s.problem, eta, &stats, check_err));
    s.problem.old = tnd_kl_lqr_controller(k);
    check_close(stats.cost_old, cost, 1e-9);
    cr_assert(early ? stats.cost < cost : stats.cost <= cost + 1e-12 * fabs(cost));
    cost = stats.cost;
    eta = stats.eta;
    passes += stats.passes;
  }
  check_close(cost, best, 1e-6);  // 60 steps of 0.2 nats: a covariance of e^-12 of the first
  cr_assert(passes < 60 * 15, "%d passes", passes);
  tnd_kl_lqr_destroy(k);
}

Test(kl_lqr, the_last_eta_is_a_good_start) {
  tnd_kl_lqr *k = make_solver();
  scene s;
  tnd_kl_lqr_stats cold, warm;
  make_scene(&s, 7, false, 0.1);
  check_ok(tnd_kl_lqr_solve(k, &s.problem, 1e9, &cold, check_err));
  check_ok(tnd_kl_lqr_solve(k, &s.problem, cold.eta, &warm, check_err));
  cr_assert_eq(warm.passes, 1);
  check_close(warm.eta, cold.eta, 0);
  check_ok(tnd_kl_lqr_solve(k, &s.problem, 1e-9, &warm, check_err));  // no controller there
  cr_assert(warm.raised > 0);
  check_close(warm.eta / cold.eta, 1, 1e-5);
  check_close(warm.cost, cold.cost, 1e-6);
  tnd_kl_lqr_destroy(k);
}

Test(kl_lqr, a_cost_that_controls_do_not_change_leaves_the_bound_slack) {
  tnd_kl_lqr *k = make_solver();
  scene s;
  tnd_kl_lqr_stats stats;
  make_scene(&s, 8, true, 0.1);
  for (int t = 0; t <= T; t++) {
    memset(s.lx[t], 0, sizeof s.lx[t]);
    memset(s.lxx[t], 0, sizeof s.lxx[t]);
    if (t == T) break;
    memset(s.lu[t], 0, sizeof s.lu[t]);
    memset(s.lux[t], 0, sizeof s.lux[t]);
    memset(s.luu[t], 0, sizeof s.luu[t]);
  }
  check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &stats, check_err));
  cr_assert(stats.slack);
  check_close(stats.kl, 0, 1e-12);
  for (int t = 0; t < T; t++) {
    check_all_close(tnd_kl_lqr_controller(k)[t].K, s.K[t], M * N, 1e-10);
    check_all_close(tnd_kl_lqr_controller(k)[t].k, s.k[t], M, 1e-10);
  }

  // the same with costs on the state alone, of one step: nothing to be done about it
  tnd_kl_lqr *one;
  check_ok(tnd_kl_lqr_create(1, N, M, &one, check_err));
  scene first;
  make_scene(&first, 9, true, 0.1);
  memset(first.lx[1], 0, sizeof first.lx[1]);
  memset(first.lxx[1], 0, sizeof first.lxx[1]);
  memset(first.lu[0], 0, sizeof first.lu[0]);
  memset(first.lux[0], 0, sizeof first.lux[0]);
  memset(first.luu[0], 0, sizeof first.luu[0]);
  check_ok(tnd_kl_lqr_solve(one, &first.problem, 0, &stats, check_err));
  cr_assert(stats.slack);
  check_close(stats.cost, stats.cost_old, 1e-12);
  tnd_kl_lqr_destroy(one);
  tnd_kl_lqr_destroy(k);
}

// What a solve must not touch when it fails.
static void check_refused(tnd_kl_lqr *k, const scene *s, tendril_status status, const char *text) {
  tnd_kl_lqr_stats stats;
  const tnd_linear_gaussian *law = tnd_kl_lqr_controller(k);
  double K[T][M * N], C[T][M * M];
  for (int t = 0; t < T; t++) {
    memcpy(K[t], law[t].K, sizeof K[t]);
    memcpy(C[t], law[t].C, sizeof C[t]);
  }
  cr_assert_eq(tnd_kl_lqr_solve(k, &s->problem, 0, &stats, check_err), status, "%s", text);
  cr_assert(strstr(support_error_line.text, text), "%s, not %s", support_error_line.text, text);
  cr_assert_eq(tnd_kl_lqr_controller(k), law);
  for (int t = 0; t < T; t++) {
    check_same_bits(law[t].K, K[t], M * N);
    check_same_bits(law[t].C, C[t], M * M);
  }
}

Test(kl_lqr, an_error_names_the_step_and_leaves_the_controller) {
  tnd_kl_lqr *k = make_solver();
  scene s;
  tnd_kl_lqr_stats stats;
  make_scene(&s, 10, true, 0.1);
  check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &stats, check_err));
  s.lux[5][1] = NAN;
  check_refused(k, &s, TENDRIL_E_NUMERIC, "step 5: the cost");
  make_scene(&s, 10, true, 0.1);
  s.lxx[T][1] = HUGE_VAL;
  check_refused(k, &s, TENDRIL_E_NUMERIC, "step 8: the cost");
  make_scene(&s, 10, true, 0.1);
  s.f[2][3] = NAN;
  check_refused(k, &s, TENDRIL_E_NUMERIC, "step 2: the model");
  make_scene(&s, 10, true, 0.1);
  s.C[1][0] = 0;
  check_refused(k, &s, TENDRIL_E_NUMERIC, "step 1: the old controller");
  make_scene(&s, 10, true, 0.1);
  s.mean[0] = NAN;
  check_refused(k, &s, TENDRIL_E_NUMERIC, "start");
  make_scene(&s, 10, true, 0.1);
  for (int t = 0; t < T; t++)
    s.f[t][0] = 1e200;
  check_refused(k, &s, TENDRIL_E_NUMERIC, "runs away under the old");
  // so much to win that no multiplier is large enough: Quu stays negative at the first step looked
  // at
  make_scene(&s, 10, true, 0.1);
  for (int i = 0; i < M; i++)
    s.luu[4][i * M + i] = -1e40;
  check_refused(k, &s, TENDRIL_E_NUMERIC, "step 4: Quu");
  make_scene(&s, 10, true, 0);
  check_refused(k, &s, TENDRIL_E_ARGUMENT, "bound above 0");
  make_scene(&s, 10, true, NAN);
  check_refused(k, &s, TENDRIL_E_ARGUMENT, "bound above 0");
  tnd_kl_lqr_destroy(k);
}

Test(kl_lqr, solves_without_allocating) {
  tnd_kl_lqr *k = make_solver();
  scene s;
  tnd_kl_lqr_stats stats;
  make_scene(&s, 11, false, 0.1);
  const long before = tnd_alloc_count();
  check_ok(tnd_kl_lqr_solve(k, &s.problem, 0, &stats, check_err));
  cr_assert_eq(tnd_alloc_count(), before);
  tnd_kl_lqr_destroy(k);
}

static tendril_status attempt(void *context, tendril_error *err) {
  (void)context;
  tnd_kl_lqr *k;
  tendril_status status = tnd_kl_lqr_create(T, N, M, &k, err);
  if (status == TENDRIL_OK) tnd_kl_lqr_destroy(k);
  return status;
}

Test(kl_lqr, survives_failing_allocations_and_refuses_absurd_sizes) {
  tnd_kl_lqr *k;
  cr_assert_geq(support_fail_each_alloc(attempt, NULL), 2);
  cr_assert_eq(tnd_kl_lqr_create(T, 0, M, &k, check_err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_kl_lqr_create(T, N, 65, &k, check_err), TENDRIL_E_ARGUMENT);
  tnd_kl_lqr_destroy(NULL);
}

Test(kl_lqr, the_next_bound_goes_by_how_true_the_model_was) {
  check_close(tnd_kl_lqr_next_eps(0.1, 10, 5), 0.1, 1e-15);  // half of it came true: as it was
  check_close(tnd_kl_lqr_next_eps(0.1, 10, 7.5), 0.2, 1e-15);
  check_close(tnd_kl_lqr_next_eps(0.1, 10, 0), 0.05, 1e-15);
  check_close(tnd_kl_lqr_next_eps(0.1, 10, -1000), 0.01, 1e-15);
  check_close(tnd_kl_lqr_next_eps(0.1, 10, 9), 0.5, 1e-15);
  check_close(tnd_kl_lqr_next_eps(0.1, 10, 10), 0.5, 1e-15);
  check_close(tnd_kl_lqr_next_eps(0.1, 10, 30), 0.5, 1e-15);  // better than predicted
  check_close(tnd_kl_lqr_next_eps(0.1, 10, NAN), 0.01, 1e-15);
  check_close(tnd_kl_lqr_next_eps(0.1, 0, 1), 0.01, 1e-15);
  // the cost's unit doesn't matter
  check_close(tnd_kl_lqr_next_eps(0.1, 10e-9, 7.5e-9), 0.2, 1e-12);
}

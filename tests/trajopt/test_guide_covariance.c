// The second pass: feedback and covariances satisfy (7) and (8) with a value function that goes
// back by (5) as the paper prints it, and are a stationary point of the Lagrangian of a step.
#include "support/close.h"
#include "support/fd.h"
#include "support/guide.h"
#include "support/learning.h"

#include "math/cholesky.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { N = SUPPORT_GUIDE_N, M = SUPPORT_GUIDE_M, W = N + M };

// -------------------------------------------------------------------------------- small matrices

// C [a][c] = A [a][b] B [b][c]
static void product(int a, int b, int c, const double *A, const double *B, double *C) {
  for (int i = 0; i < a; i++)
    for (int j = 0; j < c; j++) {
      C[i * c + j] = 0;
      for (int k = 0; k < b; k++)
        C[i * c + j] += A[i * b + k] * B[k * c + j];
    }
}

static void transpose(int a, int b, const double *A, double *B) {
  for (int i = 0; i < a; i++)
    for (int j = 0; j < b; j++)
      B[j * a + i] = A[i * b + j];
}

// C [b][c] = A' B, A [a][b], B [a][c]
static void product_of_transpose(int a, int b, int c, const double *A, const double *B, double *C) {
  double At[W * W];
  transpose(a, b, A, At);
  product(b, a, c, At, B, C);
}

static double trace_of_product(int a, int b, const double *A, const double *B) {
  double sum = 0;
  for (int i = 0; i < a; i++)
    for (int j = 0; j < b; j++)
      sum += A[i * b + j] * B[j * a + i];
  return sum;
}

static double largest(int n, const double *x) {
  double most = 0;
  for (int i = 0; i < n; i++)
    most = fmax(most, fabs(x[i]));
  return most;
}

// ------------------------------------------------------------------------------- a step's problem

// w/2 (u - mu - P x)'W (u - mu - P x), in deviations from the trajectory
typedef struct square {
  double w, mu[M], P[M * N], W[M * M];
} square;

// Cost alone, in units of cost: Q_z and Q_zz of z = (x, u), V' put in; what draws the trajectory to
// the policy, and what holds it to the one before.
typedef struct problem {
  const support_guide *s;
  int t, n, m;
  double Qx[N], Qu[M], Qxx[N * N], Qux[M * N], Quu[M * M];
  square policy, anchor;
  double S[N * N];
} problem;

// How far the actions of the distribution before are from those of now about x^.
static void pose_anchor(const support_older *before, problem *p) {
  const tnd_guide *g = p->s->guide;
  const tendril_trajectory *q = tnd_guide_trajectory(g);
  const int n = p->n, m = p->m, t = p->t;
  double dx[N];
  square *a = &p->anchor;
  tnd_state_difference(p->s->model, before->x + t * q->nx, q->x + t * q->nx, dx);
  a->w = tnd_guide_anchor(g) / g->scale;
  memcpy(a->P, before->K + t * m * n, sizeof *a->P * (size_t)(m * n));
  memcpy(a->W, before->W + t * m * m, sizeof *a->W * (size_t)(m * m));
  product(m, n, 1, a->P, dx, a->mu);
  for (int i = 0; i < m; i++)
    a->mu[i] += before->u[t * m + i] - q->u[t * m + i];
}

static void pose_policy(problem *p) {
  const tnd_guide *g = p->s->guide;
  const int n = p->n, m = p->m, t = p->t;
  const bool constrained = g->options.pull == TND_PULL_CONSTRAINED;
  square *a = &p->policy;
  memcpy(a->mu, g->mu + t * m, sizeof *a->mu * (size_t)m);
  memcpy(a->P, g->P + t * m * n, sizeof *a->P * (size_t)(m * n));
  a->w = (constrained ? g->lambda[t] : 1) / g->scale;
  for (int i = 0; i < m; i++)
    for (int j = 0; j < m; j++)
      a->W[i * m + j] = constrained ? tnd_guide_precision(g)[(t * m + i) * m + j]
                        : i == j    ? 1 / p->s->sigma2[i]
                                    : 0;
  for (int i = 0; i < g->N; i++)
    for (int j = 0; j < n; j++)
      for (int k = 0; k < n; k++)
        p->S[j * n + k] += g->d[(t * g->N + i) * n + j] * g->d[(t * g->N + i) * n + k] / g->N;
}

static void pose(const support_guide *s, const support_older *before, int t, const double *Vx,
                 const double *Vxx, problem *p) {
  const tnd_guide *g = s->guide;
  const int n = g->n, m = g->m, w = n + m;
  const double *F = tnd_ilqg_derivatives(g->ilqg, t);
  const tnd_cost_expansion l = tnd_ilqg_cost(g->ilqg, t);
  double VF[N * W] = {0}, FVF[W * W] = {0}, FV[W] = {0};
  *p = (problem){.s = s, .t = t, .n = n, .m = m};
  product(n, n, w, Vxx, F, VF);
  product_of_transpose(n, w, w, F, VF, FVF);
  product_of_transpose(n, w, 1, F, Vx, FV);
  for (int i = 0; i < n; i++) {
    p->Qx[i] = l.lx[i] + FV[i];
    for (int j = 0; j < n; j++)
      p->Qxx[i * n + j] = l.lxx[i * n + j] + FVF[i * w + j];
  }
  for (int a = 0; a < m; a++) {
    p->Qu[a] = l.lu[a] + FV[n + a];
    for (int j = 0; j < n; j++)
      p->Qux[a * n + j] = l.lux[a * n + j] + FVF[(n + a) * w + j];
    for (int b = 0; b < m; b++)
      p->Quu[a * m + b] = l.luu[a * m + b] + FVF[(n + a) * w + n + b];
  }
  if (before) pose_anchor(before, p);
  if (tnd_guide_is_drawn(g, t)) pose_policy(p);
}

static const double *feedback(const problem *p) {
  return tnd_guide_trajectory(p->s->guide)->K + p->t * p->m * p->n;
}

static const double *covariance(const problem *p) {
  return tnd_guide_covariance(p->s->guide) + p->t * p->m * p->m;
}

// k, K by (3) and (4)
static void solve(const problem *p, double *k, double *K) {
  const square *const squares[] = {&p->policy, &p->anchor};
  const int n = p->n, m = p->m;
  double H[M * M], WP[M * N] = {0}, Wmu[M] = {0};
  memcpy(H, p->Quu, sizeof H);
  for (int i = 0; i < m * n; i++)
    K[i] = -p->Qux[i];
  for (int i = 0; i < m; i++)
    k[i] = -p->Qu[i];
  for (int s = 0; s < 2; s++) {
    const square *a = squares[s];
    product(m, m, n, a->W, a->P, WP);
    product(m, m, 1, a->W, a->mu, Wmu);
    for (int i = 0; i < m * m; i++)
      H[i] += a->w * a->W[i];
    for (int i = 0; i < m * n; i++)
      K[i] += a->w * WP[i];
    for (int i = 0; i < m; i++)
      k[i] += a->w * Wmu[i];
  }
  cr_assert(tnd_cholesky(m, m, H));
  tnd_cholesky_solve(m, m, H, n, K);
  tnd_cholesky_solve(m, m, H, 1, k);
}

// V of this step by (5)
static void go_back(const problem *p, const double *k, const double *K, double *Vx, double *Vxx) {
  const square *const squares[] = {&p->policy, &p->anchor};
  const int n = p->n, m = p->m;
  double Quuk[M], QuuK[M * N], KP[M * N], kmu[M], WKP[M * N], Wkmu[M], a[N * N], b[N * N], c[N * N];
  product(m, m, 1, p->Quu, k, Quuk);
  product(m, m, n, p->Quu, K, QuuK);
  for (int i = 0; i < m; i++)
    Quuk[i] += p->Qu[i];
  // Lx = Qx + Qux'k + K'(Quu k + Qu) + w (K - P)'W (k - mu)
  product_of_transpose(m, n, 1, p->Qux, k, a);
  product_of_transpose(m, n, 1, K, Quuk, b);
  for (int i = 0; i < n; i++)
    Vx[i] = p->Qx[i] + a[i] + b[i];
  // Lxx = Qxx + Qux'K + K'Qux + K'Quu K + w (K - P)'W (K - P)
  product_of_transpose(m, n, n, p->Qux, K, a);
  product_of_transpose(m, n, n, K, QuuK, b);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      Vxx[i * n + j] = p->Qxx[i * n + j] + a[i * n + j] + a[j * n + i] + b[i * n + j];
  for (int s = 0; s < 2; s++) {
    const square *e = squares[s];
    for (int i = 0; i < m * n; i++)
      KP[i] = K[i] - e->P[i];
    for (int i = 0; i < m; i++)
      kmu[i] = k[i] - e->mu[i];
    product(m, m, n, e->W, KP, WKP);
    product(m, m, 1, e->W, kmu, Wkmu);
    product_of_transpose(m, n, 1, KP, Wkmu, c);
    for (int i = 0; i < n; i++)
      Vx[i] += e->w * c[i];
    product_of_transpose(m, n, n, KP, WKP, c);
    for (int i = 0; i < n * n; i++)
      Vxx[i] += e->w * c[i];
  }
}

// --------------------------------------------------------------------------- what a step minimises

enum { PARTS = 4 };  // cost, entropy, what draws it to the policy, what holds it to the one before

// ee [m][m] = mu mu' + (K - P) S (K - P)'
static void mean_square(const problem *p, const square *e, const double *K, double *ee) {
  const int n = p->n, m = p->m;
  double D[M * N], Dt[N * M], DS[M * N];
  for (int i = 0; i < m * n; i++)
    D[i] = K[i] - e->P[i];
  product(m, n, n, D, p->S, DS);
  transpose(m, n, D, Dt);
  product(m, n, m, DS, Dt, ee);
  for (int i = 0; i < m; i++)
    for (int j = 0; j < m; j++)
      ee[i * m + j] += e->mu[i] * e->mu[j];
}

// parts of (A, K), V' held, in nats; the policy linear about the trajectory.
static void lagrangian(void *context, const double *z, double *parts) {
  const problem *p = context;
  const tnd_guide *g = p->s->guide;
  const int n = p->n, m = p->m;
  const double *A = z, *K = z + m * m;
  double C[M * M], Kt[N * M], KS[M * N], uu[M * M], ee[M * M], QuxKS = 0;
  memcpy(C, A, sizeof *A * (size_t)(m * m));
  cr_assert(tnd_cholesky(m, m, C));
  const double logdet = tnd_cholesky_logdet(m, m, C);

  // 1/2 tr(Q_zz Sigma_t), Sigma_t = [S, S K'; K S, K S K' + A]
  product(m, n, n, K, p->S, KS);
  transpose(m, n, K, Kt);
  product(m, n, m, KS, Kt, uu);
  for (int i = 0; i < m * m; i++)
    uu[i] += A[i];
  for (int i = 0; i < m * n; i++)
    QuxKS += p->Qux[i] * KS[i];
  parts[0] =
      g->scale / 2 *
      (trace_of_product(n, n, p->S, p->Qxx) + 2 * QuxKS + trace_of_product(m, m, p->Quu, uu));
  parts[1] = -logdet / 2;

  // a KL(q || q0)
  mean_square(p, &p->anchor, K, ee);
  for (int i = 0; i < m * m; i++)
    ee[i] += A[i];
  parts[3] = tnd_guide_anchor(g) / 2 * (trace_of_product(m, m, p->anchor.W, ee) - logdet);

  parts[2] = 0;
  mean_square(p, &p->policy, K, ee);
  if (g->options.pull == TND_PULL_CONSTRAINED) {  // lambda KL(policy || q)
    for (int i = 0; i < m; i++)
      ee[i * m + i] += p->s->sigma2[i];
    tnd_cholesky_solve(m, m, C, m, ee);
    parts[2] = logdet;
    for (int i = 0; i < m; i++)
      parts[2] += ee[i * m + i];
    parts[2] *= g->lambda[p->t] / 2;
  } else {  // -E_q log policy
    for (int i = 0; i < m; i++)
      parts[2] += (ee[i * m + i] + A[i * m + i]) / p->s->sigma2[i] / 2;
  }
}

// The derivative along dz, by steps of h, is small against those of the parts.
static void check_stationary(problem *p, const double *dz, double h, double tolerance) {
  const int size = p->m * p->m, all = size + p->m * p->n;
  double z[M * M + M * N], slopes[PARTS];
  memcpy(z, covariance(p), sizeof *z * (size_t)size);
  memcpy(z + size, feedback(p), sizeof *z * (size_t)(all - size));
  support_fd_direction(lagrangian, p, z, dz, (size_t)all, PARTS, h * largest(all, dz), slopes);
  double sum = 0, terms = 0;
  for (int i = 0; i < PARTS; i++) {
    sum += slopes[i];
    terms += fabs(slopes[i]);
  }
  cr_assert(fabs(sum) <= tolerance * terms, "step %d: %g of %g, %g, %g, %g", p->t, sum, slopes[0],
            slopes[1], slopes[2], slopes[3]);
}

static void check_stationary_point(problem *p, double tolerance, tendril_random *random) {
  const int m = p->m, n = p->n;
  double dz[M * M + M * N] = {0}, C[M * M] = {0}, Z[M * M], CZ[M * M], Ct[M * M];
  for (int i = 0; i < m; i++)
    memcpy(C + i * m, covariance(p) + i * m, sizeof *C * (size_t)(i + 1));
  cr_assert(tnd_cholesky(m, m, C));
  transpose(m, m, C, Ct);
  for (int k = 0; k < 3; k++) {  // along C Z C', A = C C'
    tendril_random_normals(random, m * m, Z);
    Z[m - 1] = Z[m * (m - 1)];
    product(m, m, m, C, Z, CZ);
    product(m, m, m, CZ, Ct, dz);
    check_stationary(p, dz, 1e-4, fmax(tolerance, 1e-6));  // h^2
  }
  memset(dz, 0, sizeof dz);
  const double unit = largest(m * n, feedback(p));
  for (int k = 0; k < 3; k++) {  // in K all is quadratic, and K was solved for last
    tendril_random_normals(random, m * n, dz + m * m);
    for (int i = 0; i < m * n; i++)
      dz[m * m + i] *= unit;
    check_stationary(p, dz, 1e-2, 1e-7);
  }
}

// ---------------------------------------------------------------------------------- equation (8)

// Sigma + mean over the samples of (u_i - mu_i)(u_i - mu_i)'
static void mismatch(const problem *p, tnd_state_policy *policy, double *MM) {
  const tnd_guide *g = p->s->guide;
  const tendril_trajectory *q = tnd_guide_trajectory(g);
  const int n = p->n, m = p->m;
  const double *K = feedback(p), *u = q->u + p->t * m;
  memset(MM, 0, sizeof *MM * (size_t)(m * m));
  for (int i = 0; i < g->N; i++) {
    const double *d = g->d + (p->t * g->N + i) * n;
    double x[N], mu[M], e[M], Kd[M], Pd[M];
    memcpy(x, q->x + p->t * q->nx, sizeof *x * (size_t)q->nx);
    support_guide_move(p->s, x, d);
    product(m, n, 1, K, d, Kd);
    product(m, n, 1, p->policy.P, d, Pd);
    tnd_state_policy_mean(policy, p->t, 1, x, mu);
    for (int a = 0; a < m; a++)
      e[a] = Kd[a] - (g->options.averaged ? mu[a] - u[a] : p->policy.mu[a] + Pd[a]);
    for (int a = 0; a < m; a++)
      for (int b = 0; b < m; b++)
        MM[a * m + b] += e[a] * e[b] / g->N;
  }
  for (int a = 0; a < m; a++)
    MM[a * m + a] += p->s->sigma2[a];
}

// Largest entry of A H A + c A - lambda M over the largest of its terms.
static double residual(int m, const double *A, const double *H, double c, double lambda,
                       const double *MM) {
  double AH[M * M], AHA[M * M], sum[M * M];
  product(m, m, m, A, H, AH);
  product(m, m, m, AH, A, AHA);
  for (int i = 0; i < m * m; i++)
    sum[i] = AHA[i] + c * A[i] - lambda * MM[i];
  return largest(m * m, sum) /
         (largest(m * m, AHA) + fabs(c) * largest(m * m, A) + lambda * largest(m * m, MM));
}

static void check_covariance(const problem *p, tnd_state_policy *policy, double tolerance) {
  const tnd_guide *g = p->s->guide;
  const int m = p->m;
  double H[M * M], MM[M * M];
  const bool drawn = p->policy.w > 0, constrained = g->options.pull == TND_PULL_CONSTRAINED;
  const double anchor = g->scale * p->anchor.w;
  for (int i = 0; i < m * m; i++) {
    H[i] = g->scale * p->Quu[i] + anchor * p->anchor.W[i];
    if (drawn && !constrained) H[i] += p->policy.W[i];
  }
  if (drawn && constrained) {
    mismatch(p, policy, MM);
    const double lambda = g->lambda[p->t];
    const double r = residual(m, covariance(p), H, lambda - 1 - anchor, lambda, MM);
    cr_assert(r < tolerance, "step %d: %g", p->t, r);
  } else {
    const double r = residual(m, covariance(p), H, -1 - anchor, 0, H);
    cr_assert(r < 1e-8, "step %d: %g", p->t, r);
  }
}

// ----------------------------------------------------------------------------------------- tests

// Goes back over all steps. before: the distribution before the improvement; NULL: there was none.
// tolerance: of A, where the policy draws.
static void check_pass(const support_guide *s, const support_older *before, double tolerance) {
  const tnd_guide *g = s->guide;
  const int n = g->n, m = g->m;
  double Vx[N], Vxx[N * N], k[M], K[M * N];
  tendril_random random = tendril_random_stream(31, TENDRIL_PURPOSE_TEST, 0, 0);
  tnd_state_policy *policy;
  check_ok(tnd_state_policy_create(s->model, s->policy, 1, &policy, check_err));
  const tnd_cost_expansion last = tnd_ilqg_cost(g->ilqg, s->T);
  memcpy(Vx, last.lx, sizeof *Vx * (size_t)n);
  memcpy(Vxx, last.lxx, sizeof *Vxx * (size_t)(n * n));
  for (int t = s->T - 1; t >= 0; t--) {
    problem p;
    pose(s, before, t, Vx, Vxx, &p);
    cr_assert_eq(p.policy.w > 0, before && t < tnd_guide_taught(g));
    solve(&p, k, K);
    const double size = largest(m * n, K);
    for (int i = 0; i < m * n; i++)
      check_close(feedback(&p)[i] / size, K[i] / size, 1e-8);  // orders of summation
    check_covariance(&p, policy, tolerance);
    if (p.policy.w > 0 && !g->options.averaged) check_stationary_point(&p, tolerance, &random);
    go_back(&p, k, K, Vx, Vxx);
  }
  const double x = largest(n, Vx), xx = largest(n * n, Vxx);
  for (int i = 0; i < n; i++)
    check_close(g->Vx[i] / x, Vx[i] / x, 1e-8);
  for (int i = 0; i < n * n; i++)
    check_close(g->Vxx[i] / xx, Vxx[i] / xx, 1e-8);
  tnd_state_policy_destroy(policy);
}

static void check_improved(const char *task, tnd_guide_pull pull, bool averaged, double lambda,
                           double anchor) {
  tnd_guide_options o = support_guide_options();
  support_older before;
  o.pull = pull;
  o.averaged = averaged;
  o.lambda = lambda;
  support_guide s = support_guide_open(task, 25, 200, &o, 1);
  check_pass(&s, NULL, 0);
  for (int i = 0; i < 2; i++) {
    support_guide_sample(&s, (uint32_t)i);
    support_guide_note(&s, &before);
    tnd_guide_set_anchor(s.guide, i * anchor);
    cr_assert_eq(support_guide_improve(&s).refused, 0);
    check_pass(&s, &before, 0.1);  // (7) and (8) in turn, five times at most
  }
  // passes go on from the A of the one before: each is nearer by half at least
  for (int i = 0; i < 12; i++) {
    int refused;
    check_ok(tnd_guide_second_pass(s.guide, &refused, check_err));
  }
  check_pass(&s, &before, 1e-5);
  support_guide_close(&s);
}

Test(guide_covariance, feedback_and_covariances_satisfy_7_and_8) {
  static const char *const tasks[] = {"swimmer-gps", "cart"};
  for (int k = 0; k < 2; k++)
    for (int averaged = 0; averaged < 2; averaged++) {
      check_improved(tasks[k], TND_PULL_CONSTRAINED, averaged, 30, 0);
      check_improved(tasks[k], TND_PULL_CONSTRAINED, averaged, 0.5, 0);
      check_improved(tasks[k], TND_PULL_VARIATIONAL, averaged, 0, 0);
    }
}

Test(guide_covariance, so_they_do_under_an_anchor) {
  for (int averaged = 0; averaged < 2; averaged++) {
    check_improved("swimmer-gps", TND_PULL_CONSTRAINED, averaged, 30, 4);
    check_improved("cart", TND_PULL_CONSTRAINED, averaged, 0.5, 4);
    check_improved("swimmer-gps", TND_PULL_VARIATIONAL, averaged, 0, 4);
  }
}

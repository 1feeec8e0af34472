// The second pass of algorithm 2: feedback (7) and covariances (8) about the new nominal
// trajectory, each with the other held, backwards in time with the value function's Hessian, which
// is twice the gradient in S_t (6): the quadratic of the first pass is the same.
#include "math/cholesky.h"
#include "trajopt/gps_covariance.h"
#include "trajopt/guide_parts.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum { ROUNDS = 5 };                 // (7) and (8) in turn
static const double settled = 1e-3;  // no entry of A moved by more of the largest

void tnd_guide_mean(const tnd_guide *g, int t, const double *dx, double *out) {
  const int m = g->m, n = g->n;
  const double *K = g->q->K + (ptrdiff_t)t * m * n;
  for (int a = 0; a < m; a++) {
    out[a] = g->q->u[t * m + a];
    for (int j = 0; j < n; j++)
      out[a] += K[a * n + j] * dx[j];
  }
}

// M = Sigma + mean over the samples of (u_i - mu_i)(u_i - mu_i)', u_i = u^ + K d_i.
static void mismatch(tnd_guide *g, int t) {
  const int m = g->m, n = g->n, N = g->N;
  const double *mu = g->means + (ptrdiff_t)t * N * m, *u = g->q->u + (ptrdiff_t)t * m;
  const double *K = g->q->K + (ptrdiff_t)t * m * n, *d = g->d + (ptrdiff_t)t * N * n;
  for (int i = 0; i < N; i++)
    for (int a = 0; a < m; a++)
      g->E[i * m + a] = u[a] - mu[i * m + a];
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, m, n, 1, d, n, K, n, 1, g->E, m);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, m, N, 1.0 / N, g->E, m, 0, g->M, m);
  for (int a = 0; a < m; a++) {
    g->M[a * m + a] += g->sigma2[a];
    for (int b = 0; b < a; b++)
      g->M[b * m + a] = g->M[a * m + b];
  }
}

static tnd_cost_expansion of_q(const tnd_lqr_q *Q) {
  return (tnd_cost_expansion){Q->Qx, Q->Qu, Q->Qxx, Q->Qux, Q->Quu};
}

// Q of step t, all but what the policy adds: the rest does not depend on A.
static void expand(tnd_guide *g, int t) {
  const tnd_cost_expansion l = tnd_ilqg_cost(g->ilqg, t);
  const tnd_lqr_stage stage = {.F = tnd_ilqg_derivatives(g->ilqg, t),
                               .lx = l.lx,
                               .lu = l.lu,
                               .lxx = l.lxx,
                               .lux = l.lux,
                               .luu = l.luu};
  const tnd_lqr_value v = {g->Vx, g->Vxx};
  tnd_lqr_expand(g->n, g->m, &stage, &v, g->lqr_work, &g->Q);
  const tnd_cost_expansion Q = of_q(&g->Q);
  tnd_guide_add_anchor(g, t, &Q);
}

// (7) at step t into the trajectory's feedback, K = -(Quu + w W)^-1 (Qux - w W P), as finish() has
// it, without the value function.
static bool feedback(tnd_guide *g, int t) {
  const int m = g->m, n = g->n;
  const double *W = tnd_guide_pull_at(g, t), *P = g->P + (ptrdiff_t)t * m * n;
  const double w = tnd_guide_weight(g, t);
  double *H = g->H, *K = tnd_ilqg_feedback(g->ilqg) + (ptrdiff_t)t * m * n;
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < n; j++)
      K[i * n + j] = -g->Q.Qux[i * n + j];
    for (int k = 0; k < m; k++) {
      const double wW = w * W[i * m + k];
      H[i * m + k] = g->Q.Quu[i * m + k] + wW;
      for (int j = 0; j < n; j++)
        K[i * n + j] += wW * P[k * n + j];
    }
  }
  if (!tnd_cholesky(m, m, H)) return false;
  tnd_cholesky_solve(m, m, H, n, K);
  return true;
}

// Nats that an entropy counts in (8): those of a KL(q || q0), of which Quu has its part, besides.
static double entropy(const tnd_guide *g) {
  return 1 + (tnd_guide_is_anchored(g) ? g->anchor : 0);
}

// (8) at step t, divided by its entropy's nats. True if A has settled; *refused: there is no
// solution, and A is as it was.
static bool covariance(tnd_guide *g, int t, double lambda, bool *refused) {
  const int m = g->m;
  double *A = g->A + (ptrdiff_t)t * m * m, moved = 0, largest = 0;
  *refused = !tnd_gps_covariance(m, lambda, g->Quu, g->M, g->covariance_work, g->A1, g->C1);
  if (*refused) return true;
  for (int i = 0; i < m * m; i++) {
    moved = fmax(moved, fabs(g->A1[i] - A[i]));
    largest = fmax(largest, fabs(g->A1[i]));
  }
  memcpy(A, g->A1, sizeof *A * (size_t)(m * m));
  if (!tnd_guide_factor(g, t)) {
    *refused = true;
    return true;
  }
  return moved <= settled * largest;
}

// (7) and (8) of step t until they agree. False if (7) has no solution.
static bool settle(tnd_guide *g, int t, bool *refused) {
  const double unit = g->scale / entropy(g), lambda = g->lambda[t] / entropy(g);
  for (int i = 0; i < g->m * g->m; i++)
    g->Quu[i] = unit * g->Q.Quu[i];
  for (int round = 0; round < ROUNDS; round++) {
    if (!feedback(g, t)) return false;
    mismatch(g, t);
    if (covariance(g, t, lambda, refused)) return true;
  }
  return true;
}

// A = Quu^-1, the policy's part included, whatever M.
static void invert(tnd_guide *g, int t, bool *refused) {
  const int m = g->m;
  const double *W = tnd_guide_pull_at(g, t), w = tnd_guide_weight(g, t);
  const double unit = g->scale / entropy(g);
  memset(g->M, 0, sizeof *g->M * (size_t)(m * m));
  for (int i = 0; i < m; i++)
    g->M[i * m + i] = 1;
  for (int i = 0; i < m * m; i++)
    g->Quu[i] = unit * (g->Q.Quu[i] + w * W[i]);
  covariance(g, t, 0, refused);
}

// Feedback and value function of step t.
static bool finish(tnd_guide *g, int t) {
  const tnd_cost_expansion l = of_q(&g->Q);
  tnd_guide_add_policy(g, t, tnd_guide_pull_at(g, t), &l, g->workers[0].WP);
  const tnd_lqr_stage stage = {.lx = l.lx, .lu = l.lu, .lxx = l.lxx, .lux = l.lux, .luu = l.luu};
  double *K = tnd_ilqg_feedback(g->ilqg) + (ptrdiff_t)t * g->m * g->n;
  tnd_lqr_value v = {g->Vx, g->Vxx};
  tnd_lqr_law law = {.k = g->k, .K = K, .Quu = g->Quu};
  return tnd_lqr_step(g->n, g->m, &stage, g->lqr_work, &v, &law);
}

static tendril_status fail(const tnd_guide *g, int t, tendril_error *err) {
  return tnd_fail(
      err, TENDRIL_E_NUMERIC,
      "%s: step %d of the trajectory has no feedback: its Quu is not positive definite; "
      "use a larger hold_qpos or hold_qvel",
      g->model->task->name, t);
}

typedef struct second_pass {
  tnd_guide *g;
  int refused;  // steps without a solution of (8)
  int failed;   // the step without feedback; -1: none
} second_pass;

static bool pass_step(void *context, int t) {
  second_pass *pass = context;
  tnd_guide *g = pass->g;
  if (t == g->T) {
    const size_t n = (size_t)g->n;
    const tnd_cost_expansion last = tnd_ilqg_cost(g->ilqg, t);
    memcpy(g->Vx, last.lx, sizeof *g->Vx * n);
    memcpy(g->Vxx, last.lxx, sizeof *g->Vxx * n * n);
    return true;
  }
  bool none = false, good = true;
  expand(g, t);
  if (tnd_guide_is_drawn(g, t) && g->options.pull == TND_PULL_CONSTRAINED)
    good = settle(g, t, &none);
  else
    invert(g, t, &none);
  if (!good || !finish(g, t)) {
    pass->failed = t;
    return false;
  }
  pass->refused += none;
  return true;
}

tendril_status tnd_guide_second_pass(tnd_guide *g, int *refused, tendril_error *err) {
  second_pass pass = {.g = g, .failed = -1};
  TENDRIL_TRY(tnd_ilqg_expand(g->ilqg, pass_step, &pass, err));
  if (pass.failed >= 0) return fail(g, pass.failed, err);
  *refused = pass.refused;
  return TENDRIL_OK;
}

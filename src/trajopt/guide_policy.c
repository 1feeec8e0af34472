// What the policy adds to a trajectory's objective (Levine and Koltun 2014, sec. 3.1): at each step
//   w/2 (u - mu)'W (u - mu),   mu = mean over the samples of mu_pi(x^ + d_i)
// with w = lambda_t, W = A^-1 (constrained) or w = 1, W = Sigma^-1 (variational), its expansion
// with P the mean of dmu_pi/dx. In units of cost w is divided by the scale.
#include "trajopt/guide_parts.h"

#include <string.h>

bool tnd_guide_is_drawn(const tnd_guide *g, int t) {
  return g->drawn && t < g->taught;
}

double tnd_guide_weight(const tnd_guide *g, int t) {
  if (!tnd_guide_is_drawn(g, t)) return 0;
  return (g->options.pull == TND_PULL_CONSTRAINED ? g->lambda[t] : 1) / g->scale;
}

const double *tnd_guide_pull_at(const tnd_guide *g, int t) {
  return g->options.pull == TND_PULL_CONSTRAINED ? g->W + (ptrdiff_t)t * g->m * g->m : g->pull;
}

double tnd_guide_square(int m, const double *W, const double *e) {
  double sum = 0;
  for (int i = 0; i < m; i++)
    for (int j = 0; j < m; j++)
      sum += e[i] * W[i * m + j] * e[j];
  return sum;
}

// States that the policy is averaged over, x^ moved to x: w->x [count][nx]; returns count.
static int spread(const tnd_guide *g, tnd_guide_worker *w, int t, const double *x) {
  const int nv = g->positions, nq = g->nx - nv;
  const int count = g->options.averaged ? g->N : 1;
  for (int i = 0; i < count; i++) {
    const double *d = g->d + ((ptrdiff_t)t * g->N + i) * g->n;
    double *xi = w->x + (ptrdiff_t)i * g->nx;
    memcpy(xi, x, sizeof *x * (size_t)g->nx);
    if (!g->options.averaged) continue;
    mj_integratePos(g->model->mujoco, xi, d, 1);
    for (int j = 0; j < nv; j++)
      xi[nq + j] += d[nv + j];
  }
  return count;
}

static double value(void *context, int worker, int t, const double *x, const double *u) {
  const tnd_guide *g = context;
  tnd_guide_worker *w = &g->workers[worker];
  const double anchored = tnd_guide_anchor_value(g, w, t, x, u);
  if (!tnd_guide_is_drawn(g, t)) return anchored;
  const int count = spread(g, w, t, x), m = g->m;
  tnd_state_policy_mean(w->policy, t, count, w->x, w->mu);
  for (int j = 0; j < m; j++) {
    double sum = 0;
    for (int i = 0; i < count; i++)
      sum += w->mu[i * m + j];
    w->e[j] = u[j] - sum / count;
  }
  return anchored + tnd_guide_weight(g, t) / 2 * tnd_guide_square(m, tnd_guide_pull_at(g, t), w->e);
}

// means [N][m] where the policy is taken to be linear about x^: mu + P d_i.
static void fill_means(const tnd_guide *g, int t, const double *mu, const double *P,
                       double *means) {
  const int m = g->m, n = g->n;
  for (int i = 0; i < g->N; i++) {
    const double *d = g->d + ((ptrdiff_t)t * g->N + i) * n;
    for (int a = 0; a < m; a++) {
      double sum = mu[a];
      for (int j = 0; j < n; j++)
        sum += P[a * n + j] * d[j];
      means[i * m + a] = sum;
    }
  }
}

static double expand(void *context, int worker, int t, const double *x, const double *u) {
  tnd_guide *g = context;
  tnd_guide_worker *w = &g->workers[worker];
  const int m = g->m, n = g->n;
  const double anchored = tnd_guide_anchor_value(g, w, t, x, u);
  if (!tnd_guide_is_drawn(g, t)) return anchored;
  const int count = spread(g, w, t, x);
  double *means = g->means + (ptrdiff_t)t * g->N * m;
  double *mu = g->mu + (ptrdiff_t)t * m, *P = g->P + (ptrdiff_t)t * m * n;
  tnd_state_policy_linearize(w->policy, t, count, w->x, means, w->P);
  memset(mu, 0, sizeof *mu * (size_t)m);
  memset(P, 0, sizeof *P * (size_t)(m * n));
  for (int i = 0; i < count; i++) {
    for (int j = 0; j < m; j++)
      mu[j] += means[i * m + j];
    for (int j = 0; j < m * n; j++)
      P[j] += w->P[(ptrdiff_t)i * m * n + j];
  }
  for (int j = 0; j < m; j++)
    mu[j] /= count;
  for (int j = 0; j < m * n; j++)
    P[j] /= count;
  if (!g->options.averaged) fill_means(g, t, mu, P, means);
  for (int j = 0; j < m; j++) {
    mu[j] -= u[j];
    w->e[j] = -mu[j];
  }
  return anchored + tnd_guide_weight(g, t) / 2 * tnd_guide_square(m, tnd_guide_pull_at(g, t), w->e);
}

// With deviations x, u from the nominal: w/2 (u - mu - P x)'W (u - mu - P x).
void tnd_guide_add_square(int m, int n, double w, const double *W, const double *mu,
                          const double *P, const tnd_cost_expansion *l, double *WP) {
  memset(WP, 0, sizeof *WP * (size_t)(m * n));
  for (int i = 0; i < m; i++) {
    double Wmu = 0;
    for (int k = 0; k < m; k++) {
      Wmu += W[i * m + k] * mu[k];
      for (int j = 0; j < n; j++)
        WP[i * n + j] += W[i * m + k] * P[k * n + j];
      l->luu[i * m + k] += w * W[i * m + k];
    }
    l->lu[i] -= w * Wmu;
    for (int j = 0; j < n; j++) {
      l->lux[i * n + j] -= w * WP[i * n + j];
      l->lx[j] += w * P[i * n + j] * Wmu;
    }
  }
  for (int i = 0; i < m; i++)
    for (int a = 0; a < n; a++)
      for (int b = 0; b < n; b++)
        l->lxx[a * n + b] += w * P[i * n + a] * WP[i * n + b];
}

void tnd_guide_add_policy(const tnd_guide *g, int t, const double *W, const tnd_cost_expansion *l,
                          double *WP) {
  const int m = g->m, n = g->n;
  const double w = tnd_guide_weight(g, t);
  if (w > 0)
    tnd_guide_add_square(m, n, w, W, g->mu + (ptrdiff_t)t * m, g->P + (ptrdiff_t)t * m * n, l, WP);
}

static void add(void *context, int t, const tnd_cost_expansion *l) {
  tnd_guide *g = context;
  tnd_guide_add_policy(g, t, tnd_guide_pull_at(g, t), l, g->workers[0].WP);
  tnd_guide_add_anchor(g, t, l);
}

tnd_ilqg_term tnd_guide_term(tnd_guide *g) {
  return (tnd_ilqg_term){.context = g, .value = value, .expand = expand, .add = add};
}

void tnd_guide_set_term(tnd_guide *g) {
  const tnd_ilqg_term term = tnd_guide_term(g);
  tnd_ilqg_set_term(g->ilqg, g->drawn ? &term : NULL);
}

// What is added to a trajectory's objective, the policy's term and the anchor: its value is that of
// the formula, its expansion has the gradient of that value and the Hessian of squares of the
// means.
#include "support/close.h"
#include "support/fd.h"
#include "support/guide.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = SUPPORT_GUIDE_N, M = SUPPORT_GUIDE_M, W = N + M, T = 20, R = 2 * M };

// A time step, and a state and action near the trajectory's, to be moved by dz = (dx, u).
typedef struct place {
  support_guide *s;
  tnd_ilqg_term term;
  tnd_state_policy *policy;
  support_older before;  // the improvement
  int t;
  double x[N], u[M];
} place;

static void moved(const place *p, const double *dz, double *x, double *u) {
  const int n = p->s->guide->n, m = p->s->guide->m;
  memcpy(x, p->x, sizeof p->x);
  support_guide_move(p->s, x, dz);
  for (int j = 0; j < m; j++)
    u[j] = p->u[j] + dz[n + j];
}

static void value_at(void *context, const double *dz, double *value) {
  const place *p = context;
  double x[N], u[M];
  moved(p, dz, x, u);
  *value = p->term.value(p->term.context, 0, p->t, x, u);
}

// e [2 m]: u less the mean of the policy's means over the samples about x, or at x; u less what the
// distribution before has there.
static void differences_at(void *context, const double *dz, double *e) {
  const place *p = context;
  const tnd_guide *g = p->s->guide;
  const int count = g->options.averaged ? g->N : 1, n = g->n, m = g->m, t = p->t;
  double x[N], u[M], xi[N], mu[M], dx[N];
  const double zero[N] = {0};
  moved(p, dz, x, u);
  tnd_state_difference(p->s->model, p->before.x + t * g->nx, x, dx);
  for (int j = 0; j < m; j++) {
    e[j] = u[j];
    e[m + j] = u[j] - p->before.u[t * m + j];
    for (int i = 0; i < n; i++)
      e[m + j] -= p->before.K[(t * m + j) * n + i] * dx[i];
  }
  for (int i = 0; i < count && t < g->taught; i++) {
    memcpy(xi, x, sizeof xi);
    support_guide_move(p->s, xi, g->options.averaged ? g->d + (t * g->N + i) * n : zero);
    tnd_state_policy_mean(p->policy, t, 1, xi, mu);
    for (int j = 0; j < m; j++)
      e[j] -= mu[j] / count;
  }
}

// Their weights [2 m][2 m], by the paper's formulas.
static void weigh(const place *p, double *H) {
  const tnd_guide *g = p->s->guide;
  const int m = g->m, r = 2 * m, t = p->t;
  const bool taught = t < g->taught, constrained = g->options.pull == TND_PULL_CONSTRAINED;
  memset(H, 0, sizeof *H * (size_t)(r * r));
  for (int a = 0; a < m; a++)
    for (int b = 0; b < m; b++) {
      if (taught && constrained)
        H[a * r + b] = g->lambda[t] / g->scale * tnd_guide_precision(g)[(t * m + a) * m + b];
      else if (taught && a == b)
        H[a * r + b] = 1 / p->s->sigma2[a] / g->scale;
      H[(m + a) * r + m + b] = tnd_guide_anchor(g) / g->scale * p->before.W[(t * m + a) * m + b];
    }
}

static void check_place(place *p) {
  const tnd_guide *g = p->s->guide;
  const int n = g->n, m = g->m, w = n + m, r = 2 * m;
  const double zero[W] = {0};
  double H[R * R] = {0}, e[R] = {0}, J[R * W], slope[W], value, expected = 0, Hessian[W * W];
  double lx[N] = {0}, lu[M] = {0}, lxx[N * N] = {0}, lux[M * N] = {0}, luu[M * M] = {0};
  weigh(p, H);

  // the value, of both functions that tell it
  differences_at(p, zero, e);
  for (int i = 0; i < r; i++)
    for (int j = 0; j < r; j++)
      expected += e[i] * H[i * r + j] * e[j] / 2;
  value_at(p, zero, &value);
  cr_assert_gt(expected, 0);
  check_close(value / expected, 1, 1e-12);
  const double expanded = p->term.expand(p->term.context, 0, p->t, p->x, p->u);
  check_close(expanded / expected, 1, 1e-12);

  // its expansion, to the differences' 1e-10 of value and curvature
  const tnd_cost_expansion l = {lx, lu, lxx, lux, luu};
  p->term.add(p->term.context, p->t, &l);
  support_fd_jacobian(value_at, p, zero, (size_t)w, 1, SUPPORT_FD_STEP, slope);
  support_fd_jacobian(differences_at, p, zero, (size_t)w, (size_t)r, SUPPORT_FD_STEP, J);
  double steepest = 0, largest = 0;
  for (int i = 0; i < w; i++)
    for (int j = 0; j < w; j++) {
      Hessian[i * w + j] = 0;
      for (int a = 0; a < r; a++)
        for (int b = 0; b < r; b++)
          Hessian[i * w + j] += J[a * w + i] * H[a * r + b] * J[b * w + j];
      largest = fmax(largest, fabs(Hessian[i * w + j]));
    }
  for (int i = 0; i < w; i++)
    steepest = fmax(steepest, fabs(slope[i]));
  cr_assert(steepest > 0 && largest > 0);
  for (int i = 0; i < w; i++) {
    check_close((i < n ? lx[i] : lu[i - n]) / steepest, slope[i] / steepest, 1e-7);
    for (int j = 0; j < w; j++) {
      const double got = i < n && j < n ? lxx[i * n + j]
                         : i < n        ? lux[(j - n) * n + i]
                         : j < n        ? lux[(i - n) * n + j]
                                        : luu[(i - n) * m + j - n];
      check_close(got / largest, Hessian[i * w + j] / largest, 1e-7);
    }
  }
}

// Of the steps that the policy is not taught it knows nothing.
static void check_tail(place *p) {
  double l[N * N] = {0};
  const double zero[N * N] = {0};
  const tnd_cost_expansion to = {l, l, l, l, l};
  for (p->t = p->s->guide->taught; p->t < T; p->t++) {
    cr_assert_eq(p->term.value(p->term.context, 0, p->t, p->x, p->u), 0);
    cr_assert_eq(p->term.expand(p->term.context, 0, p->t, p->x, p->u), 0);
    p->term.add(p->term.context, p->t, &to);
  }
  check_same_bits(l, zero, N * N);
}

static void check_term(const char *task, tnd_guide_pull pull, bool averaged, bool gaussian,
                       double anchor) {
  tnd_guide_options o = support_guide_options();
  o.pull = pull;
  o.averaged = averaged;
  o.gaussian = gaussian;
  o.samples = 7;
  support_guide s = support_guide_open(task, T, 500, &o, 1);
  place p = {.s = &s};
  for (int t = 0; t < T - o.tail; t++)
    tnd_guide_lambda(s.guide)[t] = 2 + t;
  support_guide_sample(&s, 0);
  support_guide_note(&s, &p.before);
  tnd_guide_set_anchor(s.guide, anchor);
  support_guide_improve(&s);
  p.term = tnd_guide_term(s.guide);
  check_ok(tnd_state_policy_create(s.model, s.policy, 1, &p.policy, check_err));
  const tendril_trajectory *q = tnd_guide_trajectory(s.guide);
  // the anchor's expansion is made where the trajectory is, the policy's wherever it is asked for
  const double off = anchor > 0 ? 0 : 1;
  for (p.t = 0; p.t < (anchor > 0 ? T : T - o.tail); p.t += 6) {
    for (int i = 0; i < q->nx; i++)
      p.x[i] = q->x[p.t * q->nx + i] + off * 0.02 * cos(3 * i + p.t);
    for (int j = 0; j < q->nu; j++)
      p.u[j] = q->u[p.t * q->nu + j] + off * 0.3 * sin(1 + j + p.t);
    check_place(&p);
  }
  if (anchor == 0) check_tail(&p);
  tnd_state_policy_destroy(p.policy);
  support_guide_close(&s);
}

Test(guide_policy, its_term_is_expanded_as_it_is_valued) {
  static const char *const tasks[] = {"swimmer-gps", "double-link", "cart"};
  for (int k = 0; k < 3; k++)
    for (int averaged = 0; averaged < 2; averaged++) {
      check_term(tasks[k], TND_PULL_CONSTRAINED, averaged, false, 0);
      check_term(tasks[k], TND_PULL_VARIATIONAL, averaged, false, 0);
    }
  check_term("swimmer-gps", TND_PULL_CONSTRAINED, true, true, 0);
}

Test(guide_policy, so_is_the_anchor) {
  check_term("swimmer-gps", TND_PULL_CONSTRAINED, true, false, 7);
  check_term("swimmer-gps", TND_PULL_VARIATIONAL, false, false, 7);
  check_term("cart", TND_PULL_CONSTRAINED, false, false, 7);
}

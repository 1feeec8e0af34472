// The trust region of a trajectory's step. What the trajectory's improvement knows of dynamics,
// policy and feedback holds about the trajectory that there was; a step that goes further can end
// at one that falls. So a square holds the new distribution to the one before,
//   a/2 (u - u0(x))' A0^-1 (u - u0(x)),   u0(x) = u^0 + K0 (x - x^0),
// which is what a KL(q || q0) has of means and feedback; what it has of the covariance makes of (8)
//   A (Quu + a A0^-1) A + (lambda - 1 - a) A - lambda M = 0.
// And a step can be taken back.
#include "trajopt/guide_parts.h"

#include <string.h>

void tnd_guide_set_anchor(tnd_guide *g, double anchor) {
  g->anchor = anchor;
}

double tnd_guide_anchor(const tnd_guide *g) {
  return g->anchor;
}

void tnd_guide_remember(tnd_guide *g) {
  const size_t T = (size_t)g->T, m = (size_t)g->m, n = (size_t)g->n, size = sizeof(double);
  tnd_ilqg_save(g->ilqg, g->before.memory);
  memcpy(g->before.x, g->q->x, size * (T + 1) * (size_t)g->nx);
  memcpy(g->before.u, g->q->u, size * T * m);
  memcpy(g->before.K, g->q->K, size * T * m * n);
  memcpy(g->before.A, g->A, size * T * m * m);
  memcpy(g->before.C, g->C, size * T * m * m);
  memcpy(g->before.W, g->W, size * T * m * m);
  memcpy(g->before.d, g->d, size * (size_t)g->taught * (size_t)g->N * n);
}

void tnd_guide_take_back(tnd_guide *g) {
  const size_t square = sizeof(double) * (size_t)g->T * (size_t)(g->m * g->m);
  tnd_ilqg_restore(g->ilqg, g->before.memory);
  memcpy(g->A, g->before.A, square);
  memcpy(g->C, g->before.C, square);
  memcpy(g->W, g->before.W, square);
  memcpy(g->d, g->before.d, sizeof *g->d * (size_t)g->taught * (size_t)(g->N * g->n));
}

// e [m] = u - u0(x) at step t
static void miss(const tnd_guide *g, int t, const double *x, const double *u, double *dx,
                 double *e) {
  const int m = g->m, n = g->n;
  const double *K = g->before.K + (ptrdiff_t)t * m * n;
  tnd_state_difference(g->model, g->before.x + t * g->nx, x, dx);
  for (int a = 0; a < m; a++) {
    e[a] = u[a] - g->before.u[t * m + a];
    for (int j = 0; j < n; j++)
      e[a] -= K[a * n + j] * dx[j];
  }
}

double tnd_guide_anchor_value(const tnd_guide *g, tnd_guide_worker *w, int t, const double *x,
                              const double *u) {
  if (!tnd_guide_is_anchored(g)) return 0;
  miss(g, t, x, u, w->dx, w->e);
  const double *W = g->before.W + (ptrdiff_t)t * g->m * g->m;
  return g->anchor / g->scale / 2 * tnd_guide_square(g->m, W, w->e);
}

bool tnd_guide_is_anchored(const tnd_guide *g) {
  return g->drawn && g->anchor > 0;
}

void tnd_guide_add_anchor(const tnd_guide *g, int t, const tnd_cost_expansion *l) {
  if (!tnd_guide_is_anchored(g)) return;
  const int m = g->m, n = g->n;
  tnd_guide_worker *w = &g->workers[0];
  miss(g, t, g->q->x + t * g->nx, g->q->u + t * m, w->dx, w->e);
  for (int a = 0; a < m; a++)
    w->e[a] = -w->e[a];
  tnd_guide_add_square(m, n, g->anchor / g->scale, g->before.W + (ptrdiff_t)t * m * m, w->e,
                       g->before.K + (ptrdiff_t)t * m * n, l, w->WP);
}

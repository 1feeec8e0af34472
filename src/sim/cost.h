// A task's smooth cost, l_t(x, u) = sum_k w_k |r_k(x, u)|^2, and its Gauss-Newton expansion.
#ifndef TND_COST_H
#define TND_COST_H

#include <tendril/sim.h>

// What is wrong with a task's cost, NULL if nothing is.
const char *tnd_cost_flaw(const tendril_task *task);
// Residuals of all terms.
int tnd_cost_nresidual(const tendril_task *task);

// l at state t of an episode of T steps, 0 <= t <= T.
//   ground  one of the model's, tnd_model_ground()
//   action  [nu]; NULL: 0, for x_T
//   terms   [ncost] filled, or NULL
double tnd_cost(const tendril_model *model, int ground, int t, int T, const double *qpos,
                const double *qvel, const double *action, double *terms);

// Derivatives of l in x, of dimension n = 2 nv, and u. Hessians are Gauss-Newton's, 2 w J'J: never
// indefinite. [n], [nu], [n][n], [nu][n], [nu][nu] filled. Returns l.
typedef struct tnd_cost_expansion {
  double *lx, *lu, *lxx, *lux, *luu;
} tnd_cost_expansion;

// work [tnd_cost_work()]
int tnd_cost_work(const tendril_model *model);
double tnd_cost_expand(const tendril_model *model, int ground, int t, int T, const double *qpos,
                       const double *qvel, const double *action, double *work,
                       const tnd_cost_expansion *out);

#endif

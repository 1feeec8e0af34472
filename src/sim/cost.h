// A task's smooth cost, l_t(x, u) = sum_k w_k |r_k(x, u)|^2, its Gauss-Newton expansion, and the
// reward of a task that pays by it.
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

// |r_k(x, u)|^2 of every term, squares [ncost] filled. Time is in the weights alone.
void tnd_cost_squares(const tendril_model *model, int ground, const double *qpos,
                      const double *qvel, const double *action, double *squares);

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

// ------------------------------------------------------------------------------------------------
// The reward of a task without `evaluate`: what the step from x by u to x' is paid as step t of an
// episode of T steps, 0 <= t < T, whenever it was really done:
//
//   r_t(x, u, x') = -l_t(x, u) - [t + 1 == T] l_T(x', 0).
//
// Residuals know no time, so a step that is asked for at many times is taken apart once.
typedef struct tnd_reward_squares {
  double here[TENDRIL_MAX_TERMS];  // |r_k(x, u)|^2
  double next[TENDRIL_MAX_TERMS];  // |r_k(x', 0)|^2
} tnd_reward_squares;

// Most actuators of a model whose task is paid by its cost; a model with more is refused.
enum { TND_REWARD_MAX_ACTIONS = 64 };

// Whether the reward of a step depends on when it is done. False for a task with `evaluate`, which
// isn't told.
bool tnd_reward_depends_on_time(const tendril_task *task);

// action [nu] as a policy gives it: clipped here as an environment clips it.
void tnd_reward_square(const tendril_model *model, int ground, const double *qpos,
                       const double *qvel, const double *action, const double *qpos_next,
                       const double *qvel_next, tnd_reward_squares *out);
// r_t, to the bit what tendril_env_step() pays for the step at its own time; a few multiplications.
// T is the model's max_steps. terms [nterm] filled, or NULL.
double tnd_reward_of_squares(const tendril_model *model, int t, const tnd_reward_squares *squares,
                             double *terms);
// Both at once.
double tnd_reward_at(const tendril_model *model, int ground, int t, const double *qpos,
                     const double *qvel, const double *action, const double *qpos_next,
                     const double *qvel_next);

#endif

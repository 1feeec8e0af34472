// The cost that a task gives by residuals: which terms count at a time, their sum, and the
// quadratic model of it that trajectory optimisation works on.
#include "sim/cost.h"

#include "sim/sim.h"

#include <math.h>
#include <string.h>

const char *tnd_cost_flaw(const tendril_task *task) {
  if (task->ncost < 0 || task->ncost > TENDRIL_MAX_TERMS) return "ncost is not within 0 to 8";
  if (task->ncost == 0) return task->residuals ? "it has residuals but no ncost" : NULL;
  if (!task->residuals) return "it has a cost but no residuals";
  int nr = 0;
  for (int k = 0; k < task->ncost; k++) {
    const tendril_cost_term *term = &task->cost[k];
    if (!term->name || !term->name[0]) return "a cost term has no name";
    if (!(term->weight >= 0) || !isfinite(term->weight)) return "a cost term's weight is negative";
    if (term->n < 1 || term->n > TENDRIL_MAX_RESIDUALS) return "a cost term has no residuals";
    if (term->last < 0) return "a cost term's last is negative";
    nr += term->n;
  }
  return nr <= TENDRIL_MAX_RESIDUALS ? NULL : "its cost has more than 64 residuals";
}

int tnd_cost_nresidual(const tendril_task *task) {
  int nr = 0;
  for (int k = 0; k < task->ncost; k++)
    nr += task->cost[k].n;
  return nr;
}

// The weight of a term at state t of 0 .. T.
static double weight_at(const tendril_cost_term *term, int t, int T) {
  const int end = term->final ? T + 1 : T;  // the states that can count are those before
  if (t >= end || (term->last && t < end - term->last)) return 0;
  return term->weight;
}

// w |r|^2; what doesn't count may be infinite.
static double weigh(const tendril_cost_term *term, int t, int T, double square) {
  const double w = weight_at(term, t, T);
  return w > 0 ? w * square : 0;
}

void tnd_cost_squares(const tendril_model *model, int ground, const double *qpos,
                      const double *qvel, const double *action, double *squares) {
  const tendril_task *task = model->task;
  double r[TENDRIL_MAX_RESIDUALS];
  task->residuals(tnd_model_ground(model, ground), qpos, qvel, action ? action : model->no_action,
                  r, NULL, NULL);
  const double *rk = r;
  for (int k = 0; k < task->ncost; k++) {
    squares[k] = 0;
    for (int i = 0; i < task->cost[k].n; i++)
      squares[k] += *rk * *rk, rk++;
  }
}

double tnd_cost(const tendril_model *model, int ground, int t, int T, const double *qpos,
                const double *qvel, const double *action, double *terms) {
  const tendril_task *task = model->task;
  double squares[TENDRIL_MAX_TERMS], sum = 0;
  tnd_cost_squares(model, ground, qpos, qvel, action, squares);
  for (int k = 0; k < task->ncost; k++) {
    const double term = weigh(&task->cost[k], t, T, squares[k]);
    if (terms) terms[k] = term;
    sum += term;
  }
  return sum;
}

int tnd_cost_work(const tendril_model *model) {
  const int nr = tnd_cost_nresidual(model->task);
  return nr * (2 * (int)model->mujoco->nv + (int)model->mujoco->nu);
}

// out [rows][columns] += s a b', zeros in a skipped: residuals look at few coordinates.
static void add_outer(int rows, int columns, double s, const double *a, const double *b,
                      double *out) {
  for (int i = 0; i < rows; i++) {
    if (a[i] == 0) continue;
    const double c = s * a[i];
    for (int j = 0; j < columns; j++)
      out[i * columns + j] += c * b[j];
  }
}

double tnd_cost_expand(const tendril_model *model, int ground, int t, int T, const double *qpos,
                       const double *qvel, const double *action, double *work,
                       const tnd_cost_expansion *out) {
  const tendril_task *task = model->task;
  const int n = 2 * (int)model->mujoco->nv, m = (int)model->mujoco->nu;
  const int nr = tnd_cost_nresidual(task);
  double r[TENDRIL_MAX_RESIDUALS], *rx = work, *ru = work + nr * n, sum = 0;
  memset(work, 0, sizeof *work * (size_t)tnd_cost_work(model));
  memset(out->lx, 0, sizeof(double) * (size_t)n);
  memset(out->lu, 0, sizeof(double) * (size_t)m);
  memset(out->lxx, 0, sizeof(double) * (size_t)(n * n));
  memset(out->lux, 0, sizeof(double) * (size_t)(m * n));
  memset(out->luu, 0, sizeof(double) * (size_t)(m * m));
  task->residuals(tnd_model_ground(model, ground), qpos, qvel, action ? action : model->no_action,
                  r, rx, ru);

  int i = 0;
  for (int k = 0; k < task->ncost; k++) {
    const double w = weight_at(&task->cost[k], t, T);
    for (int end = i + task->cost[k].n; i < end; i++) {
      if (w == 0) continue;
      const double *jx = rx + i * n, *ju = ru + i * m;
      sum += w * r[i] * r[i];
      for (int j = 0; j < n; j++)
        out->lx[j] += 2 * w * r[i] * jx[j];
      for (int j = 0; j < m; j++)
        out->lu[j] += 2 * w * r[i] * ju[j];
      add_outer(n, n, 2 * w, jx, jx, out->lxx);
      add_outer(m, n, 2 * w, ju, jx, out->lux);
      add_outer(m, m, 2 * w, ju, ju, out->luu);
    }
  }
  return sum;
}

// ----------------------------------------------------------------------------------------- reward

bool tnd_reward_depends_on_time(const tendril_task *task) {
  for (int k = 0; k < task->ncost && !task->evaluate; k++) {
    const tendril_cost_term *term = &task->cost[k];
    // a final term is paid twice by the last step, for x and for x'
    if (term->weight > 0 && (term->last > 0 || term->final)) return true;
  }
  return false;
}

void tnd_reward_square(const tendril_model *model, int ground, const double *qpos,
                       const double *qvel, const double *action, const double *qpos_next,
                       const double *qvel_next, tnd_reward_squares *out) {
  double u[TND_REWARD_MAX_ACTIONS];
  tnd_model_clip(model, action, u);
  tnd_cost_squares(model, ground, qpos, qvel, u, out->here);
  tnd_cost_squares(model, ground, qpos_next, qvel_next, NULL, out->next);
}

double tnd_reward_of_squares(const tendril_model *model, int t, const tnd_reward_squares *squares,
                             double *terms) {
  const tendril_task *task = model->task;
  const int T = model->max_steps;
  double reward = 0;
  for (int k = 0; k < task->ncost; k++) {
    double term = -weigh(&task->cost[k], t, T, squares->here[k]);
    if (t + 1 >= T) term -= weigh(&task->cost[k], T, T, squares->next[k]);
    if (terms) terms[k] = term;
    reward += term;
  }
  return reward;
}

double tnd_reward_at(const tendril_model *model, int ground, int t, const double *qpos,
                     const double *qvel, const double *action, const double *qpos_next,
                     const double *qvel_next) {
  tnd_reward_squares squares;
  tnd_reward_square(model, ground, qpos, qvel, action, qpos_next, qvel_next, &squares);
  return tnd_reward_of_squares(model, t, &squares, NULL);
}

// Helpers of the built-in tasks.
#include "tasks/common.h"

#include <math.h>

tendril_status tnd_task_check_sizes(const mjModel *model, int nq, int nv, int nu,
                                    tendril_error *err) {
  if (model->nq == nq && model->nv == nv && model->nu == nu) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_FORMAT,
                  "the task needs nq %d, nv %d, nu %d; this model has nq %d, nv %d, nu %d", nq, nv,
                  nu, (int)model->nq, (int)model->nv, (int)model->nu);
}

void tnd_task_add_noise(const mjModel *model, mjData *data, double scale, tendril_random *random) {
  for (int i = 0; i < model->nq; i++)
    data->qpos[i] += tendril_random_uniform(random, -scale, scale);
  for (int i = 0; i < model->nv; i++)
    data->qvel[i] += tendril_random_uniform(random, -scale, scale);
}

void tnd_task_observe(const mjModel *model, const mjData *data, int first, double limit,
                      double *obs) {
  for (int i = first; i < model->nq; i++)
    *obs++ = data->qpos[i];
  // fmin() and fmax() would be calls, of which a rollout has as many as steps of the simulation
  for (int i = 0; i < model->nv; i++) {
    const double v = data->qvel[i] > -limit ? data->qvel[i] : -limit;
    *obs++ = v < limit ? v : limit;
  }
}

double tnd_task_height(const mjModel *model, const mjData *data) {
  return data->qpos[1] - tendril_ground_height(model, data->qpos[0], NULL);
}

void tnd_task_observe_walker(const mjModel *model, const mjData *data, int first, double limit,
                             double *obs) {
  tnd_task_observe(model, data, first, limit, obs);
  obs[1 - first] = tnd_task_height(model, data);
}

void tnd_task_mark_x(const mjModel *model, const mjData *data, double *state) {
  (void)model;
  state[0] = data->qpos[0];
}

double tnd_sum_of_squares(int n, const double *x) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += x[i] * x[i];
  return sum;
}

double tnd_sum_of_squared_torques(const mjModel *model, const double *action) {
  double sum = 0;
  for (int i = 0; i < model->nu; i++) {
    double torque = model->actuator_gear[6 * i] * action[i];
    sum += torque * torque;
  }
  return sum;
}

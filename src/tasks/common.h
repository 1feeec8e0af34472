// What several tasks share. Where Gymnasium's tasks do a thing, it is done in their order.
#ifndef TND_TASKS_COMMON_H
#define TND_TASKS_COMMON_H

#include "base/status.h"

#include <tendril/sim.h>

// The sizes that a task's callbacks index by; the line says which differs.
TENDRIL_MUST_CHECK tendril_status tnd_task_check_sizes(const mjModel *model, int nq, int nv, int nu,
                                                       tendril_error *err);

// qpos += U(-scale, scale), then qvel += U(-scale, scale), entry by entry.
void tnd_task_add_noise(const mjModel *model, mjData *data, double scale, tendril_random *random);

// obs = qpos[first..nq-1], then all of qvel clipped to +-limit.
void tnd_task_observe(const mjModel *model, const mjData *data, int first, double limit,
                      double *obs);

// Height of a planar robot's root, qpos[1], above the ground under it: that above the floor without
// terrain. Observations, rewards and ends of a walker mean this height.
double tnd_task_height(const mjModel *model, const mjData *data);
// As tnd_task_observe(), for a planar robot on the ground: qpos[1] becomes that height.
void tnd_task_observe_walker(const mjModel *model, const mjData *data, int first, double limit,
                             double *obs);

// A task's `before`: state[0] = qpos[0], where the step begins.
void tnd_task_mark_x(const mjModel *model, const mjData *data, double *state);

// |x|^2, summed in order
double tnd_sum_of_squares(int n, const double *x);

// |u|^2 of the torques u = gear * action, in (N m)^2; action [nu] is in units of the gears
double tnd_sum_of_squared_torques(const mjModel *model, const double *action);

#endif

// Gymnasium's Walker2d-v4: a two-legged robot in a plane, paid for forward speed and for not
// falling. Its quirks are kept so that published scores can be compared:
// - the feet differ: friction 0.9 under the right one, 1.9 under the left (in the model file);
// - the healthy reward is paid on the terminal step too;
// - the control cost is that of the action as given (see the sim option clip_actions);
// - velocities are clipped to +-10 in the observation;
// - unlike the hopper, only height and pitch decide health.
// Source: Gymnasium 0.29.1, Walker2d-v4; physics in models/walker2d_v4.xml.
#include "tasks/common.h"

#include <math.h>

enum { NQ = 9, NV = 9, NU = 6 };  // qpos: x, z, pitch, then thigh, leg, foot right and left

static tendril_status check(const mjModel *model, tendril_error *err) {
  return tnd_task_check_sizes(model, NQ, NV, NU, err);
}

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)state;
  tnd_task_add_noise(model, data, 5e-3, random);
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)state;
  tnd_task_observe_walker(model, data, 1, 10.0, obs);
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  terms[0] = (data->qpos[0] - state[0]) / seconds;
  terms[1] = 1.0;
  terms[2] = -1e-3 * tnd_sum_of_squares(NU, action);

  double z = tnd_task_height(model, data), pitch = data->qpos[2];
  return !(z > 0.8 && z < 2.0 && fabs(pitch) < 1.0);
}

extern const tendril_task tnd_walker2d_v4;
const tendril_task tnd_walker2d_v4 = {
    .name = "walker2d-v4",
    .summary = "two-legged walker in a plane, as fast as it can without falling",
    .source = "Gymnasium 0.29.1 Walker2d-v4",
    .mjcf = "walker2d_v4.xml",
    .physics_steps = 4,
    .max_steps = 1000,
    .nobs = NQ - 1 + NV,
    .nstate = 1,
    .nterm = 3,
    .terms = {"forward", "healthy", "control"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .before = tnd_task_mark_x,
    .evaluate = evaluate,
};

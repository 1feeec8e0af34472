// Gymnasium's Hopper-v4: a one-legged robot in a plane, paid for forward speed and for not falling.
// Its quirks are kept so that published scores can be compared:
// - the healthy reward is paid on the terminal step too;
// - the control cost is that of the action as given (see the sim option clip_actions);
// - velocities are clipped to +-10 in the observation, not in the test of health;
// - speed is the displacement of the root joint over the step, not a velocity.
// Source: Gymnasium 0.29.1, Hopper-v4; physics in models/hopper_v4.xml.
#include "tasks/common.h"

#include <math.h>

enum { NQ = 6, NV = 6, NU = 3 };  // qpos: x, z, pitch, thigh, leg, foot

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

// z > 0.7, |pitch| < 0.2, and all of (qpos[2..], qvel) within +-100.
static bool is_healthy(const mjModel *model, const mjData *data) {
  bool healthy = tnd_task_height(model, data) > 0.7 && fabs(data->qpos[2]) < 0.2;
  for (int i = 2; i < NQ; i++)
    healthy &= fabs(data->qpos[i]) < 100.0;
  for (int i = 0; i < NV; i++)
    healthy &= fabs(data->qvel[i]) < 100.0;
  return healthy;
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  terms[0] = (data->qpos[0] - state[0]) / seconds;
  terms[1] = 1.0;
  terms[2] = -1e-3 * tnd_sum_of_squares(NU, action);
  return !is_healthy(model, data);
}

extern const tendril_task tnd_hopper_v4;
const tendril_task tnd_hopper_v4 = {
    .name = "hopper-v4",
    .summary = "one-legged hopper in a plane, as fast as it can without falling",
    .source = "Gymnasium 0.29.1 Hopper-v4",
    .mjcf = "hopper_v4.xml",
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

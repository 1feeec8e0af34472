// The hopper of the TRPO paper (sec. 8.1): twelve states (x is among them), three torques, and
//   r = v_x - 1e-5 |u|^2 + 1 in a state that does not end the episode,  u in N m.
// It ends when the torso is too low or leans too far. The paper leaves open the body, the
// thresholds and which point's v_x: here those of Gymnasium's hopper, and the torso's mean velocity
// over the step. Source: Schulman et al. 2015; physics in models/hopper.xml.
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
  tnd_task_observe_walker(model, data, 0, HUGE_VAL, obs);
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  double z = tnd_task_height(model, data), pitch = data->qpos[2];
  bool stands = z > 0.7 && fabs(pitch) < 0.2;
  terms[0] = (data->qpos[0] - state[0]) / seconds;
  terms[1] = stands;
  terms[2] = -1e-5 * tnd_sum_of_squared_torques(model, action);
  return !stands;
}

extern const tendril_task tnd_hopper;
const tendril_task tnd_hopper = {
    .name = "hopper",
    .summary = "one-legged hopper in a plane, as the TRPO paper has it",
    .source = "Schulman et al. 2015",
    .mjcf = "hopper.xml",
    .physics_steps = 4,
    .max_steps = 1000,
    .nobs = NQ + NV,
    .nstate = 1,
    .nterm = 3,
    .terms = {"forward", "alive", "control"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .before = tnd_task_mark_x,
    .evaluate = evaluate,
};

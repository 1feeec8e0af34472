// The swimmer of the TRPO paper (sec. 8.1): three links in a viscous fluid, ten states (the place
// on the plane is among them), two torques, and the reward
//   r = v_x - 1e-5 |u|^2,  u in N m.
// The paper leaves open which point's v_x and the body. Here it is the mean velocity of the front
// link's centre over the step, so that the sum of the terms is the way made.
// Source: Schulman et al. 2015; physics in models/swimmer.xml.
#include "tasks/common.h"

#include <math.h>

enum { NQ = 5, NV = 5, NU = 2 };  // qpos: x, y, heading, first joint, second joint

static tendril_status check(const mjModel *model, tendril_error *err) {
  return tnd_task_check_sizes(model, NQ, NV, NU, err);
}

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)state;
  tnd_task_add_noise(model, data, 0.1, random);
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)state;
  tnd_task_observe(model, data, 0, HUGE_VAL, obs);
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  terms[0] = (data->qpos[0] - state[0]) / seconds;
  terms[1] = -1e-5 * tnd_sum_of_squared_torques(model, action);
  return false;
}

extern const tendril_task tnd_swimmer;
const tendril_task tnd_swimmer = {
    .name = "swimmer",
    .summary = "three links in a viscous fluid, as the TRPO paper has them",
    .source = "Schulman et al. 2015",
    .mjcf = "swimmer.xml",
    .physics_steps = 2,
    .max_steps = 1000,
    .nobs = NQ + NV,
    .nstate = 1,
    .nterm = 2,
    .terms = {"forward", "control"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .before = tnd_task_mark_x,
    .evaluate = evaluate,
};

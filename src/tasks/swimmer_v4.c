// Gymnasium's Swimmer-v4: three links in a viscous fluid, paid for forward speed. Its quirks are
// kept so that published scores can be compared:
// - speed is that of the front link's tip (the root joint), not of the centre of mass;
// - the start noise of +-0.1 reaches x and y too, which nothing observes;
// - it never terminates, and velocities are not clipped.
// Source: Gymnasium 0.29.1, Swimmer-v4; physics in models/swimmer_v4.xml.
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
  tnd_task_observe(model, data, 2, HUGE_VAL, obs);
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  (void)model;
  terms[0] = (data->qpos[0] - state[0]) / seconds;
  terms[1] = -1e-4 * tnd_sum_of_squares(NU, action);
  return false;
}

extern const tendril_task tnd_swimmer_v4;
const tendril_task tnd_swimmer_v4 = {
    .name = "swimmer-v4",
    .summary = "three links in a viscous fluid, as fast as they can",
    .source = "Gymnasium 0.29.1 Swimmer-v4",
    .mjcf = "swimmer_v4.xml",
    .physics_steps = 4,
    .max_steps = 1000,
    .nobs = NQ - 2 + NV,
    .nstate = 1,
    .nterm = 2,
    .terms = {"forward", "control"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .before = tnd_task_mark_x,
    .evaluate = evaluate,
};

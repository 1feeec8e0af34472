// Gymnasium's InvertedPendulum-v4: a pole on a cart, to be kept upright. Quirks kept: the reward is
// 1 on every step, the terminal one too, and actions reach from -3 to 3, not from -1 to 1.
// Source: Gymnasium 0.29.1, InvertedPendulum-v4; physics in models/inverted_pendulum_v4.xml.
#include "tasks/common.h"

#include <math.h>

enum { NQ = 2, NV = 2, NU = 1 };  // qpos: cart, pole

static tendril_status check(const mjModel *model, tendril_error *err) {
  return tnd_task_check_sizes(model, NQ, NV, NU, err);
}

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)state;
  tnd_task_add_noise(model, data, 0.01, random);
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)state;
  tnd_task_observe(model, data, 0, HUGE_VAL, obs);
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  (void)model, (void)state, (void)action, (void)seconds;
  terms[0] = 1.0;
  return fabs(data->qpos[1]) > 0.2;
}

extern const tendril_task tnd_inverted_pendulum_v4;
const tendril_task tnd_inverted_pendulum_v4 = {
    .name = "inverted-pendulum-v4",
    .summary = "pole on a cart, to be kept upright",
    .source = "Gymnasium 0.29.1 InvertedPendulum-v4",
    .mjcf = "inverted_pendulum_v4.xml",
    .physics_steps = 2,
    .max_steps = 1000,
    .nobs = NQ + NV,
    .nterm = 1,
    .terms = {"upright"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .evaluate = evaluate,
};

// The cart-pole of the TRPO paper (sec. 8.1): Barto, Sutton and Anderson's, without friction,
// pushed by any force up to 10 N. A linear policy of it has six parameters: four weights, a bias
// and a log standard deviation. The paper gives neither the time limit nor the start; here 500
// steps from nearly upright. Source: Schulman et al. 2015; Barto, Sutton, Anderson 1983; physics in
// models/cartpole.xml.
#include "tasks/common.h"

#include <math.h>

enum { NQ = 2, NV = 2, NU = 1 };  // qpos: cart, pole

static const double farthest = 2.4;                                // m
static const double steepest = 12 * 3.14159265358979323846 / 180;  // 12 degrees

static tendril_status check(const mjModel *model, tendril_error *err) {
  return tnd_task_check_sizes(model, NQ, NV, NU, err);
}

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)state;
  tnd_task_add_noise(model, data, 0.05, random);
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)state;
  tnd_task_observe(model, data, 0, HUGE_VAL, obs);
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  (void)model, (void)state, (void)action, (void)seconds;
  terms[0] = 1.0;
  return fabs(data->qpos[0]) > farthest || fabs(data->qpos[1]) > steepest;
}

extern const tendril_task tnd_cartpole;
const tendril_task tnd_cartpole = {
    .name = "cartpole",
    .summary = "pole on a cart, to be kept upright on a short rail",
    .source = "Schulman et al. 2015, after Barto, Sutton, Anderson 1983",
    .mjcf = "cartpole.xml",
    .physics_steps = 1,
    .max_steps = 500,
    .nobs = NQ + NV,
    .nterm = 1,
    .terms = {"upright"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .evaluate = evaluate,
};

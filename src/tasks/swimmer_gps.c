// The swimmer of guided policy search (Levine and Koltun 2014, appendix A): three links with drag
// on each, ten states, two torques, a step of 0.05 s, and
//   l(x, u) = (v_x - 1)^2 + 1e-4 |u|^2,
// v_x of the front link in m/s, u in N m. The body and the fluid are not in the paper; here they
// are in models/swimmer_gps.xml. Drag that grows with the square of the speed only leaves small
// motions undamped, and feedback on them useless, so the fluid is viscous, too. A policy sees all
// but x and y.
#include "tasks/common.h"

#include <math.h>

enum { NQ = 5, NV = 5, NU = 2 };  // qpos: x, y, heading, first joint, second joint

static tendril_status check(const mjModel *model, tendril_error *err) {
  return tnd_task_check_sizes(model, NQ, NV, NU, err);
}

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)state;
  tnd_task_add_noise(model, data, 0.01, random);
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)state;
  tnd_task_observe(model, data, 2, HUGE_VAL, obs);
}

static void residuals(const mjModel *model, const double *qpos, const double *qvel,
                      const double *action, double *r, double *rx, double *ru) {
  (void)model;
  (void)qpos;
  r[0] = qvel[0] - 1;
  for (int i = 0; i < NU; i++)
    r[1 + i] = action[i];
  if (!rx) return;
  rx[NV] = 1;
  for (int i = 0; i < NU; i++)
    ru[(1 + i) * NU + i] = 1;
}

// It still swims: one that has come to rest, or goes in circles, does not.
static bool swims(const mjModel *model, const double *qpos, const double *qvel) {
  (void)model, (void)qpos;
  return qvel[0] >= 0.6;
}

extern const tendril_task tnd_swimmer_gps;
const tendril_task tnd_swimmer_gps = {
    .name = "swimmer-gps",
    .summary = "three links in a fluid at 1 m/s, a smooth cost",
    .source = "Levine and Koltun 2014",
    .mjcf = "swimmer_gps.xml",
    .physics_steps = 1,
    .max_steps = 200,
    .nobs = NQ - 2 + NV,
    .nterm = 2,
    .terms = {"speed", "torques"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .ncost = 2,
    .cost = {{"speed", 1, 1, 0, false}, {"torques", NU, 1e-4, 0, false}},
    .residuals = residuals,
    .goal = swims,
    .goal_last = 100,
};

// The walker of guided policy search (Levine and Koltun 2014, appendix A): planar, seven links,
// 24 kg, eighteen states, six torques, a step of 0.01 s, contacts that give way gradually, and
//   l(x, u) = (v_x - 2.1)^2 + 10 (z - 1.1)^2 + 1e-4 |u|^2,
// v_x and z of the torso's centre in m/s and m, z above the ground, u in N m. The body is not in
// the paper; this one's masses and lengths are in models/walker_gps.xml. A policy sees all but x.
#include "tasks/common.h"

#include <math.h>

enum { NQ = 9, NV = 9, NU = 6 };  // qpos: x, z, pitch, then hip, knee, ankle right and left
enum { X, Z, VX = NV };           // places in the state (qpos, qvel)

static tendril_status check(const mjModel *model, tendril_error *err) {
  return tnd_task_check_sizes(model, NQ, NV, NU, err);
}

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)state;
  tnd_task_add_noise(model, data, 5e-3, random);
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)state;
  tnd_task_observe_walker(model, data, 1, HUGE_VAL, obs);
}

static void residuals(const mjModel *model, const double *qpos, const double *qvel,
                      const double *action, double *r, double *rx, double *ru) {
  double slope;
  const double ground = tendril_ground_height(model, qpos[X], &slope);
  r[0] = qvel[0] - 2.1;
  r[1] = qpos[Z] - ground - 1.1;
  for (int i = 0; i < NU; i++)
    r[2 + i] = action[i];
  if (!rx) return;
  rx[VX] = 1;
  rx[2 * NV + Z] = 1;
  rx[2 * NV + X] = -slope;
  for (int i = 0; i < NU; i++)
    ru[(2 + i) * NU + i] = 1;
}

// It still walks: a robot that lies does neither.
static bool walks(const mjModel *model, const double *qpos, const double *qvel) {
  double slope;
  return qpos[Z] - tendril_ground_height(model, qpos[X], &slope) >= 0.77 && qvel[0] >= 0.5;
}

extern const tendril_task tnd_walker_gps;
const tendril_task tnd_walker_gps = {
    .name = "walker-gps",
    .summary = "two-legged walker in a plane at 2.1 m/s, a smooth cost on soft ground",
    .source = "Levine and Koltun 2014",
    .mjcf = "walker_gps.xml",
    .physics_steps = 1,
    .max_steps = 1000,
    .nobs = NQ - 1 + NV,
    .nterm = 3,
    .terms = {"speed", "height", "torques"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .ncost = 3,
    .cost = {{"speed", 1, 1, 0, false},
             {"height", 1, 10, 0, false},
             {"torques", NU, 1e-4, 0, false}},
    .residuals = residuals,
    .goal = walks,
    .goal_last = 200,
};

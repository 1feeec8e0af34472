// Swing-ups of two and of four links, every joint driven (double-link, quad-link): from hanging to
// upright and still within the horizon. The cost is on the torques throughout and on angles and
// velocities in the last 20 states:
//   l_t = 1e-5 |u|^2 + [t > T - 20] (1e4 |q|^2 + |q'|^2),  u in N m.
// The angles are not wrapped: one turn too many is not upright. An episode succeeds if in each of
// those states every angle is within 0.2 rad and every velocity within 1 rad/s.
//
// quad-link-limits is the four links with soft limits of the last three joints: beyond 2/3 pi to
// either side the motor leaves the torque that was asked for and turns the joint back,
//   tau = -(k (q - q_limit) + d q').
// Source: Akrour et al. 2018, sec. 7.1; constants as its authors published them in code.
#include "tasks/common.h"

#include <math.h>

enum { DOUBLE = 2, QUAD = 4, LAST = 20 };
static const double pi = 3.14159265358979323846;

static tendril_status check_double(const mjModel *model, tendril_error *err) {
  return tnd_task_check_sizes(model, DOUBLE, DOUBLE, DOUBLE, err);
}

static tendril_status check_quad(const mjModel *model, tendril_error *err) {
  return tnd_task_check_sizes(model, QUAD, QUAD, QUAD, err);
}

// Hanging, everything off by normal noise of variance 1e-4.
static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)state;
  data->qpos[0] = pi;
  for (int i = 0; i < model->nv; i++) {
    double noise[2];
    tendril_random_normals(random, 2, noise);
    data->qpos[i] += 0.01 * noise[0];
    data->qvel[i] += 0.01 * noise[1];
  }
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)state;
  tnd_task_observe(model, data, 0, HUGE_VAL, obs);
}

// Angles, velocities, torques.
static void residuals(const mjModel *model, const double *qpos, const double *qvel,
                      const double *action, double *r, double *rx, double *ru) {
  const int n = (int)model->nv;
  for (int i = 0; i < n; i++) {
    r[i] = qpos[i];
    r[n + i] = qvel[i];
    r[2 * n + i] = action[i];
    if (!rx) continue;
    rx[i * 2 * n + i] = 1;
    rx[(n + i) * 2 * n + n + i] = 1;
    ru[(2 * n + i) * n + i] = 1;
  }
}

// Upright and still. The paper has no such bar: it is chosen, wide enough for noisy starts.
static bool is_upright(const mjModel *model, const double *qpos, const double *qvel) {
  for (int i = 0; i < (int)model->nv; i++)
    if (!(fabs(qpos[i]) <= 0.2 && fabs(qvel[i]) <= 1)) return false;
  return true;
}

// Soft limits. The paper gives no gains. The feedback is given to the same motor, so the torque
// limit bounds it. It is held over a physics step of h = 0.01 s, beside the least inertia that such
// a joint feels at its limit, I = 0.18 kg m^2: k h^2 / I = 0.06 and d h / I = 0.45 are small enough
// for the step, and d / (2 sqrt(k I)) < 1 lets a joint come back in, where an overdamped one would
// creep up to its limit from outside and not be the policy's again. The torque jumps where a joint
// crosses its limit: that is the paper's rule.
static const double limit = 2 * 3.14159265358979323846 / 3;
static const double stiffness = 100;  // k, N m / rad
static const double damping = 8;      // d, N m s / rad

static void actuate(const mjModel *model, const mjData *data, double *ctrl) {
  for (int i = 1; i < (int)model->nu; i++) {
    const double q = data->qpos[i];
    if (fabs(q) <= limit) continue;
    ctrl[i] = -(stiffness * (q - copysign(limit, q)) + damping * data->qvel[i]);
  }
}

// What the tasks of n links have in common.
#define LINKS(n)                                                                                   \
  .source = "Akrour et al. 2018", .physics_steps = 5, .max_steps = 100, .nobs = 2 * (n),           \
  .nterm = 3, .terms = {"angles", "velocities", "torques"}, .reset = reset, .observe = observe,    \
  .ncost = 3,                                                                                      \
  .cost = {{"angles", (n), 1e4, LAST, true},                                                       \
           {"velocities", (n), 1, LAST, true},                                                     \
           {"torques", (n), 1e-5, 0, false}},                                                      \
  .residuals = residuals, .goal = is_upright, .goal_last = LAST

extern const tendril_task tnd_double_link;
const tendril_task tnd_double_link = {
    LINKS(DOUBLE),
    .name = "double-link",
    .summary = "swing-up of two driven links within 5 s, a smooth cost",
    .mjcf = "double_link.xml",
    .check = check_double,
};

extern const tendril_task tnd_quad_link;
const tendril_task tnd_quad_link = {
    LINKS(QUAD),
    .name = "quad-link",
    .summary = "swing-up of four driven links within 5 s, a smooth cost",
    .mjcf = "quad_link.xml",
    .check = check_quad,
};

extern const tendril_task tnd_quad_link_limits;
const tendril_task tnd_quad_link_limits = {
    LINKS(QUAD),
    .name = "quad-link-limits",
    .summary = "quad-link with soft limits of the last three joints",
    .mjcf = "quad_link.xml",
    .check = check_quad,
    .actuate = actuate,
};

// The walker of the TRPO paper (sec. 8.1): eighteen states (x is among them), six torques, and
//   r = v_x - 1e-5 |u|^2 + 1 in a state that does not end the episode
//       - 0.1 sum over feet of max(0, f / (m g) - 2),
// u in N m, f the largest normal force between foot and floor at any time of the control step, m g
// the robot's weight. The paper says of the last term only that it punishes strong impacts of the
// feet, to get a walk and not a hop; form and weight are a choice, and so are the body, the
// thresholds (those of Gymnasium's walker) and which point's v_x (the torso's mean over the step).
// Source: Schulman et al. 2015; physics in models/walker.xml.
#include "tasks/common.h"

#include <math.h>

enum { NQ = 9, NV = 9, NU = 6 };   // qpos: x, z, pitch, then thigh, leg, foot right and left
enum { X, RIGHT, LEFT, NSTATE };   // state: x before the step, largest force on either foot in N
enum { FOOT = 4, FOOT_LEFT = 7 };  // bodies

static tendril_status check(const mjModel *model, tendril_error *err) {
  TENDRIL_TRY(tnd_task_check_sizes(model, NQ, NV, NU, err));
  if (mj_name2id(model, mjOBJ_BODY, "foot") != FOOT ||
      mj_name2id(model, mjOBJ_BODY, "foot_left") != FOOT_LEFT)
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "the task needs the bodies foot and foot_left, the 4th and 7th");
  if (!(mju_norm3(model->opt.gravity) > 0))
    return tnd_fail(err, TENDRIL_E_FORMAT, "the task measures impacts by the weight; no gravity");
  return TENDRIL_OK;
}

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)state;
  tnd_task_add_noise(model, data, 5e-3, random);
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)state;
  tnd_task_observe_walker(model, data, 0, HUGE_VAL, obs);
}

static void before(const mjModel *model, const mjData *data, double *state) {
  (void)model;
  state[X] = data->qpos[0];
  state[RIGHT] = state[LEFT] = 0;
}

// Links touch nothing but the floor, which is of body 0, so the sum of a contact's bodies is the
// link's. A flat foot touches in two points: its force is the sum over them.
static void during(const mjModel *model, const mjData *data, double *state) {
  double right = 0, left = 0;
  for (int i = 0; i < data->ncon; i++) {
    const mjContact *contact = &data->contact[i];
    int body = model->geom_bodyid[contact->geom1] + model->geom_bodyid[contact->geom2];
    if (body != FOOT && body != FOOT_LEFT) continue;
    double force[6];  // in the contact's frame, normal first
    mj_contactForce(model, data, i, force);
    *(body == FOOT ? &right : &left) += force[0];
  }
  state[RIGHT] = fmax(state[RIGHT], right);
  state[LEFT] = fmax(state[LEFT], left);
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  double z = tnd_task_height(model, data), pitch = data->qpos[2];
  bool stands = z > 0.8 && z < 2.0 && fabs(pitch) < 1.0;
  double weight = model->body_subtreemass[0] * mju_norm3(model->opt.gravity);
  terms[0] = (data->qpos[0] - state[X]) / seconds;
  terms[1] = stands;
  terms[2] = -1e-5 * tnd_sum_of_squared_torques(model, action);
  terms[3] = -0.1 * (fmax(0, state[RIGHT] / weight - 2) + fmax(0, state[LEFT] / weight - 2));
  return !stands;
}

extern const tendril_task tnd_walker;
const tendril_task tnd_walker = {
    .name = "walker",
    .summary = "two-legged walker in a plane that treads softly, as the TRPO paper has it",
    .source = "Schulman et al. 2015",
    .mjcf = "walker.xml",
    .physics_steps = 4,
    .max_steps = 1000,
    .nobs = NQ + NV,
    .nstate = NSTATE,
    .nterm = 4,
    .terms = {"forward", "alive", "control", "impact"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .before = before,
    .during = during,
    .evaluate = evaluate,
};

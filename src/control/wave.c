// A wave that runs along a body: each motor's joint follows a sine, a part of a period behind the
// joint before it. All there is to it is the time, so it has no memory.
#include "control/wave.h"

#include "base/alloc.h"
#include "control/ops.h"
#include "sim/sim.h"

#include <math.h>

#define X(...) TND_OPTION_ROW(tendril_wave_options, __VA_ARGS__)
static const tnd_option rows[] = {TENDRIL_WAVE_OPTIONS(X)};
#undef X
const tnd_option_table tnd_wave_options = TND_OPTION_TABLE(tendril_wave_options, rows);

void tendril_wave_defaults(tendril_wave_options *options) {
  tnd_options_default(&tnd_wave_options, options);
}

typedef struct wave_agent {
  tendril_agent base;
  tendril_wave_options options;
} wave_agent;

// Torque at a control of 1; 0: no torque motor on a hinge.
static double gear_of(const mjModel *m, int motor) {
  const bool torque =
      m->actuator_trntype[motor] == mjTRN_JOINT && m->actuator_dyntype[motor] == mjDYN_NONE &&
      m->actuator_gaintype[motor] == mjGAIN_FIXED && m->actuator_biastype[motor] == mjBIAS_NONE;
  if (!torque || m->jnt_type[m->actuator_trnid[2 * motor]] != mjJNT_HINGE) return 0;
  return m->actuator_gear[6 * motor] * m->actuator_gainprm[mjNGAIN * motor];
}

static tendril_status act(tendril_controller *controller, const tendril_env *env, int t,
                          const double *obs, double *action, tendril_error *err) {
  (void)obs, (void)err;
  const tendril_wave_options *o = &((const wave_agent *)controller->agent)->options;
  const mjModel *m = controller->model->mujoco;
  const double phase = 2 * mjPI * o->frequency * t * tendril_model_seconds(controller->model);
  for (int j = 0; j < m->nu; j++) {
    const int joint = m->actuator_trnid[2 * j], qpos = m->jnt_qposadr[joint];
    const double angle = env->data->qpos[qpos] - m->qpos0[qpos];
    const double rate = env->data->qvel[m->jnt_dofadr[joint]];
    const double target = o->amplitude * sin(phase - j * o->lag);
    action[j] = (o->kp * (target - angle) - o->kd * rate) / gear_of(m, j);
  }
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------- agent, set-up

static tendril_status check(const tendril_agent *agent, const tendril_model *model,
                            tendril_error *err) {
  (void)agent;
  const mjModel *m = model->mujoco;
  bool good = m->nu > 0 && !model->task->actuate;
  for (int j = 0; j < m->nu && good; j++)
    good = gear_of(m, j) != 0;
  if (good) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT,
                  "wave is for robots whose motors are all torque motors on hinges: %.100s has "
                  "others",
                  model->task->name);
}

static tendril_status create(const tendril_agent *agent, const tendril_model *model,
                             tendril_controller **out, tendril_error *err) {
  (void)agent, (void)model;
  *out = tnd_alloc(sizeof **out);
  return *out ? TENDRIL_OK : tnd_fail_memory(err);
}

static void destroy_controller(tendril_controller *controller) {
  tnd_free(controller);
}

static void destroy_agent(tendril_agent *agent) {
  tnd_free(agent);
}

static double cycle(const tendril_agent *agent) {
  return 1 / ((const wave_agent *)agent)->options.frequency;
}

static const tnd_agent_ops ops = {
    .name = "wave",
    .sees_state = true,
    .destroy = destroy_agent,
    .check = check,
    .create = create,
    .destroy_controller = destroy_controller,
    .act = act,
    .cycle = cycle,
};

tendril_status tendril_agent_wave_create(const tendril_wave_options *options, tendril_agent **out,
                                         tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(&tnd_wave_options, options, "wave", err));
  wave_agent *agent = tnd_alloc(sizeof *agent);
  if (!agent) return tnd_fail_memory(err);
  *agent = (wave_agent){.base = {&ops}, .options = *options};
  *out = &agent->base;
  return TENDRIL_OK;
}

// SIMBICON (Yin, Loken, van de Panne 2007, sec. 3): a state machine, targets for the joints, and a
// balance feedback on where the swing foot goes. Numbers in brackets are the steps of
// docs/methods/simbicon.md.
//
//   state   swing leg   until
//     0     right       lift_time is over
//     1     right       the right foot touches the ground, or land_time is over
//     2     left        lift_time is over
//     3     left        the left foot touches the ground, or land_time is over
#include "control/simbicon.h"

#include "base/alloc.h"
#include "control/biped.h"
#include "control/ops.h"
#include "sim/sim.h"

#define X(...) TND_OPTION_ROW(tendril_simbicon_options, __VA_ARGS__)
static const tnd_option rows[] = {TENDRIL_SIMBICON_OPTIONS(X)};
#undef X
const tnd_option_table tnd_simbicon_options = TND_OPTION_TABLE(tendril_simbicon_options, rows);

void tendril_simbicon_defaults(tendril_simbicon_options *options) {
  tnd_options_default(&tnd_simbicon_options, options);
}

typedef struct simbicon_agent {
  tendril_agent base;
  tendril_simbicon_options options;
} simbicon_agent;

typedef struct simbicon {
  tendril_controller base;
  tnd_biped biped;
  int state;  // 0 to 3
  int since;  // the control step that it began with
} simbicon;

enum { STATES = 4, MEMORY = 2 };

// What the states 0 and 2, and 1 and 3, draw the legs to.
typedef struct targets {
  double swing_hip, swing_knee, swing_ankle, stance_knee, stance_ankle, cd, cv;
} targets;

static targets targets_of(const tendril_simbicon_options *o, int state) {
  if (state % 2 == 0)
    return (targets){o->lift_swing_hip,   o->lift_swing_knee,   o->lift_swing_ankle,
                     o->lift_stance_knee, o->lift_stance_ankle, o->lift_cd,
                     o->lift_cv};
  return (targets){o->land_swing_hip,   o->land_swing_knee,   o->land_swing_ankle,
                   o->land_stance_knee, o->land_stance_ankle, o->land_cd,
                   o->land_cv};
}

static int swing_leg(int state) {
  return state < 2 ? TND_RIGHT : TND_LEFT;
}

static const tendril_simbicon_options *options_of(const simbicon *s) {
  return &((const simbicon_agent *)s->base.agent)->options;
}

// (1) The state at step t. It lasts one step at least, so asking again for a step changes nothing.
static void move_on(simbicon *s, const tendril_env *env, int t) {
  const tendril_simbicon_options *o = options_of(s);
  if (t <= s->since) return;
  const bool lift = s->state % 2 == 0;
  const double seconds = (t - s->since) * tendril_model_seconds(s->base.model);
  const bool over = seconds >= (lift ? o->lift_time : o->land_time);
  if (!over && (lift || !tnd_biped_touches(&s->biped, env->mujoco, env->data, swing_leg(s->state))))
    return;
  s->state = (s->state + 1) % STATES;
  s->since = t;
}

static double clip(double x, double limit) {
  return x > limit ? limit : x < -limit ? -limit : x;
}

static tendril_status act(tendril_controller *controller, const tendril_env *env, int t,
                          const double *obs, double *action, tendril_error *err) {
  (void)obs, (void)err;
  simbicon *s = (simbicon *)controller;
  const tendril_simbicon_options *o = options_of(s);
  const tnd_biped *b = &s->biped;
  double torque[2][3];

  // 1. the state, and who stands and who swings in it
  move_on(s, env, t);
  const int swing = swing_leg(s->state), stance = 1 - swing;
  const targets target = targets_of(o, s->state);
  tnd_biped_sight at;
  tnd_biped_see(b, env->data, &at);

  // 2. phi = target + cd d + cv v, the swing thigh's angle in the world
  const double d = at.hip[stance] - at.ankle[stance], v = at.hip_speed[stance];
  const double phi = target.swing_hip + target.cd * d + target.cv * v;

  // 3. swing hip: towards phi; a positive torque swings the leg back
  const double swing_hip = -o->kp_hip * (phi - at.thigh[swing] - o->kd * at.thigh_rate[swing]);

  // 4. stance hip: what holds the torso, less what the swing hip does to it
  const double torso = o->kp_torso * (o->torso - at.pitch - o->kd * at.pitch_rate);
  torque[swing][TND_HIP] = swing_hip;
  torque[stance][TND_HIP] = -torso - swing_hip;

  // 5. knees and ankles: towards their targets
  for (int i = 0; i < 2; i++) {
    const double knee = i == swing ? target.swing_knee : target.stance_knee;
    const double ankle = i == swing ? target.swing_ankle : target.stance_ankle;
    torque[i][TND_KNEE] =
        o->kp_knee * (knee - at.angle[i][TND_KNEE] - o->kd * at.rate[i][TND_KNEE]);
    torque[i][TND_ANKLE] =
        o->kp_ankle * (ankle - at.angle[i][TND_ANKLE] - o->kd_ankle * at.rate[i][TND_ANKLE]);
  }

  for (int i = 0; i < 2; i++)
    for (int k = 0; k < 3; k++)
      action[b->leg[i].motor[k]] = clip(torque[i][k], o->torque) / b->leg[i].gear[k];
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------- episodes, memory

static tendril_status begin(tendril_controller *controller, const tendril_env *env,
                            const double *obs, tendril_error *err) {
  (void)env, (void)obs, (void)err;
  simbicon *s = (simbicon *)controller;
  s->state = s->since = 0;
  return TENDRIL_OK;
}

static int size(const tendril_controller *controller) {
  (void)controller;
  return MEMORY;
}

static void save(const tendril_controller *controller, double *memory) {
  const simbicon *s = (const simbicon *)controller;
  memory[0] = s->state;
  memory[1] = s->since;
}

static void restore(tendril_controller *controller, const double *memory) {
  simbicon *s = (simbicon *)controller;
  s->state = (int)memory[0];
  s->since = (int)memory[1];
}

// ------------------------------------------------------------------------------- agent, set-up

static tendril_status check(const tendril_agent *agent, const tendril_model *model,
                            tendril_error *err) {
  (void)agent;
  tnd_biped biped;
  return tnd_biped_find(model, &biped, err);
}

static tendril_status create(const tendril_agent *agent, const tendril_model *model,
                             tendril_controller **out, tendril_error *err) {
  (void)agent;
  simbicon *s = tnd_alloc(sizeof *s);
  if (!s) return tnd_fail_memory(err);
  const tendril_status status = tnd_biped_find(model, &s->biped, err);
  if (status == TENDRIL_OK)
    *out = &s->base;
  else
    tnd_free(s);
  return status;
}

static void destroy_controller(tendril_controller *controller) {
  tnd_free(controller);
}

static void destroy_agent(tendril_agent *agent) {
  tnd_free(agent);
}

// Two steps that land at once.
static double cycle(const tendril_agent *agent) {
  return 2 * ((const simbicon_agent *)agent)->options.lift_time;
}

static const tnd_agent_ops ops = {
    .name = "simbicon",
    .sees_state = true,
    .destroy = destroy_agent,
    .check = check,
    .create = create,
    .destroy_controller = destroy_controller,
    .begin = begin,
    .act = act,
    .cycle = cycle,
    .size = size,
    .save = save,
    .restore = restore,
};

tendril_status tendril_agent_simbicon_create(const tendril_simbicon_options *options,
                                             tendril_agent **out, tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(&tnd_simbicon_options, options, "simbicon", err));
  simbicon_agent *agent = tnd_alloc(sizeof *agent);
  if (!agent) return tnd_fail_memory(err);
  *agent = (simbicon_agent){.base = {&ops}, .options = *options};
  *out = &agent->base;
  return TENDRIL_OK;
}

void tnd_simbicon_change(tendril_agent *agent, const tendril_simbicon_options *options) {
  ((simbicon_agent *)agent)->options = *options;
}

// What a model and an environment are made of.
#ifndef TND_SIM_H
#define TND_SIM_H

#include "base/alloc.h"
#include "base/options.h"

#include "sim/cost.h"
#include "sim/disturbance.h"
#include "sim/push.h"

#include <tendril/sim.h>

extern const tnd_option_table tnd_sim_options;

// The mjModel of a ground, 0 .. nground-1; without terrain the model's own.
const mjModel *tnd_model_ground(const tendril_model *model, int ground);
// E_ARGUMENT unless it has that one.
TENDRIL_MUST_CHECK tendril_status tnd_model_check_ground(const tendril_model *model, int ground,
                                                         tendril_error *err);

// What is wrong with a task's definition (not with its model), NULL if nothing is.
const char *tnd_task_flaw(const tendril_task *task);
// Whether two models of one task step alike: integrator, MuJoCo steps and their length.
bool tnd_model_same_physics(const tendril_model *a, const tendril_model *b);
// Takes the model's own arrays; its mjModel is there.
TENDRIL_MUST_CHECK tendril_status tnd_model_take_arrays(tendril_model *model, tendril_error *err);
// Takes `count` grounds of its mjModel, which changes no more; their heights are the caller's to
// fill.
TENDRIL_MUST_CHECK tendril_status tnd_model_take_grounds(tendril_model *model, int count,
                                                         tendril_error *err);
// Calls the task's callbacks once; E_CONFIG if one writes past its array.
TENDRIL_MUST_CHECK tendril_status tnd_task_rehearse(const tendril_model *model, tendril_error *err);

// The start state, [nq + nv], of an episode on that ground; NULL, and nothing drawn, if the model
// has none.
const double *tnd_model_draw_start(const tendril_model *model, int ground, tendril_random *random);

// out [nu] = action [nu] clipped as the model's options say; they may be one array.
void tnd_model_clip(const tendril_model *model, const double *action, double *out);

// MuJoCo step i of an episode, whoever steps: the task's motors make what they do of action [nu],
// which is in data->ctrl already, and the pushes act. Under guard; warnings are the caller's to
// see.
void tnd_model_step(const tendril_model *model, const mjModel *mujoco, const tnd_pushes *pushes,
                    int64_t i, const double *action, mjData *data);

struct tendril_model {
  const tendril_task *task;
  mjModel *mujoco;
  int physics_steps;                 // mj_step() calls per control step
  int max_steps;                     // time limit in control steps
  double seconds;                    // of a control step
  double start_qpos, start_qvel;     // standard deviations of the start's normal noise
  int nstart;                        // start states to choose from; 0: the task's own
  int nmotion;                       // that they are of, 1 or more
  double *starts;                    // [nstart][nq + nv] those; its own, NULL without
  tnd_disturbance_plan disturbance;  // pushes that episodes have by themselves
  int nphysics;                      // doubles of MuJoCo's part of a snapshot
  int nground;                       // grounds to choose from; 0 without terrain
  mjModel *grounds;                  // [nground] `mujoco` but for the terrain's heights
  float *heights;                    // [nground][nhfielddata] those
  tnd_arena arena;
  double *low, *high;  // [nu] actions are clipped to; infinite: not at all
  double *no_action;   // [nu] zeros
};

struct tendril_env;
// Another start state, straight after a reset. @return E_PHYSICS as tendril_env_reset()
TENDRIL_MUST_CHECK tendril_status tnd_env_place(struct tendril_env *env, const double *qpos,
                                                const double *qvel, double *obs,
                                                tendril_error *err);

struct tendril_env {
  const tendril_model *model;
  const mjModel *mujoco;  // the model's, or the one of its grounds that the episode is on
  int ground;             // which; 0 without terrain
  int next_ground;        // of the episodes to come; -1: each draws its own
  mjData *data;
  tendril_random random;
  int time;      // control steps since the episode's start
  bool over;     // nothing may follow but a reset or a restore
  bool wrecked;  // MuJoCo was left in mid-call: mj_resetData() before the next use
  tnd_pushes pushes;
  tnd_disturbance disturbance;
  tendril_env_stats stats;
  tnd_arena arena;
  tnd_reward_squares squares;  // without `evaluate`: what the step is paid by
  double *start;               // [nphysics] MuJoCo's state as mj_resetData() makes it
  double *state;               // [task->nstate] the task's own
  double *action;              // [nu] as applied
  double *obs;                 // [nobs] the last good observation
  double *change;              // [nv] zeros between calls
};

// From now on the environment is on that ground.
void tnd_env_enter_ground(tendril_env *env, int ground);

// A state that MuJoCo can go on from: qpos, qvel and act finite and below its own bound.
bool tnd_env_state_is_good(const tendril_env *env);
// Clears MuJoCo's warnings, and its whole state if an error had left it in mid-call.
void tnd_env_recover(tendril_env *env);

// Whether the header of a snapshot that comes from a file is one of a snapshot: what
// tendril_env_restore() takes for granted.
bool tnd_snapshot_is_good(const tendril_model *model, const double *snapshot);
// qpos [nq] in a snapshot, qvel [nv] right behind it.
const double *tnd_snapshot_qpos(const double *snapshot);

#endif

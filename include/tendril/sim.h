/**
 * @file sim.h
 * Simulation: the task that a user writes, the model compiled for it, the environment that steps
 * it, and the snapshot from which a branch continues bit for bit.
 *
 * Units are SI, angles in radians. A *step* is one control step: one action held for
 * `physics_steps` steps of MuJoCo.
 */
#ifndef TENDRIL_SIM_H
#define TENDRIL_SIM_H

#include <mujoco/mujoco.h>
#include <tendril/base.h>
#include <tendril/disturbance.h>
#include <tendril/options.h>
#include <tendril/random.h>
#include <tendril/terrain.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TENDRIL_MAX_TERMS 8
#define TENDRIL_MAX_RESIDUALS 64

/**
 * A term of a task's cost, w |r|^2 of some of its residuals. The states of an episode of T steps
 * are x_0 to x_T; the last, after the last action, has no action of its own (u = 0).
 */
typedef struct tendril_cost_term {
  const char *name;  // "speed"
  int n;             // residuals
  double weight;     // w, at least 0
  int last;          // in the last so many states only; 0: in all
  bool final;        // x_T is one of them
} tendril_cost_term;

/**
 * A task: which model, what is observed, what is rewarded, when it ends. One C file defines one, as
 * a constant; docs/guide/add-a-task.md has a checklist. The callbacks touch nothing but their
 * arguments, allocate nothing and draw random numbers from `random` only.
 */
typedef struct tendril_task {
  const char *name;     // as on the command line, "hopper-v4"
  const char *summary;  // one line for `tendril list`
  const char *source;   // where rewards and numbers come from
  const char *mjcf;     // model file: in models/, for a plugin beside its .so
  int physics_steps;    // MuJoCo steps per control step
  int max_steps;        // time limit of an episode in control steps
  int nobs;             // length of an observation
  int nstate;           // doubles of the task's own state, saved in snapshots; may be 0
  int nterm;            // reward terms, at most TENDRIL_MAX_TERMS; the reward is their sum
  const char *terms[TENDRIL_MAX_TERMS];  // their names

  /** Names and sizes that the callbacks rely on; called once per model. May be NULL. */
  tendril_status (*check)(const mjModel *model, tendril_error *err);
  /** Start state into qpos and qvel (given as the model's qpos0 and zeros) and state [nstate]
   * (zeros). */
  void (*reset)(const mjModel *model, mjData *data, double *state, tendril_random *random);
  /**
   * obs [nobs] filled from qpos, qvel, act, time and state only: what MuJoCo derives from them
   * (xpos, sensordata, ...) is half a physics step old after a step and unknown after a restore.
   */
  void (*observe)(const mjModel *model, const mjData *data, const double *state, double *obs);
  /** Before the physics of a step: what `evaluate` will compare with goes into state. May be NULL.
   */
  void (*before)(const mjModel *model, const mjData *data, double *state);
  /**
   * Before each of the step's MuJoCo steps: what the motors do in it. ctrl [nu] is given as the
   * action (clipped as the options say) and may be overwritten; MuJoCo clamps it to ctrlrange after
   * that. It looks at qpos, qvel, act and time only and remembers nothing, so that branches, plans
   * and recordings see the same motors. Rewards and costs are those of the action, not of ctrl.
   * NULL: motors do the action.
   */
  void (*actuate)(const mjModel *model, const mjData *data, double *ctrl);
  /**
   * After each of the step's MuJoCo steps: what happens between two control steps (the hardest
   * impact, the work done) is gathered in state, for `evaluate`. Besides qpos, qvel, act and time
   * it may look at what that MuJoCo step computed: contacts, their forces, actuator_force. Under
   * Euler and implicit these are what moved the state just now, under RK4 the last of four stages.
   * Not called after a MuJoCo step that warned: the control step is void then. May be NULL.
   */
  void (*during)(const mjModel *model, const mjData *data, double *state);
  /**
   * After the physics of a step of `seconds`: terms [nterm] filled, true if the task ended.
   * @param action  [nu] as applied, or as `actuate` was given it
   * NULL with a cost: the reward of step t is then -l_t(x_t, u_t), of the last one also -l_T(x_T),
   * its terms are those of the cost, and no state ends the episode.
   */
  bool (*evaluate)(const mjModel *model, const mjData *data, double *state, const double *action,
                   double seconds, double *terms);

  /**
   * A smooth cost for trajectory optimisation, l_t(x, u) = sum_k w_k |r_k(x, u)|^2, x = (qpos,
   * qvel). residuals() fills r [nr], the terms' residuals one after the other, and, if rx is not
   * NULL, rx [nr][2 nv] and ru [nr][nu], their derivatives (given as zeros), those in qpos by a
   * change of qpos as mj_integratePos() makes it. A function of its arguments alone.
   */
  int ncost;  // terms, at most TENDRIL_MAX_TERMS; 0: the task has no cost
  tendril_cost_term cost[TENDRIL_MAX_TERMS];
  void (*residuals)(const mjModel *model, const double *qpos, const double *qvel,
                    const double *action, double *r, double *rx, double *ru);

  /**
   * Is the robot where the task wants it? An episode succeeds if it lasts to its time limit and the
   * goal holds in each of its last goal_last states. A function of its arguments alone; it changes
   * nothing that is paid. NULL: the task has no goal.
   */
  bool (*goal)(const mjModel *model, const double *qpos, const double *qvel);
  int goal_last;  // states after a step, 1 to max_steps; without a goal 0
} tendril_task;

/** Index into the names of the option `integrator`. */
typedef enum tendril_integrator {
  TENDRIL_INTEGRATOR_TASK,
  TENDRIL_INTEGRATOR_EULER,
  TENDRIL_INTEGRATOR_RK4,
  TENDRIL_INTEGRATOR_IMPLICIT,
} tendril_integrator;

// clang-format off
#define TENDRIL_SIM_OPTIONS(X)                                                                     \
  X(choice,  integrator,    "task", "task euler rk4 implicit", 0, "", "integrator; task: the model file's own") \
  X(integer, physics_steps, 0,      0, 1000,    "",      "MuJoCo steps per control step, the control step's length kept; 0: the task's own") \
  X(integer, max_steps,     0,      0, 1000000, "steps", "time limit of an episode; 0: the task's own") \
  X(real,    step_seconds,  0,      0, 10,      "s",     "length of a control step, in as many MuJoCo steps as before; 0: the task's own") \
  X(real,    limit,         0,      0, 1e9,     "",      "every actuator's range is from minus this to this; 0: the task's own ranges") \
  X(real,    start_qpos,    0,      0, 10,      "m, rad", "standard deviation of normal noise on the start's positions, beside the task's own") \
  X(real,    start_qvel,    0,      0, 100,     "m/s, rad/s", "the same of its velocities") \
  X(flag,    clip_actions,  true,   0, 0,       "",      "clip actions to the actuators' range before they are applied and rewarded")
// clang-format on

typedef struct tendril_sim_options {
  TENDRIL_SIM_OPTIONS(TENDRIL_OPTION_FIELD)
  tendril_terrain_options terrain;   // sections of their own: `--set terrain.kind=slopes`,
  tendril_disturbance_options push;  // `--set push.newtons=200`
} tendril_sim_options;

/** The defaults of the table above and of those of terrain.h and disturbance.h. */
TENDRIL_API void tendril_sim_defaults(tendril_sim_options *options);

/** A task's model, compiled; read-only (but for tendril_model_set_starts()) and shared by all
 * environments and threads. */
typedef struct tendril_model tendril_model;

/**
 * @param task     borrowed for the model's life
 * @param path     MJCF file
 * @param options  copied; NULL for the defaults
 * @param out      owned by the caller, tendril_model_destroy()
 * @return E_IO, E_FORMAT (malformed MJCF, its line named; no model for the task), E_PHYSICS, or
 * what the task's own check says
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_model_create(const tendril_task *task, const char *path, const tendril_sim_options *options,
                     tendril_model **out, tendril_error *err);
TENDRIL_API void tendril_model_destroy(tendril_model *model);

/**
 * Start states along one motion or several: from the next reset on each episode begins with qpos
 * and qvel of one of them in the place of the task's own; the noise of start_qpos and start_qvel is
 * put on it. Motion i is on ground i, modulo how many there are; an episode takes the motions of
 * its ground in turn, by the numbers of its random stream, and a state of that one drawn evenly by
 * it. All else is as the task's reset leaves it: act, and the task's own state. On uneven ground,
 * too, heights in qpos are the world's. Start states along a motion let a learner see all of it
 * from the first episode on. Of a model's environments none may be in a reset meanwhile. Without
 * start states no number is drawn and no bit of any episode differs.
 * @param motions  1 or more
 * @param count    states of each; 0: back to the task's own start
 * @param x        [motions][count][nq + nv] copied, qpos and qvel of each; NULL will do for none
 * @return E_ARGUMENT (count negative, no motion), E_NUMERIC (a number not finite), E_MEMORY; the
 *         model is then as it was
 * Source: Peng et al. 2018, DeepMimic, sec. 6.1, "reference state initialization".
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_model_set_starts(tendril_model *model,
                                                                       int motions, int count,
                                                                       const double *x,
                                                                       tendril_error *err);
/**
 * @param count  filled, of all motions
 * @return [count][nq + nv] the model's, until they are set anew; NULL with count 0: the task's own
 */
TENDRIL_API const double *tendril_model_get_starts(const tendril_model *model, int *count);

#define TENDRIL_MAX_BODY_MASSES 8

/** How a model differs from the one that it is made from. */
typedef struct tendril_variation {
  double mass;      // factor on the mass and inertia of every body
  double friction;  // factor on the sliding friction of every geom and pair
  double motor;     // factor on the gear of every actuator
  double floor;     // sliding friction of the world's geoms; negative: as it is
  int nbody;        // bodies of a mass of their own, their inertia in proportion
  struct tendril_body_mass {
    char name[64];
    double kg;
  } body[TENDRIL_MAX_BODY_MASSES];
} tendril_variation;

/** Nothing differs. */
TENDRIL_API void tendril_variation_defaults(tendril_variation *variation);

/**
 * A copy of a compiled model with other masses, frictions and motors; no file is read. What MuJoCo
 * derives from them is computed anew. A variation in which nothing differs steps to the same bits.
 * Grounds and start states are the base's, as they are now. A contact's friction is the larger of
 * its two geoms' (unless one has priority), so a floor below the feet's changes nothing.
 * @param out  owned by the caller; base need not outlive it, its task must
 * @return E_ARGUMENT (a number not finite or not positive), E_UNKNOWN (no such body), E_PHYSICS
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_model_vary(const tendril_model *base,
                                                                 const tendril_variation *variation,
                                                                 tendril_model **out,
                                                                 tendril_error *err);

TENDRIL_API const tendril_task *tendril_model_task(const tendril_model *model);
/** Its terrain, if it has one, is that of the first seed. */
TENDRIL_API const mjModel *tendril_model_mujoco(const tendril_model *model);
TENDRIL_API int tendril_model_nobs(const tendril_model *model);
TENDRIL_API int tendril_model_nact(const tendril_model *model);
TENDRIL_API int tendril_model_max_steps(const tendril_model *model);
/** How many grounds its environments choose from, the option terrain.seeds; 1 without terrain. */
TENDRIL_API int tendril_model_grounds(const tendril_model *model);
/** Name of the integrator, as the option `integrator` has it. */
TENDRIL_API const char *tendril_model_integrator(const tendril_model *model);
/** The pushes that its episodes have by themselves, the section `push`; NULL: none. */
TENDRIL_API const tendril_disturbance_options *
tendril_model_disturbance(const tendril_model *model);
/** MuJoCo steps per control step and seconds per control step. */
TENDRIL_API int tendril_model_physics_steps(const tendril_model *model);
TENDRIL_API double tendril_model_seconds(const tendril_model *model);

/** One environment: an mjData, a time limit and one random stream. One thread at a time. */
typedef struct tendril_env tendril_env;

/** What a step returned. */
typedef struct tendril_step {
  double reward;  // sum of the terms
  double terms[TENDRIL_MAX_TERMS];
  bool terminated;  // the task ended (a fall); the value of what follows is 0
  bool truncated;   // the time limit ran out; what follows still has a value, unless the task ended
                    // on the same step: then both are set and `terminated` decides
  bool diverged;    // MuJoCo found an unstable state, NaN or a full buffer: the step is void, its
                    // reward 0, its observation the last good one; the episode is over
} tendril_step;

#define TENDRIL_MAX_PUSHES 4

/** A push: a constant force on the centre of mass of a body for a while. */
typedef struct tendril_push {
  double newtons;
  double time;          // s from the start of the episode
  double seconds;       // how long it lasts; at least one step of MuJoCo is pushed
  double direction[3];  // in the world, of length 1
  char body[64];        // "": the model's first body, the torso of all our robots
} tendril_push;

/** Forces at a time: those pushes, and one that the simulation makes by itself. */
#define TENDRIL_MAX_FORCES (TENDRIL_MAX_PUSHES + 1)

/** A force that acts on a body. */
typedef struct tendril_force {
  int body;         // of the mjModel
  double force[3];  // N, in the world
} tendril_force;

/** Counts since the environment was created. */
typedef struct tendril_env_stats {
  int64_t steps;           // control steps
  int64_t diverged;        // episodes cut because the simulation diverged
  double physics_seconds;  // wall seconds inside mj_step, and in the task's `during`
} tendril_env_stats;

/** @param model borrowed for the environment's life */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_env_create(const tendril_model *model,
                                                                 tendril_env **out,
                                                                 tendril_error *err);
TENDRIL_API void tendril_env_destroy(tendril_env *env);

/**
 * Starts an episode.
 * @param random  start of the episode's stream, copied
 * @param obs     [nobs] filled
 * @return E_PHYSICS if the start state is already unstable: the reset has to be tried again
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_env_reset(tendril_env *env,
                                                                const tendril_random *random,
                                                                double *obs, tendril_error *err);

/**
 * One control step. After terminated, truncated or diverged only a reset or a restore may follow.
 * @param action  [nact] borrowed
 * @param obs     [nobs] filled with the observation after the step
 * @return E_NUMERIC if an action is not finite (nothing is stepped), E_PHYSICS if MuJoCo gave up
 * (the episode is over, obs is the last good one), E_ARGUMENT if the episode was over already
 * Allocates nothing.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_env_step(tendril_env *env,
                                                               const double *action, double *obs,
                                                               tendril_step *out,
                                                               tendril_error *err);

/**
 * A push from its text NEWTONS@TIME[,SECONDS[,DIRECTION[,BODY]]]: "80@3", "80@3,0.2,back,torso".
 * Without SECONDS 0.1 s, without DIRECTION forward, without BODY the first body. DIRECTION is
 * forward (+x), back, left (+y), right, up (+z), down, or a vector X:Y:Z of any length but 0.
 * @return E_CONFIG, naming what is wrong
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_push_parse(const char *text,
                                                                 tendril_push *out,
                                                                 tendril_error *err);

/**
 * Adds a push to the episode; the reset of the next one forgets it. Several that act on a body add
 * up. Pushes are part of the snapshot: a branch from a state under a push goes on under it. Those
 * that the simulation makes by itself (disturbance.h) come beside them.
 * @return E_UNKNOWN if the model has no such body; E_ARGUMENT if TENDRIL_MAX_PUSHES are acting or
 * to come, if a number is not finite or negative, or if the push were over already
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_env_push(tendril_env *env,
                                                               const tendril_push *push,
                                                               tendril_error *err);
/** The forces of the pushes that act when the next step begins; returns how many. */
TENDRIL_API int tendril_env_get_pushes(const tendril_env *env,
                                       tendril_force forces[TENDRIL_MAX_FORCES]);

/**
 * Which of the model's grounds the episodes to come are on, from the next reset on: ground i is
 * that of seed terrain.seed + i, to the bit what a model made for that seed has. Nothing is
 * compiled. -1, as at the start: each episode draws one by its random stream.
 * @return E_ARGUMENT if the model has no such ground
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_env_set_ground(tendril_env *env, int ground,
                                                                     tendril_error *err);
/** The ground of the episode that runs. */
TENDRIL_API int tendril_env_ground(const tendril_env *env);
/** The model as the episode has it: with that ground. */
TENDRIL_API const mjModel *tendril_env_mujoco(const tendril_env *env);

/** Control steps since the episode's start. */
TENDRIL_API int tendril_env_time(const tendril_env *env);
/** The environment's own mjData, for drawing and tests; changing it changes the episode. */
TENDRIL_API mjData *tendril_env_data(tendril_env *env);
TENDRIL_API const tendril_env_stats *tendril_env_get_stats(const tendril_env *env);

/**
 * A snapshot holds all that MuJoCo's next step depends on (time, qpos, qvel, act, warm start,
 * mocap, user data, controls, applied forces), the pushes, those to come and the stride that times
 * them, the task's state and the random stream.
 * Any environment of the same model continues from it bit for bit as the original did.
 */
TENDRIL_API int tendril_snapshot_size(const tendril_model *model);
/** @param snapshot [tendril_snapshot_size()] doubles, filled */
TENDRIL_API void tendril_env_save(const tendril_env *env, double *snapshot);
/**
 * @param snapshot [tendril_snapshot_size()] doubles, borrowed
 * @param obs      [nobs] filled, may be NULL
 * What MuJoCo derives from the state (xpos, contacts, ...) is stale until the next step. For
 * drawing, mj_kinematics() brings the poses up to date and harms nothing; mj_forward() changes the
 * warm start, and with it the bits of what follows.
 */
TENDRIL_API void tendril_env_restore(tendril_env *env, const double *snapshot, double *obs);

/** Version of the MuJoCo library in use, "2.2.2". */
TENDRIL_API const char *tendril_mujoco_version(void);

#ifdef __cplusplus
}
#endif

#endif

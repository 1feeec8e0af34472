/**
 * @file eval.h
 * How good is an agent: returns over many episodes with their spread, pushes that it gets
 * over, models that differ from its own, grounds, noise.
 */
#ifndef TENDRIL_EVAL_H
#define TENDRIL_EVAL_H

#include <tendril/control.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A sample of numbers, summed up. */
typedef struct tendril_summary {
  int n;
  double mean, sd;  // sd with n - 1; 0 for n = 1
  double median, min, max;
  double low, high;  // 95 % bootstrap interval of the mean (percentile, 10000 resamples)
} tendril_summary;

/** values [n] borrowed, n >= 1; the bootstrap is keyed by seed. @return E_ARGUMENT, E_MEMORY */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_summarise(const double *values, int n,
                                                                uint64_t seed, tendril_summary *out,
                                                                tendril_error *err);

typedef struct tendril_eval_options {
  int episodes;     // at least 1
  uint64_t seed;    // of the start states and the noise
  uint32_t series;  // another series of start states under the same seed; 0 for `tendril eval`
} tendril_eval_options;

typedef struct tendril_eval_result {
  tendril_summary returns;              // undiscounted
  tendril_summary lengths;              // control steps
  int terminated, truncated, diverged;  // how the episodes ended
  int succeeded;                        // of `truncated`, those that reached the task's goal; -1:
                                        // it has none
  int64_t steps;                        // control steps simulated
  double terms[TENDRIL_MAX_TERMS];      // mean of each reward term per episode
} tendril_eval_result;

/**
 * Episode i starts from the stream (seed, series, i): any number of threads, the same episodes.
 * @param returns  [episodes] filled with each episode's return, or NULL
 * @return E_PHYSICS, E_NUMERIC (actions not finite), E_ARGUMENT (no episodes, an agent for another
 *         task), and what the agent itself fails with
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_evaluate(const tendril_model *model,
                                                               const tendril_agent *agent,
                                                               tendril_pool *pool,
                                                               const tendril_eval_options *options,
                                                               tendril_eval_result *result,
                                                               double *returns, tendril_error *err);

/** A grid of pushes: newtons x directions x gait phases, several replicas in each cell. */
typedef struct tendril_push_options {
  const double *newtons;  // [nnewton] borrowed, rising, 0 or more
  int nnewton;
  const tendril_push *directions;  // [ndirection] borrowed; direction and body of each are used
  int ndirection;
  int phases;         // of the gait, evenly over one period
  int replicas;       // of each cell: episodes 0, 1, ... of the seed
  double seconds;     // that a push lasts
  double settle;      // s before the gait counts as settled; the first push comes after that
  double watch;       // s from there on in which the gait's period and speed are measured
  double period;      // s, 0.001 or more; 0: the gait's own
  double recover;     // s from a push's end in which the robot must get up and move again
  double share;       // of its replicas that have to recover for a cell to pass
  double min_height;  // upright: the first body at this share of its unpushed mean height or more;
                      // of one below the ground, no further down than by the rest of its depth
  double max_tilt;    // rad; upright: its z axis at most this far from its unpushed mean
  double min_speed;   // moving: at this share of the unpushed speed or more
  uint64_t seed;
  /** From the calling thread, now and then: rollouts done, of how many. May be NULL. */
  void (*progress)(void *user, int64_t done, int64_t total);
  void *user;
} tendril_push_options;

/** 8 phases, 5 replicas, 0.1 s pushes, 3 s to settle, 3 to watch, 2 to recover, 4 of 5, 0.6 of the
 * height, 1 rad, half the speed; no newtons and directions. */
TENDRIL_API void tendril_push_defaults(tendril_push_options *options);

/** What became of the pushes. Cells are [direction][phase][newton]. */
typedef struct tendril_push_result {
  int ndirection, nphase, nnewton, replicas;
  const double *newtons;        // [nnewton]
  int *recovered;               // [cells] replicas that were up and moving in the end
  int *fallen;                  // [cells] of the others, those that fell; the rest stands still
  double *threshold;            // [direction][phase] largest push of those up to which all pass
  double *direction_threshold;  // [direction] the smallest over its phases; 0: not even the first
  int *calm;                    // [phase] replicas that recover from no push at all
  int settled;                  // replicas that got through the time before the pushes
  double seconds;               // that a push lasted, in whole MuJoCo steps
  double period;                // s, of the gait; where none was found that of the options, or 1
  double strength;              // autocorrelation at the period; 0: no gait was found
  char joint[64];               // whose peak is phase 0
  double mass;                  // kg, of the robot that is pushed
  double height, speed;         // of the first body, unpushed: m, m/s along its way
  int64_t rollouts, steps;      // pushed rollouts; control steps simulated
} tendril_push_result;

/**
 * How large a push does an agent get over? Each replica is played unpushed, for its gait; then each
 * cell goes on from the replica's state at its phase under its push. A replica has recovered if
 * `recover` seconds after the push the episode has not ended and if, over the last half of that
 * time, the robot was upright throughout and moved along the unpushed way fast enough (robots of
 * less than 0.05 m/s need not move). Unpushed replicas whose episode ends before the pushes, or
 * whose first body sinks to less than min_height of where it began, have recovered from none. The
 * same on any number of threads.
 * @param out  owned by the caller, tendril_push_result_destroy()
 * @return E_ARGUMENT (an empty or falling grid, numbers out of range, an agent for another task, a
 *         model that makes pushes by itself, a grid that outlasts the task's time limit, no replica
 * that gets through the time before the pushes), E_UNKNOWN (no such body), E_PHYSICS, E_MEMORY
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_push_evaluate(
    const tendril_model *model, const tendril_agent *agent, tendril_pool *pool,
    const tendril_push_options *options, tendril_push_result **out, tendril_error *err);
TENDRIL_API void tendril_push_result_destroy(tendril_push_result *result);
/** Change of the robot's velocity by a push of so many newtons, were it free, in m/s. */
TENDRIL_API double tendril_push_velocity(const tendril_push_result *result, double newtons);
/** The smallest of the directions' thresholds, in newtons. */
TENDRIL_API double tendril_push_threshold(const tendril_push_result *result);

/** What an axis of a box changes. */
typedef enum tendril_axis_kind {
  TENDRIL_VARY_MASS,      // factor on all masses and inertias
  TENDRIL_VARY_BODY,      // mass of one body in kg, its inertia in proportion
  TENDRIL_VARY_FRICTION,  // factor on the sliding friction of all geoms
  TENDRIL_VARY_FLOOR,     // sliding friction of the floor
  TENDRIL_VARY_MOTOR,     // factor on all motors' gears
  TENDRIL_VARY_LATENCY,   // control steps by which actions are late, whole; zeros come before them
  TENDRIL_VARY_NOISE,     // normal noise on each observation, in shares of its own deviation
} tendril_axis_kind;

typedef struct tendril_axis {
  tendril_axis_kind kind;
  char body[64];     // of TENDRIL_VARY_BODY
  double low, high;  // low <= high
} tendril_axis;

enum { TENDRIL_MAX_AXES = 10 };

/**
 * An axis from its text NAME=LOW:HIGH or NAME=VALUE; NAME is mass, mass.BODY, friction, floor,
 * motor, latency or noise. @return E_CONFIG, E_UNKNOWN, naming what is wrong
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_axis_parse(const char *text,
                                                                 tendril_axis *out,
                                                                 tendril_error *err);
/** The axis' name in text [80], "mass.torso". */
TENDRIL_API const char *tendril_axis_name(const tendril_axis *axis, char text[80]);

/**
 * A box by name: "rrls" (torso and thigh mass, floor friction, for the hoppers and the walkers but
 * walker-gps) or "general" (mass, friction, motor, latency, noise). NULL: rrls where there is one.
 * Source: Zouitine et al. 2024, RRLS: Robust Reinforcement Learning Suite, arXiv 2406.08406, its
 * boxes of three dimensions.
 * @param axes  [TENDRIL_MAX_AXES] filled
 * @return E_UNKNOWN for another name, E_ARGUMENT for a task that the box is not for
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_box_find(const tendril_model *model,
                                                               const char *name, tendril_axis *axes,
                                                               int *naxis, tendril_error *err);

typedef struct tendril_robust_options {
  const tendril_axis *axes;  // [naxis] borrowed
  int naxis;                 // 1 to TENDRIL_MAX_AXES
  int samples;               // models drawn evenly from the box
  int episodes;              // with each model, the same start states for all
  uint64_t seed;
  void (*progress)(void *user, int64_t done, int64_t total);  // as in tendril_push_options
  void *user;
} tendril_robust_options;

/** A model of the box: unvaried, a corner or drawn. */
typedef struct tendril_robust_point {
  double values[TENDRIL_MAX_AXES];  // of the axes; NaN for the unvaried one
  tendril_summary returns;          // over its episodes
  double length;                    // mean, control steps
  int terminated, truncated, diverged;
} tendril_robust_point;

typedef struct tendril_robust_result {
  int naxis, ncorner, nsample;         // corners: all of the box's, each once
  const tendril_robust_point *points;  // [1 + ncorner + nsample] unvaried, corners, drawn
  tendril_summary mean;                // of the drawn models' mean returns; n = 0 without any
  int worst;                           // the point with the smallest mean return
  tendril_summary again;  // returns of the worst point in as many new episodes: choosing the
                          // smallest of many means favours bad luck, this does not
  int64_t steps;          // control steps simulated
} tendril_robust_result;

/**
 * How does an agent do on models that differ from its own? Point 0 is what tendril_evaluate() says.
 * The same on any number of threads.
 * @param out  owned by the caller, tendril_robust_result_destroy()
 * @return E_ARGUMENT (an empty box, ranges that make no sense, noise for an agent that looks at the
 *         state), E_UNKNOWN (no such body), E_PHYSICS, E_MEMORY
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_robust_evaluate(
    const tendril_model *model, const tendril_agent *agent, tendril_pool *pool,
    const tendril_robust_options *options, tendril_robust_result **out, tendril_error *err);
TENDRIL_API void tendril_robust_result_destroy(tendril_robust_result *result);

typedef struct tendril_grounds_options {
  double
      min_height;  // fallen: the first body above the ground at less than this share of its start
  uint64_t seed;   // of the start states and the noise
} tendril_grounds_options;

/** Half the height, seed 1. */
TENDRIL_API void tendril_grounds_defaults(tendril_grounds_options *options);

/** Episodes on the grounds of a model, up to a fall or their end. */
typedef struct tendril_grounds_result {
  tendril_summary distance;  // m along x
  tendril_summary seconds;   // until the fall or the end
  tendril_summary cost;      // less the reward, per control step
  int upright;               // episodes without a fall
  int diverged;              // of the others, those that the simulation cut
  int met;                   // episodes that came over ground that is not level
  int64_t steps;             // control steps simulated
} tendril_grounds_result;

/**
 * How does an agent do on each of a model's grounds (the options `terrain`)? Episode i is on ground
 * i and starts as episode i of tendril_evaluate(). A fall is what ends the task's episode, or a
 * first body too low. The same on any number of threads.
 * @param distances  [tendril_model_grounds()] filled with each ground's distance, or NULL
 * @return E_ARGUMENT (options out of range), and what tendril_evaluate() may fail with
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_grounds_evaluate(const tendril_model *model, const tendril_agent *agent, tendril_pool *pool,
                         const tendril_grounds_options *options, tendril_grounds_result *result,
                         double *distances, tendril_error *err);

/**
 * The 95 % Wilson interval of a share, k of n; n > 0, 0 <= k <= n. low and high filled, from 0
 * to 1. Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
 */
TENDRIL_API void tendril_share_interval(int k, int n, double *low, double *high);

/** A grid of noise: on the start x on the actions. */
typedef struct tendril_noise_options {
  const double *starts;  // [nstart] borrowed, 0 to 10: standard deviations on the start's
                         // positions, m and rad
  int nstart;
  const double *torques;  // [ntorque] borrowed, 0 or more: of white noise on the actions, in their
                          // own units, N m for motors of gear 1
  int ntorque;
  double velocity;  // the start's velocities have so many times its positions' deviation, in m/s
                    // and rad/s
  const double *state;  // [nq + nv] borrowed, qpos and qvel before that noise, of every rollout;
                        // NULL: rollout i starts as episode i of tendril_evaluate() under the seed
  int rollouts;         // of each cell
  double seconds;       // to survive, rounded up to whole control steps
  double min_height;    // fallen: as in tendril_grounds_options
  uint64_t seed;
  void (*progress)(void *user, int64_t done, int64_t total);  // as in tendril_push_options
  void *user;
} tendril_noise_options;

/** Velocities as positions, the task's starts, 20 rollouts, 2 s, half the height, seed 1; no
 * deviations. */
TENDRIL_API void tendril_noise_defaults(tendril_noise_options *options);

/** The rollouts under one pair of deviations. */
typedef struct tendril_noise_cell {
  double start, torque;     // the deviations
  int survived;             // rollouts
  int diverged;             // of the others, those that the simulation cut; the rest fell
  double share, low, high;  // of the rollouts that survived, with its 95 % Wilson interval
  tendril_summary cost;     // less the reward, per control step up to a fall or the end; of the
                            // rollouts with a step at all, n = 0 without any
  tendril_summary seconds;  // up to a fall or the end
} tendril_noise_cell;

typedef struct tendril_noise_result {
  int nstart, ntorque, rollouts;
  double seconds;                   // that had to be survived, in whole control steps
  const tendril_noise_cell *cells;  // [nstart][ntorque]
  int64_t steps;                    // control steps simulated
} tendril_noise_result;

/**
 * Does an agent stay up for a while under noise? To the state after the reset comes normal noise,
 * to the agent's action of every control step, too, before it is clipped to the actuators' range.
 * Every cell has the same standard normals, scaled by its deviations. A fall is what ends the
 * task's episode, or a first body too low, as in tendril_grounds_evaluate(). The same on any number
 * of threads.
 * @param out  owned by the caller, tendril_noise_result_destroy()
 * @return E_ARGUMENT (an empty grid, numbers out of range, more seconds than an episode has, an
 *         agent for another task), E_PHYSICS (a start that is unstable without noise), E_MEMORY
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_noise_evaluate(
    const tendril_model *model, const tendril_agent *agent, tendril_pool *pool,
    const tendril_noise_options *options, tendril_noise_result **out, tendril_error *err);
TENDRIL_API void tendril_noise_result_destroy(tendril_noise_result *result);

#ifdef __cplusplus
}
#endif

#endif

/**
 * @file optimize.h
 * Trajectory optimisation with all that is around it: configuration, folder, files. trajopt.h has
 * the method itself.
 */
#ifndef TENDRIL_OPTIMIZE_H
#define TENDRIL_OPTIMIZE_H

#include <signal.h>
#include <tendril/control.h>
#include <tendril/tasks.h>
#include <tendril/trajopt.h>

#ifdef __cplusplus
extern "C" {
#endif

// clang-format off
#define TENDRIL_OPTIMIZE_OPTIONS(X)                                                                \
  X(integer, seed, 1, 0, 9007199254740991, "", "of the start state: the one of episode 0 of `tendril eval` under this seed") \
  X(integer, lead, 0,  0, 100000, "steps", "that who acts first goes before the trajectory begins: it starts in the course of a gait") \
  X(integer, tries, 1, 1, 1000,   "",      "from other controls, if the cost isn't down to `enough`; the best counts") \
  X(real,    enough, 0, 0, 1e300, "",      "cost that needs no further try") \
  X(real,    nudge, 0.1, 0, 1,    "",      "of a further try: standard deviation of normal noise on the first controls, as a share of half the actuators' range")
// clang-format on

typedef struct tendril_optimize_options {
  TENDRIL_OPTIMIZE_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_optimize_options;

/**
 * What is optimised: a task, and options in the sections optimize, sim, terrain, push and
 * ilqg. The horizon is sim.max_steps.
 */
typedef struct tendril_optimization tendril_optimization;

/**
 * The defaults for a task.
 * @return E_UNKNOWN for a task that does not exist
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_optimization_create(
    const tendril_tasks *tasks, const char *task, tendril_optimization **out, tendril_error *err);
TENDRIL_API void tendril_optimization_destroy(tendril_optimization *optimization);
/** One option: `key` "ilqg.iterations", `text` "50". */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_optimization_set(
    tendril_optimization *optimization, const char *key, const char *text, tendril_error *err);
/** Options of a JSON file over those that are set; unchanged after an error. */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_optimization_read(tendril_optimization *optimization, const char *path, tendril_error *err);

TENDRIL_API const tendril_ilqg_options *
tendril_optimization_ilqg(const tendril_optimization *optimization);
/** The horizon in control steps. */
TENDRIL_API int tendril_optimization_steps(const tendril_optimization *optimization);

/** What one term of the cost came to. */
typedef struct tendril_optimized_term {
  double sum;   // over the trajectory
  double last;  // largest residual |r| in the last state
} tendril_optimized_term;

/** How an optimisation ended. */
typedef struct tendril_optimized {
  bool converged;        // else it was stopped, or out of iterations
  int64_t iterations;    // done, of all tries
  int64_t tries;         // made
  double first_cost;     // of the controls that it started from
  double cost;           // of the trajectory: the sum over its steps
  double cost_per_step;  // that by the horizon
  double seconds, cpu_seconds;
  tendril_optimized_term terms[TENDRIL_MAX_TERMS];
} tendril_optimized;

/** Called in the thread that optimises. */
typedef struct tendril_optimize_hooks {
  const volatile sig_atomic_t *stop;  // not 0: finish the iteration and end; NULL: nobody asks
  void (*progress)(void *user, int64_t iteration, const tendril_ilqg_stats *stats);
  void *user;
} tendril_optimize_hooks;

/**
 * Optimises into a new folder: config.json, progress.csv, trajectory.safetensors. The trajectory
 * depends on the optimisation and the agent alone, not on the threads.
 * @param first    whose actions it starts from, in an episode of the task; borrowed
 * @param folder   made; E_EXISTS if it holds anything, unless `force` clears it
 * @param threads  0 for all processors
 * @return E_PHYSICS, naming the step, if the simulation survives no such controls. If it is an
 * iteration that fails, the folder has the best trajectory so far
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_optimize(const tendril_optimization *optimization, const tendril_tasks *tasks,
                 const tendril_agent *first, const char *folder, bool force, int threads,
                 const tendril_optimize_hooks *hooks, tendril_optimized *out, tendril_error *err);

/** A trajectory that was optimised, with the model it is for. */
typedef struct tendril_motion {
  tendril_optimization *optimization;
  tendril_model *model;
  tendril_trajectory trajectory;
  char path[1024];  // the file
  double *numbers;  // what the trajectory points into
} tendril_motion;

/** Whether a path is a trajectory's file or the folder of one. */
TENDRIL_API bool tendril_is_motion(const char *path);
/**
 * Opens it.
 * @param sim  changes to the simulation as for tendril_trained_open(), or NULL
 * @param out  filled; tendril_motion_close()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_motion_open(const tendril_tasks *tasks,
                                                                  const char *path,
                                                                  const char *const *sim,
                                                                  tendril_motion *out,
                                                                  tendril_error *err);
TENDRIL_API void tendril_motion_close(tendril_motion *motion);

#ifdef __cplusplus
}
#endif

#endif

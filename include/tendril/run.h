/**
 * @file run.h
 * A whole training around a learner: configuration, run folder, checkpoints, evaluations, logs.
 */
#ifndef TENDRIL_RUN_H
#define TENDRIL_RUN_H

#include <signal.h>
#include <tendril/eval.h>
#include <tendril/learn.h>
#include <tendril/tasks.h>

#ifdef __cplusplus
extern "C" {
#endif

// clang-format off
#define TENDRIL_RUN_OPTIONS(X)                                                                     \
  X(integer, seed,          1,       0, 9007199254740991, "", "seed of everything random in the run") \
  X(integer, steps,         1000000, 1, 1e12, "steps", "control steps to train; the iteration that reaches it is the last") \
  X(integer, iterations,    0,       0, 1e9,  "",      "iterations to train, whatever the steps; 0: steps decides") \
  X(sizes,   eval_at,       "20 40 60 80 90 95 100", 1, 100, "%", "evaluations, in percent of the training; their steps are counted apart") \
  X(integer, eval_every,    0,       0, 1e9,  "iterations", "an evaluation after so many iterations, beside those of eval_at; 0: none") \
  X(integer, eval_episodes, 20,      1, 10000, "",     "episodes of an evaluation (mean action)") \
  X(real,    average,       0,       0, 0.999, "",     "decay per iteration of a running average of the policy's parameters; that policy is evaluated, kept as the best and played; 0: the trained one itself") \
  X(integer, save_every,    50,      1, 1e9,  "iterations", "checkpoints/last is written this often, and at the end") \
  X(integer, keep_every,    20,      0, 1e9,  "iterations", "a checkpoint of its own is kept this often; 0: only the last and the best")
// clang-format on

typedef struct tendril_run_options {
  TENDRIL_RUN_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_run_options;

// clang-format off
/** Trajectories that a training begins with: the task's own gait, for a task without one nobody, or
 * trajectories out of files (tendril_train_start), made better by iLQG. */
#define TENDRIL_DEMONSTRATION_OPTIONS(X)                                                           \
  X(integer, steps,      0,   0, 100000,  "steps", "length of a demonstration; 0: there is none")  \
  X(integer, lead,       0,   0, 100000,  "steps", "that the gait goes before it begins; not counted with `train --demonstration`")          \
  X(integer, lead_spread, 0,  0, 100000,  "steps", "phase i of n begins i/n of this later in the same walk: with a cycle of the gait demonstrations begin in all of it") \
  X(integer, phases,     0,  0, 1000,    "",      "phases that demonstrations take in turns; 0: each has its own") \
  X(integer, iterations, 100, 0, 1000000, "",      "iterations of iLQG that make it better")       \
  X(integer, count,      1,   1, 1000,    "",      "how many; of several, each is on a ground of its own (terrain.seeds) and has a start state of its own; with `train --demonstration` as many as are given") \
  X(integer, seed,       1,   0, 9007199254740991, "", "of the start states: those of the first episodes of `tendril eval` under this seed") \
  X(integer, calm,       0,   0, 1000,    "",      "under pushes: so many, the last ones, are not pushed") \
  X(integer, recoveries, 5,   1, 20,      "",      "under a push: ways back to the unpushed walk that are tried, each drawn to it more or less strongly; the best is kept") \
  X(integer, starts,     0,   0, 100000,  "steps", "episodes start in one of the first so many states of a demonstration, sim.start_qpos and start_qvel on top; 0: as the task has it")
// clang-format on

typedef struct tendril_demonstration_options {
  TENDRIL_DEMONSTRATION_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_demonstration_options;

/** Everything that a run is a function of: task, learner and all options, in the sections run, sim,
 * terrain, push, demonstration, policy, rollout, critic, learner. */
typedef struct tendril_config tendril_config;

/**
 * The defaults for a task.
 * @param learner  name, "trpo"
 * @return E_UNKNOWN for a task or a learner that does not exist
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_config_create(const tendril_tasks *tasks,
                                                                    const char *task,
                                                                    const char *learner,
                                                                    tendril_config **out,
                                                                    tendril_error *err);
TENDRIL_API void tendril_config_destroy(tendril_config *config);
/** Options of a preset or of a user's JSON file over those that are set; unchanged after an error.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_config_read(tendril_config *config,
                                                                  const char *path,
                                                                  tendril_error *err);
/** One option: `key` "learner.max_kl", `text` "0.02". */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_config_set(tendril_config *config,
                                                                 const char *key, const char *text,
                                                                 tendril_error *err);
/** The resolved configuration as JSON; owned by the caller, free with tendril_text_destroy(). */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_config_print(const tendril_config *config,
                                                                   char **out, tendril_error *err);
TENDRIL_API void tendril_text_destroy(char *text);
TENDRIL_API const tendril_run_options *tendril_config_run(const tendril_config *config);
TENDRIL_API const char *tendril_config_task(const tendril_config *config);
TENDRIL_API const char *tendril_config_learner(const tendril_config *config);

/** What is known after an iteration. */
typedef struct tendril_progress {
  int64_t iteration;    // done
  int64_t steps;        // control steps of training so far
  double fraction;      // of the training, 0 to 1
  double seconds, eta;  // wall seconds of this process's part, and those still expected
  int nstat;
  const tendril_stat *stats;              // [nstat]
  const double *values;                   // [nstat]
  const tendril_eval_result *evaluation;  // NULL unless one was made after this iteration
  const tendril_eval_result *as_trained;  // it under the training's physics; NULL: the task's own
} tendril_progress;

/** How a program takes part in a training; all members may be zero. */
typedef struct tendril_run_hooks {
  const volatile sig_atomic_t *stop;  // not 0: finish the iteration, write a checkpoint, return
  void (*progress)(void *user, const tendril_progress *progress);
  void *user;
} tendril_run_hooks;

typedef struct tendril_train_result {
  bool finished;              // false: stopped by the hook; the run can be resumed
  int64_t iterations, steps;  // of training
  int64_t eval_steps;         // of evaluations
  double held;   // mean return of the evaluations at 90, 95 and 100 %; NAN without them
  double best;   // best evaluation's mean return, of eval_at or eval_every; NAN without one
  double final;  // mean return of the last one of eval_at; NAN without one
  double held_as_trained, final_as_trained;  // under the training's physics; NAN: the task's own
  double seconds;                            // wall seconds of this process's part
  double cpu_seconds;                        // its CPU seconds, evaluations and files included
  double eval_seconds;                       // CPU seconds of its evaluations
} tendril_train_result;

/** What a training starts from beside its configuration; all members may be zero. */
typedef struct tendril_train_start {
  const char *from;    // checkpoint or run folder whose policy it is; NULL: a fresh one
  int ndemonstration;  // 0, or demonstration.count
  const char *const *demonstrations;  // [ndemonstration] folders or files of optimised trajectories
                                      // of the task, in the place of its gait; 0: none
} tendril_train_start;

/**
 * Evaluations are under the task's own physics, whatever integrator and steps the training is
 * under; where these are others, each evaluation is made under both.
 *
 * Trains into a new run folder: config.json, progress.csv, evaluations.csv, TensorBoard events,
 * checkpoints/{last,best,iteration-N}.safetensors. The checkpoints depend on the configuration and
 * the start alone, not on the threads or on where a run was stopped and resumed; what was started
 * from is part of them.
 * @param folder   made; E_EXISTS if it holds anything, unless `force` clears it
 * @param start    borrowed; NULL: from nothing
 * @param threads  0 for all processors
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_train(const tendril_config *config, const tendril_tasks *tasks, const char *folder,
              bool force, const tendril_train_start *start, int threads,
              const tendril_run_hooks *hooks, tendril_train_result *result, tendril_error *err);

/** Continues the run in `folder` from checkpoints/last as if it had never stopped. */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_train_resume(const tendril_tasks *tasks,
                                                                   const char *folder, int threads,
                                                                   const tendril_run_hooks *hooks,
                                                                   tendril_train_result *result,
                                                                   tendril_error *err);

/** A trained policy with the model it was trained on. */
typedef struct tendril_trained {
  tendril_config *config;
  tendril_model *model;       // under the training's physics, or with the changes asked for
  tendril_model *task_model;  // under the task's own; NULL: those are the model's, or changes were
                              // asked for
  tendril_policy *policy;
  int64_t iteration, steps;  // when it was saved
  char path[1024];           // the checkpoint it came from
} tendril_trained;

/**
 * Opens a run folder or a checkpoint file.
 * @param checkpoint  in a folder: "best", "last" or an iteration; NULL: the best if there is one
 * @param sim         changes to the simulation ("integrator", "euler", "terrain.kind", "slopes";
 * NULL-terminated pairs), or NULL
 * @param out         filled; tendril_trained_close()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_trained_open(const tendril_tasks *tasks, const char *path, const char *checkpoint,
                     const char *const *sim, tendril_trained *out, tendril_error *err);
TENDRIL_API void tendril_trained_close(tendril_trained *trained);

/** Tendril, MuJoCo, BLAS and processor in use, as text; constant. */
typedef struct tendril_versions {
  const char *tendril, *mujoco, *blas, *cpu;
} tendril_versions;
TENDRIL_API const tendril_versions *tendril_get_versions(void);

#ifdef __cplusplus
}
#endif

#endif

/**
 * @file rollout.h
 * Experience: a fixed number of streams, each an endless sequence of episodes, cut at the end of a
 * batch and carried on in the next, or run to its end in every batch.
 */
#ifndef TENDRIL_ROLLOUT_H
#define TENDRIL_ROLLOUT_H

#include <tendril/policy.h>
#include <tendril/sim.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Index into the names of the option `episodes`. */
typedef enum tendril_episodes {
  TENDRIL_EPISODES_CARRIED,
  TENDRIL_EPISODES_WHOLE,
} tendril_episodes;

// clang-format off
#define TENDRIL_ROLLOUT_OPTIONS(X)                                                                 \
  X(integer, batch,   2048, 1, 100000000, "steps", "control steps collected per iteration; a multiple of streams") \
  X(integer, streams, 16,   1, 65536,     "",      "environments stepped side by side; the results depend on it, never on the threads") \
  X(choice,  episodes, "carried", "carried whole", 0, "", "carried: a batch cuts what is unfinished, the next goes on with it; whole: every stream runs whole episodes until it has its share of the batch")
// clang-format on

typedef struct tendril_rollout_options {
  TENDRIL_ROLLOUT_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_rollout_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_rollout_defaults(tendril_rollout_options *options);

/** Why a path ends. */
typedef enum tendril_end {
  TENDRIL_END_TERMINATED,  // the task ended: no value follows
  TENDRIL_END_TRUNCATED,   // the time limit ran out: bootstrap from last_obs
  TENDRIL_END_CUT,         // the batch ended, or the next step diverged: bootstrap from last_obs
} tendril_end;

/** Consecutive rows of one episode. */
typedef struct tendril_path {
  int64_t first;  // its first row
  int length;     // rows, at least 1
  int stream;
  tendril_end end;
} tendril_path;

/**
 * Paths of one iteration, stream after stream. Filled and owned by the rollout. With whole episodes
 * n lies between `batch` and batch + streams (max_steps - 1); there is memory for the most.
 */
typedef struct tendril_batch {
  int64_t n;  // rows
  int nobs, nact;
  double *obs;     // [n][nobs] before the step, as the environment gives them
  double *action;  // [n][nact] as drawn, before any clipping
  double *reward;  // [n]
  int *time;       // [n] control step within the episode
  int64_t npath;
  tendril_path *paths;  // [npath]
  double *last_obs;     // [npath][nobs] after the last step of each path
} tendril_batch;

// clang-format off
/** Statistics of one collection; the columns of the log are made from this table. */
#define TENDRIL_ROLLOUT_STATS(X)                                                                   \
  X(episodes,       "",      "episodes that ended")                                                \
  X(return_mean,    "",      "mean undiscounted return of the episodes that ended (sampled actions)") \
  X(return_min,     "",      "smallest of them")                                                   \
  X(return_max,     "",      "largest of them")                                                    \
  X(length_mean,    "steps", "their mean length")                                                  \
  X(diverged,       "",      "episodes cut because the simulation diverged")                       \
  X(physics_seconds, "s",    "CPU seconds inside mj_step, summed over threads")
// clang-format on

typedef struct tendril_rollout_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_ROLLOUT_STATS(X)
#undef X
} tendril_rollout_stats;

typedef struct tendril_rollout tendril_rollout;

/**
 * @param model, pool  borrowed for the rollout's life
 * @param seed         the run's seed
 * @return E_CONFIG if the streams do not divide the batch, or whole episodes do not fit into it
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_rollout_create(
    const tendril_rollout_options *options, const tendril_model *model, tendril_pool *pool,
    uint64_t seed, tendril_rollout **out, tendril_error *err);
TENDRIL_API void tendril_rollout_destroy(tendril_rollout *rollout);

/**
 * One batch of sampled actions.
 * @param policy  borrowed, unchanged; another one than before may be given
 * @param batch   *batch set to the rollout's own batch, valid until the next collection
 * @param stats   filled; episode figures are NAN when no episode ended
 * @return E_PHYSICS if a stream diverges again and again, E_NUMERIC if the policy's actions are not
 *         finite, E_ARGUMENT if the policy is not one for this task
 * Work is cut by stream: the same bits on any number of threads. Allocates in the first call and
 * for a policy that needs more scratch than those before, otherwise nothing.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_rollout_collect(tendril_rollout *rollout,
                                                                      const tendril_policy *policy,
                                                                      const tendril_batch **batch,
                                                                      tendril_rollout_stats *stats,
                                                                      tendril_error *err);

#ifdef __cplusplus
}
#endif

#endif

/**
 * @file gait.h
 * Gaits, for SIMBICON (simbicon.h) or of a wave (wave.h): files that keep them, and a search by
 * CMA-ES that finds SIMBICON's.
 */
#ifndef TENDRIL_GAIT_H
#define TENDRIL_GAIT_H

#include <tendril/cmaes.h>
#include <tendril/run.h>
#include <tendril/simbicon.h>
#include <tendril/wave.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * SIMBICON's gait from its file, {"task": "walker-gps", "simbicon": {"torso": 0.1, ...}}; what is
 * not in it is the default. A member `found` tells how it was found and is passed over.
 * @param path     file, or the folder of a search
 * @param task     [64] filled with the name of the task that it was found for; NULL
 * @param options  filled; unchanged after an error
 * @return E_IO, E_FORMAT (no JSON, no gait), E_CONFIG (an option that there isn't, out of range)
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_simbicon_read(
    const char *path, char *task, tendril_simbicon_options *options, tendril_error *err);

/**
 * Who moves by a gait's file, of SIMBICON or of a wave, {"task": "swimmer-gps", "wave":
 * {"frequency": 1, ...}}; tendril_agent_name() is the name of that member.
 * @param path, task  as for tendril_simbicon_read()
 * @param out         owned by the caller, tendril_agent_destroy()
 * @return as tendril_simbicon_read(), E_MEMORY
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_agent_gait_create(const char *path,
                                                                        char *task,
                                                                        tendril_agent **out,
                                                                        tendril_error *err);

/**
 * Who moves by the gait that comes with a task, gaits/TASK.json in the folder of models.
 * @return E_UNKNOWN if there is none, and as tendril_agent_gait_create()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_agent_gait_own(const char *task,
                                                                     tendril_agent **out,
                                                                     tendril_error *err);

/** Whether a path is a gait's file or the folder of a search. */
TENDRIL_API bool tendril_is_gait(const char *path);

/**
 * SIMBICON's gait that comes with a task, gaits/TASK.json in the folder of models.
 * @return E_UNKNOWN if there is none, and as tendril_simbicon_read()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_simbicon_read_own(const char *task, tendril_simbicon_options *options, tendril_error *err);

/** Writes such a file, in the place of one that is there already. @return E_ARGUMENT for numbers
 * out of range, E_IO */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_simbicon_write(const char *path, const char *task, const tendril_simbicon_options *options,
                       tendril_error *err);

// clang-format off
#define TENDRIL_GAIT_OPTIONS(X)                                                                    \
  X(integer, seed,          1,    0, 9007199254740991, "", "seed of the search and of all start states") \
  X(real,    speed,         2.1,  -20, 20,  "m/s",   "mean speed that is searched for, from the start to the end of a walk") \
  X(integer, walks,         1,    1, 1000,  "",      "walks of a candidate, from other start states in every generation") \
  X(integer, judge_every,   20,   1, 1e6,   "generations", "how often the mean of the distribution is judged; the best of these is what is found") \
  X(integer, judge_walks,   120,  1, 10000, "",      "walks by which it is judged, from the same start states every time") \
  X(real,    push,          60,   0, 1e6,   "N",     "each walk is pushed four times for 0.1 s, in turn forward and back, so that what is found bears something") \
  X(real,    fall_weight,   5,    0, 1e9,   "",      "penalty of a fall: so much in the end, twice that at the start") \
  X(real,    speed_weight,  5,    0, 1e9,   "(s/m)^2", "weight of the squared error of the mean speed") \
  X(real,    torque_weight, 1e-4, 0, 1e9,   "1/(N m)^2", "weight of the sum of the squared torques, its mean over the walk") \
  X(real,    height_weight, 10,   0, 1e9,   "1/m^2", "weight of the squared way of the first body up or down from its start above the ground, its mean over the walk") \
  X(real,    min_height,    0.7,  0, 1,     "",      "fallen: the first body above the ground at less than this share of its start") \
  X(integer, check_walks,   100,  1, 10000, "",      "walks without a push, from start states that the search has not seen, in the end")
// clang-format on

typedef struct tendril_gait_options {
  TENDRIL_GAIT_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_gait_options;

/** All that the result of a search is a function of. */
typedef struct tendril_gait_config {
  const char *task;  // borrowed
  tendril_gait_options gait;
  tendril_sim_options sim;            // a walk lasts as long as its episodes
  tendril_simbicon_options simbicon;  // where the search begins
  tendril_cmaes_options cmaes;
} tendril_gait_config;

/** The defaults of all sections, but for start_qpos 0.01 and start_qvel 0.1, a population of 16, a
 * budget of 6400 candidates, and no stop at stagnation, which noise brings about. */
TENDRIL_API void tendril_gait_defaults(const char *task, tendril_gait_config *config);
/** One option of the sections gait, sim, terrain, simbicon, cmaes: `key` "gait.speed", `text`
 * "1.5". */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_gait_set(tendril_gait_config *config,
                                                               const char *key, const char *text,
                                                               tendril_error *err);

/** Walks from several start states. */
typedef struct tendril_gait_walks {
  int n;
  int fallen;
  double speed;    // m/s along x, the mean over the walks, each from its start to its end or fall
  double slowest;  // of the walks' mean speeds
  double torques;  // sum over the motors of the squared torque, its mean over walks, (N m)^2
  double heave;    // m^2, squared way of the first body up or down from its start, its mean
  double cost;     // less the reward, per control step
  double value;    // what the search minimises
} tendril_gait_walks;

/**
 * How does a gait do? Walk i starts as episode i of (seed, series); it is pushed if the options say
 * so.
 * @param model  for the task that it was found for, or one like it
 * @return E_ARGUMENT (a model for another robot, numbers out of range), E_MEMORY
 * The same on any number of threads.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_gait_measure(const tendril_model *model, const tendril_simbicon_options *gait,
                     const tendril_gait_options *options, tendril_pool *pool, uint32_t series,
                     int walks, tendril_gait_walks *out, tendril_error *err);

/** What is known after a generation. */
typedef struct tendril_gait_progress {
  int64_t generations, candidates;  // done
  int64_t budget;                   // of candidates; 0: none
  tendril_gait_walks best;          // of the best gait so far
  double seconds;                   // wall, since the search began
} tendril_gait_progress;

/** How a program takes part in a search; all members may be zero. */
typedef struct tendril_gait_hooks {
  const volatile sig_atomic_t *stop;  // not 0: finish the generation, return
  void (*progress)(void *user, const tendril_gait_progress *progress);
  void *user;
} tendril_gait_hooks;

typedef struct tendril_gait_result {
  tendril_simbicon_options gait;  // the best
  int64_t best_generation;        // after which it was the mean
  tendril_gait_walks judged;      // as it was chosen
  tendril_gait_walks checked;     // without pushes, from start states that the search has not seen
  tendril_cmaes_end end;          // RUNNING: stopped by the hook
  int64_t generations, candidates;
  int64_t steps;                // control steps simulated
  double seconds, cpu_seconds;  // wall; of all threads
} tendril_gait_result;

/**
 * Searches SIMBICON's numbers for a walk by CMA-ES, from those of the configuration on: a walk of
 * the episode's length at the speed asked for, with small torques and without a fall. The gait is a
 * function of the configuration alone, not of the threads.
 * @param folder  made: config.json, progress.csv (a row per generation) and gait.json, the best so
 *                far, which tendril_simbicon_read() reads; E_EXISTS if it holds anything, unless
 *                `force` clears it. NULL: no files
 * @param threads 0 for all processors
 * @return E_UNKNOWN (no such task), E_ARGUMENT (a task without such a robot), E_CONFIG, E_IO,
 *         E_MEMORY
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_gait_search(
    const tendril_gait_config *config, const tendril_tasks *tasks, const char *folder, bool force,
    int threads, const tendril_gait_hooks *hooks, tendril_gait_result *result, tendril_error *err);

#ifdef __cplusplus
}
#endif

#endif

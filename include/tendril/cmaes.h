/**
 * @file cmaes.h
 * CMA-ES, a search that sees nothing of its objective but values: ask for candidates, evaluate
 * them, tell their values. The caller evaluates them in any order, on any number of threads.
 *
 *     while (tendril_cmaes_get_end(search) == TENDRIL_CMAES_RUNNING) {
 *       tendril_cmaes_ask(search, &lambda, &x, &err);
 *       for (int k = 0; k < lambda; k++)
 *         f[k] = objective(x + k * n);
 *       tendril_cmaes_tell(search, f, &err);
 *     }
 */
#ifndef TENDRIL_CMAES_H
#define TENDRIL_CMAES_H

#include <tendril/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Index into the names of the option `restart_at`. */
typedef enum tendril_restart_at {
  TENDRIL_RESTART_AT_MEAN,
  TENDRIL_RESTART_AT_RANDOM,
} tendril_restart_at;

// clang-format off
#define TENDRIL_CMAES_OPTIONS(X)                                                                   \
  X(integer, population,    0,     0,    1000000, "",  "lambda, candidates of a generation; 0: 4 + floor(3 ln n) of n variables") \
  X(flag,    active,        true,  0,    0,    "",     "learn from the worse half, too, by negative weights") \
  X(integer, restarts,      0,     0,    20,   "",     "times that a search which has stopped begins anew with twice the population (IPOP)") \
  X(choice,  restart_at,    "mean", "mean random", 0, "", "where: at the mean of the set-up, or anywhere within the bounds") \
  X(integer, budget,        0,     0,    1e15, "",     "evaluations of all runs; a generation that doesn't fit is not begun; 0: no bound") \
  X(real,    target,        -1e300, -1e300, 1e300, "", "stop at a value of at most this; -1e300: never") \
  X(real,    tol_fun,       1e-12, 0,    1e300, "",    "stop when values differ by less: the last generation's, and the best of the last few") \
  X(real,    tol_x,         1e-12, 0,    1,    "",     "stop when the deviations are smaller, in units of the initial ones") \
  X(real,    tol_x_up,      1e4,   1,    1e300, "",    "stop when the largest deviation has grown by more") \
  X(real,    max_condition, 1e14,  1,    1e15, "",     "stop when the covariance matrix is conditioned worse") \
  X(flag,    stagnation,    true,  0,    0,    "",     "stop when best and median values have not improved for long")
// clang-format on

typedef struct tendril_cmaes_options {
  TENDRIL_CMAES_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_cmaes_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_cmaes_defaults(tendril_cmaes_options *options);

/** Where the search begins. */
typedef struct tendril_cmaes_setup {
  int n;                // variables, 1 to 20000
  const double *mean;   // [n] borrowed during the call, like the following
  const double *sd;     // [n] initial standard deviations; the optimum within mean +- 3 sd or so
  const double *lower;  // [n] bounds, -INFINITY where there is none; NULL: none at all
  const double *upper;  // [n] INFINITY where there is none; NULL: none at all
  uint64_t seed;
} tendril_cmaes_setup;

// clang-format off
/** Why a search stopped: name, what it means. Names of the criteria are the tutorial's. */
#define TENDRIL_CMAES_END_MAP(X)                                                                   \
  X(RUNNING,         "it has not")                                                                 \
  X(TARGET,          "target: a value as low as asked for")                                        \
  X(BUDGET,          "budget: another generation would need more evaluations than allowed")        \
  X(TOL_FUN,         "TolFun: values differ by less than tol_fun")                                 \
  X(TOL_X,           "TolX: the deviations are below tol_x of the initial ones")                   \
  X(TOL_X_UP,        "TolXUp: a deviation has grown beyond tol_x_up; sd was far too small, or the objective falls without end") \
  X(CONDITION,       "ConditionCov: the covariance matrix is conditioned worse than max_condition; scale the variables") \
  X(EQUAL_VALUES,    "EqualFunValues: generation after generation has the same best value; the objective is flat here") \
  X(STAGNATION,      "Stagnation: best and median values have not improved for long")              \
  X(NO_EFFECT_AXIS,  "NoEffectAxis: a tenth of a deviation along an axis is lost in rounding")     \
  X(NO_EFFECT_COORD, "NoEffectCoord: a fifth of a deviation of a variable is lost in rounding")
// clang-format on

typedef enum tendril_cmaes_end {
#define X(name, text) TENDRIL_CMAES_##name,
  TENDRIL_CMAES_END_MAP(X)
#undef X
} tendril_cmaes_end;

/** Meaning of an end as a constant string; never NULL. */
TENDRIL_API const char *tendril_cmaes_end_text(tendril_cmaes_end end);

/** How far a search is. */
typedef struct tendril_cmaes_result {
  tendril_cmaes_end end;      // RUNNING while there are candidates to be had
  tendril_cmaes_end run_end;  // how the last run that is over ended; RUNNING if none is
  double best;                // lowest value of all runs; NAN before the first generation
  const double *best_x;       // [n] borrowed until the next call; where it was
  int64_t best_evaluation;    // which evaluation that was, counted from 1
  int64_t evaluations;        // of all runs
  int64_t generations;        // of all runs
  int restarts;               // done
  int population;             // lambda of this run
  const double *mean;  // [n] borrowed until the next call; of the distribution, within bounds
  const double *sd;    // [n] likewise; standard deviations
  double sigma;        // step size relative to the initial one
  double condition;    // of the covariance matrix, its variables divided by the initial sd
} tendril_cmaes_result;

typedef struct tendril_cmaes tendril_cmaes;

/**
 * Covariance matrix adaptation evolution strategy with full covariance, active update and restarts
 * with increasing population; minimises.
 * @param options  copied
 * @param setup    copied with its arrays
 * @param out      owned by the caller, tendril_cmaes_destroy()
 * @return E_ARGUMENT if a number is out of range, E_CONFIG if options don't go together
 * Takes all memory there will ever be: about 8 bytes times 6 n^2 + 4 lambda n, lambda that of the
 * last restart.
 * Source: Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772v2; restarts: Auger and
 * Hansen 2005; docs/methods/cma-es.md.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_cmaes_create(const tendril_cmaes_options *options, const tendril_cmaes_setup *setup,
                     tendril_cmaes **out, tendril_error *err);
TENDRIL_API void tendril_cmaes_destroy(tendril_cmaes *search);

/**
 * The candidates of this generation, all within the bounds; the same ones until they are told.
 * @param lambda  filled; a restart changes it
 * @param x       filled: [lambda][n] borrowed until the next call of tendril_cmaes_tell() or
 * _load()
 * @return E_ARGUMENT if the search has ended
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_cmaes_ask(tendril_cmaes *search, int *lambda,
                                                                const double **x,
                                                                tendril_error *err);

/**
 * The candidates' values; moves the distribution, ends the search or begins the next run.
 * @param f  [lambda] borrowed; what is not finite is ranked worst and never enters the mean
 * @return E_NUMERIC if none is finite; E_ARGUMENT if nothing was asked for. The search is then as
 * before: other values may be told
 * Allocates nothing; lambda n^2 multiplications, and now and then an eigendecomposition.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_cmaes_tell(tendril_cmaes *search,
                                                                 const double *f,
                                                                 tendril_error *err);

TENDRIL_API tendril_cmaes_end tendril_cmaes_get_end(const tendril_cmaes *search);
TENDRIL_API void tendril_cmaes_get_result(tendril_cmaes *search, tendril_cmaes_result *result);

/**
 * The state as finite numbers: a search made with the same set-up that loads them goes on bit for
 * bit. Candidates that were asked for and not told are asked for again. Options may differ, but for
 * `population`; a greater budget continues a search that ended for the sake of it.
 * @param state  [tendril_cmaes_get_nstate()] filled, borrowed by load
 * @return of load: E_FORMAT if that is no state of a search of this dimension, population and seed;
 * the search is then as before
 */
TENDRIL_API int64_t tendril_cmaes_get_nstate(const tendril_cmaes *search);
TENDRIL_API void tendril_cmaes_save(const tendril_cmaes *search, double *state);
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_cmaes_load(tendril_cmaes *search,
                                                                 int64_t nstate,
                                                                 const double *state,
                                                                 tendril_error *err);

#ifdef __cplusplus
}
#endif

#endif

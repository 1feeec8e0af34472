/**
 * @file eval.h
 * How good is an agent: returns over many episodes, with their spread.
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

#ifdef __cplusplus
}
#endif

#endif

/**
 * @file random.h
 * Counter-based random streams (Philox4x32-10, Salmon et al. 2011). A stream is a pure function of
 * what it is for, so any part of a run can be repeated alone and on any number of threads.
 */
#ifndef TENDRIL_RANDOM_H
#define TENDRIL_RANDOM_H

#include <tendril/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a stream is for; part of its key. Values are stored in checkpoints: append only. */
typedef enum tendril_purpose {
  TENDRIL_PURPOSE_INIT = 1,         // initial parameters
  TENDRIL_PURPOSE_RESET = 2,        // start state of a training episode
  TENDRIL_PURPOSE_ACTION = 3,       // exploration noise of a training step
  TENDRIL_PURPOSE_SHUFFLE = 4,      // order of rows in a supervised fit
  TENDRIL_PURPOSE_ROWS = 5,         // rows that enter the Fisher matrix, or the rollout set
  TENDRIL_PURPOSE_BOOTSTRAP = 6,    // resampling for confidence intervals
  TENDRIL_PURPOSE_TEST = 7,         // tests and benchmarks
  TENDRIL_PURPOSE_EVAL_RESET = 8,   // start state of an evaluation episode
  TENDRIL_PURPOSE_EVAL_ACTION = 9,  // noise of an evaluation with sampled actions
  TENDRIL_PURPOSE_BRANCH = 10,      // noise of a vine's branches
  TENDRIL_PURPOSE_SEARCH = 11,      // candidates of a derivative-free search
  TENDRIL_PURPOSE_EVAL_POINT = 12,  // models drawn from a box
  TENDRIL_PURPOSE_EVAL_NOISE = 13,  // noise on an evaluation's observations
  TENDRIL_PURPOSE_TERRAIN = 14,     // shape of the ground, and on which of several an episode is
  TENDRIL_PURPOSE_PUSH = 15,        // when and how an episode is pushed
  TENDRIL_PURPOSE_EVAL_START = 16,  // noise on an evaluation's start states
  TENDRIL_PURPOSE_EVAL_MOTOR = 17,  // noise on an evaluation's actions
  TENDRIL_PURPOSE_TRY = 18,         // controls that another try of an optimisation starts from
  TENDRIL_PURPOSE_MIXTURE = 19,     // seeds of a mixture's clusters
} tendril_purpose;

/** A position in a stream. Plain data: copying it copies the stream. */
typedef struct tendril_random {
  uint64_t seed;
  uint32_t purpose;
  uint32_t a, b;  // which episode, stream, iteration, ...: the purpose decides
  uint32_t draw;  // 32-bit words drawn so far
} tendril_random;

/** The start of the stream for (seed, purpose, a, b). */
TENDRIL_API tendril_random tendril_random_stream(uint64_t seed, tendril_purpose purpose, uint32_t a,
                                                 uint32_t b);

/** 32 uniformly distributed bits. */
TENDRIL_API uint32_t tendril_random_bits(tendril_random *random);

/** Uniform on [low, high), 53 bits; draws two words. */
TENDRIL_API double tendril_random_uniform(tendril_random *random, double low, double high);

/** Uniform on 0 .. n-1 without bias; 0 < n. */
TENDRIL_API uint32_t tendril_random_below(tendril_random *random, uint32_t n);

/** out[0..count-1] = what as many calls of tendril_random_below() give, twice as fast. */
TENDRIL_API void tendril_random_belows(tendril_random *random, uint32_t n, int count,
                                       uint32_t *out);

/** out[0..n-1] = independent standard normals (Box-Muller); starts on a fresh block of the stream.
 */
TENDRIL_API void tendril_random_normals(tendril_random *random, int n, double *out);

#ifdef __cplusplus
}
#endif

#endif

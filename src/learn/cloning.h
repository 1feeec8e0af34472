// Behavioural cloning: what methods begin with that have a run's demonstrations and no policy yet.
// About each demonstration there is a trajectory distribution, N(u^_t + K_t (x - x^_t), A_t), the
// first one of guided policy search, which stays as it is; a policy is fitted to its mean actions
// at states that it comes to with its noise. docs/methods/gps.md, "What it is compared with".
#ifndef TND_CLONING_H
#define TND_CLONING_H

#include "base/alloc.h"
#include "learn/policy_regression.h"
#include "trajopt/guide.h"

#include <tendril/learn.h>

typedef struct tnd_cloning_options {
  int64_t samples, tail;
  double cost_scale, reach, hold_qpos, hold_qvel;
  bool adapts;  // the distributions are to be improved as those of variational guided policy search
} tnd_cloning_options;

// From the options of a method that has TENDRIL_TRAJECTORY_OPTIONS.
#define TND_CLONING_OPTIONS(o)                                                                     \
  {                                                                                                \
    .samples = (o)->samples, .tail = (o)->tail, .cost_scale = (o)->cost_scale,                     \
    .reach = (o)->reach, .hold_qpos = (o)->hold_qpos, .hold_qvel = (o)->hold_qvel                  \
  }

typedef struct tnd_cloning {
  int n;       // trajectories
  int taught;  // steps of each that the policy is taught
  int nobs, nact;
  tnd_guide **guides;        // [n]
  int64_t capacity;          // rows there can be
  tnd_regression_rows rows;  // of the last draw, trajectory after trajectory: W = A^-1, weights 1
  double *obs, *target;      // [capacity][nobs], [capacity][nact] what they point to
  double *precision;         // [n taught][nact][nact]
  int *time, *group;         // [capacity]
  tnd_arena arena;
} tnd_cloning;

// `method` is for error lines. @return E_CONFIG without demonstrations, E_PHYSICS or E_NUMERIC if
// one has no feedback, and as tnd_guide_create()
TENDRIL_MUST_CHECK tendril_status tnd_cloning_create(const tendril_learner_setup *setup,
                                                     const tnd_cloning_options *options,
                                                     const char *method, tnd_cloning **out,
                                                     tendril_error *err);
void tnd_cloning_destroy(tnd_cloning *cloning);

// Mean over the trajectories.
typedef struct tnd_cloning_stats {
  double survived;  // share of the rollouts that stayed within reach
  double cost;      // a step of those
  double physics;   // CPU seconds
  int64_t steps;    // simulated, sum
} tnd_cloning_stats;

// Draws samples and makes rows of them: a function of the demonstrations and the seed.
TENDRIL_MUST_CHECK tendril_status tnd_cloning_sample(tnd_cloning *cloning, uint64_t seed,
                                                     tnd_cloning_stats *stats, tendril_error *err);

#endif

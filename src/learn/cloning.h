// Behavioural cloning: what methods begin with that have a run's demonstrations and no policy yet.
// About each demonstration there is a trajectory distribution, N(u^_t + K_t (x - x^_t), A_t), which
// guided policy search improves and others leave as it is; a policy is fitted to its mean actions
// at states that it comes to with its noise. docs/methods/gps.md, "What it is compared with".
#ifndef TND_CLONING_H
#define TND_CLONING_H

#include "base/alloc.h"
#include "learn/policy_regression.h"
#include "trajopt/guide.h"

#include <tendril/learn.h>

typedef struct tnd_cloning_options {
  tnd_guide_options guide;  // all but its ilqg
  double cost_scale, hold_qpos, hold_qvel;
  bool adapts;  // the distributions are to be improved
} tnd_cloning_options;

// From the options of a method that has TENDRIL_TRAJECTORY_OPTIONS.
#define TND_CLONING_OPTIONS(o)                                                                     \
  {                                                                                                \
    .guide = {.samples = (int)(o)->samples, .tail = (int)(o)->tail, .reach = (o)->reach},          \
    .cost_scale = (o)->cost_scale, .hold_qpos = (o)->hold_qpos, .hold_qvel = (o)->hold_qvel        \
  }

typedef struct tnd_cloning {
  int n;       // trajectories
  int taught;  // steps of each that the policy is taught
  int nobs, nact;
  tnd_guide **guides;        // [n]
  int64_t capacity;          // rows there can be
  tnd_regression_rows rows;  // of the last draw, trajectory after trajectory; W = A^-1 of the
                             // demonstrations until precision is written, weights 1
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
// Adds what trajectory i has drawn to the rows.
void tnd_cloning_add(tnd_cloning *cloning, int i);

#endif

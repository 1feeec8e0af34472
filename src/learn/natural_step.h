// Steps 3 to 7 of docs/methods/trpo.md, whatever the sample: gradient, natural direction, step
// length, line search, and the fit of the value function beside them.
#ifndef TND_NATURAL_STEP_H
#define TND_NATURAL_STEP_H

#include "critic/critic.h"
#include "learn/learner.h"
#include "learn/trust_region.h"

typedef struct tnd_natural_step_options {
  int64_t cg_iters, backtracks;
  double damping, fisher_share, backtrack, step_size;
  int metric, bound, step;
} tnd_natural_step_options;

// From a struct made with TENDRIL_TRUST_REGION_OPTIONS.
#define TND_NATURAL_STEP_OPTIONS(o)                                                                \
  {                                                                                                \
    .cg_iters = (o)->cg_iters, .backtracks = (o)->backtracks, .damping = (o)->damping,             \
    .fisher_share = (o)->fisher_share, .backtrack = (o)->backtrack, .step_size = (o)->step_size,   \
    .metric = (o)->metric, .bound = (o)->bound, .step = (o)->step                                  \
  }

// Rows for the value function; none if critic is NULL.
typedef struct tnd_critic_rows {
  tnd_critic *critic;
  int64_t n;
  const double *x;       // [n][nx] inputs, as the policy's
  const int *time;       // [n]
  const double *target;  // [n]
} tnd_critic_rows;

typedef struct tnd_natural_step tnd_natural_step;

// sizes: `fisher` is set from the option; policy and pool are borrowed
TENDRIL_MUST_CHECK tendril_status tnd_natural_step_create(
    const tnd_natural_step_options *options, tnd_trust_region_sizes sizes, tendril_policy *policy,
    tendril_pool *pool, uint64_t seed, tnd_natural_step **out, tendril_error *err);
void tnd_natural_step_destroy(tnd_natural_step *step);

// One step of the policy, KL at most delta unless the step is fixed, while the value function
// learns its rows. Fills the members of stats that tell about steps 3 to 7. An error is one of the
// fit.
TENDRIL_MUST_CHECK tendril_status tnd_natural_step_take(
    tnd_natural_step *step, const tnd_sample *sample, double delta, const tnd_critic_rows *rows,
    uint32_t iteration, tendril_trpo_stats *stats, tendril_error *err);

#endif

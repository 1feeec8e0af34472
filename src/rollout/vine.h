// The vine (Schulman et al. 2015, sec. 5.2): from states of a trunk, branches that begin with
// different actions and then follow the policy, with common random numbers.
//
//   rollout set   N rows of the trunk, evenly spread
//   a_nk          ~ pi(.|s_n), k = 0 .. K-1
//   Q_nk        = sum_{l<L} gamma^l r_l, the first reward being that of a_nk; 0 past a termination
#ifndef TND_VINE_H
#define TND_VINE_H

#include "rollout/rollout.h"

typedef struct tnd_vine_options {
  int64_t states, actions, steps;  // N, K, L
  bool common_noise;  // the branches of a state share their noise from their second step on
} tnd_vine_options;

typedef struct tnd_vine tnd_vine;

// Branches of one iteration; filled and owned by the vine. Arrays over branches run over the states
// of the first action, then over those of the second, ...
typedef struct tnd_branches {
  int64_t n;         // states N
  int K;             // branches at each
  int64_t *row;      // [N] of the trunk's batch, ascending
  double *action;    // [K][N][nact] first actions
  double *Q;         // [K][N]
  double *last_obs;  // [K][N][nobs] behind a branch's last step
  int *last_time;    // [K][N] control step of that within the episode
  double *future;    // [K][N] what a value of last_obs would count in Q: gamma^steps of the branch,
                     // or 0 if it terminated
} tnd_branches;

typedef struct tnd_branch_stats {
  int64_t steps, terminated, diverged;
  double physics_seconds;
} tnd_branch_stats;

// @param model, pool  borrowed for the vine's life
// E_CONFIG if random numbers do not suffice, or if the task cannot be restored.
TENDRIL_MUST_CHECK tendril_status tnd_vine_create(const tnd_vine_options *options,
                                                  const tendril_model *model, tendril_pool *pool,
                                                  uint64_t seed, tnd_vine **out,
                                                  tendril_error *err);
void tnd_vine_destroy(tnd_vine *vine);

// Branches of the policy from a trunk of at least N rows, `snapshots` being its rows' states before
// their steps. `iteration` keys all noise. The same bits on any number of threads; allocates like
// tendril_rollout_collect().
TENDRIL_MUST_CHECK tendril_status tnd_vine_collect(tnd_vine *vine, const tendril_batch *trunk,
                                                   const double *snapshots,
                                                   const tendril_policy *policy, double gamma,
                                                   uint32_t iteration, const tnd_branches **out,
                                                   tnd_branch_stats *stats, tendril_error *err);

// E_CONFIG unless episodes of random actions come out the same, to the bit, when they are repeated
// from their snapshots.
TENDRIL_MUST_CHECK tendril_status tnd_check_restorable(const tendril_model *model,
                                                       tendril_error *err);

#endif

// A trajectory distribution q(u | x_t) = N(u^_t + K_t (x_t - x^_t), A_t) as the oracle of imitation
// learning (Ross et al. 2011, DAGGER): the policy acts, and every state that it comes to is
// labelled with what q's mean action would be there, and with the state's density under q, relative
// to that of the nominal state (Levine and Koltun 2014, sec. 4):
//
//   y = u^_t + K_t (x - x^_t)      w = N(x; x^_t, S_t) / N(x^_t; x^_t, S_t)
//                                    = exp(-1/2 (x - x^_t)' S_t^-1 (x - x^_t))
//
// x here is without the positions that only carry the robot along the ground.
#ifndef TND_ORACLE_H
#define TND_ORACLE_H

#include "trajopt/guide.h"

typedef struct tnd_oracle tnd_oracle;

// For `rollouts` of the guide's policy at a time. guide: borrowed.
TENDRIL_MUST_CHECK tendril_status tnd_oracle_create(tnd_guide *guide, int rollouts,
                                                    tnd_oracle **out, tendril_error *err);
void tnd_oracle_destroy(tnd_oracle *oracle);

// S_t from the guide's last samples: their mean square about x^_t, its correlations shrunk by as
// much as few samples call for. Until the first call w is 1. E_NUMERIC if that is no covariance.
TENDRIL_MUST_CHECK tendril_status tnd_oracle_measure(tnd_oracle *oracle, tendril_error *err);
// w of the guide's last samples, in the order of tnd_guide_rows(). Returns how many.
int64_t tnd_oracle_weigh(tnd_oracle *oracle, double *weight);

typedef struct tnd_oracle_rollouts {
  int survived;     // stayed within reach
  int64_t rows;     // states within reach, of all rollouts
  int64_t steps;    // simulated
  double cost;      // mean over those that survived, sum over the steps that are taught; NAN: none
  double mismatch;  // mean over the rows of |mu(x) - y|^2 / nu
  double weight;    // mean of w
  double physics;   // CPU seconds
} tnd_oracle_rollouts;

// Runs the policy over the steps that are taught, from x^_0 with the start noise of the model's
// episodes, a function of the policy, q and (seed, iteration). A rollout ends where it leaves
// reach.
//   sigma  [nu] standard deviations of the policy's actions; NULL: its mean actions
void tnd_oracle_run(tnd_oracle *oracle, const double *sigma, uint64_t seed, uint32_t iteration,
                    tnd_oracle_rollouts *out);
// Its states as rows, rollout after rollout: obs [rows][nobs], action [rows][nu] = y, step [rows],
// weight [rows] = w. Returns how many rows.
int64_t tnd_oracle_rows(const tnd_oracle *oracle, double *obs, double *action, int *step,
                        double *weight);

#endif

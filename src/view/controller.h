// Who acts in an episode that is shown: a policy, nobody, or chance. An episode of a seed is the
// one that tendril_evaluate() plays under the same number.
#ifndef TND_CONTROLLER_H
#define TND_CONTROLLER_H

#include <tendril/policy.h>
#include <tendril/sim.h>

typedef enum tnd_actions {
  TND_ACTIONS_MEAN,     // the policy's mean
  TND_ACTIONS_SAMPLED,  // drawn from the policy
  TND_ACTIONS_ZERO,
  TND_ACTIONS_RANDOM,  // uniform over the actuators' range; standard normal where that is infinite
} tnd_actions;

typedef struct tnd_controller tnd_controller;

// policy: borrowed; may be NULL for zero and random actions. model: borrowed.
TENDRIL_MUST_CHECK tendril_status tnd_controller_create(tnd_actions actions,
                                                        const tendril_model *model,
                                                        const tendril_policy *policy,
                                                        tnd_controller **out, tendril_error *err);
void tnd_controller_destroy(tnd_controller *controller);

// Starts episode `episode` of a seed; obs [nobs] filled.
TENDRIL_MUST_CHECK tendril_status tnd_controller_reset(tnd_controller *controller, uint64_t seed,
                                                       uint32_t episode, tendril_env *env,
                                                       double *obs, tendril_error *err);
// action [nact] for control step `t` of that episode: a function of obs [nobs] and t alone, so that
// an episode may be gone back in.
void tnd_controller_act(tnd_controller *controller, int t, const double *obs, double *action);

#endif

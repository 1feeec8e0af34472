// A policy as a function of the state that trajectory optimisation works in, x = (qpos, qvel): its
// mean action mu(x) and dmu/dx, a small change of x as in transition.h. The observation is the
// task's, of qpos and qvel alone.
#ifndef TND_STATE_POLICY_H
#define TND_STATE_POLICY_H

#include "policy/policy.h"
#include "sim/sim.h"

// Scratch of one thread.
typedef struct tnd_state_policy tnd_state_policy;

// For batches of up to `capacity` states. model and policy are borrowed; the policy's parameters
// may change between two calls.
// @return E_CONFIG for a task whose observation has a memory, E_ARGUMENT for a policy of other
// sizes, E_MEMORY, E_PHYSICS
TENDRIL_MUST_CHECK tendril_status tnd_state_policy_create(const tendril_model *model,
                                                          const tendril_policy *policy,
                                                          int capacity, tnd_state_policy **out,
                                                          tendril_error *err);
void tnd_state_policy_destroy(tnd_state_policy *view);

// States to come are on one of the model's grounds; 0 from the start.
void tnd_state_policy_set_ground(tnd_state_policy *view, int ground);

// obs [count][nobs] of x [count][nx].
void tnd_state_policy_observe(tnd_state_policy *view, int count, const double *x, double *obs);
// mu [count][nu] at x [count][nx], all of control step t.
void tnd_state_policy_mean(tnd_state_policy *view, int t, int count, const double *x, double *mu);
// The same, and P [count][nu][n] = dmu/dx.
void tnd_state_policy_linearize(tnd_state_policy *view, int t, int count, const double *x,
                                double *mu, double *P);

#endif

// The private side of tendril/policy.h: what learners do with a policy. A distribution over actions
// is a row d of `ndist` numbers (diagonal Gaussian: means, then log standard deviations); J =
// dd/dtheta.
//
// A new kind of policy fills a tnd_policy_ops table; everything outside src/policy/ goes through
// the functions below.
#ifndef TND_POLICY_H
#define TND_POLICY_H

#include "base/options.h"
#include "base/status.h"
#include "base/tensors.h"

#include <tendril/policy.h>

extern const tnd_option_table tnd_policy_options;

int tnd_policy_ndist(const tendril_policy *policy);
// Where in theta the nact log standard deviations are that all states share: behind all parameters
// of the mean, at the end. -1 if the noise is another in every step (time-linear).
int tnd_policy_log_std(const tendril_policy *policy);
// log_std [nact] copied there; E_NUMERIC if one is not finite, and nothing is changed.
TENDRIL_MUST_CHECK tendril_status tnd_policy_set_log_std(tendril_policy *policy,
                                                         const double *log_std, tendril_error *err);

// E_ARGUMENT unless the policy is one of so many observations and actions.
TENDRIL_MUST_CHECK tendril_status tnd_policy_check(const tendril_policy *policy, int nobs, int nact,
                                                   tendril_error *err);
// Whether an actor, made for some policy, has room for this one.
bool tnd_actor_fits(const tendril_actor *actor, const tendril_policy *policy);

// Numbers of an input x: those of an observation and, if the policy depends on it, t / T.
int tnd_policy_ninput(const tendril_policy *policy);
// x [n][ninput]: obs [n][nobs] as clip((obs - mean) / sd) under the policy's current normaliser (or
// as it is), then time [n] / T where the policy depends on it
void tnd_policy_input(const tendril_policy *policy, int64_t n, const double *obs, const int *time,
                      double *x);
// Merges n observations into the running mean and variance. Changes the policy.
void tnd_policy_observe(tendril_policy *policy, int64_t n, const double *obs);
// Whether the normaliser needs no first look: it has had one, or there is none.
bool tnd_policy_observed(const tendril_policy *policy);

// Activations of up to `capacity` rows and scratch; one thread at a time.
typedef struct tnd_policy_rows tnd_policy_rows;
TENDRIL_MUST_CHECK tendril_status tnd_policy_rows_create(const tendril_policy *policy, int capacity,
                                                         tnd_policy_rows **out, tendril_error *err);
// Rows that keep activations and nothing else: before forward, jvp or vjp they borrow the scratch
// of other rows, of the same policy and of no smaller capacity.
TENDRIL_MUST_CHECK tendril_status tnd_policy_rows_create_kept(const tendril_policy *policy,
                                                              int capacity, tnd_policy_rows **out,
                                                              tendril_error *err);
void tnd_policy_rows_borrow(tnd_policy_rows *kept, const tnd_policy_rows *from);
void tnd_policy_rows_destroy(tnd_policy_rows *rows);

// d [n][ndist] from inputs x [n][ninput]; keeps the activations
void tnd_policy_forward(const tendril_policy *policy, tnd_policy_rows *rows, int n, const double *x,
                        double *d);
// The policy as a function of the observation, to first order: d as above and P [n][nact][nobs],
// the mean action's derivatives in the observations that x [n][ninput] was made of. Where the
// normaliser clips an observation they are 0.
void tnd_policy_linearize(const tendril_policy *policy, tnd_policy_rows *rows, int n,
                          const double *x, double *d, double *P);
// v [nparam], copied: the direction of the next tnd_policy_jvp() calls
void tnd_policy_set_tangent(tendril_policy *policy, const double *v);
// jv [n][ndist] = J v for the rows of the last forward
void tnd_policy_jvp(const tendril_policy *policy, tnd_policy_rows *rows, double *jv);
// grad [nparam] += sum over rows of J' u, u [n][ndist]
void tnd_policy_vjp(const tendril_policy *policy, tnd_policy_rows *rows, const double *u,
                    double *grad);

// Rows of the distribution; Schulman et al. 2015, app. D for the Gaussian.
// logp [n] = log pi(action | d)
void tnd_policy_logp(const tendril_policy *policy, int n, const double *d, const double *action,
                     double *logp);
// u [n][ndist] = weight [n] * d logp / dd
void tnd_policy_logp_gradient(const tendril_policy *policy, int n, const double *d,
                              const double *action, const double *weight, double *u);
// kl [n] = KL(d_old || d_new)
void tnd_policy_kl(const tendril_policy *policy, int n, const double *d_old, const double *d_new,
                   double *kl);
// v [n][ndist] <- M(d) v, M the second derivative of KL(d || .) at d
void tnd_policy_metric(const tendril_policy *policy, int n, const double *d, double *v);
// h [n] = entropy in nats
void tnd_policy_entropy(const tendril_policy *policy, int n, const double *d, double *h);

// All that the policy is, under names that begin with "policy.".
TENDRIL_MUST_CHECK tendril_status tnd_policy_save(const tendril_policy *policy,
                                                  tnd_tensors *tensors, tendril_error *err);
// Parameters and normaliser of another policy of the same kind and sizes; E_CONFIG if it is not.
TENDRIL_MUST_CHECK tendril_status tnd_policy_copy(tendril_policy *policy,
                                                  const tendril_policy *from, tendril_error *err);
// Into a policy created with the same options and sizes; unchanged after an error.
TENDRIL_MUST_CHECK tendril_status tnd_policy_load(tendril_policy *policy,
                                                  const tnd_tensors *tensors, tendril_error *err);

#endif

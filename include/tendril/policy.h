/**
 * @file policy.h
 * Policies: a flat parameter vector theta and a distribution over actions given an observation and,
 * where the policy depends on it, the time.
 *
 * A distribution is described by `ndist` numbers per observation, d(theta, obs, t). All that
 * learners need follows from five operations on rows of d and from two products with J = dd/dtheta.
 */
#ifndef TENDRIL_POLICY_H
#define TENDRIL_POLICY_H

#include <tendril/base.h>
#include <tendril/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Index into the names of the option `activation`. */
typedef enum tendril_activation {
  TENDRIL_TANH,
  TENDRIL_SOFTPLUS,
  TENDRIL_RELU,
} tendril_activation;

/** Index into the names of the option `precision`. */
typedef enum tendril_precision {
  TENDRIL_SINGLE,
  TENDRIL_DOUBLE,
} tendril_precision;

/** Index into the names of the option `kind` of a policy. */
typedef enum tendril_policy_kind {
  TENDRIL_POLICY_MLP,
  TENDRIL_POLICY_LINEAR,
  TENDRIL_POLICY_TIME_LINEAR,
} tendril_policy_kind;

/** Index into the names of the option `covariance` of a policy. */
typedef enum tendril_covariance {
  TENDRIL_COVARIANCE_DIAGONAL,
  TENDRIL_COVARIANCE_FULL,
} tendril_covariance;

// clang-format off
#define TENDRIL_POLICY_OPTIONS(X)                                                                  \
  X(choice, kind,       "mlp",   "mlp linear time-linear", 0,   "",  "mean of the Gaussian: a network or a linear map of the observation, or a linear map and a covariance of its own for every step of an episode") \
  X(sizes,  hidden,     "64 64", 1,                    4096,    "",  "widths of the hidden layers of an mlp") \
  X(choice, activation, "tanh",  "tanh softplus relu", 0,       "",  "nonlinearity of the hidden layers") \
  X(flag,   time,       false,   0,                    0,       "",  "mlp, linear: the share of the episode that is over, t / T, is one more input") \
  X(choice, covariance, "diagonal", "diagonal full",   0,       "",  "time-linear: whether the noise of the actions may be correlated") \
  X(real,   log_std,    0,       -10,                  5,       "",  "initial log standard deviation of every action") \
  X(real,   output_gain, 0.01,   0,                    100,     "",  "scale of the initial orthogonal weights of the output layer") \
  X(flag,   normalize,  true,    0,                    0,       "",  "normalise observations by their running mean and standard deviation") \
  X(real,   obs_clip,   10,      0.1,                  1e6,     "",  "normalised observations are clipped to +- this") \
  X(choice, precision,  "single", "single double",     0,       "",  "arithmetic of the network; parameters and physics are double")
// clang-format on

typedef struct tendril_policy_options {
  TENDRIL_POLICY_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_policy_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_policy_defaults(tendril_policy_options *options);

typedef struct tendril_policy tendril_policy;

/**
 * A policy with orthogonal initial weights; a time-linear one has gains and means of zero.
 * @param horizon  T >= 1, control steps of an episode; a time-linear policy has as many steps, and
 *                 goes on with the last of them in a longer episode
 * @param seed     the run's seed
 * @param out      owned by the caller, tendril_policy_destroy()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_policy_create(const tendril_policy_options *options, int nobs, int nact, int horizon,
                      uint64_t seed, tendril_policy **out, tendril_error *err);
TENDRIL_API void tendril_policy_destroy(tendril_policy *policy);

TENDRIL_API const tendril_policy_options *tendril_policy_get_options(const tendril_policy *policy);
TENDRIL_API int tendril_policy_nobs(const tendril_policy *policy);
TENDRIL_API int tendril_policy_nact(const tendril_policy *policy);
TENDRIL_API int tendril_policy_horizon(const tendril_policy *policy);
TENDRIL_API int tendril_policy_nparam(const tendril_policy *policy);

/** The parameters [nparam], borrowed until the next set or destroy. */
TENDRIL_API const double *tendril_policy_get_params(const tendril_policy *policy);
/** @param theta [nparam] copied. @return E_NUMERIC if an entry is not finite; nothing is changed */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_policy_set_params(tendril_policy *policy,
                                                                        const double *theta,
                                                                        tendril_error *err);

/** Scratch for acting; one per thread. */
typedef struct tendril_actor tendril_actor;
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_actor_create(const tendril_policy *policy,
                                                                   tendril_actor **out,
                                                                   tendril_error *err);
TENDRIL_API void tendril_actor_destroy(tendril_actor *actor);

/**
 * The action for one observation.
 * @param t       control step within the episode, from 0
 * @param obs     [nobs] as the environment gives it, borrowed
 * @param noise   [nact] standard normals, or NULL for the mean action
 * @param action  [nact] filled
 * Allocates nothing; threads may share the policy, each with its own actor.
 */
TENDRIL_API void tendril_policy_act(const tendril_policy *policy, tendril_actor *actor, int t,
                                    const double *obs, const double *noise, double *action);

#ifdef __cplusplus
}
#endif

#endif

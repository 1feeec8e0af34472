/**
 * @file learn.h
 * Learners: configure, iterate, read the statistics. A learner knows nothing of files, terminals or
 * windows; run.h wraps a whole training around it.
 */
#ifndef TENDRIL_LEARN_H
#define TENDRIL_LEARN_H

#include <tendril/critic.h>
#include <tendril/policy.h>
#include <tendril/rollout.h>
#include <tendril/trajopt.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What every learner is given. */
typedef struct tendril_learner_setup {
  const tendril_model *model;  // borrowed
  tendril_pool *pool;          // borrowed
  tendril_policy *policy;      // borrowed; the learner changes it
  uint64_t seed;               // the run's seed
  tendril_rollout_options rollout;
  tendril_critic_options critic;
  // [ndemonstration] borrowed while it is created, but the pushes of each for the learner's life
  const tendril_trajectory *demonstrations;
  int ndemonstration;
} tendril_learner_setup;

/** One learner in training, whatever its method. */
typedef struct tendril_learner tendril_learner;

/** A column of the log. */
typedef struct tendril_stat {
  const char *name, *unit, *meaning;
} tendril_stat;

/** One iteration: collects experience and updates the policy. @param stats [nstat] filled */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_learner_iterate(tendril_learner *learner,
                                                                      double *stats,
                                                                      tendril_error *err);
TENDRIL_API void tendril_learner_destroy(tendril_learner *learner);

/**
 * How far the training is, 0 to 1, for what follows a schedule in the iterations to come; 0 until
 * told. A learner doesn't know when it will be stopped.
 */
TENDRIL_API void tendril_learner_set_progress(tendril_learner *learner, double fraction);

/** The statistics of an iteration, [*nstat], constant. */
TENDRIL_API const tendril_stat *tendril_learner_get_stats(const tendril_learner *learner,
                                                          int *nstat);
/** Control steps simulated and iterations done so far. */
TENDRIL_API int64_t tendril_learner_steps(const tendril_learner *learner);
TENDRIL_API int64_t tendril_learner_iterations(const tendril_learner *learner);

// ---------------------------------------------------------------------------------------- TRPO

/** Index into the names of the option `reward_scale`. */
typedef enum tendril_reward_scale {
  TENDRIL_REWARD_AS_IS,
  TENDRIL_REWARD_BY_RETURN_SD,
} tendril_reward_scale;

/** Index into the names of the option `advantage_scale`. */
typedef enum tendril_advantage_scale {
  TENDRIL_ADVANTAGE_STANDARDISED,
  TENDRIL_ADVANTAGE_AS_IS,
} tendril_advantage_scale;

/** Index into the names of the option `metric`. */
typedef enum tendril_metric {
  TENDRIL_METRIC_FISHER,
  TENDRIL_METRIC_EMPIRICAL,
} tendril_metric;

/** Index into the names of the option `bound`. */
typedef enum tendril_bound {
  TENDRIL_BOUND_MEAN,
  TENDRIL_BOUND_MAX,
} tendril_bound;

/** Index into the names of the option `step`. */
typedef enum tendril_step_rule {
  TENDRIL_STEP_TRUST_REGION,
  TENDRIL_STEP_FIXED,
} tendril_step_rule;

// clang-format off
/** What all methods with TRPO's step share. */
#define TENDRIL_TRUST_REGION_OPTIONS(X)                                                            \
  X(real,    gamma,         0.995, 0,    1,   "",    "discount per control step")                  \
  X(real,    gamma_final,   0,     0,    1,   "",    "discount at the end of the training; the horizon 1/(1 - gamma) goes there by equal factors; 0: gamma throughout") \
  X(real,    lambda,        0.97,  0,    1,   "",    "GAE's lambda: 0 one-step differences, 1 returns minus values") \
  X(real,    max_kl,        0.01,  1e-8, 10,  "nat", "delta, bound on a step's mean KL (sec. 6)")  \
  X(real,    max_kl_final,  1,     1e-3, 1,   "",    "share of max_kl that is left at the end of the training; delta falls in a straight line") \
  X(integer, cg_iters,      10,    1,    1000, "",   "conjugate-gradient iterations (app. C)")     \
  X(real,    damping,       0.1,   0,    100, "",    "multiple of the identity added to the Fisher matrix; 0 in the paper") \
  X(real,    fisher_share,  1,     1e-4, 1,   "",    "share of the rows in Fisher-vector products, drawn anew each iteration; 0.1 in the paper") \
  X(real,    backtrack,     0.8,   0.01, 0.99, "",   "factor by which the line search shrinks a step") \
  X(integer, backtracks,    10,    1,    100, "",    "steps that the line search tries")             \
  X(choice,  metric,        "fisher", "fisher empirical", 0, "", "A in the direction A^-1 g: the Hessian of the mean KL, or the mean of grad log pi grad log pi' over the sampled actions (empirical FIM, sec. 8)") \
  X(choice,  bound,         "mean", "mean max", 0, "", "max_kl bounds the mean KL over the states, or the largest of them (max KL, sec. 8)") \
  X(choice,  step,          "trust-region", "trust-region fixed", 0, "", "trust-region: as long as max_kl allows, with a line search; fixed: step_size A^-1 g (natural gradient, sec. 8)") \
  X(real,    step_size,     0.1,   1e-8, 1e6, "",    "fixed: the natural gradient's 1/lambda")

#define TENDRIL_TRPO_OPTIONS(X)                                                                    \
  TENDRIL_TRUST_REGION_OPTIONS(X)                                                                  \
  X(choice,  reward_scale,  "none", "none return-sd", 0, "", "divide rewards by the running deviation of the discounted return") \
  X(choice,  advantage_scale, "standardise", "standardise none", 0, "", "advantages of a batch to mean 0 and deviation 1")
// clang-format on

typedef struct tendril_trpo_options {
  TENDRIL_TRPO_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_trpo_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_trpo_defaults(tendril_trpo_options *options);

// clang-format off
/** Statistics of one TRPO iteration, after those of the rollout. */
#define TENDRIL_TRPO_STATS(X)                                                                      \
  X(kl,                 "nat", "mean KL(old || new) over the batch after the step")                \
  X(kl_max,             "nat", "largest KL(old || new) of a state of the batch after the step")     \
  X(surrogate_gain,     "",    "improvement of the sample objective L")                            \
  X(entropy,            "nat", "mean entropy of the policy before the step")                       \
  X(accepted,           "",    "1: a step was taken; 0: none passed, the parameters are unchanged") \
  X(line_search_steps,  "",    "steps tried")                                                      \
  X(cg_residual,        "",    "|g - A s| / |g| after conjugate gradients, A with its damping") \
  X(curvature,          "",    "s'As of the search direction, A with its damping; not positive: no step was tried") \
  X(explained_variance, "",    "1 - Var(target - V) / Var(target), V before its fit (a quadratic V: after it)")              \
  X(update_seconds,     "s",   "wall seconds of the iteration outside the collection")             \
  X(advantage_cpu,      "s",   "CPU seconds of normaliser, values and advantages (steps 2 and 8)") \
  X(policy_cpu,         "s",   "CPU seconds of gradient, conjugate gradients and line search (steps 3 to 6)") \
  X(critic_cpu,         "s",   "CPU seconds of the value function's fit (step 7)")
// clang-format on

typedef struct tendril_trpo_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_TRPO_STATS(X)
#undef X
} tendril_trpo_stats;

/**
 * Trust region policy optimisation, single path (Schulman et al. 2015), with GAE (Schulman et al.
 * 2016) on a fitted value function. docs/methods/trpo.md numbers its steps.
 * @param options  copied
 * @param setup    copied; what it points to is borrowed for the learner's life
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_trpo_create(const tendril_trpo_options *options, const tendril_learner_setup *setup,
                    tendril_learner **out, tendril_error *err);

// ---------------------------------------------------------------------------------- TRPO, vine

/** Index into the names of the option `constraint`. */
typedef enum tendril_constraint {
  TENDRIL_CONSTRAINT_TRUNK,
  TENDRIL_CONSTRAINT_ROLLOUT_SET,
} tendril_constraint;

// clang-format off
#define TENDRIL_VINE_OPTIONS(X)                                                                    \
  TENDRIL_TRUST_REGION_OPTIONS(X)                                                                  \
  X(integer, states,        128,   1,    100000000, "", "N, states of the trunk from which branches start; at most rollout.batch") \
  X(integer, actions,       4,     2,    65536, "",  "K, branches at each, every one with a first action of its own") \
  X(integer, branch,        100,   1,    1000000, "steps", "L, length of a branch, its first action included") \
  X(flag,    branch_value,  false, 0,    0,   "",    "add the value function where a branch ends that did not terminate; false: nothing, as in the paper") \
  X(flag,    common_noise,  true,  0,    0,   "",    "the branches of a state share their noise from their second step on") \
  X(choice,  constraint,    "trunk", "trunk rollout-set", 0, "", "states over which KL and Fisher matrix are averaged: all of the trunk, or the N, as in the paper") \
  X(choice,  advantage_scale, "standardise", "standardise none", 0, "", "Q less its mean over the actions of a state: to deviation 1, or as it is")
// clang-format on

typedef struct tendril_vine_options {
  TENDRIL_VINE_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_vine_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_vine_defaults(tendril_vine_options *options);

// clang-format off
/** Statistics of one iteration, after those of the rollout, which are the trunk's (but for
 * physics_seconds: of trunk and branches), and TRPO's. */
#define TENDRIL_VINE_STATS(X)                                                                      \
  X(trunk_steps,       "steps", "control steps of the trunk")                                      \
  X(branch_steps,      "steps", "control steps of all branches")                                   \
  X(branches,          "",      "branches, N K")                                                   \
  X(branch_terminated, "",      "branches that the task ended")                                    \
  X(branch_diverged,   "",      "branches cut because the simulation diverged")                    \
  X(branch_spread,     "",      "root mean square of Q less its mean over the actions of a state")
// clang-format on

typedef struct tendril_vine_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_VINE_STATS(X)
#undef X
} tendril_vine_stats;

/**
 * Trust region policy optimisation, vine (Schulman et al. 2015, sec. 5.2): branches from states of
 * a trunk, several actions at each. docs/methods/trpo.md numbers its steps. The rollout is the
 * trunk; the critic is used with `branch_value` only.
 * @param options  copied
 * @param setup    copied; what it points to is borrowed for the learner's life
 * @return E_CONFIG if more states are asked for than the trunk has, if `branch_value` has no
 * critic, or if the task does not continue from its snapshots
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_vine_create(const tendril_vine_options *options, const tendril_learner_setup *setup,
                    tendril_learner **out, tendril_error *err);

// ---------------------------------------------------------------------------------------- MOTO

/** Index into the names of the option `targets`. */
typedef enum tendril_targets {
  TENDRIL_TARGETS_DYNAMIC_PROGRAMMING,
  TENDRIL_TARGETS_MONTE_CARLO,
} tendril_targets;

/** Index into the names of the option `reuse`. */
typedef enum tendril_reuse {
  TENDRIL_REUSE_ALL,
  TENDRIL_REUSE_NONE,
} tendril_reuse;

/** Index into the names of the option `states`. */
typedef enum tendril_state_estimate {
  TENDRIL_STATES_MIXTURE,
  TENDRIL_STATES_FORWARD,
} tendril_state_estimate;

// clang-format off
#define TENDRIL_MOTO_OPTIONS(X)                                                                    \
  X(real,    max_kl,        0.03,  1e-8, 100, "nat", "eps, bound on the expected KL(new || old) of every time step (2)") \
  X(flag,    entropy_bound, true,  0,    0,   "",    "bound the entropy of every time step from below (3)") \
  X(real,    entropy_drop,  0.1,   0,    100, "nat", "beta0, by how much it may fall in an iteration") \
  X(choice,  targets,       "dynamic-programming", "dynamic-programming monte-carlo", 0, "", "what Q is fitted to: r + V of the next state (7), or the rewards to come") \
  X(choice,  reuse,         "all", "all none", 0, "", "all: samples of all time steps of the kept iterations serve every time step, by importance weights (8); none: only the time step's own of this iteration") \
  X(integer, keep,          3,     1,    1000, "",   "K, iterations whose samples are kept") \
  X(real,    least_weight,  1e-3,  1e-15, 0.5, "",   "samples of less than this share of a time step's largest weight are left out: far from its states they have no say but leverage") \
  X(choice,  states,        "mixture", "mixture forward", 0, "", "state distributions: from the samples of the kept iterations, less by `decay` with each (sec. 4.3.2), or propagated forward in time (sec. 4.3.1)") \
  X(real,    decay,         0.9,   0,    1,   "",    "gamma, the weight of an iteration's states relative to the next one's") \
  X(real,    ridge,         1e-6,  0,    1e6, "",    "lambda, penalty on the weights of the regressions (6), features of the state alone, centred and scaled") \
  X(real,    action_ridge,  0.01,  0,    1e6, "",    "the same of features of the action, in deviations of the policy's noise") \
  X(real,    state_ridge,   1e-6,  0,    1,   "",    "of the mean variance, added to all variances of a state distribution") \
  X(real,    state_spread,  6,     1,    1000, "",   "factor on the covariances of the state distributions: the Q functions and the bound on the KL then hold as much farther out; 1 in the paper")
// clang-format on

typedef struct tendril_moto_options {
  TENDRIL_MOTO_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_moto_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_moto_defaults(tendril_moto_options *options);

// clang-format off
/** Statistics of one MOTO iteration, after those of the rollout. */
#define TENDRIL_MOTO_STATS(X)                                                                      \
  X(kl,             "nat", "expected KL(new || old), mean over the time steps")                    \
  X(kl_max,         "nat", "largest of them")                                                      \
  X(entropy,        "nat", "entropy of the policy before the step, mean over the time steps")      \
  X(entropy_bound,  "",    "time steps whose entropy fell by beta0, the most that it may")         \
  X(gain,           "",    "improvement that the local quadratics expect, summed over the time steps") \
  X(fit,            "",    "weighted R^2 of Q about its targets, mean over the time steps")        \
  X(effective,      "",    "effective number of samples that Q is fitted to, mean over the time steps") \
  X(effective_min,  "",    "smallest of them")                                                     \
  X(degenerate,     "",    "time steps whose importance weights were worth less than their own samples of the iteration, which they were fitted to instead") \
  X(update_seconds, "s",   "wall seconds of the iteration outside the collection")                 \
  X(weights_cpu,    "s",   "CPU seconds of state distributions and importance weights")            \
  X(regression_cpu, "s",   "CPU seconds of the fits of Q and V")                                   \
  X(dual_cpu,       "s",   "CPU seconds of the policy's updates")
// clang-format on

typedef struct tendril_moto_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_MOTO_STATS(X)
#undef X
} tendril_moto_stats;

/**
 * Model-free trajectory-based policy optimisation (Akrour et al. 2018): at every time step a local
 * quadratic Q and an update in closed form under bounds on KL and entropy. docs/methods/moto.md
 * numbers its steps. States are the task's observations; the critic is not used.
 * @param options  copied
 * @param setup    copied; what it points to is borrowed for the learner's life. The policy is
 *                 time-linear with full covariances, without normaliser; an iteration is
 *                 rollout.streams whole episodes
 * @return E_CONFIG if policy, rollout or options don't go with that
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_moto_create(const tendril_moto_options *options, const tendril_learner_setup *setup,
                    tendril_learner **out, tendril_error *err);

// --------------------------------------------------------------------- guided policy search

/** Index into the names of the option `states`. */
typedef enum tendril_guide_states {
  TENDRIL_STATES_ROLLOUTS,
  TENDRIL_STATES_GAUSSIAN,
} tendril_guide_states;

/** Index into the names of the option `terms`. */
typedef enum tendril_policy_terms {
  TENDRIL_TERMS_AVERAGED,
  TENDRIL_TERMS_NOMINAL,
} tendril_policy_terms;

// clang-format off
/** What all methods that begin with trajectories share. */
#define TENDRIL_TRAJECTORY_OPTIONS(X)                                                              \
  X(integer, samples,     48,    2,    100000, "",   "N, samples of each time step's states that a trajectory gives in an iteration") \
  X(integer, tail,        50,    0,    100000, "steps", "the end of a trajectory, which the policy is not taught: nothing that comes after it is part of the cost, so it falls") \
  X(real,    cost_scale,  10,    1e-6, 1e9,   "nat", "c, what a unit of cost counts against entropy and divergences") \
  X(real,    reach,       1,     1e-3, 1e6,   "m, rad", "a rollout is lost, and its samples with it, where a position other than the way along the ground is off by more") \
  X(real,    hold_qpos,   0.3,   0,    1e6,   "",    "as iLQG's: a trajectory whose feedback holds is one that can be taught") \
  X(real,    hold_qvel,   0.003, 0,    1e6,   "",    "as iLQG's")                                  \
  X(integer, fit_iterations, 60, 1,    100000, "",   "of L-BFGS, from the policy so far on")

/** What all methods that are guided by trajectories share. */
#define TENDRIL_GUIDED_OPTIONS(X)                                                                  \
  TENDRIL_TRAJECTORY_OPTIONS(X)                                                                    \
  X(choice,  states,      "rollouts", "rollouts gaussian", 0, "", "where these are drawn from: rollouts of the trajectory's feedback in the simulator, with its noise, or Gaussians that follow the dynamics' derivatives") \
  X(choice,  terms,       "averaged", "averaged nominal", 0, "", "the policy's mean and Jacobian in a trajectory's objective: means over those samples, or those at the nominal state") \
  X(real,    cost_growth, 1,     1e-3, 1e6,   "",    "factor that c grows by, evenly on a logarithmic scale; 10 in the paper") \
  X(integer, growth_iterations, 50, 1, 1000000, "",  "iterations that this takes")

#define TENDRIL_CGPS_OPTIONS(X)                                                                    \
  TENDRIL_GUIDED_OPTIONS(X)                                                                        \
  X(real,    lambda,      3,    1e-9, 1e9,   "",    "lambda_t at the start, of every time step")  \
  X(real,    eta,         0.3,     0,    1e9,   "",    "by how much lambda_t grows for a nat of its time step's divergence, equation (2)")

#define TENDRIL_VGPS_OPTIONS(X) TENDRIL_GUIDED_OPTIONS(X)
// clang-format on

typedef struct tendril_cgps_options {
  TENDRIL_CGPS_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_cgps_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_cgps_defaults(tendril_cgps_options *options);

typedef struct tendril_vgps_options {
  TENDRIL_VGPS_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_vgps_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_vgps_defaults(tendril_vgps_options *options);

// clang-format off
/** Statistics of one iteration; of the trajectories their means. */
#define TENDRIL_GUIDED_STATS(X)                                                                    \
  X(policy_cost,     "",    "cost a step of the policy's mean actions from the trajectories' starts, over the steps that are taught") \
  X(trajectory_cost, "",    "cost a step of the nominal trajectories")                             \
  X(rollout_cost,    "",    "cost a step of the rollouts that stayed within reach, noise included") \
  X(survived,        "",    "share of the rollouts that stayed within reach")                      \
  X(kl,              "nat", "KL(policy || trajectory) of a time step, mean over the samples")      \
  X(kl_max,          "nat", "the largest of a time step")                                          \
  X(lambda,          "",    "lambda_t, mean over the time steps, after its update")                \
  X(lambda_min,      "",    "the smallest")                                                        \
  X(lambda_max,      "",    "the largest")                                                         \
  X(alpha,           "",    "share of the trajectory's step that the line search took")            \
  X(anchor,          "nat", "how strongly the next step is held to the trajectory before it")      \
  X(taken_back,      "",    "steps that were taken back, as too few rollouts stayed within reach") \
  X(refused,         "",    "time steps that kept their covariance: equation (8) had no solution") \
  X(noise,           "",    "standard deviation of the trajectories' actions, root mean square")   \
  X(policy_noise,    "",    "standard deviation of the policy's actions, root mean square")        \
  X(fit_error,       "",    "f of the policy's regression after the fit")                          \
  X(fit_evaluations, "",    "evaluations of f")                                                    \
  X(update_seconds,  "s",   "wall seconds of the iteration")                                       \
  X(trajectory_seconds, "s", "wall seconds of the trajectories' improvement")                      \
  X(sample_seconds,  "s",   "wall seconds of the rollouts, the policy's included")                 \
  X(fit_seconds,     "s",   "wall seconds of the policy's fit")                                    \
  X(trajectory_cpu,  "s",   "CPU seconds of the trajectories' improvement")                        \
  X(sample_cpu,      "s",   "CPU seconds of the rollouts, the policy's included")                  \
  X(fit_cpu,         "s",   "CPU seconds of the policy's fit")                                     \
  X(physics_seconds, "s",   "CPU seconds inside mj_step in the rollouts")
// clang-format on

typedef struct tendril_guided_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_GUIDED_STATS(X)
#undef X
} tendril_guided_stats;

/**
 * Constrained guided policy search (Levine and Koltun 2014, algorithm 1): a policy is fitted to
 * trajectory distributions, which are optimised for a low cost and towards the policy.
 * docs/methods/gps.md numbers its steps. Neither rollout options nor the critic are used.
 * @param options  copied
 * @param setup    copied; what it points to is borrowed for the learner's life. It begins with the
 *                 demonstrations
 * @return E_CONFIG without demonstrations, for a task without a smooth cost or a policy that no
 *         regression fits
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_cgps_create(const tendril_cgps_options *options, const tendril_learner_setup *setup,
                    tendril_learner **out, tendril_error *err);

/**
 * Variational guided policy search (Levine and Koltun 2013): trajectories to the optimum of
 * KL(q || pi exp(-cost)), the policy to the largest likelihood of their actions. All else as
 * tendril_cgps_create().
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_vgps_create(const tendril_vgps_options *options, const tendril_learner_setup *setup,
                    tendril_learner **out, tendril_error *err);

// ------------------------------------------------------------- DAGGER, cost-weighted regression

/** Index into the names of the option `weights`. */
typedef enum tendril_sample_weights {
  TENDRIL_WEIGHTS_DENSITY,
  TENDRIL_WEIGHTS_NONE,
} tendril_sample_weights;

// clang-format off
#define TENDRIL_DAGGER_OPTIONS(X)                                                                  \
  TENDRIL_TRAJECTORY_OPTIONS(X)                                                                    \
  X(integer, rollouts,    48,    1,    100000, "",   "of the policy from the start of each trajectory in an iteration; their states are added to the samples") \
  X(integer, keep,        50,    1,    100000, "",   "iterations whose rollouts are kept, the oldest are forgotten; a trajectory's own samples never are") \
  X(choice,  weights,     "density", "density none", 0, "", "what a sample counts: its probability density under the trajectory's distribution, relative to that of the nominal state; or 1, as in Ross et al. 2011") \
  X(flag,    noise,       true,  0,    0,   "",      "the policy's rollouts are of its actions with their noise; false: of its mean actions")
// clang-format on

typedef struct tendril_dagger_options {
  TENDRIL_DAGGER_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_dagger_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_dagger_defaults(tendril_dagger_options *options);

// clang-format off
/** Statistics of one iteration. The rollouts are the policy's, in the first iteration those of the
 * trajectories. */
#define TENDRIL_DAGGER_STATS(X)                                                                    \
  X(policy_cost,     "",    "cost a step of the policy's mean actions from the trajectories' starts, over the steps that are taught") \
  X(rollout_cost,    "",    "cost a step of the rollouts that stayed within reach, noise included") \
  X(survived,        "",    "share of the rollouts that stayed within reach")                      \
  X(mismatch,        "",    "what the policy's mean action, before the fit, and the oracle's differ by at the states of the rollouts, root mean square") \
  X(weight,          "",    "what a state of the rollouts counts, mean")                           \
  X(rows,            "",    "samples that the policy is fitted to")                                \
  X(effective,       "",    "effective number of them, by their weights")                          \
  X(policy_noise,    "",    "standard deviation of the policy's actions, root mean square")        \
  X(fit_error,       "",    "f of the policy's regression after the fit")                          \
  X(fit_evaluations, "",    "evaluations of f")                                                    \
  X(update_seconds,  "s",   "wall seconds of the iteration")                                       \
  X(sample_cpu,      "s",   "CPU seconds of the rollouts")                                         \
  X(physics_seconds, "s",   "CPU seconds inside mj_step in the rollouts")                          \
  X(fit_cpu,         "s",   "CPU seconds of the policy's fit")
// clang-format on

typedef struct tendril_dagger_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_DAGGER_STATS(X)
#undef X
} tendril_dagger_stats;

/**
 * DAGGER (Ross et al. 2011) as in Levine and Koltun 2014: the policy imitates the feedback of the
 * demonstrations' trajectory distributions at states that it comes to itself. Its first iteration
 * is behavioural cloning. docs/methods/gps.md numbers its steps. Neither rollout options nor the
 * critic are used.
 * @param options  copied
 * @param setup    copied; what it points to is borrowed for the learner's life
 * @return E_CONFIG without demonstrations, for a task without a smooth cost or a policy that no
 *         regression fits
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_dagger_create(const tendril_dagger_options *options, const tendril_learner_setup *setup,
                      tendril_learner **out, tendril_error *err);

// clang-format off
#define TENDRIL_CWR_OPTIONS(X)                                                                     \
  X(real,    effective,   0.1,   1e-9, 1,   "",      "effective number of rollouts, by their weights, as a share of all") \
  TENDRIL_TRAJECTORY_OPTIONS(X)
// clang-format on

typedef struct tendril_cwr_options {
  TENDRIL_CWR_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_cwr_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_cwr_defaults(tendril_cwr_options *options);

// clang-format off
/** Statistics of one iteration, after those of the rollout. */
#define TENDRIL_CWR_STATS(X)                                                                       \
  X(weighted_return, "",    "mean return of the rollouts, by their weights")                       \
  X(cost_weight,     "",    "c, weights are exp(-c cost)")                                         \
  X(effective,       "",    "effective number of rollouts")                                        \
  X(void_rollouts,   "",    "rollouts that count nothing: the simulation diverged")                \
  X(policy_noise,    "",    "standard deviation of the policy's actions after the update, root mean square") \
  X(fit_error,       "",    "f of the policy's regression after the fit")                          \
  X(fit_evaluations, "",    "evaluations of f")                                                    \
  X(update_seconds,  "s",   "wall seconds of the iteration outside the collection")                \
  X(clone_cpu,       "s",   "CPU seconds of cloning the demonstrations, in the first iteration")   \
  X(fit_cpu,         "s",   "CPU seconds of weights and fit")
// clang-format on

typedef struct tendril_cwr_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_CWR_STATS(X)
#undef X
} tendril_cwr_stats;

/**
 * Cost-weighted regression (Peters and Schaal 2007; Kober and Peters 2009): the policy is fitted to
 * its own rollouts, each weighted by the exponential of its cost. docs/methods/gps.md numbers its
 * steps. It begins with a clone of the demonstrations, if there are any; the critic is not used.
 * @param options  copied; all but `effective` and `fit_iterations` are about the demonstrations
 * @param setup    copied; what it points to is borrowed for the learner's life. An iteration is
 *                 rollout.streams whole episodes
 * @return E_CONFIG if policy or rollout don't go with that, or the demonstrations' task has no
 *         smooth cost
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_cwr_create(const tendril_cwr_options *options,
                                                                 const tendril_learner_setup *setup,
                                                                 tendril_learner **out,
                                                                 tendril_error *err);

// ------------------------------------------------- importance-sampled guided policy search

// clang-format off
#define TENDRIL_ISGPS_OPTIONS(X)                                                                   \
  TENDRIL_TRAJECTORY_OPTIONS(X)                                                                    \
  X(integer, rollouts,    20,    1,    100000, "",   "of a policy from the start of each trajectory: of the one that a search found, and of the best so far if that remains the best") \
  X(integer, keep,        5,     2,    1000, "",     "policies whose rollouts are searched by beside the trajectories' samples, the newest; a policy counts as often as rollouts were made of it") \
  X(real,    w_r,         1e-4,  0,    1e9, "",      "w_r at the start, the weight of log Z in units of the cost of a step") \
  X(real,    w_r_min,     1e-6,  0,    1e9, "",      "the least it falls to, tenfold with each policy that is better") \
  X(real,    w_r_max,     1e-2,  0,    1e9, "",      "the most it rises to, tenfold with each policy that is not")

#define TENDRIL_ADAPTED_ISGPS_OPTIONS(X) TENDRIL_ISGPS_OPTIONS(X)
// clang-format on

typedef struct tendril_isgps_options {
  TENDRIL_ISGPS_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_isgps_options;

/** Of both methods. */
typedef tendril_isgps_options tendril_adapted_isgps_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_isgps_defaults(tendril_isgps_options *options);
TENDRIL_API void tendril_adapted_isgps_defaults(tendril_adapted_isgps_options *options);

// clang-format off
/** Statistics of one iteration. */
#define TENDRIL_ISGPS_STATS(X)                                                                     \
  X(policy_cost,     "",    "cost a step of the best policy's mean actions from the trajectories' starts, over the steps that are taught") \
  X(rollout_cost,    "",    "cost a step of the rollouts of the policy that was found, noise included") \
  X(found_cost,      "",    "cost a step of that policy by the estimator, its own rollouts included") \
  X(best_cost,       "",    "the same of the best policy before it")                               \
  X(accepted,        "",    "1: the policy that was found is the best now; 0: it is not")          \
  X(w_r,             "",    "weight of log Z, after its update")                                   \
  X(gain,            "",    "by how much the search raised Phi")                                   \
  X(searched,        "",    "effective number of paths at the end of the search, mean over the steps") \
  X(effective,       "",    "the same with the policy's own rollouts")                             \
  X(paths,           "",    "paths that are kept")                                  \
  X(diverged,        "",    "rollouts of the policy that was found in which the simulation diverged") \
  X(trajectory_cost, "",    "cost a step of the nominal trajectories")                             \
  X(guide_cost,      "",    "cost a step of those of the trajectories' samples that stayed within reach, noise included") \
  X(survived,        "",    "share of the samples that did")                                        \
  X(alpha,           "",    "adapted: share of the trajectory's step that the line search took")   \
  X(taken_back,      "",    "adapted: steps that were taken back, as too few rollouts stayed within reach") \
  X(policy_noise,    "",    "standard deviation of the best policy's actions, root mean square")   \
  X(fit_evaluations, "",    "evaluations of Phi; in the first iteration of the likelihood")        \
  X(update_seconds,  "s",   "wall seconds of the iteration")                                       \
  X(trajectory_cpu,  "s",   "CPU seconds of the trajectories' improvement")                        \
  X(sample_cpu,      "s",   "CPU seconds of rollouts, densities and estimates")                    \
  X(physics_seconds, "s",   "CPU seconds inside mj_step in the rollouts")                          \
  X(fit_cpu,         "s",   "CPU seconds of the search")
// clang-format on

typedef struct tendril_isgps_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_ISGPS_STATS(X)
#undef X
} tendril_isgps_stats;

/**
 * Importance-sampled guided policy search (Levine and Koltun 2013, "Guided Policy Search"): the
 * policy maximises what it is worth by importance sampling from rollouts of recent policies and
 * guiding samples of the demonstrations' trajectory distributions. docs/methods/gps.md numbers its
 * steps. Neither rollout options nor the critic are used.
 * @param options  copied
 * @param setup    copied; what it points to is borrowed for the learner's life
 * @return E_CONFIG without demonstrations, for a task without a smooth cost, a policy that no
 *         regression fits, or a w_r out of its bounds
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_isgps_create(const tendril_isgps_options *options, const tendril_learner_setup *setup,
                     tendril_learner **out, tendril_error *err);

/**
 * The same with guiding distributions that are optimised in every iteration, for the cost and for
 * what the best policy would do (Levine and Koltun 2014, sec. 4).
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_adapted_isgps_create(
    const tendril_adapted_isgps_options *options, const tendril_learner_setup *setup,
    tendril_learner **out, tendril_error *err);

// --------------------------------------------------------------------------------------- LA14

/** Index into the names of the option `dynamics`. */
typedef enum tendril_local_dynamics {
  TENDRIL_DYNAMICS_REGRESSION,
  TENDRIL_DYNAMICS_MIXTURE,
} tendril_local_dynamics;

// clang-format off
#define TENDRIL_LA14_OPTIONS(X)                                                                    \
  X(real,    max_kl,        0.1,   1e-8, 100, "nat", "eps, bound on the KL(new || old) of a trajectory, per time step") \
  X(flag,    adapt,         false, 0,    0,   "",    "max_kl is the first bound: it grows or shrinks with how much of the expected improvement was attained") \
  X(choice,  dynamics,      "regression", "regression mixture", 0, "", "local models of the dynamics: least squares on the samples of each time step, or Bayesian regression with a Gaussian mixture of all kept samples as the prior") \
  X(integer, keep,          3,     1,    1000, "",   "mixture: iterations whose samples it is fitted to") \
  X(integer, clusters,      20,    1,    1000, "",   "mixture: clusters at most") \
  X(real,    strength,      1,     1e-6, 1e6, "",    "mixture: samples that the prior counts as") \
  X(real,    ridge,         1e-6,  0,    1,   "",    "regression: of each input's variance, added to it")
// clang-format on

typedef struct tendril_la14_options {
  TENDRIL_LA14_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_la14_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_la14_defaults(tendril_la14_options *options);

// clang-format off
/** Statistics of one iteration, after those of the rollout. */
#define TENDRIL_LA14_STATS(X)                                                                      \
  X(kl,             "nat", "KL(new || old) of the trajectory under the fitted model, per time step") \
  X(max_kl,         "nat", "its bound")                                                            \
  X(eta,            "",    "multiplier of the bound, in units of cost per nat")                     \
  X(entropy,        "nat", "entropy of the policy before the step, mean over the time steps")      \
  X(expected_cost,  "",    "cost of an episode that the model expects of the new policy")           \
  X(expected_gain,  "",    "by how much that is less than what it expects of the old one")         \
  X(clusters,       "",    "clusters of the mixture; 0 without one")                               \
  X(update_seconds, "s",   "wall seconds of the iteration outside the collection")                 \
  X(dynamics_cpu,   "s",   "CPU seconds of mixture and local models")                              \
  X(lqr_cpu,        "s",   "CPU seconds of the update")
// clang-format on

typedef struct tendril_la14_stats {
#define X(name, unit, meaning) double name;
  TENDRIL_LA14_STATS(X)
#undef X
} tendril_la14_stats;

/**
 * The trajectory optimiser of Levine and Abbeel (2014): local linear models of the dynamics fitted
 * to samples, LQR under a bound on the KL divergence from the policy so far.
 * docs/methods/local-models.md numbers its steps. It needs a task with a smooth cost whose
 * observation is its state, (qpos, qvel); the critic is not used.
 * @param options  copied
 * @param setup    copied; what it points to is borrowed for the learner's life. Policy and rollout
 *                 as for tendril_moto_create()
 * @return E_CONFIG if task, policy, rollout or options don't go with that
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_la14_create(const tendril_la14_options *options, const tendril_learner_setup *setup,
                    tendril_learner **out, tendril_error *err);

#ifdef __cplusplus
}
#endif

#endif

// A trajectory distribution of guided policy search (Levine and Koltun 2014): linear-Gaussian
// actions about a nominal trajectory of the simulator,
//   q(u | x_t) = N(u^_t + K_t (x_t - x^_t), A_t),     t = 0 .. T-1,
// x_0 normal about x^_0 by the model's start_qpos and start_qvel,
// drawn towards a policy pi(u | x) = N(mu(x), Sigma). Symbols are those of docs/methods/gps.md.
#ifndef TND_GUIDE_H
#define TND_GUIDE_H

#include "base/tensors.h"
#include "trajopt/ilqg.h"

// How the policy draws q: by what is added to the cost of a step, in nats.
typedef enum tnd_guide_pull {
  TND_PULL_CONSTRAINED,  // lambda_t E_q(x) KL(pi(.|x) || q(.|x))
  TND_PULL_VARIATIONAL,  // -E_q log pi(u|x), to the optimum of KL(q || pi exp(-cost))
} tnd_guide_pull;

typedef struct tnd_guide_options {
  tnd_guide_pull pull;
  bool gaussian;  // states are drawn from N(x^_t, S_t), S_t by the dynamics' derivatives; else from
  // rollouts in the simulator with q's noise
  bool averaged;  // the policy's terms are means over samples, not those at x^_t
  int samples;    // N
  int tail;       // last steps, which the policy is not taught
  double lambda;  // lambda_t at the start
  double reach;   // a rollout is lost where a position is off by more (m, rad)
  tendril_ilqg_options ilqg;
} tnd_guide_options;

typedef struct tnd_guide tnd_guide;

// For trajectories of T steps on one of the model's grounds. model, policy, pool: borrowed.
// @return E_CONFIG for a task without a cost, with a state or activations of its own, a tail of T
// steps or more; E_ARGUMENT for a policy of other sizes
TENDRIL_MUST_CHECK tendril_status tnd_guide_create(const tendril_model *model, int ground,
                                                   const tendril_policy *policy, int T,
                                                   const tnd_guide_options *options,
                                                   tendril_pool *pool, tnd_guide **out,
                                                   tendril_error *err);
void tnd_guide_destroy(tnd_guide *guide);

// Pushes in the simulation from the next start on; NULL: none. Kept.
void tnd_guide_set_pushes(tnd_guide *guide, const struct tnd_pushes *pushes);

// From now on a unit of cost counts `scale` nats, > 0; 1 until told.
void tnd_guide_set_scale(tnd_guide *guide, double scale);

// q about the trajectory of controls u [T][nu] from x0 [nx], with the feedback and noise of
// maximum-entropy LQR, A = (scale Quu)^-1. E_PHYSICS, E_NUMERIC: there is none.
TENDRIL_MUST_CHECK tendril_status tnd_guide_start(tnd_guide *guide, const double *x0,
                                                  const double *u, tendril_error *err);

typedef struct tnd_guide_samples {
  int kept;        // of N rollouts those that stayed within reach
  int64_t steps;   // simulated
  double cost;     // mean over those kept, sum over the steps that are taught; NAN: none
  double physics;  // CPU seconds
} tnd_guide_samples;

// Draws N samples of q's states, a function of q and (seed, iteration): what is taught, what S_t
// is, and what the policy's terms are averaged over until the next call.
// @return E_NUMERIC if no rollout stays within reach
TENDRIL_MUST_CHECK tendril_status tnd_guide_sample(tnd_guide *guide, uint64_t seed,
                                                   uint32_t iteration, tnd_guide_samples *out,
                                                   tendril_error *err);

typedef struct tnd_guide_step {
  double alpha;  // share of the mean's step that the line search took; 0: none
  double cost;   // of the nominal trajectory, after it
  int refused;   // time steps that keep their covariance: equation (8) had no solution
} tnd_guide_step;

// One iteration of algorithm 2 against the policy as it is, of variances sigma2 [nu]: first pass
// (3) to (5), line search, second pass (6) to (8). Needs samples.
TENDRIL_MUST_CHECK tendril_status tnd_guide_improve(tnd_guide *guide, const double *sigma2,
                                                    tnd_guide_step *step, tendril_error *err);

// How strongly a step is held to the distribution before it, >= 0, in nats, as lambda; 0 until
// told.
void tnd_guide_set_anchor(tnd_guide *guide, double anchor);
double tnd_guide_anchor(const tnd_guide *guide);
// After an improvement: the distribution is the one before it, and what the policy's terms are
// averaged over is what it was. For rows and divergences samples are to be drawn again.
void tnd_guide_take_back(tnd_guide *guide);

// kl [taught] = mean over the samples of KL(pi(.|x) || q(.|x)), of a policy of variances sigma2.
void tnd_guide_divergence(tnd_guide *guide, const double *sigma2, double *kl);

// Cost of the policy's mean actions from x^_0, sum over the steps that are taught; infinite if the
// simulation does not survive them.
double tnd_guide_policy_cost(tnd_guide *guide);

// Of the last samples how many rollouts stayed within reach.
int tnd_guide_kept(const tnd_guide *guide);
// Steps that the policy is taught: 0 .. taught-1.
int tnd_guide_taught(const tnd_guide *guide);
// The samples as rows to fit a policy to, those of a rollout one after the other: obs
// [kept][taught][nobs], action [kept][taught][nu] = u^ + K (x - x^), step [kept][taught].
// Returns how many rows.
int64_t tnd_guide_rows(tnd_guide *guide, double *obs, double *action, int *step);

const tendril_trajectory *tnd_guide_trajectory(const tnd_guide *guide);  // x^, u^, K
const double *tnd_guide_covariance(const tnd_guide *guide);              // [T][nu][nu] A
const double *tnd_guide_precision(const tnd_guide *guide);               // [T][nu][nu] A^-1
double *tnd_guide_lambda(tnd_guide *guide);                              // [taught], to be changed

// q and its multipliers, as number i of those in the file; not the samples, which are drawn
// again.
TENDRIL_MUST_CHECK tendril_status tnd_guide_save(const tnd_guide *guide, int i,
                                                 tnd_tensors *tensors, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_guide_load(tnd_guide *guide, int i,
                                                 const tnd_tensors *tensors, tendril_error *err);

#endif

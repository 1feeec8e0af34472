// A policy's mean fitted to wanted actions by weighted least squares (Levine and Koltun 2014, sec.
// 3.2: the policy step of guided policy search; cost-weighted regression, DAGGER, cloning):
//
//   minimise over theta   f = 1/2 sum_k w_k (y_k - mu_theta(x_k))' W_k (y_k - mu_theta(x_k)) / Z
//                         Z = sum_k w_k tr W_k
//
// Z makes f independent of the number of rows and of the size of W: where all W are equal multiples
// of the identity, it is half the mean squared error of an action. With W_k = lambda_k A_k^-1, Z f
// is the part of sum_k lambda_k KL(pi_theta || q_k) that depends on the mean. By L-BFGS from the
// policy's parameters on; inputs go through the policy's own normaliser, as the caller has set it.
#ifndef TND_POLICY_REGRESSION_H
#define TND_POLICY_REGRESSION_H

#include "base/pool.h"
#include "learn/regression_rows.h"
#include "math/lbfgs.h"

// What guided policy search takes.
#define TND_POLICY_REGRESSION_SEARCH                                                               \
  (tnd_lbfgs_options) {                                                                            \
    .iterations = 60, .memory = 20, .tolerance = 1e-4                                              \
  }

typedef struct tnd_regression_result {
  tnd_lbfgs_result search;  // f before and after, iterations, evaluations, why it ended
  double cpu_seconds;       // of this process meanwhile
} tnd_regression_result;

typedef struct tnd_policy_regression tnd_policy_regression;

// For up to `capacity` rows. policy and pool are borrowed. E_CONFIG for a time-linear policy.
TENDRIL_MUST_CHECK tendril_status tnd_policy_regression_create(tendril_policy *policy,
                                                               tendril_pool *pool, int64_t capacity,
                                                               const tnd_lbfgs_options *search,
                                                               tnd_policy_regression **out,
                                                               tendril_error *err);
void tnd_policy_regression_destroy(tnd_policy_regression *regression);
// The one that it was made for.
tendril_policy *tnd_policy_regression_policy(const tnd_policy_regression *regression);

// Leaves the policy at the lowest f that the search saw, its log standard deviations as they were.
// Errors, each one line:
//   what tnd_regression_rows_check() says of the rows, and E_ARGUMENT if they are more than the
//   capacity or fewer than determine the mean (rows of weight > 0 times actions < parameters); the
//   policy is as it was
//   E_NUMERIC if the network's outputs were not finite, at the start or wherever a search from the
//   last iterate looked (search.end is TND_LBFGS_NONFINITE); the policy is at its best finite
//   parameters
//   E_MEMORY if libLBFGS finds none; the policy is as it was
// Allocates nothing but that. One forward and one backward pass an evaluation. The same bits on any
// number of threads.
TENDRIL_MUST_CHECK tendril_status tnd_policy_regression_fit(tnd_policy_regression *regression,
                                                            const tnd_regression_rows *rows,
                                                            tnd_regression_result *result,
                                                            tendril_error *err);

// f at the policy's parameters and its gradient, g [nparam] filled; 0 in the log standard
// deviations. E_NUMERIC if they are not finite.
TENDRIL_MUST_CHECK tendril_status tnd_policy_regression_value(tnd_policy_regression *regression,
                                                              const tnd_regression_rows *rows,
                                                              double *f, double *g,
                                                              tendril_error *err);

// variance [nact] = sum_k w_k (y_k - mu_theta(x_k))^2 / sum_k w_k, whatever the W; E_NUMERIC if it
// is not finite.
TENDRIL_MUST_CHECK tendril_status tnd_policy_regression_residual(tnd_policy_regression *regression,
                                                                 const tnd_regression_rows *rows,
                                                                 double *variance,
                                                                 tendril_error *err);

#endif

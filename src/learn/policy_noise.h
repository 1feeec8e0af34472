// The noise of a policy that was fitted to others: its diagonal covariance, the same in all states,
// in closed form. Functions that write the policy's log standard deviations leave its mean alone.
#ifndef TND_POLICY_NOISE_H
#define TND_POLICY_NOISE_H

#include "learn/policy_regression.h"

// Standard deviation that methods do not let it fall below, in the action's unit.
#define TND_NOISE_FLOOR 1e-3

// out[j stride] = sigma_j^power: deviations by 1, variances by 2; by -2 and a stride of nact + 1
// the diagonal of the precision.
void tnd_policy_noise_get(const tendril_policy *policy, int power, int stride, double *out);
// Root of the mean variance of an action.
double tnd_policy_noise_size(const tendril_policy *policy);

// Minimises  sum_k lambda_k KL( pi_theta(.|x_k) || N(y_k, A_k) )  over the variances:
//   sigma_j^2 = sum_k v_k / sum_k v_k (A_k^-1)_jj
// where row k counts v_k = weight_k lambda[group_k] and rows->precision holds W = lambda A^-1.
//   lambda  [ngroup] >= 0
//   floor   least standard deviation, > 0, in the action's unit
// As the rows check's errors, and E_ARGUMENT if an action has no precision at all or all lambda are
// zero, E_NUMERIC if a variance is not finite; nothing is changed then.
// Source: Levine and Koltun 2014, sec. 3.2.
TENDRIL_MUST_CHECK tendril_status tnd_policy_noise_from_precisions(tendril_policy *policy,
                                                                   const tnd_regression_rows *rows,
                                                                   const double *lambda,
                                                                   double floor,
                                                                   tendril_error *err);

// Maximises  sum_k weight_k log pi_theta(y_k|x_k)  over the variances: the weighted mean square of
// the residuals. For the M-projection (variational guided policy search), cloning, cost-weighted
// regression and DAGGER, of the policy that was just fitted. Errors as those of
// tnd_policy_regression_residual().
TENDRIL_MUST_CHECK tendril_status tnd_policy_noise_from_residuals(tnd_policy_regression *regression,
                                                                  const tnd_regression_rows *rows,
                                                                  double floor, tendril_error *err);

// For methods that learn by their own noise: E_NUMERIC, "method: ..; mend", if there is none left,
// the deviations of all actions being at the floor.
TENDRIL_MUST_CHECK tendril_status tnd_policy_noise_check(const tendril_policy *policy, double floor,
                                                         const char *method, const char *mend,
                                                         tendril_error *err);

#endif

// See policy_noise.h.
#include "learn/policy_noise.h"

#include <math.h>

static const double *log_std_of(const tendril_policy *policy) {
  return tendril_policy_get_params(policy) + tnd_policy_log_std(policy);
}

void tnd_policy_noise_get(const tendril_policy *policy, int power, int stride, double *out) {
  for (int j = 0; j < tendril_policy_nact(policy); j++)
    out[j * stride] = exp(power * log_std_of(policy)[j]);
}

double tnd_policy_noise_size(const tendril_policy *policy) {
  const int nact = tendril_policy_nact(policy);
  double sum = 0;
  for (int j = 0; j < nact; j++)
    sum += exp(2 * log_std_of(policy)[j]) / nact;
  return sqrt(sum);
}

// log sigma_j = max(log floor, 1/2 log variance_j), which would hide a variance that is no number
static tendril_status set_noise(tendril_policy *policy, const double *variance, double floor,
                                tendril_error *err) {
  double log_std[TND_REGRESSION_MAX_ACTIONS];
  if (!(floor > 0 && isfinite(floor)))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "policy noise: a least standard deviation of %g; it must be positive", floor);
  for (int j = 0; j < tendril_policy_nact(policy); j++) {
    if (!isfinite(variance[j]))
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "policy noise: a variance of %g for action %d; use a smaller "
                      "learner.cost_scale",
                      variance[j], j);
    log_std[j] = fmax(log(floor), 0.5 * log(variance[j]));
  }
  return tnd_policy_set_log_std(policy, log_std, err);
}

tendril_status tnd_policy_noise_from_precisions(tendril_policy *policy,
                                                const tnd_regression_rows *rows,
                                                const double *lambda, double floor,
                                                tendril_error *err) {
  const int nact = tendril_policy_nact(policy);
  double v = 0, precision[TND_REGRESSION_MAX_ACTIONS] = {0};
  tnd_regression_total total;
  TENDRIL_TRY(tnd_regression_rows_check(rows, policy, &total, err));
  if (rows->ngroup < 1)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "policy noise: no groups, and so no multipliers");
  for (int g = 0; g < rows->ngroup; g++)
    if (!isfinite(lambda[g]) || lambda[g] < 0)
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "policy noise: group %d: a multiplier of %g; it is finite and at least 0", g,
                      lambda[g]);
  // sum_k v_k  and  sum_k v_k (A_k^-1)_jj = sum_k weight_k (W_k)_jj
  for (int64_t k = 0; k < rows->n; k++) {
    const int g = tnd_regression_group(rows, k);
    const double weight = tnd_regression_weight(rows, k);
    const double *W = rows->precision ? rows->precision + (ptrdiff_t)g * nact * nact : NULL;
    v += weight * lambda[g];
    for (int j = 0; j < nact; j++)
      precision[j] += weight * (W ? W[j * (nact + 1)] : 1);
  }
  if (!(v > 0))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "policy noise: the multipliers of all rows are zero");
  for (int j = 0; j < nact; j++) {
    if (!(precision[j] > 0))
      return tnd_fail(err, TENDRIL_E_ARGUMENT,
                      "policy noise: no row has a precision for action %d, so its noise is not "
                      "determined",
                      j);
    precision[j] = v / precision[j];
  }
  return set_noise(policy, precision, floor, err);
}

tendril_status tnd_policy_noise_check(const tendril_policy *policy, double floor,
                                      const char *method, const char *mend, tendril_error *err) {
  for (int j = 0; j < tendril_policy_nact(policy); j++)
    if (log_std_of(policy)[j] > log(floor)) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_NUMERIC,
                  "%s: the policy's noise has collapsed, it is at its floor of %g in every action; "
                  "%s",
                  method, floor, mend);
}

tendril_status tnd_policy_noise_from_residuals(tnd_policy_regression *regression,
                                               const tnd_regression_rows *rows, double floor,
                                               tendril_error *err) {
  double variance[TND_REGRESSION_MAX_ACTIONS];
  TENDRIL_TRY(tnd_policy_regression_residual(regression, rows, variance, err));
  return set_noise(tnd_policy_regression_policy(regression), variance, floor, err);
}

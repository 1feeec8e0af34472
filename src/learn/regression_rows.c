// See regression_rows.h.
#include "learn/regression_rows.h"

#include "math/cholesky.h"
#include "math/linalg.h"

#include <math.h>
#include <string.h>

// Of the trace. A matrix that is semi-definite but for this much is so to rounding: it comes from
// an inverse. ASYMMETRY, too.
#define INDEFINITE 1e-9
#define ASYMMETRY 1e-9

static tendril_status check_group(const tnd_regression_rows *rows, int g, int nact,
                                  tendril_error *err) {
  const double *W = rows->precision + (ptrdiff_t)g * nact * nact;
  double L[TND_REGRESSION_MAX_ACTIONS * TND_REGRESSION_MAX_ACTIONS], trace = 0;
  if (!tnd_all_finite((int64_t)nact * nact, W))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "regression: group %d: an entry of the precision is not finite", g);
  for (int i = 0; i < nact; i++)
    trace += fabs(W[i * nact + i]);
  bool good = true;
  for (int i = 0; good && i < nact; i++)
    for (int j = 0; good && j < i; j++)
      good = fabs(W[i * nact + j] - W[j * nact + i]) <= ASYMMETRY * trace;
  if (good && trace > 0) {
    memcpy(L, W, sizeof *W * (size_t)(nact * nact));
    for (int i = 0; i < nact; i++)
      L[i * nact + i] += INDEFINITE * trace;
    good = tnd_cholesky(nact, nact, L);
  }
  if (!good)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "regression: group %d: the precision is not symmetric and positive "
                    "semi-definite; pass the inverse of a covariance",
                    g);
  return TENDRIL_OK;
}

static tendril_status check_policy(const tnd_regression_rows *rows, const tendril_policy *policy,
                                   tendril_error *err) {
  if (tnd_policy_log_std(policy) < 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "regression: a time-linear policy has no mean and noise of its own for all "
                    "steps; set policy.kind to mlp or linear");
  if (tendril_policy_nact(policy) > TND_REGRESSION_MAX_ACTIONS)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "regression: %d actions; at most %d",
                    tendril_policy_nact(policy), TND_REGRESSION_MAX_ACTIONS);
  if (rows->n < 1) return tnd_fail(err, TENDRIL_E_ARGUMENT, "regression: no rows");
  if (!rows->time && tnd_policy_ninput(policy) > tendril_policy_nobs(policy))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "regression: rows without times for a policy that depends on it");
  return TENDRIL_OK;
}

static tendril_status check_row(const tnd_regression_rows *rows, int64_t k, int nobs, int nact,
                                tendril_error *err) {
  const long long row = (long long)k;
  if (!tnd_all_finite(nobs, rows->obs + k * nobs))
    return tnd_fail(err, TENDRIL_E_NUMERIC, "regression: row %lld: the observation is not finite",
                    row);
  if (!tnd_all_finite(nact, rows->target + k * nact))
    return tnd_fail(err, TENDRIL_E_NUMERIC, "regression: row %lld: the target is not finite", row);
  const double weight = tnd_regression_weight(rows, k);
  if (!isfinite(weight) || weight < 0)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "regression: row %lld: a weight of %g; weights are finite and at least 0", row,
                    weight);
  const int group = tnd_regression_group(rows, k);
  if ((rows->precision || rows->group) && (group < 0 || group >= rows->ngroup))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "regression: row %lld: group %d of %d", row, group,
                    rows->ngroup);
  return TENDRIL_OK;
}

tendril_status tnd_regression_rows_check(const tnd_regression_rows *rows,
                                         const tendril_policy *policy, tnd_regression_total *total,
                                         tendril_error *err) {
  const int nobs = tendril_policy_nobs(policy), nact = tendril_policy_nact(policy);
  tnd_regression_total sum = {0};
  TENDRIL_TRY(check_policy(rows, policy, err));
  for (int g = 0; rows->precision && g < rows->ngroup; g++)
    TENDRIL_TRY(check_group(rows, g, nact, err));
  for (int64_t k = 0; k < rows->n; k++) {
    TENDRIL_TRY(check_row(rows, k, nobs, nact, err));
    const double weight = tnd_regression_weight(rows, k);
    double trace = rows->precision ? 0 : nact;
    for (int i = 0; rows->precision && i < nact; i++)
      trace += rows->precision[(ptrdiff_t)tnd_regression_group(rows, k) * nact * nact +
                               (ptrdiff_t)i * (nact + 1)];
    sum.rows += weight > 0;
    sum.weight += weight;
    sum.trace += weight * trace;
  }
  if (!isfinite(sum.weight) || !isfinite(sum.trace))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "regression: the sum of the weights is not finite; scale them down");
  if (!(sum.weight > 0 && sum.trace > 0))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "regression: all weights of %lld rows are zero; some must be positive",
                    (long long)rows->n);
  *total = sum;
  return TENDRIL_OK;
}

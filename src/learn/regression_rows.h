// What a policy is fitted to by weighted least squares: observations, the actions wanted there, and
// how much an error of each kind counts.
#ifndef TND_REGRESSION_ROWS_H
#define TND_REGRESSION_ROWS_H

#include "policy/policy.h"

enum { TND_REGRESSION_MAX_ACTIONS = 64 };

// Arrays are borrowed. Row k counts with  weight_k W_k,  W_k = precision[group_k].
typedef struct tnd_regression_rows {
  int64_t n;
  const double *obs;        // [n][nobs] as the environment gives them
  const int *time;          // [n] control step; NULL if the policy does not depend on it
  const double *target;     // [n][nact]
  const double *weight;     // [n] >= 0; NULL: all 1
  int ngroup;               // of rows that share a matrix: those of a trajectory's time step
  const int *group;         // [n] 0 .. ngroup-1; NULL: all in group 0
  const double *precision;  // [ngroup][nact][nact] symmetric, semi-definite; NULL: the identity
} tnd_regression_rows;

// What the rows add up to.
typedef struct tnd_regression_total {
  int64_t rows;   // of weight > 0
  double weight;  // sum_k weight_k
  double trace;   // sum_k weight_k tr W_k
} tnd_regression_total;

// The policy is one that rows can be fitted to, the rows are numbers in their ranges, and something
// counts: weight and trace are positive. Else one line that says which row or group is at fault:
// E_CONFIG, E_ARGUMENT, or E_NUMERIC for what is not finite.
TENDRIL_MUST_CHECK tendril_status tnd_regression_rows_check(const tnd_regression_rows *rows,
                                                            const tendril_policy *policy,
                                                            tnd_regression_total *total,
                                                            tendril_error *err);

static inline double tnd_regression_weight(const tnd_regression_rows *rows, int64_t k) {
  return rows->weight ? rows->weight[k] : 1;
}

static inline int tnd_regression_group(const tnd_regression_rows *rows, int64_t k) {
  return rows->group ? rows->group[k] : 0;
}

#endif

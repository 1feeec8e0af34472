// Time-dependent linear-Gaussian policies by their steps, for methods that compute with them.
#ifndef TND_TIME_LINEAR_H
#define TND_TIME_LINEAR_H

#include "math/linear_gaussian.h"
#include "policy/policy.h"

enum { TND_TIME_LINEAR_MAX_ACTIONS = 64 };

// E_CONFIG unless it is time-linear, with full covariances and of observations as they are.
TENDRIL_MUST_CHECK tendril_status tnd_time_linear_check(const tendril_policy *policy,
                                                        const char *method, tendril_error *err);
// Step t of 0 .. T - 1, borrowed until the parameters change; not to be written.
tnd_linear_gaussian tnd_time_linear_step(const tendril_policy *policy, int t);
// All steps [T], copied; diagonals of C positive. E_NUMERIC, naming the step, if a number is not
// finite; nothing is changed then.
TENDRIL_MUST_CHECK tendril_status tnd_time_linear_set(tendril_policy *policy,
                                                      const tnd_linear_gaussian *steps,
                                                      tendril_error *err);

#endif

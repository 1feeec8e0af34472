// A policy's regression under ThreadSanitizer: a fit and its residuals on one and on four threads,
// which must end at the same policy. A plain program: exits with 0 if all was right.
#include "learn/policy_noise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/random.h>

enum { N = 2000, NOBS = 4, NACT = 2 };

static tendril_error err;

static void require(tendril_status status, const char *what) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "race_regression: %s: %s\n", what, err.text);
  exit(1);
}

static tendril_policy *fitted(int threads, const tnd_regression_rows *rows) {
  tendril_policy_options options;
  tendril_policy *policy;
  tendril_pool *pool;
  tnd_policy_regression *regression;
  tnd_regression_result result;
  const tnd_lbfgs_options search = TND_POLICY_REGRESSION_SEARCH;
  tendril_policy_defaults(&options);
  options.hidden = (tendril_sizes){.n = 1, .at = {16}};
  require(tendril_pool_create(threads, &pool, &err), "pool");
  require(tendril_policy_create(&options, NOBS, NACT, 1, 1, &policy, &err), "policy");
  require(tnd_policy_regression_create(policy, pool, N, &search, &regression, &err), "regression");
  require(tnd_policy_regression_fit(regression, rows, &result, &err), "fit");
  require(tnd_policy_noise_from_residuals(regression, rows, 1e-3, &err), "noise");
  tnd_policy_regression_destroy(regression);
  tendril_pool_destroy(pool);
  return policy;
}

int main(void) {
  static double obs[N * NOBS], target[N * NACT];
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, N * NOBS, obs);
  tendril_random_normals(&random, N * NACT, target);
  const tnd_regression_rows rows = {.n = N, .obs = obs, .target = target};
  tendril_policy *one = fitted(1, &rows), *four = fitted(4, &rows);
  const size_t size = sizeof(double) * (size_t)tendril_policy_nparam(one);
  if (memcmp(tendril_policy_get_params(one), tendril_policy_get_params(four), size) != 0) {
    fprintf(stderr, "race_regression: four threads fitted another policy\n");
    return 1;
  }
  tendril_policy_destroy(one);
  tendril_policy_destroy(four);
  return 0;
}

// A sample summed up: moments, quantiles and a percentile bootstrap interval of the mean.
#include <tendril/eval.h>

#include "base/alloc.h"

#include <tendril/random.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 10000
#define AT_ONCE 256  // draws of the bootstrap

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Linear interpolation between order statistics of sorted [n].
static double quantile(const double *sorted, int n, double q) {
  double at = q * (n - 1);
  int i = (int)at;
  if (i >= n - 1) return sorted[n - 1];
  return sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]);
}

static double mean(const double *values, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += values[i];
  return sum / n;
}

static double resampled_mean(const double *values, int n, tendril_random *random) {
  uint32_t draws[AT_ONCE];
  double sum = 0;
  for (int left = n; left > 0; left -= AT_ONCE) {
    const int count = left < AT_ONCE ? left : AT_ONCE;
    tendril_random_belows(random, (uint32_t)n, count, draws);
    for (int i = 0; i < count; i++)
      sum += values[draws[i]];
  }
  return sum / n;
}

tendril_status tendril_summarise(const double *values, int n, uint64_t seed, tendril_summary *out,
                                 tendril_error *err) {
  if (n < 1) return tnd_fail(err, TENDRIL_E_ARGUMENT, "a summary needs at least one value");
  double *sorted = tnd_alloc(sizeof *sorted * ((size_t)n + RESAMPLES));
  if (!sorted) return tnd_fail_memory(err);
  double *means = sorted + n;  // [RESAMPLES]
  memcpy(sorted, values, sizeof *sorted * (size_t)n);
  qsort(sorted, (size_t)n, sizeof *sorted, ascending);

  *out = (tendril_summary){.n = n, .mean = mean(values, n), .min = sorted[0], .max = sorted[n - 1]};
  double squares = 0;
  for (int i = 0; i < n; i++)
    squares += (values[i] - out->mean) * (values[i] - out->mean);
  out->sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
  out->median = quantile(sorted, n, 0.5);

  // the mean of n values drawn with replacement, many times
  tendril_random random = tendril_random_stream(seed, TENDRIL_PURPOSE_BOOTSTRAP, 0, 0);
  for (int k = 0; k < RESAMPLES; k++)
    means[k] = resampled_mean(values, n, &random);
  qsort(means, RESAMPLES, sizeof *means, ascending);
  out->low = quantile(means, RESAMPLES, 0.025);
  out->high = quantile(means, RESAMPLES, 0.975);
  tnd_free(sorted);
  return TENDRIL_OK;
}

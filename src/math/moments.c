// Running moments; see moments.h.
#include "math/moments.h"

void tnd_moments_add(tnd_moments *moments, int64_t rows, const double *x) {
  if (rows <= 0) return;
  int n = moments->n;
  double before = moments->count, added = (double)rows, count = before + added;
  for (int i = 0; i < n; i++) {
    // two passes over the new rows, about their first: no cancellation
    double origin = x[i], sum = 0, sum2 = 0;
    for (int64_t r = 0; r < rows; r++)
      sum += x[r * n + i] - origin;
    double mean = origin + sum / added;
    for (int64_t r = 0; r < rows; r++) {
      double d = x[r * n + i] - mean;
      sum2 += d * d;
    }
    // both means weighted by their counts; delta^2 is what they differ by
    double delta = mean - moments->mean[i];
    moments->mean[i] += delta * (added / count);
    moments->m2[i] += sum2 + delta * delta * (before * added / count);
  }
  moments->count = count;
}

double tnd_moments_variance(const tnd_moments *moments, int i) {
  return moments->count > 1 ? moments->m2[i] / moments->count : 0;
}

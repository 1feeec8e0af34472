// The Wilson score interval of a share: all p that n trials would not reject, (k/n - p)^2 <= z^2 p
// (1 - p) / n. Unlike k/n +- z sd it is no point where all or none succeed.
// Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
#include <tendril/eval.h>

#include <assert.h>
#include <math.h>

#define Z 1.959963984540054  // of 95 %

void tendril_share_interval(int k, int n, double *low, double *high) {
  assert(n > 0 && k >= 0 && k <= n);
  const double p = (double)k / n, z2 = Z * Z / n;
  const double middle = (p + z2 / 2) / (1 + z2);
  const double half = sqrt(z2 * (p * (1 - p) + z2 / 4)) / (1 + z2);
  // the ends are exact where rounding would miss them
  *low = k == 0 ? 0 : middle - half;
  *high = k == n ? 1 : middle + half;
}

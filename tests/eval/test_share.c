// Wilson's interval by what defines it.
#include "support/close.h"

#include <criterion/criterion.h>
#include <tendril/eval.h>

#define Z 1.959963984540054

Test(share, ends_where_the_score_test_rejects) {
  for (int n = 1; n < 60; n += 7)
    for (int k = 0; k <= n; k++) {
      double low, high;
      const double p = (double)k / n;
      tendril_share_interval(k, n, &low, &high);
      cr_assert(low >= 0 && low <= p && p <= high && high <= 1);
      check_close((p - low) * (p - low), Z * Z * low * (1 - low) / n, 1e-14);
      check_close((p - high) * (p - high), Z * Z * high * (1 - high) / n, 1e-14);
      cr_assert_eq(low == 0, k == 0);
      cr_assert_eq(high == 1, k == n);
    }
}

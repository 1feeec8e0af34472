// Sorting in place against the C library's, ties, medians by hand.
#include "math/rank.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <tendril/random.h>

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

Test(rank, sorts_like_qsort_and_equal_values_by_their_index) {
  enum { N = 257 };
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  for (int n = 0; n <= N; n++) {
    tnd_ranked items[N];
    double expected[N];
    bool seen[N] = {false};
    for (int i = 0; i < n; i++) {
      expected[i] = (double)tendril_random_below(&random, 1 + (uint32_t)n / 2);  // many are equal
      items[i] = (tnd_ranked){expected[i], i};
    }
    tnd_rank(n, items);
    for (int i = 0; i < n; i++) {
      cr_assert_eq(items[i].value, expected[items[i].index]);
      cr_assert(!seen[items[i].index]);
      seen[items[i].index] = true;
      if (i > 0 && items[i].value == items[i - 1].value)
        cr_assert(items[i].index > items[i - 1].index);
    }
    qsort(expected, (size_t)n, sizeof *expected, ascending);
    for (int i = 0; i < n; i++)
      cr_assert_eq(items[i].value, expected[i]);
  }
}

Test(rank, a_median_is_the_middle_value_or_the_mean_of_two) {
  tnd_ranked one[] = {{3, 0}};
  tnd_ranked odd[] = {{5, 0}, {-1, 1}, {2, 2}};
  tnd_ranked even[] = {{5, 0}, {-1, 1}, {2, 2}, {3, 3}};
  tnd_ranked huge[] = {{1.7e308, 0}, {1.7e308, 1}};
  cr_assert_eq(tnd_median(1, one), 3);
  cr_assert_eq(tnd_median(3, odd), 2);
  cr_assert_eq(tnd_median(4, even), 2.5);
  cr_assert_eq(tnd_median(2, huge), 1.7e308);  // their sum is no number
}

// Running mean and variance against two passes over everything.
#include "math/moments.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <tendril/random.h>

enum { N = 3, ROWS = 1000 };

static double x[ROWS * N];

static void setup(void) {
  tendril_random random = tendril_random_stream(5, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, ROWS * N, x);
  for (int r = 0; r < ROWS; r++) {
    x[r * N + 1] = 1e6 + 1e-3 * x[r * N + 1];  // far from zero: naive sums of squares lose it all
    x[r * N + 2] = 42;
  }
}

Test(moments, merged_batches_agree_with_two_passes_in_any_order, .init = setup) {
  const int cuts[][5] = {
      {0, 1000, 1000, 1000, 1000}, {0, 1, 2, 10, 1000}, {0, 500, 500, 999, 1000}};
  for (int c = 0; c < 3; c++)
    for (int backwards = 0; backwards < 2; backwards++) {
      double mean[N] = {0}, m2[N] = {0};
      tnd_moments moments = {.n = N, .mean = mean, .m2 = m2};
      for (int k = 0; k < 4; k++) {
        int piece = backwards ? 3 - k : k, first = cuts[c][piece];
        tnd_moments_add(&moments, cuts[c][piece + 1] - first, x + first * N);
      }
      cr_assert_eq(moments.count, ROWS);
      for (int i = 0; i < N; i++) {
        double exact = 0, var = 0;
        for (int r = 0; r < ROWS; r++)
          exact += x[r * N + i] / ROWS;
        for (int r = 0; r < ROWS; r++)
          var += (x[r * N + i] - exact) * (x[r * N + i] - exact) / ROWS;
        check_close(mean[i], exact, 1e-13);  // a thousand roundings, most of which cancel
        // the mean's own rounding, 1e-10 at 1e6, enters squared
        if (i < 2) check_close(tnd_moments_variance(&moments, i) / var, 1, 1e-9);
      }
      cr_assert_eq(tnd_moments_variance(&moments, 2), 0);
    }
}

Test(moments, nothing_and_one_vector_have_no_variance) {
  double mean[1] = {0}, m2[1] = {0}, one = 3;
  tnd_moments moments = {.n = 1, .mean = mean, .m2 = m2};
  tnd_moments_add(&moments, 0, &one);
  cr_assert(moments.count == 0 && tnd_moments_variance(&moments, 0) == 0);
  tnd_moments_add(&moments, 1, &one);
  cr_assert(moments.count == 1 && mean[0] == 3 && tnd_moments_variance(&moments, 0) == 0);
}

// Weights and rates against numbers that other implementations print, and what the tutorial says of
// their sums.
#include "learn/cmaes_parameters.h"

#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>

// pycma 3, docstring of CMAParameters in cma/options_parameters.py: 20-D, popsize 12, to the digits
// printed there.
Test(cmaes, parameters_are_those_that_pycma_prints) {
  static const double expected[12] = {0.4024029428,  0.2533890840,  0.1662215645,   0.1043752252,
                                      0.05640347757, 0.01720770576, -0.05018713636, -0.1406167894,
                                      -0.2203813963, -0.2917332686, -0.3562788884,  -0.4152044225};
  tnd_cmaes_parameters p;
  double w[12];
  cr_assert_eq(tnd_cmaes_default_lambda(20), 12);
  tnd_cmaes_parameters_set(20, 12, true, &p, w);
  cr_assert_eq(p.mu, 6);
  check_all_close(w, expected, 12, 1e-9);
  check_close(p.c1, 0.00437235, 1e-8);
  check_close(p.cmu, 0.00921656, 1e-8);
  check_close(p.cc, 0.171767, 1e-6);
}

// The Rust crate cmaes 0.2.2, tests/general.rs: 4-D, population 12. Its cmu is that of an older
// edition of the tutorial, without the 1/4, and so are its negative weights.
Test(cmaes, rates_are_those_of_another_implementation) {
  tnd_cmaes_parameters p;
  double w[12];
  tnd_cmaes_parameters_set(4, 12, true, &p, w);
  check_close(p.mueff, 3.729458934303068, 1e-12);  // rounding
  check_close(p.cs, 0.4500944591496695, 1e-12);
  check_close(p.ds, 1.4500944591496694, 1e-12);
  check_close(p.cc, 0.5, 1e-12);
  check_close(p.c1, 0.06285462000247571, 1e-12);
}

// The tutorial, below table 1: with the default population there is no decay of C, (50) is the
// least of the three bounds. (The sums in its figure 7 are those of 0.3 for the 1/4 of (58).)
Test(cmaes, positive_weights_sum_to_one_and_all_of_them_leave_no_decay) {
  static const int n[] = {5, 10, 25, 100}, lambda[] = {8, 10, 13, 17};
  for (int i = 0; i < 4; i++) {
    tnd_cmaes_parameters p;
    double w[17], total = 0, positive = 0;
    cr_assert_eq(tnd_cmaes_default_lambda(n[i]), lambda[i]);
    tnd_cmaes_parameters_set(n[i], lambda[i], true, &p, w);
    for (int k = 0; k < lambda[i]; k++) {
      total += w[k];
      positive += fmax(w[k], 0);
      cr_assert(k == 0 || w[k] < w[k - 1]);
    }
    check_close(positive, 1, 1e-14);              // rounding
    check_close(p.c1 + p.cmu * total, 0, 1e-14);  // likewise
    tnd_cmaes_parameters_set(n[i], lambda[i], false, &p, w);
    cr_assert_eq(w[lambda[i] - 1], 0);
  }
}

Test(cmaes, negative_weights_leave_the_covariance_definite_for_any_population) {
  // worst case (59): all that is subtracted lies in one direction and nothing is added
  for (int n = 1; n <= 100; n += 9)
    for (int lambda = 2; lambda <= 300; lambda = 3 * lambda / 2 + 1) {
      tnd_cmaes_parameters p;
      double w[300], sum = 0, negative = 0;
      tnd_cmaes_parameters_set(n, lambda, true, &p, w);
      for (int k = 0; k < lambda; k++) {
        sum += w[k];
        negative += fmax(-w[k], 0);
      }
      cr_assert(1 - p.c1 - p.cmu * sum - n * p.cmu * negative > -1e-12, "n %d, lambda %d", n,
                lambda);
      cr_assert(p.cs > 0 && p.cs < 1 && p.cc > 0 && p.cc < 1 && p.c1 > 0 && p.c1 + p.cmu <= 1);
    }
}

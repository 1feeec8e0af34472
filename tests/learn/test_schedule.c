// Schedules: ends, middle, and what a learner makes of them.
#include "learn/schedule.h"

#include "support/close.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>

Test(schedule, the_bound_falls_in_a_straight_line) {
  tendril_learner learner = {.fraction = 0};
  cr_assert_eq(tnd_trust_radius(&learner, 0.02, 0.1), 0.02);
  learner.fraction = 0.5;
  check_close(tnd_trust_radius(&learner, 0.02, 0.1), 0.011, 1e-15);  // rounding
  cr_assert_eq(tnd_trust_radius(&learner, 0.02, 1), 0.02);
  learner.fraction = 1;
  check_close(tnd_trust_radius(&learner, 0.02, 0.1), 0.002, 1e-15);
}

Test(schedule, the_horizon_of_the_discount_changes_by_equal_factors) {
  tendril_learner learner = {.fraction = 0};
  check_close(tnd_discount(&learner, 0.99, 0.9999), 0.99, 1e-15);  // rounding
  learner.fraction = 0.5;
  check_close(tnd_discount(&learner, 0.99, 0.9999), 0.999, 1e-15);  // 100, 1000, 10000 steps
  learner.fraction = 1;
  check_close(tnd_discount(&learner, 0.99, 0.9999), 0.9999, 1e-15);
  // without a final one, and with the same, there is none: to the bit
  cr_assert_eq(tnd_discount(&learner, 0.99, 0), 0.99);
  cr_assert_eq(tnd_discount(&learner, 1, 1), 1);
}

Test(schedule, an_endless_horizon_is_refused_as_an_end) {
  tendril_error err;
  check_ok(tnd_check_discount(1, 0, check_err));
  check_ok(tnd_check_discount(1, 1, check_err));
  check_ok(tnd_check_discount(0, 0.5, check_err));
  cr_assert_eq(tnd_check_discount(1, 0.9, &err), TENDRIL_E_CONFIG);
  cr_assert_eq(tnd_check_discount(0.9, 1, &err), TENDRIL_E_CONFIG);
}

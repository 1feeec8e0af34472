// Closeness that says what differs, and a failing allocator walked through all its calls.
#ifndef SUPPORT_NUMERIC_H
#define SUPPORT_NUMERIC_H

#include <criterion/criterion.h>
#include <math.h>

#define CHECK_CLOSE(actual, expected, tolerance)                                                   \
  do {                                                                                             \
    double actual_ = (actual), expected_ = (expected), tolerance_ = (tolerance);                   \
    cr_assert(fabs(actual_ - expected_) <= tolerance_,                                             \
              "%s = %.17g, %s = %.17g: they differ by %.3g, more than %.3g", #actual, actual_,     \
              #expected, expected_, fabs(actual_ - expected_), tolerance_);                        \
  } while (0)

#define CHECK_OK(call)                                                                             \
  do {                                                                                             \
    tendril_error err = {{0}};                                                                     \
    tendril_status status_ = (call);                                                               \
    cr_assert(status_ == TENDRIL_OK, "%s: %s", #call, err.text);                                   \
  } while (0)

// Runs `create` with its k-th allocation failing, for every k, until it succeeds; it must say
// E_MEMORY until then. Leaks are AddressSanitizer's to find.
#define CHECK_EVERY_ALLOCATION(create)                                                             \
  do {                                                                                             \
    tendril_error err = {{0}};                                                                     \
    tendril_status status_ = TENDRIL_E_MEMORY;                                                     \
    long k_ = 0;                                                                                   \
    for (; status_ != TENDRIL_OK; k_++) {                                                          \
      tnd_alloc_fail_at(k_);                                                                       \
      status_ = (create);                                                                          \
      tnd_alloc_fail_at(-1);                                                                       \
      cr_assert(status_ == TENDRIL_OK || status_ == TENDRIL_E_MEMORY, "%s", err.text);             \
    }                                                                                              \
    cr_assert_gt(k_, 1, "nothing was allocated");                                                  \
  } while (0)

#endif

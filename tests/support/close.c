// The closeness checks behind close.h.
#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

double support_error(double got, double expected) {
  if (isnan(got) || isnan(expected)) return INFINITY;
  if (isinf(got) || isinf(expected)) return got == expected ? 0 : INFINITY;
  return fabs(got - expected) / fmax(1, fabs(expected));
}

void support_check_close(const char *file, int line, const char *what, double got, double expected,
                         double tolerance) {
  double error = support_error(got, expected);
  cr_assert(error <= tolerance, "%s:%d: %s is %.17g, expected %.17g: error %.3g > %.3g", file, line,
            what, got, expected, error, tolerance);
}

void support_check_all_close(const char *file, int line, const char *what, const double *got,
                             const double *expected, size_t n, double tolerance) {
  size_t worst = 0, bad = 0;
  double worst_error = 0;
  for (size_t i = 0; i < n; i++) {
    double error = support_error(got[i], expected[i]);
    bad += !(error <= tolerance);
    if (error > worst_error) worst_error = error, worst = i;
  }
  cr_assert(bad == 0,
            "%s:%d: %s differs in %zu of %zu entries, most in [%zu]: %.17g, expected %.17g: error "
            "%.3g > %.3g",
            file, line, what, bad, n, worst, got[worst], expected[worst], worst_error, tolerance);
}

void support_check_same_bits(const char *file, int line, const char *what, const double *got,
                             const double *expected, size_t n) {
  for (size_t i = 0; i < n; i++)
    cr_assert(memcmp(&got[i], &expected[i], sizeof *got) == 0,
              "%s:%d: %s[%zu] is %a, expected %a to the bit", file, line, what, i, got[i],
              expected[i]);
}

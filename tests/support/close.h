// Closeness of numbers, each failure with both values, the error and the tolerance.
//
//   check_close(got, expected, 1e-12);               |got - expected| <= 1e-12 max(1, |expected|)
//   check_all_close(got, expected, n, 1e-12);        the same for arrays; names the worst entry
//   check_same_bits(got, expected, n);               n doubles equal to the bit
//
// A tolerance has its reason beside it.
#ifndef SUPPORT_CLOSE_H
#define SUPPORT_CLOSE_H

#include <stddef.h>

#define check_close(got, expected, tolerance)                                                      \
  support_check_close(__FILE__, __LINE__, #got, (got), (expected), (tolerance))
#define check_all_close(got, expected, n, tolerance)                                               \
  support_check_all_close(__FILE__, __LINE__, #got, (got), (expected), (size_t)(n), (tolerance))
#define check_same_bits(got, expected, n)                                                          \
  support_check_same_bits(__FILE__, __LINE__, #got, (got), (expected), (size_t)(n))

void support_check_close(const char *file, int line, const char *what, double got, double expected,
                         double tolerance);
void support_check_all_close(const char *file, int line, const char *what, const double *got,
                             const double *expected, size_t n, double tolerance);
void support_check_same_bits(const char *file, int line, const char *what, const double *got,
                             const double *expected, size_t n);

// |got - expected| / max(1, |expected|); infinite if either is not a number or they differ and one
// is infinite.
double support_error(double got, double expected);

#endif

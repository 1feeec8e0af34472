// min 1/2 x'H x + g'x  s.t. low <= x <= high, for a few variables, by projected Newton steps.
#ifndef TND_BOXQP_H
#define TND_BOXQP_H

#include <stdbool.h>

enum { TND_BOXQP_MAX = 64 };

// m <= TND_BOXQP_MAX; low <= high. H [m][m] symmetric positive definite, borrowed.
//   x      [m] a start on entry (0 is fine), the minimiser on return
//   clamped [m] filled: whether x_i is held at a bound by its gradient
//   factor [m][m] filled: Cholesky factor, lower, of H over the free variables (rows and columns in
//          their order, packed to the upper left with stride m); *nfree of them
// False if H is not positive definite over them.
// Source: Tassa, Mansard, Todorov 2014, algorithm 1.
bool tnd_boxqp(int m, const double *H, const double *g, const double *low, const double *high,
               double *x, bool *clamped, double *factor, int *nfree);

#endif

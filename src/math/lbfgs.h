// Minimisation of a smooth function by L-BFGS (Liu and Nocedal 1989) with the line search of More
// and Thuente (1994), both libLBFGS's. Where the function is not finite the search turns back.
#ifndef TND_LBFGS_H
#define TND_LBFGS_H

#include "base/status.h"

// Returns f(x) and fills g [n] with its gradient. x is finite; f and g need not be.
typedef double (*tnd_lbfgs_function)(void *context, const double *x, double *g);

typedef enum tnd_lbfgs_end {
  TND_LBFGS_CONVERGED,   // f falls by no more than the tolerance, or its gradient is 0
  TND_LBFGS_ITERATIONS,  // all iterations done
  TND_LBFGS_ROUNDING,    // the line search found nothing lower: a minimum, as far as f's digits go
  TND_LBFGS_NONFINITE,   // the same, and f is not finite there; or not at the start
} tnd_lbfgs_end;

typedef struct tnd_lbfgs_result {
  tnd_lbfgs_end end;
  int iterations, evaluations;
  int nonfinite;  // evaluations that gave no finite number
  double before;  // f at the start
  double f;       // the lowest that was seen, and not above `before`
} tnd_lbfgs_result;

typedef struct tnd_lbfgs_options {
  int iterations;    // at most
  int memory;        // pairs of steps and changes of the gradient that are kept
  double tolerance;  // stops when f fell by no more than this share of itself in 5 iterations
} tnd_lbfgs_options;

typedef struct tnd_lbfgs tnd_lbfgs;
TENDRIL_MUST_CHECK tendril_status tnd_lbfgs_create(int n, const tnd_lbfgs_options *options,
                                                   tnd_lbfgs **out, tendril_error *err);
void tnd_lbfgs_destroy(tnd_lbfgs *lbfgs);

// x [n], the start, becomes the place where f was lowest, the start itself if f was finite nowhere.
// E_MEMORY if libLBFGS finds no memory for its 2 memory + 5 vectors, which it takes for the time of
// the call, by malloc; x is then as it was. The same bits for the same function.
TENDRIL_MUST_CHECK tendril_status tnd_lbfgs_minimize(tnd_lbfgs *lbfgs, tnd_lbfgs_function function,
                                                     void *context, double *x,
                                                     tnd_lbfgs_result *result, tendril_error *err);

#endif

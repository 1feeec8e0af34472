// Derivatives by central differences, the oracle for every derivative that is written by hand.
#ifndef SUPPORT_FD_H
#define SUPPORT_FD_H

#include <stddef.h>

// y [ny] = f(x [nx])
typedef void (*support_function)(void *context, const double *x, double *y);

// A step for central differences of a smooth function in double precision: the cube root of the
// rounding error balances it with the h^2 of the truncation; the error of the result is about
// 1e-10 times the scale of f and its third derivative.
#define SUPPORT_FD_STEP 6e-6

// jacobian [ny][nx] filled: dy_j / dx_i by (f(x + h e_i) - f(x - h e_i)) / 2h, where h = step
// max(1, |x_i|).
void support_fd_jacobian(support_function f, void *context, const double *x, size_t nx, size_t ny,
                         double step, double *jacobian);

// jv [ny] filled: the derivative of f in the direction v [nx], without the whole Jacobian.
void support_fd_direction(support_function f, void *context, const double *x, const double *v,
                          size_t nx, size_t ny, double step, double *jv);

#endif

// Elementary functions of arrays: glibc's vector mathematics library (libmvec), called by its own
// entry points, within 4 units in the last place. Every entry goes through the same instructions
// wherever it stands: tails are padded to a whole vector. Without libmvec: the C library's scalar
// functions.
#ifndef TND_VECMATH_H
#define TND_VECMATH_H

#include <stddef.h>

// y[i] = f(x[i]), i < n; y may be x
void tnd_tanh_floats(ptrdiff_t n, const float *x, float *y);
void tnd_tanh_doubles(ptrdiff_t n, const double *x, double *y);
void tnd_exp_floats(ptrdiff_t n, const float *x, float *y);
void tnd_exp_doubles(ptrdiff_t n, const double *x, double *y);
void tnd_log1p_floats(ptrdiff_t n, const float *x, float *y);
void tnd_log1p_doubles(ptrdiff_t n, const double *x, double *y);

#endif

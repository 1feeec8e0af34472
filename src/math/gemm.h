// Products of the small dense matrices that networks are made of: c = init + a b, every width a
// whole number of vectors. Own kernels, because here an entry's sum always runs over k in order: it
// is the same, to the bit, for one row and for many, and whatever kernels a BLAS library would
// choose for the processor or be told to.
#ifndef TND_GEMM_H
#define TND_GEMM_H

#include <stddef.h>

// Columns come in multiples of these (one 64-byte line).
#define TND_LINE 64
#define TND_LINE_FLOATS 16
#define TND_LINE_DOUBLES 8

// c[i][j] = init[i][j] + sum over l of a(i, l) b[l][j],   i < m, j < n, l < k
//   a(i, l) = a[i * a_row + l * a_col], so that a transpose is a matter of strides
//   b[l] = b + l * b_row, and likewise init and c
//   n a multiple of the line; init may be NULL (zero), c itself (accumulates), or have init_row 0
//   (one row for all: a bias)
void tnd_gemm_floats(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t a_row,
                     ptrdiff_t a_col, const float *b, ptrdiff_t b_row, const float *init,
                     ptrdiff_t init_row, float *c, ptrdiff_t c_row);
void tnd_gemm_doubles(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *a, ptrdiff_t a_row,
                      ptrdiff_t a_col, const double *b, ptrdiff_t b_row, const double *init,
                      ptrdiff_t init_row, double *c, ptrdiff_t c_row);

#endif

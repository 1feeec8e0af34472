// Normal distributions N(mean, S) of few dimensions, S = C C' with C lower triangular.
#ifndef TND_GAUSSIAN_H
#define TND_GAUSSIAN_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>

#define TND_LOG_2PI 1.8378770664093454836

// Arrays are borrowed from whoever lays out the object.
typedef struct tnd_gaussian {
  int n;
  double *mean;  // [n]
  double *S;     // [n][n] symmetric
  double *C;     // [n][n] lower; what lies above the diagonal is anything
} tnd_gaussian;

// [T] of them and their arrays in an arena; NULL while it measures.
tnd_gaussian *tnd_gaussian_layout(tnd_arena *arena, int T, int n);

// C from S. False if S is not positive definite.
bool tnd_gaussian_factor(tnd_gaussian *g);

// Mean and covariance of maximum likelihood from rows x [rows][n], `stride` numbers apart, weighted
// by w [rows] >= 0 (NULL: all 1), plus `ridge` of its own mean variance and `floor` on the
// covariance's diagonal. False, and g undefined, if no weight is positive, a number is not finite
// or the covariance is not positive definite for all that.
bool tnd_gaussian_fit(tnd_gaussian *g, int64_t rows, const double *x, int64_t stride,
                      const double *w, double ridge, double floor);

// S <- factor S, factor > 0
void tnd_gaussian_widen(tnd_gaussian *g, double factor);

// log N(x; mean, S); scratch [n]
double tnd_gaussian_logp(const tnd_gaussian *g, const double *x, double *scratch);
// x [n] = mean + C noise [n]
void tnd_gaussian_sample(const tnd_gaussian *g, const double *noise, double *x);
// 1/2 log |2 pi e S|, nats
double tnd_gaussian_entropy(int n, const double *C);

#endif

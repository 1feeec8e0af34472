// Running mean and variance of vectors, merged batch by batch (Chan, Golub, LeVeque 1979).
#ifndef TND_MOMENTS_H
#define TND_MOMENTS_H

#include <stdint.h>

typedef struct tnd_moments {
  int n;         // entries of a vector
  double count;  // vectors seen
  double *mean;  // [n] borrowed from whoever lays out the object
  double *m2;    // [n] sum of squared deviations from the mean
} tnd_moments;

// Takes in the rows x [rows][n].
void tnd_moments_add(tnd_moments *moments, int64_t rows, const double *x);
// Population variance of entry i; 0 before the second vector.
double tnd_moments_variance(const tnd_moments *moments, int i);

#endif

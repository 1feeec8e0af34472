// The covariance A of a trajectory's actions at one time step of constrained guided policy search:
//   minimise over A > 0   1/2 tr(A Quu) + (lambda - 1)/2 log|A| + lambda/2 tr(A^-1 M),
// that is, the cost of noise, less its entropy, plus lambda times its part in the KL divergence
// from the policy, so that
//   A Quu A + (lambda - 1) A - lambda M = 0                                                     (8)
#ifndef TND_GPS_COVARIANCE_H
#define TND_GPS_COVARIANCE_H

#include <stdbool.h>

// Doubles of scratch.
int tnd_gps_covariance_work(int m);

// lambda >= 0 (0: A = Quu^-1; to infinity: A = M); Quu [m][m] symmetric of any sign, M [m][m]
// symmetric positive definite. Fills A [m][m], symmetric, and its Cholesky factor [m][m], lower
// with zeros above; they may be Quu and M themselves. Allocates nothing; threads may share all but
// work [tnd_gps_covariance_work()] and what is filled.
//
// False, with nothing filled, if there is no solution:
//   lambda <= 1   Quu is not positive definite
//   lambda > 1    some eigenvalue of M Quu is below -(lambda - 1)^2 / (4 lambda): along it noise
//                 lowers the cost by more than the KL divergence holds against
// (within rounding of the limit either may be said), or if a number is not finite, M is not
// positive definite, or A is singular to rounding or too large for a double.
// Source: Levine and Koltun 2014, sec. 3.1; docs/methods/gps.md, "The covariance, equation (8)".
bool tnd_gps_covariance(int m, double lambda, const double *Quu, const double *M, double *work,
                        double *A, double *factor);

#endif

// Eigenvalues and eigenvectors of small symmetric matrices, A = U diag(q) U'.
#ifndef TND_EIGEN_H
#define TND_EIGEN_H

#include <stdbool.h>

// A [n][n] symmetric, both triangles; destroyed. q [n] eigenvalues in no order, U [n][n] filled,
// its column j the eigenvector of q[j]. False if A is not finite, or so large that q is not. The
// bits do not depend on BLAS; allocates nothing. Source: Golub and Van Loan, Matrix Computations
// (4th ed.), sec. 8.5, cyclic Jacobi; it stops as in Demmel and Veselic 1992, by which small
// eigenvalues of graded matrices keep their digits.
bool tnd_symmetric_eigen(int n, double *A, double *q, double *U);

// The same of C'A C = U diag(q) U', C [n][n] lower, zeros above; A unchanged, scratch [2][n][n].
// a = C U y makes a'A a the sum of q_i y_i^2 and N(0, C C') the standard normal. Other units of a's
// entries, A and C scaled to match, do not change a bit of q and U if they are powers of two.
bool tnd_congruent_eigen(int n, const double *C, const double *A, double *scratch, double *q,
                         double *U);

#endif

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

#endif

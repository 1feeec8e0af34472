// OpenBLAS with one thread: the library's own workers share the work, and a sum split over a
// number of threads that varies would not give the same bits.
#ifndef TND_BLAS_H
#define TND_BLAS_H

// Once per process; called by whatever creates an object that uses BLAS or LAPACK.
void tnd_blas_init(void);

#endif

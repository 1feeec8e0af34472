// Makes OpenBLAS single-threaded, once.
#include "math/blas.h"

#include <cblas.h>
#include <pthread.h>

static void one_thread(void) {
  openblas_set_num_threads(1);
}

void tnd_blas_init(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, one_thread);
}

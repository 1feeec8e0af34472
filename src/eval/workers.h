// A pool's workers, each with what it needs to play an agent's episodes.
#ifndef TND_WORKERS_H
#define TND_WORKERS_H

#include <tendril/control.h>

#include "base/alloc.h"

typedef struct tnd_worker {
  tendril_env *env;
  tendril_controller *controller;
  double *obs, *action;  // [nobs], [nact]
} tnd_worker;

typedef struct tnd_workers {
  int n;           // of the pool's threads
  tnd_worker *at;  // [n]
  tnd_arena arena;
} tnd_workers;

// E_ARGUMENT for an agent of another task, E_MEMORY. Destroy them after a failure, too.
TENDRIL_MUST_CHECK tendril_status tnd_workers_create(tnd_workers *workers,
                                                     const tendril_model *model,
                                                     const tendril_agent *agent,
                                                     const tendril_pool *pool, tendril_error *err);
void tnd_workers_destroy(tnd_workers *workers);

#endif

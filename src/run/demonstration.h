// Demonstrations of a run: trajectories of the task's own gait or out of files, made better by
// iLQG; where the task has pushes, each is under one of them, and an MPC recovers from it first.
// Guided policy search begins with them, and episodes may start in their states.
#ifndef TND_DEMONSTRATION_H
#define TND_DEMONSTRATION_H

#include "base/alloc.h"
#include "base/tensors.h"
#include "run/config.h"

#include <tendril/trajopt.h>

extern const tnd_option_table tnd_demonstration_options;

typedef struct tnd_demonstrations {
  int n;                   // how many; 0: none
  tendril_trajectory *of;  // [n], all of one length; i is on the model's ground i, modulo how many
  double *x, *u, *K;       // [n][T + 1][nx], [n][T][nu], [n][T][nu][2 nv]: what they point into
  struct tnd_pushes *pushes;  // [n]
  tnd_arena arena;
} tnd_demonstrations;

// Empty ones, of the sizes that the configuration says; numbers are zeros.
TENDRIL_MUST_CHECK tendril_status tnd_demonstrations_create(const tendril_config *config,
                                                            const tendril_model *model,
                                                            tnd_demonstrations *out,
                                                            tendril_error *err);
void tnd_demonstrations_free(tnd_demonstrations *demonstrations);
// Makes them: a function of the configuration and the files alone.
//   files  [demonstration.count] folders of optimisations in the place of the gait; NULL: none
// E_PHYSICS if the simulation survives no such controls or the robot falls; of a file, as
// tnd_demonstration_read().
TENDRIL_MUST_CHECK tendril_status tnd_demonstrations_make(
    const tendril_config *config, const tendril_tasks *tasks, const tendril_model *model,
    const char *const *files, tendril_pool *pool, tnd_demonstrations *out, tendril_error *err);
// Episodes of the model start in them, if the configuration says so.
TENDRIL_MUST_CHECK tendril_status tnd_demonstrations_start(const tnd_demonstrations *demonstrations,
                                                           const tendril_config *config,
                                                           tendril_model *model,
                                                           tendril_error *err);
// Part of every checkpoint, so that what was trained starts where it was trained.
TENDRIL_MUST_CHECK tendril_status tnd_demonstrations_save(const tnd_demonstrations *demonstrations,
                                                          tnd_tensors *tensors, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_demonstrations_load(tnd_demonstrations *demonstrations,
                                                          const tnd_tensors *tensors,
                                                          tendril_error *err);

#endif

// Checkpoint files: configuration, policy, learner and the run's own counters in one safetensors
// file.
#ifndef TND_CHECKPOINT_H
#define TND_CHECKPOINT_H

#include "base/tensors.h"
#include "run/demonstration.h"

// What the driver itself has to remember.
typedef struct tnd_run_state {
  int evaluations;                       // done, of options.eval_at
  int64_t others;                        // done because of options.eval_every alone
  int64_t eval_steps;                    // simulated in all
  double eval_mean[TENDRIL_MAX_SIZES];   // mean returns of those of eval_at
  double best;                           // the best of all
  bool two_physics;                      // the training's are not the task's own; not stored
  double as_trained[TENDRIL_MAX_SIZES];  // then: mean returns under the training's
  int naverage;                          // nparam with the option `average`, otherwise 0
  double *average;                       // [naverage] running average of the parameters
} tnd_run_state;

TENDRIL_MUST_CHECK tendril_status
tnd_checkpoint_write(const char *path, const tendril_config *config, const tendril_policy *policy,
                     const tendril_learner *learner, const tnd_demonstrations *demonstrations,
                     const tnd_run_state *state, tendril_error *err);

// A checkpoint that was read: the tensors, and the configuration in it.
typedef struct tnd_checkpoint {
  tnd_tensors *tensors;
  tendril_config *config;
} tnd_checkpoint;

// E_FORMAT if it is no checkpoint of this program; error lines name the file.
TENDRIL_MUST_CHECK tendril_status tnd_checkpoint_read(const char *path, const tendril_tasks *tasks,
                                                      tnd_checkpoint *out, tendril_error *err);
void tnd_checkpoint_close(tnd_checkpoint *checkpoint);

// The parts, into objects that were created with the checkpoint's configuration;
// state->two_physics and naverage say what is to be read, `average` is the caller's array.
TENDRIL_MUST_CHECK tendril_status tnd_checkpoint_state(const tnd_checkpoint *checkpoint,
                                                       tnd_run_state *state, tendril_error *err);
// The policy that a checkpoint stands for: with averaged parameters if the run averages.
TENDRIL_MUST_CHECK tendril_status tnd_checkpoint_policy(const tnd_checkpoint *checkpoint,
                                                        tendril_policy *policy, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_checkpoint_counters(const tnd_checkpoint *checkpoint,
                                                          int64_t *iteration, int64_t *steps,
                                                          tendril_error *err);

#endif

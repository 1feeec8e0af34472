// The paths that importance-sampled guided policy search goes by, S: guiding samples and rollouts
// of recent policies, slot by slot. Slot 0 has the samples of the guiding distributions q, the
// others the rollouts of a policy each, from the oldest to the newest. In a slot there is
// demonstration after demonstration; a set of the objective (is_objective.h) is what began with one
// of them.
#ifndef TND_IS_SAMPLES_H
#define TND_IS_SAMPLES_H

#include "base/alloc.h"
#include "base/tensors.h"
#include "learn/is_objective.h"
#include "trajopt/guide_paths.h"

typedef struct tnd_is_samples {
  tnd_guide **guides;      // [n] borrowed: q
  tendril_policy *policy;  // borrowed: draws rollouts
  uint64_t seed;
  int n, T, nx, nobs, nact, nparam;  // T: steps that are taught
  int samples, rollouts, keep;       // of each demonstration in slot 0, in others; other slots

  int filled;      // slots, slot 0 included
  int *kept;       // [n] of q's samples those not lost
  double *theta;   // [keep][nparam] policies of slots 1 ..
  double *x;       // [capacity][T][nx]
  double *obs;     // [capacity][T][nobs]
  double *action;  // [capacity][T][nact]
  double *reward;  // [capacity][T]
  int *length;     // [capacity]
  int *set;        // [capacity]

  double *sigma;      // [nact] scratch
  double *log_p;      // [capacity][T] scratch
  double *log_share;  // [n] scratch
  tnd_arena arena;
} tnd_is_samples;

// What was drawn last.
typedef struct tnd_is_drawn {
  int64_t steps;   // simulated
  double cost;     // a step, mean over paths that were not lost
  int diverged;    // rollouts
  double physics;  // CPU seconds
} tnd_is_drawn;

// Members above `filled` are the caller's to set; arrays are made.
TENDRIL_MUST_CHECK tendril_status tnd_is_samples_alloc(tnd_is_samples *samples, tendril_error *err);
void tnd_is_samples_free(tnd_is_samples *samples);

// Paths that there can be; where those of a slot begin, `filled`: how many there are.
int tnd_is_samples_capacity(const tnd_is_samples *samples);
int tnd_is_samples_first(const tnd_is_samples *samples, int slot);
// Those of demonstration i in a slot; costs are less the rewards.
tnd_guide_paths tnd_is_samples_of(const tnd_is_samples *samples, int slot, int i);

// Slot 0: q's samples as q is now; functions of the guides, the seed and `stream`. E_NUMERIC, of
// `method`, if all of a distribution are lost.
TENDRIL_MUST_CHECK tendril_status tnd_is_samples_guide(tnd_is_samples *samples, uint32_t stream,
                                                       const char *method, tnd_is_drawn *drawn,
                                                       tendril_error *err);
// One more slot: rollouts of the policy as it is. The oldest are forgotten if there is no room.
void tnd_is_samples_join(tnd_is_samples *samples, uint32_t stream, tnd_is_drawn *drawn);

// Begins the objective with all paths, and qbar with the average of what those of a set were drawn
// from. The policy is undefined after it.
void tnd_is_samples_mix(tnd_is_samples *samples, tnd_is_objective *objective);

TENDRIL_MUST_CHECK tendril_status tnd_is_samples_save(const tnd_is_samples *samples,
                                                      tnd_tensors *tensors, tendril_error *err);
// After an error `filled` is 0.
TENDRIL_MUST_CHECK tendril_status tnd_is_samples_load(tnd_is_samples *samples,
                                                      const tnd_tensors *tensors,
                                                      tendril_error *err);

#endif

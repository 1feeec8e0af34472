// What counts as a fall, for every evaluation that ends a rollout on one.
#ifndef TND_FALL_H
#define TND_FALL_H

#include <tendril/sim.h>

#include "eval/body.h"

// What ends the task's episode or, where a task knows no falls, a first body lower above its ground
// than min_height of what it was at the start.
static inline bool tnd_fall_seen(const tendril_step *step, const tnd_body *start,
                                 const tnd_body *now, double min_height) {
  return step->terminated || now->height < tnd_body_share(min_height, start->height);
}

// Whether a failed call is the rollout's own end and not the evaluation's: physics that MuJoCo gave
// up, an agent that found no finite action.
static inline bool tnd_fall_is(tendril_status status) {
  return status == TENDRIL_E_PHYSICS || status == TENDRIL_E_NUMERIC;
}

#endif

// An episode as it was played: what recordings are made from and what the player scrubs through.
#ifndef TND_TRACE_H
#define TND_TRACE_H

#include <tendril/control.h>

#include "base/status.h"

// A ring: when it is full the oldest step goes. Times are control steps of the episode.
typedef struct tnd_trace tnd_trace;

// capacity: steps that are remembered, at least 1. model: borrowed.
TENDRIL_MUST_CHECK tendril_status tnd_trace_create(const tendril_model *model, int capacity,
                                                   tnd_trace **out, tendril_error *err);
void tnd_trace_destroy(tnd_trace *trace);
const tendril_model *tnd_trace_model(const tnd_trace *trace);

// Forgets all; the environment's state (fresh from a reset) is the first.
void tnd_trace_begin(tnd_trace *trace, const tendril_env *env);
// A step was made with `action` [nact]; the environment's state is what it led to. A diverged step
// is remembered with the state before it.
void tnd_trace_add(tnd_trace *trace, const tendril_env *env, const double *action,
                   const tendril_step *step);
// The newest state again: something was done to the environment without a step.
void tnd_trace_amend(tnd_trace *trace, const tendril_env *env);
// Forgets what came after time t, first <= t <= last.
void tnd_trace_cut(tnd_trace *trace, int t);

// States of the times first .. last are remembered, steps of the times first .. last - 1.
int tnd_trace_first(const tnd_trace *trace);
int tnd_trace_last(const tnd_trace *trace);
const double *tnd_trace_snapshot(const tnd_trace *trace, int t);    // [tendril_snapshot_size()]
const double *tnd_trace_action(const tnd_trace *trace, int t);      // [nact]
const tendril_step *tnd_trace_step(const tnd_trace *trace, int t);  // from t to t + 1
double tnd_trace_return(const tnd_trace *trace, int t);             // sum of the rewards up to t

// Plays a whole episode: episode `episode` of the seed, under n pushes. The trace should have room
// for the model's max_steps.
TENDRIL_MUST_CHECK tendril_status tnd_trace_play(tnd_trace *trace, tendril_controller *controller,
                                                 uint64_t seed, uint32_t episode,
                                                 const tendril_push *pushes, int n,
                                                 tendril_error *err);

#endif

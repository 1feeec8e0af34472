// The transitions (s, a, s') of the last iterations, row by row, for methods that learn from more
// than the newest batch. An iteration has a slot of rows of its own; the oldest one's is used anew.
#ifndef TND_TRANSITIONS_H
#define TND_TRANSITIONS_H

#include "base/alloc.h"
#include "base/tensors.h"
#include "rollout/rollout.h"

// Rows slot * most .. + count[slot] - 1 are a slot's; time is -1 in all others. Whoever learns from
// them may set it to -1 for a row that serves no step.
typedef struct tnd_transitions {
  const tendril_model *model;
  int ns, na;        // numbers of an observation and an action
  int kept;          // slots
  int most;          // rows of a slot
  double *s;         // [kept most][ns] observation before the step, as the environment gives it
  double *a;         // [kept most][na] action as drawn
  double *next;      // [kept most][ns] observation after it
  int *time;         // [kept most] control step within the episode
  bool *terminated;  // [kept most] no value follows
  double *reward;    // [kept most] as paid
  tnd_reward_squares *squares;  // [kept most]; NULL if the reward doesn't depend on time
  int *count;                   // [kept] rows of a slot
  int newest;                   // slot of the last iteration, -1 before the first
  int filled;                   // slots that have rows
  tnd_arena arena;
} tnd_transitions;

// Room for `kept` iterations of the rollout, whose squares it makes it keep if rewards depend on
// time. Zeroed memory is a valid object for destroy.
TENDRIL_MUST_CHECK tendril_status tnd_transitions_create(const tendril_model *model,
                                                         tendril_rollout *rollout, int kept,
                                                         tnd_transitions *out, tendril_error *err);
void tnd_transitions_destroy(tnd_transitions *transitions);

// Takes the rollout's last batch into the slot of the oldest iteration.
void tnd_transitions_add(tnd_transitions *transitions, const tendril_rollout *rollout,
                         const tendril_batch *batch);
// Forgets all iterations.
void tnd_transitions_reset(tnd_transitions *transitions);
// Slot of the iteration `age` before the newest, 0 <= age < filled.
int tnd_transitions_slot(const tnd_transitions *transitions, int age);
// What a row would be paid at step t of an episode.
double tnd_transitions_reward(const tnd_transitions *transitions, int t, int64_t row);

// All of it, under names that begin with "transitions."; loading into one of the same sizes, which
// after an error has no rows, or its own.
TENDRIL_MUST_CHECK tendril_status tnd_transitions_save(const tnd_transitions *transitions,
                                                       tnd_tensors *tensors, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_transitions_load(tnd_transitions *transitions,
                                                       const tnd_tensors *tensors,
                                                       tendril_error *err);

#endif

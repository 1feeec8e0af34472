// Pushes of a simulation's own: its configuration in MuJoCo steps, and how far an episode is in it.
#ifndef TND_DISTURBANCE_H
#define TND_DISTURBANCE_H

#include "base/options.h"
#include "sim/push.h"
#include "sim/stride.h"

#include <tendril/disturbance.h>
#include <tendril/random.h>

extern const tnd_option_table tnd_disturbance_options;

// Of a model; all zero: no pushes.
typedef struct tnd_disturbance_plan {
  tendril_disturbance_options options;
  double timestep;
  int64_t lasts, every;  // MuJoCo steps; every: 0, there is one
  int foot;              // 0: pushes don't wait for a phase
  int64_t wait;          // a push that is due so long comes, whatever the gait does
  tnd_stride_limits limits;
} tnd_disturbance_plan;

// Checks the options. E_CONFIG: the model has no foot to time pushes by, or a push is due before
// the one before it is over.
TENDRIL_MUST_CHECK tendril_status
tnd_disturbance_plan_make(const mjModel *model, const tendril_disturbance_options *options,
                          tnd_disturbance_plan *out, tendril_error *err);

static inline bool tnd_disturbance_acts(const tnd_disturbance_plan *plan) {
  return plan->options.newtons > 0;
}

// Of an episode.
typedef struct tnd_disturbance {
  int64_t due;    // MuJoCo step from which on the next push comes; -1: none is to come
  int64_t count;  // pushes so far
  tnd_stride stride;
} tnd_disturbance;

// At the episode's start. `random`: the episode's stream; of it seed and numbers count, not how
// much was drawn. The push that acts, or acted last, is pushes->at[TND_OWN_PUSH].
void tnd_disturbance_begin(const tnd_disturbance_plan *plan, const tendril_random *random,
                           tnd_disturbance *d, tnd_pushes *pushes);
// After MuJoCo step i: whether a push begins with the next.
void tnd_disturbance_see(const tnd_disturbance_plan *plan, const tendril_random *random, int64_t i,
                         const mjModel *model, const mjData *data, tnd_disturbance *d,
                         tnd_pushes *pushes);
// The first push of an episode, for a plan by time, as all of them that there are: what an episode
// of that stream will meet if pushes come once.
void tnd_disturbance_first(const tnd_disturbance_plan *plan, const tendril_random *random,
                           tnd_pushes *pushes);
// No more of them in this episode.
void tnd_disturbance_end(tnd_disturbance *d, tnd_pushes *pushes);

// Doubles in a snapshot, the push among them; only models with pushes have them.
enum { TND_DISTURBANCE_SIZE = 5 + TND_PUSH_SIZE };
void tnd_disturbance_save(const tnd_disturbance *d, const tnd_pushes *pushes, double *out);
void tnd_disturbance_restore(tnd_disturbance *d, tnd_pushes *pushes, const double *in);
bool tnd_disturbance_is_good(const double *in, int nbody);

#endif

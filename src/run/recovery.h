// Recoveries from a push: what a demonstration does once it is pushed. From then on an MPC acts
// that knows nothing of the push and is drawn back to the walk that there was. docs/methods/gps.md,
// "Demonstrations".
#ifndef TND_RECOVERY_H
#define TND_RECOVERY_H

#include <tendril/trajopt.h>

typedef struct tnd_recovery tnd_recovery;

// For walks of T steps. model, pool: borrowed.
TENDRIL_MUST_CHECK tendril_status tnd_recovery_create(const tendril_model *model, int T,
                                                      tendril_pool *pool, tnd_recovery **out,
                                                      tendril_error *err);
void tnd_recovery_destroy(tnd_recovery *recovery);

// y, demonstration i, is a walk, and pushes what it meets: x and u become the best of so many
// attempts to recover. The simulator's own trajectory again, from the walk's first state.
// @return E_CONFIG if the push comes after the last step, E_PHYSICS if the simulation survives no
// attempt
TENDRIL_MUST_CHECK tendril_status tnd_recovery_find(tnd_recovery *recovery, int i, int attempts,
                                                    tendril_trajectory *y, tendril_error *err);

#endif

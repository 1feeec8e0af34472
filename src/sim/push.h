// The pushes of an episode: which force on which body between which steps of MuJoCo.
#ifndef TND_PUSH_H
#define TND_PUSH_H

#include <tendril/sim.h>

typedef struct tnd_pushes {
  struct tnd_push {
    int64_t begin, end;  // MuJoCo's steps of the episode that it acts in, begin <= i < end
    tendril_force force;
  } at[TENDRIL_MAX_FORCES];
  int64_t last;  // the largest end; from it on nothing acts
} tnd_pushes;

// Of those the one that the simulation makes by itself (disturbance.h), behind the caller's.
enum { TND_OWN_PUSH = TENDRIL_MAX_PUSHES };

// The body of that name, "": the first. E_UNKNOWN, the line led by `where`, the nearest suggested.
TENDRIL_MUST_CHECK tendril_status tnd_find_body(const mjModel *model, const char *name,
                                                const char *where, int *out, tendril_error *err);

// Forward, back, left, right, up, down: i = 0 .. 5, a vector of length 1.
const double *tnd_direction(int i);
// So many seconds in whole steps of MuJoCo, at least one.
int64_t tnd_steps_in(double seconds, double timestep);

// Doubles in a snapshot: of a push, of the caller's pushes.
enum { TND_PUSH_SIZE = 6, TND_PUSHES_SIZE = TND_PUSH_SIZE * TENDRIL_MAX_PUSHES };

void tnd_push_save(const struct tnd_push *push, double *out);
void tnd_push_restore(struct tnd_push *push, const double *in);
bool tnd_push_is_good(const double *in, int nbody);

void tnd_pushes_save(const tnd_pushes *pushes, double *out);
// The simulation's own is then none.
void tnd_pushes_restore(tnd_pushes *pushes, const double *in);
// Whether numbers that come from a file are those of pushes on a model of so many bodies.
bool tnd_pushes_are_good(const double *in, int nbody);

// Adds the forces of the pushes that act in step i of the episode to data->xfrc_applied.
void tnd_pushes_apply(const tnd_pushes *pushes, int64_t i, mjData *data);
// One mj_step() under the pushes that act in step i of the episode. Forces that somebody else
// applied (xfrc_applied) act as well and are left as they were.
void tnd_pushes_step(const tnd_pushes *pushes, int64_t i, const mjModel *model, mjData *data);

#endif

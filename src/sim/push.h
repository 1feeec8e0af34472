// The pushes of an episode: which force on which body between which steps of MuJoCo.
#ifndef TND_PUSH_H
#define TND_PUSH_H

#include <tendril/sim.h>

typedef struct tnd_pushes {
  struct tnd_push {
    int64_t begin, end;  // MuJoCo's steps of the episode that it acts in, begin <= i < end
    tendril_force force;
  } at[TENDRIL_MAX_PUSHES];
  int64_t last;  // the largest end; from it on nothing acts
} tnd_pushes;

// The body of that name, "": the first. E_UNKNOWN, the line led by `where`, the nearest suggested.
TENDRIL_MUST_CHECK tendril_status tnd_find_body(const mjModel *model, const char *name,
                                                const char *where, int *out, tendril_error *err);

// Doubles of the pushes in a snapshot.
enum { TND_PUSHES_SIZE = 6 * TENDRIL_MAX_PUSHES };

void tnd_pushes_save(const tnd_pushes *pushes, double *out);
void tnd_pushes_restore(tnd_pushes *pushes, const double *in);
// Whether numbers that come from a file are those of pushes on a model of so many bodies.
bool tnd_pushes_are_good(const double *in, int nbody);

// Adds the forces of the pushes that act in step i of the episode to data->xfrc_applied.
void tnd_pushes_apply(const tnd_pushes *pushes, int64_t i, mjData *data);
// One mj_step() under the pushes that act in step i of the episode. Forces that somebody else
// applied (xfrc_applied) act as well and are left as they were.
void tnd_pushes_step(const tnd_pushes *pushes, int64_t i, const mjModel *model, mjData *data);

#endif

// A robot's first body as it stands on its ground, for verdicts on falls and on the way made.
#ifndef TND_BODY_H
#define TND_BODY_H

#include <tendril/sim.h>

typedef struct tnd_body {
  double at[2];    // x and y, m
  double height;   // above the ground there
  double axis[3];  // its z axis in the world
} tnd_body;

// Brings the poses of the environment's mjData up to date, which a step leaves half a MuJoCo step
// behind; what follows is the same to the bit.
tnd_body tnd_body_see(tendril_env *env);

// The least height that is still `share` of `height`: (1 - share) |height| below it, on whichever
// side of the ground it is.
static inline double tnd_body_share(double share, double height) {
  return (height >= 0 ? share : 2 - share) * height;
}

#endif

// Strides, as a simulation sees them from inside: from one touch-down of a foot to its next. The
// foot is the first of the links at the ends of the kinematic tree that can touch the world.
#ifndef TND_STRIDE_H
#define TND_STRIDE_H

#include <mujoco/mujoco.h>
#include <stdbool.h>
#include <stdint.h>

// Body of that foot, the root of what is welded together; 0: nothing at an end can touch the world.
int tnd_foot_find(const mjModel *model);
// Whether the world and that foot had a contact in the MuJoCo step just done.
bool tnd_foot_touches(const mjModel *model, const mjData *data, int foot);

// What counts as a stride, in MuJoCo steps.
typedef struct tnd_stride_limits {
  int64_t off;                // a touch-down comes after at least so many steps off the ground
  int64_t shortest, longest;  // a stride's length
} tnd_stride_limits;

tnd_stride_limits tnd_stride_limits_of(double timestep);

// Of an episode; starts as TND_NO_STRIDE, in the air.
typedef struct tnd_stride {
  int64_t on;      // the last step with a touch; -1: none
  int64_t begin;   // step of the touch-down that the stride began with; -1: none
  int64_t length;  // of the stride before; 0: there was none, or it was too long
} tnd_stride;
#define TND_NO_STRIDE ((tnd_stride){-1, -1, 0})

// What step i showed; true if a stride began with it.
bool tnd_stride_see(tnd_stride *stride, const tnd_stride_limits *limits, int64_t i, bool touches);
// The step at which the stride reaches a phase, 0 to 1, if it is as long as the one before; -1:
// that is unknown.
int64_t tnd_stride_step_of(const tnd_stride *stride, double phase);

#endif

/**
 * @file terrain.h
 * Uneven ground in the place of a model's floor, for robots that walk along x. The ground is a
 * curve z(x), the same at every y, and a pure function of the options and a seed;
 * docs/guide/terrain.md has the equations.
 */
#ifndef TENDRIL_TERRAIN_H
#define TENDRIL_TERRAIN_H

#include <mujoco/mujoco.h>
#include <tendril/base.h>
#include <tendril/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Index into the names of the option `kind`. */
typedef enum tendril_terrain_kind {
  TENDRIL_TERRAIN_NONE,
  TENDRIL_TERRAIN_FLAT,
  TENDRIL_TERRAIN_SLOPES,
  TENDRIL_TERRAIN_STEPS,
  TENDRIL_TERRAIN_ROUGH,
  TENDRIL_TERRAIN_MIXED,
} tendril_terrain_kind;

// clang-format off
#define TENDRIL_TERRAIN_OPTIONS(X)                                                                 \
  X(choice,  kind,       "none", "none flat slopes steps rough mixed", 0, "", "ground in the place of the model's floor; none: the floor; mixed: slopes, steps and roughness in one") \
  X(integer, seed,       1,      0,    9007199254740991, "", "seed of the ground") \
  X(integer, seeds,      1,      1,    10000, "",    "every episode is on one of so many grounds, their seeds from `seed` on") \
  X(real,    slope,      10,     0,    45,    "deg", "of slopes, the steepest") \
  X(real,    step,       0.05,   0,    0.5,   "m",   "of steps, the highest") \
  X(real,    piece,      1,      0.1,  20,    "m",   "mean length of a slope or of a step's tread; each has from half to one and a half of it") \
  X(real,    rough,      0.03,   0,    0.5,   "m",   "of roughness, the most above or below the ground without it") \
  X(real,    wavelength, 0.5,    0.25, 20,    "m",   "of roughness, the shortest; the longest is four times that") \
  X(real,    flat,       2,      0,    100,   "m",   "level ground ahead of the start; behind it all is level") \
  X(real,    length,     60,     1,    200,   "m",   "of the ground ahead of the start; level behind its end")
// clang-format on

/** All zero is TENDRIL_TERRAIN_NONE, too. */
typedef struct tendril_terrain_options {
  TENDRIL_TERRAIN_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_terrain_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_terrain_defaults(tendril_terrain_options *options);

/**
 * Height of the ground above the model's floor at x; 0 for a model without terrain. What a task
 * says of heights (a fall, a cost) it says of the height above the ground.
 * @param slope  dz/dx there; may be NULL
 */
TENDRIL_API double tendril_ground_height(const mjModel *model, double x, double *slope);

#ifdef __cplusplus
}
#endif

#endif

// Uneven ground: how it is made from options and a seed, put into a model, and touched.
#ifndef TND_TERRAIN_H
#define TND_TERRAIN_H

#include "base/options.h"

#include <tendril/terrain.h>

extern const tnd_option_table tnd_terrain_options;

// Name of the geom and of its height field.
#define TND_TERRAIN "tendril-terrain"
// Between two numbers of a profile; a power of two, so that places are exact.
#define TND_TERRAIN_DX (1.0 / 32)

// The height field that holds a terrain: numbers c in 0..1 at x0 + i dx, i = 0 .. n-1, for control
// heights low + span c of a uniform quadratic B-spline.
typedef struct tnd_terrain_shape {
  int n;
  double x0;         // of the first
  double low, span;  // m
} tnd_terrain_shape;

// By the options alone, whatever the seed.
tnd_terrain_shape tnd_terrain_shape_of(const tendril_terrain_options *options);
// heights [n] filled for a seed
TENDRIL_MUST_CHECK tendril_status tnd_terrain_make(const tendril_terrain_options *options,
                                                   uint64_t seed, float *heights,
                                                   tendril_error *err);

// The MJCF `text` with a geom and a height field for a terrain of that shape; *out tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_terrain_insert(const tnd_terrain_shape *shape,
                                                     const char *text, char **out,
                                                     tendril_error *err);
// E_CONFIG if the model has no floor that a terrain could replace, or one that nothing touches.
TENDRIL_MUST_CHECK tendril_status tnd_terrain_check_floor(const mjModel *model, tendril_error *err);
// Puts level ground in the place of the floor of a model made from that text; fails as the check.
TENDRIL_MUST_CHECK tendril_status tnd_terrain_replace_floor(mjModel *model, tendril_error *err);
// The numbers of the model's terrain, two equal rows [2][n].
float *tnd_terrain_heights(const mjModel *model);

// Makes spheres and capsules touch terrains, and no other height field, as ground.c says. Once per
// process; called when a model gets a terrain.
void tnd_ground_install(void);

#endif

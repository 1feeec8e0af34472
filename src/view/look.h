// How a model is drawn: the model itself, with a sky, a floor that can be seen to move by and
// limbs that can be told apart where the model file left them out. What a model file says about its
// looks stays as it is.
#ifndef TND_LOOK_H
#define TND_LOOK_H

#include "base/alloc.h"

#include <mujoco/mujoco.h>

typedef enum tnd_quality {
  TND_QUALITY_FAST,    // no shadows, jagged edges
  TND_QUALITY_NORMAL,  // shadows and smooth edges
  TND_QUALITY_FINE,    // sharper shadows, reflections
} tnd_quality;

#define TND_QUALITIES "fast normal fine"

typedef struct tnd_look {
  mjModel model;   // for mjv_ and mjr_ only; all but its looks belongs to the simulated model
  bool lightless;  // the model file has no light: tnd_look_light() is wanted
  int fields;      // how often its height fields have changed: renderers hold copies of them
  tnd_arena arena;
} tnd_look;

// model: borrowed for the look's life
TENDRIL_MUST_CHECK tendril_status tnd_look_create(const mjModel *model, tnd_quality quality,
                                                  tnd_look *out, tendril_error *err);
// From now on the ground of `ground`, which differs from the look's model in nothing else;
// borrowed.
void tnd_look_set_ground(tnd_look *look, const mjModel *ground);
// For a renderer that has drawn the fields as they were after `*fields` changes: its copies anew.
// To be called under guard, in the renderer's context.
void tnd_look_upload(const tnd_look *look, const mjrContext *renderer, int *fields);
void tnd_look_free(tnd_look *look);

// Switches of a scene that belong to the quality.
void tnd_look_flags(tnd_quality quality, mjtByte flags[mjNRNDFLAG]);

// A directional light that casts shadows around `center`; it stands `distance` away from there.
mjvLight tnd_look_light(const double center[3], const double direction[3], double distance,
                        float strength);
bool tnd_look_is_directional(const mjvLight *light);

#endif

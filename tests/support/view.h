// Traces and pictures for tests of what is drawn.
#ifndef SUPPORT_VIEW_H
#define SUPPORT_VIEW_H

#include "view/offscreen.h"
#include "view/scene.h"
#include "view/trace.h"

// A model of tests/data/mjcf/ for the toy task.
tendril_model *support_toy_model(const char *mjcf);

// A whole episode with random actions, of that seed.
tnd_trace *support_random_trace(const tendril_model *model, uint64_t seed);

// `steps` steps in which nothing happens but that qpos[0] grows by `by` in each.
tnd_trace *support_sliding_trace(const tendril_model *model, int steps, double by);

// The state of time t as a picture [height][width][3], owned by the caller, free().
unsigned char *support_shot(tnd_scene *scene, tnd_offscreen *offscreen, const tnd_trace *trace,
                            int t, int width, int height);

#endif

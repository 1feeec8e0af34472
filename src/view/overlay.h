// Text and curves over the picture.
#ifndef TND_OVERLAY_H
#define TND_OVERLAY_H

#include "view/plots.h"
#include "view/viewer.h"

// pictures: a second. recording: a video is being made. Into the current buffer, within `picture`.
void tnd_overlay_render(const tnd_viewer *viewer, tnd_plots *plots, double pictures, bool recording,
                        mjrRect picture, const mjrContext *context);

#endif

// Figures of learning curves: what is drawn, and how it is captioned.
#ifndef TND_CURVES_DRAW_H
#define TND_CURVES_DRAW_H

#include "run/curves.h"
#include "view/figure.h"

// What y is, for an axis: "mean return, training".
const char *tnd_curves_y_label(const tnd_curves *curves);
// How the figure was made, as its caption says it; owned by the caller, tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_curves_caption(const tnd_curves *curves, char **out,
                                                     tendril_error *err);

// Levels of a task's panel.
typedef struct tnd_curves_levels {
  const char *task;
  int n;
  const tnd_level *levels;  // [n]
} tnd_curves_levels;

// One panel a task. title may be NULL; levels [nlevels], one a task at most.
TENDRIL_MUST_CHECK tendril_status tnd_curves_draw(const tnd_curves *curves, const char *title,
                                                  const tnd_curves_levels *levels, int nlevels,
                                                  const char *path, tendril_error *err);

#endif

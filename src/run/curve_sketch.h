// The picture that a run has of itself while it goes on.
#ifndef TND_CURVE_SKETCH_H
#define TND_CURVE_SKETCH_H

#include "view/figure.h"

// Returns of training and evaluations over control steps, into PATH/curves.svg. Doesn't wait for
// gnuplot. *out is NULL if there is nothing to draw yet.
TENDRIL_MUST_CHECK tendril_status tnd_curve_sketch(const char *path, tnd_drawing **out,
                                                   tendril_error *err);

#endif

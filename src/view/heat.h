// The part of a figure's script that is a heat map (figure.h).
#ifndef TND_HEAT_H
#define TND_HEAT_H

#include "base/buffer.h"
#include "view/figure.h"

// Panel k's numbers, before any plot; then its plot, into margins and labels that are set.
void tnd_heat_put_data(tnd_buffer *out, const tnd_heat *heat, int k);
void tnd_heat_put_plot(tnd_buffer *out, const tnd_heat *heat, int k);

// Of figure.c: any bytes as a string of gnuplot's.
void tnd_figure_put_text(tnd_buffer *out, const char *text);

#endif

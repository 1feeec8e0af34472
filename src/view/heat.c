// Heat maps: boxes of equal size whose colours are those of viridis, even to the eye and in
// brightness alone (Smith, van der Walt, matplotlib 2015). Each cell's text is black or white, by
// what it stands on.
#include "view/heat.h"

#include <string.h>

// What fits without running into each other: labels along and up an axis, cells with a text.
enum { MOST_X = 10, MOST_Y = 16, MOST_TEXTS = 20 };

void tnd_heat_put_data(tnd_buffer *out, const tnd_heat *heat, int k) {
  tnd_buffer_format(out, "$h%d << EOD\n", k);
  for (int j = 0; j < heat->rows; j++)
    for (int i = 0; i < heat->columns; i++) {
      const int cell = j * heat->columns + i;
      tnd_buffer_format(out, "%d %d ", i, j);
      tnd_buffer_number(out, heat->shares[cell]);
      tnd_buffer_format(out, " \"%s\"\n", heat->texts[cell]);
    }
  tnd_buffer_text(out, "EOD\n");
  if (!heat->line) return;
  tnd_buffer_format(out, "$t%d << EOD\n", k);
  for (int i = 0; i < heat->columns; i++)
    for (int end = 0; end < 2; end++) {
      tnd_buffer_number(out, i - 0.5 + end);
      tnd_buffer_text(out, " ");
      tnd_buffer_number(out, heat->line[i] - 0.5);
      tnd_buffer_text(out, "\n");
    }
  tnd_buffer_text(out, "EOD\n");
}

// Every one, or as many as there is room for, evenly.
static void put_ticks(tnd_buffer *out, char axis, const char *const *ticks, int n, int most) {
  tnd_buffer_format(out, "set %ctics scale 0 (", axis);
  for (int i = 0; i < n; i += (n + most - 1) / most) {
    if (i) tnd_buffer_text(out, ", ");
    tnd_figure_put_text(out, ticks[i]);
    tnd_buffer_format(out, " %d", i);
  }
  tnd_buffer_text(out, ")\n");
}

void tnd_heat_put_plot(tnd_buffer *out, const tnd_heat *heat, int k) {
  tnd_buffer_text(out, "set palette defined (0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', "
                       "0.75 '#5ec962', 1 '#fde725')\n"
                       "set cbrange [0:1]\nunset colorbox\nunset grid\nset border 0\n");
  // gnuplot leaves out a label that its ticks push over the figure's edge
  size_t widest = 0;
  for (int j = 0; j < heat->rows; j++)
    if (strlen(heat->y_ticks[j]) > widest) widest = strlen(heat->y_ticks[j]);
  tnd_buffer_format(out, "set ylabel offset %d,0\n", widest > 3 ? 1 : -1);
  tnd_buffer_format(out, "set xrange [-0.5:%d.5]\nset yrange [-0.5:%d.5]\n", heat->columns - 1,
                    heat->rows - 1);
  put_ticks(out, 'x', heat->x_ticks, heat->columns, MOST_X);
  put_ticks(out, 'y', heat->y_ticks, heat->rows, MOST_Y);
  tnd_buffer_format(out,
                    "plot $h%d using 1:2:(0.485):(0.485):3 with boxxyerror fs solid 1 noborder "
                    "fc palette notitle",
                    k);
  const bool room = heat->columns <= MOST_TEXTS && heat->rows <= MOST_TEXTS;
  for (int dark = 0; room && dark < 2; dark++)
    tnd_buffer_format(out,
                      ", $h%d using 1:2:($3%s0.6?strcol(4):'') with labels font ',9' "
                      "textcolor rgb '%s' notitle",
                      k, dark ? "<" : ">=", dark ? "#ffffff" : "#000000");
  if (heat->line)
    tnd_buffer_format(out, ", $t%d using 1:2 with lines lw 3 lc rgb '#D55E00' notitle", k);
  tnd_buffer_text(out, "\nset border 3\nset grid lc rgb '#dddddd' lw 0.6 dt solid\n"
                       "unset xtics\nset xtics nomirror\nunset ytics\nset ytics nomirror\n");
}

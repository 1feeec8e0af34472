// Figures: panels with curves, bands and reference lines, or with a heat map, drawn by gnuplot as
// SVG, PNG or PDF. Colours are Okabe and Ito's, which the colour-blind tell apart; widths, dashes
// and marks differ too, so that a figure is read as well in black and white.
#ifndef TND_FIGURE_H
#define TND_FIGURE_H

#include "base/status.h"

// Texts are borrowed, any bytes; what is no UTF-8 or a control character shows as ?.

typedef struct tnd_series {
  const char *name;  // in the key
  int style;         // colour, dashes and mark: one a method, the same in all panels; 0, 1, ...
  bool marks_only;   // points without a line
  int n;
  const double *x, *y;       // [n] borrowed; a point that is not finite is left out
  const double *low, *high;  // [n] borrowed, the band around the line; NULL: none
} tnd_series;

// A level to compare with.
typedef struct tnd_level {
  const char *name;
  double y;
} tnd_level;

// A table of shares as colours, dark for 0 to bright for 1, with a text in each cell. A large one
// has colours alone, and as many ticks as don't run into each other.
typedef struct tnd_heat {
  int columns, rows;         // at least 1
  const double *shares;      // [rows][columns] borrowed, the first row below; 0 to 1
  const char *const *texts;  // [rows][columns] borrowed
  const char *const *x_ticks, *const *y_ticks;  // [columns], [rows] borrowed
  const double *line;  // [columns] borrowed, a line across at so many rows from below; NULL: none
} tnd_heat;

typedef struct tnd_panel {
  const char *title, *x_label, *y_label;
  int nseries, nlevel;
  const tnd_series *series;
  const tnd_level *levels;
  const tnd_heat *heat;  // in place of series and levels, or NULL
} tnd_panel;

typedef struct tnd_figure {
  const char *title, *caption;  // the caption is wrapped; either may be NULL
  int npanel;                   // at least 1
  const tnd_panel *panels;
} tnd_figure;

// E_ARGUMENT unless the path ends in .svg, .png or .pdf.
TENDRIL_MUST_CHECK tendril_status tnd_figure_check_path(const char *path, tendril_error *err);

// Draws into the file, which takes the place of what was there only when all is done.
// @return E_SYSTEM without gnuplot or if it fails, E_ARGUMENT for another extension, E_IO, E_MEMORY
TENDRIL_MUST_CHECK tendril_status tnd_figure_write(const tnd_figure *figure, const char *path,
                                                   tendril_error *err);

// The same without waiting: gnuplot is at work when this returns, and the figure is needed no more.
typedef struct tnd_drawing tnd_drawing;
// @param out  owned by the caller, tnd_drawing_finish() or tnd_drawing_abandon()
TENDRIL_MUST_CHECK tendril_status tnd_drawing_start(const tnd_figure *figure, const char *path,
                                                    tnd_drawing **out, tendril_error *err);
// Whether tnd_drawing_finish() will not wait.
bool tnd_drawing_ready(tnd_drawing *drawing);
// Waits, writes the file, frees the drawing in any case.
TENDRIL_MUST_CHECK tendril_status tnd_drawing_finish(tnd_drawing *drawing, tendril_error *err);
void tnd_drawing_abandon(tnd_drawing *drawing);  // NULL is fine

// The script that gnuplot gets; owned by the caller, tnd_free(). For tests.
TENDRIL_MUST_CHECK tendril_status tnd_figure_script(const tnd_figure *figure, const char *path,
                                                    char **out, tendril_error *err);

#endif

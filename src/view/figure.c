// A figure becomes a script for gnuplot with the data in it, fed to gnuplot's standard input; the
// picture comes back on its standard output and is written as a whole. gnuplot itself would not
// tell of a full disk.
//
// Colours: Okabe, Ito, "Color Universal Design" (2008). Their yellow is too pale for a line on
// white and comes last.
#include "view/figure.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "view/heat.h"

// Eight that differ in colour, dashes and mark at once; after them the next dash goes with each
// colour.
static const struct {
  const char *colour, *dashes;
  int mark;  // gnuplot's point type
} styles[] = {
    {"#0072B2", "solid", 7},           // blue, filled circle
    {"#D55E00", "'-'", 5},             // vermilion, filled square
    {"#009E73", "'.'", 9},             // green, filled triangle
    {"#CC79A7", "'-.'", 13},           // purple, filled diamond
    {"#000000", "(14,3)", 6},          // black, circle
    {"#56B4E9", "(10,3,2,3,2,3)", 4},  // sky blue, square
    {"#E69F00", "(4,2)", 11},          // orange, filled triangle downwards
    {"#777777", "(20,4,4,4)", 8},      // grey, triangle
};
enum {
  NSTYLE = sizeof styles / sizeof styles[0],
  NMARK = 8,  // marks on a curve
  MAX_COLUMNS = 3,
  PANEL_WIDTH = 480,  // pixels
  PANEL_HEIGHT = 360,
  TITLE_HEIGHT = 34,
  LINE_HEIGHT = 17,  // of caption and key
  SAMPLE = 40,       // width of a line in the key
};

// Where things go, in pixels from the top.
typedef struct layout {
  int columns, rows, width, height;
  int title;  // height of the title
  int key_rows, key_columns;
  int key, entry;  // height of the key, width of a column
  int caption;     // height of the caption
} layout;

// One of the figure's styles with its name, for the key.
typedef struct entry {
  const char *name;
  int style;
  bool marks_only, band;
} entry;

// -------------------------------------------------------------------------------------- text

// As a gnuplot string in single quotes, in which nothing but the quote itself is special.
static void put_quoted(tnd_buffer *out, const char *text, size_t length) {
  tnd_buffer_text(out, "'");
  for (size_t i = 0; i < length;) {
    size_t n = 1;
    while (n < 4 && i + n < length && !tnd_utf8_valid(text + i, n))
      n++;
    const unsigned char c = (unsigned char)text[i];
    if (!tnd_utf8_valid(text + i, n) || c < ' ' || c == 0x7f) {
      tnd_buffer_text(out, "?");
      n = 1;
    } else if (c == '\'') {
      tnd_buffer_text(out, "''");
    } else {
      tnd_buffer_add(out, text + i, n);
    }
    i += n;
  }
  tnd_buffer_text(out, "'");
}

void tnd_figure_put_text(tnd_buffer *out, const char *text) {
  put_quoted(out, text ? text : "", text ? strlen(text) : 0);
}

// Length of the first line of a text that is wrapped at `width` bytes, at a space if there is one.
static size_t line_length(const char *text, size_t width) {
  const size_t n = strlen(text);
  if (n <= width) return n;
  for (size_t i = width; i > width / 2; i--)
    if (text[i] == ' ') return i;
  // not within a character
  size_t i = width;
  while (i > 1 && ((unsigned char)text[i] & 0xc0) == 0x80)
    i--;
  return i;
}

static const char *next_line(const char *text, size_t length) {
  text += length;
  while (*text == ' ')
    text++;
  return text;
}

// ------------------------------------------------------------------------------------------- key

// The styles of all panels, each once. entries [room]; returns how many.
static int collect_entries(const tnd_figure *figure, entry *entries, int room) {
  int n = 0;
  for (int k = 0; k < figure->npanel; k++)
    for (int i = 0; i < figure->panels[k].nseries; i++) {
      const tnd_series *s = &figure->panels[k].series[i];
      int j = 0;
      while (j < n && !(entries[j].style == s->style && strcmp(entries[j].name, s->name) == 0))
        j++;
      if (j < n)
        entries[j].band |= s->low != NULL;
      else if (n < room)
        entries[n++] = (entry){s->name, s->style, s->marks_only, s->low != NULL};
    }
  return n;
}

static int count_series(const tnd_figure *figure) {
  int n = 0;
  for (int k = 0; k < figure->npanel; k++)
    n += figure->panels[k].nseries;
  return n;
}

// ---------------------------------------------------------------------------------------- layout

static size_t caption_width(const layout *l) {
  return (size_t)(l->width - 28) / 7;  // a letter of the caption's size is some 6 pixels wide
}

static layout lay_out(const tnd_figure *figure, const entry *entries, int nentry) {
  layout l = {.columns = figure->npanel < MAX_COLUMNS ? figure->npanel : MAX_COLUMNS};
  // four panels are two by two
  if (figure->npanel == 4) l.columns = 2;
  l.rows = (figure->npanel + l.columns - 1) / l.columns;
  l.width = l.columns * PANEL_WIDTH;
  if (l.columns == 1) l.width += PANEL_WIDTH / 2;
  l.title = figure->title && figure->title[0] ? TITLE_HEIGHT : 0;

  // the key: as many columns as its longest name leaves; a letter is some 8 pixels wide
  size_t longest = 0;
  for (int i = 0; i < nentry; i++)
    longest = strlen(entries[i].name) > longest ? strlen(entries[i].name) : longest;
  l.entry = SAMPLE + 30 + 8 * (int)(longest < 200 ? longest : 200);
  l.key_columns = (l.width - 20) / l.entry;
  if (l.key_columns < 1) l.key_columns = 1;
  if (l.key_columns > nentry) l.key_columns = nentry;
  l.key_rows = nentry ? (nentry + l.key_columns - 1) / l.key_columns : 0;
  l.key = nentry ? l.key_rows * LINE_HEIGHT + 14 : 0;

  int lines = 0;
  for (const char *text = figure->caption ? figure->caption : ""; *text; lines++)
    text = next_line(text, line_length(text, caption_width(&l)));
  l.caption = lines ? lines * LINE_HEIGHT + 10 : 0;
  l.height = l.title + l.rows * PANEL_HEIGHT + l.key + l.caption;
  return l;
}

// A height from the top as gnuplot has it: the share of the picture, from the bottom.
static double screen(const layout *l, int pixels) {
  return 1.0 - (double)pixels / (double)l->height;
}

// ---------------------------------------------------------------------------------------- script

typedef enum picture { SVG, PNG, PDF, UNKNOWN } picture;

static picture picture_of(const char *path) {
  const char *dot = strrchr(path, '.');
  if (dot && dot != path && dot[-1] != '/') {
    if (strcmp(dot, ".svg") == 0) return SVG;
    if (strcmp(dot, ".png") == 0) return PNG;
    if (strcmp(dot, ".pdf") == 0) return PDF;
  }
  return UNKNOWN;
}

static void put_terminal(tnd_buffer *out, const layout *l, picture kind) {
  if (kind == SVG)
    tnd_buffer_format(out,
                      "set terminal svg size %d,%d noenhanced font 'sans-serif,13' "
                      "background 'white' butt dashlength 0.8\n",
                      l->width, l->height);
  else if (kind == PNG)
    // twice the pixels, for screens and projectors that show them
    tnd_buffer_format(out,
                      "set terminal pngcairo size %d,%d noenhanced font 'sans-serif,10' "
                      "fontscale 2 linewidth 2 pointscale 2 dashlength 0.8 butt\n",
                      2 * l->width, 2 * l->height);
  else
    tnd_buffer_format(out,
                      "set terminal pdfcairo size %.4gin,%.4gin noenhanced "
                      "font 'sans-serif,10' dashlength 0.8 butt linewidth 1.5\n",
                      l->width / 96.0, l->height / 96.0);
}

static bool is_point(const tnd_series *s, int i) {
  return isfinite(s->x[i]) && isfinite(s->y[i]);
}

// $dK_I: x y low high, a line a point.
static void put_data(tnd_buffer *out, const tnd_figure *figure) {
  for (int k = 0; k < figure->npanel; k++) {
    if (figure->panels[k].heat) tnd_heat_put_data(out, figure->panels[k].heat, k);
    for (int i = 0; i < figure->panels[k].nseries; i++) {
      const tnd_series *s = &figure->panels[k].series[i];
      tnd_buffer_format(out, "$d%d_%d << EOD\n", k, i);
      for (int t = 0; t < s->n; t++) {
        if (!is_point(s, t)) continue;
        const bool band = s->low && isfinite(s->low[t]) && isfinite(s->high[t]);
        const double row[] = {s->x[t], s->y[t], band ? s->low[t] : s->y[t],
                              band ? s->high[t] : s->y[t]};
        for (int c = 0; c < 4; c++) {
          if (c) tnd_buffer_text(out, " ");
          tnd_buffer_number(out, row[c]);
        }
        tnd_buffer_text(out, "\n");
      }
      tnd_buffer_text(out, "EOD\n");
    }
  }
}

// Which of the styles has the dashes and the mark of style `style`.
static int dashes_of(int style) {
  return (style + style / NSTYLE) % NSTYLE;
}

static void put_line_style(tnd_buffer *out, int style, bool marks_only, int n) {
  const int colour = style % NSTYLE, dashes = dashes_of(style);
  const int interval = n > NMARK ? (n + NMARK - 1) / NMARK : 1;
  if (marks_only)
    tnd_buffer_format(out, " with points pt %d ps 0.9 lc rgb '%s'", styles[dashes].mark,
                      styles[colour].colour);
  else
    tnd_buffer_format(out, " with linespoints lw 2 dt %s pt %d ps 0.7 pi %d lc rgb '%s'",
                      styles[dashes].dashes, styles[dashes].mark, interval, styles[colour].colour);
}

static int count_points(const tnd_series *s) {
  int n = 0;
  for (int i = 0; i < s->n; i++)
    n += is_point(s, i);
  return n;
}

// The range of all that a panel shows, with some air; false if there is nothing.
static bool y_range(const tnd_panel *panel, double *low, double *high) {
  *low = INFINITY;
  *high = -INFINITY;
  for (int i = 0; i < panel->nseries; i++) {
    const tnd_series *s = &panel->series[i];
    for (int t = 0; t < s->n; t++) {
      if (!is_point(s, t)) continue;
      const bool band = s->low && isfinite(s->low[t]) && isfinite(s->high[t]);
      *low = fmin(*low, band ? s->low[t] : s->y[t]);
      *high = fmax(*high, band ? s->high[t] : s->y[t]);
    }
  }
  for (int i = 0; i < panel->nlevel; i++) {
    *low = fmin(*low, panel->levels[i].y);
    *high = fmax(*high, panel->levels[i].y);
  }
  if (!(*low <= *high)) return false;
  const double air = *high > *low ? 0.06 * (*high - *low) : fmax(1, 0.1 * fabs(*high));
  // a curve that starts near zero starts from zero
  *low = *low >= 0 && *low < air ? -0.02 * (*high - *low) : *low - air;
  *high += air;
  return isfinite(*low) && isfinite(*high);
}

// A number on the x axis: 250k, 1.5M.
static void put_tick(tnd_buffer *out, double value) {
  static const struct {
    double unit;
    const char *letter;
  } units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  size_t i = 0;
  while (i < sizeof units / sizeof units[0] && fabs(value) < units[i].unit)
    i++;
  if (i < sizeof units / sizeof units[0])
    tnd_buffer_format(out, "%.4g%s", value / units[i].unit, units[i].letter);
  else
    tnd_buffer_format(out, "%.4g", value);
}

// From 0, where trainings start, to the last point, with some five ticks at 1, 2 or 5 times a power
// of ten.
static void put_x_axis(tnd_buffer *out, const tnd_panel *panel) {
  double last = 0;
  for (int i = 0; i < panel->nseries; i++)
    for (int t = 0; t < panel->series[i].n; t++)
      if (is_point(&panel->series[i], t)) last = fmax(last, panel->series[i].x[t]);
  if (!(last > 0)) last = 1;
  const double power = pow(10, floor(log10(last / 6)));
  const double step = last / 6 <= power       ? power
                      : last / 6 <= 2 * power ? 2 * power
                      : last / 6 <= 5 * power ? 5 * power
                                              : 10 * power;
  tnd_buffer_text(out, "set xrange [0:");
  tnd_buffer_number(out, 1.02 * last);
  tnd_buffer_text(out, "]\nset xtics (");
  for (int i = 0; i * step <= 1.02 * last; i++) {
    tnd_buffer_text(out, i ? ", '" : "'");
    put_tick(out, i * step);
    tnd_buffer_text(out, "' ");
    tnd_buffer_number(out, i * step);
  }
  tnd_buffer_text(out, ")\n");
}

// Dotted grey lines, each with its name on it, left and right by turns so that near ones don't
// cover each other's.
static void put_levels(tnd_buffer *out, const tnd_panel *panel) {
  for (int i = 0; i < panel->nlevel; i++) {
    const tnd_level *level = &panel->levels[i];
    int above = 0;  // levels beyond this one, or like it and earlier
    for (int j = 0; j < panel->nlevel; j++)
      above += panel->levels[j].y > level->y || (panel->levels[j].y == level->y && j < i);
    tnd_buffer_format(out, "set arrow %d from graph 0, first ", i + 1);
    tnd_buffer_number(out, level->y);
    tnd_buffer_text(out, " to graph 1, first ");
    tnd_buffer_number(out, level->y);
    tnd_buffer_format(out, " nohead back lw 1.2 dt (2,3) lc rgb '#555555'\nset label %d ", i + 1);
    tnd_figure_put_text(out, level->name);
    tnd_buffer_format(out, " at graph %s, first ", above % 2 ? "0.98" : "0.03");
    tnd_buffer_number(out, level->y);
    tnd_buffer_format(out, " %s offset 0,0.45 front font ',9' textcolor rgb '#555555'\n",
                      above % 2 ? "right" : "left");
  }
}

static void put_panel(tnd_buffer *out, const tnd_figure *figure, const layout *l, int k) {
  const tnd_panel *panel = &figure->panels[k];
  const int column = k % l->columns, row = k / l->columns;
  const int left = column * (l->width / l->columns) + 72;
  const int right = (column + 1) * (l->width / l->columns) - 18;
  const int top = l->title + row * PANEL_HEIGHT + 34, bottom = top + PANEL_HEIGHT - 90;
  double low, high;

  tnd_buffer_format(out,
                    "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
                    "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
                    (double)left / l->width, (double)right / l->width, screen(l, top),
                    screen(l, bottom));
  tnd_buffer_text(out, "unset arrow\nunset label\nset title ");
  tnd_figure_put_text(out, panel->title);
  tnd_buffer_text(out, " offset 0,-0.4\nset xlabel ");
  tnd_figure_put_text(out, panel->x_label);
  tnd_buffer_text(out, " offset 0,0.2\nset ylabel ");
  tnd_figure_put_text(out, panel->y_label);
  tnd_buffer_text(out, " offset 1,0\n");
  if (panel->heat) {
    tnd_heat_put_plot(out, panel->heat, k);
    return;
  }
  if (y_range(panel, &low, &high)) {
    tnd_buffer_text(out, "set yrange [");
    tnd_buffer_number(out, low);
    tnd_buffer_text(out, ":");
    tnd_buffer_number(out, high);
    tnd_buffer_text(out, "]\n");
  } else {
    tnd_buffer_text(out, "set yrange [0:1]\n");
  }
  put_x_axis(out, panel);
  put_levels(out, panel);

  // bands below all lines
  const char *comma = "plot ";
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < panel->nseries; i++) {
      const tnd_series *s = &panel->series[i];
      const int n = count_points(s);
      if (n == 0 || (pass == 0 && !s->low)) continue;
      tnd_buffer_format(out, "%s$d%d_%d using ", comma, k, i);
      if (pass == 0) {
        tnd_buffer_format(out,
                          "1:3:4 with filledcurves fs transparent solid 0.22 noborder lc rgb '%s'",
                          styles[s->style % NSTYLE].colour);
      } else {
        tnd_buffer_text(out, "1:2");
        put_line_style(out, s->style, s->marks_only, n);
      }
      tnd_buffer_text(out, " notitle");
      comma = ", ";
    }
  // without a point there are the axes
  if (comma[0] == 'p') tnd_buffer_text(out, "plot 1/0 notitle");
  tnd_buffer_text(out, "\n");
}

// One key for all panels, below them. gnuplot's own would choose its columns by itself, and so its
// height: samples and names are drawn at their places, in pixels of the key's strip.
static void put_key(tnd_buffer *out, const layout *l, const entry *entries, int nentry) {
  const int top = l->title + l->rows * PANEL_HEIGHT;
  const int space = (l->width - l->key_columns * l->entry) / 2, left = space > 14 ? space : 14;
  const size_t letters = (size_t)(l->width - left - SAMPLE - 20) / 7;  // of a name that is too long
  tnd_buffer_format(out,
                    "unset arrow\nunset label\nunset title\nunset xlabel\nunset ylabel\n"
                    "unset border\nunset tics\nset lmargin at screen 0\nset rmargin at screen 1\n"
                    "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
                    screen(l, top), screen(l, top + l->key));
  for (int i = 0; i < nentry; i++) {
    const int x = left + i % l->key_columns * l->entry;
    const int y = 8 + i / l->key_columns * LINE_HEIGHT;
    tnd_buffer_format(out, "$k%d << EOD\n%d %d\n%d %d\n%d %d\nEOD\nset label %d ", i, x, y,
                      x + SAMPLE / 2, y, x + SAMPLE, y, i + 1);
    put_quoted(out, entries[i].name, line_length(entries[i].name, letters));
    tnd_buffer_format(out, " at first %d,%d left\n", x + SAMPLE + 8, y);
  }
  tnd_buffer_format(out, "plot [0:%d][%d:0] ", l->width, l->key);
  for (int i = 0; i < nentry; i++) {
    const int style = entries[i].style;
    if (i) tnd_buffer_text(out, ", ");
    if (!entries[i].marks_only)
      tnd_buffer_format(out, "$k%d using 1:2 with lines lw 2 dt %s lc rgb '%s' notitle, ", i,
                        styles[dashes_of(style)].dashes, styles[style % NSTYLE].colour);
    tnd_buffer_format(out,
                      "$k%d using 1:2 every ::1::1 with points pt %d ps 0.8 lc rgb '%s' notitle", i,
                      styles[dashes_of(style)].mark, styles[style % NSTYLE].colour);
  }
  tnd_buffer_text(out, "\n");
}

// Title and caption: labels of the first panel would go with it, so they have a plot of their own.
static void put_words(tnd_buffer *out, const tnd_figure *figure, const layout *l) {
  if (l->title) {
    tnd_buffer_text(out, "set label 1 ");
    tnd_figure_put_text(out, figure->title);
    tnd_buffer_format(out, " at screen 0.5,%.5f center font ',15'\n", screen(l, 20));
  }
  int top = l->height - l->caption + 8, i = 2;
  for (const char *text = figure->caption ? figure->caption : ""; *text;) {
    const size_t n = line_length(text, caption_width(l));
    tnd_buffer_format(out, "set label %d ", i++);
    put_quoted(out, text, n);
    tnd_buffer_format(out, " at screen %.5f,%.5f left font ',9'\n", 14.0 / l->width,
                      screen(l, top));
    text = next_line(text, n);
    top += LINE_HEIGHT;
  }
}

static void put_script(tnd_buffer *out, const tnd_figure *figure, picture kind,
                       const entry *entries, int nentry) {
  const layout l = lay_out(figure, entries, nentry);
  tnd_buffer_text(out, "set encoding utf8\n");
  put_terminal(out, &l, kind);
  put_data(out, figure);
  tnd_buffer_text(out, "set multiplot\nset border 3\nset tics nomirror\n"
                       "set grid lc rgb '#dddddd' lw 0.6 dt solid\nunset key\n");
  for (int k = 0; k < figure->npanel; k++)
    put_panel(out, figure, &l, k);
  if (nentry) put_key(out, &l, entries, nentry);
  if (l.title || l.caption) {
    tnd_buffer_text(out, "unset key\nunset border\nunset tics\nunset title\nunset xlabel\n"
                         "unset ylabel\nunset arrow\nunset label\n");
    put_words(out, figure, &l);
    tnd_buffer_text(out, "plot [0:1][0:1] 1/0 notitle\n");
  }
  tnd_buffer_text(out, "unset multiplot\nunset output\n");
}

tendril_status tnd_figure_check_path(const char *path, tendril_error *err) {
  if (picture_of(path) != UNKNOWN) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT,
                  "%.400s: a figure is an .svg, .png or .pdf file; name it so", path);
}

tendril_status tnd_figure_script(const tnd_figure *figure, const char *path, char **out,
                                 tendril_error *err) {
  TENDRIL_TRY(tnd_figure_check_path(path, err));
  if (figure->npanel < 1) return tnd_fail(err, TENDRIL_E_ARGUMENT, "a figure without a panel");
  const int room = count_series(figure);
  entry *entries = tnd_alloc(sizeof *entries * (size_t)(room + 1));
  if (!entries) return tnd_fail_memory(err);
  tnd_buffer script = {0};
  put_script(&script, figure, picture_of(path), entries, collect_entries(figure, entries, room));
  tnd_free(entries);
  return tnd_buffer_take(&script, out, NULL, err);
}

// --------------------------------------------------------------------------------------- drawing

struct tnd_drawing {
  tnd_process *gnuplot;
  char *path;
};

tendril_status tnd_drawing_start(const tnd_figure *figure, const char *path, tnd_drawing **out,
                                 tendril_error *err) {
  // -d: no settings of the user's
  static const char *const argv[] = {"gnuplot", "-d", NULL};
  const tnd_process_spec spec = {.argv = argv, .package = "gnuplot-nox", .input = true};
  char *script = NULL;
  TENDRIL_TRY(tnd_figure_script(figure, path, &script, err));
  tnd_drawing *drawing = tnd_alloc(sizeof *drawing);
  if (drawing) drawing->path = tnd_strdup(path);
  tendril_status status = drawing && drawing->path ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tnd_process_start(&spec, &drawing->gnuplot, err);
  if (status == TENDRIL_OK)
    status = tnd_process_write(drawing->gnuplot, script, strlen(script), err);
  if (status == TENDRIL_OK) {
    tnd_process_end_input(drawing->gnuplot);
    *out = drawing;
    drawing = NULL;
  }
  tnd_drawing_abandon(drawing);
  tnd_free(script);
  return status;
}

bool tnd_drawing_ready(tnd_drawing *drawing) {
  return tnd_process_ended(drawing->gnuplot);
}

tendril_status tnd_drawing_finish(tnd_drawing *drawing, tendril_error *err) {
  char *bytes = NULL;
  size_t n = 0;
  tendril_status status = tnd_process_finish(drawing->gnuplot, &bytes, &n, err);
  drawing->gnuplot = NULL;
  if (status == TENDRIL_OK && n == 0)
    status = tnd_fail(err, TENDRIL_E_SYSTEM, "gnuplot: drew nothing");
  if (status == TENDRIL_OK) status = tnd_file_write(drawing->path, bytes, n, err);
  tnd_free(bytes);
  tnd_drawing_abandon(drawing);
  return status;
}

void tnd_drawing_abandon(tnd_drawing *drawing) {
  if (!drawing) return;
  tnd_process_abandon(drawing->gnuplot);
  tnd_free(drawing->path);
  tnd_free(drawing);
}

tendril_status tnd_figure_write(const tnd_figure *figure, const char *path, tendril_error *err) {
  tnd_drawing *drawing = NULL;
  TENDRIL_TRY(tnd_drawing_start(figure, path, &drawing, err));
  return tnd_drawing_finish(drawing, err);
}

// Figures: all three kinds of file, hostile texts, gaps, and gnuplot missing or failing.
#include "view/figure.h"

#include "base/alloc.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 30, MANY = 24 };
static char *folder;
static double x[N], y[N], low[N], high[N];
static tnd_series series[MANY];
static tnd_panel panel;
static tnd_figure figure;

// A figure of two methods, one with a band.
static void set_up(void) {
  folder = support_tmpdir();
  for (int i = 0; i < N; i++) {
    x[i] = 1000 * i;
    y[i] = 3000 - 3000.0 / (1 + i);
    low[i] = 0.9 * y[i];
    high[i] = 1.1 * y[i];
  }
  series[0] = (tnd_series){"alpha", 0, false, N, x, y, low, high};
  series[1] = (tnd_series){"beta", 1, false, N, x, low, NULL, NULL};
  panel = (tnd_panel){
      .title = "a task", .x_label = "steps", .y_label = "return", .nseries = 2, .series = series};
  figure = (tnd_figure){"a title", "a caption", 1, &panel};
}

static void tear_down(void) {
  support_tmpdir_remove(folder);
}

TestSuite(figure, .init = set_up, .fini = tear_down);

// What gnuplot would get; the caller's, tnd_free().
static char *script(void) {
  static char *text;
  check_ok(tnd_figure_script(&figure, "x.svg", &text, check_err));
  return text;
}

static int count(const char *text, const char *word) {
  int n = 0;
  for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
    n++;
  return n;
}

// The figure drawn as SVG; the caller's, free().
static char *draw(void) {
  const char *path = support_path(folder, "drawn.svg");
  check_ok(tnd_figure_write(&figure, path, check_err));
  char *text = support_read_file(path, NULL);
  cr_assert_not_null(strstr(text, "</svg>"), "cut off");
  return text;
}

Test(figure, is_written_as_svg_png_and_pdf_by_its_extension) {
  static const struct {
    const char *name, *begin;
  } kinds[] = {{"a.svg", "<?xml"}, {"b.png", "\x89PNG"}, {"c.d.pdf", "%PDF-"}};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    const char *path = support_path(folder, kinds[i].name);
    check_ok(tnd_figure_write(&figure, path, check_err));
    size_t n;
    char *bytes = support_read_file(path, &n);
    cr_assert(n > 2000 && memcmp(bytes, kinds[i].begin, strlen(kinds[i].begin)) == 0, "%s",
              kinds[i].name);
    free(bytes);
  }
}

Test(figure, of_another_kind_is_refused) {
  static const char *const names[] = {"a",   "a.jpg",   "a.SVG",  "a.svg.gz", ".svg",
                                      "svg", "a.svg/b", "b/.png", ""};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    tendril_error err = {{0}};
    cr_assert_eq(tnd_figure_write(&figure, names[i], &err), TENDRIL_E_ARGUMENT, "%s", names[i]);
    cr_assert(strstr(err.text, ".svg, .png or .pdf"));
  }
  figure.npanel = 0;
  cr_assert_eq(tnd_figure_write(&figure, "a.svg", NULL), TENDRIL_E_ARGUMENT);
}

Test(figure, shows_any_text_as_it_is_and_runs_none_of_it) {
  const char *path = support_path(folder, "run");
  char evil[600];
  snprintf(evil, sizeof evil, "x'\nsystem 'touch %s'\n`touch %s`; !touch %s\n\"", path, path, path);
  series[0].name = evil;
  series[1].name = "a_b^c {/Bold x} \\n @ ~ & < > $d0_0 100 %";
  panel.title = "it's \xc3\xa4 \xff\xfe\xc3";
  panel.y_label = "EOD\nEOD";
  figure.title = evil;
  figure.caption = evil;
  char *text = draw();
  cr_assert_neq(access(path, F_OK), 0, "a text was run");
  cr_assert_not_null(strstr(text, "a_b^c {/Bold x} \\n @ ~ &amp; &lt; > $d0_0 100 %"));
  cr_assert_not_null(strstr(text, "it's \xc3\xa4 ???"));
  free(text);
}

Test(figure, leaves_out_what_is_not_finite) {
  y[3] = NAN;
  y[4] = INFINITY;
  x[5] = -INFINITY;
  low[6] = NAN;
  high[7] = INFINITY;
  series[1].n = 0;
  static double one = 5;
  series[2] = (tnd_series){"one point", 2, true, 1, &one, &one, NULL, NULL};
  panel.nseries = 3;
  char *text = script();
  cr_assert_eq(count(text, "nan") + count(text, "inf"), 0);
  tnd_free(text);
  free(draw());
  // nothing at all
  panel.nseries = 0;
  free(draw());
  y[0] = NAN;
  series[0].n = 1;
  panel.nseries = 1;
  free(draw());
}

Test(figure, of_equal_or_enormous_values_is_drawn) {
  for (int i = 0; i < N; i++)
    y[i] = 1000;
  panel.nseries = 1;
  series[0].low = series[0].high = NULL;
  free(draw());
  y[0] = -1e308;
  y[1] = 1e308;
  free(draw());
  for (int i = 0; i < N; i++)
    y[i] = 1e-300 * i;
  free(draw());
}

Test(figure, names_a_method_once_whatever_the_panels) {
  tnd_panel panels[5];
  for (int i = 0; i < 5; i++)
    panels[i] = panel;
  figure.panels = panels;
  for (figure.npanel = 1; figure.npanel <= 5; figure.npanel++) {
    char *text = script();
    cr_assert_eq(count(text, "'alpha'"), 1);
    cr_assert_eq(count(text, "'beta'"), 1);
    cr_assert_eq(count(text, "'a task'"), figure.npanel);
    tnd_free(text);
    free(draw());
  }
}

// The words behind `word` in the plot of series i.
static void style_of(const char *text, int i, const char *word, char out[64]) {
  char name[32];
  snprintf(name, sizeof name, "$d0_%d using 1:2 ", i);
  const char *at = strstr(text, name);
  cr_assert_not_null(at);
  at = strstr(at, word);
  cr_assert_not_null(at);
  at += strlen(word);
  snprintf(out, 64, "%.*s", (int)strcspn(at, " \n"), at);
}

Test(figure, tells_methods_apart_without_colour_and_without_dashes) {
  for (int i = 0; i < MANY; i++)
    series[i] = (tnd_series){"m", i, false, N, x, y, NULL, NULL};
  panel.nseries = MANY;
  char *text = script();
  static const char *const words[] = {" lc rgb ", " dt ", " pt "};
  for (int i = 0; i < MANY; i++)
    for (int j = 0; j < i; j++) {
      int differ = 0;
      for (int w = 0; w < 3; w++) {
        char a[64], b[64];
        style_of(text, i, words[w], a);
        style_of(text, j, words[w], b);
        differ += strcmp(a, b) != 0;
      }
      // the first eight in each of the three, all in one at least
      cr_assert(i < 8 ? differ == 3 : differ > 0, "styles %d and %d", i, j);
    }
  tnd_free(text);
}

Test(figure, has_bands_below_the_lines_and_levels_by_their_names) {
  static const tnd_level levels[] = {{"a paper's", 3500}, {"another's", 3400}};
  panel.levels = levels;
  panel.nlevel = 2;
  char *text = script();
  const char *band = strstr(text, "filledcurves"), *line = strstr(text, "linespoints");
  cr_assert(band && line && band < line);
  cr_assert_eq(count(text, "filledcurves"), 1);
  cr_assert_not_null(strstr(text, "'a paper''s' at graph 0.03"));
  cr_assert_not_null(strstr(text, "'another''s' at graph 0.98"));
  // they are in the range of what is drawn: below 3500 + 6 %
  double bottom, top;
  cr_assert_eq(sscanf(strstr(text, "yrange"), "yrange [%lf:%lf]", &bottom, &top), 2);
  cr_assert(bottom <= 0 && top > 3500 && top < 3800);
  tnd_free(text);
  free(draw());
}

Test(figure, wraps_its_caption_between_words) {
  char caption[2000] = "";
  for (int i = 0; i < 100; i++)
    strcat(caption, "word\xc3\xa4 ");
  memset(caption + 1000, 'y', 500);
  caption[1500] = 0;
  figure.caption = caption;
  char *text = draw();
  cr_assert_gt(count(text, "word\xc3\xa4 word\xc3\xa4"), 5);
  cr_assert_eq(count(text, "?word"), 0);
  free(text);
}

// -------------------------------------------------------------------------------------- failures

Test(figure, without_gnuplot_names_the_package_and_leaves_nothing) {
  setenv("PATH", folder, 1);
  const char *path = support_path(folder, "x.svg");
  tendril_error err = {{0}};
  cr_assert_eq(tnd_figure_write(&figure, path, &err), TENDRIL_E_SYSTEM);
  cr_assert_str_eq(err.text, "gnuplot: program not found; install Debian's package gnuplot-nox");
  cr_assert_neq(access(path, F_OK), 0);
}

// A program of that name that runs a shell script.
static void pretend_gnuplot(const char *commands) {
  char text[256], paths[600];
  snprintf(text, sizeof text, "#!/bin/sh\n%s\n", commands);
  const char *path = support_path(folder, "gnuplot");
  support_write_file(path, text, strlen(text));
  cr_assert_eq(chmod(path, 0755), 0);
  snprintf(paths, sizeof paths, "%s:/bin:/usr/bin", folder);
  setenv("PATH", paths, 1);
}

Test(figure, that_gnuplot_fails_at_leaves_the_old_file) {
  const char *path = support_path(folder, "x.svg");
  support_write_file(path, "old", 3);
  static const struct {
    const char *commands, *line;
  } cases[] = {
      {"cat >/dev/null; echo '<svg>half'; echo 'line 0: no such terminal' >&2; exit 1",
       "gnuplot: line 0: no such terminal"},
      {"echo early >&2; exit 1", "gnuplot: early"},
      {"cat >/dev/null", "gnuplot: drew nothing"},
      {"cat >/dev/null; kill -SEGV $$", "gnuplot: ended by signal 11"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    pretend_gnuplot(cases[i].commands);
    tendril_error err = {{0}};
    cr_assert_eq(tnd_figure_write(&figure, path, &err), TENDRIL_E_SYSTEM);
    cr_assert_str_eq(err.text, cases[i].line);
    char *text = support_read_file(path, NULL);
    cr_assert_str_eq(text, "old");
    free(text);
  }
}

Test(figure, is_drawn_while_the_caller_goes_on) {
  pretend_gnuplot("cat >/dev/null; while [ ! -e $0.go ]; do sleep 0.01; done; echo drawn");
  tnd_drawing *drawing = NULL;
  const char *path = support_path(folder, "x.svg");
  check_ok(tnd_drawing_start(&figure, path, &drawing, check_err));
  cr_assert_not(tnd_drawing_ready(drawing));
  cr_assert_neq(access(path, F_OK), 0);
  support_write_file(support_path(folder, "gnuplot.go"), "", 0);
  while (!tnd_drawing_ready(drawing))
    usleep(1000);
  check_ok(tnd_drawing_finish(drawing, check_err));
  char *text = support_read_file(path, NULL);
  cr_assert_str_eq(text, "drawn\n");
  free(text);
}

Test(figure, cannot_go_where_no_file_can) {
  tendril_error err = {{0}};
  cr_assert_eq(tnd_figure_write(&figure, support_path(folder, "no/such.svg"), &err), TENDRIL_E_IO);
  cr_assert_not_null(strstr(err.text, "such.svg: not written: No such file"));
}

static tendril_status draw_once(void *context, tendril_error *err) {
  (void)context;
  return tnd_figure_write(&figure, support_path(folder, "scarce.svg"), err);
}

Test(figure, without_memory_fails_cleanly) {
  // a stand-in, since gnuplot would have to be waited for dozens of times
  pretend_gnuplot("cat");
  cr_assert_gt(support_fail_each_alloc(draw_once, NULL), 5);
  cr_assert_neq(access(support_path(folder, "scarce.svg.part"), F_OK), 0);
}

// A heat map of 3 columns and 2 rows beside the curves: its cells' texts are drawn, each once, and
// what follows it has its grid again.
Test(figure, has_heat_maps_beside_curves) {
  static const double shares[6] = {0, 0.2, 0.4, 0.6, 0.8, 1}, line[3] = {0, 1, 2};
  static const char *const texts[6] = {"c11", "c12", "c13", "c21", "c22", "c23"};
  static const char *const columns[3] = {"left", "mid'dle", "right"}, *const rows[2] = {"r1", "r2"};
  const tnd_heat heat = {3, 2, shares, texts, columns, rows, line};
  const tnd_panel panels[3] = {
      panel, {.title = "heat", .x_label = "column", .y_label = "row", .heat = &heat}, panel};
  figure.npanel = 3;
  figure.panels = panels;
  char *drawn = draw();
  for (int i = 0; i < 6; i++)
    cr_assert_eq(count(drawn, texts[i]), 1, "%s: %d", texts[i], count(drawn, texts[i]));
  cr_assert_not_null(strstr(drawn, "mid'dle"));
  // the ends of the scale
  cr_assert_not_null(strstr(drawn, "rgb( 68,   1,  84)"));
  cr_assert_not_null(strstr(drawn, "rgb(253, 231,  37)"));
  free(drawn);
}

// 40 by 40: every third tick of the rows, every fourth of the columns, and no cell's text.
Test(figure, leaves_out_of_a_large_heat_map_what_would_run_together) {
  enum { WIDE = 40 };
  static double shares[WIDE * WIDE];
  static const char *texts[WIDE * WIDE], *columns[WIDE], *rows[WIDE];
  static char names[2][WIDE][16];
  for (int i = 0; i < WIDE * WIDE; i++)
    texts[i] = "cell";
  for (int i = 0; i < WIDE; i++) {
    snprintf(names[0][i], sizeof names[0][i], "x%02d", i);
    snprintf(names[1][i], sizeof names[1][i], "y%02d", i);
    columns[i] = names[0][i];
    rows[i] = names[1][i];
  }
  const tnd_heat heat = {WIDE, WIDE, shares, texts, columns, rows, NULL};
  const tnd_panel alone = {.title = "heat", .heat = &heat};
  figure.npanel = 1;
  figure.panels = &alone;
  char *drawn = draw();
  cr_assert_eq(count(drawn, ">cell<"), 0);
  for (int i = 0; i < WIDE; i++) {
    cr_assert_eq(count(drawn, names[0][i]), i % 4 == 0, "%s", names[0][i]);
    cr_assert_eq(count(drawn, names[1][i]), i % 3 == 0, "%s", names[1][i]);
  }
  free(drawn);
}

// tendril plot: learning curves of runs, by method, with their spread over seeds.
#include "cli.h"

#include "base/alloc.h"
#include "base/number.h"
#include "run/curves_draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define UNSET INT64_MIN

typedef struct options {
  const char *out, *x, *y, *title;
  int64_t smooth;
  bool json;
} options;

static void put_numbers(cli_json *json, const char *name, const double *values, int n) {
  if (!values) return;
  cli_json_open(json, name, '[');
  for (int i = 0; i < n; i++)
    cli_json_number(json, NULL, values[i]);
  cli_json_close(json, ']');
}

static void put_run(cli_json *json, const tnd_curve *c) {
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "run", c->path);
  cli_json_number(json, "seed", c->seed);
  cli_json_number(json, "steps", c->steps);
  cli_json_number(json, "cpu_seconds", c->cpu);
  cli_json_number(json, "iterations", c->iterations);
  cli_json_number(json, "last", c->y[c->n - 1]);
  cli_json_close(json, '}');
}

static void put_method(cli_json *json, const tnd_curves *curves, int m) {
  const tnd_method_curve *method = &curves->methods[m];
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "name", method->name);
  cli_json_text(json, "task", method->task);
  cli_json_text(json, "learner", method->learner);
  cli_json_text(json, "differs", method->differences);
  cli_json_open(json, "runs", '[');
  for (int i = 0; i < curves->ncurve; i++)
    if (curves->curves[i].method == m) put_run(json, &curves->curves[i]);
  cli_json_close(json, ']');
  put_numbers(json, "x", method->x, method->n);
  put_numbers(json, "mean", method->mean, method->n);
  put_numbers(json, "low", method->low, method->n);
  put_numbers(json, "high", method->high, method->n);
  cli_json_close(json, '}');
}

static tendril_status print_json(const tnd_curves *curves, const options *o, tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  if (o->out) cli_json_text(&json, "figure", o->out);
  cli_json_text(&json, "x", o->x);
  cli_json_text(&json, "y", o->y);
  cli_json_number(&json, "smooth", curves->smooth);
  cli_json_open(&json, "methods", '[');
  for (int m = 0; m < curves->nmethod; m++)
    put_method(&json, curves, m);
  cli_json_close(&json, ']');
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

// A line a method: how many runs, where its curve ends, and by what it differs.
static void print_methods(const tnd_curves *curves, const options *o) {
  printf("%s over %s: %d method%s, %d run%s, in %s\n", tnd_curves_y_label(curves),
         tnd_axis_label(curves->options.x), curves->nmethod, curves->nmethod == 1 ? "" : "s",
         curves->ncurve, curves->ncurve == 1 ? "" : "s", o->out);
  for (int m = 0; m < curves->nmethod; m++) {
    const tnd_method_curve *c = &curves->methods[m];
    const double end = c->n ? c->x[c->n - 1] : 0;
    char x[16];
    if (end < 1000)
      snprintf(x, sizeof x, "%.3g", end);
    else
      cli_count(end, x);
    printf("%s, %s: %d seed%s", c->task, c->name, c->nrun, c->nrun == 1 ? "" : "s");
    if (c->n) printf(", %.6g at %s", c->mean[c->n - 1], x);
    if (c->n && c->low) printf(" (%.6g .. %.6g)", c->low[c->n - 1], c->high[c->n - 1]);
    printf("%s%s\n", c->differences[0] ? "; " : "", c->differences);
  }
}

static int plot(const options *o, const cli_list *runs) {
  tendril_error err = {{0}};
  tnd_curves *curves = NULL;
  tnd_curves_options c = {.y = o->y, .smooth = o->smooth == UNSET ? 0 : (int)o->smooth};
  tendril_status status = tnd_axis_parse(o->x, &c.x, &err);
  // before anything that takes its time
  if (status == TENDRIL_OK && o->out) status = tnd_figure_check_path(o->out, &err);
  if (status == TENDRIL_OK) status = tnd_curves_create(&c, runs->at, NULL, runs->n, &curves, &err);
  if (status == TENDRIL_OK && o->out)
    status = tnd_curves_draw(curves, o->title, NULL, 0, o->out, &err);
  if (status == TENDRIL_OK && !o->json) print_methods(curves, o);
  if (status == TENDRIL_OK && o->json) status = print_json(curves, o, &err);
  tnd_curves_destroy(curves);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  options o = {.x = "steps", .y = "return", .smooth = UNSET};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXT,    "out",    'o', "FILE",  "the figure: .svg, .png or .pdf (curves.svg; none with --json)", &o.out},
    {CLI_TEXT,    "x",      0,   "AXIS",  "steps, cpu (seconds, evaluations apart) or iterations (steps)", &o.x},
    {CLI_TEXT,    "y",      0,   "WHAT",  "return (of the training's episodes), evaluation (of the mean action), success (share of its episodes that reach the goal), or a column of progress.csv (return)", &o.y},
    {CLI_INTEGER, "smooth", 0,   "N",     "moving mean over N iterations, an odd number; 1 for none (a fiftieth of the longest run, none for evaluations)", &o.smooth},
    {CLI_TEXT,    "title",  0,   "TEXT",  "above the figure", &o.title},
    {CLI_FLAG,    "json",   0,   NULL,    "the numbers as JSON, on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_plot, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  if (o.smooth != UNSET && o.smooth % 2 == 0)
    return cli_usage(&cmd_plot, "--smooth: %lld is even; the window has a row in its middle",
                     (long long)o.smooth);
  if (o.smooth != UNSET) status = cli_check_range(&cmd_plot, "smooth", o.smooth, 1, 999999);
  if (status != EXIT_OK) return status;
  if (!o.out && !o.json) o.out = "curves.svg";
  return plot(&o, &arguments);
}

const cli_command cmd_plot = {
    .name = "plot",
    .usage = "RUN... [options]",
    .summary = "draw learning curves; runs that differ in their seed only are one method",
    .example = "  tendril plot runs/hopper-v4-seed* -o curves.svg\n"
               "  tendril plot runs/*/ --x cpu --y evaluation -o curves.pdf\n"
               "  tendril plot runs/a runs/b --y kl --json\n",
    .min_arguments = 1,
    .max_arguments = CLI_LIST_MAX,
    .run = run,
};

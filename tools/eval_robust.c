// tendril eval robust: how an agent does on models that differ from its own.
#include "eval.h"

#include "base/number.h"
#include "view/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  show_options show;
  cli_list boxes, outputs;
  int64_t samples, episodes, seed, threads;
  bool json;
} options;

typedef struct box {
  int n;
  tendril_axis axes[TENDRIL_MAX_AXES];
  char names[TENDRIL_MAX_AXES][80];
} box;

// --------------------------------------------------------------------------------------- the box

// One more axis; one of the same kind gives way.
static tendril_status add_axis(box *b, const tendril_axis *axis, tendril_error *err) {
  int i = 0;
  while (i < b->n && !(b->axes[i].kind == axis->kind && strcmp(b->axes[i].body, axis->body) == 0))
    i++;
  if (i == TENDRIL_MAX_AXES)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "--box: more than %d axes", TENDRIL_MAX_AXES);
  b->axes[i] = *axis;
  tendril_axis_name(axis, b->names[i]);
  b->n += i == b->n;
  return TENDRIL_OK;
}

static tendril_status make_box(const options *o, const tendril_model *model, box *b,
                               tendril_error *err) {
  const int n = o->boxes.n ? o->boxes.n : 1;
  for (int i = 0; i < n; i++) {
    const char *text = o->boxes.n ? o->boxes.at[i] : NULL;
    tendril_axis axes[TENDRIL_MAX_AXES];
    int naxis = 1;
    tendril_status status = text && strchr(text, '=')
                                ? tendril_axis_parse(text, axes, err)
                                : tendril_box_find(model, text, axes, &naxis, err);
    for (int k = 0; k < naxis && status == TENDRIL_OK; k++)
      status = add_axis(b, &axes[k], err);
    if (status != TENDRIL_OK) return status;
  }
  return TENDRIL_OK;
}

// What there is to tell.
typedef struct found {
  const options *o;
  const show *s;
  const box *b;
  const tendril_robust_result *r;
} found;

// ---------------------------------------------------------------------------------------- output

static const char *kind_of(const tendril_robust_result *r, int point) {
  return point == 0 ? "unvaried" : point <= r->ncorner ? "corner" : "drawn";
}

static void print_row(const char *label, const tendril_summary *s) {
  char t[6][TND_NUMBER_MAX];
  printf("%-18s %4d %9s %8s  %8s .. %-8s %8s %9s\n", label, s->n, tnd_number_brief(s->mean, t[0]),
         tnd_number_brief(s->sd, t[1]), tnd_number_brief(s->low, t[2]),
         tnd_number_brief(s->high, t[3]), tnd_number_brief(s->min, t[4]),
         tnd_number_brief(s->max, t[5]));
}

static void print_worst(const char *label, const box *b, const tendril_robust_result *r, int from,
                        int to) {
  int worst = from;
  if (from == to) return;
  for (int i = from; i < to; i++)
    if (r->points[i].returns.mean < r->points[worst].returns.mean) worst = i;
  char mean[TND_NUMBER_MAX];
  printf("%-18s %9s  ", label, tnd_number_brief(r->points[worst].returns.mean, mean));
  for (int i = 0; i < b->n; i++)
    printf(" %s %.3g", b->names[i], r->points[worst].values[i]);
  printf("\n");
}

static void print_text(const void *user) {
  const found *f = user;
  const options *o = f->o;
  const show *s = f->s;
  const box *b = f->b;
  const tendril_robust_result *r = f->r;
  const int corners = 1 + r->ncorner, all = corners + r->nsample;
  printf("%s, %s%s%s actions, %lld episodes a model, seed %lld\nbox:",
         tendril_model_task(s->model)->name, s->checkpoint, *s->checkpoint ? ", " : "",
         tendril_agent_name(s->agent), (long long)o->episodes, (long long)o->seed);
  for (int i = 0; i < b->n; i++)
    printf("%s %s %g to %g", i ? "," : "", b->names[i], b->axes[i].low, b->axes[i].high);
  printf("\n\n%-18s %4s %9s %8s  %20s %8s %9s\n", "return", "n", "mean", "sd", "95 % of the mean",
         "min", "max");
  print_row("unvaried, episodes", &r->points[0].returns);
  if (r->nsample) print_row("drawn, models", &r->mean);
  print_row("worst, new episodes", &r->again);
  printf("\nworst mean return of a model\n");
  print_worst("  of the corners", b, r, 1, corners);
  print_worst("  of the drawn", b, r, corners, all);
  printf("\n%d models, %lld control steps\n", all, (long long)r->steps);
}

static void put_point(cli_json *json, const box *b, const tendril_robust_result *r, int i) {
  const tendril_robust_point *p = &r->points[i];
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "kind", kind_of(r, i));
  cli_json_open(json, "values", '[');
  for (int k = 0; k < b->n; k++)
    cli_json_number(json, NULL, p->values[k]);
  cli_json_close(json, ']');
  eval_put_counted(json, "returns", &p->returns);
  cli_json_number(json, "length", p->length);
  cli_json_number(json, "terminated", p->terminated);
  cli_json_number(json, "truncated", p->truncated);
  cli_json_number(json, "diverged", p->diverged);
  cli_json_close(json, '}');
}

static void put_json(cli_json *json, const void *user) {
  const found *f = user;
  const options *o = f->o;
  const show *s = f->s;
  const box *b = f->b;
  const tendril_robust_result *r = f->r;
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "task", tendril_model_task(s->model)->name);
  if (*s->checkpoint) cli_json_text(json, "checkpoint", s->checkpoint);
  cli_json_text(json, "actions", tendril_agent_name(s->agent));
  cli_json_number(json, "seed", (double)o->seed);
  cli_json_number(json, "episodes", (double)o->episodes);
  cli_json_open(json, "axes", '[');
  for (int i = 0; i < b->n; i++) {
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "name", b->names[i]);
    cli_json_number(json, "low", b->axes[i].low);
    cli_json_number(json, "high", b->axes[i].high);
    cli_json_close(json, '}');
  }
  cli_json_close(json, ']');
  eval_put_counted(json, "unvaried", &r->points[0].returns);
  if (r->nsample) eval_put_counted(json, "drawn", &r->mean);
  eval_put_counted(json, "worst", &r->again);
  cli_json_number(json, "worst_point", r->worst);
  cli_json_open(json, "points", '[');
  for (int i = 0; i < 1 + r->ncorner + r->nsample; i++)
    put_point(json, b, r, i);
  cli_json_close(json, ']');
  cli_json_number(json, "steps", (double)r->steps);
  cli_json_close(json, '}');
}

static void put_csv(tnd_buffer *out, const void *user) {
  const found *f = user;
  const box *b = f->b;
  const tendril_robust_result *r = f->r;
  tnd_buffer_text(out, "kind");
  for (int k = 0; k < b->n; k++)
    tnd_buffer_format(out, ",%s", b->names[k]);
  tnd_buffer_text(out, ",return,low,high,length,terminated,truncated,diverged\n");
  for (int i = 0; i < 1 + r->ncorner + r->nsample; i++) {
    const tendril_robust_point *p = &r->points[i];
    const double numbers[] = {p->returns.mean, p->returns.low, p->returns.high, p->length,
                              p->terminated,   p->truncated,   p->diverged};
    tnd_buffer_text(out, kind_of(r, i));
    for (int k = 0; k < b->n; k++) {
      tnd_buffer_text(out, ",");
      if (isfinite(p->values[k])) tnd_buffer_number(out, p->values[k]);
    }
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
      tnd_buffer_text(out, ",");
      tnd_buffer_number(out, numbers[k]);
    }
    tnd_buffer_text(out, "\n");
  }
}

static const char *unit_of(const tendril_axis *axis) {
  switch (axis->kind) {
  case TENDRIL_VARY_BODY:
    return "kg";
  case TENDRIL_VARY_FLOOR:
    return "sliding friction";
  case TENDRIL_VARY_LATENCY:
    return "control steps";
  case TENDRIL_VARY_NOISE:
    return "share of each observation's deviation";
  default:
    return "times the model's own";
  }
}

// A panel for each axis: mean returns of all models over it.
static tendril_status draw(const void *user, const char *path, tendril_error *err) {
  const found *f = user;
  const box *b = f->b;
  const tendril_robust_result *r = f->r;
  const int n = r->ncorner + r->nsample;
  double *x = malloc(sizeof *x * (size_t)n * (size_t)(b->n + 1));
  tnd_series series[TENDRIL_MAX_AXES][2];
  tnd_panel panels[TENDRIL_MAX_AXES];
  char title[200];
  if (!x) return tnd_fail_memory(err);
  double *y = x + (size_t)n * (size_t)b->n;
  const tnd_level level = {"unvaried", r->points[0].returns.mean};
  for (int i = 0; i < n; i++)
    y[i] = r->points[1 + i].returns.mean;
  for (int k = 0; k < b->n; k++) {
    double *values = x + (size_t)k * (size_t)n;
    for (int i = 0; i < n; i++)
      values[i] = r->points[1 + i].values[k];
    series[k][0] =
        (tnd_series){"drawn", 0, true, r->nsample, values + r->ncorner, y + r->ncorner, NULL, NULL};
    series[k][1] = (tnd_series){"corner", 1, true, r->ncorner, values, y, NULL, NULL};
    panels[k] = (tnd_panel){.title = b->names[k],
                            .x_label = unit_of(&b->axes[k]),
                            .y_label = "mean return",
                            .nseries = 2,
                            .series = series[k],
                            .nlevel = 1,
                            .levels = &level};
  }
  snprintf(title, sizeof title, "%.100s on %d other models", tendril_model_task(f->s->model)->name,
           n);
  const tnd_figure figure = {.title = title, .npanel = b->n, .panels = panels};
  const tendril_status status = tnd_figure_write(&figure, path, err);
  free(x);
  return status;
}

// --------------------------------------------------------------------------------------- command

static int eval_robust(const options *o) {
  tendril_error err = {{0}};
  show s = {0};
  box b = {0};
  tendril_pool *pool = NULL;
  tendril_robust_result *result = NULL;
  eval_progress progress = {.what = "episodes"};
  tendril_robust_options wanted = {.axes = b.axes,
                                   .samples = (int)o->samples,
                                   .episodes = (int)o->episodes,
                                   .seed = (uint64_t)o->seed,
                                   .progress = eval_show_progress,
                                   .user = &progress};
  tendril_status status = show_open(&o->show, &s, &err);
  if (status == TENDRIL_OK) status = make_box(o, s.model, &b, &err);
  if (status == TENDRIL_OK) status = tendril_pool_create((int)o->threads, &pool, &err);
  wanted.naxis = b.n;
  if (status == TENDRIL_OK)
    status = tendril_robust_evaluate(s.model, s.agent, pool, &wanted, &result, &err);
  eval_end_progress(&progress);
  const found f = {o, &s, &b, result};
  const eval_report report = {print_text, put_json, put_csv, draw, &f};
  if (status == TENDRIL_OK) status = eval_report_write(&report, &o->outputs, o->json, &err);
  tendril_robust_result_destroy(result);
  tendril_pool_destroy(pool);
  show_close(&s);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  options o = {.samples = 100, .episodes = 5, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXTS,   "box",        0,   "BOX",   "rrls, general, or an axis as mass=0.7:1.3; axes: mass, mass.BODY (kg), friction, floor, motor, latency (steps), noise; may be given again (rrls for hoppers and walkers, else general)", &o.boxes},
    {CLI_INTEGER, "samples",    0,   "N",     "models drawn from the box, beside all its corners (100)", &o.samples},
    {CLI_INTEGER, "episodes",   0,   "N",     "episodes with each model (5)", &o.episodes},
    {CLI_INTEGER, "seed",       0,   "N",     "seed of the models, the start states and the noise (1)", &o.seed},
    {CLI_INTEGER, "threads",    0,   "N",     "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXTS,   "out",        'o', "FILE",  "what to write, by its name: .json, .csv, or returns over each axis as .svg, .png or .pdf; may be given again", &o.outputs},
    SHOW_OPTIONS(o.show),
    {CLI_FLAG,    "json",       0,   NULL,    "everything as JSON on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  const cli_command *c = &cmd_eval_robust;
  const int n = sizeof table / sizeof table[0];
  int status = cli_parse(c, table, n, argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  status = cli_check_range(c, "samples", o.samples, 0, 1000000);
  if (status == EXIT_OK) status = cli_check_range(c, "episodes", o.episodes, 1, 1000000);
  if (status == EXIT_OK) status = cli_check_range(c, "threads", o.threads, 0, 1024);
  if (status == EXIT_OK) status = eval_check_outputs(c, &o.outputs);
  o.show.what = arguments.at[0];
  o.show.planners = 1;
  return status == EXIT_OK ? eval_robust(&o) : status;
}

const cli_command cmd_eval_robust = {
    .name = "eval robust",
    .usage = "RUN|TASK [options]",
    .summary = "returns on models whose mass, friction, motors, latency or sensors differ",
    .example = "  tendril eval robust runs/hopper\n"
               "  tendril eval robust runs/hopper --box mass=0.5:2 --box latency=0:3 --samples 500 "
               "-o robust.csv -o robust.svg\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

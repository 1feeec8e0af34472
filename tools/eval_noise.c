// tendril eval noise: does an agent stay up for a while under noise on its start and its actions?
#include "eval.h"

#include "base/number.h"
#include "view/noise_map.h"

#include <stdlib.h>

enum { LEVELS = 32 };

typedef struct options {
  show_options show;
  cli_list outputs;
  const char *start, *torque, *velocity, *seconds, *min_height;
  int64_t rollouts, seed, threads;
  bool json;
} options;

typedef struct grid {
  tendril_noise_options o;
  eval_numbers starts, torques;
} grid;

// What there is to tell.
typedef struct found {
  const show *s;
  const grid *g;
  const tendril_noise_result *r;
} found;

// --------------------------------------------------------------------------------------- output

static void put_share(const tendril_noise_cell *c) {
  printf("  %4.2f %.2f-%.2f", c->share, c->low, c->high);
}

static void put_cost(const tendril_noise_cell *c) {
  char text[TND_NUMBER_MAX];
  printf("  %14s", c->cost.n ? tnd_number_brief(c->cost.mean, text) : "-");
}

// A row for each deviation of the start, a column for each of the torques.
static void print_grid(const tendril_noise_result *r, void (*put)(const tendril_noise_cell *)) {
  printf("%12s", "start/torque");
  for (int k = 0; k < r->ntorque; k++)
    printf("  %14g", r->cells[k].torque);
  printf("\n");
  for (int i = 0; i < r->nstart; i++) {
    const tendril_noise_cell *row = &r->cells[i * r->ntorque];
    printf("%12g", row->start);
    for (int k = 0; k < r->ntorque; k++)
      put(&row[k]);
    printf("\n");
  }
}

static void print_text(const void *user) {
  const found *f = user;
  const tendril_noise_result *r = f->r;
  printf("%s, %s%s%s actions, %d rollouts a cell from the %s, seed %lld\n\n",
         tendril_model_task(f->s->model)->name, f->s->checkpoint, *f->s->checkpoint ? ", " : "",
         tendril_agent_name(f->s->agent), r->rollouts,
         f->g->o.state ? "trajectory's start" : "task's starts", (long long)f->g->o.seed);
  printf("share that got through %g s, and 95 %% of it; noise on the start (rows), the actions\n",
         r->seconds);
  print_grid(r, put_share);
  printf("\nmean cost per control step, up to a fall or the end\n");
  print_grid(r, put_cost);
  printf("\n%d rollouts, %lld control steps\n", r->nstart * r->ntorque * r->rollouts,
         (long long)r->steps);
}

static void put_json(cli_json *json, const void *user) {
  const found *f = user;
  const tendril_noise_result *r = f->r;
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "task", tendril_model_task(f->s->model)->name);
  if (*f->s->checkpoint) cli_json_text(json, "checkpoint", f->s->checkpoint);
  cli_json_text(json, "actions", tendril_agent_name(f->s->agent));
  cli_json_number(json, "seed", (double)f->g->o.seed);
  cli_json_number(json, "rollouts", r->rollouts);
  cli_json_number(json, "seconds", r->seconds);
  cli_json_text(json, "starts", f->g->o.state ? "trajectory" : "task");
  cli_json_number(json, "velocity", f->g->o.velocity);
  cli_json_number(json, "min_height", f->g->o.min_height);
  cli_json_open(json, "cells", '[');
  for (int i = 0; i < r->nstart * r->ntorque; i++) {
    const tendril_noise_cell *c = &r->cells[i];
    cli_json_open(json, NULL, '{');
    cli_json_number(json, "start", c->start);
    cli_json_number(json, "torque", c->torque);
    cli_json_number(json, "survived", c->survived);
    cli_json_number(json, "diverged", c->diverged);
    cli_json_number(json, "share", c->share);
    cli_json_number(json, "low", c->low);
    cli_json_number(json, "high", c->high);
    eval_put_counted(json, "cost", &c->cost);
    eval_put_counted(json, "seconds", &c->seconds);
    cli_json_close(json, '}');
  }
  cli_json_close(json, ']');
  cli_json_number(json, "steps", (double)r->steps);
  cli_json_close(json, '}');
}

static void put_csv(tnd_buffer *out, const void *user) {
  const found *f = user;
  const tendril_noise_result *r = f->r;
  tnd_buffer_text(out, "start,torque,rollouts,survived,diverged,share,low,high,seconds,cost,"
                       "cost_low,cost_high\n");
  for (int i = 0; i < r->nstart * r->ntorque; i++) {
    const tendril_noise_cell *c = &r->cells[i];
    const double numbers[] = {c->start,        c->torque,    r->rollouts, c->survived,
                              c->diverged,     c->share,     c->low,      c->high,
                              c->seconds.mean, c->cost.mean, c->cost.low, c->cost.high};
    const int n = c->cost.n ? 12 : 9;  // without a step there is no cost
    for (int k = 0; k < 12; k++) {
      if (k) tnd_buffer_text(out, ",");
      if (k < n) tnd_buffer_number(out, numbers[k]);
    }
    tnd_buffer_text(out, "\n");
  }
}

static tendril_status draw(const void *user, const char *path, tendril_error *err) {
  const found *f = user;
  char title[200];
  snprintf(title, sizeof title, "%.100s, %s actions under noise",
           tendril_model_task(f->s->model)->name, tendril_agent_name(f->s->agent));
  return tnd_noise_map_write(f->r, title, path, err);
}

// -------------------------------------------------------------------------------------- command

static int eval_noise(const options *o, grid *g) {
  tendril_error err = {{0}};
  show s = {0};
  tendril_pool *pool = NULL;
  tendril_noise_result *result = NULL;
  eval_progress progress = {.what = "rollouts"};
  g->o.progress = eval_show_progress;
  g->o.user = &progress;
  tendril_status status = show_open(&o->show, &s, &err);
  if (status == TENDRIL_OK) status = tendril_pool_create((int)o->threads, &pool, &err);
  // a trajectory is about its own start, not about another episode's
  if (s.motion.model) g->o.state = s.motion.trajectory.x;
  if (status == TENDRIL_OK)
    status = tendril_noise_evaluate(s.model, s.agent, pool, &g->o, &result, &err);
  eval_end_progress(&progress);
  const found f = {&s, g, result};
  const eval_report report = {print_text, put_json, put_csv, draw, &f};
  if (status == TENDRIL_OK) status = eval_report_write(&report, &o->outputs, o->json, &err);
  tendril_noise_result_destroy(result);
  tendril_pool_destroy(pool);
  show_close(&s);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

// Deviations of an option from 0 to most.
static int parse_levels(const char *option, const char *text, double most, eval_numbers *out) {
  int status = eval_parse_numbers(&cmd_eval_noise, option, text, out);
  if (status == EXIT_OK && out->n > LEVELS)
    status = cli_usage(&cmd_eval_noise, "--%s: at most %d deviations", option, LEVELS);
  for (int i = 0; status == EXIT_OK && i < out->n; i++)
    if (!(out->at[i] >= 0 && out->at[i] <= most))
      status = cli_usage(&cmd_eval_noise, "--%s: %g is out of range; use 0 to %g", option,
                         out->at[i], most);
  return status;
}

static int parse(const options *o, grid *g) {
  const cli_command *c = &cmd_eval_noise;
  tendril_noise_defaults(&g->o);
  int status = parse_levels("start", o->start, 10, &g->starts);
  if (status == EXIT_OK) status = parse_levels("torque", o->torque, 1e6, &g->torques);
  if (status == EXIT_OK)
    status = eval_parse_number(c, "velocity", o->velocity, 0, 1000, &g->o.velocity);
  if (status == EXIT_OK)
    status = eval_parse_number(c, "seconds", o->seconds, 1e-3, 1e6, &g->o.seconds);
  if (status == EXIT_OK)
    status = eval_parse_number(c, "min-height", o->min_height, 0, 1, &g->o.min_height);
  if (status == EXIT_OK) status = cli_check_range(c, "rollouts", o->rollouts, 1, 10000);
  if (status == EXIT_OK) status = cli_check_range(c, "threads", o->threads, 0, 1024);
  if (status == EXIT_OK) status = eval_check_outputs(c, &o->outputs);
  g->o.starts = g->starts.at;
  g->o.nstart = g->starts.n;
  g->o.torques = g->torques.at;
  g->o.ntorque = g->torques.n;
  g->o.rollouts = (int)o->rollouts;
  g->o.seed = (uint64_t)o->seed;
  return status;
}

static int run(int argc, char **argv) {
  options o = {.start = "0,0.001,0.01,0.03", .torque = "0,0.1,1,3,10", .rollouts = 20, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXT,    "start",      0,   "LIST",  "standard deviations of normal noise on the start's positions in m and rad, numbers and ranges FROM:TO:STEP (0,0.001,0.01,0.03)", &o.start},
    {CLI_TEXT,    "velocity",   0,   "X",     "the start's velocities have X times that, in m/s and rad/s (1)", &o.velocity},
    {CLI_TEXT,    "torque",     0,   "LIST",  "standard deviations of white noise on the actions, in their own units: N m for motors of gear 1 (0,0.1,1,3,10)", &o.torque},
    {CLI_TEXT,    "seconds",    0,   "T",     "to get through without a fall (2)", &o.seconds},
    {CLI_INTEGER, "rollouts",   0,   "N",     "rollouts of each cell, the same starts and the same noise, scaled, in all (20)", &o.rollouts},
    {CLI_TEXT,    "min-height", 0,   "X",     "fallen: the torso above the ground at less than this share of its start (0.5)", &o.min_height},
    {CLI_INTEGER, "seed",       0,   "N",     "seed of the start states, the noise and sampled actions (1)", &o.seed},
    {CLI_INTEGER, "threads",    0,   "N",     "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXTS,   "out",        'o', "FILE",  "what to write, by its name: .json, .csv, or a heat map as .svg, .png or .pdf; may be given again", &o.outputs},
    SHOW_OPTIONS(o.show),
    {CLI_FLAG,    "json",       0,   NULL,    "everything as JSON on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  const int n = sizeof table / sizeof table[0];
  int status = cli_parse(&cmd_eval_noise, table, n, argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  grid *g = calloc(1, sizeof *g);
  if (!g) return cli_fail(TENDRIL_E_MEMORY, NULL);
  status = parse(&o, g);
  // under the task's own physics, whatever the training's
  static const char *const sim[] = {"integrator", "task", "physics_steps", "0", NULL};
  o.show.what = arguments.at[0];
  o.show.planners = 1;
  o.show.sim = sim;
  if (status == EXIT_OK) status = eval_noise(&o, g);
  free(g);
  return status;
}

const cli_command cmd_eval_noise = {
    .name = "eval noise",
    .usage = "RUN|TASK [options]",
    .summary = "does it stay up under noise on its start and its actions?",
    .example = "  tendril eval noise runs/gait -o noise.svg -o noise.csv\n"
               "  tendril eval noise walker-gps --actions mpc --start 0.01 --torque 0:20:5 "
               "--rollouts 5\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

// tendril eval push: which pushes an agent gets over, by size, direction and phase of its gait.
#include "eval.h"

#include "view/figure.h"
#include "view/push_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIRECTIONS = 16 };

typedef struct options {
  show_options show;
  cli_list directions, outputs;
  const char *newtons, *seconds, *settle, *watch, *recover, *period, *share, *max_tilt, *noise,
      *body;
  int64_t phases, replicas, seed, threads;
  bool json;
} options;

typedef struct grid {
  tendril_push_options o;
  eval_numbers newtons;
  tendril_push directions[MAX_DIRECTIONS];
  const char *names[MAX_DIRECTIONS];
} grid;

// What there is to tell.
typedef struct found {
  const options *o;
  const show *s;
  const grid *g;
  const tendril_push_result *r;
} found;

// --------------------------------------------------------------------------------------- output

static void print_surface(const grid *g, const tendril_push_result *r, int d) {
  printf("\n%s: replicas of %d that recovered\n%22s", g->names[d], r->replicas, "phase");
  for (int p = 0; p < r->nphase; p++)
    printf(" %5.3g", (double)p / r->nphase);
  printf("\n");
  for (int k = r->nnewton - 1; k >= 0; k--) {
    printf("%7g N %6.4g N s %s", r->newtons[k], r->newtons[k] * r->seconds, "  ");
    for (int p = 0; p < r->nphase; p++)
      printf(" %5d", r->recovered[(d * r->nphase + p) * r->nnewton + k]);
    printf("\n");
  }
  printf("%22s", "all pass up to, N");
  for (int p = 0; p < r->nphase; p++)
    printf(" %5g", r->threshold[d * r->nphase + p]);
  printf("\n");
}

static void print_threshold(const char *name, const tendril_push_result *r, double newtons) {
  printf("%-12s %8g %8.4g %8.3f\n", name, newtons, newtons * r->seconds,
         tendril_push_velocity(r, newtons));
}

static void print_text(const void *user) {
  const found *f = user;
  const grid *g = f->g;
  const tendril_push_result *r = f->r;
  int calm = 0;
  printf("%s, %s%s%s actions, pushes of %g s on %s (%.4g kg)\n",
         tendril_model_task(f->s->model)->name, f->s->checkpoint, *f->s->checkpoint ? ", " : "",
         tendril_agent_name(f->s->agent), r->seconds, f->o->body ? f->o->body : "the first body",
         r->mass);
  if (r->strength > 0)
    printf("gait: period %.3f s (autocorrelation %.2f), phase 0 where %s peaks, ", r->period,
           r->strength, r->joint);
  else
    printf("gait: none found, phases are spread over %g s, ", r->period);
  for (int p = 0; p < r->nphase; p++)
    calm += r->calm[p];
  printf("%.3g m/s\nunpushed: %d of %d rollouts go on\n", r->speed, calm, r->replicas * r->nphase);
  for (int d = 0; d < r->ndirection; d++)
    print_surface(g, r, d);
  printf("\nlargest push of those up to which at least %g of %d replicas recover in every phase\n"
         "%-12s %8s %8s %8s\n",
         ceil(g->o.share * r->replicas - 1e-9), r->replicas, "", "N", "N s", "m/s");
  for (int d = 0; d < r->ndirection; d++)
    print_threshold(g->names[d], r, r->direction_threshold[d]);
  if (r->ndirection > 1) print_threshold("every", r, tendril_push_threshold(r));
  printf("\n%lld pushed rollouts, %lld control steps\n", (long long)r->rollouts,
         (long long)r->steps);
}

static void put_thresholds(cli_json *json, const tendril_push_result *r, double newtons) {
  cli_json_number(json, "newtons", newtons);
  cli_json_number(json, "newton_seconds", newtons * r->seconds);
  cli_json_number(json, "velocity", tendril_push_velocity(r, newtons));
}

static void put_counts(cli_json *json, const char *name, const int *counts, int n) {
  cli_json_open(json, name, '[');
  for (int i = 0; i < n; i++)
    cli_json_number(json, NULL, counts[i]);
  cli_json_close(json, ']');
}

static void put_direction(cli_json *json, const grid *g, const tendril_push_result *r, int d) {
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "direction", g->names[d]);
  put_thresholds(json, r, r->direction_threshold[d]);
  cli_json_open(json, "phases", '[');
  for (int p = 0; p < r->nphase; p++) {
    const int first = (d * r->nphase + p) * r->nnewton;
    cli_json_open(json, NULL, '{');
    cli_json_number(json, "phase", (double)p / r->nphase);
    put_thresholds(json, r, r->threshold[d * r->nphase + p]);
    put_counts(json, "recovered", r->recovered + first, r->nnewton);
    put_counts(json, "fallen", r->fallen + first, r->nnewton);
    cli_json_close(json, '}');
  }
  cli_json_close(json, ']');
  cli_json_close(json, '}');
}

static void put_json(cli_json *json, const void *user) {
  const found *f = user;
  const show *s = f->s;
  const grid *g = f->g;
  const tendril_push_result *r = f->r;
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "task", tendril_model_task(s->model)->name);
  if (*s->checkpoint) cli_json_text(json, "checkpoint", s->checkpoint);
  cli_json_text(json, "actions", tendril_agent_name(s->agent));
  cli_json_number(json, "seed", (double)g->o.seed);
  cli_json_number(json, "replicas", r->replicas);
  cli_json_number(json, "seconds", r->seconds);
  cli_json_number(json, "recover", g->o.recover);
  cli_json_number(json, "share", g->o.share);
  cli_json_number(json, "mass", r->mass);
  cli_json_number(json, "speed", r->speed);
  cli_json_number(json, "height", r->height);
  cli_json_number(json, "period", r->period);
  cli_json_number(json, "strength", r->strength);
  if (r->joint[0]) cli_json_text(json, "joint", r->joint);
  put_counts(json, "unpushed", r->calm, r->nphase);
  cli_json_open(json, "newtons", '[');
  for (int k = 0; k < r->nnewton; k++)
    cli_json_number(json, NULL, r->newtons[k]);
  cli_json_close(json, ']');
  cli_json_open(json, "threshold", '{');
  put_thresholds(json, r, tendril_push_threshold(r));
  cli_json_close(json, '}');
  cli_json_open(json, "directions", '[');
  for (int d = 0; d < r->ndirection; d++)
    put_direction(json, g, r, d);
  cli_json_close(json, ']');
  cli_json_number(json, "rollouts", (double)r->rollouts);
  cli_json_number(json, "steps", (double)r->steps);
  cli_json_close(json, '}');
}

static void put_csv(tnd_buffer *out, const void *user) {
  const found *f = user;
  const grid *g = f->g;
  const tendril_push_result *r = f->r;
  tnd_buffer_text(out,
                  "direction,phase,newtons,newton_seconds,velocity,replicas,recovered,fallen\n");
  for (int d = 0; d < r->ndirection; d++)
    for (int p = 0; p < r->nphase; p++)
      for (int k = 0; k < r->nnewton; k++) {
        const int cell = (d * r->nphase + p) * r->nnewton + k;
        const double numbers[] = {(double)p / r->nphase,
                                  r->newtons[k],
                                  r->newtons[k] * r->seconds,
                                  tendril_push_velocity(r, r->newtons[k]),
                                  r->replicas,
                                  r->recovered[cell],
                                  r->fallen[cell]};
        tnd_buffer_text(out, g->names[d]);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
          tnd_buffer_text(out, ",");
          tnd_buffer_number(out, numbers[i]);
        }
        tnd_buffer_text(out, "\n");
      }
}

static tendril_status draw(const void *user, const char *path, tendril_error *err) {
  const found *f = user;
  char title[1200];
  snprintf(title, sizeof title, "%s, pushes of %g s", tendril_model_task(f->s->model)->name,
           f->r->seconds);
  return tnd_push_map_write(f->r, f->g->names, title, path, err);
}

// -------------------------------------------------------------------------------------- command

static int eval_push(const options *o, grid *g) {
  tendril_error err = {{0}};
  show s = {0};
  tendril_pool *pool = NULL;
  tendril_push_result *result = NULL;
  eval_progress progress = {.what = "pushes"};
  g->o.progress = eval_show_progress;
  g->o.user = &progress;
  tendril_status status = show_open(&o->show, &s, &err);
  if (status == TENDRIL_OK) status = tendril_pool_create((int)o->threads, &pool, &err);
  if (status == TENDRIL_OK)
    status = tendril_push_evaluate(s.model, s.agent, pool, &g->o, &result, &err);
  eval_end_progress(&progress);
  const found f = {o, &s, g, result};
  const eval_report report = {print_text, put_json, put_csv, draw, &f};
  if (status == TENDRIL_OK) status = eval_report_write(&report, &o->outputs, o->json, &err);
  tendril_push_result_destroy(result);
  tendril_pool_destroy(pool);
  show_close(&s);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int parse_directions(const options *o, grid *g) {
  static const char *const usual[] = {"forward", "back"};
  const int n = o->directions.n ? o->directions.n : 2;
  if (n > MAX_DIRECTIONS)
    return cli_usage(&cmd_eval_push, "--direction: given more than %d times", MAX_DIRECTIONS);
  for (int i = 0; i < n; i++) {
    const char *name = o->directions.n ? o->directions.at[i] : usual[i];
    char text[128];
    // a direction with a comma would be a body, too
    const bool fits = !strchr(name, ',') && strlen(name) < 64;
    snprintf(text, sizeof text, "0@0,1,%.64s", name);
    if (!fits || tendril_push_parse(text, &g->directions[i], NULL) != TENDRIL_OK)
      return cli_usage(&cmd_eval_push,
                       "--direction: %.80s is none of forward, back, left, right, up, down and "
                       "X:Y:Z",
                       *name ? name : "nothing");
    if (o->body && (!*o->body || strlen(o->body) >= sizeof g->directions[i].body))
      return cli_usage(&cmd_eval_push, "--body: %.80s is no name of a body",
                       *o->body ? o->body : "nothing");
    if (o->body) strcpy(g->directions[i].body, o->body);
    g->names[i] = name;
  }
  g->o.directions = g->directions;
  g->o.ndirection = n;
  return EXIT_OK;
}

static int parse(const options *o, grid *g) {
  const cli_command *c = &cmd_eval_push;
  double noise;
  tendril_push_defaults(&g->o);
  int status = eval_parse_numbers(c, "newtons", o->newtons, &g->newtons);
  if (status == EXIT_OK) status = parse_directions(o, g);
  if (status == EXIT_OK)
    status = eval_parse_number(c, "seconds", o->seconds, 1e-4, 60, &g->o.seconds);
  if (status == EXIT_OK) status = eval_parse_number(c, "settle", o->settle, 0, 1000, &g->o.settle);
  if (status == EXIT_OK) status = eval_parse_number(c, "watch", o->watch, 0.1, 1000, &g->o.watch);
  if (status == EXIT_OK)
    status = eval_parse_number(c, "recover", o->recover, 0.1, 1000, &g->o.recover);
  if (status == EXIT_OK)
    status = eval_parse_number(c, "period", o->period, 1e-3, 1000, &g->o.period);
  if (status == EXIT_OK)
    status = eval_parse_number(c, "max-tilt", o->max_tilt, 0.01, 4, &g->o.max_tilt);
  if (status == EXIT_OK) status = eval_parse_number(c, "share", o->share, 1e-3, 1, &g->o.share);
  if (status == EXIT_OK) status = eval_parse_number(c, "noise", o->noise, 0, 10, &noise);
  if (status == EXIT_OK) status = cli_check_range(c, "phases", o->phases, 1, 1000);
  if (status == EXIT_OK) status = cli_check_range(c, "replicas", o->replicas, 1, 10000);
  if (status == EXIT_OK) status = cli_check_range(c, "threads", o->threads, 0, 1024);
  if (status == EXIT_OK) status = eval_check_outputs(c, &o->outputs);
  g->o.newtons = g->newtons.at;
  g->o.nnewton = g->newtons.n;
  g->o.phases = (int)o->phases;
  g->o.replicas = (int)o->replicas;
  g->o.seed = (uint64_t)o->seed;
  return status;
}

static int run(int argc, char **argv) {
  options o = {.newtons = "25,50:500:50", .noise = "0.01", .phases = 8, .replicas = 5, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXT,    "newtons",    0,   "LIST",  "sizes of the pushes, numbers and ranges FROM:TO:STEP (25,50:500:50)", &o.newtons},
    {CLI_TEXT,    "seconds",    0,   "T",     "that a push lasts (0.1)", &o.seconds},
    {CLI_TEXTS,   "direction",  0,   "DIR",   "forward, back, left, right, up, down or X:Y:Z; may be given again (forward and back)", &o.directions},
    {CLI_TEXT,    "body",       0,   "NAME",  "that is pushed (the first, the torso)", &o.body},
    {CLI_INTEGER, "phases",     0,   "N",     "phases of the gait, evenly over one period (8)", &o.phases},
    {CLI_INTEGER, "replicas",   0,   "N",     "rollouts of each cell, from starts with noise (5)", &o.replicas},
    {CLI_TEXT,    "noise",      0,   "SD",    "normal noise on the start's positions and velocities (0.01)", &o.noise},
    {CLI_TEXT,    "settle",     0,   "T",     "seconds before the gait counts as settled (3)", &o.settle},
    {CLI_TEXT,    "watch",      0,   "T",     "seconds after that in which period and speed are measured (3)", &o.watch},
    {CLI_TEXT,    "period",     0,   "T",     "seconds of the gait's period (measured)", &o.period},
    {CLI_TEXT,    "recover",    0,   "T",     "seconds after a push in which the robot must be up and moving again (2)", &o.recover},
    {CLI_TEXT,    "max-tilt",   0,   "RAD",   "upright: the first body's axis within this angle of its mean (1)", &o.max_tilt},
    {CLI_TEXT,    "share",      0,   "X",     "of the replicas that must recover for a push to pass (0.8)", &o.share},
    {CLI_INTEGER, "seed",       0,   "N",     "seed of the start states and of sampled actions (1)", &o.seed},
    {CLI_INTEGER, "threads",    0,   "N",     "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXTS,   "out",        'o', "FILE",  "what to write, by its name: .json, .csv, or a heat map as .svg, .png or .pdf; may be given again", &o.outputs},
    SHOW_OPTIONS(o.show),
    {CLI_FLAG,    "json",       0,   NULL,    "everything as JSON on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  const int n = sizeof table / sizeof table[0];
  int status = cli_parse(&cmd_eval_push, table, n, argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  grid *g = calloc(1, sizeof *g);
  if (!g) return cli_fail(TENDRIL_E_MEMORY, NULL);
  status = parse(&o, g);
  for (int i = 0; i < o.show.set.n && status == EXIT_OK; i++)
    if (strncmp(o.show.set.at[i], "push.", strlen("push.")) == 0)
      status =
          cli_usage(&cmd_eval_push,
                    "--set %.60s: no pushes but those of this command act here; use --newtons, "
                    "--seconds and --direction",
                    o.show.set.at[i]);
  // under the task's own physics, whatever the training's, and without the training's own pushes
  const char *const sim[] = {"integrator", "task",  "physics_steps", "0", "start_qpos", o.noise,
                             "start_qvel", o.noise, "push.newtons",  "0", NULL};
  o.show.what = arguments.at[0];
  o.show.planners = 1;
  o.show.sim = sim;
  if (status == EXIT_OK) status = eval_push(&o, g);
  free(g);
  return status;
}

const cli_command cmd_eval_push = {
    .name = "eval push",
    .usage = "RUN|TASK [options]",
    .summary = "push a robot in all phases of its gait: which pushes does it get over?",
    .example = "  tendril eval push runs/walker -o push.svg -o push.csv\n"
               "  tendril eval push runs/hopper --newtons 10:100:10 --direction forward --json\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

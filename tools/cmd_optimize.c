// tendril optimize: a trajectory by iLQG into a folder, with a cost table and a film strip.
#include "show.h"

#include "base/clock.h"
#include "base/status.h"
#include "run/optimization.h"
#include "view/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct options {
  const char *task, *from, *actions, *file, *out;
  int64_t seed, seeds, steps, iterations, threads;
  bool force, json, quiet;
  cli_list set, plugins;
} options;

enum { UNSET = -1 };

static const volatile sig_atomic_t *stop;  // not 0: Ctrl-C

// ------------------------------------------------------------------------------------ progress

typedef struct display {
  const char *task;
  int64_t seed, iterations;
  int steps;  // of the trajectory
  bool terminal, quiet;
} display;

static void on_progress(void *user, int64_t iteration, const tendril_ilqg_stats *s) {
  const display *d = user;
  if (d->quiet || (!d->terminal && iteration % 10 != 0 && iteration != 1)) return;
  fprintf(stderr,
          "%s%s seed %lld  iteration %lld of %lld  cost %.6g (%.4g a step)  step length %.3g%s",
          d->terminal ? "\r\033[K" : "", d->task, (long long)d->seed, (long long)iteration,
          (long long)d->iterations, s->cost, s->cost / d->steps, s->alpha, d->terminal ? "" : "\n");
  fflush(stderr);
}

// ------------------------------------------------------------------------------------- result

// What came of one start state.
typedef struct outcome {
  int64_t seed;
  char folder[1024];
  bool done, stopped, film;
  tendril_optimized r;
  tendril_error err;  // of a failed one
} outcome;

static const char *how_it_ended(const outcome *o) {
  return o->r.converged ? "converged" : o->stopped ? "stopped" : "at the limit";
}

static void print_one(const tendril_task *task, int steps, const outcome *o) {
  char time[24];
  printf("%lld iterations (%s) in %s, %.1f CPU s, in %s\n", (long long)o->r.iterations,
         how_it_ended(o), cli_time(o->r.seconds, time), o->r.cpu_seconds, o->folder);
  printf("cost %.6g, %.4g a step; at first %.6g\n\n", o->r.cost, o->r.cost_per_step,
         o->r.first_cost);
  printf("%-12s %12s %12s %20s\n", "cost of", "sum", "a step", "residual at the end");
  for (int k = 0; k < task->ncost; k++)
    printf("%-12s %12.6g %12.4g %20.4g\n", task->cost[k].name, o->r.terms[k].sum,
           o->r.terms[k].sum / steps, o->r.terms[k].last);
  printf("\nlook at it: tendril play ");
  cli_put_word(stdout, o->folder);
  if (o->seed != 1) printf(" --seed %lld", (long long)o->seed);
  printf("\n");
}

static void print_many(const tendril_task *task, const outcome *all, int n) {
  printf("%6s %5s %10s %-12s %12s %12s %8s", "seed", "tries", "iterations", "", "cost", "a step",
         "CPU s");
  for (int k = 0; k < task->ncost; k++)
    printf("  %s at the end", task->cost[k].name);
  printf("\n");
  for (int i = 0; i < n; i++) {
    const outcome *o = &all[i];
    if (!o->done) {
      printf("%6lld %s\n", (long long)o->seed, o->err.text);
      continue;
    }
    printf("%6lld %5lld %10lld %-12s %12.6g %12.4g %8.1f", (long long)o->seed,
           (long long)o->r.tries, (long long)o->r.iterations, how_it_ended(o), o->r.cost,
           o->r.cost_per_step, o->r.cpu_seconds);
    for (int k = 0; k < task->ncost; k++)
      printf("  %*.4g", (int)strlen(task->cost[k].name) + 11, o->r.terms[k].last);
    printf("\n");
  }
}

static void put_one(cli_json *json, const tendril_task *task, const outcome *o) {
  cli_json_open(json, NULL, '{');
  cli_json_number(json, "seed", (double)o->seed);
  cli_json_text(json, "folder", o->folder);
  if (!o->done) cli_json_text(json, "error", o->err.text);
  if (o->done) {
    cli_json_flag(json, "converged", o->r.converged);
    cli_json_number(json, "iterations", (double)o->r.iterations);
    cli_json_number(json, "tries", (double)o->r.tries);
    cli_json_number(json, "first_cost", o->r.first_cost);
    cli_json_number(json, "cost", o->r.cost);
    cli_json_number(json, "cost_per_step", o->r.cost_per_step);
    cli_json_number(json, "seconds", o->r.seconds);
    cli_json_number(json, "cpu_seconds", o->r.cpu_seconds);
    cli_json_flag(json, "film", o->film);
    cli_json_open(json, "terms", '{');
    for (int k = 0; k < task->ncost; k++) {
      cli_json_open(json, task->cost[k].name, '{');
      cli_json_number(json, "sum", o->r.terms[k].sum);
      cli_json_number(json, "last_residual", o->r.terms[k].last);
      cli_json_close(json, '}');
    }
    cli_json_close(json, '}');
  }
  cli_json_close(json, '}');
}

static tendril_status print_json(const tendril_task *task, const outcome *all, int n,
                                 tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "task", task->name);
  cli_json_open(&json, "trajectories", '[');
  for (int i = 0; i < n; i++)
    put_one(&json, task, &all[i]);
  cli_json_close(&json, ']');
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

// The strip beside the trajectory. It is as good without: what hinders it is said and no more.
static bool draw_film(const options *o, const outcome *at) {
  tendril_error err = {{0}};
  show s = {0};
  tnd_recorded recorded;
  char path[sizeof at->folder + 16];
  const char *paths[1] = {path};
  const show_options what = {.what = at->folder, .plugins = o->plugins};
  const tnd_record_options wanted = {.episodes = 1, .seed = (uint64_t)at->seed};
  snprintf(path, sizeof path, "%s/film.png", at->folder);
  tendril_status status = show_open(&what, &s, &err);
  if (status == TENDRIL_OK)
    status = tnd_record(s.model, s.controller, &wanted, paths, 1, &recorded, &err);
  show_close(&s);
  if (status != TENDRIL_OK && !o->quiet)
    fprintf(stderr, "tendril optimize: no film strip: %s\n", err.text);
  return status == TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ the command

static tendril_status set_integer(tendril_optimization *c, const char *key, int64_t value,
                                  tendril_error *err) {
  char text[32];
  if (value == UNSET) return TENDRIL_OK;
  snprintf(text, sizeof text, "%lld", (long long)value);
  return tendril_optimization_set(c, key, text, err);
}

static tendril_status configure(const options *o, const tendril_tasks *tasks,
                                tendril_optimization **out, tendril_error *err) {
  TENDRIL_TRY(tendril_optimization_create(tasks, o->task, out, err));
  if (o->file) TENDRIL_TRY(tendril_optimization_read(*out, o->file, err));
  for (int i = 0; i < o->set.n; i++) {
    char key[128];
    const char *pair = o->set.at[i], *equals = strchr(pair, '=');
    if (!equals || (size_t)(equals - pair) >= sizeof key)
      return tnd_fail(err, TENDRIL_E_ARGUMENT,
                      "--set %.100s: write it as section.option=value, as in ilqg.iterations=50",
                      pair);
    snprintf(key, sizeof key, "%.*s", (int)(equals - pair), pair);
    TENDRIL_TRY(tendril_optimization_set(*out, key, equals + 1, err));
  }
  TENDRIL_TRY(set_integer(*out, "optimize.seed", o->seed, err));
  TENDRIL_TRY(set_integer(*out, "sim.max_steps", o->steps, err));
  return set_integer(*out, "ilqg.iterations", o->iterations, err);
}

// Whose actions it starts from.
static tendril_status open_first(const options *o, show *s, tendril_error *err) {
  const show_options first = {.what = o->from ? o->from : o->task,
                              .is_task = !o->from,
                              .actions = o->actions,
                              .plugins = o->plugins};
  TENDRIL_TRY(show_open(&first, s, err));
  const char *task = tendril_model_task(s->model)->name;
  if (strcmp(task, o->task) == 0) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "--from %.300s: it is for %s, not for %s", o->from, task,
                  o->task);
}

static tendril_status optimize_one(const options *o, tendril_optimization *c, const show *first,
                                   outcome *at, tendril_error *err) {
  display d = {.task = o->task,
               .seed = at->seed,
               .iterations = c->ilqg.iterations * c->optimize.tries,
               .steps = tendril_optimization_steps(c),
               .terminal = isatty(STDERR_FILENO),
               .quiet = o->quiet};
  const tendril_optimize_hooks hooks = {.stop = stop, .progress = on_progress, .user = &d};
  tendril_status status = set_integer(c, "optimize.seed", at->seed, err);
  if (status == TENDRIL_OK)
    status = tendril_optimize(c, first->tasks, first->agent, at->folder, o->force, (int)o->threads,
                              &hooks, &at->r, err);
  if (d.terminal && !d.quiet) fputs("\r\033[K", stderr);
  at->done = status == TENDRIL_OK;
  at->stopped = *stop;
  if (at->done) at->film = draw_film(o, at);
  return status;
}

// Each start state into a folder of its own. A start that the physics don't survive is an outcome,
// too; anything else ends it all.
static tendril_status optimize_all(const options *o, tendril_optimization *c, const show *first,
                                   outcome *all, int *n, tendril_error *err) {
  const int64_t seed = c->optimize.seed;  // of the first
  char root[900];
  if (o->out)
    snprintf(root, sizeof root, "%s", o->out);
  else
    snprintf(root, sizeof root, "runs/%s-trajectory-seed%lld", o->task, (long long)seed);
  if (o->out && strlen(o->out) >= sizeof root)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "the name of the folder is too long");
  // the first also if it is stopped before it begins: it ends where it starts
  for (*n = 0; *n < o->seeds && (*n == 0 || !*stop); ++*n) {
    outcome *at = &all[*n];
    *at = (outcome){.seed = seed + *n};
    if (o->seeds == 1)
      snprintf(at->folder, sizeof at->folder, "%s", root);
    else
      snprintf(at->folder, sizeof at->folder, "%s/seed-%lld", root, (long long)at->seed);
    const tendril_status status = optimize_one(o, c, first, at, &at->err);
    if (status != TENDRIL_OK && (status != TENDRIL_E_PHYSICS || o->seeds == 1)) {
      *err = at->err;
      return status;
    }
  }
  return TENDRIL_OK;
}

static int optimize(const options *o) {
  tendril_error err = {{0}};
  show first = {0};
  tendril_optimization *config = NULL;
  int n = 0;
  outcome *all = calloc((size_t)o->seeds, sizeof *all);
  tendril_status status = all ? TENDRIL_OK : TENDRIL_E_MEMORY;
  stop = cli_stop_on_signals("\nfinishing this iteration; once more to stop at once\n", o->quiet);
  // one line on standard error is ours, not one of the OpenGL driver's
  setenv("EGL_LOG_LEVEL", "fatal", 0);
  if (status == TENDRIL_OK) status = open_first(o, &first, &err);
  if (status == TENDRIL_OK) status = configure(o, first.tasks, &config, &err);
  if (status == TENDRIL_OK) status = optimize_all(o, config, &first, all, &n, &err);
  if (status == TENDRIL_OK) {
    const tendril_task *task = tendril_model_task(first.model);
    if (o->json)
      status = print_json(task, all, n, &err);
    else if (o->seeds > 1)
      print_many(task, all, n);
    else
      print_one(task, tendril_optimization_steps(config), &all[0]);
  }
  bool failed = false;
  for (int i = 0; i < n; i++)
    failed |= !all[i].done;
  tendril_optimization_destroy(config);
  show_close(&first);
  free(all);
  if (status != TENDRIL_OK) return cli_fail(status, &err);
  return failed ? EXIT_FAILED : EXIT_OK;
}

static int run(int argc, char **argv) {
  static const cli_command *const kinds[] = {&cmd_optimize_gait};
  int status;
  if (cli_run_kind(&cmd_optimize, kinds, 1, argc, argv, &status)) return status;
  options o = {.seed = UNSET, .seeds = 1, .steps = UNSET, .iterations = UNSET};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXT,    "from",       0,   "RUN",   "start from what this run's policy does, this trajectory or this gait", &o.from},
    {CLI_TEXT,    "actions",    0,   "WHICH", "who acts at first: mean, sampled, feedback, open-loop, simbicon, wave, mpc, zero or random (what --from has, or zero)", &o.actions},
    {CLI_INTEGER, "steps",      0,   "N",     "horizon in control steps (sim.max_steps)", &o.steps},
    {CLI_INTEGER, "iterations", 0,   "N",     "iterations at most (ilqg.iterations)", &o.iterations},
    {CLI_INTEGER, "seed",       0,   "N",     "seed of the start state (optimize.seed)", &o.seed},
    {CLI_INTEGER, "seeds",      0,   "N",     "so many start states, of this seed and the next, each in a folder DIR/seed-N (1)", &o.seeds},
    {CLI_TEXT,    "config",     0,   "FILE",  "settings from a JSON file: {\"ilqg\": {\"tolerance\": 1e-6}}", &o.file},
    {CLI_TEXTS,   "set",        0,   "K=V",   "one setting of the sections optimize, sim, terrain, push and ilqg: sim.limit=10", &o.set},
    {CLI_INTEGER, "threads",    0,   "N",     "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXT,    "out",        'o', "DIR",   "folder (runs/TASK-trajectory-seedN)", &o.out},
    {CLI_FLAG,    "force",      0,   NULL,    "overwrite the run that is in the folder", &o.force},
    {CLI_TEXTS,   "plugin",     0,   "FILE",  "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,    "quiet",      'q', NULL,    "no progress", &o.quiet},
    {CLI_FLAG,    "json",       0,   NULL,    "the result as JSON, on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  status = cli_parse(&cmd_optimize, table, sizeof table / sizeof table[0], argc, argv, &arguments,
                     &help);
  if (status != EXIT_OK || help) return status;
  status = cli_check_range(&cmd_optimize, "threads", o.threads, 0, 1024);
  if (status == EXIT_OK) status = cli_check_range(&cmd_optimize, "seeds", o.seeds, 1, 100000);
  if (status == EXIT_OK && o.steps != UNSET)
    status = cli_check_range(&cmd_optimize, "steps", o.steps, 1, 100000);
  o.task = arguments.at[0];
  return status == EXIT_OK ? optimize(&o) : status;
}

const cli_command cmd_optimize = {
    .name = "optimize",
    .usage = "TASK [options]\n"
             "       tendril optimize gait TASK [options]",
    .summary = "optimise a trajectory of a task that has a smooth cost, by iLQG",
    .example = "  tendril optimize double-link --set sim.limit=10 -o runs/swing\n"
               "  tendril optimize walker-gps --actions simbicon --steps 500 -o runs/walk\n"
               "  tendril optimize quad-link --seeds 20 --set sim.start_qpos=0.05\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

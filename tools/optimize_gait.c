// tendril optimize gait: SIMBICON's numbers for a walker, found by CMA-ES.
#include "cli.h"

#include "base/status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct options {
  const char *out;
  int64_t seed, threads;
  bool force, json, quiet;
  cli_list set, plugins;
} options;

enum { UNSET = -1 };

// ------------------------------------------------------------------------------------ progress

typedef struct display {
  bool terminal;  // one line that is rewritten; else a plain line now and then
  bool quiet, shown;
  int next;  // percent at which the next plain line is due
} display;

static void on_progress(void *user, const tendril_gait_progress *p) {
  display *d = user;
  const double share = p->budget ? (double)p->candidates / (double)p->budget : 0;
  if (d->quiet || (!d->terminal && 100 * share < d->next)) return;
  while (d->next <= 100 * share)
    d->next += 5;
  char eta[24];
  if (d->terminal) fputs("\r\033[K", stderr);
  if (p->budget) fprintf(stderr, "%3.0f%%  ", 100 * share);
  fprintf(stderr, "generation %lld  best so far: %.2f m/s, %d of %d fell, value %.4f  eta %s",
          (long long)p->generations, p->best.speed, p->best.fallen, p->best.n, p->best.value,
          cli_time(share > 0 ? p->seconds * (1 - share) / share : (double)NAN, eta));
  if (!d->terminal) fputc('\n', stderr);
  d->shown = true;
  fflush(stderr);
}

// -------------------------------------------------------------------------------- configuration

static tendril_status set_pair(tendril_gait_config *config, const char *pair, tendril_error *err) {
  char key[128];
  const char *equals = strchr(pair, '=');
  if (!equals || (size_t)(equals - pair) >= sizeof key)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "--set %.100s: write it as section.option=value, as in gait.speed=1.5", pair);
  snprintf(key, sizeof key, "%.*s", (int)(equals - pair), pair);
  return tendril_gait_set(config, key, equals + 1, err);
}

static tendril_status configure(const options *o, const char *task, tendril_gait_config *config,
                                tendril_error *err) {
  tendril_gait_defaults(task, config);
  for (int i = 0; i < o->set.n; i++)
    TENDRIL_TRY(set_pair(config, o->set.at[i], err));
  if (o->seed != UNSET) config->gait.seed = o->seed;
  return TENDRIL_OK;
}

// -------------------------------------------------------------------------------------- result

static void put_walks(cli_json *json, const char *name, const tendril_gait_walks *w) {
  cli_json_open(json, name, '{');
  cli_json_number(json, "walks", w->n);
  cli_json_number(json, "fallen", w->fallen);
  cli_json_number(json, "speed", w->speed);
  cli_json_number(json, "slowest", w->slowest);
  cli_json_number(json, "cost", w->cost);
  cli_json_number(json, "value", w->value);
  cli_json_close(json, '}');
}

static tendril_status print_json(const tendril_gait_result *r, const char *task, const char *folder,
                                 tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "task", task);
  cli_json_text(&json, "folder", folder);
  cli_json_flag(&json, "finished", r->end != TENDRIL_CMAES_RUNNING);
  cli_json_number(&json, "generations", (double)r->generations);
  cli_json_number(&json, "candidates", (double)r->candidates);
  cli_json_number(&json, "best_generation", (double)r->best_generation);
  cli_json_number(&json, "steps", (double)r->steps);
  put_walks(&json, "judged", &r->judged);
  put_walks(&json, "checked", &r->checked);
  cli_json_number(&json, "seconds", r->seconds);
  cli_json_number(&json, "cpu_seconds", r->cpu_seconds);
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

static void print_result(const tendril_gait_result *r, const char *folder) {
  const tendril_gait_walks *w = &r->checked;
  char time[24];
  printf("%s after %lld candidates in %lld generations, %s (%.1f CPU s), in %s\n",
         r->end == TENDRIL_CMAES_RUNNING ? "stopped" : "searched", (long long)r->candidates,
         (long long)r->generations, cli_time(r->seconds, time), r->cpu_seconds, folder);
  printf(
      "the best gait, of generation %lld: %d of %d walks fell, %.2f m/s (the slowest %.2f), cost "
      "per step %.3f\n",
      (long long)r->best_generation, w->fallen, w->n, w->speed, w->slowest, w->cost);
}

static int optimize(const options *o, const char *task) {
  tendril_error err = {{0}};
  tendril_tasks *tasks = NULL;
  tendril_gait_config config;
  tendril_gait_result result;
  char named[512];
  const char *folder = o->out;
  display d = {.terminal = isatty(STDERR_FILENO), .quiet = o->quiet};
  tendril_gait_hooks hooks = {.progress = on_progress, .user = &d};
  hooks.stop =
      cli_stop_on_signals("\nfinishing this generation; once more to stop at once\n", o->quiet);

  tendril_status status = cli_tasks(&o->plugins, &tasks, &err);
  if (status == TENDRIL_OK) status = configure(o, task, &config, &err);
  if (status == TENDRIL_OK && !folder) {
    snprintf(named, sizeof named, "runs/%s-gait-seed%lld", task, (long long)config.gait.seed);
    folder = named;
  }
  if (status == TENDRIL_OK)
    status = tendril_gait_search(&config, tasks, folder, o->force, (int)o->threads, &hooks, &result,
                                 &err);
  if (d.terminal && d.shown) fputs("\r\033[K", stderr);
  if (status == TENDRIL_OK && !o->json) print_result(&result, folder);
  if (status == TENDRIL_OK && o->json) status = print_json(&result, task, folder, &err);
  tendril_tasks_destroy(tasks);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  options o = {.seed = UNSET};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXTS,   "set",     0,   "K=V",  "one setting of the sections gait, sim, terrain, simbicon (where the search begins), cmaes; may be given again", &o.set},
    {CLI_INTEGER, "seed",    0,   "N",    "seed of everything random (gait.seed)", &o.seed},
    {CLI_INTEGER, "threads", 0,   "N",    "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXT,    "out",     'o', "DIR",  "folder for gait.json, config.json, progress.csv (runs/TASK-gait-seedN)", &o.out},
    {CLI_FLAG,    "force",   0,   NULL,   "overwrite the search that is in the folder", &o.force},
    {CLI_TEXTS,   "plugin",  0,   "FILE", "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,    "quiet",   'q', NULL,   "no progress", &o.quiet},
    {CLI_FLAG,    "json",    0,   NULL,   "the result as JSON, on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  const int n = sizeof table / sizeof table[0];
  int status = cli_parse(&cmd_optimize_gait, table, n, argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  status = cli_check_range(&cmd_optimize_gait, "threads", o.threads, 0, 1024);
  return status == EXIT_OK ? optimize(&o, arguments.at[0]) : status;
}

const cli_command cmd_optimize_gait = {
    .name = "optimize gait",
    .usage = "TASK [options]",
    .summary = "find a walk for the controller SIMBICON by CMA-ES; Ctrl-C keeps the best so far",
    .example = "  tendril optimize gait walker-gps -o runs/gait\n"
               "  tendril optimize gait walker-gps --seed 2 --set gait.speed=1.5\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

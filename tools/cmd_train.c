// tendril train: configuration from preset, file and options; a training with live progress.
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct options {
  const char *learner, *preset, *file, *out, *resume, *from, *integrator;
  int64_t seed, threads, steps, iterations, physics_steps;
  bool force, json, quiet;
  cli_list set, plugins, demonstrations;
} options;

enum { UNSET = -1 };

// ------------------------------------------------------------------------------------ progress

typedef struct display {
  const char *task;
  bool terminal;  // one line that is rewritten; else a plain line now and then
  bool quiet;
  int next;            // percent at which the next plain line is due
  double last_return;  // of an iteration in which an episode ended
  double last_length;
  int64_t last_steps;
  double last_seconds, speed;
} display;

static double value_of(const tendril_progress *p, const char *name) {
  for (int i = 0; i < p->nstat; i++)
    if (strcmp(p->stats[i].name, name) == 0) return p->values[i];
  return NAN;
}

static void print_line(const display *d, const tendril_progress *p, FILE *file) {
  char steps[16], speed[16], eta[24];
  fprintf(file, "%s %3.0f%%  iteration %lld  steps %s  ", d->task, 100 * p->fraction,
          (long long)p->iteration, cli_count((double)p->steps, steps));
  if (isfinite(d->last_return))
    fprintf(file, "return %.1f (length %.0f)  ", d->last_return, d->last_length);
  else
    fputs("no episode ended yet  ", file);
  const double kl = value_of(p, "kl");
  if (isfinite(kl)) fprintf(file, "kl %.4f  ", kl);
  fprintf(file, "%s steps/s  eta %s", cli_count(d->speed, speed), cli_time(p->eta, eta));
}

// ", 17 reached the goal"; nothing where there is none. text [40]
static const char *write_goal(const tendril_eval_result *r, char *text) {
  text[0] = '\0';
  if (r->succeeded >= 0) snprintf(text, 40, ", %d reached the goal", r->succeeded);
  return text;
}

static void on_progress(void *user, const tendril_progress *p) {
  display *d = user;
  if (value_of(p, "episodes") > 0) {
    d->last_return = value_of(p, "return_mean");
    d->last_length = value_of(p, "length_mean");
  }
  const double elapsed = p->seconds - d->last_seconds;
  if (elapsed > 0) {
    double now = (double)(p->steps - d->last_steps) / elapsed;
    d->speed = d->speed > 0 ? 0.9 * d->speed + 0.1 * now : now;
  }
  d->last_seconds = p->seconds;
  d->last_steps = p->steps;
  if (d->quiet) return;
  FILE *file = stderr;
  if (d->terminal) {
    fputs("\r\033[K", file);
    print_line(d, p, file);
  } else if (100 * p->fraction >= d->next || p->evaluation) {
    print_line(d, p, file);
    fputc('\n', file);
    while (d->next <= 100 * p->fraction)
      d->next += 5;
  }
  if (p->evaluation) {
    char steps[16], goal[40];
    fprintf(file,
            "%sevaluation at %s steps: return %.1f +- %.1f (mean action, %d episodes, length "
            "%.0f%s)\n",
            d->terminal ? "\r\033[K" : "", cli_count((double)p->steps, steps),
            p->evaluation->returns.mean, p->evaluation->returns.sd, p->evaluation->returns.n,
            p->evaluation->lengths.mean, write_goal(p->evaluation, goal));
    if (p->as_trained)
      fprintf(file, "  under the training's physics: return %.1f +- %.1f (length %.0f%s)\n",
              p->as_trained->returns.mean, p->as_trained->returns.sd, p->as_trained->lengths.mean,
              write_goal(p->as_trained, goal));
  }
  fflush(file);
}

// -------------------------------------------------------------------------------- configuration

static tendril_status set_integer(tendril_config *config, const char *key, int64_t value,
                                  tendril_error *err) {
  char text[32];
  if (value == UNSET) return TENDRIL_OK;
  snprintf(text, sizeof text, "%lld", (long long)value);
  return tendril_config_set(config, key, text, err);
}

static tendril_status configure(const options *o, const tendril_tasks *tasks, const char *task,
                                tendril_config **out, tendril_error *err) {
  tendril_config *config = NULL;
  tendril_status status =
      cli_configure(tasks, task, o->learner, o->preset, o->file, &o->set, &config, err);
  if (status == TENDRIL_OK) status = set_integer(config, "run.seed", o->seed, err);
  if (status == TENDRIL_OK) status = set_integer(config, "run.steps", o->steps, err);
  if (status == TENDRIL_OK) status = set_integer(config, "run.iterations", o->iterations, err);
  if (status == TENDRIL_OK)
    status = set_integer(config, "sim.physics_steps", o->physics_steps, err);
  if (status == TENDRIL_OK && o->demonstrations.n)
    status = set_integer(config, "demonstration.count", o->demonstrations.n, err);
  if (status == TENDRIL_OK && o->integrator)
    status = tendril_config_set(config, "sim.integrator", o->integrator, err);
  if (status == TENDRIL_OK)
    *out = config;
  else
    tendril_config_destroy(config);
  return status;
}

// -------------------------------------------------------------------------------------- result

static tendril_status print_json(const tendril_train_result *r, const char *folder,
                                 tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "run", folder);
  cli_json_flag(&json, "finished", r->finished);
  cli_json_number(&json, "iterations", (double)r->iterations);
  cli_json_number(&json, "steps", (double)r->steps);
  cli_json_number(&json, "eval_steps", (double)r->eval_steps);
  cli_json_number(&json, "held", r->held);
  cli_json_number(&json, "best", r->best);
  cli_json_number(&json, "final", r->final);
  if (isfinite(r->final_as_trained)) {
    cli_json_number(&json, "held_as_trained", r->held_as_trained);
    cli_json_number(&json, "final_as_trained", r->final_as_trained);
  }
  cli_json_number(&json, "seconds", r->seconds);
  cli_json_number(&json, "cpu_seconds", r->cpu_seconds);
  cli_json_number(&json, "eval_seconds", r->eval_seconds);
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

static void print_result(const tendril_train_result *r, const char *folder) {
  char steps[16], time[24];
  printf("%s after %s steps in %s, in %s\n", r->finished ? "trained" : "stopped",
         cli_count((double)r->steps, steps), cli_time(r->seconds, time), folder);
  if (isfinite(r->best)) printf("mean return: best %.1f", r->best);
  if (isfinite(r->final)) printf(", last %.1f", r->final);
  if (isfinite(r->held)) printf(", held (90, 95, 100 %%) %.1f", r->held);
  if (isfinite(r->best)) printf("\n");
  if (isfinite(r->final_as_trained))
    printf("under the training's physics: last %.1f", r->final_as_trained);
  if (isfinite(r->held_as_trained)) printf(", held (90, 95, 100 %%) %.1f", r->held_as_trained);
  if (isfinite(r->final_as_trained)) printf("\n");
}

static void print_resume(const options *o, const char *folder, FILE *file) {
  fputs("go on with: tendril train --resume ", file);
  cli_put_word(file, folder);
  for (int i = 0; i < o->plugins.n; i++) {
    fputs(" --plugin ", file);
    cli_put_word(file, o->plugins.at[i]);
  }
  fputc('\n', file);
}

static int train(options *o, const cli_list *arguments) {
  tendril_error err = {{0}};
  tendril_tasks *tasks = NULL;
  tendril_config *config = NULL;
  char named[512];
  const char *folder = o->resume ? o->resume : o->out;
  const char *task = arguments->n ? arguments->at[0] : "";
  display d = {.task = o->resume ? o->resume : task,
               .terminal = isatty(STDERR_FILENO),
               .quiet = o->quiet,
               .last_return = NAN,
               .last_length = NAN};
  tendril_run_hooks hooks = {.progress = on_progress, .user = &d};
  tendril_train_result result;
  const int threads = (int)o->threads;
  const tendril_train_start start = {.from = o->from,
                                     .ndemonstration = o->demonstrations.n,
                                     .demonstrations = o->demonstrations.at};

  tendril_status status = cli_tasks(&o->plugins, &tasks, &err);
  hooks.stop =
      cli_stop_on_signals("\nfinishing this iteration; once more to stop at once\n", o->quiet);
  if (o->resume) {
    if (status == TENDRIL_OK)
      status = tendril_train_resume(tasks, o->resume, threads, &hooks, &result, &err);
  } else {
    if (status == TENDRIL_OK) status = configure(o, tasks, task, &config, &err);
    if (status == TENDRIL_OK && !folder) {
      snprintf(named, sizeof named, "runs/%s-seed%lld", task,
               (long long)tendril_config_run(config)->seed);
      folder = named;
    }
    if (status == TENDRIL_OK)
      status =
          tendril_train(config, tasks, folder, o->force, &start, threads, &hooks, &result, &err);
  }
  if (d.terminal && !d.quiet && d.last_steps) fputs("\r\033[K", stderr);
  if (status == TENDRIL_OK && !o->json) print_result(&result, folder);
  if (status == TENDRIL_OK && o->json) status = print_json(&result, folder, &err);
  if (status == TENDRIL_OK && !result.finished) print_resume(o, folder, o->json ? stderr : stdout);
  tendril_config_destroy(config);
  tendril_tasks_destroy(tasks);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  options o = {.seed = UNSET, .steps = UNSET, .iterations = UNSET, .physics_steps = UNSET};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXT,    "learner",       0,   "NAME",   "method, of `tendril list learners` (trpo)", &o.learner},
    {CLI_TEXT,    "preset",        0,   "NAME",   "settings from models/presets; none for none (the task's own)", &o.preset},
    {CLI_TEXT,    "config",        0,   "FILE",   "settings from a JSON file, over the preset: {\"learner\": {\"max_kl\": 0.02}}", &o.file},
    {CLI_TEXTS,   "set",           0,   "K=V",    "one setting, over those; `tendril list options` has them all", &o.set},
    {CLI_INTEGER, "seed",          0,   "N",      "seed of everything random (run.seed)", &o.seed},
    {CLI_INTEGER, "steps",         0,   "N",      "control steps to train (run.steps)", &o.steps},
    {CLI_INTEGER, "iterations",    0,   "N",      "iterations to train, whatever the steps (run.iterations)", &o.iterations},
    {CLI_INTEGER, "threads",       0,   "N",      "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXT,    "integrator",    0,   "NAME",   "task (its own), euler, rk4 or implicit (sim.integrator)", &o.integrator},
    {CLI_INTEGER, "physics-steps", 0,   "N",      "MuJoCo steps per control step (sim.physics_steps)", &o.physics_steps},
    {CLI_TEXT,    "out",           'o', "DIR",    "run folder (runs/TASK-seedN)", &o.out},
    {CLI_FLAG,    "force",         0,   NULL,     "overwrite the run that is in the folder", &o.force},
    {CLI_TEXT,    "from",          0,   "RUN",    "start from another run's policy", &o.from},
    {CLI_TEXTS,   "demonstration", 0,   "DIR",    "a trajectory of `tendril optimize` in the place of the task's own gait; again for more (demonstration.count)", &o.demonstrations},
    {CLI_TEXT,    "resume",        0,   "DIR",    "go on with the stopped run in this folder, as if it had never stopped", &o.resume},
    {CLI_TEXTS,   "plugin",        0,   "FILE",   "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,    "quiet",         'q', NULL,     "no progress", &o.quiet},
    {CLI_FLAG,    "json",          0,   NULL,     "the result as JSON, on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  const int n = sizeof table / sizeof table[0];
  int status = cli_parse(&cmd_train, table, n, argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  if (o.resume && (arguments.n || o.learner || o.preset || o.file || o.set.n || o.seed != UNSET ||
                   o.steps != UNSET || o.iterations != UNSET || o.integrator ||
                   o.physics_steps != UNSET || o.out || o.force || o.from || o.demonstrations.n))
    return cli_usage(&cmd_train,
                     "a resumed run keeps its configuration; only --threads, --plugin, --quiet and "
                     "--json go with --resume");
  if (!o.resume && arguments.n != 1)
    return cli_usage(&cmd_train, "no task given; `tendril list` names them");
  status = cli_check_range(&cmd_train, "threads", o.threads, 0, 1024);
  return status == EXIT_OK ? train(&o, &arguments) : status;
}

const cli_command cmd_train = {
    .name = "train",
    .usage = "TASK [options] | --resume DIR",
    .summary = "train a policy into a run folder; Ctrl-C stops it, --resume goes on",
    .example = "  tendril train hopper-v4 --seed 1 -o runs/hopper\n"
               "  tendril train hopper-v4 --steps 200000 --set learner.max_kl=0.02\n"
               "  tendril train walker-gps --demonstration runs/walk\n"
               "  tendril train --resume runs/hopper\n",
    .min_arguments = 0,
    .max_arguments = 1,
    .run = run,
};

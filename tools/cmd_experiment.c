// tendril experiment: tasks x methods x seeds from a JSON file, several trainings at once, then one
// figure and one table.
#include "cli.h"

#include "base/alloc.h"
#include "run/experiment.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct options {
  const char *out;
  int64_t seeds, jobs;
  bool quick, force, json, quiet;
  cli_list plugins;
} options;

// ---------------------------------------------------------------------------------- interrupts

static volatile sig_atomic_t stop;
static volatile sig_atomic_t silent;

// The first Ctrl-C lets the trainings write their checkpoints, the second ends them at once.
static void on_signal(int number) {
  static const char text[] = "\nstopping; once more to stop at once\n";
  (void)number;
  if (stop < 2) stop++;
  const int code = errno;
  if (stop == 1 && !silent && write(STDERR_FILENO, text, sizeof text - 1) < 0) silent = 1;
  errno = code;
}

// ------------------------------------------------------------------------------------ progress

typedef struct display {
  bool terminal;  // one line that is rewritten; else a line a cell
  bool quiet;
  const char *name;
} display;

static void on_progress(void *user, const tnd_experiment_progress *p) {
  display *d = user;
  char eta[24];
  if (d->terminal && !d->quiet) fputs("\r\033[K", stderr);
  if (p->ended && p->ended->state == TND_CELL_FAILED)
    fprintf(stderr, "failed: %s: %s\n", p->ended->command, p->ended->error);
  if (d->quiet || (!d->terminal && !p->ended)) return;
  fprintf(stderr, "%s %3.0f%%  %d of %d cells", d->name, 100 * p->fraction, p->finished, p->ncell);
  if (p->failed) fprintf(stderr, ", %d failed", p->failed);
  fprintf(stderr, ", %d running  eta %s", p->running, cli_time(p->eta, eta));
  if (!d->terminal) fputc('\n', stderr);
  fflush(stderr);
}

// --------------------------------------------------------------------------------------- result

static int count(const tnd_experiment *e, tnd_cell_state state) {
  int n = 0;
  for (int i = 0; i < e->ncell; i++)
    n += e->cells[i].state == state;
  return n;
}

// What to type to go on, or to try the failed cells again.
static void print_again(const options *o, const char *name, const char *why, FILE *file) {
  fprintf(file, "%s with: tendril experiment ", why);
  cli_put_word(file, name);
  if (o->quick) fputs(" --quick", file);
  if (o->seeds) fprintf(file, " --seeds %lld", (long long)o->seeds);
  if (o->out) fputs(" -o ", file);
  if (o->out) cli_put_word(file, o->out);
  for (int i = 0; i < o->plugins.n; i++) {
    fputs(" --plugin ", file);
    cli_put_word(file, o->plugins.at[i]);
  }
  fputc('\n', file);
}

static int experiment(const options *o, const char *name) {
  tendril_error err = {{0}};
  tnd_experiment *e = NULL;
  char *markdown = NULL, *json = NULL, folder[512];
  display d = {.terminal = isatty(STDERR_FILENO), .quiet = o->quiet};
  tendril_status status = tnd_experiment_open(name, (int)o->seeds, o->quick, &e, &err);
  if (status == TENDRIL_OK) {
    // this program, also if another has meanwhile taken its place
    const tnd_experiment_setup setup = {.folder = folder,
                                        .program = "/proc/self/exe",
                                        .jobs = (int)o->jobs,
                                        .force = o->force,
                                        .nplugin = o->plugins.n,
                                        .plugins = o->plugins.at,
                                        .stop = &stop,
                                        .progress = on_progress,
                                        .user = &d};
    snprintf(folder, sizeof folder, o->out ? "%s%s" : "runs/%s%s", o->out ? o->out : e->name,
             o->quick && !o->out ? "-quick" : "");
    d.name = e->name;
    silent = o->quiet;
    cli_catch_signals(on_signal);
    status = tnd_experiment_run(e, &setup, &err);
    if (d.terminal && !d.quiet) fputs("\r\033[K", stderr);
  }
  FILE *words = o->json ? stderr : stdout;
  if (status == TENDRIL_OK && stop) {
    fprintf(words, "stopped: %d of %d cells have finished\n", count(e, TND_CELL_FINISHED),
            e->ncell);
    print_again(o, name, "go on", words);
    tnd_experiment_destroy(e);
    return EXIT_OK;
  }
  if (status == TENDRIL_OK) status = tnd_experiment_report(e, folder, &markdown, &json, &err);
  if (status == TENDRIL_OK) fputs(o->json ? json : markdown, stdout);
  const int failed = e ? count(e, TND_CELL_FAILED) : 0;
  if (status == TENDRIL_OK && !o->json)
    printf("\nin %s: figure.svg, results.md, results.json, and the runs\n", folder);
  if (failed) {
    fprintf(stderr, "tendril: %d of %d cells failed; the others are kept\n", failed, e->ncell);
    print_again(o, name, "try these again", stderr);
  }
  tnd_free(markdown);
  tnd_free(json);
  tnd_experiment_destroy(e);
  if (status != TENDRIL_OK) return failed ? EXIT_FAILED : cli_fail(status, &err);
  return failed ? EXIT_FAILED : EXIT_OK;
}

// Processors that this process may run on.
static int count_processors(void) {
  cpu_set_t set;
  const int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return n > 0 ? n : 1;
}

static int run(int argc, char **argv) {
  options o = {.jobs = count_processors()};
  // clang-format off
  const cli_option table[] = {
    {CLI_INTEGER, "seeds",  0,   "N",    "seeds 1 to N of each cell (as many as the experiment says)", &o.seeds},
    {CLI_INTEGER, "jobs",   0,   "N",    "trainings at once, one thread each (all processors)", &o.jobs},
    {CLI_FLAG,    "quick",  0,   NULL,   "everything shrunk, to see that all of it works", &o.quick},
    {CLI_TEXT,    "out",    'o', "DIR",  "folder of the runs and results (runs/NAME, with --quick runs/NAME-quick)", &o.out},
    {CLI_FLAG,    "force",  0,   NULL,   "begin all cells anew, finished ones and those of another experiment in the folder, too", &o.force},
    {CLI_TEXTS,   "plugin", 0,   "FILE", "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,    "quiet",  'q', NULL,   "no progress", &o.quiet},
    {CLI_FLAG,    "json",   0,   NULL,   "the results as JSON, on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status = cli_parse(&cmd_experiment, table, sizeof table / sizeof table[0], argc, argv,
                         &arguments, &help);
  if (status != EXIT_OK || help) return status;
  status = cli_check_range(&cmd_experiment, "seeds", o.seeds, 0, 1000);
  if (status == EXIT_OK) status = cli_check_range(&cmd_experiment, "jobs", o.jobs, 1, 1024);
  if (status == EXIT_OK && o.out && !o.out[0])
    status = cli_usage(&cmd_experiment, "--out: no folder");
  return status == EXIT_OK ? experiment(&o, arguments.at[0]) : status;
}

const cli_command cmd_experiment = {
    .name = "experiment",
    .usage = "NAME|FILE.json [options]",
    .summary = "train tasks x methods x seeds, then one figure and one table; Ctrl-C stops it, the "
               "same command goes on",
    .example = "  tendril list experiments\n"
               "  tendril experiment gymnasium-v4 --quick\n"
               "  tendril experiment gymnasium-v4 --seeds 10 --jobs 4\n"
               "  tendril experiment mine.json -o runs/mine\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

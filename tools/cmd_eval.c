// tendril eval: how good is a policy, with the mean action and with sampled actions.
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct options {
  const char *checkpoint, *integrator, *physics_steps;
  int64_t episodes, seed, threads;
  bool json;
  cli_list plugins;
} options;

static void print_row(const char *label, const tendril_eval_result *r) {
  const tendril_summary *s = &r->returns;
  printf("%-15s %9.1f %8.1f %9.1f  %8.1f .. %-8.1f %8.1f %9.1f %7.1f\n", label, s->mean, s->sd,
         s->median, s->low, s->high, s->min, s->max, r->lengths.mean);
}

static void print_table(const tendril_trained *t, const tendril_eval_result results[2],
                        const options *o) {
  const tendril_task *task = tendril_model_task(t->model);
  char steps[16];
  printf("%s, %s (trained %s steps), %lld episodes, seed %lld\n\n", task->name, t->path,
         cli_count((double)t->steps, steps), (long long)o->episodes, (long long)o->seed);
  printf("%-15s %9s %8s %9s  %20s %8s %9s %7s\n", "return", "mean", "sd", "median",
         "95 % of the mean", "min", "max", "length");
  print_row("mean action", &results[0]);
  print_row("sampled actions", &results[1]);
  printf("\nmean action: %d fell or finished, %d ran to the time limit, %d diverged; per episode",
         results[0].terminated, results[0].truncated, results[0].diverged);
  for (int k = 0; k < task->nterm; k++)
    printf("%s %s %.1f", k ? "," : "", task->terms[k], results[0].terms[k]);
  printf("\n");
}

static void print_json_result(const char *name, const tendril_eval_result *r, const double *returns,
                              const tendril_task *task) {
  const tendril_summary *s = &r->returns;
  char a[7][32];
  printf("  \"%s\": {\"mean\": %s, \"sd\": %s, \"median\": %s, \"low\": %s, \"high\": %s, \"min\": "
         "%s, "
         "\"max\": %s,\n",
         name, cli_json_number(s->mean, a[0]), cli_json_number(s->sd, a[1]),
         cli_json_number(s->median, a[2]), cli_json_number(s->low, a[3]),
         cli_json_number(s->high, a[4]), cli_json_number(s->min, a[5]),
         cli_json_number(s->max, a[6]));
  printf(
      "    \"length\": %s, \"terminated\": %d, \"truncated\": %d, \"diverged\": %d, \"terms\": {",
      cli_json_number(r->lengths.mean, a[0]), r->terminated, r->truncated, r->diverged);
  for (int k = 0; k < task->nterm; k++)
    printf("%s\"%s\": %s", k ? ", " : "", task->terms[k], cli_json_number(r->terms[k], a[0]));
  printf("},\n    \"returns\": [");
  for (int i = 0; i < s->n; i++)
    printf("%s%s", i ? ", " : "", cli_json_number(returns[i], a[0]));
  printf("]}");
}

static void print_json(const tendril_trained *t, const tendril_eval_result results[2],
                       const double *returns, const options *o) {
  const tendril_task *task = tendril_model_task(t->model);
  printf("{\"task\": \"%s\", \"checkpoint\": \"%s\", \"iteration\": %lld, \"steps\": %lld, "
         "\"episodes\": %lld, \"seed\": %lld,\n",
         task->name, t->path, (long long)t->iteration, (long long)t->steps, (long long)o->episodes,
         (long long)o->seed);
  print_json_result("mean_action", &results[0], returns, task);
  printf(",\n");
  print_json_result("sampled_actions", &results[1], returns + o->episodes, task);
  printf("}\n");
}

// Both evaluations; returns [2][episodes].
static tendril_status evaluate(const tendril_trained *t, const options *o,
                               tendril_eval_result results[2], double *returns,
                               tendril_error *err) {
  tendril_pool *pool = NULL;
  tendril_status status =
      tendril_pool_create(o->threads > 100000 ? 100000 : (int)o->threads, &pool, err);
  for (int sampled = 0; sampled < 2 && status == TENDRIL_OK; sampled++) {
    tendril_eval_options e = {
        .episodes = (int)o->episodes, .sampled = sampled, .seed = (uint64_t)o->seed, .series = 0};
    status = tendril_evaluate(t->model, t->policy, pool, &e, &results[sampled],
                              returns + sampled * o->episodes, err);
  }
  tendril_pool_destroy(pool);
  return status;
}

static int eval(const options *o, const char *path) {
  tendril_error err = {{0}};
  tendril_tasks *tasks = NULL;
  tendril_trained trained = {0};
  tendril_eval_result results[2];
  const char *sim[5] = {0};
  int n = 0;
  if (o->integrator) sim[n++] = "integrator", sim[n++] = o->integrator;
  if (o->physics_steps) sim[n++] = "physics_steps", sim[n++] = o->physics_steps;
  double *returns = malloc(sizeof *returns * 2 * (size_t)o->episodes);
  tendril_status status = returns ? TENDRIL_OK : TENDRIL_E_MEMORY;
  if (status == TENDRIL_OK) status = cli_tasks(&o->plugins, &tasks, &err);
  if (status == TENDRIL_OK)
    status = tendril_trained_open(tasks, path, o->checkpoint, sim, &trained, &err);
  if (status == TENDRIL_OK) status = evaluate(&trained, o, results, returns, &err);
  if (status == TENDRIL_OK && o->json) print_json(&trained, results, returns, o);
  if (status == TENDRIL_OK && !o->json) print_table(&trained, results, o);
  tendril_trained_close(&trained);
  tendril_tasks_destroy(tasks);
  free(returns);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  options o = {.episodes = 100, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_INTEGER, "episodes",      0, "N",    "episodes for each kind of action (100)", &o.episodes},
    {CLI_INTEGER, "seed",          0, "N",    "seed of the start states and the noise (1)", &o.seed},
    {CLI_TEXT,    "checkpoint",    0, "WHICH", "of a run folder: best, last or a kept iteration (best)", &o.checkpoint},
    {CLI_INTEGER, "threads",       0, "N",    "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXT,    "integrator",    0, "NAME", "task, euler, rk4 or implicit, in place of the run's", &o.integrator},
    {CLI_TEXT,    "physics-steps", 0, "N",    "MuJoCo steps per control step, in place of the run's", &o.physics_steps},
    {CLI_TEXTS,   "plugin",        0, "FILE", "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,    "json",          0, NULL,   "everything as JSON, each episode's return included", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_eval, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  if (o.episodes < 1 || o.episodes > 1000000)
    return cli_usage(&cmd_eval, "--episodes: %lld is out of range; use 1 to 1000000",
                     (long long)o.episodes);
  return eval(&o, arguments.at[0]);
}

const cli_command cmd_eval = {
    .name = "eval",
    .usage = "RUN [options]",
    .summary = "returns of a trained policy: mean, spread, median, 95 % interval, length",
    .example = "  tendril eval runs/hopper\n"
               "  tendril eval runs/hopper --checkpoint last --episodes 20 --json\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

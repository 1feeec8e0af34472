// tendril eval: how good is a policy, with the mean action and with sampled actions.
#include "eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  const char *checkpoint, *integrator, *physics_steps;
  int64_t episodes, seed, threads;
  bool json;
  cli_list plugins;
} options;

// A policy under one physics, with the mean action and with sampled actions.
typedef struct measured {
  const tendril_model *model;  // NULL: not measured
  tendril_eval_result results[2];
  double *returns;  // [2][episodes]
} measured;

// Under the task's own physics, and under the training's if those are others.
typedef struct both {
  measured main, as_trained;
} both;

static void print_row(const char *label, const tendril_eval_result *r) {
  const tendril_summary *s = &r->returns;
  printf("%-15s %9.1f %8.1f %9.1f  %8.1f .. %-8.1f %8.1f %9.1f %7.1f\n", label, s->mean, s->sd,
         s->median, s->low, s->high, s->min, s->max, r->lengths.mean);
}

static void print_rows(const measured *m) {
  print_row("mean action", &m->results[0]);
  print_row("sampled actions", &m->results[1]);
}

static void print_physics(const char *whose, const tendril_model *model) {
  const int n = tendril_model_physics_steps(model);
  printf("%s physics: %s, %d step%s of %g s\n", whose, tendril_model_integrator(model), n,
         n == 1 ? "" : "s", tendril_model_seconds(model) / n);
}

static void print_table(const tendril_trained *t, const both *b, const options *o) {
  const tendril_task *task = tendril_model_task(t->model);
  const tendril_eval_result *mean = &b->main.results[0];
  char steps[16];
  printf("%s, %s (trained %s steps), %lld episodes, seed %lld\n\n", task->name, t->path,
         cli_count((double)t->steps, steps), (long long)o->episodes, (long long)o->seed);
  printf("%-15s %9s %8s %9s  %20s %8s %9s %7s\n", "return", "mean", "sd", "median",
         "95 % of the mean", "min", "max", "length");
  if (b->as_trained.model)
    print_physics("the task's own", b->main.model);
  else if (o->integrator || o->physics_steps)
    print_physics("chosen", b->main.model);
  print_rows(&b->main);
  if (b->as_trained.model) {
    print_physics("the training's", b->as_trained.model);
    print_rows(&b->as_trained);
  }
  printf("\nmean action%s: %d fell or finished, %d ran to the time limit, %d diverged; per episode",
         b->as_trained.model ? ", the task's own physics" : "", mean->terminated, mean->truncated,
         mean->diverged);
  for (int k = 0; k < task->nterm; k++)
    printf("%s %s %.1f", k ? "," : "", task->terms[k], mean->terms[k]);
  printf("\n");
}

static void put_result(cli_json *json, const char *name, const tendril_eval_result *r,
                       const double *returns, const tendril_task *task) {
  const tendril_summary *s = &r->returns;
  cli_json_open(json, name, '{');
  eval_put_summary(json, s);
  cli_json_number(json, "length", r->lengths.mean);
  cli_json_number(json, "terminated", r->terminated);
  cli_json_number(json, "truncated", r->truncated);
  cli_json_number(json, "diverged", r->diverged);
  cli_json_open(json, "terms", '{');
  for (int k = 0; k < task->nterm; k++)
    cli_json_number(json, task->terms[k], r->terms[k]);
  cli_json_close(json, '}');
  cli_json_open(json, "returns", '[');
  for (int i = 0; i < s->n; i++)
    cli_json_number(json, NULL, returns[i]);
  cli_json_close(json, ']');
  cli_json_close(json, '}');
}

static void put_measured(cli_json *json, const measured *m, const options *o) {
  const tendril_task *task = tendril_model_task(m->model);
  cli_json_text(json, "integrator", tendril_model_integrator(m->model));
  cli_json_number(json, "physics_steps", tendril_model_physics_steps(m->model));
  put_result(json, "mean_action", &m->results[0], m->returns, task);
  put_result(json, "sampled_actions", &m->results[1], m->returns + o->episodes, task);
}

static tendril_status print_json(const tendril_trained *t, const both *b, const options *o,
                                 tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "task", tendril_model_task(t->model)->name);
  cli_json_text(&json, "checkpoint", t->path);
  cli_json_number(&json, "iteration", (double)t->iteration);
  cli_json_number(&json, "steps", (double)t->steps);
  cli_json_number(&json, "episodes", (double)o->episodes);
  cli_json_number(&json, "seed", (double)o->seed);
  put_measured(&json, &b->main, o);
  if (b->as_trained.model) {
    cli_json_open(&json, "as_trained", '{');
    put_measured(&json, &b->as_trained, o);
    cli_json_close(&json, '}');
  }
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

static tendril_status measure(const tendril_model *model, const tendril_policy *policy,
                              tendril_pool *pool, const options *o, measured *out,
                              tendril_error *err) {
  tendril_status status = TENDRIL_OK;
  out->returns = malloc(sizeof *out->returns * 2 * (size_t)o->episodes);
  if (!out->returns) return TENDRIL_E_MEMORY;
  for (int sampled = 0; sampled < 2 && status == TENDRIL_OK; sampled++) {
    tendril_agent *agent = NULL;
    const tendril_eval_options e = {.episodes = (int)o->episodes, .seed = (uint64_t)o->seed};
    status = tendril_agent_create(policy, sampled, &agent, err);
    if (status == TENDRIL_OK)
      status = tendril_evaluate(model, agent, pool, &e, &out->results[sampled],
                                out->returns + sampled * o->episodes, err);
    tendril_agent_destroy(agent);
  }
  out->model = model;
  return status;
}

static tendril_status evaluate(const tendril_trained *t, const options *o, both *out,
                               tendril_error *err) {
  tendril_pool *pool = NULL;
  const tendril_model *judge = t->task_model ? t->task_model : t->model;
  tendril_status status = tendril_pool_create((int)o->threads, &pool, err);
  if (status == TENDRIL_OK) status = measure(judge, t->policy, pool, o, &out->main, err);
  if (status == TENDRIL_OK && t->task_model)
    status = measure(t->model, t->policy, pool, o, &out->as_trained, err);
  tendril_pool_destroy(pool);
  return status;
}

static int eval(const options *o, const char *path) {
  tendril_error err = {{0}};
  tendril_tasks *tasks = NULL;
  tendril_trained trained = {0};
  both results = {0};
  const char *sim[5] = {0};
  int n = 0;
  if (o->integrator) sim[n++] = "integrator", sim[n++] = o->integrator;
  if (o->physics_steps) sim[n++] = "physics_steps", sim[n++] = o->physics_steps;
  tendril_status status = cli_tasks(&o->plugins, &tasks, &err);
  if (status == TENDRIL_OK)
    status = tendril_trained_open(tasks, path, o->checkpoint, sim, &trained, &err);
  if (status == TENDRIL_OK) status = evaluate(&trained, o, &results, &err);
  if (status == TENDRIL_OK && !o->json) print_table(&trained, &results, o);
  if (status == TENDRIL_OK && o->json) status = print_json(&trained, &results, o, &err);
  free(results.main.returns);
  free(results.as_trained.returns);
  tendril_trained_close(&trained);
  tendril_tasks_destroy(tasks);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "push") == 0) return cmd_eval_push.run(argc - 1, argv + 1);
  if (argc > 1 && strcmp(argv[1], "robust") == 0) return cmd_eval_robust.run(argc - 1, argv + 1);
  if (argc > 1 && strcmp(argv[1], "terrain") == 0) return cmd_eval_terrain.run(argc - 1, argv + 1);
  options o = {.episodes = 100, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_INTEGER, "episodes",      0, "N",    "episodes, with the mean action and again with sampled ones (100)", &o.episodes},
    {CLI_INTEGER, "seed",          0, "N",    "seed of the start states and the noise (1)", &o.seed},
    {CLI_TEXT,    "checkpoint",    0, "WHICH", "of a run folder: best, last, or the number of a kept iteration (best)", &o.checkpoint},
    {CLI_INTEGER, "threads",       0, "N",    "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXT,    "integrator",    0, "NAME", "one evaluation, with this integrator in place of the training's: task, euler, rk4 or implicit", &o.integrator},
    {CLI_TEXT,    "physics-steps", 0, "N",    "one evaluation, with so many MuJoCo steps per control step", &o.physics_steps},
    {CLI_TEXTS,   "plugin",        0, "FILE", "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,    "json",          0, NULL,   "everything as JSON, each episode's return included", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_eval, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  status = cli_check_range(&cmd_eval, "episodes", o.episodes, 1, 1000000);
  if (status == EXIT_OK) status = cli_check_range(&cmd_eval, "threads", o.threads, 0, 1024);
  if (status != EXIT_OK) return status;
  return eval(&o, arguments.at[0]);
}

const cli_command cmd_eval = {
    .name = "eval",
    .usage = "RUN [options], RUN being a run folder or a checkpoint file\n"
             "       tendril eval push RUN|TASK [options]\n"
             "       tendril eval robust RUN|TASK [options]\n"
             "       tendril eval terrain RUN|TASK [options]",
    .summary = "measure a trained policy: returns over many episodes, with their spread",
    .example = "  tendril eval runs/hopper\n"
               "  tendril eval runs/hopper --checkpoint last --episodes 20 --json\n"
               "  tendril eval push runs/hopper -o push.svg\n"
               "  tendril eval robust runs/hopper --box general\n"
               "  tendril eval terrain runs/hopper -o terrain.svg\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

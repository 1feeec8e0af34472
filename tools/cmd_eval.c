// tendril eval: how good is who acts: a policy, with the mean action and with sampled ones, or any
// other agent.
#include "eval.h"

#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  show_options show;
  const char *integrator, *physics_steps;
  int64_t episodes, seed, threads;
  bool json;
} options;

// Who acts: one agent, or a policy in two ways.
typedef struct actors {
  int n;
  const tendril_agent *agents[2];
  const char *labels[2];  // for people
  const char *keys[2];    // in JSON
  tendril_agent *sampled;
} actors;

// All of them under one physics.
typedef struct measured {
  const tendril_model *model;  // NULL: not measured
  const actors *who;
  tendril_eval_result results[2];
  double *returns;  // [who->n][episodes]
} measured;

// Under the task's own physics, and under the training's if those are others.
typedef struct both {
  measured main, as_trained;
} both;

static void print_row(const char *label, const tendril_eval_result *r) {
  const tendril_summary *s = &r->returns;
  char t[7][TND_NUMBER_MAX];
  printf("%-15s %9s %8s %9s  %8s .. %-8s %8s %9s %7.1f\n", label, tnd_number_brief(s->mean, t[0]),
         tnd_number_brief(s->sd, t[1]), tnd_number_brief(s->median, t[2]),
         tnd_number_brief(s->low, t[3]), tnd_number_brief(s->high, t[4]),
         tnd_number_brief(s->min, t[5]), tnd_number_brief(s->max, t[6]), r->lengths.mean);
}

static void print_rows(const measured *m) {
  for (int i = 0; i < m->who->n; i++)
    print_row(m->who->labels[i], &m->results[i]);
}

static void print_physics(const char *whose, const tendril_model *model) {
  const int n = tendril_model_physics_steps(model);
  printf("%s physics: %s, %d step%s of %g s\n", whose, tendril_model_integrator(model), n,
         n == 1 ? "" : "s", tendril_model_seconds(model) / n);
}

static void print_table(const show *s, const both *b, const options *o) {
  const tendril_task *task = tendril_model_task(s->model);
  const tendril_eval_result *mean = &b->main.results[0];
  char steps[16];
  printf("%s", task->name);
  if (*s->checkpoint) printf(", %s", s->checkpoint);
  if (s->trained.policy) printf(" (trained %s steps)", cli_count((double)s->trained.steps, steps));
  printf(", %lld episode%s, seed %lld\n\n", (long long)o->episodes, o->episodes == 1 ? "" : "s",
         (long long)o->seed);
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
  printf("\n%s%s: %d fell or finished, %d ran to the time limit, %d diverged; per episode",
         b->main.who->labels[0], b->as_trained.model ? ", the task's own physics" : "",
         mean->terminated, mean->truncated, mean->diverged);
  char number[TND_NUMBER_MAX];
  for (int k = 0; k < task->nterm; k++)
    printf("%s %s %s", k ? "," : "", task->terms[k], tnd_number_brief(mean->terms[k], number));
  printf("\n");
  if (mean->succeeded >= 0)
    printf("reached the goal: %d of %lld episode%s\n", mean->succeeded, (long long)o->episodes,
           o->episodes == 1 ? "" : "s");
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
  if (r->succeeded >= 0) cli_json_number(json, "succeeded", r->succeeded);
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
  for (int i = 0; i < m->who->n; i++)
    put_result(json, m->who->keys[i], &m->results[i], m->returns + i * o->episodes, task);
}

static tendril_status print_json(const show *s, const both *b, const options *o,
                                 tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "task", tendril_model_task(s->model)->name);
  if (*s->checkpoint) cli_json_text(&json, "checkpoint", s->checkpoint);
  if (s->trained.policy) {
    cli_json_number(&json, "iteration", (double)s->trained.iteration);
    cli_json_number(&json, "steps", (double)s->trained.steps);
  }
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

static tendril_status measure(const tendril_model *model, const actors *who, tendril_pool *pool,
                              const options *o, measured *out, tendril_error *err) {
  const tendril_eval_options e = {.episodes = (int)o->episodes, .seed = (uint64_t)o->seed};
  out->returns = malloc(sizeof *out->returns * (size_t)who->n * (size_t)o->episodes);
  if (!out->returns) return TENDRIL_E_MEMORY;
  out->model = model;
  out->who = who;
  for (int i = 0; i < who->n; i++)
    TENDRIL_TRY(tendril_evaluate(model, who->agents[i], pool, &e, &out->results[i],
                                 out->returns + i * o->episodes, err));
  return TENDRIL_OK;
}

// Who acts: what was asked for; of a policy without a wish the mean action, and sampled ones.
static tendril_status list_actors(const show *s, const options *o, actors *out,
                                  tendril_error *err) {
  const char *name = tendril_agent_name(s->agent);
  *out = (actors){.n = 1, .agents = {s->agent}, .labels = {name}, .keys = {name}};
  if (!s->trained.policy) return TENDRIL_OK;
  static const char *const labels[] = {"mean action", "sampled actions"};
  static const char *const keys[] = {"mean_action", "sampled_actions"};
  const bool sampled = strcmp(name, "sampled") == 0;
  if (sampled || strcmp(name, "mean") == 0) {
    out->labels[0] = labels[sampled];
    out->keys[0] = keys[sampled];
  }
  if (o->show.actions) return TENDRIL_OK;
  TENDRIL_TRY(tendril_agent_create(s->trained.policy, true, &out->sampled, err));
  out->n = 2;
  out->agents[1] = out->sampled;
  out->labels[1] = labels[1];
  out->keys[1] = keys[1];
  return TENDRIL_OK;
}

static tendril_status evaluate(const show *s, const actors *who, const options *o, both *out,
                               tendril_error *err) {
  tendril_pool *pool = NULL;
  tendril_status status = tendril_pool_create((int)o->threads, &pool, err);
  if (status == TENDRIL_OK) status = measure(s->model, who, pool, o, &out->main, err);
  if (status == TENDRIL_OK && s->trained.task_model)
    status = measure(s->trained.model, who, pool, o, &out->as_trained, err);
  tendril_pool_destroy(pool);
  return status;
}

static int eval(const options *o) {
  tendril_error err = {{0}};
  show s = {0};
  actors who = {0};
  both results = {0};
  const char *sim[5] = {0};
  int n = 0;
  if (o->integrator) sim[n++] = "integrator", sim[n++] = o->integrator;
  if (o->physics_steps) sim[n++] = "physics_steps", sim[n++] = o->physics_steps;
  show_options opened = o->show;
  opened.sim = sim;
  tendril_status status = show_open(&opened, &s, &err);
  if (status == TENDRIL_OK) status = list_actors(&s, o, &who, &err);
  if (status == TENDRIL_OK) status = evaluate(&s, &who, o, &results, &err);
  if (status == TENDRIL_OK && !o->json) print_table(&s, &results, o);
  if (status == TENDRIL_OK && o->json) status = print_json(&s, &results, o, &err);
  free(results.main.returns);
  free(results.as_trained.returns);
  tendril_agent_destroy(who.sampled);
  show_close(&s);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  static const cli_command *const kinds[] = {&cmd_eval_push, &cmd_eval_robust, &cmd_eval_terrain,
                                             &cmd_eval_noise};
  int status;
  if (cli_run_kind(&cmd_eval, kinds, sizeof kinds / sizeof kinds[0], argc, argv, &status))
    return status;
  options o = {.episodes = 100, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_INTEGER, "episodes",      0, "N",    "episodes of each kind of action (100)", &o.episodes},
    {CLI_INTEGER, "seed",          0, "N",    "seed of the start states and the noise (1)", &o.seed},
    {CLI_INTEGER, "threads",       0, "N",    "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXT,    "integrator",    0, "NAME", "one evaluation, with this integrator in place of the training's: task, euler, rk4 or implicit", &o.integrator},
    {CLI_TEXT,    "physics-steps", 0, "N",    "one evaluation, with so many MuJoCo steps per control step", &o.physics_steps},
    SHOW_OPTIONS(o.show),
    {CLI_FLAG,    "json",          0, NULL,   "everything as JSON, each episode's return included", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  status =
      cli_parse(&cmd_eval, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  status = cli_check_range(&cmd_eval, "episodes", o.episodes, 1, 1000000);
  if (status == EXIT_OK) status = cli_check_range(&cmd_eval, "threads", o.threads, 0, 1024);
  if (status != EXIT_OK) return status;
  o.show.what = arguments.at[0];
  o.show.planners = 1;
  return eval(&o);
}

const cli_command cmd_eval = {
    .name = "eval",
    .usage = "RUN|TASK [options], RUN being a folder, a checkpoint or a trajectory\n"
             "       tendril eval push RUN|TASK [options]\n"
             "       tendril eval robust RUN|TASK [options]\n"
             "       tendril eval terrain RUN|TASK [options]\n"
             "       tendril eval noise RUN|TASK [options]",
    .summary = "measure a policy or another agent: returns over many episodes, with their spread",
    .example = "  tendril eval runs/hopper\n"
               "  tendril eval runs/hopper --checkpoint last --episodes 20 --json\n"
               "  tendril eval walker-gps --actions mpc --episodes 4\n"
               "  tendril eval push runs/hopper -o push.svg\n"
               "  tendril eval robust runs/hopper --box general\n"
               "  tendril eval terrain runs/hopper -o terrain.svg\n"
               "  tendril eval noise runs/gait -o noise.svg\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

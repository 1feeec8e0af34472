// tendril bench: figures of this machine, each a ratio to a bare mj_step loop of the same run.
#include "bench.h"

#include <string.h>

tendril_status bench_subject_open(const bench_options *o, bench_subject *out, tendril_error *err) {
  bench_subject s = {0};
  tendril_trained trained = {0};
  tendril_status status = cli_tasks(&o->plugins, &s.tasks, err);
  if (status == TENDRIL_OK && o->run) {
    status = tendril_trained_open(s.tasks, o->run, NULL, NULL, &trained, err);
    s.config = trained.config;
    s.model = trained.model;
    s.policy = trained.policy;
  } else if (status == TENDRIL_OK) {
    status = cli_configure(s.tasks, o->task, NULL, o->preset, NULL, &o->set, &s.config, err);
    if (status == TENDRIL_OK) status = tendril_tasks_model(s.tasks, o->task, NULL, &s.model, err);
  }
  if (status == TENDRIL_OK)
    *out = s;
  else
    bench_subject_close(&s);
  return status;
}

void bench_subject_close(bench_subject *s) {
  tendril_policy_destroy(s->policy);
  tendril_model_destroy(s->model);
  tendril_config_destroy(s->config);
  tendril_tasks_destroy(s->tasks);
  *s = (bench_subject){0};
}

static int run(int argc, char **argv) {
  bench_options o = {.task = "hopper-v4", .rounds = 20, .steps = 200000, .threads = 2, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXT,    "task",    0, "NAME", "task (hopper-v4)", &o.task},
    {CLI_TEXT,    "run",     0, "RUN",  "rollout: a trained policy and its task; without it a fresh policy falls at once", &o.run},
    {CLI_TEXT,    "preset",  0, "NAME", "settings (the task's own preset)", &o.preset},
    {CLI_TEXTS,   "set",     0, "K=V",  "one setting, as for tendril train", &o.set},
    {CLI_INTEGER, "rounds",  0, "N",    "rollout: rounds, both sides in each (20)", &o.rounds},
    {CLI_INTEGER, "steps",   0, "N",    "train: control steps of each training (200000)", &o.steps},
    {CLI_INTEGER, "threads", 0, "N",    "threads compared with one (2)", &o.threads},
    {CLI_INTEGER, "seed",    0, "N",    "seed (1)", &o.seed},
    {CLI_TEXTS,   "plugin",  0, "FILE", "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,    "json",    0, NULL,   "figures as JSON", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_bench, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  if (o.rounds < 1 || o.rounds > 1000 || o.threads < 1 || o.threads > 1024)
    return cli_usage(&cmd_bench, "--rounds must be 1 to 1000, --threads 1 to 1024");
  if (o.steps < 1) return cli_usage(&cmd_bench, "--steps must be at least 1");
  if (strcmp(arguments.at[0], "rollout") == 0) return bench_rollout(&o);
  if (strcmp(arguments.at[0], "train") == 0) return bench_train(&o);
  return cli_usage(&cmd_bench, "%s: no such benchmark; choose rollout or train", arguments.at[0]);
}

const cli_command cmd_bench = {
    .name = "bench",
    .usage = "rollout|train [options]",
    .summary = "measure collecting and training against a bare mj_step loop",
    .example = "  tendril bench rollout --run runs/hopper\n  tendril bench train --steps 1000000\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

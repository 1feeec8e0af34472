// tendril bench: figures of this machine, each beside bare mj_step of the same run.
#include "bench.h"

#include <string.h>

enum { UNSET = -1 };

static int run(int argc, char **argv) {
  bench_options o = {.rounds = UNSET, .steps = UNSET, .threads = 2, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXT,    "task",    0, "NAME", "task, with a fresh policy (hopper-v4; trajopt and gps walker-gps; moto double-link and quad-link)", &o.task},
    {CLI_TEXT,    "run",     0, "RUN",  "rollout, update, record: a trained policy and its task instead", &o.run},
    {CLI_TEXT,    "preset",  0, "NAME", "settings from models/presets (the task's own; moto, gps the benchmark's)", &o.preset},
    {CLI_TEXTS,   "set",     0, "K=V",  "one setting, as for `tendril train`", &o.set},
    {CLI_INTEGER, "rounds",  0, "N",    "all but train: rounds, each with all sides in turn (20; moto, gps 10; record 5)", &o.rounds},
    {CLI_INTEGER, "rows",    0, "N",    "update: rows of a batch (5000, and 50000 beside it)", &o.rows},
    {CLI_INTEGER, "steps",   0, "N",    "control steps: train, of each training (200000); trajopt, of its episode (300)", &o.steps},
    {CLI_INTEGER, "threads", 0, "N",    "rollout, train, trajopt, moto, gps: threads to compare with one (2)", &o.threads},
    {CLI_INTEGER, "seed",    0, "N",    "seed of the policy, the start states and the noise (1)", &o.seed},
    {CLI_TEXTS,   "plugin",  0, "FILE", "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,    "json",    0, NULL,   "figures as JSON", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_bench, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  const bool trajopt = strcmp(arguments.at[0], "trajopt") == 0;
  const bool moto = strcmp(arguments.at[0], "moto") == 0;
  const bool gps = strcmp(arguments.at[0], "gps") == 0;
  if (o.rounds == UNSET)
    o.rounds = moto || gps ? 10 : strcmp(arguments.at[0], "record") == 0 ? 5 : 20;
  if (o.steps == UNSET) o.steps = trajopt ? 300 : 200000;
  if (!o.task && !moto && !gps) o.task = trajopt ? "walker-gps" : "hopper-v4";
  status = cli_check_range(&cmd_bench, "rounds", o.rounds, 1, 1000);
  if (status == EXIT_OK && trajopt)
    status = cli_check_range(&cmd_bench, "steps", o.steps, 2, 100000);
  if (status == EXIT_OK) status = cli_check_range(&cmd_bench, "threads", o.threads, 1, 1024);
  if (status == EXIT_OK) status = cli_check_range(&cmd_bench, "steps", o.steps, 1, 1000000000000);
  if (status == EXIT_OK) status = cli_check_range(&cmd_bench, "rows", o.rows, 0, 100000000);
  if (status != EXIT_OK) return status;
  if (strcmp(arguments.at[0], "rollout") == 0) return bench_rollout(&o);
  if (strcmp(arguments.at[0], "update") == 0) return bench_update(&o);
  if (strcmp(arguments.at[0], "train") == 0) return bench_train(&o);
  if (strcmp(arguments.at[0], "record") == 0) return bench_record(&o);
  if (trajopt) return bench_trajopt(&o);
  if ((moto || gps) && o.run)
    return cli_usage(&cmd_bench, "--run: %s trains policies of its own", arguments.at[0]);
  if (moto) return bench_moto(&o);
  if (gps) return bench_gps(&o);
  return cli_usage(
      &cmd_bench,
      "%s: no such benchmark; choose rollout, update, train, record, trajopt, moto or gps",
      arguments.at[0]);
}

const cli_command cmd_bench = {
    .name = "bench",
    .usage = "rollout|update|train|record|trajopt|moto|gps [options]",
    .summary = "time collecting, updates, training, trajectory optimisation, MOTO and guided "
               "policy search against bare mj_step, videos against drawing",
    .example = "  tendril bench rollout --run runs/hopper\n"
               "  tendril bench update --preset none\n"
               "  tendril bench train --task walker2d-v4 --steps 1000000\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

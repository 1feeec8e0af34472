// tendril optimize: hands over to what it is to find.
#include "cli.h"

#include <string.h>

static int run(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "gait") == 0) return cmd_optimize_gait.run(argc - 1, argv + 1);
  return cli_usage(&cmd_optimize, "nothing but a gait can be optimized");
}

const cli_command cmd_optimize = {
    .name = "optimize",
    .usage = "gait TASK [options]",
    .summary = "find a gait",
    .example = "  tendril optimize gait walker-gps -o runs/gait\n",
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};

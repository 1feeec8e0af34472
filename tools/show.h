// What is shown, recorded or played: a trained policy on its task, or a task that nobody acts in.
#ifndef TOOLS_SHOW_H
#define TOOLS_SHOW_H

#include "cli.h"

typedef struct show_options {
  const char *what;        // RUN or TASK
  const char *checkpoint;  // of a run folder, or NULL
  const char *actions;     // mean, sampled, zero or random; NULL: mean, or zero without a policy
  const char *const *sim;  // changes to the simulation, pairs that end with NULL; NULL: none
  cli_list plugins;
} show_options;

typedef struct show {
  tendril_tasks *tasks;
  tendril_trained trained;      // of a run
  tendril_model *task_model;    // of a task without a run
  const tendril_model *model;   // one of theirs: under the task's own physics
  const char *checkpoint;       // its path; "" without a run
  tendril_agent *policy_agent;  // NULL: zero or random
  const tendril_agent *agent;
  tendril_controller *controller;
} show;

tendril_status show_open(const show_options *options, show *out, tendril_error *err);
void show_close(show *s);

// "640x480" into two numbers; EXIT_OK, or EXIT_USAGE after a line. text NULL: both 0.
int show_parse_size(const cli_command *command, const char *text, int *width, int *height);
// A number above 0, of --option; text NULL: 0.
int show_parse_positive(const cli_command *command, const char *option, const char *text,
                        double *out);

#endif

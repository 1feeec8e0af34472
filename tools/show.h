// What is shown, recorded, played or judged: a task, and who acts in it: a trained policy, a
// trajectory, a gait, an MPC or nobody.
#ifndef TOOLS_SHOW_H
#define TOOLS_SHOW_H

#include "cli.h"

typedef struct show_options {
  const char *what;        // RUN or TASK
  bool is_task;            // it is a task, whatever there is of its name
  const char *checkpoint;  // of a run folder, or NULL
  const char *actions;     // a name of show_actions; NULL: what RUN has, or zero
  cli_list set;            // --set pairs of the sections sim, terrain, push and mpc
  const char *const *sim;  // further changes to the simulation, pairs that end with NULL, which
                           // come last; NULL: none
  int planners;            // threads of an agent that plans; 0: all processors
  cli_list plugins;
} show_options;

// The rows for them in a command's table of options.
// clang-format off
#define SHOW_OPTIONS(o)                                                                            \
  {CLI_TEXT,    "checkpoint", 0, "WHICH", "of a run folder: best, last, or the number of a kept iteration (best)", &(o).checkpoint}, \
  {CLI_TEXT,    "actions",    0, "WHICH", "mean or sampled of a policy, feedback or open-loop of a trajectory, simbicon or wave of a gait or the task's own, mpc, zero or random (what RUN has; zero for a task)", &(o).actions}, \
  {CLI_TEXTS,   "set",        0, "K=V",   "another simulation or planner: terrain.kind=slopes, push.newtons=200, sim.limit=2, mpc.horizon=60 and so on; may be given again", &(o).set}, \
  {CLI_TEXTS,   "plugin",     0, "FILE",  "add the tasks of a plugin (.so)", &(o).plugins}
// clang-format on

typedef struct show {
  tendril_tasks *tasks;
  tendril_trained trained;  // of a training's run
  tendril_motion motion;    // of an optimisation's
  tendril_agent *gait;  // who moves by the gait that is there, of a search or the task's own, or
                        // NULL; an MPC's first plan follows it
  tendril_model *task_model;   // of a gait, or of a task without any
  const tendril_model *model;  // one of theirs: under the task's own physics
  const char *checkpoint;      // path of the checkpoint, trajectory or gait; "" without one
  tendril_agent *own_agent;    // NULL: a gait, zero or random
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

// Experiments: a JSON file of tasks, methods and seeds becomes cells, one training each; they run
// as processes of their own, several at once, and end in a figure and a table.
// docs/reference/file-formats.md has the file's members.
#ifndef TND_EXPERIMENT_H
#define TND_EXPERIMENT_H

#include "base/file.h"
#include "run/curve.h"
#include "view/figure.h"

#include <signal.h>

enum { TND_LEVELS_MAX = 8 };

typedef struct tnd_experiment_task {
  const char *name;
  int nthreshold, nlevel;
  double thresholds[TND_LEVELS_MAX];  // what steps and CPU seconds are counted to
  tnd_level levels[TND_LEVELS_MAX];   // reference lines of the figure
} tnd_experiment_task;

typedef struct tnd_experiment_method {
  const char *name;
  char folder[64];  // its name as part of a path
} tnd_experiment_method;

typedef enum tnd_cell_state {
  TND_CELL_NEW,
  TND_CELL_BEGUN,  // stopped on its way, by whatever
  TND_CELL_FAILED,
  TND_CELL_FINISHED,
} tnd_cell_state;

// One training.
typedef struct tnd_cell {
  int task, method;
  int64_t seed;
  char *command;  // "tendril train swimmer --seed 1 ...", for a shell
  char **words;   // [nword] the same, from "train" on
  int nword;
  char run[TND_PATH_MAX];     // its run folder
  char record[TND_PATH_MAX];  // what became of it, a JSON file beside the folder
  tnd_cell_state state;
  char *error;    // of a failed one
  cJSON *result;  // of a finished one: what `tendril train --json` said
} tnd_cell;

typedef struct tnd_experiment {
  char *name;  // of the file, without folder and .json
  const char *summary, *title, *y;
  tnd_axis x;
  int smooth;
  bool quick;
  int ntask, nmethod, nseed, ncell;
  tnd_experiment_task *tasks;      // [ntask]
  tnd_experiment_method *methods;  // [nmethod]
  tnd_cell *cells;                 // [ncell] tasks, in them methods, in them seeds
  cJSON *json;                     // what the texts belong to
} tnd_experiment;

// The folder of the shipped experiments; path [TND_PATH_MAX].
TENDRIL_MUST_CHECK tendril_status tnd_experiments_folder(char *path, tendril_error *err);

// @param name   of a shipped experiment, or the path of a file: has a / or ends in .json
// @param seeds  how many, 1 to that; 0: as the file says
// @param quick  everything shrunk as the file says, to test the whole
// @param out    owned by the caller, tnd_experiment_destroy()
// @return E_UNKNOWN for a name, E_CONFIG for a member that is wrong: "x.json: methods[2]: ..."
TENDRIL_MUST_CHECK tendril_status tnd_experiment_open(const char *name, int seeds, bool quick,
                                                      tnd_experiment **out, tendril_error *err);
void tnd_experiment_destroy(tnd_experiment *experiment);

typedef struct tnd_experiment_progress {
  int ncell, finished, failed, running;
  double fraction;        // of all steps and iterations
  double seconds, eta;    // NAN as long as nothing is known
  const tnd_cell *ended;  // the cell that just ended, or NULL
} tnd_experiment_progress;

typedef struct tnd_experiment_setup {
  const char *folder;   // of the experiment, made
  const char *program;  // whose `train` is called
  int jobs;             // trainings at once, at least 1
  bool force;           // finished cells are run again
  int nplugin;
  const char *const *plugins;         // [nplugin]
  const volatile sig_atomic_t *stop;  // 1: cells write their checkpoints and stop; 2: at once; NULL
  void (*progress)(void *user, const tnd_experiment_progress *progress);
  void *user;
} tnd_experiment_setup;

// Runs what is not finished. A cell that fails is no error here: see its state.
// @return E_EXISTS if the folder holds cells of another experiment, or one that is running
TENDRIL_MUST_CHECK tendril_status tnd_experiment_run(tnd_experiment *experiment,
                                                     const tnd_experiment_setup *setup,
                                                     tendril_error *err);

// figure.svg, results.md and results.json of the finished cells into the folder.
// @param markdown, json  what is in the two files; owned by the caller, tnd_free()
TENDRIL_MUST_CHECK tendril_status tnd_experiment_report(const tnd_experiment *experiment,
                                                        const char *folder, char **markdown,
                                                        char **json, tendril_error *err);

#endif

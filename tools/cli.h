// What the commands share: their options as tables (parsing, `--help` and suggestions come from the
// table), exit statuses, error lines.
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include "base/buffer.h"

#include <signal.h>
#include <stdio.h>

#include <tendril/tendril.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef enum cli_kind {
  CLI_FLAG,     // bool *
  CLI_TEXT,     // const char **
  CLI_TEXTS,    // cli_list *, may be given again and again
  CLI_INTEGER,  // int64_t *, 0 or more
} cli_kind;

enum { CLI_LIST_MAX = 1024 };
typedef struct cli_list {
  int n;
  const char *at[CLI_LIST_MAX];
} cli_list;

typedef struct cli_option {
  cli_kind kind;
  const char *name;      // without the dashes
  char letter;           // 0: none
  const char *argument;  // its name in the help; NULL for a flag
  const char *help;
  void *value;
} cli_option;

typedef struct cli_command {
  const char *name;
  const char *usage;    // after "tendril NAME"
  const char *summary;  // one line
  const char *example;  // lines of shell
  int min_arguments, max_arguments;
  int (*run)(int argc, char **argv);  // argv[0] is the command's name
} cli_command;

// of cmd_eval
extern const cli_command cmd_eval_push, cmd_eval_robust, cmd_eval_terrain, cmd_eval_noise;
extern const cli_command cmd_optimize_gait;  // of cmd_optimize
extern const cli_command cmd_list, cmd_train, cmd_optimize, cmd_eval, cmd_play, cmd_record,
    cmd_plot, cmd_experiment, cmd_bench;

// Parses argv[1..argc-1] by the table (n options); arguments go to `arguments`. Prints the help and
// sets *help for --help. EXIT_OK, or EXIT_USAGE after an error line.
int cli_parse(const cli_command *command, const cli_option *options, int n, int argc, char **argv,
              cli_list *arguments, bool *help);

// The command as one of its kinds: "eval push" of "eval", if argv[1] is push. False if it is none;
// else it was run, or a word that is near one and no file, with another argument behind it, was
// asked about. *status: how that ended.
bool cli_run_kind(const cli_command *command, const cli_command *const *kinds, int n, int argc,
                  char **argv, int *status);

// "tendril: text" on standard error; the exit status for a library status: EXIT_USAGE if something
// was asked for that can't be (a name, a setting, an output that is there already), EXIT_FAILED for
// all else (a missing or damaged file, memory, disk, physics). err NULL: the status tells it all.
int cli_fail(tendril_status status, const tendril_error *err);
// "tendril COMMAND: text; see tendril COMMAND --help"; command NULL: the program itself.
// EXIT_USAGE.
int cli_usage(const cli_command *command, const char *format, ...) TENDRIL_FORMAT(2, 3);
// EXIT_OK if min <= value <= max, else EXIT_USAGE after a line about --option.
int cli_check_range(const cli_command *command, const char *option, int64_t value, int64_t min,
                    int64_t max);

// SIGINT, SIGTERM and SIGHUP call it; the last not if it was ignored, as nohup and the like have
// it.
void cli_catch_signals(void (*handler)(int));
// The flag that the first of them sets, after it has written `line` (constant) on standard error,
// unless quiet; the second ends the program.
const volatile sig_atomic_t *cli_stop_on_signals(const char *line, bool quiet);

// Tasks with the plugins loaded.
tendril_status cli_tasks(const cli_list *plugins, tendril_tasks **out, tendril_error *err);

// Configuration of a task: defaults, preset (NULL: the task's own if it has one; "none"), the
// user's file (may be NULL), --set pairs. learner NULL: trpo.
tendril_status cli_configure(const tendril_tasks *tasks, const char *task, const char *learner,
                             const char *preset, const char *file, const cli_list *set,
                             tendril_config **out, tendril_error *err);

// Changes to a simulation, as tendril_trained_open() takes them, and to a planner: pairs that end
// with NULL.
enum { CLI_MAX_CHANGES = 64 };
typedef struct cli_changes {
  const char *sim[2 * CLI_MAX_CHANGES + 1];  // keys "sim.limit", "terrain.kind", "push.time"
  const char *mpc[2 * CLI_MAX_CHANGES + 1];  // "mpc.horizon"
  char keys[CLI_MAX_CHANGES][64];
} cli_changes;
// Of --set pairs, then the pairs of `ours` (NULL: none), which are of the simulation and borrowed;
// values are judged where they are used. *out must stay where it is.
tendril_status cli_changes_read(const cli_list *set, const char *const *ours, cli_changes *out,
                                tendril_error *err);
// A task's own simulation with changes; NULL: none.
tendril_status cli_sim_options(const char *const *changes, tendril_sim_options *out,
                               tendril_error *err);
// The planner's defaults with changes.
tendril_status cli_mpc_options(const char *const *changes, tendril_mpc_options *out,
                               tendril_error *err);

// For scandir() in a folder of presets or experiments.
struct dirent;
int cli_is_json(const struct dirent *entry);

// A number as a person writes it: 12345678 -> "12.3M".
const char *cli_count(double value, char text[16]);
// Seconds as "1:02:03" or "2:03".
const char *cli_time(double seconds, char text[24]);
// A word for a command line that is to be copied, quoted where the shell needs it.
void cli_put_word(FILE *file, const char *word);

// A JSON document in the making; starts as {0}. Names are NULL inside lists and at the top.
typedef struct cli_json {
  tnd_buffer out;
  int depth;    // open brackets
  bool filled;  // the innermost one has a member
} cli_json;

void cli_json_open(cli_json *json, const char *name, char bracket);  // '{' or '['
void cli_json_close(cli_json *json, char bracket);
void cli_json_text(cli_json *json, const char *name, const char *value);  // any bytes
void cli_json_number(cli_json *json, const char *name, double value);     // null if not finite
void cli_json_flag(cli_json *json, const char *name, bool value);
// The document as a text, tendril_text_destroy(); releases it.
TENDRIL_MUST_CHECK tendril_status cli_json_take(cli_json *json, char **out, tendril_error *err);
// The document on standard output; releases it.
TENDRIL_MUST_CHECK tendril_status cli_json_print(cli_json *json, tendril_error *err);

#endif

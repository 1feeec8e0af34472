// What the commands `tendril eval ...` share.
#ifndef TOOLS_EVAL_H
#define TOOLS_EVAL_H

#include "show.h"

#include "base/buffer.h"

enum { EVAL_MAX_NUMBERS = 4096 };

typedef struct eval_numbers {
  int n;
  double at[EVAL_MAX_NUMBERS];
} eval_numbers;

// "10,20,50:200:50": numbers and ranges FROM:TO:STEP, in --option. EXIT_OK, or EXIT_USAGE after a
// line.
int eval_parse_numbers(const cli_command *command, const char *option, const char *text,
                       eval_numbers *out);
// A number of --option from min to max; text NULL: *out stays as it is.
int eval_parse_number(const cli_command *command, const char *option, const char *text, double min,
                      double max, double *out);

// One line on a terminal that is rewritten; anywhere else nothing. user: an eval_progress.
typedef struct eval_progress {
  const char *what;  // "rollouts"
  double begin;
  bool shown;
} eval_progress;
void eval_show_progress(void *user, int64_t done, int64_t total);
void eval_end_progress(eval_progress *progress);

// What a command found, in the forms that a user can ask for; user is handed to all of them.
typedef struct eval_report {
  void (*print)(const void *user);  // a table for people
  void (*put_json)(cli_json *json, const void *user);
  void (*put_csv)(tnd_buffer *out, const void *user);
  tendril_status (*draw)(const void *user, const char *path, tendril_error *err);
  const void *user;
} eval_report;

// EXIT_OK if all of -o end in .json, .csv, .svg, .png or .pdf and can be written.
int eval_check_outputs(const cli_command *command, const cli_list *outputs);
// JSON on standard output, or the table; then the files of -o by their endings. One that fails
// keeps nothing else from being written; the first failure is returned.
tendril_status eval_report_write(const eval_report *report, const cli_list *outputs, bool json,
                                 tendril_error *err);
// mean, sd, median, low, high, min, max, into the object that is open.
void eval_put_summary(cli_json *json, const tendril_summary *s);
// An object of n and, unless it is 0, those.
void eval_put_counted(cli_json *json, const char *name, const tendril_summary *s);

#endif

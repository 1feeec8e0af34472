// What the commands `tendril eval ...` share.
#ifndef TOOLS_EVAL_H
#define TOOLS_EVAL_H

#include "show.h"

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

// Files by the ends of their names. EXIT_OK if all of -o end in one of `endings` (NULL-terminated).
int eval_check_outputs(const cli_command *command, const cli_list *outputs,
                       const char *const *endings);
bool eval_ends_in(const char *path, const char *ending);

#endif

// See log.h. Columns that depend on the clock come last.
#include "run/log.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "run/events.h"
#include "run/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// those from AS_TRAINED on only if the training's physics are not the task's own, SUCCEEDED of both
// only if the task has a goal
static const char *const eval_names[] = {"iteration",
                                         "steps",
                                         "return_mean",
                                         "return_sd",
                                         "return_min",
                                         "return_max",
                                         "length_mean",
                                         "terminated",
                                         "truncated",
                                         "diverged",
                                         "succeeded",
                                         "eval_steps",
                                         "as_trained_return_mean",
                                         "as_trained_return_sd",
                                         "as_trained_return_min",
                                         "as_trained_return_max",
                                         "as_trained_length_mean",
                                         "as_trained_terminated",
                                         "as_trained_truncated",
                                         "as_trained_diverged",
                                         "as_trained_succeeded",
                                         "as_trained_eval_steps"};
static const char *const clock_names[] = {"seconds", "steps_per_second", "physics_share",
                                          "cpu_seconds"};
enum {
  NEVAL = sizeof eval_names / sizeof eval_names[0],
  NCLOCK = sizeof clock_names / sizeof clock_names[0],
  NHEAD = 2,  // iteration, steps
  NRESULT = 10,
  SUCCEEDED = 8,  // of those
  AS_TRAINED = NHEAD + NRESULT
};

struct tnd_log {
  const tendril_stat *stats;  // [nstat]
  int nstat;
  int physics;         // which of them is the time in mj_step; -1: none
  int neval;           // columns of evaluations
  int columns[NEVAL];  // [neval] which of the names
  tnd_table *progress, *evaluations;
  tnd_events *events;
  double *row;  // [NHEAD + nstat + NCLOCK]
};

static tendril_status open_table(const char *path, const char *const *names, int n, bool resume,
                                 int64_t iteration, tnd_table **out, tendril_error *err) {
  return resume ? tnd_table_open_at(path, names, n, iteration, out, err)
                : tnd_table_create(path, names, n, out, err);
}

static tendril_status open_progress(tnd_log *log, const char *path, bool resume, int64_t iteration,
                                    tendril_error *err) {
  const int n = NHEAD + log->nstat + NCLOCK;
  const char **names = tnd_alloc((size_t)n * sizeof *names);
  if (!names) return tnd_fail_memory(err);
  memcpy(names, eval_names, NHEAD * sizeof *names);
  for (int i = 0; i < log->nstat; i++)
    names[NHEAD + i] = log->stats[i].name;
  memcpy(names + NHEAD + log->nstat, clock_names, NCLOCK * sizeof *names);
  tendril_status status = open_table(path, names, n, resume, iteration, &log->progress, err);
  tnd_free(names);
  return status;
}

static tendril_status open_evaluations(tnd_log *log, const char *path, bool resume,
                                       int64_t iteration, tendril_error *err) {
  const char *names[NEVAL];
  for (int i = 0; i < log->neval; i++)
    names[i] = eval_names[log->columns[i]];
  return open_table(path, names, log->neval, resume, iteration, &log->evaluations, err);
}

static tendril_status open_all(tnd_log *log, const tnd_folder *folder, bool resume,
                               int64_t iteration, int64_t steps, tendril_error *err) {
  log->row = tnd_alloc(sizeof *log->row * (size_t)(NHEAD + log->nstat + NCLOCK));
  if (!log->row) return tnd_fail_memory(err);
  TENDRIL_TRY(open_progress(log, folder->progress, resume, iteration, err));
  TENDRIL_TRY(open_evaluations(log, folder->evaluations, resume, iteration, err));
  return resume ? tnd_events_open_at(folder->events, steps, &log->events, err)
                : tnd_events_create(folder->root, tnd_clock_date(), &log->events, err);
}

tendril_status tnd_log_open(const tnd_folder *folder, const tendril_stat *stats, int nstat,
                            bool two_physics, bool goal, bool resume, int64_t iteration,
                            int64_t steps, tnd_log **out, tendril_error *err) {
  tnd_log *log = tnd_alloc(sizeof *log);
  if (!log) return tnd_fail_memory(err);
  *log = (tnd_log){.stats = stats, .nstat = nstat, .physics = -1};
  for (int i = 0; i < (two_physics ? NEVAL : AS_TRAINED); i++)
    if (goal || i < NHEAD || (i - NHEAD) % NRESULT != SUCCEEDED) log->columns[log->neval++] = i;
  for (int i = 0; i < nstat; i++)
    if (strcmp(stats[i].name, "physics_seconds") == 0) log->physics = i;
  tendril_status status = open_all(log, folder, resume, iteration, steps, err);
  if (status == TENDRIL_OK)
    *out = log;
  else
    tnd_log_close(log);
  return status;
}

void tnd_log_close(tnd_log *log) {
  if (!log) return;
  tnd_events_destroy(log->events);
  tnd_table_destroy(log->evaluations);
  tnd_table_destroy(log->progress);
  tnd_free(log->row);
  tnd_free(log);
}

// One scalar under "group/name"; what is not a number has no point in a plot.
static tendril_status add_event(tnd_log *log, const char *group, const char *name, int64_t steps,
                                double value, tendril_error *err) {
  char tag[128];
  if (!isfinite(value)) return TENDRIL_OK;
  snprintf(tag, sizeof tag, "%s/%s", group, name);
  return tnd_events_scalar(log->events, tag, steps, tnd_clock_date(), value, err);
}

tendril_status tnd_log_iteration(tnd_log *log, int64_t iteration, int64_t steps, int64_t taken,
                                 const double *values, const tnd_log_times *times,
                                 tendril_error *err) {
  const double physics = log->physics >= 0 ? values[log->physics] : (double)NAN;
  const double clock[NCLOCK] = {times->since_start, (double)taken / times->wall,
                                physics / times->cpu, times->cpu};
  log->row[0] = (double)iteration;
  log->row[1] = (double)steps;
  memcpy(log->row + NHEAD, values, sizeof *values * (size_t)log->nstat);
  memcpy(log->row + NHEAD + log->nstat, clock, sizeof clock);
  TENDRIL_TRY(tnd_table_row(log->progress, log->row, err));
  for (int i = 0; i < log->nstat; i++)
    TENDRIL_TRY(add_event(log, "train", log->stats[i].name, steps, values[i], err));
  for (int i = 0; i < NCLOCK; i++)
    TENDRIL_TRY(add_event(log, "clock", clock_names[i], steps, clock[i], err));
  return tnd_events_flush(log->events, err);
}

static void put_result(double *row, const tendril_eval_result *r) {
  const double values[NRESULT] = {r->returns.mean, r->returns.sd,   r->returns.min, r->returns.max,
                                  r->lengths.mean, r->terminated,   r->truncated,   r->diverged,
                                  r->succeeded,    (double)r->steps};
  memcpy(row, values, sizeof values);
}

tendril_status tnd_log_evaluation(tnd_log *log, int64_t iteration, int64_t steps,
                                  const tendril_eval_result *result,
                                  const tendril_eval_result *as_trained, tendril_error *err) {
  double all[NEVAL] = {(double)iteration, (double)steps}, row[NEVAL];
  put_result(all + NHEAD, result);
  if (as_trained) put_result(all + AS_TRAINED, as_trained);
  for (int i = 0; i < log->neval; i++)
    row[i] = all[log->columns[i]];
  TENDRIL_TRY(tnd_table_row(log->evaluations, row, err));
  for (int i = NHEAD; i < log->neval; i++)
    TENDRIL_TRY(add_event(log, "eval", eval_names[log->columns[i]], steps, row[i], err));
  return tnd_events_flush(log->events, err);
}

tendril_status tnd_log_sync(tnd_log *log, tendril_error *err) {
  TENDRIL_TRY(tnd_table_sync(log->progress, err));
  TENDRIL_TRY(tnd_table_sync(log->evaluations, err));
  return tnd_events_sync(log->events, err);
}

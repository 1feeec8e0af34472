// What an experiment found: a figure, and for each task a table of its methods, as Markdown and as
// JSON, with the command of every cell. Numbers are of the smoothed curves that the figure shows.
#include "run/experiment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "run/curves_draw.h"

#include <tendril/eval.h>

// The values of one row of a table, a number a seed.
typedef struct row {
  const tnd_experiment *e;
  const tnd_curve *curves;   // of the finished cells, in their order
  const tnd_curve *success;  // of the same ones, the success rate of their evaluations
  bool goal;                 // the task has one
  int task, method;
  int n;           // finished cells
  double *values;  // [nseed] scratch
} row;

typedef double (*measure)(const tnd_curve *curve, const tnd_cell *cell, double parameter);

// The measure of each finished cell of the row into its values; those that are not finite are left
// out. Returns how many there are.
static int gather(const row *r, measure of, double parameter) {
  int n = 0, k = 0;  // k: the finished cell's curve
  for (int i = 0; i < r->e->ncell; i++) {
    const tnd_cell *cell = &r->e->cells[i];
    if (cell->state != TND_CELL_FINISHED) continue;
    const tnd_curve *curve = &r->curves[k++];
    if (cell->task != r->task || cell->method != r->method) continue;
    const double value = of(curve, cell, parameter);
    if (isfinite(value)) r->values[n++] = value;
  }
  return n;
}

static double final_of(const tnd_curve *curve, const tnd_cell *cell, double parameter) {
  (void)cell, (void)parameter;
  return curve->n ? curve->y[curve->n - 1] : (double)NAN;
}

static double best_of(const tnd_curve *curve, const tnd_cell *cell, double parameter) {
  (void)cell, (void)parameter;
  double best = (double)NAN;
  for (int i = 0; i < curve->n; i++)
    best = fmax(best, curve->y[i]);  // of a number and NAN it is the number
  return best;
}

static double held_of(const tnd_curve *curve, const tnd_cell *cell, double parameter) {
  (void)curve, (void)parameter;
  const cJSON *held = cJSON_GetObjectItemCaseSensitive(cell->result, "held");
  return cJSON_IsNumber(held) ? held->valuedouble : (double)NAN;
}

static double steps_of(const tnd_curve *curve, const tnd_cell *cell, double parameter) {
  (void)cell, (void)parameter;
  return curve->steps;
}

static double cpu_of(const tnd_curve *curve, const tnd_cell *cell, double parameter) {
  (void)cell, (void)parameter;
  return curve->cpu;
}

static double steps_to(const tnd_curve *curve, const tnd_cell *cell, double level) {
  (void)cell;
  return tnd_curve_reaches(curve, TND_AXIS_STEPS, level);
}

static double cpu_to(const tnd_curve *curve, const tnd_cell *cell, double level) {
  (void)cell;
  return tnd_curve_reaches(curve, TND_AXIS_CPU, level);
}

// *out of the measured values; n 0 if there are none.
static tendril_status sum_up(const row *r, measure of, double parameter, tendril_summary *out,
                             tendril_error *err) {
  const int n = gather(r, of, parameter);
  *out = (tendril_summary){0};
  return n ? tendril_summarise(r->values, n, 1, out, err) : TENDRIL_OK;
}

// ------------------------------------------------------------------------------------------- text

// 250k, 1.52M, 317, 3.17: three digits.
static void put_count(tnd_buffer *out, double value) {
  if (value >= 1e6)
    tnd_buffer_format(out, "%.2fM", value / 1e6);
  else if (value >= 1e4)
    tnd_buffer_format(out, "%.0fk", value / 1e3);
  else if (value >= 100)
    tnd_buffer_format(out, "%.0f", value);
  else
    tnd_buffer_format(out, "%.3g", value);
}

static void put_return(tnd_buffer *out, double value) {
  tnd_buffer_format(out, fabs(value) >= 100 ? "%.0f" : "%.2f", value);
}

// A text in a cell of a Markdown table.
static void put_cell_text(tnd_buffer *out, const char *text) {
  for (; *text; text++) {
    if (*text == '|') tnd_buffer_text(out, "\\");
    tnd_buffer_add(out, *text == '\n' ? " " : text, 1);
  }
}

// How many of the n seeds a number is of, unless it is of all.
static void put_share(tnd_buffer *out, const tendril_summary *s, int n) {
  if (s->n < n) tnd_buffer_format(out, " (%d of %d)", s->n, n);
}

// The median over the seeds that reached a level.
static void put_reached(tnd_buffer *out, const tendril_summary *s, int n) {
  if (s->n)
    put_count(out, s->median);
  else
    tnd_buffer_text(out, "-");
  put_share(out, s, n);
  tnd_buffer_text(out, " | ");
}

// -------------------------------------------------------------------------------------- one row

static cJSON *add_summary(cJSON *object, const char *name, const tendril_summary *s) {
  cJSON *item = cJSON_AddObjectToObject(object, name);
  const bool done = item && cJSON_AddNumberToObject(item, "n", s->n) &&
                    (s->n == 0 || (cJSON_AddNumberToObject(item, "mean", s->mean) &&
                                   cJSON_AddNumberToObject(item, "median", s->median) &&
                                   cJSON_AddNumberToObject(item, "low", s->low) &&
                                   cJSON_AddNumberToObject(item, "high", s->high) &&
                                   cJSON_AddNumberToObject(item, "min", s->min) &&
                                   cJSON_AddNumberToObject(item, "max", s->max)));
  return done ? item : NULL;
}

// What seeds took to a level.
static tendril_status put_level(const row *r, double level, tnd_buffer *text, cJSON *object,
                                tendril_error *err) {
  tendril_summary steps, cpu;
  TENDRIL_TRY(sum_up(r, steps_to, level, &steps, err));
  TENDRIL_TRY(sum_up(r, cpu_to, level, &cpu, err));
  if (!cJSON_AddNumberToObject(object, "level", level) || !add_summary(object, "steps", &steps) ||
      !add_summary(object, "cpu_seconds", &cpu))
    return tnd_fail_memory(err);
  put_reached(text, &steps, r->n);
  put_reached(text, &cpu, r->n);
  return TENDRIL_OK;
}

// The success rate of the last evaluations, and what seeds took to one of which all episodes
// succeed.
static tendril_status put_success(const row *r, tnd_buffer *text, cJSON *object,
                                  tendril_error *err) {
  row of = *r;
  of.curves = r->success;
  tendril_summary final;
  cJSON *item = cJSON_AddObjectToObject(object, "success");
  if (!item) return tnd_fail_memory(err);
  TENDRIL_TRY(sum_up(&of, final_of, 0, &final, err));
  if (!add_summary(item, "final", &final)) return tnd_fail_memory(err);
  if (final.n)
    tnd_buffer_format(text, "%.0f %%", 100 * final.mean);
  else
    tnd_buffer_text(text, "-");
  put_share(text, &final, r->n);
  tnd_buffer_text(text, " | ");
  return put_level(&of, 1, text, item, err);
}

// What seeds took to each of the task's thresholds.
static tendril_status put_thresholds(const row *r, tnd_buffer *text, cJSON *object,
                                     tendril_error *err) {
  const tnd_experiment_task *task = &r->e->tasks[r->task];
  cJSON *list = cJSON_AddArrayToObject(object, "thresholds");
  if (!list) return tnd_fail_memory(err);
  for (int i = 0; i < task->nthreshold; i++) {
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
      cJSON_Delete(item);
      return tnd_fail_memory(err);
    }
    TENDRIL_TRY(put_level(r, task->thresholds[i], text, item, err));
  }
  return TENDRIL_OK;
}

static tendril_status put_row(const row *r, tnd_buffer *text, cJSON *object, tendril_error *err) {
  static const struct {
    const char *name;
    measure of;
  } measures[] = {{"final", final_of},
                  {"best", best_of},
                  {"held", held_of},
                  {"steps", steps_of},
                  {"cpu_seconds", cpu_of}};
  enum { FINAL, BEST, HELD, STEPS, CPU, N };
  tendril_summary s[N];
  const char *name = r->e->methods[r->method].name;
  if (!cJSON_AddStringToObject(object, "name", name)) return tnd_fail_memory(err);
  for (int i = 0; i < N; i++) {
    TENDRIL_TRY(sum_up(r, measures[i].of, 0, &s[i], err));
    if (!add_summary(object, measures[i].name, &s[i])) return tnd_fail_memory(err);
  }
  tnd_buffer_text(text, "| ");
  put_cell_text(text, name);
  tnd_buffer_format(text, " | %d | ", r->n);
  if (s[FINAL].n) {
    put_return(text, s[FINAL].mean);
    put_share(text, &s[FINAL], r->n);
    tnd_buffer_text(text, " | ");
    put_return(text, s[FINAL].low);
    tnd_buffer_text(text, " .. ");
    put_return(text, s[FINAL].high);
    tnd_buffer_text(text, " | ");
    put_return(text, s[FINAL].median);
    tnd_buffer_text(text, " | ");
    put_return(text, s[BEST].mean);
  } else {
    tnd_buffer_text(text, "-");
    put_share(text, &s[FINAL], r->n);
    tnd_buffer_text(text, " | - | - | -");
  }
  tnd_buffer_text(text, " | ");
  if (s[HELD].n)
    put_return(text, s[HELD].median);
  else
    tnd_buffer_text(text, "-");
  tnd_buffer_text(text, " | ");
  if (r->goal) TENDRIL_TRY(put_success(r, text, object, err));
  TENDRIL_TRY(put_thresholds(r, text, object, err));
  put_count(text, s[STEPS].median);
  tnd_buffer_text(text, " | ");
  put_count(text, s[CPU].median);
  tnd_buffer_text(text, " |\n");
  return TENDRIL_OK;
}

static cJSON *add_cell(cJSON *list, const tnd_cell *cell) {
  static const char *const states[] = {"not begun", "begun", "failed", "finished"};
  cJSON *item = cJSON_CreateObject();
  if (!item || !cJSON_AddItemToArray(list, item)) {
    cJSON_Delete(item);
    return NULL;
  }
  bool done = cJSON_AddNumberToObject(item, "seed", (double)cell->seed) &&
              cJSON_AddStringToObject(item, "state", states[cell->state]) &&
              cJSON_AddStringToObject(item, "command", cell->command) &&
              cJSON_AddStringToObject(item, "run", cell->run);
  if (done && cell->state == TND_CELL_FAILED)
    done = cJSON_AddStringToObject(item, "error", cell->error ? cell->error : "") != NULL;
  if (done && cell->result) {
    cJSON *copy = cJSON_Duplicate(cell->result, true);
    done = copy && cJSON_AddItemToObject(item, "result", copy);
    if (!done) cJSON_Delete(copy);
  }
  return done ? item : NULL;
}

// A row of the table; none if the experiment leaves the method out for this task.
static tendril_status put_method(row *r, tnd_buffer *text, cJSON *methods, tendril_error *err) {
  cJSON *object = NULL, *cells = NULL;
  r->n = 0;
  for (int i = 0; i < r->e->ncell; i++) {
    const tnd_cell *cell = &r->e->cells[i];
    if (cell->task != r->task || cell->method != r->method) continue;
    r->n += cell->state == TND_CELL_FINISHED;
    if (!object) {
      object = cJSON_CreateObject();
      if (!object || !cJSON_AddItemToArray(methods, object)) {
        cJSON_Delete(object);
        return tnd_fail_memory(err);
      }
      cells = cJSON_AddArrayToObject(object, "cells");
    }
    if (!cells || !add_cell(cells, cell)) return tnd_fail_memory(err);
  }
  return object ? put_row(r, text, object, err) : TENDRIL_OK;
}

// ---------------------------------------------------------------------------------------- tables

static void put_head(const tnd_experiment_task *task, bool goal, tnd_buffer *text) {
  tnd_buffer_format(text,
                    "\n## %s\n\n| method | seeds | final: mean | 95 %% interval | median | best: "
                    "mean | held: median | ",
                    task->name);
  if (goal) tnd_buffer_text(text, "success | steps to 100 % | CPU s to 100 % | ");
  for (int i = 0; i < task->nthreshold; i++)
    tnd_buffer_format(text, "steps to %.6g | CPU s to %.6g | ", task->thresholds[i],
                      task->thresholds[i]);
  tnd_buffer_text(text, "steps | CPU s |\n|---|---|---|---|---|---|---|");
  for (int i = 0; i < 2 * task->nthreshold + (goal ? 3 : 0) + 2; i++)
    tnd_buffer_text(text, "---|");
  tnd_buffer_text(text, "\n");
}

static void put_levels(const tnd_experiment_task *task, tnd_buffer *text) {
  for (int i = 0; i < task->nlevel; i++) {
    tnd_buffer_text(text, i ? "; " : "\nTo compare with: ");
    tnd_buffer_format(text, "%s, ", task->levels[i].name);
    put_return(text, task->levels[i].y);
  }
  if (task->nlevel) tnd_buffer_text(text, ".\n");
}

// Whether one of the task's runs counted how often it reached a goal.
static bool has_goal(const tnd_experiment *e, const tnd_curve *success, int task) {
  int k = 0;  // the finished cell's curve
  for (int i = 0; i < e->ncell; i++) {
    if (e->cells[i].state != TND_CELL_FINISHED) continue;
    if (success[k++].n && e->cells[i].task == task) return true;
  }
  return false;
}

// success: as of a row
static tendril_status put_tasks(const tnd_experiment *e, const tnd_curves *curves,
                                const tnd_curve *success, double *scratch, tnd_buffer *text,
                                cJSON *object, tendril_error *err) {
  cJSON *tasks = cJSON_AddArrayToObject(object, "tasks");
  if (!tasks) return tnd_fail_memory(err);
  for (int t = 0; t < e->ntask; t++) {
    cJSON *task = cJSON_CreateObject();
    if (!task || !cJSON_AddItemToArray(tasks, task)) {
      cJSON_Delete(task);
      return tnd_fail_memory(err);
    }
    cJSON *name = cJSON_AddStringToObject(task, "task", e->tasks[t].name);
    cJSON *methods = cJSON_AddArrayToObject(task, "methods");
    if (!name || !methods) return tnd_fail_memory(err);
    const bool goal = has_goal(e, success, t);
    put_head(&e->tasks[t], goal, text);
    for (int m = 0; m < e->nmethod; m++) {
      row r = {.e = e,
               .curves = curves->curves,
               .success = success,
               .goal = goal,
               .task = t,
               .method = m,
               .values = scratch};
      TENDRIL_TRY(put_method(&r, text, methods, err));
    }
    put_levels(&e->tasks[t], text);
  }
  return TENDRIL_OK;
}

// What the numbers are, above the tables.
static tendril_status put_words(const tnd_experiment *e, const tnd_curves *curves, tnd_buffer *text,
                                tendril_error *err) {
  char *caption = NULL;
  TENDRIL_TRY(tnd_curves_caption(curves, &caption, err));
  tnd_buffer_format(text, "# %s%s\n\n%s\n\n![%s](figure.svg)\n\n%s\n\n",
                    e->title ? e->title : e->name, e->quick ? ", quick" : "", e->summary, e->name,
                    caption);
  tnd_free(caption);
  tnd_buffer_text(text, "*Final* and *best* are the last and the highest point of each seed's "
                        "curve as drawn, with the "
                        "95 % bootstrap interval of the mean; *steps* and *CPU s* to a level are "
                        "where that curve first "
                        "reaches it, the median of the seeds that do. *Held* is the mean of a "
                        "run's evaluations of the "
                        "mean action at 90, 95 and 100 %. *Success*, of tasks with a goal, is the "
                        "share of the last evaluation's episodes that reach it, the mean of the "
                        "seeds; 100 % is first "
                        "reached by an evaluation all of whose episodes do. CPU seconds are "
                        "without evaluations.\n");
  return TENDRIL_OK;
}

// Every cell's command: what repeats it.
static void put_commands(const tnd_experiment *e, tnd_buffer *text) {
  int bad = 0;
  tnd_buffer_text(text, "\n## Commands\n\n```sh\n");
  for (int i = 0; i < e->ncell; i++) {
    tnd_buffer_format(text, "%s\n", e->cells[i].command);
    bad += e->cells[i].state != TND_CELL_FINISHED;
  }
  tnd_buffer_text(text, "```\n");
  if (bad) tnd_buffer_text(text, "\n## Not finished\n\n");
  for (int i = 0; i < e->ncell; i++) {
    const tnd_cell *cell = &e->cells[i];
    if (cell->state == TND_CELL_FINISHED) continue;
    tnd_buffer_format(text, "- `%s`: %s\n", cell->command,
                      cell->state == TND_CELL_FAILED && cell->error ? cell->error : "not finished");
  }
}

// The finished cells that the figure leaves out.
static void put_empty(const tnd_experiment *e, const tnd_curves *curves, tnd_buffer *text) {
  int k = 0, n = 0;  // k: the finished cell's curve
  for (int i = 0; i < e->ncell; i++) {
    if (e->cells[i].state != TND_CELL_FINISHED || curves->curves[k++].n) continue;
    if (n++ == 0)
      tnd_buffer_format(text, "\n## Without a curve\n\nFinished, without any %.80s:\n\n",
                        tnd_curve_value_name(e->y));
    tnd_buffer_format(text, "- `%s`\n", e->cells[i].command);
  }
}

// ---------------------------------------------------------------------------------------- report

// The curves of the finished cells; *out is NULL if there are none.
static tendril_status read_curves(const tnd_experiment *e, tnd_curves **out, tendril_error *err) {
  const char **paths = tnd_alloc(sizeof *paths * (size_t)e->ncell);
  const char **names = tnd_alloc(sizeof *names * (size_t)e->ncell);
  const tnd_curves_options options = {
      .x = e->x, .y = e->y, .smooth = e->smooth, .allow_empty = true};
  tendril_status status = paths && names ? TENDRIL_OK : tnd_fail_memory(err);
  int n = 0;
  for (int i = 0; i < e->ncell && status == TENDRIL_OK; i++) {
    if (e->cells[i].state != TND_CELL_FINISHED) continue;
    paths[n] = e->cells[i].run;
    names[n++] = e->methods[e->cells[i].method].name;
  }
  if (status == TENDRIL_OK && n) status = tnd_curves_create(&options, paths, names, n, out, err);
  tnd_free(paths);
  tnd_free(names);
  return status;
}

// The success rates of the finished cells' evaluations; empty for a task without a goal.
// *out [ncell], as far as there are finished cells; free_success(), also after an error.
static tendril_status read_success(const tnd_experiment *e, tnd_curve **out, tendril_error *err) {
  tnd_curve *curves = tnd_alloc(sizeof *curves * (size_t)e->ncell);
  *out = curves;
  if (!curves) return tnd_fail_memory(err);
  int n = 0;
  for (int i = 0; i < e->ncell; i++) {
    if (e->cells[i].state != TND_CELL_FINISHED) continue;
    tendril_error why = {{0}};
    tnd_curve *c = &curves[n++];
    const tendril_status status = tnd_curve_read(e->cells[i].run, "success", c, &why);
    if (status == TENDRIL_E_UNKNOWN) continue;
    if (status != TENDRIL_OK) return tnd_fail(err, status, "%s", why.text);
    tnd_curve_smooth(c, 1);
  }
  return TENDRIL_OK;
}

static void free_success(const tnd_experiment *e, tnd_curve *curves) {
  for (int i = 0; curves && i < e->ncell; i++)
    tnd_curve_release(&curves[i]);
  tnd_free(curves);
}

static tendril_status draw(const tnd_experiment *e, const tnd_curves *curves, const char *folder,
                           tendril_error *err) {
  char path[TND_PATH_MAX];
  TENDRIL_TRY(tnd_path_join(folder, "figure.svg", path, err));
  tnd_curves_levels *levels = tnd_alloc(sizeof *levels * (size_t)e->ntask);
  if (!levels) return tnd_fail_memory(err);
  for (int i = 0; i < e->ntask; i++)
    levels[i] = (tnd_curves_levels){e->tasks[i].name, e->tasks[i].nlevel, e->tasks[i].levels};
  const tendril_status status =
      tnd_curves_draw(curves, e->title ? e->title : e->name, levels, e->ntask, path, err);
  tnd_free(levels);
  return status;
}

static tendril_status write_text(const char *folder, const char *name, const char *text,
                                 tendril_error *err) {
  char path[TND_PATH_MAX];
  TENDRIL_TRY(tnd_path_join(folder, name, path, err));
  return tnd_file_write(path, text, strlen(text), err);
}

static tendril_status make_texts(const tnd_experiment *e, const tnd_curves *curves, char **markdown,
                                 char **json, tendril_error *err) {
  tnd_buffer text = {0};
  tnd_curve *success = NULL;
  cJSON *object = cJSON_CreateObject();
  double *scratch = tnd_alloc(sizeof *scratch * (size_t)e->nseed);
  const bool begun = object && scratch && cJSON_AddStringToObject(object, "experiment", e->name) &&
                     cJSON_AddBoolToObject(object, "quick", e->quick) &&
                     cJSON_AddStringToObject(object, "y", e->y) &&
                     cJSON_AddNumberToObject(object, "smooth", curves->smooth);
  tendril_status status = begun ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = put_words(e, curves, &text, err);
  if (status == TENDRIL_OK) status = read_success(e, &success, err);
  if (status == TENDRIL_OK) status = put_tasks(e, curves, success, scratch, &text, object, err);
  if (status == TENDRIL_OK) {
    put_commands(e, &text);
    put_empty(e, curves, &text);
    status = tnd_json_print(object, json, err);
  }
  if (status == TENDRIL_OK) {
    status = tnd_buffer_take(&text, markdown, NULL, err);
    if (status != TENDRIL_OK) {
      tnd_free(*json);
      *json = NULL;
    }
  }
  tnd_buffer_free(&text);
  free_success(e, success);
  tnd_free(scratch);
  cJSON_Delete(object);
  return status;
}

tendril_status tnd_experiment_report(const tnd_experiment *experiment, const char *folder,
                                     char **markdown, char **json, tendril_error *err) {
  tnd_curves *curves = NULL;
  *markdown = *json = NULL;
  TENDRIL_TRY(read_curves(experiment, &curves, err));
  if (!curves)
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: no cell has finished; there is nothing to report",
                    folder);
  tendril_status status = make_texts(experiment, curves, markdown, json, err);
  // the tables first: they need no gnuplot
  if (status == TENDRIL_OK) status = write_text(folder, "results.md", *markdown, err);
  if (status == TENDRIL_OK) status = write_text(folder, "results.json", *json, err);
  if (status == TENDRIL_OK) status = draw(experiment, curves, folder, err);
  if (status != TENDRIL_OK) {
    tnd_free(*markdown);
    tnd_free(*json);
    *markdown = *json = NULL;
  }
  tnd_curves_destroy(curves);
  return status;
}

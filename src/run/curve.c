// The learning curve of one run. A run is what its folder says: config.json, progress.csv and
// evaluations.csv, complete or still growing.
#include "run/curve.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/options.h"
#include "run/config.h"
#include "run/folder.h"
#include "run/table.h"

// ------------------------------------------------------------------------------------------- axes

static const char *const axis_names[TND_AXES] = {"steps", "cpu", "iterations"};

tendril_status tnd_axis_parse(const char *name, tnd_axis *out, tendril_error *err) {
  for (int i = 0; i < TND_AXES; i++)
    if (strcmp(name, axis_names[i]) == 0) {
      *out = (tnd_axis)i;
      return TENDRIL_OK;
    }
  const char *near = tnd_nearest(name, axis_names, TND_AXES);
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "%.80s: no axis; %s%s%s", name,
                  near ? "did you mean " : "use steps, cpu or iterations", near ? near : "",
                  near ? "?" : "");
}

const char *tnd_axis_label(tnd_axis axis) {
  static const char *const labels[TND_AXES] = {"control steps", "CPU seconds", "iterations"};
  return labels[axis];
}

// ---------------------------------------------------------------------------------- configuration

// A section of a configuration with all its options, those that the file lacks by their defaults.
static tendril_status read_section(const tnd_option_table *table, const char *name,
                                   const char *where, const cJSON *config, cJSON *full,
                                   tendril_error *err) {
  const cJSON *given = cJSON_GetObjectItemCaseSensitive(config, name);
  cJSON *section = cJSON_AddObjectToObject(full, name);
  void *options = tnd_alloc(table->size);
  tendril_status status = section && options ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) tnd_options_default(table, options);
  if (status == TENDRIL_OK && given)
    status = tnd_options_read(table, options, where, name, given, "name", err);
  if (status == TENDRIL_OK) status = tnd_options_write(table, options, section, err);
  tnd_free(options);
  return status;
}

// A number of the section run, which has all its options.
static double run_option(const tnd_curve *c, const char *name) {
  const cJSON *section = cJSON_GetObjectItemCaseSensitive(c->config, "run");
  return cJSON_GetObjectItemCaseSensitive(section, name)->valuedouble;
}

// Without the list of tasks: a run of a plugin's task is drawn without the plugin.
static tendril_status read_config(tnd_curve *c, const char *where, tendril_error *err) {
  cJSON *object = NULL;
  TENDRIL_TRY(tnd_json_read(where, &object, err));
  const cJSON *learner = cJSON_GetObjectItemCaseSensitive(object, "learner");
  const char *task = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "task"));
  const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(learner, "name"));
  const tnd_method *method = name ? tnd_method_find(name) : NULL;
  tendril_status status = TENDRIL_OK;
  if (!task || !name)
    status = tnd_fail(err, TENDRIL_E_FORMAT,
                      "%.400s: lacks task or learner.name; it is no configuration of a run", where);
  else if (!method)
    status = tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: learner.name: %.100s: no such learner", where,
                      name);
  if (status == TENDRIL_OK) {
    c->task = tnd_strdup(task);
    c->learner = tnd_strdup(name);
    c->config = cJSON_CreateObject();
    if (!c->task || !c->learner || !c->config) status = tnd_fail_memory(err);
  }
  for (int i = 0; i < TND_SECTIONS && status == TENDRIL_OK; i++) {
    const char *section = "learner";
    const tnd_option_table *table =
        i < TND_SECTIONS - 1 ? tnd_section_table(i, &section) : method->options;
    status = read_section(table, section, where, object, c->config, err);
  }
  if (status == TENDRIL_E_CONFIG) status = TENDRIL_E_FORMAT;  // no wish of a user: a run wrote it
  if (status == TENDRIL_OK) c->seed = run_option(c, "seed");
  cJSON_Delete(object);
  return status;
}

// ----------------------------------------------------------------------------------------- tables

// CPU seconds up to each row of progress.csv: the sum of its column; NULL without one.
static tendril_status add_up_cpu(const tnd_rows *progress, double **out, tendril_error *err) {
  const int column = tnd_rows_column(progress, "cpu_seconds");
  *out = NULL;
  if (column < 0) return TENDRIL_OK;
  double *cpu = tnd_alloc(sizeof *cpu * (progress->nrow + 1)), sum = 0;
  if (!cpu) return tnd_fail_memory(err);
  for (size_t i = 0; i < progress->nrow; i++)
    cpu[i] = sum += progress->values[i * (size_t)progress->ncolumn + (size_t)column];
  *out = cpu;
  return TENDRIL_OK;
}

static tendril_status unknown_column(const tnd_rows *rows, const char *path, const char *name,
                                     tendril_error *err) {
  const char *near = tnd_nearest(name, rows->names, rows->ncolumn);
  return tnd_fail(err, TENDRIL_E_UNKNOWN, "%.300s: no column %.80s; %s%s%s", path, name,
                  near ? "did you mean " : "its first line names them", near ? near : "",
                  near ? "?" : "");
}

// The rows with a value of y. rows is progress.csv itself or evaluations.csv; their `iteration`
// columns ascend, so CPU seconds are found going forward.
static tendril_status take_rows(tnd_curve *c, const tnd_rows *rows, const tnd_rows *progress,
                                const double *cpu, int column, tendril_error *err) {
  const int steps = tnd_rows_column(rows, "steps");
  const size_t n = rows->nrow + 1, nc = (size_t)rows->ncolumn;
  double *block = tnd_alloc(sizeof *block * n * (TND_AXES + 2));
  if (!block) return tnd_fail_memory(err);
  c->at[TND_AXIS_STEPS] = block;
  c->at[TND_AXIS_CPU] = cpu ? block + n : NULL;
  c->at[TND_AXIS_ITERATIONS] = block + 2 * n;
  c->raw = block + 3 * n;
  c->y = block + 4 * n;
  size_t k = 0;
  for (size_t i = 0; i < rows->nrow; i++) {
    const double *row = rows->values + i * nc;
    if (!isfinite(row[column]) || !isfinite(row[steps])) continue;
    while (k + 1 < progress->nrow && progress->values[k * (size_t)progress->ncolumn] < row[0])
      k++;
    c->at[TND_AXIS_STEPS][c->n] = row[steps];
    if (cpu) c->at[TND_AXIS_CPU][c->n] = progress->nrow ? cpu[k] : 0;
    c->at[TND_AXIS_ITERATIONS][c->n] = row[0];
    c->raw[c->n++] = row[column];
  }
  return TENDRIL_OK;
}

static tendril_status read_tables(tnd_curve *c, const tnd_folder *folder, const char *y,
                                  tnd_rows *progress, tnd_rows *evaluations, double **cpu,
                                  tendril_error *err) {
  const bool evaluation = tnd_curve_of_evaluations(y), success = strcmp(y, "success") == 0;
  const tnd_rows *rows = evaluation ? evaluations : progress;
  const char *path = evaluation ? folder->evaluations : folder->progress;
  const char *name = y;
  if (success)
    name = "succeeded";
  else if (evaluation || strcmp(y, "return") == 0)
    name = "return_mean";
  TENDRIL_TRY(tnd_rows_read(folder->progress, progress, err));
  if (evaluation) TENDRIL_TRY(tnd_rows_read(folder->evaluations, evaluations, err));
  if (tnd_rows_column(rows, "steps") < 0 || tnd_rows_column(progress, "steps") < 0)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.400s: no column steps; is this a run's table?", path);
  const int column = tnd_rows_column(rows, name);
  if (success && column < 0)
    return tnd_fail(err, TENDRIL_E_UNKNOWN,
                    "%.300s: no success: task %.80s has no goal; choose another --y", path,
                    c->task);
  if (column < 0) return unknown_column(rows, path, name, err);
  TENDRIL_TRY(add_up_cpu(progress, cpu, err));
  TENDRIL_TRY(take_rows(c, rows, progress, *cpu, column, err));
  for (int i = 0; success && i < c->n; i++)
    c->raw[i] /= run_option(c, "eval_episodes");
  if (progress->nrow) {
    const double *last = progress->values + (progress->nrow - 1) * (size_t)progress->ncolumn;
    c->iterations = last[0];
    c->steps = last[tnd_rows_column(progress, "steps")];
    c->cpu = *cpu ? (*cpu)[progress->nrow - 1] : (double)NAN;
  }
  return TENDRIL_OK;
}

// -------------------------------------------------------------------------------------------- run

tendril_status tnd_curve_read(const char *path, const char *y, tnd_curve *out, tendril_error *err) {
  tnd_folder folder;
  tnd_rows progress = {0}, evaluations = {0};
  double *cpu = NULL;
  *out = (tnd_curve){.cpu = (double)NAN};
  TENDRIL_TRY(tnd_folder_paths(path, &folder, err));
  if (!tnd_path_exists(path))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: no such run folder", path);
  if (!tnd_path_is_folder(path))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: a file; give the run folder", path);
  if (!tnd_path_exists(folder.config) || !tnd_path_exists(folder.progress))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: holds no run", path);
  out->path = tnd_strdup(path);
  if (!out->path) return tnd_fail_memory(err);
  TENDRIL_TRY(read_config(out, folder.config, err));
  const tendril_status status = read_tables(out, &folder, y, &progress, &evaluations, &cpu, err);
  tnd_free(cpu);
  tnd_rows_free(&progress);
  tnd_rows_free(&evaluations);
  return status;
}

void tnd_curve_release(tnd_curve *c) {
  cJSON_Delete(c->config);
  tnd_free(c->at[TND_AXIS_STEPS]);
  tnd_free(c->path);
  tnd_free(c->task);
  tnd_free(c->learner);
}

// ----------------------------------------------------------------------------------------- values

bool tnd_curve_of_evaluations(const char *y) {
  return strcmp(y, "evaluation") == 0 || strcmp(y, "success") == 0;
}

const char *tnd_curve_value_name(const char *y) {
  return strcmp(y, "return") == 0 ? "return of a whole episode" : y;
}

int tnd_curve_window(int n) {
  return 1 + 2 * (n / 100);
}

void tnd_curve_smooth(tnd_curve *c, int window) {
  const int half = window / 2;
  for (int i = 0; i < c->n; i++) {
    const int reach = i < half ? i : half, first = i - reach;
    const int last = i + half < c->n ? i + half : c->n - 1;
    double sum = 0;
    for (int k = first; k <= last; k++)
      sum += c->raw[k];
    c->y[i] = sum / (last - first + 1);
  }
}

double tnd_curve_reaches(const tnd_curve *c, tnd_axis axis, double level) {
  const double *x = c->at[axis];
  for (int i = 0; x && i < c->n; i++) {
    if (!(c->y[i] >= level)) continue;
    if (i == 0) return x[0];
    return x[i - 1] + (x[i] - x[i - 1]) * (level - c->y[i - 1]) / (c->y[i] - c->y[i - 1]);
  }
  return (double)NAN;
}

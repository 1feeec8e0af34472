// Learning curves of runs. A run is what its folder says: config.json, progress.csv and
// evaluations.csv, complete or still growing. Runs that differ in nothing but their seed are one
// method.
#include "run/curves.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/options.h"
#include "run/config.h"
#include "run/folder.h"
#include "run/table.h"

#include <tendril/eval.h>

enum {
  GRID = 120,     // points of a mean curve, where the runs' own points differ
  OWN_MAX = 400,  // points of the runs themselves, where they agree
};

// -------------------------------------------------------------------------------------- one run

// Options of `run` that change no training, and those that change its evaluations only.
static bool is_ignored(const char *section, const char *name, bool evaluation) {
  static const char *const never[] = {"seed", "save_every", "keep_every"};
  static const char *const otherwise[] = {"eval_at", "eval_episodes", "average"};
  if (strcmp(section, "run") != 0) return false;
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
    if (strcmp(name, never[i]) == 0) return true;
  for (size_t i = 0; i < sizeof otherwise / sizeof otherwise[0] && !evaluation; i++)
    if (strcmp(name, otherwise[i]) == 0) return true;
  return false;
}

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
  if (status == TENDRIL_OK)
    c->seed =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(c->config, "run"), "seed")
            ->valuedouble;
  cJSON_Delete(object);
  return status;
}

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
  const bool evaluation = strcmp(y, "evaluation") == 0;
  const tnd_rows *rows = evaluation ? evaluations : progress;
  const char *path = evaluation ? folder->evaluations : folder->progress;
  const char *name = evaluation || strcmp(y, "return") == 0 ? "return_mean" : y;
  TENDRIL_TRY(tnd_rows_read(folder->progress, progress, err));
  if (evaluation) TENDRIL_TRY(tnd_rows_read(folder->evaluations, evaluations, err));
  if (tnd_rows_column(rows, "steps") < 0 || tnd_rows_column(progress, "steps") < 0)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.400s: no column steps; is this a run's table?", path);
  const int column = tnd_rows_column(rows, name);
  if (column < 0) return unknown_column(rows, path, name, err);
  TENDRIL_TRY(add_up_cpu(progress, cpu, err));
  TENDRIL_TRY(take_rows(c, rows, progress, *cpu, column, err));
  if (progress->nrow) {
    const double *last = progress->values + (progress->nrow - 1) * (size_t)progress->ncolumn;
    c->iterations = last[0];
    c->steps = last[tnd_rows_column(progress, "steps")];
    c->cpu = *cpu ? (*cpu)[progress->nrow - 1] : (double)NAN;
  }
  return TENDRIL_OK;
}

static tendril_status read_run(tnd_curve *c, const char *path, const char *y, tendril_error *err) {
  tnd_folder folder;
  tnd_rows progress = {0}, evaluations = {0};
  double *cpu = NULL;
  TENDRIL_TRY(tnd_folder_paths(path, &folder, err));
  if (!tnd_path_exists(path))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: no such run folder", path);
  if (!tnd_path_is_folder(path))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: a file; give the run folder", path);
  if (!tnd_path_exists(folder.config) || !tnd_path_exists(folder.progress))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: holds no run", path);
  c->path = tnd_strdup(path);
  if (!c->path) return tnd_fail_memory(err);
  TENDRIL_TRY(read_config(c, folder.config, err));
  const tendril_status status = read_tables(c, &folder, y, &progress, &evaluations, &cpu, err);
  tnd_free(cpu);
  tnd_rows_free(&progress);
  tnd_rows_free(&evaluations);
  return status;
}

static void release_run(tnd_curve *c) {
  cJSON_Delete(c->config);
  tnd_free(c->at[TND_AXIS_STEPS]);
  tnd_free(c->path);
  tnd_free(c->task);
  tnd_free(c->learner);
}

// y = the mean of raw over `window` rows around each, of fewer at both ends.
static void smooth(tnd_curve *c, int window) {
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

// ---------------------------------------------------------------------------------------- methods

static const cJSON *option_of(const tnd_curve *c, const char *section, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(c->config, section),
                                          name);
}

// a and b do the same thing.
static bool same_configuration(const tnd_curve *a, const tnd_curve *b, bool evaluation) {
  if (strcmp(a->task, b->task) != 0 || strcmp(a->learner, b->learner) != 0) return false;
  for (const cJSON *section = a->config->child; section; section = section->next)
    for (const cJSON *option = section->child; option; option = option->next)
      if (!is_ignored(section->string, option->string, evaluation) &&
          !cJSON_Compare(option, option_of(b, section->string, option->string), true))
        return false;
  return true;
}

// The first run of a method: what its configuration is.
static const tnd_curve *example(const tnd_curves *curves, int method) {
  int i = 0;
  while (curves->curves[i].method != method)
    i++;
  return &curves->curves[i];
}

// Whether the option differs among the methods of method m's task; `alike`: of its learner, too.
static bool differs(const tnd_curves *curves, int m, const cJSON *section, const cJSON *option,
                    bool alike) {
  const tnd_method_curve *method = &curves->methods[m];
  const bool evaluation = strcmp(curves->options.y, "evaluation") == 0;
  if (is_ignored(section->string, option->string, evaluation)) return false;
  for (int k = 0; k < curves->nmethod; k++) {
    const tnd_method_curve *other = &curves->methods[k];
    if (k == m || strcmp(other->task, method->task) != 0) continue;
    if (alike && strcmp(other->learner, method->learner) != 0) continue;
    const cJSON *theirs = option_of(example(curves, k), section->string, option->string);
    if (theirs && !cJSON_Compare(option, theirs, true)) return true;
  }
  return false;
}

// How many sections have an option of that name.
static int count_name(const cJSON *config, const char *name) {
  int n = 0;
  for (const cJSON *section = config->child; section; section = section->next)
    n += cJSON_HasObjectItem(section, name);
  return n;
}

// Whether another learner is among the methods of the task.
static bool has_other_learner(const tnd_curves *curves, int m) {
  for (int k = 0; k < curves->nmethod; k++)
    if (strcmp(curves->methods[k].task, curves->methods[m].task) == 0 &&
        strcmp(curves->methods[k].learner, curves->methods[m].learner) != 0)
      return true;
  return false;
}

// A short name: the learner if there are several, and by what the method differs from others with
// that learner.
static void put_name(const tnd_curves *curves, int m, tnd_buffer *out) {
  enum { SHOWN = 3 };
  const cJSON *config = example(curves, m)->config;
  int n = 0;
  if (has_other_learner(curves, m)) tnd_buffer_text(out, curves->methods[m].learner);
  for (const cJSON *section = config->child; section; section = section->next)
    for (const cJSON *option = section->child; option; option = option->next) {
      if (!differs(curves, m, section, option, true) || n++ >= SHOWN) continue;
      if (out->n) tnd_buffer_text(out, ", ");
      if (count_name(config, option->string) > 1) tnd_buffer_format(out, "%s.", section->string);
      tnd_buffer_format(out, "%s ", option->string);
      tnd_json_plain(out, option);
    }
  if (n > SHOWN) tnd_buffer_format(out, ", %d more", n - SHOWN);
  if (!out->n) tnd_buffer_text(out, curves->methods[m].learner);
}

// Everything that is not the same in all methods of the task.
static void put_differences(const tnd_curves *curves, int m, tnd_buffer *out) {
  const cJSON *config = example(curves, m)->config;
  if (has_other_learner(curves, m))
    tnd_buffer_format(out, "learner.name %s", curves->methods[m].learner);
  for (const cJSON *section = config->child; section; section = section->next)
    for (const cJSON *option = section->child; option; option = option->next) {
      if (!differs(curves, m, section, option, false)) continue;
      tnd_buffer_format(out, "%s%s.%s ", out->n ? ", " : "", section->string, option->string);
      tnd_json_plain(out, option);
    }
}

// Two methods of a task have the same name when what they differ by is not shown: the number of the
// method makes them two.
static void put_number(const tnd_curves *curves, int m, tnd_buffer *out) {
  for (int k = 0; k < m; k++)
    if (strcmp(curves->methods[k].task, curves->methods[m].task) == 0 && out->text &&
        strcmp(curves->methods[k].name, out->text) == 0) {
      tnd_buffer_format(out, " (%d)", m + 1);
      return;
    }
}

static tendril_status name_method(tnd_curves *curves, int m, tendril_error *err) {
  tnd_buffer name = {0}, differences = {0};
  if (!curves->methods[m].name) {
    put_name(curves, m, &name);
    put_number(curves, m, &name);
    TENDRIL_TRY(tnd_buffer_take(&name, &curves->methods[m].name, NULL, err));
  }
  put_differences(curves, m, &differences);
  return tnd_buffer_take(&differences, &curves->methods[m].differences, NULL, err);
}

// The method that run i belongs to, a new one if none is like it. names: NULL, or of each run.
static tendril_status find_method(tnd_curves *curves, int i, const char *const *names,
                                  tendril_error *err) {
  const bool evaluation = strcmp(curves->options.y, "evaluation") == 0;
  tnd_curve *c = &curves->curves[i];
  for (int k = 0; k < i; k++) {
    const tnd_curve *other = &curves->curves[k];
    const bool same = names ? strcmp(names[i], names[k]) == 0 && strcmp(c->task, other->task) == 0
                            : same_configuration(c, other, evaluation);
    if (!same) continue;
    c->method = other->method;
    curves->methods[c->method].nrun++;
    return TENDRIL_OK;
  }
  c->method = curves->nmethod++;
  tnd_method_curve *method = &curves->methods[c->method];
  *method = (tnd_method_curve){.task = c->task, .learner = c->learner, .nrun = 1};
  if (!names) return TENDRIL_OK;
  method->name = tnd_strdup(names[i]);
  return method->name ? TENDRIL_OK : tnd_fail_memory(err);
}

// The same style for the same name in all panels.
static void set_styles(tnd_curves *curves) {
  int n = 0;
  for (int m = 0; m < curves->nmethod; m++) {
    int k = 0;
    while (k < m && strcmp(curves->methods[k].name, curves->methods[m].name) != 0)
      k++;
    curves->methods[m].style = k < m ? curves->methods[k].style : n++;
  }
}

// ------------------------------------------------------------------------------- mean over seeds

// A run's curve at x, between its rows.
static double value_at(const tnd_curve *c, tnd_axis axis, double x) {
  const double *at = c->at[axis];
  int low = 0, high = c->n - 1;
  if (x <= at[0]) return c->y[0];
  if (x >= at[high]) return c->y[high];
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (at[middle] <= x)
      low = middle;
    else
      high = middle;
  }
  return c->y[low] + (c->y[high] - c->y[low]) * (x - at[low]) / (at[high] - at[low]);
}

// The grid of method m: the runs' own points if they are the same and not too many, else even ones
// over what all runs cover. Returns their number; x NULL: only that.
static int lay_grid(const tnd_curves *curves, int m, double *x) {
  const tnd_axis axis = curves->options.x;
  const tnd_curve *first = example(curves, m);
  double from = -INFINITY, to = INFINITY;
  bool same = first->n <= OWN_MAX;
  for (int i = 0; i < curves->ncurve; i++) {
    const tnd_curve *c = &curves->curves[i];
    if (c->method != m) continue;
    from = fmax(from, c->at[axis][0]);
    to = fmin(to, c->at[axis][c->n - 1]);
    same = same && c->n == first->n &&
           memcmp(c->at[axis], first->at[axis], sizeof *c->at[axis] * (size_t)c->n) == 0;
  }
  if (same) {
    if (x) memcpy(x, first->at[axis], sizeof *x * (size_t)first->n);
    return first->n;
  }
  if (from > to) return 0;
  const int n = from < to ? GRID : 1;
  for (int k = 0; x && k < n; k++)
    x[k] = k == n - 1 ? to : from + (to - from) * k / (n - 1);
  return n;
}

static tendril_status average(const tnd_curves *curves, int m, tendril_error *err) {
  tnd_method_curve *method = &curves->methods[m];
  method->n = lay_grid(curves, m, NULL);
  const size_t n = (size_t)method->n;
  double *block = tnd_alloc(sizeof *block * (4 * n + (size_t)method->nrun));
  if (!block) return tnd_fail_memory(err);
  method->x = block;
  method->mean = block + n;
  double *low = block + 2 * n, *high = block + 3 * n, *values = block + 4 * n;
  if (method->nrun > 1) {
    method->low = low;
    method->high = high;
  }
  lay_grid(curves, m, method->x);
  for (size_t k = 0; k < n; k++) {
    int count = 0;
    for (int i = 0; i < curves->ncurve; i++)
      if (curves->curves[i].method == m)
        values[count++] = value_at(&curves->curves[i], curves->options.x, method->x[k]);
    method->mean[k] = values[0];
    if (count == 1) continue;
    // the same resamples at every point: the band is as smooth as the curves
    tendril_summary summary;
    TENDRIL_TRY(tendril_summarise(values, count, 1, &summary, err));
    method->mean[k] = summary.mean;
    low[k] = summary.low;
    high[k] = summary.high;
  }
  return TENDRIL_OK;
}

// ----------------------------------------------------------------------------------------- create

static int window_for(int n) {
  return 1 + 2 * (n / 100);
}

static int choose_window(const tnd_curves *curves) {
  int most = 0;
  for (int i = 0; i < curves->ncurve; i++)
    most = curves->curves[i].n > most ? curves->curves[i].n : most;
  // evaluations are few, and means already
  if (strcmp(curves->options.y, "evaluation") == 0) return 1;
  return window_for(most);
}

static tendril_status check_values(const tnd_curves *curves, const tnd_curve *c,
                                   tendril_error *err) {
  const char *y = curves->options.y;
  if (c->n == 0)
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%.350s: has no %.80s yet; draw it later, or another --y", c->path,
                    strcmp(y, "return") == 0 ? "return of a whole episode" : y);
  if (curves->options.x == TND_AXIS_CPU && !c->at[TND_AXIS_CPU])
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%.350s: progress.csv has no column cpu_seconds; choose another --x", c->path);
  return TENDRIL_OK;
}

tendril_status tnd_curves_create(const tnd_curves_options *options, const char *const *paths,
                                 const char *const *methods, int n, tnd_curves **out,
                                 tendril_error *err) {
  if (n < 1) return tnd_fail(err, TENDRIL_E_ARGUMENT, "no run to draw");
  tnd_curves *curves = tnd_alloc(sizeof *curves);
  if (!curves) return tnd_fail_memory(err);
  curves->options = *options;
  curves->curves = tnd_alloc(sizeof *curves->curves * (size_t)n);
  curves->methods = tnd_alloc(sizeof *curves->methods * (size_t)n);
  tendril_status status = curves->curves && curves->methods ? TENDRIL_OK : tnd_fail_memory(err);
  for (int i = 0; i < n && status == TENDRIL_OK; i++) {
    tnd_curve *c = &curves->curves[curves->ncurve++];
    c->cpu = (double)NAN;
    status = read_run(c, paths[i], options->y, err);
    if (status == TENDRIL_OK) status = check_values(curves, c, err);
    if (status == TENDRIL_OK) status = find_method(curves, i, methods, err);
  }
  if (status == TENDRIL_OK) {
    curves->smooth = options->smooth ? options->smooth : choose_window(curves);
    for (int i = 0; i < n; i++)
      smooth(&curves->curves[i], curves->smooth);
  }
  for (int m = 0; m < curves->nmethod && status == TENDRIL_OK; m++) {
    status = name_method(curves, m, err);
    if (status == TENDRIL_OK) status = average(curves, m, err);
  }
  if (status == TENDRIL_OK) {
    set_styles(curves);
    *out = curves;
  } else {
    tnd_curves_destroy(curves);
  }
  return status;
}

void tnd_curves_destroy(tnd_curves *curves) {
  if (!curves) return;
  for (int i = 0; curves->curves && i < curves->ncurve; i++)
    release_run(&curves->curves[i]);
  for (int m = 0; m < curves->nmethod; m++) {
    tnd_free(curves->methods[m].name);
    tnd_free(curves->methods[m].differences);
    tnd_free(curves->methods[m].x);
  }
  tnd_free(curves->curves);
  tnd_free(curves->methods);
  tnd_free(curves);
}

// ---------------------------------------------------------------------------------------- drawing

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

const char *tnd_curves_y_label(const tnd_curves *curves) {
  if (strcmp(curves->options.y, "return") == 0) return "mean return, training";
  if (strcmp(curves->options.y, "evaluation") == 0) return "mean return, mean action";
  return curves->options.y;
}

tendril_status tnd_curves_caption(const tnd_curves *curves, char **out, tendril_error *err) {
  tnd_buffer text = {0};
  int least = curves->methods[0].nrun, most = least;
  for (int m = 1; m < curves->nmethod; m++) {
    const int n = curves->methods[m].nrun;
    least = n < least ? n : least;
    most = n > most ? n : most;
  }
  if (most == 1)
    tnd_buffer_text(&text, "One seed each");
  else if (least == most)
    tnd_buffer_format(&text, "Mean over %d seeds and its 95 %% bootstrap interval", most);
  else
    tnd_buffer_format(&text, "Mean over %d to %d seeds and its 95 %% bootstrap interval", least,
                      most);
  if (strcmp(curves->options.y, "return") == 0)
    tnd_buffer_text(&text, "; returns of the training's episodes, undiscounted");
  else if (strcmp(curves->options.y, "evaluation") == 0)
    tnd_buffer_text(&text, "; evaluations of the mean action on the way");
  if (curves->smooth > 1)
    tnd_buffer_format(&text, "; moving mean over %d iterations", curves->smooth);
  else
    tnd_buffer_text(&text, "; not smoothed");
  if (most > 1) tnd_buffer_text(&text, "; drawn as far as all seeds of a method have got");
  tnd_buffer_text(&text, ".");
  return tnd_buffer_take(&text, out, NULL, err);
}

// Panels in the order in which the tasks come; panels and series are [nmethod].
static int make_panels(const tnd_curves *curves, const tnd_curves_levels *levels, int nlevels,
                       tnd_panel *panels, tnd_series *series) {
  int npanel = 0;
  for (int m = 0; m < curves->nmethod; m++) {
    const char *task = curves->methods[m].task;
    int k = 0;
    while (k < npanel && strcmp(panels[k].title, task) != 0)
      k++;
    if (k < npanel) continue;
    tnd_panel *panel = &panels[npanel++];
    *panel = (tnd_panel){.title = task,
                         .x_label = tnd_axis_label(curves->options.x),
                         .y_label = tnd_curves_y_label(curves),
                         .series = series};
    for (int i = m; i < curves->nmethod; i++) {
      const tnd_method_curve *c = &curves->methods[i];
      if (strcmp(c->task, task) != 0) continue;
      *series++ = (tnd_series){c->name, c->style, c->n == 1, c->n, c->x, c->mean, c->low, c->high};
      panel->nseries++;
    }
    for (int i = 0; i < nlevels; i++)
      if (strcmp(levels[i].task, task) == 0) {
        panel->levels = levels[i].levels;
        panel->nlevel = levels[i].n;
      }
  }
  return npanel;
}

tendril_status tnd_curves_draw(const tnd_curves *curves, const char *title,
                               const tnd_curves_levels *levels, int nlevels, const char *path,
                               tendril_error *err) {
  const size_t n = (size_t)curves->nmethod;
  tnd_panel *panels = tnd_alloc(sizeof *panels * n);
  tnd_series *series = tnd_alloc(sizeof *series * n);
  char *caption = NULL;
  tendril_status status = panels && series ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tnd_curves_caption(curves, &caption, err);
  if (status == TENDRIL_OK) {
    const tnd_figure figure = {.title = title,
                               .caption = caption,
                               .npanel = make_panels(curves, levels, nlevels, panels, series),
                               .panels = panels};
    status = tnd_figure_write(&figure, path, err);
  }
  tnd_free(caption);
  tnd_free(panels);
  tnd_free(series);
  return status;
}

// ----------------------------------------------------------------------------------------- sketch

// The curve of one run, no more than what is there: n may be 0.
static tendril_status read_one(const char *path, const char *y, tnd_curve *out,
                               tendril_error *err) {
  *out = (tnd_curve){0};
  TENDRIL_TRY(read_run(out, path, y, err));
  smooth(out, window_for(out->n));
  return TENDRIL_OK;
}

// No more points than a picture shows: every so-manieth, the last among them.
static void thin(tnd_curve *c) {
  if (c->n <= OWN_MAX) return;
  for (int k = 0; k < OWN_MAX; k++) {
    const int i = (int)((int64_t)k * (c->n - 1) / (OWN_MAX - 1));
    c->at[TND_AXIS_STEPS][k] = c->at[TND_AXIS_STEPS][i];
    c->y[k] = c->y[i];
  }
  c->n = OWN_MAX;
}

tendril_status tnd_curves_sketch(const char *path, tnd_drawing **out, tendril_error *err) {
  tnd_curve training = {0}, evaluation = {0};
  tnd_folder folder;
  char title[256], caption[128];
  *out = NULL;
  tendril_status status = tnd_folder_paths(path, &folder, err);
  if (status == TENDRIL_OK) status = read_one(path, "return", &training, err);
  if (status == TENDRIL_OK) status = read_one(path, "evaluation", &evaluation, err);
  if (status == TENDRIL_OK && training.n + evaluation.n > 0) {
    snprintf(title, sizeof title, "%.100s, %.60s, seed %.0f", training.task, training.learner,
             training.seed);
    snprintf(caption, sizeof caption, "Training: moving mean over %d iterations.",
             window_for(training.n));
    const bool smoothed = window_for(training.n) > 1;
    thin(&training);
    const tnd_series series[] = {{"training", 0, training.n == 1, training.n,
                                  training.at[TND_AXIS_STEPS], training.y, NULL, NULL},
                                 {"evaluation, mean action", 1, evaluation.n == 1, evaluation.n,
                                  evaluation.at[TND_AXIS_STEPS], evaluation.raw, NULL, NULL}};
    const tnd_panel panel = {title, tnd_axis_label(TND_AXIS_STEPS), "mean return", 2, 0, series,
                             NULL};
    const tnd_figure figure = {.caption = smoothed ? caption : NULL, .npanel = 1, .panels = &panel};
    status = tnd_drawing_start(&figure, folder.curves, out, err);
  }
  release_run(&training);
  release_run(&evaluation);
  return status;
}

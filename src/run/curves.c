// Learning curves of many runs: read, put together by method, averaged over seeds.
#include "run/curves.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "run/curves_methods.h"

#include <tendril/eval.h>

enum { GRID = 120 };  // points of a mean curve, where the runs' own points differ

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

// Whether the run is one of those that method m is the mean of.
static bool is_in_mean(const tnd_curve *c, int m) {
  return c->method == m && c->n > 0;
}

// The grid of method m: the runs' own points if they are the same and not too many, else even ones
// over what all runs cover. Returns their number; x NULL: only that.
static int lay_grid(const tnd_curves *curves, int m, double *x) {
  const tnd_axis axis = curves->options.x;
  const tnd_curve *first = NULL;
  double from = -INFINITY, to = INFINITY;
  bool same = true;
  for (int i = 0; i < curves->ncurve; i++) {
    const tnd_curve *c = &curves->curves[i];
    if (!is_in_mean(c, m)) continue;
    if (!first) first = c;
    from = fmax(from, c->at[axis][0]);
    to = fmin(to, c->at[axis][c->n - 1]);
    same = same && c->n == first->n && c->n <= TND_CURVE_DRAWN &&
           memcmp(c->at[axis], first->at[axis], sizeof *c->at[axis] * (size_t)c->n) == 0;
  }
  if (!first) return 0;
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
      if (is_in_mean(&curves->curves[i], m))
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

static int choose_window(const tnd_curves *curves) {
  int most = 0;
  for (int i = 0; i < curves->ncurve; i++)
    most = curves->curves[i].n > most ? curves->curves[i].n : most;
  // evaluations are few, and means already
  if (tnd_curve_of_evaluations(curves->options.y)) return 1;
  return tnd_curve_window(most);
}

static tendril_status check_values(const tnd_curves *curves, const tnd_curve *c,
                                   tendril_error *err) {
  if (c->n == 0 && curves->options.allow_empty) return TENDRIL_OK;
  if (c->n == 0)
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%.350s: has no %.80s yet; draw it later, or another --y", c->path,
                    tnd_curve_value_name(curves->options.y));
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
    status = tnd_curve_read(paths[i], options->y, c, err);
    if (status == TENDRIL_OK) status = check_values(curves, c, err);
    if (status == TENDRIL_OK) status = tnd_curves_find_method(curves, i, methods, err);
  }
  if (status == TENDRIL_OK) {
    curves->smooth = options->smooth ? options->smooth : choose_window(curves);
    for (int i = 0; i < n; i++)
      tnd_curve_smooth(&curves->curves[i], curves->smooth);
  }
  if (status == TENDRIL_OK) status = tnd_curves_name_methods(curves, err);
  for (int m = 0; m < curves->nmethod && status == TENDRIL_OK; m++)
    status = average(curves, m, err);
  if (status == TENDRIL_OK)
    *out = curves;
  else
    tnd_curves_destroy(curves);
  return status;
}

void tnd_curves_destroy(tnd_curves *curves) {
  if (!curves) return;
  for (int i = 0; curves->curves && i < curves->ncurve; i++)
    tnd_curve_release(&curves->curves[i]);
  for (int m = 0; m < curves->nmethod; m++) {
    tnd_free(curves->methods[m].name);
    tnd_free(curves->methods[m].differences);
    tnd_free(curves->methods[m].x);
  }
  tnd_free(curves->curves);
  tnd_free(curves->methods);
  tnd_free(curves);
}

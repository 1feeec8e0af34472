// Learning curves: runs read from their folders, put together by method, averaged over seeds.
#ifndef TND_CURVES_H
#define TND_CURVES_H

#include "base/json.h"
#include "view/figure.h"

#include <tendril/base.h>

typedef enum tnd_axis { TND_AXIS_STEPS, TND_AXIS_CPU, TND_AXIS_ITERATIONS, TND_AXES } tnd_axis;

typedef struct tnd_curves_options {
  tnd_axis x;
  const char *y;  // borrowed: "return" of the training's episodes, "evaluation" (of the mean
                  // action), or a column of progress.csv
  int smooth;     // iterations of the moving mean, odd; 0: chosen by the length of the runs
} tnd_curves_options;

// One run; rows without a value of y are left out.
typedef struct tnd_curve {
  char *path, *task, *learner;
  double seed;
  cJSON *config;  // the resolved configuration, filled up with defaults
  int method;     // of curves->methods
  int n;
  double *at[TND_AXES];  // [n] each: control steps, CPU seconds (NULL if the run has none),
                         // iterations
  double *raw, *y;       // [n] as logged, smoothed
  double steps, cpu, iterations;  // of the whole run so far; cpu NAN if the run has none
} tnd_curve;

// The runs of one task and one configuration, but for the seed.
typedef struct tnd_method_curve {
  char *name;  // the learner, or by what it differs from others; as given to tnd_curves_add()
  char *differences;  // from all other methods of its task: "learner.lambda 0.95, ..."; may be ""
  const char *task, *learner;  // of its runs
  int nrun, style;
  int n;                          // of the curve that all runs reach
  double *x, *mean, *low, *high;  // [n]; low and high NULL with one run
} tnd_method_curve;

typedef struct tnd_curves {
  tnd_curves_options options;
  int smooth;  // as it was used
  int ncurve, nmethod;
  tnd_curve *curves;          // [ncurve] in the order in which they were added
  tnd_method_curve *methods;  // [nmethod] in that order, too
} tnd_curves;

// Names of axes: "steps", "cpu", "iterations"; E_ARGUMENT with the nearest for another.
TENDRIL_MUST_CHECK tendril_status tnd_axis_parse(const char *name, tnd_axis *out,
                                                 tendril_error *err);
const char *tnd_axis_label(tnd_axis axis);  // "control steps"

// @param paths    [n] run folders, borrowed
// @param methods  [n] names that tell methods apart; NULL: the configurations do, and are compared
// @param out      owned by the caller, tnd_curves_destroy()
// @return E_IO for a folder that holds no run, E_FORMAT for a damaged one or one without values of
//         y, E_UNKNOWN for a column that a run does not have
TENDRIL_MUST_CHECK tendril_status tnd_curves_create(const tnd_curves_options *options,
                                                    const char *const *paths,
                                                    const char *const *methods, int n,
                                                    tnd_curves **out, tendril_error *err);
void tnd_curves_destroy(tnd_curves *curves);

// What y is, for an axis: "return of the training's episodes".
const char *tnd_curves_y_label(const tnd_curves *curves);
// How the figure was made, as its caption says it; owned by the caller, tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_curves_caption(const tnd_curves *curves, char **out,
                                                     tendril_error *err);

// Levels of a task's panel.
typedef struct tnd_curves_levels {
  const char *task;
  int n;
  const tnd_level *levels;  // [n]
} tnd_curves_levels;

// One panel a task. title may be NULL; levels [nlevels], one a task at most.
TENDRIL_MUST_CHECK tendril_status tnd_curves_draw(const tnd_curves *curves, const char *title,
                                                  const tnd_curves_levels *levels, int nlevels,
                                                  const char *path, tendril_error *err);

// Where a run's smoothed curve first reaches the level, on the axis, between two rows; NAN:
// nowhere.
double tnd_curve_reaches(const tnd_curve *curve, tnd_axis axis, double level);

// The picture of a run on its way: returns of training and evaluations over control steps, into
// PATH/curves.svg. Doesn't wait for gnuplot. *out is NULL if there is nothing to draw yet.
TENDRIL_MUST_CHECK tendril_status tnd_curves_sketch(const char *path, tnd_drawing **out,
                                                    tendril_error *err);

#endif

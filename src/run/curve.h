// The learning curve of one run: its folder's config.json, progress.csv and evaluations.csv.
#ifndef TND_CURVE_H
#define TND_CURVE_H

#include "base/json.h"

#include <tendril/base.h>

typedef enum tnd_axis { TND_AXIS_STEPS, TND_AXIS_CPU, TND_AXIS_ITERATIONS, TND_AXES } tnd_axis;

// Names of axes: "steps", "cpu", "iterations"; E_ARGUMENT with the nearest for another.
TENDRIL_MUST_CHECK tendril_status tnd_axis_parse(const char *name, tnd_axis *out,
                                                 tendril_error *err);
const char *tnd_axis_label(tnd_axis axis);  // "control steps"

enum { TND_CURVE_DRAWN = 400 };  // points of a curve: more than these no picture shows

// Rows without a value of y are left out.
typedef struct tnd_curve {
  char *path, *task, *learner;
  double seed;
  cJSON *config;  // the resolved configuration, filled up with defaults
  int method;     // its place among methods, where runs are put together (curves.h)
  int n;
  double *at[TND_AXES];  // [n] each: control steps, CPU seconds (NULL if the run has none),
                         // iterations
  double *raw, *y;       // [n] as logged, smoothed
  double steps, cpu, iterations;  // of the whole run so far; cpu NAN if the run has none
} tnd_curve;

// A run, complete or still growing; n may be 0. out->y is all 0 until tnd_curve_smooth().
// @param y    "return" of the training's episodes, "evaluation" (of the mean action), "success"
// (the
//             share of an evaluation's episodes that reach the task's goal), or a column of
//             progress.csv
// @param out  filled; tnd_curve_release(), also after an error
// @return E_IO for a folder that holds no run, E_FORMAT for a damaged one, E_UNKNOWN for a column
//         that the run does not have
TENDRIL_MUST_CHECK tendril_status tnd_curve_read(const char *path, const char *y, tnd_curve *out,
                                                 tendril_error *err);
void tnd_curve_release(tnd_curve *curve);

// Whether y is of the evaluations, "evaluation" or "success".
bool tnd_curve_of_evaluations(const char *y);
// What a row has or lacks: "return of a whole episode", "evaluation", a column.
const char *tnd_curve_value_name(const char *y);

// Rows of the moving mean that suits n of them; odd.
int tnd_curve_window(int n);
// y = the mean of raw over `window` rows around each, of fewer at both ends.
void tnd_curve_smooth(tnd_curve *curve, int window);

// Where the smoothed curve first reaches the level, on the axis, between two rows; NAN: nowhere.
double tnd_curve_reaches(const tnd_curve *curve, tnd_axis axis, double level);

#endif

// Learning curves of many runs, put together by method and averaged over seeds.
#ifndef TND_CURVES_H
#define TND_CURVES_H

#include "run/curve.h"

typedef struct tnd_curves_options {
  tnd_axis x;
  const char *y;     // borrowed; as of tnd_curve_read()
  int smooth;        // iterations of the moving mean, odd; 0: chosen by the length of the runs
  bool allow_empty;  // a run without values of y is no error: it is in no mean
} tnd_curves_options;

// The runs of one task and one configuration, but for the seed.
typedef struct tnd_method_curve {
  char *name;  // the learner, or by what it differs from others; as given to tnd_curves_create()
  char *differences;  // from all other methods of its task: "learner.lambda 0.95, ..."; may be ""
  const char *task, *learner;     // of its runs
  int nrun, style;                // nrun: those that have values of y
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

// @param paths    [n] run folders, borrowed
// @param methods  [n] names that tell methods apart; NULL: the configurations do, and are compared
// @param out      owned by the caller, tnd_curves_destroy()
// @return all of tnd_curve_read(), E_FORMAT for a run without values of y unless it is allowed, and
//         without names E_ARGUMENT for two runs of one configuration with the same seed: they are
//         one run, whichever folders they are in
TENDRIL_MUST_CHECK tendril_status tnd_curves_create(const tnd_curves_options *options,
                                                    const char *const *paths,
                                                    const char *const *methods, int n,
                                                    tnd_curves **out, tendril_error *err);
void tnd_curves_destroy(tnd_curves *curves);

#endif

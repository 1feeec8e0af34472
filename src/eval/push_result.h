// The result of pushes, and what it is made from.
#ifndef TND_PUSH_RESULT_H
#define TND_PUSH_RESULT_H

#include <tendril/eval.h>

#include "base/status.h"

typedef enum tnd_push_outcome { TND_FALLEN, TND_STANDING, TND_RECOVERED } tnd_push_outcome;

// E_ARGUMENT for an empty or falling grid and for numbers out of range.
TENDRIL_MUST_CHECK tendril_status tnd_push_check(const tendril_push_options *options,
                                                 tendril_error *err);
// Of the options' grid, with nothing counted yet.
TENDRIL_MUST_CHECK tendril_status tnd_push_result_create(const tendril_push_options *options,
                                                         tendril_push_result **out,
                                                         tendril_error *err);
// Counts and thresholds. outcomes [replica][phase][direction][newton + 1], the last unpushed
void tnd_push_result_count(tendril_push_result *result, const tendril_push_options *options,
                           const unsigned char *outcomes);

#endif

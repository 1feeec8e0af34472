// Which runs are one method, and what it is called. For curves.c.
#ifndef TND_CURVES_METHODS_H
#define TND_CURVES_METHODS_H

#include "run/curves.h"

// The method that run i, which was just read, belongs to: a new one if none is like it.
// names: NULL, or of each run.
TENDRIL_MUST_CHECK tendril_status tnd_curves_find_method(tnd_curves *curves, int i,
                                                         const char *const *names,
                                                         tendril_error *err);
// Names, differences and styles of the methods, when all runs have found theirs.
TENDRIL_MUST_CHECK tendril_status tnd_curves_name_methods(tnd_curves *curves, tendril_error *err);

#endif

// The survival surface of pushes as a figure: a heat map for each direction.
#ifndef TND_PUSH_MAP_H
#define TND_PUSH_MAP_H

#include "base/status.h"

#include <tendril/eval.h>

// names [ndirection] of the directions; title may be NULL. Errors as tnd_figure_write()'s.
TENDRIL_MUST_CHECK tendril_status tnd_push_map_write(const tendril_push_result *result,
                                                     const char *const *names, const char *title,
                                                     const char *path, tendril_error *err);

#endif

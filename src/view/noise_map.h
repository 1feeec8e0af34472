// Survival under noise as a figure: a heat map.
#ifndef TND_NOISE_MAP_H
#define TND_NOISE_MAP_H

#include "base/status.h"

#include <tendril/eval.h>

// title may be NULL. Errors as tnd_figure_write()'s.
TENDRIL_MUST_CHECK tendril_status tnd_noise_map_write(const tendril_noise_result *result,
                                                      const char *title, const char *path,
                                                      tendril_error *err);

#endif

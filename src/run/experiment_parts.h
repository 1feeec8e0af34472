// The two steps of opening an experiment; for experiment.c.
#ifndef TND_EXPERIMENT_PARTS_H
#define TND_EXPERIMENT_PARTS_H

#include "run/experiment.h"

enum { TND_CELLS_MAX = 10000 };

static inline const cJSON *tnd_member(const cJSON *object, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

// Checks all of e->json, and takes texts, tasks, methods and the number of seeds from it.
// @param seeds  as of tnd_experiment_open()
// @return E_CONFIG for a member that is wrong: "x.json: methods[2]: ..."
TENDRIL_MUST_CHECK tendril_status tnd_experiment_read(tnd_experiment *e, int seeds,
                                                      tendril_error *err);
// Cells and their commands, of an experiment that was read; E_CONFIG if there are none, or more
// than TND_CELLS_MAX.
TENDRIL_MUST_CHECK tendril_status tnd_experiment_make_cells(tnd_experiment *e, tendril_error *err);

#endif

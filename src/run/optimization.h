// What is optimised, for src/run/.
#ifndef TND_OPTIMIZATION_H
#define TND_OPTIMIZATION_H

#include "run/sections.h"

#include <tendril/optimize.h>

struct cJSON;

struct tendril_optimization {
  const tendril_task *task;  // borrowed from the list of tasks
  tendril_optimize_options optimize;
  tendril_sim_options sim;
  tendril_ilqg_options ilqg;
};

extern const tnd_option_table tnd_optimize_options;

// As JSON, "task" and the sections; *out owned by the caller, tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_optimization_print(const tendril_optimization *optimization,
                                                         bool versions, char **out,
                                                         tendril_error *err);
// That read back; E_FORMAT if it is none.
TENDRIL_MUST_CHECK tendril_status tnd_optimization_parse(const tendril_tasks *tasks,
                                                         const char *text, const char *where,
                                                         tendril_optimization **out,
                                                         tendril_error *err);

#endif

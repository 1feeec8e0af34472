// The list of tasks: a chain of groups, the built-in ones first, then one group per plugin.
#ifndef TND_TASKS_H
#define TND_TASKS_H

#include "base/alloc.h"
#include "base/file.h"

#include <tendril/tasks.h>

typedef struct tnd_task_group {
  struct tnd_task_group *next;
  const tendril_task *const *tasks;  // [ntask]
  int ntask;
  void *handle;               // of dlopen(); NULL for the built-in ones
  char folder[TND_PATH_MAX];  // where the models of a plugin are
} tnd_task_group;

struct tendril_tasks {
  tnd_task_group built_in;  // heads the chain
};

// The task of that name and, if group is not NULL, its group; NULL if there is none.
const tendril_task *tnd_tasks_find(const tendril_tasks *tasks, const char *name,
                                   const tnd_task_group **group);
// The same, E_UNKNOWN with a suggestion if there is none; `where` (may be NULL) begins the line.
TENDRIL_MUST_CHECK tendril_status tnd_tasks_require(const tendril_tasks *tasks, const char *name,
                                                    const char *where, const tendril_task **out,
                                                    tendril_error *err);

#endif

// The table of built-in tasks (one line each) and the list that a program works with.
#include "base/options.h"
#include "tasks/tasks.h"

#include <dlfcn.h>
#include <string.h>

// clang-format off
#define BUILT_IN(X)                                                                                \
  X(tnd_hopper_v4)                                                                                 \
  X(tnd_walker2d_v4)                                                                               \
  X(tnd_swimmer_v4)                                                                                \
  X(tnd_inverted_pendulum_v4)                                                                      \
  X(tnd_cartpole)                                                                                  \
  X(tnd_swimmer)                                                                                   \
  X(tnd_hopper)                                                                                    \
  X(tnd_walker)                                                                                    \
  X(tnd_double_link)                                                                               \
  X(tnd_quad_link)                                                                                 \
  X(tnd_quad_link_limits)                                                                          \
  X(tnd_swimmer_gps)                                                                               \
  X(tnd_walker_gps)
// clang-format on

#define X(task) extern const tendril_task task;
BUILT_IN(X)
#undef X

#define X(task) &task,
static const tendril_task *const built_in[] = {BUILT_IN(X)};
#undef X

tendril_status tendril_tasks_create(tendril_tasks **out, tendril_error *err) {
  tendril_tasks *tasks = tnd_alloc(sizeof *tasks);
  if (!tasks) return tnd_fail_memory(err);
  tasks->built_in.tasks = built_in;
  tasks->built_in.ntask = (int)(sizeof built_in / sizeof built_in[0]);
  *out = tasks;
  return TENDRIL_OK;
}

void tendril_tasks_destroy(tendril_tasks *tasks) {
  if (!tasks) return;
  for (tnd_task_group *group = tasks->built_in.next; group;) {
    tnd_task_group *next = group->next;
    dlclose(group->handle);
    tnd_free(group);
    group = next;
  }
  tnd_free(tasks);
}

int tendril_tasks_count(const tendril_tasks *tasks) {
  int n = 0;
  for (const tnd_task_group *group = &tasks->built_in; group; group = group->next)
    n += group->ntask;
  return n;
}

const tendril_task *tendril_tasks_get(const tendril_tasks *tasks, int i) {
  for (const tnd_task_group *group = &tasks->built_in; group; group = group->next) {
    if (i >= 0 && i < group->ntask) return group->tasks[i];
    i -= group->ntask;
  }
  return NULL;
}

const tendril_task *tnd_tasks_find(const tendril_tasks *tasks, const char *name,
                                   const tnd_task_group **group) {
  for (const tnd_task_group *g = &tasks->built_in; g; g = g->next) {
    for (int i = 0; i < g->ntask; i++) {
      if (strcmp(g->tasks[i]->name, name) != 0) continue;
      if (group) *group = g;
      return g->tasks[i];
    }
  }
  return NULL;
}

static tendril_status fail_unknown(const tendril_tasks *tasks, const char *name, const char *where,
                                   tendril_error *err) {
  int n = tendril_tasks_count(tasks);
  const char **names = tnd_alloc((size_t)n * sizeof *names);
  if (!names) return tnd_fail_memory(err);
  for (int i = 0; i < n; i++)
    names[i] = tendril_tasks_get(tasks, i)->name;
  const char *nearest = tnd_nearest(name, names, n);
  tnd_free(names);
  return tnd_fail(err, TENDRIL_E_UNKNOWN, "%.250s%s%.200s: no such task; %s%s%s",
                  where ? where : "", where ? ": " : "", name,
                  nearest ? "did you mean " : "`tendril list tasks` names them, --plugin adds more",
                  nearest ? nearest : "", nearest ? "?" : "");
}

tendril_status tnd_tasks_require(const tendril_tasks *tasks, const char *name, const char *where,
                                 const tendril_task **out, tendril_error *err) {
  *out = tnd_tasks_find(tasks, name, NULL);
  return *out ? TENDRIL_OK : fail_unknown(tasks, name, where, err);
}

tendril_status tendril_tasks_model(const tendril_tasks *tasks, const char *name,
                                   const tendril_sim_options *options, tendril_model **out,
                                   tendril_error *err) {
  const tnd_task_group *group = NULL;
  const tendril_task *task = tnd_tasks_find(tasks, name, &group);
  if (!task) return fail_unknown(tasks, name, NULL, err);

  char folder[TND_PATH_MAX], path[TND_PATH_MAX];
  if (group->handle)
    memcpy(folder, group->folder, sizeof folder);
  else
    TENDRIL_TRY(tendril_models_folder(folder, sizeof folder, err));
  TENDRIL_TRY(tnd_path_join(folder, task->mjcf, path, err));
  return tendril_model_create(task, path, options, out, err);
}

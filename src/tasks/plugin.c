// Plugins: a shared object that exports a table of tasks. Everything in it is looked at before the
// list is touched, so a bad plugin leaves the list as it was.
#include "sim/sim.h"
#include "tasks/tasks.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Names are typed on command lines and become parts of paths.
static bool is_plain_name(const char *name) {
  for (const char *c = name; *c; c++) {
    if (!isalnum((unsigned char)*c) && !strchr("-_.", *c)) return false;
  }
  return name[0] != '-' && name[0] != '.';
}

static tendril_status check_task(const tendril_tasks *tasks, const tendril_plugin_info *info, int i,
                                 const char *plugin, tendril_error *err) {
  const tendril_task *task = info->tasks[i];
  if (!task) return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s: task %d is NULL", plugin, i);
  const char *flaw = tnd_task_flaw(task);
  if (flaw) return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s: task %d: %s", plugin, i, flaw);
  if (!is_plain_name(task->name)) {
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%.200s: task %d: a name is made of letters, digits, '-', '_' and '.'", plugin,
                    i);
  }

  // new to the list and to the plugin itself
  bool taken = tnd_tasks_find(tasks, task->name, NULL) != NULL;
  for (int j = 0; j < i; j++)
    taken |= strcmp(info->tasks[j]->name, task->name) == 0;
  if (taken) {
    return tnd_fail(err, TENDRIL_E_EXISTS, "%.200s: there is a task %.100s already", plugin,
                    task->name);
  }
  return TENDRIL_OK;
}

static tendril_status check_plugin(const tendril_tasks *tasks, const tendril_plugin_info *info,
                                   const char *plugin, tendril_error *err) {
  if (!info) {
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s: no plugin: it exports no `tendril_plugin`",
                    plugin);
  }
  if (info->abi != TENDRIL_PLUGIN_ABI) {
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%.200s: built for plugin ABI %d, this library has %d; compile it again",
                    plugin, info->abi, TENDRIL_PLUGIN_ABI);
  }
  if (info->ntask < 1 || !info->tasks)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s: the plugin has no tasks", plugin);
  for (int i = 0; i < info->ntask; i++)
    TENDRIL_TRY(check_task(tasks, info, i, plugin, err));
  return TENDRIL_OK;
}

tendril_status tendril_tasks_load(tendril_tasks *tasks, const char *plugin, tendril_error *err) {
  // dlopen() searches the system's folders for a name without a slash: a full path keeps it here
  char path[TND_PATH_MAX];
  if (strlen(plugin) >= sizeof path - 1 || !realpath(plugin, path))
    return tnd_fail(err, TENDRIL_E_IO, "%.200s: %s", plugin, strerror(errno));

  tnd_task_group *group = tnd_alloc(sizeof *group);
  if (!group) return tnd_fail_memory(err);
  group->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  tendril_status status = TENDRIL_OK;
  if (!group->handle) status = tnd_fail(err, TENDRIL_E_IO, "%.400s", dlerror());

  if (status == TENDRIL_OK) {
    const tendril_plugin_info *info = dlsym(group->handle, "tendril_plugin");
    status = check_plugin(tasks, info, plugin, err);
    if (status == TENDRIL_OK) {
      group->tasks = info->tasks;
      group->ntask = info->ntask;
    }
  }

  if (status == TENDRIL_OK) {
    // the models are beside the plugin
    *strrchr(path, '/') = '\0';
    snprintf(group->folder, sizeof group->folder, "%s", path[0] ? path : "/");
    tnd_task_group *last = &tasks->built_in;
    while (last->next)
      last = last->next;
    last->next = group;
    group = NULL;  // the list's from here on
  }
  if (group && group->handle) dlclose(group->handle);
  tnd_free(group);
  return status;
}

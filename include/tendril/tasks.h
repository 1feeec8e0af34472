/**
 * @file tasks.h
 * The list of tasks: the built-in ones and those that a plugin adds.
 */
#ifndef TENDRIL_TASKS_H
#define TENDRIL_TASKS_H

#include <tendril/sim.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Grows when tendril_task changes; a plugin built for another number is refused. */
#define TENDRIL_PLUGIN_ABI 4

/** What a plugin exports under the name `tendril_plugin`: `const tendril_plugin_info
 * tendril_plugin`. */
typedef struct tendril_plugin_info {
  int abi;  // TENDRIL_PLUGIN_ABI
  int ntask;
  const tendril_task *const *tasks;  // [ntask]
} tendril_plugin_info;

typedef struct tendril_tasks tendril_tasks;

/** The built-in tasks. */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_tasks_create(tendril_tasks **out,
                                                                   tendril_error *err);
/** Destroy models before the list: a plugin's tasks end with it. */
TENDRIL_API void tendril_tasks_destroy(tendril_tasks *tasks);

/**
 * Adds the tasks of a plugin; its models are looked for beside it.
 * @return E_IO (no such file, not a shared object), E_FORMAT (no plugin, another ABI, a task that
 *         breaks the rules of tendril_task), E_EXISTS (a name is taken). The list is then
 * unchanged.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_tasks_load(tendril_tasks *tasks,
                                                                 const char *plugin,
                                                                 tendril_error *err);

TENDRIL_API int tendril_tasks_count(const tendril_tasks *tasks);
TENDRIL_API const tendril_task *tendril_tasks_get(const tendril_tasks *tasks, int i);

/**
 * Loads the model of a task by the task's name.
 * @return E_UNKNOWN (the nearest name suggested) and all of tendril_model_create()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_tasks_model(const tendril_tasks *tasks, const char *name,
                    const tendril_sim_options *options, tendril_model **out, tendril_error *err);

/**
 * Folder of the shipped models and presets: $TENDRIL_MODELS, else the one beside the installed
 * library, else the source tree's.
 * @param path  [size] filled
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_models_folder(char *path, size_t size,
                                                                    tendril_error *err);

#ifdef __cplusplus
}
#endif

#endif

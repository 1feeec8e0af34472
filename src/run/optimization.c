// See optimization.h.
#include "run/optimization.h"

#include "base/alloc.h"
#include "base/json.h"
#include "run/versions.h"
#include "sim/disturbance.h"
#include "sim/sim.h"
#include "sim/terrain.h"
#include "tasks/tasks.h"
#include "trajopt/ilqg.h"

#include <string.h>

#define X(...) TND_OPTION_ROW(tendril_optimize_options, __VA_ARGS__)
static const tnd_option rows[] = {TENDRIL_OPTIMIZE_OPTIONS(X)};
#undef X
const tnd_option_table tnd_optimize_options = TND_OPTION_TABLE(tendril_optimize_options, rows);

enum { NSECTION = 5 };

static void list_sections(tendril_optimization *o, tnd_section sections[NSECTION]) {
  const tnd_section all[NSECTION] = {
      {"optimize", &tnd_optimize_options, &o->optimize, NULL},
      {"sim", &tnd_sim_options, &o->sim, NULL},
      {"terrain", &tnd_terrain_options, &o->sim.terrain, NULL},
      {"push", &tnd_disturbance_options, &o->sim.push, NULL},
      {"ilqg", &tnd_ilqg_options, &o->ilqg, NULL},
  };
  memcpy(sections, all, sizeof all);
}

tendril_status tendril_optimization_create(const tendril_tasks *tasks, const char *task,
                                           tendril_optimization **out, tendril_error *err) {
  const tendril_task *found;
  TENDRIL_TRY(tnd_tasks_require(tasks, task, NULL, &found, err));
  tendril_optimization *o = tnd_alloc(sizeof *o);
  if (!o) return tnd_fail_memory(err);
  o->task = found;
  tnd_options_default(&tnd_optimize_options, &o->optimize);
  tendril_sim_defaults(&o->sim);
  tendril_ilqg_defaults(&o->ilqg);
  *out = o;
  return TENDRIL_OK;
}

void tendril_optimization_destroy(tendril_optimization *o) {
  tnd_free(o);
}

tendril_status tendril_optimization_set(tendril_optimization *o, const char *key, const char *text,
                                        tendril_error *err) {
  tnd_section sections[NSECTION];
  list_sections(o, sections);
  return tnd_sections_set(sections, NSECTION, key, text, err);
}

const tendril_ilqg_options *tendril_optimization_ilqg(const tendril_optimization *o) {
  return &o->ilqg;
}

int tendril_optimization_steps(const tendril_optimization *o) {
  return o->sim.max_steps ? (int)o->sim.max_steps : o->task->max_steps;
}

static tendril_status read_sections(tendril_optimization *o, const cJSON *object, const char *where,
                                    tendril_error *err) {
  tendril_optimization copy = *o;
  tnd_section sections[NSECTION];
  list_sections(&copy, sections);
  TENDRIL_TRY(tnd_sections_read(sections, NSECTION, object, where, err));
  *o = copy;
  return TENDRIL_OK;
}

tendril_status tendril_optimization_read(tendril_optimization *o, const char *path,
                                         tendril_error *err) {
  cJSON *object = NULL;
  TENDRIL_TRY(tnd_json_read(path, &object, err));
  const tendril_status status = read_sections(o, object, path, err);
  cJSON_Delete(object);
  return status;
}

tendril_status tnd_optimization_print(const tendril_optimization *o, bool versions, char **out,
                                      tendril_error *err) {
  tendril_optimization view = *o;  // sections are not const, and are only read here
  tnd_section sections[NSECTION];
  list_sections(&view, sections);
  cJSON *object = cJSON_CreateObject();
  tendril_status status = TENDRIL_OK;
  if (!object || !cJSON_AddStringToObject(object, "task", o->task->name))
    status = tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tnd_sections_write(sections, NSECTION, object, err);
  if (status == TENDRIL_OK && versions) status = tnd_versions_write(object, err);
  if (status == TENDRIL_OK) status = tnd_json_print(object, out, err);
  cJSON_Delete(object);
  return status;
}

tendril_status tnd_optimization_parse(const tendril_tasks *tasks, const char *text,
                                      const char *where, tendril_optimization **out,
                                      tendril_error *err) {
  cJSON *object = NULL;
  tendril_optimization *o = NULL;
  TENDRIL_TRY(tnd_json_parse(text, strlen(text), where, &object, err));
  const char *task = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "task"));
  tendril_status status =
      task ? tendril_optimization_create(tasks, task, &o, err)
           : tnd_fail(err, TENDRIL_E_FORMAT, "%s: names no task; the file is damaged", where);
  if (status == TENDRIL_OK) status = read_sections(o, object, where, err);
  if (status == TENDRIL_E_CONFIG) status = TENDRIL_E_FORMAT;  // no wish of a user: a run wrote it
  if (status == TENDRIL_OK)
    *out = o;
  else
    tendril_optimization_destroy(o);
  cJSON_Delete(object);
  return status;
}

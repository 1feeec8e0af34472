// Configurations: a task, a learner and nine sections of options. Every source (preset, file,
// `--set`, config.json, checkpoint) goes through the same option tables.
#include "run/config.h"

#include "base/alloc.h"
#include "base/json.h"
#include "critic/critic.h"
#include "policy/policy.h"
#include "rollout/rollout.h"
#include "run/demonstration.h"
#include "sim/disturbance.h"
#include "sim/sim.h"
#include "sim/terrain.h"
#include "tasks/tasks.h"

#include <stdio.h>
#include <string.h>

#define X(...) TND_OPTION_ROW(tendril_run_options, __VA_ARGS__)
static const tnd_option run_rows[] = {TENDRIL_RUN_OPTIONS(X)};
#undef X

static const tnd_option_table run_options = TND_OPTION_TABLE(tendril_run_options, run_rows);

static const tnd_option_table *const tables[] = {
    &run_options,
    &tnd_sim_options,
    &tnd_terrain_options,
    &tnd_disturbance_options,
    &tnd_demonstration_options,
    &tnd_policy_options,
    &tnd_rollout_options,
    &tnd_critic_options,
};
static const char *const names[TND_SECTIONS] = {
    "run", "sim", "terrain", "push", "demonstration", "policy", "rollout", "critic", "learner"};

const tnd_option_table *tnd_section_table(int i, const char **name) {
  *name = names[i];
  return tables[i];
}

void tnd_config_sections(tendril_config *config, tnd_section sections[TND_SECTIONS]) {
  void *options[TND_SECTIONS] = {&config->run,      &config->sim,           &config->sim.terrain,
                                 &config->sim.push, &config->demonstration, &config->policy,
                                 &config->rollout,  &config->critic,        config->learner};
  for (int i = 0; i < TND_SECTIONS; i++) {
    const bool learner = i == TND_SECTIONS - 1;
    sections[i] = (tnd_section){names[i], learner ? config->method->options : tables[i], options[i],
                                learner ? config->method->name : NULL};
  }
}

static tendril_status unknown_learner(const char *where, const char *name, tendril_error *err) {
  const char *all[64];
  int n = tnd_method_count();
  for (int i = 0; i < n; i++)
    all[i] = tnd_method_get(i)->name;
  const char *near = tnd_nearest(name, all, n);
  return tnd_fail(err, TENDRIL_E_UNKNOWN, "%s%s%.100s: no such learner; %s%s%s", where ? where : "",
                  where ? ": learner.name: " : "", name,
                  near ? "did you mean " : "see `tendril list learners`", near ? near : "",
                  near ? "?" : "");
}

static tendril_status create(const tendril_task *task, const tnd_method *method,
                             tendril_config **out, tendril_error *err) {
  tendril_config *config = tnd_alloc(sizeof *config);
  void *learner = tnd_alloc(method->options->size);
  if (!config || !learner) {
    tnd_free(config);
    tnd_free(learner);
    return tnd_fail_memory(err);
  }
  config->task = task;
  config->method = method;
  config->learner = learner;
  tnd_section sections[TND_SECTIONS];
  tnd_config_sections(config, sections);
  for (int i = 0; i < TND_SECTIONS; i++)
    tnd_options_default(sections[i].table, sections[i].options);
  *out = config;
  return TENDRIL_OK;
}

tendril_status tendril_config_create(const tendril_tasks *tasks, const char *task,
                                     const char *learner, tendril_config **out,
                                     tendril_error *err) {
  const tendril_task *found;
  TENDRIL_TRY(tnd_tasks_require(tasks, task, NULL, &found, err));
  const tnd_method *method = tnd_method_find(learner);
  if (!method) return unknown_learner(NULL, learner, err);
  return create(found, method, out, err);
}

void tendril_config_destroy(tendril_config *config) {
  if (!config) return;
  tnd_free(config->learner);
  tnd_free(config);
}

tendril_status tnd_config_copy(const tendril_config *config, tendril_config **out,
                               tendril_error *err) {
  tendril_config *copy = NULL;
  TENDRIL_TRY(create(config->task, config->method, &copy, err));
  void *learner = copy->learner;
  memcpy(learner, config->learner, config->method->options->size);
  *copy = *config;
  copy->learner = learner;
  *out = copy;
  return TENDRIL_OK;
}

static tendril_status read_sections(tendril_config *config, const cJSON *object, const char *where,
                                    tendril_error *err) {
  tnd_section sections[TND_SECTIONS];
  tnd_config_sections(config, sections);
  return tnd_sections_read(sections, TND_SECTIONS, object, where, err);
}

// Swaps the contents of two configurations of the same task and learner.
static void swap(tendril_config *a, tendril_config *b) {
  tendril_config c = *a;
  *a = *b;
  *b = c;
}

tendril_status tendril_config_read(tendril_config *config, const char *path, tendril_error *err) {
  cJSON *object = NULL;
  tendril_config *copy = NULL;
  tendril_status status = tnd_json_read(path, &object, err);
  if (status == TENDRIL_OK) status = tnd_config_copy(config, &copy, err);
  if (status == TENDRIL_OK) status = read_sections(copy, object, path, err);
  if (status == TENDRIL_OK) swap(config, copy);
  tendril_config_destroy(copy);
  cJSON_Delete(object);
  return status;
}

tendril_status tendril_config_set(tendril_config *config, const char *key, const char *text,
                                  tendril_error *err) {
  tnd_section sections[TND_SECTIONS];
  tnd_config_sections(config, sections);
  return tnd_sections_set(sections, TND_SECTIONS, key, text, err);
}

tendril_status tnd_config_parse(const tendril_tasks *tasks, const cJSON *object, const char *where,
                                tendril_config **out, tendril_error *err) {
  const cJSON *task = cJSON_GetObjectItemCaseSensitive(object, "task");
  const cJSON *learner = cJSON_GetObjectItemCaseSensitive(object, "learner");
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(learner, "name");
  if (!cJSON_IsString(task) || !cJSON_IsString(name))
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%s: lacks task or learner.name; it is no configuration of a run", where);
  const tendril_task *found;
  TENDRIL_TRY(tnd_tasks_require(tasks, task->valuestring, where, &found, err));
  const tnd_method *method = tnd_method_find(name->valuestring);
  if (!method) return unknown_learner(where, name->valuestring, err);
  tendril_config *config = NULL;
  TENDRIL_TRY(create(found, method, &config, err));
  tendril_status status = read_sections(config, object, where, err);
  if (status == TENDRIL_E_CONFIG) status = TENDRIL_E_FORMAT;  // no wish of a user: a run wrote it
  if (status == TENDRIL_OK)
    *out = config;
  else
    tendril_config_destroy(config);
  return status;
}

tendril_status tendril_config_print(const tendril_config *config, char **out, tendril_error *err) {
  tnd_section sections[TND_SECTIONS];
  tendril_config view = *config;  // sections are not const, and are only read here
  tnd_config_sections(&view, sections);
  cJSON *object = cJSON_CreateObject();
  tendril_status status = TENDRIL_OK;
  if (!object || !cJSON_AddStringToObject(object, "task", config->task->name))
    status = tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tnd_sections_write(sections, TND_SECTIONS, object, err);
  if (status == TENDRIL_OK) status = tnd_json_print(object, out, err);
  cJSON_Delete(object);
  return status;
}

void tendril_text_destroy(char *text) {
  tnd_free(text);
}

const tendril_run_options *tendril_config_run(const tendril_config *config) {
  return &config->run;
}

const char *tendril_config_task(const tendril_config *config) {
  return config->task->name;
}

const char *tendril_config_learner(const tendril_config *config) {
  return config->method->name;
}

tendril_status tnd_config_models(const tendril_config *config, const tendril_tasks *tasks,
                                 tendril_model **model, tendril_model **task_model,
                                 tendril_error *err) {
  const char *task = config->task->name;
  *model = *task_model = NULL;
  TENDRIL_TRY(tendril_tasks_model(tasks, task, &config->sim, model, err));
  tendril_sim_options own = config->sim;
  own.integrator = TENDRIL_INTEGRATOR_TASK;
  own.physics_steps = 0;
  if (config->sim.integrator == own.integrator && config->sim.physics_steps == 0) return TENDRIL_OK;
  const tendril_status status = tendril_tasks_model(tasks, task, &own, task_model, err);
  // the task's own, by their names
  const bool same = status == TENDRIL_OK && tnd_model_same_physics(*model, *task_model);
  if (same) {
    tendril_model_destroy(*task_model);
    *task_model = NULL;
  }
  if (status != TENDRIL_OK) {
    tendril_model_destroy(*model);
    *model = NULL;
  }
  return status;
}

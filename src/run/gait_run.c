// A search for a gait with all that surrounds it: folder, files, progress, the walks by which the
// found gait is judged.
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "run/claim.h"
#include "run/gait_config.h"
#include "run/gait_file.h"
#include "run/gait_search.h"
#include "run/table.h"
#include "run/versions.h"

#include <string.h>

// Start states of the walks in the end; `tendril eval` plays them, too.
enum { CHECK_SERIES = 0 };

static const char *const columns[] = {
    "iteration",  "candidates", "value_lowest", "sigma",     "condition", "best_iteration",
    "best_value", "best_speed", "best_fallen",  "best_cost", "seconds",   "cpu_seconds",
};
enum { NCOLUMN = sizeof columns / sizeof columns[0] };

typedef struct run {
  const tendril_gait_config *config;
  const tendril_gait_hooks *hooks;
  tendril_model *model;
  tendril_pool *pool;
  tnd_gait_search *search;
  tnd_table *table;  // NULL: no files
  bool made;
  char root[TND_PATH_MAX], config_path[TND_PATH_MAX], progress[TND_PATH_MAX], gait[TND_PATH_MAX];
  double begin, begin_cpu;
} run;

// --------------------------------------------------------------------------------------- files

static tendril_status name_paths(run *r, const char *folder, tendril_error *err) {
  if (!folder[0] || strlen(folder) >= sizeof r->root)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "the name of the folder is empty or too long");
  strcpy(r->root, folder);
  TENDRIL_TRY(tnd_path_join(folder, "config.json", r->config_path, err));
  TENDRIL_TRY(tnd_path_join(folder, "progress.csv", r->progress, err));
  return tnd_path_join(folder, TND_GAIT_NAME, r->gait, err);
}

static tnd_claim claim_of(const run *r) {
  return (tnd_claim){
      .root = r->root,
      .files = {r->config_path, r->progress, r->gait},
      .taken = "holds a search for a gait already; choose another folder, or overwrite it with "
               "--force",
      .strangers = "holds files that no search for a gait wrote; choose another folder",
  };
}

// config.json: the resolved configuration, and what it was run with.
static tendril_status write_config(const run *r, tendril_error *err) {
  char *text = NULL;
  tendril_gait_config config = *r->config;
  tnd_section sections[TND_GAIT_SECTIONS];
  tnd_gait_sections(&config, sections);
  cJSON *object = cJSON_CreateObject();
  tendril_status status = TENDRIL_OK;
  if (!object || !cJSON_AddStringToObject(object, "task", config.task)) status = TENDRIL_E_MEMORY;
  if (status == TENDRIL_OK) status = tnd_sections_write(sections, TND_GAIT_SECTIONS, object, err);
  if (status == TENDRIL_OK) status = tnd_versions_write(object, err);
  if (status == TENDRIL_OK) status = tnd_json_print(object, &text, err);
  if (status == TENDRIL_OK) status = tnd_file_write(r->config_path, text, strlen(text), err);
  cJSON_Delete(object);
  tnd_free(text);
  return status == TENDRIL_E_MEMORY ? tnd_fail_memory(err) : status;
}

static tendril_status write_gait(const run *r, tendril_error *err) {
  const tnd_gait_best *best = tnd_gait_search_best(r->search);
  const struct {
    const char *name;
    double value;
  } numbers[] = {{"seed", (double)r->config->gait.seed},
                 {"generation", (double)best->generation},
                 {"walks", best->walks.n},
                 {"fallen", best->walks.fallen},
                 {"speed", best->walks.speed},
                 {"value", best->walks.value}};
  cJSON *found = cJSON_CreateObject();
  bool complete = found != NULL;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && complete; i++)
    complete = cJSON_AddNumberToObject(found, numbers[i].name, numbers[i].value) != NULL;
  const tendril_status status =
      complete ? tnd_gait_write(r->gait, r->config->task, &best->gait, found, err)
               : tnd_fail_memory(err);
  cJSON_Delete(found);
  return status;
}

static tendril_status write_row(const run *r, const tendril_cmaes_result *at, tendril_error *err) {
  const tnd_gait_best *best = tnd_gait_search_best(r->search);
  const double row[NCOLUMN] = {(double)at->generations,
                               (double)at->evaluations,
                               tnd_gait_search_lowest(r->search),
                               at->sigma,
                               at->condition,
                               (double)best->generation,
                               best->walks.value,
                               best->walks.speed,
                               best->walks.fallen,
                               best->walks.cost,
                               tnd_clock_wall() - r->begin,
                               tnd_clock_process() - r->begin_cpu};
  return tnd_table_row(r->table, row, err);
}

static tendril_status open_folder(run *r, const char *folder, bool force, tendril_error *err) {
  TENDRIL_TRY(name_paths(r, folder, err));
  const tnd_claim claim = claim_of(r);
  TENDRIL_TRY(tnd_claim_start(&claim, force, &r->made, err));
  tendril_status status = write_config(r, err);
  if (status == TENDRIL_OK)
    status = tnd_table_create(r->progress, columns, NCOLUMN, &r->table, err);
  if (status != TENDRIL_OK) tnd_claim_abandon(&claim, r->made);
  return status;
}

// -------------------------------------------------------------------------------------- search

static tendril_status check(const tendril_gait_config *config, tendril_error *err) {
  tendril_gait_config view = *config;  // sections are not const, and are only read here
  tnd_section sections[TND_GAIT_SECTIONS];
  tnd_gait_sections(&view, sections);
  for (int i = 0; i < TND_GAIT_SECTIONS; i++)
    TENDRIL_TRY(tnd_options_check(sections[i].table, sections[i].options, sections[i].name, err));
  return TENDRIL_OK;
}

static tendril_status create_parts(run *r, const tendril_tasks *tasks, int threads,
                                   tendril_error *err) {
  const tendril_gait_config *c = r->config;
  TENDRIL_TRY(check(c, err));
  TENDRIL_TRY(tendril_tasks_model(tasks, c->task, &c->sim, &r->model, err));
  TENDRIL_TRY(tendril_pool_create(threads, &r->pool, err));
  return tnd_gait_search_create(c, r->model, r->pool, &r->search, err);
}

static bool asked_to_stop(const run *r) {
  return r->hooks && r->hooks->stop && *r->hooks->stop;
}

static void report(const run *r, const tendril_cmaes_result *at) {
  if (!r->hooks || !r->hooks->progress) return;
  tendril_gait_progress p = {.generations = at->generations,
                             .candidates = at->evaluations,
                             .budget = r->config->cmaes.budget,
                             .best = tnd_gait_search_best(r->search)->walks,
                             .seconds = tnd_clock_wall() - r->begin};
  r->hooks->progress(r->hooks->user, &p);
}

static tendril_status search(run *r, tendril_gait_result *result, tendril_error *err) {
  const tendril_gait_config *c = r->config;
  tendril_cmaes_result at;
  r->begin = tnd_clock_wall();
  r->begin_cpu = tnd_clock_process();
  for (bool last = false; !last;) {
    TENDRIL_TRY(tnd_gait_search_iterate(r->search, err));
    tnd_gait_search_get(r->search, &at);
    last = at.end != TENDRIL_CMAES_RUNNING || asked_to_stop(r);
    bool better = false;
    if (last || at.generations == 1 || at.generations % c->gait.judge_every == 0)
      TENDRIL_TRY(tnd_gait_search_judge(r->search, &better, err));
    if (r->table && better) TENDRIL_TRY(write_gait(r, err));
    if (r->table) TENDRIL_TRY(write_row(r, &at, err));
    report(r, &at);
  }
  if (r->table) TENDRIL_TRY(tnd_table_sync(r->table, err));
  const tnd_gait_best *best = tnd_gait_search_best(r->search);
  *result = (tendril_gait_result){.gait = best->gait,
                                  .best_generation = best->generation,
                                  .judged = best->walks,
                                  .end = at.end,
                                  .generations = at.generations,
                                  .candidates = at.evaluations,
                                  .steps = tnd_gait_search_steps(r->search),
                                  .seconds = tnd_clock_wall() - r->begin,
                                  .cpu_seconds = tnd_clock_process() - r->begin_cpu};
  tendril_gait_options calm = c->gait;
  calm.push = 0;
  return tendril_gait_measure(r->model, &best->gait, &calm, r->pool, CHECK_SERIES,
                              (int)calm.check_walks, &result->checked, err);
}

tendril_status tendril_gait_search(const tendril_gait_config *config, const tendril_tasks *tasks,
                                   const char *folder, bool force, int threads,
                                   const tendril_gait_hooks *hooks, tendril_gait_result *result,
                                   tendril_error *err) {
  run *r = tnd_alloc(sizeof *r);
  if (!r) return tnd_fail_memory(err);
  r->config = config;
  r->hooks = hooks;
  tendril_status status = create_parts(r, tasks, threads, err);
  if (status == TENDRIL_OK && folder) status = open_folder(r, folder, force, err);
  if (status == TENDRIL_OK) status = search(r, result, err);
  tnd_table_destroy(r->table);
  tnd_gait_search_destroy(r->search);
  tendril_pool_destroy(r->pool);
  tendril_model_destroy(r->model);
  tnd_free(r);
  return status;
}

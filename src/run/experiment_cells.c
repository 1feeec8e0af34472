// An experiment spread out into cells with their commands. The settings of a cell are those of the
// experiment, its task, its method, its overrides and, if it is a quick one, of the quick parts,
// later ones over earlier ones.
#include "run/experiment_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static bool is_for(const tnd_experiment *e, const cJSON *override, const tnd_cell *cell) {
  const char *task = cJSON_GetStringValue(tnd_member(override, "task"));
  const char *method = cJSON_GetStringValue(tnd_member(override, "method"));
  return (!task || strcmp(task, e->tasks[cell->task].name) == 0) &&
         (!method || strcmp(method, e->methods[cell->method].name) == 0);
}

// What a cell's command is made from beside its settings.
typedef struct parts {
  const char *preset, *learner;
  bool skip;
} parts;

// merged <- settings over it. Both are objects of sections.
static bool merge(cJSON *merged, const cJSON *settings) {
  for (const cJSON *section = settings ? settings->child : NULL; section; section = section->next) {
    cJSON *into = cJSON_GetObjectItemCaseSensitive(merged, section->string);
    if (!into) into = cJSON_AddObjectToObject(merged, section->string);
    for (const cJSON *option = section->child; option && into; option = option->next) {
      cJSON *copy = cJSON_Duplicate(option, true);
      if (!copy) return false;
      // the copy has its name already; what replaces by name would make another, and not look at it
      cJSON *before = cJSON_GetObjectItemCaseSensitive(into, option->string);
      const bool done = before ? cJSON_ReplaceItemViaPointer(into, before, copy)
                               : cJSON_AddItemToObject(into, option->string, copy);
      if (!done) {
        cJSON_Delete(copy);
        return false;
      }
    }
    if (!into) return false;
  }
  return true;
}

static const cJSON *item_at(const tnd_experiment *e, const char *list, int i) {
  return cJSON_GetArrayItem(tnd_member(e->json, list), i);
}

// All settings of a cell in one, and what else its parts say.
static tendril_status gather(const tnd_experiment *e, const tnd_cell *cell, cJSON *merged, parts *p,
                             tendril_error *err) {
  const cJSON *task = item_at(e, "tasks", cell->task);
  const cJSON *method = item_at(e, "methods", cell->method);
  const cJSON *list = tnd_member(e->json, "overrides");
  p->preset = cJSON_GetStringValue(tnd_member(task, "preset"));
  p->learner = cJSON_GetStringValue(tnd_member(method, "learner"));
  if (tnd_member(method, "preset")) p->preset = tnd_member(method, "preset")->valuestring;
  bool done = merge(merged, tnd_member(e->json, "settings")) &&
              merge(merged, tnd_member(task, "settings")) &&
              merge(merged, tnd_member(method, "settings"));
  for (const cJSON *item = list ? list->child : NULL; item && done; item = item->next) {
    if (!is_for(e, item, cell)) continue;
    if (tnd_member(item, "preset")) p->preset = tnd_member(item, "preset")->valuestring;
    p->skip |= cJSON_IsTrue(tnd_member(item, "skip"));
    done = merge(merged, tnd_member(item, "settings"));
  }
  if (done && e->quick)
    done = merge(merged, tnd_member(tnd_member(e->json, "quick"), "settings")) &&
           merge(merged, tnd_member(method, "quick"));
  return done ? TENDRIL_OK : tnd_fail_memory(err);
}

// Adds a word to the cell's command; takes the buffer's text.
static tendril_status add_word(tnd_cell *cell, tnd_buffer *word, tendril_error *err) {
  return tnd_buffer_take(word, &cell->words[cell->nword++], NULL, err);
}

static tendril_status add_pair(tnd_cell *cell, const char *option, tnd_buffer *value,
                               tendril_error *err) {
  tnd_buffer word = {0};
  tnd_buffer_text(&word, option);
  const tendril_status status = add_word(cell, &word, err);
  if (status == TENDRIL_OK) return add_word(cell, value, err);
  tnd_buffer_free(value);
  return status;
}

static tendril_status add_text_pair(tnd_cell *cell, const char *option, const char *text,
                                    tendril_error *err) {
  tnd_buffer value = {0};
  tnd_buffer_text(&value, text);
  return add_pair(cell, option, &value, err);
}

// {task} in a preset's name is the cell's task.
static tendril_status add_preset(tnd_cell *cell, const char *preset, const char *task,
                                 tendril_error *err) {
  static const char mark[] = "{task}";
  tnd_buffer value = {0};
  for (const char *hit; (hit = strstr(preset, mark)); preset = hit + strlen(mark)) {
    tnd_buffer_add(&value, preset, (size_t)(hit - preset));
    tnd_buffer_text(&value, task);
  }
  tnd_buffer_text(&value, preset);
  return add_pair(cell, "--preset", &value, err);
}

static tendril_status add_settings(tnd_cell *cell, const cJSON *settings, tendril_error *err) {
  for (const cJSON *section = settings->child; section; section = section->next)
    for (const cJSON *option = section->child; option; option = option->next) {
      tnd_buffer value = {0};
      tnd_buffer_format(&value, "%s.%s=", section->string, option->string);
      tnd_json_plain(&value, option);
      TENDRIL_TRY(add_pair(cell, "--set", &value, err));
    }
  return TENDRIL_OK;
}

static int count_settings(const cJSON *settings) {
  int n = 0;
  for (const cJSON *section = settings->child; section; section = section->next)
    n += cJSON_GetArraySize(section);
  return n;
}

static tendril_status make_command(const tnd_experiment *e, tnd_cell *cell, const cJSON *settings,
                                   const parts *p, tendril_error *err) {
  char seed[32];
  const char *task = e->tasks[cell->task].name;
  cell->words = tnd_alloc(sizeof *cell->words * (size_t)(10 + 2 * count_settings(settings)));
  if (!cell->words) return tnd_fail_memory(err);
  snprintf(seed, sizeof seed, "%lld", (long long)cell->seed);
  TENDRIL_TRY(add_text_pair(cell, "train", task, err));
  if (p->learner) TENDRIL_TRY(add_text_pair(cell, "--learner", p->learner, err));
  if (p->preset) TENDRIL_TRY(add_preset(cell, p->preset, task, err));
  TENDRIL_TRY(add_text_pair(cell, "--seed", seed, err));
  TENDRIL_TRY(add_text_pair(cell, "--threads", "1", err));
  TENDRIL_TRY(add_settings(cell, settings, err));
  tnd_buffer command = {0};
  tnd_buffer_text(&command, "tendril");
  for (int i = 0; i < cell->nword; i++) {
    tnd_buffer_text(&command, " ");
    tnd_buffer_shell_word(&command, cell->words[i]);
  }
  return tnd_buffer_take(&command, &cell->command, NULL, err);
}

// The next cell, unless its parts say to skip it.
static tendril_status make_cell(tnd_experiment *e, int task, int method, int64_t seed,
                                tendril_error *err) {
  tnd_cell *cell = &e->cells[e->ncell];
  *cell = (tnd_cell){.task = task, .method = method, .seed = seed};
  cJSON *settings = cJSON_CreateObject();
  parts p = {0};
  tendril_status status = settings ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = gather(e, cell, settings, &p, err);
  if (status == TENDRIL_OK && !p.skip) {
    e->ncell++;
    status = make_command(e, cell, settings, &p, err);
  }
  cJSON_Delete(settings);
  return status;
}

tendril_status tnd_experiment_make_cells(tnd_experiment *e, tendril_error *err) {
  if (e->ntask * e->nmethod > TND_CELLS_MAX / e->nseed)
    return tnd_fail(err, TENDRIL_E_CONFIG, "%.100s.json: more than %d cells", e->name,
                    TND_CELLS_MAX);
  e->cells = tnd_alloc(sizeof *e->cells * (size_t)(e->ntask * e->nmethod * e->nseed));
  if (!e->cells) return tnd_fail_memory(err);
  for (int task = 0; task < e->ntask; task++)
    for (int method = 0; method < e->nmethod; method++)
      for (int seed = 1; seed <= e->nseed; seed++)
        TENDRIL_TRY(make_cell(e, task, method, seed, err));
  if (e->ncell == 0)
    return tnd_fail(err, TENDRIL_E_CONFIG, "%.100s.json: overrides: nothing is left", e->name);
  return TENDRIL_OK;
}

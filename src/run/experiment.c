// An experiment's file: read strictly, checked, and spread out into cells with their commands. The
// settings of a cell are those of the experiment, its task, its method, its overrides and, if it is
// a quick one, of the quick parts, later ones over earlier ones.
#include "run/experiment.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/options.h"
#include "run/config.h"

enum { MANY = 64, SEEDS_MAX = 1000, CELLS_MAX = 10000 };

static const cJSON *member(const cJSON *object, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

// Where in the file: "x.json: methods[2]".
typedef struct place {
  char text[256];
} place;

static place at(const place *outer, const char *name) {
  place p;
  const size_t n = strlen(outer->text);
  const bool file = n > 0 && outer->text[n - 1] == ' ';
  snprintf(p.text, sizeof p.text, "%.200s%s%.40s", outer->text, file ? "" : ".", name);
  return p;
}

static place at_index(const place *outer, const char *name, int i) {
  char text[64];
  snprintf(text, sizeof text, "%.40s[%d]", name, i);
  return at(outer, text);
}

// ---------------------------------------------------------------------------------------- members

static tendril_status fail(const place *p, const char *what, tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_CONFIG, "%s: %s", p->text, what);
}

// An object with no members but these.
static tendril_status check_members(const cJSON *object, const place *p, const char *const *names,
                                    int n, tendril_error *err) {
  if (!cJSON_IsObject(object)) return fail(p, "must be an object, { }", err);
  for (const cJSON *item = object->child; item; item = item->next) {
    int i = 0;
    while (i < n && strcmp(item->string, names[i]) != 0)
      i++;
    if (i < n) continue;
    const char *near = tnd_nearest(item->string, names, n);
    const place inner = at(p, item->string);
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s: no such member%s%s%s", inner.text,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  }
  return TENDRIL_OK;
}

// A text that is not empty, or NULL if there is none.
static tendril_status get_text(const cJSON *object, const place *p, const char *name, bool needed,
                               const char **out, tendril_error *err) {
  const cJSON *item = member(object, name);
  const place inner = at(p, name);
  if (item && (!cJSON_IsString(item) || !item->valuestring[0]))
    return fail(&inner, "must be a text", err);
  if (!item && needed) return fail(&inner, "is missing", err);
  *out = item ? item->valuestring : NULL;
  return TENDRIL_OK;
}

// A whole number, 1 to max; *out is left as it is if there is none.
static tendril_status get_count(const cJSON *object, const place *p, const char *name, int max,
                                int *out, tendril_error *err) {
  const cJSON *item = member(object, name);
  if (!item) return TENDRIL_OK;
  const double value = cJSON_IsNumber(item) ? item->valuedouble : 0;
  const place inner = at(p, name);
  if (value < 1 || value > max || value != floor(value))
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s: must be a whole number from 1 to %d", inner.text,
                    max);
  *out = (int)value;
  return TENDRIL_OK;
}

// A list of 1 to `max` items.
static tendril_status check_list(const cJSON *list, const place *p, int max, tendril_error *err) {
  if (!cJSON_IsArray(list) || !list->child) return fail(p, "must be a list with an item", err);
  if (cJSON_GetArraySize(list) > max)
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s: more than %d items", p->text, max);
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------------- settings

static bool has_option(const tnd_option_table *table, const char *name) {
  for (int i = 0; i < table->n; i++)
    if (strcmp(table->rows[i].name, name) == 0) return true;
  return false;
}

// The tables of a section: one, or for "learner" those of all learners. Returns how many.
static int find_tables(const char *section, const tnd_option_table *tables[MANY]) {
  for (int i = 0; i < TND_SECTIONS - 1; i++) {
    const char *name;
    tables[0] = tnd_section_table(i, &name);
    if (strcmp(name, section) == 0) return 1;
  }
  if (strcmp(section, "learner") != 0) return 0;
  int n = tnd_method_count();
  for (int i = 0; i < n; i++)
    tables[i] = tnd_method_get(i)->options;
  return n;
}

static tendril_status check_option(const cJSON *option, const place *p, const char *section,
                                   const tnd_option_table *const *tables, int ntable,
                                   tendril_error *err) {
  const char *names[256];
  int n = 0;
  for (int k = 0; k < ntable; k++) {
    if (has_option(tables[k], option->string)) break;
    for (int i = 0; i < tables[k]->n && n < 256; i++)
      names[n++] = tables[k]->rows[i].name;
    if (k < ntable - 1) continue;
    const char *near = tnd_nearest(option->string, names, n);
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s.%.60s: no such option%s%s%s", p->text,
                    option->string, near ? "; did you mean " : "", near ? near : "",
                    near ? "?" : "");
  }
  if (cJSON_IsObject(option) || cJSON_IsNull(option))
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s.%.60s: must be a plain value or a list of such",
                    p->text, option->string);
  if (strcmp(section, "run") == 0 && strcmp(option->string, "seed") == 0)
    return fail(p, "seed is the cell's; say how many with \"seeds\"", err);
  return TENDRIL_OK;
}

// Sections and options that there are; their values are the training's to judge.
static tendril_status check_settings(const cJSON *settings, const place *p, tendril_error *err) {
  static const char *const sections[] = {"run", "sim", "policy", "rollout", "critic", "learner"};
  if (!settings) return TENDRIL_OK;
  TENDRIL_TRY(check_members(settings, p, sections, TND_SECTIONS, err));
  for (const cJSON *section = settings->child; section; section = section->next) {
    const tnd_option_table *tables[MANY];
    const int n = find_tables(section->string, tables);
    const place inner = at(p, section->string);
    if (!cJSON_IsObject(section)) return fail(&inner, "must be an object, { }", err);
    for (const cJSON *option = section->child; option; option = option->next)
      TENDRIL_TRY(check_option(option, &inner, section->string, tables, n, err));
  }
  return TENDRIL_OK;
}

static tendril_status check_own_settings(const cJSON *object, const place *p, tendril_error *err) {
  const place inner = at(p, "settings");
  return check_settings(member(object, "settings"), &inner, err);
}

// --------------------------------------------------------------------------------- tasks, methods

static tendril_status read_levels(tnd_experiment_task *t, const cJSON *list, const place *p,
                                  tendril_error *err) {
  static const char *const names[] = {"name", "value"};
  if (!list) return TENDRIL_OK;
  TENDRIL_TRY(check_list(list, p, TND_LEVELS_MAX, err));
  for (const cJSON *item = list->child; item; item = item->next) {
    tnd_level *level = &t->levels[t->nlevel++];
    TENDRIL_TRY(check_members(item, p, names, 2, err));
    TENDRIL_TRY(get_text(item, p, "name", true, &level->name, err));
    if (!cJSON_IsNumber(member(item, "value"))) return fail(p, "value must be a number", err);
    level->y = member(item, "value")->valuedouble;
  }
  return TENDRIL_OK;
}

static tendril_status read_thresholds(tnd_experiment_task *t, const cJSON *list, const place *p,
                                      tendril_error *err) {
  if (!list) return TENDRIL_OK;
  TENDRIL_TRY(check_list(list, p, TND_LEVELS_MAX, err));
  for (const cJSON *item = list->child; item; item = item->next) {
    if (!cJSON_IsNumber(item)) return fail(p, "must be a list of numbers", err);
    t->thresholds[t->nthreshold++] = item->valuedouble;
  }
  return TENDRIL_OK;
}

static tendril_status read_tasks(tnd_experiment *e, const place *file, tendril_error *err) {
  static const char *const names[] = {"task", "preset", "settings", "thresholds", "references"};
  const cJSON *list = member(e->json, "tasks");
  const place p = at(file, "tasks");
  TENDRIL_TRY(check_list(list, &p, MANY, err));
  e->tasks = tnd_alloc(sizeof *e->tasks * (size_t)cJSON_GetArraySize(list));
  if (!e->tasks) return tnd_fail_memory(err);
  for (const cJSON *item = list->child; item; item = item->next) {
    tnd_experiment_task *t = &e->tasks[e->ntask];
    const place inner = at_index(file, "tasks", e->ntask);
    const char *preset;
    TENDRIL_TRY(check_members(item, &inner, names, 5, err));
    TENDRIL_TRY(get_text(item, &inner, "task", true, &t->name, err));
    TENDRIL_TRY(get_text(item, &inner, "preset", false, &preset, err));
    TENDRIL_TRY(check_own_settings(item, &inner, err));
    const place thresholds = at(&inner, "thresholds"), levels = at(&inner, "references");
    TENDRIL_TRY(read_thresholds(t, member(item, "thresholds"), &thresholds, err));
    TENDRIL_TRY(read_levels(t, member(item, "references"), &levels, err));
    if (strchr(t->name, '/') || t->name[0] == '.' || t->name[0] == '-')
      return fail(&inner, "task: no name of a task", err);
    for (int k = 0; k < e->ntask; k++)
      if (strcmp(e->tasks[k].name, t->name) == 0)
        return fail(&inner, "the task is there twice; make it two experiments", err);
    e->ntask++;
  }
  return TENDRIL_OK;
}

// Letters and digits of ASCII stay, in lower case; what is between them becomes a dash.
static void make_folder_name(const char *name, char out[64]) {
  size_t n = 0;
  for (const char *c = name; *c && n < 60; c++) {
    char letter = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
    if (plain)
      out[n++] = letter;
    else if (n > 0 && out[n - 1] != '-')
      out[n++] = '-';
  }
  while (n > 0 && out[n - 1] == '-')
    n--;
  out[n] = '\0';
}

static tendril_status read_methods(tnd_experiment *e, const place *file, tendril_error *err) {
  static const char *const names[] = {"name", "learner", "preset", "settings", "quick"};
  const cJSON *list = member(e->json, "methods");
  const place p = at(file, "methods");
  TENDRIL_TRY(check_list(list, &p, MANY, err));
  e->methods = tnd_alloc(sizeof *e->methods * (size_t)cJSON_GetArraySize(list));
  if (!e->methods) return tnd_fail_memory(err);
  for (const cJSON *item = list->child; item; item = item->next) {
    tnd_experiment_method *m = &e->methods[e->nmethod];
    const place inner = at_index(file, "methods", e->nmethod), quick = at(&inner, "quick");
    const char *text;
    TENDRIL_TRY(check_members(item, &inner, names, 5, err));
    TENDRIL_TRY(get_text(item, &inner, "name", true, &m->name, err));
    TENDRIL_TRY(get_text(item, &inner, "learner", false, &text, err));
    TENDRIL_TRY(get_text(item, &inner, "preset", false, &text, err));
    TENDRIL_TRY(check_own_settings(item, &inner, err));
    TENDRIL_TRY(check_settings(member(item, "quick"), &quick, err));
    make_folder_name(m->name, m->folder);
    if (!m->folder[0]) return fail(&inner, "name: has no letter or digit", err);
    for (int k = 0; k < e->nmethod; k++)
      if (strcmp(e->methods[k].folder, m->folder) == 0)
        return fail(&inner, "name: too much like an earlier one's; their runs go to one folder",
                    err);
    e->nmethod++;
  }
  return TENDRIL_OK;
}

static int find_task(const tnd_experiment *e, const char *name) {
  int i = 0;
  while (i < e->ntask && strcmp(e->tasks[i].name, name) != 0)
    i++;
  return i < e->ntask ? i : -1;
}

static int find_method(const tnd_experiment *e, const char *name) {
  int i = 0;
  while (i < e->nmethod && strcmp(e->methods[i].name, name) != 0)
    i++;
  return i < e->nmethod ? i : -1;
}

static tendril_status check_overrides(const tnd_experiment *e, const place *file,
                                      tendril_error *err) {
  static const char *const names[] = {"task", "method", "preset", "settings", "skip"};
  const cJSON *list = member(e->json, "overrides");
  const place p = at(file, "overrides");
  if (!list) return TENDRIL_OK;
  TENDRIL_TRY(check_list(list, &p, CELLS_MAX, err));
  int i = 0;
  for (const cJSON *item = list->child; item; item = item->next) {
    const place inner = at_index(file, "overrides", i++);
    const char *task, *method, *preset;
    TENDRIL_TRY(check_members(item, &inner, names, 5, err));
    TENDRIL_TRY(get_text(item, &inner, "task", false, &task, err));
    TENDRIL_TRY(get_text(item, &inner, "method", false, &method, err));
    TENDRIL_TRY(get_text(item, &inner, "preset", false, &preset, err));
    TENDRIL_TRY(check_own_settings(item, &inner, err));
    if (task && find_task(e, task) < 0) return fail(&inner, "task: not one of the tasks", err);
    if (method && find_method(e, method) < 0)
      return fail(&inner, "method: not the name of one of the methods", err);
    if (member(item, "skip") && !cJSON_IsBool(member(item, "skip")))
      return fail(&inner, "skip: must be true or false", err);
  }
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------------ cells

static bool is_for(const tnd_experiment *e, const cJSON *override, const tnd_cell *cell) {
  const char *task = cJSON_GetStringValue(member(override, "task"));
  const char *method = cJSON_GetStringValue(member(override, "method"));
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
  return cJSON_GetArrayItem(member(e->json, list), i);
}

// All settings of a cell in one, and what else its parts say.
static tendril_status gather(const tnd_experiment *e, const tnd_cell *cell, cJSON *merged, parts *p,
                             tendril_error *err) {
  const cJSON *task = item_at(e, "tasks", cell->task);
  const cJSON *method = item_at(e, "methods", cell->method);
  const cJSON *list = member(e->json, "overrides");
  p->preset = cJSON_GetStringValue(member(task, "preset"));
  p->learner = cJSON_GetStringValue(member(method, "learner"));
  if (member(method, "preset")) p->preset = member(method, "preset")->valuestring;
  bool done = merge(merged, member(e->json, "settings")) &&
              merge(merged, member(task, "settings")) && merge(merged, member(method, "settings"));
  for (const cJSON *item = list ? list->child : NULL; item && done; item = item->next) {
    if (!is_for(e, item, cell)) continue;
    if (member(item, "preset")) p->preset = member(item, "preset")->valuestring;
    p->skip |= cJSON_IsTrue(member(item, "skip"));
    done = merge(merged, member(item, "settings"));
  }
  if (done && e->quick)
    done = merge(merged, member(member(e->json, "quick"), "settings")) &&
           merge(merged, member(method, "quick"));
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

static tendril_status make_cells(tnd_experiment *e, const place *file, tendril_error *err) {
  if (e->ntask * e->nmethod > CELLS_MAX / e->nseed)
    return tnd_fail(err, TENDRIL_E_CONFIG, "%smore than %d cells", file->text, CELLS_MAX);
  e->cells = tnd_alloc(sizeof *e->cells * (size_t)(e->ntask * e->nmethod * e->nseed));
  if (!e->cells) return tnd_fail_memory(err);
  for (int task = 0; task < e->ntask; task++)
    for (int method = 0; method < e->nmethod; method++)
      for (int seed = 1; seed <= e->nseed; seed++)
        TENDRIL_TRY(make_cell(e, task, method, seed, err));
  if (e->ncell == 0)
    return tnd_fail(err, TENDRIL_E_CONFIG, "%soverrides: nothing is left", file->text);
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------------- file

static tendril_status read_file(tnd_experiment *e, int seeds, const place *file,
                                tendril_error *err) {
  static const char *const names[] = {"summary", "title",   "x",        "y",
                                      "smooth",  "seeds",   "tasks",    "settings",
                                      "quick",   "methods", "overrides"};
  static const char *const quick_names[] = {"seeds", "settings"};
  const cJSON *quick = member(e->json, "quick");
  const place quick_place = at(file, "quick");
  const char *x = NULL;
  if (!cJSON_IsObject(e->json))
    return tnd_fail(err, TENDRIL_E_CONFIG, "%smust be an object, { }", file->text);
  TENDRIL_TRY(check_members(e->json, file, names, sizeof names / sizeof names[0], err));
  TENDRIL_TRY(get_text(e->json, file, "summary", true, &e->summary, err));
  TENDRIL_TRY(get_text(e->json, file, "title", false, &e->title, err));
  TENDRIL_TRY(get_text(e->json, file, "x", false, &x, err));
  TENDRIL_TRY(get_text(e->json, file, "y", false, &e->y, err));
  TENDRIL_TRY(get_count(e->json, file, "smooth", 999999, &e->smooth, err));
  TENDRIL_TRY(get_count(e->json, file, "seeds", SEEDS_MAX, &e->nseed, err));
  TENDRIL_TRY(check_own_settings(e->json, file, err));
  if (quick) TENDRIL_TRY(check_members(quick, &quick_place, quick_names, 2, err));
  if (quick) TENDRIL_TRY(check_own_settings(quick, &quick_place, err));
  if (!e->y) e->y = "return";
  if (x) {
    tendril_error why;
    if (tnd_axis_parse(x, &e->x, &why) != TENDRIL_OK)
      return tnd_fail(err, TENDRIL_E_CONFIG, "%sx: %.200s", file->text, why.text);
  }
  if (e->smooth % 2 == 0 && e->smooth)
    return tnd_fail(err, TENDRIL_E_CONFIG, "%ssmooth: must be odd", file->text);
  if (e->quick && quick)
    TENDRIL_TRY(get_count(quick, &quick_place, "seeds", SEEDS_MAX, &e->nseed, err));
  if (seeds) e->nseed = seeds;
  TENDRIL_TRY(read_tasks(e, file, err));
  TENDRIL_TRY(read_methods(e, file, err));
  TENDRIL_TRY(check_overrides(e, file, err));
  return make_cells(e, file, err);
}

tendril_status tnd_experiments_folder(char *path, tendril_error *err) {
  char models[TND_PATH_MAX];
  TENDRIL_TRY(tendril_models_folder(models, sizeof models, err));
  size_t n = strlen(models);
  while (n > 1 && models[n - 1] == '/')
    models[--n] = '\0';
  // beside the models: of an installed tree, of a source tree
  static const char *const places[] = {"../experiments", "../tools/experiments"};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    TENDRIL_TRY(tnd_path_join(models, places[i], path, err));
    if (tnd_path_is_folder(path)) return TENDRIL_OK;
  }
  return tnd_fail(err, TENDRIL_E_IO,
                  "the folder of experiments is not beside %.300s; give the path of a file",
                  models);
}

static bool is_path(const char *name) {
  const size_t n = strlen(name);
  return strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".json") == 0);
}

static tendril_status unknown(const char *name, const char *folder, tendril_error *err) {
  char texts[MANY][MANY];
  const char *names[MANY];
  int n = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && n < MANY; entry = readdir(dir)) {
    const size_t length = strlen(entry->d_name);
    if (length < 6 || length >= MANY || strcmp(entry->d_name + length - 5, ".json") != 0) continue;
    snprintf(texts[n], sizeof texts[n], "%.*s", (int)length - 5, entry->d_name);
    names[n] = texts[n];
    n++;
  }
  if (dir) closedir(dir);
  const char *near = tnd_nearest(name, names, n);
  return tnd_fail(err, TENDRIL_E_UNKNOWN, "%.100s: no such experiment; %s%s%s", name,
                  near ? "did you mean " : "`tendril list experiments` names them",
                  near ? near : "", near ? "?" : "");
}

// path [TND_PATH_MAX] of the file that is meant.
static tendril_status locate(const char *name, char *path, tendril_error *err) {
  char folder[TND_PATH_MAX], file[300];
  if (is_path(name)) return tnd_path_join("", name, path, err);
  TENDRIL_TRY(tnd_experiments_folder(folder, err));
  snprintf(file, sizeof file, "%.250s.json", name);
  TENDRIL_TRY(tnd_path_join(folder, file, path, err));
  return tnd_path_exists(path) && name[0] ? TENDRIL_OK : unknown(name, folder, err);
}

tendril_status tnd_experiment_open(const char *name, int seeds, bool quick, tnd_experiment **out,
                                   tendril_error *err) {
  char path[TND_PATH_MAX];
  TENDRIL_TRY(locate(name, path, err));
  tnd_experiment *e = tnd_alloc(sizeof *e);
  if (!e) return tnd_fail_memory(err);
  e->quick = quick;
  e->nseed = 5;
  const char *slash = strrchr(path, '/');
  e->name = tnd_strdup(slash ? slash + 1 : path);
  tendril_status status = e->name ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) {
    char *dot = strrchr(e->name, '.');
    if (dot && dot != e->name) *dot = '\0';
    status = tnd_json_read(path, &e->json, err);
  }
  if (status == TENDRIL_OK) {
    place file;
    snprintf(file.text, sizeof file.text, "%.100s.json: ", e->name);
    status = read_file(e, seeds, &file, err);
  }
  if (status == TENDRIL_OK)
    *out = e;
  else
    tnd_experiment_destroy(e);
  return status;
}

void tnd_experiment_destroy(tnd_experiment *e) {
  if (!e) return;
  for (int i = 0; i < e->ncell; i++) {
    tnd_cell *cell = &e->cells[i];
    for (int k = 0; k < cell->nword; k++)
      tnd_free(cell->words[k]);
    tnd_free(cell->words);
    tnd_free(cell->command);
    tnd_free(cell->error);
    cJSON_Delete(cell->result);
  }
  tnd_free(e->cells);
  tnd_free(e->tasks);
  tnd_free(e->methods);
  tnd_free(e->name);
  cJSON_Delete(e->json);
  tnd_free(e);
}

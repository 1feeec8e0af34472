// An experiment's file, read strictly: a member that is not known, or is not what it must be, is an
// error that says where. The values of settings are the training's to judge.
#include "run/experiment_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/options.h"
#include "run/config.h"

enum { MANY = 64, SEEDS_MAX = 1000 };

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
  const cJSON *item = tnd_member(object, name);
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
  const cJSON *item = tnd_member(object, name);
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
  const char *sections[TND_SECTIONS] = {[TND_SECTIONS - 1] = "learner"};
  if (!settings) return TENDRIL_OK;
  for (int i = 0; i < TND_SECTIONS - 1; i++)
    tnd_section_table(i, &sections[i]);
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
  return check_settings(tnd_member(object, "settings"), &inner, err);
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
    if (!cJSON_IsNumber(tnd_member(item, "value"))) return fail(p, "value must be a number", err);
    level->y = tnd_member(item, "value")->valuedouble;
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
  const cJSON *list = tnd_member(e->json, "tasks");
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
    TENDRIL_TRY(read_thresholds(t, tnd_member(item, "thresholds"), &thresholds, err));
    TENDRIL_TRY(read_levels(t, tnd_member(item, "references"), &levels, err));
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
  const cJSON *list = tnd_member(e->json, "methods");
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
    TENDRIL_TRY(check_settings(tnd_member(item, "quick"), &quick, err));
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
  const cJSON *list = tnd_member(e->json, "overrides");
  const place p = at(file, "overrides");
  if (!list) return TENDRIL_OK;
  TENDRIL_TRY(check_list(list, &p, TND_CELLS_MAX, err));
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
    if (tnd_member(item, "skip") && !cJSON_IsBool(tnd_member(item, "skip")))
      return fail(&inner, "skip: must be true or false", err);
  }
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------------- file

tendril_status tnd_experiment_read(tnd_experiment *e, int seeds, tendril_error *err) {
  static const char *const names[] = {"summary", "title",   "x",        "y",
                                      "smooth",  "seeds",   "tasks",    "settings",
                                      "quick",   "methods", "overrides"};
  static const char *const quick_names[] = {"seeds", "settings"};
  place top;
  const place *file = &top;
  snprintf(top.text, sizeof top.text, "%.100s.json: ", e->name);
  const cJSON *quick = tnd_member(e->json, "quick");
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
  return check_overrides(e, file, err);
}

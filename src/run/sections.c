// See sections.h.
#include "run/sections.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SECTIONS = 16 };

// Members of a configuration beside the sections; `tasks`, `summary` are a preset's.
static bool is_header(const char *name) {
  return strcmp(name, "task") == 0 || strcmp(name, "summary") == 0 || strcmp(name, "tasks") == 0 ||
         strcmp(name, "versions") == 0;
}

// The section of a name; NULL after a line.
static const tnd_section *find(const tnd_section *sections, int n, const char *where,
                               const char *name, tendril_error *err) {
  const char *names[MAX_SECTIONS];
  char all[256] = "";
  for (int i = 0; i < n; i++) {
    if (strcmp(name, sections[i].name) == 0) return &sections[i];
    names[i] = sections[i].name;
    const size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, "%s%s",
             i == 0       ? ""
             : i == n - 1 ? " or "
                          : ", ",
             names[i]);
  }
  const char *near = tnd_nearest(name, names, n);
  tnd_fail(err, TENDRIL_E_CONFIG, "%s%s%.100s: no such section; %s%s%s", where ? where : "",
           where ? ": " : "", name, near ? "did you mean " : "use ", near ? near : all,
           near ? "?" : "");
  return NULL;
}

static tendril_status check_kind(const tnd_section *section, const cJSON *object, const char *where,
                                 tendril_error *err) {
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
  if (!name || !section->kind) return TENDRIL_OK;
  if (!cJSON_IsString(name))
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s: %s.name: must be a text", where, section->name);
  if (strcmp(name->valuestring, section->kind) != 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%s: %s.name: is %.100s, but the %s is %s; choose one of them", where,
                    section->name, name->valuestring, section->name, section->kind);
  return TENDRIL_OK;
}

tendril_status tnd_sections_read(const tnd_section *sections, int n, const cJSON *object,
                                 const char *where, tendril_error *err) {
  if (!cJSON_IsObject(object))
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s: must be an object of sections", where);
  for (const cJSON *member = object->child; member; member = member->next) {
    if (is_header(member->string)) continue;
    const tnd_section *s = find(sections, n, where, member->string, err);
    if (!s) return TENDRIL_E_CONFIG;
    if (cJSON_IsObject(member)) TENDRIL_TRY(check_kind(s, member, where, err));
    TENDRIL_TRY(tnd_options_read(s->table, s->options, where, s->name, member,
                                 s->kind ? "name" : NULL, err));
  }
  return TENDRIL_OK;
}

tendril_status tnd_sections_set(const tnd_section *sections, int n, const char *key,
                                const char *text, tendril_error *err) {
  const char *dot = strchr(key, '.');
  char name[32];
  if (!dot || (size_t)(dot - key) >= sizeof name)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%.100s: no such option; write section.option=value, as in %s.%s=%s", key,
                    sections[n - 1].name, sections[n - 1].table->rows[0].name,
                    sections[n - 1].table->rows[0].def);
  snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
  const tnd_section *s = find(sections, n, NULL, name, err);
  return s ? tnd_options_set(s->table, s->options, "", s->name, dot + 1, text, err)
           : TENDRIL_E_CONFIG;
}

tendril_status tnd_sections_write(const tnd_section *sections, int n, cJSON *object,
                                  tendril_error *err) {
  for (int i = 0; i < n; i++) {
    const tnd_section *s = &sections[i];
    cJSON *member = cJSON_AddObjectToObject(object, s->name);
    if (!member || (s->kind && !cJSON_AddStringToObject(member, "name", s->kind)))
      return tnd_fail_memory(err);
    TENDRIL_TRY(tnd_options_write(s->table, s->options, member, err));
  }
  return TENDRIL_OK;
}

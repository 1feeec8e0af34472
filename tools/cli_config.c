// The configuration that a command line means: preset, then the user's file, then --set.
#include "cli.h"

#include "base/json.h"
#include "base/options.h"
#include "base/status.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tendril_status preset_path(const char *name, char *path, size_t size, tendril_error *err) {
  char folder[2048];
  tendril_status status = tendril_models_folder(folder, sizeof folder, err);
  if (status == TENDRIL_OK) snprintf(path, size, "%s/presets/%s.json", folder, name);
  return status;
}

int cli_is_json(const struct dirent *entry) {
  const char *dot = strrchr(entry->d_name, '.');
  return dot && strcmp(dot, ".json") == 0;
}

static tendril_status unknown_preset(const char *name, const char *path, tendril_error *err) {
  enum { MANY = 256 };
  const char *names[MANY];
  char folder[4096];
  struct dirent **entries = NULL;
  snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
  int found = scandir(folder, &entries, cli_is_json, alphasort), n = 0;
  for (int i = 0; i < found && n < MANY; i++) {
    *strrchr(entries[i]->d_name, '.') = '\0';
    names[n++] = entries[i]->d_name;
  }
  const char *near = tnd_nearest(name, names, n);
  tendril_status status =
      tnd_fail(err, TENDRIL_E_UNKNOWN, "--preset %.100s: no such preset; %s%s%s", name,
               near ? "did you mean " : "`tendril list presets` names them", near ? near : "",
               near ? "?" : "");
  for (int i = 0; i < found; i++)
    free(entries[i]);
  free(entries);
  return status;
}

// The learner that a file of settings names; "" if it names none. What is wrong with the file is
// said when it is read.
static const char *learner_of(const char *path, char name[64]) {
  cJSON *object = NULL;
  name[0] = '\0';
  if (tnd_json_read(path, &object, NULL) != TENDRIL_OK) return name;
  const cJSON *section = cJSON_GetObjectItemCaseSensitive(object, "learner");
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(section, "name"));
  snprintf(name, 64, "%s", text ? text : "");
  cJSON_Delete(object);
  return name;
}

// The preset that was named, else the task's own if it has one; "none" for none.
static tendril_status read_preset(tendril_config *config, const char *preset, tendril_error *err) {
  char path[4096];
  const char *name = preset ? preset : tendril_config_task(config);
  if (strcmp(name, "none") == 0) return TENDRIL_OK;
  tendril_status status = preset_path(name, path, sizeof path, err);
  if (status != TENDRIL_OK) return status;
  if (strchr(name, '/') || access(path, F_OK) != 0)
    return preset ? unknown_preset(name, path, err) : TENDRIL_OK;
  // a task's own preset is for the learner that it names
  char learner[64];
  if (!preset && strcmp(learner_of(path, learner), tendril_config_learner(config)) != 0)
    return TENDRIL_OK;
  return tendril_config_read(config, path, err);
}

// One --set KEY=VALUE.
static tendril_status set_pair(tendril_config *config, const char *pair, tendril_error *err) {
  char key[128];
  const char *equals = strchr(pair, '=');
  if (!equals || (size_t)(equals - pair) >= sizeof key) {
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "--set %.100s: write it as section.option=value, as in learner.max_kl=0.02",
                    pair);
  }
  snprintf(key, sizeof key, "%.*s", (int)(equals - pair), pair);
  return tendril_config_set(config, key, equals + 1, err);
}

tendril_status cli_configure(const tendril_tasks *tasks, const char *task, const char *learner,
                             const char *preset, const char *file, const cli_list *set,
                             tendril_config **out, tendril_error *err) {
  tendril_config *config = NULL;
  tendril_status status = TENDRIL_OK;
  char name[64] = "", path[4096] = "";
  // the learner: as asked for, else the user's file's, else the preset's (the task's own, if none
  // was named), else TRPO
  if (!learner && file) learner_of(file, name);
  if (!learner && !name[0]) {
    status = preset_path(preset ? preset : task, path, sizeof path, err);
    if (status == TENDRIL_OK) learner_of(path, name);
  }
  const char *source = !name[0] ? NULL : path[0] ? path : file;
  if (!learner) learner = name[0] ? name : "trpo";
  if (status == TENDRIL_OK) {
    tendril_error why = {{0}};
    status = tendril_config_create(tasks, task, learner, &config, &why);
    // a line about the learner names the file that asked for it
    if (source && strncmp(why.text, name, strlen(name)) == 0)
      tnd_fail(err, status, "%.200s: learner.name: %.250s", source, why.text);
    else
      *err = why;
  }
  if (status == TENDRIL_OK) status = read_preset(config, preset, err);
  if (status == TENDRIL_OK && file) status = tendril_config_read(config, file, err);
  for (int i = 0; i < set->n && status == TENDRIL_OK; i++)
    status = set_pair(config, set->at[i], err);
  if (status == TENDRIL_OK)
    *out = config;
  else
    tendril_config_destroy(config);
  return status;
}

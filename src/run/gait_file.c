// Gaits in files: {"task": "walker-gps", "simbicon": {...}, "found": {...}}.
#include "run/gait_file.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/options.h"
#include "control/simbicon.h"

#include <stdio.h>
#include <string.h>
#include <tendril/tasks.h>

enum { MAX_TASK = 64 };

static tendril_status unknown_member(const char *path, const char *name, tendril_error *err) {
  static const char *const names[] = {"task", "simbicon", "found"};
  const char *near = tnd_nearest(name, names, 3);
  return tnd_fail(err, TENDRIL_E_CONFIG, "%.200s: %.100s: no such member; %s%s%s", path, name,
                  near ? "did you mean " : "a gait has task, simbicon and found", near ? near : "",
                  near ? "?" : "");
}

static tendril_status parse(const cJSON *object, const char *path, char *task,
                            tendril_simbicon_options *options, tendril_error *err) {
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "task");
  const cJSON *section = cJSON_GetObjectItemCaseSensitive(object, "simbicon");
  if (!cJSON_IsObject(object))
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: no gait; it must be an object", path);
  for (const cJSON *member = object->child; member; member = member->next)
    if (strcmp(member->string, "task") != 0 && strcmp(member->string, "simbicon") != 0 &&
        strcmp(member->string, "found") != 0)
      return unknown_member(path, member->string, err);
  if (!cJSON_IsString(name) || !section)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: lacks task or simbicon; it is no gait", path);
  if (strlen(name->valuestring) >= MAX_TASK)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: task: has more than %d letters", path,
                    MAX_TASK - 1);
  TENDRIL_TRY(
      tnd_options_read(&tnd_simbicon_options, options, path, "simbicon", section, NULL, err));
  if (task) strcpy(task, name->valuestring);
  return TENDRIL_OK;
}

bool tendril_is_gait(const char *path) {
  char inside[TND_PATH_MAX];
  cJSON *object = NULL;
  if (tnd_path_is_folder(path))
    return tnd_path_join(path, TND_GAIT_NAME, inside, NULL) == TENDRIL_OK &&
           tnd_path_exists(inside);
  if (tnd_json_read(path, &object, NULL) != TENDRIL_OK) return false;
  const bool is = cJSON_HasObjectItem(object, "simbicon");
  cJSON_Delete(object);
  return is;
}

tendril_status tendril_simbicon_read(const char *path, char *task,
                                     tendril_simbicon_options *options, tendril_error *err) {
  char inside[TND_PATH_MAX];
  cJSON *object = NULL;
  tendril_simbicon_options read;
  tendril_simbicon_defaults(&read);
  if (tnd_path_is_folder(path)) {
    TENDRIL_TRY(tnd_path_join(path, TND_GAIT_NAME, inside, err));
    path = inside;
  }
  tendril_status status = tnd_json_read(path, &object, err);
  if (status == TENDRIL_OK) status = parse(object, path, task, &read, err);
  if (status == TENDRIL_OK) *options = read;
  cJSON_Delete(object);
  return status;
}

tendril_status tendril_simbicon_read_own(const char *task, tendril_simbicon_options *options,
                                         tendril_error *err) {
  char models[TND_PATH_MAX], name[128], path[TND_PATH_MAX];
  if (strlen(task) >= MAX_TASK || strchr(task, '/'))
    return tnd_fail(err, TENDRIL_E_UNKNOWN, "%.100s: there is no gait for this task", task);
  TENDRIL_TRY(tendril_models_folder(models, sizeof models, err));
  snprintf(name, sizeof name, "gaits/%s.json", task);
  TENDRIL_TRY(tnd_path_join(models, name, path, err));
  if (!tnd_path_exists(path))
    return tnd_fail(err, TENDRIL_E_UNKNOWN, "%.100s: there is no gait for this task", task);
  return tendril_simbicon_read(path, NULL, options, err);
}

tendril_status tnd_gait_write(const char *path, const char *task,
                              const tendril_simbicon_options *options, const cJSON *found,
                              tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(&tnd_simbicon_options, options, "simbicon", err));
  char *text = NULL;
  cJSON *object = cJSON_CreateObject();
  cJSON *section = NULL, *copy = NULL;
  tendril_status status = TENDRIL_OK;
  if (object && cJSON_AddStringToObject(object, "task", task))
    section = cJSON_AddObjectToObject(object, "simbicon");
  if (!section) status = tnd_fail_memory(err);
  if (status == TENDRIL_OK)
    status = tnd_options_write(&tnd_simbicon_options, options, section, err);
  if (status == TENDRIL_OK && found) {
    copy = cJSON_Duplicate(found, true);
    if (!copy || !cJSON_AddItemToObject(object, "found", copy)) {
      cJSON_Delete(copy);
      status = tnd_fail_memory(err);
    }
  }
  if (status == TENDRIL_OK) status = tnd_json_print(object, &text, err);
  if (status == TENDRIL_OK) status = tnd_file_write(path, text, strlen(text), err);
  tnd_free(text);
  cJSON_Delete(object);
  return status;
}

tendril_status tendril_simbicon_write(const char *path, const char *task,
                                      const tendril_simbicon_options *options, tendril_error *err) {
  if (!task[0] || strlen(task) >= MAX_TASK)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%.100s: no name of a task", task);
  return tnd_gait_write(path, task, options, NULL, err);
}

// Gaits in files: {"task": "walker-gps", "simbicon": {...}, "found": {...}}, or with the numbers of
// a wave in the place of SIMBICON's.
#include "run/gait_file.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/options.h"
#include "control/simbicon.h"
#include "control/wave.h"

#include <stdio.h>
#include <string.h>
#include <tendril/gait.h>
#include <tendril/tasks.h>

enum { MAX_TASK = 64 };

// What a file says: one of the two.
typedef struct gait {
  char task[MAX_TASK];
  bool is_wave;
  tendril_simbicon_options simbicon;
  tendril_wave_options wave;
} gait;

static tendril_status check_members(const cJSON *object, const char *path, tendril_error *err) {
  static const char *const names[] = {"task", "simbicon", "wave", "found"};
  enum { N = sizeof names / sizeof names[0] };
  for (const cJSON *member = object->child; member; member = member->next) {
    bool known = false;
    for (int i = 0; i < N; i++)
      known |= strcmp(member->string, names[i]) == 0;
    if (known) continue;
    const char *near = tnd_nearest(member->string, names, N);
    return tnd_fail(err, TENDRIL_E_CONFIG, "%.200s: %.100s: no such member; %s%s%s", path,
                    member->string,
                    near ? "did you mean " : "a gait has task, simbicon or wave, and found",
                    near ? near : "", near ? "?" : "");
  }
  return TENDRIL_OK;
}

static tendril_status parse(const cJSON *object, const char *path, gait *out, tendril_error *err) {
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "task");
  const cJSON *simbicon = cJSON_GetObjectItemCaseSensitive(object, "simbicon");
  const cJSON *wave = cJSON_GetObjectItemCaseSensitive(object, "wave");
  if (!cJSON_IsObject(object))
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: no gait; it must be an object", path);
  TENDRIL_TRY(check_members(object, path, err));
  if (!cJSON_IsString(name) || (!simbicon && !wave))
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: lacks task, or simbicon or wave; it is no gait",
                    path);
  if (simbicon && wave)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: has simbicon and wave; a gait is one of them",
                    path);
  if (strlen(name->valuestring) >= MAX_TASK)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: task: has more than %d letters", path,
                    MAX_TASK - 1);
  strcpy(out->task, name->valuestring);
  out->is_wave = wave != NULL;
  if (wave) return tnd_options_read(&tnd_wave_options, &out->wave, path, "wave", wave, NULL, err);
  return tnd_options_read(&tnd_simbicon_options, &out->simbicon, path, "simbicon", simbicon, NULL,
                          err);
}

bool tendril_is_gait(const char *path) {
  char inside[TND_PATH_MAX];
  cJSON *object = NULL;
  if (tnd_path_is_folder(path))
    return tnd_path_join(path, TND_GAIT_NAME, inside, NULL) == TENDRIL_OK &&
           tnd_path_exists(inside);
  if (tnd_json_read(path, &object, NULL) != TENDRIL_OK) return false;
  const bool is = cJSON_HasObjectItem(object, "simbicon") || cJSON_HasObjectItem(object, "wave");
  cJSON_Delete(object);
  return is;
}

static tendril_status read_gait(const char *path, gait *out, tendril_error *err) {
  char inside[TND_PATH_MAX];
  cJSON *object = NULL;
  tendril_simbicon_defaults(&out->simbicon);
  tendril_wave_defaults(&out->wave);
  if (tnd_path_is_folder(path)) {
    TENDRIL_TRY(tnd_path_join(path, TND_GAIT_NAME, inside, err));
    path = inside;
  }
  tendril_status status = tnd_json_read(path, &object, err);
  if (status == TENDRIL_OK) status = parse(object, path, out, err);
  cJSON_Delete(object);
  return status;
}

// Where the gait of a task is, path [TND_PATH_MAX]. E_UNKNOWN: it has none.
static tendril_status find_own(const char *task, char *path, tendril_error *err) {
  char models[TND_PATH_MAX], name[128];
  if (strlen(task) >= MAX_TASK || strchr(task, '/'))
    return tnd_fail(err, TENDRIL_E_UNKNOWN, "%.100s: there is no gait for this task", task);
  TENDRIL_TRY(tendril_models_folder(models, sizeof models, err));
  snprintf(name, sizeof name, "gaits/%s.json", task);
  TENDRIL_TRY(tnd_path_join(models, name, path, err));
  if (!tnd_path_exists(path))
    return tnd_fail(err, TENDRIL_E_UNKNOWN, "%.100s: there is no gait for this task", task);
  return TENDRIL_OK;
}

tendril_status tendril_simbicon_read(const char *path, char *task,
                                     tendril_simbicon_options *options, tendril_error *err) {
  gait read;
  TENDRIL_TRY(read_gait(path, &read, err));
  if (read.is_wave)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: lacks simbicon; it is the gait of a wave",
                    path);
  *options = read.simbicon;
  if (task) strcpy(task, read.task);
  return TENDRIL_OK;
}

tendril_status tendril_simbicon_read_own(const char *task, tendril_simbicon_options *options,
                                         tendril_error *err) {
  char path[TND_PATH_MAX];
  TENDRIL_TRY(find_own(task, path, err));
  return tendril_simbicon_read(path, NULL, options, err);
}

tendril_status tendril_agent_gait_create(const char *path, char *task, tendril_agent **out,
                                         tendril_error *err) {
  gait read;
  TENDRIL_TRY(read_gait(path, &read, err));
  TENDRIL_TRY(read.is_wave ? tendril_agent_wave_create(&read.wave, out, err)
                           : tendril_agent_simbicon_create(&read.simbicon, out, err));
  if (task) strcpy(task, read.task);
  return TENDRIL_OK;
}

tendril_status tendril_agent_gait_own(const char *task, tendril_agent **out, tendril_error *err) {
  char path[TND_PATH_MAX];
  TENDRIL_TRY(find_own(task, path, err));
  return tendril_agent_gait_create(path, NULL, out, err);
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

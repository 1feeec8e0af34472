// Experiments by name: where their files are, opening and closing one.
#include "run/experiment.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/options.h"
#include "run/experiment_parts.h"

#include <tendril/tasks.h>

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
  enum { MANY = 64, LONG = 64 };
  char texts[MANY][LONG];
  const char *names[MANY];
  int n = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && n < MANY; entry = readdir(dir)) {
    const size_t length = strlen(entry->d_name);
    if (length < 6 || length >= LONG || strcmp(entry->d_name + length - 5, ".json") != 0) continue;
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
  if (status == TENDRIL_OK) status = tnd_experiment_read(e, seeds, err);
  if (status == TENDRIL_OK) status = tnd_experiment_make_cells(e, err);
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

// See folder.h.
#include "run/folder.h"

#include "run/events.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

tendril_status tnd_folder_paths(const char *root, tnd_folder *out, tendril_error *err) {
  TENDRIL_TRY(tnd_path_join(root, "", out->root, err));
  TENDRIL_TRY(tnd_path_join(root, "config.json", out->config, err));
  TENDRIL_TRY(tnd_path_join(root, "progress.csv", out->progress, err));
  TENDRIL_TRY(tnd_path_join(root, "evaluations.csv", out->evaluations, err));
  TENDRIL_TRY(tnd_path_join(root, TND_EVENTS_NAME, out->events, err));
  TENDRIL_TRY(tnd_path_join(root, "checkpoints", out->checkpoints, err));
  TENDRIL_TRY(tnd_path_join(out->checkpoints, "last.safetensors", out->last, err));
  return tnd_path_join(out->checkpoints, "best.safetensors", out->best, err);
}

tendril_status tnd_folder_kept(const tnd_folder *folder, int64_t iteration, char *path,
                               tendril_error *err) {
  char name[64];
  snprintf(name, sizeof name, "iteration-%06lld.safetensors", (long long)iteration);
  return tnd_path_join(folder->checkpoints, name, path, err);
}

static bool is_empty(const char *path) {
  DIR *dir = opendir(path);
  if (!dir) return true;
  bool empty = true;
  for (struct dirent *entry = readdir(dir); entry && empty; entry = readdir(dir))
    empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
  closedir(dir);
  return empty;
}

// What a run writes, and nothing else, is taken away.
static tendril_status clear(const tnd_folder *folder, tendril_error *err) {
  const char *const files[] = {folder->config, folder->progress, folder->evaluations,
                               folder->events};
  TENDRIL_TRY(tnd_folder_remove(folder->checkpoints, err));
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    if (tnd_path_exists(files[i]) && remove(files[i]) != 0)
      return tnd_fail(err, TENDRIL_E_IO, "%s: cannot be removed", files[i]);
  return TENDRIL_OK;
}

tendril_status tnd_folder_start(const tnd_folder *folder, bool force, tendril_error *err) {
  if (!is_empty(folder->root)) {
    if (!force)
      return tnd_fail(err, TENDRIL_E_EXISTS,
                      "%.400s: holds files already; choose another folder, continue the run with "
                      "--resume, or overwrite it with --force",
                      folder->root);
    if (!tnd_path_exists(folder->config))
      return tnd_fail(err, TENDRIL_E_EXISTS,
                      "%.400s: is no run folder, so --force leaves it alone; choose another",
                      folder->root);
    TENDRIL_TRY(clear(folder, err));
  }
  return tnd_folder_make(folder->checkpoints, err);
}

// See folder.h.
#include "run/folder.h"

#include "base/alloc.h"
#include "run/events.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tendril_status tnd_folder_paths(const char *root, tnd_folder *out, tendril_error *err) {
  out->made = false;
  if (!root[0] || strlen(root) >= sizeof out->root)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "the name of the run folder is empty or too long");
  strcpy(out->root, root);
  TENDRIL_TRY(tnd_path_join(root, "config.json", out->config, err));
  TENDRIL_TRY(tnd_path_join(root, "progress.csv", out->progress, err));
  TENDRIL_TRY(tnd_path_join(root, "evaluations.csv", out->evaluations, err));
  TENDRIL_TRY(tnd_path_join(root, TND_EVENTS_NAME, out->events, err));
  TENDRIL_TRY(tnd_path_join(root, "curves.svg", out->curves, err));
  TENDRIL_TRY(tnd_path_join(root, "trajectory.safetensors", out->trajectory, err));
  TENDRIL_TRY(tnd_path_join(root, "film.png", out->film, err));
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

static int by_size(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

tendril_status tnd_folder_list_kept(const tnd_folder *folder, int64_t **out, int *n,
                                    tendril_error *err) {
  DIR *dir = opendir(folder->checkpoints);
  if (!dir) return tnd_fail_io(err, folder->checkpoints, "not read", errno);
  int found = 0;
  while (readdir(dir))
    found++;
  int64_t *iterations = tnd_alloc(sizeof *iterations * (size_t)(found + 1));
  *n = 0;
  rewinddir(dir);
  for (struct dirent *entry = readdir(dir); iterations && entry; entry = readdir(dir)) {
    long long iteration;
    int end = 0;
    const bool kept = sscanf(entry->d_name, "iteration-%lld.safetensors%n", &iteration, &end) == 1;
    if (kept && end > 0 && !entry->d_name[end] && *n < found) iterations[(*n)++] = iteration;
  }
  closedir(dir);
  if (!iterations) return tnd_fail_memory(err);
  qsort(iterations, (size_t)*n, sizeof *iterations, by_size);
  *out = iterations;
  return TENDRIL_OK;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// The files that a run writes beside its checkpoints.
enum { NFILE = 7 };
static void list_files(const tnd_folder *folder, const char *files[NFILE]) {
  const char *const all[NFILE] = {folder->config, folder->progress, folder->evaluations,
                                  folder->events, folder->curves,   folder->trajectory,
                                  folder->film};
  memcpy(files, all, sizeof all);
}

static bool is_name_of(const char *name, const char *path) {
  const char *ours = base_name(path);
  const size_t n = strlen(ours);
  return strncmp(name, ours, n) == 0 && (!name[n] || strcmp(name + n, ".part") == 0);
}

// What a run writes into its folder; a crash may leave one of the files as NAME.part.
static bool is_ours(const tnd_folder *folder, const char *name) {
  const char *files[NFILE];
  list_files(folder, files);
  bool ours = is_name_of(name, folder->checkpoints);
  for (int i = 0; i < NFILE; i++)
    ours |= is_name_of(name, files[i]);
  return ours;
}

// How many entries the folder has that a run writes, and how many that it doesn't.
static void count_entries(const tnd_folder *folder, int *ours, int *others) {
  *ours = *others = 0;
  DIR *dir = opendir(folder->root);
  if (!dir) return;
  for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (is_ours(folder, entry->d_name))
      ++*ours;
    else
      ++*others;
  }
  closedir(dir);
}

// What a run writes, and nothing else, is taken away.
static tendril_status clear(const tnd_folder *folder, tendril_error *err) {
  const char *files[NFILE];
  list_files(folder, files);
  TENDRIL_TRY(tnd_folder_remove(folder->checkpoints, err));
  for (int i = 0; i < NFILE; i++) {
    char part[TND_PATH_MAX + 8];
    snprintf(part, sizeof part, "%s.part", files[i]);
    if ((remove(files[i]) != 0 && errno != ENOENT) || (remove(part) != 0 && errno != ENOENT))
      return tnd_fail_io(err, files[i], "not removed", errno);
  }
  return TENDRIL_OK;
}

tendril_status tnd_folder_check_free(const tnd_folder *folder, bool force, tendril_error *err) {
  int ours, others;
  count_entries(folder, &ours, &others);
  if (others || (ours && !force))
    return tnd_fail(err, TENDRIL_E_EXISTS,
                    others ? "%.400s: holds files that no run wrote; choose another folder"
                           : "%.400s: holds a run already; choose another folder, continue it with "
                             "--resume, or overwrite it with --force",
                    folder->root);
  return TENDRIL_OK;
}

tendril_status tnd_folder_start(tnd_folder *folder, bool force, tendril_error *err) {
  TENDRIL_TRY(tnd_folder_check_free(folder, force, err));
  folder->made = !tnd_path_exists(folder->root);
  TENDRIL_TRY(tnd_folder_make(folder->root, err));
  return clear(folder, err);
}

tendril_status tnd_folder_check_resumable(const tnd_folder *folder, tendril_error *err) {
  if (!tnd_path_exists(folder->root))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: no such run folder", folder->root);
  if (!tnd_path_is_folder(folder->root))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: a file; give the run folder", folder->root);
  if (tnd_path_exists(folder->last)) return TENDRIL_OK;
  int ours, others;
  count_entries(folder, &ours, &others);
  return tnd_fail(err, TENDRIL_E_IO,
                  ours ? "%.400s: the run ended before its first checkpoint; start it anew with "
                         "--force"
                       : "%.400s: holds no run",
                  folder->root);
}

void tnd_folder_abandon(const tnd_folder *folder) {
  // the run failed already: what can't be removed stays
  if (clear(folder, NULL) == TENDRIL_OK && folder->made) (void)remove(folder->root);
}

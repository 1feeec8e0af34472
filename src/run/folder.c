// See folder.h.
#include "run/folder.h"

#include "base/alloc.h"
#include "run/claim.h"
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

// What a run writes into its folder.
static tnd_claim claim_of(const tnd_folder *folder) {
  return (tnd_claim){
      .root = folder->root,
      .files = {folder->config, folder->progress, folder->evaluations, folder->events,
                folder->curves},
      .folder = folder->checkpoints,
      .taken = "holds a run already; choose another folder, continue it with --resume, or "
               "overwrite it with --force",
      .strangers = "holds files that no run wrote; choose another folder",
  };
}

tendril_status tnd_folder_check_free(const tnd_folder *folder, bool force, tendril_error *err) {
  const tnd_claim claim = claim_of(folder);
  return tnd_claim_check(&claim, force, err);
}

tendril_status tnd_folder_start(tnd_folder *folder, bool force, tendril_error *err) {
  const tnd_claim claim = claim_of(folder);
  TENDRIL_TRY(tnd_claim_start(&claim, force, &folder->made, err));
  return tnd_folder_make(folder->checkpoints, err);
}

tendril_status tnd_folder_check_resumable(const tnd_folder *folder, tendril_error *err) {
  if (!tnd_path_exists(folder->root))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: no such run folder", folder->root);
  if (!tnd_path_is_folder(folder->root))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: a file; give the run folder", folder->root);
  if (tnd_path_exists(folder->last)) return TENDRIL_OK;
  const tnd_claim claim = claim_of(folder);
  int ours, others;
  tnd_claim_count(&claim, &ours, &others);
  return tnd_fail(err, TENDRIL_E_IO,
                  ours ? "%.400s: the run ended before its first checkpoint; start it anew with "
                         "--force"
                       : "%.400s: holds no run",
                  folder->root);
}

void tnd_folder_abandon(const tnd_folder *folder) {
  const tnd_claim claim = claim_of(folder);
  tnd_claim_abandon(&claim, folder->made);
}

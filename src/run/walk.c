// From one checkpoint to the next. Those kept have their iteration in their name, the best and the
// last in themselves.
#include "run/walk.h"

#include "base/alloc.h"
#include "run/checkpoint.h"
#include "run/folder.h"

#include <stdio.h>

// The nearest so far.
typedef struct nearest {
  int by;
  int64_t from, iteration;
  char name[24];  // for tendril_trained_open(); "": none
} nearest;

static void consider(nearest *n, int64_t iteration, const char *name) {
  const bool ahead = n->by > 0 ? iteration > n->from : iteration < n->from;
  const bool nearer = n->by > 0 ? iteration < n->iteration : iteration > n->iteration;
  if (!ahead || (n->name[0] && !nearer)) return;
  n->iteration = iteration;
  snprintf(n->name, sizeof n->name, "%s", name);
}

static void consider_file(nearest *n, const tendril_tasks *tasks, const char *path,
                          const char *name) {
  tnd_checkpoint checkpoint = {0};
  int64_t iteration, steps;
  if (!tnd_path_exists(path)) return;
  if (tnd_checkpoint_read(path, tasks, &checkpoint, NULL) == TENDRIL_OK &&
      tnd_checkpoint_counters(&checkpoint, &iteration, &steps, NULL) == TENDRIL_OK)
    consider(n, iteration, name);
  tnd_checkpoint_close(&checkpoint);
}

tendril_status tnd_walk_open(const tendril_tasks *tasks, const char *folder, int by, int64_t from,
                             tendril_trained *out, bool *there, tendril_error *err) {
  tnd_folder paths;
  int64_t *kept;
  int nkept;
  *there = false;
  TENDRIL_TRY(tnd_folder_paths(folder, &paths, err));
  TENDRIL_TRY(tnd_folder_list_kept(&paths, &kept, &nkept, err));
  nearest n = {.by = by, .from = from};
  for (int i = 0; i < nkept; i++) {
    char name[24];
    snprintf(name, sizeof name, "%lld", (long long)kept[i]);
    consider(&n, kept[i], name);
  }
  tnd_free(kept);
  consider_file(&n, tasks, paths.best, "best");
  consider_file(&n, tasks, paths.last, "last");
  if (!n.name[0]) return TENDRIL_OK;
  TENDRIL_TRY(tendril_trained_open(tasks, folder, n.name, NULL, out, err));
  *there = true;
  return TENDRIL_OK;
}

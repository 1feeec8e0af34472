// Where things lie in a run folder.
#ifndef TND_FOLDER_H
#define TND_FOLDER_H

#include "base/file.h"

typedef struct tnd_folder {
  char root[TND_PATH_MAX];
  char config[TND_PATH_MAX];
  char progress[TND_PATH_MAX];
  char evaluations[TND_PATH_MAX];
  char events[TND_PATH_MAX];
  char curves[TND_PATH_MAX];
  char checkpoints[TND_PATH_MAX];
  char last[TND_PATH_MAX];
  char best[TND_PATH_MAX];
  bool made;  // by tnd_folder_start(): there was none before
} tnd_folder;

TENDRIL_MUST_CHECK tendril_status tnd_folder_paths(const char *root, tnd_folder *out,
                                                   tendril_error *err);
// The kept checkpoint of an iteration; path [TND_PATH_MAX] filled.
TENDRIL_MUST_CHECK tendril_status tnd_folder_kept(const tnd_folder *folder, int64_t iteration,
                                                  char *path, tendril_error *err);
// Iterations of the kept checkpoints, ascending; *out [*n] owned by the caller, tnd_free(). E_IO if
// the run has no folder of checkpoints.
TENDRIL_MUST_CHECK tendril_status tnd_folder_list_kept(const tnd_folder *folder, int64_t **out,
                                                       int *n, tendril_error *err);
// E_EXISTS for a folder that holds a run, unless `force` is set, or anything else.
TENDRIL_MUST_CHECK tendril_status tnd_folder_check_free(const tnd_folder *folder, bool force,
                                                        tendril_error *err);
// Makes the folder for a new run, checked as above and without what an earlier run left in it.
TENDRIL_MUST_CHECK tendril_status tnd_folder_start(tnd_folder *folder, bool force,
                                                   tendril_error *err);
// There is a checkpoint to go on from; if not, the line says what is there instead.
TENDRIL_MUST_CHECK tendril_status tnd_folder_check_resumable(const tnd_folder *folder,
                                                             tendril_error *err);
// After a run that could not begin: takes away what was made for it, and only that.
void tnd_folder_abandon(const tnd_folder *folder);

#endif

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
  char checkpoints[TND_PATH_MAX];
  char last[TND_PATH_MAX];
  char best[TND_PATH_MAX];
} tnd_folder;

TENDRIL_MUST_CHECK tendril_status tnd_folder_paths(const char *root, tnd_folder *out,
                                                   tendril_error *err);
// The kept checkpoint of an iteration; path [TND_PATH_MAX] filled.
TENDRIL_MUST_CHECK tendril_status tnd_folder_kept(const tnd_folder *folder, int64_t iteration,
                                                  char *path, tendril_error *err);
// Makes the folder for a new run. One that holds files is refused; with `force` it is emptied, but
// only if it is a run folder.
TENDRIL_MUST_CHECK tendril_status tnd_folder_start(const tnd_folder *folder, bool force,
                                                   tendril_error *err);

#endif

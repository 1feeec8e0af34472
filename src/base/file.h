// Files and folders: whole reads, writes that are never half done, paths.
#ifndef TND_FILE_H
#define TND_FILE_H

#include "base/status.h"

#define TND_PATH_MAX 4096

// out [TND_PATH_MAX] = "folder/name". E_ARGUMENT if it does not fit.
TENDRIL_MUST_CHECK tendril_status tnd_path_join(const char *folder, const char *name, char *out,
                                                tendril_error *err);
bool tnd_path_exists(const char *path);
bool tnd_path_is_folder(const char *path);

// The whole regular file, with a zero byte behind it; E_IO if it is larger than `limit` bytes.
// *out owned by the caller, tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_file_read(const char *path, size_t limit, char **out,
                                                size_t *size, tendril_error *err);

// Written aside ("path.part"), synced, renamed, folder synced.
TENDRIL_MUST_CHECK tendril_status tnd_file_write(const char *path, const void *bytes, size_t size,
                                                 tendril_error *err);

// Makes the folder and its missing parents; fine if it is there.
TENDRIL_MUST_CHECK tendril_status tnd_folder_make(const char *path, tendril_error *err);
// Removes a folder with all that is in it; fine if it is not there.
TENDRIL_MUST_CHECK tendril_status tnd_folder_remove(const char *path, tendril_error *err);

#endif

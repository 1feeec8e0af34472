// Folders for outputs. See claim.h.
#include "run/claim.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// Whether `name` is that of `path`, or what a crash left of it.
static bool is_named(const char *path, const char *name) {
  const char *ours = base_name(path);
  const size_t n = strlen(ours);
  return strncmp(name, ours, n) == 0 && (!name[n] || strcmp(name + n, ".part") == 0);
}

static bool is_ours(const tnd_claim *claim, const char *name) {
  if (claim->folder && is_named(claim->folder, name)) return true;
  for (int i = 0; i < TND_CLAIM_FILES && claim->files[i]; i++)
    if (is_named(claim->files[i], name)) return true;
  return false;
}

void tnd_claim_count(const tnd_claim *claim, int *ours, int *others) {
  *ours = *others = 0;
  DIR *dir = opendir(claim->root);
  if (!dir) return;
  for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (is_ours(claim, entry->d_name))
      ++*ours;
    else
      ++*others;
  }
  closedir(dir);
}

tendril_status tnd_claim_check(const tnd_claim *claim, bool force, tendril_error *err) {
  int ours, others;
  tnd_claim_count(claim, &ours, &others);
  if (others || (ours && !force))
    return tnd_fail(err, TENDRIL_E_EXISTS, "%.300s: %s", claim->root,
                    others ? claim->strangers : claim->taken);
  return TENDRIL_OK;
}

tendril_status tnd_claim_clear(const tnd_claim *claim, tendril_error *err) {
  if (claim->folder) TENDRIL_TRY(tnd_folder_remove(claim->folder, err));
  for (int i = 0; i < TND_CLAIM_FILES && claim->files[i]; i++) {
    char part[TND_PATH_MAX + 8];
    snprintf(part, sizeof part, "%s.part", claim->files[i]);
    if ((remove(claim->files[i]) != 0 && errno != ENOENT) || (remove(part) != 0 && errno != ENOENT))
      return tnd_fail_io(err, claim->files[i], "not removed", errno);
  }
  return TENDRIL_OK;
}

tendril_status tnd_claim_start(const tnd_claim *claim, bool force, bool *made, tendril_error *err) {
  TENDRIL_TRY(tnd_claim_check(claim, force, err));
  *made = !tnd_path_exists(claim->root);
  TENDRIL_TRY(tnd_folder_make(claim->root, err));
  return tnd_claim_clear(claim, err);
}

void tnd_claim_abandon(const tnd_claim *claim, bool made) {
  // the command failed already: what can't be removed stays
  if (tnd_claim_clear(claim, NULL) == TENDRIL_OK && made) (void)remove(claim->root);
}

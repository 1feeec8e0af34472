// Where the shipped models are: $TENDRIL_MODELS, else found by walking up from the file that this
// code was loaded from (the shared library, or the program that it is linked into). That finds an
// installed <prefix>/share/tendril/models from <prefix>/lib/<arch>/ as well as the models/ of a
// source tree from its build folder, and survives a move of either.
#include "base/file.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/tasks.h>
#include <unistd.h>

// A folder of models has this in it.
#define MARKER "hopper_v4.xml"

enum { LEVELS = 5 };  // from build/release/tests/ to the source tree's top, and one to spare

// Path of the file with this code, links resolved. path [TND_PATH_MAX]
static bool find_own_file(char *path) {
  static const char here = 0;  // any object of this file
  Dl_info info;
  bool named = dladdr(&here, &info) && info.dli_fname;
  // of a program's own code only the name that it was called by is known
  if (named && strstr(info.dli_fname, ".so") && realpath(info.dli_fname, path)) return true;
  ssize_t n = readlink("/proc/self/exe", path, TND_PATH_MAX - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  return true;
}

// out [TND_PATH_MAX] = base/name if the models are there
static bool holds_models(const char *base, const char *name, char *out) {
  char marker[TND_PATH_MAX];
  return tnd_path_join(base, name, out, NULL) == TENDRIL_OK &&
         tnd_path_join(out, MARKER, marker, NULL) == TENDRIL_OK && tnd_path_exists(marker);
}

static bool search_upwards(char *out) {
  char base[TND_PATH_MAX];
  if (!find_own_file(base)) return false;
  for (int level = 0; level < LEVELS; level++) {
    char *slash = strrchr(base, '/');
    if (!slash) return false;
    *slash = '\0';
    if (holds_models(base, "share/tendril/models", out)) return true;
    if (holds_models(base, "models", out)) return true;
  }
  return false;
}

tendril_status tendril_models_folder(char *path, size_t size, tendril_error *err) {
  char found[TND_PATH_MAX];
  const char *folder = getenv("TENDRIL_MODELS");
  if (folder && folder[0]) {
    if (!tnd_path_is_folder(folder))
      return tnd_fail(err, TENDRIL_E_IO, "TENDRIL_MODELS: %.300s is not a folder", folder);
  } else {
    if (!search_upwards(found)) {
      return tnd_fail(err, TENDRIL_E_IO,
                      "the folder of models was not found; set TENDRIL_MODELS to it");
    }
    folder = found;
  }
  if ((size_t)snprintf(path, size, "%s", folder) >= size)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%.300s: the path is too long", folder);
  return TENDRIL_OK;
}

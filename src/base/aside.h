// A file in the making: written under another name beside its place, which it takes when it is
// whole. What is open here may be written by this process or by a program that it started.
//
//   tnd_aside aside;
//   TENDRIL_TRY(tnd_aside_begin(&aside, path, err));
//   ... write to aside.fd or to aside.part ...
//   status = tnd_aside_commit(&aside, err);  or tnd_aside_abandon(&aside);
#ifndef TND_ASIDE_H
#define TND_ASIDE_H

#include "base/file.h"

typedef struct tnd_aside {
  int fd;                   // open for writing, at its start; -1: nothing is in the making
  int64_t size;             // for tnd_aside_add()
  char path[TND_PATH_MAX];  // the place
  char part[TND_PATH_MAX];  // "path.part"
} tnd_aside;

// Fails at once where nothing could be written: no such folder, no permission, a path that is not
// that of a regular file.
TENDRIL_MUST_CHECK tendril_status tnd_aside_begin(tnd_aside *aside, const char *path,
                                                  tendril_error *err);
// Bytes at the end.
TENDRIL_MUST_CHECK tendril_status tnd_aside_add(tnd_aside *aside, const void *bytes, size_t n,
                                                tendril_error *err);
// Synced and renamed. After an error nothing is left of it; the old file, if any, is.
TENDRIL_MUST_CHECK tendril_status tnd_aside_commit(tnd_aside *aside, tendril_error *err);
// Removes it; fine after a commit, and for one that was set to {.fd = -1}.
void tnd_aside_abandon(tnd_aside *aside);

#endif

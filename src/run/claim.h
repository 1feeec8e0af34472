// The folder that a command fills with its output: it is never written over by accident, and what
// others put there is never taken away.
#ifndef TND_CLAIM_H
#define TND_CLAIM_H

#include "base/file.h"

enum { TND_CLAIM_FILES = 8 };

typedef struct tnd_claim {
  const char *root;                    // the folder; paths are borrowed
  const char *files[TND_CLAIM_FILES];  // that the command writes there, their paths; then NULL
  const char *folder;                  // that it makes there, its path; NULL: none
  // ends of the lines "ROOT: ..." about a folder that is taken
  const char *taken;      // by an earlier output of the command
  const char *strangers;  // by files that the command does not write
} tnd_claim;

// How many entries the folder has that the command writes (a crash may have left a file as
// NAME.part), and how many that it doesn't.
void tnd_claim_count(const tnd_claim *claim, int *ours, int *others);
// E_EXISTS for a folder that holds the command's output, unless `force` is set, or anything else.
TENDRIL_MUST_CHECK tendril_status tnd_claim_check(const tnd_claim *claim, bool force,
                                                  tendril_error *err);
// Takes away what the command writes, and nothing else; the folder itself stays.
TENDRIL_MUST_CHECK tendril_status tnd_claim_clear(const tnd_claim *claim, tendril_error *err);
// Checked, made if need be (*made), cleared.
TENDRIL_MUST_CHECK tendril_status tnd_claim_start(const tnd_claim *claim, bool force, bool *made,
                                                  tendril_error *err);
// After a command that could not begin: takes away what was made for it, and only that.
void tnd_claim_abandon(const tnd_claim *claim, bool made);

#endif

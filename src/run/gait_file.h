// Gait files with what a search says of them.
#ifndef TND_GAIT_FILE_H
#define TND_GAIT_FILE_H

#include "base/json.h"

#include <tendril/gait.h>

#define TND_GAIT_NAME "gait.json"  // in the folder of a search

// As tendril_simbicon_write(), with a member `found`; borrowed, may be NULL.
TENDRIL_MUST_CHECK tendril_status tnd_gait_write(const char *path, const char *task,
                                                 const tendril_simbicon_options *options,
                                                 const cJSON *found, tendril_error *err);

#endif

// What a build and its machine are, in files.
#ifndef TND_VERSIONS_H
#define TND_VERSIONS_H

#include "base/json.h"

// A member `versions` of a config.json.
TENDRIL_MUST_CHECK tendril_status tnd_versions_write(cJSON *object, tendril_error *err);

#endif

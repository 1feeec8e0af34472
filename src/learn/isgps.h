// Importance-sampled guided policy search as a method that can be named in a configuration, and
// what its adapted kind shares with it: all but that the guiding distributions are improved.
#ifndef TND_ISGPS_H
#define TND_ISGPS_H

#include "learn/learner.h"

extern const tnd_method tnd_method_isgps;

// name: in error lines, constant. options: checked, copied. setup as tendril_isgps_create() says.
TENDRIL_MUST_CHECK tendril_status tnd_isgps_create(const char *name, bool adapts,
                                                   const tendril_isgps_options *options,
                                                   const tendril_learner_setup *setup,
                                                   tendril_learner **out, tendril_error *err);

#endif

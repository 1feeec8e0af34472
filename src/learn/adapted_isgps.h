// Adapted importance-sampled guided policy search as a method that can be named in a configuration.
#ifndef TND_ADAPTED_ISGPS_H
#define TND_ADAPTED_ISGPS_H

#include "learn/learner.h"

extern const tnd_method tnd_method_adapted_isgps;

#endif

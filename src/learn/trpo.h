// TRPO's line in the registry.
#ifndef TND_TRPO_H
#define TND_TRPO_H

#include "learn/learner.h"

extern const tnd_method tnd_method_trpo;

#endif

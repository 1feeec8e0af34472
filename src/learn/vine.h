// The vine's line in the registry.
#ifndef TND_LEARN_VINE_H
#define TND_LEARN_VINE_H

#include "learn/learner.h"

extern const tnd_method tnd_method_vine;

#endif

// MOTO's line in the registry.
#ifndef TND_MOTO_H
#define TND_MOTO_H

#include "learn/learner.h"

extern const tnd_method tnd_method_moto;

#endif

// Constrained guided policy search's line in the registry.
#ifndef TND_CGPS_H
#define TND_CGPS_H

#include "learn/learner.h"

extern const tnd_method tnd_method_cgps;

#endif

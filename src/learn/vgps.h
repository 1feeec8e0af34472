// Variational guided policy search's line in the registry.
#ifndef TND_VGPS_H
#define TND_VGPS_H

#include "learn/learner.h"

extern const tnd_method tnd_method_vgps;

#endif

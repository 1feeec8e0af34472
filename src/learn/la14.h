// LA14's line in the registry.
#ifndef TND_LA14_H
#define TND_LA14_H

#include "learn/learner.h"

extern const tnd_method tnd_method_la14;

#endif

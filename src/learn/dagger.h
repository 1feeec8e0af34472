// DAGGER as a method that can be named in a configuration.
#ifndef TND_DAGGER_H
#define TND_DAGGER_H

#include "learn/learner.h"

extern const tnd_method tnd_method_dagger;

#endif

// Cost-weighted regression as a method that can be named in a configuration.
#ifndef TND_CWR_H
#define TND_CWR_H

#include "learn/learner.h"

extern const tnd_method tnd_method_cwr;

#endif

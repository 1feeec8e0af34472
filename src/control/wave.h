// What gait files need beside tendril/wave.h.
#ifndef TND_WAVE_H
#define TND_WAVE_H

#include "base/options.h"

#include <tendril/wave.h>

extern const tnd_option_table tnd_wave_options;

#endif

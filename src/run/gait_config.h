// The sections of a search for a gait, for src/run/ and lists of options.
#ifndef TND_GAIT_CONFIG_H
#define TND_GAIT_CONFIG_H

#include "run/sections.h"

#include <tendril/gait.h>

extern const tnd_option_table tnd_gait_options;

// In the order of config.json: gait, sim, terrain, simbicon, cmaes.
enum { TND_GAIT_SECTIONS = 5 };
void tnd_gait_sections(tendril_gait_config *config, tnd_section sections[TND_GAIT_SECTIONS]);

#endif

// What a search over SIMBICON's numbers needs beside tendril/simbicon.h.
#ifndef TND_SIMBICON_H
#define TND_SIMBICON_H

#include "base/options.h"

#include <tendril/simbicon.h>

extern const tnd_option_table tnd_simbicon_options;

// Other numbers for an agent of tendril_agent_simbicon_create() and its controllers, in range; not
// while one of them acts.
void tnd_simbicon_change(tendril_agent *agent, const tendril_simbicon_options *options);

#endif

// MuJoCo reports what it cannot go on with by a handler that must not return. Every call that may
// end so runs inside tnd_physics_run(), which turns it into TENDRIL_E_PHYSICS.
#ifndef TND_PHYSICS_H
#define TND_PHYSICS_H

#include "base/status.h"

typedef void (*tnd_physics_call)(void *context);

// Runs call(context). If MuJoCo gives up, the call is left at once (what it holds is lost: keep
// nothing in it that must be released) and MuJoCo's message is in err. May be nested; threads do
// not disturb each other. An mjData used by a call that failed must go through mj_resetData().
TENDRIL_MUST_CHECK tendril_status tnd_physics_run(tnd_physics_call call, void *context,
                                                  tendril_error *err);

#endif

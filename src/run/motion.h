// Files of optimised trajectories.
#ifndef TND_MOTION_H
#define TND_MOTION_H

#include "run/optimization.h"

TENDRIL_MUST_CHECK tendril_status tnd_motion_write(const char *path,
                                                   const tendril_optimization *optimization,
                                                   const tendril_trajectory *trajectory,
                                                   tendril_error *err);

#endif

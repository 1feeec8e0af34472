// Files of optimised trajectories.
#ifndef TND_MOTION_H
#define TND_MOTION_H

#include "run/optimization.h"

// Of the file in the folder of an optimisation.
#define TND_MOTION_NAME "trajectory.safetensors"

// reset [nx]: the state that the episode began in; NULL: x_0
TENDRIL_MUST_CHECK tendril_status tnd_motion_write(const char *path,
                                                   const tendril_optimization *optimization,
                                                   const tendril_trajectory *trajectory,
                                                   const double *reset, tendril_error *err);

#endif

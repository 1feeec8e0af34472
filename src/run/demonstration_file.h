// A demonstration out of the folder of an optimisation.
#ifndef TND_DEMONSTRATION_FILE_H
#define TND_DEMONSTRATION_FILE_H

#include <tendril/tasks.h>
#include <tendril/trajopt.h>

// The first y->T steps of the trajectory in `path`, a folder of `tendril optimize` or its file, as
// the training's simulation makes them: y->x [T + 1][nx] and y->u [T][nu] filled, on y->ground.
//   model  the training's
// E_IO, E_FORMAT, E_NUMERIC: there is none, it is damaged, a number is not finite. E_CONFIG: it is
// of another task, model, control step, integrator or ground, or too short.
TENDRIL_MUST_CHECK tendril_status tnd_demonstration_read(const char *path,
                                                         const tendril_tasks *tasks,
                                                         const tendril_model *model,
                                                         tendril_trajectory *y, tendril_error *err);

#endif

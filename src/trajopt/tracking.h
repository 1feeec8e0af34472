// A term that holds an optimisation to a motion: for the steps of a reference x~,
//   qpos/2 |dq|^2 + qvel/2 |dv|^2,     (dq, dv) = x_t - x~_t
// without the positions that only carry the robot along the ground.
#ifndef TND_TRACKING_H
#define TND_TRACKING_H

#include "base/alloc.h"
#include "trajopt/ilqg.h"

typedef struct tnd_tracking {
  const tendril_model *model;
  const double *reference;  // [T + 1][nx]
  int T;
  int from;            // step of the reference that the term's step 0 is; from its end on it is 0
  double qpos, qvel;   // weights
  int horizon;         // steps that it can be asked for
  double *dx;          // [workers][n]
  double *difference;  // [horizon][n] of the last expansion
  tnd_arena arena;
} tnd_tracking;

// reference: borrowed, to be filled before the term is used.
TENDRIL_MUST_CHECK tendril_status tnd_tracking_create(const tendril_model *model, int T,
                                                      const double *reference, int horizon,
                                                      int workers, tnd_tracking *out,
                                                      tendril_error *err);
void tnd_tracking_free(tnd_tracking *tracking);
// As an iLQG or an MPC takes it; `tracking` must stay where it is.
tnd_ilqg_term tnd_tracking_term(tnd_tracking *tracking);

#endif

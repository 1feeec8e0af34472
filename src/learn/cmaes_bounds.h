// Box bounds for CMA-ES: what is evaluated lies within them; what is ranked is the value there plus
// a penalty on the way to it, with a weight for each variable that adapts (Hansen, arXiv
// 1604.00772v2, B.5, (63); weights: Hansen, Niederberger, Guzzella, Koumoutsakos 2009, as in
// pycma's BoundPenalty).
#ifndef TND_CMAES_BOUNDS_H
#define TND_CMAES_BOUNDS_H

#include "base/alloc.h"
#include "math/rank.h"

typedef struct tnd_cmaes_bounds {
  int n;
  bool any;               // a variable is bounded
  double *lower, *upper;  // [n] infinite where there is no bound
  double *scale;          // [n] borrowed: lengths are measured in the initial deviations
  bool weighted;          // the weights have been set
  double *gamma;          // [n] weights
  int nspread;            // entries of the following
  double *spread;         // [tnd_cmaes_bounds_window(n)] of recent generations, the newest first
  tnd_ranked *sorted;     // [the same] scratch
} tnd_cmaes_bounds;

// Generations over which the spread of values is looked at, for any population: 20 + 3 n.
int tnd_cmaes_bounds_window(int n);

// bounds->n is set
void tnd_cmaes_bounds_layout(tnd_cmaes_bounds *bounds, tnd_arena *arena);

// Forgets the weights, for a new run.
void tnd_cmaes_bounds_reset(tnd_cmaes_bounds *bounds);

// x [n] moved to the nearest point within the bounds; returns what the way there costs.
double tnd_cmaes_bounds_repair(const tnd_cmaes_bounds *bounds, double *x);

// After a generation. values: the finite ones [nvalues > 0], without penalties, sorted; m [n] mean;
// variance [n] of each variable, in squares of the scale.
void tnd_cmaes_bounds_update(tnd_cmaes_bounds *bounds, int nvalues, const tnd_ranked *values,
                             int lambda, double mueff, bool second, const double *m,
                             const double *variance);

#endif

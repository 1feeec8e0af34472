// Whole paths of a trajectory distribution, or of the policy from where that starts, and the
// density of their actions under it: what importance sampling needs (Levine and Koltun 2013,
// "Guided Policy Search"). Unlike samples (guide.h) and an oracle's rollouts (oracle.h) they go on
// whatever becomes of them, and actions are kept as they were drawn, before the actuators' limits.
#ifndef TND_GUIDE_PATHS_H
#define TND_GUIDE_PATHS_H

#include "trajopt/guide.h"

// Paths over the steps that are taught; arrays are the caller's. Beyond a path's length x, obs and
// action are 0 and the cost is the largest of these paths' steps.
typedef struct tnd_guide_paths {
  int count;
  double *x;       // [count][taught][nx]
  double *obs;     // [count][taught][nobs]
  double *action;  // [count][taught][nu]
  double *cost;    // [count][taught]
  int *length;     // [count] steps until the simulation diverged, that one included; 0: lost
} tnd_guide_paths;

typedef struct tnd_guide_paths_stats {
  int64_t steps;   // simulated
  double cost;     // mean over those not lost, sum over the steps; NAN: none
  int lost;        // paths of q
  int diverged;    // paths of the policy
  double physics;  // CPU seconds
} tnd_guide_paths_stats;

// Fills paths->count of them, a function of q, the policy and (seed, iteration), with the start
// noise of the model's episodes.
//   sigma  [nu] standard deviations of the policy's actions; NULL: q acts, with its noise
void tnd_guide_draw_paths(tnd_guide *guide, const double *sigma, uint64_t seed, uint32_t iteration,
                          const tnd_guide_paths *paths, tnd_guide_paths_stats *stats);

// log_q [count][taught]: sum over the steps up to t of log q(u | x); constant beyond a path's
// length.
void tnd_guide_log_density(tnd_guide *guide, const tnd_guide_paths *paths, double *log_q);

#endif

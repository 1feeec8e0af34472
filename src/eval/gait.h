// The rhythm of a gait, found in what its joints do.
#ifndef TND_GAIT_H
#define TND_GAIT_H

#include <stdbool.h>

typedef struct tnd_gait {
  double period;    // s; 0: none was found
  double strength;  // autocorrelation at the period, 1 for a motion that repeats itself exactly
  int joint;        // the one that moves most
} tnd_gait;

// The period at which T states of n joints, dt apart, repeat themselves. joints [T][n] is changed:
// every joint's mean is taken from it. Half of the T states, and no more than that, may be a
// period.
void tnd_gait_find(double *joints, int T, int n, double dt, tnd_gait *out);

// Time in [0, period) from the first state to where the fundamental of joint `joint` peaks: phase
// 0. joints [T][n], without their means.
double tnd_gait_phase(const double *joints, int T, int n, int joint, double dt, double period);

#endif

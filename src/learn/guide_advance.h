// One improvement of a trajectory distribution towards a low cost and the policy, with the samples
// that tell whether its feedback still holds: what the methods of guided policy search share.
#ifndef TND_GUIDE_ADVANCE_H
#define TND_GUIDE_ADVANCE_H

#include "trajopt/guide.h"

typedef struct tnd_guide_advanced {
  double alpha;                               // as tnd_guide_step
  int refused;                                // as tnd_guide_step
  int taken_back;                             // steps
  int64_t steps;                              // simulated
  double physics;                             // CPU seconds
  double trajectory_seconds, trajectory_cpu;  // without the samples
} tnd_guide_advanced;

// Improves q and draws its samples, tnd_guide_sample(q, seed, stream). A step that loses the
// trajectory is taken back and tried again, held to it more strongly each time; at last the
// trajectory stays.
//   samples  that q draws
//   sigma2   [nu] variances of the policy
TENDRIL_MUST_CHECK tendril_status tnd_guide_advance(tnd_guide *q, int samples, const double *sigma2,
                                                    uint64_t seed, uint32_t stream,
                                                    tnd_guide_samples *drawn,
                                                    tnd_guide_advanced *out, tendril_error *err);

#endif

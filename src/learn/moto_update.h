// MOTO's policy update at one time step (Akrour et al. 2018, sec. 3):
//
//   maximise over linear-Gaussian policies  E_{s ~ state} E_{a ~ new} Q(s, a)               (1)
//   subject to  E_{s ~ state} KL( new(.|s) || old(.|s) ) <= eps                             (2)
//               entropy of the new policy >= that of the old one - beta0                    (3)
//
// The bounds are met exactly, whatever the sign of Qaa.
#ifndef TND_MOTO_UPDATE_H
#define TND_MOTO_UPDATE_H

#include "base/status.h"
#include "learn/moto_dual.h"
#include "math/linear_gaussian.h"
#include "math/quadratic.h"

// Doubles of scratch.
int tnd_moto_update_work(int ns, int na);

// Q a reward: larger is better. next filled; it may be old itself. work: tnd_moto_update_work()
// doubles; threads may share all but work, next and out. Allocates nothing. E_NUMERIC, and then
// next is a copy of old and out all zeros, if
//   - Q, the old policy or the state's distribution is not finite, or a product of theirs
//   - the old covariance has no positive diagonal in its Cholesky factor
//   - the new one would be singular to rounding (max_kl of tens of nats)
// Source: sec. 3.2 and app. A; docs/methods/moto.md, "Policy update".
TENDRIL_MUST_CHECK tendril_status tnd_moto_update(const tnd_moto_bounds *bounds,
                                                  const tnd_action_quadratic *Q,
                                                  const tnd_linear_gaussian *old,
                                                  const tnd_gaussian *state, double *work,
                                                  tnd_linear_gaussian *next,
                                                  tnd_moto_multipliers *out, tendril_error *err);

#endif

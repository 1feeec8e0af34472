// The dual of MOTO's policy update at one time step, in the coordinates in which it falls apart
// into n = na numbers each (Akrour et al. 2018, app. A; derived in docs/methods/moto.md):
//
//   a = K s + k + C U y,  Sigma = C C',  C'Qaa C = U diag(q) U'
//   Q = 1/2 sum_i q_i y_i^2 + sum_i r_i(s) y_i + what does not depend on y,  c_i = E r_i(s)^2
//   old policy   y_i ~ N(0, 1)
//   new policy   y_i ~ N(r_i(s) / (eta - q_i), tau / (eta - q_i)),  tau = eta + omega
//   KL           1/2 sum_i [ v_i - 1 - log v_i + c_i / (eta - q_i)^2 ],  v_i = tau / (eta - q_i)
//   entropy      that of the old policy + 1/2 sum_i log v_i
#ifndef TND_MOTO_DUAL_H
#define TND_MOTO_DUAL_H

#include <stdbool.h>

typedef struct tnd_moto_bounds {
  double max_kl;        // eps > 0: bound on E KL(new || old), nats
  double entropy_drop;  // beta0 >= 0: by how much the entropy may fall, nats; INFINITY: no bound
} tnd_moto_bounds;

typedef struct tnd_moto_dual {
  int n;
  const double *q, *c;  // [n] of any sign; [n] >= 0
  tnd_moto_bounds bounds;
} tnd_moto_dual;

// The Lagrangian's maximum over policies, minus what Q is worth to the old policy's mean:
//   g(eta, omega) = eta eps + omega (beta0 - n/2) + tau/2 sum log v_i + 1/2 sum c_i / (eta - q_i)
//   gradient [2] filled:  eps - KL,  beta0 + 1/2 sum log v_i
// INFINITY outside the domain (eta > q_i for all i, tau > 0), the gradient then as it was.
double tnd_moto_dual_value(const tnd_moto_dual *dual, double eta, double omega, double gradient[2]);

typedef struct tnd_moto_multipliers {
  double eta, omega;      // >= 0, units of Q a nat
  double kl;              // E KL(new || old), nats
  double entropy_change;  // new minus old, nats; >= -beta0
  double gain;            // E Q of the new policy minus that of the old one
  int iterations;
} tnd_moto_multipliers;

// The minimum of g over eta, omega >= 0. step [n] filled with 1 / (eta - q_i), spread [n] with
// log v_i. If Q does not depend on the action, both are 0, as are the multipliers: the policy
// stays. False, and all zeros, if q or c is not finite, or if the KL stays below max_kl until the
// variance underflows (max_kl of hundreds of nats).
bool tnd_moto_dual_solve(const tnd_moto_dual *dual, double *step, double *spread,
                         tnd_moto_multipliers *out);

#endif

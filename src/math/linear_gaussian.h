// Linear-Gaussian conditionals a | s ~ N(K s + k, S), S = C C': a time step of a policy, or of
// fitted dynamics.
#ifndef TND_LINEAR_GAUSSIAN_H
#define TND_LINEAR_GAUSSIAN_H

#include "math/gaussian.h"

// Arrays are borrowed from whoever lays out the object.
typedef struct tnd_linear_gaussian {
  int ns, na;
  double *K;  // [na][ns]
  double *k;  // [na]
  double *C;  // [na][na] lower; what lies above the diagonal is anything
} tnd_linear_gaussian;

// [T] of them and their arrays in an arena; NULL while it measures.
tnd_linear_gaussian *tnd_linear_gaussian_layout(tnd_arena *arena, int T, int ns, int na);
// K, k and C into the arrays of another of the same sizes.
void tnd_linear_gaussian_copy(const tnd_linear_gaussian *from, const tnd_linear_gaussian *to);

// a [na] = K s + k
void tnd_linear_gaussian_mean(const tnd_linear_gaussian *p, const double *s, double *a);
// log N(a; K s + k, S); scratch [na]
double tnd_linear_gaussian_logp(const tnd_linear_gaussian *p, const double *s, const double *a,
                                double *scratch);

// E_{s ~ state} KL( p(.|s) || q(.|s) ), exactly:
//   1/2 [ tr(Sq^-1 Sp) - na + log |Sq| / |Sp| + (D mu + d)'Sq^-1 (D mu + d) + tr(S D'Sq^-1 D) ],
//   D = Kp - Kq, d = kp - kq; state = N(mu, S). Source: Akrour et al. 2018, app. B.
// scratch [na (ns + na + 1)]
double tnd_linear_gaussian_kl(const tnd_linear_gaussian *p, const tnd_linear_gaussian *q,
                              const tnd_gaussian *state, double *scratch);

#endif

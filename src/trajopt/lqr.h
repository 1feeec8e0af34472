// One step of the backward pass that all linear-quadratic methods here share: iLQG, LQR under a KL
// constraint, guided policy search. With Q = l + V'(f(x, u)) to second order about a nominal, it
// gives the control law u = k + K x that minimises Q and the value function V of the step.
#ifndef TND_LQR_H
#define TND_LQR_H

#include <stdbool.h>

// What is given: all in deviations from the nominal, n states, m controls.
typedef struct tnd_lqr_stage {
  const double *F;                          // [n][n + m] dynamics, (fx, fu); NULL: the cost is Q
  const double *fc;                         // [n] their constant; NULL: 0
  const double *lx, *lu, *lxx, *lux, *luu;  // [n], [m], [n][n], [m][n], [m][m] cost
  double mu;                 // >= 0: mu I is added to V'xx inside Quu and Qux, for k and K
                             // alone (state regularisation); 0 without F
  double rho;                // >= 0: rho I is added to luu (control regularisation)
  const double *low, *high;  // [m] bounds on k; NULL: none
} tnd_lqr_stage;

// V(x) = Vx'x + 1/2 x'Vxx x; constants are dropped.
typedef struct tnd_lqr_value {
  double *Vx, *Vxx;  // [n], [n][n] symmetric
} tnd_lqr_value;

typedef struct tnd_lqr_law {
  double *k, *K;     // [m], [m][n]
  double *Quu;       // [m][m] without mu; inverse of the maximum-entropy law's covariance
  double linear;     // Qu'k
  double quadratic;  // 1/2 k'Quu k: the cost changes by a linear + a^2 quadratic for a step a k
} tnd_lqr_law;

// Q(x, u) = l(x, u) + V'(f(x, u)) to second order.
typedef struct tnd_lqr_q {
  double *Qx, *Qu, *Qxx, *Qux, *Quu;  // [n], [m], [n][n] lower triangle, [m][n], [m][m]
} tnd_lqr_q;

// Doubles of scratch.
int tnd_lqr_work(int n, int m);

// Q of a stage, without regularisation, V' in v: what a step would start from. A caller that
// changes the cost and takes the step more than once gives it back as the cost of a stage without
// F, and has the products with the dynamics once.
void tnd_lqr_expand(int n, int m, const tnd_lqr_stage *stage, const tnd_lqr_value *v, double *work,
                    const tnd_lqr_q *Q);

// v: V' of the next step on entry, V of this one on return. False if Quu + mu fu'fu is not positive
// definite: v is then V' still, and the caller raises mu.
//   Qx = lx + fx'(V'x + V'xx fc)   Qxx = lxx + fx'V'xx fx   Qux = lux + fu'V'xx fx   ...
//   k, K: minimise 1/2 k'Quu k + Qu'k within the bounds; K = -Quu^-1 Qux with the rows of clamped
//   controls zero
//   Vx = Qx + K'Quu k + K'Qu + Qux'k   Vxx = Qxx + K'Quu K + K'Qux + Qux'K
// Source: Tassa et al. 2012 (regularisation), Tassa et al. 2014 (bounds); docs/methods/ilqg.md.
bool tnd_lqr_step(int n, int m, const tnd_lqr_stage *stage, double *work, tnd_lqr_value *v,
                  tnd_lqr_law *law);

#endif

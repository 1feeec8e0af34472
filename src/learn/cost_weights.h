// Weights of rollouts by their costs, w_i = exp(-c (J_i - min J)) (Peters and Schaal 2007; Kober
// and Peters 2009), with c chosen for how many of them shall count.
#ifndef TND_COST_WEIGHTS_H
#define TND_COST_WEIGHTS_H

#include <stdint.h>

typedef struct tnd_cost_weights {
  int64_t counted;   // rollouts of finite cost; the others weigh nothing
  double c;          // per unit of cost
  double effective;  // (sum w)^2 / sum w^2 of the weights, 0 if none is counted
} tnd_cost_weights;

// w [n] of costs J [n], c such that (sum w)^2 / sum w^2 = max(1, share counted), 0 < share <= 1.
// Where that can't be: if all costs are equal c = 0; if more than so many share the lowest cost,
// they alone count, and c is as large as it takes. Whatever the costs' unit and offset.
tnd_cost_weights tnd_cost_weights_choose(int64_t n, const double *J, double share, double *w);

#endif

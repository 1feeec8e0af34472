// A linear-quadratic task: a mass on a rail, tests/data/mjcf/cart.xml, from a random start to rest
// at 0. With z = (x, v, u):
//   x' = x + dt v',  v' = v + dt u / m;   l = q x^2 + p v^2 + r u^2,   in the last state without u
#ifndef SUPPORT_CART_H
#define SUPPORT_CART_H

#include <tendril/sim.h>

enum { SUPPORT_CART_STEPS = 12 };
extern const tendril_task support_cart;

// The test fails if it cannot be made. tendril_model_destroy()
tendril_model *support_cart_model(void);

// The gains of the optimal law u = K x + 0 for every step [SUPPORT_CART_STEPS][2], by Riccati's
// recursion.
void support_cart_gains(double *K);

#endif

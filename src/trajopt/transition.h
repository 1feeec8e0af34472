// A control step as a pure function of the state, x' = f_t(x, u), and its derivatives. The state is
// x = (qpos, qvel), of nx = nq + nv numbers; a small change dx of it has n = 2 nv, those of qpos as
// mj_integratePos() makes them.
#ifndef TND_TRANSITION_H
#define TND_TRANSITION_H

#include "base/status.h"

#include <tendril/sim.h>

// Scratch of one thread: an mjData of its own.
typedef struct tnd_transition tnd_transition;

// model: borrowed. @return E_CONFIG for a model with activations, E_MEMORY, E_PHYSICS
TENDRIL_MUST_CHECK tendril_status tnd_transition_create(const tendril_model *model,
                                                        tnd_transition **out, tendril_error *err);
void tnd_transition_destroy(tnd_transition *f);

// Steps to come are on one of the model's grounds; 0 from the start.
void tnd_transition_set_ground(tnd_transition *f, int ground);

// Pushes that act in the steps to come, as those of an environment; NULL: none. Kept.
struct tnd_pushes;
void tnd_transition_set_pushes(tnd_transition *f, const struct tnd_pushes *pushes);

// next [nx] = f_t(x, u), x [nx], u [nu] within its range: not clipped. MuJoCo starts each control
// step without a warm start, so that nothing but (t, x, u) decides, to the bit; t, the control
// step, matters to pushes only. False if the state is bad or MuJoCo warned: next is then undefined.
bool tnd_transition_step(tnd_transition *f, int t, const double *x, const double *u, double *next);

// F [n][n + nu] = (df/dx, df/du), of each of the control step's MuJoCo steps and chained: under
// Euler by the implicit function theorem (euler.h), where that doesn't apply by mjd_transitionFD().
// Under RK4, which neither does, and for a task with motors of its own (tendril_task.actuate), by
// differences of the whole control step. False as above.
bool tnd_transition_linearise(tnd_transition *f, int t, const double *x, const double *u,
                              double *F);

// dx [n] = b - a
void tnd_state_difference(const tendril_model *model, const double *a, const double *b, double *dx);
// Whether position i of a change only carries the robot along the ground, which no dynamics depends
// on.
bool tnd_is_horizontal_translation(const mjModel *model, int i);

#endif

// iLQG's inner face: windows of an episode that moves on, for MPC; a term of the caller's in the
// objective, for guided policy search.
#ifndef TND_ILQG_H
#define TND_ILQG_H

#include "base/options.h"
#include "sim/cost.h"
#include "trajopt/transition.h"

#include <tendril/trajopt.h>

extern const tnd_option_table tnd_ilqg_options;

// The trajectory's first state is x_t of an episode of T_cost steps: which cost terms count; that
// of its last state counts end_weight times. A trajectory that was created stands at 0 of its own
// horizon, with a weight of 1.
void tnd_ilqg_set_window(tendril_ilqg *ilqg, int t, int T_cost, double end_weight);
// Rolls the trajectory out again from another first state, u = u_t + K_t (x - x_t), clipped.
TENDRIL_MUST_CHECK tendril_status tnd_ilqg_restart(tendril_ilqg *ilqg, const double *x0,
                                                   tendril_error *err);
// Drops the first step; the last one is new, with the control that was dropped (what comes next if
// the motion repeats itself after the plan's length, as a gait nearly does) and without feedback;
// its state is that of the step before until tnd_ilqg_restart().
void tnd_ilqg_shift(tendril_ilqg *ilqg);
// All that the next restart and iteration depend on but for window and ground, as doubles, to go on
// from it in another object of the same model, horizon and options.
int tnd_ilqg_size(const tendril_ilqg *ilqg);
void tnd_ilqg_save(const tendril_ilqg *ilqg, double *memory);
void tnd_ilqg_restore(tendril_ilqg *ilqg, const double *memory);

// What else is minimised: the sum over the steps t = 0 .. T-1 of a function of (x_t, u_t), >= 0.
typedef struct tnd_ilqg_term {
  void *context;
  // Its value at step t; trials run in parallel, one a worker.
  double (*value)(void *context, int worker, int t, const double *x, const double *u);
  // Its value, and its expansion is made ready, about (x, u); steps run in parallel.
  double (*expand)(void *context, int worker, int t, const double *x, const double *u);
  // Adds that expansion to the cost's.
  void (*add)(void *context, int t, const tnd_cost_expansion *l);
} tnd_ilqg_term;

// Copied; NULL: none. To be called again whenever the function has become another one.
void tnd_ilqg_set_term(tendril_ilqg *ilqg, const tnd_ilqg_term *term);
// Derivatives, the cost's expansion and the term's about the trajectory as it is now, unless they
// are there; and step(context, t) for t = T .. 0, on the caller's thread, as soon as those of t are
// there, until it returns false (NULL: nothing). E_PHYSICS, naming the step, if there are none.
TENDRIL_MUST_CHECK tendril_status tnd_ilqg_expand(tendril_ilqg *ilqg,
                                                  bool (*step)(void *context, int t), void *context,
                                                  tendril_error *err);
// Derivatives of step t about the trajectory that they were last taken of, [n][n + nu].
const double *tnd_ilqg_derivatives(const tendril_ilqg *ilqg, int t);
// The cost's expansion there, t = 0 .. T, with the proximal term and without the caller's.
tnd_cost_expansion tnd_ilqg_cost(const tendril_ilqg *ilqg, int t);
// Pushes in the steps to come of the simulation, their time that of the window; NULL: none. Kept.
void tnd_ilqg_set_pushes(tendril_ilqg *ilqg, const struct tnd_pushes *pushes);
// [T][nu][n] the trajectory's feedback, to be changed.
double *tnd_ilqg_feedback(tendril_ilqg *ilqg);

#endif

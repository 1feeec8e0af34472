// iLQG's inner face: windows of an episode that moves on, for MPC.
#ifndef TND_ILQG_H
#define TND_ILQG_H

#include "base/options.h"
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
// Derivatives of step t about the trajectory that they were last taken of, [n][n + nu].
const double *tnd_ilqg_derivatives(const tendril_ilqg *ilqg, int t);

#endif

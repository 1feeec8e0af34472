// MPC's inner face: its options as data, and its plan as numbers.
#ifndef TND_MPC_H
#define TND_MPC_H

#include "base/options.h"
#include "trajopt/ilqg.h"

#include <tendril/trajopt.h>

extern const tnd_option_table tnd_mpc_options;

// Whether there is a plan for step t to go on with.
bool tnd_mpc_goes_on(const tendril_mpc *mpc, int t);
// The plan, to go on from in another object of the same model and options.
int tnd_mpc_size(const tendril_mpc *mpc);
void tnd_mpc_save(const tendril_mpc *mpc, double *memory);
void tnd_mpc_restore(tendril_mpc *mpc, const double *memory);
// As tnd_ilqg_set_term(); steps count from the one that is planned for.
void tnd_mpc_set_term(tendril_mpc *mpc, const tnd_ilqg_term *term);

#endif

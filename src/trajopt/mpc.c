// Model-predictive control: iLQG over a window that moves on with the episode. A plan is followed
// by its own feedback from where the robot really is, which is most of what recovers from a push;
// the iterations then do the rest. Source: Tassa, Erez, Todorov 2012, sec. IV.
#include "trajopt/mpc.h"

#include "base/alloc.h"
#include "sim/sim.h"
#include "trajopt/ilqg.h"

#include <string.h>

#define X(...) TND_OPTION_ROW(tendril_mpc_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_MPC_OPTIONS(X)};
#undef X
const tnd_option_table tnd_mpc_options = TND_OPTION_TABLE(tendril_mpc_options, option_rows);

void tendril_mpc_defaults(tendril_mpc_options *options) {
  tnd_options_default(&tnd_mpc_options, options);
}

struct tendril_mpc {
  const tendril_model *model;
  tendril_mpc_options options;
  tendril_ilqg *ilqg;
  int next;    // the step that the plan begins with; -1: there is none
  bool begun;  // it begins where it was made, not a step before
  int ground;  // that it is for
};

tendril_status tendril_mpc_create(const tendril_model *model, const tendril_mpc_options *options,
                                  tendril_pool *pool, tendril_mpc **out, tendril_error *err) {
  tendril_mpc_options chosen;
  tendril_ilqg_options plan;
  tendril_mpc_defaults(&chosen);
  if (options) chosen = *options;
  TENDRIL_TRY(tnd_options_check(&tnd_mpc_options, &chosen, "mpc", err));
  tendril_ilqg_defaults(&plan);
  plan.hold_qpos = chosen.hold_qpos;
  plan.hold_qvel = chosen.hold_qvel;
  plan.damping = 0;  // controls are never far from the last plan's: it would only slow
  tendril_mpc *mpc = tnd_alloc(sizeof *mpc);
  if (!mpc) return tnd_fail_memory(err);
  mpc->model = model;
  mpc->options = chosen;
  mpc->next = -1;
  const tendril_status status =
      tendril_ilqg_create(model, (int)chosen.horizon, &plan, pool, &mpc->ilqg, err);
  if (status == TENDRIL_OK)
    *out = mpc;
  else
    tendril_mpc_destroy(mpc);
  return status;
}

void tendril_mpc_destroy(tendril_mpc *mpc) {
  if (!mpc) return;
  tendril_ilqg_destroy(mpc->ilqg);
  tnd_free(mpc);
}

tendril_status tendril_mpc_set_ground(tendril_mpc *mpc, int ground, tendril_error *err) {
  if (ground == mpc->ground) return TENDRIL_OK;
  TENDRIL_TRY(tendril_ilqg_set_ground(mpc->ilqg, ground, err));
  mpc->ground = ground;
  mpc->next = -1;
  return TENDRIL_OK;
}

int tnd_mpc_size(const tendril_mpc *mpc) {
  return 3 + tnd_ilqg_size(mpc->ilqg);
}

void tnd_mpc_save(const tendril_mpc *mpc, double *memory) {
  memory[0] = mpc->next;
  memory[1] = mpc->ground;
  memory[2] = mpc->begun;
  tnd_ilqg_save(mpc->ilqg, memory + 3);
}

void tnd_mpc_restore(tendril_mpc *mpc, const double *memory) {
  if (tendril_mpc_set_ground(mpc, (int)memory[1], NULL) != TENDRIL_OK) {
    tendril_mpc_reset(mpc);  // of another model: nothing to go on from
    return;
  }
  mpc->next = (int)memory[0];
  mpc->begun = memory[2] != 0;
  tnd_ilqg_restore(mpc->ilqg, memory + 3);
}

void tnd_mpc_set_term(tendril_mpc *mpc, const tnd_ilqg_term *term) {
  tnd_ilqg_set_term(mpc->ilqg, term);
}

void tendril_mpc_reset(tendril_mpc *mpc) {
  mpc->next = -1;
}

const tendril_trajectory *tendril_mpc_get(const tendril_mpc *mpc) {
  return tendril_ilqg_get(mpc->ilqg);
}

static tendril_status improve(tendril_mpc *mpc, int64_t iterations, tendril_error *err) {
  tendril_ilqg_stats stats = {0};
  for (int64_t i = 0; i < iterations && !stats.converged; i++)
    TENDRIL_TRY(tendril_ilqg_iterate(mpc->ilqg, &stats, err));
  return TENDRIL_OK;
}

tendril_status tendril_mpc_begin(tendril_mpc *mpc, int t, const double *x, const double *u,
                                 tendril_error *err) {
  mpc->next = -1;  // unless all goes well
  tnd_ilqg_set_window(mpc->ilqg, t, mpc->model->max_steps, mpc->options.end_weight);
  TENDRIL_TRY(tendril_ilqg_start(mpc->ilqg, x, u, err));
  TENDRIL_TRY(improve(mpc, mpc->options.warm_up, err));
  mpc->next = t;
  mpc->begun = true;
  return TENDRIL_OK;
}

bool tnd_mpc_goes_on(const tendril_mpc *mpc, int t) {
  return t == mpc->next;
}

// A plan from x for step t on; u [nu] its first control.
static tendril_status make_plan(tendril_mpc *mpc, int t, const double *x, double *u,
                                tendril_error *err) {
  const bool goes_on = t == mpc->next, begun = mpc->begun;
  mpc->next = -1;  // unless all goes well
  mpc->begun = false;
  tendril_status status = TENDRIL_OK;

  // 1. the old plan, one step on, from here; or the one that was begun
  if (goes_on && !begun) {
    tnd_ilqg_shift(mpc->ilqg);
    tnd_ilqg_set_window(mpc->ilqg, t, mpc->model->max_steps, mpc->options.end_weight);
    status = tnd_ilqg_restart(mpc->ilqg, x, err);
  }
  if (!goes_on || status == TENDRIL_E_PHYSICS) {
    TENDRIL_TRY(tendril_mpc_begin(mpc, t, x, NULL, err));
    mpc->next = -1;
    mpc->begun = false;
  }

  // 2. better
  TENDRIL_TRY(improve(mpc, mpc->options.iterations, err));
  memcpy(u, tendril_ilqg_get(mpc->ilqg)->u, sizeof *u * (size_t)mpc->model->mujoco->nu);
  mpc->next = t + 1;
  return TENDRIL_OK;
}

tendril_status tendril_mpc_act(tendril_mpc *mpc, int t, const double *x, double *u,
                               tendril_error *err) {
  const tendril_status status = make_plan(mpc, t, x, u, err);
  if (status != TENDRIL_OK) memset(u, 0, sizeof *u * (size_t)mpc->model->mujoco->nu);
  return status;
}

// The one place where MuJoCo 2.2.2 and 3.x differ: which numbers the next step depends on, how they
// are read and written, and which warnings void a step.
#ifndef TND_COMPAT_H
#define TND_COMPAT_H

#include <mujoco/mujoco.h>
#include <stdbool.h>

_Static_assert(sizeof(mjtNum) == sizeof(double), "MuJoCo built with single precision");

// All that mj_step() depends on: time, qpos, qvel, act, warm start, ctrl, applied forces, mocap
// poses, user data; from 3.x also which equalities are active and the plugins' state.
int tnd_physics_state_size(const mjModel *model);
// state [tnd_physics_state_size()] filled
void tnd_physics_state_get(const mjModel *model, const mjData *data, double *state);
// Copies only: derived quantities stay as they are until the next mj_forward() or mj_step().
void tnd_physics_state_set(const mjModel *model, mjData *data, const double *state);

// Adds a file to MuJoCo's virtual ones, under guard; what the file includes is still looked for
// where `path` is.
bool tnd_vfs_add(mjVFS *files, const char *path, const char *text);

// Bytes that MuJoCo holds for it.
size_t tnd_physics_data_size(const mjData *data);

// A warning after which the state is not to be used: MuJoCo has reset it silently (bad qpos, qvel,
// qacc), has gone on without all contacts or constraints, or has met a singular inertia.
static inline bool tnd_physics_warned(const mjData *data) {
  const mjWarningStat *w = data->warning;
  return (w[mjWARN_BADQPOS].number | w[mjWARN_BADQVEL].number | w[mjWARN_BADQACC].number |
          w[mjWARN_BADCTRL].number | w[mjWARN_CONTACTFULL].number | w[mjWARN_CNSTRFULL].number |
          w[mjWARN_INERTIA].number) != 0;
}

// Whether Euler's method takes joint damping implicitly where there is any.
static inline bool tnd_physics_damps_implicitly(const mjModel *model) {
#if mjVERSION_HEADER >= 231
  return !(model->opt.disableflags & mjDSBL_EULERDAMP);
#else
  (void)model;
  return true;
#endif
}

// What the first of those warnings says, for an error line; NULL if there is none.
const char *tnd_physics_warning(const mjData *data);

#endif

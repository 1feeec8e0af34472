// MuJoCo 2.2.2 has no mj_getState(): the fields of its integration state are copied one by one.
// From 2.3.6 on MuJoCo knows best what its next step depends on.
#include "sim/compat.h"

#include <string.h>
#include <tendril/sim.h>

#define HAS_GET_STATE (mjVERSION_HEADER >= 236)

const char *tendril_mujoco_version(void) {
  return mj_versionString();
}

const char *tnd_physics_warning(const mjData *data) {
  static const struct {
    int warning;
    const char *text;
  } texts[] = {
      {mjWARN_BADQPOS, "a position is not finite or huge"},
      {mjWARN_BADQVEL, "a velocity is not finite or huge"},
      {mjWARN_BADQACC, "an acceleration is not finite or huge"},
      {mjWARN_BADCTRL, "a control is not finite"},
      {mjWARN_CONTACTFULL, "too many contacts; raise nconmax in <size>"},
      {mjWARN_CNSTRFULL, "too many constraints; raise njmax in <size>"},
      {mjWARN_INERTIA, "the inertia matrix is singular"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (data->warning[texts[i].warning].number) return texts[i].text;
  }
  return NULL;
}

size_t tnd_physics_data_size(const mjData *data) {
#if mjVERSION_HEADER >= 300
  return (size_t)data->nbuffer + (size_t)data->narena;
#else
  return (size_t)data->nbuffer + (size_t)data->nstack * sizeof(mjtNum);
#endif
}

bool tnd_vfs_add(mjVFS *files, const char *path, const char *text) {
  const int n = (int)strlen(text);
#if mjVERSION_HEADER >= 310
  return mj_addBufferVFS(files, path, text, n) == 0;
#else
  if (mj_makeEmptyFileVFS(files, path, n) != 0) return false;
  memcpy(files->filedata[mj_findFileVFS(files, path)], text, (size_t)n);
  return true;
#endif
}

#if HAS_GET_STATE

int tnd_physics_state_size(const mjModel *model) {
  return (int)mj_stateSize(model, mjSTATE_INTEGRATION);
}

void tnd_physics_state_get(const mjModel *model, const mjData *data, double *state) {
  mj_getState(model, data, state, mjSTATE_INTEGRATION);
}

void tnd_physics_state_set(const mjModel *model, mjData *data, const double *state) {
  mj_setState(model, data, state, mjSTATE_INTEGRATION);
}

#else

// clang-format off
// field of mjData, rows, columns
#define STATE_FIELDS(X)                                                                            \
  X(qpos,           nq,        1)                                                                  \
  X(qvel,           nv,        1)                                                                  \
  X(act,            na,        1)                                                                  \
  X(qacc_warmstart, nv,        1)                                                                  \
  X(ctrl,           nu,        1)                                                                  \
  X(qfrc_applied,   nv,        1)                                                                  \
  X(xfrc_applied,   nbody,     6)                                                                  \
  X(mocap_pos,      nmocap,    3)                                                                  \
  X(mocap_quat,     nmocap,    4)                                                                  \
  X(userdata,       nuserdata, 1)
// clang-format on

int tnd_physics_state_size(const mjModel *model) {
  int size = 1;  // time
#define X(field, rows, columns) size += model->rows * (columns);
  STATE_FIELDS(X)
#undef X
  return size;
}

void tnd_physics_state_get(const mjModel *model, const mjData *data, double *state) {
  *state++ = data->time;
#define X(field, rows, columns)                                                                    \
  memcpy(state, data->field, (size_t)(model->rows * (columns)) * sizeof(double));                  \
  state += model->rows * (columns);
  STATE_FIELDS(X)
#undef X
}

void tnd_physics_state_set(const mjModel *model, mjData *data, const double *state) {
  data->time = *state++;
#define X(field, rows, columns)                                                                    \
  memcpy(data->field, state, (size_t)(model->rows * (columns)) * sizeof(double));                  \
  state += model->rows * (columns);
  STATE_FIELDS(X)
#undef X
}

#endif

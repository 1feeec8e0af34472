// States for drawing. See pose.h.
#include "view/pose.h"

#include "sim/physics.h"
#include "sim/sim.h"

struct tnd_pose {
  const tendril_model *model;
  tendril_env *env;
};

tendril_status tnd_pose_create(const tendril_model *model, tnd_pose **out, tendril_error *err) {
  tnd_pose *pose = tnd_alloc(sizeof *pose);
  if (!pose) return tnd_fail_memory(err);
  pose->model = model;
  const tendril_status status = tendril_env_create(model, &pose->env, err);
  if (status == TENDRIL_OK)
    *out = pose;
  else
    tnd_pose_destroy(pose);
  return status;
}

void tnd_pose_destroy(tnd_pose *pose) {
  if (!pose) return;
  tendril_env_destroy(pose->env);
  tnd_free(pose);
}

static void forward(void *context) {
  const tnd_pose *pose = context;
  mj_forward(pose->env->mujoco, pose->env->data);
}

tendril_status tnd_pose_set(tnd_pose *pose, const double *snapshot, tendril_error *err) {
  tendril_env_restore(pose->env, snapshot, NULL);
  const tendril_status status = tnd_physics_run(forward, pose, err);
  if (status != TENDRIL_OK) pose->env->wrecked = true;
  return status;
}

const mjModel *tnd_pose_mujoco(const tnd_pose *pose) {
  return pose->env->mujoco;
}

mjData *tnd_pose_data(tnd_pose *pose) {
  return pose->env->data;
}

int tnd_pose_pushes(const tnd_pose *pose, tendril_force forces[TENDRIL_MAX_FORCES]) {
  return tendril_env_get_pushes(pose->env, forces);
}

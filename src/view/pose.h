// A remembered state brought up to date for drawing, in an environment of its own: mj_forward()
// there changes nothing about the episode.
#ifndef TND_POSE_H
#define TND_POSE_H

#include <tendril/sim.h>

typedef struct tnd_pose tnd_pose;

// model: borrowed
TENDRIL_MUST_CHECK tendril_status tnd_pose_create(const tendril_model *model, tnd_pose **out,
                                                  tendril_error *err);
void tnd_pose_destroy(tnd_pose *pose);

// snapshot [tendril_snapshot_size()] borrowed. E_PHYSICS if MuJoCo can't go on with it.
TENDRIL_MUST_CHECK tendril_status tnd_pose_set(tnd_pose *pose, const double *snapshot,
                                               tendril_error *err);
// The model as the pose's episode has it: with its ground.
const mjModel *tnd_pose_mujoco(const tnd_pose *pose);
// All that MuJoCo derives from the state; borrowed until the next tnd_pose_set().
mjData *tnd_pose_data(tnd_pose *pose);
// The forces of the pushes that act; returns how many.
int tnd_pose_pushes(const tnd_pose *pose, tendril_force forces[TENDRIL_MAX_FORCES]);

#endif

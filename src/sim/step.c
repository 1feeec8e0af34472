// The one MuJoCo step that environments and trajectory optimisation share: what the motors do in it
// is the task's to say, so that a plan and the episode that follows it move alike to the bit.
#include "sim/sim.h"

#include <string.h>

void tnd_model_step(const tendril_model *model, const mjModel *mujoco, const tnd_pushes *pushes,
                    int64_t i, const double *action, mjData *data) {
  const tendril_task *task = model->task;
  if (task->actuate) {
    // the step before may have left something else in it
    memcpy(data->ctrl, action, sizeof *action * (size_t)mujoco->nu);
    task->actuate(mujoco, data, data->ctrl);
  }
  tnd_pushes_step(pushes, i, mujoco, data);
}

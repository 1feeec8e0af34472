// Where a robot's first body is. See body.h.
#include "eval/body.h"

#include <tendril/terrain.h>

tnd_body tnd_body_see(tendril_env *env) {
  const mjModel *m = tendril_env_mujoco(env);
  mjData *d = tendril_env_data(env);
  mj_kinematics(m, d);
  const double *pos = d->xpos + 3, *mat = d->xmat + 9;
  return (tnd_body){.at = {pos[0], pos[1]},
                    .height = pos[2] - tendril_ground_height(m, pos[0], NULL),
                    .axis = {mat[2], mat[5], mat[8]}};
}

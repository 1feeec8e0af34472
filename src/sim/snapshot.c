// Snapshots: a header of small integers (each exact in a double), the pushes, MuJoCo's state, the
// task's state and, of a model that makes pushes by itself, how far the episode is in them.
//
//   [0] control steps so far              [2..3] random: seed, low and high half
//   [1] 1 if the episode is over, + 2 x   [4..7] random: purpose, a, b, draw
//       the number of its ground
//
// With the warm start in it a branch continues bit for bit; no mj_forward() is needed, since
// mj_step() computes all it uses from these numbers.
#include "sim/compat.h"
#include "sim/sim.h"

#include <string.h>

enum { COUNTERS = 8, HEADER = COUNTERS + TND_PUSHES_SIZE };

// Where the last part begins.
static int own_at(const tendril_model *model) {
  return HEADER + model->nphysics + model->task->nstate;
}

int tendril_snapshot_size(const tendril_model *model) {
  return own_at(model) + (tnd_disturbance_acts(&model->disturbance) ? TND_DISTURBANCE_SIZE : 0);
}

void tendril_env_save(const tendril_env *env, double *snapshot) {
  const tendril_model *model = env->model;
  const tendril_random *r = &env->random;
  snapshot[0] = env->time;
  snapshot[1] = env->over + 2 * env->ground;
  snapshot[2] = (double)(uint32_t)r->seed;
  snapshot[3] = (double)(uint32_t)(r->seed >> 32);
  snapshot[4] = r->purpose;
  snapshot[5] = r->a;
  snapshot[6] = r->b;
  snapshot[7] = r->draw;
  tnd_pushes_save(&env->pushes, snapshot + COUNTERS);
  tnd_physics_state_get(model->mujoco, env->data, snapshot + HEADER);
  memcpy(snapshot + HEADER + model->nphysics, env->state,
         (size_t)model->task->nstate * sizeof(double));
  if (tnd_disturbance_acts(&model->disturbance))
    tnd_disturbance_save(&env->disturbance, &env->pushes, snapshot + own_at(model));
}

const double *tnd_snapshot_qpos(const double *snapshot) {
  return snapshot + HEADER + 1;  // behind the time, whoever wrote the state (compat.c)
}

bool tnd_snapshot_is_good(const tendril_model *model, const double *snapshot) {
  const double marks = 2 * tendril_model_grounds(model) - 1;
  for (int i = 0; i < COUNTERS; i++) {
    const double most = i == 0 ? (double)INT32_MAX : i == 1 ? marks : (double)UINT32_MAX;
    if (!(snapshot[i] >= 0 && snapshot[i] <= most)) return false;
  }
  const int nbody = (int)model->mujoco->nbody;
  return tnd_pushes_are_good(snapshot + COUNTERS, nbody) &&
         (!tnd_disturbance_acts(&model->disturbance) ||
          tnd_disturbance_is_good(snapshot + own_at(model), nbody));
}

void tendril_env_restore(tendril_env *env, const double *snapshot, double *obs) {
  const tendril_model *model = env->model;
  const tendril_task *task = model->task;
  tnd_env_recover(env);
  env->time = (int)snapshot[0];
  const int ground = (int)snapshot[1] / 2;
  env->over = (int)snapshot[1] % 2 != 0;
  if (ground != env->ground) tnd_env_enter_ground(env, ground);
  env->random = (tendril_random){
      .seed = (uint64_t)snapshot[3] << 32 | (uint64_t)snapshot[2],
      .purpose = (uint32_t)snapshot[4],
      .a = (uint32_t)snapshot[5],
      .b = (uint32_t)snapshot[6],
      .draw = (uint32_t)snapshot[7],
  };
  tnd_pushes_restore(&env->pushes, snapshot + COUNTERS);
  tnd_physics_state_set(model->mujoco, env->data, snapshot + HEADER);
  memcpy(env->state, snapshot + HEADER + model->nphysics, (size_t)task->nstate * sizeof(double));
  if (tnd_disturbance_acts(&model->disturbance))
    tnd_disturbance_restore(&env->disturbance, &env->pushes, snapshot + own_at(model));

  task->observe(env->mujoco, env->data, env->state, env->obs);
  if (obs) memcpy(obs, env->obs, (size_t)task->nobs * sizeof(double));
}

// An environment: one mjData stepped under guard. A reset gives what mj_resetData(), the task's
// start state and mj_forward() give, but copies MuJoCo's state instead of clearing its whole arena,
// which costs more than a step. After every mj_step() the warning counters are read, for MuJoCo
// silently puts a state that it finds bad back to the start.
#include "base/clock.h"
#include "sim/compat.h"
#include "sim/cost.h"
#include "sim/physics.h"
#include "sim/sim.h"

#include <assert.h>
#include <math.h>
#include <string.h>

// ------------------------------------------------------------------------------------ helpers

// Finite and at most `bound`; a NaN fails the comparison.
static bool all_within(const double *x, int n, double bound) {
  for (int i = 0; i < n; i++) {
    if (!(fabs(x[i]) <= bound)) return false;
  }
  return true;
}

static bool all_finite(const double *x, int n) {
  return all_within(x, n, 1.7976931348623157e308);
}

bool tnd_env_state_is_good(const tendril_env *env) {
  const mjModel *m = env->mujoco;
  const mjData *d = env->data;
  return all_within(d->qpos, (int)m->nq, mjMAXVAL) && all_within(d->qvel, (int)m->nv, mjMAXVAL) &&
         all_within(d->act, (int)m->na, mjMAXVAL);
}

// ------------------------------------------------------------------------------------ guarded
// calls

static void make_data(void *context) {
  tendril_env *env = context;
  env->data = mj_makeData(env->mujoco);
}

static void delete_data(void *context) {
  mj_deleteData(context);
}

static void reset_data(void *context) {
  tendril_env *env = context;
  mj_resetData(env->mujoco, env->data);
}

static void forward(void *context) {
  tendril_env *env = context;
  mj_forward(env->mujoco, env->data);
}

// The physics of one control step; stops at the first warning.
static void step_physics(void *context) {
  tendril_env *env = context;
  const tendril_task *task = env->model->task;
  const mjModel *m = env->mujoco;
  const tnd_disturbance_plan *plan = &env->model->disturbance;
  const int n = env->model->physics_steps;
  for (int i = 0; i < n; i++) {
    const int64_t k = (int64_t)env->time * n + i;
    tnd_model_step(env->model, m, &env->pushes, k, env->action, env->data);
    if (tnd_physics_warned(env->data)) return;
    if (task->during) task->during(m, env->data, env->state);
    if (tnd_disturbance_acts(plan))
      tnd_disturbance_see(plan, &env->random, k, m, env->data, &env->disturbance, &env->pushes);
  }
}

void tnd_env_recover(tendril_env *env) {
  memset(env->data->warning, 0, sizeof env->data->warning);
  if (!env->wrecked) return;
  env->wrecked = tnd_physics_run(reset_data, env, NULL) != TENDRIL_OK;
  assert(!env->wrecked);
}

// ------------------------------------------------------------------------------------ life

static void layout(tendril_env *env, tnd_arena *arena) {
  const tendril_model *model = env->model;
  env->start = tnd_arena_doubles(arena, (size_t)model->nphysics);      // [nphysics]
  env->state = tnd_arena_doubles(arena, (size_t)model->task->nstate);  // [nstate]
  env->action = tnd_arena_doubles(arena, (size_t)model->mujoco->nu);   // [nu]
  env->obs = tnd_arena_doubles(arena, (size_t)model->task->nobs);      // [nobs]
  env->change = tnd_arena_doubles(arena, (size_t)model->mujoco->nv);   // [nv]
}

static tendril_status build(tendril_env *env, tendril_error *err) {
  layout(env, &env->arena);
  TENDRIL_TRY(tnd_arena_alloc(&env->arena, err));
  layout(env, &env->arena);

  TENDRIL_TRY(tnd_physics_run(make_data, env, err));
  if (!env->data || !tnd_memory_take(tnd_physics_data_size(env->data))) return tnd_fail_memory(err);
  tnd_physics_state_get(env->mujoco, env->data, env->start);
  return TENDRIL_OK;
}

tendril_status tendril_env_create(const tendril_model *model, tendril_env **out,
                                  tendril_error *err) {
  tendril_env *env = tnd_alloc(sizeof *env);
  if (!env) return tnd_fail_memory(err);
  env->model = model;
  env->mujoco = tnd_model_ground(model, 0);
  env->next_ground = -1;
  env->over = true;  // until the first reset
  tendril_status status = build(env, err);
  if (status == TENDRIL_OK) {
    *out = env;
    env = NULL;  // the caller's from here on
  }
  tendril_env_destroy(env);
  return status;
}

void tendril_env_destroy(tendril_env *env) {
  if (!env) return;
  if (env->data && tnd_physics_run(delete_data, env->data, NULL) != TENDRIL_OK) {
    // nothing can be done about it; the rest is still released
  }
  tnd_arena_free(&env->arena);
  tnd_free(env);
}

// ------------------------------------------------------------------------------------ ground

void tnd_env_enter_ground(tendril_env *env, int ground) {
  env->ground = ground;
  env->mujoco = tnd_model_ground(env->model, ground);
}

// Which of the grounds an episode is on that nobody chose one for: by a stream of its own, so that
// the start state is the same on one ground and on many.
static int draw_ground(const tendril_model *model, const tendril_random *random) {
  if (model->nground < 2) return 0;
  tendril_random r =
      tendril_random_stream(random->seed, TENDRIL_PURPOSE_TERRAIN, random->a, random->b);
  return (int)tendril_random_below(&r, (uint32_t)model->nground);
}

tendril_status tendril_env_set_ground(tendril_env *env, int ground, tendril_error *err) {
  if (ground != -1) TENDRIL_TRY(tnd_model_check_ground(env->model, ground, err));
  env->next_ground = ground;
  return TENDRIL_OK;
}

int tendril_env_ground(const tendril_env *env) {
  return env->ground;
}

const mjModel *tendril_env_mujoco(const tendril_env *env) {
  return env->mujoco;
}

// ------------------------------------------------------------------------------------ reset and
// step

static tendril_status fail_start(const tendril_env *env, const char *why, tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_PHYSICS, "%s: the start state is unstable: %s",
                  env->model->task->name, why);
}

// One of the model's start states in the place of the task's, if it has some.
static void choose_start(tendril_env *env) {
  const mjModel *m = env->mujoco;
  const double *x = tnd_model_draw_start(env->model, env->ground, &env->random);
  if (!x) return;
  memcpy(env->data->qpos, x, sizeof *x * (size_t)m->nq);
  memcpy(env->data->qvel, x + m->nq, sizeof *x * (size_t)m->nv);
}

// Normal noise on qpos, in its tangent space, and on qvel.
static void add_noise(tendril_env *env) {
  const tendril_model *model = env->model;
  const int nv = (int)model->mujoco->nv;
  if (!(model->start_qpos > 0 || model->start_qvel > 0)) return;
  for (int i = 0; i < nv; i++) {
    double noise[2], *change = env->change;
    tendril_random_normals(&env->random, 2, noise);
    change[i] = model->start_qpos * noise[0];
    mj_integratePos(model->mujoco, env->data->qpos, change, 1);
    change[i] = 0;
    env->data->qvel[i] += model->start_qvel * noise[1];
  }
}

// The state that was set is the start: its first accelerations are the first warm start.
static tendril_status settle(tendril_env *env, double *obs, tendril_error *err) {
  const mjModel *m = env->mujoco;
  mjData *d = env->data;
  const tendril_task *task = env->model->task;
  if (!tnd_env_state_is_good(env)) return fail_start(env, "a number is not finite or huge", err);
  tendril_status status = tnd_physics_run(forward, env, err);
  if (status != TENDRIL_OK) {
    env->wrecked = true;
    return status;
  }
  if (tnd_physics_warned(d)) return fail_start(env, tnd_physics_warning(d), err);
  if (!all_within(d->qacc, (int)m->nv, mjMAXVAL))
    return fail_start(env, "an acceleration is not finite or huge", err);

  task->observe(m, d, env->state, env->obs);
  if (!all_finite(env->obs, task->nobs))
    return fail_start(env, "an observation is not finite", err);
  memcpy(obs, env->obs, (size_t)task->nobs * sizeof(double));
  env->over = false;
  return TENDRIL_OK;
}

tendril_status tnd_env_place(tendril_env *env, const double *qpos, const double *qvel, double *obs,
                             tendril_error *err) {
  env->over = true;  // until all went well
  memcpy(env->data->qpos, qpos, sizeof *qpos * (size_t)env->mujoco->nq);
  memcpy(env->data->qvel, qvel, sizeof *qvel * (size_t)env->mujoco->nv);
  return settle(env, obs, err);
}

tendril_status tendril_env_reset(tendril_env *env, const tendril_random *random, double *obs,
                                 tendril_error *err) {
  const tendril_task *task = env->model->task;
  mjData *d = env->data;
  env->over = true;  // until all went well

  // qpos0, zero velocities, nothing left of the episode before
  tnd_env_recover(env);
  tnd_env_enter_ground(env,
                       env->next_ground >= 0 ? env->next_ground : draw_ground(env->model, random));
  const mjModel *m = env->mujoco;
  tnd_physics_state_set(m, d, env->start);
  memset(env->state, 0, (size_t)task->nstate * sizeof(double));
  env->pushes = (tnd_pushes){0};
  tnd_disturbance_begin(&env->model->disturbance, random, &env->disturbance, &env->pushes);
  env->random = *random;
  env->time = 0;

  // the task's start state; the model's are drawn after it, so that its numbers stay what they are
  task->reset(m, d, env->state, &env->random);
  choose_start(env);
  add_noise(env);
  return settle(env, obs, err);
}

// The reward of a task without `evaluate`. The squares of where the step began are there; those of
// where it ended count at the end of the episode only.
static double pay_cost(tendril_env *env, double *terms) {
  const tendril_model *model = env->model;
  if (env->time + 1 >= model->max_steps)
    tnd_cost_squares(model, env->ground, env->data->qpos, env->data->qvel, NULL, env->squares.next);
  return tnd_reward_of_squares(model, env->time, &env->squares, terms);
}

// Reads the step's observation and reward; false if a number in them is not finite.
static bool evaluate(tendril_env *env, double *obs, tendril_step *out) {
  const tendril_task *task = env->model->task;
  const mjModel *m = env->mujoco;
  if (task->evaluate) {
    out->terminated =
        task->evaluate(m, env->data, env->state, env->action, env->model->seconds, out->terms);
    for (int i = 0; i < task->nterm; i++)
      out->reward += out->terms[i];
  } else {
    out->reward = pay_cost(env, out->terms);
  }
  task->observe(m, env->data, env->state, obs);
  return isfinite(out->reward) && all_finite(obs, task->nobs);
}

tendril_status tendril_env_step(tendril_env *env, const double *action, double *obs,
                                tendril_step *out, tendril_error *err) {
  const tendril_model *model = env->model;
  const tendril_task *task = model->task;
  const mjModel *m = env->mujoco;
  mjData *d = env->data;
  int nu = (int)m->nu;
  size_t nobs_bytes = (size_t)task->nobs * sizeof(double);
  if (env->over)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: the episode is over; reset first", task->name);

  // 1. the action as applied
  for (int i = 0; i < nu; i++) {
    if (!isfinite(action[i]))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: action %d is not finite", task->name, i);
  }
  tnd_model_clip(model, action, env->action);
  memcpy(d->ctrl, env->action, sizeof *action * (size_t)nu);
  *out = (tendril_step){0};

  if (!task->evaluate)
    tnd_cost_squares(model, env->ground, d->qpos, d->qvel, env->action, env->squares.here);

  // 2. the physics
  if (task->before) task->before(m, d, env->state);
  double start = tnd_clock_wall();
  tendril_status status = tnd_physics_run(step_physics, env, err);
  env->stats.physics_seconds += tnd_clock_wall() - start;
  if (status != TENDRIL_OK) {
    env->over = env->wrecked = true;
    memcpy(obs, env->obs, nobs_bytes);
    return status;
  }

  // 3. what came of it; a step that went wrong counts for nothing
  bool good = !tnd_physics_warned(d) && tnd_env_state_is_good(env) && evaluate(env, obs, out);
  if (!good) {
    *out = (tendril_step){.diverged = true};
    memcpy(obs, env->obs, nobs_bytes);
    env->stats.diverged++;
    env->over = true;
    return TENDRIL_OK;
  }
  memcpy(env->obs, obs, nobs_bytes);
  env->time++;
  env->stats.steps++;
  out->truncated = env->time >= model->max_steps;
  env->over = out->terminated || out->truncated;
  return TENDRIL_OK;
}

int tendril_env_time(const tendril_env *env) {
  return env->time;
}

mjData *tendril_env_data(tendril_env *env) {
  return env->data;
}

const tendril_env_stats *tendril_env_get_stats(const tendril_env *env) {
  return &env->stats;
}

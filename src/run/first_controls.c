#include "run/first_controls.h"

#include "base/alloc.h"
#include "sim/sim.h"

#include <string.h>

typedef struct episode {
  const tnd_first_episode *first;
  tendril_model *model;  // with time enough
  tendril_env *env;
  tendril_controller *controller;
  double *obs, *action;
  bool over;
} episode;

static void get_state(const episode *e, double *x) {
  const mjModel *m = e->model->mujoco;
  memcpy(x, e->env->data->qpos, sizeof *x * (size_t)m->nq);
  memcpy(x + m->nq, e->env->data->qvel, sizeof *x * (size_t)m->nv);
}

// One step; after an early end, and where the simulation diverges, the action is nought.
static tendril_status step(episode *e, int t, double *action, tendril_error *err) {
  tendril_step taken = {0};
  if (!e->over) {
    TENDRIL_TRY(tendril_controller_act(e->controller, e->env, t, e->obs, action, err));
    const tendril_status status = tendril_env_step(e->env, action, e->obs, &taken, err);
    if (status != TENDRIL_OK && status != TENDRIL_E_PHYSICS) return status;
    e->over = status != TENDRIL_OK || taken.diverged;
  }
  if (e->over) memset(action, 0, sizeof *action * (size_t)e->model->mujoco->nu);
  e->over |= taken.terminated;
  return TENDRIL_OK;
}

static tendril_status play(episode *e, const char *option, double *reset, double *x0, double *u,
                           tendril_error *err) {
  const tnd_first_episode *first = e->first;
  const int nu = (int)e->model->mujoco->nu;
  TENDRIL_TRY(tendril_env_set_ground(e->env, first->ground, err));
  TENDRIL_TRY(
      tendril_controller_reset(e->controller, first->seed, 0, first->episode, e->env, e->obs, err));
  if (reset) get_state(e, reset);
  for (int t = 0; t < first->lead; t++)
    TENDRIL_TRY(step(e, t, e->action, err));
  if (first->lead && e->over)
    return tnd_fail(err, TENDRIL_E_PHYSICS,
                    "%s: the episode ends within the %d steps that lead to the start; use a "
                    "smaller %s",
                    first->task, first->lead, option);
  get_state(e, x0);
  for (int t = 0; t < first->T; t++)
    TENDRIL_TRY(step(e, first->lead + t, u + t * nu, err));
  return TENDRIL_OK;
}

tendril_status tnd_first_controls(const tendril_tasks *tasks, const tnd_first_episode *first,
                                  const char *option, double *reset, double *x0, double *u,
                                  tendril_error *err) {
  tendril_sim_options sim = *first->sim;
  sim.max_steps = first->lead + first->T;
  episode e = {.first = first};
  tendril_status status = tendril_tasks_model(tasks, first->task, &sim, &e.model, err);
  if (status == TENDRIL_OK) {
    const size_t nu = (size_t)e.model->mujoco->nu, nobs = (size_t)tendril_model_nobs(e.model);
    e.action = tnd_alloc(sizeof *e.action * (nu + nobs));
    status = e.action ? TENDRIL_OK : tnd_fail_memory(err);
    if (e.action) e.obs = e.action + nu;
  }
  if (status == TENDRIL_OK) status = tendril_env_create(e.model, &e.env, err);
  if (status == TENDRIL_OK)
    status = tendril_controller_create(first->agent, e.model, &e.controller, err);
  if (status == TENDRIL_OK) status = play(&e, option, reset, x0, u, err);
  tendril_controller_destroy(e.controller);
  tendril_env_destroy(e.env);
  tendril_model_destroy(e.model);
  tnd_free(e.action);
  return status;
}

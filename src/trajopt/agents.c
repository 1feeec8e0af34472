// The agents of trajectory optimisation: one that plans on, one that follows what was planned.
#include "base/alloc.h"
#include "control/ops.h"
#include "sim/sim.h"
#include "trajopt/mpc.h"
#include "trajopt/transition.h"

#include <math.h>
#include <string.h>

// The state x = (qpos, qvel) of an environment, x [nq + nv].
static void get_state(const tendril_controller *c, const tendril_env *env, double *x) {
  const mjModel *m = c->model->mujoco;
  const mjData *d = env->data;
  memcpy(x, d->qpos, sizeof *x * (size_t)m->nq);
  memcpy(x + m->nq, d->qvel, sizeof *x * (size_t)m->nv);
}

static void destroy_agent(tendril_agent *agent) {
  tnd_free(agent);
}

// ------------------------------------------------------------------------------------------- MPC

typedef struct mpc_agent {
  tendril_agent base;
  tendril_mpc_options options;
  const tendril_agent *first;  // or NULL
  int threads;
} mpc_agent;

typedef struct planner {
  tendril_controller base;
  tendril_pool *pool;
  tendril_mpc *mpc;
  double *x;
  // for the first plan, all NULL without an agent for it
  tendril_controller *first;
  tendril_env *env;  // in which it acts
  double *snapshot;  // [tendril_snapshot_size()]
  double *obs, *u;   // [nobs], [horizon][nu]
  int horizon;
} planner;

static void destroy_planner(tendril_controller *c) {
  planner *p = (planner *)c;
  tendril_mpc_destroy(p->mpc);
  tendril_pool_destroy(p->pool);
  tendril_controller_destroy(p->first);
  tendril_env_destroy(p->env);
  tnd_free(p->snapshot);
  tnd_free(p->obs);
  tnd_free(p->u);
  tnd_free(p->x);
  tnd_free(p);
}

static tendril_status create_first(const mpc_agent *a, const tendril_model *model, planner *p,
                                   tendril_error *err) {
  if (!a->first) return TENDRIL_OK;
  p->horizon = (int)a->options.horizon;
  p->snapshot = tnd_alloc(sizeof *p->snapshot * (size_t)tendril_snapshot_size(model));
  p->obs = tnd_alloc(sizeof *p->obs * (size_t)tendril_model_nobs(model));
  p->u = tnd_alloc(sizeof *p->u * (size_t)p->horizon * (size_t)tendril_model_nact(model));
  if (!p->snapshot || !p->obs || !p->u) return tnd_fail_memory(err);
  TENDRIL_TRY(tendril_env_create(model, &p->env, err));
  return tendril_controller_create(a->first, model, &p->first, err);
}

static tendril_status create_planner(const tendril_agent *agent, const tendril_model *model,
                                     tendril_controller **out, tendril_error *err) {
  const mpc_agent *a = (const mpc_agent *)agent;
  planner *p = tnd_alloc(sizeof *p);
  if (!p) return tnd_fail_memory(err);
  p->x = tnd_alloc(sizeof *p->x * (size_t)(model->mujoco->nq + model->mujoco->nv));
  tendril_status status = p->x ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tendril_pool_create(a->threads, &p->pool, err);
  if (status == TENDRIL_OK) status = tendril_mpc_create(model, &a->options, p->pool, &p->mpc, err);
  if (status == TENDRIL_OK) status = create_first(a, model, p, err);
  if (status == TENDRIL_OK)
    *out = &p->base;
  else
    destroy_planner(&p->base);
  return status;
}

static tendril_status begin_plan(tendril_controller *c, const tendril_env *env, const double *obs,
                                 tendril_error *err) {
  (void)env, (void)obs, (void)err;
  tendril_mpc_reset(((planner *)c)->mpc);
  return TENDRIL_OK;
}

// A plan from what the first agent does from here, as if an episode began; zeros after its end.
static tendril_status plan_first(planner *p, const tendril_env *env, int t, tendril_error *err) {
  const int nu = tendril_model_nact(p->base.model);
  tendril_step step = {0};
  const tnd_agent_ops *ops = p->first->agent->ops;
  memset(p->u, 0, sizeof *p->u * (size_t)p->horizon * (size_t)nu);
  tendril_env_save(env, p->snapshot);
  tendril_env_restore(p->env, p->snapshot, p->obs);
  if (ops->begin) TENDRIL_TRY(ops->begin(p->first, p->env, p->obs, err));
  for (int i = 0; i < p->horizon && !step.terminated && !step.truncated && !step.diverged; i++) {
    double *u = p->u + i * nu;
    TENDRIL_TRY(tendril_controller_act(p->first, p->env, i, p->obs, u, err));
    const tendril_status status = tendril_env_step(p->env, u, p->obs, &step, err);
    if (status == TENDRIL_E_PHYSICS) break;
    TENDRIL_TRY(status);
  }
  const tendril_status status = tendril_mpc_begin(p->mpc, t, p->x, p->u, err);
  return status == TENDRIL_E_PHYSICS ? TENDRIL_OK : status;  // another one, from zeros, follows
}

static tendril_status act_on_plan(tendril_controller *c, const tendril_env *env, int t,
                                  const double *obs, double *action, tendril_error *err) {
  (void)obs;
  planner *p = (planner *)c;
  get_state(c, env, p->x);
  TENDRIL_TRY(tendril_mpc_set_ground(p->mpc, tendril_env_ground(env), err));
  if (p->first && !tnd_mpc_goes_on(p->mpc, t)) TENDRIL_TRY(plan_first(p, env, t, err));
  const tendril_status status = tendril_mpc_act(p->mpc, t, p->x, action, err);
  return status == TENDRIL_E_PHYSICS ? TENDRIL_OK : status;  // its controls are zeros then
}

static int plan_size(const tendril_controller *c) {
  return tnd_mpc_size(((const planner *)c)->mpc);
}

static void save_plan(const tendril_controller *c, double *memory) {
  tnd_mpc_save(((const planner *)c)->mpc, memory);
}

static void restore_plan(tendril_controller *c, const double *memory) {
  tnd_mpc_restore(((planner *)c)->mpc, memory);
}

static const tnd_agent_ops mpc_ops = {
    .name = "mpc",
    .sees_state = true,
    .destroy = destroy_agent,
    .create = create_planner,
    .destroy_controller = destroy_planner,
    .begin = begin_plan,
    .act = act_on_plan,
    .size = plan_size,
    .save = save_plan,
    .restore = restore_plan,
};

tendril_status tendril_agent_mpc_create(const tendril_mpc_options *options,
                                        const tendril_agent *first, int threads,
                                        tendril_agent **out, tendril_error *err) {
  mpc_agent *a = tnd_alloc(sizeof *a);
  if (!a) return tnd_fail_memory(err);
  a->base.ops = &mpc_ops;
  a->threads = threads;
  a->first = first;
  tendril_mpc_defaults(&a->options);
  if (options) a->options = *options;
  *out = &a->base;
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ trajectory

typedef struct trajectory_agent {
  tendril_agent base;
  const tendril_trajectory *trajectory;
} trajectory_agent;

typedef struct follower {
  tendril_controller base;
  const tendril_trajectory *trajectory;
  double *x, *dx;  // [nx], [n]
} follower;

static void destroy_follower(tendril_controller *c) {
  follower *f = (follower *)c;
  tnd_free(f->x);
  tnd_free(f->dx);
  tnd_free(f);
}

static tendril_status create_follower(const tendril_agent *agent, const tendril_model *model,
                                      tendril_controller **out, tendril_error *err) {
  (void)model;
  follower *f = tnd_alloc(sizeof *f);
  if (!f) return tnd_fail_memory(err);
  f->trajectory = ((const trajectory_agent *)agent)->trajectory;
  f->x = tnd_alloc(sizeof *f->x * (size_t)f->trajectory->nx);
  f->dx = tnd_alloc(sizeof *f->dx * (size_t)f->trajectory->n);
  *out = &f->base;
  if (f->x && f->dx) return TENDRIL_OK;
  destroy_follower(&f->base);
  return tnd_fail_memory(err);
}

static tendril_status check_trajectory(const tendril_agent *agent, const tendril_model *model,
                                       tendril_error *err) {
  const tendril_trajectory *t = ((const trajectory_agent *)agent)->trajectory;
  const mjModel *m = model->mujoco;
  if (t->nx == m->nq + m->nv && t->n == 2 * m->nv && t->nu == m->nu) return TENDRIL_OK;
  return tnd_fail(
      err, TENDRIL_E_ARGUMENT,
      "the trajectory is one of %d state numbers and %d controls, %s has %d and %d; was "
      "it made for another task?",
      t->nx, t->nu, model->task->name, (int)(m->nq + m->nv), (int)m->nu);
}

// x_0, moved by how this episode's reset differs from the one that led to it.
static tendril_status start_on(tendril_controller *c, tendril_env *env, double *obs,
                               tendril_error *err) {
  follower *f = (follower *)c;
  const tendril_trajectory *y = f->trajectory;
  const mjModel *m = c->model->mujoco;
  if (!y->reset) return TENDRIL_OK;
  get_state(c, env, f->x);
  tnd_state_difference(c->model, y->reset, f->x, f->dx);
  memcpy(f->x, y->x, sizeof *f->x * (size_t)y->nx);
  mj_integratePos(m, f->x, f->dx, 1);
  for (int i = 0; i < m->nv; i++)
    f->x[m->nq + i] += f->dx[m->nv + i];
  return tnd_env_place(env, f->x, f->x + m->nq, obs, err);
}

static tendril_status follow(tendril_controller *c, const tendril_env *env, int t,
                             const double *obs, double *action, tendril_error *err) {
  (void)obs, (void)err;
  follower *f = (follower *)c;
  const tendril_trajectory *y = f->trajectory;
  memset(action, 0, sizeof *action * (size_t)y->nu);
  if (t >= y->T) return TENDRIL_OK;
  get_state(c, env, f->x);
  tnd_state_difference(c->model, y->x + (ptrdiff_t)t * y->nx, f->x, f->dx);
  for (int i = 0; i < y->nu; i++) {
    const double *K = y->K + ((ptrdiff_t)t * y->nu + i) * y->n;
    action[i] = y->u[t * y->nu + i];
    for (int j = 0; j < y->n; j++)
      action[i] += K[j] * f->dx[j];
  }
  return TENDRIL_OK;
}

static tendril_status play_controls(tendril_controller *c, const tendril_env *env, int t,
                                    const double *obs, double *action, tendril_error *err) {
  (void)env, (void)obs, (void)err;
  const tendril_trajectory *y = ((follower *)c)->trajectory;
  for (int i = 0; i < y->nu; i++)
    action[i] = t < y->T ? y->u[t * y->nu + i] : 0;
  return TENDRIL_OK;
}

static const tnd_agent_ops feedback_ops = {
    .name = "feedback",
    .sees_state = true,
    .destroy = destroy_agent,
    .check = check_trajectory,
    .create = create_follower,
    .destroy_controller = destroy_follower,
    .place = start_on,
    .act = follow,
};
static const tnd_agent_ops open_loop_ops = {
    .name = "open-loop",
    .destroy = destroy_agent,
    .check = check_trajectory,
    .create = create_follower,
    .destroy_controller = destroy_follower,
    .place = start_on,
    .act = play_controls,
};

tendril_status tendril_agent_trajectory_create(const tendril_trajectory *trajectory, bool feedback,
                                               tendril_agent **out, tendril_error *err) {
  trajectory_agent *a = tnd_alloc(sizeof *a);
  if (!a) return tnd_fail_memory(err);
  a->base.ops = feedback ? &feedback_ops : &open_loop_ops;
  a->trajectory = trajectory;
  *out = &a->base;
  return TENDRIL_OK;
}

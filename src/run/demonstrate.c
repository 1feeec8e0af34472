// How demonstrations are made: the task's own gait, made better by iLQG; under a push, an MPC goes
// on from that, and what it did is made better.
#include "run/demonstration.h"

#include "run/first_controls.h"
#include "sim/sim.h"
#include "trajopt/ilqg.h"
#include "trajopt/mpc.h"

#include <string.h>
#include <tendril/gait.h>

typedef struct maker {
  const tendril_config *config;
  const tendril_tasks *tasks;
  const tendril_model *model;  // the training's
  tendril_sim_options quiet;   // its simulation without pushes and noise on the start
  tendril_ilqg *ilqg;
  tendril_agent *gait;  // NULL: nobody acts
  // for trajectories under a push
  bool pushed;
  tendril_mpc *mpc;
  tnd_transition *f;
} maker;

static tendril_status open_gait(maker *k, tendril_error *err) {
  const tendril_status status = tendril_agent_gait_own(k->config->task->name, &k->gait, err);
  return status == TENDRIL_E_UNKNOWN ? TENDRIL_OK : status;
}

static tendril_status open_maker(maker *k, int T, tendril_pool *pool, tendril_error *err) {
  k->quiet = k->config->sim;
  k->quiet.start_qpos = k->quiet.start_qvel = 0;
  k->quiet.push.newtons = 0;
  TENDRIL_TRY(open_gait(k, err));
  TENDRIL_TRY(tendril_ilqg_create(k->model, T, NULL, pool, &k->ilqg, err));
  k->pushed = tnd_disturbance_acts(&k->model->disturbance);
  if (!k->pushed) return TENDRIL_OK;
  tendril_mpc_options mpc;
  tendril_mpc_defaults(&mpc);
  if (mpc.horizon > T) mpc.horizon = T;
  TENDRIL_TRY(tendril_mpc_create(k->model, &mpc, pool, &k->mpc, err));
  return tnd_transition_create(k->model, &k->f, err);
}

static void close_maker(maker *k) {
  tnd_transition_destroy(k->f);
  tendril_mpc_destroy(k->mpc);
  tendril_ilqg_destroy(k->ilqg);
  tendril_agent_destroy(k->gait);
}

// Makes a trajectory better, from its start and controls.
static tendril_status optimize(const maker *k, const struct tnd_pushes *pushes,
                               tendril_trajectory *y, tendril_error *err) {
  tendril_ilqg_stats stats = {0};
  TENDRIL_TRY(tendril_ilqg_set_ground(k->ilqg, y->ground, err));
  tnd_ilqg_set_pushes(k->ilqg, pushes);
  TENDRIL_TRY(tendril_ilqg_start(k->ilqg, y->x, y->u, err));
  for (int64_t i = 0; i < k->config->demonstration.iterations && !stats.converged; i++)
    TENDRIL_TRY(tendril_ilqg_iterate(k->ilqg, &stats, err));
  TENDRIL_TRY(tendril_ilqg_close(k->ilqg, err));
  const tendril_trajectory *now = tendril_ilqg_get(k->ilqg);
  const size_t T = (size_t)y->T, nu = (size_t)y->nu;
  memcpy(y->x, now->x, sizeof *y->x * (T + 1) * (size_t)y->nx);
  memcpy(y->u, now->u, sizeof *y->u * T * nu);
  memcpy(y->K, now->K, sizeof *y->K * T * nu * (size_t)y->n);
  y->cost = now->cost;
  return TENDRIL_OK;
}

// Demonstration i without its push.
static tendril_status walk(const maker *k, int i, tendril_trajectory *y, tendril_error *err) {
  const tendril_demonstration_options *o = &k->config->demonstration;
  const tnd_first_episode first = {.task = k->config->task->name,
                                   .sim = &k->quiet,
                                   .agent = k->gait ? k->gait : tendril_agent_zero(),
                                   .seed = (uint64_t)o->seed,
                                   .episode = (uint32_t)i,
                                   .ground = y->ground,
                                   .lead = (int)o->lead,
                                   .T = y->T};
  TENDRIL_TRY(tnd_first_controls(k->tasks, &first, "demonstration.lead", NULL, y->x, y->u, err));
  return optimize(k, NULL, y, err);
}

// The same under its push: an MPC goes on from the controls that are there.
static tendril_status recover(const maker *k, int i, tendril_trajectory *y, tendril_error *err) {
  TENDRIL_TRY(tendril_mpc_set_ground(k->mpc, y->ground, err));
  tnd_transition_set_ground(k->f, y->ground);
  tnd_transition_set_pushes(k->f, y->pushes);
  TENDRIL_TRY(tendril_mpc_begin(k->mpc, 0, y->x, y->u, err));
  for (int t = 0; t < y->T; t++) {
    double *x = y->x + t * y->nx, *u = y->u + t * y->nu;
    TENDRIL_TRY(tendril_mpc_act(k->mpc, t, x, u, err));
    if (!tnd_transition_step(k->f, t, x, u, x + y->nx))
      return tnd_fail(err, TENDRIL_E_PHYSICS,
                      "%s: demonstration %d does not survive its step %d; use smaller "
                      "pushes or another demonstration.seed",
                      k->config->task->name, i, t);
  }
  return optimize(k, y->pushes, y, err);
}

static tendril_status check(const tendril_model *model, int count, tendril_error *err) {
  const tendril_disturbance_options *push = &model->disturbance.options;
  const int grounds = model->nground > 0 ? model->nground : 1;
  const bool pushed = tnd_disturbance_acts(&model->disturbance);
  if (pushed && (push->every > 0 || push->phase >= 0))
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "push.%s: a demonstration is under one push, whose time is known; leave it out",
                    push->every > 0 ? "every" : "phase");
  if (count > grounds && !pushed)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "demonstration.count: %d demonstrations on %d ground%s without pushes; each "
                    "needs one of its own (terrain.seeds)",
                    count, grounds, grounds == 1 ? "" : "s");
  return TENDRIL_OK;
}

tendril_status tnd_demonstrations_make(const tendril_config *config, const tendril_tasks *tasks,
                                       const tendril_model *model, tendril_pool *pool,
                                       tnd_demonstrations *out, tendril_error *err) {
  TENDRIL_TRY(tnd_demonstrations_create(config, model, out, err));
  if (out->n == 0) return TENDRIL_OK;
  maker k = {.config = config, .tasks = tasks, .model = model};
  tendril_status status = check(model, out->n, err);
  if (status == TENDRIL_OK) status = open_maker(&k, out->of[0].T, pool, err);
  for (int i = 0; i < out->n && status == TENDRIL_OK; i++) {
    status = walk(&k, i, &out->of[i], err);
    if (status == TENDRIL_OK && k.pushed) status = recover(&k, i, &out->of[i], err);
  }
  close_maker(&k);
  if (status != TENDRIL_OK) tnd_demonstrations_free(out);
  return status;
}

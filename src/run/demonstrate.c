// How demonstrations are made: the task's own gait, or what a file has, made better by iLQG; under
// a push, an MPC goes on from that and is drawn back to the walk.
#include "run/demonstration.h"

#include "control/ops.h"
#include "eval/body.h"
#include "run/demonstration_file.h"
#include "run/first_controls.h"
#include "sim/cost.h"
#include "sim/sim.h"
#include "trajopt/ilqg.h"
#include "trajopt/mpc.h"
#include "trajopt/tracking.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <tendril/gait.h>

// Fallen: the first body above the ground at less than this share of its start, as in evaluations.
static const double upright = 0.5;

typedef struct maker {
  const tendril_config *config;
  const tendril_tasks *tasks;
  const tendril_model *model;  // the training's
  tendril_sim_options quiet;   // its simulation without pushes and noise on the start
  tendril_ilqg *ilqg;
  tendril_agent *gait;       // NULL: nobody acts
  const char *const *files;  // [count] in its place; NULL: none
  tendril_env *env;          // to look at states in
  // for trajectories under a push
  bool pushed;
  tendril_mpc *mpc;
  tnd_transition *f;
  tendril_trajectory walk;  // the one without the push: x, u; controls end in `horizon` zeros
  tendril_trajectory best;  // x, u of the best recovery
  double *memory;           // that these two point into
  tnd_tracking tracking;
} maker;

static tendril_status open_gait(maker *k, tendril_error *err) {
  const tendril_status status = tendril_agent_gait_own(k->config->task->name, &k->gait, err);
  return status == TENDRIL_E_UNKNOWN ? TENDRIL_OK : status;
}

// A policy can't go on with what it has not seen the whole of.
static tendril_status check_cycle(const maker *k, int T, tendril_error *err) {
  const double cycle = k->gait ? tnd_agent_cycle(k->gait) : 0, seconds = k->model->seconds;
  // less what rounding may add to a whole number of steps
  const int needed = (int)ceil(cycle / seconds - 1e-9);
  if (T >= needed) return TENDRIL_OK;
  return tnd_fail(
      err, TENDRIL_E_CONFIG,
      "demonstration.steps: %d steps are %g s, and a cycle of the gait of %s takes %.2g "
      "s or more; use %d or more",
      T, T * seconds, k->config->task->name, cycle, needed);
}

static tendril_status open_maker(maker *k, int T, tendril_pool *pool, tendril_error *err) {
  k->quiet = k->config->sim;
  k->quiet.start_qpos = k->quiet.start_qvel = 0;
  k->quiet.push.newtons = 0;
  TENDRIL_TRY(open_gait(k, err));
  TENDRIL_TRY(check_cycle(k, T, err));
  TENDRIL_TRY(tendril_env_create(k->model, &k->env, err));
  TENDRIL_TRY(tendril_ilqg_create(k->model, T, NULL, pool, &k->ilqg, err));
  k->pushed = tnd_disturbance_acts(&k->model->disturbance);
  if (!k->pushed) return TENDRIL_OK;
  tendril_mpc_options mpc;
  tendril_mpc_defaults(&mpc);
  if (mpc.horizon > T) mpc.horizon = T;
  TENDRIL_TRY(tendril_mpc_create(k->model, &mpc, pool, &k->mpc, err));
  TENDRIL_TRY(tnd_transition_create(k->model, &k->f, err));
  const mjModel *m = k->model->mujoco;
  const size_t states = (size_t)(T + 1) * (size_t)(m->nq + m->nv);
  const size_t controls = (size_t)(T + mpc.horizon) * (size_t)m->nu;
  k->memory = tnd_alloc(sizeof *k->memory * 2 * (states + controls));
  if (!k->memory) return tnd_fail_memory(err);
  k->walk = (tendril_trajectory){.x = k->memory, .u = k->memory + 2 * states};
  k->best = (tendril_trajectory){.x = k->walk.x + states, .u = k->walk.u + controls};
  return tnd_tracking_create(k->model, T, k->walk.x, T, tendril_pool_threads(pool), &k->tracking,
                             err);
}

static void close_maker(maker *k) {
  tnd_tracking_free(&k->tracking);
  tnd_free(k->memory);
  tnd_transition_destroy(k->f);
  tendril_mpc_destroy(k->mpc);
  tendril_ilqg_destroy(k->ilqg);
  tendril_env_destroy(k->env);
  tendril_agent_destroy(k->gait);
}

// Makes a trajectory better, from its start and controls, and gives it its feedback.
static tendril_status optimize(const maker *k, const struct tnd_pushes *pushes, int64_t iterations,
                               tendril_trajectory *y, tendril_error *err) {
  tendril_ilqg_stats stats = {0};
  TENDRIL_TRY(tendril_ilqg_set_ground(k->ilqg, y->ground, err));
  tnd_ilqg_set_pushes(k->ilqg, pushes);
  TENDRIL_TRY(tendril_ilqg_start(k->ilqg, y->x, y->u, err));
  for (int64_t i = 0; i < iterations && !stats.converged; i++)
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

// Demonstration i of the gait without its push.
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
  return tnd_first_controls(k->tasks, &first, "demonstration.lead", NULL, y->x, y->u, err);
}

// The first control step that a push acts in.
static int first_pushed(const maker *k, const struct tnd_pushes *pushes) {
  const int64_t begin = pushes->at[TND_OWN_PUSH].begin / k->model->physics_steps;
  return begin < INT_MAX ? (int)begin : INT_MAX;
}

// What half a squared rad or m off the walk costs while it recovers, and half a squared rad/s or
// m/s.
static const double track_qpos = 30, track_qvel = 0.3;

// How much more or less that is in the attempts: 1, 3, 1/3, 9, 1/9, ..
static double times_of(int64_t attempt) {
  const int64_t power = (attempt + 1) / 2;
  return pow(3, (double)(attempt % 2 ? power : -power));
}

static void set_tracking(maker *k, double times) {
  k->tracking.qpos = times * track_qpos;
  k->tracking.qvel = times * track_qvel;
}

// One way from step `first` on, y its states and controls; *cost what it costs with what it is off
// the walk.
static tendril_status try_recovery(maker *k, int first, tendril_trajectory *y, double *cost,
                                   tendril_error *err) {
  const int nq = (int)k->model->mujoco->nq;
  const tnd_ilqg_term term = tnd_tracking_term(&k->tracking);
  for (int t = first; t < y->T; t++) {
    double *x = y->x + t * y->nx, *u = y->u + t * y->nu;
    k->tracking.from = t;
    tnd_mpc_set_term(k->mpc, &term);
    if (t == first) TENDRIL_TRY(tendril_mpc_begin(k->mpc, t, x, k->walk.u + t * y->nu, err));
    TENDRIL_TRY(tendril_mpc_act(k->mpc, t, x, u, err));
    if (!tnd_transition_step(k->f, t, x, u, x + y->nx))
      return tnd_fail(err, TENDRIL_E_PHYSICS, "the simulation does not survive step %d", t);
  }
  k->tracking.from = 0;
  set_tracking(k, 1);
  *cost = 0;
  for (int t = first; t < y->T; t++) {
    const double *x = y->x + t * y->nx, *u = y->u + t * y->nu;
    *cost += tnd_cost(k->model, y->ground, t, k->model->max_steps, x, x + nq, u, NULL) +
             term.value(&k->tracking, 0, t, x, u);
  }
  return TENDRIL_OK;
}

// The same under its push: from when it acts, an MPC that knows nothing of it goes on from the
// walk's controls, and is drawn back to the walk. Whether it falls is a matter of chance where the
// push is hard, so several are tried.
static tendril_status recover(maker *k, int i, tendril_trajectory *y, tendril_error *err) {
  const int first = first_pushed(k, y->pushes);
  const size_t states = sizeof *y->x * (size_t)(y->T + 1) * (size_t)y->nx;
  const size_t controls = sizeof *y->u * (size_t)y->T * (size_t)y->nu;
  if (first >= y->T)
    return tnd_fail(
        err, TENDRIL_E_CONFIG,
        "demonstration.steps: demonstration %d is pushed at its step %d and has %d; use "
        "more steps, or an earlier push (push.time, push.spread)",
        i, first, y->T);
  TENDRIL_TRY(tendril_mpc_set_ground(k->mpc, y->ground, err));
  tnd_transition_set_ground(k->f, y->ground);
  tnd_transition_set_pushes(k->f, y->pushes);
  memcpy(k->walk.x, y->x, states);
  memcpy(k->walk.u, y->u, controls);
  double least = HUGE_VAL;
  for (int64_t a = 0; a < k->config->demonstration.recoveries; a++) {
    double cost = HUGE_VAL;
    memcpy(y->x, k->walk.x, states);
    memcpy(y->u, k->walk.u, controls);
    set_tracking(k, times_of(a));
    const tendril_status status = try_recovery(k, first, y, &cost, err);
    if (status != TENDRIL_OK && status != TENDRIL_E_PHYSICS) return status;
    if (status != TENDRIL_OK || cost >= least) continue;
    least = cost;
    memcpy(k->best.x, y->x, states);
    memcpy(k->best.u, y->u, controls);
  }
  if (least == HUGE_VAL)
    return tnd_fail(err, TENDRIL_E_PHYSICS,
                    "%s: demonstration %d does not survive its push; use smaller pushes or another "
                    "demonstration.seed",
                    k->config->task->name, i);
  memcpy(y->x, k->best.x, states);
  memcpy(y->u, k->best.u, controls);
  return optimize(k, y->pushes, 0, y, err);
}

// A policy that is taught a fall learns it, and nothing later on would say so.
static tendril_status check_upright(const maker *k, int i, const tendril_trajectory *y,
                                    tendril_error *err) {
  const char *name = k->files ? k->files[i] : k->config->task->name;
  double start = 0;
  tnd_env_enter_ground(k->env, y->ground);
  for (int t = 0; t <= y->T; t++) {
    mjData *data = tendril_env_data(k->env);
    memcpy(data->qpos, y->x + (ptrdiff_t)t * y->nx, sizeof *y->x * (size_t)k->model->mujoco->nq);
    const double height = tnd_body_see(k->env).height;
    if (t == 0) start = height;
    if (height < tnd_body_share(upright, start))
      return tnd_fail(err, TENDRIL_E_PHYSICS,
                      "%.400s: demonstration %d falls at its step %d of %d, at less than half of "
                      "its first height; use %s, or more demonstration.iterations",
                      name, i, t, y->T,
                      k->files ? "another" : "another demonstration.lead or seed");
  }
  return TENDRIL_OK;
}

static tendril_status make(maker *k, int i, tendril_trajectory *y, tendril_error *err) {
  if (k->files)
    TENDRIL_TRY(tnd_demonstration_read(k->files[i], k->tasks, k->model, y, err));
  else
    TENDRIL_TRY(walk(k, i, y, err));
  TENDRIL_TRY(optimize(k, NULL, k->config->demonstration.iterations, y, err));
  if (k->pushed) TENDRIL_TRY(recover(k, i, y, err));
  return check_upright(k, i, y, err);
}

static tendril_status check(const tendril_model *model, int count, bool files, tendril_error *err) {
  const tendril_disturbance_options *push = &model->disturbance.options;
  const int grounds = model->nground > 0 ? model->nground : 1;
  const bool pushed = tnd_disturbance_acts(&model->disturbance);
  if (pushed && (push->every > 0 || push->phase >= 0))
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "push.%s: a demonstration is under one push, whose time is known; leave it out",
                    push->every > 0 ? "every" : "phase");
  // of files it may be starts that differ
  if (count > grounds && !pushed && !files)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "demonstration.count: %d demonstrations on %d ground%s without pushes; each "
                    "needs one of its own (terrain.seeds)",
                    count, grounds, grounds == 1 ? "" : "s");
  return TENDRIL_OK;
}

tendril_status tnd_demonstrations_make(const tendril_config *config, const tendril_tasks *tasks,
                                       const tendril_model *model, const char *const *files,
                                       tendril_pool *pool, tnd_demonstrations *out,
                                       tendril_error *err) {
  TENDRIL_TRY(tnd_demonstrations_create(config, model, out, err));
  if (out->n == 0) return TENDRIL_OK;
  maker k = {.config = config, .tasks = tasks, .model = model, .files = files};
  tendril_status status = check(model, out->n, files != NULL, err);
  if (status == TENDRIL_OK) status = open_maker(&k, out->of[0].T, pool, err);
  for (int i = 0; i < out->n && status == TENDRIL_OK; i++)
    status = make(&k, i, &out->of[i], err);
  close_maker(&k);
  if (status != TENDRIL_OK) tnd_demonstrations_free(out);
  return status;
}

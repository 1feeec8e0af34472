// How demonstrations are made: the task's own gait, or what a file has, made better by iLQG; under
// a push, an MPC goes on from that and is drawn back to the walk.
#include "run/demonstration.h"

#include "control/ops.h"
#include "eval/body.h"
#include "run/demonstration_file.h"
#include "run/first_controls.h"
#include "run/recovery.h"
#include "sim/sim.h"
#include "trajopt/ilqg.h"

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
  tnd_recovery *recovery;    // NULL: there are no pushes
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
  if (!tnd_disturbance_acts(&k->model->disturbance)) return TENDRIL_OK;
  return tnd_recovery_create(k->model, T, pool, &k->recovery, err);
}

static void close_maker(maker *k) {
  tnd_recovery_destroy(k->recovery);
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
  const int64_t phases = o->phases > 0 ? o->phases : o->count;
  const tnd_first_episode first = {.task = k->config->task->name,
                                   .sim = &k->quiet,
                                   .agent = k->gait ? k->gait : tendril_agent_zero(),
                                   .seed = (uint64_t)o->seed,
                                   // phases are those of one walk
                                   .episode = o->lead_spread > 0 ? 0 : (uint32_t)i,
                                   .ground = y->ground,
                                   .lead = (int)(o->lead + i % phases * o->lead_spread / phases),
                                   .T = y->T};
  return tnd_first_controls(k->tasks, &first, "demonstration.lead", NULL, y->x, y->u, err);
}

// A policy that is taught a fall learns it, and nothing later on would say so.
static tendril_status check_upright(const maker *k, int i, const tendril_trajectory *y,
                                    tendril_error *err) {
  const char *name = k->files ? k->files[i] : k->config->task->name;
  const char *mend = y->pushes ? "smaller pushes, or more demonstration.recoveries"
                     : k->files
                         ? "another, or more demonstration.iterations"
                         : "another demonstration.lead or seed, or more demonstration.iterations";
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
                      "its first height; use %s",
                      name, i, t, y->T, mend);
  }
  return TENDRIL_OK;
}

static tendril_status make(const maker *k, int i, tendril_trajectory *y, tendril_error *err) {
  if (k->files)
    TENDRIL_TRY(tnd_demonstration_read(k->files[i], k->tasks, k->model, y, err));
  else
    TENDRIL_TRY(walk(k, i, y, err));
  TENDRIL_TRY(optimize(k, NULL, k->config->demonstration.iterations, y, err));
  if (y->pushes) {
    TENDRIL_TRY(
        tnd_recovery_find(k->recovery, i, (int)k->config->demonstration.recoveries, y, err));
    // its controls stay: iLQG knows the push, and would brace the robot before it comes
    TENDRIL_TRY(optimize(k, y->pushes, 0, y, err));
  }
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

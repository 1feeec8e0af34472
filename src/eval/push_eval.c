// Pushes that an agent gets over. Two passes over the pool, in pieces whose number does not depend
// on the threads:
//   1. each replica unpushed: the period of its gait, height, tilt and speed;
//   2. each (replica, phase): played again up to the push, then branched into all directions and
//      newtons from there.
#include <tendril/eval.h>

#include "base/pool.h"
#include "eval/fall.h"
#include "eval/gait.h"
#include "eval/push_result.h"
#include "eval/workers.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STANDS 0.05  // m/s; a robot that is slower unpushed need not move

// What an unpushed replica did.
typedef struct calm {
  bool settled;    // was still in its episode at the end of the watch
  double lasted;   // s, if it was not
  double way[2];   // m/s, over the watch
  double height;   // mean of the first body's, m
  double axis[3];  // mean of its z axis
  tnd_gait gait;
  double *joints;  // [watch][njoint] angles
  double zero;     // s from the episode's start to the first phase 0 after settling
  tendril_status status;
  tendril_error err;
} calm;

// A state that branches go on from.
typedef struct origin {
  double *snapshot;  // [tendril_snapshot_size()]
  double *memory;    // [tendril_controller_size()]
} origin;

typedef struct evaluation {
  const tendril_model *model;
  const tendril_push_options *options;
  tendril_push_result *result;
  double dt;
  int settle, watch, recover;  // control steps
  int last;                    // of recover, in which a robot is judged
  int njoint, *joints;         // places of the hinges in qpos, [njoint]; joint_of [njoint]
  int *joint_of;
  tnd_workers workers;
  origin *origins;          // [workers.n]
  calm *replicas;           // [replicas]
  double height, axis[3];   // unpushed, mean over the replicas
  double speed, way[2];     // unpushed; direction of the way
  unsigned char *outcomes;  // [replica][phase][direction][newton + 1], the last unpushed
  struct piece {            // [replica][phase]
    tendril_status status;
    int64_t steps;
    tendril_error err;
  } * pieces;
  atomic_int_least64_t done;
  int64_t total;
  tnd_arena arena;
} evaluation;

// ------------------------------------------------------------------------------------ playing

// One control step; *over if the episode ended with it.
static tendril_status step(tnd_worker *w, bool *over, tendril_error *err) {
  tendril_step s = {0};
  tendril_status status = tendril_controller_act(w->controller, w->env, tendril_env_time(w->env),
                                                 w->obs, w->action, err);
  if (status == TENDRIL_OK) status = tendril_env_step(w->env, w->action, w->obs, &s, err);
  *over = status != TENDRIL_OK || s.terminated || s.truncated || s.diverged;
  return tnd_fall_is(status) ? TENDRIL_OK : status;
}

static void normalise(double *x, int n) {
  double length = 0;
  for (int i = 0; i < n; i++)
    length += x[i] * x[i];
  length = sqrt(length);
  for (int i = 0; i < n && length > 0; i++)
    x[i] /= length;
}

// ------------------------------------------------------------------------------------ 1. unpushed

static tendril_status watch(const evaluation *e, int replica, tnd_worker *w, calm *out) {
  bool over = false;
  TENDRIL_TRY(tendril_controller_reset(w->controller, e->options->seed, 0, (uint32_t)replica,
                                       w->env, w->obs, &out->err));
  tnd_body now = tnd_body_see(w->env), from = now;
  const double start = now.height;
  for (int t = 0; t < e->settle + e->watch; t++) {
    TENDRIL_TRY(step(w, &over, &out->err));
    if (over && t + 1 < e->settle + e->watch) {
      out->lasted = (t + 1) * e->dt;
      return TENDRIL_OK;
    }
    if (t < e->settle) continue;
    now = tnd_body_see(w->env);
    if (t == e->settle) from = now;
    for (int i = 0; i < 3; i++)
      out->axis[i] += now.axis[i] / e->watch;
    out->height += now.height / e->watch;
    double *joints = out->joints + (ptrdiff_t)(t - e->settle) * e->njoint;
    for (int i = 0; i < e->njoint; i++)
      joints[i] = tendril_env_data(w->env)->qpos[e->joints[i]];
  }
  for (int i = 0; i < 2 && e->watch > 1; i++)
    out->way[i] = (now.at[i] - from.at[i]) / ((e->watch - 1) * e->dt);
  // a task that ends on nothing has not ended with the robot on the floor either
  out->lasted = (e->settle + e->watch) * e->dt;
  out->settled = out->height >= tnd_body_share(e->options->min_height, start);
  out->zero = (e->settle + 1) * e->dt;  // of the first angles
  if (e->njoint) tnd_gait_find(out->joints, e->watch, e->njoint, e->dt, &out->gait);
  return TENDRIL_OK;
}

static void watch_piece(void *context, int piece, int index) {
  evaluation *e = context;
  calm *out = &e->replicas[piece];
  out->status = watch(e, piece, &e->workers.at[index], out);
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// The gait of all replicas: the median of their periods if most have one.
static tendril_status find_gait(evaluation *e, tendril_error *err) {
  const tendril_push_options *o = e->options;
  tendril_push_result *r = e->result;
  double *periods = tnd_alloc(sizeof *periods * (size_t)o->replicas);
  if (!periods) return tnd_fail_memory(err);
  int n = 0, joint = 0;
  double strength = 0, lasted = 0;
  for (int i = 0; i < o->replicas; i++) {
    const calm *c = &e->replicas[i];
    lasted = fmax(lasted, c->lasted);
    if (!c->settled) continue;
    r->settled++;
    if (!(c->gait.period > 0)) continue;
    if (n == 0) joint = c->gait.joint;
    strength += c->gait.strength;
    periods[n++] = c->gait.period;
  }
  qsort(periods, (size_t)n, sizeof *periods, ascending);
  const bool found = n > 0 && 2 * n >= r->settled;
  r->period = o->period > 0 ? o->period : found ? periods[n / 2] : 1;
  r->strength = found ? strength / n : 0;
  tnd_free(periods);
  if (r->settled == 0)
    return tnd_fail(
        err, TENDRIL_E_ARGUMENT,
        "pushes: unpushed, all %d replicas fall before %g s, the last after %.3g s; settle "
        "and watch for less, or push an agent that stays up",
        o->replicas, o->settle + o->watch, lasted);
  if (!found) return TENDRIL_OK;
  const mjModel *m = tendril_model_mujoco(e->model);
  const char *name = mj_id2name(m, mjOBJ_JOINT, e->joint_of[joint]);
  if (name)
    snprintf(r->joint, sizeof r->joint, "%s", name);
  else
    snprintf(r->joint, sizeof r->joint, "joint %d", e->joint_of[joint]);
  for (int i = 0; i < o->replicas; i++) {
    calm *c = &e->replicas[i];
    if (!c->settled) continue;
    c->zero += tnd_gait_phase(c->joints, e->watch, e->njoint, joint, e->dt, r->period);
  }
  return TENDRIL_OK;
}

static void average(evaluation *e) {
  tendril_push_result *r = e->result;
  double way[2] = {0};
  for (int i = 0; i < e->options->replicas; i++) {
    const calm *c = &e->replicas[i];
    if (!c->settled) continue;
    e->height += c->height / r->settled;
    for (int j = 0; j < 3; j++)
      e->axis[j] += c->axis[j];
    for (int j = 0; j < 2; j++)
      way[j] += c->way[j] / r->settled;
  }
  normalise(e->axis, 3);
  e->speed = hypot(way[0], way[1]);
  memcpy(e->way, way, sizeof way);
  normalise(e->way, 2);
  r->height = e->height;
  r->speed = e->speed;
}

// ------------------------------------------------------------------------------------ 2. pushed

// Goes on for the push and the time to recover, n control steps.
static tendril_status judge(const evaluation *e, tnd_worker *w, int n, tnd_push_outcome *out,
                            int64_t *steps, tendril_error *err) {
  const tendril_push_options *o = e->options;
  tnd_body now = tnd_body_see(w->env), from = now;
  bool over = false;
  *out = TND_FALLEN;
  for (int t = 0; t < n; t++) {
    TENDRIL_TRY(step(w, &over, err));
    ++*steps;
    if (over) return TENDRIL_OK;  // the time limit comes later
    if (t + 1 < n - e->last) continue;
    double cosine = 0;
    now = tnd_body_see(w->env);
    if (t + 1 == n - e->last) from = now;
    for (int i = 0; i < 3; i++)
      cosine += now.axis[i] * e->axis[i];
    if (!(now.height >= tnd_body_share(o->min_height, e->height)) || !(cosine >= cos(o->max_tilt)))
      return TENDRIL_OK;
  }
  double speed = 0;
  for (int i = 0; i < 2; i++)
    speed += (now.at[i] - from.at[i]) * e->way[i] / (e->last * e->dt);
  *out = e->speed < STANDS || speed >= o->min_speed * e->speed ? TND_RECOVERED : TND_STANDING;
  return TENDRIL_OK;
}

// The last half of the recovery; of a gait, whose speed is not even, whole periods if there is
// room.
static int steps_judged(const evaluation *e) {
  const double half = ceil(e->recover / 2.0), period = e->result->period / e->dt;
  const double whole = round(ceil(half / period) * period);
  return e->result->strength > 0 && whole <= e->recover ? (int)whole : (int)half;
}

// Control steps from the state before the push at `time` to the end of its recovery.
static int steps_left(const evaluation *e, double time) {
  return (int)ceil((time + e->result->seconds) / e->dt - 1e-9) - (int)floor(time / e->dt + 1e-9) +
         e->recover;
}

static double time_of(const evaluation *e, const calm *c, int phase) {
  return c->zero + e->result->period * phase / e->options->phases;
}

static tendril_status branch(evaluation *e, int replica, int phase, int index,
                             struct piece *piece) {
  const tendril_push_options *o = e->options;
  const origin *from = &e->origins[index];
  tnd_worker *w = &e->workers.at[index];
  const calm *c = &e->replicas[replica];
  const size_t row = (size_t)o->nnewton + 1;
  unsigned char *outcomes = e->outcomes + ((size_t)replica * (size_t)o->phases + (size_t)phase) *
                                              (size_t)o->ndirection * row;
  if (!c->settled) return TENDRIL_OK;  // TND_FALLEN, all of them

  // up to the push, as unpushed
  const double time = time_of(e, c, phase);
  const int begin = (int)floor(time / e->dt + 1e-9), n = steps_left(e, time);
  bool over = false;
  TENDRIL_TRY(tendril_controller_reset(w->controller, o->seed, 0, (uint32_t)replica, w->env, w->obs,
                                       &piece->err));
  for (int t = 0; t < begin; t++) {
    TENDRIL_TRY(step(w, &over, &piece->err));
    piece->steps++;
    if (over) return TENDRIL_OK;
  }
  tendril_env_save(w->env, from->snapshot);
  tendril_controller_save(w->controller, from->memory);

  for (int i = 0; i < o->ndirection; i++)
    for (int k = 0; k <= o->nnewton; k++) {
      if (k == o->nnewton && i > 0) continue;  // unpushed once
      tendril_push push = o->directions[i];
      push.newtons = k < o->nnewton ? o->newtons[k] : 0;
      push.time = time;
      push.seconds = o->seconds;
      tnd_push_outcome out;
      tendril_env_restore(w->env, from->snapshot, w->obs);
      tendril_controller_restore(w->controller, from->memory);
      TENDRIL_TRY(tendril_env_push(w->env, &push, &piece->err));
      TENDRIL_TRY(judge(e, w, n, &out, &piece->steps, &piece->err));
      outcomes[(size_t)i * row + (size_t)k] = (unsigned char)out;
      atomic_fetch_add(&e->done, 1);
    }
  return TENDRIL_OK;
}

static void branch_piece(void *context, int piece, int index) {
  evaluation *e = context;
  const tendril_push_options *o = e->options;
  struct piece *p = &e->pieces[piece];
  p->status = branch(e, piece / o->phases, piece % o->phases, index, p);
  // worker 0 is the caller
  if (index == 0 && o->progress) o->progress(o->user, (int64_t)atomic_load(&e->done), e->total);
}

// ------------------------------------------------------------------------------------ life

// The hinges, but for the first body's: how a robot lies in the world may drift.
static int list_hinges(const mjModel *m, int *places, int *ids) {
  int n = 0;
  for (int i = 0; i < (int)m->njnt; i++) {
    if (m->jnt_type[i] != mjJNT_HINGE || m->jnt_bodyid[i] == 1) continue;
    if (places) {
      places[n] = m->jnt_qposadr[i];
      ids[n] = i;
    }
    n++;
  }
  return n;
}

static void layout(evaluation *e, tnd_arena *arena) {
  const tendril_push_options *o = e->options;
  const size_t replicas = (size_t)o->replicas, pieces = replicas * (size_t)o->phases;
  e->joints = tnd_arena_ints(arena, (size_t)e->njoint);
  e->joint_of = tnd_arena_ints(arena, (size_t)e->njoint);
  e->replicas = tnd_arena_take(arena, replicas, sizeof *e->replicas);
  e->pieces = tnd_arena_take(arena, pieces, sizeof *e->pieces);
  for (int i = 0; i < o->replicas; i++) {
    double *joints = tnd_arena_doubles(arena, (size_t)e->watch * (size_t)e->njoint);
    if (arena->base) e->replicas[i].joints = joints;
  }
  e->outcomes = tnd_arena_take(arena, pieces * (size_t)o->ndirection, (size_t)o->nnewton + 1);
  const size_t memory = (size_t)tendril_controller_size(e->workers.at[0].controller);
  e->origins = tnd_arena_take(arena, (size_t)e->workers.n, sizeof *e->origins);
  for (int i = 0; i < e->workers.n; i++) {
    origin one = {.snapshot = tnd_arena_doubles(arena, (size_t)tendril_snapshot_size(e->model))};
    one.memory = tnd_arena_doubles(arena, memory);
    if (arena->base) e->origins[i] = one;
  }
}

// The pushes' bodies exist, and all of one robot: its mass.
static tendril_status try_pushes(evaluation *e, tendril_error *err) {
  const tendril_push_options *o = e->options;
  const mjModel *m = tendril_model_mujoco(e->model);
  tnd_worker *w = &e->workers.at[0];
  double *snapshot = e->origins[0].snapshot;
  TENDRIL_TRY(tendril_controller_reset(w->controller, o->seed, 0, 0, w->env, w->obs, err));
  tendril_env_save(w->env, snapshot);
  for (int i = 0; i < o->ndirection; i++) {
    tendril_push push = o->directions[i];
    push.newtons = 1;
    push.time = 0;
    push.seconds = o->seconds;
    tendril_env_restore(w->env, snapshot, w->obs);
    TENDRIL_TRY(tendril_env_push(w->env, &push, err));
    const int id = push.body[0] ? mj_name2id(m, mjOBJ_BODY, push.body) : 1;
    e->result->mass = m->body_subtreemass[m->body_rootid[id]];
  }
  const double steps = fmax(1, round(o->seconds / m->opt.timestep));
  e->result->seconds = steps * m->opt.timestep;
  return TENDRIL_OK;
}

// Everything before the time limit, or nothing can be said of the last.
static tendril_status find_times(evaluation *e, tendril_error *err) {
  const tendril_push_options *o = e->options;
  const double limit = tendril_model_max_steps(e->model) * e->dt;
  double end = 0;
  for (int i = 0; i < o->replicas; i++) {
    const calm *c = &e->replicas[i];
    if (!c->settled) continue;
    end = fmax(end, c->zero + e->result->period * (o->phases - 1) / o->phases);
  }
  end += e->result->seconds + o->recover + 2 * e->dt;
  if (end <= limit + 1e-9) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT,
                  "pushes: the last recovery ends after %.3g s, the task's episodes after %g s; "
                  "settle, watch or recover for less, or take a run with a longer sim.max_steps",
                  end, limit);
}

static tendril_status run(evaluation *e, tendril_pool *pool, tendril_error *err) {
  const tendril_push_options *o = e->options;
  layout(e, &e->arena);
  TENDRIL_TRY(tnd_arena_alloc(&e->arena, err));
  layout(e, &e->arena);
  TENDRIL_TRY(try_pushes(e, err));
  list_hinges(tendril_model_mujoco(e->model), e->joints, e->joint_of);

  // 1. unpushed
  tnd_pool_run(pool, o->replicas, watch_piece, e);
  for (int i = 0; i < o->replicas; i++)
    if (e->replicas[i].status != TENDRIL_OK)
      return tnd_fail(err, e->replicas[i].status, "replica %d: %.480s", i, e->replicas[i].err.text);
  TENDRIL_TRY(find_gait(e, err));
  average(e);
  e->last = steps_judged(e);
  TENDRIL_TRY(find_times(e, err));

  // 2. pushed
  const int pieces = o->replicas * o->phases;
  e->total = (int64_t)pieces * (o->ndirection * o->nnewton + 1);
  tnd_pool_run(pool, pieces, branch_piece, e);
  for (int i = 0; i < pieces; i++) {
    e->result->steps += e->pieces[i].steps;
    if (e->pieces[i].status != TENDRIL_OK)
      return tnd_fail(err, e->pieces[i].status, "replica %d: %.480s", i / o->phases,
                      e->pieces[i].err.text);
  }
  e->result->rollouts = (int64_t)atomic_load(&e->done);
  tnd_push_result_count(e->result, o, e->outcomes);
  if (o->progress) o->progress(o->user, e->total, e->total);
  return TENDRIL_OK;
}

tendril_status tendril_push_evaluate(const tendril_model *model, const tendril_agent *agent,
                                     tendril_pool *pool, const tendril_push_options *options,
                                     tendril_push_result **out, tendril_error *err) {
  TENDRIL_TRY(tnd_push_check(options, err));
  if (tendril_model_disturbance(model))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "pushes: the model makes pushes by itself; use push.newtons=0");
  const double dt = tendril_model_seconds(model), limit = tendril_model_max_steps(model) * dt;
  if (options->settle + options->watch > limit + 1e-9)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "pushes: %g s to settle and %g s to watch are more than the %g s of an episode",
                    options->settle, options->watch, limit);
  evaluation e = {.model = model,
                  .options = options,
                  .dt = dt,
                  .settle = (int)lround(options->settle / dt),
                  .watch = (int)fmax(2, round(options->watch / dt)),
                  .recover = (int)fmax(2, round(options->recover / dt)),
                  .njoint = list_hinges(tendril_model_mujoco(model), NULL, NULL)};
  tendril_status status = tnd_push_result_create(options, &e.result, err);
  if (status == TENDRIL_OK) status = tnd_workers_create(&e.workers, model, agent, pool, err);
  if (status == TENDRIL_OK) status = run(&e, pool, err);
  tnd_workers_destroy(&e.workers);
  tnd_arena_free(&e.arena);
  if (status == TENDRIL_OK)
    *out = e.result;
  else
    tendril_push_result_destroy(e.result);
  return status;
}

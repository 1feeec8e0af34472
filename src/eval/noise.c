// An agent under noise on its start and on its actions. A rollout is a piece of work with random
// streams of its own, which are those of its number in every cell: cells differ by the deviations
// that scale the same standard normals, and by nothing else. The result does not depend on the
// number of threads.
#include <tendril/eval.h>

#include "base/pool.h"
#include "eval/fall.h"
#include "eval/workers.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include <tendril/random.h>

typedef enum end { SURVIVED, FALLEN, DIVERGED } end;

typedef struct rollout {
  double total;  // of the rewards
  int length;    // control steps
  end end;
} rollout;

// What a worker needs beside its environment and controller.
typedef struct scratch {
  double *start;     // [2 nv] standard normals on qpos and qvel
  double *push;      // [nact] standard normals of a control step
  double *snapshot;  // [tendril_snapshot_size()]
  int failed;        // the first of its pieces that could not be played; INT_MAX: none
  tendril_status status;
  tendril_error err;
} scratch;

typedef struct evaluation {
  const tendril_model *model;
  const tendril_noise_options *options;
  int ncell, T;  // T: control steps to survive
  tnd_workers workers;
  scratch *scratch;   // [workers.n]
  rollout *rollouts;  // [ncell][options->rollouts]
  double *values;     // [options->rollouts]
  atomic_int_least64_t done;
  tnd_arena arena;
} evaluation;

// ------------------------------------------------------------------------------------ in and out

void tendril_noise_defaults(tendril_noise_options *options) {
  *options = (tendril_noise_options){
      .velocity = 1, .rollouts = 20, .seconds = 2, .min_height = 0.5, .seed = 1};
}

static tendril_status check_number(const char *name, double value, double least, double most,
                                   tendril_error *err) {
  if (value >= least && value <= most) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "noise: %s %g is out of range; use %g to %g", name,
                  value, least, most);
}

static tendril_status check(const tendril_noise_options *o, tendril_error *err) {
  if (o->nstart < 1 || o->ntorque < 1 || o->rollouts < 1)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "noise: an empty grid: %d deviations of the start x %d of the torques x %d "
                    "rollouts",
                    o->nstart, o->ntorque, o->rollouts);
  if ((double)o->nstart * o->ntorque * o->rollouts > 1e7)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "noise: more than ten million rollouts; ask for less");
  for (int i = 0; i < o->nstart; i++)
    TENDRIL_TRY(check_number("start", o->starts[i], 0, 10, err));
  for (int i = 0; i < o->ntorque; i++)
    TENDRIL_TRY(check_number("torque", o->torques[i], 0, 1e6, err));
  TENDRIL_TRY(check_number("velocity", o->velocity, 0, 1000, err));
  TENDRIL_TRY(check_number("min_height", o->min_height, 0, 1, err));
  return check_number("seconds", o->seconds, 1e-3, 1e6, err);
}

// The time to survive in control steps, of which an episode must have as many.
static tendril_status count_steps(const tendril_model *model, double seconds, int *T,
                                  tendril_error *err) {
  const double dt = tendril_model_seconds(model);
  const double n = fmax(1, ceil(seconds / dt - 1e-9));
  const int most = tendril_model_max_steps(model);
  if (n > most)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "noise: %g s are longer than an episode, which has %d steps of %g s; ask for "
                    "less or set sim.max_steps",
                    seconds, most, dt);
  *T = (int)n;
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ playing

// Sets the start of an episode that was just reset: the state asked for, and normal noise of
// deviation sd on the positions, in their tangent space, and of velocity * sd on the velocities.
// Returns where the body was before the noise.
static tnd_body set_start(const evaluation *e, int number, double sd, tnd_worker *w, scratch *s) {
  const tendril_noise_options *o = e->options;
  const mjModel *m = tendril_env_mujoco(w->env);
  mjData *d = tendril_env_data(w->env);
  const int nq = (int)m->nq, nv = (int)m->nv;
  if (o->state) {
    memcpy(d->qpos, o->state, sizeof *d->qpos * (size_t)nq);
    memcpy(d->qvel, o->state + nq, sizeof *d->qvel * (size_t)nv);
  }
  const tnd_body start = tnd_body_see(w->env);
  if (!o->state && !(sd > 0)) return start;  // what tendril_evaluate() plays, to the bit
  if (sd > 0) {
    tendril_random random =
        tendril_random_stream(o->seed, TENDRIL_PURPOSE_EVAL_START, 0, (uint32_t)number);
    tendril_random_normals(&random, 2 * nv, s->start);
    for (int i = 0; i < nv; i++) {
      s->start[i] *= sd;
      d->qvel[i] += o->velocity * sd * s->start[nv + i];
    }
    mj_integratePos(m, d->qpos, s->start, 1);
  }
  // a restore observes the state anew
  tendril_env_save(w->env, s->snapshot);
  tendril_env_restore(w->env, s->snapshot, w->obs);
  return start;
}

static tendril_status play(const evaluation *e, int cell, int number, tnd_worker *w, scratch *s,
                           rollout *out, tendril_error *err) {
  const tendril_noise_options *o = e->options;
  const double start_sd = o->starts[cell / o->ntorque], torque_sd = o->torques[cell % o->ntorque];
  const int nact = tendril_model_nact(e->model);
  tendril_random random =
      tendril_random_stream(o->seed, TENDRIL_PURPOSE_EVAL_MOTOR, 0, (uint32_t)number);
  tendril_step step = {0};
  *out = (rollout){.end = SURVIVED};
  TENDRIL_TRY(
      tendril_controller_reset(w->controller, o->seed, 0, (uint32_t)number, w->env, w->obs, err));
  const tnd_body start = set_start(e, number, start_sd, w, s);
  while (out->end == SURVIVED && out->length < e->T) {
    // 1. what the agent does, and noise; the environment clips their sum
    tendril_status status =
        tendril_controller_act(w->controller, w->env, out->length, w->obs, w->action, err);
    tendril_random_normals(&random, nact, s->push);
    for (int i = 0; i < nact && torque_sd > 0; i++)
      w->action[i] += torque_sd * s->push[i];

    // 2. the step; one that went wrong counts for nothing
    if (status == TENDRIL_OK) status = tendril_env_step(w->env, w->action, w->obs, &step, err);
    if (status != TENDRIL_OK && !tnd_fall_is(status)) return status;
    if (status != TENDRIL_OK || step.diverged) {
      out->end = DIVERGED;
      break;
    }
    out->length++;
    out->total += step.reward;

    // 3. is it still up?
    const tnd_body now = tnd_body_see(w->env);
    if (tnd_fall_seen(&step, &start, &now, o->min_height)) out->end = FALLEN;
  }
  return TENDRIL_OK;
}

static void play_piece(void *context, int piece, int index) {
  evaluation *e = context;
  const tendril_noise_options *o = e->options;
  scratch *s = &e->scratch[index];
  tendril_error err = {{0}};
  const tendril_status status = play(e, piece / o->rollouts, piece % o->rollouts,
                                     &e->workers.at[index], s, &e->rollouts[piece], &err);
  if (status != TENDRIL_OK && piece < s->failed) {
    s->failed = piece;
    s->status = status;
    s->err = err;
  }
  const int64_t done = (int64_t)atomic_fetch_add(&e->done, 1) + 1;
  if (index == 0 && o->progress)  // worker 0 is the caller
    o->progress(o->user, done, (int64_t)e->ncell * o->rollouts);
}

// ------------------------------------------------------------------------------------ the sums

// The first piece that failed, whichever worker played it.
static tendril_status find_failure(const evaluation *e, tendril_error *err) {
  const scratch *first = &e->scratch[0];
  for (int i = 1; i < e->workers.n; i++)
    if (e->scratch[i].failed < first->failed) first = &e->scratch[i];
  if (first->failed == INT_MAX) return TENDRIL_OK;
  return tnd_fail(err, first->status, "rollout %d: %.480s", first->failed % e->options->rollouts,
                  first->err.text);
}

static tendril_status add_up(evaluation *e, int cell, tendril_noise_cell *out, int64_t *steps,
                             tendril_error *err) {
  const tendril_noise_options *o = e->options;
  const rollout *all = e->rollouts + (ptrdiff_t)cell * o->rollouts;
  *out = (tendril_noise_cell){.start = o->starts[cell / o->ntorque],
                              .torque = o->torques[cell % o->ntorque]};
  int n = 0;
  for (int i = 0; i < o->rollouts; i++) {
    out->survived += all[i].end == SURVIVED;
    out->diverged += all[i].end == DIVERGED;
    *steps += all[i].length;
    if (all[i].length > 0) e->values[n++] = -all[i].total / all[i].length;
  }
  out->share = (double)out->survived / o->rollouts;
  tendril_share_interval(out->survived, o->rollouts, &out->low, &out->high);
  if (n > 0) TENDRIL_TRY(tendril_summarise(e->values, n, o->seed, &out->cost, err));
  for (int i = 0; i < o->rollouts; i++)
    e->values[i] = all[i].length * tendril_model_seconds(e->model);
  return tendril_summarise(e->values, o->rollouts, o->seed, &out->seconds, err);
}

static void layout(evaluation *e, tnd_arena *arena) {
  const size_t n = (size_t)e->options->rollouts, nact = (size_t)tendril_model_nact(e->model);
  const size_t nv = (size_t)tendril_model_mujoco(e->model)->nv;
  e->scratch = tnd_arena_take(arena, (size_t)e->workers.n, sizeof *e->scratch);
  e->rollouts = tnd_arena_take(arena, (size_t)e->ncell * n, sizeof *e->rollouts);
  e->values = tnd_arena_doubles(arena, n);
  for (int i = 0; i < e->workers.n; i++) {
    scratch s = {.failed = INT_MAX};
    s.start = tnd_arena_doubles(arena, 2 * nv);
    s.push = tnd_arena_doubles(arena, nact);
    s.snapshot = tnd_arena_doubles(arena, (size_t)tendril_snapshot_size(e->model));
    if (arena->base) e->scratch[i] = s;
  }
}

typedef struct owned {
  tendril_noise_result result;
  tendril_noise_cell *cells;
} owned;

void tendril_noise_result_destroy(tendril_noise_result *result) {
  if (!result) return;
  owned *r = (owned *)(void *)result;
  tnd_free(r->cells);
  tnd_free(r);
}

static tendril_status create_result(const evaluation *e, owned **out, tendril_error *err) {
  const tendril_noise_options *o = e->options;
  owned *r = tnd_alloc(sizeof *r);
  if (r) r->cells = tnd_alloc(sizeof *r->cells * (size_t)e->ncell);
  if (!r || !r->cells) {
    tnd_free(r);
    return tnd_fail_memory(err);
  }
  r->result = (tendril_noise_result){.nstart = o->nstart,
                                     .ntorque = o->ntorque,
                                     .rollouts = o->rollouts,
                                     .seconds = e->T * tendril_model_seconds(e->model),
                                     .cells = r->cells};
  *out = r;
  return TENDRIL_OK;
}

static tendril_status run(evaluation *e, const tendril_agent *agent, tendril_pool *pool, owned *r,
                          tendril_error *err) {
  TENDRIL_TRY(tnd_workers_create(&e->workers, e->model, agent, pool, err));
  layout(e, &e->arena);
  TENDRIL_TRY(tnd_arena_alloc(&e->arena, err));
  layout(e, &e->arena);
  tnd_pool_run(pool, e->ncell * e->options->rollouts, play_piece, e);
  TENDRIL_TRY(find_failure(e, err));
  for (int i = 0; i < e->ncell; i++)
    TENDRIL_TRY(add_up(e, i, &r->cells[i], &r->result.steps, err));
  return TENDRIL_OK;
}

tendril_status tendril_noise_evaluate(const tendril_model *model, const tendril_agent *agent,
                                      tendril_pool *pool, const tendril_noise_options *options,
                                      tendril_noise_result **out, tendril_error *err) {
  TENDRIL_TRY(check(options, err));
  evaluation e = {.model = model, .options = options, .ncell = options->nstart * options->ntorque};
  TENDRIL_TRY(count_steps(model, options->seconds, &e.T, err));
  owned *r = NULL;
  tendril_status status = create_result(&e, &r, err);
  if (status == TENDRIL_OK) status = run(&e, agent, pool, r, err);
  tnd_workers_destroy(&e.workers);
  tnd_arena_free(&e.arena);
  if (status == TENDRIL_OK)
    *out = &r->result;
  else if (r)
    tendril_noise_result_destroy(&r->result);
  return status;
}

// An agent on models that differ from its own: the unvaried one, the corners of a box, and models
// drawn from it. A model is made, played and thrown away by the worker that takes its point, so
// memory does not grow with the samples; start states are the same for all.
#include <tendril/eval.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "eval/fall.h"
#include "math/moments.h"

#include <tendril/random.h>

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LATENCY = 1000, AGAIN = 1 };

// One episode's outcome.
typedef struct episode {
  double total;
  int length;
  bool terminated, truncated, diverged;
} episode;

// What a worker needs to play.
typedef struct worker {
  double *obs, *seen;    // [nobs] as the environment gives it, as the agent sees it
  double *action;        // [nact]
  double *late;          // [MAX_LATENCY + 1 at most][nact] actions under way
  double *noise;         // [nobs]
  double *returns;       // [episodes]
  tnd_moments *moments;  // of the observations, if they are wanted
} worker;

typedef struct evaluation {
  const tendril_model *model;
  const tendril_agent *agent;
  const tendril_robust_options *options;
  int nworker, npoint, ncorner, latency;  // latency: the largest of the box
  bool noisy;
  tendril_robust_point *points;  // [npoint]
  double *deviation;             // [nobs] of the unvaried model's observations
  tnd_moments moments;
  worker *workers;  // [nworker]
  struct piece {    // [npoint]
    tendril_status status;
    int64_t steps;
    tendril_error err;
  } * pieces;
  atomic_int_least64_t done;
  tnd_arena arena;
} evaluation;

// ------------------------------------------------------------------------------------ the points

// Of axis i at u in [0, 1).
static double value_at(const tendril_axis *axis, double u) {
  if (axis->kind == TENDRIL_VARY_LATENCY)
    return axis->low + floor(u * (axis->high - axis->low + 1));
  return axis->low + u * (axis->high - axis->low);
}

// Corners of the axes that have two ends.
static int count_corners(const tendril_robust_options *o) {
  int n = 1;
  for (int i = 0; i < o->naxis; i++)
    if (o->axes[i].low < o->axes[i].high) n *= 2;
  return n;
}

static void set_points(evaluation *e) {
  const tendril_robust_options *o = e->options;
  for (int i = 0; i < o->naxis; i++)
    e->points[0].values[i] = (double)NAN;
  for (int k = 0; k < e->ncorner; k++)
    for (int i = 0, bit = 0; i < o->naxis; i++) {
      const tendril_axis *axis = &o->axes[i];
      const bool ends = axis->low < axis->high;
      e->points[1 + k].values[i] = ends && (k >> bit & 1) ? axis->high : axis->low;
      bit += ends;
    }
  for (int k = 0; k < o->samples; k++) {
    tendril_random random =
        tendril_random_stream(o->seed, TENDRIL_PURPOSE_EVAL_POINT, 0, (uint32_t)k);
    for (int i = 0; i < o->naxis; i++)
      e->points[1 + e->ncorner + k].values[i] =
          value_at(&o->axes[i], tendril_random_uniform(&random, 0, 1));
  }
}

static tendril_status vary(const evaluation *e, const double *values, tendril_model **out,
                           tendril_error *err) {
  const tendril_robust_options *o = e->options;
  tendril_variation v;
  tendril_variation_defaults(&v);
  for (int i = 0; i < o->naxis; i++) {
    switch (o->axes[i].kind) {
    case TENDRIL_VARY_MASS:
      v.mass = values[i];
      break;
    case TENDRIL_VARY_FRICTION:
      v.friction = values[i];
      break;
    case TENDRIL_VARY_FLOOR:
      v.floor = values[i];
      break;
    case TENDRIL_VARY_MOTOR:
      v.motor = values[i];
      break;
    case TENDRIL_VARY_BODY:
      if (v.nbody == TENDRIL_MAX_BODY_MASSES)
        return tnd_fail(err, TENDRIL_E_ARGUMENT, "box: masses of at most %d bodies",
                        TENDRIL_MAX_BODY_MASSES);
      memcpy(v.body[v.nbody].name, o->axes[i].body, sizeof v.body[v.nbody].name);
      v.body[v.nbody++].kg = values[i];
      break;
    case TENDRIL_VARY_LATENCY:
    case TENDRIL_VARY_NOISE:
      break;
    }
  }
  return tendril_model_vary(e->model, &v, out, err);
}

// ------------------------------------------------------------------------------------ playing

// The value of the axis of that kind; 0 without one, and for the unvaried model.
static double value_of(const evaluation *e, const tendril_robust_point *p, tendril_axis_kind kind) {
  for (int i = 0; i < e->options->naxis; i++)
    if (e->options->axes[i].kind == kind && isfinite(p->values[i])) return p->values[i];
  return 0;
}

static tendril_status play(const evaluation *e, int point, int number, uint32_t series, worker *w,
                           tendril_env *env, tendril_controller *controller, episode *out,
                           tendril_error *err) {
  const tendril_robust_point *p = &e->points[point];
  const int nobs = tendril_model_nobs(e->model), nact = tendril_model_nact(e->model);
  const int latency = (int)value_of(e, p, TENDRIL_VARY_LATENCY);
  const double noise = value_of(e, p, TENDRIL_VARY_NOISE);
  tendril_random random = tendril_random_stream(e->options->seed, TENDRIL_PURPOSE_EVAL_NOISE,
                                                (uint32_t)point * 2 + series, (uint32_t)number);
  tendril_step step = {0};
  *out = (episode){0};
  memset(w->late, 0, sizeof *w->late * (size_t)nact * ((size_t)e->latency + 1));
  TENDRIL_TRY(tendril_controller_reset(controller, e->options->seed, series, (uint32_t)number, env,
                                       w->obs, err));
  do {
    // 1. what the agent sees
    if (w->moments) tnd_moments_add(w->moments, 1, w->obs);
    memcpy(w->seen, w->obs, sizeof *w->seen * (size_t)nobs);
    if (noise > 0) {
      tendril_random_normals(&random, nobs, w->noise);
      for (int i = 0; i < nobs; i++)
        w->seen[i] += noise * e->deviation[i] * w->noise[i];
    }

    // 2. what it does, and what arrives of it
    tendril_status status =
        tendril_controller_act(controller, env, out->length, w->seen, w->action, err);
    const size_t ring = (size_t)latency + 1;
    double *in = w->late + (size_t)out->length % ring * (size_t)nact;
    memcpy(in, w->action, sizeof *in * (size_t)nact);
    const double *arrives = w->late + ((size_t)out->length + 1) % ring * (size_t)nact;

    // 3. the step
    if (status == TENDRIL_OK) status = tendril_env_step(env, arrives, w->obs, &step, err);
    if (tnd_fall_is(status)) step = (tendril_step){.diverged = true};
    if (status != TENDRIL_OK && !tnd_fall_is(status)) return status;
    out->total += step.reward;
    out->length++;
  } while (!step.terminated && !step.truncated && !step.diverged);
  out->terminated = step.terminated;
  out->truncated = step.truncated && !step.terminated;
  out->diverged = step.diverged;
  return TENDRIL_OK;
}

// All episodes of a point under a model.
static tendril_status play_all(evaluation *e, int point, uint32_t series, worker *w,
                               const tendril_model *model, tendril_robust_point *out,
                               int64_t *steps, tendril_error *err) {
  const int n = e->options->episodes;
  tendril_env *env = NULL;
  tendril_controller *controller = NULL;
  int64_t length = 0;
  tendril_status status = tendril_env_create(model, &env, err);
  // the agent's own model of the world stays the unvaried one: it knows of no change
  if (status == TENDRIL_OK)
    status = tendril_controller_create(e->agent, e->model, &controller, err);
  for (int i = 0; i < n && status == TENDRIL_OK; i++) {
    episode one;
    status = play(e, point, i, series, w, env, controller, &one, err);
    if (status != TENDRIL_OK) break;
    w->returns[i] = one.total;
    length += one.length;
    out->terminated += one.terminated;
    out->truncated += one.truncated;
    out->diverged += one.diverged;
    atomic_fetch_add(&e->done, 1);
  }
  out->length = (double)length / n;
  *steps += length;
  tendril_controller_destroy(controller);
  tendril_env_destroy(env);
  if (status != TENDRIL_OK) return status;
  return tendril_summarise(w->returns, n, e->options->seed, &out->returns, err);
}

static void play_point(void *context, int number, int index) {
  evaluation *e = context;
  const int point = number + 1;
  struct piece *p = &e->pieces[point];
  tendril_model *model = NULL;
  p->status = vary(e, e->points[point].values, &model, &p->err);
  if (p->status == TENDRIL_OK)
    p->status =
        play_all(e, point, 0, &e->workers[index], model, &e->points[point], &p->steps, &p->err);
  tendril_model_destroy(model);
  const tendril_robust_options *o = e->options;
  if (index == 0 && o->progress)  // worker 0 is the caller
    o->progress(o->user, (int64_t)atomic_load(&e->done), (int64_t)e->npoint * o->episodes);
}

// ------------------------------------------------------------------------------------ in and out

static tendril_status check_axis(const tendril_axis *axis, const tendril_agent *agent,
                                 tendril_error *err) {
  char name[80];
  tendril_axis_name(axis, name);
  const bool positive = axis->kind != TENDRIL_VARY_FLOOR && axis->kind != TENDRIL_VARY_LATENCY &&
                        axis->kind != TENDRIL_VARY_NOISE;
  const double most = axis->kind == TENDRIL_VARY_LATENCY ? MAX_LATENCY : 1e6;
  if (!(axis->low <= axis->high) || !(axis->high <= most) ||
      !(positive ? axis->low > 0 : axis->low >= 0))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "box %s: %g to %g is no range from %s to %g", name,
                    axis->low, axis->high, positive ? "more than 0" : "0", most);
  if (axis->kind == TENDRIL_VARY_LATENCY &&
      (axis->low != floor(axis->low) || axis->high != floor(axis->high)))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "box latency: %g to %g: control steps are whole",
                    axis->low, axis->high);
  if (axis->kind == TENDRIL_VARY_NOISE && axis->high > 0 && tendril_agent_sees_state(agent))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "box noise: %s looks at the state itself, so that noise on observations is "
                    "nothing to it; leave that axis out",
                    tendril_agent_name(agent));
  return TENDRIL_OK;
}

static tendril_status check(const tendril_robust_options *o, const tendril_agent *agent,
                            tendril_error *err) {
  if (o->naxis < 1 || o->naxis > TENDRIL_MAX_AXES)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "box: %d axes; use 1 to %d", o->naxis,
                    TENDRIL_MAX_AXES);
  if (o->samples < 0 || o->samples > 1000000)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "box: %d samples; use 0 to 1000000", o->samples);
  if (o->episodes < 1 || o->episodes > 1000000)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "episodes: %d is out of range; use 1 to 1000000",
                    o->episodes);
  for (int i = 0; i < o->naxis; i++) {
    TENDRIL_TRY(check_axis(&o->axes[i], agent, err));
    for (int j = 0; j < i; j++)
      if (o->axes[i].kind == o->axes[j].kind && strcmp(o->axes[i].body, o->axes[j].body) == 0) {
        char name[80];
        return tnd_fail(err, TENDRIL_E_ARGUMENT, "box: %s is there twice",
                        tendril_axis_name(&o->axes[i], name));
      }
  }
  return TENDRIL_OK;
}

static void layout(evaluation *e, tnd_arena *arena) {
  const tendril_robust_options *o = e->options;
  const size_t nobs = (size_t)tendril_model_nobs(e->model);
  const size_t nact = (size_t)tendril_model_nact(e->model);
  e->pieces = tnd_arena_take(arena, (size_t)e->npoint, sizeof *e->pieces);
  e->workers = tnd_arena_take(arena, (size_t)e->nworker, sizeof *e->workers);
  e->deviation = tnd_arena_doubles(arena, nobs);
  e->moments.mean = tnd_arena_doubles(arena, nobs);
  e->moments.m2 = tnd_arena_doubles(arena, nobs);
  for (int i = 0; i < e->nworker; i++) {
    worker w = {.obs = tnd_arena_doubles(arena, nobs)};
    w.seen = tnd_arena_doubles(arena, nobs);
    w.noise = tnd_arena_doubles(arena, nobs);
    w.action = tnd_arena_doubles(arena, nact);
    w.late = tnd_arena_doubles(arena, nact * ((size_t)e->latency + 1));
    w.returns = tnd_arena_doubles(arena, (size_t)o->episodes);
    if (arena->base) e->workers[i] = w;
  }
}

typedef struct owned {
  tendril_robust_result result;
  tendril_robust_point *points;
} owned;

void tendril_robust_result_destroy(tendril_robust_result *result) {
  if (!result) return;
  owned *r = (owned *)(void *)result;
  tnd_free(r->points);
  tnd_free(r);
}

static tendril_status create_result(const evaluation *e, owned **out, tendril_error *err) {
  owned *r = tnd_alloc(sizeof *r);
  if (r) r->points = tnd_alloc(sizeof *r->points * (size_t)e->npoint);
  if (!r || !r->points) {
    tnd_free(r);
    return tnd_fail_memory(err);
  }
  r->result.naxis = e->options->naxis;
  r->result.ncorner = e->ncorner;
  r->result.nsample = e->options->samples;
  r->result.points = r->points;
  *out = r;
  return TENDRIL_OK;
}

// The drawn models together, and the worst of all once more.
static tendril_status add_up(evaluation *e, tendril_robust_result *r, tendril_error *err) {
  const int first = 1 + e->ncorner, n = e->options->samples;
  for (int i = 0; i < e->npoint; i++) {
    r->steps += e->pieces[i].steps;
    if (e->points[i].returns.mean < e->points[r->worst].returns.mean) r->worst = i;
  }
  if (n > 0) {
    double *means = tnd_alloc(sizeof *means * (size_t)n);
    if (!means) return tnd_fail_memory(err);
    for (int i = 0; i < n; i++)
      means[i] = e->points[first + i].returns.mean;
    const tendril_status status = tendril_summarise(means, n, e->options->seed, &r->mean, err);
    tnd_free(means);
    TENDRIL_TRY(status);
  }
  tendril_model *model = NULL;
  tendril_robust_point again = {.length = 0};
  tendril_status status = TENDRIL_OK;
  if (r->worst > 0) status = vary(e, e->points[r->worst].values, &model, err);
  if (status == TENDRIL_OK)
    status = play_all(e, r->worst, AGAIN, &e->workers[0], model ? model : e->model, &again,
                      &r->steps, err);
  tendril_model_destroy(model);
  r->again = again.returns;
  return status;
}

static tendril_status run(evaluation *e, tendril_pool *pool, tendril_robust_result *r,
                          tendril_error *err) {
  const tendril_robust_options *o = e->options;
  layout(e, &e->arena);
  TENDRIL_TRY(tnd_arena_alloc(&e->arena, err));
  layout(e, &e->arena);
  set_points(e);

  // the unvaried model first: its observations give the noise its size
  worker *w = &e->workers[0];
  e->moments.n = tendril_model_nobs(e->model);
  if (e->noisy) w->moments = &e->moments;
  TENDRIL_TRY(play_all(e, 0, 0, w, e->model, &e->points[0], &e->pieces[0].steps, err));
  w->moments = NULL;
  for (int i = 0; i < e->moments.n; i++)
    e->deviation[i] = sqrt(tnd_moments_variance(&e->moments, i));

  tnd_pool_run(pool, e->npoint - 1, play_point, e);
  for (int i = 1; i < e->npoint; i++)
    if (e->pieces[i].status != TENDRIL_OK)
      return tnd_fail(err, e->pieces[i].status, "model %d: %.480s", i, e->pieces[i].err.text);
  TENDRIL_TRY(add_up(e, r, err));
  if (o->progress)
    o->progress(o->user, (int64_t)e->npoint * o->episodes, (int64_t)e->npoint * o->episodes);
  return TENDRIL_OK;
}

tendril_status tendril_robust_evaluate(const tendril_model *model, const tendril_agent *agent,
                                       tendril_pool *pool, const tendril_robust_options *options,
                                       tendril_robust_result **out, tendril_error *err) {
  TENDRIL_TRY(check(options, agent, err));
  evaluation e = {.model = model,
                  .agent = agent,
                  .options = options,
                  .nworker = tendril_pool_threads(pool),
                  .ncorner = count_corners(options)};
  e.npoint = 1 + e.ncorner + options->samples;
  for (int i = 0; i < options->naxis; i++) {
    if (options->axes[i].kind == TENDRIL_VARY_LATENCY) e.latency = (int)options->axes[i].high;
    e.noisy |= options->axes[i].kind == TENDRIL_VARY_NOISE;
  }
  owned *r = NULL;
  tendril_status status = create_result(&e, &r, err);
  if (status == TENDRIL_OK) {
    e.points = r->points;
    status = run(&e, pool, &r->result, err);
  }
  tnd_arena_free(&e.arena);
  if (status == TENDRIL_OK)
    *out = &r->result;
  else if (r)
    tendril_robust_result_destroy(&r->result);
  return status;
}

// Trials of gaits. A walk is a piece of work with random streams of its own, so results depend on
// neither the number of threads nor on which worker walks what. See gait_trial.h.
#include "run/gait_trial.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "control/simbicon.h"
#include "eval/fall.h"
#include "run/gait_config.h"

#include <math.h>

enum { PUSHES = TENDRIL_MAX_PUSHES };

typedef struct walk {
  bool fell;
  int steps;
  double metres;
  double torques, heave, cost;  // summed over the steps
  tendril_status status;
  tendril_error err;
} walk;

typedef struct worker {
  tendril_env *env;
  tendril_agent *agent;
  tendril_controller *controller;
  double *obs;     // [nobs]
  double *action;  // [nact]
} worker;

struct tnd_trials {
  const tendril_model *model;
  tendril_gait_options options;
  tendril_pool *pool;
  int most, nworker, nact;
  int64_t steps;
  worker *workers;  // [nworker]
  walk *walks;      // [most] of candidate after candidate
  tnd_arena arena;

  // of the run that goes on
  const tendril_simbicon_options *candidates;
  uint32_t series, first;
  int each;  // walks of a candidate
};

static void layout(tnd_trials *t, tnd_arena *arena) {
  t->workers = tnd_arena_take(arena, (size_t)t->nworker, sizeof *t->workers);
  t->walks = tnd_arena_take(arena, (size_t)t->most, sizeof *t->walks);
  for (int i = 0; i < t->nworker; i++) {
    double *obs = tnd_arena_doubles(arena, (size_t)tendril_model_nobs(t->model));
    double *action = tnd_arena_doubles(arena, (size_t)t->nact);
    if (!arena->base) continue;
    t->workers[i].obs = obs;
    t->workers[i].action = action;
  }
}

tendril_status tnd_trials_create(const tendril_model *model, const tendril_gait_options *options,
                                 tendril_pool *pool, int most, tnd_trials **out,
                                 tendril_error *err) {
  tnd_trials *t = tnd_alloc(sizeof *t);
  if (!t) return tnd_fail_memory(err);
  *t = (tnd_trials){.model = model, .options = *options, .pool = pool, .most = most};
  t->nworker = tendril_pool_threads(pool);
  t->nact = tendril_model_nact(model);
  tendril_simbicon_options start;
  tendril_simbicon_defaults(&start);
  layout(t, &t->arena);
  tendril_status status = tnd_arena_alloc(&t->arena, err);
  if (status == TENDRIL_OK) layout(t, &t->arena);
  for (int i = 0; i < t->nworker && status == TENDRIL_OK; i++) {
    worker *w = &t->workers[i];
    status = tendril_agent_simbicon_create(&start, &w->agent, err);
    if (status == TENDRIL_OK)
      status = tendril_controller_create(w->agent, model, &w->controller, err);
    if (status == TENDRIL_OK) status = tendril_env_create(model, &w->env, err);
  }
  if (status == TENDRIL_OK)
    *out = t;
  else
    tnd_trials_destroy(t);
  return status;
}

void tnd_trials_destroy(tnd_trials *t) {
  if (!t) return;
  for (int i = 0; t->arena.base && i < t->nworker; i++) {
    tendril_env_destroy(t->workers[i].env);
    tendril_controller_destroy(t->workers[i].controller);
    tendril_agent_destroy(t->workers[i].agent);
  }
  tnd_arena_free(&t->arena);
  tnd_free(t);
}

// Pushes spread over the walk, forward and back in turn; in the next episode by some share of their
// distance later, never the same (the golden section), and the other way round.
static tendril_status push(const tnd_trials *t, uint32_t episode, tendril_env *env,
                           tendril_error *err) {
  const double seconds = tendril_model_max_steps(t->model) * tendril_model_seconds(t->model);
  const double turns = 0.6180339887498949 * episode, later = turns - floor(turns);
  for (int k = 0; k < PUSHES && t->options.push > 0; k++) {
    const double share = (k + 1 + later) / (PUSHES + 2);
    const tendril_push push = {.newtons = t->options.push,
                               .time = share * seconds,
                               .seconds = 0.1,
                               .direction = {(episode + (uint32_t)k) % 2 ? -1 : 1, 0, 0}};
    TENDRIL_TRY(tendril_env_push(env, &push, err));
  }
  return TENDRIL_OK;
}

// The sum of the motors' squared torques in the step that was just made, each on a joint of its
// own.
static double squared_torques(tendril_env *env) {
  const mjData *d = tendril_env_data(env);
  double sum = 0;
  for (int i = 0; i < (int)tendril_env_mujoco(env)->nv; i++)
    sum += d->qfrc_actuator[i] * d->qfrc_actuator[i];
  return sum;
}

// Walks until the time is over or the robot down.
static tendril_status go(const tnd_trials *t, int index, worker *w, walk *out) {
  const uint32_t episode = t->first + (uint32_t)index;
  TENDRIL_TRY(tendril_controller_reset(w->controller, (uint64_t)t->options.seed, t->series, episode,
                                       w->env, w->obs, &out->err));
  TENDRIL_TRY(push(t, episode, w->env, &out->err));
  const tnd_body start = tnd_body_see(w->env);
  tendril_step step = {0};
  tnd_body body = start;
  while (!out->fell && !step.truncated) {
    TENDRIL_TRY(
        tendril_controller_act(w->controller, w->env, out->steps, w->obs, w->action, &out->err));
    const tendril_status status = tendril_env_step(w->env, w->action, w->obs, &step, &out->err);
    if (status != TENDRIL_OK && status != TENDRIL_E_PHYSICS) return status;
    out->steps++;
    out->fell = status != TENDRIL_OK || step.diverged;
    if (out->fell) break;
    out->cost -= step.reward;
    out->torques += squared_torques(w->env);
    body = tnd_body_see(w->env);
    const double heave = body.height - start.height;
    out->heave += heave * heave;
    out->fell = tnd_fall_seen(&step, &start, &body, t->options.min_height);
  }
  out->metres = body.at[0] - start.at[0];
  return TENDRIL_OK;
}

static void walk_piece(void *context, int piece, int index) {
  tnd_trials *t = context;
  worker *w = &t->workers[index];
  walk *out = &t->walks[piece];
  *out = (walk){0};
  tnd_simbicon_change(w->agent, &t->candidates[piece / t->each]);
  out->status = go(t, piece % t->each, w, out);
}

// A candidate's walks, in their order.
static void add_up(const tnd_trials *t, const walk *walks, tendril_gait_walks *out) {
  const tendril_gait_options *o = &t->options;
  const double T = tendril_model_max_steps(t->model), n = t->each;
  *out = (tendril_gait_walks){.n = t->each};
  for (int i = 0; i < t->each; i++) {
    const walk *w = &walks[i];
    const double speed = w->metres / (w->steps * tendril_model_seconds(t->model));
    const double torques = w->torques / w->steps, heave = w->heave / w->steps;
    const double error = speed - o->speed;
    out->fallen += w->fell;
    out->speed += speed / n;
    out->slowest = i == 0 || speed < out->slowest ? speed : out->slowest;
    out->torques += torques / n;
    out->heave += heave / n;
    out->cost += w->cost / w->steps / n;
    out->value +=
        (o->speed_weight * error * error + o->torque_weight * torques + o->height_weight * heave) /
        n;
    if (w->fell) out->value += o->fall_weight * (2 - w->steps / T) / n;
  }
}

tendril_status tnd_trials_run(tnd_trials *t, const tendril_simbicon_options *candidates, int n,
                              uint32_t series, uint32_t first, int walks, tendril_gait_walks *out,
                              tendril_error *err) {
  t->candidates = candidates;
  t->series = series;
  t->first = first;
  t->each = walks;
  tnd_pool_run(t->pool, n * walks, walk_piece, t);
  for (int i = 0; i < n * walks; i++) {
    const walk *w = &t->walks[i];
    if (w->status != TENDRIL_OK)
      return tnd_fail(err, w->status, "walk %d: %.480s", i % walks, w->err.text);
    t->steps += w->steps;
  }
  for (int k = 0; k < n; k++)
    add_up(t, t->walks + (size_t)k * (size_t)walks, &out[k]);
  return TENDRIL_OK;
}

int64_t tnd_trials_steps(const tnd_trials *trials) {
  return trials->steps;
}

tendril_status tendril_gait_measure(const tendril_model *model,
                                    const tendril_simbicon_options *gait,
                                    const tendril_gait_options *options, tendril_pool *pool,
                                    uint32_t series, int walks, tendril_gait_walks *out,
                                    tendril_error *err) {
  if (walks < 1 || walks > 1000000)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "walks: %d is out of range; use 1 to 1000000", walks);
  TENDRIL_TRY(tnd_options_check(&tnd_simbicon_options, gait, "simbicon", err));
  TENDRIL_TRY(tnd_options_check(&tnd_gait_options, options, "gait", err));
  tnd_trials *trials = NULL;
  TENDRIL_TRY(tnd_trials_create(model, options, pool, walks, &trials, err));
  const tendril_status status = tnd_trials_run(trials, gait, 1, series, 0, walks, out, err);
  tnd_trials_destroy(trials);
  return status;
}

// An agent on each of a model's grounds. An episode is a piece of work with random streams of its
// own, so the result does not depend on the number of threads.
#include <tendril/eval.h>

#include "base/pool.h"
#include "eval/fall.h"
#include "eval/workers.h"

#include <tendril/terrain.h>

#include <math.h>
#include <string.h>

typedef struct episode {
  double distance, seconds, cost;
  int length;
  bool fallen, diverged, met;
  tendril_status status;
  tendril_error err;
} episode;

typedef struct evaluation {
  const tendril_model *model;
  const tendril_grounds_options *options;
  int n;
  tnd_workers workers;
  episode *episodes;  // [n]
  double *values;     // [n]
  tnd_arena arena;
} evaluation;

void tendril_grounds_defaults(tendril_grounds_options *options) {
  *options = (tendril_grounds_options){.min_height = 0.5, .seed = 1};
}

static void layout(evaluation *e, tnd_arena *arena) {
  e->episodes = tnd_arena_take(arena, (size_t)e->n, sizeof *e->episodes);
  e->values = tnd_arena_doubles(arena, (size_t)e->n);
}

// ------------------------------------------------------------------------------------ episodes

static tendril_status play(const evaluation *e, int i, tnd_worker *w, episode *out) {
  const tendril_grounds_options *o = e->options;
  const double dt = tendril_model_seconds(e->model);
  double total = 0;
  tendril_step step;
  TENDRIL_TRY(tendril_env_set_ground(w->env, i, &out->err));
  TENDRIL_TRY(
      tendril_controller_reset(w->controller, o->seed, 0, (uint32_t)i, w->env, w->obs, &out->err));
  const tnd_body start = tnd_body_see(w->env);
  do {
    TENDRIL_TRY(
        tendril_controller_act(w->controller, w->env, out->length, w->obs, w->action, &out->err));
    TENDRIL_TRY(tendril_env_step(w->env, w->action, w->obs, &step, &out->err));
    out->diverged = step.diverged;
    if (out->diverged) break;  // where it was before counts
    out->length++;
    total += step.reward;
    const tnd_body now = tnd_body_see(w->env);
    out->distance = now.at[0] - start.at[0];
    out->met |= tendril_ground_height(tendril_env_mujoco(w->env), now.at[0], NULL) != 0;
    out->fallen = tnd_fall_seen(&step, &start, &now, o->min_height);
  } while (!out->fallen && !step.truncated);
  out->seconds = out->length * dt;
  out->cost = out->length ? -total / out->length : 0;
  return TENDRIL_OK;
}

static void play_episode(void *context, int piece, int index) {
  evaluation *e = context;
  episode *out = &e->episodes[piece];
  out->status = play(e, piece, &e->workers.at[index], out);
}

// ------------------------------------------------------------------------------------ result

static tendril_status sum_up(const evaluation *e, size_t offset, tendril_summary *out,
                             tendril_error *err) {
  for (int i = 0; i < e->n; i++)
    memcpy(&e->values[i], (const char *)&e->episodes[i] + offset, sizeof(double));
  return tendril_summarise(e->values, e->n, e->options->seed, out, err);
}

static tendril_status add_up(const evaluation *e, tendril_grounds_result *r, double *distances,
                             tendril_error *err) {
  *r = (tendril_grounds_result){0};
  for (int i = 0; i < e->n; i++) {
    const episode *ep = &e->episodes[i];
    if (ep->status != TENDRIL_OK)
      return tnd_fail(err, ep->status, "ground %d: %.480s", i, ep->err.text);
    r->upright += !ep->fallen && !ep->diverged;
    r->diverged += ep->diverged;
    r->met += ep->met;
    r->steps += ep->length;
    if (distances) distances[i] = ep->distance;
  }
  TENDRIL_TRY(sum_up(e, offsetof(episode, distance), &r->distance, err));
  TENDRIL_TRY(sum_up(e, offsetof(episode, seconds), &r->seconds, err));
  return sum_up(e, offsetof(episode, cost), &r->cost, err);
}

tendril_status tendril_grounds_evaluate(const tendril_model *model, const tendril_agent *agent,
                                        tendril_pool *pool, const tendril_grounds_options *options,
                                        tendril_grounds_result *result, double *distances,
                                        tendril_error *err) {
  if (!(options->min_height >= 0 && options->min_height <= 1))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "min_height: %g is out of range; use 0 to 1",
                    options->min_height);
  evaluation e = {.model = model, .options = options, .n = tendril_model_grounds(model)};
  layout(&e, &e.arena);
  tendril_status status = tnd_arena_alloc(&e.arena, err);
  if (status == TENDRIL_OK) layout(&e, &e.arena);
  if (status == TENDRIL_OK) status = tnd_workers_create(&e.workers, model, agent, pool, err);
  if (status == TENDRIL_OK) {
    tnd_pool_run(pool, e.n, play_episode, &e);
    status = add_up(&e, result, distances, err);
  }
  tnd_workers_destroy(&e.workers);
  tnd_arena_free(&e.arena);
  return status;
}

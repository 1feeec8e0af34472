// Returns of an agent over many episodes. An episode is a piece of work with random streams of its
// own, so the result does not depend on the number of threads.
#include <tendril/eval.h>

#include "base/pool.h"
#include "eval/workers.h"

#include <string.h>

typedef struct episode {
  double total;
  double terms[TENDRIL_MAX_TERMS];
  int length;
  int held;  // how many of the last states are where the task wants them
  tendril_step last;
  tendril_status status;
  tendril_error err;
} episode;

typedef struct evaluation {
  const tendril_model *model;
  const tendril_eval_options *options;
  tnd_workers workers;
  episode *episodes;  // [options->episodes]
  double *values;     // [options->episodes]
  tnd_arena arena;
} evaluation;

static void layout(evaluation *e, tnd_arena *arena) {
  e->episodes = tnd_arena_take(arena, (size_t)e->options->episodes, sizeof *e->episodes);
  e->values = tnd_arena_doubles(arena, (size_t)e->options->episodes);
}

static bool is_at_goal(const tendril_task *task, tendril_env *env) {
  const mjData *d = tendril_env_data(env);
  return task->goal && task->goal(tendril_env_mujoco(env), d->qpos, d->qvel);
}

static tendril_status play(const evaluation *e, int index, tnd_worker *w, episode *out) {
  const tendril_eval_options *o = e->options;
  const tendril_task *task = tendril_model_task(e->model);
  TENDRIL_TRY(tendril_controller_reset(w->controller, o->seed, o->series, (uint32_t)index, w->env,
                                       w->obs, &out->err));
  do {
    TENDRIL_TRY(
        tendril_controller_act(w->controller, w->env, out->length, w->obs, w->action, &out->err));
    TENDRIL_TRY(tendril_env_step(w->env, w->action, w->obs, &out->last, &out->err));
    out->total += out->last.reward;
    for (int k = 0; k < task->nterm; k++)
      out->terms[k] += out->last.terms[k];
    out->length++;
    out->held = is_at_goal(task, w->env) ? out->held + 1 : 0;
  } while (!out->last.terminated && !out->last.truncated && !out->last.diverged);
  return TENDRIL_OK;
}

static void play_episode(void *context, int piece, int index) {
  evaluation *e = context;
  episode *out = &e->episodes[piece];
  out->status = play(e, piece, &e->workers.at[index], out);
}

// To its time limit and no further, and in the end where the task wants it.
static bool has_succeeded(const episode *ep, const tendril_task *task) {
  const tendril_step *last = &ep->last;
  return last->truncated && !last->terminated && !last->diverged && ep->held >= task->goal_last;
}

// Results over episodes, in their order.
static tendril_status add_up(evaluation *e, tendril_eval_result *result, double *returns,
                             tendril_error *err) {
  const int n = e->options->episodes;
  const tendril_task *task = tendril_model_task(e->model);
  *result = (tendril_eval_result){.succeeded = task->goal ? 0 : -1};
  for (int i = 0; i < n; i++) {
    const episode *ep = &e->episodes[i];
    if (ep->status != TENDRIL_OK)
      return tnd_fail(err, ep->status, "episode %d: %.480s", i, ep->err.text);
    result->steps += ep->length;
    result->terminated += ep->last.terminated;
    result->truncated += ep->last.truncated && !ep->last.terminated;
    result->diverged += ep->last.diverged;
    if (task->goal) result->succeeded += has_succeeded(ep, task);
    for (int k = 0; k < TENDRIL_MAX_TERMS; k++)
      result->terms[k] += ep->terms[k] / n;
  }
  for (int i = 0; i < n; i++)
    e->values[i] = e->episodes[i].length;
  TENDRIL_TRY(tendril_summarise(e->values, n, e->options->seed, &result->lengths, err));
  for (int i = 0; i < n; i++)
    e->values[i] = e->episodes[i].total;
  if (returns) memcpy(returns, e->values, sizeof *returns * (size_t)n);
  return tendril_summarise(e->values, n, e->options->seed, &result->returns, err);
}

tendril_status tendril_evaluate(const tendril_model *model, const tendril_agent *agent,
                                tendril_pool *pool, const tendril_eval_options *options,
                                tendril_eval_result *result, double *returns, tendril_error *err) {
  if (options->episodes < 1 || options->episodes > 1000000)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "episodes: %d is out of range; use 1 to 1000000",
                    options->episodes);
  evaluation e = {.model = model, .options = options};
  layout(&e, &e.arena);
  tendril_status status = tnd_arena_alloc(&e.arena, err);
  if (status == TENDRIL_OK) layout(&e, &e.arena);
  if (status == TENDRIL_OK) status = tnd_workers_create(&e.workers, model, agent, pool, err);
  if (status == TENDRIL_OK) {
    tnd_pool_run(pool, options->episodes, play_episode, &e);
    status = add_up(&e, result, returns, err);
  }
  tnd_workers_destroy(&e.workers);
  tnd_arena_free(&e.arena);
  return status;
}

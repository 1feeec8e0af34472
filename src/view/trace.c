// A ring of snapshots with the actions and rewards between them.
#include "view/trace.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

struct tnd_trace {
  const tendril_model *model;
  int capacity;     // steps
  int first, last;  // times
  int size, nact;
  tendril_env *env;      // for playing
  double *snapshots;     // [capacity + 1][size]
  double *actions;       // [capacity][nact]
  tendril_step *steps;   // [capacity]
  double *totals;        // [capacity + 1] returns so far
  double *obs, *action;  // [nobs], [nact] for playing
  tnd_arena arena;
};

static void layout(tnd_trace *trace, tnd_arena *arena) {
  const size_t n = (size_t)trace->capacity;
  trace->snapshots = tnd_arena_doubles(arena, (n + 1) * (size_t)trace->size);
  trace->actions = tnd_arena_doubles(arena, n * (size_t)trace->nact);
  trace->steps = tnd_arena_take(arena, n, sizeof *trace->steps);
  trace->totals = tnd_arena_doubles(arena, n + 1);
  trace->obs = tnd_arena_doubles(arena, (size_t)tendril_model_nobs(trace->model));
  trace->action = tnd_arena_doubles(arena, (size_t)trace->nact);
}

tendril_status tnd_trace_create(const tendril_model *model, int capacity, tnd_trace **out,
                                tendril_error *err) {
  assert(capacity >= 1);
  tnd_trace *trace = tnd_alloc(sizeof *trace);
  if (!trace) return tnd_fail_memory(err);
  *trace = (tnd_trace){.model = model,
                       .capacity = capacity,
                       .size = tendril_snapshot_size(model),
                       .nact = tendril_model_nact(model)};
  layout(trace, &trace->arena);
  tendril_status status = tnd_arena_alloc(&trace->arena, err);
  if (status == TENDRIL_OK) {
    layout(trace, &trace->arena);
    status = tendril_env_create(model, &trace->env, err);
  }
  if (status == TENDRIL_OK)
    *out = trace;
  else
    tnd_trace_destroy(trace);
  return status;
}

void tnd_trace_destroy(tnd_trace *trace) {
  if (!trace) return;
  tendril_env_destroy(trace->env);
  tnd_arena_free(&trace->arena);
  tnd_free(trace);
}

const tendril_model *tnd_trace_model(const tnd_trace *trace) {
  return trace->model;
}

// ------------------------------------------------------------------------------------ the ring

// Place of the state of time t; of the step from t to t + 1.
static size_t state_at(const tnd_trace *trace, int t) {
  assert(trace->first <= t && t <= trace->last);
  return (size_t)(t % (trace->capacity + 1));
}

static size_t step_at(const tnd_trace *trace, int t) {
  assert(trace->first <= t && t < trace->last);
  return (size_t)(t % trace->capacity);
}

static double *snapshot_at(const tnd_trace *trace, int t) {
  return trace->snapshots + state_at(trace, t) * (size_t)trace->size;
}

void tnd_trace_begin(tnd_trace *trace, const tendril_env *env) {
  trace->first = trace->last = 0;
  tendril_env_save(env, snapshot_at(trace, 0));
  trace->totals[0] = 0;
}

void tnd_trace_add(tnd_trace *trace, const tendril_env *env, const double *action,
                   const tendril_step *step) {
  const int t = trace->last++;
  if (trace->last - trace->first > trace->capacity) trace->first++;
  if (step->diverged)  // its own state is void
    memcpy(snapshot_at(trace, trace->last), snapshot_at(trace, t),
           (size_t)trace->size * sizeof(double));
  else
    tendril_env_save(env, snapshot_at(trace, trace->last));
  memcpy(trace->actions + step_at(trace, t) * (size_t)trace->nact, action,
         (size_t)trace->nact * sizeof(double));
  trace->steps[step_at(trace, t)] = *step;
  trace->totals[state_at(trace, t + 1)] = trace->totals[t % (trace->capacity + 1)] + step->reward;
}

void tnd_trace_amend(tnd_trace *trace, const tendril_env *env) {
  tendril_env_save(env, snapshot_at(trace, trace->last));
}

void tnd_trace_cut(tnd_trace *trace, int t) {
  assert(trace->first <= t && t <= trace->last);
  trace->last = t;
}

int tnd_trace_first(const tnd_trace *trace) {
  return trace->first;
}

int tnd_trace_last(const tnd_trace *trace) {
  return trace->last;
}

const double *tnd_trace_snapshot(const tnd_trace *trace, int t) {
  return snapshot_at(trace, t);
}

const double *tnd_trace_action(const tnd_trace *trace, int t) {
  return trace->actions + step_at(trace, t) * (size_t)trace->nact;
}

const tendril_step *tnd_trace_step(const tnd_trace *trace, int t) {
  return &trace->steps[step_at(trace, t)];
}

double tnd_trace_return(const tnd_trace *trace, int t) {
  return trace->totals[state_at(trace, t)];
}

// ------------------------------------------------------------------------------------ playing

tendril_status tnd_trace_play(tnd_trace *trace, tendril_controller *controller, uint64_t seed,
                              uint32_t episode, const tendril_push *pushes, int n,
                              tendril_error *err) {
  tendril_step step = {0};
  TENDRIL_TRY(tendril_controller_reset(controller, seed, 0, episode, trace->env, trace->obs, err));
  for (int i = 0; i < n; i++)
    TENDRIL_TRY(tendril_env_push(trace->env, &pushes[i], err));
  tnd_trace_begin(trace, trace->env);
  for (int t = 0; !step.terminated && !step.truncated && !step.diverged; t++) {
    TENDRIL_TRY(tendril_controller_act(controller, trace->env, t, trace->obs, trace->action, err));
    TENDRIL_TRY(tendril_env_step(trace->env, trace->action, trace->obs, &step, err));
    tnd_trace_add(trace, trace->env, trace->action, &step);
  }
  return TENDRIL_OK;
}

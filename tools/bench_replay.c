// See bench_replay.h.
#include "bench_replay.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/status.h"
#include "sim/sim.h"

#include <string.h>

typedef struct twin {
  tendril_env *env;
  double *obs;  // [nobs]
  uint32_t episodes;
  bool over;
  double seconds;  // of the last run
  bool differs;
  tendril_status status;
  tendril_error err;
} twin;

struct bench_replay {
  const tendril_model *model;
  tendril_pool *pool;
  uint64_t seed;
  int n;
  twin *twins;  // [n]
  const tendril_batch *batch;
  tnd_arena arena;
};

static void layout(bench_replay *r, tnd_arena *arena) {
  r->twins = tnd_arena_take(arena, (size_t)r->n, sizeof *r->twins);
  for (int i = 0; i < r->n; i++) {
    double *obs = tnd_arena_doubles(arena, (size_t)tendril_model_nobs(r->model));
    if (arena->base) r->twins[i] = (twin){.obs = obs, .over = true};
  }
}

tendril_status bench_replay_create(const tendril_model *model, int streams, uint64_t seed,
                                   tendril_pool *pool, bench_replay **out, tendril_error *err) {
  bench_replay *r = tnd_alloc(sizeof *r);
  if (!r) return tnd_fail_memory(err);
  *r = (bench_replay){.model = model, .pool = pool, .seed = seed, .n = streams};
  layout(r, &r->arena);
  tendril_status status = tnd_arena_alloc(&r->arena, err);
  if (status == TENDRIL_OK) layout(r, &r->arena);
  for (int i = 0; i < r->n && status == TENDRIL_OK; i++)
    status = tendril_env_create(model, &r->twins[i].env, err);
  if (status == TENDRIL_OK)
    *out = r;
  else
    bench_replay_destroy(r);
  return status;
}

void bench_replay_destroy(bench_replay *r) {
  if (!r) return;
  for (int i = 0; r->arena.base && i < r->n; i++)
    tendril_env_destroy(r->twins[i].env);
  tnd_arena_free(&r->arena);
  tnd_free(r);
}

// The bare loop: the path's recorded actions, clipped as MuJoCo itself would.
static void step_path(const bench_replay *r, twin *t, const tendril_path *path) {
  const mjModel *m = tendril_model_mujoco(r->model);
  mjData *d = tendril_env_data(t->env);
  const int physics_steps = tendril_model_physics_steps(r->model);
  const size_t bytes = sizeof(double) * (size_t)r->batch->nact;
  const double begin = tnd_clock_thread();
  for (int64_t row = path->first; row < path->first + path->length; row++) {
    memcpy(d->ctrl, r->batch->action + row * r->batch->nact, bytes);
    for (int k = 0; k < physics_steps; k++)
      mj_step(m, d);
  }
  t->seconds += tnd_clock_thread() - begin;
}

static tendril_status follow(const bench_replay *r, int stream) {
  twin *t = &r->twins[stream];
  const tendril_task *task = tendril_model_task(r->model);
  for (int64_t p = 0; p < r->batch->npath; p++) {
    const tendril_path *path = &r->batch->paths[p];
    if (path->stream != stream) continue;
    if (t->over) {
      tendril_random random =
          tendril_random_stream(r->seed, TENDRIL_PURPOSE_RESET, (uint32_t)stream, t->episodes++);
      TENDRIL_TRY(tendril_env_reset(t->env, &random, t->obs, &t->err));
    }
    step_path(r, t, path);
    t->over = path->end != TENDRIL_END_CUT;
    // the same bits: otherwise the comparison would be of two different things
    task->observe(tendril_model_mujoco(r->model), tendril_env_data(t->env), t->env->state, t->obs);
    const double *expected = r->batch->last_obs + p * r->batch->nobs;
    if (memcmp(t->obs, expected, sizeof *expected * (size_t)r->batch->nobs) != 0) t->differs = true;
  }
  return TENDRIL_OK;
}

static void follow_stream(void *context, int piece, int worker) {
  (void)worker;
  const bench_replay *r = context;
  twin *t = &r->twins[piece];
  t->seconds = 0;
  t->differs = false;
  t->status = follow(r, piece);
}

tendril_status bench_replay_run(bench_replay *r, const tendril_batch *batch, double *seconds,
                                tendril_error *err) {
  r->batch = batch;
  tnd_pool_run(r->pool, r->n, follow_stream, r);
  *seconds = 0;
  for (int i = 0; i < r->n; i++) {
    const twin *t = &r->twins[i];
    if (t->status != TENDRIL_OK) return tnd_fail(err, t->status, "%s", t->err.text);
    if (t->differs)
      return tnd_fail(err, TENDRIL_E_PHYSICS,
                      "the bare loop left the collected states in stream %d; take a policy whose "
                      "episodes do not diverge",
                      i);
    *seconds += t->seconds;
  }
  return TENDRIL_OK;
}

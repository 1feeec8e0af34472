// A quadratic value function of its own for every time step, backed up in time: MOTO's evaluation
// of a policy (Akrour et al. 2018, sec. 4), which may serve another method. It is fitted to each
// batch anew, so there is nothing to save.
#include "base/alloc.h"
#include "critic/local_quadratic.h"
#include "critic/ops.h"

#include <limits.h>
#include <string.h>

typedef struct quadratic {
  tnd_critic base;
  tnd_local_quadratic *fit;
  tnd_step_rows *steps;  // [horizon]
  int *row;              // [capacity] of the lists
  double *s, *next;      // [capacity][nobs]
  bool *terminated;      // [capacity]
  const double *reward;  // of a fit
  tnd_arena arena;
} quadratic;

static void layout(quadratic *c, tnd_arena *arena) {
  const size_t n = (size_t)c->base.capacity, nobs = (size_t)c->base.nobs;
  c->steps = tnd_arena_take(arena, (size_t)c->base.horizon, sizeof *c->steps);
  c->row = tnd_arena_ints(arena, n);
  c->s = tnd_arena_doubles(arena, n * nobs);
  c->next = tnd_arena_doubles(arena, n * nobs);
  c->terminated = tnd_arena_take(arena, n, sizeof *c->terminated);
}

static void destroy(tnd_critic *critic) {
  quadratic *c = (quadratic *)critic;
  tnd_local_quadratic_destroy(c->fit);
  tnd_arena_free(&c->arena);
  tnd_free(c);
}

static void predict(const tnd_critic *critic, int worker, int n, const double *x, const int *time,
                    double *v) {
  (void)worker;
  const quadratic *c = (const quadratic *)critic;
  for (int i = 0; i < n; i++)
    v[i] = tnd_local_quadratic_value(c->fit, time[i], x + (ptrdiff_t)i * critic->nx);
}

static void step_reward(void *context, int t, int n, const int *row, double *y) {
  (void)t;  // a row serves its own step alone
  const quadratic *c = context;
  for (int i = 0; i < n; i++)
    y[i] = c->reward[row[i]];
}

static tendril_status fit_paths(tnd_critic *critic, tendril_pool *pool, const tendril_batch *b,
                                const double *x, const double *x_last, const double *reward,
                                double gamma, tendril_error *err) {
  quadratic *c = (quadratic *)critic;
  const int nx = critic->nx, nobs = critic->nobs;
  const size_t bytes = sizeof *x * (size_t)nobs;
  for (int64_t i = 0; i < b->n; i++)
    memcpy(c->s + i * nobs, x + i * nx, bytes);
  for (int64_t p = 0; p < b->npath; p++) {
    const tendril_path *path = &b->paths[p];
    const int64_t last = path->first + path->length - 1;
    memcpy(c->next + path->first * nobs, c->s + (path->first + 1) * nobs,
           bytes * (size_t)(path->length - 1));
    memcpy(c->next + last * nobs, x_last + p * nx, bytes);
    memset(c->terminated + path->first, 0, sizeof *c->terminated * (size_t)path->length);
    c->terminated[last] = path->end == TENDRIL_END_TERMINATED;
  }
  c->reward = reward;
  tnd_step_rows_by_time(critic->horizon, 0, (int)b->n, b->time, c->row, c->steps);
  const tnd_local_quadratic_data data = {.steps = c->steps,
                                         .s = c->s,
                                         .reward = step_reward,
                                         .context = c,
                                         .next = c->next,
                                         .terminated = c->terminated,
                                         .discount = gamma};
  return tnd_local_quadratic_fit(c->fit, pool, &data, err);
}

static tendril_status save(const tnd_critic *critic, tnd_tensors *tensors, tendril_error *err) {
  (void)critic, (void)tensors, (void)err;
  return TENDRIL_OK;
}

static tendril_status load(tnd_critic *critic, const tnd_tensors *tensors, tendril_error *err) {
  (void)critic, (void)tensors, (void)err;
  return TENDRIL_OK;
}

static const tnd_critic_ops quadratic_ops = {
    .destroy = destroy, .predict = predict, .fit_paths = fit_paths, .save = save, .load = load};

tendril_status tnd_critic_quadratic_create(const tnd_critic *base, tnd_critic **out,
                                           tendril_error *err) {
  if (base->capacity > INT_MAX)
    return tnd_fail(err, TENDRIL_E_CONFIG, "critic.kind: quadratic takes up to %d rows, not %lld",
                    INT_MAX, (long long)base->capacity);
  quadratic *c = tnd_alloc(sizeof *c);
  if (!c) return tnd_fail_memory(err);
  c->base = *base;
  c->base.ops = &quadratic_ops;
  const tnd_local_quadratic_size size = {
      .T = base->horizon, .ns = base->nobs, .ridge = base->options.ridge, .threads = base->threads};
  tendril_status status = tnd_local_quadratic_create(&size, &c->fit, err);
  layout(c, &c->arena);
  if (status == TENDRIL_OK) status = tnd_arena_alloc(&c->arena, err);
  if (status != TENDRIL_OK) {
    destroy(&c->base);
    return status;
  }
  layout(c, &c->arena);
  *out = &c->base;
  return TENDRIL_OK;
}

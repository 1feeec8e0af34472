// What all critics share: creation by kind, prediction in pieces, checks of what a fit is given.
#include "critic/critic.h"

#include <assert.h>

#include "critic/ops.h"
#include "math/linalg.h"

#define X(...) TND_OPTION_ROW(tendril_critic_options, __VA_ARGS__)
static const tnd_option rows_of_options[] = {TENDRIL_CRITIC_OPTIONS(X)};
#undef X
const tnd_option_table tnd_critic_options =
    TND_OPTION_TABLE(tendril_critic_options, rows_of_options);

void tendril_critic_defaults(tendril_critic_options *options) {
  tnd_options_default(&tnd_critic_options, options);
}

typedef tendril_status (*kind_create)(const tnd_critic *base, tnd_critic **out, tendril_error *err);

// Indexed by the option `kind`.
static const kind_create kinds[] = {
    [TENDRIL_CRITIC_NEURAL] = tnd_critic_neural_create,
    [TENDRIL_CRITIC_LINEAR] = tnd_critic_linear_create,
    [TENDRIL_CRITIC_QUADRATIC] = tnd_critic_quadratic_create,
    [TENDRIL_CRITIC_NONE] = tnd_critic_none_create,
};

tendril_status tnd_critic_create(const tendril_critic_options *options, const tnd_critic_size *size,
                                 uint64_t seed, tnd_critic **out, tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(&tnd_critic_options, options, "critic", err));
  if (size->nobs < 1 || size->nx < size->nobs || size->horizon < 1 || size->capacity < 1 ||
      size->capacity > UINT32_MAX || size->threads < 1)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "critic: observations, horizon, rows and threads must be at least 1");
  tnd_critic base = {.options = *options,
                     .nx = size->nx,
                     .nobs = size->nobs,
                     .horizon = size->horizon,
                     .capacity = size->capacity,
                     .threads = size->threads,
                     .seed = seed};
  return kinds[options->kind](&base, out, err);
}

void tnd_critic_destroy(tnd_critic *critic) {
  if (critic) critic->ops->destroy(critic);
}

typedef struct prediction {
  const tnd_critic *critic;
  int64_t n;
  const double *x;
  const int *time;
  double *v;
} prediction;

static void predict_piece(void *context, int piece, int worker) {
  const prediction *p = context;
  int64_t first = (int64_t)piece * TND_CRITIC_PIECE, left = p->n - first;
  int n = left < TND_CRITIC_PIECE ? (int)left : TND_CRITIC_PIECE;
  p->critic->ops->predict(p->critic, worker, n, p->x + first * p->critic->nx, p->time + first,
                          p->v + first);
}

void tnd_critic_predict(const tnd_critic *critic, tendril_pool *pool, int64_t n, const double *x,
                        const int *time, double *v) {
  assert(!pool || tendril_pool_threads(pool) <= critic->threads);
  prediction p = {critic, n, x, time, v};
  int pieces = (int)((n + TND_CRITIC_PIECE - 1) / TND_CRITIC_PIECE);
  if (pool)
    tnd_pool_run(pool, pieces, predict_piece, &p);
  else
    for (int piece = 0; piece < pieces; piece++)
      predict_piece(&p, piece, 0);
}

bool tnd_critic_fits_paths(const tnd_critic *critic) {
  return critic->ops->fit_paths != NULL;
}

tendril_status tnd_critic_fit_paths(tnd_critic *critic, tendril_pool *pool,
                                    const tendril_batch *batch, const double *x,
                                    const double *x_last, const double *reward, double gamma,
                                    tendril_error *err) {
  return critic->ops->fit_paths(critic, pool, batch, x, x_last, reward, gamma, err);
}

tendril_status tnd_critic_fit(tnd_critic *critic, int64_t n, const double *x, const int *time,
                              const double *targets, uint32_t iteration, tendril_error *err) {
  if (n <= 0) return TENDRIL_OK;
  if (n > critic->capacity)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "critic: %lld rows; it was made for %lld",
                    (long long)n, (long long)critic->capacity);
  if (!tnd_all_finite(n, targets))
    return tnd_fail(err, TENDRIL_E_NUMERIC, "critic: a value target is not finite");
  return critic->ops->fit(critic, n, x, time, targets, iteration, err);
}

tendril_status tnd_critic_save(const tnd_critic *critic, tnd_tensors *tensors, tendril_error *err) {
  return critic->ops->save(critic, tensors, err);
}

tendril_status tnd_critic_load(tnd_critic *critic, const tnd_tensors *tensors, tendril_error *err) {
  return critic->ops->load(critic, tensors, err);
}

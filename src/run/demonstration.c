#include "run/demonstration.h"

#include "base/alloc.h"
#include "sim/sim.h"

#include <string.h>

#define X(...) TND_OPTION_ROW(tendril_demonstration_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_DEMONSTRATION_OPTIONS(X)};
#undef X
const tnd_option_table tnd_demonstration_options =
    TND_OPTION_TABLE(tendril_demonstration_options, option_rows);

static void layout(tnd_demonstrations *d, int T, const mjModel *m) {
  const size_t count = (size_t)d->n, steps = (size_t)T, nu = (size_t)m->nu;
  d->of = tnd_arena_take(&d->arena, count, sizeof *d->of);
  d->x = tnd_arena_doubles(&d->arena, count * (steps + 1) * (size_t)(m->nq + m->nv));
  d->u = tnd_arena_doubles(&d->arena, count * steps * nu);
  d->K = tnd_arena_doubles(&d->arena, count * steps * nu * 2 * (size_t)m->nv);
  d->pushes = tnd_arena_take(&d->arena, count, sizeof *d->pushes);
}

tendril_status tnd_demonstrations_create(const tendril_config *config, const tendril_model *model,
                                         tnd_demonstrations *out, tendril_error *err) {
  const tendril_demonstration_options *o = &config->demonstration;
  const mjModel *m = model->mujoco;
  const int T = (int)o->steps;
  *out = (tnd_demonstrations){0};
  if (o->starts > o->steps)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "demonstration.starts: %lld states of a demonstration of %lld steps; they must "
                    "not be more",
                    (long long)o->starts, (long long)o->steps);
  if (T == 0) return TENDRIL_OK;
  out->n = (int)o->count;
  layout(out, T, m);
  TENDRIL_TRY(tnd_arena_alloc(&out->arena, err));
  layout(out, T, m);
  const ptrdiff_t nx = m->nq + m->nv, nu = m->nu, n = 2 * m->nv;
  const int grounds = model->nground > 0 ? model->nground : 1;
  const bool pushed = tnd_disturbance_acts(&model->disturbance);
  for (int i = 0; i < out->n; i++) {
    const tendril_random random =
        tendril_random_stream((uint64_t)o->seed, TENDRIL_PURPOSE_EVAL_RESET, 0, (uint32_t)i);
    tnd_disturbance_first(&model->disturbance, &random, &out->pushes[i]);
    out->of[i] =
        (tendril_trajectory){.ground = i % grounds,
                             .pushes = pushed && i < o->count - o->calm ? &out->pushes[i] : NULL,
                             .T = T,
                             .nx = (int)nx,
                             .n = (int)n,
                             .nu = (int)nu,
                             .x = out->x + i * (T + 1) * nx,
                             .u = out->u + i * T * nu,
                             .K = out->K + i * T * nu * n};
  }
  return TENDRIL_OK;
}

void tnd_demonstrations_free(tnd_demonstrations *d) {
  tnd_arena_free(&d->arena);
  *d = (tnd_demonstrations){0};
}

tendril_status tnd_demonstrations_start(const tnd_demonstrations *d, const tendril_config *config,
                                        tendril_model *model, tendril_error *err) {
  const int starts = (int)config->demonstration.starts;
  if (d->n == 0 || starts == 0) return TENDRIL_OK;
  // those of the demonstrations one after the other
  const size_t each = (size_t)starts * (size_t)d->of[0].nx;
  double *x = tnd_alloc(sizeof *x * each * (size_t)d->n);
  if (!x) return tnd_fail_memory(err);
  for (int i = 0; i < d->n; i++)
    memcpy(x + (size_t)i * each, d->of[i].x, sizeof *x * each);
  const tendril_status status = tendril_model_set_starts(model, d->n, starts, x, err);
  tnd_free(x);
  return status;
}

tendril_status tnd_demonstrations_save(const tnd_demonstrations *d, tnd_tensors *tensors,
                                       tendril_error *err) {
  if (d->n == 0) return TENDRIL_OK;
  const tendril_trajectory *y = d->of;
  TENDRIL_TRY(
      tnd_tensors_put(tensors, "demonstration.x", d->n * (int64_t)(y->T + 1), y->nx, d->x, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "demonstration.u", d->n * (int64_t)y->T, y->nu, d->u, err));
  return tnd_tensors_put(tensors, "demonstration.K", d->n * (int64_t)y->T * y->nu, y->n, d->K, err);
}

tendril_status tnd_demonstrations_load(tnd_demonstrations *d, const tnd_tensors *tensors,
                                       tendril_error *err) {
  if (d->n == 0) return TENDRIL_OK;
  const tendril_trajectory *y = d->of;
  TENDRIL_TRY(
      tnd_tensors_get(tensors, "demonstration.x", d->n * (int64_t)(y->T + 1), y->nx, d->x, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "demonstration.u", d->n * (int64_t)y->T, y->nu, d->u, err));
  return tnd_tensors_get(tensors, "demonstration.K", d->n * (int64_t)y->T * y->nu, y->n, d->K, err);
}

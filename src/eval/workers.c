// Workers: an environment, a controller and two rows each. See workers.h.
#include "eval/workers.h"

static void layout(tnd_workers *w, const tendril_model *model, tnd_arena *arena) {
  w->at = tnd_arena_take(arena, (size_t)w->n, sizeof *w->at);
  for (int i = 0; i < w->n; i++) {
    double *obs = tnd_arena_doubles(arena, (size_t)tendril_model_nobs(model));
    double *action = tnd_arena_doubles(arena, (size_t)tendril_model_nact(model));
    if (arena->base) w->at[i] = (tnd_worker){.obs = obs, .action = action};
  }
}

tendril_status tnd_workers_create(tnd_workers *w, const tendril_model *model,
                                  const tendril_agent *agent, const tendril_pool *pool,
                                  tendril_error *err) {
  *w = (tnd_workers){.n = tendril_pool_threads(pool)};
  layout(w, model, &w->arena);
  TENDRIL_TRY(tnd_arena_alloc(&w->arena, err));
  layout(w, model, &w->arena);
  for (int i = 0; i < w->n; i++) {
    TENDRIL_TRY(tendril_env_create(model, &w->at[i].env, err));
    TENDRIL_TRY(tendril_controller_create(agent, model, &w->at[i].controller, err));
  }
  return TENDRIL_OK;
}

void tnd_workers_destroy(tnd_workers *w) {
  for (int i = 0; w->arena.base && i < w->n; i++) {
    tendril_env_destroy(w->at[i].env);
    tendril_controller_destroy(w->at[i].controller);
  }
  tnd_arena_free(&w->arena);
}

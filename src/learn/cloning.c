// See cloning.h.
#include "learn/cloning.h"

#include <string.h>

static void layout(tnd_cloning *c, tnd_arena *arena) {
  const size_t groups = (size_t)c->n * (size_t)c->taught, capacity = (size_t)c->capacity;
  const size_t m = (size_t)c->nact;
  c->obs = tnd_arena_doubles(arena, capacity * (size_t)c->nobs);
  c->target = tnd_arena_doubles(arena, capacity * m);
  c->precision = tnd_arena_doubles(arena, groups * m * m);
  c->time = tnd_arena_ints(arena, capacity);
  c->group = tnd_arena_ints(arena, capacity);
}

static tendril_status create_guides(tnd_cloning *c, const tendril_learner_setup *setup,
                                    const tnd_cloning_options *o, tendril_error *err) {
  tnd_guide_options guide = o->guide;
  tendril_ilqg_defaults(&guide.ilqg);
  guide.ilqg.hold_qpos = o->hold_qpos;
  guide.ilqg.hold_qvel = o->hold_qvel;
  if (o->adapts) guide.ilqg.damping = 0;  // a trajectory is never far from the last one
  c->guides = tnd_alloc(sizeof *c->guides * (size_t)c->n);
  if (!c->guides) return tnd_fail_memory(err);
  for (int i = 0; i < c->n; i++) {
    const tendril_trajectory *y = &setup->demonstrations[i];
    TENDRIL_TRY(tnd_guide_create(setup->model, y->ground, setup->policy, y->T, &guide, setup->pool,
                                 &c->guides[i], err));
    tnd_guide_set_scale(c->guides[i], o->cost_scale);
    tnd_guide_set_pushes(c->guides[i], y->pushes);
    TENDRIL_TRY(tnd_guide_start(c->guides[i], y->x, y->u, err));
  }
  c->taught = tnd_guide_taught(c->guides[0]);
  return TENDRIL_OK;
}

static tendril_status create_parts(tnd_cloning *c, const tendril_learner_setup *setup,
                                   const tnd_cloning_options *options, tendril_error *err) {
  TENDRIL_TRY(create_guides(c, setup, options, err));
  c->capacity = (int64_t)c->n * c->taught * options->guide.samples;
  layout(c, &c->arena);
  TENDRIL_TRY(tnd_arena_alloc(&c->arena, err));
  layout(c, &c->arena);
  const int m = c->nact;
  for (int i = 0; i < c->n; i++)
    memcpy(c->precision + (ptrdiff_t)i * c->taught * m * m, tnd_guide_precision(c->guides[i]),
           sizeof *c->precision * (size_t)(c->taught * m * m));
  c->rows = (tnd_regression_rows){.obs = c->obs,
                                  .time = c->time,
                                  .target = c->target,
                                  .ngroup = c->n * c->taught,
                                  .group = c->group,
                                  .precision = c->precision};
  return TENDRIL_OK;
}

tendril_status tnd_cloning_create(const tendril_learner_setup *setup,
                                  const tnd_cloning_options *options, const char *method,
                                  tnd_cloning **out, tendril_error *err) {
  if (setup->ndemonstration == 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%s: there is no demonstration to begin with; give its length, "
                    "demonstration.steps",
                    method);
  tnd_cloning *c = tnd_alloc(sizeof *c);
  if (!c) return tnd_fail_memory(err);
  c->n = setup->ndemonstration;
  c->nobs = tendril_policy_nobs(setup->policy);
  c->nact = tendril_policy_nact(setup->policy);
  const tendril_status status = create_parts(c, setup, options, err);
  if (status == TENDRIL_OK)
    *out = c;
  else
    tnd_cloning_destroy(c);
  return status;
}

void tnd_cloning_destroy(tnd_cloning *c) {
  if (!c) return;
  for (int i = 0; c->guides && i < c->n; i++)
    tnd_guide_destroy(c->guides[i]);
  tnd_free(c->guides);
  tnd_arena_free(&c->arena);
  tnd_free(c);
}

void tnd_cloning_add(tnd_cloning *c, int i) {
  int64_t rows = c->rows.n;
  c->rows.n += tnd_guide_rows(c->guides[i], c->obs + rows * c->nobs, c->target + rows * c->nact,
                              c->time + rows);
  for (; rows < c->rows.n; rows++)
    c->group[rows] = i * c->taught + c->time[rows];
}

tendril_status tnd_cloning_sample(tnd_cloning *c, uint64_t seed, tnd_cloning_stats *stats,
                                  tendril_error *err) {
  *stats = (tnd_cloning_stats){0};
  c->rows.n = 0;
  for (int i = 0; i < c->n; i++) {
    tnd_guide_samples drawn;
    TENDRIL_TRY(tnd_guide_sample(c->guides[i], seed + (uint64_t)i, 0, &drawn, err));
    tnd_cloning_add(c, i);
    stats->cost += drawn.cost / c->taught / c->n;
    stats->physics += drawn.physics;
    stats->steps += drawn.steps;
  }
  stats->survived = (double)c->rows.n / (double)c->capacity;
  return TENDRIL_OK;
}

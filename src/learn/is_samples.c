// See is_samples.h.
#include "learn/is_samples.h"

#include "learn/policy_noise.h"

#include <math.h>
#include <string.h>

// Of each demonstration in a slot.
static int count_of(const tnd_is_samples *s, int slot) {
  return slot == 0 ? s->samples : s->rollouts;
}

int tnd_is_samples_first(const tnd_is_samples *s, int slot) {
  return slot == 0 ? 0 : s->n * (s->samples + (slot - 1) * s->rollouts);
}

int tnd_is_samples_capacity(const tnd_is_samples *s) {
  return tnd_is_samples_first(s, s->keep + 1);
}

static ptrdiff_t row_of(const tnd_is_samples *s, int path) {
  return (ptrdiff_t)path * s->T;
}

static void layout(tnd_is_samples *s, tnd_arena *arena) {
  const size_t capacity = (size_t)tnd_is_samples_capacity(s), rows = capacity * (size_t)s->T;
  s->kept = tnd_arena_ints(arena, (size_t)s->n);
  s->theta = tnd_arena_doubles(arena, (size_t)s->keep * (size_t)s->nparam);
  s->x = tnd_arena_doubles(arena, rows * (size_t)s->nx);
  s->obs = tnd_arena_doubles(arena, rows * (size_t)s->nobs);
  s->action = tnd_arena_doubles(arena, rows * (size_t)s->nact);
  s->reward = tnd_arena_doubles(arena, rows);
  s->length = tnd_arena_ints(arena, capacity);
  s->set = tnd_arena_ints(arena, capacity);
  s->sigma = tnd_arena_doubles(arena, (size_t)s->nact);
  s->log_p = tnd_arena_doubles(arena, rows);
  s->log_share = tnd_arena_doubles(arena, (size_t)s->n);
}

tendril_status tnd_is_samples_alloc(tnd_is_samples *s, tendril_error *err) {
  layout(s, &s->arena);
  TENDRIL_TRY(tnd_arena_alloc(&s->arena, err));
  layout(s, &s->arena);
  // which set a path is of follows from its place
  for (int slot = 0; slot <= s->keep; slot++)
    for (int k = 0; k < s->n * count_of(s, slot); k++)
      s->set[tnd_is_samples_first(s, slot) + k] = k / count_of(s, slot);
  return TENDRIL_OK;
}

void tnd_is_samples_free(tnd_is_samples *s) {
  tnd_arena_free(&s->arena);
}

tnd_guide_paths tnd_is_samples_of(const tnd_is_samples *s, int slot, int i) {
  const int count = count_of(s, slot), first = tnd_is_samples_first(s, slot) + i * count;
  const ptrdiff_t row = row_of(s, first);
  return (tnd_guide_paths){.count = count,
                           .x = s->x + row * s->nx,
                           .obs = s->obs + row * s->nobs,
                           .action = s->action + row * s->nact,
                           .cost = s->reward + row,
                           .length = s->length + first};
}

// --------------------------------------------------------------------------------------- drawing

// Fills a slot with paths of q or of the policy.
static void fill(tnd_is_samples *s, int slot, uint32_t stream, tnd_is_drawn *all) {
  tnd_policy_noise_get(s->policy, 1, 1, s->sigma);
  *all = (tnd_is_drawn){0};
  for (int i = 0; i < s->n; i++) {
    const tnd_guide_paths paths = tnd_is_samples_of(s, slot, i);
    tnd_guide_paths_stats drawn;
    tnd_guide_draw_paths(s->guides[i], slot == 0 ? NULL : s->sigma, s->seed + (uint64_t)i, stream,
                         &paths, &drawn);
    for (ptrdiff_t k = 0; k < row_of(s, paths.count); k++)
      paths.cost[k] = -paths.cost[k];  // r = -l
    if (slot == 0) s->kept[i] = paths.count - drawn.lost;
    all->cost += drawn.cost / s->T / s->n;
    all->diverged += drawn.diverged;
    all->steps += drawn.steps;
    all->physics += drawn.physics;
  }
}

tendril_status tnd_is_samples_guide(tnd_is_samples *s, uint32_t stream, const char *method,
                                    tnd_is_drawn *drawn, tendril_error *err) {
  fill(s, 0, stream, drawn);
  for (int i = 0; i < s->n; i++)
    if (s->kept[i] == 0)
      return tnd_fail(err, TENDRIL_E_NUMERIC,
                      "%s: none of %d samples of a trajectory stays within reach: with this noise "
                      "it falls; use a larger learner.cost_scale or demonstration.iterations",
                      method, s->samples);
  if (s->filled == 0) s->filled = 1;
  return TENDRIL_OK;
}

static void make_room(tnd_is_samples *s) {
  if (s->filled <= s->keep) return;
  const int to = tnd_is_samples_first(s, 1), from = tnd_is_samples_first(s, 2);
  const size_t n = (size_t)(tnd_is_samples_first(s, s->filled) - from), rows = n * (size_t)s->T;
  const ptrdiff_t a = row_of(s, to), b = row_of(s, from);
  memmove(s->x + a * s->nx, s->x + b * s->nx, sizeof *s->x * rows * (size_t)s->nx);
  memmove(s->obs + a * s->nobs, s->obs + b * s->nobs, sizeof *s->obs * rows * (size_t)s->nobs);
  memmove(s->action + a * s->nact, s->action + b * s->nact,
          sizeof *s->action * rows * (size_t)s->nact);
  memmove(s->reward + a, s->reward + b, sizeof *s->reward * rows);
  memmove(s->length + to, s->length + from, sizeof *s->length * n);
  s->filled--;
  memmove(s->theta, s->theta + s->nparam,
          sizeof *s->theta * (size_t)(s->filled - 1) * (size_t)s->nparam);
}

void tnd_is_samples_join(tnd_is_samples *s, uint32_t stream, tnd_is_drawn *drawn) {
  make_room(s);
  memcpy(s->theta + (ptrdiff_t)(s->filled - 1) * s->nparam, tendril_policy_get_params(s->policy),
         sizeof *s->theta * (size_t)s->nparam);
  fill(s, s->filled++, stream, drawn);
}

// ----------------------------------------------------------------------------------------- mixture

// log_share [n]: of each set's paths, lost ones aside, those of a slot.
static void share(tnd_is_samples *s, int slot) {
  for (int i = 0; i < s->n; i++) {
    const double all = s->kept[i] + (double)(s->filled - 1) * s->rollouts;
    s->log_share[i] = log((slot == 0 ? s->kept[i] : s->rollouts) / all);
  }
}

void tnd_is_samples_mix(tnd_is_samples *s, tnd_is_objective *objective) {
  const tnd_is_paths paths = {.n = tnd_is_samples_first(s, s->filled),
                              .T = s->T,
                              .nset = s->n,
                              .set = s->set,
                              .length = s->length,
                              .obs = s->obs,
                              .action = s->action,
                              .reward = s->reward};
  tnd_is_objective_begin(objective, &paths);
  for (int slot = 0; slot < s->filled; slot++)
    for (int i = 0; i < s->n; i++) {
      const tnd_guide_paths of = tnd_is_samples_of(s, slot, i);
      tnd_guide_log_density(s->guides[i], &of, s->log_p + (of.cost - s->reward));
    }
  share(s, 0);
  tnd_is_mix(objective, s->log_share, s->log_p);
  for (int slot = 1; slot < s->filled; slot++) {
    // finite: it was the policy's before
    const double *theta = s->theta + (ptrdiff_t)(slot - 1) * s->nparam;
    tendril_status set = tendril_policy_set_params(s->policy, theta, NULL);
    (void)set;
    tnd_is_log_density(objective, s->log_p);
    share(s, slot);
    tnd_is_mix(objective, s->log_share, s->log_p);
  }
}

// ------------------------------------------------------------------------------------- checkpoints

tendril_status tnd_is_samples_save(const tnd_is_samples *s, tnd_tensors *tensors,
                                   tendril_error *err) {
  const int n = tnd_is_samples_first(s, s->filled);
  const int64_t rows = row_of(s, n), filled = s->filled;
  TENDRIL_TRY(tnd_tensors_put_ints(tensors, "isgps.slots", 1, &filled, err));
  if (filled == 0) return TENDRIL_OK;
  TENDRIL_TRY(tnd_tensors_put(tensors, "isgps.policies", filled - 1, s->nparam, s->theta, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "isgps.state", rows, s->nx, s->x, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "isgps.obs", rows, s->nobs, s->obs, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "isgps.action", rows, s->nact, s->action, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "isgps.reward", rows, 0, s->reward, err));
  int64_t *length = tnd_alloc(sizeof *length * (size_t)n);
  if (!length) return tnd_fail_memory(err);
  for (int i = 0; i < n; i++)
    length[i] = s->length[i];
  const tendril_status status = tnd_tensors_put_ints(tensors, "isgps.length", n, length, err);
  tnd_free(length);
  return status;
}

static tendril_status load_lengths(tnd_is_samples *s, int n, const tnd_tensors *tensors,
                                   tendril_error *err) {
  int64_t *length = tnd_alloc(sizeof *length * (size_t)n);
  if (!length) return tnd_fail_memory(err);
  tendril_status status = tnd_tensors_get_ints(tensors, "isgps.length", n, length, err);
  for (int i = 0; i < n && status == TENDRIL_OK; i++) {
    if (length[i] < (i < tnd_is_samples_first(s, 1) ? 0 : 1) || length[i] > s->T)
      status = tnd_tensors_refuse(tensors, "isgps.length", "out of range", err);
    s->length[i] = (int)length[i];
  }
  tnd_free(length);
  for (int i = 0; i < s->n && status == TENDRIL_OK; i++) {
    s->kept[i] = 0;
    for (int k = 0; k < s->samples; k++)
      s->kept[i] += s->length[i * s->samples + k] > 0;
    if (s->kept[i] == 0)
      status = tnd_tensors_refuse(tensors, "isgps.length", "leaves no samples", err);
  }
  return status;
}

tendril_status tnd_is_samples_load(tnd_is_samples *s, const tnd_tensors *tensors,
                                   tendril_error *err) {
  int64_t filled;
  s->filled = 0;
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "isgps.slots", 1, &filled, err));
  if (filled < 0 || filled == 1 || filled > s->keep + 1)
    return tnd_tensors_refuse(tensors, "isgps.slots", "out of range", err);
  if (filled == 0) return TENDRIL_OK;
  const int n = tnd_is_samples_first(s, (int)filled);
  const int64_t rows = row_of(s, n);
  TENDRIL_TRY(tnd_tensors_get(tensors, "isgps.policies", filled - 1, s->nparam, s->theta, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "isgps.state", rows, s->nx, s->x, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "isgps.obs", rows, s->nobs, s->obs, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "isgps.action", rows, s->nact, s->action, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "isgps.reward", rows, 0, s->reward, err));
  TENDRIL_TRY(load_lengths(s, n, tensors, err));
  s->filled = (int)filled;
  return TENDRIL_OK;
}

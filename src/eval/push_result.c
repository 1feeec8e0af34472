// The result of pushes: which grids make sense, its memory, and what outcomes add up to.
#include "eval/push_result.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

// ------------------------------------------------------------------------------------ options

void tendril_push_defaults(tendril_push_options *options) {
  *options = (tendril_push_options){.phases = 8,
                                    .replicas = 5,
                                    .seconds = 0.1,
                                    .settle = 3,
                                    .watch = 3,
                                    .recover = 2,
                                    .share = 0.8,
                                    .min_height = 0.6,
                                    .max_tilt = 1,
                                    .min_speed = 0.5,
                                    .seed = 1};
}

static tendril_status check_number(const char *name, double value, double least, double most,
                                   tendril_error *err) {
  if (value >= least && value <= most) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "pushes: %s %g is out of range; use %g to %g", name,
                  value, least, most);
}

tendril_status tnd_push_check(const tendril_push_options *o, tendril_error *err) {
  if (o->nnewton < 1 || o->ndirection < 1 || o->phases < 1 || o->replicas < 1)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "pushes: an empty grid: %d sizes x %d directions x %d phases x %d replicas",
                    o->nnewton, o->ndirection, o->phases, o->replicas);
  if (((double)o->nnewton + 1) * o->ndirection * o->phases * o->replicas > 1e7)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "pushes: more than ten million rollouts; ask for less");
  TENDRIL_TRY(check_number("seconds", o->seconds, 1e-4, 60, err));
  TENDRIL_TRY(check_number("settle", o->settle, 0, 1000, err));
  TENDRIL_TRY(check_number("watch", o->watch, 0.1, 1000, err));
  if (o->period != 0) TENDRIL_TRY(check_number("period", o->period, 1e-3, 1000, err));
  TENDRIL_TRY(check_number("recover", o->recover, 0.1, 1000, err));
  TENDRIL_TRY(check_number("share", o->share, 1e-3, 1, err));
  TENDRIL_TRY(check_number("min_height", o->min_height, -1e3, 1, err));
  TENDRIL_TRY(check_number("max_tilt", o->max_tilt, 0, 4, err));
  TENDRIL_TRY(check_number("min_speed", o->min_speed, -1, 1, err));
  for (int i = 0; i < o->nnewton; i++) {
    TENDRIL_TRY(check_number("newtons", o->newtons[i], 0, 1e9, err));
    if (i && !(o->newtons[i] > o->newtons[i - 1]))
      return tnd_fail(err, TENDRIL_E_ARGUMENT, "pushes: newtons must rise; %g follows %g",
                      o->newtons[i], o->newtons[i - 1]);
  }
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ life

static int cells(const tendril_push_options *o) {
  return o->ndirection * o->phases * o->nnewton;
}

typedef struct owned {
  tendril_push_result result;
  double *newtons;
  tnd_arena arena;
} owned;

static void layout_result(owned *r, const tendril_push_options *o, tnd_arena *arena) {
  const size_t n = (size_t)cells(o), rows = (size_t)o->ndirection * (size_t)o->phases;
  r->newtons = tnd_arena_doubles(arena, (size_t)o->nnewton);
  r->result.recovered = tnd_arena_ints(arena, n);
  r->result.fallen = tnd_arena_ints(arena, n);
  r->result.threshold = tnd_arena_doubles(arena, rows);
  r->result.direction_threshold = tnd_arena_doubles(arena, (size_t)o->ndirection);
  r->result.calm = tnd_arena_ints(arena, (size_t)o->phases);
}

tendril_status tnd_push_result_create(const tendril_push_options *o, tendril_push_result **out,
                                      tendril_error *err) {
  owned *r = tnd_alloc(sizeof *r);
  if (!r) return tnd_fail_memory(err);
  layout_result(r, o, &r->arena);
  const tendril_status status = tnd_arena_alloc(&r->arena, err);
  if (status != TENDRIL_OK) {
    tnd_free(r);
    return status;
  }
  layout_result(r, o, &r->arena);
  memcpy(r->newtons, o->newtons, sizeof *r->newtons * (size_t)o->nnewton);
  r->result.newtons = r->newtons;
  r->result.ndirection = o->ndirection;
  r->result.nphase = o->phases;
  r->result.nnewton = o->nnewton;
  r->result.replicas = o->replicas;
  *out = &r->result;
  return TENDRIL_OK;
}

void tendril_push_result_destroy(tendril_push_result *result) {
  if (!result) return;
  owned *r = (owned *)(void *)result;
  tnd_arena_free(&r->arena);
  tnd_free(r);
}

// ------------------------------------------------------------------------------------ the sums

void tnd_push_result_count(tendril_push_result *r, const tendril_push_options *o,
                           const unsigned char *outcomes) {
  const size_t row = (size_t)o->nnewton + 1;
  for (int i = 0; i < o->replicas; i++)
    for (int p = 0; p < o->phases; p++)
      for (int d = 0; d < o->ndirection; d++) {
        const size_t piece = (size_t)i * (size_t)o->phases + (size_t)p;
        const unsigned char *from = outcomes + (piece * (size_t)o->ndirection + (size_t)d) * row;
        for (int k = 0; k < o->nnewton; k++) {
          const int cell = (d * o->phases + p) * o->nnewton + k;
          r->recovered[cell] += from[k] == TND_RECOVERED;
          r->fallen[cell] += from[k] == TND_FALLEN;
        }
        if (d == 0) r->calm[p] += from[o->nnewton] == TND_RECOVERED;
      }

  // single pushes mislead: a push counts if all that are smaller pass, too
  for (int d = 0; d < o->ndirection; d++) {
    r->direction_threshold[d] = HUGE_VAL;
    for (int p = 0; p < o->phases; p++) {
      const int *at = r->recovered + ((ptrdiff_t)d * o->phases + p) * o->nnewton;
      double *threshold = &r->threshold[d * o->phases + p];
      for (int k = 0; k < o->nnewton && at[k] >= o->share * o->replicas - 1e-9; k++)
        *threshold = o->newtons[k];
      r->direction_threshold[d] = fmin(r->direction_threshold[d], *threshold);
    }
  }
}

double tendril_push_velocity(const tendril_push_result *result, double newtons) {
  return newtons * result->seconds / result->mass;
}

double tendril_push_threshold(const tendril_push_result *result) {
  double least = result->direction_threshold[0];
  for (int i = 1; i < result->ndirection; i++)
    least = fmin(least, result->direction_threshold[i]);
  return least;
}

// Whether a task continues from its snapshots: a plugin may keep a part of its state where no
// snapshot finds it. Episodes of random actions are repeated from some of their states in another
// environment and compared bit by bit.
#include "rollout/vine.h"

#include "base/alloc.h"

#include <string.h>

enum { EPISODES = 3, STEPS = 64, PLACES = 4 };

typedef struct rehearsal {
  const tendril_model *model;
  tendril_env *env, *other;
  int nobs, nact, size;
  double *snapshots;  // [STEPS][size] before every step
  double *actions;    // [STEPS][nact]
  double *obs;        // [STEPS + 1][nobs] before every step and after the last
  double *again;      // [nobs]
  tendril_step steps[STEPS];
  tnd_arena arena;
} rehearsal;

static void layout(rehearsal *r, tnd_arena *arena) {
  r->snapshots = tnd_arena_doubles(arena, (size_t)STEPS * (size_t)r->size);
  r->actions = tnd_arena_doubles(arena, (size_t)STEPS * (size_t)r->nact);
  r->obs = tnd_arena_doubles(arena, (size_t)(STEPS + 1) * (size_t)r->nobs);
  r->again = tnd_arena_doubles(arena, (size_t)r->nobs);
}

static tendril_status create_parts(rehearsal *r, tendril_error *err) {
  layout(r, &r->arena);
  TENDRIL_TRY(tnd_arena_alloc(&r->arena, err));
  layout(r, &r->arena);
  TENDRIL_TRY(tendril_env_create(r->model, &r->env, err));
  return tendril_env_create(r->model, &r->other, err);
}

static bool over(const tendril_step *step) {
  return step->terminated || step->truncated || step->diverged;
}

// An episode of up to STEPS steps, recorded; *n of them.
static tendril_status play(rehearsal *r, uint32_t episode, int *n, tendril_error *err) {
  tendril_random random = tendril_random_stream(0, TENDRIL_PURPOSE_TEST, episode, 0);
  TENDRIL_TRY(tendril_env_reset(r->env, &random, r->obs, err));
  random = tendril_random_stream(0, TENDRIL_PURPOSE_TEST, episode, 1);
  for (*n = 0; *n < STEPS; (*n)++) {
    if (*n > 0 && over(&r->steps[*n - 1])) break;
    double *action = r->actions + *n * r->nact;
    tendril_random_normals(&random, r->nact, action);
    tendril_env_save(r->env, r->snapshots + *n * r->size);
    TENDRIL_TRY(tendril_env_step(r->env, action, r->obs + (*n + 1) * r->nobs, &r->steps[*n], err));
  }
  return TENDRIL_OK;
}

static bool same(const rehearsal *r, const double *obs, const double *again) {
  return memcmp(obs, again, sizeof *obs * (size_t)r->nobs) == 0;
}

// The steps from .. n-1 once more, in the other environment; *at is the first that differs, or n.
static tendril_status repeat(rehearsal *r, int from, int n, int *at, tendril_error *err) {
  tendril_env_restore(r->other, r->snapshots + from * r->size, r->again);
  *at = from;
  if (!same(r, r->obs + from * r->nobs, r->again)) return TENDRIL_OK;
  for (; *at < n; (*at)++) {
    tendril_step step;
    const tendril_step *was = &r->steps[*at];
    TENDRIL_TRY(tendril_env_step(r->other, r->actions + *at * r->nact, r->again, &step, err));
    if (!same(r, r->obs + (*at + 1) * r->nobs, r->again) || step.reward != was->reward ||
        step.terminated != was->terminated || step.truncated != was->truncated ||
        step.diverged != was->diverged)
      return TENDRIL_OK;
  }
  return TENDRIL_OK;
}

static tendril_status check(rehearsal *r, tendril_error *err) {
  for (uint32_t episode = 0; episode < EPISODES; episode++) {
    int n, at;
    TENDRIL_TRY(play(r, episode, &n, err));
    for (int place = 0; place < PLACES; place++) {
      TENDRIL_TRY(repeat(r, n * place / PLACES, n, &at, err));
      if (at < n)
        return tnd_fail(err, TENDRIL_E_CONFIG,
                        "task %s: cannot be restored from a snapshot: step %d of an episode came "
                        "out differently; vine needs all that its steps depend on in the task's "
                        "state (nstate)",
                        tendril_model_task(r->model)->name, at);
    }
  }
  return TENDRIL_OK;
}

tendril_status tnd_check_restorable(const tendril_model *model, tendril_error *err) {
  rehearsal r = {.model = model,
                 .nobs = tendril_model_nobs(model),
                 .nact = tendril_model_nact(model),
                 .size = tendril_snapshot_size(model)};
  tendril_status status = create_parts(&r, err);
  if (status == TENDRIL_OK) status = check(&r, err);
  tendril_env_destroy(r.env);
  tendril_env_destroy(r.other);
  tnd_arena_free(&r.arena);
  return status;
}

// See vine.h. The states of the rollout set are the pieces of work: any worker restores a state's
// snapshot into its own environment, once for every branch. Noise is keyed by iteration, state,
// branch and step, so no result depends on which thread ran a branch, or when.
#include "rollout/vine.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "policy/policy.h"

#include <assert.h>
#include <string.h>

typedef struct worker {
  tendril_env *env;
  tendril_actor *actor;
  double *obs;     // [nobs] the current observation
  double *next;    // [nobs] the one after the step
  double *noise;   // [nact]
  double *action;  // [nact]
  tendril_error err;
} worker;

// What became of a state's branches.
typedef struct outcome {
  tendril_status status;
  tendril_error err;
  tnd_branch_stats stats;
} outcome;

struct tnd_vine {
  tnd_vine_options options;
  const tendril_model *model;
  tendril_pool *pool;
  uint64_t seed;
  int nworker, nobs, nact;
  worker *workers;    // [nworker]
  outcome *outcomes;  // [N]
  tnd_branches branches;

  // of this collection
  const tendril_policy *policy;
  const double *snapshots;
  double gamma;
  uint32_t iteration;
  tnd_arena arena;
};

static void layout(tnd_vine *v, tnd_arena *arena) {
  size_t n = (size_t)v->options.states, nk = n * (size_t)v->options.actions;
  size_t nobs = (size_t)v->nobs, nact = (size_t)v->nact;
  v->branches.row = tnd_arena_take(arena, n, sizeof *v->branches.row);
  v->branches.action = tnd_arena_doubles(arena, nk * nact);
  v->branches.Q = tnd_arena_doubles(arena, nk);
  v->branches.last_obs = tnd_arena_doubles(arena, nk * nobs);
  v->branches.last_time = tnd_arena_ints(arena, nk);
  v->branches.future = tnd_arena_doubles(arena, nk);
  v->outcomes = tnd_arena_take(arena, n, sizeof *v->outcomes);
  v->workers = tnd_arena_take(arena, (size_t)v->nworker, sizeof *v->workers);
  for (int i = 0; i < v->nworker; i++) {
    worker w = {.obs = tnd_arena_doubles(arena, nobs),
                .next = tnd_arena_doubles(arena, nobs),
                .noise = tnd_arena_doubles(arena, nact),
                .action = tnd_arena_doubles(arena, nact)};
    if (arena->base) v->workers[i] = w;
  }
}

// Every step of every branch has a random stream of its own, see random_of().
static tendril_status check_keys(const tnd_vine_options *o, tendril_error *err) {
  const int64_t most = INT64_C(1) << 32;
  if (o->states <= most / o->actions && o->states * o->actions <= most / o->steps)
    return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_CONFIG,
                  "vine: %lld states of %lld actions with branches of %lld steps have more than "
                  "2^32 steps; use fewer or shorter ones",
                  (long long)o->states, (long long)o->actions, (long long)o->steps);
}

static tendril_status create_parts(tnd_vine *v, tendril_error *err) {
  TENDRIL_TRY(tnd_check_restorable(v->model, err));
  layout(v, &v->arena);
  TENDRIL_TRY(tnd_arena_alloc(&v->arena, err));
  layout(v, &v->arena);
  for (int i = 0; i < v->nworker; i++)
    TENDRIL_TRY(tendril_env_create(v->model, &v->workers[i].env, err));
  return TENDRIL_OK;
}

tendril_status tnd_vine_create(const tnd_vine_options *options, const tendril_model *model,
                               tendril_pool *pool, uint64_t seed, tnd_vine **out,
                               tendril_error *err) {
  TENDRIL_TRY(check_keys(options, err));
  tnd_vine *v = tnd_alloc(sizeof *v);
  if (!v) return tnd_fail_memory(err);
  v->options = *options;
  v->model = model;
  v->pool = pool;
  v->seed = seed;
  v->nworker = tendril_pool_threads(pool);
  v->nobs = tendril_model_nobs(model);
  v->nact = tendril_model_nact(model);
  v->branches.n = options->states;
  v->branches.K = (int)options->actions;
  tendril_status status = create_parts(v, err);
  if (status == TENDRIL_OK)
    *out = v;
  else
    tnd_vine_destroy(v);
  return status;
}

void tnd_vine_destroy(tnd_vine *v) {
  if (!v) return;
  for (int i = 0; v->arena.base && i < v->nworker; i++) {
    tendril_env_destroy(v->workers[i].env);
    tendril_actor_destroy(v->workers[i].actor);
  }
  tnd_arena_free(&v->arena);
  tnd_free(v);
}

// ------------------------------------------------------------------------------------ branches

// The noise of step l of state n's k-th branch. Later steps of all branches may share that of the
// first of them. (n K + k) L + l is below 2^32, see check_keys().
static tendril_random random_of(const tnd_vine *v, int64_t n, int64_t k, int64_t l) {
  const tnd_vine_options *o = &v->options;
  if (l > 0 && o->common_noise) k = 0;
  return tendril_random_stream(v->seed, TENDRIL_PURPOSE_BRANCH, v->iteration,
                               (uint32_t)((n * o->actions + k) * o->steps + l));
}

// One branch: Q, its end, and what a value there would count.
static tendril_status grow(tnd_vine *v, worker *w, int64_t n, int64_t k, tnd_branch_stats *stats) {
  const tnd_branches *b = &v->branches;
  const int64_t i = k * b->n + n;
  const size_t nobs = (size_t)v->nobs;
  const int size = tendril_snapshot_size(v->model);
  tendril_env_restore(w->env, v->snapshots + b->row[n] * size, w->obs);
  double Q = 0, discount = 1;
  tendril_step step = {0};
  for (int64_t l = 0; l < v->options.steps && !step.truncated; l++) {
    // a_nk first, then the policy's
    double *action = l == 0 ? b->action + i * v->nact : w->action;
    tendril_random random = random_of(v, n, k, l);
    tendril_random_normals(&random, v->nact, w->noise);
    tendril_policy_act(v->policy, w->actor, tendril_env_time(w->env), w->obs, w->noise, action);

    TENDRIL_TRY(tendril_env_step(w->env, action, w->next, &step, &w->err));
    if (step.diverged) {  // the step is void: the branch ends with the last good observation
      stats->diverged++;
      break;
    }
    stats->steps++;
    Q += discount * step.reward;
    discount *= v->gamma;
    memcpy(w->obs, w->next, sizeof *w->obs * nobs);
    if (step.terminated) {
      stats->terminated++;
      discount = 0;
      break;
    }
  }
  b->Q[i] = Q;
  b->future[i] = discount;
  b->last_time[i] = tendril_env_time(w->env);
  memcpy(b->last_obs + i * v->nobs, w->obs, sizeof *w->obs * nobs);
  return TENDRIL_OK;
}

static void grow_state(void *context, int piece, int index) {
  tnd_vine *v = context;
  worker *w = &v->workers[index];
  outcome *out = &v->outcomes[piece];
  *out = (outcome){.status = TENDRIL_OK};
  const tnd_physics_clock clock = tnd_physics_clock_start(w->env);
  for (int k = 0; k < v->branches.K && out->status == TENDRIL_OK; k++)
    out->status = grow(v, w, piece, k, &out->stats);
  out->stats.physics_seconds = tnd_physics_clock_stop(&clock, w->env);
  if (out->status != TENDRIL_OK) out->err = w->err;
}

// N rows of n, evenly spread: every (n/N)-th, from a start that is drawn.
static void spread(tnd_vine *v, int64_t n) {
  const int64_t N = v->branches.n;
  tendril_random random = tendril_random_stream(v->seed, TENDRIL_PURPOSE_ROWS, v->iteration, 1);
  const int64_t start = tendril_random_below(&random, (uint32_t)n);
  for (int64_t i = 0; i < N; i++)
    v->branches.row[i] = (i * n + start) / N;
}

tendril_status tnd_vine_collect(tnd_vine *v, const tendril_batch *trunk, const double *snapshots,
                                const tendril_policy *policy, double gamma, uint32_t iteration,
                                const tnd_branches **out, tnd_branch_stats *stats,
                                tendril_error *err) {
  assert(snapshots && trunk->n >= v->branches.n);
  TENDRIL_TRY(tnd_policy_check(policy, v->nobs, v->nact, err));
  for (int i = 0; i < v->nworker; i++) {
    tendril_actor **actor = &v->workers[i].actor;
    if (*actor && tnd_actor_fits(*actor, policy)) continue;
    tendril_actor_destroy(*actor);
    *actor = NULL;
    TENDRIL_TRY(tendril_actor_create(policy, actor, err));
  }
  v->policy = policy;
  v->snapshots = snapshots;
  v->gamma = gamma;
  v->iteration = iteration;
  spread(v, trunk->n);
  tnd_pool_run(v->pool, (int)v->branches.n, grow_state, v);
  *stats = (tnd_branch_stats){0};
  for (int64_t n = 0; n < v->branches.n; n++) {
    const outcome *o = &v->outcomes[n];
    if (o->status != TENDRIL_OK)
      return tnd_fail(err, o->status, "branches of state %lld: %.480s", (long long)n, o->err.text);
    stats->steps += o->stats.steps;
    stats->terminated += o->stats.terminated;
    stats->diverged += o->stats.diverged;
    stats->physics_seconds += o->stats.physics_seconds;
  }
  *out = &v->branches;
  return TENDRIL_OK;
}

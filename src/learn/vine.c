// Trust region policy optimisation, vine (Schulman et al. 2015, sec. 5.2, 6, app. C). Steps and
// symbols are those of docs/methods/trpo.md; steps 3 to 8 are those of the single path.
//
//   s_n    n = 1 .. N, the rollout set        Q_nk   estimate of Q(s_n, a_nk), k = 1 .. K
//   V      value function, of branches' ends  delta  bound on the mean KL of a step
#include "learn/vine.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "critic/advantage.h"
#include "critic/critic.h"
#include "learn/natural_step.h"
#include "learn/schedule.h"
#include "rollout/vine.h"

#include <math.h>
#include <string.h>

typedef struct vine {
  tendril_learner base;
  tendril_vine_options options;
  tendril_pool *pool;
  tendril_policy *policy;  // borrowed
  tendril_rollout *rollout;
  tnd_vine *vine;
  tnd_critic *critic;  // NULL without branch_value
  tnd_natural_step *step;
  int64_t capacity;  // rows of the largest trunk
  int64_t N, K;
  int nx;  // numbers of an input

  const tendril_batch *trunk;    // of this iteration
  const tnd_branches *branches;  // of this iteration
  double gamma;                  // of this iteration
  // the trunk's rows, and behind them the rollout set's
  double *x;       // [capacity + N][nx] inputs of policy and value function
  int *time;       // [capacity + N]
  double *target;  // [capacity + N] of V
  double *A;       // [K][N] Q less its mean over the actions of a state

  // for V only
  double *x_last;     // [capacity][nx] inputs after each path
  int *time_last;     // [capacity]
  double *V;          // [capacity]
  double *V_last;     // [capacity]
  double *advantage;  // [capacity]
  double *x_end;      // [K][N][nx] inputs behind each branch
  double *V_end;      // [K][N]
  tnd_arena arena;
} vine;

#define X(name, unit, meaning) {#name, unit, meaning},
static const tendril_stat stat_rows[] = {TENDRIL_ROLLOUT_STATS(X) TENDRIL_TRPO_STATS(X)
                                             TENDRIL_VINE_STATS(X)};
#undef X
enum {
  NROLLOUT = sizeof(tendril_rollout_stats) / sizeof(double),
  NTRPO = sizeof(tendril_trpo_stats) / sizeof(double),
  NVINE = sizeof(tendril_vine_stats) / sizeof(double)
};

static void layout(vine *l, tnd_arena *arena) {
  size_t n = (size_t)l->capacity, N = (size_t)l->N, NK = N * (size_t)l->K, nx = (size_t)l->nx;
  l->x = tnd_arena_doubles(arena, (n + N) * nx);
  l->time = tnd_arena_ints(arena, n + N);
  l->target = tnd_arena_doubles(arena, n + N);
  l->A = tnd_arena_doubles(arena, NK);
  if (!l->options.branch_value) return;
  l->x_last = tnd_arena_doubles(arena, n * nx);
  l->time_last = tnd_arena_ints(arena, n);
  l->V = tnd_arena_doubles(arena, n);
  l->V_last = tnd_arena_doubles(arena, n);
  l->advantage = tnd_arena_doubles(arena, n);
  l->x_end = tnd_arena_doubles(arena, NK * nx);
  l->V_end = tnd_arena_doubles(arena, NK);
}

// ------------------------------------------------------------------------- steps of an iteration

// The trunk's rows and, behind them, the rollout set's, normalised.
static void gather_states(vine *l) {
  const tendril_batch *b = l->trunk;
  const size_t nx = (size_t)l->nx;
  tnd_policy_input(l->policy, b->n, b->obs, b->time, l->x);
  memcpy(l->time, b->time, sizeof *l->time * (size_t)b->n);
  for (int64_t n = 0; n < l->N; n++) {
    const int64_t row = l->branches->row[n];
    memcpy(l->x + (b->n + n) * l->nx, l->x + row * l->nx, sizeof *l->x * nx);
    l->time[b->n + n] = l->time[row];
  }
}

// Step 2d: Q_nk <- Q_nk + gamma^L' V(s_L') where a branch did not terminate.
static void add_values(vine *l) {
  const tnd_branches *br = l->branches;
  const int64_t NK = l->N * l->K;
  tnd_policy_input(l->policy, NK, br->last_obs, br->last_time, l->x_end);
  tnd_critic_predict(l->critic, l->pool, NK, l->x_end, br->last_time, l->V_end);
  for (int64_t i = 0; i < NK; i++)
    if (br->future[i] > 0) br->Q[i] += br->future[i] * l->V_end[i];
}

// Step 2e: A_nk = Q_nk - mean_k Q_nk.
static void estimate_advantages(vine *l, tendril_vine_stats *stats) {
  const double *Q = l->branches->Q;
  const int64_t NK = l->N * l->K;
  for (int64_t n = 0; n < l->N; n++) {
    double mean = 0;
    for (int64_t k = 0; k < l->K; k++)
      mean += Q[k * l->N + n] / (double)l->K;
    for (int64_t k = 0; k < l->K; k++)
      l->A[k * l->N + n] = Q[k * l->N + n] - mean;
    l->target[l->trunk->n + n] = mean;
  }
  double square = 0;
  for (int64_t i = 0; i < NK; i++)
    square += l->A[i] * l->A[i] / (double)NK;
  stats->branch_spread = sqrt(square);
  if (l->options.advantage_scale == TENDRIL_ADVANTAGE_STANDARDISED) tnd_standardise(NK, l->A);
}

// Step 2f: what V is to learn: GAE's targets for the trunk; those of the rollout set are set.
static void estimate_targets(vine *l, tendril_trpo_stats *stats) {
  const tendril_batch *b = l->trunk;
  tnd_last_times(b, l->time_last);
  tnd_policy_input(l->policy, b->npath, b->last_obs, l->time_last, l->x_last);
  tnd_critic_predict(l->critic, l->pool, b->n, l->x, l->time, l->V);
  tnd_critic_predict(l->critic, l->pool, b->npath, l->x_last, l->time_last, l->V_last);
  tnd_advantage_gae(b, b->reward, l->V, l->V_last, l->gamma, l->options.lambda, l->advantage,
                    l->target);
  stats->explained_variance = tnd_explained_variance(b->n, l->V, l->target);
}

// One iteration.
static tendril_status iterate(tendril_learner *learner, double *out, tendril_error *err) {
  vine *l = (vine *)learner;
  tendril_rollout_stats collected;
  tendril_trpo_stats stats = {.explained_variance = (double)NAN};
  tendril_vine_stats vine_stats = {0};
  tnd_branch_stats grown;
  const uint32_t iteration = (uint32_t)l->base.iterations;

  // 1. the trunk: paths of the current policy, the state before every step kept
  TENDRIL_TRY(tendril_rollout_collect(l->rollout, l->policy, &l->trunk, &collected, err));
  const tendril_batch *b = l->trunk;
  l->base.steps += b->n;

  // the first trunk sets the normaliser before it is used; later ones are seen in step 8
  const bool first = !tnd_policy_observed(l->policy);
  if (first) tnd_policy_observe(l->policy, b->n, b->obs);

  // 2a to 2c. rollout set, actions, branches with common random numbers
  l->gamma = tnd_discount(learner, l->options.gamma, l->options.gamma_final);
  TENDRIL_TRY(tnd_vine_collect(l->vine, b, tnd_rollout_snapshots(l->rollout), l->policy, l->gamma,
                               iteration, &l->branches, &grown, err));
  l->base.steps += grown.steps;
  const double begin = tnd_clock_wall(), cpu_begin = tnd_clock_process();

  // 2d to 2f. values behind the branches, advantages, targets
  gather_states(l);
  if (l->critic) add_values(l);
  estimate_advantages(l, &vine_stats);
  if (l->critic) estimate_targets(l, &stats);

  // 3 to 6. gradient, direction, step length, line search; 7 beside them: V learns the targets
  const double delta = tnd_trust_radius(learner, l->options.max_kl, l->options.max_kl_final);
  const bool by_trunk = l->options.constraint == TENDRIL_CONSTRAINT_TRUNK;
  const tnd_sample sample = {.n = l->N,
                             .x = l->x + b->n * l->nx,
                             .actions = (int)l->K,
                             .action = l->branches->action,
                             .q = l->A,
                             .x_constraint = by_trunk ? l->x : NULL,
                             .nconstraint = by_trunk ? b->n : 0};
  const tnd_critic_rows rows = {l->critic, b->n + l->N, l->x, l->time, l->target};
  TENDRIL_TRY(tnd_natural_step_take(l->step, &sample, delta, &rows, iteration, &stats, err));

  // 8. the normaliser follows the states that the policy visits
  if (!first) tnd_policy_observe(l->policy, b->n, b->obs);

  stats.advantage_cpu = tnd_clock_process() - cpu_begin - stats.policy_cpu - stats.critic_cpu;
  stats.update_seconds = tnd_clock_wall() - begin;
  collected.physics_seconds += grown.physics_seconds;
  vine_stats.trunk_steps = (double)b->n;
  vine_stats.branch_steps = (double)grown.steps;
  vine_stats.branches = (double)(l->N * l->K);
  vine_stats.branch_terminated = (double)grown.terminated;
  vine_stats.branch_diverged = (double)grown.diverged;
  memcpy(out, &collected, sizeof collected);
  memcpy(out + NROLLOUT, &stats, sizeof stats);
  memcpy(out + NROLLOUT + NTRPO, &vine_stats, sizeof vine_stats);
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- checkpoints

static tendril_status save(const tendril_learner *learner, tnd_tensors *tensors,
                           tendril_error *err) {
  const vine *l = (const vine *)learner;
  if (l->critic) TENDRIL_TRY(tnd_critic_save(l->critic, tensors, err));
  return tnd_rollout_save(l->rollout, tensors, err);
}

static tendril_status load(tendril_learner *learner, const tnd_tensors *tensors,
                           tendril_error *err) {
  vine *l = (vine *)learner;
  if (l->critic) TENDRIL_TRY(tnd_critic_load(l->critic, tensors, err));
  return tnd_rollout_load(l->rollout, tensors, err);
}

// ------------------------------------------------------------------------------ create, destroy

static void destroy(tendril_learner *learner) {
  vine *l = (vine *)learner;
  tnd_natural_step_destroy(l->step);
  tnd_critic_destroy(l->critic);
  tnd_vine_destroy(l->vine);
  tendril_rollout_destroy(l->rollout);
  tnd_arena_free(&l->arena);
  tnd_free(l);
}

static const tnd_learner_ops ops = {
    .stats = stat_rows,
    .nstat = NROLLOUT + NTRPO + NVINE,
    .iterate = iterate,
    .save = save,
    .load = load,
    .destroy = destroy,
};

static tendril_status check(const tendril_vine_options *o, const tendril_learner_setup *setup,
                            tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_vine.options, o, "learner", err));
  TENDRIL_TRY(tnd_check_discount(o->gamma, o->gamma_final, err));
  if (o->states > setup->rollout.batch)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "learner.states: %lld states are more than the trunk of %lld steps "
                    "(rollout.batch)",
                    (long long)o->states, (long long)setup->rollout.batch);
  if (o->metric == TENDRIL_METRIC_EMPIRICAL && o->constraint == TENDRIL_CONSTRAINT_TRUNK)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "learner.metric: empirical needs actions at the states of the constraint; use "
                    "learner.constraint=rollout-set");
  const bool learns =
      setup->critic.kind == TENDRIL_CRITIC_NEURAL || setup->critic.kind == TENDRIL_CRITIC_LINEAR;
  if (o->branch_value && !learns)
    return tnd_fail(
        err, TENDRIL_E_CONFIG,
        "learner.branch_value: there is no value function that learns; use critic.kind=neural or "
        "linear, or learner.branch_value=false");
  return TENDRIL_OK;
}

static tendril_status create_parts(vine *l, const tendril_learner_setup *setup,
                                   tendril_error *err) {
  const tendril_vine_options *o = &l->options;
  const tnd_vine_options branches = {.states = o->states,
                                     .actions = o->actions,
                                     .steps = o->branch,
                                     .common_noise = o->common_noise};
  TENDRIL_TRY(tendril_rollout_create(&setup->rollout, setup->model, setup->pool, setup->seed,
                                     &l->rollout, err));
  TENDRIL_TRY(tnd_rollout_keep_snapshots(l->rollout, err));
  TENDRIL_TRY(tnd_vine_create(&branches, setup->model, setup->pool, setup->seed, &l->vine, err));
  const int64_t n = l->capacity = tnd_rollout_capacity(l->rollout);
  if (o->branch_value) {
    const tnd_critic_size size = {.nx = l->nx,
                                  .nobs = tendril_policy_nobs(l->policy),
                                  .horizon = tendril_policy_horizon(l->policy),
                                  .capacity = n + l->N,
                                  .threads = tendril_pool_threads(l->pool)};
    TENDRIL_TRY(tnd_critic_create(&setup->critic, &size, setup->seed, &l->critic, err));
  }
  const tnd_natural_step_options step = TND_NATURAL_STEP_OPTIONS(o);
  const tnd_trust_region_sizes sizes = {.states = l->N,
                                        .actions = l->K,
                                        .constraint =
                                            o->constraint == TENDRIL_CONSTRAINT_TRUNK ? n : 0};
  TENDRIL_TRY(
      tnd_natural_step_create(&step, sizes, l->policy, l->pool, setup->seed, &l->step, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tendril_vine_create(const tendril_vine_options *options,
                                   const tendril_learner_setup *setup, tendril_learner **out,
                                   tendril_error *err) {
  TENDRIL_TRY(check(options, setup, err));
  vine *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->options = *options;
  l->pool = setup->pool;
  l->policy = setup->policy;
  l->N = options->states;
  l->K = options->actions;
  l->nx = tnd_policy_ninput(setup->policy);
  return tnd_learner_finish(&l->base, create_parts(l, setup, err), out);
}

#define X(...) TND_OPTION_ROW(tendril_vine_options, __VA_ARGS__)
TND_METHOD(vine, TENDRIL_VINE_OPTIONS, "trpo-vine",
           "trust region policy optimisation, vine: branches from states of a trunk",
           "Schulman et al. 2015 (arXiv:1502.05477), sec. 5.2")
#undef X

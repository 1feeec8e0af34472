// Trust region policy optimisation, single path (Schulman et al. 2015, sec. 5.1, 6, app. C), with
// advantages by GAE (Schulman et al. 2016). Steps and symbols are those of docs/methods/trpo.md.
//
//   V value function    delta bound on the mean KL of a step
#include "learn/trpo.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "critic/advantage.h"
#include "critic/critic.h"
#include "learn/natural_step.h"
#include "learn/reward_scale.h"
#include "learn/schedule.h"
#include "rollout/rollout.h"

#include <math.h>
#include <string.h>

typedef struct trpo {
  tendril_learner base;
  tendril_trpo_options options;
  tendril_pool *pool;
  tendril_policy *policy;  // borrowed
  tendril_rollout *rollout;
  tnd_critic *critic;
  tnd_natural_step *step;
  tnd_reward_scale reward_scale;
  int64_t capacity;  // rows of the largest batch
  int nx;            // numbers of an input

  const tendril_batch *batch;  // of this iteration
  double gamma;                // of this iteration
  double *x;                   // [capacity][nx] inputs of policy and value function
  double *x_last;              // [capacity][nx] those after each path
  int *time_last;              // [capacity]
  double *reward;              // [capacity] scaled
  double *V;                   // [capacity]
  double *V_last;              // [capacity]
  double *advantage;           // [capacity]
  double *target;              // [capacity]
  tnd_arena arena;
} trpo;

#define X(name, unit, meaning) {#name, unit, meaning},
static const tendril_stat stat_rows[] = {TENDRIL_ROLLOUT_STATS(X) TENDRIL_TRPO_STATS(X)};
#undef X
enum {
  NROLLOUT = sizeof(tendril_rollout_stats) / sizeof(double),
  NTRPO = sizeof(tendril_trpo_stats) / sizeof(double)
};

static void layout(trpo *l, tnd_arena *arena) {
  size_t n = (size_t)l->capacity, nx = (size_t)l->nx;
  l->x = tnd_arena_doubles(arena, n * nx);
  l->x_last = tnd_arena_doubles(arena, n * nx);
  l->time_last = tnd_arena_ints(arena, n);
  l->reward = tnd_arena_doubles(arena, n);
  l->V = tnd_arena_doubles(arena, n);
  l->V_last = tnd_arena_doubles(arena, n);
  l->advantage = tnd_arena_doubles(arena, n);
  l->target = tnd_arena_doubles(arena, n);
  l->reward_scale.R = tnd_arena_doubles(arena, (size_t)l->reward_scale.nstream);
}

// ------------------------------------------------------------------------- steps of an iteration

// Step 2: values of all states, advantages and value targets.
static tendril_status estimate_advantages(trpo *l, tendril_trpo_stats *stats, tendril_error *err) {
  const tendril_batch *b = l->batch;
  tnd_last_times(b, l->time_last);
  tnd_policy_input(l->policy, b->n, b->obs, b->time, l->x);
  tnd_policy_input(l->policy, b->npath, b->last_obs, l->time_last, l->x_last);
  if (l->options.reward_scale == TENDRIL_REWARD_BY_RETURN_SD)
    tnd_reward_scale_apply(&l->reward_scale, b, l->gamma, l->reward);
  else
    memcpy(l->reward, b->reward, sizeof *l->reward * (size_t)b->n);
  if (tnd_critic_fits_paths(l->critic))
    TENDRIL_TRY(
        tnd_critic_fit_paths(l->critic, l->pool, b, l->x, l->x_last, l->reward, l->gamma, err));
  tnd_critic_predict(l->critic, l->pool, b->n, l->x, b->time, l->V);
  tnd_critic_predict(l->critic, l->pool, b->npath, l->x_last, l->time_last, l->V_last);
  tnd_advantage_gae(b, l->reward, l->V, l->V_last, l->gamma, l->options.lambda, l->advantage,
                    l->target);
  stats->explained_variance = tnd_explained_variance(b->n, l->V, l->target);
  if (l->options.advantage_scale == TENDRIL_ADVANTAGE_STANDARDISED)
    tnd_standardise(b->n, l->advantage);
  return TENDRIL_OK;
}

// One iteration.
static tendril_status iterate(tendril_learner *learner, double *out, tendril_error *err) {
  trpo *l = (trpo *)learner;
  tendril_rollout_stats collected;
  tendril_trpo_stats stats = {0};

  // 1. state-action pairs from the current policy
  TENDRIL_TRY(tendril_rollout_collect(l->rollout, l->policy, &l->batch, &collected, err));
  l->base.steps += l->batch->n;
  const double begin = tnd_clock_wall(), cpu_begin = tnd_clock_process();

  // the first batch sets the normaliser before it is used; later ones are seen in step 8
  const bool first = !tnd_policy_observed(l->policy);
  if (first) tnd_policy_observe(l->policy, l->batch->n, l->batch->obs);

  // 2. advantages
  l->gamma = tnd_discount(learner, l->options.gamma, l->options.gamma_final);
  TENDRIL_TRY(estimate_advantages(l, &stats, err));

  // 3 to 6. gradient, direction, step length, line search; 7 beside them: V learns the targets
  const double delta = tnd_trust_radius(learner, l->options.max_kl, l->options.max_kl_final);
  const tendril_batch *b = l->batch;
  const tnd_sample sample = {
      .n = b->n, .x = l->x, .actions = 1, .action = b->action, .q = l->advantage};
  const bool learns = !tnd_critic_fits_paths(l->critic);
  const tnd_critic_rows rows = {learns ? l->critic : NULL, b->n, l->x, b->time, l->target};
  TENDRIL_TRY(tnd_natural_step_take(l->step, &sample, delta, &rows, (uint32_t)l->base.iterations,
                                    &stats, err));

  // 8. the normaliser follows the states that the policy visits
  if (!first) tnd_policy_observe(l->policy, l->batch->n, l->batch->obs);

  stats.update_seconds = tnd_clock_wall() - begin;
  stats.advantage_cpu = tnd_clock_process() - cpu_begin - stats.policy_cpu - stats.critic_cpu;
  memcpy(out, &collected, sizeof collected);
  memcpy(out + NROLLOUT, &stats, sizeof stats);
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- checkpoints

static tendril_status save(const tendril_learner *learner, tnd_tensors *tensors,
                           tendril_error *err) {
  const trpo *l = (const trpo *)learner;
  TENDRIL_TRY(tnd_critic_save(l->critic, tensors, err));
  TENDRIL_TRY(tnd_reward_scale_save(&l->reward_scale, tensors, err));
  return tnd_rollout_save(l->rollout, tensors, err);
}

static tendril_status load(tendril_learner *learner, const tnd_tensors *tensors,
                           tendril_error *err) {
  trpo *l = (trpo *)learner;
  TENDRIL_TRY(tnd_critic_load(l->critic, tensors, err));
  TENDRIL_TRY(tnd_reward_scale_load(&l->reward_scale, tensors, err));
  return tnd_rollout_load(l->rollout, tensors, err);
}

// ------------------------------------------------------------------------------ create, destroy

static void destroy(tendril_learner *learner) {
  trpo *l = (trpo *)learner;
  tnd_natural_step_destroy(l->step);
  tnd_critic_destroy(l->critic);
  tendril_rollout_destroy(l->rollout);
  tnd_arena_free(&l->arena);
  tnd_free(l);
}

static const tnd_learner_ops ops = {
    .stats = stat_rows,
    .nstat = NROLLOUT + NTRPO,
    .iterate = iterate,
    .save = save,
    .load = load,
    .destroy = destroy,
};

static tendril_status create_parts(trpo *l, const tendril_learner_setup *setup,
                                   tendril_error *err) {
  TENDRIL_TRY(tendril_rollout_create(&setup->rollout, setup->model, setup->pool, setup->seed,
                                     &l->rollout, err));
  const int64_t n = l->capacity = tnd_rollout_capacity(l->rollout);
  const tnd_critic_size size = {.nx = l->nx,
                                .nobs = tendril_policy_nobs(l->policy),
                                .horizon = tendril_policy_horizon(l->policy),
                                .capacity = n,
                                .threads = tendril_pool_threads(l->pool)};
  TENDRIL_TRY(tnd_critic_create(&setup->critic, &size, setup->seed, &l->critic, err));
  const tnd_natural_step_options step = TND_NATURAL_STEP_OPTIONS(&l->options);
  const tnd_trust_region_sizes sizes = {.states = n, .actions = 1};
  TENDRIL_TRY(
      tnd_natural_step_create(&step, sizes, l->policy, l->pool, setup->seed, &l->step, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tendril_trpo_create(const tendril_trpo_options *options,
                                   const tendril_learner_setup *setup, tendril_learner **out,
                                   tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_trpo.options, options, "learner", err));
  TENDRIL_TRY(tnd_check_discount(options->gamma, options->gamma_final, err));
  trpo *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->options = *options;
  l->pool = setup->pool;
  l->policy = setup->policy;
  l->nx = tnd_policy_ninput(setup->policy);
  l->reward_scale.nstream = (int)setup->rollout.streams;
  return tnd_learner_finish(&l->base, create_parts(l, setup, err), out);
}

#define X(...) TND_OPTION_ROW(tendril_trpo_options, __VA_ARGS__)
TND_METHOD(trpo, TENDRIL_TRPO_OPTIONS, "trpo",
           "trust region policy optimisation, single path, GAE with a value function",
           "Schulman et al. 2015 (arXiv:1502.05477), 2016 (arXiv:1506.02438)")
#undef X

// Trust region policy optimisation, single path (Schulman et al. 2015, sec. 5.1, 6, app. C), with
// advantages by GAE (Schulman et al. 2016). Steps and symbols are those of docs/methods/trpo.md.
//
//   theta policy parameters    g gradient of the sample objective L    A mean Fisher matrix
//   s search direction         beta step length                        delta bound on the mean KL
#include "learn/trpo.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "critic/advantage.h"
#include "critic/critic.h"
#include "learn/reward_scale.h"
#include "learn/trust_region.h"
#include "math/cg.h"
#include "rollout/rollout.h"

#include <math.h>
#include <string.h>

#define CG_TOLERANCE 1e-10  // of the residual relative to g: all iterations, unless g is solved for

typedef struct trpo {
  tendril_learner base;
  tendril_trpo_options options;
  uint64_t seed;
  tendril_pool *pool;
  tendril_policy *policy;  // borrowed
  tendril_rollout *rollout;
  tnd_critic *critic;
  tnd_trust_region *region;
  tnd_cg *cg;
  tnd_reward_scale reward_scale;
  int64_t n, fisher_rows;
  int nobs, nparam;

  const tendril_batch *batch;  // of this iteration
  double *x;                   // [n][nobs] normalised observations
  double *x_last;              // [n][nobs] those after each path, the first npath used
  int *time_last;              // [n]
  double *reward;              // [n] scaled
  double *V;                   // [n]
  double *V_last;              // [n]
  double *advantage;           // [n]
  double *target;              // [n]
  double *g;                   // [nparam]
  double *s;                   // [nparam]
  tendril_status fit_status;
  tendril_error fit_error;
  double fit_cpu;  // seconds
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
  size_t n = (size_t)l->n, nobs = (size_t)l->nobs, nparam = (size_t)l->nparam;
  l->x = tnd_arena_doubles(arena, n * nobs);
  l->x_last = tnd_arena_doubles(arena, n * nobs);
  l->time_last = tnd_arena_ints(arena, n);
  l->reward = tnd_arena_doubles(arena, n);
  l->V = tnd_arena_doubles(arena, n);
  l->V_last = tnd_arena_doubles(arena, n);
  l->advantage = tnd_arena_doubles(arena, n);
  l->target = tnd_arena_doubles(arena, n);
  l->g = tnd_arena_doubles(arena, nparam);
  l->s = tnd_arena_doubles(arena, nparam);
  l->reward_scale.R = tnd_arena_doubles(arena, (size_t)l->reward_scale.nstream);
}

// ------------------------------------------------------------------------- steps of an iteration

// Step 2: values of all states, advantages and value targets.
static void estimate_advantages(trpo *l, tendril_trpo_stats *stats) {
  const tendril_batch *b = l->batch;
  tnd_policy_normalize(l->policy, b->n, b->obs, l->x);
  tnd_policy_normalize(l->policy, b->npath, b->last_obs, l->x_last);
  tnd_last_times(b, l->time_last);
  tnd_critic_predict(l->critic, l->pool, b->n, l->x, b->time, l->V);
  tnd_critic_predict(l->critic, l->pool, b->npath, l->x_last, l->time_last, l->V_last);

  if (l->options.reward_scale == TENDRIL_REWARD_BY_RETURN_SD)
    tnd_reward_scale_apply(&l->reward_scale, b, l->options.gamma, l->reward);
  else
    memcpy(l->reward, b->reward, sizeof *l->reward * (size_t)b->n);
  tnd_advantage_gae(b, l->reward, l->V, l->V_last, l->options.gamma, l->options.lambda,
                    l->advantage, l->target);
  stats->explained_variance = tnd_explained_variance(b->n, l->V, l->target);
  if (l->options.advantage_scale == TENDRIL_ADVANTAGE_STANDARDISED)
    tnd_standardise(b->n, l->advantage);
}

// Step 7, beside steps 3 to 6: the value function learns this batch's targets.
static void fit_critic(void *context, int piece, int worker) {
  (void)piece, (void)worker;
  trpo *l = context;
  const double begin = tnd_clock_thread();
  l->fit_status = tnd_critic_fit(l->critic, l->batch->n, l->x, l->batch->time, l->target,
                                 (uint32_t)l->base.iterations, &l->fit_error);
  l->fit_cpu = tnd_clock_thread() - begin;
}

// A v + damping v, for conjugate gradients.
static void fisher_product(void *context, const double *v, double *out) {
  trpo *l = context;
  tnd_trust_region_fisher(l->region, v, out);
  for (int i = 0; i < l->nparam; i++)
    out[i] += l->options.damping * v[i];
}

// Steps 3 to 6: gradient, direction, step length, line search.
static void improve_policy(trpo *l, tendril_trpo_stats *stats) {
  const tendril_trpo_options *o = &l->options;

  // 3. g = gradient of L at theta_old
  double L_old;
  tnd_trust_region_begin(l->region, l->n, l->x, l->batch->action, l->advantage, l->g, &L_old,
                         &stats->entropy);

  // 4. s = A^-1 g by conjugate gradients
  tnd_trust_region_draw(l->region, l->fisher_rows, l->seed, (uint32_t)l->base.iterations);
  tnd_cg_result cg =
      tnd_cg_solve(l->cg, fisher_product, l, l->g, (int)o->cg_iters, CG_TOLERANCE, l->s);
  stats->cg_residual = cg.residual;

  // 5. beta = sqrt(2 delta / s'As)
  stats->curvature = cg.curvature;
  if (cg.end == TND_CG_NONFINITE || !(isfinite(cg.curvature) && cg.curvature > 0)) return;
  const double beta = sqrt(2 * o->max_kl / cg.curvature);

  // 6. shrink until the objective improves and the mean KL is within delta
  tnd_search search;
  tnd_trust_region_search(l->region, l->s, beta, o->backtrack, (int)o->backtracks, o->max_kl,
                          &search);
  stats->accepted = search.accepted;
  stats->line_search_steps = search.tries;
  stats->kl = search.at.kl;
  stats->surrogate_gain = search.at.L - L_old;
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
  estimate_advantages(l, &stats);

  // 3 to 6, and 7 beside them: both need only the batch and the advantages
  const double cpu_improve = tnd_clock_process();
  tnd_pool_start(l->pool, fit_critic, l);
  improve_policy(l, &stats);
  tnd_pool_wait(l->pool);
  if (l->fit_status != TENDRIL_OK) return tnd_fail(err, l->fit_status, "%s", l->fit_error.text);

  stats.critic_cpu = l->fit_cpu;
  stats.policy_cpu = tnd_clock_process() - cpu_improve - l->fit_cpu;

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
  tnd_cg_destroy(l->cg);
  tnd_trust_region_destroy(l->region);
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
  TENDRIL_TRY(tnd_critic_create(&setup->critic, l->nobs, l->n, tendril_pool_threads(l->pool),
                                setup->seed, &l->critic, err));
  TENDRIL_TRY(tnd_trust_region_create(l->policy, l->pool, l->n, l->fisher_rows, &l->region, err));
  TENDRIL_TRY(tnd_cg_create(l->nparam, &l->cg, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tendril_trpo_create(const tendril_trpo_options *options,
                                   const tendril_learner_setup *setup, tendril_learner **out,
                                   tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_trpo.options, options, "learner", err));
  trpo *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->options = *options;
  l->seed = setup->seed;
  l->pool = setup->pool;
  l->policy = setup->policy;
  l->n = setup->rollout.batch;
  l->fisher_rows = (int64_t)ceil(options->fisher_share * (double)l->n);
  l->nobs = tendril_policy_nobs(setup->policy);
  l->nparam = tendril_policy_nparam(setup->policy);
  l->reward_scale.nstream = (int)setup->rollout.streams;
  tendril_status status = create_parts(l, setup, err);
  if (status == TENDRIL_OK)
    *out = &l->base;
  else
    destroy(&l->base);
  return status;
}

static tendril_status create_from_table(const void *options, const tendril_learner_setup *setup,
                                        tendril_learner **out, tendril_error *err) {
  return tendril_trpo_create(options, setup, out, err);
}

#define X(...) TND_OPTION_ROW(tendril_trpo_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_TRPO_OPTIONS(X)};
#undef X
static const tnd_option_table option_table = TND_OPTION_TABLE(tendril_trpo_options, option_rows);

const tnd_method tnd_method_trpo = {
    .name = "trpo",
    .summary = "trust region policy optimisation, single path, GAE with a value function",
    .source = "Schulman et al. 2015 (arXiv:1502.05477), 2016 (arXiv:1506.02438)",
    .options = &option_table,
    .create = create_from_table,
};

void tendril_trpo_defaults(tendril_trpo_options *options) {
  tnd_options_default(&option_table, options);
}

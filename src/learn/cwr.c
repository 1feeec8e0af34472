// Cost-weighted regression: a policy is fitted to its own rollouts, which count the more the less
// they cost (Peters and Schaal 2007; Kober and Peters 2009, for whole episodes), as Levine and
// Koltun 2014 compare with it. Steps and symbols are those of docs/methods/gps.md.
//
//   J_i    cost of rollout i, less its return           w_i   exp(-c (J_i - min J))
#include "learn/cwr.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "learn/cloning.h"
#include "learn/cost_weights.h"
#include "learn/policy_noise.h"
#include "rollout/rollout.h"

#include <math.h>
#include <string.h>

typedef struct cwr {
  tendril_learner base;
  tendril_cwr_options options;
  tendril_policy *policy;  // borrowed
  uint64_t seed;
  int nact;
  tendril_rollout *rollout;
  tnd_cloning *cloning;  // NULL: no demonstrations
  tnd_policy_regression *regression;
  int64_t capacity;   // rows of the largest batch
  double *J;          // [capacity] of each path
  double *path;       // [capacity] weight of each path
  double *weight;     // [capacity] of each row
  double *precision;  // [nact][nact] of the policy's noise
  double *unit;       // [n taught] lambda of cloning: ones
  tnd_arena arena;
} cwr;

#define X(name, unit, meaning) {#name, unit, meaning},
static const tendril_stat stat_rows[] = {TENDRIL_ROLLOUT_STATS(X) TENDRIL_CWR_STATS(X)};
#undef X
enum {
  NROLLOUT = sizeof(tendril_rollout_stats) / sizeof(double),
  NCWR = sizeof(tendril_cwr_stats) / sizeof(double)
};

static void layout(cwr *l, tnd_arena *arena) {
  const size_t n = (size_t)l->capacity, m = (size_t)l->nact;
  l->J = tnd_arena_doubles(arena, n);
  l->path = tnd_arena_doubles(arena, n);
  l->weight = tnd_arena_doubles(arena, n);
  l->precision = tnd_arena_doubles(arena, m * m);
  if (l->cloning)
    l->unit = tnd_arena_doubles(arena, (size_t)l->cloning->n * (size_t)l->cloning->taught);
}

// ------------------------------------------------------------------------- steps of an iteration

// Step 1: the first policy is a clone of the demonstrations, with as much noise as they have.
static tendril_status clone(cwr *l, tendril_cwr_stats *stats, tendril_error *err) {
  const double cpu = tnd_clock_process();
  tnd_cloning *c = l->cloning;
  tnd_cloning_stats drawn;
  tnd_regression_result fitted;
  TENDRIL_TRY(tnd_cloning_sample(c, l->seed, &drawn, err));
  l->base.steps += drawn.steps;
  if (!tnd_policy_observed(l->policy)) tnd_policy_observe(l->policy, c->rows.n, c->rows.obs);
  TENDRIL_TRY(tnd_policy_regression_fit(l->regression, &c->rows, &fitted, err));
  for (int i = 0; i < c->n * c->taught; i++)
    l->unit[i] = 1;
  TENDRIL_TRY(tnd_policy_noise_from_precisions(l->policy, &c->rows, l->unit, TND_NOISE_FLOOR, err));
  stats->clone_cpu = tnd_clock_process() - cpu;
  return TENDRIL_OK;
}

// Step 3: what each row counts is what its rollout does.
static tendril_status weigh(cwr *l, const tendril_batch *b, tendril_cwr_stats *stats,
                            tendril_error *err) {
  for (int64_t i = 0; i < b->npath; i++) {
    const tendril_path *path = &b->paths[i];
    l->J[i] = 0;
    for (int64_t k = path->first; k < path->first + path->length; k++)
      l->J[i] -= b->reward[k];
    // an episode that is whole is not cut but where it diverged
    if (path->end == TENDRIL_END_CUT) l->J[i] = (double)NAN;
  }
  const tnd_cost_weights chosen =
      tnd_cost_weights_choose(b->npath, l->J, l->options.effective, l->path);
  stats->cost_weight = chosen.c;
  stats->effective = chosen.effective;
  stats->void_rollouts = (double)(b->npath - chosen.counted);
  if (chosen.counted == 0)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "cwr: none of %lld rollouts has a finite cost: the simulation diverged in all; "
                    "use smaller actions (policy.log_std)",
                    (long long)b->npath);
  double sum = 0, of_return = 0;
  for (int64_t i = 0; i < b->npath; i++) {
    const tendril_path *path = &b->paths[i];
    for (int64_t k = path->first; k < path->first + path->length; k++)
      l->weight[k] = l->path[i];
    if (l->path[i] == 0) continue;
    sum += l->path[i];
    of_return -= l->path[i] * l->J[i];
  }
  stats->weighted_return = of_return / sum;
  return TENDRIL_OK;
}

// That the rollouts which count have states enough. The best one's weight is 1; what is less than
// a billionth of that is none.
static tendril_status check_rows(const cwr *l, const tendril_batch *b, tendril_error *err) {
  const int nparam = tendril_policy_nparam(l->policy);
  int64_t rows = 0;
  for (int64_t k = 0; k < b->n; k++)
    rows += l->weight[k] > 1e-9;
  if (rows * l->nact >= nparam) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_NUMERIC,
                  "cwr: the rollouts that count have %lld states, too few for a policy of %d "
                  "parameters; use more rollout.streams, a larger learner.effective or a smaller "
                  "policy.hidden",
                  (long long)rows, nparam);
}

// Steps 4 and 5: maximum likelihood of the actions that were taken, as they were drawn.
static tendril_status fit(cwr *l, const tendril_batch *b, tendril_cwr_stats *stats,
                          tendril_error *err) {
  tnd_policy_noise_get(l->policy, -2, l->nact + 1, l->precision);
  const tnd_regression_rows rows = {.n = b->n,
                                    .obs = b->obs,
                                    .time = b->time,
                                    .target = b->action,
                                    .weight = l->weight,
                                    .ngroup = 1,
                                    .precision = l->precision};
  tnd_regression_result fitted;
  TENDRIL_TRY(check_rows(l, b, err));
  TENDRIL_TRY(tnd_policy_regression_fit(l->regression, &rows, &fitted, err));
  TENDRIL_TRY(tnd_policy_noise_from_residuals(l->regression, &rows, TND_NOISE_FLOOR, err));
  TENDRIL_TRY(tnd_policy_noise_check(l->policy, TND_NOISE_FLOOR, "cwr",
                                     "use a larger learner.effective or more rollout.streams",
                                     err));
  stats->fit_error = fitted.search.f;
  stats->fit_evaluations = fitted.search.evaluations;
  stats->policy_noise = tnd_policy_noise_size(l->policy);
  return TENDRIL_OK;
}

// One iteration.
static tendril_status iterate(tendril_learner *learner, double *out, tendril_error *err) {
  cwr *l = (cwr *)learner;
  tendril_rollout_stats collected;
  tendril_cwr_stats stats = {0};
  const tendril_batch *batch;
  // 1. the policy to begin with
  if (l->base.iterations == 0 && l->cloning) TENDRIL_TRY(clone(l, &stats, err));
  // 2. rollouts
  TENDRIL_TRY(tendril_rollout_collect(l->rollout, l->policy, &batch, &collected, err));
  l->base.steps += batch->n;
  const double begin = tnd_clock_wall(), fit_cpu = tnd_clock_process();
  // what the first states are like is what the parameters mean from then on
  if (!tnd_policy_observed(l->policy)) tnd_policy_observe(l->policy, batch->n, batch->obs);
  // 3. weights
  TENDRIL_TRY(weigh(l, batch, &stats, err));
  // 4. and 5. policy
  TENDRIL_TRY(fit(l, batch, &stats, err));
  stats.fit_cpu = tnd_clock_process() - fit_cpu;
  stats.update_seconds = tnd_clock_wall() - begin;
  memcpy(out, &collected, sizeof collected);
  memcpy(out + NROLLOUT, &stats, sizeof stats);
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- checkpoints

static tendril_status save(const tendril_learner *learner, tnd_tensors *tensors,
                           tendril_error *err) {
  return tnd_rollout_save(((const cwr *)learner)->rollout, tensors, err);
}

static tendril_status load(tendril_learner *learner, const tnd_tensors *tensors,
                           tendril_error *err) {
  return tnd_rollout_load(((cwr *)learner)->rollout, tensors, err);
}

// ------------------------------------------------------------------------------ create, destroy

static void destroy(tendril_learner *learner) {
  cwr *l = (cwr *)learner;
  tnd_policy_regression_destroy(l->regression);
  tnd_cloning_destroy(l->cloning);
  tendril_rollout_destroy(l->rollout);
  tnd_arena_free(&l->arena);
  tnd_free(l);
}

static const tnd_learner_ops ops = {
    .stats = stat_rows,
    .nstat = NROLLOUT + NCWR,
    .iterate = iterate,
    .save = save,
    .load = load,
    .destroy = destroy,
};

static tendril_status create_parts(cwr *l, const tendril_learner_setup *setup, tendril_error *err) {
  const tendril_cwr_options *o = &l->options;
  const tnd_cloning_options cloning = TND_CLONING_OPTIONS(o);
  TENDRIL_TRY(tendril_rollout_create(&setup->rollout, setup->model, setup->pool, setup->seed,
                                     &l->rollout, err));
  if (setup->ndemonstration > 0)
    TENDRIL_TRY(tnd_cloning_create(setup, &cloning, "cwr", &l->cloning, err));
  l->capacity = tnd_rollout_capacity(l->rollout);
  int64_t rows = l->capacity;
  if (l->cloning && l->cloning->capacity > rows) rows = l->cloning->capacity;
  tnd_lbfgs_options search = TND_POLICY_REGRESSION_SEARCH;
  search.iterations = (int)o->fit_iterations;
  TENDRIL_TRY(
      tnd_policy_regression_create(l->policy, setup->pool, rows, &search, &l->regression, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tendril_cwr_create(const tendril_cwr_options *options,
                                  const tendril_learner_setup *setup, tendril_learner **out,
                                  tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_cwr.options, options, "learner", err));
  TENDRIL_TRY(tnd_check_whole_episodes(setup, "cwr", err));
  cwr *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->options = *options;
  l->policy = setup->policy;
  l->seed = setup->seed;
  l->nact = tendril_policy_nact(setup->policy);
  return tnd_learner_finish(&l->base, create_parts(l, setup, err), out);
}

#define X(...) TND_OPTION_ROW(tendril_cwr_options, __VA_ARGS__)
TND_METHOD(cwr, TENDRIL_CWR_OPTIONS, "cwr",
           "cost-weighted regression: a policy fitted to its own rollouts, weighted by their costs",
           "Peters and Schaal 2007 (ICML), Kober and Peters 2009 (NeurIPS)")
#undef X

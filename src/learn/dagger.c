// DAGGER (Ross, Gordon, Bagnell 2011, algorithm 3.1 with beta_1 = 1 and beta_i = 0 after it), as
// Levine and Koltun 2014 compare with it. Steps and symbols are those of docs/methods/gps.md.
//
//   q    trajectory distributions, one a demonstration: the oracle       pi   the policy
//   y    what q's feedback does in a state                               w    the state's density
//
// The samples are q's own, then those of the policy's rollouts, iteration after iteration.
#include "learn/dagger.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "learn/cloning.h"
#include "learn/policy_noise.h"
#include "trajopt/oracle.h"

#include <math.h>
#include <string.h>

typedef struct dagger {
  tendril_learner base;
  tendril_dagger_options options;
  tendril_policy *policy;  // borrowed
  uint64_t seed;
  int nobs, nact;
  tnd_cloning *cloning;
  tnd_oracle **oracles;  // [cloning->n]
  tnd_policy_regression *regression;

  // samples
  int64_t capacity, rows;
  double *obs;                // [capacity][nobs]
  double *target;             // [capacity][nact]
  double *weight;             // [capacity]
  int *time;                  // [capacity]
  int filled;                 // iterations that they are of
  int64_t *count;             // [1 + keep] rows of each: q's, then from the oldest to the newest
  double *sigma, *precision;  // [nact], [nact][nact] the policy's, before a fit
  tnd_arena arena;
} dagger;

#define X(name, unit, meaning) {#name, unit, meaning},
static const tendril_stat stat_rows[] = {TENDRIL_DAGGER_STATS(X)};
#undef X
enum { NSTAT = sizeof(tendril_dagger_stats) / sizeof(double) };

static void layout(dagger *l, tnd_arena *arena) {
  const size_t capacity = (size_t)l->capacity, m = (size_t)l->nact;
  l->obs = tnd_arena_doubles(arena, capacity * (size_t)l->nobs);
  l->target = tnd_arena_doubles(arena, capacity * m);
  l->weight = tnd_arena_doubles(arena, capacity);
  l->time = tnd_arena_ints(arena, capacity);
  l->count = tnd_arena_take(arena, (size_t)l->options.keep + 1, sizeof *l->count);
  l->sigma = tnd_arena_doubles(arena, m);
  l->precision = tnd_arena_doubles(arena, m * m);
}

// ------------------------------------------------------------------------- steps of an iteration

// Draws q's samples, and its densities from them.
static tendril_status draw(dagger *l, tnd_cloning_stats *drawn, tendril_error *err) {
  TENDRIL_TRY(tnd_cloning_sample(l->cloning, l->seed, drawn, err));
  for (int i = 0; l->options.weights == TENDRIL_WEIGHTS_DENSITY && i < l->cloning->n; i++)
    TENDRIL_TRY(tnd_oracle_measure(l->oracles[i], err));
  return TENDRIL_OK;
}

// Step 1: the oracle's own states.
static tendril_status sample_oracle(dagger *l, tendril_dagger_stats *stats, tendril_error *err) {
  const tnd_cloning *c = l->cloning;
  tnd_cloning_stats drawn;
  TENDRIL_TRY(draw(l, &drawn, err));
  const size_t n = (size_t)c->rows.n;
  memcpy(l->obs, c->obs, sizeof *l->obs * n * (size_t)l->nobs);
  memcpy(l->target, c->target, sizeof *l->target * n * (size_t)l->nact);
  memcpy(l->time, c->time, sizeof *l->time * n);
  l->rows = 0;
  for (int i = 0; i < c->n; i++)
    l->rows += tnd_oracle_weigh(l->oracles[i], l->weight + l->rows);
  l->count[0] = l->rows;
  l->filled = 1;
  l->base.steps += drawn.steps;
  stats->survived = drawn.survived;
  stats->rollout_cost = drawn.cost;
  stats->physics_seconds = drawn.physics;
  stats->mismatch = (double)NAN;  // there is no policy yet
  for (int64_t k = 0; k < l->rows; k++)
    stats->weight += l->weight[k] / (double)l->rows;
  return TENDRIL_OK;
}

// Forgets the oldest of the policy's rollouts if there is no room for more.
static void make_room(dagger *l) {
  if (l->filled <= l->options.keep) return;
  const int64_t to = l->count[0], from = to + l->count[1];
  const size_t n = (size_t)(l->rows - from);
  memmove(l->obs + to * l->nobs, l->obs + from * l->nobs, sizeof *l->obs * n * (size_t)l->nobs);
  memmove(l->target + to * l->nact, l->target + from * l->nact,
          sizeof *l->target * n * (size_t)l->nact);
  memmove(l->weight + to, l->weight + from, sizeof *l->weight * n);
  memmove(l->time + to, l->time + from, sizeof *l->time * n);
  l->rows -= l->count[1];
  l->filled--;
  memmove(l->count + 1, l->count + 2, sizeof *l->count * (size_t)(l->filled - 1));
}

// Steps 2 and 3: states that the policy comes to, with the oracle's actions there.
static void sample_policy(dagger *l, tendril_dagger_stats *stats) {
  const tendril_dagger_options *o = &l->options;
  const int n = l->cloning->n, taught = l->cloning->taught;
  int survivors = 0;
  int64_t added = 0;
  make_room(l);
  for (int i = 0; i < n; i++) {
    tnd_oracle_rollouts run;
    tnd_oracle_run(l->oracles[i], o->noise ? l->sigma : NULL, l->seed + (uint64_t)i,
                   (uint32_t)l->base.iterations, &run);
    added += tnd_oracle_rows(l->oracles[i], l->obs + (l->rows + added) * l->nobs,
                             l->target + (l->rows + added) * l->nact, l->time + l->rows + added,
                             l->weight + l->rows + added);
    l->base.steps += run.steps;
    survivors += run.survived;
    if (run.survived > 0) stats->rollout_cost += run.cost * run.survived / taught;
    if (run.rows > 0) {
      stats->mismatch += run.mismatch * (double)run.rows;
      stats->weight += run.weight * (double)run.rows;
    }
    stats->physics_seconds += run.physics;
  }
  l->count[l->filled++] = added;
  l->rows += added;
  stats->survived = survivors / ((double)o->rollouts * n);
  stats->rollout_cost /= survivors;  // NAN: of none
  stats->mismatch = sqrt(stats->mismatch / (double)added);
  stats->weight /= (double)added;
}

// Step 4.
static tendril_status fit(dagger *l, tendril_dagger_stats *stats, tendril_error *err) {
  const tnd_regression_rows all = {.n = l->rows,
                                   .obs = l->obs,
                                   .time = l->time,
                                   .target = l->target,
                                   .weight = l->weight,
                                   .ngroup = 1,
                                   .precision = l->precision};
  // q's own samples alone: cloning
  const tnd_regression_rows *rows = l->base.iterations == 0 ? &l->cloning->rows : &all;
  // what the first samples are like is what the parameters mean from then on
  if (!tnd_policy_observed(l->policy)) tnd_policy_observe(l->policy, rows->n, rows->obs);
  tnd_regression_result fitted;
  TENDRIL_TRY(tnd_policy_regression_fit(l->regression, rows, &fitted, err));
  TENDRIL_TRY(tnd_policy_noise_from_residuals(l->regression, rows, TND_NOISE_FLOOR, err));
  stats->fit_error = fitted.search.f;
  stats->fit_evaluations = fitted.search.evaluations;
  stats->rows = (double)rows->n;
  double sum = 0, squares = 0, noise = 0;
  for (int64_t k = 0; k < rows->n; k++) {
    const double weight = tnd_regression_weight(rows, k);
    sum += weight;
    squares += weight * weight;
  }
  stats->effective = sum / squares * sum;
  tnd_policy_noise_get(l->policy, 1, 1, l->sigma);
  for (int j = 0; j < l->nact; j++)
    noise += l->sigma[j] * l->sigma[j] / l->nact;
  stats->policy_noise = sqrt(noise);
  for (int i = 0; i < l->cloning->n; i++)
    stats->policy_cost +=
        tnd_guide_policy_cost(l->cloning->guides[i]) / l->cloning->taught / l->cloning->n;
  return TENDRIL_OK;
}

// One iteration.
static tendril_status iterate(tendril_learner *learner, double *out, tendril_error *err) {
  dagger *l = (dagger *)learner;
  tendril_dagger_stats stats = {0};
  const double begin = tnd_clock_wall(), cpu = tnd_clock_process();
  tnd_policy_noise_get(l->policy, 1, 1, l->sigma);
  tnd_policy_noise_get(l->policy, -2, l->nact + 1, l->precision);
  if (l->base.iterations == 0)
    TENDRIL_TRY(sample_oracle(l, &stats, err));
  else
    sample_policy(l, &stats);
  const double sampled = tnd_clock_process();
  TENDRIL_TRY(fit(l, &stats, err));
  stats.sample_cpu = sampled - cpu;
  stats.fit_cpu = tnd_clock_process() - sampled;
  stats.update_seconds = tnd_clock_wall() - begin;
  memcpy(out, &stats, sizeof stats);
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- checkpoints

static tendril_status save(const tendril_learner *learner, tnd_tensors *tensors,
                           tendril_error *err) {
  const dagger *l = (const dagger *)learner;
  const int64_t n = l->rows, filled = l->filled;
  TENDRIL_TRY(tnd_tensors_put_ints(tensors, "dagger.iterations", 1, &filled, err));
  if (filled == 0) return TENDRIL_OK;
  TENDRIL_TRY(tnd_tensors_put_ints(tensors, "dagger.count", filled, l->count, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "dagger.obs", n, l->nobs, l->obs, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "dagger.action", n, l->nact, l->target, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "dagger.weight", n, 0, l->weight, err));
  int64_t *time = tnd_alloc(sizeof *time * (size_t)n);
  if (!time) return tnd_fail_memory(err);
  for (int64_t k = 0; k < n; k++)
    time[k] = l->time[k];
  const tendril_status status = tnd_tensors_put_ints(tensors, "dagger.step", n, time, err);
  tnd_free(time);
  return status;
}

static tendril_status load_counts(dagger *l, const tnd_tensors *tensors, tendril_error *err) {
  const int64_t of_policy = (int64_t)l->cloning->n * l->cloning->taught * l->options.rollouts;
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "dagger.count", l->filled, l->count, err));
  l->rows = 0;
  for (int k = 0; k < l->filled; k++) {
    if (l->count[k] < 0 || l->count[k] > (k == 0 ? l->cloning->capacity : of_policy))
      return tnd_tensors_refuse(tensors, "dagger.count", "out of range", err);
    l->rows += l->count[k];
  }
  if (l->rows == 0) return tnd_tensors_refuse(tensors, "dagger.count", "no samples", err);
  return TENDRIL_OK;
}

static tendril_status load_rows(dagger *l, const tnd_tensors *tensors, tendril_error *err) {
  const int64_t n = l->rows;
  TENDRIL_TRY(tnd_tensors_get(tensors, "dagger.obs", n, l->nobs, l->obs, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "dagger.action", n, l->nact, l->target, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "dagger.weight", n, 0, l->weight, err));
  int64_t *time = tnd_alloc(sizeof *time * (size_t)n);
  if (!time) return tnd_fail_memory(err);
  tendril_status status = tnd_tensors_get_ints(tensors, "dagger.step", n, time, err);
  for (int64_t k = 0; k < n && status == TENDRIL_OK; k++) {
    if (time[k] < 0 || time[k] >= l->cloning->taught)
      status = tnd_tensors_refuse(tensors, "dagger.step", "out of range", err);
    l->time[k] = (int)time[k];
    if (l->weight[k] < 0) status = tnd_tensors_refuse(tensors, "dagger.weight", "is negative", err);
  }
  tnd_free(time);
  return status;
}

static tendril_status load(tendril_learner *learner, const tnd_tensors *tensors,
                           tendril_error *err) {
  dagger *l = (dagger *)learner;
  int64_t filled, counters[2];
  tnd_cloning_stats drawn;
  l->filled = 0;
  l->rows = 0;
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "learner.counters", 2, counters, err));
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "dagger.iterations", 1, &filled, err));
  if (filled < 0 || filled > l->options.keep + 1 || (counters[0] > 0 && filled == 0))
    return tnd_tensors_refuse(tensors, "dagger.iterations", "out of range", err);
  if (filled == 0) return TENDRIL_OK;
  l->filled = (int)filled;
  tendril_status status = load_counts(l, tensors, err);
  if (status == TENDRIL_OK) status = load_rows(l, tensors, err);
  // the densities are those of q's samples, which are what they were
  if (status == TENDRIL_OK) status = draw(l, &drawn, err);
  if (status != TENDRIL_OK) l->filled = 0;
  return status;
}

// ------------------------------------------------------------------------------ create, destroy

static void destroy(tendril_learner *learner) {
  dagger *l = (dagger *)learner;
  for (int i = 0; l->oracles && i < l->cloning->n; i++)
    tnd_oracle_destroy(l->oracles[i]);
  tnd_free(l->oracles);
  tnd_policy_regression_destroy(l->regression);
  tnd_cloning_destroy(l->cloning);
  tnd_arena_free(&l->arena);
  tnd_free(l);
}

static const tnd_learner_ops ops = {
    .stats = stat_rows,
    .nstat = NSTAT,
    .iterate = iterate,
    .save = save,
    .load = load,
    .destroy = destroy,
};

static tendril_status create_parts(dagger *l, const tendril_learner_setup *setup,
                                   tendril_error *err) {
  const tendril_dagger_options *o = &l->options;
  const tnd_cloning_options cloning = TND_CLONING_OPTIONS(o);
  TENDRIL_TRY(tnd_cloning_create(setup, &cloning, "dagger", &l->cloning, err));
  l->oracles = tnd_alloc(sizeof *l->oracles * (size_t)l->cloning->n);
  if (!l->oracles) return tnd_fail_memory(err);
  for (int i = 0; i < l->cloning->n; i++)
    TENDRIL_TRY(tnd_oracle_create(l->cloning->guides[i], (int)o->rollouts, &l->oracles[i], err));
  l->capacity =
      l->cloning->capacity + (int64_t)l->cloning->n * l->cloning->taught * o->rollouts * o->keep;
  tnd_lbfgs_options search = TND_POLICY_REGRESSION_SEARCH;
  search.iterations = (int)o->fit_iterations;
  TENDRIL_TRY(tnd_policy_regression_create(l->policy, setup->pool, l->capacity, &search,
                                           &l->regression, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tendril_dagger_create(const tendril_dagger_options *options,
                                     const tendril_learner_setup *setup, tendril_learner **out,
                                     tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_dagger.options, options, "learner", err));
  dagger *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->options = *options;
  l->policy = setup->policy;
  l->seed = setup->seed;
  l->nobs = tendril_policy_nobs(setup->policy);
  l->nact = tendril_policy_nact(setup->policy);
  return tnd_learner_finish(&l->base, create_parts(l, setup, err), out);
}

#define X(...) TND_OPTION_ROW(tendril_dagger_options, __VA_ARGS__)
TND_METHOD(dagger, TENDRIL_DAGGER_OPTIONS, "dagger",
           "imitation of a demonstration's feedback at the states that the policy comes to",
           "Ross et al. 2011 (AISTATS)")
#undef X

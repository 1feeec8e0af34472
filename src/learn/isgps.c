// Importance-sampled guided policy search (Levine and Koltun 2013, "Guided Policy Search", ICML,
// algorithm 1), and adapted, as Levine and Koltun 2014 compare with both. Steps and symbols are
// those of docs/methods/gps.md.
//
//   q      guiding distributions, one a demonstration       theta*   the best policy so far
//   S      the paths: q's samples, the rollouts of          theta_k  the one that a search found
//          recent policies
//   qbar   the mixture that S is drawn from                 Phi      is_objective.h
//
// theta*'s rollouts are the newest of S whenever an iteration begins.
#include "learn/isgps.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "learn/cloning.h"
#include "learn/guide_advance.h"
#include "learn/is_samples.h"
#include "learn/policy_noise.h"

#include <math.h>
#include <string.h>

// Fits of the first policy: the second weighs actions by the noise that the first left.
enum { FIRST_FITS = 2 };

typedef struct isgps {
  tendril_learner base;
  const char *name;
  bool adapts;
  tendril_isgps_options options;
  tendril_policy *policy;  // borrowed
  uint64_t seed;
  int n, T, nact, nparam;  // T: steps that are taught
  tnd_cloning *cloning;    // its guides are q
  tnd_policy_regression *regression;
  tnd_is_objective *objective;
  tnd_lbfgs *search;
  double w_r;

  tnd_is_samples S;
  bool begun;  // there is a policy

  double *best;       // [nparam] theta*
  double *v;          // [nparam] where a search is: theta, but of the noise s
  double *tried;      // [nparam] theta of it; theta_k when it has ended
  double phi_start;   // Phi where the search began
  double *slope;      // [nact] of the noise in what is searched for
  double *precision;  // [nact][nact]
  double *sigma2;     // [nact]
  int *time;          // [n samples][T]
  double *weight;     // [n samples][T]
  tnd_arena arena;
} isgps;

#define X(name, unit, meaning) {#name, unit, meaning},
static const tendril_stat stat_rows[] = {TENDRIL_ISGPS_STATS(X)};
#undef X
enum { NSTAT = sizeof(tendril_isgps_stats) / sizeof(double) };

static void layout(isgps *l, tnd_arena *arena) {
  const size_t nparam = (size_t)l->nparam, m = (size_t)l->nact;
  const size_t guided = (size_t)tnd_is_samples_first(&l->S, 1) * (size_t)l->T;
  l->best = tnd_arena_doubles(arena, nparam);
  l->v = tnd_arena_doubles(arena, nparam);
  l->tried = tnd_arena_doubles(arena, nparam);
  l->slope = tnd_arena_doubles(arena, m);
  l->precision = tnd_arena_doubles(arena, m * m);
  l->sigma2 = tnd_arena_doubles(arena, m);
  l->time = tnd_arena_ints(arena, guided);
  l->weight = tnd_arena_doubles(arena, guided);
}

// ---------------------------------------------------------------------------------------- policies

static void set_policy(isgps *l, const double *theta) {
  // finite: it was the policy's before
  tendril_status set = tendril_policy_set_params(l->policy, theta, NULL);
  (void)set;
}

// Noise of an iteration: of q's samples, of the policy that was found, of the best one again.
typedef enum draw_kind { DRAW_GUIDES, DRAW_FOUND, DRAW_BEST, NDRAW } draw_kind;

static uint32_t stream_of(int64_t iteration, draw_kind kind) {
  return (uint32_t)(NDRAW * iteration + kind);
}

static tendril_status sample_guides(isgps *l, tendril_isgps_stats *stats, tendril_error *err) {
  tnd_is_drawn drawn;
  const uint32_t stream = stream_of(l->base.iterations, DRAW_GUIDES);
  const tendril_status status = tnd_is_samples_guide(&l->S, stream, l->name, &drawn, err);
  l->base.steps += drawn.steps;
  stats->physics_seconds += drawn.physics;
  return status;
}

// Rollouts of the policy as it is.
static void roll_out(isgps *l, draw_kind kind, tendril_isgps_stats *stats) {
  tnd_is_drawn drawn;
  tnd_is_samples_join(&l->S, stream_of(l->base.iterations, kind), &drawn);
  l->base.steps += drawn.steps;
  stats->physics_seconds += drawn.physics;
  if (kind == DRAW_BEST) return;
  stats->rollout_cost = drawn.cost;
  stats->diverged = drawn.diverged;
}

// ------------------------------------------------------------------------- steps of an iteration

// The largest likelihood of q's samples: actions that are past a path's end have no weight.
static tendril_status fit_first(isgps *l, tendril_isgps_stats *stats, tendril_error *err) {
  const tnd_is_samples *S = &l->S;
  const int n = tnd_is_samples_first(S, 1);
  const bool seen = tnd_policy_observed(l->policy);
  for (int i = 0; i < n; i++) {
    const ptrdiff_t row = (ptrdiff_t)i * l->T;
    // what the first samples are like is what the parameters mean from then on
    if (!seen) tnd_policy_observe(l->policy, S->length[i], S->obs + row * S->nobs);
    for (int t = 0; t < l->T; t++) {
      l->time[row + t] = t;
      l->weight[row + t] = t < S->length[i];
    }
  }
  const tnd_regression_rows rows = {.n = (int64_t)n * l->T,
                                    .obs = S->obs,
                                    .time = l->time,
                                    .target = S->action,
                                    .weight = l->weight,
                                    .ngroup = 1,
                                    .precision = l->precision};
  for (int k = 0; k < FIRST_FITS; k++) {
    tnd_regression_result fitted;
    tnd_policy_noise_get(l->policy, -2, l->nact + 1, l->precision);
    TENDRIL_TRY(tnd_policy_regression_fit(l->regression, &rows, &fitted, err));
    TENDRIL_TRY(tnd_policy_noise_from_residuals(l->regression, &rows, TND_NOISE_FLOOR, err));
    stats->fit_evaluations += fitted.search.evaluations;
  }
  return TENDRIL_OK;
}

// Steps 1 and 2: q's samples, the first policy and its rollouts.
static tendril_status begin(isgps *l, tendril_isgps_stats *stats, tendril_error *err) {
  const double cpu = tnd_clock_process();
  l->S.filled = 0;
  l->w_r = l->options.w_r;
  for (int i = 0; l->adapts && i < l->n; i++) {
    tnd_guide_samples samples;
    TENDRIL_TRY(tnd_guide_sample(l->cloning->guides[i], l->seed + (uint64_t)i,
                                 stream_of(l->base.iterations, DRAW_GUIDES), &samples, err));
    l->base.steps += samples.steps;
  }
  TENDRIL_TRY(sample_guides(l, stats, err));
  const double sampled = tnd_clock_process();
  TENDRIL_TRY(fit_first(l, stats, err));
  const double fitted = tnd_clock_process();
  roll_out(l, DRAW_FOUND, stats);
  l->begun = true;
  stats->found_cost = stats->best_cost = (double)NAN;  // nothing is estimated
  stats->accepted = 1;
  memcpy(l->best, tendril_policy_get_params(l->policy), sizeof *l->best * (size_t)l->nparam);
  stats->fit_cpu = fitted - sampled;
  stats->sample_cpu = tnd_clock_process() - cpu - stats->fit_cpu;
  return TENDRIL_OK;
}

// Step 3, adapted: q towards a low cost and theta*, and its samples anew.
static tendril_status adapt(isgps *l, tendril_isgps_stats *stats, tendril_error *err) {
  const uint32_t stream = stream_of(l->base.iterations, DRAW_GUIDES);
  tnd_policy_noise_get(l->policy, 2, 1, l->sigma2);
  for (int i = 0; i < l->n; i++) {
    tnd_guide_samples samples;
    tnd_guide_advanced step;
    TENDRIL_TRY(tnd_guide_advance(l->cloning->guides[i], (int)l->options.samples, l->sigma2,
                                  l->seed + (uint64_t)i, stream, &samples, &step, err));
    l->base.steps += step.steps;
    stats->alpha += step.alpha / l->n;
    stats->taken_back += step.taken_back;
    stats->trajectory_cpu += step.trajectory_cpu;
    stats->physics_seconds += step.physics;
  }
  return sample_guides(l, stats, err);
}

// The search goes over s with sigma^2 = floor^2 + exp(2 s) in place of log sigma: theta of v, and
// dlog sigma / ds of each action into *slope where that is not NULL.
static void noise_of(const isgps *l, const double *v, double *theta, double *slope) {
  const int nmean = tnd_policy_log_std(l->policy);
  const double least = log(TND_NOISE_FLOOR);
  memcpy(theta, v, sizeof *theta * (size_t)nmean);
  for (int j = 0; j < l->nact; j++) {
    const double d = 2 * (v[nmean + j] - least);  // no exponent is large and positive
    theta[nmean + j] = least + (d > 0 ? d + log1p(exp(-d)) : log1p(exp(d))) / 2;
    if (slope) slope[j] = d > 0 ? 1 / (1 + exp(-d)) : exp(d) / (1 + exp(d));
  }
}

// v of theta.
static void noise_from(const isgps *l, const double *theta, double *v) {
  const int nmean = tnd_policy_log_std(l->policy);
  const double least = log(TND_NOISE_FLOOR);
  memcpy(v, theta, sizeof *v * (size_t)nmean);
  for (int j = 0; j < l->nact; j++) {
    // at the floor itself s would be minus infinity, where nothing moves it
    const double d = fmax(2 * (theta[nmean + j] - least), 0.1);
    v[nmean + j] = least + (d + log1p(-exp(-d))) / 2;
  }
}

// What L-BFGS minimises: by how much Phi is less than at the start, whatever the rewards' offset.
static double at(void *context, const double *v, double *g) {
  isgps *l = context;
  const int nmean = tnd_policy_log_std(l->policy);
  noise_of(l, v, l->tried, l->slope);
  if (tendril_policy_set_params(l->policy, l->tried, NULL) != TENDRIL_OK) return (double)NAN;
  const double phi = tnd_is_objective_value(l->objective, l->w_r, g).phi;
  for (int j = 0; j < l->nparam; j++)
    g[j] = j < nmean ? -g[j] : -g[j] * l->slope[j - nmean];
  return l->phi_start - phi;
}

// Step 4: theta_k from theta* on.
static tendril_status search(isgps *l, tendril_isgps_stats *stats, tendril_error *err) {
  tnd_is_samples_mix(&l->S, l->objective);
  noise_from(l, l->best, l->v);
  noise_of(l, l->v, l->tried, NULL);
  set_policy(l, l->tried);
  l->phi_start = tnd_is_objective_value(l->objective, l->w_r, NULL).phi;
  if (!isfinite(l->phi_start))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "%s: the estimate is not finite: the policy's actions or its noise are out of "
                    "all proportion to those of the samples; use a smaller learner.cost_scale",
                    l->name);
  tnd_lbfgs_result found;
  TENDRIL_TRY(tnd_lbfgs_minimize(l->search, at, l, l->v, &found, err));
  noise_of(l, l->v, l->tried, NULL);
  set_policy(l, l->tried);
  stats->gain = -found.f;
  stats->fit_evaluations = found.evaluations;
  stats->searched = tnd_is_objective_value(l->objective, l->w_r, NULL).effective;
  return TENDRIL_OK;
}

// Steps 5 and 6: rollouts of theta_k, which is held against theta* by all paths.
static void judge(isgps *l, tendril_isgps_stats *stats) {
  const tendril_isgps_options *o = &l->options;
  const double steps = (double)l->n * l->T;
  roll_out(l, DRAW_FOUND, stats);
  tnd_is_samples_mix(&l->S, l->objective);
  set_policy(l, l->best);
  const tnd_is_value best = tnd_is_objective_value(l->objective, l->w_r, NULL);
  set_policy(l, l->tried);
  const tnd_is_value found = tnd_is_objective_value(l->objective, l->w_r, NULL);
  stats->best_cost = -best.expected / steps;
  stats->found_cost = -found.expected / steps;
  stats->effective = found.effective;
  if (found.expected > best.expected) {
    memcpy(l->best, l->tried, sizeof *l->best * (size_t)l->nparam);
    l->w_r = fmax(l->w_r / 10, o->w_r_min);
    stats->accepted = 1;
    return;
  }
  l->w_r = fmin(l->w_r * 10, o->w_r_max);
  // luck has no second time
  set_policy(l, l->best);
  roll_out(l, DRAW_BEST, stats);
}

static tendril_status improve(isgps *l, tendril_isgps_stats *stats, tendril_error *err) {
  double cpu = tnd_clock_process();
  if (l->adapts) TENDRIL_TRY(adapt(l, stats, err));
  stats->sample_cpu = tnd_clock_process() - cpu - stats->trajectory_cpu;
  cpu = tnd_clock_process();
  TENDRIL_TRY(search(l, stats, err));
  stats->fit_cpu = tnd_clock_process() - cpu;
  cpu = tnd_clock_process();
  judge(l, stats);
  stats->sample_cpu += tnd_clock_process() - cpu;
  return TENDRIL_OK;
}

// What S and the policy are like in the end.
static void describe(isgps *l, tendril_isgps_stats *stats) {
  stats->policy_noise = tnd_policy_noise_size(l->policy);
  stats->w_r = l->w_r;
  const tnd_is_samples *S = &l->S;
  for (int i = 0; i < l->n; i++) {
    tnd_guide *q = l->cloning->guides[i];
    const tendril_trajectory *y = tnd_guide_trajectory(q);
    const tnd_guide_paths samples = tnd_is_samples_of(S, 0, i);
    const double share = 1.0 / S->kept[i] / l->T / l->n;
    stats->policy_cost += tnd_guide_policy_cost(q) / l->T / l->n;
    stats->trajectory_cost += y->cost / y->T / l->n;
    stats->survived += (double)S->kept[i] / samples.count / l->n;
    stats->paths += S->kept[i];
    for (ptrdiff_t k = 0; k < (ptrdiff_t)samples.count * l->T; k++)
      if (samples.length[k / l->T] > 0) stats->guide_cost -= share * samples.cost[k];
  }
  stats->paths += tnd_is_samples_first(S, S->filled) - tnd_is_samples_first(S, 1);
}

// One iteration.
static tendril_status iterate(tendril_learner *learner, double *out, tendril_error *err) {
  isgps *l = (isgps *)learner;
  tendril_isgps_stats stats = {0};
  const double wall = tnd_clock_wall();
  if (!l->begun) {
    TENDRIL_TRY(begin(l, &stats, err));
  } else {
    memcpy(l->best, tendril_policy_get_params(l->policy), sizeof *l->best * (size_t)l->nparam);
    const tendril_status status = improve(l, &stats, err);
    set_policy(l, l->best);
    TENDRIL_TRY(status);
  }
  TENDRIL_TRY(
      tnd_policy_noise_check(l->policy, TND_NOISE_FLOOR, l->name,
                             "use a smaller learner.cost_scale, or a larger learner.w_r_min", err));
  describe(l, &stats);
  stats.update_seconds = tnd_clock_wall() - wall;
  memcpy(out, &stats, sizeof stats);
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- checkpoints

static tendril_status save(const tendril_learner *learner, tnd_tensors *tensors,
                           tendril_error *err) {
  const isgps *l = (const isgps *)learner;
  TENDRIL_TRY(tnd_is_samples_save(&l->S, tensors, err));
  if (!l->begun) return TENDRIL_OK;
  TENDRIL_TRY(tnd_tensors_put(tensors, "isgps.w_r", 1, 0, &l->w_r, err));
  for (int i = 0; l->adapts && i < l->n; i++)
    TENDRIL_TRY(tnd_guide_save(l->cloning->guides[i], i, tensors, err));
  return TENDRIL_OK;
}

// The guiding distributions, and the samples that the policy's terms are averaged over next.
static tendril_status load_guides(isgps *l, int64_t iterations, const tnd_tensors *tensors,
                                  tendril_error *err) {
  for (int i = 0; i < l->n; i++) {
    tnd_guide_samples samples;
    TENDRIL_TRY(tnd_guide_load(l->cloning->guides[i], i, tensors, err));
    TENDRIL_TRY(tnd_guide_sample(l->cloning->guides[i], l->seed + (uint64_t)i,
                                 stream_of(iterations - 1, DRAW_GUIDES), &samples, err));
  }
  return TENDRIL_OK;
}

static tendril_status load(tendril_learner *learner, const tnd_tensors *tensors,
                           tendril_error *err) {
  isgps *l = (isgps *)learner;
  int64_t counters[2];
  l->begun = false;
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "learner.counters", 2, counters, err));
  TENDRIL_TRY(tnd_is_samples_load(&l->S, tensors, err));
  if ((counters[0] > 0) != (l->S.filled > 0))
    return tnd_tensors_refuse(tensors, "isgps.slots", "out of range", err);
  if (counters[0] == 0) return TENDRIL_OK;
  TENDRIL_TRY(tnd_tensors_get(tensors, "isgps.w_r", 1, 0, &l->w_r, err));
  if (l->w_r < 0) return tnd_tensors_refuse(tensors, "isgps.w_r", "is negative", err);
  if (l->adapts) TENDRIL_TRY(load_guides(l, counters[0], tensors, err));
  l->begun = true;
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------ create, destroy

static void destroy(tendril_learner *learner) {
  isgps *l = (isgps *)learner;
  tnd_lbfgs_destroy(l->search);
  tnd_is_objective_destroy(l->objective);
  tnd_policy_regression_destroy(l->regression);
  tnd_cloning_destroy(l->cloning);
  tnd_is_samples_free(&l->S);
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

static tendril_status create_parts(isgps *l, const tendril_learner_setup *setup,
                                   tendril_error *err) {
  const tendril_isgps_options *o = &l->options;
  tnd_cloning_options cloning = TND_CLONING_OPTIONS(o);
  cloning.guide.pull = l->adapts ? TND_PULL_VARIATIONAL : TND_PULL_CONSTRAINED;
  cloning.guide.averaged = cloning.adapts = l->adapts;
  TENDRIL_TRY(tnd_cloning_create(setup, &cloning, l->name, &l->cloning, err));
  l->T = l->cloning->taught;
  tnd_lbfgs_options search = TND_POLICY_REGRESSION_SEARCH;
  search.iterations = (int)o->fit_iterations;
  const mjModel *m = tendril_model_mujoco(setup->model);
  l->S = (tnd_is_samples){.guides = l->cloning->guides,
                          .policy = l->policy,
                          .seed = l->seed,
                          .n = l->n,
                          .T = l->T,
                          .nx = (int)(m->nq + m->nv),
                          .nobs = tendril_policy_nobs(l->policy),
                          .nact = l->nact,
                          .nparam = l->nparam,
                          .samples = (int)o->samples,
                          .rollouts = (int)o->rollouts,
                          .keep = (int)o->keep};
  TENDRIL_TRY(tnd_policy_regression_create(l->policy, setup->pool,
                                           (int64_t)tnd_is_samples_first(&l->S, 1) * l->T, &search,
                                           &l->regression, err));
  TENDRIL_TRY(tnd_is_objective_create(l->policy, setup->pool, tnd_is_samples_capacity(&l->S), l->T,
                                      l->n, &l->objective, err));
  TENDRIL_TRY(tnd_is_samples_alloc(&l->S, err));
  TENDRIL_TRY(tnd_lbfgs_create(l->nparam, &search, &l->search, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tnd_isgps_create(const char *name, bool adapts, const tendril_isgps_options *options,
                                const tendril_learner_setup *setup, tendril_learner **out,
                                tendril_error *err) {
  const tendril_isgps_options *o = options;
  if (!(o->w_r_min <= o->w_r && o->w_r <= o->w_r_max))
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%s: learner.w_r begins at %g, which is not between learner.w_r_min, %g, and "
                    "learner.w_r_max, %g",
                    name, o->w_r, o->w_r_min, o->w_r_max);
  isgps *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->name = name;
  l->adapts = adapts;
  l->options = *options;
  l->policy = setup->policy;
  l->seed = setup->seed;
  l->n = setup->ndemonstration;
  l->nact = tendril_policy_nact(setup->policy);
  l->nparam = tendril_policy_nparam(setup->policy);
  return tnd_learner_finish(&l->base, create_parts(l, setup, err), out);
}

tendril_status tendril_isgps_create(const tendril_isgps_options *options,
                                    const tendril_learner_setup *setup, tendril_learner **out,
                                    tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_isgps.options, options, "learner", err));
  return tnd_isgps_create("isgps", false, options, setup, out, err);
}

#define X(...) TND_OPTION_ROW(tendril_isgps_options, __VA_ARGS__)
TND_METHOD(isgps, TENDRIL_ISGPS_OPTIONS, "isgps",
           "importance-sampled guided policy search: a policy by its own and guiding samples",
           "Levine and Koltun 2013, Guided Policy Search (ICML)")
#undef X

// Guided policy search, constrained (Levine and Koltun 2014, algorithm 1) and variational. Steps
// and symbols are those of docs/methods/gps.md.
//
//   q_i    trajectory distributions, one a demonstration    x_ti   samples of their states
//   pi     the policy, N(mu(x), diag sigma2)                 c      nats that a unit of cost counts
#include "learn/guided.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "learn/cloning.h"
#include "learn/guide_advance.h"
#include "learn/policy_noise.h"

#include <math.h>
#include <string.h>

typedef struct guided {
  tendril_learner base;
  const char *name;
  tnd_guide_pull pull;
  tendril_cgps_options options;
  tendril_policy *policy;  // borrowed
  uint64_t seed;
  int n, T, taught, nact;
  tnd_cloning *cloning;  // its guides are q, its rows those that the policy is fitted to
  tnd_guide **guides;    // [n] its
  tnd_policy_regression *regression;
  int64_t simulated;         // steps in this iteration
  double *lambda;            // [n taught]
  double *kl;                // [taught]
  double *sigma2, *log_std;  // [nact]
  tnd_arena arena;
} guided;

#define X(name, unit, meaning) {#name, unit, meaning},
static const tendril_stat stat_rows[] = {TENDRIL_GUIDED_STATS(X)};
#undef X
enum { NSTAT = sizeof(tendril_guided_stats) / sizeof(double) };

static void layout(guided *l, tnd_arena *arena) {
  const size_t groups = (size_t)l->n * (size_t)l->taught, m = (size_t)l->nact;
  l->lambda = tnd_arena_doubles(arena, groups);
  l->kl = tnd_arena_doubles(arena, (size_t)l->taught);
  l->sigma2 = tnd_arena_doubles(arena, m);
  l->log_std = tnd_arena_doubles(arena, m);
}

// ------------------------------------------------------------------------- steps of an iteration

// What a unit of cost counts in this iteration.
static void set_scale(guided *l) {
  const tendril_cgps_options *o = &l->options;
  const double share = fmin(1, (double)l->base.iterations / (double)o->growth_iterations);
  for (int i = 0; i < l->n; i++)
    tnd_guide_set_scale(l->guides[i], o->cost_scale * pow(o->cost_growth, share));
}

typedef struct clocks {
  double wall, cpu;
} clocks;

// Adds what has passed since the last time.
static void lap(clocks *clock, double *wall, double *cpu) {
  const clocks now = {tnd_clock_wall(), tnd_clock_process()};
  *wall += now.wall - clock->wall;
  *cpu += now.cpu - clock->cpu;
  *clock = now;
}

// Noise of trajectory i in an iteration: which stream it is.
static uint32_t stream_of(const guided *l, int64_t iteration, int i) {
  return (uint32_t)(iteration * l->n + i);
}

// Steps 1 and 2 of trajectory i: towards a low cost and the policy, samples of the states. The
// first policy is taught the demonstrations as they are.
static tendril_status advance(guided *l, int i, tnd_guide_samples *drawn, clocks *clock,
                              tendril_guided_stats *stats, tendril_error *err) {
  const uint32_t stream = stream_of(l, l->base.iterations, i);
  if (l->base.iterations == 0) {
    TENDRIL_TRY(tnd_guide_sample(l->guides[i], l->seed, stream, drawn, err));
    l->simulated += drawn->steps;
    stats->physics_seconds += drawn->physics;
    return TENDRIL_OK;
  }
  tnd_guide_advanced step;
  TENDRIL_TRY(tnd_guide_advance(l->guides[i], (int)l->options.samples, l->sigma2, l->seed, stream,
                                drawn, &step, err));
  lap(clock, &stats->sample_seconds, &stats->sample_cpu);
  stats->sample_seconds -= step.trajectory_seconds;
  stats->sample_cpu -= step.trajectory_cpu;
  stats->trajectory_seconds += step.trajectory_seconds;
  stats->trajectory_cpu += step.trajectory_cpu;
  stats->physics_seconds += step.physics;
  stats->alpha += step.alpha / l->n;
  stats->refused += step.refused;
  stats->taken_back += step.taken_back;
  l->simulated += step.steps;
  return TENDRIL_OK;
}

static tendril_status check_refused(const guided *l, const tendril_guided_stats *stats,
                                    tendril_error *err) {
  if (stats->refused < (double)l->n * l->taught) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_NUMERIC,
                  "%s: no time step has a covariance, equation (8): noise lowers the cost by more "
                  "than lambda holds against; use a larger learner.lambda",
                  l->name);
}

// Steps 1 and 2 of all trajectories, and the rows that the policy is fitted to.
static tendril_status advance_all(guided *l, clocks *clock, tendril_guided_stats *stats,
                                  tendril_error *err) {
  l->cloning->rows.n = 0;
  for (int i = 0; i < l->n; i++) {
    tnd_guide *q = l->guides[i];
    tnd_guide_samples drawn;
    TENDRIL_TRY(advance(l, i, &drawn, clock, stats, err));
    tnd_cloning_add(l->cloning, i);
    stats->survived += (double)drawn.kept / (double)l->options.samples / l->n;
    stats->rollout_cost += drawn.cost / l->taught / l->n;
    stats->trajectory_cost += tnd_guide_trajectory(q)->cost / l->T / l->n;
    stats->anchor += tnd_guide_anchor(q) / l->n;
  }
  lap(clock, &stats->sample_seconds, &stats->sample_cpu);
  return check_refused(l, stats, err);
}

// The matrices of step 3: lambda_t A_t^-1 of each time step or, of the variational kind, one for
// all rows, the policy's precision.
static int fill_precisions(guided *l, tendril_guided_stats *stats) {
  double *precision = l->cloning->precision;  // [n taught][nact][nact]
  const int m = l->nact, groups = l->n * l->taught;
  double noise = 0;
  for (int i = 0; i < l->n; i++) {
    const double *lambda = tnd_guide_lambda(l->guides[i]);
    const double *W = tnd_guide_precision(l->guides[i]), *A = tnd_guide_covariance(l->guides[i]);
    for (int t = 0; t < l->taught; t++) {
      const int group = i * l->taught + t;
      l->lambda[group] = lambda[t];
      for (int j = 0; j < m * m; j++)
        precision[(ptrdiff_t)group * m * m + j] = lambda[t] * W[(ptrdiff_t)t * m * m + j];
      for (int j = 0; j < m; j++)
        noise += A[((ptrdiff_t)t * m + j) * m + j] / ((double)groups * m);
    }
  }
  stats->noise = sqrt(noise);
  if (l->pull == TND_PULL_CONSTRAINED) return groups;
  memset(precision, 0, sizeof *precision * (size_t)(m * m));
  for (int j = 0; j < m; j++)
    precision[j * m + j] = 1 / l->sigma2[j];
  return 1;
}

// The policy's noise in closed form: the variance that minimises sum lambda KL(pi || q) or, of the
// variational kind, maximises E_q log pi, where q's own noise is part of the residual.
static tendril_status fit_noise(guided *l, const tnd_regression_rows *rows, tendril_error *err) {
  const int m = l->nact, groups = l->n * l->taught;
  if (l->pull == TND_PULL_CONSTRAINED)
    return tnd_policy_noise_from_precisions(l->policy, rows, l->lambda, TND_NOISE_FLOOR, err);
  TENDRIL_TRY(tnd_policy_regression_residual(l->regression, rows, l->sigma2, err));
  for (int i = 0; i < l->n; i++) {
    const double *A = tnd_guide_covariance(l->guides[i]);
    for (int t = 0; t < l->taught; t++)
      for (int j = 0; j < m; j++)
        l->sigma2[j] += A[((ptrdiff_t)t * m + j) * m + j] / groups;
  }
  for (int j = 0; j < m; j++)
    l->log_std[j] = log(fmax(TND_NOISE_FLOOR, sqrt(l->sigma2[j])));
  return tnd_policy_set_log_std(l->policy, l->log_std, err);
}

// Step 3: the policy's regression and its noise.
static tendril_status fit(guided *l, tendril_guided_stats *stats, tendril_error *err) {
  tnd_regression_rows rows = l->cloning->rows;
  rows.ngroup = fill_precisions(l, stats);
  if (rows.ngroup == 1) rows.group = NULL;
  const int nparam = tendril_policy_nparam(l->policy);
  if (rows.n * l->nact < nparam)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "%s: the rollouts that stayed within reach have %lld states, too few for a "
                    "policy of %d parameters; use more learner.samples, or less noise by a larger "
                    "learner.cost_scale",
                    l->name, (long long)rows.n, nparam);
  // what the first samples are like is what the parameters mean from then on
  if (!tnd_policy_observed(l->policy)) tnd_policy_observe(l->policy, rows.n, rows.obs);
  tnd_regression_result fitted;
  TENDRIL_TRY(tnd_policy_regression_fit(l->regression, &rows, &fitted, err));
  TENDRIL_TRY(fit_noise(l, &rows, err));
  TENDRIL_TRY(tnd_policy_noise_check(l->policy, TND_NOISE_FLOOR, l->name,
                                     "use a smaller learner.cost_scale", err));
  stats->fit_error = fitted.search.f;
  stats->fit_evaluations = fitted.search.evaluations;
  tnd_policy_noise_get(l->policy, 2, 1, l->sigma2);
  stats->policy_noise = tnd_policy_noise_size(l->policy);
  return TENDRIL_OK;
}

// Step 4: the multipliers, equation (2).
static tendril_status raise_multipliers(guided *l, tendril_guided_stats *stats,
                                        tendril_error *err) {
  const int groups = l->n * l->taught;
  stats->lambda_min = HUGE_VAL;
  for (int i = 0; i < l->n; i++) {
    double *lambda = tnd_guide_lambda(l->guides[i]);
    tnd_guide_divergence(l->guides[i], l->sigma2, l->kl);
    for (int t = 0; t < l->taught; t++) {
      lambda[t] += l->options.eta * l->kl[t];
      if (!isfinite(lambda[t]))
        return tnd_fail(err, TENDRIL_E_NUMERIC,
                        "%s: a divergence of %g nat between trajectory %d and the policy at step "
                        "%d; use a smaller learner.cost_scale or learner.eta",
                        l->name, l->kl[t], i, t);
      stats->kl += l->kl[t] / groups;
      stats->kl_max = fmax(stats->kl_max, l->kl[t]);
      stats->lambda += lambda[t] / groups;
      stats->lambda_min = fmin(stats->lambda_min, lambda[t]);
      stats->lambda_max = fmax(stats->lambda_max, lambda[t]);
    }
    stats->policy_cost += tnd_guide_policy_cost(l->guides[i]) / l->taught / l->n;
  }
  return TENDRIL_OK;
}

// One iteration.
static tendril_status iterate(tendril_learner *learner, double *out, tendril_error *err) {
  guided *l = (guided *)learner;
  tendril_guided_stats stats = {0};
  l->simulated = 0;
  const double begin = tnd_clock_wall();
  clocks clock = {begin, tnd_clock_process()};
  set_scale(l);
  tnd_policy_noise_get(l->policy, 2, 1, l->sigma2);
  // 1 and 2. trajectories and their samples
  TENDRIL_TRY(advance_all(l, &clock, &stats, err));
  // 3. policy
  TENDRIL_TRY(fit(l, &stats, err));
  lap(&clock, &stats.fit_seconds, &stats.fit_cpu);
  // 4. multipliers
  TENDRIL_TRY(raise_multipliers(l, &stats, err));
  lap(&clock, &stats.sample_seconds, &stats.sample_cpu);
  stats.update_seconds = clock.wall - begin;
  l->base.steps += l->simulated;
  memcpy(out, &stats, sizeof stats);
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- checkpoints

static tendril_status save(const tendril_learner *learner, tnd_tensors *tensors,
                           tendril_error *err) {
  const guided *l = (const guided *)learner;
  for (int i = 0; i < l->n; i++)
    TENDRIL_TRY(tnd_guide_save(l->guides[i], i, tensors, err));
  return TENDRIL_OK;
}

static tendril_status load(tendril_learner *learner, const tnd_tensors *tensors,
                           tendril_error *err) {
  guided *l = (guided *)learner;
  int64_t counters[2];
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "learner.counters", 2, counters, err));
  for (int i = 0; i < l->n; i++) {
    tnd_guide_samples drawn;
    TENDRIL_TRY(tnd_guide_load(l->guides[i], i, tensors, err));
    // the last iteration's samples: the policy's terms are averaged over them
    if (counters[0] > 0)
      TENDRIL_TRY(
          tnd_guide_sample(l->guides[i], l->seed, stream_of(l, counters[0] - 1, i), &drawn, err));
  }
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------ create, destroy

static void destroy(tendril_learner *learner) {
  guided *l = (guided *)learner;
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

static tendril_status create_parts(guided *l, const tendril_learner_setup *setup,
                                   tendril_error *err) {
  const tendril_cgps_options *o = &l->options;
  tnd_cloning_options cloning = TND_CLONING_OPTIONS(o);
  cloning.guide.pull = l->pull;
  cloning.guide.gaussian = o->states == TENDRIL_STATES_GAUSSIAN;
  cloning.guide.averaged = o->terms == TENDRIL_TERMS_AVERAGED;
  cloning.guide.lambda = o->lambda;
  cloning.adapts = true;
  TENDRIL_TRY(tnd_cloning_create(setup, &cloning, l->name, &l->cloning, err));
  l->guides = l->cloning->guides;
  l->n = l->cloning->n;
  l->T = setup->demonstrations[0].T;
  l->taught = l->cloning->taught;
  tnd_lbfgs_options search = TND_POLICY_REGRESSION_SEARCH;
  search.iterations = (int)o->fit_iterations;
  TENDRIL_TRY(tnd_policy_regression_create(l->policy, setup->pool, l->cloning->capacity, &search,
                                           &l->regression, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tnd_guided_create(const char *name, tnd_guide_pull pull,
                                 const tendril_cgps_options *options,
                                 const tendril_learner_setup *setup, tendril_learner **out,
                                 tendril_error *err) {
  guided *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->name = name;
  l->pull = pull;
  l->options = *options;
  l->policy = setup->policy;
  l->seed = setup->seed;
  l->nact = tendril_policy_nact(setup->policy);
  return tnd_learner_finish(&l->base, create_parts(l, setup, err), out);
}

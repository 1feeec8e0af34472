// The trajectory optimiser of Levine and Abbeel (2014). Steps and symbols are those of
// docs/methods/local-models.md.
//
//   x state (qpos, qvel), u control, y = (x, u, x'); N episodes of T steps
#include "learn/la14.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "dynamics/local_dynamics.h"
#include "dynamics/mixture.h"
#include "math/cholesky.h"
#include "policy/time_linear.h"
#include "rollout/rollout.h"
#include "rollout/transitions.h"
#include "sim/cost.h"
#include "trajopt/kl_lqr.h"

#include <limits.h>
#include <math.h>
#include <string.h>

typedef struct la14 {
  tendril_learner base;
  tendril_la14_options options;
  tendril_pool *pool;
  const tendril_model *model;
  tendril_policy *policy;  // borrowed
  tendril_rollout *rollout;
  tnd_transitions samples;
  tnd_local_dynamics *dynamics;
  tnd_mixture *mixture;  // NULL: regression
  tnd_kl_lqr *lqr;
  int T, n, m, p;    // steps; numbers of x, u and y
  double eps;        // bound of this iteration
  double predicted;  // by the last iteration's model: its improvement, and the cost before it
  double cost;       // mean of the last iteration's episodes; NAN before the first
  double eta;        // of the last iteration; 0 before the first

  double *y;                    // [T][most][p] of this iteration's whole episodes
  double *all;                  // [rows][p] of all kept samples
  double *mu0, *Phi;            // [T][p], [T][p][p] prior
  double *mean;                 // [T + 1][n + m] of the samples, about which the cost is expanded
  tnd_stage_cost *costs;        // [T + 1]
  double *expansion;            // their arrays
  double *work;                 // of tnd_cost_expand()
  tnd_gaussian *start;          // x_0
  tnd_linear_gaussian *old;     // [T]
  tnd_linear_gaussian *models;  // [T] of x' given (x, u)
  tnd_arena arena;
} la14;

#define X(name, unit, meaning) {#name, unit, meaning},
static const tendril_stat stat_rows[] = {TENDRIL_ROLLOUT_STATS(X) TENDRIL_LA14_STATS(X)};
#undef X
enum {
  NROLLOUT = sizeof(tendril_rollout_stats) / sizeof(double),
  NLA14 = sizeof(tendril_la14_stats) / sizeof(double)
};

// Numbers of an expansion: lx, lu, lxx, lux, luu.
static int expansion_size(const la14 *l) {
  return l->n + l->m + l->n * l->n + l->m * l->n + l->m * l->m;
}

static void layout(la14 *l, tnd_arena *arena) {
  const size_t T = (size_t)l->T, n = (size_t)l->n, m = (size_t)l->m, p = (size_t)l->p;
  const size_t rows = (size_t)l->samples.kept * (size_t)l->samples.most;
  l->y = tnd_arena_doubles(arena, (size_t)l->samples.most * p);
  if (l->mixture) {
    l->all = tnd_arena_doubles(arena, rows * p);
    l->mu0 = tnd_arena_doubles(arena, T * p);
    l->Phi = tnd_arena_doubles(arena, T * p * p);
  }
  l->mean = tnd_arena_doubles(arena, (T + 1) * (n + m));
  l->costs = tnd_arena_take(arena, T + 1, sizeof *l->costs);
  l->expansion = tnd_arena_doubles(arena, (T + 1) * (size_t)expansion_size(l));
  l->work = tnd_arena_doubles(arena, (size_t)tnd_cost_work(l->model));
  l->start = tnd_gaussian_layout(arena, 1, l->n);
  l->old = tnd_arena_take(arena, T, sizeof *l->old);
  l->models = tnd_linear_gaussian_layout(arena, l->T, l->n + l->m, l->n);
}

// --------------------------------------------------------------------------- steps of an iteration

static void copy_row(const la14 *l, int64_t row, double *y) {
  const tnd_transitions *x = &l->samples;
  const size_t n = (size_t)l->n, m = (size_t)l->m;
  memcpy(y, x->s + row * l->n, sizeof *y * n);
  memcpy(y + n, x->a + row * l->m, sizeof *y * m);
  memcpy(y + n + m, x->next + row * l->n, sizeof *y * n);
}

// y from the episodes that lasted to their end; returns how many there are.
static int gather_episodes(la14 *l) {
  const tnd_transitions *x = &l->samples;
  const int64_t first = (int64_t)x->newest * x->most;
  int N = 0;
  for (int i = 0; i < x->count[x->newest]; i++)
    N += x->time[first + i] == l->T - 1;
  int episode = 0;
  for (int64_t i = 0; i < x->count[x->newest]; i++) {
    if (x->time[first + i] != l->T - 1) continue;
    for (int t = 0; t < l->T; t++)
      copy_row(l, first + i - l->T + 1 + t, l->y + ((int64_t)t * N + episode) * l->p);
    episode++;
  }
  return N;
}

// Step 1 with u as the policy's noise, e = C^-1 (u - K x - k): with little noise left u is nearly a
// linear function of x, and a ridge would hide what it does. Then x' = a x + b e + c gives
//   fu = g,  fx = a - g K,  fc = c - g k,  g = b C^-1
static tendril_status regress(la14 *l, int N, tendril_error *err) {
  const int n = l->n, m = l->m, w = n + m;
  for (int t = 0; t < l->T; t++) {
    const tnd_linear_gaussian *old = &l->old[t];
    for (int i = 0; i < N; i++) {
      double *y = l->y + ((int64_t)t * N + i) * l->p, *u = y + n;
      for (int j = 0; j < m; j++) {
        u[j] -= old->k[j];
        for (int q = 0; q < n; q++)
          u[j] -= old->K[j * n + q] * y[q];
      }
      tnd_cholesky_forward(m, m, old->C, 1, u);
    }
  }
  TENDRIL_TRY(tnd_local_dynamics_regress(l->dynamics, N, l->y, l->options.ridge, err));
  const tnd_linear_gaussian *of_noise = tnd_local_dynamics_models(l->dynamics);
  for (int t = 0; t < l->T; t++) {
    const tnd_linear_gaussian *old = &l->old[t];
    const tnd_linear_gaussian *model = &l->models[t];
    tnd_linear_gaussian_copy(&of_noise[t], model);
    for (int i = 0; i < n; i++) {
      double *fx = model->K + i * w, *g = fx + n;
      for (int j = m - 1; j >= 0; j--) {  // g C = b
        for (int q = j + 1; q < m; q++)
          g[j] -= g[q] * old->C[q * m + j];
        g[j] /= old->C[j * m + j];
      }
      for (int j = 0; j < m; j++) {
        for (int q = 0; q < n; q++)
          fx[q] -= g[j] * old->K[j * n + q];
        model->k[i] -= g[j] * old->k[j];
      }
    }
  }
  return TENDRIL_OK;
}

// Steps 1 to 4: local models.
static tendril_status fit_dynamics(la14 *l, int N, tendril_la14_stats *stats, tendril_error *err) {
  if (!l->mixture) return regress(l, N, err);
  const tnd_transitions *x = &l->samples;
  int rows = 0;
  for (int age = x->filled - 1; age >= 0; age--) {
    const int slot = tnd_transitions_slot(x, age);
    for (int i = 0; i < x->count[slot]; i++)
      copy_row(l, (int64_t)slot * x->most + i, l->all + (int64_t)rows++ * l->p);
  }
  tnd_mixture_stats fitted;
  TENDRIL_TRY(
      tnd_mixture_fit(l->mixture, rows, l->all, (uint32_t)l->base.iterations, &fitted, err));
  stats->clusters = fitted.clusters;
  const double strength = l->options.strength;
  TENDRIL_TRY(tnd_mixture_priors(l->mixture, l->T, N, l->y, strength, l->mu0, l->Phi, err));
  const tnd_niw_prior prior = {.m = strength, .n0 = strength, .mu0 = l->mu0, .Phi = l->Phi};
  TENDRIL_TRY(tnd_local_dynamics_update(l->dynamics, N, l->y, &prior, err));
  for (int t = 0; t < l->T; t++)
    tnd_linear_gaussian_copy(&tnd_local_dynamics_models(l->dynamics)[t], &l->models[t]);
  return TENDRIL_OK;
}

// Step 5: cost about the mean of the samples.
static void expand_cost(la14 *l, int N) {
  const int n = l->n, m = l->m, w = n + m, nv = n / 2;
  memset(l->mean, 0, sizeof *l->mean * (size_t)((l->T + 1) * w));
  for (int t = 0; t < l->T; t++)
    for (int i = 0; i < N; i++) {
      const double *y = l->y + ((int64_t)t * N + i) * l->p;
      for (int j = 0; j < w; j++)
        l->mean[t * w + j] += y[j] / N;
      for (int j = 0; t == l->T - 1 && j < n; j++)
        l->mean[l->T * w + j] += y[w + j] / N;
    }
  for (int t = 0; t <= l->T; t++) {
    const double *x = l->mean + t * w, *u = t < l->T ? x + n : NULL;
    double *e = l->expansion + (ptrdiff_t)t * expansion_size(l);
    const tnd_cost_expansion out = {.lx = e,
                                    .lu = e + n,
                                    .lxx = e + n + m,
                                    .lux = e + n + m + n * n,
                                    .luu = e + n + m + n * n + m * n};
    const double cost = tnd_cost_expand(l->model, 0, t, l->T, x, x + nv, u, l->work, &out);
    l->costs[t] = (tnd_stage_cost){.l = cost,
                                   .lx = out.lx,
                                   .lu = out.lu,
                                   .lxx = out.lxx,
                                   .lux = out.lux,
                                   .luu = out.luu,
                                   .x = x,
                                   .u = u};
  }
}

// Step 6 to 8: the policy that comes.
static tendril_status update_policy(la14 *l, int N, tendril_la14_stats *stats, tendril_error *err) {
  // y of step 0 are N rows that begin with x_0
  if (!tnd_gaussian_fit(l->start, N, l->y, l->p, NULL, 1e-9, 1e-12))
    return tnd_fail(err, TENDRIL_E_NUMERIC, "la14: the start states have no distribution");
  const tnd_kl_lqr_problem problem = {
      .dynamics = l->models, .cost = l->costs, .old = l->old, .start = l->start, .eps = l->eps};
  tnd_kl_lqr_stats solved;
  TENDRIL_TRY(tnd_kl_lqr_solve(l->lqr, &problem, l->eta, &solved, err));
  l->eta = solved.slack ? 0 : solved.eta;
  l->predicted = solved.cost_old - solved.cost;
  stats->kl = solved.kl / l->T;
  stats->eta = solved.eta;
  stats->expected_cost = solved.cost;
  stats->expected_gain = l->predicted;
  return tnd_time_linear_set(l->policy, tnd_kl_lqr_controller(l->lqr), err);
}

// Step 9: the next bound, when this iteration's episodes tell what the last update attained.
static void adapt(la14 *l, double cost) {
  if (l->options.adapt && l->predicted > 0)
    l->eps = fmin(fmax(tnd_kl_lqr_next_eps(l->eps, l->predicted, l->cost - cost), 1e-8), 100);
  l->cost = cost;
}

// One iteration.
static tendril_status iterate(tendril_learner *learner, double *out, tendril_error *err) {
  la14 *l = (la14 *)learner;
  tendril_rollout_stats collected;
  tendril_la14_stats stats = {0};
  const tendril_batch *batch;
  TENDRIL_TRY(tendril_rollout_collect(l->rollout, l->policy, &batch, &collected, err));
  l->base.steps += batch->n;
  const double begin = tnd_clock_wall(), cpu = tnd_clock_process();
  tnd_transitions_add(&l->samples, l->rollout, batch);
  const int N = gather_episodes(l);
  if (N < 2)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "la14: %d of %lld episodes lasted to their end; it needs 2 or more: raise "
                    "rollout.streams, or use smaller actions (policy.log_std)",
                    N, (long long)batch->npath);
  adapt(l, -collected.return_mean);
  stats.max_kl = l->eps;
  for (int t = 0; t < l->T; t++) {
    l->old[t] = tnd_time_linear_step(l->policy, t);
    stats.entropy += tnd_gaussian_entropy(l->m, l->old[t].C) / l->T;
  }
  expand_cost(l, N);
  const double expanded = tnd_clock_process();
  TENDRIL_TRY(fit_dynamics(l, N, &stats, err));
  const double fitted = tnd_clock_process();
  TENDRIL_TRY(update_policy(l, N, &stats, err));
  stats.dynamics_cpu = fitted - expanded;
  stats.lqr_cpu = tnd_clock_process() - fitted + expanded - cpu;
  stats.update_seconds = tnd_clock_wall() - begin;
  memcpy(out, &collected, sizeof collected);
  memcpy(out + NROLLOUT, &stats, sizeof stats);
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ checkpoints

enum { NSTATE = 4 };

static tendril_status save(const tendril_learner *learner, tnd_tensors *tensors,
                           tendril_error *err) {
  const la14 *l = (const la14 *)learner;
  const double state[NSTATE] = {l->eps, l->predicted, l->cost, l->eta};
  TENDRIL_TRY(tnd_rollout_save(l->rollout, tensors, err));
  TENDRIL_TRY(tnd_transitions_save(&l->samples, tensors, err));
  return tnd_tensors_put(tensors, "la14.state", NSTATE, 0, state, err);
}

static tendril_status load(tendril_learner *learner, const tnd_tensors *tensors,
                           tendril_error *err) {
  la14 *l = (la14 *)learner;
  double state[NSTATE];
  TENDRIL_TRY(tnd_rollout_load(l->rollout, tensors, err));
  TENDRIL_TRY(tnd_transitions_load(&l->samples, tensors, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "la14.state", NSTATE, 0, state, err));
  if (!(state[0] > 0) || !(state[3] >= 0))
    return tnd_tensors_refuse(tensors, "la14.state", "out of range", err);
  l->eps = state[0];
  l->predicted = state[1];
  l->cost = state[2];
  l->eta = state[3];
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------- create, destroy

static void destroy(tendril_learner *learner) {
  la14 *l = (la14 *)learner;
  tnd_kl_lqr_destroy(l->lqr);
  tnd_mixture_destroy(l->mixture);
  tnd_local_dynamics_destroy(l->dynamics);
  tnd_transitions_destroy(&l->samples);
  tendril_rollout_destroy(l->rollout);
  tnd_arena_free(&l->arena);
  tnd_free(l);
}

static const tnd_learner_ops ops = {
    .stats = stat_rows,
    .nstat = NROLLOUT + NLA14,
    .iterate = iterate,
    .save = save,
    .load = load,
    .destroy = destroy,
};

// Whether an observation is (qpos, qvel): where an episode begins, it is looked at.
static tendril_status check_state(const tendril_learner_setup *setup, tendril_error *err) {
  const tendril_model *model = setup->model;
  const tendril_task *task = tendril_model_task(model);
  const int nq = (int)tendril_model_mujoco(model)->nq, nv = (int)tendril_model_mujoco(model)->nv;
  bool state = task->ncost > 0 && !task->evaluate && nq == nv && task->nobs == nq + nv;
  if (state) {
    tendril_env *env = NULL;
    TENDRIL_TRY(tendril_env_create(model, &env, err));
    double *obs = tnd_alloc(sizeof *obs * (size_t)(nq + nv));
    const tendril_random random = tendril_random_stream(setup->seed, TENDRIL_PURPOSE_RESET, 0, 0);
    const tendril_status status =
        obs ? tendril_env_reset(env, &random, obs, err) : tnd_fail_memory(err);
    const mjData *d = tendril_env_data(env);
    state = status == TENDRIL_OK && memcmp(obs, d->qpos, sizeof *obs * (size_t)nq) == 0 &&
            memcmp(obs + nq, d->qvel, sizeof *obs * (size_t)nv) == 0;
    tnd_free(obs);
    tendril_env_destroy(env);
    TENDRIL_TRY(status);
  }
  if (state) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_CONFIG,
                  "learner.name: la14 needs a task that is paid by a smooth cost and observes its "
                  "state (qpos, qvel), like double-link; %s is none",
                  task->name);
}

static tendril_status check(const tendril_la14_options *o, const tendril_learner_setup *setup,
                            tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_la14.options, o, "learner", err));
  TENDRIL_TRY(check_state(setup, err));
  TENDRIL_TRY(tnd_time_linear_check(setup->policy, "la14", err));
  return tnd_check_whole_episodes(setup, "la14", err);
}

static tendril_status create_parts(la14 *l, const tendril_learner_setup *setup,
                                   tendril_error *err) {
  const tendril_la14_options *o = &l->options;
  const bool mixture = o->dynamics == TENDRIL_DYNAMICS_MIXTURE;
  TENDRIL_TRY(tendril_rollout_create(&setup->rollout, setup->model, setup->pool, setup->seed,
                                     &l->rollout, err));
  TENDRIL_TRY(tnd_transitions_create(setup->model, l->rollout, mixture ? (int)o->keep : 1,
                                     &l->samples, err));
  TENDRIL_TRY(tnd_local_dynamics_create(l->T, l->n, l->m, l->pool, &l->dynamics, err));
  if (mixture) {
    tnd_mixture_options options = tnd_mixture_defaults();
    options.clusters = (int)o->clusters;
    options.seed = setup->seed;
    TENDRIL_TRY(tnd_mixture_create(&options, l->p, l->samples.kept * l->samples.most, l->pool,
                                   &l->mixture, err));
  }
  TENDRIL_TRY(tnd_kl_lqr_create(l->T, l->n, l->m, &l->lqr, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tendril_la14_create(const tendril_la14_options *options,
                                   const tendril_learner_setup *setup, tendril_learner **out,
                                   tendril_error *err) {
  TENDRIL_TRY(check(options, setup, err));
  la14 *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->options = *options;
  l->pool = setup->pool;
  l->model = setup->model;
  l->policy = setup->policy;
  l->T = tendril_policy_horizon(setup->policy);
  l->n = tendril_policy_nobs(setup->policy);
  l->m = tendril_policy_nact(setup->policy);
  l->p = 2 * l->n + l->m;
  l->eps = options->max_kl;
  return tnd_learner_finish(&l->base, create_parts(l, setup, err), out);
}

#define X(...) TND_OPTION_ROW(tendril_la14_options, __VA_ARGS__)
TND_METHOD(la14, TENDRIL_LA14_OPTIONS, "la14",
           "fitted local linear dynamics and LQR under a KL bound",
           "Levine and Abbeel 2014 (NIPS 27)")
#undef X

// Model-free trajectory-based policy optimisation (Akrour et al. 2018, algorithm 1). Steps and
// symbols are those of docs/methods/moto.md.
//
//   rho~_t state distribution, Q~_t and V~_t local quadratics, pi_t = N(K_t s + k_t, Sigma_t)
//   i this iteration, 1:i the kept ones; z^j_t = rho~^j_t pi^j_t
#include "learn/moto.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "critic/advantage.h"
#include "critic/importance.h"
#include "critic/local_quadratic.h"
#include "critic/state_distribution.h"
#include "learn/moto_update.h"
#include "policy/time_linear.h"
#include "rollout/rollout.h"
#include "rollout/transitions.h"

#include <math.h>
#include <string.h>

enum { MOST_KEPT = 1000 };  // the largest value of the option keep

// What an iteration's samples came from.
typedef struct origin {
  tnd_gaussian *rho;            // [T]
  tnd_linear_gaussian *policy;  // [T]
} origin;

typedef struct moto {
  tendril_learner base;
  tendril_moto_options options;
  tendril_pool *pool;
  tendril_policy *policy;  // borrowed
  tendril_rollout *rollout;
  tnd_transitions samples;
  tnd_importance *importance;  // NULL without reuse
  tnd_local_quadratic *fit;
  int T, ns, na;

  origin *origins;                    // [kept] of the slots of the samples
  tnd_linear_gaussian *next;          // [T] the policy that comes
  tnd_step_rows *own;                 // [T] samples of each time step, all kept iterations
  tnd_step_rows *weighed;             // [T] samples of all steps by their weights
  tnd_step_rows *used;                // [T] those that Q is fitted to
  tnd_moto_multipliers *multipliers;  // [T]
  tendril_status *status;             // [T] of the updates
  tendril_error *errors;              // [T]
  int *own_row, *used_row;            // [rows] of the lists
  double *own_weight;                 // [rows]
  double *returns;                    // [rows] rewards to come, for Monte Carlo
  double *scratch;                    // of the state distributions
  double *work;                       // [threads][work_size] of the updates
  int work_size;
  tnd_arena arena;
} moto;

#define X(name, unit, meaning) {#name, unit, meaning},
static const tendril_stat stat_rows[] = {TENDRIL_ROLLOUT_STATS(X) TENDRIL_MOTO_STATS(X)};
#undef X
enum {
  NROLLOUT = sizeof(tendril_rollout_stats) / sizeof(double),
  NMOTO = sizeof(tendril_moto_stats) / sizeof(double)
};

static void layout(moto *l, tnd_arena *arena) {
  const size_t T = (size_t)l->T, rows = (size_t)l->samples.kept * (size_t)l->samples.most;
  origin *origins = tnd_arena_take(arena, (size_t)l->samples.kept, sizeof *origins);
  for (int slot = 0; slot < l->samples.kept; slot++) {
    origin o;
    o.rho = tnd_gaussian_layout(arena, l->T, l->ns);
    o.policy = tnd_linear_gaussian_layout(arena, l->T, l->ns, l->na);
    if (origins) origins[slot] = o;
  }
  l->origins = origins;
  l->next = tnd_linear_gaussian_layout(arena, l->T, l->ns, l->na);
  l->own = tnd_arena_take(arena, T, sizeof *l->own);
  l->weighed = tnd_arena_take(arena, T, sizeof *l->weighed);
  l->used = tnd_arena_take(arena, T, sizeof *l->used);
  l->multipliers = tnd_arena_take(arena, T, sizeof *l->multipliers);
  l->status = tnd_arena_take(arena, T, sizeof *l->status);
  l->errors = tnd_arena_take(arena, T, sizeof *l->errors);
  l->own_row = tnd_arena_ints(arena, rows);
  l->used_row = tnd_arena_ints(arena, rows);
  l->own_weight = tnd_arena_doubles(arena, rows);
  l->returns = tnd_arena_doubles(arena, rows);
  l->scratch = tnd_arena_doubles(arena, (size_t)tnd_state_scratch(l->ns, l->na, (int64_t)rows));
  l->work = tnd_arena_doubles(arena, (size_t)tendril_pool_threads(l->pool) * (size_t)l->work_size);
}

// --------------------------------------------------------------------------- steps of an iteration

// Step 1: samples of the current policy, and what they came from.
static tendril_status collect(moto *l, tendril_rollout_stats *stats, tendril_error *err) {
  const tendril_batch *batch;
  TENDRIL_TRY(tendril_rollout_collect(l->rollout, l->policy, &batch, stats, err));
  l->base.steps += batch->n;
  tnd_transitions_add(&l->samples, l->rollout, batch);
  const int slot = l->samples.newest;
  for (int t = 0; t < l->T; t++) {
    const tnd_linear_gaussian step = tnd_time_linear_step(l->policy, t);
    tnd_linear_gaussian_copy(&step, &l->origins[slot].policy[t]);
  }
  if (l->options.targets == TENDRIL_TARGETS_MONTE_CARLO) {
    const int64_t first = (int64_t)slot * l->samples.most;
    tnd_discounted_returns(batch, batch->reward, NULL, 1, l->returns + first);
    // a path that was cut says nothing about the rewards to come
    for (int64_t p = 0; p < batch->npath; p++)
      for (int i = 0; batch->paths[p].end == TENDRIL_END_CUT && i < batch->paths[p].length; i++)
        l->samples.time[first + batch->paths[p].first + i] = -1;
  }
  return TENDRIL_OK;
}

static tendril_status fail_step(int t, const char *what, tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_NUMERIC, "moto, step %d: %s", t, what);
}

// Noise that is lost in the rounding of the actions tells nothing of what they do.
static tendril_status check_noise(const moto *l, tendril_error *err) {
  const tnd_transitions *x = &l->samples;
  const tnd_linear_gaussian *policy = l->origins[x->newest].policy;
  const int64_t first = (int64_t)x->newest * x->most;
  for (int64_t row = first; row < first + x->count[x->newest]; row++) {
    const int t = x->time[row];
    for (int i = 0; t >= 0 && i < l->na; i++)
      if (policy[t].C[i * l->na + i] < 1e-12 * fabs(x->a[row * l->na + i]))
        return fail_step(t,
                         "the policy's covariance has collapsed, its noise is lost in rounding; "
                         "set learner.entropy_bound=true and a smaller learner.entropy_drop",
                         err);
  }
  return TENDRIL_OK;
}

// Step 2: rho~_t.
static tendril_status estimate_states(moto *l, tendril_error *err) {
  const tnd_transitions *x = &l->samples;
  const int rows = x->kept * x->most;
  tnd_step_rows_by_time(l->T, 0, rows, x->time, l->own_row, l->own);
  for (int t = 0; t < l->T; t++) {
    tnd_step_rows *own = &l->own[t];
    double *weight = l->own_weight + (own->row - l->own_row);
    for (int i = 0; i < own->n; i++) {
      const int age = (x->newest + x->kept - own->row[i] / x->most) % x->kept;
      weight[i] = pow(l->options.decay, age);
    }
    own->weight = weight;
  }
  const tnd_state_samples samples = {.T = l->T,
                                     .ns = l->ns,
                                     .na = l->na,
                                     .own = l->own,
                                     .s = x->s,
                                     .a = x->a,
                                     .next = x->next,
                                     .terminated = x->terminated,
                                     .ridge = l->options.state_ridge,
                                     .spread = l->options.state_spread};
  tnd_gaussian *rho = l->origins[x->newest].rho;
  int bad;
  if (l->options.states == TENDRIL_STATES_MIXTURE) {
    bad = tnd_state_mixture(&samples, l->pool, l->scratch, rho);
  } else {
    const tnd_gaussian *rhos[MOST_KEPT];
    const tnd_linear_gaussian *policies[MOST_KEPT];
    int count[MOST_KEPT];
    for (int age = 0; age < x->filled; age++) {
      const int slot = tnd_transitions_slot(x, age);
      rhos[age] = l->origins[slot].rho;
      policies[age] = l->origins[slot].policy;
      count[age] = x->count[slot];
    }
    const tnd_state_history history = {x->filled, rhos, policies, count};
    double effective;
    bad = tnd_state_forward(&samples, &history, l->scratch, rho, &effective);
  }
  if (bad < 0) return TENDRIL_OK;
  return fail_step(bad,
                   l->own[bad].n < 2 ? "fewer than two samples; every episode has to reach every "
                                       "step, and rollout.streams to be 2 or more"
                                     : "the states have no Gaussian distribution; raise "
                                       "rollout.streams or learner.state_ridge",
                   err);
}

static tnd_importance_iteration iteration_of(const moto *l, int slot) {
  const tnd_transitions *x = &l->samples;
  return (tnd_importance_iteration){.state = l->origins[slot].rho,
                                    .policy = l->origins[slot].policy,
                                    .first = slot * x->most,
                                    .n = x->count[slot],
                                    .s = x->s,
                                    .a = x->a,
                                    .time = x->time};
}

// Step 3: which samples serve each time step, and how much each counts. Weights that are worth less
// than the step's own samples of this iteration, one rollout having gone astray, are not used.
static tendril_status weigh_samples(moto *l, tendril_moto_stats *stats, tendril_error *err) {
  const tnd_transitions *x = &l->samples;
  tnd_step_rows_by_time(l->T, x->newest * x->most, x->count[x->newest], x->time, l->used_row,
                        l->used);
  if (!l->importance) return TENDRIL_OK;
  const tnd_importance_iteration newest = iteration_of(l, x->newest);
  TENDRIL_TRY(tnd_importance_add(l->importance, l->pool, &newest, err));
  tnd_importance_weights(l->importance, l->pool, l->weighed);
  for (int t = 0; t < l->T; t++) {
    if (l->weighed[t].effective >= l->used[t].n)
      l->used[t] = l->weighed[t];
    else
      stats->degenerate++;
  }
  return TENDRIL_OK;
}

static void step_reward(void *context, int t, int n, const int *row, double *y) {
  const moto *l = context;
  for (int i = 0; i < n; i++)
    y[i] = tnd_transitions_reward(&l->samples, t, row[i]);
}

// Step 4: Q~_t and V~_t.
static tendril_status evaluate_policy(moto *l, tendril_error *err) {
  const bool monte_carlo = l->options.targets == TENDRIL_TARGETS_MONTE_CARLO;
  const tnd_local_quadratic_data data = {.steps = l->used,
                                         .s = l->samples.s,
                                         .a = l->samples.a,
                                         .policy = l->origins[l->samples.newest].policy,
                                         .returns = monte_carlo ? l->returns : NULL,
                                         .reward = step_reward,
                                         .context = l,
                                         .next = l->samples.next,
                                         .terminated = l->samples.terminated,
                                         .discount = 1};
  return tnd_local_quadratic_fit(l->fit, l->pool, &data, err);
}

static void update_step(void *context, int t, int worker) {
  moto *l = context;
  const tendril_moto_options *o = &l->options;
  const origin *now = &l->origins[l->samples.newest];
  const tnd_moto_bounds bounds = {.max_kl = o->max_kl,
                                  .entropy_drop = o->entropy_bound ? o->entropy_drop : HUGE_VAL};
  l->status[t] = tnd_moto_update(&bounds, tnd_local_quadratic_action(l->fit, t), &now->policy[t],
                                 &now->rho[t], l->work + (ptrdiff_t)worker * l->work_size,
                                 &l->next[t], &l->multipliers[t], &l->errors[t]);
}

// Step 5: pi_t of all time steps, or none.
static tendril_status update_policy(moto *l, tendril_error *err) {
  tnd_pool_run(l->pool, l->T, update_step, l);
  for (int t = 0; t < l->T; t++)
    if (l->status[t] != TENDRIL_OK)
      return tnd_fail(err, l->status[t], "moto, step %d: %.400s", t, l->errors[t].text);
  return tnd_time_linear_set(l->policy, l->next, err);
}

static void summarise(const moto *l, tendril_moto_stats *stats) {
  const int T = l->T;
  stats->effective_min = HUGE_VAL;
  for (int t = 0; t < T; t++) {
    const tnd_moto_multipliers *m = &l->multipliers[t];
    const tnd_local_quadratic_info *info = tnd_local_quadratic_report(l->fit, t);
    stats->kl += m->kl / T;
    stats->kl_max = fmax(stats->kl_max, m->kl);
    stats->entropy += tnd_gaussian_entropy(l->na, l->origins[l->samples.newest].policy[t].C) / T;
    stats->entropy_bound += m->omega > 0;
    stats->gain += m->gain;
    stats->fit += info->r2 / T;
    stats->effective += info->effective / T;
    stats->effective_min = fmin(stats->effective_min, info->effective);
  }
}

// Steps 2 to 5.
static tendril_status learn(moto *l, tendril_moto_stats *stats, tendril_error *err) {
  const double begin = tnd_clock_wall(), cpu = tnd_clock_process();
  TENDRIL_TRY(check_noise(l, err));
  TENDRIL_TRY(estimate_states(l, err));
  TENDRIL_TRY(weigh_samples(l, stats, err));
  const double weighed = tnd_clock_process();
  TENDRIL_TRY(evaluate_policy(l, err));
  const double evaluated = tnd_clock_process();
  TENDRIL_TRY(update_policy(l, err));
  stats->weights_cpu = weighed - cpu;
  stats->regression_cpu = evaluated - weighed;
  stats->dual_cpu = tnd_clock_process() - evaluated;
  summarise(l, stats);
  stats->update_seconds = tnd_clock_wall() - begin;
  return TENDRIL_OK;
}

static void forget(moto *l) {
  tnd_transitions_reset(&l->samples);
  if (l->importance) tnd_importance_reset(l->importance);
}

// One iteration; one that fails leaves no samples, which may be what made it fail.
static tendril_status iterate(tendril_learner *learner, double *out, tendril_error *err) {
  moto *l = (moto *)learner;
  tendril_rollout_stats collected;
  tendril_moto_stats stats = {0};
  TENDRIL_TRY(collect(l, &collected, err));
  const tendril_status status = learn(l, &stats, err);
  if (status != TENDRIL_OK) {
    forget(l);
    return status;
  }
  memcpy(out, &collected, sizeof collected);
  memcpy(out + NROLLOUT, &stats, sizeof stats);
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ checkpoints

// Numbers of an iteration's origin: rho (mean, S, C) and pi (K, k, C) of every time step.
static int64_t origin_size(const moto *l) {
  const int64_t ns = l->ns, na = l->na;
  return l->T * (ns + 2 * ns * ns + na * ns + na + na * na);
}

// To or from `numbers`, which is moved on.
static void copy_numbers(double *mine, int64_t n, double **numbers, bool out) {
  if (out)
    memcpy(*numbers, mine, sizeof *mine * (size_t)n);
  else
    memcpy(mine, *numbers, sizeof *mine * (size_t)n);
  *numbers += n;
}

static void copy_origin(const moto *l, const origin *o, double **numbers, bool out) {
  const int64_t ns = l->ns, na = l->na;
  for (int t = 0; t < l->T; t++) {
    copy_numbers(o->rho[t].mean, ns, numbers, out);
    copy_numbers(o->rho[t].S, ns * ns, numbers, out);
    copy_numbers(o->rho[t].C, ns * ns, numbers, out);
    copy_numbers(o->policy[t].K, na * ns, numbers, out);
    copy_numbers(o->policy[t].k, na, numbers, out);
    copy_numbers(o->policy[t].C, na * na, numbers, out);
  }
}

static tendril_status save(const tendril_learner *learner, tnd_tensors *tensors,
                           tendril_error *err) {
  const moto *l = (const moto *)learner;
  TENDRIL_TRY(tnd_rollout_save(l->rollout, tensors, err));
  TENDRIL_TRY(tnd_transitions_save(&l->samples, tensors, err));
  const int64_t size = origin_size(l), filled = l->samples.filled;
  if (filled == 0) return TENDRIL_OK;
  double *numbers = tnd_alloc(sizeof *numbers * (size_t)(size * filled)), *end = numbers;
  if (!numbers) return tnd_fail_memory(err);
  for (int age = (int)filled - 1; age >= 0; age--)
    copy_origin(l, &l->origins[tnd_transitions_slot(&l->samples, age)], &end, true);
  const tendril_status status =
      tnd_tensors_put(tensors, "moto.origins", filled, size, numbers, err);
  tnd_free(numbers);
  return status;
}

static tendril_status load(tendril_learner *learner, const tnd_tensors *tensors,
                           tendril_error *err) {
  moto *l = (moto *)learner;
  TENDRIL_TRY(tnd_rollout_load(l->rollout, tensors, err));
  forget(l);
  TENDRIL_TRY(tnd_transitions_load(&l->samples, tensors, err));
  const int64_t size = origin_size(l), filled = l->samples.filled;
  if (filled == 0) return TENDRIL_OK;
  double *numbers = tnd_alloc(sizeof *numbers * (size_t)(size * filled)), *end = numbers;
  if (!numbers) return tnd_fail_memory(err);
  tendril_status status = tnd_tensors_get(tensors, "moto.origins", filled, size, numbers, err);
  for (int age = (int)filled - 1; status == TENDRIL_OK && age >= 0; age--) {
    const int slot = tnd_transitions_slot(&l->samples, age);
    copy_origin(l, &l->origins[slot], &end, false);
    const tnd_importance_iteration iteration = iteration_of(l, slot);
    if (l->importance) status = tnd_importance_add(l->importance, l->pool, &iteration, err);
  }
  tnd_free(numbers);
  return status;
}

// --------------------------------------------------------------------------------- create, destroy

static void destroy(tendril_learner *learner) {
  moto *l = (moto *)learner;
  tnd_local_quadratic_destroy(l->fit);
  tnd_importance_destroy(l->importance);
  tnd_transitions_destroy(&l->samples);
  tendril_rollout_destroy(l->rollout);
  tnd_arena_free(&l->arena);
  tnd_free(l);
}

static const tnd_learner_ops ops = {
    .stats = stat_rows,
    .nstat = NROLLOUT + NMOTO,
    .iterate = iterate,
    .save = save,
    .load = load,
    .destroy = destroy,
};

static tendril_status check(const tendril_moto_options *o, const tendril_learner_setup *setup,
                            tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_moto.options, o, "learner", err));
  TENDRIL_TRY(tnd_time_linear_check(setup->policy, "moto", err));
  TENDRIL_TRY(tnd_check_whole_episodes(setup, "moto", err));
  if (o->targets == TENDRIL_TARGETS_MONTE_CARLO && o->reuse == TENDRIL_REUSE_ALL)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "learner.reuse: Monte Carlo targets are of this iteration's own time steps; "
                    "set learner.reuse=none");
  return TENDRIL_OK;
}

static tendril_status create_parts(moto *l, const tendril_learner_setup *setup,
                                   tendril_error *err) {
  const int threads = tendril_pool_threads(l->pool);
  TENDRIL_TRY(tendril_rollout_create(&setup->rollout, setup->model, setup->pool, setup->seed,
                                     &l->rollout, err));
  TENDRIL_TRY(
      tnd_transitions_create(setup->model, l->rollout, (int)l->options.keep, &l->samples, err));
  if (l->options.reuse == TENDRIL_REUSE_ALL) {
    const tnd_importance_size size = {.T = l->T,
                                      .ns = l->ns,
                                      .na = l->na,
                                      .kept = l->samples.kept,
                                      .rows = l->samples.most,
                                      .threads = threads,
                                      .least = l->options.least_weight};
    TENDRIL_TRY(tnd_importance_create(&size, &l->importance, err));
  }
  const tnd_local_quadratic_size size = {.T = l->T,
                                         .ns = l->ns,
                                         .na = l->na,
                                         .ridge = l->options.ridge,
                                         .action_ridge = l->options.action_ridge,
                                         .threads = threads};
  TENDRIL_TRY(tnd_local_quadratic_create(&size, &l->fit, err));
  l->work_size = tnd_moto_update_work(l->ns, l->na);
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tendril_moto_create(const tendril_moto_options *options,
                                   const tendril_learner_setup *setup, tendril_learner **out,
                                   tendril_error *err) {
  TENDRIL_TRY(check(options, setup, err));
  moto *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->base.ops = &ops;
  l->options = *options;
  l->pool = setup->pool;
  l->policy = setup->policy;
  l->T = tendril_policy_horizon(setup->policy);
  l->ns = tendril_policy_nobs(setup->policy);
  l->na = tendril_policy_nact(setup->policy);
  return tnd_learner_finish(&l->base, create_parts(l, setup, err), out);
}

#define X(...) TND_OPTION_ROW(tendril_moto_options, __VA_ARGS__)
TND_METHOD(moto, TENDRIL_MOTO_OPTIONS, "moto",
           "model-free trajectory-based policy optimisation: local quadratic Q, exact KL bound",
           "Akrour et al. 2018 (JMLR 19)")
#undef X

// See natural_step.h. Schulman et al. 2015, sec. 6 and app. C; the numbers are those of
// docs/methods/trpo.md.
//
//   g gradient of the sample objective L at theta_old    A mean Fisher matrix
//   s search direction         beta step length          delta bound on the mean KL
#include "learn/natural_step.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "math/cg.h"

#include <math.h>

#define CG_TOLERANCE 1e-10  // of the residual relative to g: all iterations, unless g is solved for

struct tnd_natural_step {
  tnd_natural_step_options options;
  tendril_pool *pool;
  uint64_t seed;
  int nparam;
  tnd_trust_region *region;
  tnd_cg *cg;
  double *g;  // [nparam]
  double *s;  // [nparam]

  // the fit, on a thread of its own if there is one
  const tnd_critic_rows *rows;
  uint32_t iteration;
  tendril_status fit_status;
  tendril_error fit_error;
  double fit_cpu;  // seconds
  tnd_arena arena;
};

static void layout(tnd_natural_step *l, tnd_arena *arena) {
  l->g = tnd_arena_doubles(arena, (size_t)l->nparam);
  l->s = tnd_arena_doubles(arena, (size_t)l->nparam);
}

static int64_t fisher_rows(const tnd_natural_step_options *o, int64_t n) {
  return (int64_t)ceil(o->fisher_share * (double)n);
}

static tendril_status create_parts(tnd_natural_step *l, tnd_trust_region_sizes sizes,
                                   tendril_policy *policy, tendril_error *err) {
  sizes.empirical = l->options.metric == TENDRIL_METRIC_EMPIRICAL;
  sizes.fisher = fisher_rows(&l->options, sizes.constraint ? sizes.constraint : sizes.states);
  TENDRIL_TRY(tnd_trust_region_create(policy, l->pool, &sizes, &l->region, err));
  TENDRIL_TRY(tnd_cg_create(l->nparam, &l->cg, err));
  layout(l, &l->arena);
  TENDRIL_TRY(tnd_arena_alloc(&l->arena, err));
  layout(l, &l->arena);
  return TENDRIL_OK;
}

tendril_status tnd_natural_step_create(const tnd_natural_step_options *options,
                                       tnd_trust_region_sizes sizes, tendril_policy *policy,
                                       tendril_pool *pool, uint64_t seed, tnd_natural_step **out,
                                       tendril_error *err) {
  tnd_natural_step *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->options = *options;
  l->pool = pool;
  l->seed = seed;
  l->nparam = tendril_policy_nparam(policy);
  tendril_status status = create_parts(l, sizes, policy, err);
  if (status == TENDRIL_OK)
    *out = l;
  else
    tnd_natural_step_destroy(l);
  return status;
}

void tnd_natural_step_destroy(tnd_natural_step *l) {
  if (!l) return;
  tnd_cg_destroy(l->cg);
  tnd_trust_region_destroy(l->region);
  tnd_arena_free(&l->arena);
  tnd_free(l);
}

// A v + damping v, for conjugate gradients.
static void fisher_product(void *context, const double *v, double *out) {
  tnd_natural_step *l = context;
  tnd_trust_region_fisher(l->region, v, out);
  for (int i = 0; i < l->nparam; i++)
    out[i] += l->options.damping * v[i];
}

// Steps 3 to 6.
static void improve_policy(tnd_natural_step *l, const tnd_sample *sample, double delta,
                           tendril_trpo_stats *stats) {
  const tnd_natural_step_options *o = &l->options;

  // 3. g = gradient of L at theta_old
  double L_old;
  tnd_trust_region_begin(l->region, sample, l->g, &L_old, &stats->entropy);

  // 4. s = A^-1 g by conjugate gradients
  const int64_t n = sample->x_constraint ? sample->nconstraint : sample->n;
  tnd_trust_region_draw(l->region, fisher_rows(o, n), l->seed, l->iteration);
  tnd_cg_result cg =
      tnd_cg_solve(l->cg, fisher_product, l, l->g, (int)o->cg_iters, CG_TOLERANCE, l->s);
  stats->cg_residual = cg.residual;

  stats->curvature = cg.curvature;
  if (cg.end == TND_CG_NONFINITE || !(isfinite(cg.curvature) && cg.curvature > 0)) return;

  tnd_search search;
  if (o->step == TENDRIL_STEP_FIXED) {
    // the natural gradient of sec. 8: a step of fixed size, whatever becomes of L and the KL
    tnd_trust_region_move(l->region, l->s, o->step_size, &search);
  } else {
    // 5. beta = sqrt(2 delta / s'As), or by the state where s costs most
    const bool by_max = o->bound == TENDRIL_BOUND_MAX;
    const double curvature =
        by_max ? tnd_trust_region_curvature_max(l->region, l->s) : cg.curvature;
    if (!(isfinite(curvature) && curvature > 0)) return;
    const double beta = sqrt(2 * delta / curvature);

    // 6. shrink until the objective improves and the KL is within delta
    tnd_trust_region_search(l->region, l->s, beta, o->backtrack, (int)o->backtracks, delta, by_max,
                            &search);
  }
  stats->accepted = search.accepted;
  stats->line_search_steps = search.tries;
  stats->kl = search.at.kl;
  stats->kl_max = search.at.kl_max;
  stats->surrogate_gain = search.at.L - L_old;
}

// Step 7: the value function learns this batch's targets.
static void fit_critic(void *context, int piece, int worker) {
  (void)piece, (void)worker;
  tnd_natural_step *l = context;
  const tnd_critic_rows *r = l->rows;
  const double begin = tnd_clock_thread();
  l->fit_status =
      tnd_critic_fit(r->critic, r->n, r->x, r->time, r->target, l->iteration, &l->fit_error);
  l->fit_cpu = tnd_clock_thread() - begin;
}

tendril_status tnd_natural_step_take(tnd_natural_step *l, const tnd_sample *sample, double delta,
                                     const tnd_critic_rows *rows, uint32_t iteration,
                                     tendril_trpo_stats *stats, tendril_error *err) {
  // both need only the sample and the targets
  l->iteration = iteration;
  l->rows = rows;
  l->fit_status = TENDRIL_OK;
  l->fit_cpu = 0;
  const double begin = tnd_clock_process();
  if (rows->critic) tnd_pool_start(l->pool, fit_critic, l);
  improve_policy(l, sample, delta, stats);
  if (rows->critic) tnd_pool_wait(l->pool);
  if (l->fit_status != TENDRIL_OK) return tnd_fail(err, l->fit_status, "%s", l->fit_error.text);
  stats->critic_cpu = l->fit_cpu;
  stats->policy_cpu = tnd_clock_process() - begin - l->fit_cpu;
  return TENDRIL_OK;
}

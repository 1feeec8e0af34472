// What all policies share: creation by kind, the parameter vector, the normaliser of observations,
// acting, saving. The distribution itself is the family's, behind the table in ops.h.
#include "policy/policy.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "math/linalg.h"
#include "policy/ops.h"

// a deviation below this share of a feature's size is rounding: the feature does not vary
#define STILL 1e-8

#define X(...) TND_OPTION_ROW(tendril_policy_options, __VA_ARGS__)
static const tnd_option rows_of_options[] = {TENDRIL_POLICY_OPTIONS(X)};
#undef X
const tnd_option_table tnd_policy_options =
    TND_OPTION_TABLE(tendril_policy_options, rows_of_options);

void tendril_policy_defaults(tendril_policy_options *options) {
  tnd_options_default(&tnd_policy_options, options);
}

typedef tendril_status (*family_create)(const tendril_policy_options *options,
                                        const tnd_policy_shape *shape, uint64_t seed,
                                        tendril_policy **out, tendril_error *err);

// Indexed by the option `kind`.
static const family_create families[] = {
    [TENDRIL_POLICY_MLP] = tnd_network_policy_create,
    [TENDRIL_POLICY_LINEAR] = tnd_network_policy_create,
    [TENDRIL_POLICY_TIME_LINEAR] = tnd_time_linear_create,
};

tendril_status tendril_policy_create(const tendril_policy_options *options, int nobs, int nact,
                                     int horizon, uint64_t seed, tendril_policy **out,
                                     tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(&tnd_policy_options, options, "policy", err));
  if (nobs < 1 || nact < 1 || horizon < 1)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "policy: %d observations, %d actions and a horizon of %d; all must be at "
                    "least 1",
                    nobs, nact, horizon);
  const bool timed = options->kind == TENDRIL_POLICY_TIME_LINEAR || options->time;
  const tnd_policy_shape shape = {
      .nobs = nobs, .nact = nact, .horizon = horizon, .ninput = nobs + timed};
  return families[options->kind](options, &shape, seed, out, err);
}

static void layout(tendril_policy *policy, tnd_arena *arena) {
  size_t nobs = (size_t)policy->nobs;
  policy->theta = tnd_arena_doubles(arena, (size_t)policy->nparam);
  policy->seen.mean = tnd_arena_doubles(arena, nobs);
  policy->seen.m2 = tnd_arena_doubles(arena, nobs);
  policy->scale = tnd_arena_doubles(arena, nobs);
}

// scale = 1 / sd; a feature that does not vary keeps its own unit
static void update_scale(tendril_policy *policy) {
  for (int i = 0; i < policy->nobs; i++) {
    double sd = sqrt(tnd_moments_variance(&policy->seen, i));
    double least = STILL * (1 + fabs(policy->seen.mean[i]));
    policy->scale[i] = sd > least ? 1 / sd : 1;
  }
}

tendril_status tnd_policy_base_create(tendril_policy *policy, const tendril_policy_options *options,
                                      const tnd_policy_shape *shape, tendril_error *err) {
  policy->options = *options;
  policy->nobs = shape->nobs;
  policy->nact = shape->nact;
  policy->horizon = shape->horizon;
  policy->ninput = shape->ninput;
  policy->seen.n = policy->nobs;
  layout(policy, &policy->arena);
  TENDRIL_TRY(tnd_arena_alloc(&policy->arena, err));
  layout(policy, &policy->arena);
  update_scale(policy);
  return TENDRIL_OK;
}

void tnd_policy_base_destroy(tendril_policy *policy) {
  tnd_arena_free(&policy->arena);
}

void tendril_policy_destroy(tendril_policy *policy) {
  if (policy) policy->ops->destroy(policy);
}

const tendril_policy_options *tendril_policy_get_options(const tendril_policy *policy) {
  return &policy->options;
}

int tendril_policy_nobs(const tendril_policy *policy) {
  return policy->nobs;
}

int tendril_policy_nact(const tendril_policy *policy) {
  return policy->nact;
}

int tendril_policy_horizon(const tendril_policy *policy) {
  return policy->horizon;
}

int tendril_policy_nparam(const tendril_policy *policy) {
  return policy->nparam;
}

int tnd_policy_ninput(const tendril_policy *policy) {
  return policy->ninput;
}

int tnd_policy_ndist(const tendril_policy *policy) {
  return policy->ndist;
}

int tnd_policy_log_std(const tendril_policy *policy) {
  return policy->log_std;
}

const double *tendril_policy_get_params(const tendril_policy *policy) {
  return policy->theta;
}

tendril_status tendril_policy_set_params(tendril_policy *policy, const double *theta,
                                         tendril_error *err) {
  if (!tnd_all_finite(policy->nparam, theta))
    return tnd_fail(err, TENDRIL_E_NUMERIC, "policy: a parameter is not finite");
  memmove(policy->theta, theta, (size_t)policy->nparam * sizeof *theta);
  policy->ops->params_changed(policy);
  return TENDRIL_OK;
}

tendril_status tnd_policy_set_log_std(tendril_policy *policy, const double *log_std,
                                      tendril_error *err) {
  assert(policy->log_std >= 0);
  if (!tnd_all_finite(policy->nact, log_std))
    return tnd_fail(err, TENDRIL_E_NUMERIC, "policy: a log standard deviation is not finite");
  memcpy(policy->theta + policy->log_std, log_std, (size_t)policy->nact * sizeof *log_std);
  policy->ops->params_changed(policy);
  return TENDRIL_OK;
}

tendril_status tnd_policy_check(const tendril_policy *policy, int nobs, int nact,
                                tendril_error *err) {
  if (policy->nobs == nobs && policy->nact == nact) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT,
                  "a policy of %d observations and %d actions for a task of %d and %d",
                  policy->nobs, policy->nact, nobs, nact);
}

// ----------------------------------------------------------------------------------- normaliser

// One observation.
static void normalize(const tendril_policy *policy, const double *obs, double *x) {
  const int nobs = policy->nobs;
  if (!policy->options.normalize) {
    memcpy(x, obs, (size_t)nobs * sizeof *x);
    return;
  }
  const double clip = policy->options.obs_clip;
  const double *mean = policy->seen.mean, *scale = policy->scale;
  for (int i = 0; i < nobs; i++) {
    double xi = (obs[i] - mean[i]) * scale[i];
    xi = xi > clip ? clip : xi;
    x[i] = xi < -clip ? -clip : xi;
  }
}

void tnd_policy_input(const tendril_policy *policy, int64_t n, const double *obs, const int *time,
                      double *x) {
  const int nobs = policy->nobs, ninput = policy->ninput;
  for (int64_t r = 0; r < n; r++) {
    normalize(policy, obs + r * nobs, x + r * ninput);
    if (ninput > nobs) x[r * ninput + nobs] = time[r] / (double)policy->horizon;
  }
}

void tnd_policy_observe(tendril_policy *policy, int64_t n, const double *obs) {
  if (!policy->options.normalize) return;
  tnd_moments_add(&policy->seen, n, obs);
  update_scale(policy);
}

bool tnd_policy_observed(const tendril_policy *policy) {
  return !policy->options.normalize || policy->seen.count > 0;
}

tendril_status tnd_policy_copy(tendril_policy *policy, const tendril_policy *from,
                               tendril_error *err) {
  const tendril_policy_options *a = &policy->options, *b = &from->options;
  bool same = policy->nobs == from->nobs && policy->nact == from->nact &&
              policy->ninput == from->ninput && policy->nparam == from->nparam &&
              a->kind == b->kind && a->normalize == b->normalize;
  if (a->kind == TENDRIL_POLICY_MLP)  // the other kinds have no use for these options
    same = same && a->activation == b->activation && a->hidden.n == b->hidden.n &&
           memcmp(a->hidden.at, b->hidden.at, (size_t)a->hidden.n * sizeof *a->hidden.at) == 0;
  if (!same)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "the policies differ (%d observations, %d actions, %d parameters against %d, "
                    "%d, %d, or their kind, widths or activation); set policy.* as in that run",
                    policy->nobs, policy->nact, policy->nparam, from->nobs, from->nact,
                    from->nparam);
  memcpy(policy->seen.mean, from->seen.mean, (size_t)policy->nobs * sizeof(double));
  memcpy(policy->seen.m2, from->seen.m2, (size_t)policy->nobs * sizeof(double));
  policy->seen.count = from->seen.count;
  update_scale(policy);
  return tendril_policy_set_params(policy, from->theta, err);
}

// --------------------------------------------------------------------------------------- acting

struct tendril_actor {
  int ninput;
  size_t act_size;  // of the policy that it was made for
  double *x;        // [ninput]
  double *scratch;  // [act_size]
  tnd_arena arena;
};

static void layout_actor(tendril_actor *actor, tnd_arena *arena) {
  actor->x = tnd_arena_doubles(arena, (size_t)actor->ninput);
  actor->scratch = tnd_arena_doubles(arena, actor->act_size);
}

tendril_status tendril_actor_create(const tendril_policy *policy, tendril_actor **out,
                                    tendril_error *err) {
  tendril_actor *actor = tnd_alloc(sizeof *actor);
  if (!actor) return tnd_fail_memory(err);
  actor->ninput = policy->ninput;
  actor->act_size = policy->ops->act_size(policy);
  layout_actor(actor, &actor->arena);
  tendril_status status = tnd_arena_alloc(&actor->arena, err);
  if (status != TENDRIL_OK) {
    tendril_actor_destroy(actor);
    return status;
  }
  layout_actor(actor, &actor->arena);
  *out = actor;
  return TENDRIL_OK;
}

void tendril_actor_destroy(tendril_actor *actor) {
  if (!actor) return;
  tnd_arena_free(&actor->arena);
  tnd_free(actor);
}

bool tnd_actor_fits(const tendril_actor *actor, const tendril_policy *policy) {
  return actor->ninput >= policy->ninput && actor->act_size >= policy->ops->act_size(policy);
}

void tendril_policy_act(const tendril_policy *policy, tendril_actor *actor, int t,
                        const double *obs, const double *noise, double *action) {
  tnd_policy_input(policy, 1, obs, &t, actor->x);
  policy->ops->act(policy, actor->scratch, actor->x, noise, action);
}

// ------------------------------------------------------------------------- the family's functions

tendril_status tnd_policy_rows_create(const tendril_policy *policy, int capacity,
                                      tnd_policy_rows **out, tendril_error *err) {
  return policy->ops->rows_create(policy, capacity, false, out, err);
}

tendril_status tnd_policy_rows_create_kept(const tendril_policy *policy, int capacity,
                                           tnd_policy_rows **out, tendril_error *err) {
  return policy->ops->rows_create(policy, capacity, true, out, err);
}

void tnd_policy_rows_borrow(tnd_policy_rows *kept, const tnd_policy_rows *from) {
  kept->ops->rows_borrow(kept, from);
}

void tnd_policy_rows_destroy(tnd_policy_rows *rows) {
  if (rows) rows->ops->rows_destroy(rows);
}

void tnd_policy_forward(const tendril_policy *policy, tnd_policy_rows *rows, int n, const double *x,
                        double *d) {
  policy->ops->forward(policy, rows, n, x, d);
}

void tnd_policy_linearize(const tendril_policy *policy, tnd_policy_rows *rows, int n,
                          const double *x, double *d, double *P) {
  policy->ops->forward(policy, rows, n, x, d);
  policy->ops->jacobian(policy, rows, P);
  if (!policy->options.normalize) return;
  // dx/dobs, 0 from the clip on
  const double clip = policy->options.obs_clip;
  const int nobs = policy->nobs, nact = policy->nact;
  for (int r = 0; r < n; r++)
    for (int i = 0; i < nact; i++)
      for (int j = 0; j < nobs; j++, P++)
        *P = fabs(x[(ptrdiff_t)r * policy->ninput + j]) < clip ? *P * policy->scale[j] : 0;
}

void tnd_policy_set_tangent(tendril_policy *policy, const double *v) {
  policy->ops->set_tangent(policy, v);
}

void tnd_policy_jvp(const tendril_policy *policy, tnd_policy_rows *rows, double *jv) {
  policy->ops->jvp(policy, rows, jv);
}

void tnd_policy_vjp(const tendril_policy *policy, tnd_policy_rows *rows, const double *u,
                    double *grad) {
  policy->ops->vjp(policy, rows, u, grad);
}

void tnd_policy_logp(const tendril_policy *policy, int n, const double *d, const double *action,
                     double *logp) {
  policy->ops->logp(policy, n, d, action, logp);
}

void tnd_policy_logp_gradient(const tendril_policy *policy, int n, const double *d,
                              const double *action, const double *weight, double *u) {
  policy->ops->logp_gradient(policy, n, d, action, weight, u);
}

void tnd_policy_kl(const tendril_policy *policy, int n, const double *d_old, const double *d_new,
                   double *kl) {
  policy->ops->kl(policy, n, d_old, d_new, kl);
}

void tnd_policy_metric(const tendril_policy *policy, int n, const double *d, double *v) {
  policy->ops->metric(policy, n, d, v);
}

void tnd_policy_entropy(const tendril_policy *policy, int n, const double *d, double *h) {
  policy->ops->entropy(policy, n, d, h);
}

// ---------------------------------------------------------------------------------------- files

tendril_status tnd_policy_save(const tendril_policy *policy, tnd_tensors *tensors,
                               tendril_error *err) {
  const tnd_moments *seen = &policy->seen;
  TENDRIL_TRY(tnd_tensors_put(tensors, "policy.theta", policy->nparam, 0, policy->theta, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "policy.obs_mean", policy->nobs, 0, seen->mean, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "policy.obs_m2", policy->nobs, 0, seen->m2, err));
  return tnd_tensors_put(tensors, "policy.obs_count", 1, 0, &seen->count, err);
}

static tendril_status read_all(const tendril_policy *policy, const tnd_tensors *tensors,
                               double *theta, tnd_moments *seen, tendril_error *err) {
  TENDRIL_TRY(tnd_tensors_get(tensors, "policy.theta", policy->nparam, 0, theta, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "policy.obs_mean", policy->nobs, 0, seen->mean, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "policy.obs_m2", policy->nobs, 0, seen->m2, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "policy.obs_count", 1, 0, &seen->count, err));
  if (!(seen->count >= 0)) return tnd_tensors_refuse(tensors, "policy.obs_count", "negative", err);
  for (int i = 0; i < policy->nobs; i++)
    if (!(seen->m2[i] >= 0)) return tnd_tensors_refuse(tensors, "policy.obs_m2", "negative", err);
  return TENDRIL_OK;
}

tendril_status tnd_policy_load(tendril_policy *policy, const tnd_tensors *tensors,
                               tendril_error *err) {
  // everything is read aside first, so that an error changes nothing
  size_t nparam = (size_t)policy->nparam, nobs = (size_t)policy->nobs;
  tnd_arena arena = {0};
  double *theta = NULL;
  tnd_moments seen = {.n = policy->nobs};
  for (int carve = 0; carve < 2; carve++) {
    theta = tnd_arena_doubles(&arena, nparam);
    seen.mean = tnd_arena_doubles(&arena, nobs);
    seen.m2 = tnd_arena_doubles(&arena, nobs);
    if (!carve) TENDRIL_TRY(tnd_arena_alloc(&arena, err));
  }
  tendril_status status = read_all(policy, tensors, theta, &seen, err);
  if (status == TENDRIL_OK) status = tendril_policy_set_params(policy, theta, err);
  if (status == TENDRIL_OK) {
    policy->seen.count = seen.count;
    memcpy(policy->seen.mean, seen.mean, nobs * sizeof(double));
    memcpy(policy->seen.m2, seen.m2, nobs * sizeof(double));
    update_scale(policy);
  }
  tnd_arena_free(&arena);
  return status;
}

// Neural critic: V(x) = mu + sigma f(x), f a network trained by Adam (Kingma and Ba 2015) on
// (target - mu) / sigma in shuffled minibatches. mu and sigma follow the targets; when they move,
// the output layer is changed so that V stays as it was (van Hasselt et al. 2016):
//   w <- w sigma / sigma_new,   b <- (sigma b + mu - mu_new) / sigma_new
// Adam's moments live on from fit to fit.
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "critic/ops.h"
#include "math/linalg.h"
#include "math/simd.h"
#include "policy/mlp.h"

#define BETA1 0.9
#define BETA2 0.999
#define EPSILON 1e-8
#define SCALE_RATE 0.1  // least weight of a fit's targets in mu and sigma

// All that the next fit depends on.
struct state {
  double *theta;  // [nparam]
  double *m;      // [nparam] Adam's first moment
  double *v;      // [nparam] Adam's second moment
  // its place in the files is one tensor, in this order
  struct scalars {
    double fits;   // fits so far
    double steps;  // Adam's steps so far
    double mu;     // running mean of the targets
    double var;    // and their variance
    double sigma;  // sqrt(var), or 1 for targets that do not vary
  } s;
};
#define NSCALAR ((int64_t)(sizeof(struct scalars) / sizeof(double)))

typedef struct neural {
  tnd_critic base;
  int nparam;
  int minibatch;  // rows
  int nlast;      // weights of the output layer; with its bias they end theta
  tnd_mlp *mlp;
  struct state now, before;
  tnd_mlp_rows *rows;      // [minibatch] for fits
  tnd_mlp_rows **workers;  // [threads] for predictions
  uint32_t *order;         // [capacity] shuffled rows
  double *grad;            // [nparam]
  double *x;               // [minibatch][nx]
  double *y;               // [minibatch] predictions, then their gradient
  tnd_arena arena;
} neural;

static void layout_state(struct state *state, size_t nparam, tnd_arena *arena) {
  state->theta = tnd_arena_doubles(arena, nparam);
  state->m = tnd_arena_doubles(arena, nparam);
  state->v = tnd_arena_doubles(arena, nparam);
}

static void layout(neural *c, tnd_arena *arena) {
  size_t nparam = (size_t)c->nparam, minibatch = (size_t)c->minibatch;
  layout_state(&c->now, nparam, arena);
  layout_state(&c->before, nparam, arena);
  c->workers = tnd_arena_take(arena, (size_t)c->base.threads, sizeof *c->workers);
  c->order = tnd_arena_take(arena, (size_t)c->base.capacity, sizeof *c->order);
  c->grad = tnd_arena_doubles(arena, nparam);
  c->x = tnd_arena_doubles(arena, minibatch * (size_t)c->base.nx);
  c->y = tnd_arena_doubles(arena, minibatch);
}

static void copy_state(const struct state *from, size_t nparam, struct state *to) {
  memcpy(to->theta, from->theta, nparam * sizeof(double));
  memcpy(to->m, from->m, nparam * sizeof(double));
  memcpy(to->v, from->v, nparam * sizeof(double));
  to->s = from->s;
}

static void destroy(tnd_critic *critic) {
  neural *c = (neural *)critic;
  for (int i = 0; c->workers && i < critic->threads; i++)
    tnd_mlp_rows_destroy(c->workers[i]);
  tnd_mlp_rows_destroy(c->rows);
  tnd_mlp_destroy(c->mlp);
  tnd_arena_free(&c->arena);
  tnd_free(c);
}

static void predict(const tnd_critic *critic, int worker, int n, const double *x, const int *time,
                    double *v) {
  (void)time;  // the task tells it in x if it matters
  const neural *c = (const neural *)critic;
  tnd_mlp_forward(c->mlp, c->workers[worker], n, x, v);
  for (int i = 0; i < n; i++)
    v[i] = c->now.s.mu + c->now.s.sigma * v[i];
}

// mu and sigma take in the targets; the output layer makes up for it.
static void rescale(neural *c, int64_t n, const double *targets) {
  struct scalars *s = &c->now.s;
  double mean = 0, var = 0;
  for (int64_t i = 0; i < n; i++)
    mean += (targets[i] - targets[0]) / (double)n;
  mean += targets[0];
  for (int64_t i = 0; i < n; i++)
    var += (targets[i] - mean) * (targets[i] - mean) / (double)n;

  // mixture of the old (weight 1 - w) and the new; plain averages at first
  s->fits += 1;
  double w = fmax(1 / s->fits, SCALE_RATE), delta = mean - s->mu;
  double mu = s->mu + w * delta;
  double var_new = (1 - w) * (s->var + w * delta * delta) + w * var;
  double sigma = sqrt(var_new);
  if (!(sigma > 1e-8 * (1 + fabs(mu)))) sigma = 1;

  // sigma_new (h w_new + b_new) + mu_new = sigma (h w + b) + mu; before the first fit there is
  // nothing to keep, and a bias of -mu / sigma would take Adam thousands of steps to lose
  double *last = c->now.theta + c->nparam - c->nlast - 1;
  for (int i = 0; s->fits > 1 && i < c->nlast; i++)
    last[i] *= s->sigma / sigma;
  if (s->fits > 1) last[c->nlast] = (s->sigma * last[c->nlast] + s->mu - mu) / sigma;
  s->mu = mu;
  s->var = var_new;
  s->sigma = sigma;
}

// Fisher-Yates, keyed by (run, iteration, epoch).
static void shuffle(neural *c, int64_t n, uint32_t iteration, uint32_t epoch) {
  tendril_random random =
      tendril_random_stream(c->base.seed, TENDRIL_PURPOSE_SHUFFLE, iteration, epoch);
  for (int64_t i = 0; i < n; i++)
    c->order[i] = (uint32_t)i;
  for (int64_t i = n - 1; i > 0; i--) {
    uint32_t j = tendril_random_below(&random, (uint32_t)(i + 1));
    uint32_t swap = c->order[i];
    c->order[i] = c->order[j];
    c->order[j] = swap;
  }
}

// m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  theta -= rate m / (sqrt(v) + epsilon), where
// rate and epsilon hold the corrections for the moments' start at zero
static TND_CLONES void adam(int n, double rate, double epsilon, const double *restrict g,
                            double *restrict m, double *restrict v, double *restrict theta) {
  for (int i = 0; i < n; i++) {
    m[i] = BETA1 * m[i] + (1 - BETA1) * g[i];
    v[i] = BETA2 * v[i] + (1 - BETA2) * g[i] * g[i];
    theta[i] -= rate * m[i] / (sqrt(v[i]) + epsilon);
  }
}

// One step of Adam on the mean of (f(x) - (target - mu) / sigma)^2 / 2 over some rows.
static void step(neural *c, int n, const uint32_t *which, const double *x, const double *targets) {
  struct scalars *s = &c->now.s;
  int nx = c->base.nx;
  for (int i = 0; i < n; i++)
    memcpy(c->x + (ptrdiff_t)i * nx, x + (ptrdiff_t)which[i] * nx, (size_t)nx * sizeof *x);
  tnd_mlp_set_params(c->mlp, c->now.theta);
  tnd_mlp_forward(c->mlp, c->rows, n, c->x, c->y);
  for (int i = 0; i < n; i++)
    c->y[i] = (c->y[i] - (targets[which[i]] - s->mu) / s->sigma) / n;
  memset(c->grad, 0, (size_t)c->nparam * sizeof *c->grad);
  tnd_mlp_vjp(c->mlp, c->rows, c->y, c->grad);

  s->steps += 1;
  double c1 = 1 - pow(BETA1, s->steps), c2 = sqrt(1 - pow(BETA2, s->steps));
  adam(c->nparam, c->base.options.learning_rate * c2 / c1, EPSILON * c2, c->grad, c->now.m,
       c->now.v, c->now.theta);
}

static tendril_status fit(tnd_critic *critic, int64_t n, const double *x, const int *time,
                          const double *targets, uint32_t iteration, tendril_error *err) {
  (void)time;
  neural *c = (neural *)critic;
  size_t nparam = (size_t)c->nparam;
  copy_state(&c->now, nparam, &c->before);

  rescale(c, n, targets);
  for (uint32_t epoch = 0; epoch < (uint32_t)critic->options.epochs; epoch++) {
    shuffle(c, n, iteration, epoch);
    for (int64_t first = 0; first < n; first += c->minibatch) {
      int rows = n - first < c->minibatch ? (int)(n - first) : c->minibatch;
      step(c, rows, c->order + first, x, targets);
    }
  }

  bool finite = tnd_all_finite(c->nparam, c->now.theta) && tnd_all_finite(c->nparam, c->now.m) &&
                tnd_all_finite(c->nparam, c->now.v) && isfinite(c->now.s.mu) &&
                isfinite(c->now.s.sigma);
  if (!finite) copy_state(&c->before, nparam, &c->now);
  tnd_mlp_set_params(c->mlp, c->now.theta);
  if (!finite)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "critic: the fit left the finite numbers; try a smaller critic.learning_rate");
  return TENDRIL_OK;
}

static tendril_status save(const tnd_critic *critic, tnd_tensors *tensors, tendril_error *err) {
  const neural *c = (const neural *)critic;
  const struct scalars *s = &c->now.s;
  const double scalars[] = {s->fits, s->steps, s->mu, s->var, s->sigma};
  TENDRIL_TRY(tnd_tensors_put(tensors, "critic.theta", c->nparam, 0, c->now.theta, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "critic.adam_m", c->nparam, 0, c->now.m, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "critic.adam_v", c->nparam, 0, c->now.v, err));
  return tnd_tensors_put(tensors, "critic.scalars", NSCALAR, 0, scalars, err);
}

static tendril_status load(tnd_critic *critic, const tnd_tensors *tensors, tendril_error *err) {
  // into `before` first, so that an error changes nothing
  neural *c = (neural *)critic;
  struct state *in = &c->before;
  double scalars[NSCALAR];
  TENDRIL_TRY(tnd_tensors_get(tensors, "critic.theta", c->nparam, 0, in->theta, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "critic.adam_m", c->nparam, 0, in->m, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "critic.adam_v", c->nparam, 0, in->v, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "critic.scalars", NSCALAR, 0, scalars, err));
  in->s = (struct scalars){scalars[0], scalars[1], scalars[2], scalars[3], scalars[4]};
  if (!(in->s.sigma > 0) || !(in->s.fits >= 0) || !(in->s.steps >= 0))
    return tnd_tensors_refuse(tensors, "critic.scalars", "out of range", err);
  for (int i = 0; i < c->nparam; i++)
    if (!(in->v[i] >= 0)) return tnd_tensors_refuse(tensors, "critic.adam_v", "negative", err);
  copy_state(in, (size_t)c->nparam, &c->now);
  tnd_mlp_set_params(c->mlp, c->now.theta);
  return TENDRIL_OK;
}

static const tnd_critic_ops neural_ops = {
    .destroy = destroy, .predict = predict, .fit = fit, .save = save, .load = load};

static tendril_status init(neural *c, const tnd_mlp_shape *shape, tendril_error *err) {
  TENDRIL_TRY(tnd_mlp_create(shape, &c->mlp, err));
  layout(c, &c->arena);
  TENDRIL_TRY(tnd_arena_alloc(&c->arena, err));
  layout(c, &c->arena);
  TENDRIL_TRY(tnd_mlp_rows_create(c->mlp, c->minibatch, &c->rows, err));
  for (int i = 0; i < c->base.threads; i++)
    TENDRIL_TRY(tnd_mlp_rows_create(c->mlp, TND_CRITIC_PIECE, &c->workers[i], err));

  // another stream than the policy's
  tendril_random random = tendril_random_stream(c->base.seed, TENDRIL_PURPOSE_INIT, 1, 0);
  TENDRIL_TRY(tnd_mlp_init(shape, 1, &random, c->now.theta, err));
  tnd_mlp_set_params(c->mlp, c->now.theta);
  c->now.s.sigma = 1;
  return TENDRIL_OK;
}

tendril_status tnd_critic_neural_create(const tnd_critic *base, tnd_critic **out,
                                        tendril_error *err) {
  const tendril_critic_options *options = &base->options;
  tnd_mlp_shape shape = {.nin = base->nx,
                         .nout = 1,
                         .hidden = options->hidden,
                         .activation = (tendril_activation)options->activation,
                         .precision = (tendril_precision)options->precision};
  if (tnd_mlp_nparam(&shape) > INT32_MAX)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "critic: the network is too large");
  neural *c = tnd_alloc(sizeof *c);
  if (!c) return tnd_fail_memory(err);
  c->base = *base;
  c->base.ops = &neural_ops;
  c->nparam = (int)tnd_mlp_nparam(&shape);
  c->nlast = shape.hidden.n ? shape.hidden.at[shape.hidden.n - 1] : shape.nin;
  c->minibatch = (int)(options->minibatch < base->capacity ? options->minibatch : base->capacity);
  tendril_status status = init(c, &shape, err);
  if (status != TENDRIL_OK) {
    destroy(&c->base);
    return status;
  }
  *out = &c->base;
  return TENDRIL_OK;
}

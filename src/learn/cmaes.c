// CMA-ES (Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772v2): sample, rank, move
// mean, step size and covariance; restarts with doubled population (Auger and Hansen 2005). Numbers
// in brackets are the tutorial's equations; docs/methods/cma-es.md tells them and the steps.
//
//   m mean    sigma step size    C covariance = B diag(d^2) B'    ps, pc evolution paths
//   x_k = m + sigma y_k,  y_k = B diag(d) z_k,  z_k ~ N(0, I)
//
// Variables are in units of their initial deviations ("scale") everywhere but in m and x, so sigma
// begins at 1 and C at I. B is stored by rows: axis j, b_j, is row j. Rows have `wide` entries, n
// and zeros up to a whole number of vectors.
#include "learn/cmaes.h"

#include <math.h>
#include <string.h>

#include <tendril/random.h>

#include "math/blas.h"
#include "math/gemm.h"
#include "math/linalg.h"

#define X(...) TND_OPTION_ROW(tendril_cmaes_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_CMAES_OPTIONS(X)};
#undef X
const tnd_option_table tnd_cmaes_options = TND_OPTION_TABLE(tendril_cmaes_options, option_rows);

enum { MAX_N = 20000, MAX_LAMBDA = 1000000 };
#define FAILED 1.79769313486231570815e+308  // stands for values that are not finite: the worst
#define WORST 1e308                         // of values with their penalties
#define NEVER (-1e300)                      // as a target

// What dsyevd wants for eigenvectors, too.
static lapack_int lwork_of(int n) {
  return 1 + 6 * n + 2 * n * n;
}
static lapack_int liwork_of(int n) {
  return 3 + 5 * n;
}

static void layout(tendril_cmaes *c, tnd_arena *arena) {
  const size_t n = (size_t)c->n, wide = (size_t)c->wide, lambda = (size_t)c->lambda_most;
  c->m0 = tnd_arena_doubles(arena, n);
  c->scale = tnd_arena_doubles(arena, n);
  c->best_x = tnd_arena_doubles(arena, n);
  c->w = tnd_arena_doubles(arena, lambda);
  c->m = tnd_arena_doubles(arena, n);
  c->ps = tnd_arena_doubles(arena, n);
  c->pc = tnd_arena_doubles(arena, n);
  c->C = tnd_arena_doubles(arena, n * wide);
  c->B = tnd_arena_doubles(arena, n * wide);
  c->d = tnd_arena_doubles(arena, n);
  c->BD = tnd_arena_doubles(arena, n * wide);
  tnd_cmaes_bounds_layout(&c->bounds, arena);
  tnd_cmaes_history_layout(&c->history, arena);
  c->x = tnd_arena_doubles(arena, lambda * n);
  c->penalty = tnd_arena_doubles(arena, lambda);
  c->z = tnd_arena_doubles(arena, lambda * wide);
  c->y = tnd_arena_doubles(arena, (lambda + 1) * wide);
  c->wy = tnd_arena_doubles(arena, (lambda + 1) * wide);
  c->order = tnd_arena_take(arena, lambda, sizeof *c->order);
  c->values = tnd_arena_take(arena, lambda, sizeof *c->values);
  c->w_now = tnd_arena_doubles(arena, lambda);
  c->yw = tnd_arena_doubles(arena, wide);
  c->zw = tnd_arena_doubles(arena, wide);
  c->variance = tnd_arena_doubles(arena, n);
  c->E = tnd_arena_doubles(arena, n * wide);
  c->eigenvalue = tnd_arena_doubles(arena, n);
  c->work = tnd_arena_doubles(arena, (size_t)lwork_of(c->n));
  c->iwork = tnd_arena_take(arena, (size_t)liwork_of(c->n), sizeof *c->iwork);
  c->mean = tnd_arena_doubles(arena, n);
  c->sd = tnd_arena_doubles(arena, n);
}

// row += factor * other, n entries
static void add(int n, double factor, const double *other, double *row) {
  for (int i = 0; i < n; i++)
    row[i] += factor * other[i];
}

// ------------------------------------------------------------------------------------------- runs

void tnd_cmaes_scale_axes(tendril_cmaes *c) {
  memset(c->BD, 0, sizeof *c->BD * (size_t)c->n * (size_t)c->wide);
  for (int j = 0; j < c->n; j++)
    add(c->n, c->d[j], tnd_cmaes_row(c->B, c, j), tnd_cmaes_row(c->BD, c, j));
}

void tnd_cmaes_check_budget(tendril_cmaes *c) {
  if (c->options.budget > 0 && c->evaluations + c->p.lambda > c->options.budget)
    c->end = TENDRIL_CMAES_BUDGET;
}

void tnd_cmaes_begin_run(tendril_cmaes *c) {
  tnd_cmaes_parameters_set(c->n, c->lambda0 << c->restarts, c->options.active, &c->p, c->w);
  memcpy(c->m, c->m0, sizeof *c->m * (size_t)c->n);
  if (c->restarts > 0 && c->options.restart_at == TENDRIL_RESTART_AT_RANDOM) {
    // a stream that no candidate has
    tendril_random random = tendril_random_stream(c->seed, TENDRIL_PURPOSE_SEARCH,
                                                  (uint32_t)c->generations, UINT32_MAX);
    for (int i = 0; i < c->n; i++)
      c->m[i] = tendril_random_uniform(&random, c->bounds.lower[i], c->bounds.upper[i]);
  }
  c->sigma = 1;
  c->g = 0;
  c->since_eigen = 0;
  c->history.count = 0;
  tnd_cmaes_bounds_reset(&c->bounds);
  memset(c->ps, 0, sizeof *c->ps * (size_t)c->n);
  memset(c->pc, 0, sizeof *c->pc * (size_t)c->n);
  memset(c->B, 0, sizeof *c->B * (size_t)c->n * (size_t)c->wide);
  memset(c->C, 0, sizeof *c->C * (size_t)c->n * (size_t)c->wide);
  for (int i = 0; i < c->n; i++) {
    tnd_cmaes_row(c->B, c, i)[i] = 1;
    tnd_cmaes_row(c->C, c, i)[i] = 1;
    c->d[i] = 1;
  }
  tnd_cmaes_scale_axes(c);
}

// A run is over: the next one, if there may be one, or the end.
static void end_run(tendril_cmaes *c, tendril_cmaes_end why) {
  c->run_end = why;
  if (why == TENDRIL_CMAES_TARGET || c->restarts >= c->options.restarts) {
    c->end = why;
    return;
  }
  c->restarts++;
  tnd_cmaes_begin_run(c);
}

// -------------------------------------------------------------------------------------------- ask

tendril_status tendril_cmaes_ask(tendril_cmaes *c, int *lambda, const double **x,
                                 tendril_error *err) {
  if (c->end != TENDRIL_CMAES_RUNNING)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "cmaes: the search is over and has no candidates (%s)",
                    tendril_cmaes_end_text(c->end));
  if (!c->asked) {
    // 1. y_k = B diag(d) z_k (38), (39); each candidate has a stream of its own
    for (int k = 0; k < c->p.lambda; k++) {
      tendril_random random = tendril_random_stream(c->seed, TENDRIL_PURPOSE_SEARCH,
                                                    (uint32_t)c->generations, (uint32_t)k);
      tendril_random_normals(&random, c->n, tnd_cmaes_row(c->z, c, k));
    }
    tnd_gemm_doubles(c->p.lambda, c->wide, c->n, c->z, c->wide, 1, c->BD, c->wide, NULL, 0, c->y,
                     c->wide);

    // x_k = m + sigma y_k (40), brought within the bounds (63)
    for (int k = 0; k < c->p.lambda; k++) {
      double *x_k = c->x + (ptrdiff_t)k * c->n;
      for (int i = 0; i < c->n; i++)
        x_k[i] = c->m[i] + c->sigma * c->scale[i] * tnd_cmaes_row(c->y, c, k)[i];
      c->penalty[k] = tnd_cmaes_bounds_repair(&c->bounds, x_k);
    }
    c->asked = true;
  }
  *lambda = c->p.lambda;
  *x = c->x;
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------------- tell

// Step 2: order by value and penalty, values by value; how many are finite, first in both.
static int rank_values(tendril_cmaes *c, const double *f) {
  int finite = 0;
  for (int k = 0; k < c->p.lambda; k++) {
    const bool valid = isfinite(f[k]) != 0;
    c->values[k] = (tnd_ranked){valid ? f[k] : FAILED, k};
    c->order[k] = (tnd_ranked){valid ? fmin(f[k] + c->penalty[k], WORST) : FAILED, k};
    finite += valid;
  }
  tnd_rank(c->p.lambda, c->values);
  tnd_rank(c->p.lambda, c->order);
  return finite;
}

// Step 3: remembers the lowest value there ever was.
static void keep_best(tendril_cmaes *c) {
  const tnd_ranked lowest = c->values[0];
  if (c->best_evaluation && !(lowest.value < c->best)) return;
  c->best = lowest.value;
  c->best_evaluation = c->evaluations + lowest.index + 1;
  memcpy(c->best_x, c->x + (ptrdiff_t)lowest.index * c->n, sizeof *c->best_x * (size_t)c->n);
}

// The weights of this generation's ranks; their mueff. Where fewer than mu values are finite these
// share the weight of all: the others never enter the mean.
static double weigh(tendril_cmaes *c, int finite) {
  memcpy(c->w_now, c->w, sizeof *c->w * (size_t)c->p.lambda);
  if (finite >= c->p.mu) return c->p.mueff;
  double sum = 0, squares = 0;
  for (int r = 0; r < finite; r++)
    sum += c->w[r];
  for (int r = 0; r < c->p.mu; r++) {
    c->w_now[r] = r < finite ? c->w[r] / sum : 0;
    squares += c->w_now[r] * c->w_now[r];
  }
  return 1 / squares;
}

// Step 4: yw = sum w_i y_i, m <- m + sigma yw (41), (42); and zw = sum w_i z_i.
static void move_mean(tendril_cmaes *c) {
  memset(c->yw, 0, sizeof *c->yw * (size_t)c->wide);
  memset(c->zw, 0, sizeof *c->zw * (size_t)c->wide);
  for (int r = 0; r < c->p.mu; r++) {
    add(c->n, c->w_now[r], tnd_cmaes_row(c->y, c, c->order[r].index), c->yw);
    add(c->n, c->w_now[r], tnd_cmaes_row(c->z, c, c->order[r].index), c->zw);
  }
  for (int i = 0; i < c->n; i++)
    c->m[i] += c->sigma * c->scale[i] * c->yw[i];
}

// Steps 5 and 6: the paths (43), (45); returns h, 0 where ps is long and pc stalls.
static double move_paths(tendril_cmaes *c, double mueff) {
  const tnd_cmaes_parameters *p = &c->p;

  // ps <- (1 - cs) ps + sqrt(cs (2 - cs) mueff) C^-1/2 yw, where C^-1/2 yw = B zw
  for (int i = 0; i < c->n; i++)
    c->ps[i] *= 1 - p->cs;
  const double gain = sqrt(p->cs * (2 - p->cs) * mueff);
  for (int j = 0; j < c->n; j++)
    add(c->n, gain * c->zw[j], tnd_cmaes_row(c->B, c, j), c->ps);

  const double length = sqrt(tnd_dot(c->n, c->ps, c->ps));
  const double grown = sqrt(1 - pow(1 - p->cs, 2.0 * (double)(c->g + 1)));
  const double h = length / grown < (1.4 + 2.0 / (c->n + 1)) * p->chi;

  for (int i = 0; i < c->n; i++)
    c->pc[i] = (1 - p->cc) * c->pc[i] + h * sqrt(p->cc * (2 - p->cc) * mueff) * c->yw[i];
  return h;
}

// Step 8: C <- (1 + c1 delta(h) - c1 - cmu sum w) C + c1 pc pc' + cmu sum w_i y_i y_i' (47)
static void move_covariance(tendril_cmaes *c, double h) {
  const tnd_cmaes_parameters *p = &c->p;
  double sum = 0;
  for (int r = 0; r < p->lambda; r++) {
    const int k = c->order[r].index;
    double w = c->w_now[r];
    sum += w;
    if (w < 0) {
      // w n / |C^-1/2 y|^2 (46), where |C^-1/2 y| = |z|
      const double length2 = tnd_dot(c->n, tnd_cmaes_row(c->z, c, k), tnd_cmaes_row(c->z, c, k));
      w = length2 > 0 ? w * c->n / length2 : 0;
    }
    memset(tnd_cmaes_row(c->wy, c, k), 0, sizeof *c->wy * (size_t)c->wide);
    add(c->n, p->cmu * w, tnd_cmaes_row(c->y, c, k), tnd_cmaes_row(c->wy, c, k));
  }
  double *last = tnd_cmaes_row(c->y, c, p->lambda),
         *last_weighted = tnd_cmaes_row(c->wy, c, p->lambda);
  memset(last, 0, sizeof *last * (size_t)c->wide);
  memset(last_weighted, 0, sizeof *last * (size_t)c->wide);
  add(c->n, 1, c->pc, last);
  add(c->n, p->c1, c->pc, last_weighted);

  const double stalled = (1 - h) * p->cc * (2 - p->cc);
  const double decay = 1 + p->c1 * stalled - p->c1 - p->cmu * sum;
  for (int i = 0; i < c->n; i++)
    for (int j = 0; j < c->n; j++)
      tnd_cmaes_row(c->C, c, i)[j] *= decay;
  tnd_gemm_doubles(c->n, c->wide, p->lambda + 1, c->wy, 1, c->wide, c->y, c->wide, c->C, c->wide,
                   c->C, c->wide);
  // (w a) b and (w b) a may differ in the last bit
  for (int i = 0; i < c->n; i++)
    for (int j = 0; j < i; j++)
      tnd_cmaes_row(c->C, c, j)[i] = tnd_cmaes_row(c->C, c, i)[j];
}

// Step 9: B and d from C, once in max(1, 1 / (10 n (c1 + cmu))) generations (B.2). False, and the
// old ones stay, if C is not positive definite in floating point.
static bool decompose(tendril_cmaes *c) {
  const double gap = 1 / (10.0 * c->n * (c->p.c1 + c->p.cmu));
  if ((double)++c->since_eigen < floor(gap)) return true;
  c->since_eigen = 0;

  // by columns for LAPACK, and C is symmetric; axis j is column j there, row j here
  memcpy(c->E, c->C, sizeof *c->E * (size_t)c->n * (size_t)c->wide);
  const lapack_int info =
      LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', c->n, c->E, c->wide, c->eigenvalue, c->work,
                          lwork_of(c->n), c->iwork, liwork_of(c->n));
  if (info != 0 || !tnd_all_finite(c->n, c->eigenvalue) || !(c->eigenvalue[0] > 0)) return false;
  memcpy(c->B, c->E, sizeof *c->B * (size_t)c->n * (size_t)c->wide);
  for (int j = 0; j < c->n; j++)
    c->d[j] = sqrt(c->eigenvalue[j]);
  tnd_cmaes_scale_axes(c);
  return true;
}

// Largest and smallest of d.
static void axes(const tendril_cmaes *c, double *longest, double *shortest) {
  *longest = *shortest = c->d[0];
  for (int j = 1; j < c->n; j++) {
    *longest = fmax(*longest, c->d[j]);
    *shortest = fmin(*shortest, c->d[j]);
  }
}

static double condition(const tendril_cmaes *c) {
  double longest, shortest;
  axes(c, &longest, &shortest);
  return (longest / shortest) * (longest / shortest);
}

// A tenth of a deviation along one axis, another one each generation, leaves m where it is.
static bool no_effect_axis(tendril_cmaes *c) {
  const double *axis = tnd_cmaes_row(c->BD, c, (int)(c->g % c->n));
  for (int i = 0; i < c->n; i++)
    if (c->m[i] != c->m[i] + 0.1 * c->sigma * c->scale[i] * axis[i]) return false;
  return true;
}

static bool no_effect_coordinate(const tendril_cmaes *c) {
  for (int i = 0; i < c->n; i++)
    if (c->m[i] == c->m[i] + 0.2 * c->scale[i] * sqrt(c->variance[i])) return true;
  return false;
}

static bool deviations_are_tiny(const tendril_cmaes *c) {
  for (int i = 0; i < c->n; i++)
    if (!(sqrt(c->variance[i]) < c->options.tol_x) ||
        !(c->sigma * fabs(c->pc[i]) < c->options.tol_x))
      return false;
  return true;
}

// Step 11: the first criterion of B.3 that holds.
static tendril_cmaes_end criterion(tendril_cmaes *c, bool definite) {
  const tendril_cmaes_options *o = &c->options;
  const int lambda = c->p.lambda;
  const double spread = c->order[lambda - 1].value - c->order[0].value;
  const double range = tnd_cmaes_history_range(&c->history, c->n, lambda);
  double longest, shortest;
  axes(c, &longest, &shortest);

  if (o->target > NEVER && c->best <= o->target) return TENDRIL_CMAES_TARGET;
  if (!definite || condition(c) > o->max_condition) return TENDRIL_CMAES_CONDITION;
  if (c->sigma * longest > o->tol_x_up) return TENDRIL_CMAES_TOL_X_UP;
  if (range == 0) return TENDRIL_CMAES_EQUAL_VALUES;
  if (range < o->tol_fun && spread < o->tol_fun) return TENDRIL_CMAES_TOL_FUN;
  if (deviations_are_tiny(c)) return TENDRIL_CMAES_TOL_X;
  if (no_effect_axis(c)) return TENDRIL_CMAES_NO_EFFECT_AXIS;
  if (no_effect_coordinate(c)) return TENDRIL_CMAES_NO_EFFECT_COORD;
  if (o->stagnation && tnd_cmaes_history_stagnates(&c->history, c->n, lambda))
    return TENDRIL_CMAES_STAGNATION;
  return TENDRIL_CMAES_RUNNING;
}

tendril_status tendril_cmaes_tell(tendril_cmaes *c, const double *f, tendril_error *err) {
  if (!c->asked)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "cmaes: values of no candidates; call tendril_cmaes_ask() first");

  // 2. ranks
  const int lambda = c->p.lambda, finite = rank_values(c, f);
  if (finite == 0)
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "cmaes: none of the %d values of generation %lld is a finite number; begin at "
                    "a mean where the objective is defined, or with smaller deviations",
                    lambda, (long long)c->generations);

  // 3. the best of all
  keep_best(c);

  // 4. selection and recombination
  const double mueff = weigh(c, finite);
  move_mean(c);

  // 5., 6. evolution paths
  const double h = move_paths(c, mueff);

  // 7. sigma <- sigma exp(cs / ds (|ps| / chi - 1)) (44); 8. covariance, with the y of the old one
  const double length = sqrt(tnd_dot(c->n, c->ps, c->ps));
  move_covariance(c, h);
  c->sigma *= exp(c->p.cs / c->p.ds * (length / c->p.chi - 1));

  // 9. axes of the new covariance, at times
  const bool definite = decompose(c);

  // 10. bookkeeping
  for (int i = 0; i < c->n; i++)
    c->variance[i] = c->sigma * c->sigma * tnd_cmaes_row(c->C, c, i)[i];
  tnd_cmaes_bounds_update(&c->bounds, finite, c->values, lambda, c->p.mueff, c->g == 1, c->m,
                          c->variance);
  tnd_cmaes_history_push(&c->history, c->order[0].value, c->order[lambda / 2].value);
  c->g++;
  c->generations++;
  c->evaluations += lambda;
  c->asked = false;

  // 11. the end of the run, or of all
  const tendril_cmaes_end why = criterion(c, definite);
  if (why != TENDRIL_CMAES_RUNNING) end_run(c, why);
  if (c->end == TENDRIL_CMAES_RUNNING) tnd_cmaes_check_budget(c);
  return TENDRIL_OK;
}

// ----------------------------------------------------------------------------------------- create

void tendril_cmaes_defaults(tendril_cmaes_options *options) {
  tnd_options_default(&tnd_cmaes_options, options);
}

const char *tendril_cmaes_end_text(tendril_cmaes_end end) {
  switch (end) {
#define X(name, text)                                                                              \
  case TENDRIL_CMAES_##name:                                                                       \
    return text;
    TENDRIL_CMAES_END_MAP(X)
#undef X
  }
  return "unknown";
}

static double lower_of(const tendril_cmaes_setup *s, int i) {
  return s->lower ? s->lower[i] : -(double)INFINITY;
}

static double upper_of(const tendril_cmaes_setup *s, int i) {
  return s->upper ? s->upper[i] : (double)INFINITY;
}

// Numbers of one variable, as the caller gave them.
static tendril_status check_variable(const tendril_cmaes_options *o, const tendril_cmaes_setup *s,
                                     int i, tendril_error *err) {
  const double lower = lower_of(s, i), upper = upper_of(s, i);
  if (!isfinite(s->mean[i]))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "cmaes: mean[%d] is not finite", i);
  if (!(s->sd[i] > 0) || !isfinite(s->sd[i]))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "cmaes: sd[%d] is %g; an initial deviation is positive, about a third of the "
                    "way on which the optimum may lie",
                    i, s->sd[i]);
  if (!(lower < upper))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "cmaes: bounds[%d] are %g and %g; the lower one must be below the upper one", i,
                    lower, upper);
  if (!(s->mean[i] >= lower && s->mean[i] <= upper))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "cmaes: mean[%d] is %g; begin within the bounds, %g to %g", i, s->mean[i],
                    lower, upper);
  if (o->restarts > 0 && o->restart_at == TENDRIL_RESTART_AT_RANDOM && !isfinite(upper - lower))
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "cmaes.restart_at: random needs two bounds for every variable, and variable %d "
                    "has not; give them, or use mean",
                    i);
  return TENDRIL_OK;
}

static tendril_status check(const tendril_cmaes_options *o, const tendril_cmaes_setup *s,
                            tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(&tnd_cmaes_options, o, "cmaes", err));
  if (s->n < 1 || s->n > MAX_N)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "cmaes: %d variables; use 1 to %d", s->n, MAX_N);
  for (int i = 0; i < s->n; i++)
    TENDRIL_TRY(check_variable(o, s, i, err));

  if (o->population == 1)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "cmaes.population: one candidate has nothing to be compared with; use 2 or "
                    "more, or 0 for the default");
  const int64_t lambda = o->population ? o->population : tnd_cmaes_default_lambda(s->n);
  if (lambda << o->restarts > MAX_LAMBDA)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "cmaes.restarts: %lld candidates, doubled %lld times, are more than %d; use "
                    "fewer restarts",
                    (long long)lambda, (long long)o->restarts, MAX_LAMBDA);
  if (o->budget > 0 && o->budget < lambda)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "cmaes.budget: %lld evaluations are not enough for a generation of %lld",
                    (long long)o->budget, (long long)lambda);
  return TENDRIL_OK;
}

tendril_status tendril_cmaes_create(const tendril_cmaes_options *options,
                                    const tendril_cmaes_setup *setup, tendril_cmaes **out,
                                    tendril_error *err) {
  TENDRIL_TRY(check(options, setup, err));
  tnd_blas_init();
  tendril_cmaes *c = tnd_alloc(sizeof *c);
  if (!c) return tnd_fail_memory(err);
  c->options = *options;
  c->n = c->bounds.n = setup->n;
  c->wide = (setup->n + TND_LINE_DOUBLES - 1) / TND_LINE_DOUBLES * TND_LINE_DOUBLES;
  c->seed = setup->seed;
  c->lambda0 = options->population ? (int)options->population : tnd_cmaes_default_lambda(setup->n);
  c->lambda_most = c->lambda0 << options->restarts;

  layout(c, &c->arena);
  const tendril_status status = tnd_arena_alloc(&c->arena, err);
  if (status != TENDRIL_OK) {
    tendril_cmaes_destroy(c);
    return status;
  }
  layout(c, &c->arena);
  c->bounds.scale = c->scale;
  for (int i = 0; i < c->n; i++) {
    c->m0[i] = setup->mean[i];
    c->scale[i] = setup->sd[i];
    c->bounds.lower[i] = lower_of(setup, i);
    c->bounds.upper[i] = upper_of(setup, i);
    c->bounds.any |= isfinite(c->bounds.lower[i]) || isfinite(c->bounds.upper[i]);
  }
  tnd_cmaes_begin_run(c);
  *out = c;
  return TENDRIL_OK;
}

void tendril_cmaes_destroy(tendril_cmaes *c) {
  if (!c) return;
  tnd_arena_free(&c->arena);
  tnd_free(c);
}

// ---------------------------------------------------------------------------------------- results

tendril_cmaes_end tendril_cmaes_get_end(const tendril_cmaes *c) {
  return c->end;
}

void tendril_cmaes_get_result(tendril_cmaes *c, tendril_cmaes_result *result) {
  memcpy(c->mean, c->m, sizeof *c->mean * (size_t)c->n);
  (void)tnd_cmaes_bounds_repair(&c->bounds, c->mean);
  for (int i = 0; i < c->n; i++)
    c->sd[i] = c->sigma * c->scale[i] * sqrt(tnd_cmaes_row(c->C, c, i)[i]);
  *result = (tendril_cmaes_result){.end = c->end,
                                   .run_end = c->run_end,
                                   .best = c->best_evaluation ? c->best : (double)NAN,
                                   .best_x = c->best_x,
                                   .best_evaluation = c->best_evaluation,
                                   .evaluations = c->evaluations,
                                   .generations = c->generations,
                                   .restarts = c->restarts,
                                   .population = c->p.lambda,
                                   .mean = c->mean,
                                   .sd = c->sd,
                                   .sigma = c->sigma,
                                   .condition = condition(c)};
}

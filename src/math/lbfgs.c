// See lbfgs.h. libLBFGS does the arithmetic; this file watches what it evaluates:
//   - the lowest f seen is kept, with its place
//   - f not finite at x is shown as a parabola along the step s = x - x0 from the last iterate x0,
//     with the slope of f there and its minimum at a quarter of s:
//       phi(tau) = f0 + tau m (1 - 2 tau),  m = g0's < 0:   phi(1) = f0 - m,  phi'(1) = -3 m
//     so that the line search, which interpolates, goes on with about a quarter of the step. What
//     it interpolates from a NaN or an infinity is a NaN: by itself it does not turn back.
#include "math/lbfgs.h"

#include "base/alloc.h"
#include "math/linalg.h"

#include <assert.h>
#include <lbfgs.h>
#include <math.h>
#include <string.h>

// PAST: iterations over which f has to fall. SEARCH: evaluations of a line search. A libLBFGS that
// was built with vector instructions works on whole groups of 8.
enum { PAST = 5, SEARCH = 20, GROUP = 8 };

struct tnd_lbfgs {
  int n;
  tnd_lbfgs_options options;
  double *x;        // [n, in whole groups] libLBFGS's
  double *x_best;   // [n]
  double *x0, *g0;  // [n] the last iterate and its gradient
  double f0;
  double past[PAST];  // f of the last iterations, by turns
  bool failed;        // the first evaluation was not finite
  int seen, walled;   // evaluations of this line search that were finite, that were not
  tnd_lbfgs_function function;
  void *context;
  tnd_lbfgs_result result;
  tnd_arena arena;
};

static void layout(tnd_lbfgs *l, tnd_arena *arena) {
  const size_t n = (size_t)l->n;
  l->x = tnd_arena_doubles(arena, (n + GROUP - 1) / GROUP * GROUP);
  l->x_best = tnd_arena_doubles(arena, n);
  l->x0 = tnd_arena_doubles(arena, n);
  l->g0 = tnd_arena_doubles(arena, n);
}

tendril_status tnd_lbfgs_create(int n, const tnd_lbfgs_options *options, tnd_lbfgs **out,
                                tendril_error *err) {
  assert(n >= 1 && options->iterations >= 1 && options->memory >= 1 && options->tolerance >= 0);
  tnd_lbfgs *l = tnd_alloc(sizeof *l);
  if (!l) return tnd_fail_memory(err);
  l->n = n;
  l->options = *options;
  layout(l, &l->arena);
  tendril_status status = tnd_arena_alloc(&l->arena, err);
  if (status != TENDRIL_OK) {
    tnd_lbfgs_destroy(l);
    return status;
  }
  layout(l, &l->arena);
  *out = l;
  return TENDRIL_OK;
}

void tnd_lbfgs_destroy(tnd_lbfgs *l) {
  if (!l) return;
  tnd_arena_free(&l->arena);
  tnd_free(l);
}

static void keep_iterate(tnd_lbfgs *l, const double *x, const double *g, double f) {
  memcpy(l->x0, x, sizeof *x * (size_t)l->n);
  memcpy(l->g0, g, sizeof *g * (size_t)l->n);
  l->f0 = f;
  l->seen = l->walled = 0;
}

// f and g [n] of the parabola
static double wall(const tnd_lbfgs *l, const double *x, double *g) {
  double m = 0, ss = 0;
  for (int i = 0; i < l->n; i++) {
    const double s = x[i] - l->x0[i];
    m += l->g0[i] * s;
    ss += s * s;
  }
  for (int i = 0; i < l->n; i++)
    g[i] = -3 * m / ss * (x[i] - l->x0[i]);  // g's = phi'(1)
  return l->f0 - m;
}

// n may be rounded up; g is zero there
static double evaluate(void *instance, const double *x, double *g, const int n, const double step) {
  (void)n;
  tnd_lbfgs *l = instance;
  tnd_lbfgs_result *r = &l->result;
  // a direction that was divided by a change of 0: the search is at its end
  if (!tnd_all_finite(l->n, x)) return NAN;
  const bool first = r->evaluations++ == 0;
  const double f = l->function(l->context, x, g);
  const bool finite = isfinite(f) && tnd_all_finite(l->n, g);
  if (first) {
    l->failed = !finite;
    r->before = r->f = finite ? f : HUGE_VAL;
    // nowhere to turn back to: a gradient of zero ends the search before it begins
    if (!finite) memset(g, 0, sizeof *g * (size_t)l->n);
    keep_iterate(l, x, g, finite ? f : 0);
  }
  if (!finite) {
    r->nonfinite++;
    l->walled++;
    return first ? 0 : wall(l, x, g);
  }
  if (step > 0) l->seen++;  // not the last iterate again
  if (f < r->f || first) {
    r->f = f;
    memcpy(l->x_best, x, sizeof *x * (size_t)l->n);
  }
  return f;
}

// After each iteration; not 0 ends the search.
static int progress(void *instance, const double *x, const double *g, const double f,
                    const double xnorm, const double gnorm, const double step, int n, int iteration,
                    int evaluations) {
  (void)xnorm, (void)gnorm, (void)step, (void)n, (void)evaluations;
  tnd_lbfgs *l = instance;
  double *before = &l->past[iteration % PAST];
  const bool slow = iteration > PAST && *before - f <= l->options.tolerance * fabs(*before);
  *before = f;
  keep_iterate(l, x, g, f);
  l->result.iterations = iteration;
  return slow ? LBFGS_STOP : 0;
}

static tnd_lbfgs_end end_of(const tnd_lbfgs *l, int code) {
  if (l->failed) return TND_LBFGS_NONFINITE;
  switch (code) {
  case LBFGS_SUCCESS:
  case LBFGS_STOP:
  case LBFGS_ALREADY_MINIMIZED:
    return TND_LBFGS_CONVERGED;
  case LBFGSERR_MAXIMUMITERATION:
    return TND_LBFGS_ITERATIONS;
  default:
    return l->walled > 0 && l->seen == 0 ? TND_LBFGS_NONFINITE : TND_LBFGS_ROUNDING;
  }
}

tendril_status tnd_lbfgs_minimize(tnd_lbfgs *l, tnd_lbfgs_function function, void *context,
                                  double *x, tnd_lbfgs_result *result, tendril_error *err) {
  const size_t size = sizeof *x * (size_t)l->n;
  *result = l->result = (tnd_lbfgs_result){0};
  l->function = function;
  l->context = context;
  l->failed = false;
  memcpy(l->x, x, size);
  memcpy(l->x_best, x, size);

  lbfgs_parameter_t parameters;
  lbfgs_parameter_init(&parameters);
  parameters.m = l->options.memory;
  parameters.max_iterations = l->options.iterations;
  parameters.max_linesearch = SEARCH;
  parameters.epsilon = 0;  // of the gradient over |x|; progress() has the rule that stops
  if (!tnd_memory_take(size * (size_t)(2 * l->options.memory + 5))) return tnd_fail_memory(err);
  const int code = lbfgs(l->n, l->x, NULL, evaluate, progress, l, &parameters);
  if (code == LBFGSERR_OUTOFMEMORY) return tnd_fail_memory(err);

  memcpy(x, l->x_best, size);
  *result = l->result;
  result->end = end_of(l, code);
  return TENDRIL_OK;
}

// For a given eta the best omega is known in closed form: where the entropy is free, tau = eta, and
// where it is at its bound, log tau = mean_i log(eta - q_i) - 2 beta0 / n; the larger of the two.
// What is left is one variable. h(eta) = min over omega of g is convex and h' = eps - KL, so the KL
// falls as eta grows, and either it is eps somewhere above eta_min = max(0, q_i), or eta = 0 will
// do. All in units of the largest of |q_i| and sqrt(c_i), a power of two: scaled so, Q has the same
// bits.
#include "learn/moto_dual.h"

#include <assert.h>
#include <math.h>
#include <string.h>

double tnd_moto_dual_value(const tnd_moto_dual *dual, double eta, double omega,
                           double gradient[2]) {
  const int n = dual->n;
  const double tau = eta + omega;
  double logs = 0, spread = 0, square = 0, kl = 0;
  if (!(tau > 0)) return INFINITY;
  for (int i = 0; i < n; i++) {
    const double gap = eta - dual->q[i], v = tau / gap;
    if (!(gap > 0)) return INFINITY;
    logs += log(v);
    spread += v - 1 - log(v);
    square += dual->c[i] / gap;
    kl += dual->c[i] / gap / gap;
  }
  gradient[0] = dual->bounds.max_kl - 0.5 * (spread + kl);
  gradient[1] = dual->bounds.entropy_drop + 0.5 * logs;
  const double entropy = omega == 0 ? 0 : omega * (dual->bounds.entropy_drop - 0.5 * n);
  return eta * dual->bounds.max_kl + entropy + 0.5 * (tau * logs + square);
}

// The scaled problem: x = eta - eta_min is the unknown, so that eta - q_i keeps its digits however
// near eta is to the largest q_i.
typedef struct problem {
  const tnd_moto_dual *dual;
  double unit;     // 1 / the unit of Q
  double eta_min;  // scaled
} problem;

typedef struct point {
  double eta, omega, kl;
  double slope;  // d log KL / d log x
  // log tau; relative to log eta, as all logarithms here, where eta is large beside Q and they
  // would drown the differences between them
  double log_tau;
  bool far;
} point;

static double gap(const problem *p, double x, int i) {
  return x + (p->eta_min - p->dual->q[i] * p->unit);
}

static double log_gap(const problem *p, const point *at, double x, int i) {
  return at->far ? log1p(-p->dual->q[i] * p->unit / at->eta) : log(gap(p, x, i));
}

// e^t - 1 - t, of which small t leave only rounding
static double excess(double t) {
  if (fabs(t) > 0.03) return expm1(t) - t;
  return t * t / 2 *
         (1 + t / 3 * (1 + t / 4 * (1 + t / 5 * (1 + t / 6 * (1 + t / 7 * (1 + t / 8))))));
}

// KL(eta, tau(eta)) at eta = eta_min + x.
static point evaluate(const problem *p, double x) {
  const int n = p->dual->n;
  point at = {.eta = p->eta_min + x};
  at.far = at.eta > 2;

  // tau(eta), and d log tau / d eta
  double mean_log = 0, mean_inverse = 0;
  for (int i = 0; i < n; i++) {
    mean_log += log_gap(p, &at, x, i) / n;
    mean_inverse += 1 / gap(p, x, i) / n;
  }
  const double free = at.far ? 0 : log(at.eta);
  const double bound = mean_log - 2 * p->dual->bounds.entropy_drop / n;
  const double rate = bound > free ? mean_inverse : 1 / at.eta;
  at.log_tau = fmax(free, bound);
  if (bound > free) at.omega = at.far ? at.eta * expm1(bound) : fmax(exp(bound) - at.eta, 0);

  double kl = 0, slope = 0;  // both twice
  for (int i = 0; i < n; i++) {
    const double g = gap(p, x, i), c = p->dual->c[i] * p->unit * p->unit;
    const double t = at.log_tau - log_gap(p, &at, x, i);
    kl += excess(t) + c / g / g;
    slope += expm1(t) * (rate - 1 / g) - 2 * (c / g / g / g);
  }
  at.kl = 0.5 * kl;
  at.slope = x * slope / kl;
  return at;
}

// x with KL = eps, by Newton's method on log KL over log x: the KL falls as a power of x both near
// eta_min and far from it. Steps that leave the bracket are replaced by its middle.
static bool find_root(const problem *p, double *x, point *at, int *iterations) {
  enum { MOST = 200 };
  const double eps = p->dual->bounds.max_kl, leap = 5;
  double low = -INFINITY, high = INFINITY, square = 0;

  // KL ~ (sum c + sum q^2 / 2) / (2 eta^2) for large eta
  for (int i = 0; i < p->dual->n; i++) {
    const double q = p->dual->q[i] * p->unit, c = p->dual->c[i] * p->unit * p->unit;
    square += c + 0.5 * q * q;
  }
  double z = 0.5 * log(square / (2 * eps));
  for (*iterations = 1; *iterations <= MOST; ++*iterations) {
    *x = exp(z);
    *at = evaluate(p, *x);
    const double error = log(at->kl / eps);
    if (fabs(error) <= 1e-12) return true;  // a few roundings of z, and far below what eps means
    if (error > 0)
      low = z;
    else
      high = z;
    if (high < -650) return false;  // no variance would be left

    double next = z - error / at->slope;
    if (!isfinite(next) || at->slope >= 0) next = z + (error > 0 ? leap : -leap);
    next = fmin(fmax(next, z - leap), z + leap);
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    if (next == z || next == low || next == high) return true;  // as near as numbers are
    z = next;
  }
  return false;
}

bool tnd_moto_dual_solve(const tnd_moto_dual *dual, double *step, double *spread,
                         tnd_moto_multipliers *out) {
  const int n = dual->n;
  const tnd_moto_bounds *bounds = &dual->bounds;
  assert(bounds->max_kl > 0 && bounds->entropy_drop >= 0);
  memset(step, 0, sizeof *step * (size_t)n);
  memset(spread, 0, sizeof *spread * (size_t)n);
  *out = (tnd_moto_multipliers){0};

  // the unit of Q
  double largest = 0, top = -INFINITY;
  for (int i = 0; i < n; i++) {
    if (!isfinite(dual->q[i]) || !isfinite(dual->c[i])) return false;
    largest = fmax(largest, fmax(fabs(dual->q[i]), sqrt(dual->c[i])));
    top = fmax(top, dual->q[i]);
  }
  if (largest < 1e-290) return true;  // Q does not depend on the action
  int exponent;
  frexp(largest, &exponent);
  const double unit = ldexp(1, exponent);
  problem p = {.dual = dual, .unit = 1 / unit, .eta_min = fmax(top, 0) / unit};

  // eta = 0 if Q has a maximum in a and its width is within reach; else the root
  double x = 0;
  point at = {.kl = INFINITY};
  if (top < 0) at = evaluate(&p, x);
  if (!isfinite(at.kl) || at.kl > bounds->max_kl)
    if (!find_root(&p, &x, &at, &out->iterations)) return false;

  for (int i = 0; i < n; i++) {
    const double g = gap(&p, x, i), q = dual->q[i] * p.unit, c = dual->c[i] * p.unit * p.unit;
    step[i] = p.unit / g;
    spread[i] = at.log_tau - log_gap(&p, &at, x, i);
    out->entropy_change += 0.5 * spread[i];
    // E [1/2 q y^2 + r y], new minus old
    out->gain += unit * (c / g + 0.5 * q * (expm1(spread[i]) + c / g / g));
  }
  out->eta = unit * at.eta;
  out->omega = unit * at.omega;
  out->kl = at.kl;
  return true;
}

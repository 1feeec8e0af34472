// See cost_weights.h. The effective number falls as c rises: bisection in log c, with the exponents
// as exp(log c + log(J_i - min J)), so that no unit of cost overflows them.
#include "learn/cost_weights.h"

#include <float.h>
#include <math.h>

// exp(-small) is 1 as far as a sum of weights can tell, exp(-large) is 0.
static const double small = 1e-9, large = 800;

// (sum w)^2 / sum w^2, given log(J_i - min J), NAN for those that don't count.
static double effective_at(int64_t n, const double *log_excess, double log_c) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; i++) {
    if (isnan(log_excess[i])) continue;
    const double w = exp(-exp(log_c + log_excess[i]));
    sum += w;
    squares += w * w;
  }
  return sum * sum / squares;
}

// log_excess [n]; the smallest of those above 0 into *least, the largest into *most. Returns how
// many rollouts count.
static int64_t measure(int64_t n, const double *J, double *log_excess, double *least,
                       double *most) {
  double lowest = HUGE_VAL;
  int64_t counted = 0;
  *least = HUGE_VAL;
  *most = -HUGE_VAL;
  for (int64_t i = 0; i < n; i++)
    if (isfinite(J[i])) lowest = fmin(lowest, J[i]);
  for (int64_t i = 0; i < n; i++) {
    // a cost so far off that the difference is none weighs nothing, either
    const double excess = isfinite(J[i]) ? J[i] - lowest : (double)INFINITY;
    log_excess[i] = isfinite(excess) ? log(excess) : (double)NAN;
    counted += isfinite(excess);
    if (!isfinite(excess) || excess == 0) continue;
    *least = fmin(*least, log_excess[i]);
    *most = fmax(*most, log_excess[i]);
  }
  return counted;
}

tnd_cost_weights tnd_cost_weights_choose(int64_t n, const double *J, double share, double *w) {
  double least, most, log_c = -HUGE_VAL;
  tnd_cost_weights out = {.counted = measure(n, J, w, &least, &most)};
  const double wanted = fmax(1, share * (double)out.counted);
  if (least <= most) {  // they differ
    double low = log(small) - most, high = log(large) - least;
    while (high - low > 1e-12 * fmax(1, fabs(low))) {
      const double middle = (low + high) / 2;
      if (effective_at(n, w, middle) > wanted)
        low = middle;
      else
        high = middle;
    }
    log_c = high;
  }
  out.c = fmin(exp(log_c), DBL_MAX);
  out.effective = out.counted > 0 ? effective_at(n, w, log_c) : 0;
  for (int64_t i = 0; i < n; i++)
    w[i] = isnan(w[i]) ? 0 : exp(-exp(log_c + w[i]));
  return out;
}

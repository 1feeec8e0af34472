// See schedule.h.
#include "learn/schedule.h"

#include <math.h>

double tnd_trust_radius(const tendril_learner *learner, double max_kl, double final) {
  return max_kl * (1 - learner->fraction * (1 - final));
}

double tnd_discount(const tendril_learner *learner, double gamma, double final) {
  if (final == 0 || final == gamma) return gamma;
  // 1 - gamma_f = (1 - gamma)^(1-f) (1 - final)^f
  return 1 - (1 - gamma) * pow((1 - final) / (1 - gamma), learner->fraction);
}

tendril_status tnd_check_discount(double gamma, double final, tendril_error *err) {
  if (final == 0 || final == gamma || (gamma < 1 && final < 1)) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_CONFIG,
                  "learner.gamma_final: a horizon without end has no way to another one; both "
                  "discounts must be below 1, not %g and %g",
                  gamma, final);
}

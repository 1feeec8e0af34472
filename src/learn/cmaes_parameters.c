// See cmaes_parameters.h.
#include "learn/cmaes_parameters.h"

#include <math.h>

int tnd_cmaes_default_lambda(int n) {
  return 4 + (int)floor(3 * log(n));
}

// (sum of w)^2 / (sum of w^2); 0 of none
static double effective(int n, const double *w) {
  double sum = 0, squares = 0;
  for (int i = 0; i < n; i++) {
    sum += w[i];
    squares += w[i] * w[i];
  }
  return squares > 0 ? sum * sum / squares : 0;
}

// w *= what makes the sum of |w| equal to `sum`
static void scale_to(double sum, int n, double *w) {
  double now = 0;
  for (int i = 0; i < n; i++)
    now += fabs(w[i]);
  for (int i = 0; i < n && now > 0; i++)
    w[i] *= sum / now;
}

void tnd_cmaes_parameters_set(int n, int lambda, bool active, tnd_cmaes_parameters *p, double *w) {
  // preliminary convex shape (49); the middle one of an odd number is 0
  p->lambda = lambda;
  p->mu = lambda / 2;
  for (int i = 0; i < lambda; i++)
    w[i] = 2 * i + 1 == lambda ? 0 : log((lambda + 1) / 2.0) - log(i + 1);
  const int negative = lambda - p->mu;
  p->mueff = effective(p->mu, w);
  const double mueff_minus = effective(negative, w + p->mu);

  // step-size control (55)
  p->cs = (p->mueff + 2) / (n + p->mueff + 5);
  p->ds = 1 + 2 * fmax(0, sqrt((p->mueff - 1) / (n + 1)) - 1) + p->cs;
  p->chi = sqrt(n) * (1 - 1 / (4.0 * n) + 1 / (21.0 * n * n));

  // covariance matrix adaptation (56) to (58), alpha_cov = 2
  p->cc = (4 + p->mueff / n) / (n + 4 + 2 * p->mueff / n);
  p->c1 = 2 / ((n + 1.3) * (n + 1.3) + p->mueff);
  p->cmu = fmin(1 - p->c1,
                2 * (0.25 + p->mueff + 1 / p->mueff - 2) / ((n + 2.0) * (n + 2.0) + p->mueff));

  // positive weights sum to one; negative ones to the least of three bounds (50) to (53): no decay
  // of C, no more than the positive ones can outweigh, C stays positive definite
  scale_to(1, p->mu, w);
  const double no_decay = 1 + p->c1 / p->cmu;
  const double in_proportion = 1 + 2 * mueff_minus / (p->mueff + 2);
  const double definite = (1 - p->c1 - p->cmu) / (n * p->cmu);
  const double least = fmin(no_decay, fmin(in_proportion, definite));
  scale_to(active ? least : 0, negative, w + p->mu);
}

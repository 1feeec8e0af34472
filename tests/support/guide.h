// A trajectory distribution of guided policy search with its model, policy and pool.
#ifndef SUPPORT_GUIDE_H
#define SUPPORT_GUIDE_H

#include "trajopt/guide_parts.h"

#include <tendril/tendril.h>

enum { SUPPORT_GUIDE_T = 40, SUPPORT_GUIDE_N = 10, SUPPORT_GUIDE_M = 2 };  // at most

typedef struct support_guide {
  tendril_model *model;
  tendril_pool *pool;
  tendril_policy *policy;
  tnd_guide *guide;
  int T;
  double sigma2[SUPPORT_GUIDE_M];  // of the policy, 0.3 and 0.15
  double x0[SUPPORT_GUIDE_N], u[SUPPORT_GUIDE_T * SUPPORT_GUIDE_M];
} support_guide;

// Constrained, by 24 rollouts and averages over them, a tail of 5 steps, lambda of 30.
tnd_guide_options support_guide_options(void);

// Its own, on a built-in task of up to two controls, or, by the name of "cart", on that of cart.h;
// begun about waves of torque. scale: nats a unit of cost counts.
support_guide support_guide_open(const char *task, int T, double scale,
                                 const tnd_guide_options *options, int threads);
void support_guide_close(support_guide *s);
// Standard deviation of the samples' start states in every coordinate; 0.01 until told.
void support_guide_set_start_noise(support_guide *s, double sd);

// Samples of that iteration, under a seed of 5; and an improvement.
tnd_guide_samples support_guide_sample(support_guide *s, uint32_t iteration);
tnd_guide_step support_guide_improve(support_guide *s);

// A distribution as it is now, to compare a later one with.
typedef struct support_older {
  double x[(SUPPORT_GUIDE_T + 1) * SUPPORT_GUIDE_N], u[SUPPORT_GUIDE_T * SUPPORT_GUIDE_M];
  double K[SUPPORT_GUIDE_T * SUPPORT_GUIDE_M * SUPPORT_GUIDE_N];
  double W[SUPPORT_GUIDE_T * SUPPORT_GUIDE_M * SUPPORT_GUIDE_M];  // A^-1
} support_older;
void support_guide_note(const support_guide *s, support_older *older);

// x [nx] moved by dx [n].
void support_guide_move(const support_guide *s, double *x, const double *dx);

// A policy whose every parameter matters, its normaliser far from the identity. precision double.
tendril_policy *support_busy_policy(tendril_policy_options options, int nobs, int nact, int T);

#endif

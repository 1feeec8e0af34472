// The derivative of a policy's mean in the observation, against central differences of the mean
// action and against the gains of a linear one.
#include "policy/policy.h"
#include "policy/time_linear.h"

#include "base/alloc.h"
#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/random.h>

enum { NOBS = 5, NACT = 3, T = 20, ROWS = 31, SIZE = NACT * NOBS };

static void normals(uint32_t which, int n, double *z) {
  tendril_random random = tendril_random_stream(14, TENDRIL_PURPOSE_TEST, which, 0);
  tendril_random_normals(&random, n, z);
}

// Observations that leave the normaliser's clip of 1 every third time, at the times of an episode
// and beyond.
typedef struct batch {
  double obs[ROWS * NOBS], x[ROWS * (NOBS + 1)], d[ROWS * 64], P[ROWS * SIZE];
  int time[ROWS];
} batch;

static tendril_policy *make(tendril_policy_options o, batch *b) {
  o.obs_clip = 1;
  o.log_std = -0.3;
  o.output_gain = 0.7;
  tendril_policy *policy = NULL;
  check_ok(tendril_policy_create(&o, NOBS, NACT, T, 7, &policy, check_err));
  const int n = tendril_policy_nparam(policy);
  double *theta = malloc((size_t)n * sizeof *theta);
  normals(1, n, theta);
  for (int i = 0; i < n; i++)
    theta[i] = tendril_policy_get_params(policy)[i] + 0.3 * theta[i];
  check_ok(tendril_policy_set_params(policy, theta, check_err));
  free(theta);
  normals(2, ROWS * NOBS, b->obs);
  for (int r = 0; r < ROWS; r++) {
    b->time[r] = r;
    for (int j = 0; j < NOBS; j++)
      b->obs[r * NOBS + j] = 3 * j + (1 + j) * b->obs[r * NOBS + j];
  }
  tnd_policy_observe(policy, ROWS, b->obs);
  tnd_policy_input(policy, ROWS, b->obs, b->time, b->x);
  return policy;
}

// In chunks of `capacity`.
static void linearize(const tendril_policy *policy, int capacity, const batch *b, double *d,
                      double *P) {
  const int ninput = tnd_policy_ninput(policy), ndist = tnd_policy_ndist(policy);
  tnd_policy_rows *rows = NULL;
  check_ok(tnd_policy_rows_create(policy, capacity, &rows, check_err));
  const long before = tnd_alloc_count();
  for (int first = 0; first < ROWS; first += capacity) {
    const int n = ROWS - first < capacity ? ROWS - first : capacity;
    tnd_policy_linearize(policy, rows, n, b->x + first * ninput, d + first * ndist,
                         P + first * SIZE);
  }
  cr_assert_eq(tnd_alloc_count(), before);
  tnd_policy_rows_destroy(rows);
}

typedef struct point {
  const tendril_policy *policy;
  tendril_actor *actor;
  int t;
} point;

static void mean_action(void *context, const double *obs, double *action) {
  const point *p = context;
  tendril_policy_act(p->policy, p->actor, p->t, obs, NULL, action);
}

// All rows against central differences; d against forward. Returns how many derivatives are 0
// because of the clip.
static int check_all(const tendril_policy *policy, batch *b) {
  const bool clips = tendril_policy_get_options(policy)->normalize;
  const int ninput = tnd_policy_ninput(policy);
  point p = {.policy = policy};
  int clipped = 0;
  double d[ROWS * 64];
  tnd_policy_rows *rows = NULL;
  check_ok(tnd_policy_rows_create(policy, ROWS, &rows, check_err));
  tnd_policy_forward(policy, rows, ROWS, b->x, d);
  tnd_policy_rows_destroy(rows);
  linearize(policy, ROWS, b, b->d, b->P);
  check_same_bits(b->d, d, ROWS * tnd_policy_ndist(policy));

  check_ok(tendril_actor_create(policy, &p.actor, check_err));
  for (int r = 0; r < ROWS; r++) {
    double expected[SIZE];
    const double *P = b->P + r * SIZE;
    p.t = b->time[r];
    support_fd_jacobian(mean_action, &p, b->obs + r * NOBS, NOBS, NACT, SUPPORT_FD_STEP, expected);
    // 1e-10 times third derivatives of some 10; no row has a kink, of relu or clip, within a step
    check_all_close(P, expected, SIZE, 1e-8);
    for (int i = 0; clips && i < SIZE; i++)
      if (fabs(b->x[r * ninput + i % NOBS]) == 1) {
        clipped++;
        cr_assert_eq(P[i], 0);
      }
  }
  tendril_actor_destroy(p.actor);
  return clipped;
}

#define FOR_ALL_NETWORKS                                                                           \
  for (int hidden = 0; hidden <= 3; hidden++)                                                      \
    for (int activation = TENDRIL_TANH; activation <= TENDRIL_RELU; activation++)                  \
      for (int normalize = 0; normalize <= 1; normalize++)                                         \
        for (int time = 0; time <= 1; time++)

static tendril_policy_options network(int hidden, int activation, int normalize, int time) {
  tendril_policy_options o;
  tendril_policy_defaults(&o);
  o.kind = hidden ? TENDRIL_POLICY_MLP : TENDRIL_POLICY_LINEAR;
  if (hidden) o.hidden = (tendril_sizes){hidden, {10, 17, 4}};
  o.activation = activation;
  o.normalize = normalize;
  o.time = time;
  o.precision = TENDRIL_DOUBLE;
  return o;
}

Test(linearize, agrees_with_finite_differences_of_the_mean_action) {
  FOR_ALL_NETWORKS {
    batch b;
    tendril_policy *policy = make(network(hidden, activation, normalize, time), &b);
    const int clipped = check_all(policy, &b);
    cr_assert(normalize ? clipped > 100 : clipped == 0, "%d", clipped);
    tendril_policy_destroy(policy);
  }
}

Test(linearize, has_the_same_bits_in_chunks_of_any_size) {
  FOR_ALL_NETWORKS
  for (int precision = TENDRIL_SINGLE; precision <= TENDRIL_DOUBLE; precision++) {
    batch b;
    double P[ROWS * SIZE];
    tendril_policy_options o = network(hidden, activation, normalize, time);
    o.precision = precision;
    tendril_policy *policy = make(o, &b);
    linearize(policy, ROWS, &b, b.d, b.P);
    for (int capacity = 1; capacity < 2 * ROWS; capacity += 6) {
      linearize(policy, capacity, &b, b.d, P);
      check_same_bits(P, b.P, ROWS * SIZE);
    }
    tendril_policy_destroy(policy);
  }
}

Test(linearize, in_single_precision_is_close_to_double) {
  FOR_ALL_NETWORKS {
    batch s, d;
    tendril_policy_options o = network(hidden, activation, normalize, time);
    tendril_policy *in_double = make(o, &d);
    o.precision = TENDRIL_SINGLE;
    tendril_policy *in_single = make(o, &s);
    linearize(in_single, ROWS, &s, s.d, s.P);
    linearize(in_double, ROWS, &d, d.d, d.P);
    check_all_close(s.P, d.P, ROWS * SIZE, 1e-5);  // 17 terms of rounding 6e-8, four layers
    tendril_policy_destroy(in_single);
    tendril_policy_destroy(in_double);
  }
}

Test(linearize, of_a_time_linear_policy_is_the_gain_of_the_step) {
  for (int normalize = 0; normalize <= 1; normalize++) {
    batch b;
    tendril_policy_options o;
    tendril_policy_defaults(&o);
    o.kind = TENDRIL_POLICY_TIME_LINEAR;
    o.covariance = TENDRIL_COVARIANCE_FULL;
    o.normalize = normalize;
    tendril_policy *policy = make(o, &b);
    check_all(policy, &b);
    for (int r = 0; !normalize && r < ROWS; r++) {
      const int t = r < T ? r : T - 1;
      check_same_bits(b.P + r * SIZE, tnd_time_linear_step(policy, t).K, SIZE);
    }
    tendril_policy_destroy(policy);
  }
}

// The oracle of imitation learning: labels and densities worked out anew, the rollouts' states and
// cost against those of the policy elsewhere, reach, threads, and what is refused.
#include "trajopt/oracle.h"

#include "support/close.h"
#include "support/demonstration.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// The swimmer observes all of its state but x and y, on which nothing depends: ND numbers of ten.
enum { T = 40, TAIL = 10, TAUGHT = T - TAIL, N = 24, COUNT = 5, ND = 8, NX = 10, NU = 2 };

typedef struct scene {
  support_demonstration shown;
  tnd_guide *guide;
  tnd_oracle *oracle;
  double obs[COUNT * TAUGHT * ND], action[COUNT * TAUGHT * NU], weight[COUNT * TAUGHT];
  int step[COUNT * TAUGHT];
} scene;

static tnd_guide_options guide_options(int samples, double reach) {
  tnd_guide_options o = {.samples = samples, .tail = TAIL, .reach = reach};
  tendril_ilqg_defaults(&o.ilqg);
  return o;
}

static void open_scene(scene *s, double start_noise, int samples, double reach, int threads) {
  const tnd_guide_options o = guide_options(samples, reach);
  tnd_guide_samples drawn;
  *s = (scene){.shown =
                   support_demonstrate(support_swimmer_model(start_noise, 0), 1, T, 20, threads)};
  support_demonstration *d = &s->shown;
  const tendril_trajectory *y = &d->of[0];
  check_ok(tnd_guide_create(d->model, 0, d->policy, T, &o, d->pool, &s->guide, check_err));
  tnd_guide_set_scale(s->guide, 100);
  check_ok(tnd_guide_start(s->guide, y->x, y->u, check_err));
  check_ok(tnd_guide_sample(s->guide, 5, 0, &drawn, check_err));
  cr_assert_eq(drawn.kept, samples);
  check_ok(tnd_oracle_create(s->guide, COUNT, &s->oracle, check_err));
}

static void close_scene(scene *s) {
  tendril_model *model = s->shown.model;
  tnd_oracle_destroy(s->oracle);
  tnd_guide_destroy(s->guide);
  support_demonstration_close(&s->shown);
  tendril_model_destroy(model);
}

static int64_t rows(scene *s) {
  return tnd_oracle_rows(s->oracle, s->obs, s->action, s->step, s->weight);
}

// What an observation of step t is off by.
static void deviation(const scene *s, int t, const double *obs, double *dx) {
  const double *nominal = tnd_guide_trajectory(s->guide)->x + t * NX + 2;
  for (int j = 0; j < ND; j++)
    dx[j] = obs[j] - nominal[j];
}

// The guide's samples as what their observations are off by, dx [TAUGHT][n][ND].
static void sample_deviations(const scene *s, int n, double *dx) {
  double *obs = malloc(sizeof *obs * (size_t)(n * TAUGHT * ND));
  double *action = malloc(sizeof *action * (size_t)(n * TAUGHT * NU));
  int *step = malloc(sizeof *step * (size_t)(n * TAUGHT));
  cr_assert_eq(tnd_guide_rows(s->guide, obs, action, step), n * TAUGHT);
  for (int k = 0; k < n * TAUGHT; k++)
    deviation(s, step[k], obs + k * ND, dx + (step[k] * n + k / TAUGHT) * ND);
  free(obs);
  free(action);
  free(step);
}

// S of n samples dx [n][ND]: in units of their deviations, correlations shrunk by the share
// sum Var^(r) / sum r^2, Var^(r) = 1/(n(n - 1)) sum_k (z_ki z_kj - r_ij)^2.
static void covariance(int n, const double *dx, double *S) {
  double sd[ND], variance = 0, square = 0;
  for (int i = 0; i < ND; i++) {
    sd[i] = 0;
    for (int k = 0; k < n; k++)
      sd[i] += dx[k * ND + i] * dx[k * ND + i] / n;
    sd[i] = sqrt(sd[i]);
  }
  for (int i = 0; i < ND; i++)
    for (int j = 0; j < ND; j++) {
      double r = 0;
      for (int k = 0; k < n; k++)
        r += dx[k * ND + i] / sd[i] * dx[k * ND + j] / sd[j] / n;
      S[i * ND + j] = r;
      for (int k = 0; i != j && k < n; k++)
        variance += pow(dx[k * ND + i] / sd[i] * dx[k * ND + j] / sd[j] - r, 2) / (n * (n - 1.0));
      if (i != j) square += r * r;
    }
  const double share = fmin(1, variance / square);
  for (int i = 0; i < ND; i++)
    for (int j = 0; j < ND; j++)
      S[i * ND + j] *= sd[i] * sd[j] * (i == j ? 1 : 1 - share);
}

// exp(-1/2 dx' S^-1 dx) by LAPACK
static double density(const double *S, const double *dx) {
  double A[ND * ND], z[ND], sum = 0;
  memcpy(A, S, sizeof A);
  memcpy(z, dx, sizeof z);
  cr_assert_eq(LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', ND, 1, A, ND, z, 1), 0);
  for (int j = 0; j < ND; j++)
    sum += dx[j] * z[j];
  return exp(-sum / 2);
}

Test(oracle, labels_are_the_feedback_and_weights_the_density_of_the_samples) {
  static scene s;
  static double samples[TAUGHT * N * ND], own[N * TAUGHT];
  double S[ND * ND], dx[ND];
  const double sigma[NU] = {0.05, 0.1};
  tnd_oracle_rollouts run;
  open_scene(&s, 0.02, N, 100, 2);
  sample_deviations(&s, N, samples);
  cr_assert_eq(tnd_oracle_weigh(s.oracle, own), N * TAUGHT);
  for (int k = 0; k < N * TAUGHT; k++)
    cr_assert_eq(own[k], 1);  // nothing is measured
  check_ok(tnd_oracle_measure(s.oracle, check_err));
  tnd_oracle_weigh(s.oracle, own);
  tnd_oracle_run(s.oracle, sigma, 7, 3, &run);
  const int64_t n = rows(&s);
  cr_assert(n == COUNT * TAUGHT && n == run.rows && run.steps == n && run.survived == COUNT);
  const tendril_trajectory *q = tnd_guide_trajectory(s.guide);
  double weight = 0;
  bool counts = false;
  for (int64_t k = 0; k < n; k++) {
    const int t = s.step[k];
    cr_assert_eq(t, k % TAUGHT);
    deviation(&s, t, s.obs + k * ND, dx);
    for (int a = 0; a < NU; a++) {
      double y = q->u[t * NU + a];
      for (int j = 0; j < ND; j++)
        y += q->K[(t * NU + a) * NX + 2 + j] * dx[j];
      check_close(s.action[k * NU + a], y, 1e-9);  // the gains of x and y are 0 to rounding
    }
    covariance(N, samples + t * N * ND, S);
    // oracle.c adds 1e-6 to the variances, which counts in proportion to S's condition
    check_close(s.weight[k], density(S, dx), 1e-3);
    cr_assert(s.weight[k] >= 0 && s.weight[k] <= 1);
    counts = counts || (t > 0 && s.weight[k] > 0.05);
    weight += s.weight[k] / (double)n;
  }
  cr_assert(counts, "all weights are next to nothing: this says little");
  check_close(run.weight, weight, 1e-12);
  for (int t = 0; t < TAUGHT; t++) {
    covariance(N, samples + t * N * ND, S);
    for (int i = 0; i < N; i++)
      check_close(own[i * TAUGHT + t], density(S, samples + (t * N + i) * ND), 1e-3);
  }
  close_scene(&s);
}

Test(oracle, of_many_samples_the_density_is_that_of_their_mean_square) {
  enum { MANY = 1000 };
  static scene s;
  static double weight[MANY * TAUGHT];
  open_scene(&s, 0.02, MANY, 100, 2);
  check_ok(tnd_oracle_measure(s.oracle, check_err));
  tnd_oracle_weigh(s.oracle, weight);
  // then -2 log w sums up to MANY ND over the samples of a step
  for (int t = 0; t < TAUGHT; t++) {
    double sum = 0;
    for (int i = 0; i < MANY; i++)
      sum += -2 * log(weight[i * TAUGHT + t]) / (MANY * ND);
    check_close(sum, 1, 0.2);  // correlations shrink by some 1 / MANY, and S is far from round
  }
  close_scene(&s);
}

Test(oracle, without_noise_the_rollouts_are_the_policys_mean_trajectory) {
  static scene s;
  tnd_oracle_rollouts run;
  open_scene(&s, 0, N, 100, 2);
  check_ok(tnd_oracle_measure(s.oracle, check_err));
  tnd_oracle_run(s.oracle, NULL, 7, 1, &run);
  cr_assert_eq(run.survived, COUNT);
  check_close(run.cost, tnd_guide_policy_cost(s.guide), 1e-14);  // a mean of equal numbers
  rows(&s);
  for (int i = 0; i < COUNT; i++) {
    check_same_bits(s.obs + i * TAUGHT * ND, s.obs, TAUGHT * ND);
    check_close(s.weight[i * TAUGHT], 1, 0);  // all start where q does
  }
  // an actor of the same policy differs from the label by as much as is said
  tendril_actor *actor;
  double sum = 0;
  check_ok(tendril_actor_create(s.shown.policy, &actor, check_err));
  for (int k = 0; k < TAUGHT; k++) {
    double mu[NU];
    tendril_policy_act(s.shown.policy, actor, k, s.obs + k * ND, NULL, mu);
    for (int a = 0; a < NU; a++)
      sum += pow(mu[a] - s.action[k * NU + a], 2) / (NU * TAUGHT);
  }
  check_close(run.mismatch, sum, 1e-12);
  tendril_actor_destroy(actor);
  const double still[NU] = {0, 0};
  tnd_oracle_rollouts again;
  tnd_oracle_run(s.oracle, still, 7, 1, &again);
  cr_assert_eq(again.cost, run.cost);
  close_scene(&s);
}

Test(oracle, runs_are_the_same_bits_on_one_two_and_three_threads) {
  static scene s[3];
  const double sigma[NU] = {0.3, 0.3};
  tnd_oracle_rollouts run[3], other;
  for (int i = 0; i < 3; i++) {
    open_scene(&s[i], 0.02, N, 100, i + 1);
    check_ok(tnd_oracle_measure(s[i].oracle, check_err));
    tnd_oracle_run(s[i].oracle, sigma, 7, 2, &run[i]);
    cr_assert_eq(rows(&s[i]), COUNT * TAUGHT);
    check_same_bits(s[i].obs, s[0].obs, COUNT * TAUGHT * ND);
    check_same_bits(s[i].action, s[0].action, COUNT * TAUGHT * NU);
    check_same_bits(s[i].weight, s[0].weight, COUNT * TAUGHT);
    cr_assert(run[i].cost == run[0].cost && run[i].mismatch == run[0].mismatch);
  }
  tnd_oracle_run(s[0].oracle, sigma, 7, 3, &other);
  cr_assert_neq(other.cost, run[0].cost);  // of another iteration
  for (int i = 0; i < 3; i++)
    close_scene(&s[i]);
}

Test(oracle, a_rollout_ends_where_it_leaves_reach) {
  static scene s;
  const double sigma[NU] = {5, 5}, reach = 0.5;  // N m; rad
  tnd_oracle_rollouts run;
  open_scene(&s, 0, N, reach, 2);
  tnd_oracle_run(s.oracle, sigma, 7, 1, &run);
  const int64_t n = rows(&s);
  cr_assert(n > 2 * COUNT && n < COUNT * TAUGHT && n == run.rows && run.survived < COUNT);
  for (int64_t k = 0; k < n; k++) {
    double dx[ND];
    deviation(&s, s.step[k], s.obs + k * ND, dx);
    for (int j = 0; j < 3; j++)  // heading and joints
      cr_assert_leq(fabs(dx[j]), reach);
    cr_assert(s.step[k] == 0 || s.step[k] == s.step[k - 1] + 1);
    cr_assert_eq(s.weight[k], 1);  // nothing was measured
  }
  close_scene(&s);
}

Test(oracle, few_samples_have_a_density_too) {
  for (int n = 2; n <= ND; n++) {  // fewer than coordinates, or as many
    static scene s;
    tnd_oracle_rollouts run;
    open_scene(&s, 0.02, n, 100, 1);
    check_ok(tnd_oracle_measure(s.oracle, check_err));
    tnd_oracle_run(s.oracle, NULL, 7, 1, &run);
    cr_assert(run.weight > 0 && run.weight < 1);
    close_scene(&s);
  }
}

static tendril_status live(void *context, tendril_error *err) {
  tnd_oracle *oracle = NULL;
  const tendril_status status = tnd_oracle_create(((scene *)context)->guide, 3, &oracle, err);
  tnd_oracle_destroy(oracle);
  return status;
}

Test(oracle, every_failed_allocation_is_a_clean_error) {
  static scene s;
  open_scene(&s, 0, N, 100, 1);
  cr_assert_eq(support_fail_each_alloc(live, &s), 2);
  close_scene(&s);
}

// The importance-sampled objective: its weights and normalisers by a plain reimplementation in long
// double, its gradient by differences and, on the policy's own paths, the likelihood ratio's; what
// it doesn't depend on; threads.
#include "learn/is_objective.h"

#include "policy/policy.h"
#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { NOBS = 3, NACT = 2, N = 9, T = 7, SETS = 2, MAX_PARAM = 100 };
enum { OF_FIRST = (N + 1) / 2, OF_SECOND = N / 2 };  // paths of a set

// Paths of two sets, by turns: the third is left out, the sixth ends early.
typedef struct scene {
  tendril_pool *pool;
  tendril_policy *policy;
  tnd_is_objective *objective;
  int nparam;
  int set[N], length[N];
  double obs[N * T * NOBS], action[N * T * NACT], reward[N * T], log_p[2][N * T];
  double theta[2][MAX_PARAM];  // the policies that made them
  tnd_is_paths paths;
} scene;

static const double log_share[2][SETS] = {{-0.5108256237659907, -1.0986122886681098},
                                          {-0.916290731874155, -0.40546510810816444}};

static tendril_policy *make_policy(void) {
  tendril_policy *policy;
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.precision = TENDRIL_DOUBLE;
  options.activation = TENDRIL_SOFTPLUS;
  options.hidden = (tendril_sizes){.n = 1, .at = {4}};
  options.output_gain = 1;
  check_ok(tendril_policy_create(&options, NOBS, NACT, T, 1, &policy, check_err));
  return policy;
}

static void set(scene *s, const double *theta) {
  check_ok(tendril_policy_set_params(s->policy, theta, check_err));
}

static tnd_is_value value(scene *s, double w_r, double *g) {
  return tnd_is_objective_value(s->objective, w_r, g);
}

// Their mixture: both policies, by the shares above.
static void mix(scene *s) {
  tnd_is_objective_begin(s->objective, &s->paths);
  for (int k = 0; k < 2; k++) {
    set(s, s->theta[k]);
    tnd_is_log_density(s->objective, s->log_p[k]);
    tnd_is_mix(s->objective, log_share[k], s->log_p[k]);
  }
}

static void open_scene(scene *s, int threads) {
  *s = (scene){.pool = support_pool(threads), .policy = make_policy()};
  s->nparam = tendril_policy_nparam(s->policy);
  cr_assert_leq(s->nparam, MAX_PARAM);
  tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, N * T * NOBS, s->obs);
  tendril_random_normals(&random, N * T * NACT, s->action);
  tendril_random_normals(&random, N * T, s->reward);
  for (int k = 0; k < 2; k++) {
    tendril_random_normals(&random, s->nparam, s->theta[k]);
    for (int j = 0; j < s->nparam; j++)
      s->theta[k][j] = tendril_policy_get_params(s->policy)[j] + 0.2 * s->theta[k][j];
  }
  for (int i = 0; i < N; i++) {
    s->set[i] = i % SETS;
    s->length[i] = i == 2 ? 0 : i == 5 ? 4 : T;
  }
  tnd_policy_observe(s->policy, (int64_t)N * T, s->obs);
  s->paths = (tnd_is_paths){.n = N,
                            .T = T,
                            .nset = SETS,
                            .set = s->set,
                            .length = s->length,
                            .obs = s->obs,
                            .action = s->action,
                            .reward = s->reward};
  check_ok(tnd_is_objective_create(s->policy, s->pool, N, T, SETS, &s->objective, check_err));
  mix(s);
}

static void close_scene(scene *s) {
  tnd_is_objective_destroy(s->objective);
  tendril_policy_destroy(s->policy);
  tendril_pool_destroy(s->pool);
}

// log pi of step t of path i under theta, from the policy's mean alone.
static long double log_density(scene *s, const double *theta, int i, int t) {
  tendril_actor *actor;
  double mean[NACT];
  const double *log_std = theta + tnd_policy_log_std(s->policy);
  const int row = i * T + t;
  set(s, theta);
  check_ok(tendril_actor_create(s->policy, &actor, check_err));
  tendril_policy_act(s->policy, actor, t, s->obs + row * NOBS, NULL, mean);
  tendril_actor_destroy(actor);
  long double sum = 0;
  for (int a = 0; a < NACT; a++) {
    const long double e = (long double)s->action[row * NACT + a] - (long double)mean[a];
    const long double r = (long double)log_std[a];
    sum -= e * e / 2 * expl(-2 * r) + r + logl(8 * atanl(1)) / 2;
  }
  return sum;
}

// Phi in products of densities as they are.
static long double plain(scene *s, const double *theta, double w_r, long double *expected) {
  long double phi = 0;
  *expected = 0;
  for (int set = 0; set < SETS; set++)
    for (int t = 0; t < T; t++) {
      long double Z = 0, J = 0;
      for (int i = set; i < N; i += SETS) {
        long double pi = 1, q[2] = {1, 1};
        for (int k = 0; k <= t && k < s->length[i]; k++) {
          pi *= expl(log_density(s, theta, i, k));
          for (int p = 0; p < 2; p++)
            q[p] *= expl(log_density(s, s->theta[p], i, k));
        }
        if (s->length[i] == 0) continue;
        const long double w = pi / (expl((long double)log_share[0][set]) * q[0] +
                                    expl((long double)log_share[1][set]) * q[1]);
        Z += w;
        J += w * (long double)s->reward[i * T + t];
      }
      *expected += J / Z;
      phi += J / Z + (long double)w_r * logl(Z);
    }
  return phi;
}

// Somewhere else than the policies that made the paths.
static void elsewhere(const scene *s, double *theta) {
  for (int j = 0; j < s->nparam; j++)
    theta[j] = 0.7 * s->theta[0][j] + 0.3 * s->theta[1][j] + 0.1 * sin(j);
}

Test(is_objective, is_what_products_of_densities_say) {
  scene s;
  double theta[MAX_PARAM];
  open_scene(&s, 2);
  elsewhere(&s, theta);
  const double w_r[3] = {0, 0.3, 40};
  for (int k = 0; k < 3; k++) {
    long double expected;
    const long double phi = plain(&s, theta, w_r[k], &expected);
    set(&s, theta);
    const tnd_is_value got = value(&s, w_r[k], NULL);
    // rounding of sums of 60 densities
    check_close(got.phi, (double)phi, 1e-11);
    check_close(got.expected, (double)expected, 1e-11);
    cr_assert(got.effective >= 1 && got.effective <= OF_FIRST);
  }
  close_scene(&s);
}

typedef struct at {
  scene *s;
  double w_r;
} at;

static void phi_at(void *context, const double *theta, double *phi) {
  const at *a = context;
  set(a->s, theta);
  *phi = value(a->s, a->w_r, NULL).phi;
}

Test(is_objective, its_gradient_is_that_of_differences) {
  scene s;
  double theta[MAX_PARAM], g[MAX_PARAM], expected[MAX_PARAM];
  open_scene(&s, 2);
  elsewhere(&s, theta);
  const double w_r[3] = {0, 0.3, 40};
  for (int k = 0; k < 3; k++) {
    at a = {&s, w_r[k]};
    support_fd_jacobian(phi_at, &a, theta, (size_t)s.nparam, 1, SUPPORT_FD_STEP, expected);
    set(&s, theta);
    value(&s, w_r[k], g);
    check_all_close(g, expected, s.nparam, 1e-7);  // Phi and its third derivatives are some 100
  }
  close_scene(&s);
}

// One policy made all paths and is where it was: nothing is left to weigh.
Test(is_objective, on_the_policys_own_paths_it_is_the_likelihood_ratios_gradient) {
  scene s;
  double g[MAX_PARAM], expected[MAX_PARAM] = {0}, weight[N * T], d[N * T * 2 * NACT],
                       x[N * T * NOBS];
  double u[N * T * 2 * NACT];
  const double whole[SETS] = {0, 0};
  int time[N * T];
  tnd_policy_rows *rows;
  open_scene(&s, 1);
  for (int i = 0; i < N; i++)
    s.length[i] = T;
  set(&s, s.theta[0]);
  tnd_is_objective_begin(s.objective, &s.paths);
  tnd_is_log_density(s.objective, s.log_p[0]);
  tnd_is_mix(s.objective, whole, s.log_p[0]);
  const tnd_is_value got = value(&s, 0, g);
  // sum_i sum_t d log pi 1/n (rewards from t on, less their mean over the set's paths)
  double mean[SETS][T] = {{0}}, total = 0;
  for (int k = 0; k < N * T; k++)
    mean[s.set[k / T]][k % T] += s.reward[k] / (s.set[k / T] == 0 ? OF_FIRST : OF_SECOND);
  for (int i = 0; i < N; i++) {
    double to_go = 0;
    for (int t = T - 1; t >= 0; t--) {
      to_go += s.reward[i * T + t] - mean[s.set[i]][t];
      weight[i * T + t] = to_go / (s.set[i] == 0 ? OF_FIRST : OF_SECOND);
      time[i * T + t] = t;
    }
  }
  for (int k = 0; k < SETS * T; k++)
    total += mean[k / T][k % T];
  check_close(got.expected, total, 1e-13);
  check_close(got.effective, (OF_FIRST + OF_SECOND) / 2.0, 1e-13);
  check_ok(tnd_policy_rows_create(s.policy, N * T, &rows, check_err));
  tnd_policy_input(s.policy, (int64_t)N * T, s.obs, time, x);
  tnd_policy_forward(s.policy, rows, N * T, x, d);
  tnd_policy_logp_gradient(s.policy, N * T, d, s.action, weight, u);
  tnd_policy_vjp(s.policy, rows, u, expected);
  check_all_close(g, expected, s.nparam, 1e-12);  // rounding
  tnd_policy_rows_destroy(rows);
  close_scene(&s);
}

Test(is_objective, offsets_of_reward_and_density_move_nothing) {
  scene s;
  double g[MAX_PARAM], g_off[MAX_PARAM], theta[MAX_PARAM], log_q[N * T];
  open_scene(&s, 1);
  elsewhere(&s, theta);
  set(&s, theta);
  const tnd_is_value before = value(&s, 0.3, g);
  // qbar in another unit of the actions
  memcpy(log_q, tnd_is_mixture(s.objective), sizeof log_q);
  const double unit[SETS] = {700, 700};  // densities themselves would overflow
  tnd_is_objective_begin(s.objective, &s.paths);
  tnd_is_mix(s.objective, unit, log_q);
  tnd_is_value after = value(&s, 0.3, g_off);
  check_close(after.phi, before.phi - 0.3 * 700 * SETS * T, 1e-12);
  check_close(after.expected, before.expected, 1e-10);  // 700 has cost three digits of log w
  check_all_close(g_off, g, s.nparam, 1e-10);
  // rewards from another zero
  mix(&s);
  set(&s, theta);
  for (int k = 0; k < N * T; k++)
    s.reward[k] -= 50;
  after = value(&s, 0.3, g_off);
  check_close(after.phi, before.phi - 50 * SETS * T, 1e-12);
  check_all_close(g_off, g, s.nparam, 1e-11);
  close_scene(&s);
}

Test(is_objective, weights_that_no_double_holds_are_shares_all_the_same) {
  scene s;
  double theta[MAX_PARAM], g[MAX_PARAM];
  open_scene(&s, 1);
  memcpy(theta, s.theta[0], sizeof theta);
  for (int a = 0; a < NACT; a++)
    theta[tnd_policy_log_std(s.policy) + a] = -9;  // densities of e^-10000000
  set(&s, theta);
  const tnd_is_value got = value(&s, 1e-3, g);
  cr_assert(isfinite(got.phi) && got.phi < -1e4, "%g", got.phi);
  check_close(got.effective, 1, 1e-12);
  for (int j = 0; j < s.nparam; j++)
    cr_assert(isfinite(g[j]));
  close_scene(&s);
}

Test(is_objective, a_path_counts_no_action_after_its_end) {
  scene s;
  double theta[MAX_PARAM], g[MAX_PARAM], other[MAX_PARAM];
  open_scene(&s, 1);
  elsewhere(&s, theta);
  set(&s, theta);
  const tnd_is_value before = value(&s, 0.3, g);
  for (int k = 5 * T + 4; k < 6 * T; k++)
    for (int a = 0; a < NACT; a++)
      s.action[k * NACT + a] += 1;
  for (int t = 0; t < T; t++)
    s.reward[2 * T + t] += 1;  // of the one that is left out
  mix(&s);
  set(&s, theta);
  check_close(value(&s, 0.3, other).phi, before.phi, 0);
  check_same_bits(other, g, s.nparam);
  close_scene(&s);
}

Test(is_objective, bits_are_the_same_on_one_two_and_three_threads) {
  double theta[MAX_PARAM], g[3][MAX_PARAM], phi[3];
  for (int i = 0; i < 3; i++) {
    scene s;
    open_scene(&s, i + 1);
    elsewhere(&s, theta);
    set(&s, theta);
    phi[i] = value(&s, 0.3, g[i]).phi;
    check_same_bits(&phi[i], &phi[0], 1);
    check_same_bits(g[i], g[0], s.nparam);
    close_scene(&s);
  }
}

static tendril_status live(void *context, tendril_error *err) {
  const scene *s = context;
  tnd_is_objective *objective = NULL;
  const tendril_status status =
      tnd_is_objective_create(s->policy, s->pool, N, T, SETS, &objective, err);
  tnd_is_objective_destroy(objective);
  return status;
}

Test(is_objective, every_failed_allocation_is_a_clean_error) {
  scene s;
  open_scene(&s, 1);
  cr_assert_gt(support_fail_each_alloc(live, &s), 2);
  close_scene(&s);
}

// Samples of a trajectory distribution: actions and states have the moments they are said to have,
// what is lost is left out, rows are what the policy is to be taught, and the divergence is that of
// two Gaussians.
#include "support/close.h"
#include "support/guide.h"
#include "support/learning.h"

#include "math/cholesky.h"
#include "math/linear_gaussian.h"
#include "policy/time_linear.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = SUPPORT_GUIDE_N, M = SUPPORT_GUIDE_M, T = 12, MANY = 4000 };

static const double *state_at(const tnd_guide *g, int i, int t) {
  return g->x + ((ptrdiff_t)i * (g->T + 1) + t) * g->nx;
}

// K dx of the rollout's state at step t
static void correction(const tnd_guide *g, int t, const double *x, double *Kdx) {
  double dx[N];
  const tendril_trajectory *q = tnd_guide_trajectory(g);
  tnd_state_difference(g->model, q->x + t * g->nx, x, dx);
  for (int a = 0; a < g->m; a++) {
    Kdx[a] = 0;
    for (int j = 0; j < g->n; j++)
      Kdx[a] += q->K[(t * g->m + a) * g->n + j] * dx[j];
  }
}

// ---------------------------------------------------------------------------------------- actions

// Mean and covariance of z [count][m] within so many standard errors of 0 and A.
static void check_moments(int count, int m, const double *z, const double *A, double errors) {
  double mean[M] = {0};
  for (int i = 0; i < count; i++)
    for (int a = 0; a < m; a++)
      mean[a] += z[i * m + a] / count;
  for (int a = 0; a < m; a++) {
    const double sd = sqrt(A[a * m + a] / count);
    cr_assert(fabs(mean[a]) <= errors * sd, "mean %g, its error %g", mean[a], sd);
    for (int b = 0; b < m; b++) {
      double sum = 0;
      for (int i = 0; i < count; i++)
        sum += z[i * m + a] * z[i * m + b] / count;
      const double ab = A[a * m + b];
      const double error = sqrt((A[a * m + a] * A[b * m + b] + ab * ab) / count);
      cr_assert(fabs(sum - ab) <= errors * error, "covariance %g of %g, its error %g", sum, ab,
                error);
    }
  }
}

// The action that takes the mass from x to y.
static double force(const double *x, const double *y) {
  return (y[1] - x[1]) * 2 / 0.1;  // 2 kg, 0.1 s
}

Test(guide_samples, actions_are_the_feedbacks_with_the_steps_own_noise) {
  tnd_guide_options o = support_guide_options();
  o.samples = MANY;
  o.reach = 100;
  o.tail = 2;
  support_guide s = support_guide_open("cart", T, 20, &o, 2);
  const tnd_guide *g = s.guide;
  cr_assert_eq(support_guide_sample(&s, 0).kept, MANY);
  double *z = calloc((size_t)MANY * 2, sizeof *z), before = 0;
  for (int t = 0; t + 1 < g->taught; t++) {
    double product = 0, Kdx;
    const double A = tnd_guide_covariance(g)[t];
    for (int i = 0; i < MANY; i++) {
      const double *x = state_at(g, i, t), old = z[MANY + i];
      correction(g, t, x, &Kdx);
      z[i] = force(x, x + 2) - tnd_guide_trajectory(g)->u[t] - Kdx;
      if (t > 0) product += z[i] * old / MANY;
      z[MANY + i] = z[i];
    }
    check_moments(MANY, 1, z, &A, t == 0 ? 3 : 4);  // of 30 numbers one may be beyond 3
    // each has its own noise
    cr_assert(fabs(product) <= 4 * sqrt(A * before / MANY));
    before = A;
  }
  free(z);
  support_guide_close(&s);
}

// Of two actions; noise so small that the step is linear in it.
Test(guide_samples, first_actions_of_two_motors_have_their_covariance) {
  tnd_guide_options o = support_guide_options();
  o.samples = MANY;
  support_guide s = support_guide_open("swimmer-gps", 8, 1e6, &o, 2);
  support_guide_set_start_noise(&s, 0);
  const tnd_guide *g = s.guide;
  const tendril_trajectory *q = tnd_guide_trajectory(g);
  const double *F = tnd_ilqg_derivatives(g->ilqg, 0);
  const int n = g->n, m = g->m, w = n + m;
  double B[M * M] = {0}, *z = malloc(sizeof *z * MANY * M);
  support_guide_sample(&s, 0);
  for (int a = 0; a < m; a++)
    for (int b = 0; b < m; b++)
      for (int i = 0; i < n; i++)
        B[a * m + b] += F[i * w + n + a] * F[i * w + n + b];
  cr_assert(tnd_cholesky(m, m, B));
  for (int k = 0; k < MANY; k++) {  // least squares, fu z = x - x^
    double dx[N];
    tnd_state_difference(s.model, q->x + g->nx, state_at(g, k, 1), dx);
    for (int a = 0; a < m; a++) {
      z[k * m + a] = 0;
      for (int i = 0; i < n; i++)
        z[k * m + a] += F[i * w + n + a] * dx[i];
    }
    tnd_cholesky_solve(m, m, B, 1, z + k * m);
  }
  const double *A = tnd_guide_covariance(g);
  cr_assert(fabs(A[1]) > 0.05 * sqrt(A[0] * A[3]), "they are hardly correlated: %g", A[1]);
  check_moments(MANY, m, z, A, 3);
  free(z);
  support_guide_close(&s);
}

// ----------------------------------------------------------------------------------------- states

// S_t+1 = F Sigma_t F', by sums over all four indices.
static void propagate(const tnd_guide *g, int t, double *S) {
  const int n = g->n, m = g->m, w = n + m;
  const double *F = tnd_ilqg_derivatives(g->ilqg, t), *A = tnd_guide_covariance(g) + t * m * m;
  const double *K = tnd_guide_trajectory(g)->K + t * m * n;
  double G[N * N], next[N * N] = {0};  // G = fx + fu K
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      G[i * n + j] = F[i * w + j];
      for (int a = 0; a < m; a++)
        G[i * n + j] += F[i * w + n + a] * K[a * n + j];
    }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      for (int k = 0; k < n; k++)
        for (int l = 0; l < n; l++)
          next[i * n + j] += G[i * n + k] * S[k * n + l] * G[j * n + l];
      for (int a = 0; a < m; a++)
        for (int b = 0; b < m; b++)
          next[i * n + j] += F[i * w + n + a] * A[a * m + b] * F[j * w + n + b];
    }
  memcpy(S, next, sizeof *S * (size_t)(n * n));
}

// Deviations d [count][n] have the covariance S, and the samples' states are d apart.
static void check_states(const support_guide *s, int t, const double *S) {
  const tnd_guide *g = s->guide;
  const int n = g->n, count = g->N;
  const double *d = g->d + (ptrdiff_t)t * count * n;
  double mean[N] = {0}, first[N], second[N], trace = 0;
  for (int i = 0; i < n; i++)
    trace += S[i * n + i];
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0;
      for (int k = 0; k < count; k++)
        sum += d[k * n + i] * d[k * n + j] / count;
      // 5 standard errors: there are 55 entries in every step; and what the factor of a singular
      // S takes
      const double ij = S[i * n + j];
      const double error = sqrt((S[i * n + i] * S[j * n + j] + ij * ij) / count);
      cr_assert(fabs(sum - ij) <= 5 * error + 1e-8 * trace,
                "step %d, entry %d %d: %g of %g, its error %g", t, i, j, sum, ij, error);
    }
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < count; k++)
      mean[i] += d[k * n + i] / count;
    cr_assert(fabs(mean[i]) <= 1e-12 * sqrt(trace), "%g", mean[i]);
  }
  tnd_state_difference(s->model, state_at(g, 0, t), state_at(g, 1, t), first);
  for (int i = 0; i < n; i++)
    second[i] = d[n + i] - d[i];
  check_all_close(first, second, n, 1e-12);
}

// Rollouts in the simulator, and Gaussians by the derivatives, against S_t.
static void check_spread(const char *task, int steps, double scale, double start_sd) {
  for (int gaussian = 0; gaussian < 2; gaussian++) {
    tnd_guide_options o = support_guide_options();
    o.samples = MANY;
    o.gaussian = gaussian;
    o.reach = 100;
    o.tail = 1;
    support_guide s = support_guide_open(task, steps, scale, &o, 2);
    support_guide_set_start_noise(&s, start_sd);
    s.model->start_qvel *= 2;  // positions and velocities have one each
    const tnd_guide *g = s.guide;
    const int n = g->n;
    double S[N * N] = {0};
    const tnd_guide_samples drawn = support_guide_sample(&s, 3);
    cr_assert_eq(drawn.kept, MANY);
    cr_assert_eq(drawn.steps, gaussian ? 0 : (int64_t)MANY * (steps - 1));
    cr_assert(gaussian ? isnan(drawn.cost) : drawn.cost > 0);
    for (int i = 0; i < n; i++)
      S[i * n + i] = (i < n / 2 ? 1 : 4) * start_sd * start_sd;
    for (int t = 0; t < g->taught; t++) {
      check_states(&s, t, S);
      propagate(g, t, S);
    }
    for (int i = 0; gaussian && i < n * n; i++)
      check_close(g->S[i] / S[0], S[i] / S[0], 1e-10);
    support_guide_close(&s);
  }
}

Test(guide_samples, states_spread_as_the_dynamics_say) {
  check_spread("cart", T, 20, 0.3);
  check_spread("swimmer-gps", 8, 1e6, 1e-4);  // so near that the simulator is linear
}

Test(guide_samples, they_are_a_function_of_seed_and_iteration) {
  for (int gaussian = 0; gaussian < 2; gaussian++) {
    tnd_guide_options o = support_guide_options();
    o.gaussian = gaussian;
    support_guide s = support_guide_open("swimmer-gps", T, 100, &o, 1);
    const tnd_guide *g = s.guide;
    const int size = g->taught * g->N * g->n;
    double *first = malloc(sizeof *first * (size_t)size);
    tnd_guide_samples drawn, again;
    check_ok(tnd_guide_sample(s.guide, 5, 2, &drawn, check_err));
    memcpy(first, g->d, sizeof *first * (size_t)size);
    check_ok(tnd_guide_sample(s.guide, 6, 2, &again, check_err));
    cr_assert(memcmp(first, g->d, sizeof *first * (size_t)size) != 0);
    check_ok(tnd_guide_sample(s.guide, 5, 3, &again, check_err));
    // Gaussians keep their directions from one iteration to the next
    cr_assert((memcmp(first, g->d, sizeof *first * (size_t)size) == 0) == gaussian);
    check_ok(tnd_guide_sample(s.guide, 5, 2, &again, check_err));
    check_same_bits(g->d, first, size);
    cr_assert_eq(again.kept, drawn.kept);
    cr_assert_eq(again.steps, drawn.steps);
    if (!gaussian) check_same_bits(&again.cost, &drawn.cost, 1);
    free(first);
    support_guide_close(&s);
  }
}

Test(guide_samples, with_hardly_any_noise_they_are_the_trajectory_under_its_pushes) {
  const tnd_pushes pushes = {.at = {{.begin = 2, .end = 5, .force = {1, {30, 20, 0}}}}, .last = 5};
  double costs[2], policy_costs[2];
  for (int pushed = 0; pushed < 2; pushed++) {
    const tnd_guide_options o = support_guide_options();
    support_guide s = support_guide_open("swimmer-gps", T, 1e14, &o, 1);
    support_guide_set_start_noise(&s, 0);
    tnd_guide_set_pushes(s.guide, pushed ? &pushes : NULL);
    check_ok(tnd_guide_start(s.guide, s.x0, s.u, check_err));
    const tendril_trajectory *q = tnd_guide_trajectory(s.guide);
    const tnd_guide_samples drawn = support_guide_sample(&s, 0);
    costs[pushed] = 0;
    for (int t = 0; t < T - o.tail; t++)
      costs[pushed] +=
          tnd_cost(s.model, 0, t, T, q->x + t * 10, q->x + t * 10 + 5, q->u + t * 2, NULL);
    check_close(drawn.cost, costs[pushed], 1e-6);  // noise of 1e-7
    policy_costs[pushed] = tnd_guide_policy_cost(s.guide);
    support_guide_close(&s);
  }
  cr_assert(fabs(costs[1] - costs[0]) > 0.1, "%g and %g", costs[0], costs[1]);
  cr_assert(fabs(policy_costs[1] - policy_costs[0]) > 0.1, "%g and %g", policy_costs[0],
            policy_costs[1]);
}

// ----------------------------------------------------------------------------------- what is lost

static bool is_beyond(const tnd_guide *g, int i, int t) {
  double dx[N];
  tnd_state_difference(g->model, tnd_guide_trajectory(g)->x + t * g->nx, state_at(g, i, t), dx);
  for (int j = 2; j < 5; j++)  // not the way along the ground, x and y
    if (fabs(dx[j]) > g->options.reach) return true;
  return false;
}

Test(guide_samples, rollouts_beyond_reach_are_left_out) {
  tnd_guide_options o = support_guide_options();
  o.samples = 40;
  o.reach = 0.15;
  support_guide s = support_guide_open("swimmer-gps", 20, 200, &o, 2);
  const tnd_guide *g = s.guide;
  const tnd_guide_samples drawn = support_guide_sample(&s, 0);
  cr_assert(drawn.kept > 3 && drawn.kept < 37, "%d kept", drawn.kept);
  int kept = 0;
  int64_t steps = 0;
  double sum = 0;
  for (int i = 0; i < o.samples; i++) {
    int t = 0;
    while (t < g->taught && !is_beyond(g, i, t))
      t++;
    cr_assert_eq(g->good[i], t == g->taught);
    cr_assert_eq(g->steps[i], t);
    steps += t;
    kept += t == g->taught;
    if (t == g->taught) sum += g->cost[i];
  }
  cr_assert_eq(kept, drawn.kept);
  cr_assert_eq(steps, drawn.steps);
  check_close(drawn.cost, sum / kept, 1e-12);

  // copies of the others stand in for them; their mean is taken from all
  const double *d = g->d + 7 * o.samples * g->n;
  for (int i = 0; i < o.samples; i++) {
    bool found = false;
    for (int k = 0; k < o.samples && !found; k++) {
      double apart[N], off = 0;
      if (!g->good[k]) continue;
      tnd_state_difference(s.model, tnd_guide_trajectory(g)->x + 7 * g->nx, state_at(g, k, 7),
                           apart);
      // all but the mean: the difference from sample 0's is that of two rollouts'
      double zero[N];
      int first = 0;
      while (!g->good[first])
        first++;
      tnd_state_difference(s.model, tnd_guide_trajectory(g)->x + 7 * g->nx, state_at(g, first, 7),
                           zero);
      for (int j = 0; j < g->n; j++)
        off = fmax(off, fabs(d[i * g->n + j] - d[j] - (apart[j] - zero[j])));
      found = off < 1e-12;
    }
    cr_assert(found, "sample %d is nobody's", i);
  }
  support_guide_close(&s);
}

Test(guide_samples, it_says_if_none_is_left) {
  tnd_guide_options o = support_guide_options();
  o.reach = 1e-3;
  support_guide s = support_guide_open("swimmer-gps", T, 200, &o, 1);
  support_guide_set_start_noise(&s, 1);
  tnd_guide_samples drawn;
  tendril_error err;
  cr_assert_eq(tnd_guide_sample(s.guide, 5, 0, &drawn, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "none of 24 rollouts") && strstr(err.text, "cost_scale"), "%s",
            err.text);
  cr_assert_null(strchr(err.text, '\n'));
  support_guide_close(&s);
}

// ------------------------------------------------------------------------------------------- rows

Test(guide_samples, rows_are_observations_and_the_feedbacks_actions) {
  tnd_guide_options o = support_guide_options();
  o.reach = 0.15;
  support_guide s = support_guide_open("swimmer-gps", T, 200, &o, 1);
  const tnd_guide *g = s.guide;
  const int kept = support_guide_sample(&s, 1).kept, taught = g->taught;
  cr_assert(kept < o.samples);
  double *obs = malloc(sizeof *obs * (size_t)(o.samples * taught * 8));
  double *action = malloc(sizeof *action * (size_t)(o.samples * taught * M));
  int *step = malloc(sizeof *step * (size_t)(o.samples * taught)), row = 0;
  cr_assert_eq(tnd_guide_rows(s.guide, obs, action, step), kept * taught);
  for (int i = 0; i < o.samples; i++)
    for (int t = 0; g->good[i] && t < taught; t++, row++) {
      const double *x = state_at(g, i, t);
      double Kdx[M];
      cr_assert_eq(step[row], t);
      check_same_bits(obs + row * 8, x + 2, 8);  // the swimmer sees all but x and y
      correction(g, t, x, Kdx);
      for (int a = 0; a < M; a++)
        check_close(action[row * M + a], tnd_guide_trajectory(g)->u[t * M + a] + Kdx[a], 1e-12);
    }
  cr_assert_eq(row, kept * taught);
  free(obs);
  free(action);
  free(step);
  support_guide_close(&s);
}

// ------------------------------------------------------------------------------------- divergence

// Mean over the kept samples of KL(policy || q) at step t, by the formula for linear Gaussians.
static double closed_form(const support_guide *s, tnd_state_policy *view, int t) {
  const tnd_guide *g = s->guide;
  const int m = g->m;
  double zero[M] = {0}, mean = 0, k[M], k1[M], C[M * M] = {0}, C1[M * M] = {0}, S = 0, at = 0;
  double scratch[M * (1 + M + 1)];
  const tnd_gaussian state = {.n = 1, .mean = &at, .S = &S, .C = &S};
  const tnd_linear_gaussian p = {.ns = 1, .na = m, .K = zero, .k = k, .C = C};
  const tnd_linear_gaussian q = {.ns = 1, .na = m, .K = zero, .k = k1, .C = C1};
  memcpy(C1, tnd_guide_covariance(g) + t * m * m, sizeof *C1 * (size_t)(m * m));
  cr_assert(tnd_cholesky(m, m, C1));
  for (int a = 0; a < m; a++)
    C[a * m + a] = sqrt(s->sigma2[a]);
  for (int i = 0; i < g->N; i++) {
    if (!g->good[i]) continue;
    tnd_state_policy_mean(view, t, 1, state_at(g, i, t), k);
    correction(g, t, state_at(g, i, t), k1);
    for (int a = 0; a < m; a++)
      k1[a] += tnd_guide_trajectory(g)->u[t * m + a];
    mean += tnd_linear_gaussian_kl(&p, &q, &state, scratch) / g->kept;
  }
  return mean;
}

Test(guide_samples, the_divergence_is_that_of_two_gaussians) {
  static const char *const tasks[] = {"swimmer-gps", "double-link", "cart"};
  for (int k = 0; k < 3; k++) {
    tnd_guide_options o = support_guide_options();
    o.reach = k == 0 ? 0.08 : 10;
    support_guide s = support_guide_open(tasks[k], T, 200, &o, 1);
    tnd_state_policy *view;
    double kl[T];
    check_ok(tnd_state_policy_create(s.model, s.policy, 1, &view, check_err));
    const int kept = support_guide_sample(&s, 0).kept;
    cr_assert((kept < o.samples) == (k == 0), "%d", kept);
    tnd_guide_divergence(s.guide, s.sigma2, kl);
    for (int t = 0; t < tnd_guide_taught(s.guide); t++) {
      const double expected = closed_form(&s, view, t);
      check_close(kl[t] / expected, 1, 1e-10);
    }
    tnd_state_policy_destroy(view);
    support_guide_close(&s);
  }
}

// A policy that is, at every step, what q is there, but for the noise between actions.
Test(guide_samples, a_policy_that_is_the_trajectory_diverges_by_its_noise_alone) {
  static const char *const tasks[] = {"cart", "double-link"};  // which observe their state
  for (int k = 0; k < 2; k++) {
    const tnd_guide_options o = support_guide_options();
    support_guide s = support_guide_open(tasks[k], T, 20, &o, 1);
    tendril_policy_options options = support_time_linear(0);
    tendril_policy *policy = NULL;
    const int n = s.guide->n, m = s.guide->m;
    check_ok(tendril_policy_create(&options, n, m, T, 1, &policy, check_err));
    tnd_guide *g = NULL;
    check_ok(tnd_guide_create(s.model, 0, policy, T, &o, s.pool, &g, check_err));
    tnd_guide_set_scale(g, 20);
    check_ok(tnd_guide_start(g, s.x0, s.u, check_err));
    const tendril_trajectory *q = tnd_guide_trajectory(g);
    tnd_linear_gaussian steps[T];
    double b[T * M], C[T * M * M];
    for (int t = 0; t < T; t++) {
      steps[t] = (tnd_linear_gaussian){
          .ns = n, .na = m, .K = q->K + t * m * n, .k = b + t * m, .C = C + t * m * m};
      for (int a = 0; a < m; a++) {
        b[t * m + a] = q->u[t * m + a];
        for (int j = 0; j < n; j++)
          b[t * m + a] -= q->K[(t * m + a) * n + j] * q->x[t * n + j];
        for (int c = 0; c < m; c++)
          C[(t * m + a) * m + c] = a == c;
      }
    }
    check_ok(tnd_time_linear_set(policy, steps, check_err));
    tnd_guide_samples drawn;
    check_ok(tnd_guide_sample(g, 5, 0, &drawn, check_err));
    for (int t = 0; t < tnd_guide_taught(g); t++) {
      const double *A = tnd_guide_covariance(g) + t * m * m;
      double sigma2[M], kl[T];
      for (int a = 0; a < m; a++)
        sigma2[a] = A[a * m + a];
      tnd_guide_divergence(g, sigma2, kl);
      // of N(0, diag A) from N(0, A): 1/2 log |A| / |diag A| and a trace
      const double r2 = m == 1 ? 0 : A[1] * A[1] / (A[0] * A[3]);
      check_close(kl[t], m == 1 ? 0 : 0.5 * (log(1 - r2) + 2 * r2 / (1 - r2)), 1e-9);
    }
    tnd_guide_destroy(g);
    tendril_policy_destroy(policy);
    support_guide_close(&s);
  }
}

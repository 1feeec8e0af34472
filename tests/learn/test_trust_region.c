// The trust region alone: gradient and Fisher products against finite differences, several actions
// a state, a constraint over other states, the line search, thread independence.
#include "learn/trust_region.h"

#include "math/linalg.h"
#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 700 };  // three chunks, the last one short

typedef struct fixture {
  support_scene scene;
  tnd_trust_region *region;
  int nobs, nact, nparam;
  double *x, *action, *q, *g, *v, *theta;
  double L, entropy;
} fixture;

static double *numbers(size_t n, uint32_t which) {
  double *z = malloc(sizeof *z * n);
  tendril_random random = tendril_random_stream(9, TENDRIL_PURPOSE_TEST, which, 0);
  tendril_random_normals(&random, (int)n, z);
  return z;
}

static void open_fixture(fixture *f, int threads, int64_t fisher_rows) {
  support_scene_open(&f->scene, "hopper-v4", threads);
  f->nobs = tendril_policy_nobs(f->scene.policy);
  f->nact = tendril_policy_nact(f->scene.policy);
  f->nparam = tendril_policy_nparam(f->scene.policy);
  f->x = numbers((size_t)(N * f->nobs), 1);
  f->action = numbers((size_t)(N * f->nact), 2);
  f->q = numbers(N, 3);
  f->v = numbers((size_t)f->nparam, 4);
  f->g = calloc((size_t)f->nparam, sizeof *f->g);
  // away from the start, where the mean is nearly zero
  f->theta = numbers((size_t)f->nparam, 5);
  const double *start = tendril_policy_get_params(f->scene.policy);
  for (int i = 0; i < f->nparam; i++)
    f->theta[i] = start[i] + 0.2 * f->theta[i];
  check_ok(tendril_policy_set_params(f->scene.policy, f->theta, check_err));
  const tnd_trust_region_sizes sizes = {.states = N, .actions = 1, .fisher = fisher_rows};
  check_ok(tnd_trust_region_create(f->scene.policy, f->scene.pool, &sizes, &f->region, check_err));
  const tnd_sample sample = {.n = N, .x = f->x, .actions = 1, .action = f->action, .q = f->q};
  tnd_trust_region_begin(f->region, &sample, f->g, &f->L, &f->entropy);
  tnd_trust_region_draw(f->region, fisher_rows, 1, 0);
}

static void close_fixture(fixture *f) {
  double *arrays[] = {f->x, f->action, f->q, f->g, f->v, f->theta};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    free(arrays[i]);
  tnd_trust_region_destroy(f->region);
  support_scene_close(&f->scene);
}

static tnd_objective objective_at(fixture *f, const double *theta) {
  tnd_objective at;
  check_ok(tnd_trust_region_evaluate(f->region, theta, &at, check_err));
  return at;
}

Test(trust_region, at_theta_old_the_ratio_is_one_and_the_kl_zero) {
  fixture f;
  open_fixture(&f, 2, N);
  double mean = 0;
  for (int i = 0; i < N; i++)
    mean += f.q[i] / N;
  check_close(f.L, mean, 1e-14);  // a sum in another order
  tnd_objective at = objective_at(&f, f.theta);
  cr_assert_eq(at.L, f.L);  // the ratio is exp(0), the sums have one order
  cr_assert_eq(at.kl, 0);
  cr_assert_eq(at.kl_max, 0);
  close_fixture(&f);
}

static void objective(void *context, const double *theta, double *y) {
  *y = objective_at(context, theta).L;
}

Test(trust_region, gradient_is_that_of_finite_differences) {
  fixture f;
  open_fixture(&f, 2, N);
  double *g = calloc((size_t)f.nparam, sizeof *g);
  support_fd_jacobian(objective, &f, f.theta, (size_t)f.nparam, 1, SUPPORT_FD_STEP, g);
  check_all_close(f.g, g, f.nparam, 1e-8);  // h^2 f''' plus rounding / h
  free(g);
  close_fixture(&f);
}

// The gradient of the mean KL(old || .), by central differences of the KL itself.
static void kl_along(void *context, const double *theta, double *y) {
  *y = objective_at(context, theta).kl;
}

Test(trust_region, fisher_product_is_the_hessian_of_the_mean_kl) {
  fixture f;
  open_fixture(&f, 2, N);
  double *fv = calloc((size_t)f.nparam, sizeof *fv),
         *point = malloc(sizeof *point * (size_t)f.nparam);
  tnd_trust_region_fisher(f.region, f.v, fv);
  // d/dtheta_i of the directional derivative along v: mixed second differences
  const double h = 1e-4;
  for (int i = 0; i < f.nparam; i += 37) {
    double sum = 0, y;
    for (int a = -1; a <= 1; a += 2)
      for (int b = -1; b <= 1; b += 2) {
        for (int j = 0; j < f.nparam; j++)
          point[j] = f.theta[j] + a * h * f.v[j] + (j == i ? b * h : 0);
        kl_along(&f, point, &y);
        sum += a * b * y;
      }
    check_close(fv[i], sum / (4 * h * h), 2e-5);  // h^2 times fourth derivatives, |v| about 25
  }
  free(fv);
  free(point);
  close_fixture(&f);
}

Test(trust_region, fisher_product_over_drawn_rows_is_the_mean_over_those_rows) {
  // the average over many draws of half the rows approaches the product over all
  fixture all, half;
  open_fixture(&all, 2, N);
  open_fixture(&half, 2, N / 2);
  size_t n = (size_t)all.nparam;
  double *whole = calloc(n, sizeof *whole), *part = calloc(n, sizeof *part);
  double *mean = calloc(n, sizeof *mean);
  tnd_trust_region_fisher(all.region, all.v, whole);
  enum { DRAWS = 400 };
  for (uint32_t k = 0; k < DRAWS; k++) {
    tnd_trust_region_draw(half.region, N / 2, 1, k);
    tnd_trust_region_fisher(half.region, half.v, part);
    for (size_t i = 0; i < n; i++)
      mean[i] += part[i] / DRAWS;
  }
  double error = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    error += (mean[i] - whole[i]) * (mean[i] - whole[i]);
    size += whole[i] * whole[i];
  }
  // one draw is off by some 10 %, the mean of 400 by a twentieth of that
  cr_assert_lt(sqrt(error / size), 0.02, "off by %g", sqrt(error / size));
  free(whole);
  free(part);
  free(mean);
  close_fixture(&all);
  close_fixture(&half);
}

Test(trust_region, fisher_product_does_not_depend_on_which_activations_are_kept) {
  // more rows than are kept: every row twice gives the product of every row once
  enum { REPEAT = 40 };  // 28000 rows, 110 chunks
  fixture f;
  open_fixture(&f, 2, N);
  double *once = calloc((size_t)f.nparam, sizeof *once),
         *many = calloc((size_t)f.nparam, sizeof *many);
  tnd_trust_region_fisher(f.region, f.v, once);
  double *x = malloc(sizeof *x * (size_t)(REPEAT * N * f.nobs));
  double *action = calloc((size_t)(REPEAT * N * f.nact), sizeof *action);
  double *q = calloc((size_t)(REPEAT * N), sizeof *q);
  for (int k = 0; k < REPEAT; k++)
    memcpy(x + (size_t)(k * N * f.nobs), f.x, sizeof *x * (size_t)(N * f.nobs));
  tnd_trust_region *large = NULL;
  const tnd_trust_region_sizes sizes = {.states = REPEAT * N, .actions = 1, .fisher = REPEAT * N};
  check_ok(tnd_trust_region_create(f.scene.policy, f.scene.pool, &sizes, &large, check_err));
  const tnd_sample sample = {.n = REPEAT * N, .x = x, .actions = 1, .action = action, .q = q};
  tnd_trust_region_begin(large, &sample, many, &f.L, &f.entropy);
  tnd_trust_region_draw(large, REPEAT * N, 1, 0);
  tnd_trust_region_fisher(large, f.v, many);
  check_all_close(many, once, f.nparam, 1e-11);  // sums in another order
  tnd_trust_region_destroy(large);
  free(x);
  free(action);
  free(q);
  free(once);
  free(many);
  close_fixture(&f);
}

Test(trust_region, products_and_gradients_are_the_same_bits_on_any_number_of_threads) {
  fixture one, many;
  open_fixture(&one, 1, N / 2);
  double *a = calloc((size_t)one.nparam, sizeof *a), *b = calloc((size_t)one.nparam, sizeof *b);
  tnd_trust_region_fisher(one.region, one.v, a);
  for (int threads = 2; threads <= 4; threads++) {
    open_fixture(&many, threads, N / 2);
    check_same_bits(many.g, one.g, one.nparam);
    cr_assert_eq(many.L, one.L);
    cr_assert_eq(many.entropy, one.entropy);
    tnd_trust_region_fisher(many.region, many.v, b);
    check_same_bits(b, a, one.nparam);
    close_fixture(&many);
  }
  free(a);
  free(b);
  close_fixture(&one);
}

Test(trust_region, an_accepted_step_improves_L_and_keeps_the_kl) {
  fixture f;
  open_fixture(&f, 2, N);
  tnd_search search;
  tnd_trust_region_search(f.region, f.g, 100, 0.8, 100, 0.01, false, &search);
  cr_assert(search.accepted);
  cr_assert_gt(search.tries, 1);
  cr_assert_gt(search.at.L, f.L);
  cr_assert(search.at.kl <= 0.01 && search.at.kl > 0);
  // the policy is at the accepted step
  double *now = malloc(sizeof *now * (size_t)f.nparam);
  memcpy(now, tendril_policy_get_params(f.scene.policy), sizeof *now * (size_t)f.nparam);
  tnd_objective at = objective_at(&f, now);
  cr_assert_eq(at.L, search.at.L);
  cr_assert_eq(at.kl, search.at.kl);
  free(now);
  close_fixture(&f);
}

Test(trust_region, a_rejected_step_restores_the_parameters_bit_for_bit) {
  fixture f;
  open_fixture(&f, 2, N);
  tnd_search search;
  for (int i = 0; i < f.nparam; i++)
    f.v[i] = -f.g[i];  // downhill: nothing improves
  tnd_trust_region_search(f.region, f.v, 0.1, 0.5, 10, 0.01, false, &search);
  cr_assert_not(search.accepted);
  cr_assert_eq(search.tries, 10);
  cr_assert_eq(search.at.kl, 0);
  check_same_bits(tendril_policy_get_params(f.scene.policy), f.theta, f.nparam);

  // steps to places that are not finite fail like any other
  f.v[0] = (double)INFINITY;
  tnd_trust_region_search(f.region, f.v, 1, 0.5, 5, 0.01, false, &search);
  cr_assert_not(search.accepted);
  check_same_bits(tendril_policy_get_params(f.scene.policy), f.theta, f.nparam);
  close_fixture(&f);
}

Test(trust_region, a_step_may_be_bounded_by_the_state_where_it_costs_most) {
  fixture f;
  open_fixture(&f, 2, N);
  tnd_search mean, most;
  tnd_trust_region_search(f.region, f.g, 100, 0.8, 100, 0.01, false, &mean);
  cr_assert_gt(mean.at.kl_max, 0.01);
  tnd_trust_region_search(f.region, f.g, 100, 0.8, 100, 0.01, true, &most);
  cr_assert(most.accepted);
  cr_assert_leq(most.at.kl_max, 0.01);
  cr_assert_lt(most.at.kl, mean.at.kl);
  close_fixture(&f);
}

Test(trust_region, the_largest_curvature_is_that_of_the_worst_row_alone) {
  enum { ROWS = 300 };  // two chunks
  fixture f;
  open_fixture(&f, 2, N);
  double *out = malloc(sizeof *out * (size_t)f.nparam), most = 0;
  for (int i = 0; i < ROWS; i++) {
    const tnd_sample one = {
        .n = 1, .x = f.x + i * f.nobs, .actions = 1, .action = f.action, .q = f.q};
    tnd_trust_region_begin(f.region, &one, f.g, &f.L, &f.entropy);
    tnd_trust_region_draw(f.region, 1, 1, 0);
    tnd_trust_region_fisher(f.region, f.v, out);
    most = fmax(most, tnd_dot(f.nparam, f.v, out));
  }
  const tnd_sample all = {.n = ROWS, .x = f.x, .actions = 1, .action = f.action, .q = f.q};
  tnd_trust_region_begin(f.region, &all, f.g, &f.L, &f.entropy);
  tnd_trust_region_draw(f.region, ROWS, 1, 0);
  // the network in single precision, summed in another order
  check_close(tnd_trust_region_curvature_max(f.region, f.v) / most, 1, 1e-5);
  free(out);
  close_fixture(&f);
}

Test(trust_region, a_move_goes_where_it_is_told_unless_that_is_not_finite) {
  fixture f;
  open_fixture(&f, 2, N);
  tnd_search move;
  tnd_trust_region_move(f.region, f.v, 0.5, &move);
  cr_assert(move.accepted);
  cr_assert_gt(move.at.kl, 0.01);
  double *there = malloc(sizeof *there * (size_t)f.nparam);
  for (int i = 0; i < f.nparam; i++)
    there[i] = f.theta[i] + 0.5 * f.v[i];
  check_same_bits(tendril_policy_get_params(f.scene.policy), there, f.nparam);
  f.v[0] = (double)INFINITY;
  tnd_trust_region_move(f.region, f.v, 0.5, &move);
  cr_assert_not(move.accepted);
  check_same_bits(tendril_policy_get_params(f.scene.policy), f.theta, f.nparam);
  free(there);
  close_fixture(&f);
}

// ---------------------------------------------------------------------- several actions a state

enum { K = 3, NC = 500 };

typedef struct group {
  fixture f;
  double *action, *q, *x_c;  // [K][N][nact], [K][N], [NC][nobs]
  tnd_sample sample;
} group;

static void open_group(group *s, int threads, bool others) {
  open_fixture(&s->f, threads, N);
  tnd_trust_region_destroy(s->f.region);
  s->action = numbers((size_t)(K * N * s->f.nact), 6);
  s->q = numbers(K * N, 7);
  s->x_c = numbers((size_t)(NC * s->f.nobs), 8);
  const tnd_trust_region_sizes sizes = {
      .states = N, .actions = K, .constraint = others ? NC : 0, .fisher = others ? NC : N};
  check_ok(
      tnd_trust_region_create(s->f.scene.policy, s->f.scene.pool, &sizes, &s->f.region, check_err));
  s->sample = (tnd_sample){.n = N,
                           .x = s->f.x,
                           .actions = K,
                           .action = s->action,
                           .q = s->q,
                           .x_constraint = others ? s->x_c : NULL,
                           .nconstraint = others ? NC : 0};
  tnd_trust_region_begin(s->f.region, &s->sample, s->f.g, &s->f.L, &s->f.entropy);
  tnd_trust_region_draw(s->f.region, sizes.fisher, 1, 0);
}

static void close_group(group *s) {
  free(s->action);
  free(s->q);
  free(s->x_c);
  close_fixture(&s->f);
}

// Equation (16), state by state through the policy's own log densities.
static double equation_16(const group *s, const double *theta_old, const double *theta) {
  tendril_policy *policy = s->f.scene.policy;
  const int ndist = tnd_policy_ndist(policy);
  double *d = calloc((size_t)(N * ndist), sizeof *d), logp_old[K][N], logp[K][N];
  tnd_policy_rows *rows = NULL;
  check_ok(tnd_policy_rows_create(policy, N, &rows, check_err));
  for (int old = 0; old < 2; old++) {
    check_ok(tendril_policy_set_params(policy, old ? theta_old : theta, check_err));
    tnd_policy_forward(policy, rows, N, s->f.x, d);
    for (int k = 0; k < K; k++)
      tnd_policy_logp(policy, N, d, s->action + k * N * s->f.nact, old ? logp_old[k] : logp[k]);
  }
  double L = 0;
  for (int n = 0; n < N; n++) {
    double weighted = 0, weights = 0;
    for (int k = 0; k < K; k++) {
      const double w = exp(logp[k][n] - logp_old[k][n]);
      weighted += w * s->q[k * N + n];
      weights += w;
    }
    L += weighted / weights / N;
  }
  tnd_policy_rows_destroy(rows);
  free(d);
  return L;
}

Test(trust_region, with_several_actions_the_objective_is_equation_16) {
  group s;
  open_group(&s, 2, false);
  double *theta = malloc(sizeof *theta * (size_t)s.f.nparam), mean = 0;
  for (int i = 0; i < K * N; i++)
    mean += s.q[i] / (K * N);
  check_close(s.f.L, mean, 1e-13);  // sums in another order
  for (int i = 0; i < s.f.nparam; i++)
    theta[i] = s.f.theta[i] + 0.05 * s.f.v[i];
  const double L = objective_at(&s.f, theta).L;
  check_close(L, equation_16(&s, s.f.theta, theta), 1e-12);  // sums in another order
  cr_assert_gt(fabs(L - mean), 1e-4, "a step without effect tests nothing");
  free(theta);
  close_group(&s);
}

Test(trust_region, with_several_actions_the_gradient_is_that_of_finite_differences) {
  group s;
  open_group(&s, 2, false);
  double *g = calloc((size_t)s.f.nparam, sizeof *g);
  support_fd_jacobian(objective, &s.f, s.f.theta, (size_t)s.f.nparam, 1, SUPPORT_FD_STEP, g);
  check_all_close(s.f.g, g, s.f.nparam, 1e-8);  // h^2 f''' plus rounding / h
  free(g);
  close_group(&s);
}

Test(trust_region, with_several_actions_the_gradient_is_the_papers_sum) {
  // 1/(NK) sum (Q - mean_k Q) grad log pi: as the plain gradient of N K rows, a state K times
  group s;
  open_group(&s, 2, false);
  const int nobs = s.f.nobs;
  double *x = malloc(sizeof *x * (size_t)(K * N * nobs)), *q = malloc(sizeof *q * K * N);
  double *g = calloc((size_t)s.f.nparam, sizeof *g), L, entropy;
  for (int k = 0; k < K; k++) {
    memcpy(x + (size_t)(k * N * nobs), s.f.x, sizeof *x * (size_t)(N * nobs));
    for (int n = 0; n < N; n++) {
      double mean = 0;
      for (int j = 0; j < K; j++)
        mean += s.q[j * N + n] / K;
      q[k * N + n] = s.q[k * N + n] - mean;
    }
  }
  const tnd_trust_region_sizes sizes = {.states = K * N, .actions = 1, .fisher = 1};
  const tnd_sample rows = {.n = K * N, .x = x, .actions = 1, .action = s.action, .q = q};
  tnd_trust_region *plain = NULL;
  check_ok(tnd_trust_region_create(s.f.scene.policy, s.f.scene.pool, &sizes, &plain, check_err));
  tnd_trust_region_begin(plain, &rows, g, &L, &entropy);
  check_all_close(s.f.g, g, s.f.nparam, 1e-13);  // sums in another order
  tnd_trust_region_destroy(plain);
  free(x);
  free(q);
  free(g);
  close_group(&s);
}

Test(trust_region, a_constant_on_a_states_values_changes_nothing) {
  group s;
  open_group(&s, 2, false);
  double *theta = malloc(sizeof *theta * (size_t)s.f.nparam);
  double *g = malloc(sizeof *g * (size_t)s.f.nparam);
  for (int i = 0; i < s.f.nparam; i++)
    theta[i] = s.f.theta[i] + 0.01 * s.f.v[i];
  const double gain = objective_at(&s.f, theta).L - s.f.L;
  memcpy(g, s.f.g, sizeof *g * (size_t)s.f.nparam);
  for (int k = 0; k < K; k++)
    for (int n = 0; n < N; n++)
      s.q[k * N + n] += n % 7 - 3;  // a constant of the state
  check_ok(tendril_policy_set_params(s.f.scene.policy, s.f.theta, check_err));
  tnd_trust_region_begin(s.f.region, &s.sample, s.f.g, &s.f.L, &s.f.entropy);
  check_all_close(s.f.g, g, s.f.nparam, 1e-13);  // rounding of Q and its mean
  check_close(objective_at(&s.f, theta).L - s.f.L, gain, 1e-13);
  free(theta);
  free(g);
  close_group(&s);
}

Test(trust_region, kl_and_fisher_matrix_may_be_those_of_other_states) {
  // the same as for a plain sample of those states
  group s;
  open_group(&s, 2, true);
  const int nparam = s.f.nparam;
  double *zero = calloc((size_t)(NC * s.f.nact), sizeof *zero);
  double *g = calloc((size_t)nparam, sizeof *g), *a = calloc((size_t)nparam, sizeof *a);
  double *b = calloc((size_t)nparam, sizeof *b), *theta = malloc(sizeof *theta * (size_t)nparam);
  double L, entropy;
  const tnd_trust_region_sizes sizes = {.states = NC, .actions = 1, .fisher = NC};
  const tnd_sample sample = {.n = NC, .x = s.x_c, .actions = 1, .action = zero, .q = zero};
  tnd_trust_region *plain = NULL;
  check_ok(tnd_trust_region_create(s.f.scene.policy, s.f.scene.pool, &sizes, &plain, check_err));
  tnd_trust_region_begin(plain, &sample, g, &L, &entropy);
  tnd_trust_region_draw(plain, NC, 1, 0);
  tnd_trust_region_fisher(s.f.region, s.f.v, a);
  tnd_trust_region_fisher(plain, s.f.v, b);
  check_same_bits(a, b, nparam);
  for (int i = 0; i < nparam; i++)
    theta[i] = s.f.theta[i] + 0.01 * s.f.v[i];
  tnd_objective at = objective_at(&s.f, theta), of_plain;
  check_ok(tnd_trust_region_evaluate(plain, theta, &of_plain, check_err));
  cr_assert_eq(at.kl, of_plain.kl);
  cr_assert_eq(at.kl_max, of_plain.kl_max);
  check_close(at.L, equation_16(&s, s.f.theta, theta), 1e-12);  // sums in another order
  tnd_trust_region_destroy(plain);
  double *arrays[] = {zero, g, a, b, theta};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    free(arrays[i]);
  close_group(&s);
}

Test(trust_region, several_actions_give_the_same_bits_on_any_number_of_threads) {
  group one, many;
  open_group(&one, 1, true);
  const tnd_objective at = objective_at(&one.f, one.f.v);
  for (int threads = 2; threads <= 4; threads++) {
    open_group(&many, threads, true);
    check_same_bits(many.f.g, one.f.g, one.f.nparam);
    const tnd_objective again = objective_at(&many.f, one.f.v);
    cr_assert(memcmp(&at, &again, sizeof at) == 0);
    close_group(&many);
  }
  close_group(&one);
}

Test(trust_region, the_empirical_fisher_matrix_is_the_mean_of_the_outer_products_of_scores) {
  enum { STATES = 300 };  // two chunks; every other state enters
  group s;
  open_group(&s, 2, false);
  fixture *f = &s.f;
  tnd_trust_region_destroy(f->region);
  const tnd_trust_region_sizes sizes = {
      .states = STATES, .actions = K, .fisher = STATES, .empirical = true};
  check_ok(tnd_trust_region_create(f->scene.policy, f->scene.pool, &sizes, &f->region, check_err));

  // expected: mean over states and actions of g (g'v), each g from a sample of one with weight 1
  double *expected = calloc((size_t)f->nparam, sizeof *expected);
  double *out = malloc(sizeof *out * (size_t)f->nparam);
  const double one = 1;
  for (int n = 0; n < STATES; n++)
    for (int k = 0; k < K; k++) {
      const tnd_sample single = {.n = 1,
                                 .x = f->x + n * f->nobs,
                                 .actions = 1,
                                 .action = s.action + (k * STATES + n) * f->nact,
                                 .q = &one};
      tnd_trust_region_begin(f->region, &single, f->g, &f->L, &f->entropy);
      const double share = tnd_dot(f->nparam, f->g, f->v) / (STATES * K);
      for (int i = 0; i < f->nparam; i++)
        expected[i] += share * f->g[i];
    }
  const tnd_sample all = {.n = STATES, .x = f->x, .actions = K, .action = s.action, .q = s.q};
  tnd_trust_region_begin(f->region, &all, f->g, &f->L, &f->entropy);
  tnd_trust_region_draw(f->region, STATES, 1, 0);
  tnd_trust_region_fisher(f->region, f->v, out);
  double difference = 0;
  for (int i = 0; i < f->nparam; i++)
    difference += (out[i] - expected[i]) * (out[i] - expected[i]);
  // the network in single precision
  check_close(sqrt(difference / tnd_dot(f->nparam, expected, expected)), 0, 1e-5);
  free(expected);
  free(out);
  close_group(&s);
}

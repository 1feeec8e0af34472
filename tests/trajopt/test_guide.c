// A trajectory distribution as a whole: where it begins, what lambda does to it in the limits, that
// it gets better, the same bits on any threads and after a restore, and what is refused.
#include "support/close.h"
#include "support/guide.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { T = 25, N = SUPPORT_GUIDE_N, M = SUPPORT_GUIDE_M };

static double largest(int n, const double *x) {
  double most = 0;
  for (int i = 0; i < n; i++)
    most = fmax(most, fabs(x[i]));
  return most;
}

// got and expected relative to expected's largest entry
static void check_relative(const double *got, const double *expected, int n, double tolerance) {
  const double unit = largest(n, expected);
  for (int i = 0; i < n; i++)
    check_close(got[i] / unit, expected[i] / unit, tolerance);
}

// Iterations first .. last - 1 as a method would do them.
static void train(support_guide *s, int first, int last) {
  double kl[T];
  for (int i = first; i < last; i++) {
    support_guide_sample(s, (uint32_t)i);
    support_guide_improve(s);
    tnd_guide_divergence(s->guide, s->sigma2, kl);
    for (int t = 0; t < tnd_guide_taught(s->guide); t++)
      tnd_guide_lambda(s->guide)[t] += 3 * kl[t];
  }
}

static void check_same(const support_guide *a, const support_guide *b) {
  const tendril_trajectory *p = tnd_guide_trajectory(a->guide), *q = tnd_guide_trajectory(b->guide);
  const int nx = p->nx, n = p->n, m = p->nu;
  check_same_bits(p->x, q->x, (T + 1) * nx);
  check_same_bits(p->u, q->u, T * m);
  check_same_bits(p->K, q->K, T * m * n);
  check_same_bits(&p->cost, &q->cost, 1);
  check_same_bits(tnd_guide_covariance(a->guide), tnd_guide_covariance(b->guide), T * m * m);
  check_same_bits(tnd_guide_precision(a->guide), tnd_guide_precision(b->guide), T * m * m);
  check_same_bits(tnd_guide_lambda(a->guide), tnd_guide_lambda(b->guide),
                  tnd_guide_taught(a->guide));
}

// ------------------------------------------------------------------------------------- the limits

Test(guide, without_multipliers_it_is_maximum_entropy_lqr) {
  static const char *const tasks[] = {"swimmer-gps", "cart"};
  for (int k = 0; k < 2; k++) {
    tnd_guide_options o = support_guide_options();
    o.lambda = 0;
    support_guide s = support_guide_open(tasks[k], T, 50, &o, 1);
    const int n = s.guide->n, m = s.guide->m;
    support_guide_sample(&s, 0);
    const tnd_guide_step step = support_guide_improve(&s);
    cr_assert_gt(step.alpha, 0);
    cr_assert_eq(step.refused, 0);
    // begun anew about the controls that it came to
    double A[T * M * M], K[T * M * N];
    memcpy(A, tnd_guide_covariance(s.guide), sizeof *A * (size_t)(T * m * m));
    memcpy(K, tnd_guide_trajectory(s.guide)->K, sizeof *K * (size_t)(T * m * n));
    memcpy(s.u, tnd_guide_trajectory(s.guide)->u, sizeof *s.u * (size_t)(T * m));
    check_ok(tnd_guide_start(s.guide, s.x0, s.u, check_err));
    check_relative(tnd_guide_trajectory(s.guide)->K, K, T * m * n, 1e-12);
    // two ways to the inverse of Quu
    check_relative(tnd_guide_covariance(s.guide), A, T * m * m, 1e-9);
    support_guide_close(&s);
  }
}

Test(guide, a_unit_of_cost_that_counts_more_leaves_less_noise) {
  const tnd_guide_options o = support_guide_options();
  support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 1);
  double A[T * M * M];
  for (int i = 0; i < T * M * M; i++)
    A[i] = tnd_guide_covariance(s.guide)[i] / 8;
  tnd_guide_set_scale(s.guide, 400);
  check_ok(tnd_guide_start(s.guide, s.x0, s.u, check_err));
  check_relative(tnd_guide_covariance(s.guide), A, T * M * M, 1e-12);
  support_guide_close(&s);
}

Test(guide, large_multipliers_make_it_the_policy) {
  for (int averaged = 0; averaged < 2; averaged++) {
    tnd_guide_options o = support_guide_options();
    o.lambda = 1e9;
    o.averaged = averaged;
    support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 1);
    const tnd_guide *g = s.guide;
    const int n = g->n, m = g->m;
    support_guide_sample(&s, 0);
    for (int i = 0; i < 8; i++)  // steps of Gauss and Newton
      support_guide_improve(&s);
    for (int t = 0; t < g->taught; t++) {
      // of the cost no more than a share of 1 / lambda is left
      check_relative(tnd_guide_trajectory(g)->K + t * m * n, g->P + t * m * n, m * n, 1e-4);
      check_all_close(g->mu + t * m, (double[M]){0}, m, 1e-4);
      if (averaged) continue;  // then M has the policy's curvature, too
      double expected[M * M];
      for (int a = 0; a < m; a++)
        for (int b = 0; b < m; b++)
          expected[a * m + b] = (a == b ? s.sigma2[a] : 0) + g->mu[t * m + a] * g->mu[t * m + b];
      check_relative(tnd_guide_covariance(g) + t * m * m, expected, m * m, 1e-4);
    }
    support_guide_close(&s);
  }
}

// --------------------------------------------------------------------------------- what it is for

// The policy stays as it is: the trajectory comes to it, at a price.
Test(guide, it_comes_to_the_policy_as_multipliers_grow) {
  const tnd_guide_options o = support_guide_options();
  support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 2);
  double kl[2][T], mean[2] = {0};
  support_guide_sample(&s, 0);
  tnd_guide_divergence(s.guide, s.sigma2, kl[0]);
  train(&s, 0, 8);
  support_guide_sample(&s, 8);
  tnd_guide_divergence(s.guide, s.sigma2, kl[1]);
  for (int i = 0; i < 2; i++)
    for (int t = 0; t < tnd_guide_taught(s.guide); t++) {
      cr_assert_geq(kl[i][t], 0);
      mean[i] += kl[i][t] / tnd_guide_taught(s.guide);
    }
  cr_assert(mean[1] < mean[0] / 10, "%g after %g", mean[1], mean[0]);
  support_guide_close(&s);
}

Test(guide, the_policys_cost_is_that_of_its_mean_actions) {
  const tnd_guide_options o = support_guide_options();
  support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 1);
  const int nq = 5, nobs = tendril_policy_nobs(s.policy);
  double x[N], next[N], obs[N], u[M], sum = 0;
  tnd_transition *f;
  tendril_actor *actor;
  tnd_state_policy *view;
  check_ok(tnd_transition_create(s.model, &f, check_err));
  check_ok(tendril_actor_create(s.policy, &actor, check_err));
  check_ok(tnd_state_policy_create(s.model, s.policy, 1, &view, check_err));
  cr_assert_eq(nobs, 8);
  memcpy(x, s.x0, sizeof x);
  for (int t = 0; t < T - 5; t++) {
    tnd_state_policy_observe(view, 1, x, obs);
    tendril_policy_act(s.policy, actor, t, obs, NULL, u);
    sum += tnd_cost(s.model, 0, t, T, x, x + nq, u, NULL);
    cr_assert(tnd_transition_step(f, t, x, u, next));
    memcpy(x, next, sizeof x);
  }
  // a network's sum in another order, which 20 steps of fluid do not amplify
  check_close(tnd_guide_policy_cost(s.guide), sum, 1e-10);
  tnd_state_policy_destroy(view);
  tendril_actor_destroy(actor);
  tnd_transition_destroy(f);
  support_guide_close(&s);
}

// ------------------------------------------------------------------------------------- the anchor

Test(guide, a_step_that_is_taken_back_leaves_nothing_behind) {
  for (int gaussian = 0; gaussian < 2; gaussian++) {
    tnd_guide_options o = support_guide_options();
    o.gaussian = gaussian;
    support_guide straight = support_guide_open("swimmer-gps", T, 50, &o, 1);
    support_guide detour = support_guide_open("swimmer-gps", T, 50, &o, 1);
    train(&straight, 0, 2);
    train(&detour, 0, 2);
    support_guide_sample(&straight, 2);
    support_guide_sample(&detour, 2);
    for (int i = 0; i < 2; i++) {  // samples of what was lost are no samples of what it was
      support_guide_improve(&detour);
      support_guide_sample(&detour, 3);
      tnd_guide_take_back(detour.guide);
      check_same(&straight, &detour);
      tnd_guide_set_anchor(detour.guide, 1 + i);
    }
    tnd_guide_set_anchor(straight.guide, 2);
    support_guide_improve(&straight);
    support_guide_improve(&detour);
    check_same(&straight, &detour);
    support_guide_close(&straight);
    support_guide_close(&detour);
  }
}

// How far an improvement goes, and with what covariance, by how strongly it is held.
Test(guide, an_anchor_holds_it_to_what_it_was) {
  static const double anchors[] = {0, 1, 10, 1e6};
  double moved[4], widened[4];
  for (int k = 0; k < 4; k++) {
    const tnd_guide_options o = support_guide_options();
    support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 1);
    double u[T * M], A[T * M * M];
    memcpy(u, tnd_guide_trajectory(s.guide)->u, sizeof u);
    memcpy(A, tnd_guide_covariance(s.guide), sizeof A);
    support_guide_sample(&s, 0);
    tnd_guide_set_anchor(s.guide, anchors[k]);
    cr_assert_eq(tnd_guide_anchor(s.guide), anchors[k]);
    support_guide_improve(&s);
    for (int i = 0; i < T * M; i++)
      u[i] -= tnd_guide_trajectory(s.guide)->u[i];
    for (int i = 0; i < T * M * M; i++)
      A[i] -= tnd_guide_covariance(s.guide)[i];
    moved[k] = largest(T * M, u);
    widened[k] = largest(T * M * M, A);
    if (k > 0) cr_assert(moved[k] < moved[k - 1] && widened[k] < widened[k - 1]);
    support_guide_close(&s);
  }
  // KLs of 1e6 nats a step leave 1e-3 of its deviation and less
  cr_assert(moved[3] < 1e-3 * moved[0], "%g of %g", moved[3], moved[0]);
  cr_assert(widened[3] < 1e-3 * widened[0], "%g of %g", widened[3], widened[0]);
}

// -------------------------------------------------------------------------------------- same bits

Test(guide, same_bits_on_one_thread_and_on_three) {
  for (int k = 0; k < 4; k++) {
    tnd_guide_options o = support_guide_options();
    o.gaussian = k % 2;
    o.pull = k < 2 ? TND_PULL_CONSTRAINED : TND_PULL_VARIATIONAL;
    support_guide one = support_guide_open("swimmer-gps", T, 50, &o, 1);
    support_guide three = support_guide_open("swimmer-gps", T, 50, &o, 3);
    train(&one, 0, 3);
    train(&three, 0, 3);
    check_same(&one, &three);
    check_same_bits(one.guide->d, three.guide->d, one.guide->taught * one.guide->N * one.guide->n);
    support_guide_close(&one);
    support_guide_close(&three);
  }
}

static tnd_tensors *save(const support_guide *s) {
  tnd_tensors *tensors;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_guide_save(s->guide, 0, tensors, check_err));
  return tensors;
}

Test(guide, restored_it_goes_on_to_the_same_bits) {
  for (int gaussian = 0; gaussian < 2; gaussian++) {
    tnd_guide_options o = support_guide_options();
    o.gaussian = gaussian;
    support_guide whole = support_guide_open("swimmer-gps", T, 50, &o, 2);
    support_guide parts = support_guide_open("swimmer-gps", T, 50, &o, 1);
    train(&whole, 0, 2);
    tnd_tensors *tensors = save(&whole);
    check_ok(tnd_guide_load(parts.guide, 0, tensors, check_err));
    check_same(&whole, &parts);
    tnd_tensors_destroy(tensors);
    // the samples are not in it: they are drawn again
    support_guide_sample(&whole, 2);
    support_guide_sample(&parts, 2);
    support_guide_improve(&whole);
    support_guide_improve(&parts);
    check_same(&whole, &parts);
    train(&whole, 3, 5);
    train(&parts, 3, 5);
    check_same(&whole, &parts);
    support_guide_close(&whole);
    support_guide_close(&parts);
  }
}

// --------------------------------------------------------------------------------------- refusals

static void check_load_refused(support_guide *from, support_guide *into, const char *what) {
  tnd_tensors *tensors = save(from);
  tendril_error err;
  cr_assert_eq(tnd_guide_load(into->guide, 0, tensors, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, what), "%s", err.text);
  cr_assert_null(strchr(err.text, '\n'));
  tnd_tensors_destroy(tensors);
}

Test(guide, damaged_checkpoints_are_refused) {
  const tnd_guide_options o = support_guide_options();
  support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 1);
  support_guide into = support_guide_open("swimmer-gps", T, 50, &o, 1);
  support_guide other = support_guide_open("swimmer-gps", T - 1, 50, &o, 1);
  check_load_refused(&s, &other, "guide.0.trajectory");
  tnd_guide_lambda(s.guide)[3] = -1;
  check_load_refused(&s, &into, "guide.0.lambda");
  tnd_guide_lambda(s.guide)[3] = 0;
  tnd_guide_set_anchor(s.guide, -1);
  check_load_refused(&s, &into, "guide.0.anchor");
  tnd_guide_set_anchor(s.guide, 0);
  s.guide->A[7 * M * M] *= -1;
  check_load_refused(&s, &into, "guide.0.covariance");
  support_guide_close(&s);
  support_guide_close(&into);
  support_guide_close(&other);
}

static void check_refused(const tendril_model *model, const tendril_policy *policy, int steps,
                          const tnd_guide_options *o, tendril_status status, const char *what) {
  tendril_error err;
  tendril_pool *pool = support_pool(1);
  tnd_guide *guide = NULL;
  cr_assert_eq(tnd_guide_create(model, 0, policy, steps, o, pool, &guide, &err), status);
  cr_assert(strstr(err.text, what), "%s", err.text);
  cr_assert_null(strchr(err.text, '\n'));
  cr_assert_null(guide);
  tendril_pool_destroy(pool);
}

Test(guide, says_what_is_wrong) {
  const tnd_guide_options o = support_guide_options();
  support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 1);
  check_refused(s.model, s.policy, o.tail, &o, TENDRIL_E_CONFIG, "demonstration.steps");
  tendril_model *links = support_model("double-link", NULL);
  check_refused(links, s.policy, T, &o, TENDRIL_E_ARGUMENT, "policy");
  tendril_model_destroy(links);
  tendril_model *hopper = support_model("hopper-v4", NULL);
  check_refused(hopper, s.policy, T, &o, TENDRIL_E_CONFIG, "no smooth cost");
  tendril_model_destroy(hopper);
  // no covariance to begin with: its inverse is beyond a double
  tendril_error err;
  tnd_guide_set_scale(s.guide, 1e-309);
  cr_assert_eq(tnd_guide_start(s.guide, s.x0, s.u, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "of 25 steps") && strstr(err.text, "cost_scale"), "%s", err.text);
  // no trajectory
  s.x0[6] = 1e9;
  cr_assert_eq(tnd_guide_start(s.guide, s.x0, s.u, &err), TENDRIL_E_PHYSICS);
  cr_assert(strstr(err.text, "at step 0"), "%s", err.text);
  support_guide_close(&s);
}

static tendril_status live(void *context, tendril_error *err) {
  support_guide *s = context;
  const tnd_guide_options o = support_guide_options();
  tnd_guide *guide = NULL;
  tnd_guide_samples drawn;
  tnd_guide_step step;
  tnd_tensors *tensors = NULL;
  TENDRIL_TRY(tnd_guide_create(s->model, 0, s->policy, T, &o, s->pool, &guide, err));
  tnd_guide_set_scale(guide, 50);
  tendril_status status = tnd_guide_start(guide, s->x0, s->u, err);
  if (status == TENDRIL_OK) status = tnd_guide_sample(guide, 1, 0, &drawn, err);
  if (status == TENDRIL_OK) status = tnd_guide_improve(guide, s->sigma2, &step, err);
  if (status == TENDRIL_OK) status = tnd_tensors_create(&tensors, err);
  if (status == TENDRIL_OK) status = tnd_guide_save(guide, 0, tensors, err);
  if (status == TENDRIL_OK) status = tnd_guide_load(guide, 0, tensors, err);
  tnd_tensors_destroy(tensors);
  tnd_guide_destroy(guide);
  return status;
}

Test(guide, survives_every_failing_allocation) {
  const tnd_guide_options o = support_guide_options();
  support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 1);
  cr_assert(support_fail_each_alloc(live, &s) > 10);
  support_guide_close(&s);
}

Test(guide, an_iteration_allocates_nothing) {
  const tnd_guide_options o = support_guide_options();
  support_guide s = support_guide_open("swimmer-gps", T, 50, &o, 2);
  double kl[T], *obs = malloc(sizeof *obs * (size_t)(o.samples * T * 8)), action[24 * T * M];
  int step[24 * T];
  train(&s, 0, 1);
  const long before = tnd_alloc_count();
  train(&s, 1, 2);
  tnd_guide_divergence(s.guide, s.sigma2, kl);
  tnd_guide_rows(s.guide, obs, action, step);
  cr_assert_eq(tnd_alloc_count(), before);
  free(obs);
  support_guide_close(&s);
}

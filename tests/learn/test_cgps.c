// Guided policy search as a learner, constrained and variational: policy and trajectory come
// together at a low cost, the same bits on any threads and after a stop, and what is refused.
#include "learn/cgps.h"
#include "learn/vgps.h"

#include "support/close.h"
#include "support/demonstration.h"
#include "support/learned.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <tendril/trajopt.h>

enum { T = 60, TAIL = 15, NX = 10, NU = 2 };

// A swimmer's first strokes, made better by a few iterations of iLQG.
typedef struct lesson {
  tendril_model *model;
  tendril_pool *pool;
  tendril_ilqg *ilqg;
} lesson;

static lesson prepare(void) {
  lesson s;
  s.model = support_swimmer_model(0.01, 0);
  s.pool = support_pool(2);
  double x0[NX] = {0}, u[T * NU];
  for (int t = 0; t < T; t++)
    for (int j = 0; j < NU; j++)
      u[t * NU + j] = 5 * sin(0.3 * t + 2 * j);
  tendril_ilqg_stats stats;
  check_ok(tendril_ilqg_create(s.model, T, NULL, s.pool, &s.ilqg, check_err));
  check_ok(tendril_ilqg_start(s.ilqg, x0, u, check_err));
  for (int i = 0; i < 20; i++)
    check_ok(tendril_ilqg_iterate(s.ilqg, &stats, check_err));
  check_ok(tendril_ilqg_close(s.ilqg, check_err));
  return s;
}

static void dismiss(lesson *s) {
  tendril_ilqg_destroy(s->ilqg);
  tendril_pool_destroy(s->pool);
  tendril_model_destroy(s->model);
}

static tendril_cgps_options options(void) {
  tendril_cgps_options o;
  tendril_cgps_defaults(&o);
  o.samples = 10;
  o.tail = TAIL;
  o.fit_iterations = 40;
  return o;
}

static tendril_policy_options network(tendril_policy_kind kind) {
  tendril_policy_options o;
  tendril_policy_defaults(&o);
  o.kind = kind;
  o.hidden = (tendril_sizes){.n = 1, .at = {10}};
  o.activation = TENDRIL_SOFTPLUS;
  o.precision = TENDRIL_DOUBLE;
  return o;
}

// demonstrations: how many times the one that there is
static tendril_status try_open(const lesson *s, const tnd_method *method, const void *o,
                               tendril_policy_kind kind, int demonstrations, int threads,
                               support_training *t, tendril_error *err) {
  const tendril_policy_options policy = network(kind);
  *t = (support_training){0};
  TENDRIL_TRY(tendril_pool_create(threads, &t->pool, err));
  TENDRIL_TRY(
      tendril_policy_create(&policy, tendril_model_nobs(s->model), NU, T, 1, &t->policy, err));
  const tendril_trajectory y = *tendril_ilqg_get(s->ilqg), both[2] = {y, y};
  const tendril_learner_setup setup = {.model = s->model,
                                       .pool = t->pool,
                                       .policy = t->policy,
                                       .seed = 4,
                                       .demonstrations = both,
                                       .ndemonstration = demonstrations};
  return method->create(o, &setup, &t->learner, err);
}

static support_training begin(const lesson *s, const tendril_cgps_options *o, int threads) {
  support_training t;
  check_ok(try_open(s, &tnd_method_cgps, o, TENDRIL_POLICY_MLP, 1, threads, &t, check_err));
  return t;
}

// ------------------------------------------------------------------------------- what it comes to

Test(cgps, policy_and_trajectory_come_together_at_a_low_cost) {
  lesson s = prepare();
  for (int states = 0; states < 2; states++) {
    tendril_cgps_options o = options();
    o.states = states == 0 ? TENDRIL_STATES_ROLLOUTS : TENDRIL_STATES_GAUSSIAN;
    support_training t = begin(&s, &o, 2);
    support_iterations(&t, 1);
    // the first policy is taught the demonstration as it is
    cr_assert_eq(support_value(&t, "alpha"), 0);
    check_close(support_value(&t, "trajectory_cost"), tendril_ilqg_get(s.ilqg)->cost / T, 1e-12);
    cr_assert_eq(isnan(support_value(&t, "rollout_cost")), states == 1);
    const double first = support_value(&t, "kl");
    double lambda = o.lambda + o.eta * first;
    check_close(support_value(&t, "lambda"), lambda, 1e-12);
    for (int i = 1; i < 8; i++) {
      support_iterations(&t, 1);
      // equation (2), of the means
      lambda += o.eta * support_value(&t, "kl");
      check_close(support_value(&t, "lambda"), lambda, 1e-12);
      cr_assert(support_value(&t, "lambda_min") >= o.lambda &&
                support_value(&t, "kl_max") >= support_value(&t, "kl"));
      cr_assert_eq(support_value(&t, "refused"), 0);
    }
    // seeds gave a fifteenth of the divergence, costs of 0.12 and 0.07; who rests pays 1
    cr_assert(support_value(&t, "kl") < first / 5, "%g of %g nats", support_value(&t, "kl"), first);
    cr_assert_lt(support_value(&t, "trajectory_cost"), 0.15);
    cr_assert_lt(support_value(&t, "policy_cost"), 0.3);
    support_training_close(&t);
  }
  dismiss(&s);
}

Test(cgps, the_variational_kind_learns_the_likeliest_policy) {
  lesson s = prepare();
  tendril_vgps_options o;
  tendril_vgps_defaults(&o);
  o.samples = 10;
  o.tail = TAIL;
  support_training t;
  check_ok(try_open(&s, &tnd_method_vgps, &o, TENDRIL_POLICY_MLP, 1, 2, &t, check_err));
  support_iterations(&t, 1);
  const double noise = support_value(&t, "noise"), error = support_value(&t, "fit_error");
  for (int i = 1; i < 8; i++) {
    support_iterations(&t, 1);
    cr_assert_eq(support_value(&t, "lambda_max"), 0);
    // its noise is q's and the residuals': no less than q's
    cr_assert_gt(support_value(&t, "policy_noise"), support_value(&t, "noise"));
  }
  // the policy's noise is a price on q's, and the two narrow each other down
  cr_assert_lt(support_value(&t, "noise"), noise / 2);
  cr_assert_lt(support_value(&t, "fit_error"), error / 5);
  cr_assert_lt(support_value(&t, "policy_cost"), 0.3);
  support_training_close(&t);
  dismiss(&s);
}

Test(cgps, a_growing_scale_takes_noise_away) {
  lesson s = prepare();
  double noise[2];
  for (int i = 0; i < 2; i++) {
    tendril_cgps_options o = options();
    o.lambda = 1e-6;  // the noise is all but the inverse of Quu
    o.eta = 0;
    o.cost_growth = i == 0 ? 1 : 16;
    o.growth_iterations = 2;
    support_training t = begin(&s, &o, 2);
    support_iterations(&t, 2);
    noise[i] = support_value(&t, "noise");
    support_training_close(&t);
  }
  check_close(noise[1] / noise[0], 0.5, 0.1);  // half way: 4, of which the noise is the root
  dismiss(&s);
}

// ------------------------------------------------------------------------------------- same bits

static support_learned learned(const support_training *t) {
  return (support_learned){t->policy, t->learner};
}

static void check_same(const support_training *a, const support_training *b) {
  static const char *const names[] = {"policy_cost", "trajectory_cost", "survived", "kl",
                                      "lambda",      "noise",           "fit_error"};
  check_same_policy(a->policy, b->policy);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const double x = support_value(a, names[i]), y = support_value(b, names[i]);
    check_same_bits(&x, &y, 1);
  }
  cr_assert_eq(tendril_learner_steps(a->learner), tendril_learner_steps(b->learner));
}

Test(cgps, training_is_the_same_bits_on_one_thread_and_on_three) {
  lesson s = prepare();
  for (int k = 0; k < 2; k++) {
    tendril_cgps_options o = options();
    o.states = k == 0 ? TENDRIL_STATES_ROLLOUTS : TENDRIL_STATES_GAUSSIAN;
    support_training one = begin(&s, &o, 1), three = begin(&s, &o, 3);
    support_iterations(&one, 3);
    support_iterations(&three, 3);
    check_same(&one, &three);
    support_training_close(&one);
    support_training_close(&three);
  }
  dismiss(&s);
}

static void check_resumes(const lesson *s, const tnd_method *method, const void *o) {
  for (int stop = 0; stop < 3; stop += 2) {
    support_training whole, parts;
    check_ok(try_open(s, method, o, TENDRIL_POLICY_MLP, 2, 2, &whole, check_err));
    check_ok(try_open(s, method, o, TENDRIL_POLICY_MLP, 2, 1, &parts, check_err));
    support_iterations(&whole, stop);
    support_pass_on(learned(&whole), learned(&parts));
    cr_assert_eq(tendril_learner_iterations(parts.learner), stop);
    support_iterations(&whole, 2);
    support_iterations(&parts, 2);
    check_same(&whole, &parts);
    support_training_close(&whole);
    support_training_close(&parts);
  }
}

Test(cgps, a_stopped_training_goes_on_to_the_same_bits) {
  lesson s = prepare();
  tendril_cgps_options o = options();
  o.cost_growth = 3;
  o.growth_iterations = 3;
  check_resumes(&s, &tnd_method_cgps, &o);
  o.states = TENDRIL_STATES_GAUSSIAN;
  o.terms = TENDRIL_TERMS_NOMINAL;
  check_resumes(&s, &tnd_method_cgps, &o);
  tendril_vgps_options v;
  tendril_vgps_defaults(&v);
  v.samples = 10;
  v.tail = TAIL;
  check_resumes(&s, &tnd_method_vgps, &v);
  dismiss(&s);
}

Test(cgps, steps_that_lose_the_trajectory_are_taken_back) {
  lesson s = prepare();
  tendril_cgps_options o = options();
  o.cost_scale = 30;
  o.reach = 0.3;  // of a stroke of 1 rad: some rollouts are lost from the start
  support_training whole = begin(&s, &o, 1), parts = begin(&s, &o, 3);
  double taken_back = 0, anchor = 0;
  for (int i = 0; i < 3; i++) {
    support_iterations(&whole, 1);
    taken_back += support_value(&whole, "taken_back");
    anchor = fmax(anchor, support_value(&whole, "anchor"));
    cr_assert_gt(support_value(&whole, "survived"), 0);
  }
  cr_assert(taken_back > 0 && anchor > 0, "%g taken back, anchor %g", taken_back, anchor);
  // what is stored and drawn again is the trajectory that was kept, and its anchor
  support_pass_on(learned(&whole), learned(&parts));
  support_iterations(&whole, 2);
  support_iterations(&parts, 2);
  check_same(&whole, &parts);
  support_training_close(&whole);
  support_training_close(&parts);
  dismiss(&s);
}

// ---------------------------------------------------------------------------------------- refusals

static void check_refused(const lesson *s, const tendril_cgps_options *o, tendril_policy_kind kind,
                          int demonstrations, tendril_status status, const char *mend) {
  support_training t;
  tendril_error err;
  cr_assert_eq(try_open(s, &tnd_method_cgps, o, kind, demonstrations, 1, &t, &err), status, "%s",
               err.text);
  cr_assert(strstr(err.text, mend), "%s", err.text);
  cr_assert_null(strchr(err.text, '\n'), "%s", err.text);
  support_training_close(&t);
}

Test(cgps, says_what_is_wrong) {
  lesson s = prepare();
  tendril_cgps_options o = options();
  check_refused(&s, &o, TENDRIL_POLICY_MLP, 0, TENDRIL_E_CONFIG, "demonstration.steps");
  check_refused(&s, &o, TENDRIL_POLICY_TIME_LINEAR, 1, TENDRIL_E_CONFIG, "policy.kind");
  o.tail = T;
  check_refused(&s, &o, TENDRIL_POLICY_MLP, 1, TENDRIL_E_CONFIG, "demonstration.steps");
  o = options();
  o.lambda = 0;  // weighs nothing
  check_refused(&s, &o, TENDRIL_POLICY_MLP, 1, TENDRIL_E_ARGUMENT, "learner.lambda");
  dismiss(&s);
}

// A unit of cost counts so much that no noise pays.
Test(cgps, noise_that_collapsed_is_named) {
  lesson s = prepare();
  tendril_cgps_options o = options();
  o.cost_scale = 1e9;
  support_training t = begin(&s, &o, 2);
  tendril_error err = {""};
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "cgps: the policy's noise has collapsed") &&
                strstr(err.text, "smaller learner.cost_scale"),
            "%s", err.text);
  support_training_close(&t);
  dismiss(&s);
}

// Of which the variational kind has the noise, and no divergence.
Test(cgps, a_demonstration_that_falls_is_named_by_the_variational_kind_too) {
  lesson s = prepare();
  tendril_vgps_options o;
  tendril_vgps_defaults(&o);
  o.samples = 10;
  o.tail = TAIL;
  o.cost_scale = 1e-3;
  o.reach = 0.3;
  support_training t;
  tendril_error err = {""};
  check_ok(try_open(&s, &tnd_method_vgps, &o, TENDRIL_POLICY_MLP, 1, 2, &t, check_err));
  cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "none of 10 rollouts") && strstr(err.text, "cost_scale"), "%s",
            err.text);
  support_training_close(&t);
  dismiss(&s);
}

Test(cgps, an_iteration_that_fails_counts_for_nothing) {
  lesson s = prepare();
  tendril_cgps_options o = options();
  o.cost_scale = 1e-3;  // noise of hundreds of N m
  o.reach = 0.3;
  support_training t = begin(&s, &o, 2);
  tendril_error err;
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(support_iterate(&t, &err), TENDRIL_E_NUMERIC);
    cr_assert(strstr(err.text, "none of 10 rollouts"), "%s", err.text);
    cr_assert_eq(tendril_learner_iterations(t.learner), 0);
    cr_assert_eq(tendril_learner_steps(t.learner), 0);
  }
  support_training_close(&t);
  dismiss(&s);
}

static tendril_status live(void *context, tendril_error *err) {
  support_training t;
  tendril_cgps_options o = options();
  o.samples = 2;
  o.fit_iterations = 1;
  tendril_status status =
      try_open(context, &tnd_method_cgps, &o, TENDRIL_POLICY_LINEAR, 2, 1, &t, err);
  if (status == TENDRIL_OK) status = support_iterate(&t, err);
  support_training_close(&t);
  return status;
}

Test(cgps, every_failed_allocation_is_a_clean_error) {
  lesson s = prepare();
  cr_assert_gt(support_fail_each_alloc(live, &s), 15);
  dismiss(&s);
}

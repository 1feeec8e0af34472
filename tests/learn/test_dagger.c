// DAGGER: its first iteration is cloning, later ones bring the policy nearer to the demonstration;
// what is kept and what it counts, the same bits on any threads and after a resume, refusals.
#include "learn/dagger.h"

#include "base/alloc.h"
#include "learn/cgps.h"
#include "policy/policy.h"
#include "support/close.h"
#include "support/demonstration.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { T = 50, TAIL = 10, TAUGHT = T - TAIL, N = 16, ROLLOUTS = 6 };

static tendril_model *swimmer(void) {
  tendril_sim_options sim = support_sim_options();
  sim.start_qpos = sim.start_qvel = 0.01;
  return support_model("swimmer-gps", &sim);
}

static tendril_dagger_options small(void) {
  tendril_dagger_options o;
  tendril_dagger_defaults(&o);
  o.samples = N;
  o.tail = TAIL;
  o.rollouts = ROLLOUTS;
  o.reach = 100;
  return o;
}

static support_demonstration begin(tendril_model *model, const tendril_dagger_options *o,
                                   int threads) {
  support_demonstration s = support_demonstrate(model, 1, T, 20, threads);
  check_ok(support_imitate(&s, &tnd_method_dagger, o, check_err));
  return s;
}

Test(dagger, begins_with_what_guided_policy_search_begins_with) {
  tendril_model *model = swimmer();
  const tendril_dagger_options o = small();
  tendril_cgps_options c;
  tendril_cgps_defaults(&c);
  c.samples = o.samples;
  c.tail = o.tail;
  c.reach = o.reach;
  c.lambda = 1;  // all equal: A^-1 are the weights, as in cloning
  support_demonstration s = begin(model, &o, 2), of_cgps = support_demonstrate(model, 1, T, 20, 2);
  check_ok(support_imitate(&of_cgps, &tnd_method_cgps, &c, check_err));
  support_imitate_on(&s, 1);
  support_imitate_on(&of_cgps, 1);
  check_same_bits(tendril_policy_get_params(s.policy), tendril_policy_get_params(of_cgps.policy),
                  tnd_policy_log_std(s.policy));
  cr_assert_eq(support_imitation(&s, "rows"), N * TAUGHT);
  cr_assert_eq(support_imitation(&s, "effective"), N * TAUGHT);
  support_demonstration_close(&s);
  support_demonstration_close(&of_cgps);
  tendril_model_destroy(model);
}

static void check_comes_nearer(const tendril_dagger_options *o) {
  tendril_model *model = swimmer();
  support_demonstration s = begin(model, o, 2);
  support_imitate_on(&s, 2);
  const double cloned = support_imitation(&s, "mismatch");
  support_imitate_on(&s, 10);
  const double mismatch = support_imitation(&s, "mismatch");
  const double cost = support_imitation(&s, "policy_cost"), best = s.of[0].cost / T;
  cr_assert_lt(mismatch, 0.7 * cloned);
  // at rest a step costs 1, the square of 1 m/s
  cr_assert(cost < best + 0.3 * (1 - best), "%g; demonstrated: %g", cost, best);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

Test(dagger, brings_the_policy_nearer_to_what_it_imitates) {
  const tendril_dagger_options o = small();
  check_comes_nearer(&o);
}

Test(dagger, so_it_does_unweighted_and_by_mean_actions) {
  tendril_dagger_options o = small();
  o.weights = TENDRIL_WEIGHTS_NONE;
  o.noise = false;
  check_comes_nearer(&o);
}

Test(dagger, keeps_as_many_iterations_as_it_is_told_and_the_demonstration) {
  tendril_model *model = swimmer();
  tendril_dagger_options o = small();
  o.keep = 2;
  support_demonstration s = begin(model, &o, 2);
  for (int k = 0; k < 5; k++) {
    support_imitate_on(&s, 1);
    const int kept = k < 2 ? k : 2;
    cr_assert_eq(support_imitation(&s, "rows"), TAUGHT * (N + kept * ROLLOUTS));
    cr_assert_eq(tendril_learner_steps(s.learner), TAUGHT * (N + k * ROLLOUTS));
  }
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

Test(dagger, an_iteration_after_the_first_allocates_nothing) {
  tendril_model *model = swimmer();
  tendril_dagger_options o = small();
  o.keep = 2;
  support_demonstration s = begin(model, &o, 2);
  support_imitate_on(&s, 1);
  const long before = tnd_alloc_count();
  support_imitate_on(&s, 4);
  cr_assert_eq(tnd_alloc_count(), before);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

Test(dagger, a_sample_counts_at_most_as_much_as_the_nominal_state) {
  tendril_model *model = swimmer();
  tendril_dagger_options o = small();
  support_demonstration s = begin(model, &o, 2);
  support_imitate_on(&s, 2);
  cr_assert(support_imitation(&s, "weight") > 0 && support_imitation(&s, "weight") < 1);
  cr_assert_lt(support_imitation(&s, "effective"), 0.6 * support_imitation(&s, "rows"));
  support_demonstration_close(&s);
  o.weights = TENDRIL_WEIGHTS_NONE;
  s = begin(model, &o, 2);
  support_imitate_on(&s, 2);
  cr_assert_eq(support_imitation(&s, "weight"), 1);
  cr_assert_eq(support_imitation(&s, "effective"), support_imitation(&s, "rows"));
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

Test(dagger, training_is_the_same_bits_on_one_two_and_three_threads) {
  tendril_model *model = swimmer();
  const tendril_dagger_options o = small();
  support_demonstration s[3];
  for (int i = 0; i < 3; i++) {
    s[i] = begin(model, &o, i + 1);
    support_imitate_on(&s[i], 3);
    check_same_bits(tendril_policy_get_params(s[i].policy), tendril_policy_get_params(s[0].policy),
                    tendril_policy_nparam(s[0].policy));
  }
  for (int i = 0; i < 3; i++)
    support_demonstration_close(&s[i]);
  tendril_model_destroy(model);
}

Test(dagger, goes_on_bit_for_bit_from_what_it_saved) {
  tendril_model *model = swimmer();
  tendril_dagger_options o = small();
  for (int keep = 2; keep <= 10; keep += 8) {  // the oldest are forgotten, and not
    o.keep = keep;
    support_demonstration whole = begin(model, &o, 2), parts = begin(model, &o, 3);
    support_check_resumes(&whole, &parts);
    support_demonstration_close(&whole);
    support_demonstration_close(&parts);
  }
  tendril_model_destroy(model);
}

Test(dagger, samples_that_it_has_no_room_for_are_refused) {
  tendril_model *model = swimmer();
  const tendril_dagger_options o = small();
  support_demonstration s = begin(model, &o, 2);
  support_imitate_on(&s, 3);
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_learner_save(s.learner, tensors, check_err));
  const char *const words[] = {"dagger.iterations", "dagger.count", "dagger.count"};
  for (int i = 0; i < 3; i++) {  // fewer iterations, samples, rollouts
    tendril_dagger_options fewer = o;
    if (i == 0) fewer.keep = 1;
    if (i == 1) fewer.samples--;
    if (i == 2) fewer.rollouts--;
    support_demonstration other = begin(model, &fewer, 1);
    tendril_error err;
    cr_assert_eq(tnd_learner_load(other.learner, tensors, &err), TENDRIL_E_FORMAT);
    cr_assert(strstr(err.text, words[i]) && !strchr(err.text, '\n'), "%s", err.text);
    support_imitate_on(&other, 1);  // it can still begin
    support_demonstration_close(&other);
  }
  tnd_tensors_destroy(tensors);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

Test(dagger, learns_from_a_demonstration_on_each_of_two_grounds) {
  tendril_sim_options sim = support_sim_options();
  sim.terrain.kind = TENDRIL_TERRAIN_SLOPES;
  sim.terrain.flat = 0.2;
  sim.terrain.seeds = 2;
  tendril_model *model = support_model("walker-gps", &sim);
  tendril_dagger_options o = small();
  support_demonstration s[2];
  for (int i = 0; i < 2; i++) {
    s[i] = support_demonstrate(model, 2, 25, 3, i + 1);
    check_ok(support_imitate(&s[i], &tnd_method_dagger, &o, check_err));
    support_imitate_on(&s[i], 2);
  }
  const double rows = support_imitation(&s[0], "rows");
  cr_assert_eq(rows, 2 * 15 * (N + ROLLOUTS));
  cr_assert(isfinite(support_imitation(&s[0], "policy_cost")));
  check_same_bits(tendril_policy_get_params(s[1].policy), tendril_policy_get_params(s[0].policy),
                  tendril_policy_nparam(s[0].policy));
  for (int i = 0; i < 2; i++)
    support_demonstration_close(&s[i]);
  tendril_model_destroy(model);
}

Test(dagger, what_it_cannot_learn_from_is_refused_in_one_line) {
  tendril_model *model = swimmer();
  tendril_dagger_options o = small();
  support_demonstration s = support_demonstrate(model, 1, T, 1, 1);
  s.setup.ndemonstration = 0;
  support_check_not_imitated(&s, &tnd_method_dagger, &o, TENDRIL_E_CONFIG,
                             "dagger: there is no demonstration");
  s.setup.ndemonstration = 1;
  o.tail = T;
  support_check_not_imitated(&s, &tnd_method_dagger, &o, TENDRIL_E_CONFIG, "nothing left to teach");
  o.tail = TAIL;
  o.keep = 0;
  support_check_not_imitated(&s, &tnd_method_dagger, &o, TENDRIL_E_ARGUMENT, "learner.keep");
  o.keep = 1;
  tendril_policy *time_linear;
  const tendril_policy_options options = support_time_linear(0);
  check_ok(tendril_policy_create(&options, 8, 2, T, 1, &time_linear, check_err));
  s.setup.policy = time_linear;
  support_check_not_imitated(&s, &tnd_method_dagger, &o, TENDRIL_E_CONFIG, "time-linear policy");
  tendril_policy_destroy(time_linear);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

// With noise of hundreds of N m.
Test(dagger, a_demonstration_that_falls_is_named) {
  tendril_model *model = swimmer();
  tendril_dagger_options o = small();
  o.cost_scale = 1e-3;
  o.reach = 0.3;
  support_demonstration s = begin(model, &o, 2);
  support_check_lost(&s, "none of 16 rollouts", "larger learner.cost_scale");
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

static tendril_status live(void *context, tendril_error *err) {
  support_demonstration s = *(support_demonstration *)context;  // of which nothing is changed
  tendril_dagger_options o = small();
  o.rollouts = 1;
  s.learner = NULL;
  tendril_status status = support_imitate(&s, &tnd_method_dagger, &o, err);
  if (status == TENDRIL_OK) status = tendril_learner_iterate(s.learner, s.values, err);
  tendril_learner_destroy(s.learner);
  return status;
}

Test(dagger, every_failed_allocation_is_a_clean_error) {
  tendril_model *model = swimmer();
  support_demonstration s = support_demonstrate(model, 1, T, 2, 1);
  cr_assert_gt(support_fail_each_alloc(live, &s), 8);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

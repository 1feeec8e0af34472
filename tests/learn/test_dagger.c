// DAGGER: its first iteration is cloning, later ones bring the policy nearer to the demonstration;
// what is kept and what it counts, the same bits on any threads and after a resume, refusals.
#include "learn/dagger.h"

#include "learn/cgps.h"
#include "policy/policy.h"
#include "support/close.h"
#include "support/demonstration.h"
#include "support/learned.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>

enum { T = 50, TAIL = 10, TAUGHT = T - TAIL, N = 16, ROLLOUTS = 6 };

TestSuite(dagger, .init = support_shared_swimmer_open, .fini = support_shared_swimmer_close);

static tendril_dagger_options small(void) {
  tendril_dagger_options o;
  tendril_dagger_defaults(&o);
  o.samples = N;
  o.tail = TAIL;
  o.rollouts = ROLLOUTS;
  o.reach = 100;
  return o;
}

static support_demonstration begin(const tendril_dagger_options *o, int threads) {
  support_demonstration s = support_demonstrate(support_shared_swimmer, 1, T, 20, threads);
  check_ok(support_imitate(&s, &tnd_method_dagger, o, check_err));
  return s;
}

Test(dagger, begins_with_what_guided_policy_search_begins_with) {
  const tendril_dagger_options o = small();
  tendril_cgps_options c;
  tendril_cgps_defaults(&c);
  c.samples = o.samples;
  c.tail = o.tail;
  c.reach = o.reach;
  c.lambda = 1;  // all equal: A^-1 are the weights, as in cloning
  support_demonstration s = begin(&o, 2),
                        of_cgps = support_demonstrate(support_shared_swimmer, 1, T, 20, 2);
  check_ok(support_imitate(&of_cgps, &tnd_method_cgps, &c, check_err));
  support_imitate_on(&s, 1);
  support_imitate_on(&of_cgps, 1);
  check_same_bits(tendril_policy_get_params(s.policy), tendril_policy_get_params(of_cgps.policy),
                  tnd_policy_log_std(s.policy));
  cr_assert_eq(support_imitation(&s, "rows"), N * TAUGHT);
  cr_assert_eq(support_imitation(&s, "effective"), N * TAUGHT);
  support_demonstration_close(&s);
  support_demonstration_close(&of_cgps);
}

static void check_comes_nearer(const tendril_dagger_options *o) {
  support_demonstration s = begin(o, 2);
  support_imitate_on(&s, 2);
  const double cloned = support_imitation(&s, "mismatch");
  support_imitate_on(&s, 10);
  const double mismatch = support_imitation(&s, "mismatch");
  const double cost = support_imitation(&s, "policy_cost"), best = s.of[0].cost / T;
  cr_assert_lt(mismatch, 0.7 * cloned);
  // at rest a step costs 1, the square of 1 m/s
  cr_assert(cost < best + 0.3 * (1 - best), "%g; demonstrated: %g", cost, best);
  support_demonstration_close(&s);
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
  tendril_dagger_options o = small();
  o.keep = 2;
  support_demonstration s = begin(&o, 2);
  for (int k = 0; k < 5; k++) {
    support_imitate_on(&s, 1);
    const int kept = k < 2 ? k : 2;
    cr_assert_eq(support_imitation(&s, "rows"), TAUGHT * (N + kept * ROLLOUTS));
    cr_assert_eq(tendril_learner_steps(s.learner), TAUGHT * (N + k * ROLLOUTS));
  }
  support_demonstration_close(&s);
}

Test(dagger, an_iteration_after_the_first_allocates_nothing) {
  tendril_dagger_options o = small();
  o.keep = 2;
  support_demonstration s = begin(&o, 2);
  support_check_allocates_nothing(s.learner, 4);
  support_demonstration_close(&s);
}

Test(dagger, a_sample_counts_at_most_as_much_as_the_nominal_state) {
  tendril_dagger_options o = small();
  support_demonstration s = begin(&o, 2);
  support_imitate_on(&s, 2);
  cr_assert(support_imitation(&s, "weight") > 0 && support_imitation(&s, "weight") < 1);
  cr_assert_lt(support_imitation(&s, "effective"), 0.6 * support_imitation(&s, "rows"));
  support_demonstration_close(&s);
  o.weights = TENDRIL_WEIGHTS_NONE;
  s = begin(&o, 2);
  support_imitate_on(&s, 2);
  cr_assert_eq(support_imitation(&s, "weight"), 1);
  cr_assert_eq(support_imitation(&s, "effective"), support_imitation(&s, "rows"));
  support_demonstration_close(&s);
}

Test(dagger, training_is_the_same_bits_on_one_two_and_three_threads) {
  const tendril_dagger_options o = small();
  support_demonstration s[3];
  for (int i = 0; i < 3; i++)
    s[i] = begin(&o, i + 1);
  support_check_alike(s, 3, 3);
  support_demonstration_close(&s[0]);
}

Test(dagger, goes_on_bit_for_bit_from_what_it_saved) {
  tendril_dagger_options o = small();
  for (int keep = 2; keep <= 10; keep += 8) {  // the oldest are forgotten, and not
    o.keep = keep;
    support_check_imitation_resumes(begin(&o, 2), begin(&o, 3));
  }
}

Test(dagger, samples_that_it_has_no_room_for_are_refused) {
  const tendril_dagger_options o = small();
  support_demonstration s = begin(&o, 2);
  support_imitate_on(&s, 3);
  const char *const words[] = {"dagger.iterations", "dagger.count", "dagger.count"};
  for (int i = 0; i < 3; i++) {  // fewer iterations, samples, rollouts
    tendril_dagger_options fewer = o;
    if (i == 0) fewer.keep = 1;
    if (i == 1) fewer.samples--;
    if (i == 2) fewer.rollouts--;
    support_check_no_room(&s, begin(&fewer, 1), words[i]);
  }
  support_demonstration_close(&s);
}

Test(dagger, learns_from_a_demonstration_on_each_of_two_grounds) {
  tendril_model *model = support_walker_on_two_grounds(0);
  const tendril_dagger_options o = small();
  support_demonstration s[2];
  for (int i = 0; i < 2; i++) {
    s[i] = support_demonstrate(model, 2, 25, 3, i + 1);
    check_ok(support_imitate(&s[i], &tnd_method_dagger, &o, check_err));
  }
  support_check_alike(s, 2, 2);
  cr_assert_eq(support_imitation(&s[0], "rows"), 2 * 15 * (N + ROLLOUTS));
  cr_assert(isfinite(support_imitation(&s[0], "policy_cost")));
  support_demonstration_close(&s[0]);
  tendril_model_destroy(model);
}

Test(dagger, what_it_cannot_learn_from_is_refused_in_one_line) {
  tendril_dagger_options o = small();
  support_demonstration s = support_demonstrate(support_shared_swimmer, 1, T, 1, 1);
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
  support_check_not_time_linear(&s, &tnd_method_dagger, &o);
  support_demonstration_close(&s);
}

// With noise of hundreds of N m.
Test(dagger, a_demonstration_that_falls_is_named) {
  tendril_dagger_options o = small();
  o.cost_scale = 1e-3;
  o.reach = 0.3;
  support_demonstration s = begin(&o, 2);
  support_check_lost(&s, "none of 16 rollouts", "larger learner.cost_scale");
  support_demonstration_close(&s);
}

Test(dagger, every_failed_allocation_is_a_clean_error) {
  tendril_dagger_options o = small();
  o.rollouts = 1;
  support_demonstration s = support_demonstrate(support_shared_swimmer, 1, T, 2, 1);
  cr_assert_gt(support_fail_each_imitation(&s, &tnd_method_dagger, &o, 1), 8);
  support_demonstration_close(&s);
}

// Importance-sampled guided policy search, plain and adapted: that it learns, what it accepts and
// keeps, the same bits on any threads and after a resume, refusals.
#include "learn/adapted_isgps.h"
#include "learn/isgps.h"

#include "support/close.h"
#include "support/demonstration.h"
#include "support/learned.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { T = 50, TAIL = 10, TAUGHT = T - TAIL, N = 16, ROLLOUTS = 6 };

static const tnd_method *const methods[2] = {&tnd_method_isgps, &tnd_method_adapted_isgps};

TestSuite(isgps, .init = support_shared_swimmer_open, .fini = support_shared_swimmer_close);

static tendril_isgps_options small(void) {
  tendril_isgps_options o;
  tendril_isgps_defaults(&o);
  o.samples = N;
  o.tail = TAIL;
  o.rollouts = ROLLOUTS;
  o.cost_scale = 100;
  o.reach = 100;
  return o;
}

static support_demonstration begin(const tendril_isgps_options *o, const tnd_method *method,
                                   int threads) {
  support_demonstration s = support_demonstrate(support_shared_swimmer, 1, T, 20, threads);
  check_ok(support_imitate(&s, method, o, check_err));
  return s;
}

Test(isgps, the_policy_gets_better_and_less_noisy) {
  const tendril_isgps_options o = small();
  for (int k = 0; k < 2; k++) {
    support_demonstration s = begin(&o, methods[k], 2);
    support_imitate_on(&s, 1);
    const double first = support_imitation(&s, "rollout_cost");
    cr_assert_eq(support_imitation(&s, "accepted"), 1);
    double last = first;
    for (int i = 0; i < 25; i++) {
      support_imitate_on(&s, 1);
      if (support_imitation(&s, "accepted") == 1) last = support_imitation(&s, "rollout_cost");
    }
    const double best = s.of[0].cost / T, cost = support_imitation(&s, "policy_cost");
    cr_assert_lt(last, best + 0.5 * (first - best), "%s: %g, %g", methods[k]->name, last, first);
    // at rest a step costs 1, the square of 1 m/s
    cr_assert_lt(cost, best + 0.3 * (1 - best), "%s: %g", methods[k]->name, cost);
    support_demonstration_close(&s);
  }
}

Test(isgps, the_best_policy_stays_unless_another_is_worth_more) {
  const tendril_isgps_options o = small();
  support_demonstration s = begin(&o, methods[0], 2);
  support_imitate_on(&s, 1);
  const int nparam = tendril_policy_nparam(s.policy);
  double theta[200], w_r = o.w_r;
  int accepted = 0, refused = 0;
  for (int k = 0; k < 15; k++) {
    memcpy(theta, tendril_policy_get_params(s.policy), sizeof *theta * (size_t)nparam);
    support_imitate_on(&s, 1);
    if (support_imitation(&s, "accepted") == 1) {
      cr_assert_lt(support_imitation(&s, "found_cost"), support_imitation(&s, "best_cost"));
      w_r = fmax(w_r / 10, 1e-6);
      accepted++;
    } else {
      cr_assert_geq(support_imitation(&s, "found_cost"), support_imitation(&s, "best_cost"));
      check_same_bits(tendril_policy_get_params(s.policy), theta, nparam);
      w_r = fmin(w_r * 10, 1e-2);
      refused++;
    }
    cr_assert_geq(support_imitation(&s, "gain"), 0);
    check_close(support_imitation(&s, "w_r"), w_r, 1e-15);
  }
  cr_assert(accepted > 0 && refused > 0, "%d, %d", accepted, refused);
  support_demonstration_close(&s);
}

Test(isgps, keeps_as_many_policies_as_it_is_told_and_the_guiding_samples) {
  tendril_isgps_options o = small();
  o.keep = 3;
  support_demonstration s = begin(&o, methods[0], 2);
  int64_t drawn = N;
  int policies = 0;
  for (int k = 0; k < 6; k++) {
    support_imitate_on(&s, 1);
    // one that is not accepted brings rollouts of the best one, too
    const int more = support_imitation(&s, "accepted") == 1 ? 1 : 2;
    policies = policies + more < 3 ? policies + more : 3;
    drawn += more * ROLLOUTS;
    cr_assert_eq(support_imitation(&s, "paths"), N + policies * ROLLOUTS);
    cr_assert_eq(tendril_learner_steps(s.learner), drawn * TAUGHT);
  }
  support_demonstration_close(&s);
}

Test(isgps, adapted_trajectories_move_and_others_do_not) {
  const tendril_isgps_options o = small();
  for (int k = 0; k < 2; k++) {
    support_demonstration s = begin(&o, methods[k], 2);
    support_imitate_on(&s, 1);
    const double before = support_imitation(&s, "trajectory_cost");
    check_close(before, s.of[0].cost / T, 1e-12);
    support_imitate_on(&s, 2);
    cr_assert((support_imitation(&s, "trajectory_cost") != before) == (k == 1));
    cr_assert((support_imitation(&s, "alpha") > 0) == (k == 1));
    support_demonstration_close(&s);
  }
}

Test(isgps, an_iteration_after_the_first_allocates_nothing) {
  tendril_isgps_options o = small();
  o.keep = 2;
  support_demonstration s = begin(&o, methods[0], 2);
  support_check_allocates_nothing(s.learner, 4);
  support_demonstration_close(&s);
}

Test(isgps, training_is_the_same_bits_on_one_two_and_three_threads) {
  const tendril_isgps_options o = small();
  for (int k = 0; k < 2; k++) {
    support_demonstration s[3];
    for (int i = 0; i < 3; i++)
      s[i] = begin(&o, methods[k], i + 1);
    support_check_alike(s, 3, 4);
    support_demonstration_close(&s[0]);
  }
}

Test(isgps, goes_on_bit_for_bit_from_what_it_saved) {
  tendril_isgps_options o = small();
  for (int k = 0; k < 4; k++) {  // the oldest are forgotten, and not
    o.keep = k < 2 ? 2 : 10;
    support_check_imitation_resumes(begin(&o, methods[k % 2], 2), begin(&o, methods[k % 2], 3));
  }
}

Test(isgps, paths_that_it_has_no_room_for_are_refused) {
  const tendril_isgps_options o = small();
  support_demonstration s = begin(&o, methods[0], 2);
  support_imitate_on(&s, 4);
  const char *const words[] = {"isgps.slots", "isgps.state", "isgps.state"};
  for (int i = 0; i < 3; i++) {  // fewer policies, samples, rollouts
    tendril_isgps_options fewer = o;
    if (i == 0) fewer.keep = 2;
    if (i == 1) fewer.samples--;
    if (i == 2) fewer.rollouts--;
    support_check_no_room(&s, begin(&fewer, methods[0], 1), words[i]);
  }
  support_demonstration_close(&s);
}

Test(isgps, learns_from_a_demonstration_on_each_of_two_grounds) {
  tendril_model *model = support_walker_on_two_grounds(0);
  tendril_isgps_options o = small();
  o.reach = 1;
  for (int k = 0; k < 2; k++) {
    support_demonstration s[2];
    for (int i = 0; i < 2; i++) {
      s[i] = support_demonstrate(model, 2, 25, 3, i + 1);
      check_ok(support_imitate(&s[i], methods[k], &o, check_err));
    }
    support_check_alike(s, 2, 3);
    cr_assert(isfinite(support_imitation(&s[0], "found_cost")));
    cr_assert_geq(support_imitation(&s[0], "paths"), 2 + 2 * 3 * ROLLOUTS);
    support_demonstration_close(&s[0]);
  }
  tendril_model_destroy(model);
}

Test(isgps, what_it_cannot_learn_from_is_refused_in_one_line) {
  tendril_isgps_options o = small();
  support_demonstration s = support_demonstrate(support_shared_swimmer, 1, T, 1, 1);
  s.setup.ndemonstration = 0;
  support_check_not_imitated(&s, &tnd_method_isgps, &o, TENDRIL_E_CONFIG,
                             "isgps: there is no demonstration");
  s.setup.ndemonstration = 1;
  o.tail = T;
  support_check_not_imitated(&s, &tnd_method_isgps, &o, TENDRIL_E_CONFIG, "nothing left to teach");
  o.tail = TAIL;
  o.keep = 1;
  support_check_not_imitated(&s, &tnd_method_isgps, &o, TENDRIL_E_ARGUMENT, "learner.keep");
  o.keep = 2;
  o.w_r_min = 2 * o.w_r;
  support_check_not_imitated(&s, &tnd_method_isgps, &o, TENDRIL_E_CONFIG, "learner.w_r begins at");
  o.w_r_min = 0;
  support_check_not_time_linear(&s, &tnd_method_isgps, &o);
  support_demonstration_close(&s);
}

Test(isgps, every_failed_allocation_is_a_clean_error) {
  tendril_isgps_options o = small();
  o.rollouts = 1;
  support_demonstration s = support_demonstrate(support_shared_swimmer, 1, T, 2, 1);
  cr_assert_gt(support_fail_each_imitation(&s, &tnd_method_adapted_isgps, &o, 2), 10);
  support_demonstration_close(&s);
}

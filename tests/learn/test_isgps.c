// Importance-sampled guided policy search, plain and adapted: that it learns, what it accepts and
// keeps, the same bits on any threads and after a resume, refusals.
#include "learn/adapted_isgps.h"
#include "learn/isgps.h"

#include "base/alloc.h"
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

static const tnd_method *const methods[2] = {&tnd_method_isgps, &tnd_method_adapted_isgps};

static tendril_model *swimmer(void) {
  tendril_sim_options sim = support_sim_options();
  sim.start_qpos = sim.start_qvel = 0.01;
  return support_model("swimmer-gps", &sim);
}

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

static support_demonstration begin(tendril_model *model, const tendril_isgps_options *o,
                                   const tnd_method *method, int threads) {
  support_demonstration s = support_demonstrate(model, 1, T, 20, threads);
  check_ok(support_imitate(&s, method, o, check_err));
  return s;
}

Test(isgps, the_policy_gets_better_and_less_noisy) {
  tendril_model *model = swimmer();
  const tendril_isgps_options o = small();
  for (int k = 0; k < 2; k++) {
    support_demonstration s = begin(model, &o, methods[k], 2);
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
  tendril_model_destroy(model);
}

Test(isgps, the_best_policy_stays_unless_another_is_worth_more) {
  tendril_model *model = swimmer();
  const tendril_isgps_options o = small();
  support_demonstration s = begin(model, &o, methods[0], 2);
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
  tendril_model_destroy(model);
}

Test(isgps, keeps_as_many_policies_as_it_is_told_and_the_guiding_samples) {
  tendril_model *model = swimmer();
  tendril_isgps_options o = small();
  o.keep = 3;
  support_demonstration s = begin(model, &o, methods[0], 2);
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
  tendril_model_destroy(model);
}

Test(isgps, adapted_trajectories_move_and_others_do_not) {
  tendril_model *model = swimmer();
  const tendril_isgps_options o = small();
  for (int k = 0; k < 2; k++) {
    support_demonstration s = begin(model, &o, methods[k], 2);
    support_imitate_on(&s, 1);
    const double before = support_imitation(&s, "trajectory_cost");
    check_close(before, s.of[0].cost / T, 1e-12);
    support_imitate_on(&s, 2);
    cr_assert((support_imitation(&s, "trajectory_cost") != before) == (k == 1));
    cr_assert((support_imitation(&s, "alpha") > 0) == (k == 1));
    support_demonstration_close(&s);
  }
  tendril_model_destroy(model);
}

Test(isgps, an_iteration_after_the_first_allocates_nothing) {
  tendril_model *model = swimmer();
  tendril_isgps_options o = small();
  o.keep = 2;
  support_demonstration s = begin(model, &o, methods[0], 2);
  support_imitate_on(&s, 1);
  const long before = tnd_alloc_count();
  support_imitate_on(&s, 4);
  cr_assert_eq(tnd_alloc_count(), before);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

Test(isgps, training_is_the_same_bits_on_one_two_and_three_threads) {
  tendril_model *model = swimmer();
  const tendril_isgps_options o = small();
  for (int k = 0; k < 2; k++) {
    support_demonstration s[3];
    for (int i = 0; i < 3; i++) {
      s[i] = begin(model, &o, methods[k], i + 1);
      support_imitate_on(&s[i], 4);
      check_same_bits(tendril_policy_get_params(s[i].policy),
                      tendril_policy_get_params(s[0].policy), tendril_policy_nparam(s[0].policy));
    }
    for (int i = 0; i < 3; i++)
      support_demonstration_close(&s[i]);
  }
  tendril_model_destroy(model);
}

Test(isgps, goes_on_bit_for_bit_from_what_it_saved) {
  tendril_model *model = swimmer();
  tendril_isgps_options o = small();
  for (int k = 0; k < 4; k++) {  // the oldest are forgotten, and not
    o.keep = k < 2 ? 2 : 10;
    support_demonstration whole = begin(model, &o, methods[k % 2], 2),
                          parts = begin(model, &o, methods[k % 2], 3);
    support_check_resumes(&whole, &parts);
    support_demonstration_close(&whole);
    support_demonstration_close(&parts);
  }
  tendril_model_destroy(model);
}

Test(isgps, paths_that_it_has_no_room_for_are_refused) {
  tendril_model *model = swimmer();
  const tendril_isgps_options o = small();
  support_demonstration s = begin(model, &o, methods[0], 2);
  support_imitate_on(&s, 4);
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_learner_save(s.learner, tensors, check_err));
  const char *const words[] = {"isgps.slots", "isgps.state", "isgps.state"};
  for (int i = 0; i < 3; i++) {  // fewer policies, samples, rollouts
    tendril_isgps_options fewer = o;
    if (i == 0) fewer.keep = 2;
    if (i == 1) fewer.samples--;
    if (i == 2) fewer.rollouts--;
    support_demonstration other = begin(model, &fewer, methods[0], 1);
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

Test(isgps, learns_from_a_demonstration_on_each_of_two_grounds) {
  tendril_sim_options sim = support_sim_options();
  sim.terrain.kind = TENDRIL_TERRAIN_SLOPES;
  sim.terrain.flat = 0.2;
  sim.terrain.seeds = 2;
  tendril_model *model = support_model("walker-gps", &sim);
  tendril_isgps_options o = small();
  o.reach = 1;
  for (int k = 0; k < 2; k++) {
    support_demonstration s[2];
    for (int i = 0; i < 2; i++) {
      s[i] = support_demonstrate(model, 2, 25, 3, i + 1);
      check_ok(support_imitate(&s[i], methods[k], &o, check_err));
      support_imitate_on(&s[i], 3);
    }
    cr_assert(isfinite(support_imitation(&s[0], "found_cost")));
    cr_assert_geq(support_imitation(&s[0], "paths"), 2 + 2 * 3 * ROLLOUTS);
    check_same_bits(tendril_policy_get_params(s[1].policy), tendril_policy_get_params(s[0].policy),
                    tendril_policy_nparam(s[0].policy));
    for (int i = 0; i < 2; i++)
      support_demonstration_close(&s[i]);
  }
  tendril_model_destroy(model);
}

static void check_refused(const support_demonstration *s, const tendril_isgps_options *o,
                          tendril_status status, const char *words) {
  tendril_error err = {""};
  support_demonstration try = *s;
  const tendril_status got = support_imitate(&try, &tnd_method_isgps, o, &err);
  cr_assert_eq(got, status, "%s: %s (%s)", words, tendril_status_text(got), err.text);
  cr_assert(strstr(err.text, words) && !strchr(err.text, '\n'), "'%s' is not in '%s'", words,
            err.text);
}

Test(isgps, what_it_cannot_learn_from_is_refused_in_one_line) {
  tendril_model *model = swimmer();
  tendril_isgps_options o = small();
  support_demonstration s = support_demonstrate(model, 1, T, 1, 1);
  s.setup.ndemonstration = 0;
  check_refused(&s, &o, TENDRIL_E_CONFIG, "isgps: there is no demonstration");
  s.setup.ndemonstration = 1;
  o.tail = T;
  check_refused(&s, &o, TENDRIL_E_CONFIG, "nothing left to teach");
  o.tail = TAIL;
  o.keep = 1;
  check_refused(&s, &o, TENDRIL_E_ARGUMENT, "learner.keep");
  o.keep = 2;
  o.w_r_min = 2 * o.w_r;
  check_refused(&s, &o, TENDRIL_E_CONFIG, "learner.w_r begins at");
  o.w_r_min = 0;
  tendril_policy *time_linear;
  const tendril_policy_options options = support_time_linear(0);
  check_ok(tendril_policy_create(&options, 8, 2, T, 1, &time_linear, check_err));
  s.setup.policy = time_linear;
  check_refused(&s, &o, TENDRIL_E_CONFIG, "time-linear policy");
  tendril_policy_destroy(time_linear);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

static tendril_status live(void *context, tendril_error *err) {
  support_demonstration s = *(support_demonstration *)context;  // of which nothing is changed
  tendril_isgps_options o = small();
  o.rollouts = 1;
  s.learner = NULL;
  tendril_status status = support_imitate(&s, &tnd_method_adapted_isgps, &o, err);
  for (int k = 0; k < 2 && status == TENDRIL_OK; k++)
    status = tendril_learner_iterate(s.learner, s.values, err);
  tendril_learner_destroy(s.learner);
  return status;
}

Test(isgps, every_failed_allocation_is_a_clean_error) {
  tendril_model *model = swimmer();
  support_demonstration s = support_demonstrate(model, 1, T, 2, 1);
  cr_assert_gt(support_fail_each_alloc(live, &s), 10);
  support_demonstration_close(&s);
  tendril_model_destroy(model);
}

// Models that differ: against tendril_evaluate() on models varied by hand, and against delays and
// noise whose effect is known.
#include "control/ops.h"
#include "sim/sim.h"
#include "support/agents.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static tendril_axis axis(const char *text) {
  tendril_axis a;
  check_ok(tendril_axis_parse(text, &a, check_err));
  return a;
}

static tendril_robust_result *run(const support_scene *s, const tendril_agent *agent,
                                  const tendril_axis *axes, int naxis, int samples) {
  const tendril_robust_options o = {
      .axes = axes, .naxis = naxis, .samples = samples, .episodes = 3, .seed = 4};
  tendril_robust_result *r = NULL;
  check_ok(tendril_robust_evaluate(s->model, agent, s->pool, &o, &r, check_err));
  return r;
}

static double mean_by_hand(const support_scene *s, const tendril_model *model,
                           const tendril_agent *agent, uint32_t series) {
  const tendril_eval_options o = {.episodes = 3, .seed = 4, .series = series};
  tendril_eval_result result;
  check_ok(tendril_evaluate(model, agent, s->pool, &o, &result, NULL, check_err));
  return result.returns.mean;
}

Test(robust, every_point_is_what_an_evaluation_of_its_model_says) {
  support_scene s;
  support_scene_open(&s, "hopper-v4", 2);
  const tendril_axis axes[] = {axis("mass=0.5:2"), axis("mass.thigh=3"), axis("motor=0.5:1"),
                               axis("friction=0.7:0.9"), axis("floor=0.1")};
  tendril_robust_result *r = run(&s, s.agent, axes, 5, 4);
  cr_assert_eq(r->ncorner, 8);
  cr_assert_eq(r->nsample, 4);
  cr_assert_eq(r->points[0].returns.mean, mean_by_hand(&s, s.model, s.agent, 0));
  cr_assert(isnan(r->points[0].values[0]));
  int worst = 0;
  double means[4];
  for (int i = 1; i < 13; i++) {
    const double *x = r->points[i].values;
    tendril_variation v;
    tendril_variation_defaults(&v);
    v.mass = x[0], v.motor = x[2], v.friction = x[3], v.floor = 0.1;
    v.nbody = 1;
    strcpy(v.body[0].name, "thigh");
    v.body[0].kg = 3;
    tendril_model *model = NULL;
    check_ok(tendril_model_vary(s.model, &v, &model, check_err));
    cr_assert_eq(r->points[i].returns.mean, mean_by_hand(&s, model, s.agent, 0), "%d", i);
    tendril_model_destroy(model);
    for (int k = 0; k < 5; k++) {
      cr_assert(x[k] >= axes[k].low && x[k] <= axes[k].high);
      if (i <= 8) cr_assert(x[k] == axes[k].low || x[k] == axes[k].high);
    }
    for (int j = 1; j < i && i <= 8; j++)
      cr_assert(memcmp(r->points[j].values, x, 5 * sizeof *x) != 0, "a corner is there twice");
    if (i > 8) means[i - 9] = r->points[i].returns.mean;
    if (r->points[i].returns.mean < r->points[worst].returns.mean) worst = i;
  }
  tendril_summary all;
  check_ok(tendril_summarise(means, 4, 4, &all, check_err));
  check_same_summary(&all, &r->mean);
  cr_assert_eq(r->worst, worst);
  tendril_robust_result_destroy(r);
  support_scene_close(&s);
}

// An agent whose actions tell the step that they were made in, and which looks at what arrived of
// them: the control that MuJoCo had in the step before.
static int episodes_begun, delay;

static tendril_status begin_counting(tendril_controller *c, const tendril_env *env,
                                     const double *obs, tendril_error *err) {
  (void)c, (void)env, (void)obs, (void)err;
  episodes_begun++;
  return TENDRIL_OK;
}

static tendril_status act_by_step(tendril_controller *c, const tendril_env *env, int t,
                                  const double *obs, double *action, tendril_error *err) {
  (void)c, (void)obs, (void)err;
  const int late = episodes_begun == 1 ? 0 : delay;  // the first episode is the unvaried model's
  if (t > 0 && episodes_begun <= 2)
    cr_assert_eq(env->data->ctrl[0], t > late ? 0.001 * (t - late) : 0, "step %d", t);
  action[0] = 0.001 * (t + 1);
  return TENDRIL_OK;
}

Test(robust, actions_are_late_by_whole_steps_and_zeros_come_before) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  tnd_agent_ops ops = *support_balancer.ops;
  ops.begin = begin_counting;
  ops.act = act_by_step;
  const tendril_agent agent = {&ops};
  for (delay = 0; delay <= 3; delay++) {
    const tendril_axis late = {.kind = TENDRIL_VARY_LATENCY, .low = delay, .high = delay};
    const tendril_robust_options o = {.axes = &late, .naxis = 1, .episodes = 1, .seed = 4};
    tendril_robust_result *r = NULL;
    episodes_begun = 0;
    check_ok(tendril_robust_evaluate(s.model, &agent, s.pool, &o, &r, check_err));
    cr_assert_eq(episodes_begun, 3);  // unvaried, the corner, the worst again
    cr_assert_gt(r->points[1].length, delay + 2);
    cr_assert_eq(r->mean.n, 0);
    tendril_robust_result_destroy(r);
  }
  support_scene_close(&s);
}

Test(robust, a_balanced_pole_minds_delay_and_noise) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 2);
  const tendril_axis axes[] = {axis("latency=0:4"), axis("noise=0:300")};
  tendril_robust_result *r = run(&s, &support_balancer, axes, 2, 20);
  cr_assert_eq(r->points[0].returns.mean, 1000);
  // corners: neither, late, noisy, both
  cr_assert_eq(r->points[1].returns.mean, 1000);
  cr_assert_lt(r->points[2].returns.mean, 1000);
  cr_assert_lt(r->points[3].returns.mean, 1000);
  bool drawn[5] = {false};
  for (int i = 5; i < 25; i++) {
    const double steps = r->points[i].values[0];
    cr_assert(steps == floor(steps) && steps >= 0 && steps <= 4);
    drawn[(int)steps] = true;
  }
  cr_assert(drawn[0] && drawn[1] && drawn[2] && drawn[3] && drawn[4]);
  tendril_robust_result_destroy(r);
  support_scene_close(&s);
}

Test(robust, the_same_on_any_number_of_threads) {
  tendril_robust_result *first = NULL;
  const tendril_axis axes[] = {axis("mass=0.5:2"), axis("latency=0:2"), axis("noise=0:0.1")};
  for (int threads = 1; threads <= 4; threads += 3) {
    support_scene s;
    support_scene_open(&s, "hopper-v4", threads);
    tendril_agent *agent;
    check_ok(tendril_agent_create(s.policy, true, &agent, check_err));
    tendril_robust_result *r = run(&s, agent, axes, 3, 12);
    if (first) {
      for (int i = 0; i < 1 + 8 + 12; i++) {
        check_same_bits(r->points[i].values, first->points[i].values, 3 * (i > 0));
        check_same_summary(&r->points[i].returns, &first->points[i].returns);
      }
      cr_assert_eq(r->steps, first->steps);
      cr_assert_eq(r->again.mean, first->again.mean);
      tendril_robust_result_destroy(r);
    } else {
      first = r;
    }
    tendril_agent_destroy(agent);
    support_scene_close(&s);
  }
  tendril_robust_result_destroy(first);
}

Test(robust, boxes_have_names) {
  tendril_axis axes[TENDRIL_MAX_AXES];
  char name[80];
  int n = 0;
  tendril_error err = {{0}};
  tendril_model *hopper = support_model("hopper-v4", NULL),
                *swimmer = support_model("swimmer", NULL);
  check_ok(tendril_box_find(hopper, NULL, axes, &n, check_err));
  cr_assert_eq(n, 3);
  cr_assert_str_eq(tendril_axis_name(&axes[2], name), "mass.thigh");
  cr_assert_eq(axes[2].high, 4);
  check_ok(tendril_box_find(swimmer, NULL, axes, &n, check_err));
  cr_assert_eq(n, 5);
  cr_assert_eq(tendril_box_find(swimmer, "rrls", axes, &n, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tendril_box_find(swimmer, "genral", axes, &n, &err), TENDRIL_E_UNKNOWN);
  cr_assert_not_null(strstr(err.text, "did you mean general?"));
  tendril_model_destroy(hopper);
  tendril_model_destroy(swimmer);
}

Test(robust, what_makes_no_sense_is_refused_in_one_line) {
  static const struct {
    const char *text, *why;
  } texts[] = {{"mas=1:2", "did you mean mass?"}, {"mass", "needs a range"},
               {"mass=", "needs a range"},        {"mass=1:", "needs a range"},
               {"mass=nan:1", "needs a range"},   {"mass=2:1", "2 is more than 1"},
               {"=1:2", "no such axis"},          {"", "no such axis"}};
  tendril_axis a;
  tendril_error err = {{0}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    cr_assert_neq(tendril_axis_parse(texts[i].text, &a, &err), TENDRIL_OK, "%s", texts[i].text);
    cr_assert_not_null(strstr(err.text, texts[i].why), "%s", err.text);
  }
  support_scene s;
  support_scene_open(&s, "hopper-v4", 1);
  tnd_agent_ops ops = *support_balancer.ops;
  ops.sees_state = true;
  const tendril_agent seer = {&ops};
  const struct {
    const char *axis, *other;
    int naxis, samples, episodes;
    const tendril_agent *agent;
    tendril_status status;
    const char *why;
  } cases[] = {
      {"mass=1:2", "mass=1:2", 0, 1, 1, s.agent, TENDRIL_E_ARGUMENT, "0 axes"},
      {"mass=1:2", "mass=1:2", 2, 1, 1, s.agent, TENDRIL_E_ARGUMENT, "mass is there twice"},
      {"mass=0:2", "mass=1:2", 1, 1, 1, s.agent, TENDRIL_E_ARGUMENT, "no range from more than 0"},
      {"latency=0.5:2", "mass=1:2", 1, 1, 1, s.agent, TENDRIL_E_ARGUMENT, "steps are whole"},
      {"latency=0:2000", "mass=1:2", 1, 1, 1, s.agent, TENDRIL_E_ARGUMENT, "no range from 0 to"},
      {"noise=-1:2", "mass=1:2", 1, 1, 1, s.agent, TENDRIL_E_ARGUMENT, "no range from 0 to"},
      {"noise=0:1", "mass=1:2", 1, 1, 1, &seer, TENDRIL_E_ARGUMENT, "looks at the state itself"},
      {"mass=1:2", "mass=1:2", 1, -1, 1, s.agent, TENDRIL_E_ARGUMENT, "-1 samples"},
      {"mass=1:2", "mass=1:2", 1, 1, 0, s.agent, TENDRIL_E_ARGUMENT, "episodes: 0"},
      {"mass.tors=1:2", "mass=1:2", 1, 1, 1, s.agent, TENDRIL_E_UNKNOWN, "did you mean torso?"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const tendril_axis axes[] = {axis(cases[i].axis), axis(cases[i].other)};
    const tendril_robust_options o = {.axes = axes,
                                      .naxis = cases[i].naxis,
                                      .samples = cases[i].samples,
                                      .episodes = cases[i].episodes};
    tendril_robust_result *r = NULL;
    cr_assert_eq(tendril_robust_evaluate(s.model, cases[i].agent, s.pool, &o, &r, &err),
                 cases[i].status, "%zu: %s", i, err.text);
    cr_assert_not_null(strstr(err.text, cases[i].why), "%s", err.text);
  }
  support_scene_close(&s);
}

static tendril_status run_once(void *context, tendril_error *err) {
  const support_scene *s = context;
  const tendril_axis axes[] = {{TENDRIL_VARY_MASS, "", 1, 1}, {TENDRIL_VARY_NOISE, "", 0, 0}};
  const tendril_robust_options o = {
      .axes = axes, .naxis = 2, .samples = 1, .episodes = 1, .seed = 4};
  tendril_robust_result *r = NULL;
  const tendril_status status = tendril_robust_evaluate(s->model, s->agent, s->pool, &o, &r, err);
  if (status == TENDRIL_OK) tendril_robust_result_destroy(r);
  return status;
}

Test(robust, every_failed_allocation_is_a_clean_error) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  cr_assert_gt(support_fail_each_alloc(run_once, &s), 12);
  support_scene_close(&s);
}

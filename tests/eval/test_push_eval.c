// Pushes on agents whose answer is known: a pole that is held up by feedback, a swimmer that
// swims on or does not.
#include "support/agents.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const double newtons[] = {1, 5, 20, 60, 300};
static tendril_push directions[2] = {{.direction = {1, 0, 0}}, {.direction = {-1, 0, 0}}};

typedef struct scene {
  tendril_model *model;
  tendril_pool *pool;
  tendril_push_options o;
} scene;

static scene scene_open(const char *task, int threads) {
  scene s = {0};
  tendril_sim_options sim = support_sim_options();
  sim.start_qpos = sim.start_qvel = 0.01;
  s.model = support_model(task, &sim);
  s.pool = support_pool(threads);
  tendril_push_defaults(&s.o);
  s.o.newtons = newtons;
  s.o.nnewton = 5;
  s.o.directions = directions;
  s.o.ndirection = 2;
  s.o.phases = 3;
  return s;
}

static void scene_close(scene *s) {
  tendril_pool_destroy(s->pool);
  tendril_model_destroy(s->model);
}

static tendril_push_result *push(const scene *s, const tendril_agent *agent) {
  tendril_push_result *result = NULL;
  check_ok(tendril_push_evaluate(s->model, agent, s->pool, &s->o, &result, check_err));
  return result;
}

Test(push_eval, a_pole_that_is_held_gets_over_small_pushes_and_not_over_large_ones) {
  scene s = scene_open("inverted-pendulum-v4", 2);
  strcpy(directions[0].body, "pole");
  strcpy(directions[1].body, "pole");
  tendril_push_result *r = push(&s, &support_balancer);
  cr_assert_eq(r->settled, 5);
  for (int p = 0; p < 3; p++)
    cr_assert_eq(r->calm[p], 5);
  for (int d = 0; d < 2; d++)
    for (int p = 0; p < 3; p++) {
      const int *at = r->recovered + (d * 3 + p) * 5, *fallen = r->fallen + (d * 3 + p) * 5;
      cr_assert_eq(at[0], 5);
      cr_assert_eq(at[4], 0);
      for (int k = 0; k < 5; k++)
        cr_assert_eq(at[k] + fallen[k], 5);  // it need not move
    }
  // no gait: nothing moves but by noise
  cr_assert_eq(r->rollouts, 3 * 5 * (2 * 5 + 1));
  cr_assert_lt(r->speed, 0.05);
  // the threshold is one of the grid; cart and pole are one tree
  cr_assert(tendril_push_threshold(r) >= 1 && tendril_push_threshold(r) < 300);
  const mjModel *m = tendril_model_mujoco(s.model);
  check_close(r->mass, m->body_mass[1] + m->body_mass[2], 1e-12);
  check_close(tendril_push_velocity(r, 10), 10 * 0.1 / r->mass, 1e-12);
  tendril_push_result_destroy(r);
  scene_close(&s);
}

Test(push_eval, a_threshold_counts_only_if_every_smaller_push_passes) {
  // the definition, on counts as they were returned
  scene s = scene_open("inverted-pendulum-v4", 1);
  s.o.share = 0.6;
  tendril_push_result *r = push(&s, &support_balancer);
  for (int d = 0; d < 2; d++) {
    double least = HUGE_VAL;
    for (int p = 0; p < 3; p++) {
      double largest = 0;
      for (int k = 0; k < 5; k++) {
        bool all = true;
        for (int j = 0; j <= k; j++)
          all &= r->recovered[(d * 3 + p) * 5 + j] >= 3;
        if (all) largest = newtons[k];
      }
      cr_assert_eq(r->threshold[d * 3 + p], largest);
      least = fmin(least, largest);
    }
    cr_assert_eq(r->direction_threshold[d], least);
  }
  tendril_push_result_destroy(r);
  scene_close(&s);
}

Test(push_eval, a_swimmers_gait_is_its_stroke_and_who_stops_has_not_recovered) {
  scene s = scene_open("swimmer-v4", 2);
  s.o.nnewton = 1;
  s.o.watch = 4;
  tendril_push_result *r = push(&s, &support_swimmer);
  check_close(r->period, support_stroke, 0.02);  // half a control step
  cr_assert_gt(r->strength, 0.7);
  cr_assert_neq(r->joint[0], '\0');
  cr_assert_gt(r->speed, 0.05);
  for (int i = 0; i < 6; i++)
    cr_assert_eq(r->recovered[i], 5);
  tendril_push_result_destroy(r);

  s.o.settle = 0.5;
  s.o.watch = 3;  // stops after 4 s, before the end of every recovery
  s.o.recover = 12;
  r = push(&s, &support_tired_swimmer);
  for (int i = 0; i < 6; i++) {
    cr_assert_eq(r->recovered[i], 0);
    cr_assert_eq(r->fallen[i], 0);
  }
  tendril_push_result_destroy(r);
  scene_close(&s);
}

Test(push_eval, the_same_on_any_number_of_threads) {
  tendril_push_result *first = NULL;
  for (int threads = 1; threads <= 4; threads += 3) {
    scene s = scene_open("inverted-pendulum-v4", threads);
    tendril_push_result *r = push(&s, &support_balancer);
    if (first) {
      const size_t cells = sizeof(int) * 2 * 3 * 5;
      cr_assert_arr_eq(r->recovered, first->recovered, cells);
      cr_assert_arr_eq(r->fallen, first->fallen, cells);
      check_same_bits(&r->speed, &first->speed, 1);
      check_same_bits(&r->height, &first->height, 1);
      check_same_bits(&r->period, &first->period, 1);
      cr_assert_eq(r->steps, first->steps);
      tendril_push_result_destroy(r);
    } else {
      first = r;
    }
    scene_close(&s);
  }
  tendril_push_result_destroy(first);
}

static void expect_refusal(const scene *s, const tendril_agent *agent, tendril_status status,
                           const char *text) {
  tendril_push_result *r = NULL;
  tendril_error err = {{0}};
  const tendril_status got = tendril_push_evaluate(s->model, agent, s->pool, &s->o, &r, &err);
  cr_assert_eq(got, status, "%s", err.text);
  cr_assert_not_null(strstr(err.text, text), "%s", err.text);
  cr_assert_null(strchr(err.text, '\n'));
}

Test(push_eval, what_makes_no_sense_is_refused_in_one_line) {
  static const double falling[] = {5, 5}, nans[] = {NAN, 5};
  scene s = scene_open("inverted-pendulum-v4", 1), good = s;
  support_scene other;
  support_scene_open(&other, "hopper-v4", 1);
  expect_refusal(&s, other.agent, TENDRIL_E_ARGUMENT, "for a task of 4 and 1");
  s.o.nnewton = 0;
  expect_refusal(&s, &support_balancer, TENDRIL_E_ARGUMENT, "an empty grid: 0 sizes");
  s.o = good.o, s.o.newtons = falling, s.o.nnewton = 2;
  expect_refusal(&s, &support_balancer, TENDRIL_E_ARGUMENT, "newtons must rise; 5 follows 5");
  s.o = good.o, s.o.newtons = nans, s.o.nnewton = 2;
  expect_refusal(&s, &support_balancer, TENDRIL_E_ARGUMENT, "newtons nan is out of range");
  s.o = good.o, s.o.seconds = NAN;
  expect_refusal(&s, &support_balancer, TENDRIL_E_ARGUMENT, "seconds nan is out of range");
  s.o = good.o, s.o.period = 1e-300;
  expect_refusal(&s, &support_balancer, TENDRIL_E_ARGUMENT, "period 1e-300 is out of range");
  s.o = good.o, s.o.replicas = 1000000, s.o.phases = 1000;
  expect_refusal(&s, &support_balancer, TENDRIL_E_ARGUMENT, "more than ten million rollouts");
  s.o = good.o, s.o.settle = 100;
  expect_refusal(&s, &support_balancer, TENDRIL_E_ARGUMENT, "more than the 40 s of an episode");
  s.o = good.o, s.o.recover = 100;
  expect_refusal(&s, &support_balancer, TENDRIL_E_ARGUMENT, "sim.max_steps");
  s.o = good.o;
  expect_refusal(&s, tendril_agent_zero(), TENDRIL_E_ARGUMENT,
                 "unpushed, all 5 replicas fall before 6 s");
  strcpy(directions[1].body, "pol");
  expect_refusal(&s, &support_balancer, TENDRIL_E_UNKNOWN, "did you mean pole?");
  support_scene_close(&other);
  scene_close(&s);
}

Test(push_eval, a_robot_on_the_floor_has_not_settled_though_its_task_goes_on) {
  scene s = scene_open("walker-gps", 1);
  expect_refusal(&s, tendril_agent_zero(), TENDRIL_E_ARGUMENT, "fall before 6 s");
  scene_close(&s);
}

// A blow that makes a mass on a critically damped spring v m/s fast takes it v t exp(-2 t) away,
// 0.135 v after a second, when it is looked at for the first time. Upright at 0.6 of the height is
// 0.4 m below it, where the mean is 1 m below the ground just as where it is above: 2.96 m/s.
Test(push_eval, a_robot_that_hangs_below_the_ground_is_upright_where_it_hangs) {
  static const double sizes[] = {5, 25, 35, 80};  // N, for 0.1 s on 1 kg
  scene s = scene_open("inverted-pendulum-v4", 1);
  tendril_model_destroy(s.model);
  check_ok(
      tendril_model_create(&support_toy, support_mjcf("sprung.xml"), NULL, &s.model, check_err));
  static tendril_push down[1] = {{.direction = {0, 0, -1}}};
  s.o.newtons = sizes;
  s.o.nnewton = 4;
  s.o.directions = down;
  s.o.ndirection = s.o.phases = s.o.replicas = 1;
  s.o.settle = 0.1;
  s.o.watch = 0.5;
  tendril_push_result *r = push(&s, tendril_agent_zero());
  check_close(r->height, -1, 1e-12);
  cr_assert_eq(r->settled, 1);
  cr_assert_eq(r->calm[0], 1);
  for (int k = 0; k < 4; k++)
    cr_assert_eq(r->recovered[k], k < 2, "%g N", sizes[k]);
  tendril_push_result_destroy(r);
  scene_close(&s);
}

static tendril_status push_once(void *context, tendril_error *err) {
  const scene *s = context;
  tendril_push_result *r = NULL;
  const tendril_status status =
      tendril_push_evaluate(s->model, &support_balancer, s->pool, &s->o, &r, err);
  if (status == TENDRIL_OK) tendril_push_result_destroy(r);
  return status;
}

Test(push_eval, every_failed_allocation_is_a_clean_error) {
  scene s = scene_open("inverted-pendulum-v4", 1);
  s.o.phases = s.o.replicas = s.o.nnewton = 1;
  cr_assert_gt(support_fail_each_alloc(push_once, &s), 6);
  scene_close(&s);
}

// A wave of joint angles: its torques against its equation, its period, which models it is for.
#include "support/close.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/wave.h>

enum { NQ = 5, NU = 2, NOBS = 8 };  // of swimmer-gps; its joints are the last two positions

typedef struct scene {
  tendril_model *model;
  tendril_env *env;
  tendril_agent *agent;
  tendril_controller *controller;
  double obs[NOBS];
} scene;

static void open_scene(scene *s, const tendril_wave_options *options) {
  s->model = support_model("swimmer-gps", NULL);
  s->env = support_env(s->model, 1, NULL);
  check_ok(tendril_agent_wave_create(options, &s->agent, check_err));
  check_ok(tendril_controller_create(s->agent, s->model, &s->controller, check_err));
  check_ok(tendril_controller_reset(s->controller, 1, 0, 0, s->env, s->obs, check_err));
}

static void close_scene(scene *s) {
  tendril_controller_destroy(s->controller);
  tendril_agent_destroy(s->agent);
  tendril_env_destroy(s->env);
  tendril_model_destroy(s->model);
}

Test(wave, acts_by_its_equation) {
  const tendril_wave_options o = {
      .amplitude = 0.5, .frequency = 1.5, .lag = 0.7, .kp = 30, .kd = 2};
  scene s;
  open_scene(&s, &o);
  mjData *data = tendril_env_data(s.env);
  const double angle[NU] = {0.3, -0.2}, rate[NU] = {-1, 0.4};
  memcpy(data->qpos + NQ - NU, angle, sizeof angle);
  memcpy(data->qvel + NQ - NU, rate, sizeof rate);
  for (int t = 0; t < 30; t += 7) {
    double action[NU];
    check_ok(tendril_controller_act(s.controller, s.env, t, s.obs, action, check_err));
    for (int j = 0; j < NU; j++) {
      const double target = 0.5 * sin(6.283185307179586 * 1.5 * (t * 0.05) - j * 0.7);
      // 1e-12: a few roundings of numbers below 100
      check_close(action[j], 30 * (target - angle[j]) - 2 * rate[j], 1e-12);
    }
  }
  close_scene(&s);
}

Test(wave, remembers_nothing_and_comes_back_after_a_period) {
  tendril_wave_options o;
  tendril_wave_defaults(&o);
  o.frequency = 1;  // 20 control steps
  scene s;
  open_scene(&s, &o);
  double first[NU], later[NU];
  check_ok(tendril_controller_act(s.controller, s.env, 3, s.obs, first, check_err));
  check_ok(tendril_controller_act(s.controller, s.env, 11, s.obs, later, check_err));
  cr_assert_gt(fabs(later[0] - first[0]), 1);
  check_ok(tendril_controller_act(s.controller, s.env, 43, s.obs, later, check_err));
  // 1e-12: the sine of an angle of two turns, times 14
  for (int j = 0; j < NU; j++)
    check_close(later[j], first[j], 1e-12);
  close_scene(&s);
}

static void expect_refused(const char *task, const tendril_agent *agent) {
  tendril_model *model = support_model(task, NULL);
  tendril_controller *controller = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_controller_create(agent, model, &controller, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, task), "%s", err.text);
  cr_assert_null(controller);
  tendril_model_destroy(model);
}

Test(wave, is_for_torque_motors_on_hinges) {
  tendril_wave_options o;
  tendril_wave_defaults(&o);
  tendril_agent *agent = NULL;
  check_ok(tendril_agent_wave_create(&o, &agent, check_err));
  cr_assert_str_eq(tendril_agent_name(agent), "wave");
  cr_assert(tendril_agent_sees_state(agent));
  expect_refused("inverted-pendulum-v4", agent);  // its motor is on a slide
  tendril_agent_destroy(agent);
  o.frequency = 0;
  agent = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_agent_wave_create(&o, &agent, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "wave.frequency"), "%s", err.text);
  cr_assert_null(agent);
}

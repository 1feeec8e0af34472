// The pure step map: what decides it, and its derivatives against central differences of itself.
#include "trajopt/transition.h"

#include "sim/push.h"
#include "sim/sim.h"

#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NX_MAX = 32, NU_MAX = 8 };

typedef struct stage {
  tendril_model *model;
  tnd_transition *f;
  int nq, nv, nu, n;
} stage;

static stage open_model(tendril_model *model) {
  stage s = {.model = model};
  const mjModel *m = tendril_model_mujoco(s.model);
  s.nq = (int)m->nq;
  s.nv = (int)m->nv;
  s.nu = (int)m->nu;
  s.n = 2 * s.nv;
  check_ok(tnd_transition_create(s.model, &s.f, check_err));
  return s;
}

static stage setup(const char *task) {
  return open_model(support_model(task, NULL));
}

static void shut(stage *s) {
  tnd_transition_destroy(s->f);
  tendril_model_destroy(s->model);
}

// A state that an episode of small random controls passes through.
static void visit(const stage *s, int steps, double *x, double *u) {
  double obs[64], next[NX_MAX];
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_env *env = support_env(s->model, 0, obs);
  memcpy(x, tendril_env_data(env)->qpos, sizeof *x * (size_t)s->nq);
  memcpy(x + s->nq, tendril_env_data(env)->qvel, sizeof *x * (size_t)s->nv);
  tendril_env_destroy(env);
  for (int t = 0;; t++) {
    tendril_random_normals(&random, s->nu, u);
    if (t == steps) break;
    cr_assert(tnd_transition_step(s->f, t, x, u, next));
    memcpy(x, next, sizeof *x * (size_t)(s->nq + s->nv));
  }
}

Test(transition, is_the_environment_where_warm_starts_are_off) {
  stage s = setup("walker-gps");
  double obs[64], x[NX_MAX], u[NU_MAX] = {20, -10, 5, -20, 10, 3};
  tendril_env *env = support_env(s.model, 3, obs);
  const mjData *d = tendril_env_data(env);
  memcpy(x, d->qpos, sizeof *x * (size_t)s.nq);
  memcpy(x + s.nq, d->qvel, sizeof *x * (size_t)s.nv);
  for (int t = 0; t < 60; t++) {
    tendril_step step;
    double next[NX_MAX];
    check_ok(tendril_env_step(env, u, obs, &step, check_err));
    cr_assert(tnd_transition_step(s.f, t, x, u, next));
    memcpy(x, next, sizeof x);
    check_same_bits(x, d->qpos, s.nq);
    check_same_bits(x + s.nq, d->qvel, s.nv);
  }
  tendril_env_destroy(env);
  shut(&s);
}

Test(transition, gives_the_same_bits_whatever_was_done_before) {
  const char *const tasks[] = {"walker-gps", "walker2d-v4", "swimmer-gps", "quad-link"};
  for (int k = 0; k < 4; k++) {
    stage s = setup(tasks[k]);
    double x[NX_MAX], u[NU_MAX], y[NX_MAX], first[NX_MAX], again[NX_MAX];
    double *F = malloc(sizeof *F * (size_t)(s.n * (s.n + s.nu))), *G = malloc(sizeof *G * 1024);
    visit(&s, 40, x, u);
    cr_assert(tnd_transition_step(s.f, 0, x, u, first));
    cr_assert(tnd_transition_linearise(s.f, 0, x, u, F));
    // other states, and one that is out of bounds
    visit(&s, 25, y, again);
    memcpy(y, x, sizeof y);
    y[1] = 1e300;
    cr_assert_not(tnd_transition_step(s.f, 0, y, u, again));
    cr_assert_not(tnd_transition_linearise(s.f, 0, y, u, G));
    cr_assert(tnd_transition_step(s.f, 0, x, u, again));
    check_same_bits(again, first, s.nq + s.nv);
    cr_assert(tnd_transition_linearise(s.f, 0, x, u, G));
    check_same_bits(G, F, s.n * (s.n + s.nu));
    free(F);
    free(G);
    shut(&s);
  }
}

// The map as a function of (dx, u) about a state.
typedef struct around {
  stage *s;
  const double *x;
  double base[NX_MAX];
} around;

static void step_from(void *context, const double *dxu, double *y) {
  around *a = context;
  const stage *s = a->s;
  double x[NX_MAX], next[NX_MAX];
  memcpy(x, a->x, sizeof x);
  mj_integratePos(tendril_model_mujoco(s->model), x, dxu, 1);
  for (int i = 0; i < s->nv; i++)
    x[s->nq + i] += dxu[s->nv + i];
  cr_assert(tnd_transition_step(s->f, 0, x, dxu + s->n, next));
  tnd_state_difference(s->model, a->base, next, y);
}

// tolerance relative to the largest entry: forward differences of 1e-6 leave 1e-6 of curvature and
// 1e-10 of rounding, times what a control step amplifies
static void check_stage(stage s, int steps, double lift, double tolerance) {
  double x[NX_MAX], zu[NX_MAX + NU_MAX] = {0};
  const int w = s.n + s.nu;
  double *F = malloc(sizeof *F * (size_t)(s.n * w)),
         *expected = malloc(sizeof *F * (size_t)(s.n * w));
  visit(&s, steps, x, zu + s.n);
  x[1] += lift;  // off the ground, where there is one
  around a = {.s = &s, .x = x};
  cr_assert(tnd_transition_step(s.f, 0, x, zu + s.n, a.base));
  support_fd_jacobian(step_from, &a, zu, (size_t)w, (size_t)s.n, 1e-5, expected);
  cr_assert(tnd_transition_linearise(s.f, 0, x, zu + s.n, F));
  double scale = 1;
  for (int i = 0; i < s.n * w; i++)
    scale = fmax(scale, fabs(expected[i]));
  for (int i = 0; i < s.n * w; i++)
    check_close(F[i] / scale, expected[i] / scale, tolerance);
  free(F);
  free(expected);
  shut(&s);
}

static void check_derivatives(const char *task, int steps, double tolerance) {
  check_stage(setup(task), steps, 0, tolerance);
}

Test(transition, derivatives_of_a_floating_base_are_in_its_tangent_space) {
  static const tendril_integrator integrators[] = {TENDRIL_INTEGRATOR_EULER,
                                                   TENDRIL_INTEGRATOR_RK4};
  for (int i = 0; i < 2; i++) {
    tendril_sim_options options = support_sim_options();
    tendril_model *model = NULL;
    options.integrator = integrators[i];
    options.physics_steps = 2;
    check_ok(tendril_model_create(&support_toy, support_mjcf("floating.xml"), &options, &model,
                                  check_err));
    check_stage(open_model(model), 20, 0, 1e-5);
  }
}

Test(transition, derivatives_agree_with_central_differences_in_the_air_and_in_a_fluid) {
  check_derivatives("swimmer-gps", 10, 1e-5);
  check_stage(setup("walker-gps"), 0, 0.5, 1e-5);
}

Test(transition, derivatives_chain_over_the_steps_of_a_control_step) {
  // implicit and Euler with several MuJoCo steps
  check_derivatives("swimmer", 10, 1e-4);
  check_derivatives("hopper", 0, 1e-3);
}

Test(transition, under_rk4_derivatives_are_those_of_the_whole_control_step) {
  check_derivatives("double-link", 5, 1e-4);
  check_derivatives("quad-link", 5, 1e-4);
}

// ------------------------------------------------------------------ a task with motors of its own

static const double limit = 2 * 3.14159265358979323846 / 3;

// How near the switch of the soft limits a state is: the least way of a limited joint to its limit.
static double distance_from_switch(const double *x) {
  double least = HUGE_VAL;
  for (int i = 1; i < 4; i++)
    least = fmin(least, fabs(fabs(x[i]) - limit));
  return least;
}

static int count_beyond(const double *x) {
  return (fabs(x[1]) > limit) + (fabs(x[2]) > limit) + (fabs(x[3]) > limit);
}

// Controls that swing the links through their limits.
static void swing(int t, double *u) {
  for (int i = 0; i < 4; i++)
    u[i] = 20 * sin(0.21 * t + 1.7 * i);
}

Test(transition, is_the_environment_through_soft_limits) {
  stage s = setup("quad-link-limits");
  double obs[64], x[NX_MAX], u[NU_MAX];
  tendril_env *env = support_env(s.model, 3, obs);
  int beyond = 0;
  memcpy(x, obs, sizeof *x * 8);
  for (int t = 0; t < 100; t++) {
    tendril_step step;
    double next[NX_MAX];
    swing(t, u);
    check_ok(tendril_env_step(env, u, obs, &step, check_err));
    cr_assert(tnd_transition_step(s.f, t, x, u, next));
    check_same_bits(next, obs, 8);
    beyond += count_beyond(next) > 0;
    memcpy(x, next, sizeof x);
  }
  cr_assert(beyond > 10 && beyond < 90, "%d", beyond);
  tendril_env_destroy(env);
  shut(&s);
}

// x goes one control step on, through the states before each of its MuJoCo steps: the nearest that
// one of them is to the switch. `fine` makes them one by one, to the same bits.
static double pass(stage *s, stage *fine, const double *x, const double *u, double *next) {
  double y[NX_MAX], after[NX_MAX], least = HUGE_VAL;
  memcpy(y, x, sizeof y);
  for (int k = 0; k < tendril_model_physics_steps(s->model); k++) {
    least = fmin(least, distance_from_switch(y));
    cr_assert(tnd_transition_step(fine->f, 0, y, u, after));
    memcpy(y, after, sizeof y);
  }
  cr_assert(tnd_transition_step(s->f, 0, x, u, next));
  check_same_bits(y, next, 8);
  return least;
}

static void check_derivatives_through_limits(tendril_integrator integrator, int steps) {
  enum { W = 12, NX = 8 };
  tendril_sim_options sim = support_sim_options();
  sim.integrator = integrator;
  stage s = open_model(support_model("quad-link-limits", &sim));
  sim.step_seconds = 0.01;
  sim.physics_steps = 1;
  stage fine = open_model(support_model("quad-link-limits", &sim));
  double x[NX_MAX] = {3.1, 0.02, -0.01, 0.03}, next[NX_MAX], zu[NX + NU_MAX] = {0};
  int checked = 0, within = 0, crossing = 0, outside = 0;
  for (int t = 0; t < steps; t++) {
    double F[NX * W], expected[NX * W], scale = 1;
    swing(t, zu + NX);
    const double nearest = pass(&s, &fine, x, zu + NX, next);
    // differences of 1e-6 that grow by less than a thousand over the control step stay on their
    // side
    if (nearest > 1e-3) {
      around a = {.s = &s, .x = x};
      memcpy(a.base, next, sizeof a.base);
      support_fd_jacobian(step_from, &a, zu, W, NX, 1e-6, expected);
      cr_assert(tnd_transition_linearise(s.f, t, x, zu + NX, F));
      for (int i = 0; i < NX * W; i++)
        scale = fmax(scale, fabs(expected[i]));
      // forward differences of 1e-6 leave some 1e-6 of curvature
      for (int i = 0; i < NX * W; i++)
        check_close(F[i] / scale, expected[i] / scale, 1e-5);
      const int before = count_beyond(x), after = count_beyond(next);
      checked++;
      within += before == 0 && after == 0;
      crossing += before != after;
      outside += before > 0 && after > 0;
    }
    memcpy(x, next, sizeof x);
  }
  cr_assert(checked > steps / 2 && within > 5 && crossing > 3 && outside > 5,
            "%d checked: %d within, %d crossing, %d outside", checked, within, crossing, outside);
  shut(&s);
  shut(&fine);
}

Test(transition, derivatives_know_what_a_tasks_motors_do) {
  // whatever the integrator: none but the step map itself knows the feedback
  check_derivatives_through_limits(TENDRIL_INTEGRATOR_TASK, 60);
  check_derivatives_through_limits(TENDRIL_INTEGRATOR_EULER, 60);
  // whose 10 ms are too long for these links once they are fast
  check_derivatives_through_limits(TENDRIL_INTEGRATOR_IMPLICIT, 30);
}

Test(transition, derivatives_feel_the_slope_of_a_terrain) {
  tendril_sim_options options = support_sim_options();
  tendril_terrain_defaults(&options.terrain);
  options.terrain.kind = TENDRIL_TERRAIN_SLOPES;
  options.terrain.slope = 10;
  stage s = open_model(support_model("walker-gps", &options));
  const mjModel *m = tendril_model_mujoco(s.model);
  double x[NX_MAX], zu[NX_MAX + NU_MAX] = {0}, expected[18 * 24], F[18 * 24], slope, before;
  visit(&s, 40, x, zu + s.n);
  before = tendril_ground_height(m, x[0], &slope);
  x[0] += 8;
  x[1] += tendril_ground_height(m, x[0], &slope) - before;
  cr_assert(fabs(slope) > 0.02, "%g", slope);
  around a = {.s = &s, .x = x};
  cr_assert(tnd_transition_step(s.f, 0, x, zu + s.n, a.base));
  support_fd_jacobian(step_from, &a, zu, 24, 18, 1e-6, expected);
  cr_assert(tnd_transition_linearise(s.f, 0, x, zu + s.n, F));
  double felt = 0;
  for (int i = 0; i < 18 * 24; i++) {
    check_close(F[i], expected[i], 1e-3 * (1 + fabs(expected[i])));
    if (i % 24 == 0 && i > 0) felt = fmax(felt, fabs(F[i]));
  }
  cr_assert(felt > 0.1, "%g", felt);  // the ground pushes where the robot is carried into it
  shut(&s);
}

Test(transition, feels_pushes_at_their_time_only) {
  stage s = setup("walker-gps");
  double x[NX_MAX], u[NU_MAX] = {0}, quiet[NX_MAX], pushed[NX_MAX];
  double F[18 * 24], G[18 * 24], difference[18];
  visit(&s, 0, x, u);
  memset(u, 0, sizeof u);
  const tnd_pushes pushes = {.at = {{.begin = 3, .end = 5, .force = {1, {500, 0, 0}}}}, .last = 5};
  for (int t = 2; t < 6; t++) {
    tnd_transition_set_pushes(s.f, NULL);
    cr_assert(tnd_transition_step(s.f, t, x, u, quiet));
    tnd_transition_set_pushes(s.f, &pushes);
    cr_assert(tnd_transition_step(s.f, t, x, u, pushed));
    tnd_state_difference(s.model, quiet, pushed, difference);
    if (t == 3 || t == 4)
      // 5 N s on 24 kg, most of it in the torso and its legs hanging from it
      cr_assert(difference[9] > 0.1 && difference[9] < 0.5, "%g", difference[9]);
    else
      check_same_bits(pushed, quiet, s.nq + s.nv);
  }
  // derivatives are taken under the push: it does not leak into the next call
  cr_assert(tnd_transition_linearise(s.f, 3, x, u, F));
  tnd_transition_set_pushes(s.f, NULL);
  cr_assert(tnd_transition_step(s.f, 3, x, u, pushed));
  cr_assert(tnd_transition_step(s.f, 2, x, u, quiet));
  check_same_bits(pushed, quiet, s.nq + s.nv);
  cr_assert(tnd_transition_linearise(s.f, 3, x, u, G));
  cr_assert(memcmp(F, G, sizeof F) != 0);
  shut(&s);
}

Test(transition, refuses_models_with_activations) {
  // the toy task on a model whose actuator has a filter
  tendril_sim_options options = support_sim_options();
  tendril_model *model = NULL;
  tendril_error err;
  check_ok(
      tendril_model_create(&support_toy, support_mjcf("bare.xml"), &options, &model, check_err));
  tnd_transition *f = NULL;
  cr_assert(tnd_transition_create(model, &f, &err) == TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "activations"), "%s", err.text);
  tendril_model_destroy(model);
}

// Varied models: what is changed, what follows from it, and that nothing else is.
#include "base/alloc.h"
#include "sim/sim.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static tendril_variation nothing(void) {
  tendril_variation v;
  tendril_variation_defaults(&v);
  return v;
}

static tendril_model *vary(const tendril_model *base, const tendril_variation *v) {
  tendril_model *model = NULL;
  check_ok(tendril_model_vary(base, v, &model, check_err));
  return model;
}

// Some steps of random actions; qpos and qvel at the end.
static void play(const tendril_model *model, double *state) {
  tendril_env *env = support_env(model, 3, NULL);
  tendril_random random = tendril_random_stream(4, TENDRIL_PURPOSE_TEST, 0, 0);
  const mjModel *m = tendril_model_mujoco(model);
  double obs[64], action[16];
  tendril_step step = {0};
  for (int t = 0; t < 15 && !step.terminated; t++) {
    support_actions(&random, model, action);
    check_ok(tendril_env_step(env, action, obs, &step, check_err));
  }
  memcpy(state, tendril_env_data(env)->qpos, sizeof *state * (size_t)m->nq);
  memcpy(state + m->nq, tendril_env_data(env)->qvel, sizeof *state * (size_t)m->nv);
  tendril_env_destroy(env);
}

Test(variant, in_which_nothing_differs_steps_to_the_same_bits) {
  static const char *const tasks[] = {"hopper-v4", "walker2d-v4", "swimmer-v4", "walker-gps",
                                      "inverted-pendulum-v4"};
  for (int i = 0; i < 5; i++) {
    double a[32] = {0}, b[32] = {0};
    tendril_model *base = support_model(tasks[i], NULL);
    const tendril_variation v = nothing();
    tendril_model *model = vary(base, &v);
    play(base, a);
    tendril_model_destroy(base);  // it need not live
    play(model, b);
    check_same_bits(b, a, 32);
    tendril_model_destroy(model);
  }
}

Test(variant, changes_what_it_names_and_what_follows_from_it) {
  tendril_model *base = support_model("hopper-v4", NULL);
  const mjModel *m = tendril_model_mujoco(base);
  tendril_variation v = nothing();
  v.mass = 2;
  v.friction = 0.5;
  v.motor = 0.25;
  v.nbody = 1;
  strcpy(v.body[0].name, "thigh");
  v.body[0].kg = 1;
  tendril_model *model = vary(base, &v);
  const mjModel *n = tendril_model_mujoco(model);
  for (int i = 1; i < (int)m->nbody; i++) {
    const bool thigh = strcmp(mj_id2name(m, mjOBJ_BODY, i), "thigh") == 0;
    const double factor = thigh ? 1 / m->body_mass[i] : 2;
    check_close(n->body_mass[i], factor * m->body_mass[i], 1e-14);
    for (int j = 0; j < 3; j++)
      check_close(n->body_inertia[3 * i + j], factor * m->body_inertia[3 * i + j], 1e-14);
  }
  for (int i = 0; i < (int)m->ngeom; i++) {
    check_close(n->geom_friction[3 * i], 0.5 * m->geom_friction[3 * i], 1e-15);
    cr_assert_eq(n->geom_friction[3 * i + 1], m->geom_friction[3 * i + 1]);
  }
  for (int i = 0; i < (int)m->nu; i++)
    check_close(n->actuator_gear[6 * (size_t)i], 0.25 * m->actuator_gear[6 * (size_t)i], 1e-15);
  // derived anew: the whole robot's mass, and inverse weights that scale the contacts
  double mass = 0;
  for (int i = 1; i < (int)n->nbody; i++)
    mass += n->body_mass[i];
  check_close(n->body_subtreemass[0], mass, 1e-14);
  // all but the thigh twice as heavy, and no armature on the root's slides: rootz weighs the robot
  check_close(n->dof_M0[1], mass, 1e-12);
  cr_assert_neq(n->dof_invweight0[1], m->dof_invweight0[1]);
  // the base is as it was
  cr_assert_neq(m->body_mass[1], n->body_mass[1]);
  tendril_model_destroy(model);

  v = nothing();
  v.floor = 0.1;
  model = vary(base, &v);
  n = tendril_model_mujoco(model);
  for (int i = 0; i < (int)m->ngeom; i++)
    check_close(n->geom_friction[3 * i], m->geom_bodyid[i] == 0 ? 0.1 : m->geom_friction[3 * i],
                1e-15);
  tendril_model_destroy(model);
  tendril_model_destroy(base);
}

static tendril_sim_options on_rough_ground(void) {
  tendril_sim_options options;
  tendril_sim_defaults(&options);
  options.terrain.kind = TENDRIL_TERRAIN_ROUGH;
  options.terrain.flat = 0;
  options.terrain.seeds = 2;
  return options;
}

// On a ground, after some steps of no action: x of walker-gps.
static double x_on(const tendril_model *model, int ground) {
  tendril_env *env = NULL;
  const tendril_random start = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
  const double action[6] = {0};
  double obs[32];
  tendril_step step = {0};
  check_ok(tendril_env_create(model, &env, check_err));
  check_ok(tendril_env_set_ground(env, ground, check_err));
  check_ok(tendril_env_reset(env, &start, obs, check_err));
  for (int t = 0; t < 40; t++)
    check_ok(tendril_env_step(env, action, obs, &step, check_err));
  const double x = tendril_env_data(env)->qpos[0];
  tendril_env_destroy(env);
  return x;
}

Test(variant, has_the_grounds_of_its_base_under_its_own_robot) {
  const tendril_sim_options options = on_rough_ground();
  tendril_model *base = support_model("walker-gps", &options);
  tendril_variation v = nothing();
  tendril_model *same = vary(base, &v);
  v.mass = 2;
  tendril_model *heavy = vary(base, &v);
  double x[2], varied[2], slow[2];
  for (int i = 0; i < 2; i++) {
    x[i] = x_on(base, i);
    slow[i] = x_on(heavy, i);
  }
  tendril_model_destroy(base);  // it need not live
  tendril_model_destroy(heavy);
  for (int i = 0; i < 2; i++)
    varied[i] = x_on(same, i);
  tendril_model_destroy(same);
  check_same_bits(varied, x, 2);
  cr_assert_neq(x[0], x[1]);
  cr_assert_neq(slow[0], x[0]);
}

Test(variant, with_weaker_motors_moves_otherwise) {
  double a[32] = {0}, b[32] = {0};
  tendril_model *base = support_model("inverted-pendulum-v4", NULL);
  tendril_variation v = nothing();
  v.motor = 0.5;
  tendril_model *model = vary(base, &v);
  play(base, a);
  play(model, b);
  cr_assert(memcmp(a, b, sizeof a) != 0);
  tendril_model_destroy(model);
  tendril_model_destroy(base);
}

Test(variant, what_makes_no_sense_is_refused) {
  tendril_model *base = support_model("hopper-v4", NULL), *model = NULL;
  tendril_error err = {{0}};
  const struct {
    double mass, friction, motor, floor, kg;
    const char *body;
    tendril_status status;
    const char *text;
  } cases[] = {
      {0, 1, 1, -1, 1, "torso", TENDRIL_E_ARGUMENT, "mass 0 is out of range"},
      {NAN, 1, 1, -1, 1, "torso", TENDRIL_E_ARGUMENT, "mass nan is out of range"},
      {1, -1, 1, -1, 1, "torso", TENDRIL_E_ARGUMENT, "friction -1 is out of range"},
      {1, 1, INFINITY, -1, 1, "torso", TENDRIL_E_ARGUMENT, "motor inf is out of range"},
      {1, 1, 1, NAN, 1, "torso", TENDRIL_E_ARGUMENT, "floor nan is no friction"},
      {1, 1, 1, -1, 0, "torso", TENDRIL_E_ARGUMENT, "torso 0 is out of range"},
      {1, 1, 1, -1, 1, "trso", TENDRIL_E_UNKNOWN, "no body trso; did you mean torso?"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tendril_variation v = {.mass = cases[i].mass,
                           .friction = cases[i].friction,
                           .motor = cases[i].motor,
                           .floor = cases[i].floor,
                           .nbody = 1,
                           .body = {{.kg = cases[i].kg}}};
    strcpy(v.body[0].name, cases[i].body);
    cr_assert_eq(tendril_model_vary(base, &v, &model, &err), cases[i].status, "%s", err.text);
    cr_assert_not_null(strstr(err.text, cases[i].text), "%s", err.text);
  }
  cr_assert_null(model);
  tendril_model_destroy(base);
}

static tendril_status vary_once(void *context, tendril_error *err) {
  const tendril_variation v = nothing();
  tendril_model *model = NULL;
  const tendril_status status = tendril_model_vary(context, &v, &model, err);
  if (status == TENDRIL_OK) tendril_model_destroy(model);
  return status;
}

Test(variant, every_failed_allocation_is_a_clean_error) {
  const tendril_sim_options options = on_rough_ground();
  tendril_model *base = support_model("hopper-v4", &options);
  cr_assert_geq(support_fail_each_alloc(vary_once, base), 4);
  tendril_model_destroy(base);
}

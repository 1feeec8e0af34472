// SIMBICON: what it sees against MuJoCo's own kinematics, its torques against its equations, its
// memory, left and right, which models it is for.
#include "control/biped.h"
#include "control/simbicon.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/random.h>

enum { NQ = 9, NV = 9, NU = 6, NOBS = 17, KEY = 4, STATE = KEY, SINCE, MEMORY };

typedef struct scene {
  tendril_model *model;
  tendril_env *env;
  mjData *data;
  tendril_agent *agent;
  tendril_controller *controller;
  double obs[NOBS];
} scene;

static void open_scene(scene *s) {
  tendril_simbicon_options options;
  tendril_simbicon_defaults(&options);
  s->model = support_model("walker-gps", NULL);
  s->env = support_env(s->model, 1, NULL);
  s->data = tendril_env_data(s->env);
  check_ok(tendril_agent_simbicon_create(&options, &s->agent, check_err));
  check_ok(tendril_controller_create(s->agent, s->model, &s->controller, check_err));
  check_ok(tendril_controller_reset(s->controller, 1, 0, 0, s->env, s->obs, check_err));
}

static void close_scene(scene *s) {
  tendril_controller_destroy(s->controller);
  tendril_agent_destroy(s->agent);
  tendril_env_destroy(s->env);
  tendril_model_destroy(s->model);
}

// Any pose near the ground and any velocities.
static void shake(scene *s, uint32_t stream) {
  tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, stream, 0);
  double noise[NQ + NV];
  tendril_random_normals(&random, NQ + NV, noise);
  for (int i = 0; i < NQ; i++)
    s->data->qpos[i] = 0.4 * noise[i];
  s->data->qpos[1] = 1.0 + 0.1 * noise[1];
  for (int i = 0; i < NV; i++)
    s->data->qvel[i] = noise[NQ + i];
}

Test(simbicon, sees_what_mujoco_computes) {
  scene s;
  open_scene(&s);
  const mjModel *m = tendril_model_mujoco(s.model);
  static const char *const thighs[] = {"thigh", "thigh_left"}, *const feet[] = {"foot",
                                                                                "foot_left"};
  tnd_biped biped;
  check_ok(tnd_biped_find(s.model, &biped, check_err));
  int touching = 0;
  for (uint32_t k = 0; k < 50; k++) {
    shake(&s, k);
    tnd_biped_sight at;
    tnd_biped_see(&biped, s.data, &at);
    mj_kinematics(m, s.data);
    mj_comPos(m, s.data);
    check_close(at.pitch, s.data->qpos[2], 0);
    for (int i = 0; i < 2; i++) {
      const int thigh = mj_name2id(m, mjOBJ_BODY, thighs[i]);
      const int foot = mj_name2id(m, mjOBJ_BODY, feet[i]);
      const int geom = mj_name2id(m, mjOBJ_GEOM, feet[i]);
      const double *mat = s.data->xmat + 9 * thigh;
      // the thigh hangs along minus its z axis; 1e-12: sums of a few rounded products
      check_close(sin(at.thigh[i]), -mat[2], 1e-12);
      check_close(at.hip[i], s.data->xpos[3 * thigh], 1e-12);
      check_close(at.ankle[i], s.data->xpos[3 * foot], 1e-12);
      double jacobian[3 * NV], speed = 0;
      mj_jac(m, s.data, jacobian, NULL, s.data->xpos + 3 * thigh, thigh);
      for (int j = 0; j < NV; j++)
        speed += jacobian[j] * s.data->qvel[j];
      check_close(at.hip_speed[i], speed, 1e-12);
      const double along = m->geom_size[3 * geom + 1] * s.data->geom_xmat[9 * geom + 8];
      const double lowest = s.data->geom_xpos[3 * geom + 2] - fabs(along) - m->geom_size[3 * geom];
      cr_assert_eq(tnd_biped_touches(&biped, m, s.data, i), lowest < 0);
      touching += lowest < 0;
    }
  }
  cr_assert(touching > 10 && touching < 90, "%d", touching);
  close_scene(&s);
}

// On uneven ground a foot touches where that is.
Test(simbicon, feels_the_ground_that_is_there) {
  tendril_sim_options sim;
  tendril_sim_defaults(&sim);
  sim.terrain.kind = TENDRIL_TERRAIN_STEPS;
  sim.terrain.flat = 0.5;
  tendril_model *model = support_model("walker-gps", &sim);
  tendril_env *env = support_env(model, 1, NULL);
  const mjModel *m = tendril_env_mujoco(env);
  mjData *data = tendril_env_data(env);
  tnd_biped biped;
  check_ok(tnd_biped_find(model, &biped, check_err));
  double highest = 0;
  for (int i = 0; i < 200; i++) {
    // standing on the higher end of the foot; its ends are 0.06 m behind and 0.14 m before
    mju_zero(data->qpos, NQ);
    data->qpos[0] = 0.1 * i;
    const double back = tendril_ground_height(m, data->qpos[0] - 0.06, NULL);
    const double front = tendril_ground_height(m, data->qpos[0] + 0.14, NULL);
    const double ground = fmax(back, front);
    highest = fmax(highest, fabs(ground));
    data->qpos[1] = 1.12 + ground - 1e-6;
    cr_assert(tnd_biped_touches(&biped, m, data, TND_LEFT));
    data->qpos[1] = 1.12 + ground + 1e-6;
    cr_assert_not(tnd_biped_touches(&biped, m, data, TND_LEFT));
  }
  cr_assert_gt(highest, 0.02);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(simbicon, acts_by_its_equations) {
  scene s;
  open_scene(&s);
  double *q = s.data->qpos, *v = s.data->qvel, action[NU];
  // upright, the right leg forward by 0.3, in state 0, which draws it on
  mju_zero(q, NQ);
  mju_zero(v, NV);
  q[1] = 1.12;
  q[3] = -0.3;
  v[0] = 0.5;
  v[3] = 0.2;
  check_ok(tendril_controller_act(s.controller, s.env, 0, s.obs, action, check_err));
  // table 1 of the paper, gains 80 and 8, ankles 80 and 4: the stance foot is below the hip
  const double phi = 0.4 + 0.2 * 0.5;
  const double hip = -(80 * (phi - 0.3) - 8 * -0.2);
  // 1e-12: a few roundings of numbers below 100
  check_close(action[0], hip, 1e-12);
  check_close(action[3], -hip, 1e-12);
  check_close(action[1], 80 * 1.1, 1e-12);
  check_close(action[2], 80 * -0.2, 1e-12);
  check_close(action[4], 80 * 0.05, 1e-12);
  // a lean forward is held by the stance hip
  q[2] = 0.1;
  q[3] = -0.4;
  q[6] = -0.1;
  double leaning[NU];
  check_ok(tendril_controller_act(s.controller, s.env, 0, s.obs, leaning, check_err));
  // the legs as before, but for the hip's place: 0.25 m below the torso's origin
  check_close(leaning[0] + leaning[3], 80 * 0.1, 1e-12);
  close_scene(&s);
}

// Swaps the legs in a state or an action: hip, knee, ankle of the one and of the other.
static void swap_legs(double *hips) {
  for (int k = 0; k < 3; k++) {
    const double right = hips[k];
    hips[k] = hips[3 + k];
    hips[3 + k] = right;
  }
}

Test(simbicon, knows_no_left_and_right) {
  scene s;
  open_scene(&s);
  double memory[MEMORY], action[NU], mirrored[NU];
  cr_assert_eq(tendril_controller_size(s.controller), MEMORY);
  tendril_controller_save(s.controller, memory);
  for (uint32_t k = 0; k < 40; k++) {
    const int state = (int)k % 4, t = (int)k + 3;
    shake(&s, k);
    memory[STATE] = state;
    memory[SINCE] = 2;
    tendril_controller_restore(s.controller, memory);
    check_ok(tendril_controller_act(s.controller, s.env, t, s.obs, action, check_err));
    memory[STATE] = (state + 2) % 4;
    tendril_controller_restore(s.controller, memory);
    swap_legs(s.data->qpos + 3);
    swap_legs(s.data->qvel + 3);
    check_ok(tendril_controller_act(s.controller, s.env, t, s.obs, mirrored, check_err));
    swap_legs(mirrored);
    check_same_bits(mirrored, action, NU);
  }
  close_scene(&s);
}

Test(simbicon, states_follow_the_clock_and_the_feet) {
  scene s;
  open_scene(&s);
  double memory[MEMORY], action[NU];
  // standing: the lifted leg touches as soon as it is to be put down
  mju_zero(s.data->qpos, NQ);
  s.data->qpos[1] = 1.11;
  for (int t = 0; t <= 60; t++) {
    check_ok(tendril_controller_act(s.controller, s.env, t, s.obs, action, check_err));
    tendril_controller_save(s.controller, memory);
    const int state = t < 30 ? 0 : t < 31 ? 1 : 2;
    cr_assert_eq(memory[STATE], state, "%d at step %d", (int)memory[STATE], t);
  }
  // in the air it waits for land_time
  s.data->qpos[1] = 2;
  for (int t = 61; t <= 130; t++) {
    check_ok(tendril_controller_act(s.controller, s.env, t, s.obs, action, check_err));
    tendril_controller_save(s.controller, memory);
    const int state = t < 61 ? 2 : t < 121 ? 3 : 0;
    cr_assert_eq(memory[STATE], state, "%d at step %d", (int)memory[STATE], t);
  }
  close_scene(&s);
}

Test(simbicon, a_branch_goes_on_bit_for_bit) {
  scene s, other;
  open_scene(&s);
  open_scene(&other);
  double memory[MEMORY], obs[NOBS], action[NU], again[NU];
  double *snapshot = calloc((size_t)tendril_snapshot_size(s.model), sizeof *snapshot);
  tendril_step step;
  enum { FROM = 45, TO = 90 };
  for (int t = 0; t < TO; t++) {
    if (t == FROM) {
      tendril_controller_save(s.controller, memory);
      tendril_env_save(s.env, snapshot);
    }
    check_ok(tendril_controller_act(s.controller, s.env, t, s.obs, action, check_err));
    check_ok(tendril_env_step(s.env, action, s.obs, &step, check_err));
  }
  tendril_controller_restore(other.controller, memory);
  tendril_env_restore(other.env, snapshot, obs);
  for (int t = FROM; t < TO; t++) {
    // what MuJoCo derived of another state is nothing to it
    for (int i = 3; i < 3 * tendril_model_mujoco(s.model)->nbody; i++)
      other.data->xpos[i] = 7;
    check_ok(tendril_controller_act(other.controller, other.env, t, obs, again, check_err));
    check_ok(tendril_env_step(other.env, again, obs, &step, check_err));
  }
  check_same_bits(again, action, NU);
  check_same_bits(obs, s.obs, NOBS);
  free(snapshot);
  close_scene(&s);
  close_scene(&other);
}

Test(simbicon, other_robots_are_refused_in_a_line) {
  static const char *const lines[][2] = {
      {"hopper-v4", "hopper-v4 has not nine joints and six motors"},
      {"walker", "walker has in its place no hinge hip"},
      {"walker2d-v4", "walker2d-v4 has no torso on joints x, z and pitch"},
  };
  tendril_simbicon_options options;
  tendril_agent *agent = NULL;
  tendril_simbicon_defaults(&options);
  check_ok(tendril_agent_simbicon_create(&options, &agent, check_err));
  cr_assert(tendril_agent_sees_state(agent));
  cr_assert_str_eq(tendril_agent_name(agent), "simbicon");
  for (int i = 0; i < 3; i++) {
    tendril_model *model = support_model(lines[i][0], NULL);
    tendril_controller *controller = NULL;
    tendril_error err = {{0}};
    cr_assert_eq(tendril_controller_create(agent, model, &controller, &err), TENDRIL_E_ARGUMENT);
    cr_assert(strstr(err.text, lines[i][1]), "%s", err.text);
    tendril_model_destroy(model);
  }
  tendril_agent_destroy(agent);
}

Test(simbicon, numbers_out_of_range_are_refused) {
  tendril_simbicon_options options;
  tendril_agent *agent = NULL;
  tendril_error err = {{0}};
  tendril_simbicon_defaults(&options);
  options.kp_hip = NAN;
  cr_assert_eq(tendril_agent_simbicon_create(&options, &agent, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "simbicon.kp_hip"), "%s", err.text);
}

static tendril_status create_once(void *context, tendril_error *err) {
  tendril_simbicon_options options;
  tendril_agent *agent = NULL;
  tendril_controller *controller = NULL;
  tendril_simbicon_defaults(&options);
  tendril_status status = tendril_agent_simbicon_create(&options, &agent, err);
  if (status == TENDRIL_OK) status = tendril_controller_create(agent, context, &controller, err);
  tendril_controller_destroy(controller);
  tendril_agent_destroy(agent);
  return status;
}

Test(simbicon, every_failed_allocation_is_a_clean_error) {
  tendril_model *model = support_model("walker-gps", NULL);
  cr_assert_geq(support_fail_each_alloc(create_once, model), 3);
  tendril_model_destroy(model);
}

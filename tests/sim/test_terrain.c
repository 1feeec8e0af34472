// Terrain: the curve keeps what its options promise, the contacts are a plane's on level ground and
// nearest points on any other, and an environment gets another ground without compiling anything.
#include "sim/sim.h"
#include "sim/terrain.h"
#include "support/close.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static tendril_sim_options uneven(int kind) {
  tendril_sim_options o;
  tendril_sim_defaults(&o);
  o.terrain.kind = kind;
  return o;
}

static float *made(const tendril_terrain_options *o, uint64_t seed) {
  const int n = tnd_terrain_shape_of(o).n;
  float *heights = calloc((size_t)n, sizeof *heights);
  tendril_error err = {{0}};
  cr_assert_eq(tnd_terrain_make(o, seed, heights, &err), TENDRIL_OK, "%s", err.text);
  return heights;
}

static double control(const tnd_terrain_shape *s, const float *heights, int i) {
  return s->low + s->span * (double)heights[i];
}

// ------------------------------------------------------------------------------------ profile

Test(terrain, slopes_never_exceed_their_limit_and_come_near_it) {
  static const double limits[] = {0.5, 10, 45};
  for (int k = 0; k < 3; k++) {
    tendril_sim_options o = uneven(TENDRIL_TERRAIN_SLOPES);
    o.terrain.slope = limits[k];
    o.terrain.length = k == 2 ? 200 : 60;
    const tnd_terrain_shape s = tnd_terrain_shape_of(&o.terrain);
    double steepest = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
      float *heights = made(&o.terrain, seed);
      for (int i = 1; i < s.n; i++)
        steepest = fmax(steepest, fabs(control(&s, heights, i) - control(&s, heights, i - 1)));
      free(heights);
    }
    steepest = atan(steepest / TND_TERRAIN_DX) * 180 / pi;
    cr_expect(steepest <= limits[k], "%.17g of %g", steepest, limits[k]);
    cr_expect(steepest > 0.95 * limits[k], "%.17g of %g", steepest, limits[k]);
  }
}

Test(terrain, the_limit_holds_for_the_curve_between_its_numbers) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_SLOPES);
  tendril_model *model = support_model("walker", &o);
  const mjModel *m = tendril_model_mujoco(model);
  const double most = tan(10 * pi / 180);
  double before = 0;
  for (int i = -12000; i < 65000; i++) {
    const double x = 1e-3 * i;
    double slope;
    const double z = tendril_ground_height(m, x, &slope);
    cr_assert(fabs(slope) <= most, "slope %g at %g", slope, x);
    // continuous: as far as the steepest slope takes it
    cr_assert(fabs(z - before) <= 1.001e-3 * most, "a jump at %g", x);
    before = z;
  }
  tendril_model_destroy(model);
}

Test(terrain, slope_is_the_derivative_of_the_height) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_MIXED);
  tendril_model *model = support_model("walker", &o);
  const mjModel *m = tendril_model_mujoco(model);
  for (int i = 0; i < 4400; i++) {
    double slope;
    const double x = 0.0137 * i - 1, h = 1e-6;
    tendril_ground_height(m, x, &slope);
    const double told =
        (tendril_ground_height(m, x + h, NULL) - tendril_ground_height(m, x - h, NULL)) / (2 * h);
    // curvature is at most about 0.05 / dx^2 = 50 / m and jumps: h times that
    cr_assert(fabs(slope - told) < 1e-4, "%g: %g, %g", x, slope, told);
  }
  tendril_model_destroy(model);
}

Test(terrain, is_level_around_the_start_and_uneven_ahead) {
  for (int kind = TENDRIL_TERRAIN_SLOPES; kind <= TENDRIL_TERRAIN_MIXED; kind++) {
    tendril_sim_options o = uneven(kind);
    o.terrain.flat = 1.5;
    tendril_model *model = support_model("hopper", &o);
    const mjModel *m = tendril_model_mujoco(model);
    for (int i = -10000; i <= 150; i++)
      cr_assert_eq(tendril_ground_height(m, 0.01 * i, NULL), 0, "kind %d at %d cm", kind, i);
    double range = 0;
    for (int i = 150; i < 6000; i++)
      range = fmax(range, fabs(tendril_ground_height(m, 0.01 * i, NULL)));
    cr_assert(range > 0.01, "kind %d: %g", kind, range);
    // behind its end the height stays
    cr_assert_eq(tendril_ground_height(m, 61, NULL), tendril_ground_height(m, 1e6, NULL));
    tendril_model_destroy(model);
  }
}

Test(terrain, steps_and_roughness_keep_to_their_heights) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_STEPS);
  const tnd_terrain_shape s = tnd_terrain_shape_of(&o.terrain);
  float *heights = made(&o.terrain, 5);
  int risers = 0;
  for (int i = 1; i < s.n; i++) {
    const double rise = fabs(control(&s, heights, i) - control(&s, heights, i - 1));
    cr_assert(rise <= 0.05 + 1e-5, "%g", rise);
    risers += rise > 0;
  }
  cr_assert(risers >= 58 / 1.5 - 1 && risers <= 58 / 0.5, "%d", risers);
  free(heights);

  o.terrain.kind = TENDRIL_TERRAIN_ROUGH;
  const tnd_terrain_shape r = tnd_terrain_shape_of(&o.terrain);
  heights = made(&o.terrain, 5);
  double most = 0;
  for (int i = 0; i < r.n; i++)
    most = fmax(most, fabs(control(&r, heights, i)));
  cr_assert(most <= 0.03 && most > 0.01, "%g", most);
  free(heights);
}

static void *make_in_thread(void *options) {
  return made(options, 77);
}

Test(terrain, is_a_function_of_options_and_seed_in_any_thread) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_MIXED);
  const size_t size = (size_t)tnd_terrain_shape_of(&o.terrain).n * sizeof(float);
  float *one = made(&o.terrain, 77), *other = made(&o.terrain, 78);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, make_in_thread, &o.terrain);
  for (int i = 0; i < 4; i++) {
    void *again;
    pthread_join(threads[i], &again);
    cr_assert(memcmp(one, again, size) == 0);
    free(again);
  }
  cr_assert(memcmp(one, other, size) != 0);
  free(one);
  free(other);
}

// ------------------------------------------------------------------------------------ contacts

// Random actions; the state after them. [nq + nv]
static void walk(tendril_env *env, const tendril_model *model, int steps, double *out) {
  tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
  const mjModel *m = tendril_model_mujoco(model);
  double obs[64], action[16];
  tendril_step step;
  for (int t = 0; t < steps; t++) {
    support_actions(&random, model, action);
    for (int i = 0; i < m->nu; i++)
      action[i] *= 0.3;
    env->over = false;  // on the floor it goes on
    cr_assert_eq(tendril_env_step(env, action, obs, &step, NULL), TENDRIL_OK);
    cr_assert(!step.diverged, "step %d", t);
  }
  memcpy(out, env->data->qpos, sizeof *out * (size_t)m->nq);
  memcpy(out + m->nq, env->data->qvel, sizeof *out * (size_t)m->nv);
}

Test(terrain, level_ground_is_the_floor_to_the_bit) {
  static const char *const names[] = {"walker-gps", "walker2d-v4", "hopper-v4", "hopper", "walker"};
  for (int i = 0; i < 5; i++) {
    tendril_sim_options o = uneven(TENDRIL_TERRAIN_NONE);
    double state[2][64] = {{0}};
    for (int k = 0; k < 2; k++) {
      o.terrain.kind = k ? TENDRIL_TERRAIN_FLAT : TENDRIL_TERRAIN_NONE;
      tendril_model *model = support_model(names[i], &o);
      tendril_env *env = support_env(model, 0, NULL);
      walk(env, model, 300, state[k]);
      tendril_env_destroy(env);
      tendril_model_destroy(model);
    }
    check_same_bits(state[0], state[1], 64);
  }
}

// The terrain of a model under one free capsule of radius 0.05 and half length 0.1, in the air.
typedef struct probe {
  mjModel *model;
  mjData *data;
  const mjModel *ground;
} probe;

static probe make_probe(int kind, tendril_model **model) {
  const tendril_sim_options o = uneven(kind);
  *model = support_model("hopper", &o);
  const mjModel *m = tendril_model_mujoco(*model);
  probe p = {mj_copyModel(NULL, m), NULL, m};
  // the torso is the probe, the other links touch nothing
  for (int i = 0; i < m->ngeom; i++)
    if (m->geom_bodyid[i] > 1) p.model->geom_contype[i] = p.model->geom_conaffinity[i] = 0;
  const int torso = mj_name2id(m, mjOBJ_GEOM, "torso");
  p.model->geom_size[3 * torso] = 0.05;
  p.model->geom_size[3 * torso + 1] = 0.1;
  p.data = mj_makeData(p.model);
  return p;
}

static void free_probe(probe *p, tendril_model *model) {
  mj_deleteData(p->data);
  mj_deleteModel(p->model);
  tendril_model_destroy(model);
}

// Its centre at (x, z), its axis turned from upright by `pitch`; returns the number of contacts.
static int lay(probe *p, double x, double z, double pitch) {
  p->data->qpos[0] = x;
  p->data->qpos[1] = z;
  p->data->qpos[2] = pitch;
  mj_kinematics(p->model, p->data);
  mj_comPos(p->model, p->data);
  mj_collision(p->model, p->data);
  return p->data->ncon;
}

// Least distance of the ground from the segment between its ends, less the radius, by brute force.
static double brute(const probe *p, double x, double z, double pitch) {
  const double sx = sin(pitch) * 0.1, sz = cos(pitch) * 0.1;
  double least = INFINITY;
  for (int i = -6000; i <= 6000; i++) {
    const double at = x + 5e-5 * i;
    const double h = tendril_ground_height(p->ground, at, NULL);
    const double share = fmin(fmax(((at - x) * sx + (h - z) * sz) / 0.01, -1), 1);
    least = fmin(least, hypot(at - x - share * sx, h - z - share * sz));
  }
  return least - 0.05;
}

Test(terrain, a_capsule_touches_where_the_ground_is_nearest) {
  for (int kind = TENDRIL_TERRAIN_SLOPES; kind <= TENDRIL_TERRAIN_MIXED; kind++) {
    tendril_model *model;
    probe p = make_probe(kind, &model);
    tendril_random random = tendril_random_stream(9, TENDRIL_PURPOSE_TEST, (uint32_t)kind, 0);
    int touched = 0;
    for (int i = 0; i < 400; i++) {
      const double x = tendril_random_uniform(&random, 3, 50);
      const double pitch = tendril_random_uniform(&random, -pi, pi);
      const double low = 0.1 * fabs(cos(pitch)) + 0.05;
      const double z = tendril_ground_height(p.ground, x, NULL) + low +
                       tendril_random_uniform(&random, -0.02, 0.03);
      const double gap = brute(&p, x, z, pitch);
      const int n = lay(&p, x, z, pitch);
      double least = INFINITY;
      for (int k = 0; k < n; k++)
        least = fmin(least, p.data->contact[k].dist);
      // brute force is off by the square of half its grain over twice the distance, and deeper than
      // the radius it knows no sign; between its ends a capsule counts by what sticks up
      if (gap < -0.049) continue;
      if (gap > 1e-6) {
        cr_assert_eq(n, 0, "kind %d at %g: gap %g, contact %g", kind, x, gap, least);
      } else if (gap < -1e-6) {
        cr_assert(n > 0, "kind %d at %g, pitch %g: gap %g, no contact", kind, x, pitch, gap);
        cr_assert(least > gap - 1e-6, "kind %d at %g: gap %g, contact %g", kind, x, gap, least);
        touched++;
      }
    }
    cr_assert(touched > 100, "%d", touched);
    free_probe(&p, model);
  }
}

Test(terrain, contacts_come_and_go_at_depth_nought) {
  // over roughness, step by step: no contact is there that was not nearly there before
  tendril_model *model;
  probe p = make_probe(TENDRIL_TERRAIN_ROUGH, &model);
  const double step = 1e-4;
  for (int turn = 0; turn < 6; turn++) {
    double before = 0;
    for (int i = 0; i < 40000; i++) {
      const double x = 4 + step * i;
      lay(&p, x, 0.055, 1.3 + 0.11 * turn);
      double sum = 0;
      for (int k = 0; k < p.data->ncon; k++)
        sum += -p.data->contact[k].dist;
      // three contacts, whose depths change by less than slope * step each
      if (i > 0) cr_assert(fabs(sum - before) < 4 * step, "%g: %g, %g", x, before, sum);
      before = sum;
    }
  }
  free_probe(&p, model);
}

Test(terrain, a_ridge_between_its_ends_carries_a_capsule) {
  tendril_model *model;
  probe p = make_probe(TENDRIL_TERRAIN_STEPS, &model);
  // lying across the edge of a step, with its middle on it
  double x = 2;
  while (tendril_ground_height(p.ground, x, NULL) <= tendril_ground_height(p.ground, x + 0.2, NULL))
    x += 0.01;
  while (tendril_ground_height(p.ground, x + 0.01, NULL) ==
         tendril_ground_height(p.ground, x, NULL))
    x += 0.001;
  const double top = tendril_ground_height(p.ground, x, NULL);
  const int n = lay(&p, x, top + 0.045, pi / 2 + 0.2);
  bool between = false;
  for (int k = 0; k < n; k++)
    between |= fabs(p.data->contact[k].pos[0] - x) < 0.03;
  cr_assert(between, "%d contacts", n);
  free_probe(&p, model);
}

Test(terrain, is_not_touched_by_what_is_nowhere) {
  tendril_model *model;
  probe p = make_probe(TENDRIL_TERRAIN_ROUGH, &model);
  cr_assert_eq(lay(&p, (double)NAN, 0, 0), 0);
  cr_assert_eq(lay(&p, 5, (double)NAN, 0), 0);
  cr_assert_eq(lay(&p, 5, 0, (double)NAN), 0);
  cr_assert_eq(lay(&p, INFINITY, 1, 0), 0);
  free_probe(&p, model);
}

Test(terrain, goes_on_level_behind_its_drawn_end) {
  tendril_model *model;
  probe p = make_probe(TENDRIL_TERRAIN_SLOPES, &model);
  static const double places[] = {-500, -10.2, 60.5, 500};
  for (int i = 0; i < 4; i++) {
    const double z = tendril_ground_height(p.ground, places[i], NULL) + 0.04;
    cr_assert_eq(lay(&p, places[i], z, pi / 2), 2, "at %g: %d", places[i], p.data->ncon);
    cr_assert_float_eq(p.data->contact[0].dist, -0.01, 1e-9);
  }
  free_probe(&p, model);
}

// ------------------------------------------------------------------------------------ environments

Test(terrain, another_ground_at_reset_is_a_fresh_model_of_that_seed_to_the_bit) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_MIXED);
  o.terrain.flat = 0.5;
  o.terrain.seeds = 8;
  tendril_model *many = support_model("walker-gps", &o);
  cr_assert_eq(tendril_model_grounds(many), 8);
  tendril_env *env = support_env(many, 0, NULL);
  for (int i = 7; i >= 0; i -= 3) {
    double a[64] = {0}, b[64] = {0}, obs[64];
    tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, 0, 0);
    cr_assert_eq(tendril_env_set_ground(env, i, NULL), TENDRIL_OK);
    cr_assert_eq(tendril_env_reset(env, &random, obs, NULL), TENDRIL_OK);
    cr_assert_eq(tendril_env_ground(env), i);
    env->data->qvel[0] = 2;
    walk(env, many, 200, a);

    tendril_sim_options one = o;
    one.terrain.seed = 1 + i;
    one.terrain.seeds = 1;
    tendril_model *fresh = support_model("walker-gps", &one);
    tendril_env *other = support_env(fresh, 0, NULL);
    other->data->qvel[0] = 2;
    walk(other, fresh, 200, b);
    check_same_bits(a, b, 64);
    cr_expect(a[0] > 0.6, "it never came to uneven ground: %g", a[0]);
    tendril_env_destroy(other);
    tendril_model_destroy(fresh);
  }
  tendril_error err = {{0}};
  cr_assert_eq(tendril_env_set_ground(env, 8, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "8"), "%s", err.text);
  tendril_env_destroy(env);
  tendril_model_destroy(many);
}

Test(terrain, episodes_draw_their_ground_and_a_snapshot_takes_it_along) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_ROUGH);
  o.terrain.flat = 0.5;
  o.terrain.seeds = 16;
  tendril_model *model = support_model("walker-gps", &o);
  tendril_env *env = support_env(model, 0, NULL), *other = support_env(model, 1, NULL);
  double obs[64], *snapshot = calloc((size_t)tendril_snapshot_size(model), sizeof *snapshot);
  bool seen[16] = {false};
  int kinds = 0;
  for (uint32_t i = 0; i < 64; i++) {
    const tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_RESET, i, 0);
    cr_assert_eq(tendril_env_reset(env, &random, obs, NULL), TENDRIL_OK);
    kinds += !seen[env->ground];
    seen[env->ground] = true;
    double a[64] = {0}, b[64] = {0};
    if (i % 16) continue;
    env->data->qvel[0] = 2;
    walk(env, model, 30, a);
    tendril_env_save(env, snapshot);
    cr_assert(tnd_snapshot_is_good(model, snapshot));
    tendril_env_restore(other, snapshot, NULL);
    cr_assert_eq(other->ground, env->ground);
    walk(env, model, 100, a);
    walk(other, model, 100, b);
    check_same_bits(a, b, 64);
  }
  cr_assert(kinds > 8, "%d", kinds);
  snapshot[1] = 32;  // a 17th ground
  cr_assert(!tnd_snapshot_is_good(model, snapshot));
  free(snapshot);
  tendril_env_destroy(env);
  tendril_env_destroy(other);
  tendril_model_destroy(model);
}

Test(terrain, heights_that_a_task_speaks_of_are_above_the_ground) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_SLOPES);
  static const char *const names[] = {"walker-gps", "walker2d-v4", "hopper-v4", "hopper", "walker"};
  for (int i = 0; i < 5; i++) {
    tendril_model *model = support_model(names[i], &o);
    tendril_env *env = support_env(model, 0, NULL);
    const tendril_task *task = tendril_model_task(model);
    const int z = task->nobs == 2 * (int)env->mujoco->nv ? 1 : 0;
    double obs[2][64];
    for (int k = 0; k < 2; k++) {
      env->data->qpos[0] = k ? 17.3 : 0;
      env->data->qpos[1] = 1.3 + tendril_ground_height(env->mujoco, env->data->qpos[0], NULL);
      task->observe(env->mujoco, env->data, env->state, obs[k]);
      cr_expect_float_eq(obs[k][z], 1.3, 1e-14, "%s", names[i]);
    }
    cr_assert(env->data->qpos[1] != 1.3);
    tendril_env_destroy(env);
    tendril_model_destroy(model);
  }
}

// ------------------------------------------------------------------------------------ refusals

static void refused(const char *file, const char *name, const tendril_sim_options *o,
                    tendril_status status, const char *what) {
  static const char *const models = TENDRIL_SOURCE_DIR "/models/";
  tendril_model *model = NULL, *plain = support_model(name, NULL);
  tendril_error err = {{0}};
  char path[4096];
  snprintf(path, sizeof path, "%s%s", models, file);
  cr_expect_eq(tendril_model_create(tendril_model_task(plain), path, o, &model, &err), status, "%s",
               err.text);
  cr_expect(strstr(err.text, what), "%s", err.text);
  cr_expect(!strchr(err.text, '\n'), "%s", err.text);
  cr_expect_null(model);
  tendril_model_destroy(plain);
}

Test(terrain, that_makes_no_sense_is_refused) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_SLOPES);
  refused("cartpole.xml", "cartpole", &o, TENDRIL_E_CONFIG, "floor");
  refused("swimmer.xml", "swimmer", &o, TENDRIL_E_CONFIG, "terrain.kind=none");
  // whose default geom would make a capsule of the terrain
  refused("double_link.xml", "double-link", &o, TENDRIL_E_CONFIG, "named floor, and this model");
  refused("../tests/data/mjcf/aloof.xml", "swimmer", &o, TENDRIL_E_CONFIG, "nothing in this model");
  o.terrain.slope = 90;
  refused("walker.xml", "walker", &o, TENDRIL_E_ARGUMENT, "terrain.slope");
}

Test(terrain, that_buries_the_robot_is_refused) {
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_STEPS);
  o.terrain.flat = 0;
  o.terrain.step = 0.5;
  o.terrain.seeds = 20;  // some of them go up
  refused("walker.xml", "walker", &o, TENDRIL_E_CONFIG, "buries the robot");
  refused("walker.xml", "walker", &o, TENDRIL_E_CONFIG, "terrain.flat");
}

static tendril_status make_uneven(void *unused, tendril_error *err) {
  (void)unused;
  tendril_sim_options o = uneven(TENDRIL_TERRAIN_SLOPES);
  o.terrain.seeds = 2;
  tendril_tasks *tasks = NULL;
  tendril_model *model = NULL;
  tendril_status status = tendril_tasks_create(&tasks, err);
  if (status == TENDRIL_OK) status = tendril_tasks_model(tasks, "hopper", &o, &model, err);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return status;
}

Test(terrain, without_memory_is_a_clean_error) {
  setenv("TENDRIL_MODELS", TENDRIL_SOURCE_DIR "/models", 0);
  support_fail_each_alloc(make_uneven, NULL);
}

// Scenes and off-screen pictures: the same pixels again, the robot in each, any model to be seen.
#include "sim/sim.h"
#include "support/sim.h"
#include "support/view.h"
#include "view/pose.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { W = 96, H = 72, SIZE = W * H * 3 };

typedef struct fixture {
  tendril_model *model;
  tnd_scene *scene;
  tnd_offscreen *offscreen;
} fixture;

static fixture open_model(tendril_model *model, tnd_quality quality) {
  fixture f = {.model = model};
  tendril_error err = {{0}};
  cr_assert_eq(tnd_scene_create(model, quality, &f.scene, &err), TENDRIL_OK, "%s", err.text);
  tnd_scene_fit(f.scene, (double)W / H);
  cr_assert_eq(tnd_offscreen_create(&f.scene->look, W, H, 100, &f.offscreen, &err), TENDRIL_OK,
               "%s", err.text);
  return f;
}

static void close_fixture(fixture *f) {
  tnd_offscreen_destroy(f->offscreen);
  tnd_scene_destroy(f->scene);
  tendril_model_destroy(f->model);
}

Test(scene, gives_the_same_pixels_again) {
  unsigned char *first = NULL;
  for (int i = 0; i < 2; i++) {
    fixture f = open_model(support_model("walker2d-v4", NULL), TND_QUALITY_NORMAL);
    tnd_trace *trace = support_random_trace(f.model, 3);
    unsigned char *early = support_shot(f.scene, f.offscreen, trace, 1, W, H);
    unsigned char *late = support_shot(f.scene, f.offscreen, trace, 9, W, H);
    cr_assert(memcmp(early, late, SIZE) != 0);
    if (first) cr_assert_arr_eq(first, late, SIZE);
    free(first);
    free(early);
    first = late;
    tnd_trace_destroy(trace);
    close_fixture(&f);
  }
  free(first);
}

// Pixels of the robot, and whether one of them is on the edge of the picture.
static int count_robot(fixture *f, const tnd_trace *trace, int t, bool *cut) {
  f->scene->mjv.flags[mjRND_SEGMENT] = f->scene->mjv.flags[mjRND_IDCOLOR] = 1;
  unsigned char *rgb = support_shot(f->scene, f->offscreen, trace, t, W, H);
  int n = 0;
  *cut = false;
  for (int i = 0; i < W * H; i++) {
    const int id = rgb[3 * i] + rgb[3 * i + 1] * 256 + rgb[3 * i + 2] * 65536 - 1;
    if (id < 0) continue;
    bool robot = false;
    for (int k = 0; k < f->scene->mjv.ngeom; k++)
      robot |=
          f->scene->mjv.geoms[k].segid == id && f->scene->mjv.geoms[k].category == mjCAT_DYNAMIC;
    if (!robot) continue;
    n++;
    *cut |= i % W == 0 || i % W == W - 1 || i / W == 0 || i / W == H - 1;
  }
  free(rgb);
  return n;
}

static void expect_robot_in_every_frame(tendril_model *model, int every) {
  fixture f = open_model(model, TND_QUALITY_FAST);
  tnd_trace *trace = support_random_trace(f.model, 1);
  for (int t = 0; t <= tnd_trace_last(trace); t += every) {
    bool cut;
    const int n = count_robot(&f, trace, t, &cut);
    cr_assert(n > 40, "%d pixels at %d", n, t);
    cr_assert(!cut, "at %d", t);
  }
  tnd_trace_destroy(trace);
  close_fixture(&f);
}

Test(scene, has_the_hopper_in_every_frame) {
  expect_robot_in_every_frame(support_model("hopper-v4", NULL), 1);
}

Test(scene, has_the_swimmer_in_every_frame) {
  expect_robot_in_every_frame(support_model("swimmer-v4", NULL), 50);
}

Test(scene, has_the_cart_in_every_frame) {
  expect_robot_in_every_frame(support_model("cartpole", NULL), 2);
}

Test(scene, has_a_robot_with_a_floating_base_in_every_frame) {
  expect_robot_in_every_frame(support_toy_model("bare.xml"), 10);
}

Test(scene, follows_a_robot_that_runs_and_lets_it_go_from_a_still_camera) {
  fixture f = open_model(support_model("hopper-v4", NULL), TND_QUALITY_FAST);
  tnd_trace *trace = support_sliding_trace(f.model, 3, 20);
  bool cut;
  count_robot(&f, trace, 0, &cut);
  cr_assert_gt(count_robot(&f, trace, 3, &cut), 40);
  // by exactly as much as it moved, however often it is looked at
  cr_assert_float_eq(f.scene->camera.lookat[0] - f.scene->center[0], 0, 1e-9);

  cr_assert_eq(tnd_scene_set_camera(f.scene, TND_CAMERA_STILL, NULL), TENDRIL_OK);
  f.scene->has_center = false;
  cr_assert_gt(count_robot(&f, trace, 0, &cut), 40);
  cr_assert_eq(count_robot(&f, trace, 3, &cut), 0);
  tnd_trace_destroy(trace);
  close_fixture(&f);
}

Test(scene, knows_the_models_cameras_and_no_others) {
  fixture f = {.model = support_model("hopper-v4", NULL)};
  tendril_error err = {{0}};
  cr_assert_eq(tnd_scene_create(f.model, TND_QUALITY_FAST, &f.scene, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_scene_set_camera(f.scene, "track", NULL), TENDRIL_OK);
  cr_assert_eq(f.scene->camera.type, mjCAMERA_FIXED);
  cr_assert_eq(tnd_scene_set_camera(f.scene, "trak", &err), TENDRIL_E_UNKNOWN);
  cr_assert_str_eq(err.text,
                   "camera trak: the model has none of that name; use follow, still, track");
  close_fixture(&f);
}

static double brightness(const unsigned char *rgb, int from_row, int to_row) {
  double sum = 0;
  for (int i = from_row * W * 3; i < to_row * W * 3; i++)
    sum += rgb[i];
  return sum / ((to_row - from_row) * W * 3);
}

Test(scene, gives_a_bare_model_a_sky_a_floor_and_light_and_leaves_the_model_alone) {
  fixture f = open_model(support_toy_model("bare.xml"), TND_QUALITY_NORMAL);
  const mjModel *m = tendril_model_mujoco(f.model);
  tnd_trace *trace = support_random_trace(f.model, 1);
  unsigned char *rgb = support_shot(f.scene, f.offscreen, trace, 0, W, H);
  // both far from MuJoCo's black sky and dark floor; the sky is blue
  cr_assert_gt(brightness(rgb, 0, 8), 120);
  cr_assert_gt(brightness(rgb, H - 8, H), 120);
  cr_assert_gt(rgb[2], rgb[0] + 20);
  cr_assert_eq(m->ntex, 0);
  cr_assert_eq(m->nmat, 0);
  cr_assert_eq(m->geom_rgba[4], 0.5F);
  cr_assert_eq(m->vis.quality.shadowsize, 4096);
  free(rgb);
  tnd_trace_destroy(trace);
  close_fixture(&f);
}

Test(scene, draws_an_arrow_where_a_push_acts_and_the_path) {
  fixture f = open_model(support_model("hopper-v4", NULL), TND_QUALITY_FAST);
  tnd_trace *trace = support_sliding_trace(f.model, 3, 0.1);
  tnd_pose *pose = NULL;
  const tendril_force force = {.body = 1, .force = {80, 0, 0}};
  const double path[] = {0, 0, 1, 1, 0, 1, 2, 0, 1};
  cr_assert_eq(tnd_pose_create(f.model, &pose, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_pose_set(pose, tnd_trace_snapshot(trace, 1), NULL), TENDRIL_OK);
  cr_assert_eq(tnd_scene_update(f.scene, tnd_pose_data(pose), NULL, NULL), TENDRIL_OK);
  const int bare = f.scene->mjv.ngeom;
  const tnd_extras extras = {.forces = &force, .nforce = 1, .path = path, .npath = 3};
  cr_assert_eq(tnd_scene_update(f.scene, tnd_pose_data(pose), &extras, NULL), TENDRIL_OK);
  cr_assert_eq(f.scene->mjv.ngeom, bare + 3);
  cr_assert_eq(f.scene->mjv.geoms[bare].type, mjGEOM_ARROW);
  tnd_pose_destroy(pose);
  tnd_trace_destroy(trace);
  close_fixture(&f);
}

Test(scene, draws_the_ground_of_the_episode) {
  tendril_sim_options sim;
  tendril_sim_defaults(&sim);
  sim.terrain.kind = TENDRIL_TERRAIN_SLOPES;
  sim.terrain.flat = 0.5;
  sim.terrain.slope = 30;
  sim.terrain.seeds = 2;
  fixture f = open_model(support_model("hopper-v4", &sim), TND_QUALITY_FAST);
  tnd_trace *trace = support_sliding_trace(f.model, 3, 0.1);
  unsigned char *shots[3];
  const int which[] = {0, 1, 0};
  for (int i = 0; i < 3; i++) {
    tnd_scene_set_ground(f.scene, tnd_model_ground(f.model, which[i]));
    shots[i] = support_shot(f.scene, f.offscreen, trace, 1, W, H);
  }
  int differ = 0;
  for (int i = 0; i < SIZE; i++)
    differ += shots[0][i] != shots[1][i];
  cr_assert(differ > SIZE / 50, "%d of %d", differ, SIZE);
  cr_assert(memcmp(shots[0], shots[2], SIZE) == 0);
  for (int i = 0; i < 3; i++)
    free(shots[i]);
  tnd_trace_destroy(trace);
  close_fixture(&f);
}

Test(offscreen, refuses_a_size_beyond_opengls_limit) {
  fixture f = {.model = support_model("hopper-v4", NULL)};
  tnd_offscreen *o = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tnd_scene_create(f.model, TND_QUALITY_FAST, &f.scene, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_offscreen_create(&f.scene->look, 100000, 48, 100, &o, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "100000 x 48 pixels: OpenGL draws at most "), "%s", err.text);
  cr_assert_null(o);
  close_fixture(&f);
}

Test(offscreen, has_the_top_row_first_and_letters_where_they_belong) {
  fixture f = open_model(support_model("hopper-v4", NULL), TND_QUALITY_FAST);
  const float white[3] = {1, 1, 1}, black[3] = {0, 0, 0};
  unsigned char rgb[SIZE];
  cr_assert_eq(tnd_offscreen_bar(f.offscreen, (mjrRect){0, 0, W, H}, white, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_offscreen_bar(f.offscreen, (mjrRect){0, 0, W, 4}, black, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_offscreen_text(f.offscreen, W / 2.0, 40, TND_CENTER, "HH", black, NULL),
               TENDRIL_OK);
  cr_assert_eq(tnd_offscreen_read(f.offscreen, rgb, NULL), TENDRIL_OK);
  int left = W, right = 0, low = 0;
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++) {
      const bool dark = rgb[3 * (y * W + x)] < 128;
      if (y >= H - 4) cr_assert(dark);
      if (y >= H - 4 || !dark) continue;
      left = x < left ? x : left;
      right = x > right ? x : right;
      low = y;
    }
  // in the middle, standing on the base line, up to a pixel of rounding each
  cr_assert_leq(abs(left + right - W), 3);
  cr_assert_leq(abs(H - 1 - low - 40), 1, "%d", low);
  close_fixture(&f);
}

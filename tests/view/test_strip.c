// Film strips: which poses are shown and where, and what is then in the picture.
#include "support/sim.h"
#include "support/view.h"
#include "view/strip.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static tnd_strip_plan plan_of(const tendril_model *model, const tnd_trace *trace, int poses) {
  tnd_scene *scene = NULL;
  tnd_strip_plan plan;
  tendril_error err = {{0}};
  cr_assert_eq(tnd_scene_create(model, TND_QUALITY_FAST, &scene, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_strip_make_plan(trace, scene, poses, &plan, &err), TENDRIL_OK, "%s", err.text);
  tnd_scene_destroy(scene);
  return plan;
}

static void expect_equal_steps_apart(const tnd_strip_plan *p) {
  for (int i = 0; i + 1 < p->n; i++) {
    cr_assert_eq(p->times[i + 1] - p->times[i], p->times[1] - p->times[0]);
    cr_assert_lt(p->high[i], p->low[i + 1]);
  }
}

Test(strip, shows_a_way_at_equal_steps_without_overlap) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = support_sliding_trace(model, 1000, 0.02);
  const tnd_strip_plan p = plan_of(model, trace, 8);
  cr_assert(p.moves && !p.above);
  cr_assert_eq(p.n, 8);
  cr_assert_geq(p.times[0] * 0.008, 2 - 0.008);  // the gait has settled
  expect_equal_steps_apart(&p);
  // 0.02 m in 0.008 s
  cr_assert_float_eq(p.distance / p.seconds, 2.5, 1e-9);
  cr_assert_float_eq(p.right[0], 1, 0);
  cr_assert_float_eq(p.center[1] - p.center[0], 0.02 * (p.times[1] - p.times[0]), 1e-9);
  // as close as can be: a step less would let them touch
  cr_assert_lt(p.low[1] - p.high[0], 0.1 * (p.high[0] - p.low[0]) + 0.02);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(strip, looks_from_the_other_side_at_a_robot_that_goes_backwards) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = support_sliding_trace(model, 600, -0.02);
  const tnd_strip_plan p = plan_of(model, trace, 8);
  cr_assert(p.moves);
  cr_assert_float_eq(p.right[0], -1, 0);
  cr_assert_gt(p.distance, 0);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(strip, sets_poses_side_by_side_where_the_robot_stays) {
  tendril_model *model = support_model("cartpole", NULL);
  tnd_trace *trace = support_sliding_trace(model, 20, 0.001);
  const tnd_strip_plan p = plan_of(model, trace, 8);
  cr_assert(!p.moves);
  cr_assert_eq(p.n, 8);
  cr_assert_eq(p.times[0], 0);
  expect_equal_steps_apart(&p);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(strip, shows_what_there_is_of_a_very_short_episode) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = support_sliding_trace(model, 1, 0.01);
  const tnd_strip_plan p = plan_of(model, trace, 8);
  cr_assert_eq(p.n, 2);
  cr_assert(!p.moves);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(strip, sees_a_swimmer_from_above) {
  tendril_model *model = support_model("swimmer-v4", NULL);
  tnd_trace *trace = support_sliding_trace(model, 900, 0.02);
  const tnd_strip_plan p = plan_of(model, trace, 8);
  cr_assert(p.above && p.moves);
  cr_assert_float_eq(p.up[1], 1, 0);
  expect_equal_steps_apart(&p);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

// Whether a pixel is none of the white paper, its shadows and the grey words.
static bool is_coloured(const unsigned char *rgb) {
  int low = 255, high = 0;
  for (int k = 0; k < 3; k++) {
    low = rgb[k] < low ? rgb[k] : low;
    high = rgb[k] > high ? rgb[k] : high;
  }
  return high - low > 40;
}

Test(strip, has_each_pose_in_the_picture_apart_from_its_neighbours) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = support_sliding_trace(model, 900, 0.02);
  tnd_picture picture = {0};
  tendril_error err = {{0}};
  const tnd_strip_options options = {.width = 480, .height = 160, .poses = 6};
  cr_assert_eq(tnd_strip_draw(trace, &options, &picture, &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(picture.width, 480);
  cr_assert_eq(picture.height, 160);
  // runs of columns with something coloured in them
  int runs = 0;
  bool inside = false;
  for (int x = 0; x < picture.width; x++) {
    bool here = false;
    for (int y = 0; y < picture.height; y++)
      here |= is_coloured(picture.rgb + 3 * (y * picture.width + x));
    runs += here && !inside;
    inside = here;
    if (x == 0 || x == picture.width - 1) cr_assert(!here);
  }
  cr_assert_eq(runs, 6);
  // paper
  for (int k = 0; k < 3; k++)
    cr_assert_eq(picture.rgb[k], 255);
  tnd_picture_free(&picture);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(strip, draws_the_same_pixels_again) {
  tendril_model *model = support_toy_model("bare.xml");
  tnd_trace *trace = support_random_trace(model, 1);
  tnd_picture a = {0}, b = {0};
  const tnd_strip_options options = {.width = 320, .height = 120};
  cr_assert_eq(tnd_strip_draw(trace, &options, &a, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_strip_draw(trace, &options, &b, NULL), TENDRIL_OK);
  cr_assert_arr_eq(a.rgb, b.rgb, (size_t)a.width * (size_t)a.height * 3);
  tnd_picture_free(&a);
  tnd_picture_free(&b);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

Test(strip, refuses_a_size_without_room) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tnd_trace *trace = support_sliding_trace(model, 100, 0.02);
  tnd_picture picture = {0};
  tendril_error err = {{0}};
  const tnd_strip_options small = {.width = 64, .height = 40},
                          large = {.width = 90000, .height = 400};
  cr_assert_eq(tnd_strip_draw(trace, &small, &picture, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "64 x 40 pixels: no room for the robot"), "%s", err.text);
  cr_assert_eq(tnd_strip_draw(trace, &large, &picture, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "OpenGL draws at most"), "%s", err.text);
  cr_assert_null(picture.rgb);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
}

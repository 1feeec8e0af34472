// Strides: which body is the foot, and what counts as a stride.
#include "sim/sim.h"
#include "sim/stride.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *foot_of(const mjModel *m) {
  const int foot = tnd_foot_find(m);
  return foot ? mj_id2name(m, mjOBJ_BODY, foot) : "none";
}

Test(stride, foot_is_the_first_link_at_an_end_that_can_touch_the_world) {
  static const char *const feet[][2] = {
      {"hopper", "foot"},     {"hopper-v4", "foot"},  {"walker", "foot"},  {"walker2d-v4", "foot"},
      {"walker-gps", "foot"}, {"swimmer-v4", "none"}, {"swimmer", "none"}, {"cartpole", "none"},
  };
  for (size_t i = 0; i < sizeof feet / sizeof feet[0]; i++) {
    tendril_model *model = support_model(feet[i][0], NULL);
    cr_expect_str_eq(foot_of(tendril_model_mujoco(model)), feet[i][1], "%s", feet[i][0]);
    tendril_model_destroy(model);
  }
}

Test(stride, foot_is_the_same_on_uneven_ground) {
  tendril_sim_options options = support_sim_options();
  options.terrain.kind = TENDRIL_TERRAIN_SLOPES;
  tendril_model *model = support_model("hopper-v4", &options);
  cr_expect_str_eq(foot_of(tendril_model_mujoco(model)), "foot");
  tendril_model_destroy(model);
}

// The toe, which touches, is welded to the leg; the toe alone has no joint.
Test(stride, foot_is_the_root_of_what_is_welded) {
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_model_create(&support_toy, support_mjcf("stepper.xml"), NULL, &model, &err),
               TENDRIL_OK, "%s", err.text);
  cr_expect_str_eq(foot_of(tendril_model_mujoco(model)), "leg");
  tendril_model_destroy(model);
}

// Steps of 10 ms: off the ground is 5 steps and more, a stride 15 to 150.
static const double timestep = 0.01;

// On the ground in steps from .. from + n - 1; *strides counted.
static int64_t tread(tnd_stride *s, int64_t from, int n, int *strides) {
  const tnd_stride_limits limits = tnd_stride_limits_of(timestep);
  for (int64_t i = from; i < from + n; i++)
    *strides += tnd_stride_see(s, &limits, i, true);
  return from + n;
}

Test(stride, lasts_from_touch_down_to_touch_down) {
  tnd_stride s = TND_NO_STRIDE;
  int strides = 0;
  tread(&s, 7, 20, &strides);
  cr_expect(strides == 1 && s.begin == 7 && s.length == 0);
  cr_expect_eq(tnd_stride_step_of(&s, 0.5), -1);
  tread(&s, 47, 20, &strides);
  cr_expect(strides == 2 && s.begin == 47 && s.length == 40);
  cr_expect_eq(tnd_stride_step_of(&s, 0), 47);
  cr_expect_eq(tnd_stride_step_of(&s, 0.5), 67);
  cr_expect_eq(tnd_stride_step_of(&s, 1), 87);
}

Test(stride, does_not_begin_with_a_start_on_the_ground) {
  tnd_stride s = TND_NO_STRIDE;
  int strides = 0;
  tread(&s, 0, 20, &strides);
  cr_expect_eq(strides, 0);
  tread(&s, 30, 20, &strides);
  cr_expect(strides == 1 && s.begin == 30 && s.length == 0);
}

Test(stride, does_not_begin_with_a_bounce) {
  tnd_stride s = TND_NO_STRIDE;
  int strides = 0;
  // lands, off for 4 steps (a bounce), off for 6 soon after it landed (as well)
  int64_t i = tread(&s, 10, 2, &strides);
  i = tread(&s, i + 4, 2, &strides);
  i = tread(&s, i + 6, 8, &strides);
  cr_expect(strides == 1 && s.begin == 10);
  tread(&s, 60, 10, &strides);
  cr_expect(strides == 2 && s.begin == 60 && s.length == 50);
}

Test(stride, of_more_than_a_second_and_a_half_is_a_rest) {
  tnd_stride s = TND_NO_STRIDE;
  int strides = 0;
  tread(&s, 10, 20, &strides);
  tread(&s, 60, 100, &strides);
  cr_expect_eq(s.length, 50);
  tread(&s, 211, 10, &strides);
  cr_expect(strides == 3 && s.begin == 211 && s.length == 0);
  tread(&s, 361, 10, &strides);
  cr_expect(strides == 4 && s.length == 150);
}

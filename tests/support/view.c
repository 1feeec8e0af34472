// Helpers for tests of what is drawn.
#include "support/view.h"

#include "sim/sim.h"
#include "support/sim.h"
#include "view/pose.h"

#include <criterion/criterion.h>
#include <stdlib.h>

tendril_model *support_toy_model(const char *mjcf) {
  tendril_model *model = NULL;
  tendril_error err = {{0}};
  const tendril_sim_options options = {.clip_actions = true, .max_steps = 200};
  cr_assert_eq(tendril_model_create(&support_toy, support_mjcf(mjcf), &options, &model, &err),
               TENDRIL_OK, "%s", err.text);
  return model;
}

tnd_trace *support_random_trace(const tendril_model *model, uint64_t seed) {
  tendril_controller *controller = NULL;
  tnd_trace *trace = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_controller_create(tendril_agent_random(), model, &controller, &err),
               TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tnd_trace_create(model, tendril_model_max_steps(model), &trace, &err), TENDRIL_OK,
               "%s", err.text);
  cr_assert_eq(tnd_trace_play(trace, controller, seed, 0, NULL, 0, &err), TENDRIL_OK, "%s",
               err.text);
  tendril_controller_destroy(controller);
  return trace;
}

tnd_trace *support_sliding_trace(const tendril_model *model, int steps, double by) {
  tnd_trace *trace = NULL;
  tendril_env *env = support_env(model, 1, NULL);
  const double action[64] = {0};
  cr_assert_eq(tnd_trace_create(model, steps, &trace, NULL), TENDRIL_OK);
  tnd_trace_begin(trace, env);
  for (int t = 0; t < steps; t++) {
    const tendril_step step = {.reward = 1, .terms = {1}, .truncated = t == steps - 1};
    env->data->qpos[0] += by;
    env->data->time += tendril_model_seconds(model);
    env->time++;
    tnd_trace_add(trace, env, action, &step);
  }
  tendril_env_destroy(env);
  return trace;
}

unsigned char *support_shot(tnd_scene *scene, tnd_offscreen *offscreen, const tnd_trace *trace,
                            int t, int width, int height) {
  tnd_pose *pose = NULL;
  tendril_error err = {{0}};
  unsigned char *rgb = malloc((size_t)width * (size_t)height * 3);
  cr_assert_eq(tnd_pose_create(tnd_trace_model(trace), &pose, &err), TENDRIL_OK);
  cr_assert_eq(tnd_pose_set(pose, tnd_trace_snapshot(trace, t), &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tnd_scene_update(scene, tnd_pose_data(pose), NULL, &err), TENDRIL_OK, "%s",
               err.text);
  cr_assert_eq(tnd_offscreen_render(offscreen, &scene->mjv, &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tnd_offscreen_read(offscreen, rgb, &err), TENDRIL_OK, "%s", err.text);
  tnd_pose_destroy(pose);
  return rgb;
}

// Optimisations: what the folder holds is the trajectory, whole and to the bit; damaged files and
// failing allocations end in an error and leave nothing behind.
#include "run/motion.h"

#include "base/tensors.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { T = 20 };

typedef struct scene {
  tendril_tasks *tasks;
  tendril_optimization *optimization;
  char *folder;
} scene;

static scene setup(void) {
  scene s;
  setenv("TENDRIL_MODELS", TENDRIL_SOURCE_DIR "/models", 0);
  check_ok(tendril_tasks_create(&s.tasks, check_err));
  check_ok(tendril_optimization_create(s.tasks, "double-link", &s.optimization, check_err));
  check_ok(tendril_optimization_set(s.optimization, "sim.max_steps", "20", check_err));
  check_ok(tendril_optimization_set(s.optimization, "ilqg.iterations", "3", check_err));
  s.folder = support_tmpdir();
  return s;
}

static void shut(scene *s) {
  tendril_optimization_destroy(s->optimization);
  tendril_tasks_destroy(s->tasks);
  support_tmpdir_remove(s->folder);
}

static tendril_optimized run(const scene *s, const char *folder, int threads) {
  tendril_optimized out;
  check_ok(tendril_optimize(s->optimization, s->tasks, tendril_agent_zero(), folder, true, threads,
                            NULL, &out, check_err));
  return out;
}

Test(optimize, the_file_is_what_was_reached) {
  scene s = setup();
  const tendril_optimized out = run(&s, s.folder, 2);
  tendril_motion motion;
  cr_assert(tendril_is_motion(s.folder));
  check_ok(tendril_motion_open(s.tasks, s.folder, NULL, &motion, check_err));
  cr_assert_eq(motion.trajectory.T, T);
  cr_assert_eq(motion.trajectory.nx, 4);
  cr_assert_eq(motion.trajectory.cost, out.cost);
  cr_assert(out.cost < out.first_cost);
  cr_assert_eq(out.iterations, 3);
  double sum = 0;
  for (int k = 0; k < 3; k++)
    sum += out.terms[k].sum;
  check_close(sum, out.cost, 1e-9 * out.cost);
  // the start is episode 0 of the seed
  tendril_env *env = NULL;
  double obs[4];
  const tendril_random start = tendril_random_stream(1, TENDRIL_PURPOSE_EVAL_RESET, 0, 0);
  check_ok(tendril_env_create(motion.model, &env, check_err));
  check_ok(tendril_env_reset(env, &start, obs, check_err));
  check_same_bits(tendril_env_data(env)->qpos, motion.trajectory.x, 2);
  tendril_env_destroy(env);
  tendril_motion_close(&motion);
  shut(&s);
}

// The start is met after 7 steps of the first agent; played, the motion is there to the bit, and
// another episode's start is off by its own noise.
Test(optimize, a_lead_moves_the_start_into_the_episode) {
  scene s = setup();
  check_ok(tendril_optimization_set(s.optimization, "optimize.lead", "7", check_err));
  tendril_optimized out;
  check_ok(tendril_optimize(s.optimization, s.tasks, tendril_agent_random(), s.folder, true, 1,
                            NULL, &out, check_err));
  tendril_motion motion;
  check_ok(tendril_motion_open(s.tasks, s.folder, NULL, &motion, check_err));
  const tendril_trajectory *y = &motion.trajectory;
  tendril_agent *agent = NULL;
  tendril_env *env = NULL;
  tendril_controller *first = NULL, *c = NULL;
  tendril_step step;
  double obs[4], action[2];
  check_ok(tendril_env_create(motion.model, &env, check_err));
  check_ok(tendril_controller_create(tendril_agent_random(), motion.model, &first, check_err));
  check_ok(tendril_controller_reset(first, 1, 0, 0, env, obs, check_err));
  const double reset = tendril_env_data(env)->qpos[0];
  for (int t = 0; t < 7; t++) {
    check_ok(tendril_controller_act(first, env, t, obs, action, check_err));
    check_ok(tendril_env_step(env, action, obs, &step, check_err));
  }
  check_same_bits(tendril_env_data(env)->qpos, y->x, 2);
  check_same_bits(tendril_env_data(env)->qvel, y->x + 2, 2);

  check_ok(tendril_agent_trajectory_create(y, true, &agent, check_err));
  check_ok(tendril_controller_create(agent, motion.model, &c, check_err));
  check_ok(tendril_controller_reset(c, 1, 0, 0, env, obs, check_err));
  for (int t = 0; t < T; t++) {
    check_ok(tendril_controller_act(c, env, t, obs, action, check_err));
    check_ok(tendril_env_step(env, action, obs, &step, check_err));
  }
  check_same_bits(tendril_env_data(env)->qpos, y->x + T * 4, 2);
  check_ok(tendril_controller_reset(first, 1, 0, 5, env, obs, check_err));
  const double other = tendril_env_data(env)->qpos[0];
  check_ok(tendril_controller_reset(c, 1, 0, 5, env, obs, check_err));
  check_close(tendril_env_data(env)->qpos[0], y->x[0] + other - reset, 1e-12);
  tendril_controller_destroy(first);
  tendril_controller_destroy(c);
  tendril_agent_destroy(agent);
  tendril_env_destroy(env);
  tendril_motion_close(&motion);
  shut(&s);
}

Test(optimize, a_change_of_the_simulation_leaves_the_trajectory_as_long_as_it_is) {
  scene s = setup();
  run(&s, s.folder, 1);
  tendril_motion motion;
  const char *const sim[] = {"max_steps", "50", "sim.limit", "3", NULL};
  check_ok(tendril_motion_open(s.tasks, s.folder, sim, &motion, check_err));
  cr_assert_eq(motion.trajectory.T, T);
  cr_assert_eq(tendril_model_max_steps(motion.model), 50);
  tendril_motion_close(&motion);
  shut(&s);
}

// Controls of a thousand million newton metres, all but surely beyond what MuJoCo goes on with: the
// second try has no trajectory, and what the first has reached is what counts, to the bit.
Test(optimize, a_try_that_cannot_begin_leaves_the_best_as_it_is) {
  scene s = setup();
  tendril_motion one, two;
  check_ok(tendril_optimization_set(s.optimization, "sim.limit", "1e9", check_err));
  check_ok(tendril_optimization_set(s.optimization, "optimize.nudge", "1", check_err));
  const char *const folders[2] = {support_path(s.folder, "one"), support_path(s.folder, "two")};
  run(&s, folders[0], 1);
  check_ok(tendril_optimization_set(s.optimization, "optimize.tries", "2", check_err));
  const tendril_optimized out = run(&s, folders[1], 1);
  cr_assert_eq(out.tries, 2);
  cr_assert_eq(out.iterations, 3, "the second try began");
  check_ok(tendril_motion_open(s.tasks, folders[0], NULL, &one, check_err));
  check_ok(tendril_motion_open(s.tasks, folders[1], NULL, &two, check_err));
  check_same_bits(two.trajectory.x, one.trajectory.x, (T + 1) * 4);
  check_same_bits(two.trajectory.u, one.trajectory.u, T * 2);
  check_same_bits(two.trajectory.K, one.trajectory.K, T * 2 * 4);
  cr_assert_eq(two.trajectory.cost, one.trajectory.cost);
  tendril_motion_close(&one);
  tendril_motion_close(&two);
  shut(&s);
}

// A file with `u` of a wrong length, of a wrong name, of another format.
static void expect_damage(const scene *s, const char *format, const char *u, int rows,
                          const char *line) {
  const char *path = support_path(s->folder, "damaged.safetensors");
  const double numbers[200] = {0};
  tnd_tensors *tensors = NULL;
  tendril_motion motion;
  tendril_error err;
  check_ok(tnd_tensors_create(&tensors, check_err));
  if (format) check_ok(tnd_tensors_put_text(tensors, "tendril.trajectory", format, check_err));
  check_ok(
      tnd_tensors_put_text(tensors, "tendril.config", "{\"task\": \"double-link\"}", check_err));
  check_ok(tnd_tensors_put(tensors, "x", T + 1, 4, numbers, check_err));
  check_ok(tnd_tensors_put(tensors, u, rows, 2, numbers, check_err));
  check_ok(tnd_tensors_write(tensors, path, check_err));
  tnd_tensors_destroy(tensors);
  cr_assert(tendril_motion_open(s->tasks, path, NULL, &motion, &err) == TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, line), "%s", err.text);
  cr_assert(strstr(err.text, "damaged.safetensors"), "%s", err.text);
}

Test(optimize, damaged_files_are_refused) {
  scene s = setup();
  expect_damage(&s, NULL, "u", T, "no trajectory of tendril");
  expect_damage(&s, "2", "u", T, "trajectory format 2; this version reads 1");
  expect_damage(&s, "1", "v", T, "u: no controls");
  expect_damage(&s, "1", "u", T - 3, "x");
  expect_damage(&s, "1", "u", T, "K");
  shut(&s);
}

static tendril_status attempt_open(void *context, tendril_error *err) {
  const scene *s = context;
  tendril_motion motion;
  TENDRIL_TRY(tendril_motion_open(s->tasks, s->folder, NULL, &motion, err));
  tendril_motion_close(&motion);
  return TENDRIL_OK;
}

static tendril_status attempt_optimize(void *context, tendril_error *err) {
  const scene *s = context;
  tendril_optimized out;
  return tendril_optimize(s->optimization, s->tasks, tendril_agent_zero(), s->folder, true, 1, NULL,
                          &out, err);
}

Test(optimize, without_memory_there_is_an_error) {
  scene s = setup();
  cr_assert(support_fail_each_alloc(attempt_optimize, &s) > 10);
  cr_assert(support_fail_each_alloc(attempt_open, &s) > 5);
  shut(&s);
}

// Files of trajectories, opened and followed: any bytes end in a line or in agents that act. The
// input is changes to a real one, made by this version: fuzz_changed().
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "run/motion.h"

static char *real;  // a trajectory's file [nreal], made at the first call
static size_t nreal;

static void make_real(const tendril_tasks *tasks) {
  static const char *const settings[][2] = {
      {"sim.max_steps", "5"}, {"ilqg.iterations", "1"}, {"optimize.lead", "2"}};
  tendril_error err;
  tendril_optimization *optimization = NULL;
  tendril_optimized result;
  char folder[] = "/tmp/tendril-fuzz-XXXXXX", path[TND_PATH_MAX];
  FUZZ_CHECK(tendril_optimization_create(tasks, "double-link", &optimization, &err) == TENDRIL_OK);
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    FUZZ_CHECK(tendril_optimization_set(optimization, settings[i][0], settings[i][1], &err) ==
               TENDRIL_OK);
  FUZZ_CHECK(mkdtemp(folder) != NULL);
  FUZZ_CHECK(tendril_optimize(optimization, tasks, tendril_agent_random(), folder, false, 1, NULL,
                              &result, &err) == TENDRIL_OK);
  FUZZ_CHECK(tnd_path_join(folder, TND_MOTION_NAME, path, &err) == TENDRIL_OK);
  FUZZ_CHECK(tnd_file_read(path, 1 << 20, &real, &nreal, &err) == TENDRIL_OK);
  FUZZ_CHECK(tnd_folder_remove(folder, &err) == TENDRIL_OK);
  tendril_optimization_destroy(optimization);
}

// Such a status has one line.
static void check_line(tendril_status status, const tendril_error *err) {
  FUZZ_CHECK(status == TENDRIL_OK || (err->text[0] && !strchr(err->text, '\n')));
}

// A few steps, past the end of a short trajectory.
static tendril_status play(tendril_controller *controller, tendril_env *env, tendril_error *err) {
  double obs[256], action[64];
  tendril_step step = {0};
  TENDRIL_TRY(tendril_controller_reset(controller, 1, 0, 0, env, obs, err));
  for (int t = 0; t < 8 && !step.terminated && !step.truncated && !step.diverged; t++) {
    TENDRIL_TRY(tendril_controller_act(controller, env, t, obs, action, err));
    TENDRIL_TRY(tendril_env_step(env, action, obs, &step, err));
  }
  return TENDRIL_OK;
}

static void follow(const tendril_motion *motion, bool feedback) {
  tendril_error err = {{0}};
  tendril_agent *agent = NULL;
  tendril_controller *controller = NULL;
  tendril_env *env = NULL;
  FUZZ_CHECK(tendril_model_nobs(motion->model) <= 256 && tendril_model_nact(motion->model) <= 64);
  FUZZ_CHECK(tendril_agent_trajectory_create(&motion->trajectory, feedback, &agent, &err) ==
             TENDRIL_OK);
  FUZZ_CHECK(tendril_controller_create(agent, motion->model, &controller, &err) == TENDRIL_OK);
  FUZZ_CHECK(tendril_env_create(motion->model, &env, &err) == TENDRIL_OK);
  const tendril_status status = play(controller, env, &err);
  FUZZ_CHECK(status == TENDRIL_OK || status == TENDRIL_E_PHYSICS || status == TENDRIL_E_NUMERIC);
  check_line(status, &err);
  tendril_env_destroy(env);
  tendril_controller_destroy(controller);
  tendril_agent_destroy(agent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static tendril_tasks *tasks;
  tendril_error err = {{0}};
  tendril_motion motion;
  char path[64];
  if (!tasks) {
    FUZZ_CHECK(tendril_tasks_create(&tasks, &err) == TENDRIL_OK);
    make_real(tasks);
  }
  if (size < 1) return 0;
  uint8_t *file = fuzz_changed(real, nreal, data, &size);
  const int fd = fuzz_file(file, size, path);
  free(file);
  const bool is = tendril_is_motion(path);
  const tendril_status status = tendril_motion_open(tasks, path, NULL, &motion, &err);
  check_line(status, &err);
  if (status == TENDRIL_OK) {
    FUZZ_CHECK(is);
    follow(&motion, true);
    follow(&motion, false);
    tendril_motion_close(&motion);
  }
  close(fd);
  return 0;
}

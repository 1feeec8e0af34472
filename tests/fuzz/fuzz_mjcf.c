// Model files: MuJoCo reads them, but whatever it says or does, any bytes end in a line about the
// file or in a model that can be stepped.
#include "fuzz.h"

#include <math.h>
#include <string.h>
#include <tendril/tendril.h>
#include <unistd.h>

// one episode's first steps
static void step(const tendril_model *model) {
  tendril_error err;
  tendril_env *env = NULL;
  double obs[256], action[64] = {1};
  tendril_step result;
  FUZZ_CHECK(tendril_model_nobs(model) <= 256 && tendril_model_nact(model) <= 64);
  if (tendril_env_create(model, &env, &err) != TENDRIL_OK) return;
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_status status = tendril_env_reset(env, &random, obs, &err);
  for (int t = 0; t < 3 && status == TENDRIL_OK; t++) {
    status = tendril_env_step(env, action, obs, &result, &err);
    if (status != TENDRIL_OK || result.diverged || result.terminated) break;
    FUZZ_CHECK(isfinite(result.reward));
    for (int i = 0; i < tendril_model_nobs(model); i++)
      FUZZ_CHECK(isfinite(obs[i]));
  }
  tendril_env_destroy(env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tendril_error err;
  tendril_tasks *tasks = NULL;
  tendril_model *model = NULL;
  FUZZ_CHECK(tendril_tasks_create(&tasks, &err) == TENDRIL_OK);
  char path[64];
  int fd = fuzz_file(data, size, path);
  // the first built-in task, hopper-v4
  if (tendril_model_create(tendril_tasks_get(tasks, 0), path, NULL, &model, &err) == TENDRIL_OK)
    step(model);
  else
    FUZZ_CHECK(!model && strncmp(err.text, path, strlen(path)) == 0 && !strchr(err.text, '\n'));
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  close(fd);
  return 0;
}

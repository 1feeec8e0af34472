// Checkpoints, opened as a policy and as a run to go on with: any bytes end in a line about the
// file or in a learner that iterates. A fuzzer would be long in guessing a checkpoint, so the input
// is changes to a real one, made by this version: fuzz_changed(). First byte: 0 bytes as they are,
// 2 MOTO's, others TRPO's.
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "policy/policy.h"
#include "run/checkpoint.h"

// Checkpoints of two methods that keep different things.
static const struct {
  const char *task, *learner, *settings[12][2];
} kinds[] = {
    {"inverted-pendulum-v4",
     "trpo",
     {{"rollout.batch", "16"}, {"rollout.streams", "2"}, {"critic.minibatch", "8"}}},
    {"double-link",
     "moto",
     {{"policy.kind", "time-linear"},
      {"policy.covariance", "full"},
      {"policy.normalize", "false"},
      {"sim.max_steps", "5"},
      {"rollout.episodes", "whole"},
      {"rollout.batch", "15"},
      {"rollout.streams", "3"},
      {"learner.keep", "2"}}},
};
enum { NKIND = sizeof kinds / sizeof kinds[0] };
static const char *const shared[][2] = {{"policy.hidden", "4"},    {"critic.hidden", "4"},
                                        {"critic.epochs", "1"},    {"run.iterations", "3"},
                                        {"run.eval_at", "100"},    {"run.eval_every", "2"},
                                        {"run.eval_episodes", "1"}};

static char *real[NKIND];  // checkpoints [nreal], made at the first call
static size_t nreal[NKIND];

// Small enough that a wish for memory or time is no finding.
static bool is_small(const tendril_config *c) {
  bool small = c->rollout.batch <= 64 && c->critic.epochs <= 4 && c->sim.physics_steps <= 4 &&
               c->sim.max_steps <= 1000;
  for (int i = 0; i < c->policy.hidden.n; i++)
    small &= c->policy.hidden.at[i] <= 32;
  for (int i = 0; i < c->critic.hidden.n; i++)
    small &= c->critic.hidden.at[i] <= 32;
  return small;
}

static void make_real(const tendril_tasks *tasks, int kind) {
  tendril_error err;
  tendril_config *config = NULL;
  tendril_train_result result;
  char folder[] = "/tmp/tendril-fuzz-XXXXXX", path[TND_PATH_MAX];
  FUZZ_CHECK(tendril_config_create(tasks, kinds[kind].task, kinds[kind].learner, &config, &err) ==
             TENDRIL_OK);
  for (const char *const(*set)[2] = kinds[kind].settings; (*set)[0]; set++)
    FUZZ_CHECK(tendril_config_set(config, (*set)[0], (*set)[1], &err) == TENDRIL_OK);
  for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
    FUZZ_CHECK(tendril_config_set(config, shared[i][0], shared[i][1], &err) == TENDRIL_OK);
  FUZZ_CHECK(is_small(config));  // else nothing would go on from it
  FUZZ_CHECK(mkdtemp(folder) != NULL);
  FUZZ_CHECK(tendril_train(config, tasks, folder, false, NULL, 1, NULL, &result, &err) ==
             TENDRIL_OK);
  FUZZ_CHECK(tnd_path_join(folder, "checkpoints/last.safetensors", path, &err) == TENDRIL_OK);
  FUZZ_CHECK(tnd_file_read(path, 1 << 20, &real[kind], &nreal[kind], &err) == TENDRIL_OK);
  FUZZ_CHECK(tnd_folder_remove(folder, &err) == TENDRIL_OK);
  tendril_config_destroy(config);
}

static void go_on(const tnd_checkpoint *checkpoint, const tendril_trained *trained) {
  tendril_error err;
  tendril_pool *pool = NULL;
  tendril_learner *learner = NULL;
  const tendril_config *c = checkpoint->config;
  tendril_learner_setup setup = {.model = trained->model,
                                 .policy = trained->policy,
                                 .seed = (uint64_t)c->run.seed,
                                 .rollout = c->rollout,
                                 .critic = c->critic};
  tnd_run_state state = {.two_physics = trained->task_model != NULL};
  double values[64];
  FUZZ_CHECK(tendril_pool_create(1, &pool, &err) == TENDRIL_OK);
  setup.pool = pool;
  tendril_status status = c->method->create(c->learner, &setup, &learner, &err);
  if (status == TENDRIL_OK) status = tnd_learner_load(learner, checkpoint->tensors, &err);
  if (status == TENDRIL_OK) status = tnd_checkpoint_state(checkpoint, &state, &err);
  if (status == TENDRIL_OK) status = tendril_learner_iterate(learner, values, &err);
  FUZZ_CHECK(status == TENDRIL_OK || (err.text[0] && !strchr(err.text, '\n')));
  tendril_learner_destroy(learner);
  tendril_pool_destroy(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static tendril_tasks *tasks;
  tendril_error err;
  if (!tasks) {
    FUZZ_CHECK(tendril_tasks_create(&tasks, &err) == TENDRIL_OK);
    for (int kind = 0; kind < NKIND; kind++)
      make_real(tasks, kind);
  }
  if (size < 1) return 0;
  char path[64];
  const int kind = data[0] == 2;
  uint8_t *file = fuzz_changed(real[kind], nreal[kind], data, &size);
  int fd = fuzz_file(file, size, path);
  free(file);

  tnd_checkpoint checkpoint = {0};
  tendril_trained trained = {0};
  tendril_status status = tnd_checkpoint_read(path, tasks, &checkpoint, &err);
  if (status == TENDRIL_OK && is_small(checkpoint.config)) {
    status = tendril_trained_open(tasks, path, NULL, NULL, &trained, &err);
    if (status == TENDRIL_OK) go_on(&checkpoint, &trained);
  }
  FUZZ_CHECK(status == TENDRIL_OK || (err.text[0] && !strchr(err.text, '\n')));
  tendril_trained_close(&trained);
  tnd_checkpoint_close(&checkpoint);
  close(fd);
  return 0;
}

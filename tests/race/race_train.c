// Whole runs under ThreadSanitizer, by the front door: folder, logs, checkpoints, evaluations, a
// stop by the hook and a resume, with both critics, on one and on four threads, which must write
// the same checkpoint. A plain program: exits with 0 if all was right.
#include <tendril/tendril.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tendril_error err;

static void require(tendril_status status, const char *what) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "race_train: %s: %s\n", what, err.text);
  exit(1);
}

static volatile sig_atomic_t stop;

static void stop_at_2(void *user, const tendril_progress *p) {
  (void)user;
  stop = p->iteration == 2;
}

// Several chunks of rows, so that every loop over them has work for all threads.
static tendril_config *configure(const tendril_tasks *tasks, const char *critic) {
  static const char *const settings[][2] = {{"run.iterations", "4"},
                                            {"run.eval_at", "50 100"},
                                            {"run.eval_episodes", "5"},
                                            {"run.save_every", "1"},
                                            {"rollout.batch", "1536"},
                                            {"rollout.streams", "12"},
                                            {"policy.hidden", "16 16"},
                                            {"critic.epochs", "2"},
                                            {"learner.reward_scale", "return-sd"},
                                            {"learner.fisher_share", "0.8"}};
  tendril_config *config = NULL;
  require(tendril_config_create(tasks, "hopper-v4", "trpo", &config, &err), "configuration");
  require(tendril_config_set(config, "critic.kind", critic, &err), "critic");
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    require(tendril_config_set(config, settings[i][0], settings[i][1], &err), settings[i][0]);
  return config;
}

// The parameters of the run's last checkpoint, owned by the caller.
static double *params_of(const tendril_tasks *tasks, const char *folder, size_t *size) {
  tendril_trained trained;
  require(tendril_trained_open(tasks, folder, "last", NULL, &trained, &err), "checkpoint");
  *size = sizeof(double) * (size_t)tendril_policy_nparam(trained.policy);
  double *params = malloc(*size);
  if (!params) exit(1);
  memcpy(params, tendril_policy_get_params(trained.policy), *size);
  tendril_trained_close(&trained);
  return params;
}

static void check(const tendril_tasks *tasks, const char *root, const char *critic) {
  char one[512], four[512];
  snprintf(one, sizeof one, "%s/%s-1", root, critic);
  snprintf(four, sizeof four, "%s/%s-4", root, critic);
  tendril_config *config = configure(tasks, critic);
  tendril_train_result result;
  require(tendril_train(config, tasks, one, false, NULL, 1, NULL, &result, &err), "one thread");
  tendril_run_hooks hooks = {.stop = &stop, .progress = stop_at_2};
  require(tendril_train(config, tasks, four, false, NULL, 4, &hooks, &result, &err), "stopped");
  stop = 0;
  require(tendril_train_resume(tasks, four, 4, NULL, &result, &err), "resumed");
  size_t size_1, size_4;
  double *a = params_of(tasks, one, &size_1), *b = params_of(tasks, four, &size_4);
  if (result.iterations != 4 || size_1 != size_4 || memcmp(a, b, size_1) != 0) {
    fprintf(stderr, "race_train: %s: four threads trained another policy\n", critic);
    exit(1);
  }
  free(a);
  free(b);
  tendril_config_destroy(config);
}

int main(void) {
  char root[] = "race_train_XXXXXX", command[64];
  tendril_tasks *tasks;
  if (!mkdtemp(root)) return 1;
  require(tendril_tasks_create(&tasks, &err), "tasks");
  check(tasks, root, "neural");
  check(tasks, root, "linear");
  tendril_tasks_destroy(tasks);
  snprintf(command, sizeof command, "rm -r %s", root);
  return system(command) != 0;
}

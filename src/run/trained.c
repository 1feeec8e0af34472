// Opening what a training left: a run folder or one checkpoint.
#include "base/file.h"
#include "policy/policy.h"
#include "run/checkpoint.h"
#include "run/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// path [TND_PATH_MAX] of the checkpoint that is meant.
static tendril_status locate(const char *path, const char *checkpoint, char *out,
                             tendril_error *err) {
  if (!tnd_path_exists(path))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: no such run folder or checkpoint", path);
  if (!tnd_path_is_folder(path)) {
    if (checkpoint)
      return tnd_fail(err, TENDRIL_E_ARGUMENT,
                      "%.400s: is a checkpoint already; --checkpoint goes with a run folder", path);
    if (strlen(path) >= TND_PATH_MAX)
      return tnd_fail(err, TENDRIL_E_ARGUMENT, "the path of the checkpoint is too long");
    strcpy(out, path);
    return TENDRIL_OK;
  }
  tnd_folder folder;
  TENDRIL_TRY(tnd_folder_paths(path, &folder, err));
  if (checkpoint && strcmp(checkpoint, "last") != 0 && strcmp(checkpoint, "best") != 0) {
    char *end;
    long iteration = strtol(checkpoint, &end, 10);
    if (*end || end == checkpoint || iteration < 0)
      return tnd_fail(err, TENDRIL_E_ARGUMENT,
                      "--checkpoint %.40s: must be best, last or a kept iteration", checkpoint);
    TENDRIL_TRY(tnd_folder_kept(&folder, iteration, out, err));
  } else {
    bool best = checkpoint ? strcmp(checkpoint, "best") == 0 : tnd_path_exists(folder.best);
    memcpy(out, best ? folder.best : folder.last, TND_PATH_MAX);
  }
  if (!tnd_path_exists(out))
    return tnd_fail(err, TENDRIL_E_IO, "%.400s: no such checkpoint in this run", out);
  return TENDRIL_OK;
}

// Episodes start where the training's did.
static tendril_status set_starts(const tnd_checkpoint *checkpoint, tendril_model *model,
                                 tendril_error *err) {
  tnd_demonstrations d;
  TENDRIL_TRY(tnd_demonstrations_create(checkpoint->config, model, &d, err));
  tendril_status status = tnd_demonstrations_load(&d, checkpoint->tensors, err);
  if (status == TENDRIL_OK) status = tnd_demonstrations_start(&d, checkpoint->config, model, err);
  tnd_demonstrations_free(&d);
  return status;
}

// max_steps: the option `sim.max_steps` of the training, whose horizon the policy was made for
static tendril_status open_parts(const tnd_checkpoint *checkpoint, const tendril_tasks *tasks,
                                 int64_t max_steps, tendril_trained *out, tendril_error *err) {
  const tendril_config *c = checkpoint->config;
  TENDRIL_TRY(tnd_config_models(c, tasks, &out->model, &out->task_model, err));
  TENDRIL_TRY(set_starts(checkpoint, out->model, err));
  if (out->task_model) TENDRIL_TRY(set_starts(checkpoint, out->task_model, err));
  const int horizon = max_steps ? (int)max_steps : tendril_model_task(out->model)->max_steps;
  TENDRIL_TRY(tendril_policy_create(&c->policy, tendril_model_nobs(out->model),
                                    tendril_model_nact(out->model), horizon, (uint64_t)c->run.seed,
                                    &out->policy, err));
  TENDRIL_TRY(tnd_checkpoint_policy(checkpoint, out->policy, err));
  return tnd_checkpoint_counters(checkpoint, &out->iteration, &out->steps, err);
}

tendril_status tendril_trained_open(const tendril_tasks *tasks, const char *path,
                                    const char *checkpoint, const char *const *sim,
                                    tendril_trained *out, tendril_error *err) {
  char file[TND_PATH_MAX];
  tnd_checkpoint read = {0};
  tendril_trained trained = {0};
  TENDRIL_TRY(locate(path, checkpoint, file, err));
  if ((size_t)snprintf(trained.path, sizeof trained.path, "%s", file) >= sizeof trained.path)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "the path of the checkpoint is too long");
  tendril_status status = tnd_checkpoint_read(file, tasks, &read, err);
  const int64_t max_steps = status == TENDRIL_OK ? read.config->sim.max_steps : 0;
  // the simulation may be another than the one trained on
  for (const char *const *change = sim; status == TENDRIL_OK && sim && *change; change += 2) {
    char key[128];
    snprintf(key, sizeof key, "%s%.100s", strchr(change[0], '.') ? "" : "sim.", change[0]);
    status = tendril_config_set(read.config, key, change[1], err);
  }
  if (status == TENDRIL_OK) status = open_parts(&read, tasks, max_steps, &trained, err);
  if (sim && *sim) {
    tendril_model_destroy(trained.task_model);
    trained.task_model = NULL;
  }
  if (status == TENDRIL_OK) {
    trained.config = read.config;
    read.config = NULL;
    *out = trained;
    trained = (tendril_trained){0};
  }
  tendril_trained_close(&trained);
  tnd_checkpoint_close(&read);
  return status;
}

void tendril_trained_close(tendril_trained *trained) {
  tendril_policy_destroy(trained->policy);
  tendril_model_destroy(trained->task_model);
  tendril_model_destroy(trained->model);
  tendril_config_destroy(trained->config);
  *trained = (tendril_trained){0};
}

// See checkpoint.h. docs/reference/file-formats.md lists the tensors.
#include "run/checkpoint.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/number.h"
#include "policy/policy.h"

#include <math.h>
#include <string.h>

#define FORMAT "1"
#define AVERAGE "run.average"
#define OTHERS "run.other_evaluations"

static tendril_status put_state(tnd_tensors *tensors, const tendril_config *config,
                                const tnd_run_state *state, tendril_error *err) {
  int64_t counters[2] = {state->evaluations, state->eval_steps};
  TENDRIL_TRY(tnd_tensors_put_ints(tensors, "run.counters", 2, counters, err));
  TENDRIL_TRY(
      tnd_tensors_put(tensors, "run.eval_mean", TENDRIL_MAX_SIZES, 0, state->eval_mean, err));
  if (config->run.eval_every)
    TENDRIL_TRY(tnd_tensors_put_ints(tensors, OTHERS, 1, &state->others, err));
  if (state->naverage)
    TENDRIL_TRY(tnd_tensors_put(tensors, AVERAGE, state->naverage, 0, state->average, err));
  if (state->two_physics)
    TENDRIL_TRY(tnd_tensors_put(tensors, "run.eval_mean_as_trained", TENDRIL_MAX_SIZES, 0,
                                state->as_trained, err));
  return tnd_tensors_put(tensors, "run.best", 1, 0, &state->best, err);
}

tendril_status tnd_checkpoint_write(const char *path, const tendril_config *config,
                                    const tendril_policy *policy, const tendril_learner *learner,
                                    const tnd_demonstrations *demonstrations,
                                    const tnd_run_state *state, tendril_error *err) {
  tnd_tensors *tensors = NULL;
  char *text = NULL;
  tendril_status status = tnd_tensors_create(&tensors, err);
  if (status == TENDRIL_OK) status = tendril_config_print(config, &text, err);
  if (status == TENDRIL_OK) status = tnd_tensors_put_text(tensors, "tendril.format", FORMAT, err);
  if (status == TENDRIL_OK) status = tnd_tensors_put_text(tensors, "tendril.config", text, err);
  if (status == TENDRIL_OK) status = tnd_policy_save(policy, tensors, err);
  if (status == TENDRIL_OK) status = tnd_learner_save(learner, tensors, err);
  if (status == TENDRIL_OK) status = tnd_demonstrations_save(demonstrations, tensors, err);
  if (status == TENDRIL_OK) status = put_state(tensors, config, state, err);
  if (status == TENDRIL_OK) status = tnd_tensors_write(tensors, path, err);
  tendril_text_destroy(text);
  tnd_tensors_destroy(tensors);
  return status;
}

static tendril_status read_config(const tnd_tensors *tensors, const char *path,
                                  const tendril_tasks *tasks, tendril_config **out,
                                  tendril_error *err) {
  const char *format = tnd_tensors_get_text(tensors, "tendril.format");
  const char *text = tnd_tensors_get_text(tensors, "tendril.config");
  if (!format || !text)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: a safetensors file, but no checkpoint of tendril",
                    path);
  if (strcmp(format, FORMAT) != 0)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: checkpoint format %.20s; this version reads %s",
                    path, format, FORMAT);
  cJSON *object = NULL;
  TENDRIL_TRY(tnd_json_parse(text, strlen(text), path, &object, err));
  tendril_status status = tnd_config_parse(tasks, object, path, out, err);
  cJSON_Delete(object);
  return status;
}

tendril_status tnd_checkpoint_read(const char *path, const tendril_tasks *tasks,
                                   tnd_checkpoint *out, tendril_error *err) {
  tnd_checkpoint checkpoint = {0};
  TENDRIL_TRY(tnd_tensors_read(path, &checkpoint.tensors, err));
  tendril_status status = read_config(checkpoint.tensors, path, tasks, &checkpoint.config, err);
  if (status == TENDRIL_OK)
    *out = checkpoint;
  else
    tnd_checkpoint_close(&checkpoint);
  return status;
}

void tnd_checkpoint_close(tnd_checkpoint *checkpoint) {
  tendril_config_destroy(checkpoint->config);
  tnd_tensors_destroy(checkpoint->tensors);
  *checkpoint = (tnd_checkpoint){0};
}

tendril_status tnd_checkpoint_state(const tnd_checkpoint *checkpoint, tnd_run_state *state,
                                    tendril_error *err) {
  int64_t counters[2];
  tnd_run_state read = *state;
  const tendril_run_options *run = &checkpoint->config->run;
  const tnd_tensors *tensors = checkpoint->tensors;
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "run.counters", 2, counters, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "run.eval_mean", TENDRIL_MAX_SIZES, 0, read.eval_mean, err));
  if (read.two_physics)
    TENDRIL_TRY(tnd_tensors_get(tensors, "run.eval_mean_as_trained", TENDRIL_MAX_SIZES, 0,
                                read.as_trained, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "run.best", 1, 0, &read.best, err));
  if (read.naverage)
    TENDRIL_TRY(tnd_tensors_get(tensors, AVERAGE, read.naverage, 0, read.average, err));
  read.others = 0;
  if (run->eval_every) TENDRIL_TRY(tnd_tensors_get_ints(tensors, OTHERS, 1, &read.others, err));
  if (read.others < 0 || read.others > TND_WHOLE_MAX)
    return tnd_tensors_refuse(tensors, OTHERS, "out of range", err);
  if (counters[0] < 0 || counters[0] > run->eval_at.n || counters[1] < 0 ||
      counters[1] > TND_WHOLE_MAX)
    return tnd_tensors_refuse(tensors, "run.counters", "out of range", err);
  read.evaluations = (int)counters[0];
  read.eval_steps = counters[1];
  *state = read;
  return TENDRIL_OK;
}

tendril_status tnd_checkpoint_policy(const tnd_checkpoint *checkpoint, tendril_policy *policy,
                                     tendril_error *err) {
  const tnd_tensors *tensors = checkpoint->tensors;
  TENDRIL_TRY(tnd_policy_load(policy, tensors, err));
  if (checkpoint->config->run.average == 0) return TENDRIL_OK;
  const int nparam = tendril_policy_nparam(policy);
  double *theta = tnd_alloc(sizeof *theta * (size_t)nparam);
  if (!theta) return tnd_fail_memory(err);
  tendril_status status = tnd_tensors_get(tensors, AVERAGE, nparam, 0, theta, err);
  if (status == TENDRIL_OK) status = tendril_policy_set_params(policy, theta, err);
  tnd_free(theta);
  return status;
}

tendril_status tnd_checkpoint_counters(const tnd_checkpoint *checkpoint, int64_t *iteration,
                                       int64_t *steps, tendril_error *err) {
  int64_t counters[2];
  TENDRIL_TRY(tnd_tensors_get_ints(checkpoint->tensors, "learner.counters", 2, counters, err));
  *iteration = counters[0];
  *steps = counters[1];
  return TENDRIL_OK;
}

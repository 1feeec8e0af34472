// A run's configuration in full, for src/run/.
#ifndef TND_CONFIG_H
#define TND_CONFIG_H

#include "base/options.h"
#include "learn/learner.h"
#include "run/sections.h"

#include <tendril/run.h>

struct cJSON;

struct tendril_config {
  const tendril_task *task;  // borrowed from the list of tasks
  const tnd_method *method;
  tendril_run_options run;
  tendril_sim_options sim;
  tendril_demonstration_options demonstration;
  tendril_policy_options policy;
  tendril_rollout_options rollout;
  tendril_critic_options critic;
  void *learner;  // method->options->size bytes, owned
};

// The sections in the order of the file; the last is the learner's.
enum { TND_SECTIONS = 9 };
void tnd_config_sections(tendril_config *config, tnd_section sections[TND_SECTIONS]);

// The tables that do not depend on the learner, for help and reference pages: i = 0 .. 7.
const tnd_option_table *tnd_section_table(int i, const char **name);

// A parsed resolved configuration (config.json, or the text in a checkpoint) as a new config.
TENDRIL_MUST_CHECK tendril_status tnd_config_parse(const tendril_tasks *tasks,
                                                   const struct cJSON *object, const char *where,
                                                   tendril_config **out, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_config_copy(const tendril_config *config,
                                                  tendril_config **out, tendril_error *err);

// The model of the training, and one under the task's own integrator and MuJoCo steps, all else
// being equal; *task_model is NULL where the training's are the task's own. Both are compiled from
// the file and have no start states (tendril_model_set_starts()). After an error both are NULL.
TENDRIL_MUST_CHECK tendril_status tnd_config_models(const tendril_config *config,
                                                    const tendril_tasks *tasks,
                                                    tendril_model **model,
                                                    tendril_model **task_model, tendril_error *err);

#endif

// Models, environments and a toy task for tests. What cannot be had fails the test.
#ifndef SUPPORT_SIM_H
#define SUPPORT_SIM_H

#include <tendril/tasks.h>

// The options' defaults.
tendril_sim_options support_sim_options(void);

// A built-in task's model; options NULL for the defaults. The caller destroys it.
tendril_model *support_model(const char *task, const tendril_sim_options *options);

// A new environment, reset with the stream of that number. obs [nobs] filled, may be NULL.
tendril_env *support_env(const tendril_model *model, uint32_t stream, double *obs);

// For the models in tests/data/mjcf/: starts at qpos0, observes qpos[0], qvel[0] and its own count
// of steps, is paid 1 a step and never ends.
extern const tendril_task support_toy;

// "tests/data/mjcf/name", constant until the next call
const char *support_mjcf(const char *name);

// Independent normal actions, [nact].
void support_actions(tendril_random *random, const tendril_model *model, double *action);

#endif

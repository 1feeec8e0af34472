// Plugins with one fault each; which, says the macro FAULT. Built as shared objects for
// test_plugin.c.
#include <tendril/tasks.h>

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)model, (void)data, (void)state, (void)random;
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)model, (void)data, (void)state;
  obs[0] = 0;
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  (void)model, (void)data, (void)state, (void)action, (void)seconds;
  terms[0] = 0;
  return false;
}

enum { NONE, ABI, FLAW, NAME, TAKEN, TWICE, NO_TASKS, NO_SYMBOL };

static const tendril_task good = {
    .name = "good",
    .mjcf = "missing.xml",
    .physics_steps = 1,
    .max_steps = 10,
    .nobs = 1,
    .nterm = 1,
    .terms = {"nothing"},
    .reset = reset,
    .observe = observe,
    .evaluate = evaluate,
};

static const tendril_task other = {
    .name = FAULT == NAME    ? "../name"
            : FAULT == TAKEN ? "hopper-v4"
            : FAULT == TWICE ? "good"
                             : "other",
    .mjcf = "missing.xml",
    .physics_steps = 1,
    .max_steps = 10,
    .nobs = FAULT == FLAW ? 0 : 1,
    .nterm = 1,
    .terms = {"nothing"},
    .reset = reset,
    .observe = observe,
    .evaluate = evaluate,
};

static const tendril_task *const tasks[] = {&good, &other};

#if FAULT == 7
#define tendril_plugin another_name
#endif
extern const tendril_plugin_info tendril_plugin;
TENDRIL_API const tendril_plugin_info tendril_plugin = {
    .abi = TENDRIL_PLUGIN_ABI + (FAULT == ABI),
    .ntask = FAULT == NO_TASKS ? 0 : 2,
    .tasks = tasks,
};

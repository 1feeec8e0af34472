// A task of one's own: a crane carries a hanging load to a place drawn anew in every episode and
// keeps it still there. One file, built on its own, loaded with `--plugin crane.so`.
#include <math.h>
#include <stdio.h>
#include <tendril/tasks.h>

enum { X, ROPE };             // qpos and qvel
enum { TARGET, NSTATE };      // the task's own state
static const double L = 1.1;  // from the trolley down to the load

// The callbacks index by these sizes, so a model that has others is refused here.
static tendril_status check(const mjModel *model, tendril_error *err) {
  if (model->nq == 2 && model->nu == 1) return TENDRIL_OK;
  snprintf(err->text, sizeof err->text, "the crane needs nq 2 and nu 1");
  return TENDRIL_E_FORMAT;
}

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)model;
  state[TARGET] = tendril_random_uniform(random, -1.2, 1.2);
  data->qpos[X] = tendril_random_uniform(random, -1.2, 1.2);
  data->qpos[ROPE] = tendril_random_uniform(random, -0.1, 0.1);
}

// Where the load hangs, seen from its target; positive angles swing it towards -x.
static double load_error(const mjData *data, const double *state) {
  return data->qpos[X] - L * sin(data->qpos[ROPE]) - state[TARGET];
}

static double load_speed(const mjData *data) {
  return data->qvel[X] - L * cos(data->qpos[ROPE]) * data->qvel[ROPE];
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)model;
  obs[0] = data->qpos[X] - state[TARGET];
  obs[1] = sin(data->qpos[ROPE]);
  obs[2] = data->qvel[X];
  obs[3] = data->qvel[ROPE];
}

static bool evaluate(const mjModel *model, const mjData *data, double *state, const double *action,
                     double seconds, double *terms) {
  (void)model, (void)seconds;
  double e = load_error(data, state), v = load_speed(data);
  terms[0] = exp(-4.0 * e * e);  // near
  terms[1] = -0.1 * v * v;       // still
  terms[2] = -0.01 * action[0] * action[0];
  return fabs(data->qpos[ROPE]) > 1.2;  // the load swings too high: the crane stops
}

static const tendril_task crane = {
    .name = "crane",
    .summary = "carry a hanging load to a target and keep it still",
    .source = "an example",
    .mjcf = "crane.xml",
    .physics_steps = 4,
    .max_steps = 200,
    .nobs = 4,
    .nstate = NSTATE,
    .nterm = 3,
    .terms = {"near", "still", "control"},
    .check = check,
    .reset = reset,
    .observe = observe,
    .evaluate = evaluate,
};

static const tendril_task *const tasks[] = {&crane};
TENDRIL_API const tendril_plugin_info tendril_plugin = {TENDRIL_PLUGIN_ABI, 1, tasks};

// A policy as a function of the state: its mean is what the policy does at the task's observation,
// its derivative is held against central differences of that mean, and what has none is refused.
#include "trajopt/state_policy.h"

#include "base/alloc.h"
#include "support/close.h"
#include "support/fd.h"
#include "support/guide.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NX = 32, NOBS = 32, NU = 8, COUNT = 5, HORIZON = 40 };

typedef struct stage {
  tendril_model *model;
  tendril_policy *policy;
  tnd_state_policy *view;
  int nq, nv, nx, n, nu, nobs, ground;
} stage;

static tendril_policy_options network(const char *what) {
  tendril_policy_options o;
  tendril_policy_defaults(&o);
  o.activation = TENDRIL_SOFTPLUS;
  o.hidden = (tendril_sizes){.n = 1, .at = {10}};
  if (strcmp(what, "linear") == 0) o.kind = TENDRIL_POLICY_LINEAR;
  if (strcmp(what, "time-linear") == 0) o.kind = TENDRIL_POLICY_TIME_LINEAR;
  o.time = strcmp(what, "with time") == 0;
  return o;
}

static stage open_model(tendril_model *model, const char *policy) {
  stage s = {.model = model};
  const mjModel *m = tendril_model_mujoco(model);
  s.nq = (int)m->nq;
  s.nv = (int)m->nv;
  s.nx = s.nq + s.nv;
  s.n = 2 * s.nv;
  s.nu = (int)m->nu;
  s.nobs = tendril_model_nobs(model);
  s.policy = support_busy_policy(network(policy), s.nobs, s.nu, HORIZON);
  check_ok(tnd_state_policy_create(model, s.policy, COUNT, &s.view, check_err));
  return s;
}

static void shut(stage *s) {
  tnd_state_policy_destroy(s->view);
  tendril_policy_destroy(s->policy);
  tendril_model_destroy(s->model);
}

static void get_state(const stage *s, tendril_env *env, double *x) {
  const mjData *d = tendril_env_data(env);
  memcpy(x, d->qpos, sizeof *x * (size_t)s->nq);
  memcpy(x + s->nq, d->qvel, sizeof *x * (size_t)s->nv);
}

// Into the middle of the unevenness, away from the level ground of the start.
static void carry(const stage *s, tendril_env *env, double *obs) {
  double x[NX];
  get_state(s, env, x);
  x[0] += 7;
  x[1] += tendril_ground_height(tendril_env_mujoco(env), x[0], NULL);
  check_ok(tnd_env_place(env, x, x + s->nq, obs, check_err));
}

// States x [COUNT][nx] of an episode on the stage's ground, 6 steps apart, and what it observed.
static void visit(const stage *s, double *x, double *obs) {
  double now[NOBS], action[NU];
  tendril_random random = tendril_random_stream(22, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_step step;
  tendril_env *env = support_env(s->model, 0, now);
  check_ok(tendril_env_set_ground(env, s->ground, check_err));
  check_ok(tendril_env_reset(env, &random, now, check_err));
  if (s->model->nground > 0) carry(s, env, now);
  for (int t = 0; t < 6 * COUNT; t++) {
    if (t % 6 == 0) {
      get_state(s, env, x + t / 6 * s->nx);
      memcpy(obs + t / 6 * s->nobs, now, sizeof *obs * (size_t)s->nobs);
    }
    tendril_random_normals(&random, s->nu, action);
    check_ok(tendril_env_step(env, action, now, &step, check_err));
  }
  tendril_env_destroy(env);
}

// The mean action about a state, as a function of a small change of it.
typedef struct around {
  const stage *s;
  const double *x;
  int t;
} around;

static void mean_at(void *context, const double *dx, double *mu) {
  const around *a = context;
  const stage *s = a->s;
  double x[NX];
  memcpy(x, a->x, sizeof *x * (size_t)s->nx);
  mj_integratePos(tendril_model_mujoco(s->model), x, dx, 1);
  for (int i = 0; i < s->nv; i++)
    x[s->nq + i] += dx[s->nv + i];
  tnd_state_policy_mean(s->view, a->t, 1, x, mu);
}

// P at x [COUNT][nx] against central differences. Returns its largest entry in a way along x.
static double check_jacobian(const stage *s, int t, const double *x) {
  const int size = s->nu * s->n;
  double mu[COUNT * NU], again[COUNT * NU], P[COUNT * NU * NX], expected[NU * NX], along = 0;
  const double zero[NX] = {0};
  const long before = tnd_alloc_count();
  tnd_state_policy_linearize(s->view, t, COUNT, x, mu, P);
  tnd_state_policy_mean(s->view, t, COUNT, x, again);
  cr_assert_eq(tnd_alloc_count(), before);
  check_same_bits(mu, again, COUNT * s->nu);
  for (int k = 0; k < COUNT; k++) {
    around a = {s, x + k * s->nx, t};
    support_fd_jacobian(mean_at, &a, zero, (size_t)s->n, (size_t)s->nu, SUPPORT_FD_STEP, expected);
    double scale = 1;
    for (int i = 0; i < size; i++)
      scale = fmax(scale, fabs(expected[i]));
    // observations are positions and velocities as they are, but for a rotation's: a forward
    // difference of 1e-6 leaves 1e-10 of rounding and half its curvature
    for (int i = 0; i < size; i++)
      check_close(P[k * size + i] / scale, expected[i] / scale, s->nq == s->nv ? 1e-8 : 2e-6);
    for (int i = 0; i < s->nu; i++)
      along = fmax(along, fabs(P[k * size + i * s->n]));
  }
  return along;
}

static void check_mean(const stage *s, int t, const double *x, const double *obs) {
  double mu[COUNT * NU], seen[COUNT * NOBS], expected[NU];
  tendril_actor *actor;
  tnd_state_policy_observe(s->view, COUNT, x, seen);
  check_same_bits(seen, obs, COUNT * s->nobs);
  tnd_state_policy_mean(s->view, t, COUNT, x, mu);
  check_ok(tendril_actor_create(s->policy, &actor, check_err));
  for (int k = 0; k < COUNT; k++) {
    tendril_policy_act(s->policy, actor, t, obs + k * s->nobs, NULL, expected);
    check_all_close(mu + k * s->nu, expected, s->nu, 1e-13);  // an order of summation
  }
  tendril_actor_destroy(actor);
}

static double check_all(tendril_model *model, const char *policy, int ground) {
  stage s = open_model(model, policy);
  double x[COUNT * NX], obs[COUNT * NOBS];
  s.ground = ground;
  tnd_state_policy_set_ground(s.view, ground);
  visit(&s, x, obs);
  check_mean(&s, 7, x, obs);
  const double along = check_jacobian(&s, 7, x);
  shut(&s);
  return along;
}

Test(state_policy, is_the_policy_at_the_tasks_observation_to_first_order) {
  static const char *const policies[] = {"mlp", "linear", "with time", "time-linear"};
  static const char *const tasks[] = {"walker-gps", "swimmer-gps", "double-link"};
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 4; i++) {
      const double along = check_all(support_model(tasks[k], NULL), policies[i], 0);
      // these two do not see where they are
      if (k < 2) cr_assert_eq(along, 0);
    }
}

Test(state_policy, follows_the_ground_that_it_is_on) {
  for (int ground = 0; ground < 2; ground++) {
    tendril_sim_options sim = support_sim_options();
    sim.terrain.kind = TENDRIL_TERRAIN_SLOPES;
    sim.terrain.slope = 10;
    sim.terrain.seeds = 2;
    // the height above a slope changes along it
    const double along = check_all(support_model("walker-gps", &sim), "mlp", ground);
    cr_assert(along > 0.01, "%g", along);
  }
}

// ------------------------------------------------------------------------------- a floating base

static void start_floating(const mjModel *model, mjData *data, double *state,
                           tendril_random *random) {
  (void)state;
  tendril_random_normals(random, (int)model->nv, data->qvel);
}

static void observe_floating(const mjModel *model, const mjData *data, const double *state,
                             double *obs) {
  (void)state;
  memcpy(obs, data->qpos, sizeof *obs * (size_t)model->nq);
  memcpy(obs + model->nq, data->qvel, sizeof *obs * (size_t)model->nv);
}

static bool pay(const mjModel *model, const mjData *data, double *state, const double *action,
                double seconds, double *terms) {
  (void)model, (void)data, (void)state, (void)action, (void)seconds;
  terms[0] = 1;
  return false;
}

Test(state_policy, moves_a_rotation_in_its_tangent_space) {
  tendril_task task = support_toy;
  tendril_model *model = NULL;
  task.nobs = 15;  // of a free joint and a hinge: qpos [8], qvel [7]
  task.nstate = 0;
  task.reset = start_floating;
  task.observe = observe_floating;
  task.before = NULL;
  task.evaluate = pay;
  check_ok(tendril_model_create(&task, support_mjcf("floating.xml"), NULL, &model, check_err));
  check_all(model, "mlp", 0);
}

// ------------------------------------------------------------------------------------- refusals

Test(state_policy, says_what_is_wrong) {
  tendril_error err;
  tnd_state_policy *view = NULL;
  // an observation with a memory
  tendril_model *hopper = support_model("hopper-v4", NULL);
  tendril_policy *policy = support_busy_policy(network("linear"), tendril_model_nobs(hopper), 3, 1);
  cr_assert_eq(tnd_state_policy_create(hopper, policy, 1, &view, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "hopper-v4") && strstr(err.text, "state of its own"), "%s", err.text);
  tendril_model_destroy(hopper);
  tendril_policy_destroy(policy);
  // policies of other observations and of other actions
  tendril_model *swimmer = support_model("swimmer-gps", NULL);
  for (int i = 0; i < 2; i++) {
    policy = support_busy_policy(network("mlp"), 8 + (i == 0), 2 + (i == 1), 1);
    cr_assert_eq(tnd_state_policy_create(swimmer, policy, 1, &view, &err), TENDRIL_E_ARGUMENT);
    cr_assert_null(strchr(err.text, '\n'));
    tendril_policy_destroy(policy);
  }
  cr_assert_null(view);
  tendril_model_destroy(swimmer);
}

static tendril_status attempt(void *context, tendril_error *err) {
  const stage *s = context;
  tnd_state_policy *view;
  TENDRIL_TRY(tnd_state_policy_create(s->model, s->policy, 3, &view, err));
  tnd_state_policy_destroy(view);
  return TENDRIL_OK;
}

Test(state_policy, survives_every_failing_allocation) {
  stage s = open_model(support_model("swimmer-gps", NULL), "mlp");
  cr_assert(support_fail_each_alloc(attempt, &s) > 2);
  shut(&s);
}

// dmu/dx = dmu/dobs dobs/dx: the first from the policy, the second by differences of the task's
// observation, which copies most of what it gives: exact there but for rounding.
#include "trajopt/state_policy.h"

#include "base/alloc.h"
#include "sim/compat.h"
#include "sim/physics.h"

#include <string.h>

static const double eps = 1e-6;

struct tnd_state_policy {
  const tendril_model *model;
  const tendril_policy *policy;
  const mjModel *mujoco;  // on the ground that was chosen
  mjData *data;
  tnd_policy_rows *rows;
  int nq, nv, nx, n, nu, nobs, ninput, ndist;
  tnd_arena arena;
  double *obs;     // [capacity][nobs]
  int *time;       // [capacity]
  double *input;   // [capacity][ninput]
  double *d;       // [capacity][ndist]
  double *Pobs;    // [capacity][nu][nobs]
  double *moved;   // [nobs]
  double *change;  // [nv] zeros between calls
  int capacity;
};

static void layout(tnd_state_policy *v, tnd_arena *arena) {
  const size_t c = (size_t)v->capacity, nobs = (size_t)v->nobs;
  v->obs = tnd_arena_doubles(arena, c * nobs);
  v->time = tnd_arena_ints(arena, c);
  v->input = tnd_arena_doubles(arena, c * (size_t)v->ninput);
  v->d = tnd_arena_doubles(arena, c * (size_t)v->ndist);
  v->Pobs = tnd_arena_doubles(arena, c * (size_t)v->nu * nobs);
  v->moved = tnd_arena_doubles(arena, nobs);
  v->change = tnd_arena_doubles(arena, (size_t)v->nv);
}

static void make_data(void *context) {
  tnd_state_policy *v = context;
  v->data = mj_makeData(v->mujoco);
}

static void delete_data(void *context) {
  mj_deleteData(context);
}

static tendril_status build(tnd_state_policy *v, tendril_error *err) {
  layout(v, &v->arena);
  TENDRIL_TRY(tnd_arena_alloc(&v->arena, err));
  layout(v, &v->arena);
  TENDRIL_TRY(tnd_policy_rows_create(v->policy, v->capacity, &v->rows, err));
  TENDRIL_TRY(tnd_physics_run(make_data, v, err));
  if (!v->data || !tnd_memory_take(tnd_physics_data_size(v->data))) return tnd_fail_memory(err);
  return TENDRIL_OK;
}

tendril_status tnd_state_policy_create(const tendril_model *model, const tendril_policy *policy,
                                       int capacity, tnd_state_policy **out, tendril_error *err) {
  const mjModel *m = model->mujoco;
  if (model->task->nstate > 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%s: the task has a state of its own; guided policy search needs observations "
                    "of positions and velocities alone",
                    model->task->name);
  TENDRIL_TRY(tnd_policy_check(policy, model->task->nobs, (int)m->nu, err));
  tnd_state_policy *v = tnd_alloc(sizeof *v);
  if (!v) return tnd_fail_memory(err);
  v->model = model;
  v->policy = policy;
  v->mujoco = tnd_model_ground(model, 0);
  v->nq = (int)m->nq;
  v->nv = (int)m->nv;
  v->nx = v->nq + v->nv;
  v->n = 2 * v->nv;
  v->nu = (int)m->nu;
  v->nobs = model->task->nobs;
  v->ninput = tnd_policy_ninput(policy);
  v->ndist = tnd_policy_ndist(policy);
  v->capacity = capacity;
  const tendril_status status = build(v, err);
  if (status == TENDRIL_OK)
    *out = v;
  else
    tnd_state_policy_destroy(v);
  return status;
}

void tnd_state_policy_destroy(tnd_state_policy *v) {
  if (!v) return;
  if (v->data && tnd_physics_run(delete_data, v->data, NULL) != TENDRIL_OK) {
    // nothing can be done about it; the rest is still released
  }
  tnd_policy_rows_destroy(v->rows);
  tnd_arena_free(&v->arena);
  tnd_free(v);
}

void tnd_state_policy_set_ground(tnd_state_policy *v, int ground) {
  v->mujoco = tnd_model_ground(v->model, ground);
}

static void place(tnd_state_policy *v, const double *x) {
  memcpy(v->data->qpos, x, sizeof *x * (size_t)v->nq);
  memcpy(v->data->qvel, x + v->nq, sizeof *x * (size_t)v->nv);
}

static void observe(tnd_state_policy *v, double *obs) {
  v->model->task->observe(v->mujoco, v->data, NULL, obs);
}

void tnd_state_policy_observe(tnd_state_policy *v, int count, const double *x, double *obs) {
  for (int i = 0; i < count; i++) {
    place(v, x + (ptrdiff_t)i * v->nx);
    observe(v, obs + (ptrdiff_t)i * v->nobs);
  }
}

// P [m][n] = Pobs [m][nobs] D of the state that is placed, obs its observation. An observation has
// little more than an entry of its own for a coordinate of the state: D is all but empty.
static void differentiate(tnd_state_policy *v, const double *x, const double *obs,
                          const double *Pobs, double *P) {
  const int n = v->n, m = v->nu, nobs = v->nobs;
  memset(P, 0, sizeof *P * (size_t)(m * n));
  for (int j = 0; j < n; j++) {
    if (j < v->nv) {
      v->change[j] = 1;
      mj_integratePos(v->mujoco, v->data->qpos, v->change, eps);
      v->change[j] = 0;
    } else {
      v->data->qvel[j - v->nv] += eps;
    }
    observe(v, v->moved);
    if (j < v->nv)
      memcpy(v->data->qpos, x, sizeof *x * (size_t)v->nq);
    else
      v->data->qvel[j - v->nv] = x[v->nq + j - v->nv];
    for (int o = 0; o < nobs; o++) {
      const double change = v->moved[o] - obs[o];
      if (change == 0) continue;
      for (int i = 0; i < m; i++)
        P[i * n + j] += Pobs[i * nobs + o] * (change / eps);
    }
  }
}

static void prepare(tnd_state_policy *v, int t, int count, const double *x) {
  tnd_state_policy_observe(v, count, x, v->obs);
  for (int i = 0; i < count; i++)
    v->time[i] = t;
  tnd_policy_input(v->policy, count, v->obs, v->time, v->input);
}

static void take_means(const tnd_state_policy *v, int count, double *mu) {
  for (int i = 0; i < count; i++)
    memcpy(mu + (ptrdiff_t)i * v->nu, v->d + (ptrdiff_t)i * v->ndist, sizeof *mu * (size_t)v->nu);
}

void tnd_state_policy_mean(tnd_state_policy *v, int t, int count, const double *x, double *mu) {
  prepare(v, t, count, x);
  tnd_policy_forward(v->policy, v->rows, count, v->input, v->d);
  take_means(v, count, mu);
}

void tnd_state_policy_linearize(tnd_state_policy *v, int t, int count, const double *x, double *mu,
                                double *P) {
  const int n = v->n, m = v->nu, nobs = v->nobs;
  prepare(v, t, count, x);
  tnd_policy_linearize(v->policy, v->rows, count, v->input, v->d, v->Pobs);
  take_means(v, count, mu);
  for (int k = 0; k < count; k++) {
    const double *xk = x + (ptrdiff_t)k * v->nx, *Pk = v->Pobs + (ptrdiff_t)k * m * nobs;
    place(v, xk);
    differentiate(v, xk, v->obs + (ptrdiff_t)k * nobs, Pk, P + (ptrdiff_t)k * m * n);
  }
}

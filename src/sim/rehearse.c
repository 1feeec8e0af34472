// A rehearsal of a task's callbacks when its model is compiled: each is called once on arrays with
// guards behind their ends. A task that writes past its nobs, nstate or nterm would otherwise train
// on overwritten numbers and never be noticed.
#include "sim/cost.h"
#include "sim/physics.h"
#include "sim/sim.h"

#include <math.h>
#include <string.h>

enum { GUARD = 16 };  // doubles behind every array

typedef struct rehearsal {
  const tendril_model *model;
  mjData *data;
  double *obs;          // [nobs + GUARD]
  double *state;        // [nstate + GUARD]
  double *terms;        // [nterm + GUARD]
  double *action;       // [nu + GUARD]
  double *r, *rx, *ru;  // [nr + GUARD], [nr][2 nv] + GUARD, [nr][nu] + GUARD
  tnd_arena arena;
} rehearsal;

static void layout(rehearsal *r, tnd_arena *arena) {
  const tendril_task *task = r->model->task;
  r->obs = tnd_arena_doubles(arena, (size_t)task->nobs + GUARD);
  r->state = tnd_arena_doubles(arena, (size_t)task->nstate + GUARD);
  r->terms = tnd_arena_doubles(arena, (size_t)task->nterm + GUARD);
  r->action = tnd_arena_doubles(arena, (size_t)r->model->mujoco->nu + GUARD);
  const size_t nr = (size_t)tnd_cost_nresidual(task);
  r->r = tnd_arena_doubles(arena, nr + GUARD);
  r->rx = tnd_arena_doubles(arena, nr * 2 * (size_t)r->model->mujoco->nv + GUARD);
  r->ru = tnd_arena_doubles(arena, nr * (size_t)r->model->mujoco->nu + GUARD);
}

// A number that no task computes.
static double guard_word(int i) {
  return -1.2345678901234567e300 - i * 1e290;
}

static void set_guard(double *end) {
  for (int i = 0; i < GUARD; i++)
    end[i] = guard_word(i);
}

static bool guard_stands(const double *end) {
  for (int i = 0; i < GUARD; i++)
    if (end[i] != guard_word(i)) return false;
  return true;
}

// One episode of one step that takes no time, under MuJoCo's error guard.
static void play(void *context) {
  rehearsal *r = context;
  const mjModel *m = r->model->mujoco;
  const tendril_task *task = r->model->task;
  tendril_random random = tendril_random_stream(0, TENDRIL_PURPOSE_TEST, 0, 0);
  r->data = mj_makeData(m);
  if (!r->data) return;
  task->reset(m, r->data, r->state, &random);
  mj_forward(m, r->data);
  task->observe(m, r->data, r->state, r->obs);
  if (task->before) task->before(m, r->data, r->state);
  if (task->actuate) task->actuate(m, r->data, r->action);
  if (task->during) task->during(m, r->data, r->state);
  if (task->evaluate) task->evaluate(m, r->data, r->state, r->action, r->model->seconds, r->terms);
  if (task->residuals)
    task->residuals(m, r->data->qpos, r->data->qvel, r->action, r->r, r->rx, r->ru);
}

static void delete_data(void *context) {
  mj_deleteData(context);
}

tendril_status tnd_task_rehearse(const tendril_model *model, tendril_error *err) {
  const tendril_task *task = model->task;
  rehearsal r = {.model = model};
  layout(&r, &r.arena);
  TENDRIL_TRY(tnd_arena_alloc(&r.arena, err));
  layout(&r, &r.arena);
  const int nr = tnd_cost_nresidual(task), nv = (int)model->mujoco->nv;
  const struct {
    const char *name;
    double *end;
    int n;
  } arrays[] = {{"nobs", r.obs + task->nobs, task->nobs},
                {"nstate", r.state + task->nstate, task->nstate},
                {"nterm", r.terms + task->nterm, task->nterm},
                {"the model's nu", r.action + model->mujoco->nu, model->mujoco->nu},
                {"the residuals of its cost", r.r + nr, nr},
                {"the residuals' rx", r.rx + nr * 2 * nv, nr * 2 * nv},
                {"the residuals' ru", r.ru + nr * model->mujoco->nu, nr * (int)model->mujoco->nu}};
  enum { N = sizeof arrays / sizeof arrays[0] };
  for (int i = 0; i < N; i++)
    set_guard(arrays[i].end);

  if (tnd_physics_run(play, &r, NULL) != TENDRIL_OK) {
    // a state that MuJoCo does not take is for the first episode to report
  }
  if (r.data && tnd_physics_run(delete_data, r.data, NULL) != TENDRIL_OK) {
    // nothing can be done about it
  }
  tendril_status status = TENDRIL_OK;
  for (int i = 0; i < N && status == TENDRIL_OK; i++)
    if (!guard_stands(arrays[i].end))
      status = tnd_fail(err, TENDRIL_E_CONFIG,
                        "task %s: its callbacks write past %s, %d; make it as large as they need",
                        task->name, arrays[i].name, arrays[i].n);
  tnd_arena_free(&r.arena);
  return status;
}

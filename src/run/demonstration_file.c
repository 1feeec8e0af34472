// See demonstration_file.h. Steps are played again by the trajectory's own feedback,
//   u = u^_t + K_t (x - x^_t),
// as its numbers may be another machine's, whose rounding a gait would blow up. Where nothing has
// changed x = x^_t to the bit, and so u = u^_t.
#include "run/demonstration_file.h"

#include "base/alloc.h"
#include "run/optimization.h"
#include "sim/sim.h"
#include "sim/terrain.h"
#include "trajopt/transition.h"

#include <math.h>
#include <string.h>

// m, rad, m/s or rad/s that one step from the same state may differ by. Of what another processor
// or MuJoCo rounds otherwise, 1e-12 say, a touch-down makes a thousand times as much; bodies that
// weigh 1 % more make 1e-3.
static const double close_enough = 1e-5;
static const double same_height = 1e-6;  // m: heights are stored in single precision

typedef struct player {
  const tendril_motion *motion;
  const tendril_model *model;  // the training's
  tnd_transition *f;
  double *dx;    // [n]
  double *u;     // [nu]
  double *next;  // [nx]
} player;

// ------------------------------------------------------------------------------------ is it for us

// Where along x the two grounds differ first; NAN: nowhere.
static double find_difference(const mjModel *a, const mjModel *b,
                              const tendril_terrain_options *options) {
  const tnd_terrain_shape shape = tnd_terrain_shape_of(options);
  for (int i = 0; i < shape.n; i++) {
    const double x = shape.x0 + i * TND_TERRAIN_DX;
    const double off = tendril_ground_height(a, x, NULL) - tendril_ground_height(b, x, NULL);
    if (!(fabs(off) <= same_height)) return x;
  }
  return (double)NAN;
}

static tendril_status check_ground(const tendril_motion *motion, const tendril_model *model,
                                   int ground, tendril_error *err) {
  const mjModel *its = tnd_model_ground(motion->model, 0), *ours = tnd_model_ground(model, ground);
  // as far as either of them is uneven
  tendril_terrain_options longest = motion->optimization->sim.terrain;
  longest.length = 200;
  const double x = find_difference(its, ours, &longest);
  if (isnan(x)) return TENDRIL_OK;
  return tnd_fail(
      err, TENDRIL_E_CONFIG,
      "%.400s: its ground is not the training's ground %d: at %g m it is %.3g m high "
      "instead of %.3g; optimise with the training's terrain, its seed terrain.seed + %d",
      motion->path, ground, x, tendril_ground_height(its, x, NULL),
      tendril_ground_height(ours, x, NULL), ground);
}

static tendril_status check(const tendril_motion *motion, const tendril_model *model,
                            const tendril_trajectory *y, tendril_error *err) {
  const char *its = motion->optimization->task->name, *ours = model->task->name;
  if (strcmp(its, ours) != 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%.400s: a trajectory of %s, and no demonstration for %s; give one of `tendril "
                    "optimize %s`",
                    motion->path, its, ours, ours);
  if (motion->model->seconds != model->seconds)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%.400s: control steps of %g s, in the training %g s; optimise with the "
                    "training's sim.step_seconds and sim.physics_steps",
                    motion->path, motion->model->seconds, model->seconds);
  if (!tnd_model_same_physics(motion->model, model))
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%.400s: another integrator or other MuJoCo steps than the training's; "
                    "optimise with the training's sim.integrator and sim.physics_steps",
                    motion->path);
  TENDRIL_TRY(check_ground(motion, model, y->ground, err));
  if (motion->trajectory.T < y->T)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%.400s: a trajectory of %d steps is too short for a demonstration of %d; use "
                    "a smaller demonstration.steps, or optimise with --steps %d",
                    motion->path, motion->trajectory.T, y->T, y->T);
  return TENDRIL_OK;
}

// -------------------------------------------------------------------------------------- the
// playing

static double largest(const double *a, int n) {
  double most = 0;
  for (int i = 0; i < n; i++)
    most = isfinite(a[i]) ? fmax(most, fabs(a[i])) : HUGE_VAL;
  return most;
}

// That the file's own step is one of this model.
static tendril_status check_step(player *p, int t, tendril_error *err) {
  const tendril_trajectory *from = &p->motion->trajectory;
  const double *x = from->x + (ptrdiff_t)t * from->nx;
  tnd_model_clip(p->model, from->u + (ptrdiff_t)t * from->nu, p->u);
  double off = HUGE_VAL;
  if (tnd_transition_step(p->f, t, x, p->u, p->next)) {
    tnd_state_difference(p->model, x + from->nx, p->next, p->dx);
    off = largest(p->dx, from->n);
  }
  if (off <= close_enough) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_CONFIG,
                  "%.400s: from its step %d on it is off by %.2g of what the training's simulation "
                  "does: the model or sim.limit is another; optimise anew with the training's",
                  p->motion->path, t, off);
}

static tendril_status play(player *p, tendril_trajectory *y, tendril_error *err) {
  const tendril_trajectory *from = &p->motion->trajectory;
  memcpy(y->x, from->x, sizeof *y->x * (size_t)y->nx);
  for (int t = 0; t < y->T; t++) {
    double *x = y->x + (ptrdiff_t)t * y->nx, *u = y->u + (ptrdiff_t)t * y->nu;
    const double *K = from->K + (ptrdiff_t)t * y->nu * y->n;
    TENDRIL_TRY(check_step(p, t, err));
    tnd_state_difference(p->model, from->x + (ptrdiff_t)t * y->nx, x, p->dx);
    for (int a = 0; a < y->nu; a++) {
      u[a] = from->u[(ptrdiff_t)t * y->nu + a];
      for (int j = 0; j < y->n; j++)
        u[a] += K[a * y->n + j] * p->dx[j];
    }
    tnd_model_clip(p->model, u, u);
    if (!tnd_transition_step(p->f, t, x, u, x + y->nx))
      return tnd_fail(err, TENDRIL_E_PHYSICS,
                      "%.400s: the simulation does not survive its step %d; optimise anew on this "
                      "machine",
                      p->motion->path, t);
  }
  return TENDRIL_OK;
}

static tendril_status play_again(const tendril_motion *motion, const tendril_model *model,
                                 tendril_trajectory *y, tendril_error *err) {
  player p = {.motion = motion, .model = model};
  p.dx = tnd_alloc(sizeof *p.dx * (size_t)(y->n + y->nu + y->nx));
  if (!p.dx) return tnd_fail_memory(err);
  p.u = p.dx + y->n;
  p.next = p.u + y->nu;
  tendril_status status = tnd_transition_create(model, &p.f, err);
  if (status == TENDRIL_OK) {
    tnd_transition_set_ground(p.f, y->ground);
    status = play(&p, y, err);
  }
  tnd_transition_destroy(p.f);
  tnd_free(p.dx);
  return status;
}

tendril_status tnd_demonstration_read(const char *path, const tendril_tasks *tasks,
                                      const tendril_model *model, tendril_trajectory *y,
                                      tendril_error *err) {
  tendril_motion motion;
  TENDRIL_TRY(tendril_motion_open(tasks, path, NULL, &motion, err));
  tendril_status status = check(&motion, model, y, err);
  if (status == TENDRIL_OK) status = play_again(&motion, model, y, err);
  tendril_motion_close(&motion);
  return status;
}

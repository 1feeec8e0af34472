// A compiled model with other numbers in it. What MuJoCo derives from masses at compile time
// (subtree masses, inverse weights, which scale the contacts) is made anew by mj_setConst().
#include "sim/physics.h"
#include "sim/push.h"
#include "sim/sim.h"

#include <math.h>
#include <string.h>

void tendril_variation_defaults(tendril_variation *variation) {
  *variation = (tendril_variation){.mass = 1, .friction = 1, .motor = 1, .floor = -1};
}

static tendril_status check_positive(const char *name, double value, tendril_error *err) {
  if (value > 0 && value <= 1e6) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "variation: %s %g is out of range; use more than 0",
                  name, value);
}

static tendril_status check(const tendril_variation *v, tendril_error *err) {
  TENDRIL_TRY(check_positive("mass", v->mass, err));
  TENDRIL_TRY(check_positive("friction", v->friction, err));
  TENDRIL_TRY(check_positive("motor", v->motor, err));
  if (!isfinite(v->floor) || v->floor > 1e6)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "variation: floor %g is no friction", v->floor);
  if (v->nbody < 0 || v->nbody > TENDRIL_MAX_BODY_MASSES)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "variation: at most %d bodies have their own mass",
                    TENDRIL_MAX_BODY_MASSES);
  for (int i = 0; i < v->nbody; i++)
    TENDRIL_TRY(check_positive(v->body[i].name, v->body[i].kg, err));
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------- guarded calls

typedef struct copy {
  const mjModel *from;
  mjModel *model;
  mjData *data;
} copy;

static void copy_model(void *context) {
  copy *c = context;
  c->model = mj_copyModel(NULL, c->from);
}

static void set_constants(void *context) {
  copy *c = context;
  c->data = mj_makeData(c->model);
  if (c->data) mj_setConst(c->model, c->data);
}

static void delete_data(void *context) {
  mj_deleteData(context);
}

// ------------------------------------------------------------------------------- the numbers

static void scale_body(mjModel *m, int body, double factor) {
  m->body_mass[body] *= factor;
  for (int j = 0; j < 3; j++)
    m->body_inertia[3 * body + j] *= factor;
}

static tendril_status change(mjModel *m, const tendril_variation *v, tendril_error *err) {
  for (int i = 1; i < (int)m->nbody; i++)
    scale_body(m, i, v->mass);
  for (int k = 0; k < v->nbody; k++) {
    int body;
    TENDRIL_TRY(tnd_find_body(m, v->body[k].name, "variation", &body, err));
    if (!(m->body_mass[body] > 0))
      return tnd_fail(err, TENDRIL_E_ARGUMENT, "variation: the body %s has no mass to change",
                      v->body[k].name);
    scale_body(m, body, v->body[k].kg / m->body_mass[body]);
  }
  for (int i = 0; i < (int)m->ngeom; i++) {
    m->geom_friction[3 * i] *= v->friction;
    if (m->geom_bodyid[i] == 0 && v->floor >= 0) m->geom_friction[3 * i] = v->floor;
  }
  // an explicit pair's are its own, in both tangents
  for (int i = 0; i < (int)m->npair; i++)
    for (int j = 0; j < 2; j++)
      m->pair_friction[5 * i + j] *= v->friction;
  for (int i = 0; i < (int)m->nu; i++)
    for (int j = 0; j < 6; j++)
      m->actuator_gear[6 * i + j] *= v->motor;
  return TENDRIL_OK;
}

static tendril_status build(tendril_model *model, const tendril_model *base,
                            const tendril_variation *v, tendril_error *err) {
  copy c = {.from = base->mujoco};
  TENDRIL_TRY(tnd_physics_run(copy_model, &c, err));
  if (!c.model) return tnd_fail_memory(err);
  model->mujoco = c.model;
  TENDRIL_TRY(change(c.model, v, err));
  tendril_status status = tnd_physics_run(set_constants, &c, err);
  if (status == TENDRIL_OK && !c.data) status = tnd_fail_memory(err);
  if (c.data) {
    const tendril_status freed = tnd_physics_run(delete_data, c.data, NULL);
    if (status == TENDRIL_OK) status = freed;
  }
  TENDRIL_TRY(status);
  TENDRIL_TRY(tnd_model_take_arrays(model, err));
  for (int i = 0; i < (int)c.model->nu; i++) {
    model->low[i] = base->low[i];
    model->high[i] = base->high[i];
  }
  TENDRIL_TRY(tendril_model_set_starts(model, base->nmotion, base->nstart / base->nmotion,
                                       base->starts, err));
  if (!base->nground) return TENDRIL_OK;
  TENDRIL_TRY(tnd_model_take_grounds(model, base->nground, err));
  memcpy(model->heights, base->heights,
         (size_t)base->nground * (size_t)c.model->nhfielddata * sizeof *model->heights);
  return TENDRIL_OK;
}

tendril_status tendril_model_vary(const tendril_model *base, const tendril_variation *variation,
                                  tendril_model **out, tendril_error *err) {
  TENDRIL_TRY(check(variation, err));
  tendril_model *model = tnd_alloc(sizeof *model);
  if (!model) return tnd_fail_memory(err);
  // all but what it owns
  *model = *base;
  model->mujoco = NULL;
  model->arena = (tnd_arena){0};
  model->low = model->high = model->no_action = NULL;
  model->nground = 0;
  model->grounds = NULL;
  model->heights = NULL;
  model->nstart = 0;
  model->nmotion = 1;
  model->starts = NULL;
  const tendril_status status = build(model, base, variation, err);
  if (status == TENDRIL_OK)
    *out = model;
  else
    tendril_model_destroy(model);
  return status;
}

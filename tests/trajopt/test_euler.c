// Derivatives of a MuJoCo step by the implicit function theorem: against central differences of
// mj_step() where every kind of constraint pushes, along a walker's fall, and what it may leave
// out.
#include "trajopt/euler.h"

#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { NV_MAX = 12, NU_MAX = 6, N_MAX = 2 * NV_MAX, W_MAX = N_MAX + NU_MAX, NQ_MAX = 16 };

typedef struct stage {
  mjModel *model;
  mjData *data;
  tnd_euler euler;
  tnd_arena arena;
  // the state that the step starts from, and where it ends
  double q[NQ_MAX], v[NV_MAX], u[NU_MAX], q1[NQ_MAX], v1[NV_MAX];
} stage;

static stage setup(const char *path) {
  char text[200] = "";
  stage s = {.model = mj_loadXML(path, NULL, text, sizeof text)};
  cr_assert(s.model, "%s", text);
  s.data = mj_makeData(s.model);
  cr_assert(tnd_euler_can(s.model));
  tnd_euler_layout(&s.euler, s.model, &s.arena);
  check_ok(tnd_arena_alloc(&s.arena, check_err));
  tnd_euler_layout(&s.euler, s.model, &s.arena);
  tnd_euler_init(&s.euler, s.model);
  return s;
}

static void shut(stage *s) {
  tnd_arena_free(&s->arena);
  mj_deleteData(s->data);
  mj_deleteModel(s->model);
}

static void enter(stage *s) {
  mju_copy(s->data->qpos, s->q, (int)s->model->nq);
  mju_copy(s->data->qvel, s->v, (int)s->model->nv);
  mju_copy(s->data->ctrl, s->u, (int)s->model->nu);
  mju_zero(s->data->qacc_warmstart, (int)s->model->nv);
}

// Makes the state that data is in the one to start from.
static void stay(stage *s) {
  mju_copy(s->q, s->data->qpos, (int)s->model->nq);
  mju_copy(s->v, s->data->qvel, (int)s->model->nv);
  mju_copy(s->u, s->data->ctrl, (int)s->model->nu);
  enter(s);
  mj_step(s->model, s->data);
  mju_copy(s->q1, s->data->qpos, (int)s->model->nq);
  mju_copy(s->v1, s->data->qvel, (int)s->model->nv);
  enter(s);
}

// The step as a function of the change z = (dq, dv, du).
static void step(void *context, const double *z, double *y) {
  stage *s = context;
  const mjModel *m = s->model;
  const int nv = (int)m->nv;
  enter(s);
  mj_integratePos(m, s->data->qpos, z, 1);
  mju_addTo(s->data->qvel, z + nv, nv);
  mju_addTo(s->data->ctrl, z + 2 * nv, (int)m->nu);
  mj_step(m, s->data);
  mj_differentiatePos(m, y, 1, s->q1, s->data->qpos);
  mju_sub(y + nv, s->data->qvel, s->v1, nv);
}

// The largest difference from central differences, as a share of the largest entry of its column.
static double error(stage *s) {
  const int n = 2 * (int)s->model->nv, w = n + (int)s->model->nu;
  double z[W_MAX] = {0}, expected[N_MAX * W_MAX], F[N_MAX * W_MAX], worst = 0;
  support_fd_jacobian(step, s, z, (size_t)w, (size_t)n, 1e-6, expected);
  enter(s);
  cr_assert(tnd_euler_differentiate(&s->euler, s->model, s->data, 1e-7, F));
  for (int j = 0; j < w; j++) {
    double scale = 0, most = 0;
    for (int i = 0; i < n; i++) {
      scale = fmax(scale, fabs(expected[i * w + j]));
      most = fmax(most, fabs(F[i * w + j] - expected[i * w + j]));
    }
    worst = fmax(worst, most / scale);
  }
  return worst;
}

Test(euler, agrees_with_central_differences_where_every_constraint_pushes) {
  stage s = setup(support_mjcf("loaded.xml"));
  int kinds = 0;
  s.data->ctrl[0] = 0.9;  // the arm's motor lifts it against its limit
  s.data->ctrl[1] = 1;
  s.data->ctrl[2] = -0.5;
  s.data->xfrc_applied[6 * 2] = 2;  // and the arm is pushed
  for (int t = 0; t < 80; t++)
    mj_step(s.model, s.data);
  for (int k = 0; k < s.data->nefc; k++)
    if (s.data->efc_force[k] != 0) kinds |= 1 << s.data->efc_type[k];
  cr_assert_eq(kinds, 1 << mjCNSTR_EQUALITY | 1 << mjCNSTR_FRICTION_DOF | 1 << mjCNSTR_LIMIT_JOINT |
                          1 << mjCNSTR_CONTACT_PYRAMIDAL);
  stay(&s);
  const double e = error(&s);
  // forward differences leave an error that is proportional to their step: 3e-5 here, 3e-4 for 1e-6
  cr_assert(e < 1e-4, "%g", e);
  shut(&s);
}

Test(euler, agrees_with_central_differences_along_a_fall) {
  enum { T = 120 };
  stage s = setup(TENDRIL_SOURCE_DIR "/models/walker_gps.xml");
  int contacts = 0, apart = 0;
  for (int t = 0; t < T; t++) {
    for (int i = 0; i < 6; i++)
      s.data->ctrl[i] = 20 * sin(0.2 * t + i);
    mj_step(s.model, s.data);
    stay(&s);
    const double e = error(&s);
    contacts += s.data->ncon > 0;
    apart += e > 3e-4;
  }
  cr_assert(contacts > T / 2);
  // where a contact opens or closes within the difference there is no derivative to agree on
  cr_assert(apart <= T / 20, "%d", apart);
  shut(&s);
}

Test(euler, leaves_the_state_as_it_was) {
  stage s = setup(support_mjcf("loaded.xml"));
  double F[N_MAX * W_MAX];
  for (int t = 0; t < 20; t++)
    mj_step(s.model, s.data);
  stay(&s);
  s.data->qacc_warmstart[3] = 0.25;
  const double time = s.data->time;
  cr_assert(tnd_euler_differentiate(&s.euler, s.model, s.data, 1e-7, F));
  check_same_bits(s.data->qpos, s.q, (int)s.model->nq);
  check_same_bits(s.data->qvel, s.v, (int)s.model->nv);
  check_same_bits(s.data->ctrl, s.u, (int)s.model->nu);
  cr_assert(s.data->qacc_warmstart[3] == 0.25 && s.data->qacc_warmstart[0] == 0);
  cr_assert(s.data->time == time);
  shut(&s);
}

Test(euler, knows_along_what_the_world_is_uniform) {
  stage s = setup(TENDRIL_SOURCE_DIR "/models/walker_gps.xml");
  double F[N_MAX * W_MAX];
  cr_assert(s.euler.still[0]);
  for (int i = 1; i < 9; i++)
    cr_assert_not(s.euler.still[i]);
  for (int t = 0; t < 50; t++)
    mj_step(s.model, s.data);
  stay(&s);
  cr_assert(s.data->ncon > 0);
  cr_assert(tnd_euler_differentiate(&s.euler, s.model, s.data, 1e-7, F));
  for (int i = 0; i < 18; i++)
    cr_assert(F[i * 24] == (i == 0));

  // on a floor that is tilted, or under gravity that is, x matters
  const double quat[4] = {0.9998, 0, 0.02, 0};
  double before[4];
  mju_copy4(before, s.model->geom_quat);
  mju_copy4(s.model->geom_quat, quat);
  tnd_euler_init(&s.euler, s.model);
  cr_assert_not(s.euler.still[0]);
  mju_copy4(s.model->geom_quat, before);
  s.model->opt.gravity[0] = 0.1;
  tnd_euler_init(&s.euler, s.model);
  cr_assert_not(s.euler.still[0]);
  shut(&s);
}

Test(euler, declines_what_it_is_not_made_for) {
  stage s = setup(TENDRIL_SOURCE_DIR "/models/walker_gps.xml");
  s.model->opt.cone = mjCONE_ELLIPTIC;
  cr_assert_not(tnd_euler_can(s.model));
  s.model->opt.cone = mjCONE_PYRAMIDAL;
  s.model->opt.integrator = mjINT_IMPLICIT;
  cr_assert_not(tnd_euler_can(s.model));
  s.model->opt.integrator = mjINT_EULER;
  s.model->opt.noslip_iterations = 3;
  cr_assert_not(tnd_euler_can(s.model));
  shut(&s);
}

// One MuJoCo step under Euler, differentiated. The acceleration a solves the equation of motion
//
//   r(q, v, u; a) = M(q) a - tau(q, v, u) - J(q)'f(J a - a_ref) = 0,
//
// tau all smooth forces and f those of the constraints, which in MuJoCo's soft constraints are a
// function of J a - a_ref. So, z standing for (q, v, u),
//
//   da = -H^-1 dr,   H = dr/da = M + J'D J,
//
// D the stiffness of the rows that push. Only dr/dz is taken by differences, at a fixed a: no
// column needs a constraint solver, and what the solver's tolerance leaves of r drops out. Joint
// damping B is implicit over the step h; with at for what it leaves of a,
//
//   (M + h B) at = M a,   (M + h B) dat = M da + dM (a - at),   v' = v + h at,   q' = q + h v'.
//
// Where a contact opens or closes within the difference the result is between that of both sides,
// as any difference is.
// Source: MuJoCo's documentation, "Computation"; docs/methods/ilqg.md.
#include "trajopt/euler.h"

#include "math/cholesky.h"
#include "sim/compat.h"

#include <math.h>
#include <string.h>

// ------------------------------------------------------------------------------------------- life

bool tnd_euler_can(const mjModel *m) {
  return m->opt.integrator == mjINT_EULER && m->opt.cone == mjCONE_PYRAMIDAL &&
         m->opt.noslip_iterations == 0 && m->na == 0 && !mj_isSparse(m);
}

void tnd_euler_layout(tnd_euler *e, const mjModel *m, tnd_arena *arena) {
  const size_t nq = (size_t)m->nq, nv = (size_t)m->nv, w = 2 * nv + (size_t)m->nu;
  e->still = tnd_arena_take(arena, nv, sizeof *e->still);
  e->a = tnd_arena_doubles(arena, nv);
  e->at = tnd_arena_doubles(arena, nv);
  e->M = tnd_arena_doubles(arena, nv * nv);
  e->H = tnd_arena_doubles(arena, nv * nv);
  e->Mh = tnd_arena_doubles(arena, nv * nv);
  e->r0 = tnd_arena_doubles(arena, nv);
  e->r = tnd_arena_doubles(arena, nv);
  e->p0 = tnd_arena_doubles(arena, nv);
  e->p = tnd_arena_doubles(arena, nv);
  e->dr = tnd_arena_doubles(arena, nv * w);
  e->dp = tnd_arena_doubles(arena, nv * w);
  e->da = tnd_arena_doubles(arena, nv * w);
  e->warm = tnd_arena_doubles(arena, nv);
  e->change = tnd_arena_doubles(arena, nv);
  e->v = tnd_arena_doubles(arena, nv);
  e->q = tnd_arena_doubles(arena, nq);
  e->next = tnd_arena_doubles(arena, nq);
  e->moved = tnd_arena_doubles(arena, nq);
}

// Whether the world is the same from everywhere along an axis: nothing but planes parallel to it.
static bool is_uniform_along(const mjModel *m, const double *axis) {
  const double up[3] = {0, 0, 1};
  for (int i = 0; i < (int)m->ngeom; i++) {
    const bool collides = m->geom_contype[i] || m->geom_conaffinity[i];
    double normal[3];
    if (m->body_weldid[m->geom_bodyid[i]] != 0 || !collides) continue;
    if (m->geom_type[i] != mjGEOM_PLANE || m->geom_bodyid[i] != 0) return false;
    mju_rotVecQuat(normal, up, m->geom_quat + (ptrdiff_t)4 * i);
    if (fabs(mju_dot3(normal, axis)) > 1e-12) return false;
  }
  return fabs(mju_dot3(m->opt.gravity, axis)) <= 1e-12 * mju_norm3(m->opt.gravity);
}

// Whether the joint carries the whole robot along an axis that no dynamics depends on, as a planar
// robot's x on flat ground: its column is known. Cautious: what it doesn't know it takes for felt.
static bool is_still(const mjModel *m, int joint) {
  const int body = m->jnt_bodyid[joint];
  if (m->jnt_type[joint] != mjJNT_SLIDE || m->body_parentid[body] != 0) return false;
  if (m->jnt_limited[joint] || m->jnt_stiffness[joint] != 0) return false;
  if (m->neq > 0 || m->ntendon > 0 || m->nmocap > 0 || m->npair > 0) return false;
  for (int j = m->body_jntadr[body]; j < joint; j++)  // those before it turn its axis
    if (m->jnt_type[j] != mjJNT_SLIDE) return false;
  for (int j = 0; j < (int)m->njnt; j++)  // another robot
    if (m->body_rootid[m->jnt_bodyid[j]] != body) return false;
  for (int i = 0; i < (int)m->nu; i++)
    if (m->actuator_trntype[i] != mjTRN_JOINT || m->actuator_trnid[2 * i] == joint) return false;
  double axis[3];
  mju_rotVecQuat(axis, m->jnt_axis + (ptrdiff_t)3 * joint, m->body_quat + (ptrdiff_t)4 * body);
  return is_uniform_along(m, axis);
}

void tnd_euler_init(tnd_euler *e, const mjModel *m) {
  e->nv = (int)m->nv;
  e->nu = (int)m->nu;
  e->scalar = m->nq == m->nv;
  e->damped = false;
  for (int i = 0; i < e->nv; i++) {
    e->still[i] = is_still(m, m->dof_jntid[i]);
    if (m->dof_damping[i] > 0 && tnd_physics_damps_implicitly(m)) e->damped = true;
  }
}

// --------------------------------------------------------------------------------------- residual

// r at the acceleration e->a, all forces but the constraints' being those in d.
static void residual(const tnd_euler *e, const mjModel *m, mjData *d, double *r) {
  double *jar = d->efc_b;  // as large, and only the solver's
  mj_mulM(m, d, r, e->a);
  mju_subFrom(r, d->qfrc_smooth, e->nv);
  if (d->nefc == 0) return;
  mj_mulJacVec(m, d, jar, e->a);
  mju_subFrom(jar, d->efc_aref, d->nefc);
  mj_constraintUpdate(m, d, jar, NULL, 0);
  mju_subFrom(r, d->qfrc_constraint, e->nv);
}

// All forces but the constraints', from those that velocities and positions decide. As
// mj_fwdAcceleration() has it, which solves for an acceleration, too: of no use here.
static void add_forces(const tnd_euler *e, const mjModel *m, mjData *d) {
  mj_fwdActuation(m, d);
  if (e->pushed) {
    mj_fwdAcceleration(m, d);
    return;
  }
  mju_sub(d->qfrc_smooth, d->qfrc_passive, d->qfrc_bias, e->nv);
  mju_addTo(d->qfrc_smooth, d->qfrc_applied, e->nv);
  mju_addTo(d->qfrc_smooth, d->qfrc_actuator, e->nv);
}

// Column j of dr, from r at a place that is h away.
static void set_column(tnd_euler *e, int j, double h) {
  const int w = 2 * e->nv + e->nu;
  for (int i = 0; i < e->nv; i++)
    e->dr[i * w + j] = (e->r[i] - e->r0[i]) / h;
}

// Controls act by the actuators' forces alone.
static void move_controls(tnd_euler *e, const mjModel *m, mjData *d, double eps) {
  const int nv = e->nv, w = 2 * nv + e->nu;
  mju_copy(e->r, d->qfrc_actuator, nv);
  for (int k = 0; k < e->nu; k++) {
    const double u = d->ctrl[k];
    // MuJoCo clamps controls: away from the upper limit
    const bool at_limit = m->actuator_ctrllimited[k] && u + eps > m->actuator_ctrlrange[2 * k + 1];
    const double h = at_limit ? -eps : eps;
    d->ctrl[k] = u + h;
    mj_fwdActuation(m, d);
    for (int i = 0; i < nv; i++)
      e->dr[i * w + 2 * nv + k] = (e->r[i] - d->qfrc_actuator[i]) / h;
    d->ctrl[k] = u;
  }
}

static void move_velocities(tnd_euler *e, const mjModel *m, mjData *d, double eps) {
  for (int j = 0; j < e->nv; j++) {
    d->qvel[j] = e->v[j] + eps;
    mj_fwdVelocity(m, d);
    add_forces(e, m, d);
    residual(e, m, d, e->r);
    set_column(e, e->nv + j, eps);
    d->qvel[j] = e->v[j];
  }
}

// dr, and of dp = dM (a - at) too.
static void move_positions(tnd_euler *e, const mjModel *m, mjData *d, double eps) {
  const int nv = e->nv, w = 2 * nv + e->nu;
  for (int j = 0; j < nv; j++) {
    if (e->still[j]) continue;
    e->change[j] = 1;
    mj_integratePos(m, d->qpos, e->change, eps);
    e->change[j] = 0;
    mj_fwdPosition(m, d);
    mj_fwdVelocity(m, d);
    add_forces(e, m, d);
    residual(e, m, d, e->r);
    set_column(e, j, eps);
    if (e->damped) {
      mju_sub(e->r, e->a, e->at, nv);
      mj_mulM(m, d, e->p, e->r);
      for (int i = 0; i < nv; i++)
        e->dp[i * w + j] = (e->p[i] - e->p0[i]) / eps;
    }
    mju_copy(d->qpos, e->q, (int)m->nq);
  }
}

// ---------------------------------------------------------------------------------------- algebra

// H = M + J'D J, factored; the constraints' state is that of the last residual().
static bool factor_hessian(tnd_euler *e, const mjData *d) {
  const int nv = e->nv;
  memcpy(e->H, e->M, sizeof *e->H * (size_t)(nv * nv));
  for (int k = 0; k < d->nefc; k++) {
    const double *J = d->efc_J + (ptrdiff_t)k * nv;
    if (d->efc_state[k] != mjCNSTRSTATE_QUADRATIC) continue;
    for (int i = 0; i < nv; i++) {
      const double c = d->efc_D[k] * J[i];
      for (int j = 0; j <= i; j++)
        e->H[i * nv + j] += c * J[j];
    }
  }
  return tnd_cholesky(nv, nv, e->H);
}

// M + h B, factored, and at of a.
static bool damp(tnd_euler *e, const mjModel *m) {
  const int nv = e->nv;
  memcpy(e->Mh, e->M, sizeof *e->Mh * (size_t)(nv * nv));
  for (int i = 0; i < nv; i++)
    e->Mh[i * nv + i] += m->opt.timestep * m->dof_damping[i];
  mju_mulMatVec(e->at, e->M, e->a, nv, nv);
  if (!tnd_cholesky(nv, nv, e->Mh)) return false;
  tnd_cholesky_solve(nv, nv, e->Mh, 1, e->at);
  mju_sub(e->r, e->a, e->at, nv);
  mju_mulMatVec(e->p0, e->M, e->r, nv, nv);
  return true;
}

// All about the state that d is in: a, M, H, r0 and what damping needs. Leaves d as mj_forward()
// does.
static bool prepare(tnd_euler *e, const mjModel *m, mjData *d) {
  mju_copy(e->q, d->qpos, (int)m->nq);
  mju_copy(e->v, d->qvel, e->nv);
  mju_copy(e->warm, d->qacc_warmstart, e->nv);
  e->pushed = !mju_isZero(d->xfrc_applied, 6 * (int)m->nbody);
  mj_forwardSkip(m, d, mjSTAGE_NONE, 1);
  mju_copy(d->qacc_warmstart, e->warm, e->nv);
  for (int i = 0; i < e->nv; i++)
    if (!(fabs(d->qacc[i]) <= mjMAXVAL)) return false;
  mju_copy(e->a, d->qacc, e->nv);
  mju_copy(e->at, d->qacc, e->nv);
  mj_fullM(m, e->M, d->qM);
  residual(e, m, d, e->r0);
  return factor_hessian(e, d) && (!e->damped || damp(e, m));
}

// da, and from it dat if there is damping.
static void solve(tnd_euler *e) {
  const int nv = e->nv, w = 2 * nv + e->nu;
  for (int i = 0; i < nv * w; i++)
    e->da[i] = -e->dr[i];
  tnd_cholesky_solve(nv, nv, e->H, w, e->da);
  if (!e->damped) return;
  memcpy(e->dr, e->dp, sizeof *e->dp * (size_t)(nv * w));  // M da + dM (a - at)
  for (int i = 0; i < nv; i++)
    for (int k = 0; k < nv; k++) {
      const double c = e->M[i * nv + k], *row = e->da + k * w;
      for (int j = 0; j < w; j++)
        e->dr[i * w + j] += c * row[j];
    }
  tnd_cholesky_solve(nv, nv, e->Mh, w, e->dr);
  memcpy(e->da, e->dr, sizeof *e->da * (size_t)(nv * w));
}

// Upper half of F where joints turn in space: q' moves by its lower half and by q.
static void integrate_rotations(tnd_euler *e, const mjModel *m, double eps, double *F) {
  const int nq = (int)m->nq, nv = e->nv, w = 2 * nv + e->nu;
  double *v = e->p, *difference = e->r;
  mju_addScl(e->p0, e->v, e->at, m->opt.timestep, nv);  // v'
  mju_copy(e->next, e->q, nq);
  mj_integratePos(m, e->next, e->p0, m->opt.timestep);
  for (int j = 0; j < w; j++) {
    mju_copy(e->moved, e->q, nq);
    if (j < nv) {
      e->change[j] = 1;
      mj_integratePos(m, e->moved, e->change, eps);
      e->change[j] = 0;
    }
    for (int i = 0; i < nv; i++)
      v[i] = e->p0[i] + eps * F[(nv + i) * w + j];
    mj_integratePos(m, e->moved, v, m->opt.timestep);
    mj_differentiatePos(m, difference, eps, e->next, e->moved);
    for (int i = 0; i < nv; i++)
      F[i * w + j] = difference[i];
  }
}

bool tnd_euler_differentiate(tnd_euler *e, const mjModel *m, mjData *d, double eps, double *F) {
  const int nv = e->nv, w = 2 * nv + e->nu;
  const double h = m->opt.timestep;
  if (!prepare(e, m, d)) return false;

  // dr, from what changes least in d to what changes most
  memset(e->dr, 0, sizeof *e->dr * (size_t)(nv * w));
  memset(e->dp, 0, sizeof *e->dp * (size_t)(nv * w));
  move_controls(e, m, d, eps);
  move_velocities(e, m, d, eps);
  move_positions(e, m, d, eps);
  solve(e);

  // v' = v + h at, q' = q + h v'
  for (int i = 0; i < nv; i++) {
    double *upper = F + i * w, *lower = F + (nv + i) * w;
    for (int j = 0; j < w; j++)
      lower[j] = h * e->da[i * w + j];
    lower[nv + i] += 1;
    for (int j = 0; j < w; j++)
      upper[j] = h * lower[j];
    upper[i] += 1;
  }
  if (!e->scalar) integrate_rotations(e, m, eps, F);
  return !tnd_physics_warned(d);
}

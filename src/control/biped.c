// A planar two-legged walker: its joints by their names, its kinematics. See biped.h.
//
// All hinges turn about +y. A body turned by theta takes (x, z) of its frame to
//   (x cos theta + z sin theta, -x sin theta + z cos theta),
// so a thigh that hangs down is swung back by a positive angle.
#include "control/biped.h"

#include "base/status.h"

#include <math.h>
#include <string.h>
#include <tendril/terrain.h>

static const char *const joint_names[2][3] = {{"hip", "knee", "ankle"},
                                              {"hip_left", "knee_left", "ankle_left"}};

// ----------------------------------------------------------------------------------- the model

static tendril_status refuse(const tendril_model *model, const char *why, const char *name,
                             tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_ARGUMENT,
                  "simbicon is for planar two-legged walkers built as walker-gps: %.100s has %s%s",
                  tendril_model_task(model)->name, why, name);
}

// Whether joint j is of that type, along or about that unit vector, at the origin of its body.
static bool is_joint(const mjModel *m, int j, int type, const double axis[3]) {
  const double *a = m->jnt_axis + 3 * j, *pos = m->jnt_pos + 3 * j;
  return m->jnt_type[j] == type && a[0] == axis[0] && a[1] == axis[1] && a[2] == axis[2] &&
         pos[0] == 0 && pos[1] == 0 && pos[2] == 0;
}

// A hinge about y on the body *parent (that itself for pitch), whose body is turned by nothing
// else; *parent becomes its own body.
static bool find_hinge(const mjModel *m, const char *name, int *parent, tnd_hinge *out) {
  const double y[3] = {0, 1, 0};
  const int j = mj_name2id(m, mjOBJ_JOINT, name);
  if (j < 0 || !is_joint(m, j, mjJNT_HINGE, y)) return false;
  const int body = m->jnt_bodyid[j];
  const double *pos = m->body_pos + 3 * body, *quat = m->body_quat + 4 * body;
  if (quat[0] != 1 || (m->body_parentid[body] != *parent && body != *parent)) return false;
  if (body != *parent && m->body_jntnum[body] != 1) return false;
  *parent = body;
  *out = (tnd_hinge){.qpos = m->jnt_qposadr[j], .dof = m->jnt_dofadr[j], .at = {pos[0], pos[2]}};
  out->zero = m->qpos0[out->qpos];
  return true;
}

// The slides and the pitch of the torso, the model's first body.
static bool find_torso(const mjModel *m, tnd_biped *b) {
  const double x[3] = {1, 0, 0}, z[3] = {0, 0, 1};
  const int jx = mj_name2id(m, mjOBJ_JOINT, "x"), jz = mj_name2id(m, mjOBJ_JOINT, "z");
  int torso = 1;
  if (jx < 0 || jz < 0 || !is_joint(m, jx, mjJNT_SLIDE, x) || !is_joint(m, jz, mjJNT_SLIDE, z) ||
      m->jnt_bodyid[jx] != torso || m->jnt_bodyid[jz] != torso || m->body_jntnum[torso] != 3 ||
      !find_hinge(m, "pitch", &torso, &b->pitch) || torso != 1)
    return false;
  b->x = m->jnt_qposadr[jx];
  b->x_dof = m->jnt_dofadr[jx];
  b->z = m->jnt_qposadr[jz];
  b->origin[0] = b->pitch.at[0] - m->qpos0[b->x];
  b->origin[1] = b->pitch.at[1] - m->qpos0[b->z];
  return true;
}

// The motor of a joint and its torque at a control of 1.
static bool find_motor(const mjModel *m, const char *joint, int *motor, double *gear) {
  const int j = mj_name2id(m, mjOBJ_JOINT, joint);
  for (int i = 0; i < m->nu; i++) {
    if (m->actuator_trntype[i] != mjTRN_JOINT || m->actuator_trnid[2 * i] != j) continue;
    *motor = i;
    *gear = m->actuator_gear[6 * i] * m->actuator_gainprm[mjNGAIN * i];
    return m->actuator_dyntype[i] == mjDYN_NONE && m->actuator_gaintype[i] == mjGAIN_FIXED &&
           m->actuator_biastype[i] == mjBIAS_NONE && *gear != 0;
  }
  return false;
}

// The capsule of a foot, in the plane.
static bool find_sole(const mjModel *m, int body, struct tnd_biped_leg *leg) {
  for (int g = m->body_geomadr[body]; g >= 0 && g < m->body_geomadr[body] + m->body_geomnum[body];
       g++) {
    if (m->geom_type[g] != mjGEOM_CAPSULE) continue;
    const double *pos = m->geom_pos + 3 * g, *size = m->geom_size + 3 * g;
    double mat[9];
    mju_quat2Mat(mat, m->geom_quat + 4 * g);
    for (int end = 0; end < 2; end++) {
      const double along = end ? size[1] : -size[1];
      leg->sole[end][0] = pos[0] + along * mat[2];
      leg->sole[end][1] = pos[2] + along * mat[8];
    }
    leg->radius = size[0];
    return true;
  }
  return false;
}

tendril_status tnd_biped_find(const tendril_model *model, tnd_biped *out, tendril_error *err) {
  const mjModel *m = tendril_model_mujoco(model);
  *out = (tnd_biped){0};
  if (m->nq != 9 || m->nv != 9 || m->nu != 6)
    return refuse(model, "not nine joints and six motors", "", err);
  if (!find_torso(m, out)) return refuse(model, "no torso on joints x, z and pitch", "", err);
  for (int i = 0; i < 2; i++) {
    struct tnd_biped_leg *leg = &out->leg[i];
    int body = 1;
    for (int k = 0; k < 3; k++) {
      if (!find_hinge(m, joint_names[i][k], &body, &leg->joint[k]) || body == 1)
        return refuse(model, "in its place no hinge ", joint_names[i][k], err);
      if (!find_motor(m, joint_names[i][k], &leg->motor[k], &leg->gear[k]))
        return refuse(model, "no torque motor on ", joint_names[i][k], err);
    }
    if (!find_sole(m, body, leg))
      return refuse(model, "no capsule for a foot below ", joint_names[i][TND_ANKLE], err);
  }
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------------- the moment

static double angle_of(const tnd_hinge *hinge, const mjData *data) {
  return data->qpos[hinge->qpos] - hinge->zero;
}

// p += v turned by theta
static void add_turned(const double v[2], double theta, double p[2]) {
  const double c = cos(theta), s = sin(theta);
  p[0] += v[0] * c + v[1] * s;
  p[1] += v[1] * c - v[0] * s;
}

static void torso_at(const tnd_biped *b, const mjData *data, double p[2]) {
  p[0] = b->origin[0] + data->qpos[b->x];
  p[1] = b->origin[1] + data->qpos[b->z];
}

// p, theta: from the torso down to the leg's ankle; p becomes its place, the foot is turned by the
// result.
static double go_down(const tnd_biped *b, const mjData *data, int leg, double p[2]) {
  double theta = angle_of(&b->pitch, data);
  for (int k = 0; k < 3; k++) {
    const tnd_hinge *joint = &b->leg[leg].joint[k];
    add_turned(joint->at, theta, p);
    theta += angle_of(joint, data);
  }
  return theta;
}

void tnd_biped_see(const tnd_biped *b, const mjData *data, tnd_biped_sight *out) {
  const double *qvel = data->qvel;
  out->pitch = angle_of(&b->pitch, data);
  out->pitch_rate = qvel[b->pitch.dof];
  for (int i = 0; i < 2; i++) {
    const tnd_hinge *joint = b->leg[i].joint;
    for (int k = 0; k < 3; k++) {
      out->angle[i][k] = angle_of(&joint[k], data);
      out->rate[i][k] = qvel[joint[k].dof];
    }
    out->thigh[i] = -(out->pitch + out->angle[i][TND_HIP]);
    out->thigh_rate[i] = -(out->pitch_rate + out->rate[i][TND_HIP]);
    double hip[2], ankle[2];
    torso_at(b, data, hip);
    memcpy(ankle, hip, sizeof ankle);
    // the hip goes round the torso's origin: dx/dtheta is its height above it
    const double z = hip[1];
    add_turned(joint[TND_HIP].at, out->pitch, hip);
    out->hip[i] = hip[0];
    out->hip_speed[i] = qvel[b->x_dof] + out->pitch_rate * (hip[1] - z);
    go_down(b, data, i, ankle);
    out->ankle[i] = ankle[0];
  }
}

bool tnd_biped_touches(const tnd_biped *b, const mjModel *model, const mjData *data, int leg) {
  double ankle[2];
  torso_at(b, data, ankle);
  const double theta = go_down(b, data, leg, ankle);
  for (int end = 0; end < 2; end++) {
    double p[2] = {ankle[0], ankle[1]};
    add_turned(b->leg[leg].sole[end], theta, p);
    if (p[1] - b->leg[leg].radius < tendril_ground_height(model, p[0], NULL)) return true;
  }
  return false;
}

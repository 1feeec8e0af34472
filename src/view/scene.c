// Scenes: MuJoCo's mjvScene with a camera that follows exactly, a light where there is none, and
// what we add to the picture.
#include "view/scene.h"

#include "base/options.h"
#include "sim/physics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_EXTRA = 1024 };          // geoms besides the model's own
#define MARGIN 1.15                 // around the robot, in the picture
#define PATH_RGBA .93F, .56F, .24F  // of the path
#define DRAWN_SHORT 2               // MuJoCo draws arrows half as long as their size says
#define PUSH_RGBA .84F, .16F, .16F

// ------------------------------------------------------------------------------------ the robot

// Place of a body and of its geoms and inertia with the model at qpos0.
typedef struct frame {
  double pos[3], quat[4];
} frame;

static frame frame_of(const mjModel *m, int body) {
  frame f = {{0}, {1}};
  for (; body > 0; body = m->body_parentid[body]) {
    // what was found so far is relative to `body`
    const double *pos = m->body_pos + (ptrdiff_t)3 * body,
                 *quat = m->body_quat + (ptrdiff_t)4 * body;
    double turned[3], q[4];
    mju_rotVecQuat(turned, f.pos, quat);
    mju_add3(f.pos, pos, turned);
    mju_mulQuat(q, quat, f.quat);
    memcpy(f.quat, q, sizeof q);
  }
  return f;
}

static void place(const frame *f, const double local[3], double out[3]) {
  double turned[3];
  mju_rotVecQuat(turned, local, f->quat);
  mju_add3(out, f->pos, turned);
}

// The first body that moves, and with it all that hangs on the same body of the world.
static int find_root(const mjModel *m) {
  for (int i = 1; i < (int)m->nbody; i++)
    if (m->body_dofnum[i] > 0) return m->body_rootid[i];
  return m->nbody > 1 ? 1 : 0;
}

// Whether a geom is of the robot, and has a size.
static bool counts(const mjModel *m, int root, int geom) {
  const int body = m->geom_bodyid[geom];
  return body > 0 && m->body_rootid[body] == root && m->geom_rbound[geom] > 0;
}

static void measure(tnd_scene *s) {
  const mjModel *m = tendril_model_mujoco(s->model);
  double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
  double mass = 0;
  s->root = find_root(m);

  // 1. centre of mass
  for (int i = 1; i < (int)m->nbody; i++) {
    if (m->body_rootid[i] != s->root) continue;
    const frame f = frame_of(m, i);
    double p[3];
    place(&f, m->body_ipos + (ptrdiff_t)3 * i, p);
    for (int k = 0; k < 3; k++)
      s->center[k] += m->body_mass[i] * p[k];
    mass += m->body_mass[i];
  }
  for (int k = 0; k < 3; k++)
    s->center[k] = mass > 0 ? s->center[k] / mass : 0;

  // 2. how far it reaches from there, and its height beside its length
  for (int i = 0; i < (int)m->ngeom; i++) {
    if (!counts(m, s->root, i)) continue;
    const frame f = frame_of(m, m->geom_bodyid[i]);
    double p[3];
    place(&f, m->geom_pos + (ptrdiff_t)3 * i, p);
    const double r = m->geom_rbound[i], thin = fmin(r, m->geom_size[(ptrdiff_t)3 * i]);
    s->reach = fmax(s->reach, mju_dist3(p, s->center) + r);
    for (int k = 0; k < 3; k++) {
      // up and down a capsule that lies is as thick as its radius
      low[k] = fmin(low[k], p[k] - (k == 2 ? thin : r));
      high[k] = fmax(high[k], p[k] + (k == 2 ? thin : r));
    }
  }
  const double length = fmax(high[0] - low[0], high[1] - low[1]);
  s->flat = length > 0 && high[2] - low[2] < 0.25 * length;

  // 3. one that stands on a fixed foot may stretch out to any side
  if (s->root > 0 && m->body_dofnum[s->root] == 0) s->reach *= 1.5;
  if (!(s->reach > 0)) s->reach = m->stat.extent > 0 ? m->stat.extent : 1;
}

// -------------------------------------------------------------------------------------- cameras

void tnd_scene_fit(tnd_scene *scene, double aspect) {
  const double half = 0.5 * (double)scene->look.model.vis.global.fovy * mjPI / 180;
  const double narrow = aspect < 1 ? atan(tan(half) * aspect) : half;
  scene->camera.distance = MARGIN * scene->reach / sin(narrow);
}

static void set_free(tnd_scene *s) {
  const mjModel *m = &s->look.model;
  mjv_defaultCamera(&s->camera);
  s->camera.type = mjCAMERA_FREE;
  // from its right, a little from ahead and above; a swimmer more from above
  s->camera.azimuth = 105;
  s->camera.elevation = s->flat ? -50 : -10;
  // unless the model file says better
  if (m->vis.global.azimuth != 90 || m->vis.global.elevation != -45) {
    s->camera.azimuth = (double)m->vis.global.azimuth;
    s->camera.elevation = (double)m->vis.global.elevation;
  }
  memcpy(s->camera.lookat, s->center, sizeof s->center);
  tnd_scene_fit(s, 4.0 / 3.0);
}

tendril_status tnd_scene_set_camera(tnd_scene *scene, const char *name, tendril_error *err) {
  const mjModel *m = tendril_model_mujoco(scene->model);
  const int id = name ? mj_name2id(m, mjOBJ_CAMERA, name) : -1;
  if (id >= 0) {
    scene->camera.type = mjCAMERA_FIXED;
    scene->camera.fixedcamid = id;
    return TENDRIL_OK;
  }
  const bool follow = !name || strcmp(name, TND_CAMERA_FOLLOW) == 0;
  if (!follow && strcmp(name, TND_CAMERA_STILL) != 0) {
    char known[256];
    int n = snprintf(known, sizeof known, "%s, %s", TND_CAMERA_FOLLOW, TND_CAMERA_STILL);
    for (int i = 0; i < (int)m->ncam && n < (int)sizeof known; i++) {
      const char *other = mj_id2name(m, mjOBJ_CAMERA, i);
      if (other) n += snprintf(known + n, sizeof known - (size_t)n, ", %s", other);
    }
    return tnd_fail(err, TENDRIL_E_UNKNOWN, "camera %.80s: the model has none of that name; use %s",
                    name, known);
  }
  scene->follow = follow;
  set_free(scene);
  return TENDRIL_OK;
}

// --------------------------------------------------------------------------------------- create

static void make_scene(void *context) {
  tnd_scene *s = context;
  const mjModel *m = &s->look.model;
  const int contacts = m->nconmax > 0 ? (int)m->nconmax : 500;
  const int own = (int)(m->ngeom + m->nsite + m->ntendon * 64 + m->njnt + m->nu + m->nbody);
  mjv_makeScene(m, &s->mjv, own + 2 * contacts + MAX_EXTRA);
}

static void free_scene(void *context) {
  mjv_freeScene(context);
}

tendril_status tnd_scene_create(const tendril_model *model, tnd_quality quality, tnd_scene **out,
                                tendril_error *err) {
  tnd_scene *s = tnd_alloc(sizeof *s);
  if (!s) return tnd_fail_memory(err);
  s->model = model;
  mjv_defaultScene(&s->mjv);
  mjv_defaultOption(&s->option);
  tendril_status status = tnd_look_create(tendril_model_mujoco(model), quality, &s->look, err);
  if (status == TENDRIL_OK) status = tnd_physics_run(make_scene, s, err);
  if (status == TENDRIL_OK) {
    tnd_look_flags(quality, s->mjv.flags);
    measure(s);
    s->follow = true;
    set_free(s);
    *out = s;
  } else {
    tnd_scene_destroy(s);
  }
  return status;
}

void tnd_scene_destroy(tnd_scene *scene) {
  if (!scene) return;
  // NULL members are fine; an error in here would leave nothing to do about it
  const tendril_status ignored = tnd_physics_run(free_scene, &scene->mjv, NULL);
  (void)ignored;
  tnd_look_free(&scene->look);
  tnd_free(scene);
}

// --------------------------------------------------------------------------------------- update

void tnd_scene_set_ground(tnd_scene *scene, const mjModel *ground) {
  tnd_look_set_ground(&scene->look, ground);
}

typedef struct update {
  tnd_scene *scene;
  mjData *data;
  const tnd_extras *extras;
} update;

static mjvGeom *add_connector(mjvScene *v, int type, double width, const double from[3],
                              const double to[3], const float rgba[4]) {
  if (v->ngeom >= v->maxgeom) return NULL;
  mjvGeom *geom = v->geoms + v->ngeom++;
  mjv_initGeom(geom, type, NULL, NULL, NULL, rgba);
#if mjVERSION_HEADER >= 300
  mjv_connector(geom, type, width, from, to);
#else
  mjv_makeConnector(geom, type, width, from[0], from[1], from[2], to[0], to[1], to[2]);
#endif
  geom->category = mjCAT_DECOR;
  geom->segid = -1;
  return geom;
}

// Arrows begin at the body's centre of mass; the robot's own weight is as long as it reaches.
static void add_forces(tnd_scene *s, const mjData *d, const tnd_extras *e) {
  const mjModel *m = tendril_model_mujoco(s->model);
  const float rgba[4] = {PUSH_RGBA, 1};
  const double weight = fmax(m->body_subtreemass[s->root] * mju_norm3(m->opt.gravity), 1);
  for (int i = 0; i < e->nforce; i++) {
    const double *from = d->xipos + (ptrdiff_t)3 * e->forces[i].body;
    const double newtons = mju_norm3(e->forces[i].force);
    if (!(newtons > 0)) continue;
    const double length =
        s->reach * fmin(fmax(newtons / weight, 0.5), 1.2);  // seen, but not off the picture
    double to[3];
    for (int k = 0; k < 3; k++)
      to[k] = from[k] + DRAWN_SHORT * e->forces[i].force[k] * length / newtons;
    mjvGeom *arrow = add_connector(&s->mjv, mjGEOM_ARROW, 0.035 * s->reach, from, to, rgba);
    if (arrow) arrow->emission = 0.4F;
  }
}

static void add_path(tnd_scene *s, const tnd_extras *e) {
  enum { MOST = MAX_EXTRA / 2 };  // pieces
  const float rgba[4] = {PATH_RGBA, 1};
  const int every = (e->npath + MOST - 1) / MOST;
  for (int i = 0; every > 0 && i + 1 < e->npath; i += every) {
    const int next = i + every < e->npath ? i + every : e->npath - 1;
    mjvGeom *piece = add_connector(&s->mjv, mjGEOM_CAPSULE, 0.008 * s->reach, e->path + 3 * i,
                                   e->path + 3 * next, rgba);
    if (piece) piece->emission = 0.4F;
  }
}

// The place of a directional light says where its shadows are drawn, no more: they go along with
// the robot.
static void move_shadows(tnd_scene *s) {
  static const double down[3] = {-.4, .5, -1};
  mjvScene *v = &s->mjv;
  if (s->look.lightless && v->nlight < mjMAXLIGHT)
    v->lights[v->nlight++] = tnd_look_light(s->center, down, 4 * s->reach, 0.5F);
  for (int i = 0; i < v->nlight; i++) {
    mjvLight *light = &v->lights[i];
    if (light->headlight || !tnd_look_is_directional(light)) continue;
    for (int k = 0; k < 3; k++)
      light->pos[k] = (float)(s->center[k] - 4 * s->reach * (double)light->dir[k]);
  }
}

void tnd_scene_untangle(tnd_scene *s, int from, const double forward[3]) {
  // more than the corners of a round link stick out, and not much for all of many
  const double step = s->reach * fmin(1e-3, 0.015 / (s->mjv.ngeom - from + 1));
  int n = 0;
  for (int i = from; i < s->mjv.ngeom; i++) {
    mjvGeom *geom = &s->mjv.geoms[i];
    if (geom->category != mjCAT_DYNAMIC || geom->type == mjGEOM_SKIN) continue;
    const double by = step * n++;
    for (int k = 0; k < 3; k++)
      geom->pos[k] -= (float)(by * forward[k]);
  }
}

static void update_scene(void *context) {
  const update *u = context;
  tnd_scene *s = u->scene;
  const mjModel *m = tendril_model_mujoco(s->model);
  const double *center = u->data->subtree_com + (ptrdiff_t)3 * s->root;
  // a robot on a fixed foot sways about it: the camera stays
  const bool moves = m->body_dofnum[s->root] > 0;
  if (!s->has_center) {
    memcpy(s->camera.lookat, center, sizeof s->center);
  } else if (s->follow && moves) {
    // by as much as it moved: wherever the user has turned the camera to, it stays there
    for (int k = 0; k < 3; k++)
      s->camera.lookat[k] += center[k] - s->center[k];
  }
  memcpy(s->center, center, sizeof s->center);
  s->has_center = true;

  mjv_updateScene(&s->look.model, u->data, &s->option, s->perturb, &s->camera, mjCAT_ALL, &s->mjv);
  const float *f = s->mjv.camera[0].forward;
  tnd_scene_untangle(s, 0, (double[]){(double)f[0], (double)f[1], (double)f[2]});
  move_shadows(s);
  if (!u->extras) return;
  add_forces(s, u->data, u->extras);
  add_path(s, u->extras);
}

tendril_status tnd_scene_update(tnd_scene *scene, mjData *data, const tnd_extras *extras,
                                tendril_error *err) {
  update u = {scene, data, extras};
  return tnd_physics_run(update_scene, &u, err);
}

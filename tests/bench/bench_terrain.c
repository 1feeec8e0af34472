// Which geometry for uneven ground: the same curve as Tendril's terrain (ground.c), as MuJoCo's own
// height field, and as a chain of boxes, each with a straight piece of the curve for its top.
//   seams    a foot of 2 kg pulled over level ground at 1 m/s without friction: the drag that is
//            there and should not be, and the spread of the normal force, both in parts of its
//            weight
//   bumps    the same over roughness: share of the force's spectrum that is not the curve's own:
//            rms of its change from one step to the next, in parts of the weight
//   rest     the robot let fall and left for 5 s: rms speed of its joints in the 2 s after that
//   A dx     share of the next state's change that a centred derivative does not predict, rms, for
//            a random change of 1e-3 of the state, at a robot that stands and falls
//   time     of mj_step() over that on a plane, median of rounds that take turns
//
//   bench_terrain [--json]
#include "base/alloc.h"
#include "base/clock.h"
#include "sim/compat.h"
#include "sim/terrain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/tendril.h>

enum { ROUNDS = 9, STARTS = 12, STEPS = 150, STATES = 60, MOST = 1 << 20 };
enum { PLANE, SPLINE, FIELD, BOXES, NGROUND };
static const char *const names[NGROUND] = {"plane", "spline", "height field", "boxes"};

static void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "bench_terrain: %s\n", what);
  exit(1);
}

// ------------------------------------------------------------------------------------ models

static const char *const foot_xml =
    "<mujoco><option timestep='0.002'/><size nconmax='100' njmax='400'/>"
    "<worldbody><geom name='floor' type='plane' size='0 0 1' contype='1' conaffinity='0' "
    "condim='1' "
    "solref='.02 1' solimp='%s'/>"
    "<body pos='0 0 .05'><joint name='x' type='slide' axis='1 0 0'/><joint type='slide' axis='0 0 "
    "1'/>"
    "<joint type='hinge' axis='0 1 0'/>"
    "<geom type='capsule' fromto='-.1 0 0 .1 0 0' size='.03' mass='2' contype='0' conaffinity='1' "
    "condim='1' solref='.02 1' solimp='%s'/></body></worldbody>"
    "<actuator><motor joint='x'/></actuator></mujoco>";

static char *read_text(const char *path) {
  FILE *file = fopen(path, "r");
  char *text = calloc(1, MOST);
  must(file && text && fread(text, 1, MOST - 1, file) > 0, path);
  fclose(file);
  return text;
}

// A box whose top reaches from one point of the curve to the next.
static int add_box(char *out, double x0, double z0, double x1, double z1) {
  const double length = hypot(x1 - x0, z1 - z0), deep = 0.5, sx = (x1 - x0) / length,
               sz = (z1 - z0) / length;
  return sprintf(out,
                 "<geom name='box%d' type='box' size='%.17g 2 %.17g' pos='%.17g 0 %.17g' "
                 "quat='%.17g 0 %.17g 0' mass='0'/>",
                 (int)lround(x0 * 1024), length / 2, deep / 2, (x0 + x1) / 2 + sz * deep / 2,
                 (z0 + z1) / 2 - sx * deep / 2, cos(-0.5 * atan2(sz, sx)),
                 sin(-0.5 * atan2(sz, sx)));
}

static mjModel *load(const char *path, const char *text, char *error, int size) {
  static mjVFS files;
  mj_defaultVFS(&files);
  must(tnd_vfs_add(&files, path, text), path);
  mjModel *m = mj_loadXML(path, &files, error, size);
  mj_deleteVFS(&files);
  return m;
}

static mjModel *make(const char *text, int ground, const tendril_terrain_options *o, double grain) {
  char error[512] = "", path[64];
  static int count;
  snprintf(path, sizeof path, "bench%d.xml", count++);
  tendril_error err;
  const tnd_terrain_shape shape = tnd_terrain_shape_of(o);
  float *heights = calloc((size_t)shape.n, sizeof *heights);
  must(tnd_terrain_make(o, 1, heights, &err) == TENDRIL_OK, "no memory");
  char *xml = NULL;
  if (ground == PLANE) {
    mjModel *m = load(path, text, error, sizeof error);
    must(m, error);
    return m;
  }
  must(tnd_terrain_insert(&shape, text, &xml, &err) == TENDRIL_OK, err.text);
  if (ground == BOXES) {
    char *more = calloc(1, MOST), *end;
    must(more, "no memory");
    strcpy(more, xml);
    end = strstr(more, "</mujoco>");
    end += sprintf(end, "<worldbody>");
    const int every = (int)lround(grain / TND_TERRAIN_DX);
    for (int i = 0; i + every < shape.n; i += every)
      end +=
          add_box(end, shape.x0 + i * TND_TERRAIN_DX, shape.low + shape.span * (double)heights[i],
                  shape.x0 + (i + every) * TND_TERRAIN_DX,
                  shape.low + shape.span * (double)heights[i + every]);
    sprintf(end, "</worldbody></mujoco>");
    tnd_free(xml);
    xml = more;
  }
  mjModel *m = load(path, xml, error, sizeof error);
  must(m, error);
  must(tnd_terrain_replace_floor(m, &err) == TENDRIL_OK, err.text);
  memcpy(tnd_terrain_heights(m), heights, sizeof *heights * (size_t)shape.n);
  memcpy(tnd_terrain_heights(m) + shape.n, heights, sizeof *heights * (size_t)shape.n);
  const int geom = mj_name2id(m, mjOBJ_GEOM, TND_TERRAIN);
  if (ground == BOXES) {
    for (int i = 0; i < m->ngeom; i++) {
      if (m->geom_type[i] != mjGEOM_BOX) continue;
      m->geom_contype[i] = m->geom_contype[geom];
      m->geom_conaffinity[i] = m->geom_conaffinity[geom];
      m->geom_condim[i] = m->geom_condim[geom];
      memcpy(m->geom_friction + 3 * i, m->geom_friction + 3 * geom, 3 * sizeof(double));
      memcpy(m->geom_solref + mjNREF * i, m->geom_solref + mjNREF * geom, mjNREF * sizeof(double));
      memcpy(m->geom_solimp + mjNIMP * i, m->geom_solimp + mjNIMP * geom, mjNIMP * sizeof(double));
    }
    m->geom_contype[geom] = m->geom_conaffinity[geom] = 0;
  }
  if (ground != SPLINE) {  // many more contacts
    m->nconmax = 200;
    m->njmax = 800;
    m->nstack = 4000000;
  }
  free(heights);
  if (ground == BOXES)
    free(xml);
  else
    tnd_free(xml);
  return m;
}

// By another name, and the curve is MuJoCo's.
static void rename_field(mjModel *m, int ground) {
  if (ground == FIELD) m->names[m->name_hfieldadr[0]] = 'x';
}

// ------------------------------------------------------------------------------------ measures

static void contact_force(const mjModel *m, mjData *d, double out[3]) {
  memset(out, 0, 3 * sizeof *out);
  for (int i = 0; i < d->ncon; i++) {
    double f[6], w[3];
    mj_contactForce(m, d, i, f);
    mju_rotVecMatT(w, f, d->contact[i].frame);
    mju_addTo3(out, w);
  }
}

// As with the right name.
static double height_at(const mjModel *m, double x) {
  char *first = m->nhfield ? m->names + m->name_hfieldadr[0] : NULL, was = first ? *first : 0;
  if (first) *first = 't';
  const double z = tendril_ground_height(m, x, NULL);
  if (first) *first = was;
  return z;
}

// Foot pulled along: worst drag and spread of the lift on level ground, or change of the force from
// step to step on any.
typedef struct pulled {
  double drag, lift, change;
} pulled;

static pulled pull_foot(const mjModel *m) {
  mjData *d = mj_makeData(m);
  const double weight = m->body_subtreemass[0] * 9.81;
  pulled p = {0};
  double before[3] = {0};
  d->qpos[0] = 3;
  d->qpos[1] = height_at(m, 3);
  int n = 0;
  for (int i = 0; i < 10000; i++) {
    d->qvel[0] = 1;
    mj_step(m, d);
    double f[3];
    contact_force(m, d, f);
    if (i > 1000) {
      p.drag = fmax(p.drag, fabs(f[0]) / weight);
      p.lift = fmax(p.lift, fabs(f[2] - weight) / weight);
      p.change += (pow(f[0] - before[0], 2) + pow(f[2] - before[2], 2)) / (weight * weight);
      n++;
    }
    memcpy(before, f, sizeof before);
  }
  p.change = sqrt(p.change / n);
  mj_deleteData(d);
  return p;
}

// Puts the robot over the ground near x.
static void put(const mjModel *m, mjData *d, double x, double lift) {
  // by hand: mj_resetData() would clear the whole arena, which costs more than many steps
  memcpy(d->qpos, m->qpos0, sizeof *d->qpos * (size_t)m->nq);
  mju_zero(d->qvel, m->nv);
  mju_zero(d->qacc_warmstart, m->nv);
  mju_zero(d->ctrl, m->nu);
  d->time = 0;
  d->qpos[0] = x;
  d->qpos[1] += height_at(m, x) + lift;
}

static void hold(const mjModel *m, mjData *d, double kp) {
  for (int i = 0; i < m->nu; i++) {
    const int joint = m->actuator_trnid[2 * i], q = m->jnt_qposadr[joint], v = m->jnt_dofadr[joint];
    d->ctrl[i] = (-kp * d->qpos[q] - 0.05 * kp * d->qvel[v]) / m->actuator_gear[6 * i];
  }
}

static double rest(const mjModel *m) {
  mjData *d = mj_makeData(m);
  double sum = 0;
  int64_t n = 0;
  for (int k = 0; k < STARTS; k++) {
    put(m, d, 3.3 + k, 0.05);
    while (d->time < 7) {
      mj_step(m, d);
      for (int i = 0; i < m->nv && d->time > 5; i++, n++)
        sum += d->qvel[i] * d->qvel[i];
    }
  }
  mj_deleteData(d);
  return sqrt(sum / (double)n);
}

static void random_change(const mjModel *m, tendril_random *random, double *dx) {
  for (int i = 0; i < 2 * m->nv; i++) {
    double two[2];
    tendril_random_normals(random, 2, two);
    dx[i] = 1e-3 * two[0];
  }
}

static void next(const mjModel *m, mjData *d, const double *state, int size, const double *dx,
                 double *out) {
  (void)size;
  tnd_physics_state_set(m, d, state);
  mju_zero(d->qacc_warmstart, m->nv);
  if (dx) {
    mj_integratePos(m, d->qpos, dx, 1);
    mju_addTo(d->qvel, dx + m->nv, m->nv);
  }
  mj_step(m, d);
  memcpy(out, d->qpos, sizeof *out * (size_t)m->nq);
  memcpy(out + m->nq, d->qvel, sizeof *out * (size_t)m->nv);
}

static double unpredicted(const mjModel *m) {
  mjData *d = mj_makeData(m), *e = mj_makeData(m);
  const int n = 2 * m->nv, size = tnd_physics_state_size(m);
  double *A = calloc((size_t)n * (size_t)n, sizeof *A), state[512], dx[64], y0[64], y1[64];
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  double error = 0, change = 0;
  int states = 0;
  for (int k = 0; k < STARTS; k++) {
    put(m, d, 3.3 + 1.37 * k, 0);
    for (int t = 0; t < 80; t++) {
      hold(m, d, 200);
      mj_step(m, d);
      if (t < 20 || t % 12 || !d->ncon) continue;
      tnd_physics_state_get(m, d, state);
      next(m, e, state, size, NULL, y0);
      // centred differences
      for (int j = 0; j < n; j++) {
        double y2[64];
        memset(dx, 0, sizeof dx);
        dx[j] = 1e-6;
        next(m, e, state, size, dx, y1);
        dx[j] = -1e-6;
        next(m, e, state, size, dx, y2);
        for (int i = 0; i < n; i++)
          A[i * n + j] = (y1[i] - y2[i]) / 2e-6;
      }
      for (int repeat = 0; repeat < 5; repeat++) {
        random_change(m, &random, dx);
        next(m, e, state, size, dx, y1);
        for (int i = 0; i < n; i++) {
          double told = 0;
          for (int j = 0; j < n; j++)
            told += A[i * n + j] * dx[j];
          error += pow(y1[i] - y0[i] - told, 2);
          change += pow(y1[i] - y0[i], 2);
        }
      }
      states++;
    }
  }
  must(states > 10, "no states in contact");
  free(A);
  mj_deleteData(d);
  mj_deleteData(e);
  return sqrt(error / change);
}

// Seconds of a fixed lot of steps.
static double lot(const mjModel *m, mjData *d) {
  const double start = tnd_clock_wall();
  for (int k = 0; k < STARTS; k++) {
    put(m, d, 3.3 + k, 0.02);
    for (int t = 0; t < STEPS; t++) {
      hold(m, d, 100);
      mj_step(m, d);
    }
  }
  return tnd_clock_wall() - start;
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// ------------------------------------------------------------------------------------ tables

static void feet(const char *solimp) {
  char text[4096];
  snprintf(text, sizeof text, foot_xml, solimp, solimp);
  printf("\nfoot, solimp %s\n%-14s %12s %12s %14s %14s\n", solimp, "", "drag, level", "lift, level",
         "change, rough", "change, slopes");
  tendril_terrain_options o[3];
  for (int i = 0; i < 3; i++)
    tendril_terrain_defaults(&o[i]);
  o[0].kind = TENDRIL_TERRAIN_FLAT;
  o[1].kind = TENDRIL_TERRAIN_ROUGH;
  o[2].kind = TENDRIL_TERRAIN_SLOPES;
  for (int g = 0; g < NGROUND; g++) {
    pulled p[3];
    for (int i = 0; i < 3; i++) {
      mjModel *m = make(text, g, &o[i], 0.125);
      rename_field(m, g);
      p[i] = pull_foot(m);
      mj_deleteModel(m);
    }
    printf("%-14s %12.2g %12.2g %14.3g %14.3g\n", names[g], p[0].drag, p[0].lift, p[1].change,
           p[2].change);
  }
}

static void robot(const char *file, int kind, double grain) {
  char path[512];
  snprintf(path, sizeof path, "%s/models/%s", TENDRIL_SOURCE_DIR, file);
  char *text = read_text(path);
  tendril_terrain_options o;
  tendril_terrain_defaults(&o);
  o.kind = kind;
  mjModel *m[NGROUND];
  mjData *d[NGROUND];
  double time[NGROUND][ROUNDS], ratio[NGROUND][ROUNDS];
  for (int g = 0; g < NGROUND; g++) {
    m[g] = make(text, g, &o, grain);
    rename_field(m[g], g);
    d[g] = mj_makeData(m[g]);
  }
  for (int r = 0; r < ROUNDS; r++)
    for (int g = 0; g < NGROUND; g++) {
      time[g][r] = lot(m[g], d[g]);
      ratio[g][r] = time[g][r] / time[PLANE][r];
    }
  printf("\n%s, %s\n%-14s %8s %10s %8s %10s %10s %10s\n", file,
         kind == TENDRIL_TERRAIN_SLOPES ? "slopes of 10 degrees" : "roughness of 3 cm", "", "geoms",
         "us/step", "time", "+-", "rest m/s", "A dx");
  for (int g = 0; g < NGROUND; g++) {
    qsort(ratio[g], ROUNDS, sizeof(double), by_size);
    qsort(time[g], ROUNDS, sizeof(double), by_size);
    printf("%-14s %8d %10.2f %8.2f %10.2f %10.2g %10.3f\n", names[g], (int)m[g]->ngeom,
           1e6 * time[g][ROUNDS / 2] / (STARTS * STEPS), ratio[g][ROUNDS / 2],
           0.5 * (ratio[g][ROUNDS - 2] - ratio[g][1]), rest(m[g]), unpredicted(m[g]));
    mj_deleteData(d[g]);
    mj_deleteModel(m[g]);
  }
  free(text);
}

int main(void) {
  tnd_ground_install();
  feet("0 .95 .01");
  feet(".9 .95 .001");
  robot("walker_gps.xml", TENDRIL_TERRAIN_SLOPES, 0.5);
  robot("walker_gps.xml", TENDRIL_TERRAIN_ROUGH, 0.125);
  robot("walker2d_v4.xml", TENDRIL_TERRAIN_SLOPES, 0.5);
  robot("walker2d_v4.xml", TENDRIL_TERRAIN_ROUGH, 0.125);
  return 0;
}

// Drawing of a film strip: all poses in one scene on a white ground, seen by a camera so far away
// that one metre is as long everywhere, with the scale and the words below and above. Drawn at
// twice the size, then halved: smooth edges, letters included.
#include "view/strip.h"

#include "base/number.h"
#include "sim/physics.h"
#include "view/offscreen.h"
#include "view/pose.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ELEVATION (8 * mjPI / 180)  // of the camera: shadows lie visibly on the ground
#define FAR_AWAY 60.0               // its distance, in sizes of what is seen
enum {
  POSES = 8,
  MOST_POSES = 12,
  WIDTH = 1280,
  MOST_TALL = 420,
  LEAST_TALL = 16
};  // defaults and pixels

static const float ink[3] = {.16F, .20F, .22F}, pale_ink[3] = {.45F, .50F, .52F};

// What is drawn where, in pixels of the final picture and in metres.
typedef struct sheet {
  int width, height;
  int super;          // pixels drawn per pixel, each way
  int font;           // percent, as MuJoCo counts
  double letter;      // pixels, height of a line of text
  double head, foot;  // pixels, above and below the scene
  double scale;       // pixels per metre
  double room;        // how many times the poses' length there is in the width
  double left;        // metres along `right` at the left edge
  double low;         // metres along the picture's upward direction at the scene's lower edge
} sheet;

typedef struct strip {
  const tnd_trace *trace;
  tnd_strip_plan plan;
  sheet sheet;
  tnd_scene *scene;
  tnd_pose *pose;
  tnd_offscreen *offscreen;
  double forward[3], up[3];  // of the camera
  double depth;              // of its target along `forward`
  bool ground;               // there is one
  double floor;              // height of it
} strip;

// ----------------------------------------------------------------------------------------- sheet

// The height of the model's floor; `seen`: of one that is drawn, as it is not under a terrain.
static bool find_floor(const mjModel *m, bool seen, double *z) {
  for (int i = 0; i < (int)m->ngeom; i++) {
    if (m->geom_type[i] != mjGEOM_PLANE || m->geom_bodyid[i] != 0) continue;
    if (seen && m->geom_matid[i] < 0 && !(m->geom_rgba[4 * i + 3] > 0)) continue;
    double normal[3];
    mju_rotVecQuat(normal, (double[3]){0, 0, 1}, m->geom_quat + (ptrdiff_t)4 * i);
    if (normal[2] < 0.99) continue;
    *z = m->geom_pos[3 * i + 2];
    return true;
  }
  return false;
}

static tendril_status lay_out(strip *s, const tnd_strip_options *o, tendril_error *err) {
  const tnd_strip_plan *p = &s->plan;
  sheet *h = &s->sheet;
  const int last = p->n - 1;
  const double side = 0.06 * (p->high[last] - p->low[0]) + 0.3 * (p->high[0] - p->low[0]) / p->n;
  const double length = p->high[last] - p->low[0] + 2 * side;
  double low = p->bottom, high = p->top;
  if (s->ground && !p->above) low = fmin(low, s->floor);
  const double tall = high - low, air = 0.08 * tall;

  // 1. the words
  h->width = o->width ? o->width : WIDTH;
  const double font = fmax(300 * fmin(h->width / (double)WIDTH, 1), 200);
  h->font = 50 * (int)round(font * h->super / 2 / 50);  // MuJoCo has them in steps of 50
  h->letter = 13.0 * h->font / 100 / h->super;
  h->head = 2.4 * h->letter;
  h->foot = 4.6 * h->letter;

  // 2. the scale, by the width and by the height
  h->scale = h->width / length;
  const double most = o->height ? o->height - h->head - h->foot : MOST_TALL;
  h->room = fmax(h->scale * (tall + 2 * air) / most, 1);
  h->scale = fmin(h->scale, most / (tall + 2 * air));
  h->height = o->height ? o->height : (int)ceil(h->scale * (tall + 2 * air) + h->head + h->foot);
  h->height += o->height ? 0 : h->height % 2;
  if (h->scale * tall < LEAST_TALL)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "a film strip of %d x %d pixels: no room for the robot; ask for a larger size",
                    h->width, h->height);

  // 3. in the middle
  h->left = 0.5 * (p->low[0] + p->high[last]) - 0.5 * h->width / h->scale;
  h->low = 0.5 * (low + high) - 0.5 * (h->height - h->head - h->foot) / h->scale;
  return TENDRIL_OK;
}

// Pixels of the drawing from the left for metres along `right`.
static double pixel(const strip *s, double metres) {
  return (metres - s->sheet.left) * s->sheet.scale * s->sheet.super;
}

// ----------------------------------------------------------------------------------------- scene

static void set_light(mjvLight *light, const double center[3], const double direction[3],
                      double distance, float strength, float ambient, bool shadow) {
  *light = tnd_look_light(center, direction, distance, strength);
  light->castshadow = shadow;
  for (int k = 0; k < 3; k++) {
    light->ambient[k] = ambient;
    light->specular[k] = shadow ? 0.3F : 0;
  }
}

// A white box that is neither lit nor shaded more than `emission` allows.
static void add_box(mjvScene *v, const double size[3], const double pos[3], const double mat[9],
                    float emission) {
  const float white[4] = {1, 1, 1, 1};
  if (v->ngeom >= v->maxgeom) return;
  mjvGeom *box = v->geoms + v->ngeom++;
  mjv_initGeom(box, mjGEOM_BOX, size, pos, mat, white);
  box->category = mjCAT_DECOR;
  box->segid = -1;
  box->emission = emission;
  box->specular = 0;
}

// Target of the camera: the middle of the picture, at the depth of the robot.
static void target_of(const strip *s, double out[3]) {
  const tnd_strip_plan *p = &s->plan;
  const sheet *h = &s->sheet;
  const double across = h->left + 0.5 * h->width / h->scale;
  // the scene's band is not in the middle of the picture
  const double middle = h->low + (0.5 * h->height - h->foot) / h->scale;
  for (int k = 0; k < 3; k++)
    out[k] = across * p->right[k] + middle * (p->above ? p->up[k] : 0) + s->depth * s->forward[k];
  if (p->above) return;
  // seen from a little above, what is high seems a little lower
  out[0] = across * p->right[0] + s->depth * -p->right[1];
  out[1] = across * p->right[1] + s->depth * p->right[0];
  out[2] = middle;
}

static void set_directions(strip *s) {
  const tnd_strip_plan *p = &s->plan;
  const double e = p->above ? mjPI / 2 : ELEVATION;
  // horizontally away from the viewer: up x right
  const double away[3] = {-p->right[1], p->right[0], 0};
  for (int k = 0; k < 3; k++) {
    s->forward[k] = cos(e) * away[k] - (k == 2 ? sin(e) : 0);
    s->up[k] = sin(e) * away[k] + (k == 2 ? cos(e) : 0);
  }
}

static void set_camera(strip *s, const double target[3], double distance) {
  const sheet *h = &s->sheet;
  // as little depth as holds the ground that is seen, for the depth buffer's sake
  const double half = 0.5 * h->height / h->scale, near = 0.8 * distance;
  for (int eye = 0; eye < 2; eye++) {
    mjvGLCamera *c = &s->scene->mjv.camera[eye];
    for (int k = 0; k < 3; k++) {
      c->pos[k] = (float)(target[k] - distance * s->forward[k]);
      c->forward[k] = (float)s->forward[k];
      c->up[k] = (float)s->up[k];
    }
    c->frustum_near = (float)near;
    c->frustum_far = (float)(1.4 * distance);
    c->frustum_center = 0;
    c->frustum_top = (float)(near * half / distance);
    c->frustum_bottom = -c->frustum_top;
  }
}

// The model's floor and sky make way for white paper.
static void drop_planes(mjvScene *v) {
  int n = 0;
  for (int i = 0; i < v->ngeom; i++)
    if (v->geoms[i].type != mjGEOM_PLANE) v->geoms[n++] = v->geoms[i];
  v->ngeom = n;
}

typedef struct adding {
  strip *s;
  int i;  // pose
} adding;

static void add_pose(void *context) {
  const adding *a = context;
  strip *s = a->s;
  mjvScene *v = &s->scene->mjv;
  mjModel *m = &s->scene->look.model;
  mjData *d = tnd_pose_data(s->pose);
  if (a->i == 0) {
    // what stands around is drawn once, if the robot walks past it
    const int what = s->plan.moves ? mjCAT_STATIC | mjCAT_DYNAMIC : mjCAT_DYNAMIC;
    mjv_updateScene(m, d, &s->scene->option, NULL, &s->scene->camera, what, v);
    drop_planes(v);
  }
  const int from = a->i == 0 ? 0 : v->ngeom;
  if (a->i > 0) mjv_addGeoms(m, d, &s->scene->option, NULL, mjCAT_DYNAMIC, v);
  for (int j = from; j < v->ngeom; j++)
    for (int k = 0; k < 3; k++)
      v->geoms[j].pos[k] += (float)s->plan.shift[a->i][k];
  tnd_scene_untangle(s->scene, from, s->forward);
}

static void furnish(void *context) {
  strip *s = context;
  const tnd_strip_plan *p = &s->plan;
  const sheet *h = &s->sheet;
  mjvScene *v = &s->scene->mjv;
  const double seen = fmax(h->width, h->height) / h->scale, distance = FAR_AWAY * seen;
  double target[3], key[3], mat[9];
  target_of(s, target);
  set_camera(s, target, distance);

  // light from over the viewer's shoulder, and a softer one from the viewer
  for (int k = 0; k < 3; k++)
    key[k] = 0.35 * p->right[k] + (k == 2 ? -1 : 0) + 0.45 * (p->above ? p->up[k] : s->forward[k]);
  set_light(&v->lights[0], target, key, distance, 0.55F, 0, true);
  set_light(&v->lights[1], target, s->forward, distance, 0.35F, 0.4F, false);
  v->nlight = 2;

  // the ground, and paper behind everything
  const double large = 0.15 * distance;  // half the side: the horizon is out of the picture
  static const double upright[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  if (s->ground)
    add_box(v, (double[]){large, large, 0.01 * seen},
            (double[]){target[0], target[1], s->floor - 0.01 * seen}, upright, 0.42F);
  const double back[3] = {target[0] + 0.3 * distance * s->forward[0],
                          target[1] + 0.3 * distance * s->forward[1],
                          target[2] + 0.3 * distance * s->forward[2]};
  for (int k = 0; k < 3; k++) {
    mat[3 * k] = p->right[k];
    mat[3 * k + 1] = s->up[k];
    mat[3 * k + 2] = -s->forward[k];
  }
  add_box(v, (double[]){seen * 4, seen * 4, 0.001 * seen}, back, mat, 1);
}

static tendril_status fill_scene(strip *s, tendril_error *err) {
  tnd_scene *scene = s->scene;
  // skins are one per scene, the geoms below them one per pose
  scene->option.flags[mjVIS_SKIN] = 0;
  memset(scene->mjv.flags, 0, sizeof scene->mjv.flags);
  scene->mjv.flags[mjRND_SHADOW] = 1;
  scene->mjv.flags[mjRND_CULL_FACE] = 1;
  for (int i = 0; i < s->plan.n; i++) {
    adding a = {s, i};
    TENDRIL_TRY(tnd_pose_set(s->pose, tnd_trace_snapshot(s->trace, s->plan.times[i]), err));
    // half way into the picture
    if (i == 0) s->depth = 0;
    const double *c = tnd_pose_data(s->pose)->subtree_com + (ptrdiff_t)3 * scene->root;
    const double away[3] = {-s->plan.right[1], s->plan.right[0], 0};
    s->depth += mju_dot3(c, s->plan.above ? s->forward : away) / s->plan.n;
    tnd_scene_set_ground(scene, tnd_pose_mujoco(s->pose));
    TENDRIL_TRY(tnd_physics_run(add_pose, &a, err));
  }
  return tnd_physics_run(furnish, s, err);
}

// ----------------------------------------------------------------------------------------- words

static tendril_status bar(strip *s, double left, double bottom, double width, double height,
                          const float rgb[3], tendril_error *err) {
  const mjrRect where = {(int)round(left), (int)round(bottom), (int)fmax(round(width), 1),
                         (int)fmax(round(height), 1)};
  return tnd_offscreen_bar(s->offscreen, where, rgb, err);
}

// The roundest length of which at least `pixels` fit: 1, 2 or 5 times a power of ten.
static double round_length(double least) {
  const double ten = pow(10, floor(log10(least)));
  return least <= ten ? ten : least <= 2 * ten ? 2 * ten : least <= 5 * ten ? 5 * ten : 10 * ten;
}

// From the first pose's centre of mass on: a line with a tick each round number of metres.
static tendril_status draw_ruler(strip *s, double base, tendril_error *err) {
  const sheet *h = &s->sheet;
  const double zero = s->plan.center[0], end = s->plan.high[s->plan.n - 1];
  const double thick = fmax(0.1 * h->letter, 1) * h->super, tick = 0.45 * h->letter * h->super;
  const double each = round_length(4.5 * h->letter / h->scale);
  const int n = s->plan.moves ? (int)floor((end - zero) / each + 1e-9) : 1;
  const double below = base - 1.2 * h->letter * h->super;
  TENDRIL_TRY(
      bar(s, pixel(s, zero), base, n * each * h->scale * h->super + thick, thick, ink, err));
  for (int i = 0; i <= n; i++) {
    const double x = pixel(s, zero + i * each);
    char text[32];
    snprintf(text, sizeof text, i == n ? "%.10g m" : "%.10g", i * each);
    TENDRIL_TRY(bar(s, x, base, thick, tick, ink, err));
    if (!s->plan.moves && i == 0) continue;  // nobody was at 0
    TENDRIL_TRY(tnd_offscreen_text(s->offscreen,
                                   s->plan.moves ? x : x - 0.5 * each * h->scale * h->super, below,
                                   TND_CENTER, text, ink, err));
  }
  return TENDRIL_OK;
}

static tendril_status draw_times(strip *s, double base, tendril_error *err) {
  const double seconds = tendril_model_seconds(tnd_trace_model(s->trace));
  const int digits = seconds * s->plan.times[s->plan.n - 1] < 1 ? 3 : 2;
  for (int i = 0; i < s->plan.n; i++) {
    char text[32];
    snprintf(text, sizeof text, "%.*f s", digits, s->plan.times[i] * seconds);
    // leave out what would run into its neighbour
    const double width = tnd_offscreen_text_width(s->offscreen, text) * 1.15;
    const double apart =
        s->plan.n > 1 ? pixel(s, s->plan.center[1]) - pixel(s, s->plan.center[0]) : width;
    const int every = (int)fmax(ceil(width / fmax(apart, 1)), 1);
    if (i % every) continue;
    TENDRIL_TRY(tnd_offscreen_text(s->offscreen, pixel(s, s->plan.center[i]), base, TND_CENTER,
                                   text, ink, err));
  }
  return TENDRIL_OK;
}

// Task, seconds, speed, return: as many of them as there is room for.
static tendril_status draw_caption(strip *s, double base, tendril_error *err) {
  const tnd_strip_plan *p = &s->plan;
  const sheet *h = &s->sheet;
  const tendril_model *model = tnd_trace_model(s->trace);
  const double seconds = tendril_model_seconds(model);
  const double a = p->times[0] * seconds, b = p->times[p->n - 1] * seconds;
  char parts[4][96], number[TND_NUMBER_MAX];
  snprintf(parts[0], sizeof parts[0], "%.60s", tendril_model_task(model)->name);
  snprintf(parts[1], sizeof parts[1], "%.2f to %.2f s", a, b);
  if (p->moves)
    snprintf(parts[2], sizeof parts[2], "%.2f m/s", p->distance / p->seconds);
  else
    snprintf(parts[2], sizeof parts[2], "%.2f m moved, set side by side", fabs(p->distance));
  snprintf(parts[3], sizeof parts[3], "return %s",
           tnd_number_brief(tnd_trace_return(s->trace, tnd_trace_last(s->trace)), number));
  const double left = h->letter * h->super, room = h->width * h->super - left;
  double x = left;
  for (int i = 0; i < 4; i++) {
    const double width = tnd_offscreen_text_width(s->offscreen, parts[i]);
    if (x + width > room) break;
    TENDRIL_TRY(tnd_offscreen_text(s->offscreen, x, base, TND_LEFT, parts[i],
                                   i == 0 ? ink : pale_ink, err));
    x += width + 2 * h->letter * h->super;
  }
  return TENDRIL_OK;
}

static tendril_status write_words(strip *s, tendril_error *err) {
  const sheet *h = &s->sheet;
  const double line = h->letter * h->super;
  TENDRIL_TRY(draw_caption(s, h->height * h->super - 1.6 * line, err));
  TENDRIL_TRY(draw_times(s, 3.4 * line, err));
  return draw_ruler(s, 1.9 * line, err);
}

// ------------------------------------------------------------------------------------------ main

static tendril_status open_offscreen(strip *s, tendril_error *err) {
  const sheet *h = &s->sheet;
  return tnd_offscreen_create(&s->scene->look, h->width * h->super, h->height * h->super, h->font,
                              &s->offscreen, err);
}

static tendril_status draw(strip *s, const tnd_strip_options *o, tnd_picture *out,
                           tendril_error *err) {
  const tendril_model *model = tnd_trace_model(s->trace);
  const int poses = o->poses ? o->poses : POSES;

  // 1. what is shown, and how large
  TENDRIL_TRY(tnd_scene_create(model, TND_QUALITY_FINE, &s->scene, err));
  TENDRIL_TRY(tnd_pose_create(model, &s->pose, err));
  TENDRIL_TRY(tnd_strip_make_plan(s->trace, s->scene, poses, &s->plan, err));
  s->ground = find_floor(tendril_model_mujoco(model), s->plan.moves, &s->floor);
  TENDRIL_TRY(lay_out(s, o, err));
  // a robot that is tall and thin leaves room for more
  const int more = (int)fmin(poses * s->sheet.room, MOST_POSES);
  if (!o->poses && more > poses) {
    TENDRIL_TRY(tnd_strip_make_plan(s->trace, s->scene, more, &s->plan, err));
    TENDRIL_TRY(lay_out(s, o, err));
  }
  set_directions(s);

  // 2. shadows over the whole length; what is farther away than MuJoCo thinks is still there
  sheet *h = &s->sheet;
  mjModel *m = &s->scene->look.model;
  m->vis.map.shadowclip = (float)(0.6 * h->width / h->scale / m->stat.extent);
  tendril_status status = open_offscreen(s, err);
  if (status != TENDRIL_OK && h->super > 1) {
    // too large to be drawn at twice the size
    h->super = 1;
    TENDRIL_TRY(lay_out(s, o, err));
    status = open_offscreen(s, err);
  }
  TENDRIL_TRY(status);

  // 3. the picture
  TENDRIL_TRY(fill_scene(s, err));
  TENDRIL_TRY(tnd_offscreen_render(s->offscreen, &s->scene->mjv, err));
  TENDRIL_TRY(write_words(s, err));
  TENDRIL_TRY(tnd_picture_create(h->width * h->super, h->height * h->super, out, err));
  TENDRIL_TRY(tnd_offscreen_read(s->offscreen, out->rgb, err));
  for (int i = h->super; i > 1; i /= 2)
    tnd_picture_halve(out);
  return TENDRIL_OK;
}

tendril_status tnd_strip_draw(const tnd_trace *trace, const tnd_strip_options *options,
                              tnd_picture *out, tendril_error *err) {
  strip s = {.trace = trace, .sheet.super = 2};
  tnd_picture picture = {0};
  const tendril_status status = draw(&s, options, &picture, err);
  tnd_offscreen_destroy(s.offscreen);
  tnd_pose_destroy(s.pose);
  tnd_scene_destroy(s.scene);
  if (status == TENDRIL_OK)
    *out = picture;
  else
    tnd_picture_free(&picture);
  return status;
}

// A model for drawing. mjModel is a struct of pointers: a copy of the struct shares all arrays, and
// those that say how things look are replaced by longer or repainted ones. The simulated model is
// never touched.
#include "view/look.h"

#include <math.h>
#include <string.h>

// Colours of our own models: torso, limbs, feet and hands.
static const float torso_rgba[4] = {.36F, .63F, .57F, 1};
static const float limb_rgba[4] = {.20F, .48F, .42F, 1};
static const float tip_rgba[4] = {.93F, .56F, .24F, 1};

void tnd_look_flags(tnd_quality quality, mjtByte flags[mjNRNDFLAG]) {
  flags[mjRND_SHADOW] = quality != TND_QUALITY_FAST;
  flags[mjRND_REFLECTION] = quality == TND_QUALITY_FINE;
}

mjvLight tnd_look_light(const double center[3], const double direction[3], double distance,
                        float strength) {
  mjvLight light;
  memset(&light, 0, sizeof light);
  const double length = mju_norm3(direction);
  for (int i = 0; i < 3; i++) {
    light.dir[i] = (float)(direction[i] / length);
    light.pos[i] = (float)(center[i] - distance * direction[i] / length);
    light.diffuse[i] = strength;
    light.specular[i] = 0.4F * strength;
  }
  light.attenuation[0] = 1;
  light.cutoff = 45;
  light.exponent = 10;
#if mjVERSION_HEADER >= 330
  light.type = mjLIGHT_DIRECTIONAL;
#else
  light.directional = 1;
#endif
  light.castshadow = 1;
  return light;
}

bool tnd_look_is_directional(const mjvLight *light) {
#if mjVERSION_HEADER >= 330
  return light->type == mjLIGHT_DIRECTIONAL;
#else
  return light->directional;
#endif
}

// -------------------------------------------------------------------------------------- textures

#if mjVERSION_HEADER < 300
enum { SKY_WIDTH = 16, SKY_HEIGHT = 6 * SKY_WIDTH, TILE = 256 };

// A gradient from the horizon up: six square faces one below the other, right, left, up, down,
// front, back.
static void paint_sky(mjtByte *rgb) {
  static const double low[3] = {209, 224, 237}, high[3] = {92, 133, 179};
  for (int y = 0; y < SKY_HEIGHT; y++) {
    const int face = y / SKY_WIDTH;
    // height above the horizon, 1 straight up
    double up = 1 - 2 * (y % SKY_WIDTH + 0.5) / SKY_WIDTH;
    if (face == 2) up = 1;
    if (face == 3) up = -1;
    const double part = up > 0 ? up : 0;
    for (int x = 0; x < SKY_WIDTH; x++)
      for (int k = 0; k < 3; k++)
        *rgb++ = (mjtByte)lround(low[k] + part * (high[k] - low[k]));
  }
}

// Two by two tiles with thin joints.
static void paint_tiles(mjtByte *rgb) {
  static const mjtByte light[3] = {237, 240, 235}, dark[3] = {212, 219, 214},
                       joint[3] = {178, 188, 184};
  for (int y = 0; y < TILE; y++)
    for (int x = 0; x < TILE; x++, rgb += 3) {
      const bool edge = x == 0 || y == 0 || x == TILE - 1 || y == TILE - 1;
      const bool odd = (x < TILE / 2) != (y < TILE / 2);
      memcpy(rgb, edge ? joint : odd ? dark : light, 3);
    }
}

// The arrays that are longer than the model's, copied and with room for one more row each.
typedef struct longer {
  int *tex_type, *tex_height, *tex_width, *tex_adr;
  mjtByte *tex_rgb;
  int *mat_texid;
  mjtByte *mat_texuniform;
  float *mat_texrepeat, *mat_emission, *mat_specular, *mat_shininess, *mat_reflectance, *mat_rgba;
} longer;

static void layout_longer(longer *l, const mjModel *m, tnd_arena *arena) {
  const size_t ntex = (size_t)m->ntex + 2, nmat = (size_t)m->nmat + 1;
  const size_t nrgb =
      (size_t)m->ntexdata + (size_t)3 * SKY_WIDTH * SKY_HEIGHT + (size_t)3 * TILE * TILE;
  l->tex_type = tnd_arena_ints(arena, ntex);
  l->tex_height = tnd_arena_ints(arena, ntex);
  l->tex_width = tnd_arena_ints(arena, ntex);
  l->tex_adr = tnd_arena_ints(arena, ntex);
  l->tex_rgb = tnd_arena_take(arena, nrgb, 1);
  l->mat_texid = tnd_arena_ints(arena, nmat);
  l->mat_texuniform = tnd_arena_take(arena, nmat, 1);
  l->mat_texrepeat = tnd_arena_floats(arena, 2 * nmat);
  l->mat_emission = tnd_arena_floats(arena, nmat);
  l->mat_specular = tnd_arena_floats(arena, nmat);
  l->mat_shininess = tnd_arena_floats(arena, nmat);
  l->mat_reflectance = tnd_arena_floats(arena, nmat);
  l->mat_rgba = tnd_arena_floats(arena, 4 * nmat);
}

static void take_over(longer *l, mjModel *m) {
#define TAKE(field, n)                                                                             \
  memcpy(l->field, m->field, (size_t)(n) * sizeof *m->field);                                      \
  m->field = l->field
  TAKE(tex_type, m->ntex);
  TAKE(tex_height, m->ntex);
  TAKE(tex_width, m->ntex);
  TAKE(tex_adr, m->ntex);
  TAKE(tex_rgb, m->ntexdata);
  TAKE(mat_texid, m->nmat);
  TAKE(mat_texuniform, m->nmat);
  TAKE(mat_texrepeat, 2 * m->nmat);
  TAKE(mat_emission, m->nmat);
  TAKE(mat_specular, m->nmat);
  TAKE(mat_shininess, m->nmat);
  TAKE(mat_reflectance, m->nmat);
  TAKE(mat_rgba, 4 * m->nmat);
#undef TAKE
}

// Returns where its pixels go.
static mjtByte *add_texture(mjModel *m, int type, int width, int height) {
  const int i = m->ntex++;
  m->tex_type[i] = type;
  m->tex_width[i] = width;
  m->tex_height[i] = height;
  m->tex_adr[i] = m->ntexdata;
  m->ntexdata += 3 * width * height;
  return m->tex_rgb + m->tex_adr[i];
}

static bool has_sky(const mjModel *m) {
  for (int i = 0; i < m->ntex; i++)
    if (m->tex_type[i] == mjTEXTURE_SKYBOX) return true;
  return false;
}

static int add_floor_material(mjModel *m) {
  const int i = m->nmat++;
  paint_tiles(add_texture(m, mjTEXTURE_2D, TILE, TILE));
  m->mat_texid[i] = m->ntex - 1;
  m->mat_texuniform[i] = 1;
  m->mat_texrepeat[2 * i] = m->mat_texrepeat[2 * i + 1] = 0.5F;
  m->mat_emission[i] = 0;
  m->mat_specular[i] = 0.1F;
  m->mat_shininess[i] = 0.3F;
  m->mat_reflectance[i] = 0.05F;
  for (int k = 0; k < 4; k++)
    m->mat_rgba[4 * i + k] = 1;
  return i;
}
#endif

// ---------------------------------------------------------------------------------------- colours

// MuJoCo's grey and no material: nobody has thought of its looks.
static bool is_bare(const mjModel *m, int geom) {
  const float *rgba = m->geom_rgba + (ptrdiff_t)4 * geom;
  return m->geom_matid[geom] < 0 && rgba[0] == 0.5F && rgba[1] == 0.5F && rgba[2] == 0.5F &&
         rgba[3] == 1;
}

static bool has_child(const mjModel *m, int body) {
  for (int i = 1; i < (int)m->nbody; i++)
    if (m->body_parentid[i] == body) return true;
  return false;
}

static void paint(mjModel *m, int geom, int floor_material) {
  const int body = m->geom_bodyid[geom];
  if (m->geom_type[geom] == mjGEOM_PLANE) {
    if (floor_material < 0) return;
    m->geom_matid[geom] = floor_material;
    for (int k = 0; k < 4; k++)
      m->geom_rgba[4 * geom + k] = 1;
    return;
  }
  if (m->body_weldid[body] == 0) return;
  const float *rgba = limb_rgba;
  if (!has_child(m, body)) rgba = tip_rgba;
  if (m->body_parentid[body] == 0) rgba = torso_rgba;
  memcpy(m->geom_rgba + (ptrdiff_t)4 * geom, rgba, sizeof limb_rgba);
}

static void set_quality(mjModel *m, tnd_quality quality) {
  static const int shadow[] = {0, 2048, 4096}, samples[] = {0, 4, 4};
  m->vis.quality.shadowsize = shadow[quality];
  m->vis.quality.offsamples = samples[quality];
}

tendril_status tnd_look_create(const mjModel *model, tnd_quality quality, tnd_look *out,
                               tendril_error *err) {
  tnd_look look = {.model = *model, .lightless = model->nlight == 0};
  mjModel *m = &look.model;
  const size_t ngeom = (size_t)model->ngeom;
  set_quality(m, quality);

  // 1. arrays of our own
  tnd_arena_ints(&look.arena, ngeom);
  tnd_arena_floats(&look.arena, 4 * ngeom);
#if mjVERSION_HEADER < 300
  longer l;
  layout_longer(&l, model, &look.arena);
#endif
  TENDRIL_TRY(tnd_arena_alloc(&look.arena, err));
  m->geom_matid = tnd_arena_ints(&look.arena, ngeom);
  m->geom_rgba = tnd_arena_floats(&look.arena, 4 * ngeom);
  memcpy(m->geom_matid, model->geom_matid, ngeom * sizeof *m->geom_matid);
  memcpy(m->geom_rgba, model->geom_rgba, 4 * ngeom * sizeof *m->geom_rgba);

  // 2. sky and floor
  int floor_material = -1;
#if mjVERSION_HEADER < 300
  layout_longer(&l, model, &look.arena);
  take_over(&l, m);
  if (!has_sky(m)) paint_sky(add_texture(m, mjTEXTURE_SKYBOX, SKY_WIDTH, SKY_HEIGHT));
  floor_material = add_floor_material(m);
#endif

  // 3. what has no colour of its own
  for (int i = 0; i < (int)model->ngeom; i++)
    if (is_bare(model, i)) paint(m, i, floor_material);

  // 4. a softer headlight leaves room for the light that throws shadows
  if (look.lightless && m->vis.headlight.active)
    for (int k = 0; k < 3; k++) {
      m->vis.headlight.ambient[k] = 0.35F;
      m->vis.headlight.diffuse[k] = 0.4F;
      m->vis.headlight.specular[k] = 0.1F;
    }
  *out = look;
  return TENDRIL_OK;
}

void tnd_look_set_ground(tnd_look *look, const mjModel *ground) {
  if (look->model.hfield_data == ground->hfield_data) return;
  look->model.hfield_data = ground->hfield_data;
  look->fields++;
}

void tnd_look_upload(const tnd_look *look, const mjrContext *renderer, int *fields) {
  if (*fields == look->fields) return;
  for (int i = 0; i < (int)look->model.nhfield; i++)
    mjr_uploadHField(&look->model, renderer, i);
  *fields = look->fields;
}

void tnd_look_free(tnd_look *look) {
  tnd_arena_free(&look->arena);
}

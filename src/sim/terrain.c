// Terrain: control heights c_i at x_i = x0 + i dx from options and a seed,
//   c_i = slopes + steps + roughness,   each nought up to x = `flat`.
// Slopes are pieces of constant dz/dx, steps change the height from one c to the next, roughness is
// a sum of sine waves whose amplitudes add up to at most `rough`. The curve between (ground.c) is
// nowhere steeper than (c_{i+1} - c_i) / dx, so that slopes keep within their limit.
#include "sim/terrain.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tendril/random.h>

#define X(...) TND_OPTION_ROW(tendril_terrain_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_TERRAIN_OPTIONS(X)};
#undef X
const tnd_option_table tnd_terrain_options = TND_OPTION_TABLE(tendril_terrain_options, option_rows);

void tendril_terrain_defaults(tendril_terrain_options *options) {
  tnd_options_default(&tnd_terrain_options, options);
}

enum { WAVES = 8 };
static const double dx = TND_TERRAIN_DX;
static const double pi = 3.14159265358979323846;
static const double behind = 10;     // m of ground behind the start that are drawn
static const double half_width = 2;  // m to both sides that are drawn
static const double fade = 1;        // m over which roughness begins
// numbers are stored in single precision: room for what rounding adds to a slope
static const double within = 0.998;

static bool has(const tendril_terrain_options *o, int kind) {
  return o->kind == kind || o->kind == TENDRIL_TERRAIN_MIXED;
}

// No steeper than `slope` degrees.
static double steepest(const tendril_terrain_options *o) {
  return has(o, TENDRIL_TERRAIN_SLOPES) ? within * tan(o->slope * pi / 180) : 0;
}

// ------------------------------------------------------------------------------------ shape

tnd_terrain_shape tnd_terrain_shape_of(const tendril_terrain_options *o) {
  const double n = ceil((behind + o->length) / dx) + 1;
  // as high as it gets if all goes up
  double high = steepest(o) * o->length;
  if (has(o, TENDRIL_TERRAIN_STEPS)) high += o->step * ceil(o->length / (0.5 * o->piece));
  if (has(o, TENDRIL_TERRAIN_ROUGH)) high += o->rough;
  // a power of two makes 0 a number that is stored exactly: 1/2
  double low = 1;
  while (low < high)
    low *= 2;
  return (tnd_terrain_shape){(int)n, -behind, -low, 2 * low};
}

// ------------------------------------------------------------------------------------ profile

// Length of the next piece.
static double next_piece(const tendril_terrain_options *o, tendril_random *random) {
  return tendril_random_uniform(random, 0.5 * o->piece, 1.5 * o->piece);
}

// Adds to z [n] what is at x_i.
static void add_slopes(const tendril_terrain_options *o, tendril_random random,
                       const tnd_terrain_shape *s, double *z) {
  const double most = steepest(o);
  double end = o->flat + 2 * dx, slope = 0, height = 0;
  for (int i = 1; i < s->n; i++) {
    const double x = s->x0 + i * dx;
    while (x - dx >= end) {
      end += next_piece(o, &random);
      slope = most > 0 ? tendril_random_uniform(&random, -o->slope, o->slope) * pi / 180 : 0;
      slope = fmin(fmax(tan(slope), -most), most);
    }
    height += slope * dx;
    z[i] += height;
  }
}

static void add_steps(const tendril_terrain_options *o, tendril_random random,
                      const tnd_terrain_shape *s, double *z) {
  double end = o->flat + 2 * dx, height = 0;
  for (int i = 1; i < s->n; i++) {
    const double x = s->x0 + i * dx;
    while (x > end) {
      end += next_piece(o, &random);
      height += tendril_random_uniform(&random, -o->step, o->step);
    }
    z[i] += height;
  }
}

static void add_roughness(const tendril_terrain_options *o, tendril_random random,
                          const tnd_terrain_shape *s, double *z) {
  double wave[WAVES], phase[WAVES];
  for (int k = 0; k < WAVES; k++) {
    wave[k] = 2 * pi / (o->wavelength * exp2(tendril_random_uniform(&random, 0, 2)));
    phase[k] = tendril_random_uniform(&random, 0, 2 * pi);
  }
  for (int i = 0; i < s->n; i++) {
    const double x = s->x0 + i * dx, in = fmin(fmax((x - o->flat - 2 * dx) / fade, 0), 1);
    double sum = 0;
    for (int k = 0; k < WAVES && in > 0; k++)
      sum += sin(wave[k] * x + phase[k]);
    z[i] += in * o->rough * sum / WAVES;
  }
}

tendril_status tnd_terrain_make(const tendril_terrain_options *o, uint64_t seed, float *heights,
                                tendril_error *err) {
  const tnd_terrain_shape s = tnd_terrain_shape_of(o);
  double *z = tnd_alloc(sizeof *z * (size_t)s.n);
  if (!z) return tnd_fail_memory(err);
  // one stream each: the slopes of a seed are the same with and without steps
  if (has(o, TENDRIL_TERRAIN_SLOPES))
    add_slopes(o, tendril_random_stream(seed, TENDRIL_PURPOSE_TERRAIN, 0, 0), &s, z);
  if (has(o, TENDRIL_TERRAIN_STEPS))
    add_steps(o, tendril_random_stream(seed, TENDRIL_PURPOSE_TERRAIN, 1, 0), &s, z);
  if (has(o, TENDRIL_TERRAIN_ROUGH))
    add_roughness(o, tendril_random_stream(seed, TENDRIL_PURPOSE_TERRAIN, 2, 0), &s, z);
  for (int i = 0; i < s.n; i++)
    heights[i] = (float)((z[i] - s.low) / s.span);
  tnd_free(z);
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ model

tendril_status tnd_terrain_insert(const tnd_terrain_shape *s, const char *text, char **out,
                                  tendril_error *err) {
  // sections of MJCF may come again: ours go before the last line
  static const char end[] = "</mujoco>";
  const char *place = NULL;
  for (const char *next = text; (next = strstr(next, end)); next++)
    place = next;
  if (!place)
    return tnd_fail(err, TENDRIL_E_FORMAT, "no %s at its end, where a terrain would go", end);

  char ours[1024];
  const double half = 0.5 * (s->n - 1) * dx;
  const int n =
      snprintf(ours, sizeof ours,
               "<asset><hfield name=\"" TND_TERRAIN "\" nrow=\"2\" ncol=\"%d\" "
               "size=\"%.17g %.17g %.17g 1\"/></asset>"
               "<worldbody><geom name=\"" TND_TERRAIN "\" type=\"hfield\" hfield=\"" TND_TERRAIN
               "\" pos=\"%.17g 0 %.17g\" mass=\"0\"/></worldbody>",
               s->n, half, half_width, s->span, s->x0 + half, s->low);
  assert(n > 0 && n < (int)sizeof ours);
  const size_t before = (size_t)(place - text), after = strlen(place);
  char *whole = tnd_alloc(before + (size_t)n + after + 1);
  if (!whole) return tnd_fail_memory(err);
  memcpy(whole, text, before);
  memcpy(whole + before, ours, (size_t)n);
  memcpy(whole + before + n, place, after);
  *out = whole;
  return TENDRIL_OK;
}

float *tnd_terrain_heights(const mjModel *model) {
  return model->hfield_data + model->hfield_adr[mj_name2id(model, mjOBJ_HFIELD, TND_TERRAIN)];
}

// Whether something else in the model touches the floor.
static bool is_touched(const mjModel *m, int floor) {
  for (int i = 0; i < m->ngeom; i++) {
    if (m->body_weldid[m->geom_bodyid[i]] == 0) continue;
    if ((m->geom_contype[i] & m->geom_conaffinity[floor]) ||
        (m->geom_contype[floor] & m->geom_conaffinity[i]))
      return true;
  }
  return false;
}

// A capsule on uneven ground has up to five contacts, on a plane two.
static void make_room(mjModel *m) {
  int64_t n = 0, rows = 1;
  for (int i = 0; i < m->ngeom; i++) {
    if (m->body_weldid[m->geom_bodyid[i]] == 0) continue;
    n++;
    if (m->geom_condim[i] > 1) rows = fmax(rows, 2 * (m->geom_condim[i] - 1));
  }
  const int64_t njmax = m->njmax + 3 * n * rows;
  const double grown = m->njmax > 0 ? (double)njmax / (double)m->njmax : 1;
  m->nconmax += (int)(3 * n);
  m->njmax = (int)njmax;
  m->nstack = (int)fmin((double)m->nstack * grown * grown, 1e9);
}

tendril_status tnd_terrain_check_floor(const mjModel *m, tendril_error *err) {
  const int floor = mj_name2id(m, mjOBJ_GEOM, "floor");
  if (floor < 0 || m->geom_type[floor] != mjGEOM_PLANE || m->geom_bodyid[floor] != 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "terrain takes the place of a plane named floor, and this model has none; use "
                    "terrain.kind=none");
  if (!is_touched(m, floor))
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "terrain: nothing in this model touches its floor; use terrain.kind=none");
  const double *quat = m->geom_quat + (ptrdiff_t)4 * floor;
  if (!(quat[0] == 1 || quat[0] == -1))
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "terrain: the model's floor is tilted or turned; use terrain.kind=none");
  return TENDRIL_OK;
}

tendril_status tnd_terrain_replace_floor(mjModel *m, tendril_error *err) {
  TENDRIL_TRY(tnd_terrain_check_floor(m, err));
  const int floor = mj_name2id(m, mjOBJ_GEOM, "floor"),
            geom = mj_name2id(m, mjOBJ_GEOM, TND_TERRAIN);
  if (geom < 0 || m->geom_dataid[geom] < 0)
    return tnd_fail(err, TENDRIL_E_FORMAT, "the terrain was not found behind the model's end");

    // 1. level, and touched as the floor was
#define TAKE(field, n)                                                                             \
  memcpy(m->field + (ptrdiff_t)(n)*geom, m->field + (ptrdiff_t)(n)*floor, (n) * sizeof *m->field)
  TAKE(geom_contype, 1);
  TAKE(geom_conaffinity, 1);
  TAKE(geom_condim, 1);
  TAKE(geom_priority, 1);
  TAKE(geom_group, 1);
  TAKE(geom_matid, 1);
  TAKE(geom_rgba, 4);
  TAKE(geom_friction, 3);
  TAKE(geom_solmix, 1);
  TAKE(geom_solref, mjNREF);
  TAKE(geom_solimp, mjNIMP);
  TAKE(geom_margin, 1);
  TAKE(geom_gap, 1);
#undef TAKE
  m->geom_pos[3 * geom + 2] += m->geom_pos[3 * floor + 2];
  float *heights = tnd_terrain_heights(m);
  for (int i = 0; i < 2 * m->hfield_ncol[m->geom_dataid[geom]]; i++)
    heights[i] = 0.5F;
  m->geom_rbound[geom] = 0;  // as a plane's: it has no end

  // 2. the floor itself is neither touched nor seen
  m->geom_contype[floor] = m->geom_conaffinity[floor] = 0;
  m->geom_matid[floor] = -1;
  memset(m->geom_rgba + (ptrdiff_t)4 * floor, 0, 4 * sizeof *m->geom_rgba);
  make_room(m);
  return TENDRIL_OK;
}

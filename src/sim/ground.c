// Contacts of spheres and capsules with a terrain, and its height.
//
// The ground is z = h(x), h the uniform quadratic B-spline of the height field's numbers: smooth,
// and never steeper than the straight lines between them. MuJoCo's own height field is made of
// prisms met by a general convex solver; contacts jump from prism to prism, and each costs more
// than a step of a small robot. Here a contact is found as on a plane: each end of a capsule
// touches where the ground is nearest, which is where g(x) = (x - cx) + (h(x) - cz) h'(x) passes
// from negative to positive. On level ground the contacts are those with a plane, bit for bit.
// Between its ends a capsule lies on what sticks up there, and it counts only by how much it does:
// contacts come and go at depth nought. docs/guide/terrain.md has the figures.
//
// MuJoCo keeps its collision functions in a table of the process; this file changes two entries of
// it, whose new functions hand any other height field on to MuJoCo's.
#include "sim/terrain.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { MAX_SPHERE = 2, NEWTON = 20 };
static const double dx = TND_TERRAIN_DX;

// ------------------------------------------------------------------------------------ the curve

typedef struct ground {
  const float *c;  // [n]
  int n;
  double x0, z0, span;
} ground;

static bool is_terrain(const mjModel *m, int hfield) {
  const char *name = mj_id2name(m, mjOBJ_HFIELD, hfield);
  return name && strcmp(name, TND_TERRAIN) == 0;
}

static ground ground_of(const mjModel *m, int geom) {
  const int id = m->geom_dataid[geom];
  const double *pos = m->geom_pos + (ptrdiff_t)3 * geom, *size = m->hfield_size + (ptrdiff_t)4 * id;
  return (ground){m->hfield_data + m->hfield_adr[id], m->hfield_ncol[id], pos[0] - size[0], pos[2],
                  size[2]};
}

static double control(const ground *s, int i) {
  i = i < 0 ? 0 : i >= s->n ? s->n - 1 : i;
  return s->z0 + s->span * (double)s->c[i];
}

// The cell of x, that around control i; x may be anything: in a step
// that diverges MuJoCo asks for contacts of what is not a number.
static int cell_of(const ground *s, double x) {
  const double i = floor((x - s->x0) / dx + 0.5);
  return !(i >= -1) ? -1 : i > s->n ? s->n : (int)i;
}

// One piece of the curve: h(u) = c + (a (u - 1/2)^2 + b (u + 1/2)^2) / 2, u = (x - x_i) / dx.
typedef struct piece {
  double x, c, a, b;
} piece;

static piece piece_of(const ground *s, int i) {
  const double c = control(s, i);
  return (piece){s->x0 + i * dx, c, control(s, i - 1) - c, control(s, i + 1) - c};
}

static double height(const piece *p, double x, double *slope) {
  const double u = (x - p->x) / dx;
  *slope = (p->a * (u - 0.5) + p->b * (u + 0.5)) / dx;
  return p->c + 0.5 * (p->a * (u - 0.5) * (u - 0.5) + p->b * (u + 0.5) * (u + 0.5));
}

double tendril_ground_height(const mjModel *model, double x, double *slope) {
  double unused;
  if (!slope) slope = &unused;
  *slope = 0;
  for (int i = 0; i < model->nhfield && isfinite(x); i++) {
    if (!is_terrain(model, i)) continue;
    for (int k = 0; k < model->ngeom && model->geom_bodyid[k] == 0; k++) {
      if (model->geom_type[k] != mjGEOM_HFIELD || model->geom_dataid[k] != i) continue;
      const ground s = ground_of(model, k);
      const int cell = cell_of(&s, x);
      if (cell < 0 || cell >= s.n) x = s.x0 + (cell < 0 ? -1 : s.n) * dx;
      const piece p = piece_of(&s, cell);
      return height(&p, x, slope) - control(&s, 0);
    }
  }
  return 0;
}

// ------------------------------------------------------------------------------------ contacts

typedef struct touch {
  double dist;
  double point[3];   // halfway between the surfaces
  double normal[3];  // out of the ground
} touch;

// g at x, and its derivative.
static double pull(const piece *p, double cx, double cz, double x, double *dg) {
  double slope;
  const double above = height(p, x, &slope) - cz;
  if (dg) *dg = 1 + slope * slope + above * (p->a + p->b) / (dx * dx);
  return (x - cx) + above * slope;
}

// Where g is 0 between lo, g <= 0, and hi, g > 0: Newton's steps, halving where they leave.
static double nearest(const piece *p, double cx, double cz, double lo, double hi) {
  double x = fmin(fmax(cx, lo), hi);
  for (int i = 0; i < NEWTON; i++) {
    double dg;
    const double g = pull(p, cx, cz, x, &dg);
    if (g <= 0) lo = x;
    if (g > 0) hi = x;
    double next = x - g / dg;
    if (!(next >= lo && next <= hi)) next = 0.5 * (lo + hi);
    if (fabs(next - x) < 1e-14) return next;
    x = next;
  }
  return x;
}

// The sphere at c of radius r touches at x of the piece.
static touch touch_at(const piece *p, const double c[3], double r, double x) {
  double slope;
  const double z = height(p, x, &slope), q = 1 / sqrt(1 + slope * slope);
  touch t = {.normal = {0 - slope * q, 0, q}};
  t.dist = (c[0] - x) * t.normal[0] + (c[2] - z) * t.normal[2] - r;
  for (int k = 0; k < 3; k++)
    t.point[k] = c[k] - t.normal[k] * (r + 0.5 * t.dist);
  return t;
}

// Up to MAX_SPHERE places where the distance to the centre c is least around them; the nearest
// come first. One whose centre is in the ground gets the nearest alone: it has one way out.
static int touch_sphere(const ground *s, const double c[3], double r, double margin, touch *out) {
  int n = 0;
  const double reach = r + margin;
  const int last = cell_of(s, c[0] + reach);
  for (int i = cell_of(s, c[0] - reach); i <= last; i++) {
    const piece p = piece_of(s, i);
    // beyond the ends the level ground goes on in one piece
    const double lo = i < 0 ? c[0] - reach - dx : p.x - 0.5 * dx;
    const double hi = i >= s->n ? c[0] + reach + dx : p.x + 0.5 * dx;
    if (lo >= hi || pull(&p, c[0], c[2], lo, NULL) > 0 || !(pull(&p, c[0], c[2], hi, NULL) > 0))
      continue;
    const touch t = touch_at(&p, c, r, nearest(&p, c[0], c[2], lo, hi));
    if (!(t.dist < margin)) continue;
    const bool in = t.dist < -r || (n > 0 && out[0].dist < -r);
    const bool nearer = n == 0 || fabs(t.dist + r) < fabs(out[0].dist + r);
    if (in && n > 0 && !nearer) continue;
    if (in) n = 0;
    if (n < MAX_SPHERE) {
      out[n++] = t;
    } else if (t.dist < out[n - 1].dist) {
      out[n - 1] = t;
    }
    if (n == 2 && out[1].dist < out[0].dist) {
      const touch swap = out[0];
      out[0] = out[1];
      out[1] = swap;
    }
  }
  return n;
}

// Whether a thing that reaches from x = lo to hi and down to z may touch.
static bool may_touch(const ground *s, double lo, double hi, double z) {
  const int last = cell_of(s, hi) + 1;
  for (int i = cell_of(s, lo) - 1; i <= last; i++)
    if (z <= control(s, i)) return true;
  return false;
}

// What sticks up highest towards the axis from a to b, between them: there the ground runs along
// it. Its depth counts beyond that of the ends, deep[0] and deep[1].
static int touch_between(const ground *s, const double a[3], const double b[3], double r,
                         double margin, const double deep[2], touch *out) {
  if (a[0] > b[0]) return touch_between(s, b, a, r, margin, (double[]){deep[1], deep[0]}, out);
  const double ex = b[0] - a[0], ez = b[2] - a[2], length = hypot(ex, ez);
  if (!(ex > 1e-9 * length)) return 0;
  const double along = ez / ex, normal[3] = {-ez / length, 0, ex / length};
  int n = 0;
  const int last = cell_of(s, b[0] + r);
  for (int i = cell_of(s, a[0] - r); i <= last; i++) {
    const piece p = piece_of(s, i);
    double left, right;
    height(&p, p.x - 0.5 * dx, &left);
    height(&p, p.x + 0.5 * dx, &right);
    left -= along;
    right -= along;
    // rises towards the axis on the left, falls on the right; h' is linear between
    const bool peak = left > 0 && right <= 0;
    if (!peak) continue;
    double slope;
    const double x = p.x + dx * (left / (left - right) - 0.5), z = height(&p, x, &slope);
    const double share = ((x - a[0]) * ex + (z - a[2]) * ez) / (length * length);
    if (!(share > 0 && share < 1)) continue;
    const double gap = (a[0] - x) * normal[0] + (a[2] - z) * normal[2] - r;
    touch t = {.dist = gap + (1 - share) * deep[0] + share * deep[1]};
    if (!(t.dist < margin) || (n > 0 && t.dist >= out->dist) || gap < -2 * r) continue;
    for (int k = 0; k < 3; k++) {
      const double center = a[k] + share * (b[k] - a[k]);
      t.normal[k] = normal[k];
      t.point[k] = center - normal[k] * (r + 0.5 * gap);
    }
    *out = t;
    n = 1;
  }
  return n;
}

// axis: the first tangent is turned towards it, as MuJoCo does with a capsule on a plane; zeros:
// its own choice
static void fill(mjContact *contact, const touch *t, const double axis[3]) {
  contact->dist = t->dist;
  memcpy(contact->pos, t->point, sizeof t->point);
  memcpy(contact->frame, t->normal, sizeof t->normal);
  memcpy(contact->frame + 3, axis, 3 * sizeof(double));
}

// ------------------------------------------------------------------------------------ MuJoCo's
// table

static mjfCollision sphere_before, capsule_before;

static int collide_sphere(const mjModel *m, const mjData *d, mjContact *con, int g1, int g2,
                          mjtNum margin) {
  if (!is_terrain(m, m->geom_dataid[g1])) return sphere_before(m, d, con, g1, g2, margin);
  const ground s = ground_of(m, g1);
  const double *c = d->geom_xpos + (ptrdiff_t)3 * g2, r = m->geom_size[(ptrdiff_t)3 * g2];
  const double reach = r + margin;
  if (!may_touch(&s, c[0] - reach, c[0] + reach, c[2] - reach)) return 0;
  touch t[MAX_SPHERE];
  const int n = touch_sphere(&s, c, r, margin, t);
  for (int i = 0; i < n; i++)
    fill(&con[i], &t[i], (double[3]){0});
  return n;
}

static int collide_capsule(const mjModel *m, const mjData *d, mjContact *con, int g1, int g2,
                           mjtNum margin) {
  if (!is_terrain(m, m->geom_dataid[g1])) return capsule_before(m, d, con, g1, g2, margin);
  const ground s = ground_of(m, g1);
  const double *c = d->geom_xpos + (ptrdiff_t)3 * g2, *mat = d->geom_xmat + (ptrdiff_t)9 * g2;
  const double r = m->geom_size[(ptrdiff_t)3 * g2], half = m->geom_size[3 * g2 + 1];
  const double axis[3] = {mat[2], mat[5], mat[8]}, reach = r + margin;

  // 1. nowhere near
  double end[2][3];
  for (int k = 0; k < 3; k++) {
    end[0][k] = c[k] + axis[k] * half;
    end[1][k] = c[k] - axis[k] * half;
  }
  const double low = fmin(end[0][2], end[1][2]) - reach;
  if (!may_touch(&s, fmin(end[0][0], end[1][0]) - reach, fmax(end[0][0], end[1][0]) + reach, low))
    return 0;

  // 2. the ends, then what is between them
  touch t[2 * MAX_SPHERE + 1];
  double deep[2] = {0, 0};
  int n = 0;
  for (int k = 0; k < 2; k++) {
    const int more = touch_sphere(&s, end[k], r, margin, t + n);
    for (int i = n; i < n + more; i++)
      deep[k] = fmax(deep[k], -t[i].dist);
    n += more;
  }
  n += touch_between(&s, end[0], end[1], r, margin, deep, t + n);
  for (int i = 0; i < n; i++)
    fill(&con[i], &t[i], axis);
  return n;
}

static void install(void) {
  sphere_before = mjCOLLISIONFUNC[mjGEOM_HFIELD][mjGEOM_SPHERE];
  capsule_before = mjCOLLISIONFUNC[mjGEOM_HFIELD][mjGEOM_CAPSULE];
  mjCOLLISIONFUNC[mjGEOM_HFIELD][mjGEOM_SPHERE] = collide_sphere;
  mjCOLLISIONFUNC[mjGEOM_HFIELD][mjGEOM_CAPSULE] = collide_capsule;
}

void tnd_ground_install(void) {
  static pthread_once_t installed = PTHREAD_ONCE_INIT;
  pthread_once(&installed, install);
}

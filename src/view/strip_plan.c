// Which poses a film strip shows. Time between poses is the shortest at which no pose reaches into
// the next; where the robot doesn't get far enough for that, poses are set side by side.
#include "view/strip.h"

#include "view/pose.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define GAP 0.06       // between poses, of a pose's width
#define SETTLE 2.0     // seconds that a gait may take to become one
#define FEW 4          // poses that are worth a later start
#define STRAIGHT 0.05  // a way that is so little off the x axis goes along it

// Extents of the robot at each time, along the picture's directions.
typedef struct extents {
  double *center[3];  // [last + 1] of mass, in the world
  double *low, *high, *bottom, *top;
  tnd_arena arena;
} extents;

static void layout(extents *e, size_t n, tnd_arena *arena) {
  for (int k = 0; k < 3; k++)
    e->center[k] = tnd_arena_doubles(arena, n);
  e->low = tnd_arena_doubles(arena, n);
  e->high = tnd_arena_doubles(arena, n);
  e->bottom = tnd_arena_doubles(arena, n);
  e->top = tnd_arena_doubles(arena, n);
}

// How far a geom reaches from its place in a direction of length 1.
static double reach_of(const mjModel *m, const mjData *d, int geom, const double direction[3]) {
  const double *size = m->geom_size + (ptrdiff_t)3 * geom;
  double local[3];  // the direction, in the geom's frame
  mju_rotVecMatT(local, direction, d->geom_xmat + (ptrdiff_t)9 * geom);
  const double across = hypot(local[0], local[1]);
  switch (m->geom_type[geom]) {
  case mjGEOM_SPHERE:
    return size[0];
  case mjGEOM_CAPSULE:
    return size[0] + size[1] * fabs(local[2]);
  case mjGEOM_CYLINDER:
    return size[0] * across + size[1] * fabs(local[2]);
  case mjGEOM_BOX:
    return size[0] * fabs(local[0]) + size[1] * fabs(local[1]) + size[2] * fabs(local[2]);
  case mjGEOM_ELLIPSOID:
    return hypot(hypot(size[0] * local[0], size[1] * local[1]), size[2] * local[2]);
  default:
    return m->geom_rbound[geom];
  }
}

static void span(const tnd_scene *s, const mjData *d, const double direction[3], double *low,
                 double *high) {
  const mjModel *m = tendril_model_mujoco(s->model);
  *low = INFINITY;
  *high = -INFINITY;
  for (int i = 0; i < (int)m->ngeom; i++) {
    const int body = m->geom_bodyid[i];
    if (m->body_weldid[body] == 0 || m->geom_rbound[i] <= 0) continue;
    const double at = mju_dot3(d->geom_xpos + (ptrdiff_t)3 * i, direction);
    const double reach = reach_of(m, d, i, direction);
    *low = fmin(*low, at - reach);
    *high = fmax(*high, at + reach);
  }
  // nothing but points: still something to point the camera at
  if (*low > *high) {
    const double at = mju_dot3(d->subtree_com + (ptrdiff_t)3 * s->root, direction);
    *low = at - s->reach;
    *high = at + s->reach;
  }
}

// ------------------------------------------------------------------------------------- direction

// The picture's directions for a way from time a to b: along it and, as a rule, straight up.
static void set_directions(const extents *e, int a, int b, tnd_strip_plan *p) {
  double x = e->center[0][b] - e->center[0][a], y = e->center[1][b] - e->center[1][a];
  const double way = hypot(x, y);
  x = way > 1e-6 ? x / way : 1;
  y = way > 1e-6 ? y / way : 0;
  if (fabs(y) < STRAIGHT) {
    x = x < 0 ? -1 : 1;
    y = 0;
  }
  memcpy(p->right, (double[3]){x, y, 0}, sizeof p->right);
  memcpy(p->up, p->above ? (double[3]){-y, x, 0} : (double[3]){0, 0, 1}, sizeof p->up);
}

static tendril_status walk(const tnd_trace *trace, const tnd_scene *scene, tnd_pose *pose,
                           const tnd_strip_plan *p, extents *e, bool spans, tendril_error *err) {
  const int last = tnd_trace_last(trace);
  for (int t = tnd_trace_first(trace); t <= last; t++) {
    TENDRIL_TRY(tnd_pose_set(pose, tnd_trace_snapshot(trace, t), err));
    const mjData *d = tnd_pose_data(pose);
    for (int k = 0; k < 3; k++)
      e->center[k][t] = d->subtree_com[3 * scene->root + k];
    if (!spans) continue;
    span(scene, d, p->right, &e->low[t], &e->high[t]);
    span(scene, d, p->up, &e->bottom[t], &e->top[t]);
  }
  return TENDRIL_OK;
}

static double along(const extents *e, int t, const double direction[3]) {
  return e->center[0][t] * direction[0] + e->center[1][t] * direction[1] +
         e->center[2][t] * direction[2];
}

// ---------------------------------------------------------------------------------------- choice

// Poses from `start` on, `step` apart, up to the first that reaches into the one before.
static int count_apart(const extents *e, int start, int step, int last, int most) {
  int n = 1;
  for (int t = start; n < most && t + step <= last; t += step, n++) {
    const double gap = GAP * (e->high[t] - e->low[t]);
    if (e->low[t + step] < e->high[t] + gap) break;
  }
  return n;
}

// The shortest step with as many poses as there can be; 0 poses if they always overlap.
static int find_step(const extents *e, int start, int last, int most, int *step) {
  int best = 0;
  for (int k = 1; start + k <= last; k++) {
    const int n = count_apart(e, start, k, last, most);
    if (n > best) {
      best = n;
      *step = k;
    }
    if (best == most) break;
  }
  return best;
}

static void put_where_they_were(const extents *e, int start, int step, tnd_strip_plan *p) {
  p->moves = true;
  for (int i = 0; i < p->n; i++) {
    const int t = p->times[i] = start + i * step;
    p->low[i] = e->low[t];
    p->high[i] = e->high[t];
    p->center[i] = along(e, t, p->right);
    p->bottom = fmin(p->bottom, e->bottom[t]);
    p->top = fmax(p->top, e->top[t]);
  }
}

// Centres of mass at equal distances, the whole episode in equal steps.
static void put_side_by_side(const extents *e, int first, int last, tnd_strip_plan *p) {
  const int step = p->n > 1 ? (last - first) / (p->n - 1) : 1;
  double ahead = 0, behind = 0;
  p->moves = false;
  for (int i = 0; i < p->n; i++) {
    const int t = p->times[i] = first + i * step;
    const double c = along(e, t, p->right);
    ahead = fmax(ahead, e->high[t] - c);
    behind = fmax(behind, c - e->low[t]);
  }
  const double pitch = (1 + 2 * GAP) * (ahead + behind);
  for (int i = 0; i < p->n; i++) {
    const int t = p->times[i];
    const double c = along(e, t, p->right), by = i * pitch - c;
    // seen from above, also to the middle
    const double lift = p->above ? -along(e, t, p->up) : 0;
    for (int k = 0; k < 3; k++)
      p->shift[i][k] = by * p->right[k] + lift * p->up[k];
    p->center[i] = i * pitch;
    p->low[i] = e->low[t] + by;
    p->high[i] = e->high[t] + by;
    p->bottom = fmin(p->bottom, e->bottom[t] + lift);
    p->top = fmax(p->top, e->top[t] + lift);
  }
}

static void choose(const tnd_trace *trace, const extents *e, int poses, tnd_strip_plan *p) {
  const int first = tnd_trace_first(trace), last = tnd_trace_last(trace);
  const double seconds = tendril_model_seconds(tnd_trace_model(trace));

  // 1. from where the gait has settled, if that leaves enough to see
  const int settled = (int)fmin(ceil(SETTLE / seconds), (last - first) / 4.0) + first;
  int step = 1, start = settled;
  p->n = find_step(e, settled, last, poses, &step);
  if (p->n < poses) {
    int other = 1;
    const int n = find_step(e, first, last, poses, &other);
    if (n > p->n && (p->n < FEW || n >= p->n + 2)) {
      p->n = n;
      step = other;
      start = first;
    }
  }

  // 2. where they were, or side by side
  p->bottom = INFINITY;
  p->top = -INFINITY;
  if (p->n >= 3) {
    put_where_they_were(e, start, step, p);
  } else {
    p->n = last - first + 1 < poses ? last - first + 1 : poses;
    put_side_by_side(e, first, last, p);
  }
  const int a = p->times[0], b = p->times[p->n - 1];
  p->distance = along(e, b, p->right) - along(e, a, p->right);
  p->seconds = (b - a) * seconds;
}

tendril_status tnd_strip_make_plan(const tnd_trace *trace, const tnd_scene *scene, int poses,
                                   tnd_strip_plan *out, tendril_error *err) {
  assert(poses >= 2 && poses <= TND_STRIP_MAX);
  tnd_strip_plan plan = {.above = scene->flat};
  extents e = {.arena = {0}};
  tnd_pose *pose = NULL;
  const int first = tnd_trace_first(trace), last = tnd_trace_last(trace);
  layout(&e, (size_t)last + 1, &e.arena);
  tendril_status status = tnd_arena_alloc(&e.arena, err);
  if (status == TENDRIL_OK) {
    layout(&e, (size_t)last + 1, &e.arena);
    status = tnd_pose_create(tnd_trace_model(trace), &pose, err);
  }
  // once for the way, once more for the extents along it
  if (status == TENDRIL_OK) status = walk(trace, scene, pose, &plan, &e, false, err);
  if (status == TENDRIL_OK) {
    set_directions(&e, first, last, &plan);
    status = walk(trace, scene, pose, &plan, &e, true, err);
  }
  if (status == TENDRIL_OK) {
    choose(trace, &e, poses, &plan);
    *out = plan;
  }
  tnd_pose_destroy(pose);
  tnd_arena_free(&e.arena);
  return status;
}

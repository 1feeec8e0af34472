// See stride.h. Contacts bounce: a foot that comes back within a twentieth of a second was not off
// the ground, and steps that come faster than any robot of ours runs are of one stride.
#include "sim/stride.h"

#include "sim/push.h"

#include <math.h>

static const double off = 0.05, shortest = 0.15, longest = 1.5;  // s

// ------------------------------------------------------------------------------------------- foot

static bool may_collide(const mjModel *m, int a, int b) {
  return (m->geom_contype[a] & m->geom_conaffinity[b]) ||
         (m->geom_contype[b] & m->geom_conaffinity[a]);
}

static int weld_of(const mjModel *m, int geom) {
  return m->body_weldid[m->geom_bodyid[geom]];
}

static bool can_touch_world(const mjModel *m, int weld) {
  for (int i = 0; i < (int)m->ngeom; i++)
    for (int k = 0; k < (int)m->ngeom && weld_of(m, i) == weld; k++)
      if (weld_of(m, k) == 0 && may_collide(m, i, k)) return true;
  for (int i = 0; i < (int)m->npair; i++) {
    const int a = weld_of(m, m->pair_geom1[i]), b = weld_of(m, m->pair_geom2[i]);
    if ((a == weld && b == 0) || (a == 0 && b == weld)) return true;
  }
  return false;
}

// Nothing that moves hangs on it.
static bool is_end(const mjModel *m, int weld) {
  for (int i = 1; i < (int)m->nbody; i++)
    if (m->body_weldid[i] != weld && m->body_weldid[m->body_parentid[i]] == weld) return false;
  return true;
}

int tnd_foot_find(const mjModel *m) {
  for (int i = 1; i < (int)m->nbody; i++)
    if (m->body_weldid[i] == i && is_end(m, i) && can_touch_world(m, i)) return i;
  return 0;
}

bool tnd_foot_touches(const mjModel *m, const mjData *d, int foot) {
  for (int i = 0; i < (int)d->ncon; i++) {
    const mjContact *contact = &d->contact[i];
    // one that bears, between two geoms
    if (contact->efc_address < 0 || contact->geom1 < 0 || contact->geom2 < 0) continue;
    const int a = weld_of(m, contact->geom1), b = weld_of(m, contact->geom2);
    if ((a == foot && b == 0) || (a == 0 && b == foot)) return true;
  }
  return false;
}

// ----------------------------------------------------------------------------------------- stride

tnd_stride_limits tnd_stride_limits_of(double timestep) {
  return (tnd_stride_limits){tnd_steps_in(off, timestep), tnd_steps_in(shortest, timestep),
                             tnd_steps_in(longest, timestep)};
}

bool tnd_stride_see(tnd_stride *s, const tnd_stride_limits *limits, int64_t i, bool touches) {
  if (!touches) return false;
  const int64_t in_air = i - s->on - 1, length = i - s->begin;
  s->on = i;
  if (in_air < limits->off || (s->begin >= 0 && length < limits->shortest)) return false;
  s->length = s->begin >= 0 && length <= limits->longest ? length : 0;
  s->begin = i;
  return true;
}

int64_t tnd_stride_step_of(const tnd_stride *s, double phase) {
  return s->length > 0 ? s->begin + llround(phase * (double)s->length) : -1;
}

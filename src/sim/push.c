// Pushes: forces on bodies between given steps of MuJoCo. Time is counted in whole steps, so that a
// push is the same wherever its episode was cut and restored.
#include "sim/push.h"

#include "base/number.h"
#include "base/options.h"
#include "sim/sim.h"

#include <math.h>
#include <string.h>

// ------------------------------------------------------------------------------------ text

static const struct direction {
  const char *name;
  double vector[3];
} directions[] = {
    {"forward", {1, 0, 0}}, {"back", {-1, 0, 0}}, {"left", {0, 1, 0}},
    {"right", {0, -1, 0}},  {"up", {0, 0, 1}},    {"down", {0, 0, -1}},
};
enum { NDIRECTION = sizeof directions / sizeof directions[0] };

const double *tnd_direction(int i) {
  return directions[i].vector;
}

static tendril_status refuse(const char *text, const char *what, tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_CONFIG,
                  "push %.80s: %s; as in 80@3 or 80@3,0.2,back,torso (newtons, time, seconds, "
                  "direction, body)",
                  text, what);
}

static bool number(const char *text, size_t n, double *out) {
  return tnd_number_parse(text, n, out) == TND_NUMBER_OK;
}

// X:Y:Z, brought to length 1.
static bool vector(const char *text, size_t n, double out[3]) {
  for (int i = 0; i < 3; i++) {
    const char *colon = i < 2 ? memchr(text, ':', n) : text + n;
    if (!colon || !number(text, (size_t)(colon - text), &out[i])) return false;
    n -= (size_t)(colon - text) + (i < 2);
    text = colon + 1;
  }
  const double length = hypot(hypot(out[0], out[1]), out[2]);
  if (!(length > 0) || !isfinite(length)) return false;
  for (int i = 0; i < 3; i++)
    out[i] /= length;
  return true;
}

static bool direction(const char *text, size_t n, double out[3]) {
  for (int i = 0; i < NDIRECTION; i++) {
    if (strlen(directions[i].name) == n && memcmp(text, directions[i].name, n) == 0) {
      memcpy(out, directions[i].vector, sizeof directions[i].vector);
      return true;
    }
  }
  return vector(text, n, out);
}

tendril_status tendril_push_parse(const char *text, tendril_push *out, tendril_error *err) {
  tendril_push push = {.seconds = 0.1, .direction = {1, 0, 0}};
  const char *at = strchr(text, '@');
  if (!at || !number(text, (size_t)(at - text), &push.newtons) || !(push.newtons >= 0))
    return refuse(text, "must begin with newtons, 0 or more, and @", err);

  const char *part = at + 1;
  for (int i = 0; part; i++) {
    const char *comma = strchr(part, ',');
    const size_t n = comma ? (size_t)(comma - part) : strlen(part);
    switch (i) {
    case 0:
      if (!number(part, n, &push.time) || !(push.time >= 0))
        return refuse(text, "the time must be seconds, 0 or more", err);
      break;
    case 1:
      if (!number(part, n, &push.seconds) || !(push.seconds > 0))
        return refuse(text, "its length must be seconds, more than 0", err);
      break;
    case 2:
      if (!direction(part, n, push.direction))
        return refuse(text, "the direction must be forward, back, left, right, up, down or X:Y:Z",
                      err);
      break;
    case 3:
      if (n == 0 || n >= sizeof push.body) return refuse(text, "no such body", err);
      memcpy(push.body, part, n);
      break;
    default:
      return refuse(text, "there is nothing after the body", err);
    }
    part = comma ? comma + 1 : NULL;
  }
  *out = push;
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ episode

// Steps of MuJoCo done since the episode's start.
static int64_t steps_done(const tendril_env *env) {
  return (int64_t)env->time * env->model->physics_steps;
}

int64_t tnd_steps_in(double seconds, double timestep) {
  const int64_t n = llround(seconds / timestep);
  return n > 0 ? n : 1;
}

tendril_status tnd_find_body(const mjModel *m, const char *name, const char *where, int *out,
                             tendril_error *err) {
  enum { MANY = 64 };
  const char *names[MANY];
  int n = 0;
  *out = 1;
  if (!name[0] && m->nbody > 1) return TENDRIL_OK;
  for (int i = 1; i < (int)m->nbody; i++) {
    const char *known = mj_id2name(m, mjOBJ_BODY, i);
    if (!known) continue;
    if (strcmp(known, name) == 0) {
      *out = i;
      return TENDRIL_OK;
    }
    if (n < MANY) names[n++] = known;
  }
  const char *near = tnd_nearest(name, names, n);
  return tnd_fail(err, TENDRIL_E_UNKNOWN, "%s: the model has no body %.63s%s%s%s", where, name,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

tendril_status tendril_env_push(tendril_env *env, const tendril_push *push, tendril_error *err) {
  const mjModel *m = env->model->mujoco;
  const double most = 1e9;  // seconds and newtons; more is a mistake
  if (!(push->newtons >= 0 && push->newtons <= most) || !(push->time >= 0 && push->time <= most) ||
      !(push->seconds > 0 && push->seconds <= most))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "push: newtons, time and seconds must be from 0 to %g, seconds not 0", most);
  struct tnd_push p = {.force.body = 0};
  TENDRIL_TRY(tnd_find_body(m, push->body, "push", &p.force.body, err));
  for (int i = 0; i < 3; i++) {
    p.force.force[i] = push->newtons * push->direction[i];
    if (!isfinite(p.force.force[i]))
      return tnd_fail(err, TENDRIL_E_ARGUMENT, "push: the direction is not finite");
  }

  // 1. its steps
  const int64_t now = steps_done(env);
  p.begin = llround(push->time / m->opt.timestep);
  p.end = p.begin + tnd_steps_in(push->seconds, m->opt.timestep);
  if (p.end <= now)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "push: over at %g s, and the episode is at %g s",
                    (double)p.end * m->opt.timestep, (double)now * m->opt.timestep);

  // 2. the place of one that is over
  for (int i = 0; i < TENDRIL_MAX_PUSHES; i++) {
    if (env->pushes.at[i].end > now) continue;
    env->pushes.at[i] = p;
    if (p.end > env->pushes.last) env->pushes.last = p.end;
    return TENDRIL_OK;
  }
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "push: at most %d act or are to come at a time",
                  TENDRIL_MAX_PUSHES);
}

static bool acts(const struct tnd_push *p, int64_t i) {
  return p->begin <= i && i < p->end;
}

int tendril_env_get_pushes(const tendril_env *env, tendril_force forces[TENDRIL_MAX_FORCES]) {
  int n = 0;
  for (int i = 0; i < TENDRIL_MAX_FORCES; i++)
    if (acts(&env->pushes.at[i], steps_done(env))) forces[n++] = env->pushes.at[i].force;
  return n;
}

void tnd_pushes_apply(const tnd_pushes *pushes, int64_t i, mjData *data) {
  for (int k = 0; k < TENDRIL_MAX_FORCES; k++) {
    const tendril_force *f = &pushes->at[k].force;
    double *applied = data->xfrc_applied + (ptrdiff_t)6 * f->body;
    for (int j = 0; acts(&pushes->at[k], i) && j < 3; j++)
      applied[j] += f->force[j];
  }
}

void tnd_pushes_step(const tnd_pushes *pushes, int64_t i, const mjModel *model, mjData *data) {
  if (i >= pushes->last) {
    mj_step(model, data);
    return;
  }
  double before[TENDRIL_MAX_FORCES][3];
  for (int k = 0; k < TENDRIL_MAX_FORCES; k++)
    memcpy(before[k], data->xfrc_applied + (ptrdiff_t)6 * pushes->at[k].force.body,
           sizeof before[k]);
  tnd_pushes_apply(pushes, i, data);
  mj_step(model, data);
  for (int k = 0; k < TENDRIL_MAX_FORCES; k++)
    memcpy(data->xfrc_applied + (ptrdiff_t)6 * pushes->at[k].force.body, before[k],
           sizeof before[k]);
}

// ------------------------------------------------------------------------------------ snapshot

void tnd_push_save(const struct tnd_push *p, double *out) {
  out[0] = (double)p->begin;
  out[1] = (double)p->end;
  out[2] = p->force.body;
  memcpy(out + 3, p->force.force, sizeof p->force.force);
}

void tnd_push_restore(struct tnd_push *p, const double *in) {
  p->begin = (int64_t)in[0];
  p->end = (int64_t)in[1];
  p->force.body = (int)in[2];
  memcpy(p->force.force, in + 3, sizeof p->force.force);
}

bool tnd_push_is_good(const double *in, int nbody) {
  const double most = (double)TND_WHOLE_MAX;
  if (!(in[0] >= 0 && in[0] <= most) || !(in[1] >= 0 && in[1] <= most) ||
      !(in[2] >= 0 && in[2] < nbody))
    return false;
  for (int j = 3; j < 6; j++)
    if (!isfinite(in[j])) return false;
  return true;
}

void tnd_pushes_save(const tnd_pushes *pushes, double *out) {
  for (int i = 0; i < TENDRIL_MAX_PUSHES; i++)
    tnd_push_save(&pushes->at[i], out + (ptrdiff_t)TND_PUSH_SIZE * i);
}

void tnd_pushes_restore(tnd_pushes *pushes, const double *in) {
  *pushes = (tnd_pushes){0};
  for (int i = 0; i < TENDRIL_MAX_PUSHES; i++) {
    struct tnd_push *p = &pushes->at[i];
    tnd_push_restore(p, in + (ptrdiff_t)TND_PUSH_SIZE * i);
    if (p->end > pushes->last) pushes->last = p->end;
  }
}

bool tnd_pushes_are_good(const double *in, int nbody) {
  for (int i = 0; i < TENDRIL_MAX_PUSHES; i++)
    if (!tnd_push_is_good(in + (ptrdiff_t)TND_PUSH_SIZE * i, nbody)) return false;
  return true;
}

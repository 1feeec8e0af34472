// See disturbance.h. All is counted in MuJoCo steps, and push k of an episode has words of the
// random stream of its own: what comes is a function of the episode's stream and of what the foot
// did, wherever the episode was cut and restored.
#include "sim/disturbance.h"

#include "base/number.h"

#include <math.h>
#include <string.h>

#define X(...) TND_OPTION_ROW(tendril_disturbance_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_DISTURBANCE_OPTIONS(X)};
#undef X
const tnd_option_table tnd_disturbance_options =
    TND_OPTION_TABLE(tendril_disturbance_options, option_rows);

void tendril_disturbance_defaults(tendril_disturbance_options *options) {
  tnd_options_default(&tnd_disturbance_options, options);
}

enum { WORDS = 8, MAX_COUNT = UINT32_MAX / WORDS - 1 };  // of the stream for each push
static const double patience = 3;  // s that a push that is due waits for a phase: two long strides

// ------------------------------------------------------------------------------------------- plan

tendril_status tnd_disturbance_plan_make(const mjModel *m, const tendril_disturbance_options *o,
                                         tnd_disturbance_plan *out, tendril_error *err) {
  *out = (tnd_disturbance_plan){0};
  if (o->newtons == 0) return TENDRIL_OK;
  TENDRIL_TRY(tnd_options_check(&tnd_disturbance_options, o, "push", err));
  if (o->every > 0 && o->every < o->seconds)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "push.every: a push every %g s would begin before the one before it, of %g s, "
                    "is over; use %g or more, or a shorter push.seconds",
                    o->every, o->seconds, o->seconds);
  tnd_disturbance_plan plan = {.options = *o, .timestep = m->opt.timestep};
  plan.lasts = tnd_steps_in(o->seconds, plan.timestep);
  if (o->every > 0) plan.every = tnd_steps_in(o->every, plan.timestep);
  if (o->phase >= 0) {
    plan.foot = tnd_foot_find(m);
    plan.limits = tnd_stride_limits_of(plan.timestep);
    plan.wait = tnd_steps_in(patience, plan.timestep);
    if (!plan.foot)
      return tnd_fail(err, TENDRIL_E_CONFIG,
                      "push.phase: this model has no foot, a link at an end that can touch the "
                      "world, to time pushes by; leave push.phase out");
  }
  *out = plan;
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------------------- episode

// The words of push k: size, direction, delay.
static tendril_random stream_of(const tendril_random *episode, int64_t k) {
  tendril_random r =
      tendril_random_stream(episode->seed, TENDRIL_PURPOSE_PUSH, episode->a, episode->b);
  r.draw = (uint32_t)(WORDS * k);
  return r;
}

static double draw_newtons(const tendril_disturbance_options *o, tendril_random *random) {
  const double share = tendril_random_uniform(random, o->least, 1);
  return o->newtons * (o->least < 1 ? share : 1);
}

static const double *draw_direction(const tendril_disturbance_options *o, tendril_random *random) {
  const uint32_t bit = tendril_random_bits(random) & 1;
  const int named = o->direction - TENDRIL_DISTURBANCE_FORWARD;
  return tnd_direction(o->direction == TENDRIL_DISTURBANCE_EITHER ? (int)bit : named);
}

// Push k is due at step `from` or later.
static int64_t draw_due(const tnd_disturbance_plan *plan, const tendril_random *episode, int64_t k,
                        int64_t from) {
  tendril_random r = stream_of(episode, k);
  r.draw += 4;
  return from + llround(tendril_random_uniform(&r, 0, plan->options.spread) / plan->timestep);
}

// The next push acts from step i on.
static void push(const tnd_disturbance_plan *plan, const tendril_random *episode, int64_t i,
                 tnd_disturbance *d, tnd_pushes *pushes) {
  tendril_random r = stream_of(episode, d->count);
  const double newtons = draw_newtons(&plan->options, &r);
  const double *direction = draw_direction(&plan->options, &r);
  struct tnd_push *p = &pushes->at[TND_OWN_PUSH];
  *p = (struct tnd_push){.begin = i, .end = i + plan->lasts, .force.body = 1};
  for (int j = 0; j < 3; j++)
    p->force.force[j] = newtons * direction[j];
  if (p->end > pushes->last) pushes->last = p->end;
  d->count++;
  const bool again = plan->every > 0 && d->count < MAX_COUNT;
  d->due = again ? draw_due(plan, episode, d->count, i + plan->every) : -1;
}

void tnd_disturbance_begin(const tnd_disturbance_plan *plan, const tendril_random *random,
                           tnd_disturbance *d, tnd_pushes *pushes) {
  *d = (tnd_disturbance){.due = -1, .stride = TND_NO_STRIDE};
  if (!tnd_disturbance_acts(plan)) return;
  d->due = draw_due(plan, random, 0, llround(plan->options.time / plan->timestep));
  if (d->due == 0 && !plan->foot) push(plan, random, 0, d, pushes);
}

void tnd_disturbance_first(const tnd_disturbance_plan *plan, const tendril_random *random,
                           tnd_pushes *pushes) {
  tnd_disturbance d;
  *pushes = (tnd_pushes){0};
  tnd_disturbance_begin(plan, random, &d, pushes);
  if (d.due > 0) push(plan, random, d.due, &d, pushes);
}

// Whether a push that is due comes with step i, the step before having been seen.
static bool is_its_moment(const tnd_disturbance_plan *plan, const tnd_disturbance *d,
                          const tnd_stride *before, int64_t i) {
  if (!plan->foot || i - d->due >= plan->wait) return true;
  const int64_t at = tnd_stride_step_of(&d->stride, plan->options.phase);
  if (at >= d->due && at <= i) return true;
  // a stride that ended before it came so far
  const int64_t missed = tnd_stride_step_of(before, plan->options.phase);
  return d->stride.begin != before->begin && missed >= d->due && missed >= i;
}

void tnd_disturbance_see(const tnd_disturbance_plan *plan, const tendril_random *random, int64_t i,
                         const mjModel *model, const mjData *data, tnd_disturbance *d,
                         tnd_pushes *pushes) {
  const tnd_stride before = d->stride;
  if (plan->foot)
    tnd_stride_see(&d->stride, &plan->limits, i, tnd_foot_touches(model, data, plan->foot));
  if (d->due >= 0 && i + 1 >= d->due && is_its_moment(plan, d, &before, i + 1))
    push(plan, random, i + 1, d, pushes);
}

void tnd_disturbance_end(tnd_disturbance *d, tnd_pushes *pushes) {
  d->due = -1;
  pushes->at[TND_OWN_PUSH] = (struct tnd_push){0};
}

// --------------------------------------------------------------------------------------- snapshot

void tnd_disturbance_save(const tnd_disturbance *d, const tnd_pushes *pushes, double *out) {
  *out++ = (double)d->due;
  *out++ = (double)d->count;
  *out++ = (double)d->stride.on;
  *out++ = (double)d->stride.begin;
  *out++ = (double)d->stride.length;
  tnd_push_save(&pushes->at[TND_OWN_PUSH], out);
}

void tnd_disturbance_restore(tnd_disturbance *d, tnd_pushes *pushes, const double *in) {
  d->due = (int64_t)*in++;
  d->count = (int64_t)*in++;
  d->stride.on = (int64_t)*in++;
  d->stride.begin = (int64_t)*in++;
  d->stride.length = (int64_t)*in++;
  struct tnd_push *p = &pushes->at[TND_OWN_PUSH];
  tnd_push_restore(p, in);
  if (p->end > pushes->last) pushes->last = p->end;
}

bool tnd_disturbance_is_good(const double *in, int nbody) {
  static const double least[] = {-1, 0, -1, -1, 0};
  for (int i = 0; i < 5; i++) {
    const double most = i == 1 ? (double)MAX_COUNT : (double)TND_WHOLE_MAX;
    if (!(in[i] >= least[i] && in[i] <= most)) return false;
  }
  return tnd_push_is_good(in + 5, nbody);
}

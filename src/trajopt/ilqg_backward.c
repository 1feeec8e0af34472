// Derivatives of iLQG's dynamics and cost about its trajectory, and the backward pass that follows
// them. Symbols are those of ilqg.c.
#include "base/clock.h"
#include "sim/cost.h"
#include "sim/sim.h"
#include "trajopt/ilqg_parts.h"
#include "trajopt/lqr.h"

#include <math.h>
#include <string.h>

// ------------------------------------------------------------------------------------ derivatives

static void differentiate(tendril_ilqg *q, int t, int w) {
  const int n = q->n, m = q->nu;
  const double *x = q->now.x + t * q->nx, *u = t < q->T ? q->now.u + t * m : NULL;
  const tnd_cost_expansion l = tnd_ilqg_cost(q, t);
  tnd_cost_expand(q->model, q->ground, q->t0 + t, q->T_cost, x, x + q->model->mujoco->nq, u,
                  q->workers[w].work, &l);
  if (t == q->T) {
    for (int i = 0; i < n; i++)
      l.lx[i] *= q->end_weight;
    for (int i = 0; i < n * n; i++)
      l.lxx[i] *= q->end_weight;
  }
  for (int i = 0; i < n; i++)
    l.lxx[i * n + i] += q->hold[i];
  for (int i = 0; i < m && u; i++) {
    l.lu[i] += 2 * q->w * u[i];
    l.luu[i * m + i] += 2 * q->w;
  }
  if (t < q->T)
    q->bad[t] = !tnd_transition_linearise(q->workers[w].f, q->t0 + t, x, u,
                                          q->F + (ptrdiff_t)t * n * (n + m));
}

static void expand_term(tendril_ilqg *q, int t, int w) {
  q->step_extra[t] =
      q->term.expand(q->term.context, w, t, q->now.x + t * q->nx, q->now.u + t * q->nu);
}

// A pass that goes back in time while the expansions are made.
typedef struct sweep {
  tendril_ilqg *q;
  bool differentiates, expands_term;
  bool (*step)(void *context, int t);
  void *context;
} sweep;

static void expand_piece(void *context, int piece, int w) {
  const sweep *s = context;
  const int t = s->q->T - piece;
  if (s->differentiates) differentiate(s->q, t, w);
  if (s->expands_term && t < s->q->T) expand_term(s->q, t, w);
}

static bool step_back(void *context, int piece) {
  const sweep *s = context;
  const int t = s->q->T - piece;
  const bool bad = s->differentiates && t < s->q->T && s->q->bad[t];
  return s->step && !bad && s->step(s->context, t);
}

tendril_status tnd_ilqg_expand(tendril_ilqg *q, bool (*step)(void *context, int t), void *context,
                               tendril_error *err) {
  sweep s = {q, !q->fresh, !q->term_fresh && q->term.expand, step, context};
  if (s.differentiates || s.expands_term)
    tnd_pool_run_then(q->pool, q->T + 1, expand_piece, step_back, &s);
  else
    for (int t = q->T; t >= 0 && step && step(context, t); t--)
      ;
  for (int t = 0; s.differentiates && t < q->T; t++)
    if (q->bad[t]) return tnd_ilqg_fail_step(q, t, "the simulation has no derivatives", err);
  q->fresh = true;
  if (s.expands_term) {
    q->extra = 0;
    for (int t = 0; t < q->T; t++)
      q->extra += q->step_extra[t];
    q->term_fresh = true;
  }
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------------- backward pass

// The expansion of step t with the caller's term.
static tnd_cost_expansion expansion_at(tendril_ilqg *q, int t) {
  const tnd_cost_expansion l = tnd_ilqg_cost(q, t);
  if (!q->term.add) return l;
  const size_t n = (size_t)q->n, m = (size_t)q->nu, size = sizeof(double);
  memcpy(q->with.lx, l.lx, size * n);
  memcpy(q->with.lu, l.lu, size * m);
  memcpy(q->with.lxx, l.lxx, size * n * n);
  memcpy(q->with.lux, l.lux, size * m * n);
  memcpy(q->with.luu, l.luu, size * m * m);
  q->term.add(q->term.context, t, &q->with);
  return q->with;
}

static bool pass_step(tnd_ilqg_backward *b, int t) {
  tendril_ilqg *q = b->q;
  const int n = q->n, m = q->nu, T = q->T;
  tnd_lqr_value v = {q->Vx, q->Vxx};
  if (t == T) {
    memcpy(v.Vx, q->lx + T * n, sizeof(double) * (size_t)n);
    memcpy(v.Vxx, q->lxx + T * n * n, sizeof(double) * (size_t)(n * n));
    b->linear = b->quadratic = 0;
    b->done = false;
    return true;
  }
  const double *u = q->now.u + t * m;
  for (int i = 0; i < m; i++) {
    q->low[i] = q->model->low[i] - u[i];
    q->high[i] = q->model->high[i] - u[i];
  }
  const tnd_cost_expansion l = expansion_at(q, t);
  const tnd_lqr_stage stage = {.F = tnd_ilqg_derivatives(q, t),
                               .lx = l.lx,
                               .lu = l.lu,
                               .lxx = l.lxx,
                               .lux = l.lux,
                               .luu = l.luu,
                               .mu = q->mu,
                               .rho = q->rho,
                               .low = q->low,
                               .high = q->high};
  tnd_lqr_law law = {.k = q->k + t * m, .K = q->K + (ptrdiff_t)t * m * n, .Quu = q->Quu};
  if (!tnd_lqr_step(n, m, &stage, q->lqr_work, &v, &law)) return false;
  b->linear += law.linear;
  b->quadratic += law.quadratic;
  b->done = t == 0;
  return true;
}

static bool pass_back(void *context, int t) {
  tnd_ilqg_backward *b = context;
  const double begin = tnd_clock_wall();
  const bool good = pass_step(b, t);
  b->seconds += tnd_clock_wall() - begin;
  return good;
}

static const double mu_min = 1e-6, delta_0 = 2;

bool tnd_ilqg_raise(tendril_ilqg *q) {
  q->delta = fmax(delta_0, q->delta * delta_0);
  q->mu = fmax(mu_min, q->mu * q->delta);
  return q->mu <= q->options.mu_max;
}

tendril_status tnd_ilqg_pass_back(tendril_ilqg *q, tnd_ilqg_backward *b, tendril_error *err) {
  *b = (tnd_ilqg_backward){.q = q};
  TENDRIL_TRY(tnd_ilqg_expand(q, pass_back, b, err));
  while (!b->done && tnd_ilqg_raise(q))
    TENDRIL_TRY(tnd_ilqg_expand(q, pass_back, b, err));
  return TENDRIL_OK;
}

void tnd_ilqg_lower(tendril_ilqg *q) {
  q->delta = fmin(1 / delta_0, q->delta / delta_0);
  q->mu = q->mu * q->delta >= mu_min ? q->mu * q->delta : 0;
}

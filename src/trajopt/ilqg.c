// iLQG: the trajectory's dynamics to first order and its cost to second, a backward pass for the
// best change of the controls and the feedback, and a line search along it in the simulator. The
// numbers are those of docs/methods/ilqg.md.
//   x, u    the trajectory so far      F = (fx, fu)   derivatives of a step about it
//   k, K    change and feedback        alpha          share of k that is taken
//   mu      state regularisation: an identity added to V'xx where k and K are made, so that new
//           states stay near the old ones; raised after a rejected step, lowered after a good one
//   rho     control regularisation: an identity added to luu; by the length of the last step
//   w       weight of the effort |u|^2 that is added to the cost, less and less, then nothing
// Derivatives and trial trajectories run in parallel, a piece a step and a piece a trial, and the
// backward pass follows the derivatives, which are made from the end on; the largest alpha that
// passes is taken however many are tried at once, so that the threads' number changes no bit.
// Source: Tassa, Erez, Todorov 2012; Tassa, Mansard, Todorov 2014 (limits).
#include "base/clock.h"
#include "sim/sim.h"
#include "trajopt/boxqp.h"
#include "trajopt/ilqg_parts.h"
#include "trajopt/lqr.h"

#include <math.h>
#include <string.h>

#define X(...) TND_OPTION_ROW(tendril_ilqg_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_ILQG_OPTIONS(X)};
#undef X
const tnd_option_table tnd_ilqg_options = TND_OPTION_TABLE(tendril_ilqg_options, option_rows);

void tendril_ilqg_defaults(tendril_ilqg_options *options) {
  tnd_options_default(&tnd_ilqg_options, options);
}

// ------------------------------------------------------------------------------------------- life

static void layout(tendril_ilqg *q, tnd_arena *arena) {
  const size_t T = (size_t)q->T, nx = (size_t)q->nx, n = (size_t)q->n, m = (size_t)q->nu;
  const size_t nthread = (size_t)q->nthread;
  q->workers = tnd_arena_take(arena, nthread, sizeof *q->workers);
  q->trials = tnd_arena_take(arena, nthread, sizeof *q->trials);
  q->now.x = tnd_arena_doubles(arena, (T + 1) * nx);
  q->now.u = tnd_arena_doubles(arena, T * m);
  q->now.K = tnd_arena_doubles(arena, T * m * n);
  q->F = tnd_arena_doubles(arena, T * n * (n + m));
  q->lx = tnd_arena_doubles(arena, (T + 1) * n);
  q->lu = tnd_arena_doubles(arena, (T + 1) * m);
  q->lxx = tnd_arena_doubles(arena, (T + 1) * n * n);
  q->lux = tnd_arena_doubles(arena, (T + 1) * m * n);
  q->luu = tnd_arena_doubles(arena, (T + 1) * m * m);
  q->step_extra = tnd_arena_doubles(arena, T);
  q->with.lx = tnd_arena_doubles(arena, n);
  q->with.lu = tnd_arena_doubles(arena, m);
  q->with.lxx = tnd_arena_doubles(arena, n * n);
  q->with.lux = tnd_arena_doubles(arena, m * n);
  q->with.luu = tnd_arena_doubles(arena, m * m);
  q->k = tnd_arena_doubles(arena, T * m);
  q->K = tnd_arena_doubles(arena, T * m * n);
  q->Quu = tnd_arena_doubles(arena, m * m);
  q->Vx = tnd_arena_doubles(arena, n);
  q->Vxx = tnd_arena_doubles(arena, n * n);
  q->low = tnd_arena_doubles(arena, m);
  q->high = tnd_arena_doubles(arena, m);
  q->lqr_work = tnd_arena_doubles(arena, (size_t)tnd_lqr_work(q->n, q->nu));
  q->hold = tnd_arena_doubles(arena, n);
  q->bad = tnd_arena_take(arena, T, 1);
  for (size_t i = 0; i < nthread; i++) {
    double *x = tnd_arena_doubles(arena, (T + 1) * nx), *u = tnd_arena_doubles(arena, T * m);
    double *dx = tnd_arena_doubles(arena, n);
    double *work = tnd_arena_doubles(arena, (size_t)tnd_cost_work(q->model));
    if (!arena->base) continue;
    q->trials[i].x = x;
    q->trials[i].u = u;
    q->trials[i].dx = dx;
    q->workers[i].work = work;
  }
}

static void set_hold(tendril_ilqg *q) {
  const mjModel *m = q->model->mujoco;
  for (int i = 0; i < m->nv; i++) {
    const bool along = tnd_is_horizontal_translation(m, i);
    q->hold[i] = along ? 0 : 2 * q->options.hold_qpos;
    q->hold[m->nv + i] = 2 * q->options.hold_qvel;
  }
}

static tendril_status build(tendril_ilqg *q, tendril_error *err) {
  layout(q, &q->arena);
  TENDRIL_TRY(tnd_arena_alloc(&q->arena, err));
  layout(q, &q->arena);
  for (int i = 0; i < q->nthread; i++)
    TENDRIL_TRY(tnd_transition_create(q->model, &q->workers[i].f, err));
  set_hold(q);
  return TENDRIL_OK;
}

static tendril_status check(const tendril_model *model, int T, const tendril_ilqg_options *options,
                            tendril_error *err) {
  const char *name = model->task->name;
  TENDRIL_TRY(tnd_options_check(&tnd_ilqg_options, options, "ilqg", err));
  if (model->task->ncost == 0)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%s: the task has no smooth cost to optimise; `tendril list tasks` shows which "
                    "have",
                    name);
  if (T < 1 || T > 100000)
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s: a horizon of %d steps; it must be 1 to 100000",
                    name, T);
  if (model->mujoco->nu > TND_BOXQP_MAX)
    return tnd_fail(err, TENDRIL_E_CONFIG, "%s: more than %d actuators", name, TND_BOXQP_MAX);
  return TENDRIL_OK;
}

tendril_status tendril_ilqg_create(const tendril_model *model, int T,
                                   const tendril_ilqg_options *options, tendril_pool *pool,
                                   tendril_ilqg **out, tendril_error *err) {
  tendril_ilqg_options chosen;
  tendril_ilqg_defaults(&chosen);
  if (options) chosen = *options;
  TENDRIL_TRY(check(model, T, &chosen, err));
  tendril_ilqg *q = tnd_alloc(sizeof *q);
  if (!q) return tnd_fail_memory(err);
  const mjModel *m = model->mujoco;
  q->model = model;
  q->options = chosen;
  q->pool = pool;
  q->T = q->T_cost = q->now.T = T;
  q->nx = q->now.nx = (int)(m->nq + m->nv);
  q->n = q->now.n = 2 * (int)m->nv;
  q->nu = q->now.nu = (int)m->nu;
  q->nthread = tendril_pool_threads(pool);
  q->end_weight = 1;
  const tendril_status status = build(q, err);
  if (status == TENDRIL_OK)
    *out = q;
  else
    tendril_ilqg_destroy(q);
  return status;
}

void tendril_ilqg_destroy(tendril_ilqg *q) {
  if (!q) return;
  for (int i = 0; q->workers && i < q->nthread; i++)
    tnd_transition_destroy(q->workers[i].f);
  tnd_arena_free(&q->arena);
  tnd_free(q);
}

const tendril_trajectory *tendril_ilqg_get(const tendril_ilqg *q) {
  return &q->now;
}

tendril_status tendril_ilqg_set_ground(tendril_ilqg *q, int ground, tendril_error *err) {
  TENDRIL_TRY(tnd_model_check_ground(q->model, ground, err));
  q->ground = q->now.ground = ground;
  q->fresh = false;
  for (int i = 0; i < q->nthread; i++)
    tnd_transition_set_ground(q->workers[i].f, ground);
  return TENDRIL_OK;
}

const double *tnd_ilqg_derivatives(const tendril_ilqg *q, int t) {
  return q->F + (ptrdiff_t)t * q->n * (q->n + q->nu);
}

tnd_cost_expansion tnd_ilqg_cost(const tendril_ilqg *q, int t) {
  const int n = q->n, m = q->nu;
  return (tnd_cost_expansion){q->lx + t * n, q->lu + t * m, q->lxx + t * n * n, q->lux + t * m * n,
                              q->luu + t * m * m};
}

void tnd_ilqg_set_term(tendril_ilqg *q, const tnd_ilqg_term *term) {
  q->term = term ? *term : (tnd_ilqg_term){0};
  q->extra = 0;
  q->term_fresh = false;
}

void tnd_ilqg_set_pushes(tendril_ilqg *q, const struct tnd_pushes *pushes) {
  q->now.pushes = pushes;
  q->fresh = false;
  for (int i = 0; i < q->nthread; i++)
    tnd_transition_set_pushes(q->workers[i].f, pushes);
}

double *tnd_ilqg_feedback(tendril_ilqg *q) {
  return q->now.K;
}

// ---------------------------------------------------------------------------------------- rollout

static double clip(double v, double low, double high) {
  return fmin(fmax(v, low), high);
}

static double cost_at(const tendril_ilqg *q, int t, const double *x, const double *u) {
  return (u ? 1 : q->end_weight) *
         tnd_cost(q->model, q->ground, q->t0 + t, q->T_cost, x, x + q->model->mujoco->nq, u, NULL);
}

// What is minimised: the cost, for the time being some of the effort, and the caller's term.
static double objective_of(const tendril_ilqg *q, const tnd_ilqg_trial *r) {
  return r->cost + q->w * r->effort + r->extra;
}

// trial <- u = u_t + alpha k_t + K_t (x - x_t), clipped, from its first state; k and K may be NULL.
static void roll_out(const tendril_ilqg *q, int w, const double *k, const double *K,
                     tnd_ilqg_trial *r) {
  const int nx = q->nx, n = q->n, m = q->nu;
  r->good = r->dear = false;
  r->cost = r->effort = r->extra = 0;
  for (int t = 0; t < q->T; t++) {
    const double *x = r->x + t * nx;
    double *u = r->u + t * m;
    r->stopped = t;
    if (K) tnd_state_difference(q->model, q->now.x + t * nx, x, r->dx);
    for (int i = 0; i < m; i++) {
      double v = q->now.u[t * m + i];
      if (k) v += r->alpha * k[t * m + i];
      for (int j = 0; K && j < n; j++)
        v += K[(t * m + i) * n + j] * r->dx[j];
      u[i] = clip(v, q->model->low[i], q->model->high[i]);
      r->effort += u[i] * u[i];
    }
    r->cost += cost_at(q, t, x, u);
    if (q->term.value) r->extra += q->term.value(q->term.context, w, t, x, u);
    r->dear = objective_of(q, r) > r->limit;
    if (r->dear) return;
    if (!tnd_transition_step(q->workers[w].f, q->t0 + t, x, u, r->x + (t + 1) * nx)) return;
  }
  r->stopped = q->T;
  r->cost += cost_at(q, q->T, r->x + q->T * nx, NULL);
  r->good = isfinite(objective_of(q, r));
}

static void take(tendril_ilqg *q, const tnd_ilqg_trial *r) {
  memcpy(q->now.x, r->x, sizeof *r->x * (size_t)((q->T + 1) * q->nx));
  memcpy(q->now.u, r->u, sizeof *r->u * (size_t)(q->T * q->nu));
  q->now.cost = r->cost;
  q->effort = r->effort;
  q->extra = r->extra;
  q->fresh = q->term_fresh = false;
}

tendril_status tnd_ilqg_fail_step(const tendril_ilqg *q, int t, const char *what,
                                  tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_PHYSICS, "%s: %s at step %d of %d (%.3g s)", q->model->task->name,
                  what, t, q->T, (q->t0 + t) * q->model->seconds);
}

void tnd_ilqg_set_window(tendril_ilqg *q, int t, int T_cost, double end_weight) {
  q->t0 = t;
  q->T_cost = T_cost;
  q->end_weight = end_weight;
}

tendril_status tnd_ilqg_restart(tendril_ilqg *q, const double *x0, tendril_error *err) {
  tnd_ilqg_trial *r = &q->trials[0];
  memcpy(r->x, x0, sizeof *x0 * (size_t)q->nx);
  r->alpha = 0;
  r->limit = HUGE_VAL;
  roll_out(q, 0, NULL, q->now.K, r);
  if (!r->good)
    return tnd_ilqg_fail_step(q, r->stopped, "the simulation doesn't survive the controls", err);
  take(q, r);
  return TENDRIL_OK;
}

void tnd_ilqg_shift(tendril_ilqg *q) {
  const size_t nx = (size_t)q->nx, m = (size_t)q->nu, n = (size_t)q->n, T = (size_t)q->T;
  tendril_trajectory *now = &q->now;
  double dropped[TND_BOXQP_MAX];
  memcpy(dropped, now->u, sizeof dropped[0] * m);
  memmove(now->x, now->x + nx, sizeof *now->x * T * nx);
  memmove(now->u, now->u + m, sizeof *now->u * (T - 1) * m);
  memmove(now->K, now->K + m * n, sizeof *now->K * (T - 1) * m * n);
  memcpy(now->u + (T - 1) * m, dropped, sizeof dropped[0] * m);
  memset(now->K + (T - 1) * m * n, 0, sizeof *now->K * m * n);
  q->fresh = false;
}

tendril_status tendril_ilqg_start(tendril_ilqg *q, const double *x0, const double *u,
                                  tendril_error *err) {
  const size_t Tm = (size_t)q->T * (size_t)q->nu;
  q->now.cost = HUGE_VAL;  // there is none, unless all goes well
  for (size_t i = 0; i < Tm; i++) {
    q->now.u[i] = u ? u[i] : 0;
    if (!isfinite(q->now.u[i]))
      return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: a control of step %d is not finite",
                      q->model->task->name, (int)i / q->nu);
  }
  memset(q->now.K, 0, sizeof *q->now.K * Tm * (size_t)q->n);
  for (int t = 0; t <= q->T; t++)  // feedback is zero: any state will do to differ from
    memcpy(q->now.x + t * q->nx, x0, sizeof *x0 * (size_t)q->nx);
  q->mu = 0;
  q->delta = 1;
  q->rho = q->options.damping;
  q->w = q->options.effort;
  return tnd_ilqg_restart(q, x0, err);
}

// ---------------------------------------------------------------------------------------- memory

enum { SCALARS = 6 };

int tnd_ilqg_size(const tendril_ilqg *q) {
  return SCALARS + (q->T + 1) * q->nx + q->T * q->nu * (1 + q->n);
}

// Copies n doubles and moves on.
static void put(double **to, const double *from, int n) {
  memcpy(*to, from, sizeof **to * (size_t)n);
  *to += n;
}

static void get(double *to, const double **from, int n) {
  memcpy(to, *from, sizeof *to * (size_t)n);
  *from += n;
}

void tnd_ilqg_save(const tendril_ilqg *q, double *memory) {
  const double scalars[SCALARS] = {q->now.cost, q->mu, q->delta, q->rho, q->w, q->effort};
  put(&memory, scalars, SCALARS);
  put(&memory, q->now.x, (q->T + 1) * q->nx);
  put(&memory, q->now.u, q->T * q->nu);
  put(&memory, q->now.K, q->T * q->nu * q->n);
}

void tnd_ilqg_restore(tendril_ilqg *q, const double *memory) {
  double scalars[SCALARS];
  get(scalars, &memory, SCALARS);
  get(q->now.x, &memory, (q->T + 1) * q->nx);
  get(q->now.u, &memory, q->T * q->nu);
  get(q->now.K, &memory, q->T * q->nu * q->n);
  q->now.cost = scalars[0];
  q->mu = scalars[1];
  q->delta = scalars[2];
  q->rho = scalars[3];
  q->w = scalars[4];
  q->effort = scalars[5];
  q->fresh = false;
}

// The control regularisation for the next iteration. Where torques cost next to nothing the law
// would be all but dead-beat, and valid only as far as no limit is touched; short steps tell.
static void adapt(tendril_ilqg *q, double alpha) {
  if (alpha >= 0.5)
    q->rho /= 2;
  else if (alpha == 0)
    q->rho *= 4;
  else if (alpha < 0.2)
    q->rho *= 2;
  q->rho = fmin(q->rho, 1e15);
}

// Less weight on the effort for the next iteration, at once less where nothing more is gained under
// this one; after four powers of ten none.
static void ease(tendril_ilqg *q, bool still) {
  if (q->w == 0) return;
  q->w *= still ? 0.5 : pow(10, -4.0 / (double)q->options.effort_iterations);
  if (q->w < 1e-4 * q->options.effort) q->w = 0;
  if (still) q->mu = 0, q->delta = 1;
  q->fresh = false;
}

// ------------------------------------------------------------------------------------ line search

static void try_one(void *context, int i, int w) {
  tendril_ilqg *q = context;
  roll_out(q, w, q->k, q->K, &q->trials[i]);
}

static double objective(const tendril_ilqg *q) {
  return q->now.cost + q->w * q->effort + q->extra;
}

// The largest of alpha = 1, 1/2, ... that lowers the cost by enough; NULL if there is none. *bad
// counts those that the simulation didn't survive, up to the one that was taken.
static const tnd_ilqg_trial *search(tendril_ilqg *q, double linear, double quadratic, int *bad) {
  int tried = 0;
  const int most = (int)q->options.halvings + 1;
  while (tried < most) {
    const int wave = most - tried < q->nthread ? most - tried : q->nthread;
    for (int i = 0; i < wave; i++) {
      tnd_ilqg_trial *r = &q->trials[i];
      r->alpha = ldexp(1, -(tried + i));
      r->limit =
          objective(q) + fmin(0, q->options.decrease * r->alpha * (linear + r->alpha * quadratic));
      memcpy(r->x, q->now.x, sizeof(double) * (size_t)q->nx);
    }
    tnd_pool_run(q->pool, wave, try_one, q);
    for (int i = 0; i < wave; i++) {
      const tnd_ilqg_trial *r = &q->trials[i];
      const double reached = objective_of(q, r);
      if (r->good && reached <= r->limit && reached < objective(q)) return r;
      if (!r->good && !r->dear) ++*bad;
    }
    tried += wave;
  }
  return NULL;
}

// ---------------------------------------------------------------------------------------- iterate

tendril_status tendril_ilqg_iterate(tendril_ilqg *q, tendril_ilqg_stats *stats,
                                    tendril_error *err) {
  double clock = tnd_clock_process();
  *stats = (tendril_ilqg_stats){.cost = q->now.cost};

  // 1. dynamics and cost about the trajectory, k and K
  tnd_ilqg_backward b;
  TENDRIL_TRY(tnd_ilqg_pass_back(q, &b, err));
  stats->mu = q->mu;
  stats->rho = q->rho;
  const double now = tnd_clock_process();
  stats->backward_cpu = fmin(b.seconds, now - clock);
  stats->derivative_cpu = now - clock - stats->backward_cpu;
  clock = now;
  if (!b.done) {
    stats->converged = q->w == 0;
    ease(q, true);
    return TENDRIL_OK;
  }
  memcpy(q->now.K, q->K, sizeof *q->K * (size_t)(q->T * q->nu * q->n));
  stats->expected = -(b.linear + b.quadratic);

  // 2. how far to go
  const tnd_ilqg_trial *r = search(q, b.linear, b.quadratic, &stats->bad);
  const double before = objective(q);
  if (r) {
    stats->alpha = r->alpha;
    take(q, r);
    tnd_ilqg_lower(q);
  }
  adapt(q, stats->alpha);
  stats->cost = q->now.cost;
  const bool small = before - objective(q) < q->options.tolerance * fabs(before);
  const bool more = r || tnd_ilqg_raise(q);
  const bool still = !more || (r && small) || stats->expected <= 1e-12 * (1 + fabs(before));
  stats->converged = still && q->w == 0;
  ease(q, still);
  stats->search_cpu = tnd_clock_process() - clock;
  return TENDRIL_OK;
}

tendril_status tendril_ilqg_close(tendril_ilqg *q, tendril_error *err) {
  tnd_ilqg_backward b;
  const double w = q->w, mu = q->mu, delta = q->delta;
  q->fresh &= w == 0;
  q->w = 0;  // the feedback is about the cost alone
  const tendril_status status = tnd_ilqg_pass_back(q, &b, err);
  q->fresh &= w == 0;
  q->w = w;
  q->mu = mu;
  q->delta = delta;
  TENDRIL_TRY(status);
  if (!b.done)
    return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: no feedback about this trajectory",
                    q->model->task->name);
  memcpy(q->now.K, q->K, sizeof *q->K * (size_t)(q->T * q->nu * q->n));
  return TENDRIL_OK;
}

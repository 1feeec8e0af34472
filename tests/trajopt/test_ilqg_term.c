// A term of the caller's in iLQG's objective: what is minimised is the cost and it, the feedback is
// that of both, the cost that is told is the task's.
#include "trajopt/ilqg.h"

#include "support/cart.h"
#include "support/close.h"
#include "support/fd.h"
#include "support/learning.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { T_MAX = 40, NX = 10, NU = 2, THREADS = 3 };

// w/2 |u - a(x)|^2, a_i(x) = b + g sin(s q_i) / s + d q'_i; s = 0: g q_i. q_i: the last positions.
typedef struct pull {
  double w, b, g, d, s;
  int m, nv;
  int workers;  // expected
  double e[T_MAX][NU], slope[T_MAX][NU];
} pull;

static void depart(const pull *p, const double *x, const double *u, double *e, double *slope) {
  for (int i = 0; i < p->m; i++) {
    const double q = x[p->nv - p->m + i], v = x[2 * p->nv - p->m + i];
    e[i] = u[i] - p->b - p->g * (p->s == 0 ? q : sin(p->s * q) / p->s) - p->d * v;
    slope[i] = p->g * cos(p->s * q);
  }
}

static double half_square(const pull *p, const double *e) {
  double sum = 0;
  for (int i = 0; i < p->m; i++)
    sum += p->w / 2 * e[i] * e[i];
  return sum;
}

static double value(void *context, int worker, int t, const double *x, const double *u) {
  const pull *p = context;
  double e[NU], slope[NU];
  cr_assert(worker >= 0 && worker < p->workers && t >= 0 && t < T_MAX);
  depart(p, x, u, e, slope);
  return half_square(p, e);
}

static double expand(void *context, int worker, int t, const double *x, const double *u) {
  pull *p = context;
  cr_assert(worker >= 0 && worker < p->workers && t >= 0 && t < T_MAX);
  depart(p, x, u, p->e[t], p->slope[t]);
  return half_square(p, p->e[t]);
}

static void add(void *context, int t, const tnd_cost_expansion *l) {
  const pull *p = context;
  const int m = p->m, n = 2 * p->nv;
  for (int i = 0; i < m; i++) {
    const double J[2] = {-p->slope[t][i], -p->d}, we = p->w * p->e[t][i];  // de_i / d(q_i, q'_i)
    const int at[2] = {p->nv - m + i, 2 * p->nv - m + i};
    l->lu[i] += we;
    l->luu[i * m + i] += p->w;
    for (int a = 0; a < 2; a++) {
      l->lx[at[a]] += we * J[a];
      l->lux[i * n + at[a]] += p->w * J[a];
      for (int b = 0; b < 2; b++)
        l->lxx[at[a] * n + at[b]] += p->w * J[a] * J[b];
    }
  }
}

static tnd_ilqg_term term_of(pull *p) {
  return (tnd_ilqg_term){.context = p, .value = value, .expand = expand, .add = add};
}

typedef struct problem {
  tendril_model *model;
  tendril_pool *pool;
  tendril_ilqg *ilqg;
  tnd_transition *f;
  int T, m, nv;
  double x0[NX];
} problem;

static problem setup(tendril_model *model, int T, const tendril_ilqg_options *options,
                     int threads) {
  problem p = {.model = model, .T = T};
  p.m = (int)tendril_model_mujoco(model)->nu;
  p.nv = (int)tendril_model_mujoco(model)->nv;
  p.pool = support_pool(threads);
  check_ok(tnd_transition_create(model, &p.f, check_err));
  check_ok(tendril_ilqg_create(model, T, options, p.pool, &p.ilqg, check_err));
  tendril_env *env = support_env(model, 1, NULL);
  memcpy(p.x0, tendril_env_data(env)->qpos, sizeof(double) * (size_t)p.nv);
  memcpy(p.x0 + p.nv, tendril_env_data(env)->qvel, sizeof(double) * (size_t)p.nv);
  tendril_env_destroy(env);
  check_ok(tendril_ilqg_start(p.ilqg, p.x0, NULL, check_err));
  return p;
}

// The mass on a rail, which one full step solves: nothing holds it back.
static problem setup_cart(void) {
  tendril_ilqg_options o;
  tendril_ilqg_defaults(&o);
  o.hold_qpos = o.hold_qvel = o.damping = 0;
  return setup(support_cart_model(), SUPPORT_CART_STEPS, &o, 2);
}

static problem setup_swimmer(int threads) {
  return setup(support_model("swimmer-gps", NULL), T_MAX, NULL, threads);
}

// Steers its joints against what swims best.
static const pull stiff = {.w = 0.05, .b = 0.3, .g = -4, .d = -0.5, .s = 1, .m = 2, .nv = 5};

static void shut(problem *p) {
  tendril_ilqg_destroy(p->ilqg);
  tnd_transition_destroy(p->f);
  tendril_pool_destroy(p->pool);
  tendril_model_destroy(p->model);
}

// The objective as a function of the controls alone, rolled out anew.
typedef struct total {
  problem *p;
  pull *term;
  const double *x0;
} total;

static void roll_out(void *context, const double *u, double *sum) {
  const total *c = context;
  problem *p = c->p;
  double x[NX], next[NX];
  memcpy(x, c->x0, sizeof *x * (size_t)(2 * p->nv));
  *sum = 0;
  for (int t = 0; t < p->T; t++, u += p->m) {
    *sum += tnd_cost(p->model, 0, t, p->T, x, x + p->nv, u, NULL);
    if (c->term) *sum += value(c->term, 0, t, x, u);
    cr_assert(tnd_transition_step(p->f, t, x, u, next));
    memcpy(x, next, sizeof x);
  }
  *sum += tnd_cost(p->model, 0, p->T, p->T, x, x + p->nv, NULL, NULL);
}

static double total_of(problem *p, pull *term) {
  const tendril_trajectory *now = tendril_ilqg_get(p->ilqg);
  total c = {p, term, now->x};
  double sum;
  roll_out(&c, now->u, &sum);
  return sum;
}

// The largest entry of the objective's gradient in the controls, by central differences.
static double slope_of(problem *p, pull *term) {
  const tendril_trajectory *now = tendril_ilqg_get(p->ilqg);
  total c = {p, term, now->x};
  double g[T_MAX * NU], most = 0;
  support_fd_jacobian(roll_out, &c, now->u, (size_t)p->T * (size_t)p->m, 1, 1e-4, g);
  for (int i = 0; i < p->T * p->m; i++)
    most = fmax(most, fabs(g[i]));
  return most;
}

Test(ilqg_term, one_step_minimises_a_quadratic_cost_and_a_quadratic_term) {
  problem p = setup_cart();
  pull term = {.w = 3, .b = 0.4, .g = -1.2, .d = 0.3, .m = 1, .nv = 1, .workers = 2};
  const tnd_ilqg_term t = term_of(&term);
  tendril_ilqg_stats stats;
  const double before = total_of(&p, &term), steep = slope_of(&p, &term);
  cr_assert(steep > 0.1, "%g", steep);
  tnd_ilqg_set_term(p.ilqg, &t);
  check_ok(tendril_ilqg_iterate(p.ilqg, &stats, check_err));
  cr_assert_eq(stats.alpha, 1);
  // all is quadratic: what the model expects is what there is, to the rounding of differences
  const double after = total_of(&p, &term);
  check_close(stats.expected, before - after, 1e-9 * before);
  cr_assert_lt(slope_of(&p, &term), 1e-8 * steep);
  // the cost that is told is the task's, which alone has its minimum elsewhere
  check_close(stats.cost, total_of(&p, NULL), 1e-12);
  check_close(tendril_ilqg_get(p.ilqg)->cost, stats.cost, 0);
  cr_assert_gt(slope_of(&p, NULL), 0.1);

  // the feedback is that of both: it leads from another start to the minimum from there
  check_ok(tendril_ilqg_close(p.ilqg, check_err));
  const double other[2] = {p.x0[0] - 0.7, p.x0[1] + 0.5};
  check_ok(tnd_ilqg_restart(p.ilqg, other, check_err));
  cr_assert_lt(slope_of(&p, &term), 1e-8 * steep);
  shut(&p);
}

Test(ilqg_term, another_term_is_told_from_the_one_before) {
  problem p = setup_cart();
  // the second is dearer where the first has its minimum
  pull terms[2] = {{.w = 3, .b = 0.4, .g = -1.2, .d = 0.3, .m = 1, .nv = 1, .workers = 2},
                   {.w = 30, .b = -2, .g = 1, .d = -0.3, .m = 1, .nv = 1, .workers = 2}};
  tendril_ilqg_stats stats;
  for (int i = 0; i < 2; i++) {
    const tnd_ilqg_term t = term_of(&terms[i]);
    const double steep = slope_of(&p, &terms[i]);
    tnd_ilqg_set_term(p.ilqg, &t);
    check_ok(tendril_ilqg_iterate(p.ilqg, &stats, check_err));
    cr_assert_eq(stats.alpha, 1);
    cr_assert_lt(slope_of(&p, &terms[i]), 1e-8 * steep);
  }
  const double steep = slope_of(&p, NULL);
  tnd_ilqg_set_term(p.ilqg, NULL);
  check_ok(tendril_ilqg_iterate(p.ilqg, &stats, check_err));
  cr_assert_lt(slope_of(&p, NULL), 1e-8 * steep);
  shut(&p);
}

Test(ilqg_term, cost_and_term_fall_together_to_a_stationary_point) {
  problem p = setup_swimmer(2);
  pull term = stiff;
  term.workers = 2;
  const tnd_ilqg_term t = term_of(&term);
  tendril_ilqg_stats stats = {0};
  tnd_ilqg_set_term(p.ilqg, &t);
  double before = total_of(&p, &term);
  for (int i = 0; i < 60 && !stats.converged; i++) {
    check_ok(tendril_ilqg_iterate(p.ilqg, &stats, check_err));
    const double after = total_of(&p, &term);
    cr_assert(stats.alpha > 0 ? after < before : after == before, "from %.17g to %.17g", before,
              after);
    before = after;
  }
  // there the slopes of cost and term cancel; Gauss-Newton's last hundredths take many iterations
  const double left = slope_of(&p, &term), one = slope_of(&p, NULL);
  cr_assert(left < 0.05 * one && one > 0.1, "%g of both, %g of the cost", left, one);
  shut(&p);
}

static void iterate(problem *p, int count) {
  tendril_ilqg_stats stats;
  for (int i = 0; i < count; i++)
    check_ok(tendril_ilqg_iterate(p->ilqg, &stats, check_err));
}

static void check_same(const problem *a, const problem *b) {
  const tendril_trajectory *x = tendril_ilqg_get(a->ilqg), *y = tendril_ilqg_get(b->ilqg);
  check_same_bits(x->x, y->x, (T_MAX + 1) * NX);
  check_same_bits(x->u, y->u, T_MAX * NU);
  check_same_bits(x->K, y->K, T_MAX * NU * NX);
  check_same_bits(&x->cost, &y->cost, 1);
}

Test(ilqg_term, a_term_of_nothing_changes_no_bit) {
  problem with = setup_swimmer(2), without = setup_swimmer(2);
  pull nothing = stiff;
  nothing.w = 0;
  nothing.workers = 2;
  const tnd_ilqg_term t = term_of(&nothing);
  tnd_ilqg_set_term(with.ilqg, &t);
  iterate(&with, 10);
  iterate(&without, 10);
  check_same(&with, &without);
  shut(&with);
  shut(&without);
}

Test(ilqg_term, same_bits_on_one_thread_and_on_three) {
  problem one = setup_swimmer(1), three = setup_swimmer(3);
  pull a = stiff, b = stiff;
  a.workers = 1;
  b.workers = THREADS;
  const tnd_ilqg_term term_a = term_of(&a), term_b = term_of(&b);
  tnd_ilqg_set_term(one.ilqg, &term_a);
  tnd_ilqg_set_term(three.ilqg, &term_b);
  iterate(&one, 10);
  iterate(&three, 10);
  check_same(&one, &three);
  shut(&one);
  shut(&three);
}

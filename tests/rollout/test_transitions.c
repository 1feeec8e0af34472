// Transitions that are kept: what follows what, what each would be paid at other times, the ring of
// iterations, checkpoints and damaged ones.
#include "rollout/transitions.h"

#include "policy/policy.h"
#include "support/cart.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { T = SUPPORT_CART_STEPS, STREAMS = 4, KEPT = 3 };

typedef struct scene {
  tendril_model *model;
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_rollout *rollout;
  tnd_transitions x;
} scene;

static tendril_status try_open(scene *s, tendril_model *model, tendril_rollout_options rollout,
                               int kept, tendril_error *err) {
  tendril_policy_options o;
  tendril_policy_defaults(&o);
  o.kind = TENDRIL_POLICY_TIME_LINEAR;
  o.normalize = false;
  *s = (scene){.model = model};
  TENDRIL_TRY(tendril_pool_create(1, &s->pool, err));
  TENDRIL_TRY(tendril_policy_create(&o, tendril_model_nobs(model), tendril_model_nact(model),
                                    tendril_model_max_steps(model), 1, &s->policy, err));
  TENDRIL_TRY(tendril_rollout_create(&rollout, model, s->pool, 3, &s->rollout, err));
  return tnd_transitions_create(model, s->rollout, kept, &s->x, err);
}

static void shut(scene *s) {
  tnd_transitions_destroy(&s->x);
  tendril_rollout_destroy(s->rollout);
  tendril_policy_destroy(s->policy);
  tendril_pool_destroy(s->pool);
}

static const tendril_rollout_options whole = {
    .batch = STREAMS * T, .streams = STREAMS, .episodes = TENDRIL_EPISODES_WHOLE};

static const tendril_batch *add(scene *s) {
  const tendril_batch *batch = NULL;
  tendril_rollout_stats stats;
  check_ok(tendril_rollout_collect(s->rollout, s->policy, &batch, &stats, check_err));
  tnd_transitions_add(&s->x, s->rollout, batch);
  return batch;
}

// A slot's rows are the batch's.
static void check_slot(const tnd_transitions *x, int slot, const tendril_batch *b) {
  const ptrdiff_t first = (ptrdiff_t)slot * x->most;
  cr_assert_eq(x->count[slot], b->n);
  check_same_bits(x->s + first * x->ns, b->obs, b->n * x->ns);
  check_same_bits(x->a + first * x->na, b->action, b->n * x->na);
  check_same_bits(x->reward + first, b->reward, b->n);
  for (int i = 0; i < x->most; i++)
    cr_assert_eq(x->time[first + i], i < b->n ? b->time[i] : -1);
}

Test(transitions, every_row_is_followed_by_the_state_that_its_action_leads_to) {
  tendril_model *model = support_cart_model();
  scene s;
  check_ok(try_open(&s, model, whole, KEPT, check_err));
  add(&s);
  const tendril_batch *b = add(&s);
  check_slot(&s.x, 1, b);
  for (int i = 0; i < b->n; i++) {
    // the cart's own law: x' = x + dt v', v' = v + dt u / m
    const ptrdiff_t row = s.x.most + i;
    const double *at = s.x.s + row * 2, *next = s.x.next + row * 2;
    const double v = at[1] + 0.1 * s.x.a[row] / 2;
    check_close(next[1], v, 1e-13);  // MuJoCo solves for the acceleration: rounding
    check_close(next[0], at[0] + 0.1 * v, 1e-13);
    cr_assert(!s.x.terminated[row]);  // its episodes run out
  }
  shut(&s);
  tendril_model_destroy(model);
}

static void check_terminations(tendril_rollout_options rollout, int kept) {
  tendril_model *model = support_model("inverted-pendulum-v4", NULL);
  scene s;
  int terminated = 0, cut = 0;
  check_ok(try_open(&s, model, rollout, kept, check_err));
  for (int k = 0; k < 3; k++) {
    const tendril_batch *b = add(&s);
    check_slot(&s.x, s.x.newest, b);
    for (int i = 0; i < b->n; i++) {
      // the pole is down: all that ends an episode of so few steps
      const ptrdiff_t row = (ptrdiff_t)s.x.newest * s.x.most + i;
      cr_assert_eq(s.x.terminated[row], fabs(s.x.next[row * 4 + 1]) > 0.2);
      terminated += s.x.terminated[row];
    }
    for (int64_t p = 0; p < b->npath; p++)
      cut += b->paths[p].end == TENDRIL_END_CUT;
  }
  cr_assert_gt(terminated, 10);
  if (rollout.episodes == TENDRIL_EPISODES_CARRIED) cr_assert_gt(cut, 0);
  shut(&s);
  tendril_model_destroy(model);
}

Test(transitions, no_value_follows_where_the_task_ended_and_only_there) {
  check_terminations((tendril_rollout_options){.batch = 200, .streams = 4}, 2);
  check_terminations(
      (tendril_rollout_options){.batch = 1000, .streams = 2, .episodes = TENDRIL_EPISODES_WHOLE},
      1);
}

Test(transitions, the_oldest_iteration_gives_its_slot_to_the_newest) {
  tendril_model *model = support_cart_model();
  scene s;
  double first_of[5];
  check_ok(try_open(&s, model, whole, KEPT, check_err));
  cr_assert_eq(s.x.newest, -1);
  cr_assert_eq(s.x.filled, 0);
  for (int k = 0; k < 5; k++) {
    const tendril_batch *b = add(&s);
    first_of[k] = b->obs[0];
    check_slot(&s.x, k % KEPT, b);
    cr_assert_eq(s.x.filled, k < KEPT ? k + 1 : KEPT);
    for (int age = 0; age < s.x.filled; age++) {
      const int slot = tnd_transitions_slot(&s.x, age);
      cr_assert_eq(slot, (k - age) % KEPT);
      cr_assert_eq(s.x.s[(ptrdiff_t)slot * s.x.most * 2], first_of[k - age]);
    }
    // those to come have no rows
    for (int slot = s.x.filled; slot < KEPT; slot++)
      for (int i = 0; i < s.x.most; i++)
        cr_assert_eq(s.x.time[(ptrdiff_t)slot * s.x.most + i], -1);
  }
  shut(&s);
  tendril_model_destroy(model);
}

Test(transitions, rewards_at_their_own_time_are_what_the_environment_paid) {
  const char *tasks[] = {"double-link", "swimmer-gps", "inverted-pendulum-v4"};
  for (int k = 0; k < 3; k++) {
    tendril_sim_options sim = support_sim_options();
    sim.max_steps = 40;
    tendril_model *model = support_model(tasks[k], &sim);
    scene s;
    check_ok(
        try_open(&s, model, (tendril_rollout_options){.batch = 120, .streams = 3}, 2, check_err));
    for (int i = 0; i < 3; i++) {
      const tendril_batch *b = add(&s);
      for (int64_t r = 0; r < b->n; r++)
        cr_assert_eq(tnd_transitions_reward(&s.x, b->time[r], (int64_t)s.x.newest * s.x.most + r),
                     b->reward[r]);
    }
    shut(&s);
    tendril_model_destroy(model);
  }
}

Test(transitions, rewards_at_any_other_time_by_hand) {
  tendril_model *model = support_cart_model();
  scene s;
  check_ok(try_open(&s, model, whole, 1, check_err));
  const tendril_batch *b = add(&s);
  for (int64_t r = 0; r < b->n; r++)
    for (int t = 0; t < T; t++) {
      const double *at = s.x.s + r * 2, *next = s.x.next + r * 2, u = s.x.a[r];
      double reward = -at[0] * at[0] - 0.2 * at[1] * at[1] - 0.05 * u * u;
      if (t == T - 1) reward -= next[0] * next[0] + 0.2 * next[1] * next[1];
      check_close(tnd_transitions_reward(&s.x, t, r), reward, 1e-14);
    }
  shut(&s);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------ checkpoints

static void check_same(const tnd_transitions *a, const tnd_transitions *b) {
  cr_assert_eq(a->newest, b->newest);
  cr_assert_eq(a->filled, b->filled);
  for (int slot = 0; slot < a->kept; slot++) {
    cr_assert_eq(a->count[slot], b->count[slot]);
    const ptrdiff_t first = (ptrdiff_t)slot * a->most;
    check_same_bits(a->s + first * a->ns, b->s + first * a->ns, a->count[slot] * a->ns);
    check_same_bits(a->a + first * a->na, b->a + first * a->na, a->count[slot] * a->na);
    check_same_bits(a->next + first * a->ns, b->next + first * a->ns, a->count[slot] * a->ns);
    for (ptrdiff_t row = first; row < first + a->most; row++) {
      cr_assert_eq(a->time[row], b->time[row]);
      if (row >= first + a->count[slot]) continue;
      cr_assert_eq(a->terminated[row], b->terminated[row]);
      for (int t = 0; t < tendril_model_max_steps(a->model); t += 5)
        cr_assert_eq(tnd_transitions_reward(a, t, row), tnd_transitions_reward(b, t, row));
    }
  }
}

static tnd_tensors *save(const tnd_transitions *x) {
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_transitions_save(x, tensors, check_err));
  return tensors;
}

static void check_restores(tendril_model *model, tendril_rollout_options rollout, int iterations) {
  scene s, other;
  check_ok(try_open(&s, model, rollout, KEPT, check_err));
  check_ok(try_open(&other, model, rollout, KEPT, check_err));
  for (int k = 0; k < iterations; k++)
    add(&s);
  // rows that serve no step stay so
  if (iterations) s.x.time[(ptrdiff_t)s.x.newest * s.x.most + 3] = -1;
  // whatever the other had, goes
  for (int k = 0; k < 2; k++)
    add(&other);
  tnd_tensors *tensors = save(&s.x);
  check_ok(tnd_transitions_load(&other.x, tensors, check_err));
  check_same(&s.x, &other.x);
  // and both go on alike
  const tendril_batch *b = add(&s);
  tnd_transitions_add(&other.x, s.rollout, b);
  check_same(&s.x, &other.x);
  tnd_tensors_destroy(tensors);
  shut(&s);
  shut(&other);
}

Test(transitions, a_checkpoint_brings_all_slots_back_to_the_bit) {
  tendril_model *model = support_cart_model(),
                *pendulum = support_model("inverted-pendulum-v4", NULL);
  for (int iterations = 0; iterations < 6; iterations++) {
    check_restores(model, whole, iterations);
    check_restores(pendulum, (tendril_rollout_options){.batch = 120, .streams = 3}, iterations);
  }
  tendril_model_destroy(model);
  tendril_model_destroy(pendulum);
}

// Of two iterations: s, a, next, time, terminated, reward, squares in a row.
enum { WIDTH = 2 + 1 + 2 + 3 + 2 * TENDRIL_MAX_TERMS, ROWS = 2 * STREAMS * T, TIME = 5 };

typedef struct numbers {
  int64_t counts[3], count[KEPT];
  double rows[ROWS * WIDTH];
} numbers;

static void check_refused(scene *s, const numbers *n, const char *where) {
  tnd_tensors *tensors = NULL;
  tendril_error err = {{0}};
  const bool finite = where != NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_tensors_put_ints(tensors, "transitions.counts", 3, n->counts, check_err));
  check_ok(tnd_tensors_put_ints(tensors, "transitions.count", KEPT, n->count, check_err));
  check_ok(tnd_tensors_put(tensors, "transitions.rows", ROWS, WIDTH, n->rows, check_err));
  cr_assert_eq(tnd_transitions_load(&s->x, tensors, &err),
               finite ? TENDRIL_E_FORMAT : TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, finite ? where : "transitions.rows"), "%s", err.text);
  tnd_tensors_destroy(tensors);
  // it has no rows, or those that it had
  int rows = 0, counted = 0;
  for (int i = 0; i < KEPT * s->x.most; i++)
    rows += s->x.time[i] >= 0;
  for (int age = 0; age < s->x.filled; age++)
    counted += s->x.count[tnd_transitions_slot(&s->x, age)];
  cr_assert_eq(rows, counted);
  cr_assert(s->x.filled == 0 ? s->x.newest == -1 : s->x.newest == s->x.filled - 1);
}

Test(transitions, damaged_checkpoints_are_refused_and_leave_no_half) {
  tendril_model *model = support_cart_model();
  scene s;
  static numbers good, n;
  check_ok(try_open(&s, model, whole, KEPT, check_err));
  add(&s);
  add(&s);
  tnd_tensors *tensors = save(&s.x);
  check_ok(tnd_tensors_get_ints(tensors, "transitions.counts", 3, good.counts, check_err));
  check_ok(tnd_tensors_get_ints(tensors, "transitions.count", KEPT, good.count, check_err));
  check_ok(tnd_tensors_get(tensors, "transitions.rows", ROWS, WIDTH, good.rows, check_err));
  cr_assert_eq(good.rows[(T - 1) * WIDTH + TIME], T - 1);

  const struct {
    int at;
    int64_t to;
  } counts[] = {{0, KEPT},     {0, -2}, {0, -1}, {0, 0}, {1, 0},       {1, -1},
                {1, KEPT + 1}, {2, -1}, {2, 0},  {2, 1}, {2, 1 << 30}, {2, INT64_MAX}};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    n = good;
    n.counts[counts[i].at] = counts[i].to;
    check_refused(&s, &n, "transitions.counts");
  }
  const int64_t count[][KEPT] = {{-1, 49, 0}, {97, -1, 0}, {0, 96, 0},  {48, 47, 0},
                                 {48, 49, 0}, {48, 0, 48}, {47, 48, 1}, {INT64_MAX, 48, 0}};
  for (size_t i = 0; i < sizeof count / sizeof count[0]; i++) {
    n = good;
    memcpy(n.count, count[i], sizeof n.count);
    check_refused(&s, &n, "transitions.count: ");
  }
  n = good;
  n.counts[1] = KEPT;  // a turn, but the third slot has no row
  check_refused(&s, &n, "transitions.count: ");
  const double times[] = {T, -2, 0.5, 1e300, -1e300};
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    n = good;
    n.rows[(ROWS - 1) * WIDTH + TIME] = times[i];
    check_refused(&s, &n, "transitions.rows");
  }
  n = good;
  n.rows[3 * WIDTH + TIME + 1] = 0.5;  // terminated?
  check_refused(&s, &n, "transitions.rows");
  n = good;
  n.rows[4 * WIDTH] = (double)NAN;
  check_refused(&s, &n, NULL);

  // the numbers as they were are taken
  check_ok(tnd_transitions_load(&s.x, tensors, check_err));
  cr_assert_eq(s.x.filled, 2);
  tnd_tensors_destroy(tensors);
  shut(&s);
  tendril_model_destroy(model);
}

static tendril_status live(void *context, tendril_error *err) {
  scene s;
  tnd_tensors *tensors = NULL;
  tendril_status status = try_open(&s, context, whole, KEPT, err);
  if (status == TENDRIL_OK) {
    const tendril_batch *b;
    tendril_rollout_stats stats;
    status = tendril_rollout_collect(s.rollout, s.policy, &b, &stats, err);
    if (status == TENDRIL_OK) tnd_transitions_add(&s.x, s.rollout, b);
  }
  if (status == TENDRIL_OK) status = tnd_tensors_create(&tensors, err);
  if (status == TENDRIL_OK) status = tnd_transitions_save(&s.x, tensors, err);
  if (status == TENDRIL_OK) status = tnd_transitions_load(&s.x, tensors, err);
  tnd_tensors_destroy(tensors);
  shut(&s);
  return status;
}

Test(transitions, survive_scarce_memory_and_refuse_more_rows_than_can_be_counted) {
  tendril_model *model = support_cart_model();
  scene s;
  tendril_error err = {{0}};
  cr_assert_gt(support_fail_each_alloc(live, model), 10);
  cr_assert_eq(try_open(&s, model, whole, INT32_MAX / 8, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "learner.keep"), "%s", err.text);
  shut(&s);
  tendril_model_destroy(model);
}

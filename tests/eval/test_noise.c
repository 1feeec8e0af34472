// Noise on the start and on the actions: none is an ordinary evaluation, a little is got over, a
// lot is not; it has the deviations asked for, in every cell the same normals.
#include "support/agents.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/eval.h>

static tendril_noise_result *judge(const tendril_model *model, const tendril_agent *agent,
                                   int threads, const tendril_noise_options *options) {
  tendril_noise_result *r = NULL;
  tendril_pool *pool = support_pool(threads);
  check_ok(tendril_noise_evaluate(model, agent, pool, options, &r, check_err));
  tendril_pool_destroy(pool);
  return r;
}

static tendril_noise_options grid(const double *starts, int nstart, const double *torques,
                                  int ntorque) {
  tendril_noise_options o;
  tendril_noise_defaults(&o);
  o.starts = starts;
  o.nstart = nstart;
  o.torques = torques;
  o.ntorque = ntorque;
  return o;
}

static const double none[] = {0};

// ------------------------------------------------------------------------------------- survival

Test(noise, of_none_gives_what_an_evaluation_gives) {
  tendril_sim_options sim = support_sim_options();
  sim.max_steps = 100;
  tendril_model *model = support_model("hopper-v4", &sim);
  tendril_noise_options o = grid(none, 1, none, 1);
  tendril_eval_result e;
  o.min_height = 0;
  o.seconds = 100 * tendril_model_seconds(model);
  tendril_noise_result *r = judge(model, tendril_agent_random(), 2, &o);
  tendril_pool *pool = support_pool(2);
  const tendril_eval_options same = {.episodes = o.rollouts, .seed = o.seed};
  check_ok(tendril_evaluate(model, tendril_agent_random(), pool, &same, &e, NULL, check_err));
  cr_assert_eq(r->steps, e.steps);
  cr_assert_eq(o.rollouts - r->cells[0].survived, e.terminated);
  check_close(r->cells[0].seconds.mean, e.lengths.mean * tendril_model_seconds(model), 1e-12);
  tendril_noise_result_destroy(r);
  tendril_pool_destroy(pool);
  tendril_model_destroy(model);
}

Test(noise, is_got_over_when_it_is_small_and_not_when_it_is_large) {
  tendril_model *model = support_model("inverted-pendulum-v4", NULL);
  static const double starts[] = {0, 0.01, 1}, torques[] = {0, 0.05, 100};
  const tendril_noise_options o = grid(starts, 3, torques, 3);
  tendril_noise_result *r = judge(model, &support_balancer, 1, &o);
  for (int i = 0; i < 9; i++) {
    const tendril_noise_cell *c = &r->cells[i];
    cr_assert_eq(c->start, starts[i / 3]);
    cr_assert_eq(c->torque, torques[i % 3]);
    cr_assert_eq(c->share, c->survived / 20.0);
    if (i / 3 < 2 && i % 3 < 2) cr_assert_eq(c->survived, 20, "cell %d: %d", i, c->survived);
    if (i / 3 == 2 || i % 3 == 2) cr_assert(c->survived < 10, "cell %d: %d", i, c->survived);
  }
  check_close(r->cells[0].seconds.mean, 2, 1e-12);
  tendril_noise_result_destroy(r);
  tendril_model_destroy(model);
}

Test(noise, ends_in_a_fall_that_the_task_knows_nothing_of) {
  tendril_model *model = support_model("walker-gps", NULL);
  tendril_noise_options o = grid(none, 1, none, 1);
  o.rollouts = 3;
  tendril_noise_result *r = judge(model, tendril_agent_zero(), 1, &o);
  cr_assert_eq(r->cells[0].survived + r->cells[0].diverged, 0);
  cr_assert(r->cells[0].seconds.max < 2);
  tendril_noise_result_destroy(r);
  o.min_height = 0;  // at no height at all nobody falls
  r = judge(model, tendril_agent_zero(), 1, &o);
  cr_assert_eq(r->cells[0].survived, 3);
  tendril_noise_result_destroy(r);
  tendril_model_destroy(model);
}

Test(noise, of_none_lets_nobody_fall_who_hangs_below_the_ground) {
  tendril_model *model = NULL;
  check_ok(tendril_model_create(&support_toy, support_mjcf("sprung.xml"), NULL, &model, check_err));
  static const double torques[] = {0, 1000};
  tendril_noise_options o = grid(none, 1, torques, 2);
  o.seconds = 20;  // it swings through within a second or two, by 12 m
  tendril_noise_result *r = judge(model, tendril_agent_zero(), 1, &o);
  cr_assert_eq(r->cells[0].survived, 20);
  cr_assert_eq(r->cells[1].survived, 0);
  tendril_noise_result_destroy(r);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------ its size

// Many robots beside each other, so that one rollout sees many normals. Pays less the sum of their
// squares: of where a step began, of how fast, and of its action.
enum { ROBOTS = 50 };

static void start_at_rest(const mjModel *m, mjData *d, double *state, tendril_random *random) {
  (void)m, (void)d, (void)state, (void)random;
}

static void observe(const mjModel *m, const mjData *d, const double *state, double *obs) {
  (void)m, (void)state;
  memcpy(obs, d->qpos, sizeof *obs * ROBOTS);
}

static void before(const mjModel *m, const mjData *d, double *state) {
  (void)m;
  memcpy(state, d->qpos, sizeof *state * ROBOTS);
  memcpy(state + ROBOTS, d->qvel, sizeof *state * ROBOTS);
}

static bool square(const mjModel *m, const mjData *d, double *state, const double *action,
                   double seconds, double *terms) {
  (void)m, (void)d, (void)seconds;
  terms[0] = 0;
  for (int i = 0; i < 2 * ROBOTS; i++)
    terms[0] -= state[i] * state[i];
  for (int i = 0; i < ROBOTS; i++)
    terms[0] -= action[i] * action[i];
  return false;
}

static const tendril_task squares = {.name = "squares",
                                     .summary = "for tests",
                                     .source = "tests",
                                     .mjcf = "sliders.xml",
                                     .physics_steps = 1,
                                     .max_steps = 1000,
                                     .nobs = ROBOTS,
                                     .nstate = 2 * ROBOTS,
                                     .nterm = 1,
                                     .terms = {"squares"},
                                     .reset = start_at_rest,
                                     .observe = observe,
                                     .before = before,
                                     .evaluate = square};

static tendril_model *squares_model(double limit) {
  tendril_sim_options sim = support_sim_options();
  tendril_model *model = NULL;
  sim.limit = limit;
  check_ok(tendril_model_create(&squares, support_mjcf("sliders.xml"), &sim, &model, check_err));
  cr_assert_eq(tendril_model_nact(model), ROBOTS);
  return model;
}

// Of n squares of normals of deviation sd the mean is sd^2, with the deviation sd^2 sqrt(2 / n):
// four of these for n = 200 * 50 = 10000 are 0.057 sd^2.
enum { MANY = 200 };
#define FOUR_SIGMA 0.057

// The mean square of what a robot saw in a cell.
static double mean_square(const tendril_noise_cell *cell) {
  return cell->cost.mean / ROBOTS;
}

Test(noise, on_the_start_has_the_deviation_asked_for) {
  tendril_model *model = squares_model(0);
  static const double starts[] = {0, 0.5, 2};
  tendril_noise_options o = grid(starts, 3, none, 1);
  o.rollouts = MANY;
  o.seconds = tendril_model_seconds(model);  // one step
  o.velocity = 0;
  tendril_noise_result *r = judge(model, tendril_agent_zero(), 2, &o);
  const double position = mean_square(&r->cells[1]);
  cr_assert_eq(mean_square(&r->cells[0]), 0);
  check_close(position / 0.25, 1, FOUR_SIGMA);
  check_close(mean_square(&r->cells[2]) / position, 16, 1e-12);  // the same normals, scaled
  tendril_noise_result_destroy(r);
  o.velocity = 3;  // beside positions that stay as they are
  r = judge(model, tendril_agent_zero(), 2, &o);
  check_close((mean_square(&r->cells[1]) - position) / (9 * 0.25), 1, FOUR_SIGMA);
  tendril_noise_result_destroy(r);
  tendril_model_destroy(model);
}

Test(noise, on_the_actions_has_the_deviation_asked_for_and_is_clipped) {
  static const double torques[] = {0, 0.5, 2};
  tendril_noise_options o = grid(none, 1, torques, 3);
  tendril_model *model = squares_model(0);
  o.rollouts = MANY;
  o.seconds = tendril_model_seconds(model);
  tendril_noise_result *r = judge(model, tendril_agent_zero(), 2, &o);
  cr_assert_eq(mean_square(&r->cells[0]), 0);
  check_close(mean_square(&r->cells[1]) / 0.25, 1, FOUR_SIGMA);
  check_close(mean_square(&r->cells[2]) / mean_square(&r->cells[1]), 16, 1e-12);
  tendril_noise_result_destroy(r);
  tendril_model_destroy(model);
  model = squares_model(1e-3);
  r = judge(model, tendril_agent_zero(), 2, &o);
  // all but 4 in 10000 of the normals are beyond
  check_close(mean_square(&r->cells[2]) / 1e-6, 1, 1e-2);
  tendril_noise_result_destroy(r);
  tendril_model_destroy(model);
}

// The sums above say nothing of who got what: robots that all moved alike would give them, too.
Test(noise, is_another_one_for_each_joint_and_actuator) {
  tendril_model *model = squares_model(0);
  static const double sds[] = {1};
  tendril_noise_options o = grid(sds, 1, none, 1);
  o.rollouts = MANY;
  o.seconds = tendril_model_seconds(model);
  for (int k = 0; k < 3; k++) {  // positions; velocities, nearly alone; actions
    if (k == 1) o.velocity = 1000;
    if (k == 0) o.velocity = 0;
    if (k == 2) o.starts = none, o.torques = sds;
    const double scale = k == 1 ? 1e6 : 1;
    tendril_noise_result *r = judge(model, tendril_agent_zero(), 2, &o);
    // a sum of k squares of independent normals has the variance 2 k, known from 200 such sums to
    // about 1 / sqrt(400), so this is four sigma; if all were alike, it would be 7 times as wide
    check_close(r->cells[0].cost.sd / (scale * sqrt(2 * ROBOTS)), 1, 0.2);
    tendril_noise_result_destroy(r);
  }
  tendril_model_destroy(model);
}

Test(noise, on_the_start_is_seen_by_the_agent) {
  tendril_model *model = squares_model(0);
  static const double starts[] = {1};
  tendril_noise_options o = grid(starts, 1, none, 1);
  o.rollouts = MANY;
  o.velocity = 0;
  o.seconds = tendril_model_seconds(model);
  tendril_noise_result *r = judge(model, &support_mirror, 1, &o);
  check_close(mean_square(&r->cells[0]) / 2, 1, FOUR_SIGMA);  // position and action
  tendril_noise_result_destroy(r);
  tendril_model_destroy(model);
}

Test(noise, comes_on_top_of_the_state_that_was_asked_for) {
  tendril_model *model = squares_model(0);
  static const double starts[] = {0, 1e-3}, state[2 * ROBOTS] = {[0] = 3, [ROBOTS] = 4};
  tendril_noise_options o = grid(starts, 2, none, 1);
  o.seconds = tendril_model_seconds(model);
  o.state = state;
  tendril_noise_result *r = judge(model, tendril_agent_zero(), 1, &o);
  check_close(r->cells[0].cost.mean, 25, 1e-15);
  cr_assert_eq(r->cells[0].cost.sd, 0);
  // to first order (3 + a)^2 + (4 + b)^2 has ten times the deviation of a and b; of 20 draws
  // within a half
  check_close(r->cells[1].cost.sd / 1e-2, 1, 0.5);
  tendril_noise_result_destroy(r);
  tendril_model_destroy(model);
}

// -------------------------------------------------------------------------------------- promises

Test(noise, gives_the_same_on_any_number_of_threads) {
  tendril_model *model = support_model("hopper", NULL);
  static const double starts[] = {0, 0.02}, torques[] = {0.1, 0.5, 2};
  tendril_noise_options o = grid(starts, 2, torques, 3);
  o.rollouts = 7;
  o.seconds = 0.5;
  tendril_noise_result *a = judge(model, tendril_agent_random(), 1, &o);
  tendril_noise_result *b = judge(model, tendril_agent_random(), 3, &o);
  cr_assert_eq(a->steps, b->steps);
  for (int i = 0; i < 6; i++) {
    cr_assert_eq(a->cells[i].survived, b->cells[i].survived);
    check_same_summary(&a->cells[i].cost, &b->cells[i].cost);
    check_same_summary(&a->cells[i].seconds, &b->cells[i].seconds);
  }
  tendril_noise_result_destroy(a);
  tendril_noise_result_destroy(b);
  tendril_model_destroy(model);
}

Test(noise, says_what_is_wrong_with_its_options) {
  static const double minus[] = {-1}, nan_[] = {(double)NAN}, huge[] = {1e7};
  support_stage s = support_stage_open(support_model("hopper", NULL), 1);
  struct {
    tendril_noise_options o;
    const char *words;
  } bad[9];
  for (int i = 0; i < 9; i++)
    bad[i].o = grid(none, 1, none, 1);
  bad[0].o.nstart = 0, bad[0].words = "empty grid";
  bad[1].o.starts = minus, bad[1].words = "start -1 is out of range";
  bad[2].o.torques = nan_, bad[2].words = "torque ";
  bad[3].o.torques = huge, bad[3].words = "torque 1e+07 is out of range";
  bad[4].o.rollouts = 0, bad[4].words = "empty grid";
  bad[5].o.min_height = 2, bad[5].words = "min_height 2";
  bad[6].o.seconds = 1e4, bad[6].words = "longer than an episode";
  bad[7].o.velocity = -1, bad[7].words = "velocity -1";
  bad[8].o.rollouts = 20000000, bad[8].words = "ten million";
  for (int i = 0; i < 9; i++) {
    tendril_noise_result *r = NULL;
    tendril_error err = {{0}};
    cr_expect_eq(tendril_noise_evaluate(s.model, tendril_agent_zero(), s.pool, &bad[i].o, &r, &err),
                 TENDRIL_E_ARGUMENT);
    cr_expect(strstr(err.text, bad[i].words), "%s", err.text);
    cr_expect_null(r);
  }
  support_stage_close(&s);
}

static tendril_status try_it(void *context, tendril_error *err) {
  const support_stage *s = context;
  tendril_noise_options o = grid(none, 1, none, 1);
  tendril_noise_result *r = NULL;
  o.rollouts = 2;
  o.seconds = 0.1;
  const tendril_status status =
      tendril_noise_evaluate(s->model, tendril_agent_zero(), s->pool, &o, &r, err);
  tendril_noise_result_destroy(r);
  return status;
}

Test(noise, without_memory_is_a_clean_error) {
  support_stage s = support_stage_open(support_model("hopper", NULL), 1);
  support_fail_each_alloc(try_it, &s);
  support_stage_close(&s);
}

// Paths of a trajectory distribution and of the policy from its start: they are its samples and the
// oracle's rollouts, their density is the Gaussian's, worked out anew; what becomes of lost ones.
#include "trajopt/guide_paths.h"

#include "support/close.h"
#include "support/guide.h"
#include "support/learning.h"
#include "trajopt/oracle.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { T = 20, TAUGHT = T - 5, COUNT = 6, NX = 10, ND = 8, M = 2 };

typedef struct scene {
  support_guide g;
  double x[COUNT * TAUGHT * NX], obs[COUNT * TAUGHT * ND], action[COUNT * TAUGHT * M];
  double cost[COUNT * TAUGHT];
  int length[COUNT];
  tnd_guide_paths paths;
} scene;

static void open_on(scene *s, const char *task, double reach, int threads) {
  tnd_guide_options o = support_guide_options();
  o.samples = COUNT;
  o.reach = reach;
  s->g = support_guide_open(task, T, 100, &o, threads);
  s->paths = (tnd_guide_paths){COUNT, s->x, s->obs, s->action, s->cost, s->length};
}

static void open_scene(scene *s, double reach, int threads) {
  open_on(s, "swimmer-gps", reach, threads);
}

static const double sigma[M] = {0.3, 0.15};

Test(guide_paths, of_the_distribution_are_what_its_samples_are) {
  scene s;
  open_scene(&s, 100, 2);
  const tnd_guide_samples samples = support_guide_sample(&s.g, 3);
  double obs[COUNT * TAUGHT * ND], mean[COUNT * TAUGHT * M];
  int step[COUNT * TAUGHT];
  cr_assert_eq(tnd_guide_rows(s.g.guide, obs, mean, step), COUNT * TAUGHT);
  tnd_guide_paths_stats stats;
  tnd_guide_draw_paths(s.g.guide, NULL, 5, 3, &s.paths, &stats);
  check_same_bits(s.obs, obs, COUNT * TAUGHT * ND);
  check_close(stats.cost, samples.cost, 1e-12);  // in another order
  cr_assert_eq(stats.steps, samples.steps);
  cr_assert(stats.lost == 0 && stats.diverged == 0);
  // log q of the noise about those means
  double log_q[COUNT * TAUGHT];
  tnd_guide_log_density(s.g.guide, &s.paths, log_q);
  for (int i = 0; i < COUNT; i++) {
    double sum = 0;
    for (int t = 0; t < TAUGHT; t++) {
      const int row = i * TAUGHT + t;
      const double *W = tnd_guide_precision(s.g.guide) + t * M * M;
      const double e0 = s.action[row * M] - mean[row * M];
      const double e1 = s.action[row * M + 1] - mean[row * M + 1];
      const double square = W[0] * e0 * e0 + (W[1] + W[2]) * e0 * e1 + W[3] * e1 * e1;
      sum += log(W[0] * W[3] - W[1] * W[2]) / 2 - square / 2 - log(8 * atan(1));
      check_close(log_q[row], sum, 1e-10);  // W is an inverse
    }
  }
  support_guide_close(&s.g);
}

Test(guide_paths, of_the_policy_are_what_the_oracles_rollouts_are) {
  scene s;
  open_scene(&s, 100, 2);
  support_guide_sample(&s.g, 0);
  tnd_oracle *oracle;
  tnd_oracle_rollouts run;
  double obs[COUNT * TAUGHT * ND], label[COUNT * TAUGHT * M], weight[COUNT * TAUGHT];
  int step[COUNT * TAUGHT];
  check_ok(tnd_oracle_create(s.g.guide, COUNT, &oracle, check_err));
  tnd_oracle_run(oracle, sigma, 7, 2, &run);
  cr_assert_eq(tnd_oracle_rows(oracle, obs, label, step, weight), COUNT * TAUGHT);
  tnd_guide_paths_stats stats;
  tnd_guide_draw_paths(s.g.guide, sigma, 7, 2, &s.paths, &stats);
  check_same_bits(s.obs, obs, COUNT * TAUGHT * ND);
  check_close(stats.cost, run.cost, 1e-12);  // in another order
  tnd_oracle_destroy(oracle);
  support_guide_close(&s.g);
}

Test(guide_paths, that_leave_reach_are_lost_if_the_feedback_made_them) {
  scene s;
  open_scene(&s, 1e-9, 1);
  tnd_guide_paths_stats stats;
  double log_q[COUNT * TAUGHT];
  tnd_guide_draw_paths(s.g.guide, NULL, 5, 0, &s.paths, &stats);
  cr_assert(stats.lost == COUNT && isnan(stats.cost));
  tnd_guide_log_density(s.g.guide, &s.paths, log_q);
  for (int i = 0; i < COUNT; i++)
    cr_assert(s.length[i] == 0 && s.obs[i * TAUGHT * ND] == 0 && log_q[i * TAUGHT] == 0);
  tnd_guide_draw_paths(s.g.guide, sigma, 5, 0, &s.paths, &stats);
  cr_assert(stats.lost == 0 && isfinite(stats.cost) && s.length[0] == TAUGHT);
  support_guide_close(&s.g);
}

Test(guide_paths, that_diverge_cost_as_much_as_the_worst_step_from_there_on) {
  scene s;
  open_on(&s, "cart", 100, 2);
  tnd_guide_paths_stats stats;
  double log_q[COUNT * TAUGHT], worst = 0;
  const double wild[M] = {8e9};  // MuJoCo takes no forces above 1e10 N
  tnd_guide_draw_paths(s.g.guide, wild, 5, 0, &s.paths, &stats);
  cr_assert(stats.diverged > 0 && stats.lost == 0);
  cr_assert(stats.steps > 0 && stats.steps < COUNT * TAUGHT);
  tnd_guide_log_density(s.g.guide, &s.paths, log_q);
  for (int k = 0; k < COUNT * TAUGHT; k++)
    worst = fmax(worst, s.cost[k]);
  for (int i = 0; i < COUNT; i++)
    for (int t = s.length[i]; t < TAUGHT; t++) {
      cr_assert_eq(s.cost[i * TAUGHT + t], worst);
      cr_assert_eq(log_q[i * TAUGHT + t], log_q[i * TAUGHT + s.length[i] - 1]);
    }
  support_guide_close(&s.g);
}

Test(guide_paths, are_the_same_bits_on_one_and_three_threads) {
  static scene s[2];
  double log_q[2][COUNT * TAUGHT];
  for (int i = 0; i < 2; i++) {
    tnd_guide_paths_stats stats;
    open_scene(&s[i], 100, 1 + 2 * i);
    tnd_guide_draw_paths(s[i].g.guide, sigma, 5, 1, &s[i].paths, &stats);
    tnd_guide_log_density(s[i].g.guide, &s[i].paths, log_q[i]);
  }
  check_same_bits(s[1].action, s[0].action, COUNT * TAUGHT * M);
  check_same_bits(log_q[1], log_q[0], COUNT * TAUGHT);
  for (int i = 0; i < 2; i++)
    support_guide_close(&s[i].g);
}

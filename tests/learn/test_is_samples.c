// The paths of importance-sampled guided policy search: the mixture they are weighed by against the
// sum of its parts, what is forgotten, what is lost.
#include "learn/is_samples.h"

#include "learn/cloning.h"
#include "support/close.h"
#include "support/demonstration.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { T = 20, TAIL = 5, TAUGHT = T - TAIL, NSET = 2, N = 4, ROLLOUTS = 3, KEEP = 2 };
enum { MOST = NSET * (N + KEEP * ROLLOUTS) };

// Two demonstrations, alike but for the noise of their paths' starts.
typedef struct scene {
  tendril_model *model;
  support_demonstration shown;
  tnd_cloning *cloning;
  tnd_is_objective *objective;
  tnd_is_samples S;
  double theta[3][200];  // policies that were rolled out
} scene;

static void open_scene(scene *s, double reach) {
  *s = (scene){.model = support_walker_on_two_grounds(0.01)};
  s->shown = support_demonstrate(s->model, NSET, T, 3, 2);
  s->shown.setup.demonstrations = s->shown.of;
  const tnd_cloning_options o = {.guide = {.samples = N, .tail = TAIL, .reach = reach},
                                 .cost_scale = 100,
                                 .hold_qpos = 0.3,
                                 .hold_qvel = 0.003};
  tendril_policy *policy = s->shown.policy;
  check_ok(tnd_cloning_create(&s->shown.setup, &o, "test", &s->cloning, check_err));
  cr_assert_not_null(s->cloning);
  s->S = (tnd_is_samples){.guides = s->cloning->guides,
                          .policy = policy,
                          .seed = 3,
                          .n = NSET,
                          .T = TAUGHT,
                          .nx = 18,
                          .nobs = tendril_policy_nobs(policy),
                          .nact = tendril_policy_nact(policy),
                          .nparam = tendril_policy_nparam(policy),
                          .samples = N,
                          .rollouts = ROLLOUTS,
                          .keep = KEEP};
  cr_assert_eq(tnd_is_samples_capacity(&s->S), MOST);
  check_ok(tnd_is_samples_alloc(&s->S, check_err));
  check_ok(
      tnd_is_objective_create(policy, s->shown.pool, MOST, TAUGHT, NSET, &s->objective, check_err));
}

static void close_scene(scene *s) {
  tnd_is_objective_destroy(s->objective);
  tnd_is_samples_free(&s->S);
  tnd_cloning_destroy(s->cloning);
  support_demonstration_close(&s->shown);
  tendril_model_destroy(s->model);
}

static void set(scene *s, const double *theta) {
  check_ok(tendril_policy_set_params(s->shown.policy, theta, check_err));
}

// q's samples and rollouts of so many policies, each off from the one before.
static void draw(scene *s, int policies) {
  tnd_is_drawn drawn;
  check_ok(tnd_is_samples_guide(&s->S, 0, "test", &drawn, check_err));
  for (int k = 0; k < policies; k++) {
    const double *theta = tendril_policy_get_params(s->shown.policy);
    cr_assert_leq(s->S.nparam, 200);
    for (int j = 0; j < s->S.nparam; j++)
      s->theta[k][j] = theta[j] + 0.03 * sin(j + k);
    set(s, s->theta[k]);
    tnd_is_samples_join(&s->S, (uint32_t)(1 + k), &drawn);
    cr_assert_eq(drawn.steps, NSET * ROLLOUTS * TAUGHT);
  }
}

Test(is_samples, are_weighed_by_the_average_of_what_they_were_drawn_from) {
  scene s;
  open_scene(&s, 1);
  draw(&s, 2);
  tnd_is_samples *S = &s.S;
  double mixed[MOST * TAUGHT], log_p[3][MOST * TAUGHT];
  tnd_is_samples_mix(S, s.objective);
  memcpy(mixed, tnd_is_mixture(s.objective), sizeof mixed);
  for (int k = 0; k < 2; k++) {
    set(&s, s.theta[k]);
    tnd_is_log_density(s.objective, log_p[1 + k]);
  }
  for (int slot = 0; slot < 3; slot++)
    for (int i = 0; i < NSET; i++) {
      const tnd_guide_paths of = tnd_is_samples_of(S, slot, i);
      tnd_guide_log_density(s.cloning->guides[i], &of, log_p[0] + (of.cost - S->reward));
    }
  for (int i = 0; i < MOST; i++) {
    const int set = S->set[i];
    const double n = S->kept[set] + 2 * ROLLOUTS;
    for (int t = 0; t < TAUGHT; t++) {
      const int k = i * TAUGHT + t;
      long double q = (long double)(S->kept[set] / n) * expl((long double)log_p[0][k]);
      for (int p = 1; p < 3; p++)
        q += (long double)(ROLLOUTS / n) * expl((long double)log_p[p][k]);
      check_close(mixed[k], (double)logl(q), 1e-12);
    }
  }
  close_scene(&s);
}

Test(is_samples, of_the_oldest_policy_are_forgotten_and_nothing_else) {
  scene s;
  open_scene(&s, 1);
  draw(&s, 2);
  const tnd_is_samples *S = &s.S;
  const ptrdiff_t from = (ptrdiff_t)tnd_is_samples_first(S, 2) * TAUGHT,
                  n = NSET * ROLLOUTS * TAUGHT;
  double newest[NSET * ROLLOUTS * TAUGHT], guiding[NSET * N * TAUGHT];
  memcpy(newest, S->reward + from, sizeof newest);
  memcpy(guiding, S->reward, sizeof guiding);
  tnd_is_drawn drawn;
  tnd_is_samples_join(&s.S, 9, &drawn);
  cr_assert_eq(S->filled, KEEP + 1);
  check_same_bits(S->reward, guiding, NSET * N * TAUGHT);
  check_same_bits(S->reward + from - n, newest, n);
  check_same_bits(S->theta, s.theta[1], S->nparam);
  cr_assert(S->reward[from] != newest[0]);
  // the reward is less the cost
  double sum = 0;
  for (ptrdiff_t k = 0; k < n; k++)
    sum -= S->reward[from + k] / (double)n;
  check_close(drawn.cost, sum, 1e-12);
  close_scene(&s);
}

Test(is_samples, that_all_were_lost_are_an_error_of_one_line) {
  scene s;
  open_scene(&s, 1e-3);
  tnd_is_drawn drawn;
  tendril_error err;
  cr_assert_eq(tnd_is_samples_guide(&s.S, 0, "test", &drawn, &err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(err.text, "test: none of 4") && !strchr(err.text, '\n'), "%s", err.text);
  cr_assert_eq(s.S.filled, 0);
  close_scene(&s);
}

// See demonstration.h.
#include "support/demonstration.h"

#include "support/learned.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <string.h>

tendril_model *support_swimmer_model(double start_noise, int max_steps) {
  tendril_sim_options sim = support_sim_options();
  sim.start_qpos = sim.start_qvel = start_noise;
  sim.max_steps = max_steps;
  return support_model("swimmer-gps", &sim);
}

tendril_model *support_shared_swimmer;

void support_shared_swimmer_open(void) {
  support_shared_swimmer = support_swimmer_model(0.01, 0);
}

void support_shared_swimmer_close(void) {
  tendril_model_destroy(support_shared_swimmer);
}

tendril_model *support_walker_on_two_grounds(double start_noise) {
  tendril_sim_options sim = support_sim_options();
  sim.start_qpos = sim.start_qvel = start_noise;
  sim.terrain.kind = TENDRIL_TERRAIN_SLOPES;
  sim.terrain.flat = 0.2;
  sim.terrain.seeds = 2;
  return support_model("walker-gps", &sim);
}

support_demonstration support_demonstrate(tendril_model *model, int n, int T, int iterations,
                                          int threads) {
  support_demonstration s = {.model = model, .pool = support_pool(threads), .n = n};
  const mjModel *m = tendril_model_mujoco(model);
  double x0[64] = {0};
  memcpy(x0, m->qpos0, sizeof *x0 * (size_t)m->nq);
  for (int i = 0; i < n; i++) {
    check_ok(tendril_ilqg_create(model, T, NULL, s.pool, &s.ilqg[i], check_err));
    check_ok(tendril_ilqg_set_ground(s.ilqg[i], i, check_err));
    check_ok(tendril_ilqg_start(s.ilqg[i], x0, NULL, check_err));
    tendril_ilqg_stats stats;
    for (int k = 0; k < iterations; k++)
      check_ok(tendril_ilqg_iterate(s.ilqg[i], &stats, check_err));
    s.of[i] = *tendril_ilqg_get(s.ilqg[i]);
    s.of[i].ground = i;
  }
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.precision = TENDRIL_DOUBLE;
  options.activation = TENDRIL_SOFTPLUS;
  options.hidden = (tendril_sizes){.n = 1, .at = {6}};
  check_ok(tendril_policy_create(&options, tendril_model_nobs(model), tendril_model_nact(model),
                                 tendril_model_max_steps(model), 1, &s.policy, check_err));
  s.setup = (tendril_learner_setup){
      .model = model, .pool = s.pool, .policy = s.policy, .seed = 4, .ndemonstration = n};
  tendril_critic_defaults(&s.setup.critic);
  return s;
}

void support_demonstration_close(support_demonstration *s) {
  tendril_learner_destroy(s->learner);
  tendril_policy_destroy(s->policy);
  for (int i = 0; i < s->n; i++)
    tendril_ilqg_destroy(s->ilqg[i]);
  tendril_pool_destroy(s->pool);
}

tendril_status support_imitate(support_demonstration *s, const tnd_method *method,
                               const void *options, tendril_error *err) {
  s->setup.demonstrations = s->of;
  return method->create(options, &s->setup, &s->learner, err);
}

void support_check_not_imitated(const support_demonstration *s, const tnd_method *method,
                                const void *options, tendril_status status, const char *words) {
  tendril_error err = {""};
  support_demonstration try = *s;
  const tendril_status got = support_imitate(&try, method, options, &err);
  cr_assert_eq(got, status, "%s: %s (%s)", words, tendril_status_text(got), err.text);
  cr_assert(strstr(err.text, words) && !strchr(err.text, '\n'), "'%s' is not in '%s'", words,
            err.text);
}

void support_check_not_time_linear(const support_demonstration *s, const tnd_method *method,
                                   const void *options) {
  support_demonstration try = *s;
  const tendril_policy_options policy = support_time_linear(0);
  check_ok(tendril_policy_create(&policy, tendril_policy_nobs(s->policy),
                                 tendril_policy_nact(s->policy), tendril_model_max_steps(s->model),
                                 1, &try.policy, check_err));
  try.setup.policy = try.policy;
  support_check_not_imitated(&try, method, options, TENDRIL_E_CONFIG, "time-linear policy");
  tendril_policy_destroy(try.policy);
}

void support_check_lost(support_demonstration *s, const char *words, const char *mend) {
  tendril_error err = {""};
  cr_assert_eq(tendril_learner_iterate(s->learner, s->values, &err), TENDRIL_E_NUMERIC, "%s",
               err.text);
  cr_assert(strstr(err.text, words) && strstr(err.text, mend), "%s", err.text);
  cr_assert_null(strchr(err.text, '\n'), "%s", err.text);
  cr_assert_eq(tendril_learner_iterations(s->learner), 0);
}

void support_imitate_on(support_demonstration *s, int iterations) {
  for (int k = 0; k < iterations; k++)
    check_ok(tendril_learner_iterate(s->learner, s->values, check_err));
}

double support_imitation(const support_demonstration *s, const char *name) {
  return support_stat(s->learner, s->values, name);
}

typedef struct lesson {
  const support_demonstration *of;
  const tnd_method *method;
  const void *options;
  int iterations;
} lesson;

static tendril_status live(void *context, tendril_error *err) {
  const lesson *l = context;
  support_demonstration s = *l->of;
  s.learner = NULL;
  tendril_status status = support_imitate(&s, l->method, l->options, err);
  for (int k = 0; k < l->iterations && status == TENDRIL_OK; k++)
    status = tendril_learner_iterate(s.learner, s.values, err);
  tendril_learner_destroy(s.learner);
  return status;
}

int support_fail_each_imitation(const support_demonstration *s, const tnd_method *method,
                                const void *options, int iterations) {
  lesson l = {s, method, options, iterations};
  return support_fail_each_alloc(live, &l);
}

void support_check_alike(support_demonstration *s, int n, int iterations) {
  for (int i = 0; i < n; i++)
    support_imitate_on(&s[i], iterations);
  for (int i = 1; i < n; i++) {
    check_same_policy(s[i].policy, s[0].policy);
    support_demonstration_close(&s[i]);
  }
}

static support_learned learned(const support_demonstration *s) {
  return (support_learned){s->policy, s->learner};
}

void support_check_imitation_resumes(support_demonstration whole, support_demonstration parts) {
  support_check_resumes(learned(&whole), learned(&parts), 3, 2);
  support_demonstration_close(&whole);
  support_demonstration_close(&parts);
}

void support_check_no_room(const support_demonstration *saved, support_demonstration other,
                           const char *words) {
  tnd_tensors *tensors = support_save(learned(saved));
  tendril_error err;
  cr_assert_eq(tnd_learner_load(other.learner, tensors, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, words) && !strchr(err.text, '\n'), "%s", err.text);
  support_imitate_on(&other, 1);
  support_demonstration_close(&other);
  tnd_tensors_destroy(tensors);
}

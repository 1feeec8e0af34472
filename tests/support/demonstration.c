// See demonstration.h.
#include "support/demonstration.h"

#include "base/alloc.h"
#include "policy/policy.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <string.h>

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

// All that a checkpoint holds of policy and learner, as the bytes of its file.
static char *state_of(const support_demonstration *s, size_t *size) {
  tnd_tensors *tensors = NULL;
  char *bytes = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_policy_save(s->policy, tensors, check_err));
  check_ok(tnd_learner_save(s->learner, tensors, check_err));
  check_ok(tnd_tensors_print(tensors, &bytes, size, check_err));
  tnd_tensors_destroy(tensors);
  return bytes;
}

static void check_same_state(const support_demonstration *a, const support_demonstration *b) {
  size_t na, nb;
  char *bytes_a = state_of(a, &na), *bytes_b = state_of(b, &nb);
  cr_assert_eq(na, nb);
  cr_assert(memcmp(bytes_a, bytes_b, na) == 0, "the states differ");
  tnd_free(bytes_a);
  tnd_free(bytes_b);
}

void support_check_resumes(support_demonstration *whole, support_demonstration *parts) {
  size_t size;
  tnd_tensors *tensors = NULL;
  support_imitate_on(whole, 3);
  char *bytes = state_of(whole, &size);
  check_ok(tnd_tensors_parse(bytes, size, "memory", &tensors, check_err));
  check_ok(tnd_policy_load(parts->policy, tensors, check_err));
  check_ok(tnd_learner_load(parts->learner, tensors, check_err));
  check_same_state(whole, parts);
  support_imitate_on(whole, 2);
  support_imitate_on(parts, 2);
  check_same_state(whole, parts);
  tnd_tensors_destroy(tensors);
  tnd_free(bytes);
}

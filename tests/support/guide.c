#include "support/guide.h"

#include "support/cart.h"
#include "support/learning.h"
#include "support/sim.h"

#include "policy/policy.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

tendril_policy *support_busy_policy(tendril_policy_options o, int nobs, int nact, int T) {
  enum { ROWS = 20 };
  tendril_policy *policy = NULL;
  o.precision = TENDRIL_DOUBLE;
  check_ok(tendril_policy_create(&o, nobs, nact, T, 3, &policy, check_err));
  tendril_random random = tendril_random_stream(21, TENDRIL_PURPOSE_TEST, 0, 0);
  const int nparam = tendril_policy_nparam(policy);
  double *theta = malloc(sizeof *theta * (size_t)nparam);
  double *obs = malloc(sizeof *obs * (size_t)(ROWS * nobs));
  tendril_random_normals(&random, nparam, theta);
  for (int i = 0; i < nparam; i++)
    theta[i] = tendril_policy_get_params(policy)[i] + 0.3 * theta[i];
  check_ok(tendril_policy_set_params(policy, theta, check_err));
  tendril_random_normals(&random, ROWS * nobs, obs);
  for (int i = 0; i < ROWS * nobs; i++)
    obs[i] = 0.1 * (i % nobs % 3) + (0.5 + i % nobs % 4) * obs[i];
  tnd_policy_observe(policy, ROWS, obs);
  free(obs);
  free(theta);
  return policy;
}

tnd_guide_options support_guide_options(void) {
  tnd_guide_options o = {.pull = TND_PULL_CONSTRAINED,
                         .averaged = true,
                         .samples = 24,
                         .tail = 5,
                         .lambda = 30,
                         .reach = 1};
  tendril_ilqg_defaults(&o.ilqg);
  o.ilqg.damping = 0;
  return o;
}

support_guide support_guide_open(const char *task, int T, double scale,
                                 const tnd_guide_options *options, int threads) {
  support_guide s = {.T = T, .sigma2 = {0.3, 0.15}};
  s.model = strcmp(task, "cart") == 0 ? support_cart_model() : support_model(task, NULL);
  s.pool = support_pool(threads);
  const mjModel *m = tendril_model_mujoco(s.model);
  cr_assert(T <= SUPPORT_GUIDE_T && 2 * m->nv <= SUPPORT_GUIDE_N && m->nu <= SUPPORT_GUIDE_M);
  cr_assert_eq(m->nq, m->nv);
  tendril_policy_options policy;
  tendril_policy_defaults(&policy);
  policy.activation = TENDRIL_SOFTPLUS;
  policy.hidden = (tendril_sizes){.n = 1, .at = {6}};
  s.policy = support_busy_policy(policy, tendril_model_nobs(s.model), (int)m->nu, T);
  check_ok(tnd_guide_create(s.model, 0, s.policy, T, options, s.pool, &s.guide, check_err));

  tendril_env *env = support_env(s.model, 1, NULL);
  memcpy(s.x0, tendril_env_data(env)->qpos, sizeof(double) * (size_t)m->nq);
  memcpy(s.x0 + m->nq, tendril_env_data(env)->qvel, sizeof(double) * (size_t)m->nv);
  tendril_env_destroy(env);
  for (int t = 0; t < T; t++)
    for (int j = 0; j < m->nu; j++)
      s.u[t * m->nu + j] = 3 * sin(0.4 * t + 2 * j);
  support_guide_set_start_noise(&s, 0.01);
  tnd_guide_set_scale(s.guide, scale);
  check_ok(tnd_guide_start(s.guide, s.x0, s.u, check_err));
  return s;
}

void support_guide_set_start_noise(support_guide *s, double sd) {
  s->model->start_qpos = s->model->start_qvel = sd;
}

void support_guide_close(support_guide *s) {
  tnd_guide_destroy(s->guide);
  tendril_policy_destroy(s->policy);
  tendril_pool_destroy(s->pool);
  tendril_model_destroy(s->model);
}

tnd_guide_samples support_guide_sample(support_guide *s, uint32_t iteration) {
  tnd_guide_samples drawn;
  check_ok(tnd_guide_sample(s->guide, 5, iteration, &drawn, check_err));
  return drawn;
}

tnd_guide_step support_guide_improve(support_guide *s) {
  tnd_guide_step step;
  check_ok(tnd_guide_improve(s->guide, s->sigma2, &step, check_err));
  return step;
}

void support_guide_note(const support_guide *s, support_older *older) {
  const tendril_trajectory *q = tnd_guide_trajectory(s->guide);
  const size_t T = (size_t)s->T, m = (size_t)q->nu, n = (size_t)q->n;
  memcpy(older->x, q->x, sizeof *q->x * (T + 1) * (size_t)q->nx);
  memcpy(older->u, q->u, sizeof *q->u * T * m);
  memcpy(older->K, q->K, sizeof *q->K * T * m * n);
  memcpy(older->W, tnd_guide_precision(s->guide), sizeof(double) * T * m * m);
}

void support_guide_move(const support_guide *s, double *x, const double *dx) {
  const mjModel *m = tendril_model_mujoco(s->model);
  mj_integratePos(m, x, dx, 1);
  for (int i = 0; i < m->nv; i++)
    x[m->nq + i] += dx[m->nv + i];
}

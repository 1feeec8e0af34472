// See task.h.
#include "support/task.h"

#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>

support_task support_task_open(const char *name) {
  support_task t = {.model = support_model(name, NULL)};
  t.task = tendril_model_task(t.model);
  t.m = tendril_model_mujoco(t.model);
  t.env = support_env(t.model, 1, NULL);
  t.d = tendril_env_data(t.env);
  return t;
}

void support_task_close(support_task *t) {
  tendril_env_destroy(t->env);
  tendril_model_destroy(t->model);
}

void support_task_stand(const support_task *t) {
  mju_copy(t->d->qpos, t->m->qpos0, (int)t->m->nq);
  mju_zero(t->d->qvel, (int)t->m->nv);
}

bool support_task_ends(const support_task *t) {
  double state[4] = {0}, terms[TENDRIL_MAX_TERMS], action[8] = {0};
  return t->task->evaluate(t->m, t->d, state, action, 0.008, terms);
}

double support_task_pay(const support_task *t, double dx, const double *action, double *terms) {
  double state[4] = {0}, sum = 0;
  t->d->qpos[0] = 3;
  if (t->task->before) t->task->before(t->m, t->d, state);
  t->d->qpos[0] = 3 + dx;
  t->task->evaluate(t->m, t->d, state, action, tendril_model_seconds(t->model), terms);
  for (int i = 0; i < t->task->nterm; i++)
    sum += terms[i];
  return sum;
}

void support_task_check_start(const char *name, double noise) {
  support_task t = support_task_open(name);
  double obs[32], largest = 0, sum = 0;
  int n = 0;
  for (uint32_t episode = 0; episode < 200; episode++) {
    tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_RESET, episode, 0);
    cr_assert_eq(tendril_env_reset(t.env, &random, obs, NULL), TENDRIL_OK);
    for (int i = 0; i < t.m->nq + t.m->nv; i++) {
      double x = i < t.m->nq ? t.d->qpos[i] - t.m->qpos0[i] : t.d->qvel[i - t.m->nq];
      largest = fmax(largest, fabs(x));
      sum += x;
      n++;
    }
  }
  // uniform: the largest of 800 and more comes near the bound, the mean within 5 of its deviations
  cr_assert_leq(largest, noise * (1 + 1e-9));
  cr_assert_geq(largest, 0.98 * noise);
  cr_assert_leq(fabs(sum / n), 5 * noise / sqrt(3.0 * n));
  support_task_close(&t);
}

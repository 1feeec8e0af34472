// Our models and tasks against transitions recorded with Gymnasium's model files by an independent
// program (tests/data/make_parity.c): state and warm start in, one control step, observation,
// reward and termination out.
#include "support/sim.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Equal formulas on equal numbers; what is left is the order of sums in the reward.
#define TOLERANCE 1e-9

typedef struct parity {
  FILE *file;
  char mujoco[32];
  int rows, nq, nv, nwarm, nact, nobs;
} parity;

static void open_parity(const char *task, parity *p) {
  char path[4096], name[64] = "";
  snprintf(path, sizeof path, "%s/tests/data/%s.bin", TENDRIL_SOURCE_DIR, task);
  p->file = fopen(path, "rb");
  cr_assert_not_null(p->file, "%s", path);
  int n = fscanf(p->file,
                 "tendril-parity 1 task %63s mujoco %31s rows %d qpos %d qvel %d "
                 "qacc_warmstart %d action %d obs %d reward 1 terminated 1 end",
                 name, p->mujoco, &p->rows, &p->nq, &p->nv, &p->nwarm, &p->nact, &p->nobs);
  cr_assert_eq(n, 8, "%s: bad header", path);
  cr_assert_str_eq(name, task);
  cr_assert_eq(fgetc(p->file), '\n');
}

static void read_doubles(parity *p, double *x, int n) {
  cr_assert_eq(fread(x, sizeof(double), (size_t)n, p->file), (size_t)n, "file too short");
}

static double worst_of(double worst, double error) {
  return error <= worst ? worst : error;  // a NaN becomes the worst
}

static void expect_parity(const char *task) {
  parity p = {0};
  open_parity(task, &p);
  if (strcmp(p.mujoco, tendril_mujoco_version()) != 0) {
    fclose(p.file);
    cr_skip("recorded with MuJoCo %s, this is %s: contacts and warm start differ", p.mujoco,
            tendril_mujoco_version());
  }

  // the task computes the cost of the action as given, as Gymnasium does
  tendril_sim_options options = {.clip_actions = false};
  tendril_model *model = support_model(task, &options);
  const mjModel *m = tendril_model_mujoco(model);
  cr_assert(m->nq == p.nq && m->nv == p.nv && m->nv == p.nwarm && m->nu == p.nact);
  cr_assert_eq(tendril_model_nobs(model), p.nobs);
  tendril_env *maker = support_env(model, 1, NULL), *env = support_env(model, 2, NULL);
  mjData *made = tendril_env_data(maker);
  double *snapshot = calloc((size_t)tendril_snapshot_size(model), sizeof(double));

  double worst_obs = 0, worst_reward = 0;
  int ended = 0;
  for (int row = 0; row < p.rows; row++) {
    double action[8], obs[32], reward, terminated, got[32];
    tendril_step step;
    read_doubles(&p, made->qpos, p.nq);
    read_doubles(&p, made->qvel, p.nv);
    read_doubles(&p, made->qacc_warmstart, p.nwarm);
    read_doubles(&p, action, p.nact);
    read_doubles(&p, obs, p.nobs);
    read_doubles(&p, &reward, 1);
    read_doubles(&p, &terminated, 1);

    tendril_env_save(maker, snapshot);
    tendril_env_restore(env, snapshot, NULL);
    cr_assert_eq(tendril_env_step(env, action, got, &step, NULL), TENDRIL_OK);
    cr_assert(!step.diverged);
    for (int i = 0; i < p.nobs; i++)
      worst_obs = worst_of(worst_obs, fabs(got[i] - obs[i]));
    worst_reward = worst_of(worst_reward, fabs(step.reward - reward));
    cr_assert_eq(step.terminated, terminated != 0, "row %d", row);
    ended += step.terminated;
  }
  cr_assert_eq(fgetc(p.file), EOF, "file too long");
  cr_log_info("%s: %d rows, %d terminated, worst error %g in obs, %g in reward\n", task, p.rows,
              ended, worst_obs, worst_reward);
  cr_assert_leq(worst_obs, TOLERANCE);
  cr_assert_leq(worst_reward, TOLERANCE);

  fclose(p.file);
  free(snapshot);
  tendril_env_destroy(maker);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

Test(parity, hopper_steps_as_gymnasium_does) {
  expect_parity("hopper-v4");
}

Test(parity, walker_steps_as_gymnasium_does) {
  expect_parity("walker2d-v4");
}

Test(parity, swimmer_steps_as_gymnasium_does) {
  expect_parity("swimmer-v4");
}

Test(parity, inverted_pendulum_steps_as_gymnasium_does) {
  expect_parity("inverted-pendulum-v4");
}

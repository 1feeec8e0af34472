// Rollouts under ThreadSanitizer: streams of one rollout on four threads, and two programs in one
// process, each with a pool of its own, that share nothing but the model and whatever the library
// keeps for the process. The batches must also have the same bits. A plain program: exits with 0 if
// all was right.
#include <tendril/tendril.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 3 };

static void require(int truth, const char *what) {
  if (truth) return;
  fprintf(stderr, "race_rollout: %s\n", what);
  exit(1);
}

typedef struct program {
  const tendril_model *model;
  int threads;
  tendril_rollout *rollout;
  tendril_policy *policy;
  tendril_pool *pool;
  const tendril_batch *batch;  // the last
} program;

static void *collect(void *argument) {
  program *p = argument;
  const tendril_rollout_options options = {.batch = 480, .streams = 12};
  const int nobs = tendril_model_nobs(p->model), nact = tendril_model_nact(p->model);
  tendril_policy_options shape;
  tendril_policy_defaults(&shape);
  require(tendril_pool_create(p->threads, &p->pool, NULL) == TENDRIL_OK, "no pool");
  require(tendril_policy_create(&shape, nobs, nact, 100, 1, &p->policy, NULL) == TENDRIL_OK,
          "no policy");
  require(tendril_rollout_create(&options, p->model, p->pool, 1, &p->rollout, NULL) == TENDRIL_OK,
          "no rollout");
  tendril_rollout_stats stats;
  for (int k = 0; k < BATCHES; k++)
    require(tendril_rollout_collect(p->rollout, p->policy, &p->batch, &stats, NULL) == TENDRIL_OK,
            "no batch");
  return NULL;
}

static void destroy(program *p) {
  tendril_rollout_destroy(p->rollout);
  tendril_policy_destroy(p->policy);
  tendril_pool_destroy(p->pool);
}

static int same(const program *a, const program *b) {
  const tendril_batch *x = a->batch, *y = b->batch;
  const size_t obs = sizeof(double) * (size_t)(x->n * x->nobs);
  return x->npath == y->npath && memcmp(x->obs, y->obs, obs) == 0 &&
         memcmp(x->reward, y->reward, sizeof(double) * (size_t)x->n) == 0;
}

int main(void) {
  tendril_tasks *tasks;
  tendril_model *model;
  require(tendril_tasks_create(&tasks, NULL) == TENDRIL_OK, "no tasks");
  require(tendril_tasks_model(tasks, "hopper-v4", NULL, &model, NULL) == TENDRIL_OK, "no model");

  program four = {.model = model, .threads = 4};
  collect(&four);
  program two = {.model = model, .threads = 2}, also = two;
  pthread_t other;
  require(pthread_create(&other, NULL, collect, &also) == 0, "no thread");
  collect(&two);
  pthread_join(other, NULL);
  require(same(&four, &two) && same(&four, &also), "the batches differ");

  destroy(&four);
  destroy(&two);
  destroy(&also);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return 0;
}

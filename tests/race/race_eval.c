// Evaluations of robustness under ThreadSanitizer: pushes and varied models on four threads, where
// each worker compiles models of its own. The numbers must be those of one thread. A plain program:
// exits with 0 if all was right.
#include <tendril/tendril.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(int truth, const char *what) {
  if (truth) return;
  fprintf(stderr, "race_eval: %s\n", what);
  exit(1);
}

static tendril_push_result *push(const tendril_model *model, tendril_pool *pool) {
  static const double newtons[] = {1, 100};
  static const tendril_push directions[] = {{.direction = {1, 0, 0}}, {.direction = {0, 1, 0}}};
  tendril_push_options o;
  tendril_push_result *result = NULL;
  tendril_push_defaults(&o);
  o.newtons = newtons;
  o.nnewton = o.ndirection = 2;
  o.directions = directions;
  o.settle = 0.5;
  o.watch = o.recover = 1;
  o.phases = o.replicas = 3;
  require(tendril_push_evaluate(model, tendril_agent_random(), pool, &o, &result, NULL) ==
              TENDRIL_OK,
          "no pushes");
  return result;
}

static tendril_robust_result *vary(const tendril_model *model, tendril_pool *pool) {
  const tendril_axis axes[] = {{TENDRIL_VARY_MASS, "", 0.5, 2},
                               {TENDRIL_VARY_LATENCY, "", 0, 2},
                               {TENDRIL_VARY_NOISE, "", 0, 1}};
  const tendril_robust_options o = {
      .axes = axes, .naxis = 3, .samples = 8, .episodes = 1, .seed = 1};
  tendril_robust_result *result = NULL;
  require(tendril_robust_evaluate(model, tendril_agent_random(), pool, &o, &result, NULL) ==
              TENDRIL_OK,
          "no models");
  return result;
}

int main(void) {
  tendril_tasks *tasks = NULL;
  tendril_model *model = NULL;
  tendril_pool *one = NULL, *four = NULL;
  tendril_sim_options sim;
  tendril_sim_defaults(&sim);
  sim.max_steps = 100;
  require(tendril_tasks_create(&tasks, NULL) == TENDRIL_OK, "no tasks");
  require(tendril_tasks_model(tasks, "swimmer-v4", &sim, &model, NULL) == TENDRIL_OK, "no model");
  require(tendril_pool_create(1, &one, NULL) == TENDRIL_OK, "no pool");
  require(tendril_pool_create(4, &four, NULL) == TENDRIL_OK, "no pool");

  tendril_push_result *a = push(model, one), *b = push(model, four);
  require(memcmp(a->recovered, b->recovered, sizeof(int) * 12) == 0, "other recoveries");
  require(a->speed == b->speed && a->steps == b->steps, "other numbers");
  tendril_robust_result *c = vary(model, one), *d = vary(model, four);
  for (int i = 0; i < 1 + c->ncorner + c->nsample; i++)
    require(c->points[i].returns.mean == d->points[i].returns.mean, "other returns");

  tendril_push_result_destroy(a);
  tendril_push_result_destroy(b);
  tendril_robust_result_destroy(c);
  tendril_robust_result_destroy(d);
  tendril_pool_destroy(one);
  tendril_pool_destroy(four);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return 0;
}

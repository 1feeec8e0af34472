// tendril bench moto: what an iteration of MOTO costs, and which of its parts. The two cases of the
// paper, few samples that serve all time steps and many that serve their own. CPU seconds are those
// on one thread; the yardstick is mj_step on the very samples of the iteration.
#include "bench_learner.h"

#include <stdio.h>

static const bench_case cases[] = {
    {"double-link", {"rollout.streams=20", "learner.reuse=all", "learner.keep=5"}},
    {"quad-link", {"rollout.streams=400", "learner.reuse=none", "learner.keep=1"}},
};
static const char *const settings[] = {"policy.kind=time-linear", "policy.covariance=full",
                                       "policy.normalize=false",  "policy.log_std=1",
                                       "rollout.episodes=whole",  NULL};

enum { WHOLE, SIMULATE, WEIGHTS, REGRESSION, DUAL, RATIO, UPDATE_SPEEDUP, SPEEDUP, NFIGURE };
static const bench_figure figures[NFIGURE] = {
    [WHOLE] = {"iteration", "iteration, CPU ms on one thread", BENCH_SECONDS},
    [SIMULATE] = {"simulate", "  simulation", BENCH_SECONDS},
    [WEIGHTS] = {"weights", "  state distributions and weights", BENCH_SECONDS},
    [REGRESSION] = {"regression", "  regressions", BENCH_SECONDS},
    [DUAL] = {"dual", "  policy updates", BENCH_SECONDS},
    [RATIO] = {"ratio", "all but simulation over mj_step", BENCH_RATIO},
    [UPDATE_SPEEDUP] = {"update_speedup", "all but simulation", BENCH_SPEEDUP},
    [SPEEDUP] = {"speedup", "iteration", BENCH_SPEEDUP},
};

// What the learner's statistics are, in its order.
typedef struct moto_stats {
  tendril_rollout_stats collected;
  tendril_moto_stats update;
} moto_stats;

// Iterations that fill what is kept.
static int unmeasured(const tendril_config *config) {
  return (int)((const tendril_moto_options *)config->learner)->keep;
}

static tendril_status measure(const bench_learner *b, double *values, tendril_error *err) {
  (void)err;
  const moto_stats *one = (const moto_stats *)b->one.stats;
  const moto_stats *many = (const moto_stats *)b->many.stats;
  const tendril_moto_stats *s = &one->update;
  const double update = s->weights_cpu + s->regression_cpu + s->dual_cpu;
  values[WHOLE] = b->one.cpu;
  values[SIMULATE] = b->one.cpu - update;
  values[WEIGHTS] = s->weights_cpu;
  values[REGRESSION] = s->regression_cpu;
  values[DUAL] = s->dual_cpu;
  values[RATIO] = update / one->collected.physics_seconds;
  values[UPDATE_SPEEDUP] = s->update_seconds / many->update.update_seconds;
  values[SPEEDUP] = b->one.wall / b->many.wall;
  return TENDRIL_OK;
}

static void print_case(const bench_learner *b) {
  const tendril_moto_options *o = b->config->learner;
  printf("%s, %lld rollouts of %d steps, ", tendril_model_task(b->model)->name,
         (long long)b->config->rollout.streams, tendril_model_max_steps(b->model));
  if (o->reuse == TENDRIL_REUSE_ALL)
    printf("samples of %lld iterations serve every step", (long long)o->keep);
  else
    printf("samples serve their own step");
}

static void put_case(cli_json *json, const bench_learner *b) {
  const tendril_moto_options *o = b->config->learner;
  cli_json_number(json, "rollouts", (double)b->config->rollout.streams);
  cli_json_number(json, "steps", tendril_model_max_steps(b->model));
  cli_json_number(json, "keep", (double)o->keep);
  cli_json_flag(json, "reuse", o->reuse == TENDRIL_REUSE_ALL);
}

int bench_moto(const bench_options *o) {
  static const bench_method method = {.learner = "moto",
                                      .cases = cases,
                                      .ncase = sizeof cases / sizeof cases[0],
                                      .set = settings,
                                      .figures = figures,
                                      .nfigure = NFIGURE,
                                      .unmeasured = unmeasured,
                                      .measure = measure,
                                      .print_case = print_case,
                                      .put_case = put_case};
  return bench_learner_run(&method, o);
}

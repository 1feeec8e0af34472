// tendril bench gps: what an iteration of guided policy search costs, and which of its parts: the
// walker with 200 time steps that are taught and 48 rollouts, for networks of 10 and of 50 hidden
// units. CPU seconds are those on one thread. The yardstick is what no implementation does without:
// mj_step in the rollouts, and the matrix products of the policy's fit as bare cblas_dgemm, as many
// as the fit took.
#include "bench_learner.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "math/blas.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>

static const bench_case cases[] = {
    {"walker-gps", {"policy.hidden=10"}},
    {"walker-gps", {"policy.hidden=50"}},
};
static const char *const settings[] = {"demonstration.steps=250",
                                       "demonstration.lead=300",
                                       "demonstration.iterations=100",
                                       "learner.tail=50",
                                       "learner.samples=48",
                                       "sim.start_qpos=0.01",
                                       "sim.start_qvel=0.1",
                                       "policy.activation=softplus",
                                       "policy.log_std=1",
                                       NULL};

enum {
  WHOLE,
  TRAJECTORIES,
  SAMPLES,
  FIT,
  BARE_STEP,
  BARE_PRODUCTS,
  RATIO,
  SURVIVED,
  TRAJECTORY_SPEEDUP,
  SAMPLE_SPEEDUP,
  FIT_SPEEDUP,
  SPEEDUP,
  NFIGURE
};
static const bench_figure figures[NFIGURE] = {
    [WHOLE] = {"iteration", "iteration, CPU ms on one thread", BENCH_SECONDS},
    [TRAJECTORIES] = {"trajectories", "  trajectories", BENCH_SECONDS},
    [SAMPLES] = {"samples", "  samples", BENCH_SECONDS},
    [FIT] = {"fit", "  policy's fit", BENCH_SECONDS},
    [BARE_STEP] = {"mj_step", "mj_step in the rollouts", BENCH_SECONDS},
    [BARE_PRODUCTS] = {"dgemm", "dgemm of the fit's products", BENCH_SECONDS},
    [RATIO] = {"ratio", "iteration over these two", BENCH_RATIO},
    [SURVIVED] = {"survived", "share of rollouts within reach", BENCH_RATIO},
    [TRAJECTORY_SPEEDUP] = {"trajectory_speedup", "trajectories", BENCH_SPEEDUP},
    [SAMPLE_SPEEDUP] = {"sample_speedup", "samples", BENCH_SPEEDUP},
    [FIT_SPEEDUP] = {"fit_speedup", "policy's fit", BENCH_SPEEDUP},
    [SPEEDUP] = {"speedup", "iteration", BENCH_SPEEDUP},
};

// The first iteration leaves the trajectories alone; the second warms up.
static int unmeasured(const tendril_config *config) {
  (void)config;
  return 2;
}

// ---------------------------------------------------------------------------------- bare products

enum { CHUNK = 256, MAX_LAYERS = TENDRIL_MAX_SIZES + 1 };

// Of the network: `nlayer` layers, layer l from size[l] to size[l + 1].
typedef struct products {
  int nlayer, size[MAX_LAYERS + 1];
  double *H[MAX_LAYERS + 1];  // [CHUNK][size] of a chunk of rows
  double *G[MAX_LAYERS + 1];  // [CHUNK][size] derivatives
  double *W[MAX_LAYERS];      // [size[l]][size[l + 1]]
  double *GW[MAX_LAYERS];     // the same, derivatives
  tnd_arena arena;
} products;

static void layout(products *p, tnd_arena *arena) {
  for (int l = 0; l <= p->nlayer; l++) {
    p->H[l] = tnd_arena_doubles(arena, CHUNK * (size_t)p->size[l]);
    p->G[l] = tnd_arena_doubles(arena, CHUNK * (size_t)p->size[l]);
  }
  for (int l = 0; l < p->nlayer; l++) {
    p->W[l] = tnd_arena_doubles(arena, (size_t)p->size[l] * (size_t)p->size[l + 1]);
    p->GW[l] = tnd_arena_doubles(arena, (size_t)p->size[l] * (size_t)p->size[l + 1]);
  }
}

static void set_sizes(products *p, const bench_learner *b) {
  const tendril_policy_options *o = &b->config->policy;
  p->size[p->nlayer++] = tendril_model_nobs(b->model);
  for (int l = 0; o->kind == TENDRIL_POLICY_MLP && l < o->hidden.n; l++)
    p->size[p->nlayer++] = o->hidden.at[l];
  p->size[p->nlayer] = tendril_model_nact(b->model);
}

static void product(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const double *a,
                    const double *b, double *c) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, ta == CblasTrans ? m : k, b,
              tb == CblasTrans ? k : n, 0, c, n);
}

// Forward and backward for n rows.
static void evaluate(const products *p, int n) {
  for (int l = 0; l < p->nlayer; l++)
    product(CblasNoTrans, CblasNoTrans, n, p->size[l + 1], p->size[l], p->H[l], p->W[l],
            p->H[l + 1]);
  for (int l = p->nlayer - 1; l >= 0; l--) {
    product(CblasTrans, CblasNoTrans, p->size[l], p->size[l + 1], n, p->H[l], p->G[l + 1],
            p->GW[l]);
    if (l > 0)
      product(CblasNoTrans, CblasTrans, n, p->size[l], p->size[l + 1], p->G[l + 1], p->W[l],
              p->G[l]);
  }
}

// CPU seconds of `evaluations` of the fit's function and gradient.
static tendril_status run_products(const bench_learner *b, int64_t rows, int evaluations,
                                   double *seconds, tendril_error *err) {
  products p = {0};
  set_sizes(&p, b);
  layout(&p, &p.arena);
  TENDRIL_TRY(tnd_arena_alloc(&p.arena, err));
  layout(&p, &p.arena);
  tnd_blas_init();
  evaluate(&p, CHUNK);
  const double clock = tnd_clock_thread();
  for (int i = 0; i < evaluations; i++)
    for (int64_t row = 0; row < rows; row += CHUNK)
      evaluate(&p, rows - row < CHUNK ? (int)(rows - row) : CHUNK);
  *seconds = tnd_clock_thread() - clock;
  tnd_arena_free(&p.arena);
  return TENDRIL_OK;
}

// ----------------------------------------------------------------------------------------- rounds

// Time steps that a trajectory teaches.
static int64_t taught(const bench_learner *b) {
  return b->config->demonstration.steps - ((const tendril_cgps_options *)b->config->learner)->tail;
}

static int64_t rollouts(const bench_learner *b) {
  return b->demonstrations.n * ((const tendril_cgps_options *)b->config->learner)->samples;
}

static tendril_status measure(const bench_learner *b, double *values, tendril_error *err) {
  const tendril_guided_stats *one = (const tendril_guided_stats *)b->one.stats;
  const tendril_guided_stats *many = (const tendril_guided_stats *)b->many.stats;
  const int64_t rows = llround(one->survived * (double)rollouts(b)) * taught(b);
  TENDRIL_TRY(run_products(b, rows, (int)one->fit_evaluations, &values[BARE_PRODUCTS], err));
  values[WHOLE] = b->one.cpu;
  values[TRAJECTORIES] = one->trajectory_cpu;
  values[SAMPLES] = one->sample_cpu;
  values[FIT] = one->fit_cpu;
  values[BARE_STEP] = one->physics_seconds;
  values[RATIO] = b->one.cpu / (values[BARE_STEP] + values[BARE_PRODUCTS]);
  values[SURVIVED] = one->survived;
  values[TRAJECTORY_SPEEDUP] = one->trajectory_seconds / many->trajectory_seconds;
  values[SAMPLE_SPEEDUP] = one->sample_seconds / many->sample_seconds;
  values[FIT_SPEEDUP] = one->fit_seconds / many->fit_seconds;
  values[SPEEDUP] = b->one.wall / b->many.wall;
  return TENDRIL_OK;
}

// ----------------------------------------------------------------------------------------- output

static void print_case(const bench_learner *b) {
  const tendril_policy_options *policy = &b->config->policy;
  printf("%s, %lld rollouts of %lld steps, ", tendril_model_task(b->model)->name,
         (long long)rollouts(b), (long long)taught(b));
  if (policy->kind == TENDRIL_POLICY_MLP) {
    for (int i = 0; i < policy->hidden.n; i++)
      printf("%d ", policy->hidden.at[i]);
    printf("hidden units");
  } else {
    printf("linear policy");
  }
}

static void put_case(cli_json *json, const bench_learner *b) {
  const tendril_policy_options *policy = &b->config->policy;
  cli_json_number(json, "rollouts", (double)rollouts(b));
  cli_json_number(json, "steps", (double)taught(b));
  cli_json_open(json, "hidden", '[');
  for (int i = 0; policy->kind == TENDRIL_POLICY_MLP && i < policy->hidden.n; i++)
    cli_json_number(json, NULL, policy->hidden.at[i]);
  cli_json_close(json, ']');
}

int bench_gps(const bench_options *o) {
  static const bench_method method = {.learner = "cgps",
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

// tendril bench trajopt: what trajectory optimisation costs along a walk of its own. A
// model-predictive controller on one thread and one on several take each control step in turn and
// give the same bits; along the states they pass, derivatives are timed beside bare mj_step, on one
// thread and on several, and iLQG's iterations by their parts.
#include "bench.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "run/config.h"
#include "trajopt/transition.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tendril/trajopt.h>

// What one round measures.
enum { BARE, LINEARISE, RATIO, SPEEDUP, DERIVATIVES, BACKWARD, SEARCH, NFIGURE };
static const char *const json_names[NFIGURE] = {
    "mj_step",         "derivatives",           "ratio",
    "speedup",         "iteration_derivatives", "iteration_backward",
    "iteration_search"};

// A controller on some threads, and what its control steps took.
typedef struct side {
  int threads;
  tendril_pool *pool;
  tendril_mpc *mpc;
  tnd_transition **f;  // [threads]
  double *wall, *cpu;  // [steps] seconds
  double *u;           // [nu]
} side;

typedef struct bench {
  const tendril_model *model;
  int most, steps, rounds;  // control steps asked for, and taken before the episode ended
  int nx, n, nu;
  tendril_env *env;
  mjData *data;
  side sides[2];  // on one thread, and on several
  tendril_ilqg *ilqg;
  double first_plan;  // CPU seconds
  tnd_arena arena;
  double *x, *u;             // [most][nx], [most][nu]
  double *F;                 // [most][n][n + nu]
  double *obs;               // [nobs]
  double *figures[NFIGURE];  // [rounds] each
} bench;

static void layout(bench *b, tnd_arena *arena) {
  const size_t most = (size_t)b->most;
  b->x = tnd_arena_doubles(arena, most * (size_t)b->nx);
  b->u = tnd_arena_doubles(arena, most * (size_t)b->nu);
  b->F = tnd_arena_doubles(arena, most * (size_t)(b->n * (b->n + b->nu)));
  b->obs = tnd_arena_doubles(arena, (size_t)tendril_model_nobs(b->model));
  for (int k = 0; k < NFIGURE; k++)
    b->figures[k] = tnd_arena_doubles(arena, (size_t)b->rounds);
  for (int k = 0; k < 2; k++) {
    side *s = &b->sides[k];
    s->f = tnd_arena_take(arena, (size_t)s->threads, sizeof(tnd_transition *));
    s->wall = tnd_arena_doubles(arena, most);
    s->cpu = tnd_arena_doubles(arena, most);
    s->u = tnd_arena_doubles(arena, (size_t)b->nu);
  }
}

static tendril_status create(bench *b, const tendril_model *model, const bench_options *o,
                             tendril_error *err) {
  const mjModel *m = tendril_model_mujoco(model);
  *b = (bench){.model = model, .most = (int)o->steps, .rounds = (int)o->rounds};
  b->nx = (int)(m->nq + m->nv);
  b->n = 2 * (int)m->nv;
  b->nu = (int)m->nu;
  b->sides[0].threads = 1;
  b->sides[1].threads = (int)o->threads;
  layout(b, &b->arena);
  tendril_status status = tnd_arena_alloc(&b->arena, err);
  if (status != TENDRIL_OK) return status;
  layout(b, &b->arena);
  status = tendril_env_create(model, &b->env, err);
  if (status == TENDRIL_OK) b->data = tendril_env_data(b->env);
  for (int k = 0; k < 2 && status == TENDRIL_OK; k++) {
    side *s = &b->sides[k];
    status = tendril_pool_create(s->threads, &s->pool, err);
    if (status == TENDRIL_OK) status = tendril_mpc_create(model, NULL, s->pool, &s->mpc, err);
    for (int i = 0; i < s->threads && status == TENDRIL_OK; i++)
      status = tnd_transition_create(model, &s->f[i], err);
  }
  return status;
}

static void destroy(bench *b) {
  tendril_ilqg_destroy(b->ilqg);
  for (int k = 0; k < 2; k++) {
    side *s = &b->sides[k];
    for (int i = 0; s->f && i < s->threads; i++)
      tnd_transition_destroy(s->f[i]);
    tendril_mpc_destroy(s->mpc);
    tendril_pool_destroy(s->pool);
  }
  tendril_env_destroy(b->env);
  tnd_arena_free(&b->arena);
}

// ------------------------------------------------------------------------------------------- walk

// One control by both sides, the one that begins changing from step to step.
static tendril_status act(bench *b, int t, tendril_error *err) {
  const double *x = b->x + (ptrdiff_t)t * b->nx;
  for (int k = 0; k < 2; k++) {
    side *s = &b->sides[(t + k) % 2];
    const double cpu = tnd_clock_process(), wall = tnd_clock_wall();
    TENDRIL_TRY(tendril_mpc_act(s->mpc, t, x, s->u, err));
    s->wall[t] = tnd_clock_wall() - wall;
    s->cpu[t] = tnd_clock_process() - cpu;
  }
  if (memcmp(b->sides[0].u, b->sides[1].u, sizeof(double) * (size_t)b->nu) != 0)
    return tnd_fail(err, TENDRIL_E_NUMERIC, "step %d: the number of threads changed the control",
                    t);
  return TENDRIL_OK;
}

// An episode under the controllers. Its first step makes a plan from nothing and is kept apart.
static tendril_status walk(bench *b, uint64_t seed, tendril_error *err) {
  const mjModel *m = tendril_model_mujoco(b->model);
  tendril_random random = tendril_random_stream(seed, TENDRIL_PURPOSE_RESET, 0, 0);
  tendril_step step = {0};
  TENDRIL_TRY(tendril_env_reset(b->env, &random, b->obs, err));
  for (; b->steps < b->most && !step.terminated && !step.truncated; b->steps++) {
    const int t = b->steps;
    double *x = b->x + (ptrdiff_t)t * b->nx, *u = b->u + (ptrdiff_t)t * b->nu;
    memcpy(x, b->data->qpos, sizeof *x * (size_t)m->nq);
    memcpy(x + m->nq, b->data->qvel, sizeof *x * (size_t)m->nv);
    TENDRIL_TRY(act(b, t, err));
    memcpy(u, b->sides[0].u, sizeof *u * (size_t)b->nu);
    TENDRIL_TRY(tendril_env_step(b->env, u, b->obs, &step, err));
    if (step.diverged)
      return tnd_fail(err, TENDRIL_E_PHYSICS, "step %d: the simulation did not survive the control",
                      t);
  }
  b->first_plan = b->sides[0].cpu[0];
  return TENDRIL_OK;
}

// ----------------------------------------------------------------------------------------- rounds

// Bare mj_step from every state; CPU seconds.
static double run_bare(bench *b) {
  const mjModel *m = tendril_model_mujoco(b->model);
  const int physics_steps = tendril_model_physics_steps(b->model);
  mjData *d = b->data;
  const double begin = tnd_clock_thread();
  for (int t = 0; t < b->steps; t++) {
    const double *x = b->x + (ptrdiff_t)t * b->nx, *u = b->u + (ptrdiff_t)t * b->nu;
    memcpy(d->qpos, x, sizeof *x * (size_t)m->nq);
    memcpy(d->qvel, x + m->nq, sizeof *x * (size_t)m->nv);
    memcpy(d->ctrl, u, sizeof *u * (size_t)m->nu);
    memset(d->qacc_warmstart, 0, sizeof *d->qacc_warmstart * (size_t)m->nv);
    for (int i = 0; i < physics_steps; i++)
      mj_step(m, d);
  }
  return tnd_clock_thread() - begin;
}

typedef struct pass {
  bench *b;
  side *s;
} pass;

static void linearise(void *context, int t, int worker) {
  const pass *p = context;
  const bench *b = p->b;
  const int n = b->n, m = b->nu;
  if (!tnd_transition_linearise(p->s->f[worker], t, b->x + (ptrdiff_t)t * b->nx,
                                b->u + (ptrdiff_t)t * m, b->F + (ptrdiff_t)t * n * (n + m)))
    b->F[(ptrdiff_t)t * n * (n + m)] = NAN;
}

// Derivatives along the walk, a piece of work each as in iLQG; wall seconds.
static double run_pass(bench *b, side *s) {
  pass p = {b, s};
  const double begin = tnd_clock_wall();
  tnd_pool_run(s->pool, b->steps, linearise, &p);
  return tnd_clock_wall() - begin;
}

// One iteration of iLQG on one thread; it starts from the walk again where it has converged.
static tendril_status run_iteration(bench *b, tendril_ilqg_stats *stats, tendril_error *err) {
  if (!b->ilqg)
    TENDRIL_TRY(tendril_ilqg_create(b->model, b->steps, NULL, b->sides[0].pool, &b->ilqg, err));
  if (stats->converged) TENDRIL_TRY(tendril_ilqg_start(b->ilqg, b->x, b->u, err));
  return tendril_ilqg_iterate(b->ilqg, stats, err);
}

static tendril_status measure(bench *b, tendril_error *err) {
  const int calls = (b->n + b->nu + 1);
  tendril_ilqg_stats stats = {.converged = true};
  // the first round warms up and is not counted
  for (int i = -1; i < b->rounds; i++) {
    const double bare = run_bare(b);
    const double begin = tnd_clock_thread();
    const double one = run_pass(b, &b->sides[0]);
    const double cpu = tnd_clock_thread() - begin;
    const double many = run_pass(b, &b->sides[1]);
    TENDRIL_TRY(run_iteration(b, &stats, err));
    if (i < 0) continue;
    const double values[NFIGURE] = {bare / b->steps, cpu / b->steps,       cpu / (calls * bare),
                                    one / many,      stats.derivative_cpu, stats.backward_cpu,
                                    stats.search_cpu};
    for (int k = 0; k < NFIGURE; k++)
      b->figures[k][i] = values[k];
  }
  for (int t = 0; t < b->steps; t++)
    if (isnan(b->F[(ptrdiff_t)t * b->n * (b->n + b->nu)]))
      return tnd_fail(err, TENDRIL_E_PHYSICS, "step %d of the walk has no derivatives", t);
  return TENDRIL_OK;
}

// ----------------------------------------------------------------------------------------- output

// The smallest of sorted values [n] that a share of them doesn't exceed.
static double quantile(const double *values, int n, double share) {
  const int i = (int)ceil(share * n) - 1;
  return values[i < 0 ? 0 : i];
}

// Control steps that took longer than they last.
static int late(const bench *b, const side *s) {
  int count = 0;
  for (int t = 1; t < b->steps; t++)
    count += s->wall[t] > tendril_model_seconds(b->model);
  return count;
}

static void put_quantiles(cli_json *json, const char *name, const double *sorted, int n) {
  cli_json_open(json, name, '{');
  cli_json_number(json, "q50", quantile(sorted, n, 0.5));
  cli_json_number(json, "q95", quantile(sorted, n, 0.95));
  cli_json_number(json, "q99", quantile(sorted, n, 0.99));
  cli_json_close(json, '}');
}

static tendril_status print_json(bench *b, int horizon, tendril_error *err) {
  const int n = b->steps - 1;
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "task", tendril_model_task(b->model)->name);
  cli_json_number(&json, "rounds", b->rounds);
  cli_json_number(&json, "steps", b->steps);
  cli_json_number(&json, "calls", b->n + b->nu + 1);
  cli_json_number(&json, "threads", b->sides[1].threads);
  for (int k = 0; k < NFIGURE; k++)
    bench_put_spread(&json, json_names[k], b->figures[k], b->rounds);
  cli_json_number(&json, "horizon", horizon);
  cli_json_number(&json, "control_step", tendril_model_seconds(b->model));
  cli_json_number(&json, "first_plan", b->first_plan);
  cli_json_open(&json, "mpc", '[');
  for (int k = 0; k < 2; k++) {
    side *s = &b->sides[k];
    cli_json_open(&json, NULL, '{');
    cli_json_number(&json, "threads", s->threads);
    cli_json_number(&json, "late", (double)late(b, s) / n);
    bench_median(s->wall + 1, n);  // sorts
    bench_median(s->cpu + 1, n);
    put_quantiles(&json, "wall", s->wall + 1, n);
    put_quantiles(&json, "cpu", s->cpu + 1, n);
    cli_json_close(&json, '}');
  }
  cli_json_close(&json, ']');
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

static void print_text(bench *b, int horizon) {
  const int n = b->steps - 1, rounds = b->rounds;
  char label[64];
  printf("%s, %d control steps of an episode under MPC, %d rounds\n\n",
         tendril_model_task(b->model)->name, b->steps, rounds);
  bench_print_spread("mj_step, CPU us a control step", b->figures[BARE], rounds, 1e6);
  bench_print_spread("derivatives, CPU us a control step", b->figures[LINEARISE], rounds, 1e6);
  snprintf(label, sizeof label, "derivatives over %d mj_step", b->n + b->nu + 1);
  bench_print_spread(label, b->figures[RATIO], rounds, 1);
  snprintf(label, sizeof label, "%d threads over 1, wall time", b->sides[1].threads);
  bench_print_spread(label, b->figures[SPEEDUP], rounds, 1);
  printf("\niteration of iLQG over %d steps, CPU ms on one thread\n", b->steps);
  bench_print_spread("  derivatives", b->figures[DERIVATIVES], rounds, 1e3);
  bench_print_spread("  backward pass", b->figures[BACKWARD], rounds, 1e3);
  bench_print_spread("  line search", b->figures[SEARCH], rounds, 1e3);

  printf("\nMPC, horizon %d, ms for a control step of %g ms; first plan %.0f ms of CPU\n", horizon,
         tendril_model_seconds(b->model) * 1e3, b->first_plan * 1e3);
  printf("              wall  50 %%    95 %%    99 %%     CPU  50 %%    95 %%    99 %%     late\n");
  for (int k = 0; k < 2; k++) {
    side *s = &b->sides[k];
    const double share = (double)late(b, s) / n;
    bench_median(s->wall + 1, n);  // sorts
    bench_median(s->cpu + 1, n);
    printf("%3d thread%s ", s->threads, s->threads == 1 ? " " : "s");
    for (int i = 0; i < 2; i++) {
      const double *values = i ? s->cpu + 1 : s->wall + 1;
      printf("   %8.2f %7.2f %7.2f", quantile(values, n, 0.5) * 1e3,
             quantile(values, n, 0.95) * 1e3, quantile(values, n, 0.99) * 1e3);
    }
    printf("   %5.1f %%\n", 100 * share);
  }
}

int bench_trajopt(const bench_options *o) {
  tendril_error err = {{0}};
  bench_subject subject = {0};
  bench b = {0};
  tendril_mpc_options mpc;
  tendril_mpc_defaults(&mpc);
  tendril_status status = bench_subject_open(o, &subject, &err);
  if (status == TENDRIL_OK) status = create(&b, subject.model, o, &err);
  if (status == TENDRIL_OK) status = walk(&b, (uint64_t)o->seed, &err);
  if (status == TENDRIL_OK && b.steps < 2)
    status = tnd_fail(&err, TENDRIL_E_CONFIG, "%s: the episode was over after a step", o->task);
  if (status == TENDRIL_OK) status = measure(&b, &err);
  if (status == TENDRIL_OK && !o->json) print_text(&b, (int)mpc.horizon);
  if (status == TENDRIL_OK && o->json) status = print_json(&b, (int)mpc.horizon, &err);
  destroy(&b);
  bench_subject_close(&subject);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

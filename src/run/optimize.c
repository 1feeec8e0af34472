// The driver around iLQG: start controls from an agent, iterations, progress, files.
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "run/claim.h"
#include "run/first_controls.h"
#include "run/motion.h"
#include "run/table.h"
#include "sim/cost.h"
#include "sim/sim.h"

#include <math.h>
#include <string.h>

static const char *const columns[] = {
    "iteration", "try",     "cost",           "expected",     "alpha",      "mu",         "rho",
    "bad",       "seconds", "derivative_cpu", "backward_cpu", "search_cpu", "cpu_seconds"};
enum { NCOLUMN = sizeof columns / sizeof columns[0] };

typedef struct run {
  const tendril_optimization *o;
  const tendril_optimize_hooks *hooks;
  char config[TND_PATH_MAX], progress[TND_PATH_MAX], film[TND_PATH_MAX];
  char trajectory[TND_PATH_MAX];
  tendril_pool *pool;
  tendril_model *model;
  tendril_ilqg *ilqg;
  tnd_table *table;
  double *reset;    // [nx] state after the reset, if the trajectory begins later; or NULL
  double *x0, *u0;  // [nx], [T][nu] what the first try starts from
  double *u;        // [T][nu] of a later one
  tendril_trajectory best;
  tnd_arena arena;
  double begin, begin_cpu;
} run;

// ------------------------------------------------------------------------------- where it starts

static tendril_status begin(run *r, const tendril_tasks *tasks, const tendril_agent *agent,
                            tendril_error *err) {
  const tnd_first_episode first = {.task = r->o->task->name,
                                   .sim = &r->o->sim,
                                   .agent = agent,
                                   .seed = (uint64_t)r->o->optimize.seed,
                                   .lead = (int)r->o->optimize.lead,
                                   .T = r->model->max_steps};
  TENDRIL_TRY(tnd_first_controls(tasks, &first, "optimize.lead", r->reset, r->x0, r->u0, err));
  return tendril_ilqg_start(r->ilqg, r->x0, r->u0, err);
}

static void layout(run *r, tnd_arena *arena) {
  const tendril_trajectory *now = tendril_ilqg_get(r->ilqg);
  const size_t nx = (size_t)now->nx, nu = (size_t)now->nu, T = (size_t)now->T;
  double *reset = tnd_arena_doubles(arena, nx);
  r->reset = r->o->optimize.lead ? reset : NULL;
  r->x0 = tnd_arena_doubles(arena, nx);
  r->u0 = tnd_arena_doubles(arena, T * nu);
  r->u = tnd_arena_doubles(arena, T * nu);
  r->best = *now;
  r->best.x = tnd_arena_doubles(arena, (T + 1) * nx);
  r->best.u = tnd_arena_doubles(arena, T * nu);
  r->best.K = tnd_arena_doubles(arena, T * nu * (size_t)now->n);
}

// Another try: the first controls, nudged.
static tendril_status nudge(run *r, int64_t try, tendril_error *err) {
  const int nu = r->best.nu;
  tendril_random random =
      tendril_random_stream((uint64_t)r->o->optimize.seed, TENDRIL_PURPOSE_TRY, (uint32_t)try, 0);
  tendril_random_normals(&random, r->best.T * nu, r->u);
  for (int i = 0; i < r->best.T * nu; i++) {
    const double range = 0.5 * (r->model->high[i % nu] - r->model->low[i % nu]);
    r->u[i] = r->u0[i] + r->o->optimize.nudge * (isfinite(range) ? range : 1) * r->u[i];
  }
  return tendril_ilqg_start(r->ilqg, r->x0, r->u, err);
}

// ------------------------------------------------------------------------------------- its end

// What this try has reached, if it is the best.
static void keep(run *r) {
  const tendril_trajectory *now = tendril_ilqg_get(r->ilqg);
  const size_t nx = (size_t)now->nx, nu = (size_t)now->nu, T = (size_t)now->T;
  if (!(now->cost <= r->best.cost)) return;
  memcpy(r->best.x, now->x, sizeof *now->x * (T + 1) * nx);
  memcpy(r->best.u, now->u, sizeof *now->u * T * nu);
  memcpy(r->best.K, now->K, sizeof *now->K * T * nu * (size_t)now->n);
  r->best.cost = now->cost;
}

static void sum_terms(const run *r, tendril_optimized *out) {
  const tendril_task *task = r->o->task;
  const tendril_trajectory *y = &r->best;
  const int nq = (int)r->model->mujoco->nq;
  double terms[TENDRIL_MAX_TERMS], residuals[TENDRIL_MAX_RESIDUALS];
  const double *x = y->x, *residual = residuals;
  for (int t = 0; t <= y->T; t++, x += y->nx) {
    tnd_cost(r->model, 0, t, y->T, x, x + nq, t < y->T ? y->u + t * y->nu : NULL, terms);
    for (int k = 0; k < task->ncost; k++)
      out->terms[k].sum += terms[k];
  }
  x -= y->nx;
  task->residuals(tnd_model_ground(r->model, 0), x, x + nq, y->u + (y->T - 1) * y->nu, residuals,
                  NULL, NULL);
  for (int k = 0; k < task->ncost; k++)
    for (int i = 0; i < task->cost[k].n; i++)
      out->terms[k].last = fmax(out->terms[k].last, fabs(*residual++));
}

static tendril_status save(run *r, tendril_error *err) {
  return tnd_motion_write(r->trajectory, r->o, &r->best, r->reset, err);
}

static tendril_status write_config(const run *r, tendril_error *err) {
  char *text = NULL;
  TENDRIL_TRY(tnd_optimization_print(r->o, true, &text, err));
  const tendril_status status = tnd_file_write(r->config, text, strlen(text), err);
  tnd_free(text);
  return status;
}

// ---------------------------------------------------------------------------------- the iterations

// What is written into the folder; the film strip is drawn by who has eyes.
static tendril_status claim_folder(run *r, const char *folder, tnd_claim *out, tendril_error *err) {
  if (!folder[0]) return tnd_fail(err, TENDRIL_E_ARGUMENT, "the name of the folder is empty");
  TENDRIL_TRY(tnd_path_join(folder, "config.json", r->config, err));
  TENDRIL_TRY(tnd_path_join(folder, "progress.csv", r->progress, err));
  TENDRIL_TRY(tnd_path_join(folder, "film.png", r->film, err));
  TENDRIL_TRY(tnd_path_join(folder, TND_MOTION_NAME, r->trajectory, err));
  *out = (tnd_claim){
      .root = folder,
      .files = {r->config, r->progress, r->film, r->trajectory},
      .taken = "holds a trajectory already; choose another folder, or overwrite it with --force",
      .strangers = "holds files that no optimisation wrote; choose another folder",
  };
  return TENDRIL_OK;
}

static tendril_status advance(run *r, int64_t iteration, int64_t try, tendril_ilqg_stats *stats,
                              tendril_error *err) {
  const double cpu = tnd_clock_process();
  TENDRIL_TRY(tendril_ilqg_iterate(r->ilqg, stats, err));
  const double row[NCOLUMN] = {(double)iteration,
                               (double)try,
                               stats->cost,
                               stats->expected,
                               stats->alpha,
                               stats->mu,
                               stats->rho,
                               stats->bad,
                               tnd_clock_wall() - r->begin,
                               stats->derivative_cpu,
                               stats->backward_cpu,
                               stats->search_cpu,
                               tnd_clock_process() - cpu};
  TENDRIL_TRY(tnd_table_row(r->table, row, err));
  if (r->hooks && r->hooks->progress) r->hooks->progress(r->hooks->user, iteration, stats);
  return TENDRIL_OK;
}

static bool asked_to_stop(const run *r) {
  return r->hooks && r->hooks->stop && *r->hooks->stop;
}

static tendril_status iterate(run *r, tendril_optimized *out, tendril_error *err) {
  tendril_ilqg_stats stats = {0};
  for (int64_t i = 0; i < r->o->ilqg.iterations && !stats.converged && !asked_to_stop(r); i++) {
    TENDRIL_TRY(advance(r, out->iterations + 1, out->tries, &stats, err));
    out->iterations++;
  }
  TENDRIL_TRY(tendril_ilqg_close(r->ilqg, err));
  if (tendril_ilqg_get(r->ilqg)->cost <= r->best.cost) out->converged = stats.converged;
  return TENDRIL_OK;
}

// One try after the other; a later one that the simulation doesn't survive counts for nothing.
static tendril_status try_all(run *r, tendril_optimized *out, tendril_error *err) {
  const tendril_optimize_options *o = &r->o->optimize;
  tendril_status status = TENDRIL_OK;
  while (out->tries < o->tries && !asked_to_stop(r) &&
         (out->tries == 0 || r->best.cost > o->enough)) {
    if (out->tries++ > 0) status = nudge(r, out->tries - 1, err);
    if (status == TENDRIL_OK) status = iterate(r, out, err);
    keep(r);  // whatever happened
    if (status != TENDRIL_OK && (status != TENDRIL_E_PHYSICS || out->tries == 1)) return status;
    status = save(r, err);
    TENDRIL_TRY(status);
  }
  return TENDRIL_OK;
}

static tendril_status optimize(run *r, tendril_optimized *out, tendril_error *err) {
  out->first_cost = r->best.cost;
  const tendril_status status = try_all(r, out, err);
  const tendril_status saved = save(r, status == TENDRIL_OK ? err : NULL);
  TENDRIL_TRY(status);
  TENDRIL_TRY(saved);
  out->cost = r->best.cost;
  out->cost_per_step = out->cost / r->model->max_steps;
  sum_terms(r, out);
  out->seconds = tnd_clock_wall() - r->begin;
  out->cpu_seconds = tnd_clock_process() - r->begin_cpu;
  return tnd_table_sync(r->table, err);
}

tendril_status tendril_optimize(const tendril_optimization *optimization,
                                const tendril_tasks *tasks, const tendril_agent *first,
                                const char *folder, bool force, int threads,
                                const tendril_optimize_hooks *hooks, tendril_optimized *out,
                                tendril_error *err) {
  run r = {.o = optimization, .hooks = hooks};
  *out = (tendril_optimized){.iterations = 0};
  r.begin = tnd_clock_wall();
  r.begin_cpu = tnd_clock_process();
  const char *task = optimization->task->name;
  tnd_claim claim;
  bool made = false;
  tendril_status status = claim_folder(&r, folder, &claim, err);
  // before anything that takes its time
  if (status == TENDRIL_OK) status = tnd_claim_check(&claim, force, err);
  if (status == TENDRIL_OK) status = tendril_pool_create(threads, &r.pool, err);
  if (status == TENDRIL_OK)
    status = tendril_tasks_model(tasks, task, &optimization->sim, &r.model, err);
  if (status == TENDRIL_OK)
    status =
        tendril_ilqg_create(r.model, r.model->max_steps, &optimization->ilqg, r.pool, &r.ilqg, err);
  if (status == TENDRIL_OK) {
    layout(&r, &r.arena);
    status = tnd_arena_alloc(&r.arena, err);
  }
  if (status == TENDRIL_OK) layout(&r, &r.arena);
  if (status == TENDRIL_OK) status = begin(&r, tasks, first, err);
  if (status == TENDRIL_OK) {
    r.best.cost = HUGE_VAL;
    keep(&r);
  }
  if (status == TENDRIL_OK) status = tnd_claim_start(&claim, force, &made, err);
  if (status == TENDRIL_OK) {
    status = write_config(&r, err);
    if (status == TENDRIL_OK)
      status = tnd_table_create(r.progress, columns, NCOLUMN, &r.table, err);
    if (status == TENDRIL_OK) status = save(&r, err);
    if (status != TENDRIL_OK) tnd_claim_abandon(&claim, made);
  }
  if (status == TENDRIL_OK) status = optimize(&r, out, err);
  tnd_table_destroy(r.table);
  tnd_arena_free(&r.arena);
  tendril_ilqg_destroy(r.ilqg);
  tendril_model_destroy(r.model);
  tendril_pool_destroy(r.pool);
  return status;
}

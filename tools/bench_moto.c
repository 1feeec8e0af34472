// tendril bench moto: what an iteration of MOTO costs, and which of its parts. The two cases of the
// paper, few samples that serve all time steps and many that serve their own, each trained on one
// thread and on several in turn from the same start, which give the same bits. CPU seconds are
// those on one thread; the yardstick is mj_step on the very samples of the iteration.
#include "bench.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "run/config.h"

#include <stdio.h>
#include <string.h>

// A task with its settings. --set comes behind them.
typedef struct subject {
  const char *task;
  const char *set[4];
} subject;
static const subject subjects[] = {
    {"double-link", {"rollout.streams=20", "learner.reuse=all", "learner.keep=5"}},
    {"quad-link", {"rollout.streams=400", "learner.reuse=none", "learner.keep=1"}},
};
enum { NSUBJECT = sizeof subjects / sizeof subjects[0] };
static const char *const shared_set[] = {"policy.kind=time-linear", "policy.covariance=full",
                                         "policy.normalize=false", "policy.log_std=1",
                                         "rollout.episodes=whole"};

// What one round measures.
enum { WHOLE, SIMULATE, WEIGHTS, REGRESSION, DUAL, RATIO, UPDATE_SPEEDUP, SPEEDUP, NFIGURE };
static const char *const json_names[NFIGURE] = {
    "iteration", "simulate", "weights", "regression", "dual", "ratio", "update_speedup", "speedup"};

// The same training on some threads.
typedef struct side {
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_learner *learner;
  double wall, cpu;  // seconds of its last iteration
  tendril_rollout_stats collected;
  tendril_moto_stats stats;
} side;

typedef struct bench {
  tendril_config *config;
  tendril_model *model;
  int rounds, threads;
  side sides[2];             // on one thread, and on several
  double *figures[NFIGURE];  // [rounds] each
  tnd_arena arena;
} bench;

static void layout(bench *b, tnd_arena *arena) {
  for (int k = 0; k < NFIGURE; k++)
    b->figures[k] = tnd_arena_doubles(arena, (size_t)b->rounds);
}

static tendril_status configure(bench *b, const tendril_tasks *tasks, const subject *s,
                                const bench_options *o, tendril_error *err) {
  cli_list *set = tnd_alloc(sizeof *set);
  if (!set) return tnd_fail_memory(err);
  // a preset has settings of its own
  for (size_t i = 0; !o->preset && i < sizeof shared_set / sizeof shared_set[0]; i++)
    set->at[set->n++] = shared_set[i];
  for (int i = 0; !o->preset && s->set[i]; i++)
    set->at[set->n++] = s->set[i];
  for (int i = 0; i < o->set.n && set->n < CLI_LIST_MAX; i++)
    set->at[set->n++] = o->set.at[i];
  const char *preset = o->preset ? o->preset : "none";
  tendril_status status = cli_configure(tasks, s->task, "moto", preset, NULL, set, &b->config, err);
  tnd_free(set);
  if (status == TENDRIL_OK)
    status = tendril_tasks_model(tasks, s->task, &b->config->sim, &b->model, err);
  if (status == TENDRIL_OK)  // an iteration is an episode of every stream, however long that is
    b->config->rollout.batch = b->config->rollout.streams * tendril_model_max_steps(b->model);
  return status;
}

static tendril_status create_side(const bench *b, int threads, uint64_t seed, side *s,
                                  tendril_error *err) {
  const tendril_config *c = b->config;
  tendril_status status = tendril_pool_create(threads, &s->pool, err);
  if (status == TENDRIL_OK)
    status = tendril_policy_create(&c->policy, tendril_model_nobs(b->model),
                                   tendril_model_nact(b->model), tendril_model_max_steps(b->model),
                                   seed, &s->policy, err);
  const tendril_learner_setup setup = {.model = b->model,
                                       .pool = s->pool,
                                       .policy = s->policy,
                                       .seed = seed,
                                       .rollout = c->rollout,
                                       .critic = c->critic};
  if (status == TENDRIL_OK) status = tendril_moto_create(c->learner, &setup, &s->learner, err);
  return status;
}

static tendril_status create(bench *b, const tendril_tasks *tasks, const subject *s,
                             const bench_options *o, tendril_error *err) {
  *b = (bench){.rounds = (int)o->rounds, .threads = (int)o->threads};
  tendril_status status = configure(b, tasks, s, o, err);
  if (status != TENDRIL_OK) return status;
  layout(b, &b->arena);
  status = tnd_arena_alloc(&b->arena, err);
  if (status == TENDRIL_OK) layout(b, &b->arena);
  for (int k = 0; k < 2 && status == TENDRIL_OK; k++)
    status = create_side(b, k ? b->threads : 1, (uint64_t)o->seed, &b->sides[k], err);
  return status;
}

static void destroy(bench *b) {
  for (int k = 0; k < 2; k++) {
    tendril_learner_destroy(b->sides[k].learner);
    tendril_policy_destroy(b->sides[k].policy);
    tendril_pool_destroy(b->sides[k].pool);
  }
  tendril_model_destroy(b->model);
  tendril_config_destroy(b->config);
  tnd_arena_free(&b->arena);
}

// ----------------------------------------------------------------------------------------- rounds

static tendril_status iterate(side *s, tendril_error *err) {
  double values[(sizeof s->collected + sizeof s->stats) / sizeof(double)];
  const double wall = tnd_clock_wall(), cpu = tnd_clock_process();
  TENDRIL_TRY(tendril_learner_iterate(s->learner, values, err));
  s->wall = tnd_clock_wall() - wall;
  s->cpu = tnd_clock_process() - cpu;
  memcpy(&s->collected, values, sizeof s->collected);
  memcpy(&s->stats, values + sizeof s->collected / sizeof(double), sizeof s->stats);
  return TENDRIL_OK;
}

static tendril_status check_same(const bench *b, tendril_error *err) {
  const tendril_policy *one = b->sides[0].policy, *many = b->sides[1].policy;
  const size_t size = sizeof(double) * (size_t)tendril_policy_nparam(one);
  if (memcmp(tendril_policy_get_params(one), tendril_policy_get_params(many), size) == 0)
    return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: the number of threads changed the policy",
                  tendril_model_task(b->model)->name);
}

static tendril_status measure(bench *b, tendril_error *err) {
  // iterations that fill what is kept, and one that warms up, are not counted
  const int first = -(int)((const tendril_moto_options *)b->config->learner)->keep;
  const side *one = &b->sides[0], *many = &b->sides[1];
  for (int i = first; i < b->rounds; i++) {
    // the one that begins changes from round to round
    for (int k = 0; k < 2; k++)
      TENDRIL_TRY(iterate(&b->sides[(i - first + k) % 2], err));
    TENDRIL_TRY(check_same(b, err));
    if (i < 0) continue;
    const tendril_moto_stats *s = &one->stats;
    const double update = s->weights_cpu + s->regression_cpu + s->dual_cpu;
    const double values[NFIGURE] = {one->cpu,
                                    one->cpu - update,
                                    s->weights_cpu,
                                    s->regression_cpu,
                                    s->dual_cpu,
                                    update / one->collected.physics_seconds,
                                    s->update_seconds / many->stats.update_seconds,
                                    one->wall / many->wall};
    for (int k = 0; k < NFIGURE; k++)
      b->figures[k][i] = values[k];
  }
  return TENDRIL_OK;
}

// ----------------------------------------------------------------------------------------- output

static void put_json(cli_json *json, const bench *b) {
  const tendril_moto_options *o = b->config->learner;
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "task", tendril_model_task(b->model)->name);
  cli_json_number(json, "rollouts", (double)b->config->rollout.streams);
  cli_json_number(json, "steps", tendril_model_max_steps(b->model));
  cli_json_number(json, "keep", (double)o->keep);
  cli_json_flag(json, "reuse", o->reuse == TENDRIL_REUSE_ALL);
  for (int k = 0; k < NFIGURE; k++)
    bench_put_spread(json, json_names[k], b->figures[k], b->rounds);
  cli_json_close(json, '}');
}

static void print_spread(const char *label, double *values, int n, double unit) {
  const double median = bench_median(values, n);
  printf("  %-36s median %9.3f   (%.3f to %.3f)\n", label, median * unit, values[0] * unit,
         values[n - 1] * unit);
}

static void print_text(const bench *b) {
  static const char *const labels[] = {"iteration, CPU ms on one thread",
                                       "  simulation",
                                       "  state distributions and weights",
                                       "  regressions",
                                       "  policy updates",
                                       "all but simulation over mj_step"};
  const tendril_moto_options *o = b->config->learner;
  char label[64];
  printf("%s, %lld rollouts of %d steps, ", tendril_model_task(b->model)->name,
         (long long)b->config->rollout.streams, tendril_model_max_steps(b->model));
  if (o->reuse == TENDRIL_REUSE_ALL)
    printf("samples of %lld iterations serve every step", (long long)o->keep);
  else
    printf("samples serve their own step");
  printf(", %d rounds\n", b->rounds);
  for (int k = 0; k < UPDATE_SPEEDUP; k++)
    print_spread(labels[k], b->figures[k], b->rounds, k == RATIO ? 1 : 1e3);
  snprintf(label, sizeof label, "%d threads over 1: all but simulation", b->threads);
  print_spread(label, b->figures[UPDATE_SPEEDUP], b->rounds, 1);
  snprintf(label, sizeof label, "%d threads over 1: iteration", b->threads);
  print_spread(label, b->figures[SPEEDUP], b->rounds, 1);
}

// The cases asked for: both, or one of a task.
static int choose(const bench_options *o, const subject **out, subject *other) {
  *out = subjects;
  if (!o->task) return NSUBJECT;
  for (*out = subjects; *out < subjects + NSUBJECT; ++*out)
    if (strcmp((*out)->task, o->task) == 0) return 1;
  // another task, as the first
  *other = subjects[0];
  other->task = o->task;
  *out = other;
  return 1;
}

int bench_moto(const bench_options *o) {
  tendril_error err = {{0}};
  tendril_tasks *tasks = NULL;
  cli_json json = {0};
  const subject *chosen;
  subject other;
  const int n = choose(o, &chosen, &other);
  tendril_status status = cli_tasks(&o->plugins, &tasks, &err);
  if (o->json) {
    cli_json_open(&json, NULL, '{');
    cli_json_number(&json, "rounds", (double)o->rounds);
    cli_json_number(&json, "threads", (double)o->threads);
    cli_json_open(&json, "tasks", '[');
  }
  for (int i = 0; i < n && status == TENDRIL_OK; i++) {
    bench b;
    status = create(&b, tasks, &chosen[i], o, &err);
    if (status == TENDRIL_OK) status = measure(&b, &err);
    if (status == TENDRIL_OK && o->json) put_json(&json, &b);
    if (status == TENDRIL_OK && !o->json) {
      if (i) printf("\n");
      print_text(&b);
    }
    destroy(&b);
  }
  if (status == TENDRIL_OK && o->json) {
    cli_json_close(&json, ']');
    cli_json_close(&json, '}');
    status = cli_json_print(&json, &err);
  }
  tnd_buffer_free(&json.out);
  tendril_tasks_destroy(tasks);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

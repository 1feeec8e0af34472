// tendril bench update: what one update costs beside the collection of its batch, in CPU seconds on
// one thread, as the learner's own statistics have it. A round is an iteration of each size of
// batch in turn; the policies train on from round to round. The yardstick is mj_step on the very
// rows of the batch.
#include "bench.h"

#include "base/alloc.h"
#include "policy/policy.h"
#include "run/config.h"

#include <stdio.h>
#include <string.h>

// What is looked at, by the names of the learner's statistics; the last is made of two others.
enum { UPDATE, ADVANTAGE, CRITIC, PHYSICS, RATIO, NFIGURE };
static const char *const stat_names[] = {"policy_cpu", "advantage_cpu", "critic_cpu",
                                         "physics_seconds"};
static const char *const json_names[NFIGURE] = {"update", "advantages", "critic", "mj_step",
                                                "ratio"};
static const char *const labels[NFIGURE] = {"policy update", "values and advantages",
                                            "value function's fit", "mj_step on the same rows",
                                            "policy update over mj_step"};

// A learner with its size of batch.
typedef struct side {
  int64_t rows;
  tendril_policy *policy;
  tendril_learner *learner;
  int at[RATIO];             // the statistics' places
  double *values;            // [nstat] of the last iteration
  double *figures[NFIGURE];  // [rounds] each
  tnd_arena arena;
} side;

static void layout(side *s, int nstat, int rounds, tnd_arena *arena) {
  s->values = tnd_arena_doubles(arena, (size_t)nstat);
  for (int k = 0; k < NFIGURE; k++)
    s->figures[k] = tnd_arena_doubles(arena, (size_t)rounds);
}

static tendril_status create(side *s, const bench_subject *subject, tendril_pool *pool,
                             int64_t rows, const bench_options *o, tendril_error *err) {
  const tendril_config *c = subject->config;
  const int64_t streams = c->rollout.streams;
  tendril_learner_setup setup = {.model = subject->model,
                                 .pool = pool,
                                 .seed = (uint64_t)o->seed,
                                 .rollout = c->rollout,
                                 .critic = c->critic};
  s->rows = setup.rollout.batch = (rows + streams - 1) / streams * streams;
  tendril_status status = tendril_policy_create(
      &c->policy, tendril_model_nobs(subject->model), tendril_model_nact(subject->model),
      tendril_model_max_steps(subject->model), setup.seed, &s->policy, err);
  if (status == TENDRIL_OK && subject->policy)
    status = tnd_policy_copy(s->policy, subject->policy, err);
  setup.policy = s->policy;
  if (status == TENDRIL_OK) status = c->method->create(c->learner, &setup, &s->learner, err);
  if (status != TENDRIL_OK) return status;

  int n;
  const tendril_stat *stats = tendril_learner_get_stats(s->learner, &n);
  for (int k = 0; k < RATIO; k++) {
    s->at[k] = 0;
    while (s->at[k] < n && strcmp(stats[s->at[k]].name, stat_names[k]) != 0)
      s->at[k]++;
    if (s->at[k] == n)
      return tnd_fail(err, TENDRIL_E_ARGUMENT, "learner %s: has no statistic %s to measure",
                      c->method->name, stat_names[k]);
  }
  layout(s, n, (int)o->rounds, &s->arena);
  status = tnd_arena_alloc(&s->arena, err);
  if (status == TENDRIL_OK) layout(s, n, (int)o->rounds, &s->arena);
  return status;
}

static void destroy(side *s) {
  tendril_learner_destroy(s->learner);
  tendril_policy_destroy(s->policy);
  tnd_arena_free(&s->arena);
}

static tendril_status measure(side *sides, int n, int rounds, tendril_error *err) {
  // the first round warms up and is not counted
  for (int i = -1; i < rounds; i++)
    for (int j = 0; j < n; j++) {
      side *s = &sides[j];
      tendril_status status = tendril_learner_iterate(s->learner, s->values, err);
      if (status != TENDRIL_OK) return status;
      if (i < 0) continue;
      for (int k = 0; k < RATIO; k++)
        s->figures[k][i] = s->values[s->at[k]];
      s->figures[RATIO][i] = s->figures[UPDATE][i] / s->figures[PHYSICS][i];
    }
  return TENDRIL_OK;
}

static tendril_status print_json(const bench_options *o, const tendril_config *config, side *sides,
                                 int n, tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "task", config->task->name);
  cli_json_text(&json, "learner", config->method->name);
  cli_json_number(&json, "rounds", (double)o->rounds);
  cli_json_open(&json, "batches", '[');
  for (int j = 0; j < n; j++) {
    cli_json_open(&json, NULL, '{');
    cli_json_number(&json, "rows", (double)sides[j].rows);
    for (int k = 0; k < NFIGURE; k++)
      bench_put_spread(&json, json_names[k], sides[j].figures[k], (int)o->rounds);
    cli_json_close(&json, '}');
  }
  cli_json_close(&json, ']');
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

static void print_text(const bench_options *o, const tendril_config *config, side *sides, int n) {
  const int rounds = (int)o->rounds;
  printf("%s, %s, %d rounds, CPU seconds on one thread\n", config->task->name, config->method->name,
         rounds);
  for (int j = 0; j < n; j++) {
    printf("\n%lld rows\n", (long long)sides[j].rows);
    for (int k = 0; k < NFIGURE; k++) {
      double *values = sides[j].figures[k];
      const double median = bench_median(values, rounds);
      printf("  %-28s median %.4f   (%.4f to %.4f)\n", labels[k], median, values[0],
             values[rounds - 1]);
    }
  }
}

int bench_update(const bench_options *o) {
  tendril_error err = {{0}};
  bench_subject subject = {0};
  tendril_pool *pool = NULL;
  side sides[2] = {{0}};
  const int64_t rows[2] = {o->rows ? o->rows : 5000, 50000};
  const int n = o->rows ? 1 : 2;
  tendril_status status = bench_subject_open(o, &subject, &err);
  if (status == TENDRIL_OK) status = tendril_pool_create(1, &pool, &err);
  for (int j = 0; j < n && status == TENDRIL_OK; j++)
    status = create(&sides[j], &subject, pool, rows[j], o, &err);
  if (status == TENDRIL_OK) status = measure(sides, n, (int)o->rounds, &err);
  if (status == TENDRIL_OK && !o->json) print_text(o, subject.config, sides, n);
  if (status == TENDRIL_OK && o->json) status = print_json(o, subject.config, sides, n, &err);
  for (int j = 0; j < n; j++)
    destroy(&sides[j]);
  tendril_pool_destroy(pool);
  bench_subject_close(&subject);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

// What the benchmarks of learners share: see bench_learner.h.
#include "bench_learner.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"

#include <stdio.h>
#include <string.h>

static void add_settings(cli_list *set, const char *const *more) {
  for (; *more; more++)
    set->at[set->n++] = *more;
}

static tendril_status configure(bench_learner *b, const bench_method *method,
                                const tendril_tasks *tasks, const bench_case *c,
                                const bench_options *o, tendril_error *err) {
  cli_list *set = tnd_alloc(sizeof *set);
  if (!set) return tnd_fail_memory(err);
  if (!o->preset) {  // which has settings of its own
    add_settings(set, method->set);
    add_settings(set, c->set);
  }
  for (int i = 0; i < o->set.n && set->n < CLI_LIST_MAX; i++)
    set->at[set->n++] = o->set.at[i];
  tendril_status status = cli_configure(tasks, c->task, method->learner,
                                        o->preset ? o->preset : "none", NULL, set, &b->config, err);
  tnd_free(set);
  TENDRIL_TRY(status);
  TENDRIL_TRY(tendril_tasks_model(tasks, c->task, &b->config->sim, &b->model, err));
  tendril_rollout_options *rollout = &b->config->rollout;
  if (rollout->episodes == TENDRIL_EPISODES_WHOLE)  // one of every stream, however long that is
    rollout->batch = rollout->streams * tendril_model_max_steps(b->model);
  return TENDRIL_OK;
}

static tendril_status create_side(const bench_learner *b, uint64_t seed, bench_side *s,
                                  tendril_error *err) {
  const tendril_config *c = b->config;
  int nstat;
  TENDRIL_TRY(tendril_policy_create(&c->policy, tendril_model_nobs(b->model),
                                    tendril_model_nact(b->model), tendril_model_max_steps(b->model),
                                    seed, &s->policy, err));
  const tendril_learner_setup setup = {.model = b->model,
                                       .pool = s->pool,
                                       .policy = s->policy,
                                       .seed = seed,
                                       .rollout = c->rollout,
                                       .critic = c->critic,
                                       .demonstrations = b->demonstrations.of,
                                       .ndemonstration = b->demonstrations.n};
  TENDRIL_TRY(c->method->create(c->learner, &setup, &s->learner, err));
  tendril_learner_get_stats(s->learner, &nstat);
  s->stats = tnd_alloc(sizeof *s->stats * (size_t)nstat);
  return s->stats ? TENDRIL_OK : tnd_fail_memory(err);
}

static tendril_status create(bench_learner *b, const bench_method *method,
                             const tendril_tasks *tasks, const bench_case *c,
                             const bench_options *o, tendril_error *err) {
  TENDRIL_TRY(configure(b, method, tasks, c, o, err));
  TENDRIL_TRY(tendril_pool_create(1, &b->one.pool, err));
  TENDRIL_TRY(tendril_pool_create((int)o->threads, &b->many.pool, err));
  TENDRIL_TRY(tnd_demonstrations_make(b->config, tasks, b->model, NULL, b->many.pool,
                                      &b->demonstrations, err));
  TENDRIL_TRY(create_side(b, (uint64_t)o->seed, &b->one, err));
  return create_side(b, (uint64_t)o->seed, &b->many, err);
}

static void destroy_side(bench_side *s) {
  tendril_learner_destroy(s->learner);
  tendril_policy_destroy(s->policy);
  tendril_pool_destroy(s->pool);
  tnd_free(s->stats);
}

static void destroy(bench_learner *b) {
  destroy_side(&b->one);
  destroy_side(&b->many);
  tnd_demonstrations_free(&b->demonstrations);
  tendril_model_destroy(b->model);
  tendril_config_destroy(b->config);
}

// ----------------------------------------------------------------------------------------- rounds

static tendril_status iterate(bench_side *s, tendril_error *err) {
  const double wall = tnd_clock_wall(), cpu = tnd_clock_process();
  TENDRIL_TRY(tendril_learner_iterate(s->learner, s->stats, err));
  s->wall = tnd_clock_wall() - wall;
  s->cpu = tnd_clock_process() - cpu;
  return TENDRIL_OK;
}

static tendril_status check_same(const bench_learner *b, tendril_error *err) {
  const tendril_policy *one = b->one.policy, *many = b->many.policy;
  const size_t size = sizeof(double) * (size_t)tendril_policy_nparam(one);
  if (memcmp(tendril_policy_get_params(one), tendril_policy_get_params(many), size) == 0)
    return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_NUMERIC, "%s: the number of threads changed the policy",
                  tendril_model_task(b->model)->name);
}

// figures [nfigure][rounds]
static tendril_status measure(bench_learner *b, const bench_method *method, int rounds,
                              double *figures, tendril_error *err) {
  const int first = -method->unmeasured(b->config);
  bench_side *sides[2] = {&b->one, &b->many};
  for (int i = first; i < rounds; i++) {
    // the one that begins changes from round to round
    for (int k = 0; k < 2; k++)
      TENDRIL_TRY(iterate(sides[(i - first + k) % 2], err));
    TENDRIL_TRY(check_same(b, err));
    if (i < 0) continue;
    double values[BENCH_MAX_FIGURES];
    TENDRIL_TRY(method->measure(b, values, err));
    for (int k = 0; k < method->nfigure; k++)
      figures[k * rounds + i] = values[k];
  }
  return TENDRIL_OK;
}

// ----------------------------------------------------------------------------------------- output

static void put_json(cli_json *json, const bench_method *method, const bench_learner *b, int rounds,
                     double *figures) {
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "task", tendril_model_task(b->model)->name);
  method->put_case(json, b);
  for (int k = 0; k < method->nfigure; k++)
    bench_put_spread(json, method->figures[k].json, figures + k * rounds, rounds);
  cli_json_close(json, '}');
}

static void print_text(const bench_method *method, const bench_learner *b, int rounds,
                       double *figures) {
  method->print_case(b);
  printf(", %d rounds\n", rounds);
  for (int k = 0; k < method->nfigure; k++) {
    const bench_figure *f = &method->figures[k];
    char label[64];
    if (f->unit == BENCH_SPEEDUP)
      snprintf(label, sizeof label, "  %d threads over 1: %s", tendril_pool_threads(b->many.pool),
               f->label);
    else
      snprintf(label, sizeof label, "  %s", f->label);
    bench_print_spread(label, figures + k * rounds, rounds, f->unit == BENCH_SECONDS ? 1e3 : 1);
  }
}

static tendril_status run_case(const bench_method *method, const tendril_tasks *tasks,
                               const bench_case *c, const bench_options *o, cli_json *json,
                               tendril_error *err) {
  const int rounds = (int)o->rounds;
  bench_learner b = {0};
  double *figures = tnd_alloc(sizeof *figures * (size_t)(method->nfigure * rounds));
  if (!figures) return tnd_fail_memory(err);
  tendril_status status = create(&b, method, tasks, c, o, err);
  if (status == TENDRIL_OK) status = measure(&b, method, rounds, figures, err);
  if (status == TENDRIL_OK && o->json) put_json(json, method, &b, rounds, figures);
  if (status == TENDRIL_OK && !o->json) print_text(method, &b, rounds, figures);
  destroy(&b);
  tnd_free(figures);
  return status;
}

// The cases asked for, *out and those behind it: all, or those of a task.
static int choose(const bench_method *method, const bench_options *o, bench_case *other,
                  const bench_case **out) {
  *out = method->cases;
  if (!o->task) return method->ncase;
  int n = 0;
  for (int i = 0; i < method->ncase; i++)
    if (strcmp(method->cases[i].task, o->task) == 0 && n++ == 0) *out = &method->cases[i];
  if (n > 0) return n;
  // another task, as the first
  *other = method->cases[0];
  other->task = o->task;
  *out = other;
  return 1;
}

int bench_learner_run(const bench_method *method, const bench_options *o) {
  tendril_error err = {{0}};
  tendril_tasks *tasks = NULL;
  cli_json json = {0};
  const bench_case *cases;
  bench_case other;
  const int n = choose(method, o, &other, &cases);
  tendril_status status = cli_tasks(&o->plugins, &tasks, &err);
  if (o->json) {
    cli_json_open(&json, NULL, '{');
    cli_json_number(&json, "rounds", (double)o->rounds);
    cli_json_number(&json, "threads", (double)o->threads);
    cli_json_open(&json, "tasks", '[');
  }
  for (int i = 0; i < n && status == TENDRIL_OK; i++) {
    if (i && !o->json) printf("\n");
    status = run_case(method, tasks, &cases[i], o, &json, &err);
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

// tendril bench train: whole trainings on one and on several threads, with bare mj_step loops on
// states of the same policies in between (streams of their own, not the training's). A training
// here is its iterations: evaluations, logs and checkpoints are no part of it. The bare loops are
// counted in CPU seconds without their resets and shared evenly among the threads, the training in
// wall seconds with all that it has: on a busy machine the ratio errs against the training.
#include "bench.h"
#include "bench_replay.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "run/config.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { PROBES = 20 };  // times that the bare loops run, spread over the training

typedef struct training {
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_learner *learner;
  double *values;          // [nstat] of the learner's last iteration
  tendril_rollout *probe;  // collects from the learner's policy for the bare loops
  bench_replay *bare;
  int threads;
  double steps;               // that will be trained
  double wall, cpu, physics;  // seconds of the training, probes apart
  double bare_seconds;        // CPU seconds of the bare loops
  int64_t bare_steps;
} training;

static tendril_status create(training *t, const bench_subject *subject, int threads, int64_t steps,
                             uint64_t seed, tendril_error *err) {
  const tendril_config *c = subject->config;
  t->threads = threads;
  t->steps = (double)steps;
  tendril_status status = tendril_pool_create(threads, &t->pool, err);
  if (status == TENDRIL_OK)
    status = tendril_policy_create(&c->policy, tendril_model_nobs(subject->model),
                                   tendril_model_nact(subject->model),
                                   tendril_model_max_steps(subject->model), seed, &t->policy, err);
  tendril_learner_setup setup = {.model = subject->model,
                                 .pool = t->pool,
                                 .policy = t->policy,
                                 .seed = seed,
                                 .rollout = c->rollout,
                                 .critic = c->critic};
  if (status == TENDRIL_OK) status = c->method->create(c->learner, &setup, &t->learner, err);
  if (status == TENDRIL_OK) {
    int nstat;
    (void)tendril_learner_get_stats(t->learner, &nstat);
    t->values = tnd_alloc(sizeof *t->values * (size_t)nstat);
    if (!t->values) status = tnd_fail_memory(err);
  }
  const uint64_t other = seed + 1000;  // the probe visits states of its own
  if (status == TENDRIL_OK)
    status = tendril_rollout_create(&c->rollout, subject->model, t->pool, other, &t->probe, err);
  if (status == TENDRIL_OK)
    status =
        bench_replay_create(subject->model, (int)c->rollout.streams, other, t->pool, &t->bare, err);
  return status;
}

static void destroy(training *t) {
  bench_replay_destroy(t->bare);
  tendril_rollout_destroy(t->probe);
  tnd_free(t->values);
  tendril_learner_destroy(t->learner);
  tendril_policy_destroy(t->policy);
  tendril_pool_destroy(t->pool);
}

static tendril_status probe(training *t, tendril_error *err) {
  const tendril_batch *batch;
  tendril_rollout_stats stats;
  double seconds;
  tendril_status status = tendril_rollout_collect(t->probe, t->policy, &batch, &stats, err);
  if (status == TENDRIL_OK) status = bench_replay_run(t->bare, batch, &seconds, err);
  if (status != TENDRIL_OK) return status;
  t->bare_seconds += seconds;
  t->bare_steps += batch->n;
  return TENDRIL_OK;
}

// One iteration, timed.
static tendril_status advance(training *t, tendril_error *err) {
  int n;
  const tendril_stat *stats = tendril_learner_get_stats(t->learner, &n);
  double wall = tnd_clock_wall(), cpu = tnd_clock_process();
  tendril_learner_set_progress(t->learner, (double)tendril_learner_steps(t->learner) / t->steps);
  tendril_status status = tendril_learner_iterate(t->learner, t->values, err);
  t->wall += tnd_clock_wall() - wall;
  t->cpu += tnd_clock_process() - cpu;
  for (int i = 0; i < n; i++)
    if (strcmp(stats[i].name, "physics_seconds") == 0) t->physics += t->values[i];
  return status;
}

// All trainings side by side, an iteration of each in turn, so that they share what the machine
// does.
static tendril_status measure(training *t, int n, int64_t steps, tendril_error *err) {
  int64_t probes = 0;
  while (tendril_learner_steps(t[0].learner) < steps) {
    for (int i = 0; i < n; i++) {
      tendril_status status = advance(&t[i], err);
      if (status != TENDRIL_OK) return status;
    }
    if (tendril_learner_steps(t[0].learner) * PROBES < probes * steps) continue;
    probes++;
    for (int i = 0; i < n; i++) {
      tendril_status status = probe(&t[i], err);
      if (status != TENDRIL_OK) return status;
    }
  }
  return TENDRIL_OK;
}

// Wall time of the same number of steps by `threads` bare loops, over that of the training.
static double end_to_end(const training *t) {
  double steps = (double)tendril_learner_steps(t->learner);
  return t->bare_seconds / (double)t->bare_steps * steps / t->threads / t->wall;
}

static double outside(const training *t) {
  return 1 - t->physics / t->cpu;
}

static tendril_status print(const bench_options *o, const bench_subject *subject, const training *t,
                            int n, tendril_error *err) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const double megabytes = (double)usage.ru_maxrss / 1024;
  const char *task = tendril_model_task(subject->model)->name;
  const double speedup = t[0].wall / t[n - 1].wall;
  if (o->json) {
    cli_json json = {0};
    cli_json_open(&json, NULL, '{');
    cli_json_text(&json, "task", task);
    cli_json_number(&json, "steps", (double)tendril_learner_steps(t[0].learner));
    cli_json_open(&json, "trainings", '[');
    for (int i = 0; i < n; i++) {
      cli_json_open(&json, NULL, '{');
      cli_json_number(&json, "threads", t[i].threads);
      cli_json_number(&json, "wall", t[i].wall);
      cli_json_number(&json, "cpu", t[i].cpu);
      cli_json_number(&json, "outside_physics", outside(&t[i]));
      cli_json_number(&json, "over_bare", end_to_end(&t[i]));
      cli_json_close(&json, '}');
    }
    cli_json_close(&json, ']');
    cli_json_number(&json, "speedup", speedup);
    cli_json_number(&json, "resident_mb", megabytes);
    cli_json_close(&json, '}');
    return cli_json_print(&json, err);
  }
  printf("%s, %lld steps, bare loops at %d places\n\n", task,
         (long long)tendril_learner_steps(t[0].learner), PROBES);
  printf("%-8s %10s %10s %14s %18s %18s\n", "threads", "wall s", "CPU s", "steps/wall s",
         "outside mj_step", "over bare loops");
  for (int i = 0; i < n; i++)
    printf("%-8d %10.2f %10.2f %14.0f %17.1f%% %18.3f\n", t[i].threads, t[i].wall, t[i].cpu,
           (double)tendril_learner_steps(t[i].learner) / t[i].wall, 100 * outside(&t[i]),
           end_to_end(&t[i]));
  printf("\n%d threads over 1, wall time: %.3f\npeak resident memory, both trainings: %.1f MB\n",
         t[n - 1].threads, speedup, megabytes);
  return TENDRIL_OK;
}

int bench_train(const bench_options *o) {
  tendril_error err = {{0}};
  bench_subject subject = {0};
  training t[2] = {{0}};
  const int n = o->threads > 1 ? 2 : 1;
  tendril_status status = bench_subject_open(o, &subject, &err);
  for (int i = 0; i < n && status == TENDRIL_OK; i++)
    status = create(&t[i], &subject, i ? (int)o->threads : 1, o->steps, (uint64_t)o->seed, &err);
  if (status == TENDRIL_OK) status = measure(t, n, o->steps, &err);
  if (status == TENDRIL_OK) status = print(o, &subject, t, n, &err);
  for (int i = 0; i < n; i++)
    destroy(&t[i]);
  bench_subject_close(&subject);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

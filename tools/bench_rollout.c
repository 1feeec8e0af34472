// tendril bench rollout: what collecting with a policy costs over the bare physics, and what a
// second thread brings. All sides of a round do the same work on the same states, one after
// another.
#include "bench.h"
#include "bench_replay.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "run/config.h"

#include <stdio.h>

// Collection with 1 and with several threads, and the bare loop on one.
typedef struct sides {
  tendril_pool *one, *many;
  tendril_rollout *alone, *together;
  bench_replay *bare;
} sides;

static tendril_status create(sides *s, const bench_subject *subject, const bench_options *o,
                             tendril_error *err) {
  const tendril_rollout_options *r = &subject->config->rollout;
  const uint64_t seed = (uint64_t)o->seed;
  tendril_status status = tendril_pool_create(1, &s->one, err);
  if (status == TENDRIL_OK) status = tendril_pool_create((int)o->threads, &s->many, err);
  if (status == TENDRIL_OK)
    status = tendril_rollout_create(r, subject->model, s->one, seed, &s->alone, err);
  if (status == TENDRIL_OK)
    status = tendril_rollout_create(r, subject->model, s->many, seed, &s->together, err);
  if (status == TENDRIL_OK)
    status = bench_replay_create(subject->model, (int)r->streams, seed, s->one, &s->bare, err);
  return status;
}

static void destroy(sides *s) {
  bench_replay_destroy(s->bare);
  tendril_rollout_destroy(s->together);
  tendril_rollout_destroy(s->alone);
  tendril_pool_destroy(s->many);
  tendril_pool_destroy(s->one);
}

typedef struct figures {
  double *ratio;    // [rounds] bare CPU time over collecting CPU time
  double *speedup;  // [rounds] wall time of one thread over that of several
  double *rate;     // [rounds] control steps per CPU second, collecting on one thread
  double *bare;     // [rounds] the bare loop's
} figures;

static tendril_status measure(sides *s, const tendril_policy *policy, int rounds, figures *f,
                              tendril_error *err) {
  const tendril_batch *batch;
  tendril_rollout_stats stats;
  // the first round warms up and is not counted
  for (int i = -1; i < rounds; i++) {
    double wall = tnd_clock_wall(), cpu = tnd_clock_process(), bare;
    tendril_status status = tendril_rollout_collect(s->alone, policy, &batch, &stats, err);
    if (status != TENDRIL_OK) return status;
    wall = tnd_clock_wall() - wall;
    cpu = tnd_clock_process() - cpu;
    status = bench_replay_run(s->bare, batch, &bare, err);
    if (status != TENDRIL_OK) return status;
    double together = tnd_clock_wall();
    status = tendril_rollout_collect(s->together, policy, &batch, &stats, err);
    if (status != TENDRIL_OK) return status;
    together = tnd_clock_wall() - together;
    if (i < 0) continue;
    f->ratio[i] = bare / cpu;
    f->speedup[i] = wall / together;
    f->rate[i] = (double)batch->n / cpu;
    f->bare[i] = (double)batch->n / bare;
  }
  return TENDRIL_OK;
}

static tendril_status print(const bench_options *o, const bench_subject *subject, figures *f,
                            tendril_error *err) {
  const int n = (int)o->rounds;
  const tendril_rollout_options *r = &subject->config->rollout;
  double rate = bench_median(f->rate, n), bare = bench_median(f->bare, n);
  double ratio = bench_median(f->ratio, n), speedup = bench_median(f->speedup, n);
  const char *task = tendril_model_task(subject->model)->name;
  if (o->json) {
    cli_json json = {0};
    cli_json_open(&json, NULL, '{');
    cli_json_text(&json, "task", task);
    cli_json_number(&json, "rounds", n);
    cli_json_number(&json, "batch", (double)r->batch);
    cli_json_number(&json, "streams", (double)r->streams);
    cli_json_number(&json, "collecting", rate);
    cli_json_number(&json, "bare", bare);
    bench_put_spread(&json, "ratio", f->ratio, n);
    cli_json_number(&json, "threads", (double)o->threads);
    bench_put_spread(&json, "speedup", f->speedup, n);
    cli_json_close(&json, '}');
    return cli_json_print(&json, err);
  }
  printf("%s, %lld steps a round, %lld streams, %d rounds\n\n", task, (long long)r->batch,
         (long long)r->streams, n);
  printf("control steps per CPU second    collecting %9.0f   bare mj_step %9.0f\n", rate, bare);
  printf("collecting over bare            median %.3f   (%.3f to %.3f)\n", ratio, f->ratio[0],
         f->ratio[n - 1]);
  printf("%lld threads over 1, wall time    median %.3f   (%.3f to %.3f)\n", (long long)o->threads,
         speedup, f->speedup[0], f->speedup[n - 1]);
  return TENDRIL_OK;
}

int bench_rollout(const bench_options *o) {
  tendril_error err = {{0}};
  bench_subject subject = {0};
  sides s = {0};
  tendril_status status = bench_subject_open(o, &subject, &err);
  if (status == TENDRIL_OK && !subject.policy)
    status = tendril_policy_create(&subject.config->policy, tendril_model_nobs(subject.model),
                                   tendril_model_nact(subject.model),
                                   tendril_model_max_steps(subject.model), (uint64_t)o->seed,
                                   &subject.policy, &err);
  double *values = tnd_alloc(sizeof *values * 4 * (size_t)o->rounds);
  if (status == TENDRIL_OK && !values) status = tnd_fail_memory(&err);
  if (status == TENDRIL_OK) status = create(&s, &subject, o, &err);
  if (status == TENDRIL_OK) {
    figures f = {values, values + o->rounds, values + 2 * o->rounds, values + 3 * o->rounds};
    status = measure(&s, subject.policy, (int)o->rounds, &f, &err);
    if (status == TENDRIL_OK) status = print(o, &subject, &f, &err);
  }
  destroy(&s);
  tnd_free(values);
  bench_subject_close(&subject);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

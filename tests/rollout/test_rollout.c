// Streams: the same bits on any number of threads, episodes carried over batches, the three ends of
// a path, diverged steps that leave no trace, checkpoints.
#include "base/alloc.h"
#include "base/clock.h"
#include "rollout/rollout.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1200, STREAMS = 6, T = BATCH / STREAMS };

static const tendril_rollout_options options = {.batch = BATCH, .streams = STREAMS};

static const tendril_rollout_options whole = {
    .batch = BATCH, .streams = STREAMS, .episodes = TENDRIL_EPISODES_WHOLE};

static tendril_rollout *rollout_with(const tendril_rollout_options *o, const support_scene *s,
                                     uint64_t seed) {
  tendril_rollout *rollout = NULL;
  check_ok(tendril_rollout_create(o, s->model, s->pool, seed, &rollout, check_err));
  return rollout;
}

static tendril_rollout *rollout_of(const support_scene *s, uint64_t seed) {
  return rollout_with(&options, s, seed);
}

static const tendril_batch *collect(tendril_rollout *rollout, const tendril_policy *policy,
                                    tendril_rollout_stats *stats) {
  const tendril_batch *batch = NULL;
  check_ok(tendril_rollout_collect(rollout, policy, &batch, stats, check_err));
  return batch;
}

static void check_same_batch(const tendril_batch *a, const tendril_batch *b) {
  cr_assert_eq(a->n, b->n);
  cr_assert_eq(a->npath, b->npath);
  check_same_bits(a->obs, b->obs, a->n * a->nobs);
  check_same_bits(a->action, b->action, a->n * a->nact);
  check_same_bits(a->reward, b->reward, a->n);
  check_same_bits(a->last_obs, b->last_obs, a->npath * a->nobs);
  for (int64_t i = 0; i < a->n; i++)
    cr_assert_eq(a->time[i], b->time[i]);
  for (int64_t p = 0; p < a->npath; p++) {
    cr_assert_eq(a->paths[p].first, b->paths[p].first);
    cr_assert_eq(a->paths[p].length, b->paths[p].length);
    cr_assert_eq(a->paths[p].stream, b->paths[p].stream);
    cr_assert_eq(a->paths[p].end, b->paths[p].end);
  }
}

static void check_threads(const tendril_rollout_options *o) {
  support_scene one, many;
  for (int threads = 2; threads <= 3; threads++) {
    support_scene_open(&one, "hopper-v4", 1);
    support_scene_open(&many, "hopper-v4", threads);
    tendril_rollout *a = rollout_with(o, &one, 7), *b = rollout_with(o, &many, 7);
    tendril_rollout_stats sa, sb;
    for (int k = 0; k < 3; k++) {
      const tendril_batch *ba = collect(a, one.policy, &sa), *bb = collect(b, many.policy, &sb);
      check_same_batch(ba, bb);
      sa.physics_seconds = sb.physics_seconds = 0;
      cr_assert(memcmp(&sa, &sb, sizeof sa) == 0);
    }
    tendril_rollout_destroy(a);
    tendril_rollout_destroy(b);
    support_scene_close(&one);
    support_scene_close(&many);
  }
}

Test(rollout, gives_the_same_bits_on_one_two_and_three_threads) {
  check_threads(&options);
  check_threads(&whole);
}

Test(rollout, paths_cover_the_batch_once_and_in_order) {
  support_scene s;
  support_scene_open(&s, "walker2d-v4", 2);
  tendril_rollout *rollout = rollout_of(&s, 3);
  tendril_rollout_stats stats;
  for (int k = 0; k < 2; k++) {
    const tendril_batch *b = collect(rollout, s.policy, &stats);
    int64_t row = 0, ended = 0;
    for (int64_t p = 0; p < b->npath; p++) {
      const tendril_path *path = &b->paths[p];
      cr_assert_eq(path->first, row);
      cr_assert_gt(path->length, 0);
      cr_assert_eq(path->stream, row / T);
      for (int i = 1; i < path->length; i++)
        cr_assert_eq(b->time[row + i], b->time[row] + i);
      row += path->length;
      ended += path->end != TENDRIL_END_CUT;
      // what is cut is cut at the end of its stream's rows
      cr_assert_eq(path->end == TENDRIL_END_CUT, row % T == 0 && path->end == TENDRIL_END_CUT);
    }
    cr_assert_eq(row, BATCH);
    cr_assert_eq((int64_t)stats.episodes, ended);
  }
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

Test(rollout, a_cut_episode_goes_on_in_the_next_batch) {
  support_scene s;
  support_scene_open(&s, "swimmer-v4", 2);
  tendril_rollout *rollout = rollout_of(&s, 3);
  tendril_rollout_stats stats;
  double last[STREAMS][8];
  const tendril_batch *b = collect(rollout, s.policy, &stats);
  cr_assert_eq(b->npath, STREAMS);  // nothing ends a swimmer but 1000 steps
  for (int p = 0; p < STREAMS; p++) {
    cr_assert_eq(b->paths[p].end, TENDRIL_END_CUT);
    memcpy(last[p], b->last_obs + p * b->nobs, sizeof last[p]);
  }
  b = collect(rollout, s.policy, &stats);
  for (int p = 0; p < STREAMS; p++) {
    cr_assert_eq(b->time[b->paths[p].first], T);
    check_same_bits(b->obs + b->paths[p].first * b->nobs, last[p], b->nobs);
  }
  // 1000 steps = 5 batches: the time limit is a truncation, with its observation kept
  for (int k = 2; k < 5; k++)
    b = collect(rollout, s.policy, &stats);
  for (int p = 0; p < STREAMS; p++)
    cr_assert_eq(b->paths[p].end, TENDRIL_END_TRUNCATED);
  cr_assert_eq((int)stats.episodes, STREAMS);
  cr_assert_eq((int)stats.length_mean, 1000);
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

Test(rollout, whole_episodes_are_never_cut_and_none_is_thrown_away) {
  support_scene s;
  support_scene_open(&s, "walker2d-v4", 2);
  tendril_rollout *rollout = rollout_with(&whole, &s, 3);
  cr_assert_eq(tnd_rollout_capacity(rollout), BATCH + STREAMS * 999);
  tendril_rollout_stats stats;
  double length = 0, total = 0;
  for (int k = 0; k < 2; k++) {
    const tendril_batch *b = collect(rollout, s.policy, &stats);
    int64_t row = 0, of_stream[STREAMS] = {0}, missing[STREAMS];
    int stream = 0;
    for (int64_t p = 0; p < b->npath; p++) {
      const tendril_path *path = &b->paths[p];
      cr_assert_eq(path->first, row);
      cr_assert_neq(path->end, TENDRIL_END_CUT);
      cr_assert(path->stream == stream || path->stream == stream + 1);
      stream = path->stream;
      missing[stream] = T - of_stream[stream];  // before this episode
      for (int i = 0; i < path->length; i++)
        cr_assert_eq(b->time[row + i], i);
      row += path->length;
      of_stream[stream] += path->length;
    }
    cr_assert_eq(row, b->n);
    cr_assert_eq((int64_t)stats.episodes, b->npath);
    for (int i = 0; i < STREAMS; i++)
      cr_assert(of_stream[i] >= T && missing[i] > 0);
    length = total = 0;
    for (int64_t i = 0; i < b->n; i++)
      total += b->reward[i];
    length = (double)b->n / (double)b->npath;
    check_close(stats.length_mean, length, 1e-14);
    check_close(stats.return_mean, total / (double)b->npath, 1e-12);  // sums in another order
  }
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

Test(rollout, whole_episodes_up_to_the_time_limit_fill_the_capacity) {
  // a swimmer takes 1000 steps whatever it does: T = 1001 is one step more than an episode
  support_scene s;
  support_scene_open(&s, "swimmer-v4", 2);
  const tendril_rollout_options o = {
      .batch = 2002, .streams = 2, .episodes = TENDRIL_EPISODES_WHOLE};
  tendril_rollout *rollout = rollout_with(&o, &s, 3);
  tendril_rollout_stats stats;
  const tendril_batch *b = collect(rollout, s.policy, &stats);
  cr_assert_eq(b->n, 4000);
  cr_assert_eq(b->n, tnd_rollout_capacity(rollout));
  cr_assert_eq(b->npath, 4);
  for (int p = 0; p < 4; p++)
    cr_assert_eq(b->paths[p].end, TENDRIL_END_TRUNCATED);
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

Test(rollout, a_batch_too_short_for_a_whole_episode_is_refused_with_the_mend) {
  support_scene s;
  support_scene_open(&s, "hopper-v4", 1);
  tendril_rollout *rollout = NULL;
  tendril_error err = {{0}};
  tendril_rollout_options o = {.batch = 999, .streams = 1, .episodes = TENDRIL_EPISODES_WHOLE};
  cr_assert_eq(tendril_rollout_create(&o, s.model, s.pool, 1, &rollout, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "less than one whole episode of hopper-v4, 1000"), "%s", err.text);
  cr_assert_null(rollout);
  o.batch = 1000;
  tendril_rollout_destroy(rollout_with(&o, &s, 1));
  support_scene_close(&s);
}

static void check_goes_on(const tendril_rollout_options *o) {
  support_scene a, b;
  support_scene_open(&a, "hopper-v4", 2);
  support_scene_open(&b, "hopper-v4", 1);
  tendril_rollout *first = rollout_with(o, &a, 5), *second = rollout_with(o, &b, 5);
  tendril_rollout_stats stats;
  collect(first, a.policy, &stats);
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_rollout_save(first, tensors, check_err));
  check_ok(tnd_rollout_load(second, tensors, check_err));
  for (int k = 0; k < 2; k++)
    check_same_batch(collect(first, a.policy, &stats), collect(second, b.policy, &stats));
  tnd_tensors_destroy(tensors);
  tendril_rollout_destroy(first);
  tendril_rollout_destroy(second);
  support_scene_close(&a);
  support_scene_close(&b);
}

Test(rollout, a_saved_state_goes_on_bit_for_bit) {
  check_goes_on(&options);
  check_goes_on(&whole);
}

Test(rollout, rewards_are_those_of_the_environment_replayed) {
  support_scene s;
  support_scene_open(&s, "hopper-v4", 2);
  tendril_rollout *rollout = rollout_of(&s, 11);
  tendril_rollout_stats stats;
  const tendril_batch *b = collect(rollout, s.policy, &stats);
  tendril_env *env = NULL;
  check_ok(tendril_env_create(s.model, &env, check_err));
  // stream 2 by hand: its episodes in order
  uint32_t episode = 0;
  double obs[11];
  for (int64_t p = 0; p < b->npath; p++) {
    const tendril_path *path = &b->paths[p];
    if (path->stream != 2) continue;
    tendril_random random = tendril_random_stream(11, TENDRIL_PURPOSE_RESET, 2, episode++);
    check_ok(tendril_env_reset(env, &random, obs, check_err));
    for (int64_t i = path->first; i < path->first + path->length; i++) {
      check_same_bits(obs, b->obs + i * b->nobs, b->nobs);
      tendril_step step;
      check_ok(tendril_env_step(env, b->action + i * b->nact, obs, &step, check_err));
      cr_assert_eq(step.reward, b->reward[i]);
    }
    check_same_bits(obs, b->last_obs + p * b->nobs, b->nobs);
  }
  cr_assert_gt(episode, 3);
  tendril_env_destroy(env);
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

// The state of a rollout whose streams have taken `steps` steps.
static tnd_tensors *state_after(const tendril_rollout *rollout, int64_t steps) {
  enum { COUNTERS = 5, STEPS = 1 };
  tnd_tensors *now = NULL, *then = NULL;
  check_ok(tnd_tensors_create(&now, check_err));
  check_ok(tnd_tensors_create(&then, check_err));
  check_ok(tnd_rollout_save(rollout, now, check_err));
  const int64_t size = tnd_tensors_length(now, "rollout.snapshots") / STREAMS;
  double *snapshots = malloc(sizeof *snapshots * (size_t)(size * STREAMS)), returns[STREAMS];
  int64_t counters[STREAMS * COUNTERS];
  check_ok(tnd_tensors_get(now, "rollout.snapshots", STREAMS, size, snapshots, check_err));
  check_ok(tnd_tensors_get(now, "rollout.returns", STREAMS, 0, returns, check_err));
  check_ok(tnd_tensors_get_ints(now, "rollout.counters", STREAMS * COUNTERS, counters, check_err));
  for (int i = 0; i < STREAMS; i++)
    counters[i * COUNTERS + STEPS] = steps;
  check_ok(tnd_tensors_put(then, "rollout.snapshots", STREAMS, size, snapshots, check_err));
  check_ok(tnd_tensors_put(then, "rollout.returns", STREAMS, 0, returns, check_err));
  check_ok(tnd_tensors_put_ints(then, "rollout.counters", STREAMS * COUNTERS, counters, check_err));
  free(snapshots);
  tnd_tensors_destroy(now);
  return then;
}

Test(rollout, noise_does_not_come_again_after_2_to_the_32_steps) {
  support_scene s;
  support_scene_open(&s, "swimmer-v4", 1);
  tendril_rollout *rollout = rollout_of(&s, 3);
  tendril_rollout_stats stats;
  double first[STREAMS];
  const int64_t late = INT64_C(1) << 32;
  tnd_tensors *state = state_after(rollout, late);
  const tendril_batch *b = collect(rollout, s.policy, &stats);
  for (int i = 0; i < STREAMS; i++)
    first[i] = b->action[(int64_t)i * T * b->nact];
  check_ok(tnd_rollout_load(rollout, state, check_err));
  b = collect(rollout, s.policy, &stats);
  for (int i = 0; i < STREAMS; i++)
    for (int j = 0; j < STREAMS; j++)
      cr_assert_neq(b->action[(int64_t)i * T * b->nact], first[j]);
  tnd_tensors_destroy(state);
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

Test(rollout, counters_out_of_range_are_refused) {
  support_scene s;
  support_scene_open(&s, "swimmer-v4", 1);
  tendril_rollout *rollout = rollout_of(&s, 3);
  tnd_tensors *state = state_after(rollout, -1);
  tendril_error err = {{0}};
  cr_assert_eq(tnd_rollout_load(rollout, state, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "rollout.counters"), "%s", err.text);
  tnd_tensors_destroy(state);
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

Test(rollout, physics_seconds_are_cpu_seconds_on_a_busy_processor) {
  // two threads share one processor; while one simulates, the other's wall clock goes on
  cpu_set_t here;
  cr_assert_eq(sched_getaffinity(0, sizeof here, &here), 0);
  int processor = 0;
  while (!CPU_ISSET(processor, &here))
    processor++;
  CPU_ZERO(&here);
  CPU_SET(processor, &here);
  cr_assert_eq(sched_setaffinity(0, sizeof here, &here), 0);
  support_scene s;
  support_scene_open(&s, "hopper-v4", 2);
  // short streams: what is lost at their ends would show
  const tendril_rollout_options many = {.batch = 1024, .streams = 64};
  tendril_rollout *rollout = NULL;
  tendril_rollout_stats stats;
  check_ok(tendril_rollout_create(&many, s.model, s.pool, 3, &rollout, check_err));
  double physics = 0, cpu = tnd_clock_process();
  while (tnd_clock_process() - cpu < 0.5) {
    collect(rollout, s.policy, &stats);
    physics += stats.physics_seconds;
  }
  cpu = tnd_clock_process() - cpu;
  // some 0.98 of it; sanitizers and coverage slow the rest down
  cr_assert(physics > 0.7 * cpu && physics < cpu, "%g s in mj_step of %g s", physics, cpu);
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

// A task whose simulation is made to diverge now and then: the velocity is set to NaN behind the
// physics' back in every third episode.
static tendril_task broken;
static void reset_broken(const mjModel *m, mjData *d, double *state, tendril_random *random) {
  for (int i = 0; i < m->nq; i++)
    d->qpos[i] += tendril_random_uniform(random, -0.01, 0.01);
  state[0] = (double)tendril_random_below(random, 3);
}
static void before_broken(const mjModel *m, const mjData *d, double *state) {
  (void)m;
  // through the const: a fault that no honest task makes
  if (state[0] == 0 && d->time > 0.15) *(double *)&d->qvel[0] = (double)NAN;
}

static void check_diverged(const tendril_rollout_options *o) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 2);
  char path[600];
  check_ok(tendril_models_folder(path, 500, check_err));
  strcat(path, "/");
  broken = *tendril_model_task(s.model);
  strcat(path, broken.mjcf);
  broken.reset = reset_broken;
  broken.before = before_broken;
  broken.nstate = 1;
  tendril_model *model = NULL;
  check_ok(tendril_model_create(&broken, path, NULL, &model, check_err));
  tendril_rollout *rollout = NULL;
  check_ok(tendril_rollout_create(o, model, s.pool, 1, &rollout, check_err));
  tendril_rollout_stats stats;
  const tendril_batch *b = collect(rollout, s.policy, &stats);
  cr_assert_gt(stats.diverged, 5);
  int64_t row = 0, cut = 0;
  for (int64_t p = 0; p < b->npath; p++) {
    cr_assert_eq(b->paths[p].first, row);
    row += b->paths[p].length;
    cut += b->paths[p].end == TENDRIL_END_CUT;
  }
  cr_assert_eq(row, b->n);
  if (o->episodes == TENDRIL_EPISODES_WHOLE)
    cr_assert_eq(cut, (int64_t)stats.diverged);  // nothing else cuts a whole episode
  else
    cr_assert_eq(b->n, BATCH);
  for (int64_t i = 0; i < b->n * b->nobs; i++)
    cr_assert(isfinite(b->obs[i]));
  for (int64_t i = 0; i < b->n; i++)
    cr_assert_eq(b->reward[i], 1);  // every step of a pendulum that was really taken
  tendril_rollout_destroy(rollout);
  tendril_model_destroy(model);
  support_scene_close(&s);
}

Test(rollout, diverged_steps_leave_no_row_and_are_counted) {
  check_diverged(&options);
  check_diverged(&whole);
}

static void before_always(const mjModel *m, const mjData *d, double *state) {
  (void)m, (void)state;
  *(double *)&d->qvel[0] = (double)NAN;
}

Test(rollout, a_simulation_that_always_diverges_is_an_error_not_a_hang) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 2);
  char path[600];
  check_ok(tendril_models_folder(path, 500, check_err));
  strcat(path, "/");
  broken = *tendril_model_task(s.model);
  strcat(path, broken.mjcf);
  broken.before = before_always;
  tendril_model *model = NULL;
  check_ok(tendril_model_create(&broken, path, NULL, &model, check_err));
  tendril_rollout *rollout = NULL;
  check_ok(tendril_rollout_create(&options, model, s.pool, 1, &rollout, check_err));
  tendril_rollout_stats stats;
  const tendril_batch *b = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_rollout_collect(rollout, s.policy, &b, &stats, &err), TENDRIL_E_PHYSICS);
  cr_assert(strstr(err.text, "unstable"), "%s", err.text);
  tendril_rollout_destroy(rollout);
  tendril_model_destroy(model);
  support_scene_close(&s);
}

Test(rollout, a_batch_that_the_streams_do_not_divide_is_refused_with_the_mend) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  tendril_rollout *rollout = NULL;
  tendril_error err = {{0}};
  tendril_rollout_options odd = {.batch = 1000, .streams = 16};
  cr_assert_eq(tendril_rollout_create(&odd, s.model, s.pool, 1, &rollout, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "1008"), "%s", err.text);
  odd = (tendril_rollout_options){.batch = 0, .streams = 1};
  cr_assert_neq(tendril_rollout_create(&odd, s.model, s.pool, 1, &rollout, &err), TENDRIL_OK);
  cr_assert_null(rollout);
  support_scene_close(&s);
}

Test(rollout, any_policy_of_the_task_may_collect_and_no_other) {
  support_scene s, other;
  support_scene_open(&s, "hopper-v4", 2);
  support_scene_open(&other, "walker2d-v4", 1);
  tendril_policy_options wide = *tendril_policy_get_options(s.policy);
  wide.hidden = (tendril_sizes){.n = 1, .at = {600}};
  tendril_policy *policy = NULL;
  check_ok(tendril_policy_create(&wide, tendril_model_nobs(s.model), tendril_model_nact(s.model),
                                 tendril_model_max_steps(s.model), 1, &policy, check_err));
  tendril_rollout *rollout = rollout_of(&s, 1);
  tendril_rollout_stats stats;
  collect(rollout, s.policy, &stats);
  collect(rollout, policy, &stats);  // its scratch is larger
  collect(rollout, s.policy, &stats);
  const tendril_batch *batch = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tendril_rollout_collect(rollout, other.policy, &batch, &stats, &err),
               TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "17 observations"), "%s", err.text);
  tendril_rollout_destroy(rollout);
  tendril_policy_destroy(policy);
  support_scene_close(&s);
  support_scene_close(&other);
}

static tendril_status create_and_destroy(void *context, tendril_error *err) {
  const support_scene *s = context;
  tendril_rollout *rollout = NULL;
  tendril_rollout_options small = {.batch = 8, .streams = 2};
  tendril_status status = tendril_rollout_create(&small, s->model, s->pool, 1, &rollout, err);
  tendril_rollout_stats stats;
  const tendril_batch *batch;
  if (status == TENDRIL_OK)
    status = tendril_rollout_collect(rollout, s->policy, &batch, &stats, err);
  tendril_rollout_destroy(rollout);
  return status;
}

Test(rollout, every_failed_allocation_is_a_clean_error) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  cr_assert_gt(support_fail_each_alloc(create_and_destroy, &s), 3);
  support_scene_close(&s);
}

Test(rollout, collecting_allocates_nothing_after_the_first_batch) {
  support_scene s;
  support_scene_open(&s, "hopper-v4", 2);
  tendril_rollout *rollout = rollout_of(&s, 1);
  tendril_rollout_stats stats;
  collect(rollout, s.policy, &stats);
  long before = tnd_alloc_count();
  collect(rollout, s.policy, &stats);
  cr_assert_eq(tnd_alloc_count(), before);
  tendril_rollout_destroy(rollout);
  support_scene_close(&s);
}

// Experience in streams. A stream is an endless sequence of episodes with an environment of its
// own; a batch takes T = batch / streams steps from each, cuts what is unfinished and carries it on
// in the next batch. With whole episodes a batch takes at least T steps and goes on to the end of
// the episode; the next batch begins new ones. Streams are the pieces of work: a stream's noise and
// start states are keyed by its number and its own counters, so no result depends on which thread
// ran it, or when.
#include "rollout/rollout.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/pool.h"
#include "policy/policy.h"
#include "sim/sim.h"

#include <math.h>
#include <string.h>

#define MAX_DIVERGED 100  // first steps in a row that may diverge in one stream

#define X(...) TND_OPTION_ROW(tendril_rollout_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_ROLLOUT_OPTIONS(X)};
#undef X
const tnd_option_table tnd_rollout_options = TND_OPTION_TABLE(tendril_rollout_options, option_rows);

void tendril_rollout_defaults(tendril_rollout_options *options) {
  tnd_options_default(&tnd_rollout_options, options);
}

typedef struct stream {
  tendril_env *env;
  tendril_actor *actor;
  double *obs;     // [nobs] the current observation
  double *next;    // [nobs] the one after the step
  double *noise;   // [nact]
  double *before;  // [nq + nv] the state before the step, for the squares
  bool over;       // the next step starts an episode

  // counters, saved in checkpoints
  int64_t episodes;  // started
  int64_t steps;     // taken
  double total;      // return of the current episode so far
  int length;        // of the current episode so far
  int diverged_in_a_row;

  // results of the last collection
  int64_t n, npath;  // rows and paths
  int64_t ended;
  double return_sum, return_min, return_max, length_sum;
  double physics_seconds;
  int64_t diverged;
  tendril_status status;
  tendril_error err;
} stream;

struct tendril_rollout {
  tendril_rollout_options options;
  const tendril_model *model;
  tendril_pool *pool;
  uint64_t seed;
  int nstream;
  int nq, nv;       // of the model
  int64_t T;        // rows that a stream gives to a batch, with whole episodes at least
  int64_t most;     // rows that a stream can give; stream s collects into rows s*most ...
  stream *streams;  // [nstream]
  const tendril_policy *policy;
  tendril_batch batch;
  double *snapshots;            // [capacity][tendril_snapshot_size()] or NULL
  int nsnapshot;                // tendril_snapshot_size()
  tnd_reward_squares *squares;  // [capacity] or NULL
  tnd_arena arena, snapshot_arena, squares_arena;
};

int64_t tnd_rollout_capacity(const tendril_rollout *r) {
  return r->nstream * r->most;
}

static void layout(tendril_rollout *r, tnd_arena *arena) {
  size_t n = (size_t)tnd_rollout_capacity(r), nobs = (size_t)r->batch.nobs,
         nact = (size_t)r->batch.nact;
  r->streams = tnd_arena_take(arena, (size_t)r->nstream, sizeof *r->streams);
  r->batch.obs = tnd_arena_doubles(arena, n * nobs);
  r->batch.action = tnd_arena_doubles(arena, n * nact);
  r->batch.reward = tnd_arena_doubles(arena, n);
  r->batch.time = tnd_arena_ints(arena, n);
  // a path has at least one row, so stream s has room from path s*most on while it collects
  r->batch.paths = tnd_arena_take(arena, n, sizeof *r->batch.paths);
  r->batch.last_obs = tnd_arena_doubles(arena, n * nobs);
  for (int s = 0; s < r->nstream; s++) {
    double *obs = tnd_arena_doubles(arena, nobs);
    double *next = tnd_arena_doubles(arena, nobs);
    double *noise = tnd_arena_doubles(arena, nact);
    if (!arena->base) continue;
    r->streams[s].obs = obs;
    r->streams[s].next = next;
    r->streams[s].noise = noise;
    r->streams[s].over = true;
  }
}

static tendril_status check(const tendril_rollout_options *options, const tendril_model *model,
                            tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(&tnd_rollout_options, options, "rollout", err));
  if (options->batch % options->streams) {
    int64_t up = (options->batch / options->streams + 1) * options->streams;
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "rollout.batch: %lld is no multiple of rollout.streams, %lld; use %lld",
                    (long long)options->batch, (long long)options->streams, (long long)up);
  }
  const int episode = tendril_model_max_steps(model);
  if (options->episodes == TENDRIL_EPISODES_WHOLE && options->batch < episode)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "rollout.batch: %lld steps are less than one whole episode of %s, %d; use at "
                    "least that, or rollout.episodes=carried",
                    (long long)options->batch, tendril_model_task(model)->name, episode);
  return TENDRIL_OK;
}

tendril_status tendril_rollout_create(const tendril_rollout_options *options,
                                      const tendril_model *model, tendril_pool *pool, uint64_t seed,
                                      tendril_rollout **out, tendril_error *err) {
  TENDRIL_TRY(check(options, model, err));
  tendril_rollout *r = tnd_alloc(sizeof *r);
  if (!r) return tnd_fail_memory(err);
  r->options = *options;
  r->model = model;
  r->pool = pool;
  r->seed = seed;
  r->nstream = (int)options->streams;
  r->T = r->most = options->batch / options->streams;
  // the last episode may begin when one row is missing
  if (options->episodes == TENDRIL_EPISODES_WHOLE) r->most += tendril_model_max_steps(model) - 1;
  r->batch.nobs = tendril_model_nobs(model);
  r->batch.nact = tendril_model_nact(model);
  r->nsnapshot = tendril_snapshot_size(model);
  r->nq = (int)tendril_model_mujoco(model)->nq;
  r->nv = (int)tendril_model_mujoco(model)->nv;
  layout(r, &r->arena);
  tendril_status status = tnd_arena_alloc(&r->arena, err);
  if (status == TENDRIL_OK) layout(r, &r->arena);
  for (int s = 0; s < r->nstream && status == TENDRIL_OK; s++)
    status = tendril_env_create(model, &r->streams[s].env, err);
  if (status != TENDRIL_OK) {
    tendril_rollout_destroy(r);
    return status;
  }
  *out = r;
  return TENDRIL_OK;
}

void tendril_rollout_destroy(tendril_rollout *r) {
  if (!r) return;
  for (int s = 0; r->arena.base && s < r->nstream; s++) {
    tendril_env_destroy(r->streams[s].env);
    tendril_actor_destroy(r->streams[s].actor);
  }
  tnd_arena_free(&r->squares_arena);
  tnd_arena_free(&r->snapshot_arena);
  tnd_arena_free(&r->arena);
  tnd_free(r);
}

static void snapshot_layout(tendril_rollout *r) {
  r->snapshots =
      tnd_arena_doubles(&r->snapshot_arena, (size_t)tnd_rollout_capacity(r) * (size_t)r->nsnapshot);
}

tendril_status tnd_rollout_keep_snapshots(tendril_rollout *r, tendril_error *err) {
  snapshot_layout(r);
  TENDRIL_TRY(tnd_arena_alloc(&r->snapshot_arena, err));
  snapshot_layout(r);
  return TENDRIL_OK;
}

const double *tnd_rollout_snapshots(const tendril_rollout *r) {
  return r->snapshots;
}

static void squares_layout(tendril_rollout *r) {
  tnd_arena *arena = &r->squares_arena;
  r->squares = tnd_arena_take(arena, (size_t)tnd_rollout_capacity(r), sizeof *r->squares);
  const size_t nx = (size_t)r->nq + (size_t)r->nv;
  double *before = tnd_arena_doubles(arena, (size_t)r->nstream * nx);
  for (int s = 0; arena->base && s < r->nstream; s++)
    r->streams[s].before = before + (size_t)s * nx;
}

tendril_status tnd_rollout_keep_squares(tendril_rollout *r, tendril_error *err) {
  squares_layout(r);
  TENDRIL_TRY(tnd_arena_alloc(&r->squares_arena, err));
  squares_layout(r);
  return TENDRIL_OK;
}

const tnd_reward_squares *tnd_rollout_squares(const tendril_rollout *r) {
  return r->squares;
}

// The state in which a step begins, and what the step would earn at any time.
static void note_state(const tendril_rollout *r, stream *s) {
  const mjData *d = tendril_env_data(s->env);
  memcpy(s->before, d->qpos, sizeof *s->before * (size_t)r->nq);
  memcpy(s->before + r->nq, d->qvel, sizeof *s->before * (size_t)r->nv);
}

static void square(const tendril_rollout *r, const stream *s, const double *action, int64_t row) {
  const mjData *d = tendril_env_data(s->env);
  tnd_reward_square(r->model, tendril_env_ground(s->env), s->before, s->before + r->nq, action,
                    d->qpos, d->qvel, &r->squares[row]);
}

// Ends the path that covers rows first .. first+length-1, followed by the observation `last`.
static void close_path(tendril_rollout *r, int index, int64_t first, int length, tendril_end end,
                       const double *last) {
  stream *s = &r->streams[index];
  if (length == 0) return;
  int64_t slot = index * r->most + s->npath++;
  r->batch.paths[slot] = (tendril_path){first, length, index, end};
  memcpy(r->batch.last_obs + slot * r->batch.nobs, last, sizeof *last * (size_t)r->batch.nobs);
}

static void count_episode(stream *s) {
  s->return_sum += s->total;
  s->length_sum += s->length;
  if (s->ended == 0 || s->total < s->return_min) s->return_min = s->total;
  if (s->ended == 0 || s->total > s->return_max) s->return_max = s->total;
  s->ended++;
}

// The random stream of a stream's k-th episode or step. There are at most 2^16 streams, so the
// upper half of the word that holds the stream takes what k has above 32 bits.
static tendril_random random_of(const tendril_rollout *r, tendril_purpose purpose, int index,
                                int64_t k) {
  const uint32_t a = (uint32_t)index | (uint32_t)(k >> 32) << 16;
  return tendril_random_stream(r->seed, purpose, a, (uint32_t)k);
}

static tendril_status start_episode(tendril_rollout *r, int index) {
  stream *s = &r->streams[index];
  tendril_random random = random_of(r, TENDRIL_PURPOSE_RESET, index, s->episodes++);
  s->total = 0;
  s->length = 0;
  s->over = false;
  return tendril_env_reset(s->env, &random, s->obs, &s->err);
}

// The rows of one stream: T, or with whole episodes as many more as the last of them takes.
static tendril_status collect(tendril_rollout *r, int index) {
  stream *s = &r->streams[index];
  const tendril_batch *b = &r->batch;
  const size_t nobs = (size_t)b->nobs;
  const bool whole = r->options.episodes == TENDRIL_EPISODES_WHOLE;
  const int64_t begin = index * r->most, end = begin + r->T;
  if (whole) s->over = true;
  int64_t row = begin, first = begin;  // of the current path
  while (row < end || (whole && !s->over)) {
    if (s->over) {
      TENDRIL_TRY(start_episode(r, index));
      first = row;
    }
    // a ~ pi(.|o), noise keyed by the stream and its step
    double *action = b->action + row * b->nact;
    tendril_random random = random_of(r, TENDRIL_PURPOSE_ACTION, index, s->steps++);
    tendril_random_normals(&random, b->nact, s->noise);
    tendril_policy_act(r->policy, s->actor, s->length, s->obs, s->noise, action);

    if (r->snapshots) tendril_env_save(s->env, r->snapshots + row * r->nsnapshot);
    if (r->squares) note_state(r, s);
    tendril_step step;
    TENDRIL_TRY(tendril_env_step(s->env, action, s->next, &step, &s->err));
    if (step.diverged) {
      // the step is void: its row is used again, the path ends with the last good observation
      close_path(r, index, first, (int)(row - first), TENDRIL_END_CUT, s->obs);
      s->over = true;
      s->diverged++;
      if (++s->diverged_in_a_row > MAX_DIVERGED)
        return tnd_fail(&s->err, TENDRIL_E_PHYSICS,
                        "%s: %d episodes in a row became unstable; use a shorter time step or "
                        "smaller actions",
                        tendril_model_task(r->model)->name, MAX_DIVERGED);
      continue;
    }
    s->diverged_in_a_row = 0;
    if (r->squares) square(r, s, action, row);
    memcpy(b->obs + row * b->nobs, s->obs, sizeof(double) * nobs);
    b->reward[row] = step.reward;
    b->time[row] = s->length++;
    s->total += step.reward;
    row++;

    if (step.terminated || step.truncated) {
      tendril_end why = step.terminated ? TENDRIL_END_TERMINATED : TENDRIL_END_TRUNCATED;
      close_path(r, index, first, (int)(row - first), why, s->next);
      count_episode(s);
      s->over = true;
    }
    memcpy(s->obs, s->next, sizeof(double) * nobs);
  }
  if (!s->over) close_path(r, index, first, (int)(row - first), TENDRIL_END_CUT, s->obs);
  s->n = row - begin;
  return TENDRIL_OK;
}

// Other programs and threads stop the wall clock of mj_step and of the rest alike; the thread's own
// clock, too dear to be read at every step, says for how much of the time. Reading it is when the
// kernel likes to change threads, so that happens outside the wall time that is measured.
tnd_physics_clock tnd_physics_clock_start(const tendril_env *env) {
  tnd_physics_clock clock = {.physics = tendril_env_get_stats(env)->physics_seconds};
  clock.cpu = tnd_clock_thread();
  clock.wall = tnd_clock_wall();
  return clock;
}

double tnd_physics_clock_stop(const tnd_physics_clock *clock, const tendril_env *env) {
  const double wall = tnd_clock_wall() - clock->wall;
  const double running = (tnd_clock_thread() - clock->cpu) / wall;
  return (tendril_env_get_stats(env)->physics_seconds - clock->physics) * fmin(running, 1);
}

static void collect_stream(void *context, int piece, int worker) {
  (void)worker;
  tendril_rollout *r = context;
  stream *s = &r->streams[piece];
  s->npath = 0;
  s->ended = 0;
  s->return_sum = s->length_sum = 0;
  s->diverged = 0;
  const tnd_physics_clock clock = tnd_physics_clock_start(s->env);
  s->status = collect(r, piece);
  s->physics_seconds = tnd_physics_clock_stop(&clock, s->env);
}

// Statistics over streams, in their order.
static void add_up(const tendril_rollout *r, tendril_rollout_stats *stats) {
  double sum = 0, length = 0;
  *stats = (tendril_rollout_stats){.return_min = NAN, .return_max = NAN};
  for (int i = 0; i < r->nstream; i++) {
    const stream *s = &r->streams[i];
    stats->diverged += (double)s->diverged;
    stats->physics_seconds += s->physics_seconds;
    if (!s->ended) continue;
    stats->episodes += (double)s->ended;
    sum += s->return_sum;
    length += s->length_sum;
    stats->return_min = fmin(stats->return_min, s->return_min);
    stats->return_max = fmax(stats->return_max, s->return_max);
  }
  stats->return_mean = stats->episodes > 0 ? sum / stats->episodes : (double)NAN;
  stats->length_mean = stats->episodes > 0 ? length / stats->episodes : (double)NAN;
}

// Moves the rows and paths of all streams together, stream after stream.
static void gather(tendril_rollout *r) {
  tendril_batch *b = &r->batch;
  const size_t nobs = (size_t)b->nobs, nact = (size_t)b->nact;
  b->n = b->npath = 0;
  for (int i = 0; i < r->nstream; i++) {
    const int64_t from = i * r->most, by = from - b->n;
    const size_t n = (size_t)r->streams[i].n, npath = (size_t)r->streams[i].npath;
    memmove(b->paths + b->npath, b->paths + from, sizeof *b->paths * npath);
    memmove(b->last_obs + b->npath * b->nobs, b->last_obs + from * b->nobs,
            sizeof(double) * nobs * npath);
    if (by > 0) {
      memmove(b->obs + b->n * b->nobs, b->obs + from * b->nobs, sizeof(double) * nobs * n);
      memmove(b->action + b->n * b->nact, b->action + from * b->nact, sizeof(double) * nact * n);
      memmove(b->reward + b->n, b->reward + from, sizeof(double) * n);
      memmove(b->time + b->n, b->time + from, sizeof(int) * n);
      if (r->snapshots)
        memmove(r->snapshots + b->n * r->nsnapshot, r->snapshots + from * r->nsnapshot,
                sizeof(double) * (size_t)r->nsnapshot * n);
      if (r->squares) memmove(r->squares + b->n, r->squares + from, sizeof *r->squares * n);
      for (size_t p = 0; p < npath; p++)
        b->paths[b->npath + (int64_t)p].first -= by;
    }
    b->n += (int64_t)n;
    b->npath += (int64_t)npath;
  }
}

tendril_status tendril_rollout_collect(tendril_rollout *r, const tendril_policy *policy,
                                       const tendril_batch **batch, tendril_rollout_stats *stats,
                                       tendril_error *err) {
  TENDRIL_TRY(tnd_policy_check(policy, r->batch.nobs, r->batch.nact, err));
  for (int i = 0; i < r->nstream; i++) {
    tendril_actor **actor = &r->streams[i].actor;
    if (*actor && tnd_actor_fits(*actor, policy)) continue;
    tendril_actor_destroy(*actor);
    *actor = NULL;
    TENDRIL_TRY(tendril_actor_create(policy, actor, err));
  }
  r->policy = policy;
  tnd_pool_run(r->pool, r->nstream, collect_stream, r);
  for (int i = 0; i < r->nstream; i++) {
    const stream *s = &r->streams[i];
    if (s->status != TENDRIL_OK)
      return tnd_fail(err, s->status, "stream %d: %.480s", i, s->err.text);
  }
  gather(r);
  add_up(r, stats);
  *batch = &r->batch;
  return TENDRIL_OK;
}

// ---------------------------------------------------------------------------------- checkpoints

enum { EPISODES, STEPS, OVER, LENGTH, DIVERGED, NCOUNTER };

// Scratch for all streams' state; one block for the three arrays.
typedef struct stream_state {
  double *snapshots, *totals;
  int64_t *counters;
  tnd_arena arena;
} stream_state;

static void state_layout(const tendril_rollout *r, stream_state *state) {
  size_t n = (size_t)r->nstream;
  state->snapshots = tnd_arena_doubles(&state->arena, n * (size_t)tendril_snapshot_size(r->model));
  state->totals = tnd_arena_doubles(&state->arena, n);
  state->counters = tnd_arena_take(&state->arena, n * NCOUNTER, sizeof *state->counters);
}

static tendril_status state_create(const tendril_rollout *r, stream_state *state,
                                   tendril_error *err) {
  state_layout(r, state);
  TENDRIL_TRY(tnd_arena_alloc(&state->arena, err));
  state_layout(r, state);
  return TENDRIL_OK;
}

static tendril_status save_streams(const tendril_rollout *r, stream_state *state,
                                   tnd_tensors *tensors, tendril_error *err) {
  const int size = tendril_snapshot_size(r->model);
  for (int i = 0; i < r->nstream; i++) {
    const stream *s = &r->streams[i];
    int64_t *c = state->counters + (size_t)i * NCOUNTER;
    tendril_env_save(s->env, state->snapshots + (size_t)i * (size_t)size);
    state->totals[i] = s->total;
    c[EPISODES] = s->episodes;
    c[STEPS] = s->steps;
    c[OVER] = s->over;
    c[LENGTH] = s->length;
    c[DIVERGED] = s->diverged_in_a_row;
  }
  const int64_t n = r->nstream;
  TENDRIL_TRY(tnd_tensors_put(tensors, "rollout.snapshots", n, size, state->snapshots, err));
  TENDRIL_TRY(tnd_tensors_put(tensors, "rollout.returns", n, 0, state->totals, err));
  return tnd_tensors_put_ints(tensors, "rollout.counters", n * NCOUNTER, state->counters, err);
}

static tendril_status load_streams(tendril_rollout *r, stream_state *state,
                                   const tnd_tensors *tensors, tendril_error *err) {
  const int size = tendril_snapshot_size(r->model);
  const int64_t n = r->nstream;
  TENDRIL_TRY(tnd_tensors_get(tensors, "rollout.snapshots", n, size, state->snapshots, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "rollout.returns", n, 0, state->totals, err));
  TENDRIL_TRY(
      tnd_tensors_get_ints(tensors, "rollout.counters", n * NCOUNTER, state->counters, err));
  const int64_t most[NCOUNTER] = {TND_WHOLE_MAX, TND_WHOLE_MAX, 1, INT32_MAX / 2, MAX_DIVERGED};
  for (int64_t i = 0; i < n * NCOUNTER; i++)
    if (state->counters[i] < 0 || state->counters[i] > most[i % NCOUNTER])
      return tnd_tensors_refuse(tensors, "rollout.counters", "out of range", err);
  for (int64_t i = 0; i < n; i++)
    if (!tnd_snapshot_is_good(r->model, state->snapshots + i * size))
      return tnd_tensors_refuse(tensors, "rollout.snapshots", "out of range", err);
  for (int i = 0; i < r->nstream; i++) {
    stream *s = &r->streams[i];
    const int64_t *c = state->counters + (size_t)i * NCOUNTER;
    tendril_env_restore(s->env, state->snapshots + (size_t)i * (size_t)size, s->obs);
    s->total = state->totals[i];
    s->episodes = c[EPISODES];
    s->steps = c[STEPS];
    s->over = c[OVER] != 0;
    s->length = (int)c[LENGTH];
    s->diverged_in_a_row = (int)c[DIVERGED];
  }
  return TENDRIL_OK;
}

tendril_status tnd_rollout_save(const tendril_rollout *r, tnd_tensors *tensors,
                                tendril_error *err) {
  stream_state state = {0};
  tendril_status status = state_create(r, &state, err);
  if (status == TENDRIL_OK) status = save_streams(r, &state, tensors, err);
  tnd_arena_free(&state.arena);
  return status;
}

tendril_status tnd_rollout_load(tendril_rollout *r, const tnd_tensors *tensors,
                                tendril_error *err) {
  stream_state state = {0};
  tendril_status status = state_create(r, &state, err);
  if (status == TENDRIL_OK) status = load_streams(r, &state, tensors, err);
  tnd_arena_free(&state.arena);
  return status;
}

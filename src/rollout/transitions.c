#include "rollout/transitions.h"

#include <limits.h>
#include <string.h>

// Of a row in a checkpoint: s, a, next, reward, terminated, and the squares.
enum { SQUARES = sizeof(tnd_reward_squares) / sizeof(double) };

static void layout(tnd_transitions *x, tnd_arena *arena) {
  const size_t rows = (size_t)x->kept * (size_t)x->most;
  const size_t ns = (size_t)x->ns, na = (size_t)x->na;
  x->s = tnd_arena_doubles(arena, rows * ns);
  x->a = tnd_arena_doubles(arena, rows * na);
  x->next = tnd_arena_doubles(arena, rows * ns);
  x->time = tnd_arena_ints(arena, rows);
  x->terminated = tnd_arena_take(arena, rows, sizeof *x->terminated);
  x->reward = tnd_arena_doubles(arena, rows);
  if (tnd_reward_depends_on_time(tendril_model_task(x->model)))
    x->squares = tnd_arena_take(arena, rows, sizeof *x->squares);
  x->count = tnd_arena_ints(arena, (size_t)x->kept);
}

static void forget(tnd_transitions *x, int slot) {
  for (int i = 0; i < x->most; i++)
    x->time[(ptrdiff_t)slot * x->most + i] = -1;
  x->count[slot] = 0;
}

void tnd_transitions_reset(tnd_transitions *x) {
  for (int slot = 0; slot < x->kept; slot++)
    forget(x, slot);
  x->newest = -1;
  x->filled = 0;
}

tendril_status tnd_transitions_create(const tendril_model *model, tendril_rollout *rollout,
                                      int kept, tnd_transitions *out, tendril_error *err) {
  const int64_t most = tnd_rollout_capacity(rollout);
  tnd_transitions x = {.model = model,
                       .ns = tendril_model_nobs(model),
                       .na = tendril_model_nact(model),
                       .kept = kept,
                       .most = (int)most};
  if (most * kept > INT_MAX)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "learner.keep: %d iterations of %lld steps are too many to keep", kept,
                    (long long)most);
  if (tnd_reward_depends_on_time(tendril_model_task(model)))
    TENDRIL_TRY(tnd_rollout_keep_squares(rollout, err));
  layout(&x, &x.arena);
  TENDRIL_TRY(tnd_arena_alloc(&x.arena, err));
  layout(&x, &x.arena);
  tnd_transitions_reset(&x);
  *out = x;
  return TENDRIL_OK;
}

void tnd_transitions_destroy(tnd_transitions *x) {
  tnd_arena_free(&x->arena);
}

void tnd_transitions_add(tnd_transitions *x, const tendril_rollout *rollout,
                         const tendril_batch *b) {
  const size_t ns = (size_t)x->ns, n = (size_t)b->n;
  x->newest = (x->newest + 1) % x->kept;
  if (x->filled < x->kept) x->filled++;
  forget(x, x->newest);
  const int64_t first = (int64_t)x->newest * x->most;
  memcpy(x->s + first * x->ns, b->obs, sizeof *x->s * n * ns);
  memcpy(x->a + first * x->na, b->action, sizeof *x->a * n * (size_t)x->na);
  memcpy(x->time + first, b->time, sizeof *x->time * n);
  memcpy(x->reward + first, b->reward, sizeof *x->reward * n);
  if (x->squares) memcpy(x->squares + first, tnd_rollout_squares(rollout), sizeof *x->squares * n);
  x->count[x->newest] = (int)n;
  for (int64_t p = 0; p < b->npath; p++) {
    const tendril_path *path = &b->paths[p];
    const int64_t row = first + path->first;
    // a row is followed by the next one's observation, the last one by last_obs
    memcpy(x->next + row * x->ns, b->obs + (path->first + 1) * x->ns,
           sizeof *x->next * (size_t)(path->length - 1) * ns);
    memcpy(x->next + (row + path->length - 1) * x->ns, b->last_obs + p * x->ns,
           sizeof *x->next * ns);
    for (int i = 0; i < path->length; i++)
      x->terminated[row + i] = i == path->length - 1 && path->end == TENDRIL_END_TERMINATED;
  }
}

int tnd_transitions_slot(const tnd_transitions *x, int age) {
  return (x->newest + x->kept - age) % x->kept;
}

double tnd_transitions_reward(const tnd_transitions *x, int t, int64_t row) {
  return x->squares ? tnd_reward_of_squares(x->model, t, &x->squares[row], NULL) : x->reward[row];
}

// ------------------------------------------------------------------------------------ checkpoints

// One row as doubles.
static int width(const tnd_transitions *x) {
  return 2 * x->ns + x->na + 3 + (x->squares ? SQUARES : 0);
}

static void pack(const tnd_transitions *x, int64_t row, double *out) {
  const size_t ns = (size_t)x->ns, na = (size_t)x->na;
  memcpy(out, x->s + row * x->ns, sizeof *out * ns);
  memcpy(out += ns, x->a + row * x->na, sizeof *out * na);
  memcpy(out += na, x->next + row * x->ns, sizeof *out * ns);
  out += ns;
  *out++ = x->time[row];
  *out++ = x->terminated[row];
  *out++ = x->reward[row];
  if (x->squares) memcpy(out, &x->squares[row], sizeof x->squares[row]);
}

// False if a number is out of range.
static bool unpack(tnd_transitions *x, int64_t row, const double *in) {
  const size_t ns = (size_t)x->ns, na = (size_t)x->na;
  memcpy(x->s + row * x->ns, in, sizeof *in * ns);
  memcpy(x->a + row * x->na, in += ns, sizeof *in * na);
  memcpy(x->next + row * x->ns, in += na, sizeof *in * ns);
  in += ns;
  const double time = *in++, terminated = *in++;
  x->reward[row] = *in++;
  if (x->squares) memcpy(&x->squares[row], in, sizeof x->squares[row]);
  if (!(time >= -1 && time < tendril_model_max_steps(x->model)) || time != (int)time) return false;
  if (terminated != 0 && terminated != 1) return false;
  x->time[row] = (int)time;
  x->terminated[row] = terminated == 1;
  return true;
}

tendril_status tnd_transitions_save(const tnd_transitions *x, tnd_tensors *tensors,
                                    tendril_error *err) {
  const int w = width(x);
  int64_t total = 0, counts[3] = {x->newest, x->filled, 0};
  for (int age = 0; age < x->filled; age++)
    total += x->count[tnd_transitions_slot(x, age)];
  counts[2] = total;
  TENDRIL_TRY(tnd_tensors_put_ints(tensors, "transitions.counts", 3, counts, err));
  if (total == 0) return TENDRIL_OK;
  double *rows = tnd_alloc(sizeof *rows * (size_t)total * (size_t)w);
  int64_t *count = tnd_alloc(sizeof *count * (size_t)x->kept);
  tendril_status status = rows && count ? TENDRIL_OK : tnd_fail_memory(err);
  int64_t n = 0;
  for (int slot = 0; status == TENDRIL_OK && slot < x->kept; slot++) {
    count[slot] = x->count[slot];
    for (int i = 0; i < x->count[slot]; i++)
      pack(x, (int64_t)slot * x->most + i, rows + n++ * w);
  }
  if (status == TENDRIL_OK)
    status = tnd_tensors_put_ints(tensors, "transitions.count", x->kept, count, err);
  if (status == TENDRIL_OK)
    status = tnd_tensors_put(tensors, "transitions.rows", total, w, rows, err);
  tnd_free(count);
  tnd_free(rows);
  return status;
}

// Slots are filled in turn, and begun again when all are.
static bool is_turn(const tnd_transitions *x, int64_t newest, int64_t filled) {
  if (filled < 0 || filled > x->kept) return false;
  return filled < x->kept ? newest == filled - 1 : newest >= 0 && newest < x->kept;
}

// counts, count [kept] and rows [total][w] as saved, checked and taken over.
static tendril_status take(tnd_transitions *x, const tnd_tensors *tensors, const int64_t *counts,
                           const int64_t *count, const double *rows, tendril_error *err) {
  const int w = width(x);
  int64_t n = 0;
  for (int slot = 0; slot < x->kept; slot++) {
    if (count[slot] < (slot < counts[1]) || count[slot] > (slot < counts[1] ? x->most : 0) ||
        count[slot] > counts[2] - n)
      return tnd_tensors_refuse(tensors, "transitions.count", "out of range", err);
    for (int64_t i = 0; i < count[slot]; i++)
      if (!unpack(x, (int64_t)slot * x->most + i, rows + n++ * w))
        return tnd_tensors_refuse(tensors, "transitions.rows", "out of range", err);
    x->count[slot] = (int)count[slot];
  }
  if (n != counts[2]) return tnd_tensors_refuse(tensors, "transitions.count", "too few", err);
  x->newest = (int)counts[0];
  x->filled = (int)counts[1];
  return TENDRIL_OK;
}

tendril_status tnd_transitions_load(tnd_transitions *x, const tnd_tensors *tensors,
                                    tendril_error *err) {
  const int w = width(x);
  int64_t counts[3];
  TENDRIL_TRY(tnd_tensors_get_ints(tensors, "transitions.counts", 3, counts, err));
  if (!is_turn(x, counts[0], counts[1]) || counts[2] < counts[1] || counts[2] > counts[1] * x->most)
    return tnd_tensors_refuse(tensors, "transitions.counts", "out of range", err);
  tnd_transitions_reset(x);
  if (counts[2] == 0) return TENDRIL_OK;
  double *rows = tnd_alloc(sizeof *rows * (size_t)counts[2] * (size_t)w);
  int64_t *count = tnd_alloc(sizeof *count * (size_t)x->kept);
  tendril_status status = rows && count ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK)
    status = tnd_tensors_get_ints(tensors, "transitions.count", x->kept, count, err);
  if (status == TENDRIL_OK)
    status = tnd_tensors_get(tensors, "transitions.rows", counts[2], w, rows, err);
  if (status == TENDRIL_OK) {
    status = take(x, tensors, counts, count, rows, err);
    if (status != TENDRIL_OK) tnd_transitions_reset(x);
  }
  tnd_free(count);
  tnd_free(rows);
  return status;
}

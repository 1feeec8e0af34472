// Episodes as CSV. One list of columns is what the header, the writer and the reader go by.
#include "view/trace_csv.h"

#include "base/file.h"
#include "base/number.h"
#include "sim/sim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 128, CELL_SHOWN = 40 };
static const size_t file_limit = (size_t)1 << 30;

// ------------------------------------------------------------------------------------- columns

typedef enum kind {
  EPISODE,
  STEP,
  TIME,
  QPOS,
  QVEL,
  ACT,
  // from here on of the step that begins in the row's state: empty in an episode's last row
  ACTION,
  REWARD,
  TERM,
  TERMINATED,
  TRUNCATED,
  DIVERGED,
  // and of the state again
  PUSH,
  NKIND,
} kind;

typedef struct column {
  kind kind;
  int index;  // among those of its kind
} column;

static bool is_of_step(kind k) {
  return k >= ACTION && k <= DIVERGED;
}

static int count_of(const tendril_model *model, kind k, int pushes) {
  const mjModel *m = model->mujoco;
  switch (k) {
  case QPOS:
    return (int)m->nq;
  case QVEL:
    return (int)m->nv;
  case ACT:
    return (int)m->na;
  case ACTION:
    return (int)m->nu;
  case TERM:
    return model->task->nterm;
  case PUSH:
    return 4 * pushes;
  default:
    return 1;
  }
}

// The i-th column; false behind the last.
static bool column_at(const tendril_model *model, int pushes, int i, column *out) {
  for (kind k = EPISODE; k < NKIND; k++) {
    const int n = count_of(model, k, pushes);
    if (i < n) {
      *out = (column){k, i};
      return true;
    }
    i -= n;
  }
  return false;
}

static int count_columns(const tendril_model *model, int pushes) {
  int n = 0;
  for (kind k = EPISODE; k < NKIND; k++)
    n += count_of(model, k, pushes);
  return n;
}

// ---------------------------------------------------------------------------------------- names

// A name that needs no quotes in a table.
static bool is_plain(const char *name) {
  if (!name || !*name || strlen(name) > 64) return false;
  for (const char *c = name; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == ',' || *c == '"') return false;
  return true;
}

// "qpos.NAME", "qpos.NAME.2" for one of several, "qpos.5" where there is no name to use.
static void print_name(const char *prefix, const char *name, int part, int parts, int index,
                       char out[NAME_MAX_LENGTH]) {
  if (!is_plain(name))
    snprintf(out, NAME_MAX_LENGTH, "%s.%d", prefix, index);
  else if (parts == 1)
    snprintf(out, NAME_MAX_LENGTH, "%s.%s", prefix, name);
  else
    snprintf(out, NAME_MAX_LENGTH, "%s.%s.%d", prefix, name, part);
}

// Of the joint that the number `index` of qpos (or of qvel) belongs to.
static void print_joint(const mjModel *m, bool position, int index, char out[NAME_MAX_LENGTH]) {
  static const int positions[] = {
      [mjJNT_FREE] = 7, [mjJNT_BALL] = 4, [mjJNT_SLIDE] = 1, [mjJNT_HINGE] = 1};
  static const int velocities[] = {
      [mjJNT_FREE] = 6, [mjJNT_BALL] = 3, [mjJNT_SLIDE] = 1, [mjJNT_HINGE] = 1};
  const int *address = position ? m->jnt_qposadr : m->jnt_dofadr;
  int j = 0;
  while (j + 1 < (int)m->njnt && address[j + 1] <= index)
    j++;
  const int parts = (position ? positions : velocities)[m->jnt_type[j]];
  print_name(position ? "qpos" : "qvel", mj_id2name(m, mjOBJ_JOINT, j), index - address[j], parts,
             index, out);
}

// Of the actuator that the activation `index` belongs to.
static void print_activation(const mjModel *m, int index, char out[NAME_MAX_LENGTH]) {
#if mjVERSION_HEADER >= 230
  int i = 0;
  while (i + 1 < (int)m->nu &&
         (m->actuator_actadr[i] < 0 || m->actuator_actadr[i] + m->actuator_actnum[i] <= index))
    i++;
  print_name("act", mj_id2name(m, mjOBJ_ACTUATOR, i), index - m->actuator_actadr[i],
             m->actuator_actnum[i], index, out);
#else
  // the last na actuators have one each
  const int i = (int)(m->nu - m->na) + index;
  print_name("act", mj_id2name(m, mjOBJ_ACTUATOR, i), 0, 1, index, out);
#endif
}

static void print_column(const tendril_model *model, column c, char out[NAME_MAX_LENGTH]) {
  static const char *const plain[NKIND] = {[EPISODE] = "episode",
                                           [STEP] = "step",
                                           [TIME] = "time",
                                           [REWARD] = "reward",
                                           [TERMINATED] = "terminated",
                                           [TRUNCATED] = "truncated",
                                           [DIVERGED] = "diverged"};
  const mjModel *m = model->mujoco;
  switch (c.kind) {
  case QPOS:
  case QVEL:
    print_joint(m, c.kind == QPOS, c.index, out);
    break;
  case ACT:
    print_activation(m, c.index, out);
    break;
  case ACTION:
    print_name("action", mj_id2name(m, mjOBJ_ACTUATOR, c.index), 0, 1, c.index, out);
    break;
  case TERM:
    print_name("reward", model->task->terms[c.index], 0, 1, c.index, out);
    break;
  case PUSH:
    snprintf(out, NAME_MAX_LENGTH, "push%d.%s", c.index / 4,
             (const char *[]){"body", "x", "y", "z"}[c.index % 4]);
    break;
  default:
    snprintf(out, NAME_MAX_LENGTH, "%s", plain[c.kind]);
  }
}

// --------------------------------------------------------------------------------------- writing

void tnd_trace_csv_header(const tendril_model *model, int pushes, tnd_buffer *out) {
  column c;
  for (int i = 0; column_at(model, pushes, i, &c); i++) {
    char name[NAME_MAX_LENGTH];
    print_column(model, c, name);
    if (i) tnd_buffer_text(out, ",");
    tnd_buffer_text(out, name);
  }
  tnd_buffer_text(out, "\n");
}

// What a row is made of.
typedef struct row {
  int episode, time;
  const tendril_env *env;  // at the row's state
  const double *action;    // NULL in an episode's last row
  const tendril_step *step;
  int nforce;
  tendril_force forces[TENDRIL_MAX_FORCES];
} row;

static double push_value(const row *r, int index) {
  if (index / 4 >= r->nforce) return 0;
  const tendril_force *f = &r->forces[index / 4];
  return index % 4 == 0 ? f->body : f->force[index % 4 - 1];
}

static double value_of(const row *r, column c) {
  const mjData *d = r->env->data;
  switch (c.kind) {
  case EPISODE:
    return r->episode;
  case STEP:
    return r->time;
  case TIME:
    return d->time;
  case QPOS:
    return d->qpos[c.index];
  case QVEL:
    return d->qvel[c.index];
  case ACT:
    return d->act[c.index];
  case ACTION:
    return r->action[c.index];
  case REWARD:
    return r->step->reward;
  case TERM:
    return r->step->terms[c.index];
  case TERMINATED:
    return r->step->terminated;
  case TRUNCATED:
    return r->step->truncated;
  case DIVERGED:
    return r->step->diverged;
  default:
    return push_value(r, c.index);
  }
}

tendril_status tnd_trace_csv_episode(const tnd_trace *trace, int episode, int pushes,
                                     tnd_buffer *out, tendril_error *err) {
  const tendril_model *model = tnd_trace_model(trace);
  const int last = tnd_trace_last(trace);
  tendril_env *env = NULL;
  TENDRIL_TRY(tendril_env_create(model, &env, err));
  for (int t = tnd_trace_first(trace); t <= last; t++) {
    tendril_env_restore(env, tnd_trace_snapshot(trace, t), NULL);
    row r = {.episode = episode, .time = t, .env = env};
    if (t < last) r.action = tnd_trace_action(trace, t);
    if (t < last) r.step = tnd_trace_step(trace, t);
    r.nforce = tendril_env_get_pushes(env, r.forces);
    column c;
    for (int i = 0; column_at(model, pushes, i, &c); i++) {
      if (i) tnd_buffer_text(out, ",");
      if (r.step || !is_of_step(c.kind)) tnd_buffer_number(out, value_of(&r, c));
    }
    tnd_buffer_text(out, "\n");
  }
  tendril_env_destroy(env);
  return out->failed ? tnd_fail_memory(err) : TENDRIL_OK;
}

// --------------------------------------------------------------------------------------- reading

typedef struct reader {
  const char *path;
  const tendril_model *model;
  int pushes, ncolumn;
  int wanted;        // episode; -1: the first
  const char *at;    // start of the line that comes next
  const char *end;   // of the file
  long line;         // of the last one read, from 1
  double *cells;     // [ncolumn] of that line; NAN: empty
  tendril_env *env;  // for making snapshots
  double *action;    // [nu] of that line, one of the next two
  double *actions[2];
} reader;

static tendril_status fail_cell(const reader *r, int i, const char *what, tendril_error *err) {
  column c;
  char name[NAME_MAX_LENGTH] = "";
  if (column_at(r->model, r->pushes, i, &c)) print_column(r->model, c, name);
  return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s: line %ld, column %d (%.60s): %s", r->path,
                  r->line, i + 1, name, what);
}

static tendril_status fail_line(const reader *r, const char *what, tendril_error *err) {
  return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s: line %ld: %s", r->path, r->line, what);
}

// The next line without its end; false at the file's end.
static tendril_status next_line(reader *r, const char **line, size_t *n, bool *there,
                                tendril_error *err) {
  *there = r->at < r->end;
  if (!*there) return TENDRIL_OK;
  r->line++;
  const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
  if (!stop) return fail_line(r, "has no end; is the file cut short?", err);
  *line = r->at;
  *n = (size_t)(stop - r->at);
  r->at = stop + 1;
  return TENDRIL_OK;
}

// Length of the cell that begins at text[0 .. n - 1].
static size_t cell_length(const char *text, size_t n) {
  const char *comma = memchr(text, ',', n);
  return comma ? (size_t)(comma - text) : n;
}

static tendril_status read_header(reader *r, tendril_error *err) {
  const char *text = NULL;
  size_t n = 0;
  bool there;
  TENDRIL_TRY(next_line(r, &text, &n, &there, err));
  if (!there) return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: an empty file", r->path);
  int i = 0;
  for (bool more = true; more; i++) {
    const size_t length = cell_length(text, n);
    column c;
    char name[NAME_MAX_LENGTH], found[CELL_SHOWN + 1], what[256];
    r->pushes = TENDRIL_MAX_FORCES;
    if (!column_at(r->model, r->pushes, i, &c))
      return fail_line(r, "more columns than the task has; is it another task's?", err);
    print_column(r->model, c, name);
    if (strlen(name) != length || memcmp(name, text, length) != 0) {
      const int shown = (int)(length < CELL_SHOWN ? length : CELL_SHOWN);
      for (int k = 0; k <= shown; k++)
        found[k] = k == shown ? '\0' : (unsigned char)text[k] < 0x20 ? '?' : text[k];
      snprintf(what, sizeof what, "expected here, but found %s; is it another task's?",
               *found ? found : "nothing");
      return fail_cell(r, i, what, err);
    }
    more = length < n;
    text += length + more;
    n -= length + more;
  }
  const int bare = count_columns(r->model, 0);
  if (i < bare) return fail_cell(r, i, "is missing; is it another task's file?", err);
  if ((i - bare) % 4) return fail_cell(r, i, "is missing", err);
  r->pushes = (i - bare) / 4;
  r->ncolumn = i;
  return TENDRIL_OK;
}

// The cells of the next line; *there is false at the file's end.
static tendril_status read_row(reader *r, bool *there, tendril_error *err) {
  const char *text = NULL;
  size_t n = 0;
  TENDRIL_TRY(next_line(r, &text, &n, there, err));
  if (!*there) return TENDRIL_OK;
  for (int i = 0; i < r->ncolumn; i++) {
    const size_t length = cell_length(text, n);
    column c = {0};
    column_at(r->model, r->pushes, i, &c);
    r->cells[i] = (double)NAN;
    if (length == 0 ? !is_of_step(c.kind)
                    : tnd_number_parse(text, length, &r->cells[i]) != TND_NUMBER_OK)
      return fail_cell(r, i, length ? "not a number" : "empty", err);
    const bool more = length < n, last = i == r->ncolumn - 1;
    if (more && last) return fail_line(r, "more cells than columns", err);
    if (!more && !last) return fail_line(r, "fewer cells than columns", err);
    text += length + more;
    n -= length + more;
  }
  return TENDRIL_OK;
}

static bool is_whole(double x, double low, double high) {
  return x >= low && x <= high && x == floor(x);
}

// The cells' numbers into the environment, the action and the step. *ends: the row has no step.
static tendril_status take_row(reader *r, tendril_step *step, bool *ends, tendril_error *err) {
  mjData *d = r->env->data;
  const int nbody = (int)r->model->mujoco->nbody;
  *step = (tendril_step){0};
  memset(&r->env->pushes, 0, sizeof r->env->pushes);
  tnd_disturbance_end(&r->env->disturbance, &r->env->pushes);
  *ends = isnan(r->cells[count_columns(r->model, 0) - 1]);
  for (int i = 0; i < r->ncolumn; i++) {
    const double x = r->cells[i];
    column c = {0};
    column_at(r->model, r->pushes, i, &c);
    if (is_of_step(c.kind) && isnan(x) != *ends)
      return fail_cell(r, i, *ends ? "filled, in a row whose step is empty" : "empty", err);
    if (is_of_step(c.kind) && *ends) continue;
    if ((c.kind == EPISODE || c.kind == STEP) && !is_whole(x, 0, INT32_MAX))
      return fail_cell(r, i, "not a whole number from 0 on", err);
    if (c.kind >= TERMINATED && c.kind <= DIVERGED && !is_whole(x, 0, 1))
      return fail_cell(r, i, "neither 0 nor 1", err);
    if (c.kind == PUSH && c.index % 4 == 0 && !is_whole(x, 0, nbody - 1))
      return fail_cell(r, i, "no body of the model", err);
    switch (c.kind) {
    case STEP:
      r->env->time = (int)x;
      break;
    case TIME:
      d->time = x;
      break;
    case QPOS:
      d->qpos[c.index] = x;
      break;
    case QVEL:
      d->qvel[c.index] = x;
      break;
    case ACT:
      d->act[c.index] = x;
      break;
    case ACTION:
      r->action[c.index] = x;
      break;
    case REWARD:
      step->reward = x;
      break;
    case TERM:
      step->terms[c.index] = x;
      break;
    case TERMINATED:
      step->terminated = x != 0;
      break;
    case TRUNCATED:
      step->truncated = x != 0;
      break;
    case DIVERGED:
      step->diverged = x != 0;
      break;
    case PUSH: {
      struct tnd_push *p = &r->env->pushes.at[c.index / 4];
      if (c.index % 4)
        p->force.force[c.index % 4 - 1] = x;
      else
        p->force.body = (int)x;
      break;
    }
    default:
      break;
    }
  }
  return TENDRIL_OK;
}

// A force of the row acts in its state and nowhere else.
static void time_pushes(const reader *r) {
  const int64_t now = (int64_t)r->env->time * r->model->physics_steps;
  for (int i = 0; i < r->pushes; i++) {
    struct tnd_push *p = &r->env->pushes.at[i];
    if (p->force.body == 0) continue;
    p->begin = now;
    p->end = now + r->model->physics_steps;
    r->env->pushes.last = p->end;
  }
}

// Rows of the wanted episode, from the present line on; r->wanted is set to its number.
static tendril_status count_rows(reader *r, int *rows, tendril_error *err) {
  bool there = true;
  *rows = 0;
  while (there) {
    TENDRIL_TRY(read_row(r, &there, err));
    if (!there) break;
    if (r->wanted < 0) r->wanted = is_whole(r->cells[0], 0, INT32_MAX) ? (int)r->cells[0] : 0;
    *rows += r->cells[0] == r->wanted;
  }
  if (*rows) return TENDRIL_OK;
  if (r->wanted < 0) return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: no rows", r->path);
  return tnd_fail(err, TENDRIL_E_FORMAT, "%.300s: has no episode %d", r->path, r->wanted);
}

static tendril_status fill(reader *r, int rows, tnd_trace *trace, tendril_error *err) {
  tendril_step steps[2];
  for (int i = 0; i < rows;) {
    bool there, ends;
    TENDRIL_TRY(read_row(r, &there, err));
    if (r->cells[0] != r->wanted) continue;
    r->action = r->actions[i % 2];
    TENDRIL_TRY(take_row(r, &steps[i % 2], &ends, err));
    if (r->env->time != i) return fail_cell(r, 1, "steps must count from 0 on, one a row", err);
    if (ends != (i + 1 == rows))
      return fail_line(r,
                       ends ? "a row without a step, but its episode goes on"
                            : "the episode's last row, but with a step; is the file cut short?",
                       err);
    time_pushes(r);
    // the step of the row before led to this row's state
    if (i == 0)
      tnd_trace_begin(trace, r->env);
    else
      tnd_trace_add(trace, r->env, r->actions[(i - 1) % 2], &steps[(i - 1) % 2]);
    i++;
  }
  return TENDRIL_OK;
}

static void layout(reader *r, tnd_arena *arena) {
  const size_t nu = (size_t)r->model->mujoco->nu;
  r->cells = tnd_arena_doubles(arena, (size_t)r->ncolumn);
  r->actions[0] = tnd_arena_doubles(arena, nu);
  r->actions[1] = tnd_arena_doubles(arena, nu);
}

static tendril_status read_all(reader *r, tnd_arena *arena, tnd_trace **out, tendril_error *err) {
  tnd_trace *trace = NULL;
  int rows = 0;
  TENDRIL_TRY(read_header(r, err));
  const char *body = r->at;
  layout(r, arena);
  TENDRIL_TRY(tnd_arena_alloc(arena, err));
  layout(r, arena);
  TENDRIL_TRY(tendril_env_create(r->model, &r->env, err));

  // once for the number of rows, once for what is in them
  TENDRIL_TRY(count_rows(r, &rows, err));
  TENDRIL_TRY(tnd_trace_create(r->model, rows > 1 ? rows - 1 : 1, &trace, err));
  r->at = body;
  r->line = 1;
  const tendril_status status = fill(r, rows, trace, err);
  if (status == TENDRIL_OK)
    *out = trace;
  else
    tnd_trace_destroy(trace);
  return status;
}

tendril_status tnd_trace_csv_read(const char *path, const tendril_model *model, int episode,
                                  tnd_trace **out, tendril_error *err) {
  char *text = NULL;
  size_t size = 0;
  tnd_arena arena = {0};
  TENDRIL_TRY(tnd_file_read(path, file_limit, &text, &size, err));
  reader r = {
      .path = path, .model = model, .wanted = episode, .at = text, .end = text + size, .line = 0};
  const tendril_status status = read_all(&r, &arena, out, err);
  tendril_env_destroy(r.env);
  tnd_arena_free(&arena);
  tnd_free(text);
  return status;
}

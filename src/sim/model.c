// A task's MJCF, compiled: loaded under guard, refused unless every number in it is finite, with
// integrator and time step as the options ask, checked by the task, and read-only from then on.
#include "base/file.h"
#include "sim/compat.h"
#include "sim/cost.h"
#include "sim/physics.h"
#include "sim/sim.h"
#include "sim/terrain.h"

#include <errno.h>
#include <math.h>
#include <mujoco/mjxmacro.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define X(...) TND_OPTION_ROW(tendril_sim_options, __VA_ARGS__)
static const tnd_option option_rows[] = {TENDRIL_SIM_OPTIONS(X)};
#undef X
const tnd_option_table tnd_sim_options = TND_OPTION_TABLE(tendril_sim_options, option_rows);

void tendril_sim_defaults(tendril_sim_options *options) {
  tnd_options_default(&tnd_sim_options, options);
  tendril_terrain_defaults(&options->terrain);
  tendril_disturbance_defaults(&options->push);
}

const char *tnd_task_flaw(const tendril_task *task) {
  if (!task->name || !task->name[0]) return "it has no name";
  if (!task->mjcf || !task->mjcf[0]) return "it names no model file (mjcf)";
  if (task->physics_steps < 1) return "physics_steps is not positive";
  if (task->max_steps < 1) return "max_steps is not positive";
  if (task->nobs < 1) return "nobs is not positive";
  if (task->nstate < 0) return "nstate is negative";
  if (task->nterm < 1 || task->nterm > TENDRIL_MAX_TERMS) return "nterm is not within 1 to 8";
  for (int i = 0; i < task->nterm; i++) {
    if (!task->terms[i] || !task->terms[i][0]) return "a reward term has no name";
  }
  if (!task->reset || !task->observe) return "reset or observe is missing";
  if (!task->evaluate && !task->ncost) return "it has neither evaluate nor a cost";
  if (!task->evaluate && task->nterm != task->ncost)
    return "without evaluate the reward has the terms of the cost, nterm must be ncost";
  if (!task->goal && task->goal_last) return "it has goal_last but no goal";
  if (task->goal && (task->goal_last < 1 || task->goal_last > task->max_steps))
    return "goal_last is not within 1 to max_steps";
  return tnd_cost_flaw(task);
}

// ------------------------------------------------------------------------------------ loading

// The file is there and can be read: MuJoCo's own message does not say which of the two failed.
static tendril_status check_file(const char *path, tendril_error *err) {
  struct stat info;
  if (stat(path, &info) != 0) return tnd_fail(err, TENDRIL_E_IO, "%s: %s", path, strerror(errno));
  if (!S_ISREG(info.st_mode)) return tnd_fail(err, TENDRIL_E_IO, "%s: not a file", path);
  if (access(path, R_OK) != 0) return tnd_fail(err, TENDRIL_E_IO, "%s: %s", path, strerror(errno));
  return TENDRIL_OK;
}

typedef struct load {
  const char *path;
  const char *xml;  // what to read in the place of that file; NULL: the file
  mjVFS *files;     // for that
  mjModel *model;
  char text[512];
} load;

static void load_xml(void *context) {
  load *l = context;
  if (l->xml && !tnd_vfs_add(l->files, l->path, l->xml)) return;
  l->model = mj_loadXML(l->path, l->files, l->text, (int)sizeof l->text);
}

static void forget_files(void *files) {
  mj_deleteVFS(files);
}

static void delete_model(void *context) {
  mj_deleteModel(context);
}

// The last "line 12", "line = 12" or "Line number=12" of a message, 0 if there is none.
static long line_number(const char *text) {
  long line = 0;
  for (const char *place = strcasestr(text, "line"); place; place = strcasestr(place + 1, "line")) {
    size_t gap = strcspn(place, "0123456789");
    long number = place[gap] && gap <= strlen("line number=") ? strtol(place + gap, NULL, 10) : 0;
    if (number > 0) line = number;
  }
  return line;
}

// MuJoCo's "XML Error: what\nElement 'x', line 12\n" as "file.xml:12: what; Element 'x', line 12".
static tendril_status fail_format(const char *path, const char *text, tendril_error *err) {
  char what[256];
  size_t n = 0;
  for (const char *c = text; *c && n < sizeof what - 2; c++) {
    bool space = *c == '\n' || *c == '\r';
    if (!space) what[n++] = *c;
    if (space && n && what[n - 1] != ' ') {
      if (what[n - 1] != ':') what[n++] = ';';
      what[n++] = ' ';
    }
  }
  while (n && (what[n - 1] == ' ' || what[n - 1] == ';'))
    n--;
  what[n] = '\0';
  if (n == 0) return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s: not a model", path);

  // without MuJoCo's own lead, behind the place
  const char *shown = what;
  static const char *const prefixes[] = {"XML Error: ", "Error: "};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
    if (strncmp(shown, prefixes[i], strlen(prefixes[i])) == 0) shown += strlen(prefixes[i]);
  }
  long line = line_number(what);
  if (line > 0) return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s:%ld: %s", path, line, shown);
  return tnd_fail(err, TENDRIL_E_FORMAT, "%.200s: %s", path, shown);
}

static tendril_status load_model(const char *path, const char *xml, mjModel **out,
                                 tendril_error *err) {
  TENDRIL_TRY(check_file(path, err));

  load l = {.path = path, .xml = xml};
  if (xml) {
    l.files = tnd_alloc(sizeof *l.files);  // two megabytes in MuJoCo 2
    if (!l.files) return tnd_fail_memory(err);
    mj_defaultVFS(l.files);
  }

  // MuJoCo keeps the last model's XML for the whole process: one load at a time
  static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
  tendril_error why = {{0}};
  pthread_mutex_lock(&one_at_a_time);
  tendril_status status = tnd_physics_run(load_xml, &l, &why);
  pthread_mutex_unlock(&one_at_a_time);
  if (l.files && tnd_physics_run(forget_files, l.files, NULL) != TENDRIL_OK) {
    // nothing can be done about it
  }
  tnd_free(l.files);
  if (status != TENDRIL_OK) return tnd_fail(err, status, "%.200s: %.250s", path, why.text);
  if (!l.model) return fail_format(path, l.text, err);
  *out = l.model;
  return TENDRIL_OK;
}

// Why a file can't be loaded with a terrain in it: MuJoCo may stumble over what we put in where the
// file has no floor to begin with.
static tendril_status fail_uneven(const char *path, tendril_status status, tendril_error *err) {
  mjModel *plain = NULL;
  tendril_error why = {{0}};
  if (load_model(path, NULL, &plain, NULL) != TENDRIL_OK) return status;
  if (tnd_terrain_check_floor(plain, &why) != TENDRIL_OK)
    status = tnd_fail(err, TENDRIL_E_CONFIG, "%.200s: %.250s", path, why.text);
  if (tnd_physics_run(delete_model, plain, NULL) != TENDRIL_OK) {
    // nothing can be done about it
  }
  return status;
}

// The file with a terrain in it, that has no heights yet. One that MuJoCo refuses without a terrain
// is refused as ever: the lines in a message are the file's.
static tendril_status load_uneven(const char *path, const tendril_terrain_options *options,
                                  mjModel **out, tendril_error *err) {
  enum { MOST = 64 << 20 };
  const tnd_terrain_shape shape = tnd_terrain_shape_of(options);
  char *text = NULL, *xml = NULL;
  size_t size;
  tendril_error why = {{0}};
  TENDRIL_TRY(tnd_file_read(path, MOST, &text, &size, err));
  tendril_status status = tnd_terrain_insert(&shape, text, &xml, &why);
  if (status != TENDRIL_OK) tnd_fail(err, status, "%.200s: %.250s", path, why.text);
  if (status == TENDRIL_OK) {
    status = load_model(path, xml, out, err);
    if (status == TENDRIL_E_FORMAT) status = fail_uneven(path, status, err);
  }
  if (status == TENDRIL_OK) {
    status = tnd_terrain_replace_floor(*out, &why);
    if (status != TENDRIL_OK) tnd_fail(err, status, "%.200s: %.250s", path, why.text);
  }
  tnd_free(text);
  tnd_free(xml);
  return status;
}

// ------------------------------------------------------------------------------------ checks

static bool all_finite(const mjtNum *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) return false;
  }
  return true;
}

// Only arrays of mjtNum are looked at; the other types of mjModel pass.
#define FINITE(x, n)                                                                               \
  (_Generic((x), mjtNum *                                                                          \
            : true, default                                                                        \
            : false)                                                                               \
       ? all_finite((const mjtNum *)(const void *)(x), (n))                                        \
       : true)

// Name of the first array of the model with a number that is not finite, NULL if there is none.
static const char *find_not_finite(const mjModel *m) {
  MJMODEL_POINTERS_PREAMBLE(m)
#define X(type, name, rows, columns)                                                               \
  if (!FINITE(m->name, (size_t)m->rows * (size_t)(columns))) return #name;
  MJMODEL_POINTERS
#undef X
  const mjOption *o = &m->opt;
  if (!all_finite(o->gravity, 3) || !all_finite(o->wind, 3)) return "gravity or wind";
  if (!isfinite(o->density) || !isfinite(o->viscosity)) return "density or viscosity";
  return NULL;
}

static tendril_status check_model(const mjModel *m, const char *path, tendril_error *err) {
  const char *bad = find_not_finite(m);
  if (bad) return tnd_fail(err, TENDRIL_E_FORMAT, "%s: %s is not finite", path, bad);
  if (!(m->opt.timestep > 0) || !isfinite(m->opt.timestep))
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: option timestep is not positive", path);
  if (m->nv < 1) return tnd_fail(err, TENDRIL_E_FORMAT, "%s: nothing can move (no joints)", path);
  if (m->nu < 1) return tnd_fail(err, TENDRIL_E_FORMAT, "%s: no actuators to act with", path);
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ the model

static void layout(tendril_model *model, tnd_arena *arena) {
  size_t nu = (size_t)model->mujoco->nu;
  model->low = tnd_arena_doubles(arena, nu);        // [nu]
  model->high = tnd_arena_doubles(arena, nu);       // [nu]
  model->no_action = tnd_arena_doubles(arena, nu);  // [nu]
}

tendril_status tnd_model_take_arrays(tendril_model *model, tendril_error *err) {
  layout(model, &model->arena);
  TENDRIL_TRY(tnd_arena_alloc(&model->arena, err));
  layout(model, &model->arena);
  return TENDRIL_OK;
}

// They share the compiled model but for the heights: what is read-only can be shared, and copies in
// full would be mostly textures.
tendril_status tnd_model_take_grounds(tendril_model *model, int count, tendril_error *err) {
  const size_t n = (size_t)count, all = (size_t)model->mujoco->nhfielddata;
  model->grounds = tnd_alloc(n * sizeof *model->grounds);
  model->heights = tnd_alloc(n * all * sizeof *model->heights);
  if (!model->grounds || !model->heights) return tnd_fail_memory(err);
  for (size_t i = 0; i < n; i++) {
    model->grounds[i] = *model->mujoco;
    model->grounds[i].hfield_data = model->heights + i * all;
  }
  model->nground = count;
  return TENDRIL_OK;
}

// Integrator, time step and start noise; the control step keeps its length however many steps it is
// cut into.
static void set_physics(tendril_model *model, const tendril_sim_options *options) {
  static const int integrators[] = {0, mjINT_EULER, mjINT_RK4, mjINT_IMPLICIT};
  mjOption *o = &model->mujoco->opt;
  int task_steps = model->task->physics_steps;

  const double own = o->timestep * task_steps;
  model->seconds = options->step_seconds > 0 ? options->step_seconds : own;
  model->physics_steps = options->physics_steps ? (int)options->physics_steps : task_steps;
  if (model->physics_steps != task_steps || model->seconds != own)
    o->timestep = model->seconds / model->physics_steps;
  if (options->integrator != TENDRIL_INTEGRATOR_TASK)
    o->integrator = integrators[options->integrator];
  model->max_steps = options->max_steps ? (int)options->max_steps : model->task->max_steps;
  model->start_qpos = options->start_qpos;
  model->start_qvel = options->start_qvel;
}

// MuJoCo's own ranges are the limit's, too: it clamps controls itself.
static void set_action_range(tendril_model *model, bool clip, double limit) {
  mjModel *m = model->mujoco;
  for (int i = 0; i < m->nu && limit > 0; i++) {
    m->actuator_ctrllimited[i] = 1;
    m->actuator_ctrlrange[2 * i] = -limit;
    m->actuator_ctrlrange[2 * i + 1] = limit;
  }
  for (int i = 0; i < m->nu; i++) {
    bool limited = clip && m->actuator_ctrllimited[i];
    model->low[i] = limited ? m->actuator_ctrlrange[2 * i] : -HUGE_VAL;
    model->high[i] = limited ? m->actuator_ctrlrange[2 * i + 1] : HUGE_VAL;
  }
}

// How deep the robot is in the ground at its start, by the deepest contact; 0 if it touches
// nothing.
typedef struct start {
  const mjModel *model;
  mjData *data;
  double depth;
} start;

static void make_start(void *context) {
  start *s = context;
  s->data = mj_makeData(s->model);
}

static void measure_start(void *context) {
  start *s = context;
  mj_resetData(s->model, s->data);
  mj_forward(s->model, s->data);
  s->depth = 0;
  for (int i = 0; i < s->data->ncon; i++)
    s->depth = fmax(s->depth, -s->data->contact[i].dist);
}

static void delete_start(void *context) {
  start *s = context;
  mj_deleteData(s->data);
}

// No ground buries the robot: it is at most a centimetre deeper in it than in level ground, which
// is what the model's own heights are for now.
static tendril_status check_starts(const tendril_model *model,
                                   const tendril_terrain_options *options, tendril_error *err) {
  const double most = 0.01;
  start s = {.model = model->mujoco};
  TENDRIL_TRY(tnd_physics_run(make_start, &s, err));
  if (!s.data) return tnd_fail_memory(err);
  tendril_status status = tnd_physics_run(measure_start, &s, err);
  const double level = s.depth;
  for (int i = 0; i < model->nground && status == TENDRIL_OK; i++) {
    s.model = &model->grounds[i];
    status = tnd_physics_run(measure_start, &s, err);
    if (status == TENDRIL_OK && s.depth > level + most)
      status = tnd_fail(err, TENDRIL_E_CONFIG,
                        "terrain of seed %lld buries the robot %.2g m deep at its start; raise "
                        "terrain.flat (%g m)",
                        (long long)options->seed + i, s.depth, options->flat);
  }
  if (tnd_physics_run(delete_start, &s, NULL) != TENDRIL_OK) {
    // nothing can be done about it
  }
  return status;
}

// The grounds of the seeds.
static tendril_status make_grounds(tendril_model *model, const tendril_terrain_options *options,
                                   tendril_error *err) {
  const mjModel *m = model->mujoco;
  const size_t n = (size_t)tnd_terrain_shape_of(options).n;
  TENDRIL_TRY(tnd_model_take_grounds(model, (int)options->seeds, err));
  for (int i = 0; i < model->nground; i++) {
    mjModel *ground = &model->grounds[i];
    memcpy(ground->hfield_data, m->hfield_data, (size_t)m->nhfielddata * sizeof *m->hfield_data);
    float *own = tnd_terrain_heights(ground);
    TENDRIL_TRY(tnd_terrain_make(options, (uint64_t)options->seed + (uint64_t)i, own, err));
    memcpy(own + n, own, n * sizeof *own);
  }
  tnd_ground_install();
  TENDRIL_TRY(check_starts(model, options, err));
  memcpy(m->hfield_data, model->heights, (size_t)m->nhfielddata * sizeof *m->hfield_data);
  return TENDRIL_OK;
}

static tendril_status build(tendril_model *model, const char *path,
                            const tendril_sim_options *options, tendril_error *err) {
  const tendril_terrain_options *terrain = &options->terrain;
  const bool uneven = terrain->kind != TENDRIL_TERRAIN_NONE;
  if (uneven)
    TENDRIL_TRY(load_uneven(path, terrain, &model->mujoco, err));
  else
    TENDRIL_TRY(load_model(path, NULL, &model->mujoco, err));
  TENDRIL_TRY(check_model(model->mujoco, path, err));

  // the task's own check, its line led by the file's name
  tendril_error why = {{0}};
  tendril_status status = TENDRIL_OK;
  if (model->task->check) status = model->task->check(model->mujoco, &why);
  if (status != TENDRIL_OK) {
    return tnd_fail(err, status, "%.200s: %.250s", path,
                    why.text[0] ? why.text : "the task does not accept this model");
  }

  if (!model->task->evaluate && model->mujoco->nu > TND_REWARD_MAX_ACTIONS)
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%.200s: a task without evaluate has at most %d actuators; this model has %d",
                    path, TND_REWARD_MAX_ACTIONS, (int)model->mujoco->nu);
  TENDRIL_TRY(tnd_model_take_arrays(model, err));
  set_physics(model, options);
  set_action_range(model, options->clip_actions, options->limit);
  model->nphysics = tnd_physics_state_size(model->mujoco);
  if (uneven) TENDRIL_TRY(make_grounds(model, terrain, err));
  status = tnd_disturbance_plan_make(model->mujoco, &options->push, &model->disturbance, &why);
  if (status != TENDRIL_OK) return tnd_fail(err, status, "%.200s: %.250s", path, why.text);
  return tnd_task_rehearse(model, err);
}

tendril_status tendril_model_create(const tendril_task *task, const char *path,
                                    const tendril_sim_options *options, tendril_model **out,
                                    tendril_error *err) {
  tendril_sim_options chosen;
  tendril_sim_defaults(&chosen);
  if (options) chosen = *options;
  TENDRIL_TRY(tnd_options_check(&tnd_sim_options, &chosen, "sim", err));
  if (chosen.terrain.kind != TENDRIL_TERRAIN_NONE)
    TENDRIL_TRY(tnd_options_check(&tnd_terrain_options, &chosen.terrain, "terrain", err));
  const char *flaw = tnd_task_flaw(task);
  if (flaw) {
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "task %s: %s", task->name ? task->name : "?", flaw);
  }

  tendril_model *model = tnd_alloc(sizeof *model);
  if (!model) return tnd_fail_memory(err);
  model->task = task;
  model->nmotion = 1;
  tendril_status status = build(model, path, &chosen, err);
  if (status == TENDRIL_OK) {
    *out = model;
    model = NULL;  // the caller's from here on
  }
  tendril_model_destroy(model);
  return status;
}

void tendril_model_destroy(tendril_model *model) {
  if (!model) return;
  if (model->mujoco && tnd_physics_run(delete_model, model->mujoco, NULL) != TENDRIL_OK) {
    // nothing can be done about it; the rest is still released
  }
  tnd_arena_free(&model->arena);
  tnd_free(model->grounds);
  tnd_free(model->heights);
  tnd_free(model->starts);
  tnd_free(model);
}

const tendril_task *tendril_model_task(const tendril_model *model) {
  return model->task;
}

int tendril_model_grounds(const tendril_model *model) {
  return model->nground > 0 ? model->nground : 1;
}

tendril_status tnd_model_check_ground(const tendril_model *model, int ground, tendril_error *err) {
  const int n = tendril_model_grounds(model);
  if (ground >= 0 && ground < n) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: no ground %d; the model has %d, counted from 0",
                  model->task->name, ground, n);
}

const mjModel *tnd_model_ground(const tendril_model *model, int ground) {
  return model->nground > 0 ? &model->grounds[ground] : model->mujoco;
}

void tnd_model_clip(const tendril_model *model, const double *action, double *out) {
  for (int i = 0; i < (int)model->mujoco->nu; i++)
    out[i] = fmin(fmax(action[i], model->low[i]), model->high[i]);
}

const mjModel *tendril_model_mujoco(const tendril_model *model) {
  return model->mujoco;
}

const tendril_disturbance_options *tendril_model_disturbance(const tendril_model *model) {
  const tnd_disturbance_plan *plan = &model->disturbance;
  return tnd_disturbance_acts(plan) ? &plan->options : NULL;
}

int tendril_model_nobs(const tendril_model *model) {
  return model->task->nobs;
}

int tendril_model_nact(const tendril_model *model) {
  return (int)model->mujoco->nu;
}

int tendril_model_max_steps(const tendril_model *model) {
  return model->max_steps;
}

int tendril_model_physics_steps(const tendril_model *model) {
  return model->physics_steps;
}

double tendril_model_seconds(const tendril_model *model) {
  return model->seconds;
}

const char *tendril_model_integrator(const tendril_model *model) {
  switch (model->mujoco->opt.integrator) {
  case mjINT_EULER:
    return "euler";
  case mjINT_RK4:
    return "rk4";
  case mjINT_IMPLICIT:
    return "implicit";
  default:
    return "implicitfast";  // MuJoCo 3
  }
}

bool tnd_model_same_physics(const tendril_model *a, const tendril_model *b) {
  const mjOption *x = &a->mujoco->opt, *y = &b->mujoco->opt;
  return x->integrator == y->integrator && x->timestep == y->timestep &&
         a->physics_steps == b->physics_steps;
}

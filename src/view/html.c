// Writes the page of src/view/html/ with an episode in it: as JSON what the robot is made of, as
// base64 of small numbers where it was. docs/reference/file-formats.md describes the data.
//
// Poses are those of mj_kinematics() in a restored snapshot. Positions are single precision; an
// entry of a unit quaternion is a whole number, 32767 standing for 1, which is 2e-3 degrees.
#include "view/html.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/json.h"
#include "sim/physics.h"
#include "sim/sim.h"
#include "view/page.h"

#include <math.h>
#include <string.h>

// Poses per second at least, if the steps are that short: fine enough for slow motion at a tenth.
#define FRAME_RATE 125.0
enum { GROUPS = 3 };  // geoms of the groups 0 .. 2 are shown, as in MuJoCo's own viewer

typedef struct writer {
  const tnd_trace *trace;
  const mjModel *m;
  tendril_env *env;  // for poses
  int first, last;   // times
  int every;         // a pose is stored every so many steps, and at the last time
  int nframe, ntrack;
  bool fresh;  // no comma is due
  tnd_buffer out;

  tnd_arena arena;
  int *track;          // [nbody] the body's place among those that move, -1: it stands still
  int *mesh;           // [nmesh] 1: is shown
  double *camera;      // [3] from what the model's first camera looks at towards it
  float *positions;    // [nframe][ntrack][3]
  int16_t *turns;      // [nframe][ntrack][4], w first
  float *rewards;      // [last - first]
  float *terms;        // [last - first][nterm]
  tnd_buffer pushes;   // struct tnd_push, each once
  tnd_buffer scratch;  // a text on its way
} writer;

static void layout(writer *w, tnd_arena *arena) {
  const size_t nframe = (size_t)w->nframe, n = (size_t)w->ntrack;
  const size_t steps = (size_t)(w->last - w->first);
  w->mesh = tnd_arena_ints(arena, (size_t)w->m->nmesh);
  w->camera = tnd_arena_doubles(arena, 3);
  w->positions = tnd_arena_take(arena, nframe * n * 3, sizeof *w->positions);
  w->turns = tnd_arena_take(arena, nframe * n * 4, sizeof *w->turns);
  w->rewards = tnd_arena_take(arena, steps, sizeof *w->rewards);
  w->terms = tnd_arena_take(arena, steps * TENDRIL_MAX_TERMS, sizeof *w->terms);
}

static const tendril_task *task_of(const writer *w) {
  return tendril_model_task(tnd_trace_model(w->trace));
}

static double seconds_of(const writer *w) {
  return tendril_model_seconds(tnd_trace_model(w->trace));
}

// ------------------------------------------------------------------------------------ the episode

// Whether a body ever moves: it has a joint above it, or it is led by a mocap body.
static bool moves(const mjModel *m, int body) {
  return m->body_weldid[body] != 0 || m->body_mocapid[m->body_rootid[body]] >= 0;
}

static int time_of_frame(const writer *w, int frame) {
  return frame == w->nframe - 1 ? w->last : w->first + frame * w->every;
}

static float to_float(double x) {
  return isfinite((float)x) ? (float)x : 0;
}

static void record_pose(writer *w, int frame) {
  const mjData *d = tendril_env_data(w->env);
  for (int body = 0; body < (int)w->m->nbody; body++) {
    if (w->track[body] < 0) continue;
    const size_t at = (size_t)frame * (size_t)w->ntrack + (size_t)w->track[body];
    for (int i = 0; i < 3; i++)
      w->positions[at * 3 + (size_t)i] = to_float(d->xpos[3 * body + i]);
    for (int i = 0; i < 4; i++)
      w->turns[at * 4 + (size_t)i] =
          (int16_t)lrint(32767 * fmin(fmax(to_float(d->xquat[4 * body + i]), -1), 1));
  }
}

static void record_camera(writer *w) {
  mjData *d = tendril_env_data(w->env);
  if (w->m->ncam == 0) return;
  mj_comPos(w->m, d);
  mj_camlight(w->m, d);
  for (int i = 0; i < 3; i++)
    w->camera[i] = to_float(d->cam_xmat[3 * i + 2]);
}

// Inside tnd_physics_run(); an environment of our own, so that MuJoCo may leave it as it likes.
static void record_poses(void *context) {
  writer *w = context;
  for (int frame = 0; frame < w->nframe; frame++) {
    tendril_env_restore(w->env, tnd_trace_snapshot(w->trace, time_of_frame(w, frame)), NULL);
    mj_kinematics(w->m, tendril_env_data(w->env));
    record_pose(w, frame);
    if (frame == 0) record_camera(w);
  }
}

static void record_rewards(writer *w) {
  const int nterm = task_of(w)->nterm;
  for (int t = w->first; t < w->last; t++) {
    const tendril_step *step = tnd_trace_step(w->trace, t);
    const size_t i = (size_t)(t - w->first);
    w->rewards[i] = to_float(step->reward);
    for (int k = 0; k < nterm; k++)
      w->terms[i * (size_t)nterm + (size_t)k] = to_float(step->terms[k]);
  }
}

static bool same(const double *a, const double *b) {
  return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

static bool same_push(const struct tnd_push *a, const struct tnd_push *b) {
  return a->begin == b->begin && a->end == b->end && a->force.body == b->force.body &&
         same(a->force.force, b->force.force);
}

static void record_push(writer *w, const struct tnd_push *push) {
  const int64_t per_step = tendril_model_physics_steps(tnd_trace_model(w->trace));
  if (push->begin >= push->end || push->end <= w->first * per_step ||
      push->begin >= w->last * per_step)
    return;  // none, or it acts outside of what is remembered
  const struct tnd_push *known = (const struct tnd_push *)(const void *)w->pushes.text;
  for (size_t i = 0; i < w->pushes.n / sizeof *known; i++)
    if (same_push(&known[i], push)) return;
  tnd_buffer_add(&w->pushes, push, sizeof *push);
}

// From the snapshots themselves: one may begin and end within a step.
static void record_pushes(writer *w) {
  for (int t = w->first; t <= w->last; t++) {
    tendril_env_restore(w->env, tnd_trace_snapshot(w->trace, t), NULL);
    for (int i = 0; i < TENDRIL_MAX_FORCES; i++)
      record_push(w, &w->env->pushes.at[i]);
  }
}

// ------------------------------------------------------------------------------------ JSON

// Text that is not UTF-8 loses what is not ASCII.
static const char *clean(writer *w, const char *text) {
  if (tnd_utf8_valid(text, strlen(text))) return text;
  w->scratch.n = 0;
  tnd_buffer_text(&w->scratch, text);
  for (size_t i = 0; i < w->scratch.n; i++)
    if ((unsigned char)w->scratch.text[i] >= 0x80) w->scratch.text[i] = '?';
  return w->scratch.failed ? "" : w->scratch.text;
}

// In quotes, with no "<" that would end the script around it.
static void add_quoted(writer *w, const char *text) {
  const char *good = clean(w, text);
  tnd_buffer quoted = {0};
  tnd_json_quote(&quoted, good);
  for (size_t i = 0; i < quoted.n; i++)
    if (quoted.text[i] == '<')
      tnd_buffer_text(&w->out, "\\u003c");
    else
      tnd_buffer_add(&w->out, quoted.text + i, 1);
  w->out.failed |= quoted.failed;
  tnd_buffer_free(&quoted);
}

// Begins a member of an object, or an element of a list (name NULL).
static void begin(writer *w, const char *name) {
  if (!w->fresh) tnd_buffer_text(&w->out, ",");
  w->fresh = false;
  if (!name) return;
  add_quoted(w, name);
  tnd_buffer_text(&w->out, ":");
}

static void open_bracket(writer *w, const char *name, const char *bracket) {
  begin(w, name);
  tnd_buffer_text(&w->out, bracket);
  w->fresh = true;
}

static void close_bracket(writer *w, const char *bracket) {
  tnd_buffer_text(&w->out, bracket);
  w->fresh = false;
}

static void add_number(writer *w, const char *name, double x) {
  begin(w, name);
  tnd_buffer_number(&w->out, isfinite(x) ? x : 0);
}

static void add_text(writer *w, const char *name, const char *text) {
  begin(w, name);
  add_quoted(w, text);
}

// x to seven digits, as many as single precision has.
static double brief(double x) {
  if (!isfinite(x) || x == 0) return 0;
  const double scale = pow(10, 6 - floor(log10(fabs(x))));
  const double y = round(x * scale) / scale;
  return isfinite(y) ? y : 0;
}

static void add_vector(writer *w, const char *name, const double *x, int n) {
  open_bracket(w, name, "[");
  for (int i = 0; i < n; i++)
    add_number(w, NULL, brief(x[i]));
  close_bracket(w, "]");
}

static void add_floats(writer *w, const char *name, const float *x, int n) {
  open_bracket(w, name, "[");
  for (int i = 0; i < n; i++)
    add_number(w, NULL, brief((double)x[i]));
  close_bracket(w, "]");
}

// n little-endian numbers of `size` bytes as base64 (RFC 4648).
static void add_numbers(writer *w, const char *name, const void *numbers, size_t n, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *bytes = numbers;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  const size_t mirror = size - 1;
#else
  const size_t mirror = 0;
#endif
  const size_t nbyte = n * size;
  begin(w, name);
  tnd_buffer_text(&w->out, "\"");
  char *out = tnd_buffer_room(&w->out, (nbyte + 2) / 3 * 4);
  for (size_t i = 0; out && i < nbyte; i += 3) {
    unsigned long group = 0;
    for (size_t k = 0; k < 3; k++)
      group = group << 8 | (i + k < nbyte ? bytes[(i + k) ^ mirror] : 0);
    for (size_t k = 0; k < 4; k++)
      *out++ = k <= nbyte - i ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  tnd_buffer_text(&w->out, "\"");
}

// ------------------------------------------------------------------------------------ the robot

static void add_bodies(writer *w) {
  const mjModel *m = w->m;
  const mjData *d = tendril_env_data(w->env);
  open_bracket(w, "bodies", "[");
  for (int i = 0; i < (int)m->nbody; i++) {
    const char *name = mj_id2name(m, mjOBJ_BODY, i);
    open_bracket(w, NULL, "{");
    add_text(w, "name", name ? name : "");
    add_number(w, "mass", brief(m->body_mass[i]));
    add_vector(w, "centre", m->body_ipos + (ptrdiff_t)3 * i, 3);
    if (w->track[i] >= 0) {
      add_number(w, "track", w->track[i]);
      if (m->body_weldid[i] != 0) add_number(w, "root", m->body_rootid[i]);
    } else {
      add_vector(w, "position", d->xpos + (ptrdiff_t)3 * i, 3);
      add_vector(w, "turn", d->xquat + (ptrdiff_t)4 * i, 4);
    }
    close_bracket(w, "}");
  }
  close_bracket(w, "]");
}

static const char *shape_of(int type) {
  switch (type) {
  case mjGEOM_PLANE:
    return "plane";
  case mjGEOM_HFIELD:
    return "field";
  case mjGEOM_SPHERE:
    return "sphere";
  case mjGEOM_CAPSULE:
    return "capsule";
  case mjGEOM_ELLIPSOID:
    return "ellipsoid";
  case mjGEOM_CYLINDER:
    return "cylinder";
  case mjGEOM_BOX:
    return "box";
  default:  // also what later MuJoCos draw by a mesh
    return "mesh";
  }
}

// A material's colour counts where the geom has only the default one, as in MuJoCo.
static const float *colour_of(const mjModel *m, int geom) {
  const float *own = m->geom_rgba + (ptrdiff_t)4 * geom;
  const int material = m->geom_matid[geom];
  const bool plain = own[0] == 0.5f && own[1] == 0.5f && own[2] == 0.5f && own[3] == 1;
  return material >= 0 && plain ? m->mat_rgba + (ptrdiff_t)4 * material : own;
}

// Place of what a geom is drawn by among the fields or the meshes; -1: it is not drawn.
static int data_of(const mjModel *m, int geom, const char *shape) {
  const int id = m->geom_dataid[geom];
  const int n = strcmp(shape, "field") == 0  ? (int)m->nhfield
                : strcmp(shape, "mesh") == 0 ? (int)m->nmesh
                                             : INT32_MAX;
  return n == INT32_MAX ? 0 : id >= 0 && id < n ? id : -1;
}

static void add_geoms(writer *w) {
  const mjModel *m = w->m;
  open_bracket(w, "geoms", "[");
  for (int i = 0; i < (int)m->ngeom; i++) {
    const char *shape = shape_of(m->geom_type[i]);
    const float *colour = colour_of(m, i);
    const int data = data_of(m, i, shape);
    if (m->geom_group[i] < 0 || m->geom_group[i] >= GROUPS || !(colour[3] > 0) || data < 0)
      continue;
    open_bracket(w, NULL, "{");
    add_text(w, "shape", shape);
    add_number(w, "body", m->geom_bodyid[i]);
    add_vector(w, "size", m->geom_size + (ptrdiff_t)3 * i, 3);
    add_vector(w, "position", m->geom_pos + (ptrdiff_t)3 * i, 3);
    add_vector(w, "turn", m->geom_quat + (ptrdiff_t)4 * i, 4);
    add_floats(w, "colour", colour, 4);
    if (strcmp(shape, "mesh") == 0) w->mesh[data] = 1;
    if (strcmp(shape, "mesh") == 0 || strcmp(shape, "field") == 0) add_number(w, "data", data);
    close_bracket(w, "}");
  }
  close_bracket(w, "]");
}

static void add_meshes(writer *w) {
  const mjModel *m = w->m;
  open_bracket(w, "meshes", "[");
  for (int i = 0; i < (int)m->nmesh; i++) {
    open_bracket(w, NULL, "{");
    if (w->mesh[i]) {
      add_numbers(w, "vertices", m->mesh_vert + (ptrdiff_t)3 * m->mesh_vertadr[i],
                  (size_t)m->mesh_vertnum[i] * 3, sizeof(float));
      add_numbers(w, "faces", m->mesh_face + (ptrdiff_t)3 * m->mesh_faceadr[i],
                  (size_t)m->mesh_facenum[i] * 3, sizeof(int));
    }
    close_bracket(w, "}");
  }
  close_bracket(w, "]");
}

static void add_fields(writer *w) {
  const mjModel *m = w->m;
  open_bracket(w, "fields", "[");
  for (int i = 0; i < (int)m->nhfield; i++) {
    open_bracket(w, NULL, "{");
    add_number(w, "rows", m->hfield_nrow[i]);
    add_number(w, "columns", m->hfield_ncol[i]);
    add_vector(w, "size", m->hfield_size + (ptrdiff_t)4 * i, 4);
    add_numbers(w, "heights", m->hfield_data + m->hfield_adr[i],
                (size_t)m->hfield_nrow[i] * (size_t)m->hfield_ncol[i], sizeof(float));
    close_bracket(w, "}");
  }
  close_bracket(w, "]");
}

// ------------------------------------------------------------------------------------ the file

static void add_pushes(writer *w) {
  const struct tnd_push *pushes = (const struct tnd_push *)(const void *)w->pushes.text;
  open_bracket(w, "pushes", "[");
  for (size_t i = 0; i < w->pushes.n / sizeof *pushes; i++) {
    open_bracket(w, NULL, "{");
    add_number(w, "body", pushes[i].force.body);
    add_number(w, "begin", brief((double)pushes[i].begin * w->m->opt.timestep));
    add_number(w, "end", brief((double)pushes[i].end * w->m->opt.timestep));
    add_vector(w, "force", pushes[i].force.force, 3);
    close_bracket(w, "}");
  }
  close_bracket(w, "]");
}

static const char *ending_of(const writer *w) {
  if (w->last == w->first) return "";
  const tendril_step *step = tnd_trace_step(w->trace, w->last - 1);
  return step->diverged     ? "diverged"
         : step->terminated ? "terminated"
         : step->truncated  ? "truncated"
                            : "";
}

static void add_episode(writer *w) {
  const tendril_task *task = task_of(w);
  const size_t steps = (size_t)(w->last - w->first);
  const size_t poses = (size_t)w->nframe * (size_t)w->ntrack;
  w->fresh = true;
  open_bracket(w, NULL, "{");
  add_text(w, "format", "tendril-episode");
  add_number(w, "version", 1);
  add_text(w, "tendril", tendril_version());
  add_text(w, "task", task->name);
  add_number(w, "seconds", brief(seconds_of(w)));
  add_number(w, "first", w->first);
  add_number(w, "last", w->last);
  add_text(w, "ending", ending_of(w));
  add_number(w, "every", w->every);
  add_number(w, "frames", w->nframe);
  add_number(w, "tracks", w->ntrack);
  if (w->m->ncam) add_vector(w, "camera", w->camera, 3);
  add_bodies(w);
  add_geoms(w);
  add_meshes(w);
  add_fields(w);
  add_pushes(w);
  open_bracket(w, "terms", "[");
  for (int i = 0; i < task->nterm; i++)
    add_text(w, NULL, task->terms[i] ? task->terms[i] : "");
  close_bracket(w, "]");
  add_number(w, "return_before", brief(tnd_trace_return(w->trace, w->first)));
  add_numbers(w, "rewards", w->rewards, steps, sizeof *w->rewards);
  add_numbers(w, "rewards_by_term", w->terms, steps * (size_t)task->nterm, sizeof *w->terms);
  add_numbers(w, "positions", w->positions, poses * 3, sizeof *w->positions);
  add_numbers(w, "turns", w->turns, poses * 4, sizeof *w->turns);
  close_bracket(w, "}");
}

// As text of HTML, in an element or in quotes.
static void add_html(writer *w, const char *text) {
  const char *good = clean(w, text);
  for (; *good; good++) {
    switch (*good) {
    case '&':
      tnd_buffer_text(&w->out, "&amp;");
      break;
    case '<':
      tnd_buffer_text(&w->out, "&lt;");
      break;
    case '>':
      tnd_buffer_text(&w->out, "&gt;");
      break;
    case '"':
      tnd_buffer_text(&w->out, "&quot;");
      break;
    default:
      tnd_buffer_add(&w->out, good, 1);
    }
  }
}

// Copies the page up to the place {{name}} and goes on behind it.
static void add_page_to(writer *w, const char **at, const char *place) {
  const char *end = (const char *)tnd_page + tnd_page_size;
  const char *found = memmem(*at, (size_t)(end - *at), place, strlen(place));
  if (!found) found = end;  // the build has put all places there
  tnd_buffer_add(&w->out, *at, (size_t)(found - *at));
  *at = found == end ? end : found + strlen(place);
}

static void add_page(writer *w, const tnd_html_info *info) {
  const char *at = (const char *)tnd_page;
  const char *title = info && info->title ? info->title : task_of(w)->name;
  add_page_to(w, &at, "{{title}}");
  add_html(w, title);
  add_page_to(w, &at, "{{title}}");
  add_html(w, title);
  add_page_to(w, &at, "{{caption}}");
  add_html(w, info && info->caption ? info->caption : "");
  add_page_to(w, &at, "{{episode}}");
  add_episode(w);
  tnd_buffer_add(&w->out, at, tnd_page_size - (size_t)(at - (const char *)tnd_page));
}

// ------------------------------------------------------------------------------------ all of it

static tendril_status prepare(writer *w, tendril_error *err) {
  w->first = tnd_trace_first(w->trace);
  w->last = tnd_trace_last(w->trace);
  w->every = (int)fmax(1, floor(1 / (FRAME_RATE * seconds_of(w)) + 1e-6));
  w->nframe = (w->last - w->first + w->every - 1) / w->every + 1;
  w->track = tnd_alloc((size_t)w->m->nbody * sizeof *w->track);
  if (!w->track) return tnd_fail_memory(err);
  for (int i = 0; i < (int)w->m->nbody; i++)
    w->track[i] = moves(w->m, i) ? w->ntrack++ : -1;
  layout(w, &w->arena);
  TENDRIL_TRY(tnd_arena_alloc(&w->arena, err));
  layout(w, &w->arena);
  return tendril_env_create(tnd_trace_model(w->trace), &w->env, err);
}

static tendril_status make(writer *w, const tnd_html_info *info, tnd_aside *aside,
                           tendril_error *err) {
  TENDRIL_TRY(prepare(w, err));
  tendril_env_restore(w->env, tnd_trace_snapshot(w->trace, w->first), NULL);
  w->m = tendril_env_mujoco(w->env);  // on the episode's ground
  record_rewards(w);
  record_pushes(w);
  tendril_status status = tnd_physics_run(record_poses, w, err);
  if (status != TENDRIL_OK) {
    w->env->wrecked = true;
    return status;
  }
  add_page(w, info);
  if (w->out.failed || w->pushes.failed || w->scratch.failed) return tnd_fail_memory(err);
  return tnd_aside_add(aside, w->out.text, w->out.n, err);
}

tendril_status tnd_html_write(const tnd_trace *trace, const tnd_html_info *info, tnd_aside *aside,
                              tendril_error *err) {
  writer w = {.trace = trace, .m = tendril_model_mujoco(tnd_trace_model(trace))};
  const tendril_status status = make(&w, info, aside, err);
  tnd_buffer_free(&w.out);
  tnd_buffer_free(&w.pushes);
  tnd_buffer_free(&w.scratch);
  tendril_env_destroy(w.env);
  tnd_arena_free(&w.arena);
  tnd_free(w.track);
  return status;
}

// Recordings. Episodes are played one by one into a trace; each output makes of the trace, or of
// the frames that are drawn once for all videos, what its format is.
#include "view/record.h"

#include "view/html.h"
#include "view/offscreen.h"
#include "view/picture.h"
#include "view/pose.h"
#include "view/scene.h"
#include "view/strip.h"
#include "view/trace_csv.h"
#include "view/video.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { WIDTH = 640, HEIGHT = 480 };  // of videos
#define MOST_FPS 32.0                // that are taken unasked

// What all outputs share.
typedef struct job {
  const tendril_model *model;
  const tnd_record_options *options;
  int width, height, rate[2];  // of videos
} job;

typedef struct output {
  const struct format *format;
  const char *path;
  tnd_aside aside;      // but for videos, which have their own
  tnd_video *video;     // videos
  tnd_picture picture;  // film strips
} output;

// A format. begin() fails early if nothing can be written; finish() has all of it on the disk;
// commit() puts it at its place. Videos take frames, all others episodes.
typedef struct format {
  const char *extension;
  tendril_status (*begin)(output *out, const job *j, tendril_error *err);
  tendril_status (*episode)(output *out, const job *j, const tnd_trace *trace, int number,
                            tendril_error *err);
  tendril_status (*finish)(output *out, tendril_error *err);
  tnd_codec codec;  // of those without `episode`
} format;

// --------------------------------------------------------------------------------------- formats

static tendril_status begin_file(output *out, const job *j, tendril_error *err) {
  (void)j;
  return tnd_aside_begin(&out->aside, out->path, err);
}

static tendril_status begin_video(output *out, const job *j, tendril_error *err) {
  return tnd_video_create(out->path, out->format->codec, j->width, j->height, j->rate, &out->video,
                          err);
}

static tendril_status finish_video(output *out, tendril_error *err) {
  return tnd_video_finish(out->video, err);
}

static tendril_status episode_strip(output *out, const job *j, const tnd_trace *trace, int number,
                                    tendril_error *err) {
  if (number > 0) return TENDRIL_OK;
  const tnd_strip_options options = {.width = j->options->width, .height = j->options->height};
  return tnd_strip_draw(trace, &options, &out->picture, err);
}

static tendril_status finish_strip(output *out, tendril_error *err) {
  return tnd_picture_write(&out->picture, &out->aside, err);
}

static tendril_status episode_csv(output *out, const job *j, const tnd_trace *trace, int number,
                                  tendril_error *err) {
  tnd_buffer rows = {0};
  const int pushes = j->options->npush + (tendril_model_disturbance(j->model) != NULL);
  if (number == 0) tnd_trace_csv_header(j->model, pushes, &rows);
  tendril_status status = tnd_trace_csv_episode(trace, number, pushes, &rows, err);
  if (status == TENDRIL_OK) status = tnd_aside_add(&out->aside, rows.text, rows.n, err);
  tnd_buffer_free(&rows);
  return status;
}

static tendril_status episode_html(output *out, const job *j, const tnd_trace *trace, int number,
                                   tendril_error *err) {
  if (number > 0) return TENDRIL_OK;
  const tnd_html_info info = {.title = tendril_model_task(j->model)->name,
                              .caption = j->options->caption};
  return tnd_html_write(trace, &info, &out->aside, err);
}

// clang-format off
static const format formats[] = {
    {"mp4",  begin_video, NULL,          finish_video, TND_MP4},
    {"webm", begin_video, NULL,          finish_video, TND_WEBM},
    {"gif",  begin_video, NULL,          finish_video, TND_GIF},
    {"png",  begin_file,  episode_strip, finish_strip, 0},
    {"html", begin_file,  episode_html,  NULL,         0},
    {"csv",  begin_file,  episode_csv,   NULL,         0},
};
// clang-format on
enum { NFORMAT = sizeof formats / sizeof formats[0] };

static const format *find_format(const char *path) {
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
  for (int i = 0; dot && i < NFORMAT; i++)
    if (strcasecmp(dot + 1, formats[i].extension) == 0) return &formats[i];
  return NULL;
}

tendril_status tnd_record_check(const char *path, tendril_error *err) {
  if (find_format(path)) return TENDRIL_OK;
  char known[128];
  size_t n = 0;
  for (int i = 0; i < NFORMAT; i++)
    n += (size_t)snprintf(known + n, sizeof known - n, "%s.%s",
                          i == 0             ? ""
                          : i == NFORMAT - 1 ? " or "
                                             : ", ",
                          formats[i].extension);
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "%.300s: the name must end in %s", path, known);
}

static tendril_status commit(output *out, tendril_error *err) {
  return out->video ? tnd_video_commit(out->video, err) : tnd_aside_commit(&out->aside, err);
}

static void abandon(output *out) {
  tnd_video_destroy(out->video);
  tnd_aside_abandon(&out->aside);
  tnd_picture_free(&out->picture);
}

// ---------------------------------------------------------------------------------------- frames

// Draws the frames of all videos.
typedef struct camera {
  tnd_scene *scene;
  tnd_pose *pose;
  tnd_offscreen *offscreen;
  tnd_picture picture;
} camera;

static tendril_status open_camera(camera *c, const job *j, tendril_error *err) {
  TENDRIL_TRY(tnd_scene_create(j->model, j->options->quality, &c->scene, err));
  TENDRIL_TRY(tnd_scene_set_camera(c->scene, j->options->camera, err));
  tnd_scene_fit(c->scene, (double)j->width / j->height);
  TENDRIL_TRY(tnd_pose_create(j->model, &c->pose, err));
  TENDRIL_TRY(tnd_offscreen_create(&c->scene->look, j->width, j->height, 100, &c->offscreen, err));
  return tnd_picture_create(j->width, j->height, &c->picture, err);
}

static void close_camera(camera *c) {
  tnd_picture_free(&c->picture);
  tnd_offscreen_destroy(c->offscreen);
  tnd_pose_destroy(c->pose);
  tnd_scene_destroy(c->scene);
}

static tendril_status shoot(camera *c, const double *snapshot, tendril_error *err) {
  tendril_force forces[TENDRIL_MAX_FORCES];
  TENDRIL_TRY(tnd_pose_set(c->pose, snapshot, err));
  const tnd_extras extras = {.forces = forces, .nforce = tnd_pose_pushes(c->pose, forces)};
  tnd_scene_set_ground(c->scene, tnd_pose_mujoco(c->pose));
  TENDRIL_TRY(tnd_scene_update(c->scene, tnd_pose_data(c->pose), &extras, err));
  TENDRIL_TRY(tnd_offscreen_render(c->offscreen, &c->scene->mjv, err));
  return tnd_offscreen_read(c->offscreen, c->picture.rgb, err);
}

static tendril_status check_stop(const job *j, tendril_error *err) {
  if (!j->options->stop || !*j->options->stop) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_SYSTEM, "stopped; nothing was written");
}

static tendril_status film(camera *c, const job *j, output *outputs, int n, const tnd_trace *trace,
                           int *frames, tendril_error *err) {
  const double seconds = tendril_model_seconds(j->model);
  const int last = tnd_trace_last(trace);
  c->scene->has_center = false;  // a still camera stands where each episode begins
  int drawn = -1;
  for (int i = 0;; i++) {
    const double time = (double)i * j->rate[1] / j->rate[0];
    const double t = floor(time / seconds + 0.5);
    if (t > last) return TENDRIL_OK;
    TENDRIL_TRY(check_stop(j, err));
    // with more frames than control steps some are the same
    if ((int)t != drawn) TENDRIL_TRY(shoot(c, tnd_trace_snapshot(trace, (int)t), err));
    drawn = (int)t;
    for (int k = 0; k < n; k++)
      if (outputs[k].video) TENDRIL_TRY(tnd_video_add(outputs[k].video, c->picture.rgb, err));
    ++*frames;
  }
}

static int common_divisor(int a, int b) {
  return b ? common_divisor(b, a % b) : a;
}

// Frames per second as a fraction; unasked every k-th control step is a frame.
static void set_rate(job *j) {
  const double seconds = tendril_model_seconds(j->model), fps = j->options->fps;
  const double k = fmax(ceil(1 / (seconds * MOST_FPS) - 1e-9), 1);
  const double frame = fps > 0 ? 1 / fps : fmin(k * seconds, 100);
  int over = 1000000, under = (int)fmax(round(frame * over), 1);
  if (fps > 0 && fps == floor(fps)) {
    over = (int)fps;
    under = 1;
  }
  const int d = common_divisor(over, under);
  j->rate[0] = over / d;
  j->rate[1] = under / d;
}

// ------------------------------------------------------------------------------------------ main

static void note_episode(const tnd_trace *trace, bool cut, tnd_recorded *out) {
  const int last = tnd_trace_last(trace);
  const tendril_step *end = tnd_trace_step(trace, last - 1);
  out->episodes++;
  out->steps += last;
  out->seconds += last * tendril_model_seconds(tnd_trace_model(trace));
  out->returns_mean += (tnd_trace_return(trace, last) - out->returns_mean) / out->episodes;
  out->terminated += !cut && end->terminated;
  out->truncated += !cut && end->truncated && !end->terminated;
  out->diverged += !cut && end->diverged;
  out->cut += cut;
}

static tendril_status play(const job *j, tendril_controller *controller, camera *c, output *outputs,
                           int n, tnd_trace *trace, tnd_recorded *result, tendril_error *err) {
  const tnd_record_options *o = j->options;
  for (int number = 0; number < o->episodes; number++) {
    TENDRIL_TRY(check_stop(j, err));
    TENDRIL_TRY(
        tnd_trace_play(trace, controller, o->seed, (uint32_t)number, o->pushes, o->npush, err));
    const double most = floor(o->seconds / tendril_model_seconds(j->model) + 0.5);
    const bool cut = o->seconds > 0 && most < tnd_trace_last(trace);
    if (cut) tnd_trace_cut(trace, (int)fmax(most, 1));
    for (int i = 0; i < n; i++)
      if (outputs[i].format->episode)
        TENDRIL_TRY(outputs[i].format->episode(&outputs[i], j, trace, number, err));
    if (c->scene) TENDRIL_TRY(film(c, j, outputs, n, trace, &result->frames, err));
    note_episode(trace, cut, result);
  }
  return TENDRIL_OK;
}

// Whether two paths are of one file, however they are spelt.
static bool same_file(const char *a, const char *b) {
  const char *const paths[2] = {a, b};
  const char *names[2];
  struct stat folders[2];
  for (int i = 0; i < 2; i++) {
    const char *slash = strrchr(paths[i], '/');
    const int length = slash ? (int)(slash - paths[i]) : 0;
    char folder[TND_PATH_MAX];
    names[i] = slash ? slash + 1 : paths[i];
    if (snprintf(folder, sizeof folder, "%.*s%s", length, paths[i], slash ? "/" : ".") >=
            (int)sizeof folder ||
        stat(folder, &folders[i]))
      return false;  // it will be said when they are opened
  }
  return strcmp(names[0], names[1]) == 0 && folders[0].st_dev == folders[1].st_dev &&
         folders[0].st_ino == folders[1].st_ino;
}

static tendril_status check_outputs(output *outputs, const char *const *paths, int n,
                                    tendril_error *err) {
  for (int i = 0; i < n; i++) {
    TENDRIL_TRY(tnd_record_check(paths[i], err));
    for (int k = 0; k < i; k++)
      if (strcmp(paths[i], paths[k]) == 0 || same_file(paths[i], paths[k]))
        return tnd_fail(err, TENDRIL_E_ARGUMENT, "%.300s: given twice", paths[i]);
    outputs[i].format = find_format(paths[i]);
    outputs[i].path = paths[i];
  }
  return TENDRIL_OK;
}

static tendril_status record(job *j, tendril_controller *controller, camera *c, output *outputs,
                             int n, tnd_trace **trace, tnd_recorded *result, tendril_error *err) {
  // 1. what can't be had is said before anything is played
  bool videos = j->options->draw_only;
  for (int i = 0; i < n; i++)
    videos |= !outputs[i].format->episode;
  if (videos) TENDRIL_TRY(open_camera(c, j, err));
  for (int i = 0; i < n; i++)
    TENDRIL_TRY(outputs[i].format->begin(&outputs[i], j, err));
  TENDRIL_TRY(tnd_trace_create(j->model, tendril_model_max_steps(j->model), trace, err));

  // 2. the episodes
  TENDRIL_TRY(play(j, controller, c, outputs, n, *trace, result, err));
  if (videos) result->rate = (double)j->rate[0] / j->rate[1];

  // 3. the files, all of them
  for (int i = 0; i < n; i++)
    if (outputs[i].format->finish) TENDRIL_TRY(outputs[i].format->finish(&outputs[i], err));
  TENDRIL_TRY(check_stop(j, err));
  for (int i = 0; i < n; i++)
    TENDRIL_TRY(commit(&outputs[i], err));
  return TENDRIL_OK;
}

tendril_status tnd_record(const tendril_model *model, tendril_controller *controller,
                          const tnd_record_options *options, const char *const *paths, int n,
                          tnd_recorded *out, tendril_error *err) {
  output outputs[TND_RECORD_MAX_OUTPUTS];
  camera c = {.scene = NULL};
  tnd_trace *trace = NULL;
  tnd_recorded result = {.episodes = 0};
  job j = {.model = model,
           .options = options,
           .width = options->width ? options->width : WIDTH,
           .height = options->height ? options->height : HEIGHT};
  if (n < (options->draw_only ? 0 : 1) || n > TND_RECORD_MAX_OUTPUTS)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%d outputs; at most %d at a time", n,
                    TND_RECORD_MAX_OUTPUTS);
  for (int i = 0; i < n; i++)
    outputs[i] = (output){.aside.fd = -1};
  set_rate(&j);
  tendril_status status = check_outputs(outputs, paths, n, err);
  if (status == TENDRIL_OK) status = record(&j, controller, &c, outputs, n, &trace, &result, err);
  for (int i = 0; i < n; i++)
    abandon(&outputs[i]);
  tnd_trace_destroy(trace);
  close_camera(&c);
  if (status == TENDRIL_OK) *out = result;
  return status;
}

// The window: events in, pictures out. GLFW gives both; MuJoCo's key codes are GLFW's. One picture
// is drawn after the other, never more than 60 a second, and the player is told how much time went
// by.
#define GLFW_INCLUDE_NONE
#include "view/screen.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "sim/physics.h"
#include "view/overlay.h"
#include "view/panel.h"
#include "view/picture.h"
#include "view/video.h"

#include <GLFW/glfw3.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MOST_PICTURES 60.0  // a second
#define FEW_PICTURES 25.0   // a second; below, something is left out
#define ENOUGH_TIME 0.45    // of that time; a picture that waits for a 60 Hz screen takes 0.42
#define SETTLE 0.1          // weight of the newest picture in the measured time
#define PATIENCE 1.0        // seconds between two changes of what is left out
#define DOUBLE_CLICK 0.35   // seconds
#define VIDEO_RATE 30
#define MOST_PIXELS 16384  // a side; what drivers of OpenGL have in common
#define HINT "`tendril record` makes videos and pictures without a display"

struct tnd_screen {
  tnd_viewer *viewer;
  tnd_screen_options options;
  GLFWwindow *glfw;
  mjrContext context;
  int fields;  // of the look, as the context has them
  bool made;   // the context is
  tnd_panels *panels;
  tnd_plots *plots;
  mjuiState state;
  int shown_left, shown_right, width, height;  // that the panels are laid out for
  int windowed[4];                             // place and size before full screen

  double drawn;     // seconds that a picture takes
  double pictures;  // a second, measured
  double adapted;   // when something was left out last, or came back
  int level;        // 2: shadows and reflections; 1: shadows; 0: neither

  tnd_video *video;  // in the making
  int video_size[2];
  char video_path[TND_PATH_MAX];
  double video_owed;  // seconds that are to be filmed
  tnd_picture frame;
};

static void say(const tnd_screen *w, const char *what, const char *which) {
  char line[TND_PATH_MAX + 64];
  snprintf(line, sizeof line, "%.60s%s", what, which);
  if (w->options.say) w->options.say(w->options.user, line);
}

// ------------------------------------------------------------------------------------ events

static int modifier_of(const mjuiState *s) {
  return (s->control ? TND_CONTROL : 0) | (s->shift ? TND_SHIFT : 0) | (s->alt ? TND_ALT : 0);
}

static tnd_mouse mouse_of(const tnd_screen *w) {
  const mjuiState *s = &w->state;
  const mjrRect *r = &s->rect[TND_RECT_PICTURE];
  const int held = s->left     ? mjBUTTON_LEFT
                   : s->right  ? mjBUTTON_RIGHT
                   : s->middle ? mjBUTTON_MIDDLE
                               : mjBUTTON_NONE;
  return (tnd_mouse){.button = s->type == mjEVENT_PRESS ? s->button : held,
                     .twice = s->doubleclick,
                     .control = s->control,
                     .shift = s->shift,
                     .x = (s->x - r->left) / r->width,
                     .y = (s->y - r->bottom) / r->height,
                     .dx = s->dx / r->height,
                     .dy = -s->dy / r->height,
                     .aspect = (double)r->width / r->height};
}

static void dispatch(tnd_screen *w) {
  mjuiState *s = &w->state;
  tnd_viewer *v = w->viewer;
  if (tnd_panels_event(w->panels, s, &w->context)) return;
  tnd_mouse mouse = mouse_of(w);
  switch (s->type) {
  case mjEVENT_KEY:
    tnd_viewer_key(v, s->key, modifier_of(s));
    break;
  case mjEVENT_PRESS:
    if (s->mouserect == TND_RECT_PICTURE) tnd_viewer_press(v, &mouse);
    break;
  case mjEVENT_MOVE:
    if (s->dragrect == TND_RECT_PICTURE && mouse.button) tnd_viewer_move(v, &mouse);
    break;
  case mjEVENT_RELEASE:
    tnd_viewer_release(v);
    break;
  case mjEVENT_SCROLL:
    mouse.dy = s->sy;
    if (s->mouserect == TND_RECT_PICTURE) tnd_viewer_scroll(v, &mouse);
    break;
  default:
    break;
  }
}

// Buttons and modifiers; the mouse is where it last moved to.
static void read_buttons(tnd_screen *w) {
  GLFWwindow *g = w->glfw;
  mjuiState *s = &w->state;
  s->left = glfwGetMouseButton(g, GLFW_MOUSE_BUTTON_LEFT) == GLFW_PRESS;
  s->right = glfwGetMouseButton(g, GLFW_MOUSE_BUTTON_RIGHT) == GLFW_PRESS;
  s->middle = glfwGetMouseButton(g, GLFW_MOUSE_BUTTON_MIDDLE) == GLFW_PRESS;
  s->control = glfwGetKey(g, GLFW_KEY_LEFT_CONTROL) == GLFW_PRESS ||
               glfwGetKey(g, GLFW_KEY_RIGHT_CONTROL) == GLFW_PRESS;
  s->shift = glfwGetKey(g, GLFW_KEY_LEFT_SHIFT) == GLFW_PRESS ||
             glfwGetKey(g, GLFW_KEY_RIGHT_SHIFT) == GLFW_PRESS;
  s->alt = glfwGetKey(g, GLFW_KEY_LEFT_ALT) == GLFW_PRESS ||
           glfwGetKey(g, GLFW_KEY_RIGHT_ALT) == GLFW_PRESS;
  if (s->alt) {
    const int left = s->left;
    s->left = s->right;
    s->right = left;
  }
  s->dx = s->dy = 0;
}

static void find_rect(mjuiState *s) {
  s->mouserect = mjr_findRect((int)s->x, (int)s->y, s->nrect - 1, s->rect + 1) + 1;
}

// (x, y) in the window's units from above, the state's in pixels from below. Not asked of GLFW: it
// would tell where the mouse is by now, with all that is still in the queue.
static void place_mouse(tnd_screen *w, double x, double y) {
  mjuiState *s = &w->state;
  int window_width, window_height, width, height;
  glfwGetWindowSize(w->glfw, &window_width, &window_height);
  glfwGetFramebufferSize(w->glfw, &width, &height);
  const double scale = window_width > 0 ? (double)width / window_width : 1;
  x *= scale;
  y = height - y * scale;
  s->dx = x - s->x;
  s->dy = y - s->y;
  s->x = x;
  s->y = y;
  find_rect(s);
}

static void on_key(GLFWwindow *g, int key, int scancode, int action, int mods) {
  (void)scancode, (void)mods;
  tnd_screen *w = glfwGetWindowUserPointer(g);
  if (action == GLFW_RELEASE) return;
  read_buttons(w);
  w->state.type = mjEVENT_KEY;
  w->state.key = key;
  w->state.keytime = tnd_clock_wall();
  dispatch(w);
}

static void on_button(GLFWwindow *g, int button, int action, int mods) {
  (void)mods;
  tnd_screen *w = glfwGetWindowUserPointer(g);
  mjuiState *s = &w->state;
  read_buttons(w);
  int which = button == GLFW_MOUSE_BUTTON_LEFT    ? mjBUTTON_LEFT
              : button == GLFW_MOUSE_BUTTON_RIGHT ? mjBUTTON_RIGHT
                                                  : mjBUTTON_MIDDLE;
  if (s->alt && which != mjBUTTON_MIDDLE)
    which = which == mjBUTTON_LEFT ? mjBUTTON_RIGHT : mjBUTTON_LEFT;
  if (action == GLFW_PRESS) {
    const double now = tnd_clock_wall();
    s->doubleclick = which == s->button && now - s->buttontime < DOUBLE_CLICK;
    s->type = mjEVENT_PRESS;
    s->button = which;
    s->buttontime = now;
    if (s->mouserect) {
      s->dragrect = s->mouserect;
      s->dragbutton = which;
    }
  } else {
    s->type = mjEVENT_RELEASE;
  }
  dispatch(w);
  if (s->type == mjEVENT_RELEASE) s->dragrect = s->dragbutton = 0;
}

static void on_move(GLFWwindow *g, double x, double y) {
  tnd_screen *w = glfwGetWindowUserPointer(g);
  read_buttons(w);
  place_mouse(w, x, y);
  w->state.type = mjEVENT_MOVE;
  dispatch(w);
}

static void on_scroll(GLFWwindow *g, double x, double y) {
  tnd_screen *w = glfwGetWindowUserPointer(g);
  read_buttons(w);
  w->state.type = mjEVENT_SCROLL;
  w->state.sx = x;
  w->state.sy = y;
  dispatch(w);
}

// ------------------------------------------------------------------------------------ wishes

// A name that is free: earlier files stay, those of other windows on the same task included.
static tendril_status find_name(const tnd_screen *w, const char *extension, char path[TND_PATH_MAX],
                                tendril_error *err) {
  char part[TND_PATH_MAX + 8];
  for (int i = 1;; i++) {
    const int n = snprintf(path, TND_PATH_MAX, "%s/%s-%03d.%s", w->options.folder, w->options.name,
                           i, extension);
    if (n >= TND_PATH_MAX) return tnd_fail_io(err, w->options.folder, "not written", ENAMETOOLONG);
    snprintf(part, sizeof part, "%s.part", path);
    if (!tnd_path_exists(path) && !tnd_path_exists(part)) return TENDRIL_OK;
  }
}

// The picture that was just drawn, before it is swapped away.
static tendril_status grab(tnd_screen *w, tendril_error *err) {
  const mjrRect all = w->state.rect[TND_RECT_WINDOW];
  const int width = all.width & ~1, height = all.height & ~1;  // videos have even sizes
  if (w->frame.width != width || w->frame.height != height) {
    tnd_picture_free(&w->frame);
    TENDRIL_TRY(tnd_picture_create(width, height, &w->frame, err));
  }
  const mjrRect even = {0, 0, width, height};
  mjr_readPixels(w->frame.rgb, NULL, even, &w->context);
  tnd_picture_flip(&w->frame);
  return TENDRIL_OK;
}

static void take_screenshot(tnd_screen *w) {
  char path[TND_PATH_MAX];
  tendril_error err = {{0}};
  tnd_aside aside = {.fd = -1};
  tendril_status status = find_name(w, "png", path, &err);
  if (status == TENDRIL_OK) status = grab(w, &err);
  if (status == TENDRIL_OK) status = tnd_aside_begin(&aside, path, &err);
  if (status == TENDRIL_OK) status = tnd_picture_write(&w->frame, &aside, &err);
  if (status == TENDRIL_OK) status = tnd_aside_commit(&aside, &err);
  tnd_aside_abandon(&aside);
  if (status == TENDRIL_OK)
    say(w, "screenshot ", path);
  else
    say(w, "no screenshot: ", err.text);
}

static void end_video(tnd_screen *w) {
  tendril_error err = {{0}};
  if (!w->video) return;
  tendril_status status = tnd_video_finish(w->video, &err);
  if (status == TENDRIL_OK) status = tnd_video_commit(w->video, &err);
  if (status == TENDRIL_OK)
    say(w, "recorded ", w->video_path);
  else
    say(w, "no recording: ", err.text);
  tnd_video_destroy(w->video);
  w->video = NULL;
}

static void begin_video(tnd_screen *w) {
  tendril_error err = {{0}};
  const int rate[2] = {VIDEO_RATE, 1};
  tendril_status status = find_name(w, "mp4", w->video_path, &err);
  if (status == TENDRIL_OK) status = grab(w, &err);
  w->video_size[0] = w->frame.width;
  w->video_size[1] = w->frame.height;
  if (status == TENDRIL_OK)
    status = tnd_video_create(w->video_path, TND_MP4, w->frame.width, w->frame.height, rate,
                              &w->video, &err);
  // the first picture at once: no video is without one
  if (status == TENDRIL_OK) status = tnd_video_add(w->video, w->frame.rgb, &err);
  w->video_owed = 0;
  if (status == TENDRIL_OK) {
    say(w, "recording ", w->video_path);
    return;
  }
  say(w, "no recording: ", err.text);
  tnd_video_destroy(w->video);
  w->video = NULL;
}

// Pictures of the video for the time that went by.
static void film(tnd_screen *w, double seconds) {
  tendril_error err = {{0}};
  if (!w->video) return;
  w->video_owed += seconds;
  if (w->video_owed < 1.0 / VIDEO_RATE) return;
  tendril_status status = grab(w, &err);
  if (status == TENDRIL_OK &&
      (w->frame.width != w->video_size[0] || w->frame.height != w->video_size[1])) {
    say(w, "the window's size changed: ", "the recording ends");
    end_video(w);
    return;
  }
  for (; status == TENDRIL_OK && w->video_owed >= 1.0 / VIDEO_RATE;
       w->video_owed -= 1.0 / VIDEO_RATE)
    status = tnd_video_add(w->video, w->frame.rgb, &err);
  if (status == TENDRIL_OK) return;
  say(w, "no recording: ", err.text);
  tnd_video_destroy(w->video);
  w->video = NULL;
}

static void toggle_full_screen(tnd_screen *w) {
  int *r = w->windowed;
  if (glfwGetWindowMonitor(w->glfw)) {
    glfwSetWindowMonitor(w->glfw, NULL, r[0], r[1], r[2], r[3], GLFW_DONT_CARE);
    return;
  }
  GLFWmonitor *monitor = glfwGetPrimaryMonitor();
  const GLFWvidmode *mode = monitor ? glfwGetVideoMode(monitor) : NULL;
  if (!mode) return;
  glfwGetWindowPos(w->glfw, &r[0], &r[1]);
  glfwGetWindowSize(w->glfw, &r[2], &r[3]);
  glfwSetWindowMonitor(w->glfw, monitor, 0, 0, mode->width, mode->height, mode->refreshRate);
}

static void fulfil(tnd_screen *w) {
  const unsigned wishes = w->viewer->wishes;
  w->viewer->wishes = 0;
  if (wishes & TND_WISH_SCREENSHOT) take_screenshot(w);
  if (wishes & TND_WISH_RECORD) {
    if (w->video)
      end_video(w);
    else
      begin_video(w);
  }
  if (wishes & TND_WISH_FULLSCREEN) toggle_full_screen(w);
  if (wishes & TND_WISH_QUIT) glfwSetWindowShouldClose(w->glfw, GLFW_TRUE);
}

// ------------------------------------------------------------------------------------ pictures

static void lay_out(tnd_screen *w) {
  int width, height;
  const tnd_viewer *v = w->viewer;
  glfwGetFramebufferSize(w->glfw, &width, &height);
  const bool same = width == w->width && height == w->height && v->left == w->shown_left &&
                    v->right == w->shown_right;
  if (same || width < 1 || height < 1) return;
  w->width = width;
  w->height = height;
  w->shown_left = v->left;
  w->shown_right = v->right;
  tnd_panels_layout(w->panels, width, height, &w->state, &w->context);
  // a panel may have come or gone under a mouse that keeps still
  find_rect(&w->state);
}

static void draw(void *context) {
  tnd_screen *w = context;
  const mjrRect picture = w->state.rect[TND_RECT_PICTURE];
  tnd_look_upload(&w->viewer->scene->look, &w->context, &w->fields);
  mjr_render(picture, &w->viewer->scene->mjv, &w->context);
  tnd_overlay_render(w->viewer, w->plots, w->pictures, w->video != NULL, picture, &w->context);
  tnd_panels_render(w->panels, &w->state, &w->context);
}

// Leaves out what takes long, brings it back when there is time.
static void adapt(tnd_screen *w, double took, double now) {
  mjtByte *flags = w->viewer->scene->mjv.flags;
  w->drawn += SETTLE * (took - w->drawn);
  if (!w->options.adapt || w->viewer->own_flags || now - w->adapted < PATIENCE) return;
  const int before = w->level;
  if (w->drawn > 1 / FEW_PICTURES && w->level > 0) w->level--;
  if (w->drawn < ENOUGH_TIME / FEW_PICTURES && w->level < 2) w->level++;
  if (w->level == before) return;
  flags[mjRND_SHADOW] = w->level > 0;
  flags[mjRND_REFLECTION] = w->level > 1;
  w->adapted = now;
}

static void rest(double seconds) {
  if (!(seconds > 0)) return;
  const struct timespec pause = {.tv_nsec = (long)(seconds * 1e9)};
  nanosleep(&pause, NULL);
}

tendril_status tnd_screen_run(tnd_screen *w, const volatile sig_atomic_t *stop,
                              tendril_error *err) {
  double before = tnd_clock_wall();
  w->adapted = before;
  while (!glfwWindowShouldClose(w->glfw) && !*stop) {
    glfwPollEvents();
    const double begin = tnd_clock_wall(), gone = begin - before;
    before = begin;
    w->pictures += SETTLE * (1 / fmax(gone, 1e-3) - w->pictures);
    tnd_viewer_advance(w->viewer, gone);
    lay_out(w);
    TENDRIL_TRY(tnd_viewer_update(w->viewer, err));
    TENDRIL_TRY(tnd_physics_run(draw, w, err));
    film(w, gone);
    fulfil(w);
    glfwSwapBuffers(w->glfw);
    const double end = tnd_clock_wall();
    adapt(w, end - begin, end);
    rest(1 / MOST_PICTURES - (end - begin));
  }
  end_video(w);
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ life

static tendril_status fail(const char *what, tendril_error *err) {
  const char *why = NULL;
  glfwGetError(&why);
  return tnd_fail(err, TENDRIL_E_SYSTEM, "%s (%s); %s", what, why ? why : "no reason given", HINT);
}

static void make_context(void *context) {
  tnd_screen *w = context;
  mjr_makeContext(&w->viewer->scene->look.model, &w->context, mjFONTSCALE_100);
}

static void free_context(void *context) {
  tnd_screen *w = context;
  mjr_freeContext(&w->context);
}

static tendril_status open_window(tnd_screen *w, tendril_error *err) {
  const tnd_screen_options *o = &w->options;
  // asked for more, X ends the program by itself, or OpenGL draws nothing
  if (o->width > MOST_PIXELS || o->height > MOST_PIXELS)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "a window of %d x %d pixels: at most %d x %d; ask for a smaller size", o->width,
                    o->height, MOST_PIXELS, MOST_PIXELS);
  if (!glfwInit()) return fail("no display", err);
  glfwWindowHint(GLFW_SAMPLES, 0);
  w->glfw = glfwCreateWindow(o->width, o->height, o->title, NULL, NULL);
  if (!w->glfw) return fail("no window with OpenGL", err);
  glfwMakeContextCurrent(w->glfw);
  glfwSwapInterval(1);
  mjr_defaultContext(&w->context);
  TENDRIL_TRY(tnd_physics_run(make_context, w, err));
  w->made = true;
  glfwSetWindowUserPointer(w->glfw, w);
  glfwSetKeyCallback(w->glfw, on_key);
  glfwSetMouseButtonCallback(w->glfw, on_button);
  glfwSetCursorPosCallback(w->glfw, on_move);
  glfwSetScrollCallback(w->glfw, on_scroll);
  return TENDRIL_OK;
}

tendril_status tnd_screen_create(tnd_viewer *viewer, const tnd_screen_options *options,
                                 tnd_screen **out, tendril_error *err) {
  tnd_screen *w = tnd_alloc(sizeof *w);
  if (!w) return tnd_fail_memory(err);
  *w = (tnd_screen){.viewer = viewer, .options = *options};
  const mjtByte *flags = viewer->scene->mjv.flags;
  w->level = flags[mjRND_SHADOW] + flags[mjRND_REFLECTION];
  tendril_status status = tnd_panels_create(viewer, &w->panels, err);
  if (status == TENDRIL_OK) status = tnd_plots_create(viewer->model, &w->plots, err);
  if (status == TENDRIL_OK) status = open_window(w, err);
  if (status == TENDRIL_OK) {
    lay_out(w);
    *out = w;
  } else {
    tnd_screen_destroy(w);
  }
  return status;
}

void tnd_screen_destroy(tnd_screen *w) {
  if (!w) return;
  tnd_video_destroy(w->video);
  tnd_picture_free(&w->frame);
  if (w->made && tnd_physics_run(free_context, w, NULL) != TENDRIL_OK) {
    // nothing can be done about it; the rest is still released
  }
  // GLFW itself stays: ending it would unload the driver under other users of it
  if (w->glfw) glfwDestroyWindow(w->glfw);
  tnd_plots_destroy(w->plots);
  tnd_panels_destroy(w->panels);
  tnd_free(w);
}

// Rendering through EGL's surfaceless platform: needs no X server, no device, no window. The
// display is one for the process and stays open: ending it would unload the driver under other
// users of it.
#define EGL_NO_X11
#include "view/offscreen.h"

#include "sim/physics.h"

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <math.h>
#include <string.h>

struct tnd_offscreen {
  EGLDisplay display;
  EGLContext context;
  mjrContext mjr;
  bool made;  // mjr is
  const tnd_look *look;
  int fields;  // look->fields of those that mjr has
  int width, height;
  int font_percent;
  mjrRect viewport;
  unsigned char *rows;  // [height][width][3] as OpenGL has them, the bottom one first
};

#define DESCENT 0.05  // pixels of a letter below its base line, per percent of the font
#define DRIVER_HINT "install Debian's packages libegl1 and libgl1-mesa-dri"

// ---------------------------------------------------------------------------------------- context

static tendril_status open_display(EGLDisplay *out, tendril_error *err) {
  EGLint major, minor;
  EGLDisplay display =
      eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
  if (display == EGL_NO_DISPLAY || !eglInitialize(display, &major, &minor))
    return tnd_fail(err, TENDRIL_E_SYSTEM, "rendering: OpenGL can't be had (EGL error 0x%x); %s",
                    (unsigned)eglGetError(), DRIVER_HINT);
  *out = display;
  return TENDRIL_OK;
}

static tendril_status open_context(tnd_offscreen *o, tendril_error *err) {
  static const EGLint want[] = {EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE,
                                EGL_OPENGL_BIT, EGL_NONE};
  EGLConfig config;
  EGLint n = 0;
  TENDRIL_TRY(open_display(&o->display, err));
  // without attributes: a compatibility context, which MuJoCo's renderer needs
  if (eglBindAPI(EGL_OPENGL_API) && eglChooseConfig(o->display, want, &config, 1, &n) && n > 0)
    o->context = eglCreateContext(o->display, config, EGL_NO_CONTEXT, NULL);
  if (o->context == EGL_NO_CONTEXT)
    return tnd_fail(err, TENDRIL_E_SYSTEM,
                    "rendering: no OpenGL context off the screen (EGL error 0x%x); %s",
                    (unsigned)eglGetError(), DRIVER_HINT);
  return TENDRIL_OK;
}

static tendril_status make_current(tnd_offscreen *o, tendril_error *err) {
  if (eglGetCurrentContext() == o->context) return TENDRIL_OK;
  if (eglBindAPI(EGL_OPENGL_API) &&
      eglMakeCurrent(o->display, EGL_NO_SURFACE, EGL_NO_SURFACE, o->context))
    return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_SYSTEM,
                  "rendering: the OpenGL context can't be used (EGL error 0x%x)",
                  (unsigned)eglGetError());
}

// The largest picture, asked of OpenGL itself: MuJoCo gives up late and says little.
static int size_limit(void) {
  enum { GL_LIMIT_RENDERBUFFER = 0x84E8, GL_LIMIT_VIEWPORT = 0x0D3A };
  typedef void (*get_integers)(unsigned what, int *out);
  get_integers get = (get_integers)eglGetProcAddress("glGetIntegerv");
  int buffer = 0, viewport[2] = {0, 0};
  if (!get) return 4096;
  get(GL_LIMIT_RENDERBUFFER, &buffer);
  get(GL_LIMIT_VIEWPORT, viewport);
  const int side = viewport[0] < viewport[1] ? viewport[0] : viewport[1];
  return buffer < side ? buffer : side;
}

typedef struct making {
  tnd_offscreen *o;
  const mjModel *model;
  int font_percent;
} making;

static void make_mjr(void *context) {
  const making *k = context;
  mjr_makeContext(k->model, &k->o->mjr, k->font_percent);
  mjr_setBuffer(mjFB_OFFSCREEN, &k->o->mjr);
}

static tendril_status make_renderer(tnd_offscreen *o, const tnd_look *look, int font_percent,
                                    tendril_error *err) {
  mjModel model = look->model;
  model.vis.global.offwidth = o->width;
  model.vis.global.offheight = o->height;
  making k = {o, &model, font_percent};
  mjr_defaultContext(&o->mjr);
  tendril_error why;
  if (tnd_physics_run(make_mjr, &k, &why) != TENDRIL_OK)
    return tnd_fail(err, TENDRIL_E_SYSTEM,
                    "a picture of %d x %d pixels can't be drawn: %.200s; ask for a smaller size",
                    o->width, o->height, why.text);
  o->made = true;
  // a viewport larger than the buffer would go unnoticed
  const mjrRect most = mjr_maxViewport(&o->mjr);
  if (o->mjr.currentBuffer != mjFB_OFFSCREEN || most.width < o->width || most.height < o->height)
    return tnd_fail(err, TENDRIL_E_SYSTEM, "rendering: OpenGL made no buffer of %d x %d pixels",
                    o->width, o->height);
  return TENDRIL_OK;
}

static tendril_status create(tnd_offscreen *o, const tnd_look *look, int font_percent,
                             tendril_error *err) {
  TENDRIL_TRY(open_context(o, err));
  TENDRIL_TRY(make_current(o, err));
  const int limit = size_limit();
  if (o->width < 1 || o->height < 1 || o->width > limit || o->height > limit)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "a picture of %d x %d pixels: OpenGL draws at most %d x %d here; ask for a "
                    "smaller size",
                    o->width, o->height, limit, limit);

  // colour and depth of each sample, the resolved picture, and ours: taken by the driver, so said
  // beforehand
  const size_t pixels = (size_t)o->width * (size_t)o->height;
  const size_t samples = look->model.vis.quality.offsamples > 0 ? 4 : 1;
  if (!tnd_memory_take(pixels * (8 * samples + 8))) return tnd_fail_memory(err);
  o->rows = tnd_alloc(pixels * 3);
  if (!o->rows) return tnd_fail_memory(err);
  return make_renderer(o, look, font_percent, err);
}

tendril_status tnd_offscreen_create(const tnd_look *look, int width, int height, int font_percent,
                                    tnd_offscreen **out, tendril_error *err) {
  tnd_offscreen *o = tnd_alloc(sizeof *o);
  if (!o) return tnd_fail_memory(err);
  *o = (tnd_offscreen){.context = EGL_NO_CONTEXT,
                       .width = width,
                       .height = height,
                       .font_percent = font_percent,
                       .look = look,
                       .fields = look->fields,
                       .viewport = {0, 0, width, height}};
  const tendril_status status = create(o, look, font_percent, err);
  if (status == TENDRIL_OK)
    *out = o;
  else
    tnd_offscreen_destroy(o);
  return status;
}

static void free_mjr(void *context) {
  mjr_freeContext(context);
}

void tnd_offscreen_destroy(tnd_offscreen *offscreen) {
  if (!offscreen) return;
  if (offscreen->context != EGL_NO_CONTEXT) {
    if (offscreen->made && make_current(offscreen, NULL) == TENDRIL_OK) {
      const tendril_status ignored = tnd_physics_run(free_mjr, &offscreen->mjr, NULL);
      (void)ignored;
    }
    if (eglGetCurrentContext() == offscreen->context)
      eglMakeCurrent(offscreen->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    eglDestroyContext(offscreen->display, offscreen->context);
  }
  tnd_free(offscreen->rows);
  tnd_free(offscreen);
}

// ---------------------------------------------------------------------------------------- drawing

// What one call of MuJoCo's renderer gets.
typedef struct drawing {
  tnd_offscreen *o;
  mjvScene *scene;
  mjrRect where;
  const float *rgb;
  const char *text;
  double x, y;
} drawing;

// The call under guard, in our context.
static tendril_status draw(tnd_offscreen *o, tnd_physics_call call, drawing *d,
                           tendril_error *err) {
  TENDRIL_TRY(make_current(o, err));
  d->o = o;
  TENDRIL_TRY(tnd_physics_run(call, d, err));
  const int code = mjr_getError();
  if (code == 0) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_SYSTEM, "rendering: OpenGL error 0x%x", (unsigned)code);
}

static void call_render(void *context) {
  const drawing *d = context;
  tnd_look_upload(d->o->look, &d->o->mjr, &d->o->fields);
  mjr_render(d->o->viewport, d->scene, &d->o->mjr);
}

tendril_status tnd_offscreen_render(tnd_offscreen *offscreen, mjvScene *scene, tendril_error *err) {
  return draw(offscreen, call_render, &(drawing){.scene = scene}, err);
}

static void call_read(void *context) {
  const drawing *d = context;
  mjr_readPixels(d->o->rows, NULL, d->o->viewport, &d->o->mjr);
}

tendril_status tnd_offscreen_read(tnd_offscreen *offscreen, unsigned char *rgb,
                                  tendril_error *err) {
  const size_t row = (size_t)offscreen->width * 3, h = (size_t)offscreen->height;
  TENDRIL_TRY(draw(offscreen, call_read, &(drawing){0}, err));
  for (size_t i = 0; i < h; i++)
    memcpy(rgb + i * row, offscreen->rows + (h - 1 - i) * row, row);
  return TENDRIL_OK;
}

static void call_bar(void *context) {
  const drawing *d = context;
  mjr_rectangle(d->where, d->rgb[0], d->rgb[1], d->rgb[2], 1);
}

mjrContext *tnd_offscreen_mjr(tnd_offscreen *o) {
  return &o->mjr;
}

tendril_status tnd_offscreen_bar(tnd_offscreen *offscreen, mjrRect where, const float rgb[3],
                                 tendril_error *err) {
  return draw(offscreen, call_bar, &(drawing){.where = where, .rgb = rgb}, err);
}

double tnd_offscreen_text_width(const tnd_offscreen *offscreen, const char *text) {
  int n = 0;
  for (; *text; text++)
    if ((unsigned char)*text < 127) n += offscreen->mjr.charWidth[(unsigned char)*text];
  return n;
}

static void call_text(void *context) {
  const drawing *d = context;
  // its coordinates are fractions of OpenGL's viewport, which a bar leaves as its own; one that
  // can't be seen sets it right
  mjr_rectangle(d->o->viewport, 0, 0, 0, 0);
  mjr_text(mjFONT_NORMAL, d->text, &d->o->mjr, (float)d->x, (float)d->y, d->rgb[0], d->rgb[1],
           d->rgb[2]);
}

tendril_status tnd_offscreen_text(tnd_offscreen *offscreen, double x, double y, tnd_align align,
                                  const char *text, const float rgb[3], tendril_error *err) {
  const double width = tnd_offscreen_text_width(offscreen, text);
  drawing d = {.text = text, .rgb = rgb};
  d.x = x - (align == TND_CENTER ? 0.5 * width : align == TND_RIGHT ? width : 0);
  d.x = floor(d.x) / offscreen->width;
  // it counts from the lowest end of the letters
  d.y = floor(y - DESCENT * offscreen->font_percent) / offscreen->height;
  return draw(offscreen, call_text, &d, err);
}

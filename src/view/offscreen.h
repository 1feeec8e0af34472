// Pictures without a window or a display, by EGL and MuJoCo's renderer. One process may have
// several; each is one thread's at a time. Whatever else is current in the thread's OpenGL must be
// made current again after a call of this.
#ifndef TND_OFFSCREEN_H
#define TND_OFFSCREEN_H

#include "view/look.h"

typedef struct tnd_offscreen tnd_offscreen;

// Of the size of the pictures. look: borrowed for the creation only; its quality holds.
// @return E_SYSTEM if OpenGL can't be had, naming the package; E_ARGUMENT for a size beyond what
// it can draw; E_MEMORY
TENDRIL_MUST_CHECK tendril_status tnd_offscreen_create(const tnd_look *look, int width, int height,
                                                       int font_percent, tnd_offscreen **out,
                                                       tendril_error *err);
void tnd_offscreen_destroy(tnd_offscreen *offscreen);

// Draws over what was drawn before. The scene must be one of the look that it was created with.
TENDRIL_MUST_CHECK tendril_status tnd_offscreen_render(tnd_offscreen *offscreen, mjvScene *scene,
                                                       tendril_error *err);
// rgb [height][width][3] filled, the top row first.
TENDRIL_MUST_CHECK tendril_status tnd_offscreen_read(tnd_offscreen *offscreen, unsigned char *rgb,
                                                     tendril_error *err);

// MuJoCo's context, current in the thread that made the last call; for what draws into it itself.
mjrContext *tnd_offscreen_mjr(tnd_offscreen *offscreen);

// Flat additions between the two; pixels from the lower left corner.
TENDRIL_MUST_CHECK tendril_status tnd_offscreen_bar(tnd_offscreen *offscreen, mjrRect where,
                                                    const float rgb[3], tendril_error *err);
typedef enum tnd_align { TND_LEFT, TND_CENTER, TND_RIGHT } tnd_align;
// ASCII; (x, y): left end, middle or right end of its base line.
TENDRIL_MUST_CHECK tendril_status tnd_offscreen_text(tnd_offscreen *offscreen, double x, double y,
                                                     tnd_align align, const char *text,
                                                     const float rgb[3], tendril_error *err);
double tnd_offscreen_text_width(const tnd_offscreen *offscreen, const char *text);

#endif

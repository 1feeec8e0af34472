// The viewer's window: GLFW and OpenGL around tnd_viewer. Only this file needs a display.
#ifndef TND_SCREEN_H
#define TND_SCREEN_H

#include "view/viewer.h"

#include <signal.h>

typedef struct tnd_screen_options {
  const char *title;
  int width, height;  // pixels
  // shadows and reflections are left out when there would be fewer than 25 pictures a second, and
  // come back when there is time; false: they stay as the scene has them
  bool adapt;
  const char *folder;  // for screenshots and recordings; "." is the current one
  const char *name;    // what their names begin with
  void (*say)(void *user, const char *line);  // for the terminal; may be NULL
  void *user;
} tnd_screen_options;

typedef struct tnd_screen tnd_screen;

// viewer and the texts of the options: borrowed.
// @return E_SYSTEM if there is no display or no OpenGL; E_ARGUMENT for a size beyond what it draws
TENDRIL_MUST_CHECK tendril_status tnd_screen_create(tnd_viewer *viewer,
                                                    const tnd_screen_options *options,
                                                    tnd_screen **out, tendril_error *err);
void tnd_screen_destroy(tnd_screen *window);

// Until the user closes it or *stop is not 0.
TENDRIL_MUST_CHECK tendril_status tnd_screen_run(tnd_screen *window,
                                                 const volatile sig_atomic_t *stop,
                                                 tendril_error *err);

#endif

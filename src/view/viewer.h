// The viewer without its window: what it shows, and how it answers keys and the mouse, as MuJoCo's
// `simulate` does wherever that has the same. Needs no OpenGL: a window, or a test, hands it
// events.
#ifndef TND_VIEWER_H
#define TND_VIEWER_H

#include "view/player.h"
#include "view/scene.h"

// What only the window can do.
enum tnd_viewer_wish {
  TND_WISH_QUIT = 1,
  TND_WISH_SCREENSHOT = 2,
  TND_WISH_RECORD = 4,  // begin or end
  TND_WISH_FULLSCREEN = 8,
};

// Index into the cameras: these, then the model's own.
enum { TND_CAMERA_TRACKING, TND_CAMERA_FREE, TND_CAMERA_FIXED };

enum { TND_VIEWER_PATH = 2048 };

typedef struct tnd_viewer {
  const tendril_model *model;
  tnd_player *player;
  tnd_scene *scene;  // camera, options and flags: panels edit them in place
  mjvPerturb perturb;
  int which_camera;
  int help, info, plots, path;  // overlays
  int left, right;              // panels
  unsigned wishes;              // the window takes them back as it fulfils them
  bool own_flags;               // shadows or reflections were switched by hand
  // places of the torso at times that were shown, in their order
  int npath;
  uint32_t path_story;  // of the player, that they are of
  int path_times[TND_VIEWER_PATH];
  double path_points[TND_VIEWER_PATH][3];
} tnd_viewer;

// scene, player: borrowed, as is the viewer by the scene.
void tnd_viewer_init(tnd_viewer *viewer, tnd_scene *scene, tnd_player *player);

// `seconds` went by; a body that is dragged is pulled on.
void tnd_viewer_advance(tnd_viewer *viewer, double seconds);

// A key; modifier is 0, or the sum of the below. True if it means something.
enum { TND_CONTROL = 1, TND_SHIFT = 2, TND_ALT = 4 };
bool tnd_viewer_key(tnd_viewer *viewer, int key, int modifier);

// The mouse in the picture. Positions and displacements as shares of the picture's height (dx, dy)
// or of width and height from the lower left corner (x, y).
typedef struct tnd_mouse {
  int button;  // mjtButton, the one that went down or is held
  bool twice;  // second press of a double click
  bool control, shift;
  double x, y, dx, dy;
  double aspect;  // width over height
} tnd_mouse;

void tnd_viewer_press(tnd_viewer *viewer, const tnd_mouse *mouse);
void tnd_viewer_move(tnd_viewer *viewer, const tnd_mouse *mouse);
void tnd_viewer_release(tnd_viewer *viewer);
void tnd_viewer_scroll(tnd_viewer *viewer, const tnd_mouse *mouse);  // dy: notches

// The scene of the state that is shown, with what the panels edited.
TENDRIL_MUST_CHECK tendril_status tnd_viewer_update(tnd_viewer *viewer, tendril_error *err);

// The help, two texts of as many lines: keys, and what they do; first those that play the episode,
// then those that change what is seen. Valid until the thread's next call.
enum { TND_HELP_PLAY, TND_HELP_SEE };
void tnd_viewer_help(int part, const char **keys, const char **meanings);

#endif

// Keys and mouse of the viewer. One table has the keys, their help and what they do. Letters and
// digits that are not in it are MuJoCo's own: flags of what is drawn and how.
#include "view/viewer.h"

#include "sim/sim.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NOTCH 0.02           // of a zoom by one notch of the wheel, as in `simulate`
enum { MOST_PLACES = 100 };  // of the path between two pictures

// ------------------------------------------------------------------------------------ keys

enum action {
  COMMAND,  // of the player
  TOGGLE,   // an int of the viewer, by its offset
  WISH,     // of the window
  CAMERA,   // next (1) or previous (-1); 0: the free one
  ALIGN,    // the camera as it was at first
  PARENT,   // select the parent of the selected body
  FRAME,    // cycle what frames are drawn
  LABEL,    // cycle what is labelled
};

static const struct key {
  int key, modifier;
  enum action action;
  int value;
  const char *name, *help;  // NULL: not in the help, or the line before has it
} keys[] = {
    {' ', 0, COMMAND, TND_PAUSE, "Space", "pause, go on"},
    {mjKEY_RIGHT, 0, COMMAND, TND_STEP, "Right, Left", "a step on, a step back"},
    {mjKEY_LEFT, 0, COMMAND, TND_BACK, NULL, NULL},
    {mjKEY_RIGHT, TND_SHIFT, COMMAND, TND_STEP_FAR, "Shift Right, Left", "the same by 0.2 s"},
    {mjKEY_LEFT, TND_SHIFT, COMMAND, TND_BACK_FAR, NULL, NULL},
    {mjKEY_HOME, 0, COMMAND, TND_OLDEST, "Home, End", "oldest state, newest"},
    {mjKEY_END, 0, COMMAND, TND_NEWEST, NULL, NULL},
    {mjKEY_BACKSPACE, 0, COMMAND, TND_RESTART, "Backspace", "restart the episode"},
    {mjKEY_DOWN, 0, COMMAND, TND_NEXT_EPISODE, "Down, Up", "next episode, previous"},
    {mjKEY_UP, 0, COMMAND, TND_LAST_EPISODE, NULL, NULL},
    {'.', TND_SHIFT, COMMAND, TND_NEXT_CHECKPOINT, "Shift . ,", "next checkpoint, previous"},
    {',', TND_SHIFT, COMMAND, TND_LAST_CHECKPOINT, NULL, NULL},
    {'=', 0, COMMAND, TND_FASTER, "= -", "faster, slower"},
    {'-', 0, COMMAND, TND_SLOWER, NULL, NULL},
    {mjKEY_ENTER, 0, COMMAND, TND_PUSH, "Enter", "push"},
    {']', 0, CAMERA, 1, "] [", "next camera, previous"},
    {'[', 0, CAMERA, -1, NULL, NULL},
    {mjKEY_ESCAPE, 0, CAMERA, 0, "Esc", "free camera"},
    {'A', TND_CONTROL, ALIGN, 0, "Ctrl A", "camera as at first"},
    {mjKEY_PAGE_UP, 0, PARENT, 0, "Page Up", "select the parent body"},
    {mjKEY_TAB, 0, TOGGLE, offsetof(tnd_viewer, left), "Tab, Shift Tab", "left panel, right panel"},
    {mjKEY_TAB, TND_SHIFT, TOGGLE, offsetof(tnd_viewer, right), NULL, NULL},
    {mjKEY_F1, 0, TOGGLE, offsetof(tnd_viewer, help), "F1", "help"},
    {mjKEY_F2, 0, TOGGLE, offsetof(tnd_viewer, info), "F2", "information"},
    {mjKEY_F3, 0, TOGGLE, offsetof(tnd_viewer, plots), "F3", "plots"},
    {mjKEY_F4, 0, TOGGLE, offsetof(tnd_viewer, path), "F4", "path of the torso"},
    {mjKEY_F5, 0, WISH, TND_WISH_FULLSCREEN, "F5", "full screen"},
    {mjKEY_F6, 0, FRAME, 0, "F6, F7", "frames, labels"},
    {mjKEY_F7, 0, LABEL, 0, NULL, NULL},
    {'P', TND_CONTROL, WISH, TND_WISH_SCREENSHOT, "Ctrl P", "screenshot"},
    {'R', TND_CONTROL, WISH, TND_WISH_RECORD, "Ctrl R", "begin a recording, end it"},
    {'Q', TND_CONTROL, WISH, TND_WISH_QUIT, "Ctrl Q", "quit"},
};
enum { NKEY = sizeof keys / sizeof keys[0] };

static const struct {
  int part;
  const char *name, *help;
} mouse_help[] = {
    {TND_HELP_PLAY, "Double click", "select a body"},
    {TND_HELP_PLAY, "Ctrl right drag", "pull it"},
    {TND_HELP_PLAY, "Ctrl left drag", "twist it"},
    {TND_HELP_SEE, "Left drag", "turn the camera"},
    {TND_HELP_SEE, "Right drag", "move it, if free"},
    {TND_HELP_SEE, "Scroll, middle drag", "zoom"},
    {TND_HELP_SEE, "Right double click", "look there"},
    {TND_HELP_SEE, "C F S R W J T ...", "as in simulate"},
};
enum { NMOUSE = sizeof mouse_help / sizeof mouse_help[0] };

typedef struct help {
  char keys[1024], meanings[1024];
  size_t nkeys, nmeanings;
} help;

static void add_help(help *h, const char *key, const char *meaning) {
  const char *line = h->nkeys ? "\n" : "";
  const size_t room_a = sizeof h->keys - h->nkeys, room_b = sizeof h->meanings - h->nmeanings;
  if (strlen(key) + 2 > room_a || strlen(meaning) + 2 > room_b) return;
  h->nkeys += (size_t)snprintf(h->keys + h->nkeys, room_a, "%s%s", line, key);
  h->nmeanings += (size_t)snprintf(h->meanings + h->nmeanings, room_b, "%s%s", line, meaning);
}

void tnd_viewer_help(int part, const char **names, const char **meanings) {
  static _Thread_local help h;
  h = (help){.nkeys = 0};
  for (int i = 0; i < NKEY; i++)
    if (keys[i].name && (keys[i].action == COMMAND) == (part == TND_HELP_PLAY))
      add_help(&h, keys[i].name, keys[i].help);
  for (int i = 0; i < NMOUSE; i++)
    if (mouse_help[i].part == part) add_help(&h, mouse_help[i].name, mouse_help[i].help);
  *names = h.keys;
  *meanings = h.meanings;
}

static int ncamera(const tnd_viewer *v) {
  return TND_CAMERA_FIXED + (int)tendril_model_mujoco(v->model)->ncam;
}

static void free_camera(tnd_viewer *v) {
  v->which_camera = TND_CAMERA_FREE;
  v->scene->camera.type = mjCAMERA_FREE;
}

static void align(tnd_viewer *v) {
  // no name that could be unknown
  const tendril_status ignored = tnd_scene_set_camera(v->scene, NULL, NULL);
  (void)ignored;
  v->which_camera = TND_CAMERA_TRACKING;
  v->scene->has_center = false;
}

static void select_body(tnd_viewer *v, int body) {
  v->perturb.select = body > 0 ? body : 0;
  v->perturb.active = 0;
  if (body > 0) tnd_player_get_settings(v->player)->body = body;
  tnd_player_drag(v->player, 0, NULL);
}

static void act(tnd_viewer *v, const struct key *k) {
  const mjModel *m = tendril_model_mujoco(v->model);
  int *toggled = (int *)((char *)v + k->value);
  switch (k->action) {
  case COMMAND:
    tnd_player_do(v->player, (tnd_command)k->value);
    break;
  case TOGGLE:
    *toggled = !*toggled;
    break;
  case WISH:
    v->wishes |= (unsigned)k->value;
    break;
  case CAMERA:
    if (k->value == 0)
      free_camera(v);
    else
      v->which_camera = (v->which_camera + k->value + ncamera(v)) % ncamera(v);
    break;
  case ALIGN:
    align(v);
    break;
  case PARENT:
    if (v->perturb.select > 0) select_body(v, m->body_parentid[v->perturb.select]);
    break;
  case FRAME:
    v->scene->option.frame = (v->scene->option.frame + 1) % mjNFRAME;
    break;
  case LABEL:
    v->scene->option.label = (v->scene->option.label + 1) % mjNLABEL;
    break;
  }
}

// MuJoCo's own: flags by their letter, groups by their number.
static bool flag_key(tnd_viewer *v, int key, int modifier) {
  if (key >= '0' && key < '0' + mjNGROUP) {
    mjtByte *group =
        modifier == TND_SHIFT ? v->scene->option.sitegroup : v->scene->option.geomgroup;
    group[key - '0'] = !group[key - '0'];
    return modifier == 0 || modifier == TND_SHIFT;
  }
  if (modifier != 0 || key <= 0 || key >= 128) return false;
  for (int i = 0; i < mjNVISFLAG; i++) {
    if (mjVISSTRING[i][2][0] != key) continue;
    v->scene->option.flags[i] = !v->scene->option.flags[i];
    return true;
  }
  for (int i = 0; i < mjNRNDFLAG; i++) {
    if (mjRNDSTRING[i][2][0] != key) continue;
    v->scene->mjv.flags[i] = !v->scene->mjv.flags[i];
    v->own_flags = true;
    return true;
  }
  return false;
}

bool tnd_viewer_key(tnd_viewer *v, int key, int modifier) {
  for (int i = 0; i < NKEY; i++) {
    if (keys[i].key != key || keys[i].modifier != modifier) continue;
    act(v, &keys[i]);
    return true;
  }
  return flag_key(v, key, modifier);
}

// ------------------------------------------------------------------------------------ mouse

static void double_click(tnd_viewer *v, const tnd_mouse *mouse) {
  const mjModel *m = tendril_model_mujoco(v->model);
  const mjData *d = tnd_player_data(v->player);
  double point[3];
  int geom, skin;
  const int body = mjv_select(m, d, &v->scene->option, mouse->aspect, mouse->x, mouse->y,
                              &v->scene->mjv, point, &geom, &skin);
  if (mouse->button == mjBUTTON_LEFT) {
    select_body(v, body);
    if (body > 0) {
      // the place on the body that was clicked: where the arrow begins
      double from_body[3];
      mju_sub3(from_body, point, d->xpos + (ptrdiff_t)3 * body);
      mju_mulMatTVec(v->perturb.localpos, d->xmat + (ptrdiff_t)9 * body, from_body, 3, 3);
    }
  } else if (body >= 0) {
    if (mouse->control && body > 0)
      v->which_camera = TND_CAMERA_TRACKING;
    else
      free_camera(v);
    mju_copy3(v->scene->camera.lookat, point);
  }
}

void tnd_viewer_press(tnd_viewer *v, const tnd_mouse *mouse) {
  const bool drags =
      mouse->control && v->perturb.select > 0 && mouse->button != mjBUTTON_MIDDLE && !mouse->twice;
  v->perturb.active = 0;
  if (drags) {
    v->perturb.active = mouse->button == mjBUTTON_RIGHT ? mjPERT_TRANSLATE : mjPERT_ROTATE;
    mjv_initPerturb(tendril_model_mujoco(v->model), tnd_player_data(v->player), &v->scene->mjv,
                    &v->perturb);
  }
  if (mouse->twice && mouse->button != mjBUTTON_MIDDLE) double_click(v, mouse);
}

// What a drag with this button does, as in `simulate`.
static mjtMouse drag_of(const tnd_mouse *mouse) {
  switch (mouse->button) {
  case mjBUTTON_RIGHT:
    return mouse->shift ? mjMOUSE_MOVE_H : mjMOUSE_MOVE_V;
  case mjBUTTON_LEFT:
    return mouse->shift ? mjMOUSE_ROTATE_H : mjMOUSE_ROTATE_V;
  default:
    return mjMOUSE_ZOOM;
  }
}

void tnd_viewer_move(tnd_viewer *v, const tnd_mouse *mouse) {
  const mjModel *m = tendril_model_mujoco(v->model);
  const mjtMouse action = drag_of(mouse);
  if (v->perturb.active) {
    mjv_movePerturb(m, tnd_player_data(v->player), action, mouse->dx, mouse->dy, &v->scene->mjv,
                    &v->perturb);
    tnd_player_hold(v->player, &v->perturb);
    return;
  }
  if (v->scene->camera.type == mjCAMERA_FIXED) return;
  // one that tracks is turned and zoomed only: panning doesn't lose the robot
  const bool pans = action == mjMOUSE_MOVE_H || action == mjMOUSE_MOVE_V;
  if (pans && v->which_camera == TND_CAMERA_TRACKING) return;
  mjv_moveCamera(m, action, mouse->dx, mouse->dy, &v->scene->mjv, &v->scene->camera);
}

void tnd_viewer_release(tnd_viewer *v) {
  v->perturb.active = 0;
  tnd_player_drag(v->player, 0, NULL);
}

void tnd_viewer_scroll(tnd_viewer *v, const tnd_mouse *mouse) {
  if (v->scene->camera.type == mjCAMERA_FIXED) return;
  mjv_moveCamera(tendril_model_mujoco(v->model), mjMOUSE_ZOOM, 0, -NOTCH * mouse->dy,
                 &v->scene->mjv, &v->scene->camera);
}

// ------------------------------------------------------------------------------------ time

void tnd_viewer_advance(tnd_viewer *v, double seconds) {
  const int body = v->perturb.select;
  if (v->perturb.active && body > 0) {
    mjData *d = tnd_player_data(v->player);
    mjv_applyPerturbForce(tendril_model_mujoco(v->model), d, &v->perturb);
    double wrench[6];
    memcpy(wrench, d->xfrc_applied + (ptrdiff_t)6 * body, sizeof wrench);
    tnd_player_drag(v->player, body, wrench);
  }
  tnd_player_advance(v->player, seconds);
}

static void add_place(tnd_viewer *v, int t) {
  if (v->npath == TND_VIEWER_PATH) {
    // every second one is enough for the older part
    v->npath /= 2;
    for (int i = 0; i < v->npath; i++) {
      v->path_times[i] = v->path_times[2 * i];
      mju_copy3(v->path_points[i], v->path_points[2 * i]);
    }
  }
  const mjData *d = tnd_player_data_at(v->player, t);
  v->path_times[v->npath] = t;
  mju_copy3(v->path_points[v->npath++], d->xipos + (ptrdiff_t)3 * v->scene->root);
}

// The torso's places up to the time that is shown; what was there of later times is forgotten.
static void follow_path(tnd_viewer *v, const tnd_player_view *view) {
  if (v->path_story != view->story) v->npath = 0;
  v->path_story = view->story;
  while (v->npath && v->path_times[v->npath - 1] >= view->t)
    v->npath--;
  const int first = tnd_trace_first(view->trace);
  int from = v->npath ? v->path_times[v->npath - 1] + 1 : first;
  if (from < first) from = first;
  // a long way is told by some of its places
  const int every = 1 + (view->t - from) / MOST_PLACES;
  for (int t = from; t < view->t; t += every)
    add_place(v, t);
  add_place(v, view->t);
}

tendril_status tnd_viewer_update(tnd_viewer *v, tendril_error *err) {
  mjvCamera *camera = &v->scene->camera;
  const bool fixed = v->which_camera >= TND_CAMERA_FIXED;
  camera->type = fixed ? mjCAMERA_FIXED : mjCAMERA_FREE;
  if (fixed) camera->fixedcamid = v->which_camera - TND_CAMERA_FIXED;
  // the robot may be far from where the camera was left
  const bool follow = v->which_camera == TND_CAMERA_TRACKING;
  if (follow && !v->scene->follow) v->scene->has_center = false;
  v->scene->follow = follow;

  tnd_player_view view;
  tnd_player_see(v->player, &view);
  follow_path(v, &view);
  mjData *d = tnd_player_data(v->player);
  tendril_force forces[TENDRIL_MAX_FORCES];
  const tnd_extras extras = {.forces = forces,
                             .nforce = tnd_player_pushes(v->player, forces),
                             .path = v->path_points[0],
                             .npath = v->path ? v->npath : 0};
  tnd_scene_set_ground(v->scene, tnd_player_mujoco(v->player));
  return tnd_scene_update(v->scene, d, &extras, err);
}

void tnd_viewer_init(tnd_viewer *viewer, tnd_scene *scene, tnd_player *player) {
  *viewer =
      (tnd_viewer){.model = scene->model, .player = player, .scene = scene, .info = 1, .path = 1};
  mjv_defaultPerturb(&viewer->perturb);
  scene->perturb = &viewer->perturb;
}

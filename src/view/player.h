// The player without its window: an episode that runs at a chosen multiple of real time, is paused,
// stepped, gone back in, pushed and restarted. Knows nothing of pictures, keys or panels; a window
// or a test tells it what the user wants and how much time went by.
#ifndef TND_PLAYER_H
#define TND_PLAYER_H

#include "view/trace.h"

// What panels edit in place; the player reads it whenever it acts.
typedef struct tnd_player_settings {
  int running;     // 0: paused
  int go_on;       // 1: the next episode begins by itself when one is over
  double speed;    // simulated seconds per second
  double newtons;  // of a push
  double seconds;  // its length
  int direction;   // 0 ..: forward, back, left, right, up, down
  int body;        // of the mjModel
} tnd_player_settings;

#define TND_PLAYER_DIRECTIONS "forward\nback\nleft\nright\nup\ndown"

// What a user can ask for by a key, a button or the mouse.
typedef enum tnd_command {
  TND_PAUSE,         // or go on
  TND_STEP,          // one control step on; pauses
  TND_BACK,          // one control step back; pauses
  TND_STEP_FAR,      // 0.2 s on; pauses
  TND_BACK_FAR,      // 0.2 s back; pauses
  TND_OLDEST,        // to the oldest state that is remembered; pauses
  TND_NEWEST,        // to the newest; pauses
  TND_RESTART,       // the same episode from its start
  TND_NEXT_EPISODE,  // other start states; of a recorded one there is none
  TND_LAST_EPISODE,
  TND_NEXT_CHECKPOINT,  // the same episode with another checkpoint's policy
  TND_LAST_CHECKPOINT,
  TND_FASTER,  // speed by a factor of two, 1/16 to 16
  TND_SLOWER,
  TND_REAL_TIME,
  TND_PUSH,  // as the settings say, from now on
} tnd_command;

// The outer world; members may be NULL.
typedef struct tnd_player_hooks {
  // Makes the controller's policy that of the checkpoint `by` places on (-1 or 1) in the training;
  // false if there is none. label [64]: what it is called.
  bool (*move_checkpoint)(void *user, int by, char *label);
  // A line for the terminal: what was just done.
  void (*say)(void *user, const char *line);
  void *user;
} tnd_player_hooks;

typedef struct tnd_player tnd_player;

typedef struct tnd_player_setup {
  const tendril_model *model;
  tendril_controller *controller;  // NULL for a recorded episode
  const tnd_trace *recorded;       // an episode to show as it was; or NULL
  uint64_t seed;
  uint32_t episode;        // number of the first episode
  const char *checkpoint;  // what the first one is called, "" for none
  tnd_player_hooks hooks;
} tnd_player_setup;

// All of the setup is borrowed but for its texts.
TENDRIL_MUST_CHECK tendril_status tnd_player_create(const tnd_player_setup *setup, tnd_player **out,
                                                    tendril_error *err);
void tnd_player_destroy(tnd_player *player);
tnd_player_settings *tnd_player_get_settings(tnd_player *player);

// `seconds` of the wall clock went by. An episode that can't keep up runs slower and skips nothing.
void tnd_player_advance(tnd_player *player, double seconds);
void tnd_player_do(tnd_player *player, tnd_command command);
// Takes effect in the steps that follow, until it is called with body 0: force and torque on a body
// [6], as the mouse drags it. The first step from a past state makes another future of it.
void tnd_player_drag(tnd_player *player, int body, const double *wrench);
// While paused, a mocap body or a robot with a free joint goes to where the mouse holds it, at
// once; what came after that state is forgotten. Others stay: they are dragged only.
void tnd_player_hold(tnd_player *player, const mjvPerturb *perturb);

// How the state came about that is shown.
typedef struct tnd_player_view {
  const tnd_trace *trace;  // of the episode so far; times first .. last
  int t;                   // the time that is shown, first <= t <= last
  double seconds;          // it in seconds
  uint32_t episode;
  const char *checkpoint;  // "" for none
  const char *ending;      // why the episode ended at this time; NULL: it goes on
  double pace;             // simulated seconds per second, as reached lately; 0 while paused
  uint32_t story;          // another number: states seen before may be none of this episode
} tnd_player_view;

void tnd_player_see(const tnd_player *player, tnd_player_view *view);
// The state that is shown, for drawing: everything of mjData is up to date. Borrowed until the next
// call of the player.
mjData *tnd_player_data(tnd_player *player);
// The model with the ground of the episode that is shown.
const mjModel *tnd_player_mujoco(tnd_player *player);
// That of another time that is remembered.
mjData *tnd_player_data_at(tnd_player *player, int t);
// The forces of the pushes that act in it.
int tnd_player_pushes(tnd_player *player, tendril_force forces[TENDRIL_MAX_FORCES]);

#endif

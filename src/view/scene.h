// What is drawn, wherever that is: the model's geoms, the camera that follows the robot, pushes as
// arrows, the torso's path. A window and the off-screen renderer draw the same scene; this file
// knows of neither.
#ifndef TND_SCENE_H
#define TND_SCENE_H

#include "view/look.h"

#include <tendril/sim.h>

// Besides the names of the model's own cameras: keeps the robot where it is in the picture, or
// stands still where the robot was at first.
#define TND_CAMERA_FOLLOW "follow"
#define TND_CAMERA_STILL "still"

// What a window lets its user change is changed right here.
typedef struct tnd_scene {
  const tendril_model *model;
  tnd_look look;     // look.model is for mjv_ and mjr_
  mjvScene mjv;      // as the last update left it
  mjvOption option;  // what is shown: flags[mjVIS_CONTACTPOINT], ...
  mjvCamera camera;  // of type mjCAMERA_FREE or mjCAMERA_FIXED
  bool follow;       // a free camera moves along with the robot's centre of mass
  bool has_center;
  double center[3];           // the robot's centre of mass at the last update
  const mjvPerturb *perturb;  // what the mouse drags; NULL: nothing. Borrowed
  int root;                   // body whose subtree is the robot
  double reach;               // m; a ball around its centre that holds it
  bool flat;                  // it lies in the horizontal plane, as a swimmer
} tnd_scene;

// model: borrowed for the scene's life
TENDRIL_MUST_CHECK tendril_status tnd_scene_create(const tendril_model *model, tnd_quality quality,
                                                   tnd_scene **out, tendril_error *err);
void tnd_scene_destroy(tnd_scene *scene);

// The camera `name`: one of the two above, or of the model; NULL: the first of them.
// @return E_UNKNOWN, naming those that there are
TENDRIL_MUST_CHECK tendril_status tnd_scene_set_camera(tnd_scene *scene, const char *name,
                                                       tendril_error *err);
// A free camera so far from the robot that all of it is in a picture of that width over height.
void tnd_scene_fit(tnd_scene *scene, double aspect);

// The ground that is drawn from now on: tendril_env_mujoco() of the episode; borrowed.
void tnd_scene_set_ground(tnd_scene *scene, const mjModel *ground);

// What is drawn besides the state; all borrowed for the call.
typedef struct tnd_extras {
  const tendril_force *forces;  // [nforce] arrows at the bodies
  int nforce;
  const double *path;  // [npath][3] a line through these points
  int npath;
} tnd_extras;

// The scene of a state in which everything that MuJoCo derives is up to date. extras: may be NULL.
TENDRIL_MUST_CHECK tendril_status tnd_scene_update(tnd_scene *scene, mjData *data,
                                                   const tnd_extras *extras, tendril_error *err);

// Links of planar robots lie in each other, and which of two equal surfaces is seen is chance: each
// geom from mjv.geoms[from] on comes a hair's breadth nearer to the viewer, who looks along
// `forward`, than the one before. tnd_scene_update() does so by itself.
void tnd_scene_untangle(tnd_scene *scene, int from, const double forward[3]);

#endif

// Film strips: one picture of a way, with the robot drawn at equal steps in time where it was then,
// in the manner of gait figures, above a scale in metres and seconds.
#ifndef TND_STRIP_H
#define TND_STRIP_H

#include "view/picture.h"
#include "view/scene.h"
#include "view/trace.h"

enum { TND_STRIP_MAX = 32 };

// Which poses are shown, and where. Lengths in metres along the picture's two directions.
typedef struct tnd_strip_plan {
  int n;
  int times[TND_STRIP_MAX];  // control steps, at equal distances
  bool moves;                // each stands where it was; false: it hardly moves, and poses are set
                             // side by side
  bool above;                // seen from above, as robots that lie flat are
  double right[3], up[3];    // of the picture, in the world
  double shift[TND_STRIP_MAX][3];                  // from where it was to where it is drawn
  double low[TND_STRIP_MAX], high[TND_STRIP_MAX];  // of each pose along `right`, as drawn
  double center[TND_STRIP_MAX];                    // of mass, along `right`, as drawn
  double bottom, top;                              // of all, along `up`
  double distance, seconds;                        // of the robot, from the first pose to the last
} tnd_strip_plan;

// At most `poses` of them, 2 to TND_STRIP_MAX; fewer if the episode has no room for them. They
// don't hide each other.
TENDRIL_MUST_CHECK tendril_status tnd_strip_make_plan(const tnd_trace *trace,
                                                      const tnd_scene *scene, int poses,
                                                      tnd_strip_plan *out, tendril_error *err);

typedef struct tnd_strip_options {
  int width, height;  // pixels; 0, 0: a good size
  int poses;          // at most; 0: a good number
} tnd_strip_options;

// out: owned by the caller, tnd_picture_free(). E_ARGUMENT if the size leaves no room for the
// robot or is beyond what OpenGL can draw.
TENDRIL_MUST_CHECK tendril_status tnd_strip_draw(const tnd_trace *trace,
                                                 const tnd_strip_options *options, tnd_picture *out,
                                                 tendril_error *err);

#endif

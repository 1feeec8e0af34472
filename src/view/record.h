// Recordings: episodes of a controller into files, each in the format that its name ends in.
#ifndef TND_RECORD_H
#define TND_RECORD_H

#include "view/look.h"
#include "view/trace.h"

enum { TND_RECORD_MAX_OUTPUTS = 16 };

typedef struct tnd_record_options {
  int episodes;         // one after another in videos and tables; all else shows the first
  const char *caption;  // of a page: how the episodes came about; NULL: nothing is said
  uint64_t seed;
  int width, height;   // pixels; 0, 0: 640 x 480, of a film strip a good size
  double fps;          // of videos; 0: about 30, a whole number of control steps apart
  double seconds;      // of each episode that is recorded at most; 0: all
  const char *camera;  // of videos (view/scene.h), NULL: follows the robot
  tnd_quality quality;
  const tendril_push *pushes;  // [npush]
  int npush;
  bool draw_only;  // draws the frames of a video that nobody takes, to time it
} tnd_record_options;

// What was recorded.
typedef struct tnd_recorded {
  int episodes, frames;
  int64_t steps;
  double seconds;                            // simulated
  double returns_mean;                       // of the episodes
  int terminated, truncated, diverged, cut;  // how they ended
  double rate;                               // frames per second; 0 without a video
} tnd_recorded;

// Whether a file's name ends in one of the formats; E_ARGUMENT, naming them, if not.
TENDRIL_MUST_CHECK tendril_status tnd_record_check(const char *path, tendril_error *err);

// All outputs show the same episodes. A file appears when it is whole; after an error there is none
// but older ones.
// @param paths  [n] at most TND_RECORD_MAX_OUTPUTS
TENDRIL_MUST_CHECK tendril_status tnd_record(const tendril_model *model,
                                             tendril_controller *controller,
                                             const tnd_record_options *options,
                                             const char *const *paths, int n, tnd_recorded *out,
                                             tendril_error *err);

#endif

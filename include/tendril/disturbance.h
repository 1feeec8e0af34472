/**
 * @file disturbance.h
 * Pushes that a simulation makes by itself, episode by episode: when, how large and where to are
 * part of its configuration. docs/guide/robustness.md says what a gait's phase is here.
 */
#ifndef TENDRIL_DISTURBANCE_H
#define TENDRIL_DISTURBANCE_H

#include <tendril/base.h>
#include <tendril/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Index into the names of the option `direction`; those from FORWARD on are fixed. */
typedef enum tendril_disturbance_direction {
  TENDRIL_DISTURBANCE_EITHER,
  TENDRIL_DISTURBANCE_FORWARD,
  TENDRIL_DISTURBANCE_BACK,
  TENDRIL_DISTURBANCE_LEFT,
  TENDRIL_DISTURBANCE_RIGHT,
  TENDRIL_DISTURBANCE_UP,
  TENDRIL_DISTURBANCE_DOWN,
} tendril_disturbance_direction;

// clang-format off
#define TENDRIL_DISTURBANCE_OPTIONS(X)                                                             \
  X(real,    newtons,   0,        0,    1e6, "N",    "the largest push on the model's first body; 0: no pushes") \
  X(real,    least,     1,        0,    1,   "",     "the smallest, in parts of `newtons`; each push is drawn evenly between the two") \
  X(choice,  direction, "either", "either forward back left right up down", 0, "", "of the force, in the world; either: forward (+x) or back, drawn for each push") \
  X(real,    seconds,   0.1,      1e-4, 60,  "s",    "how long a push lasts; at least one step of MuJoCo") \
  X(real,    time,      1,        0,    1e6, "s",    "when the first is due, from the episode's start") \
  X(real,    every,     0,        0,    1e6, "s",    "the next is due so long after one began; 0: there is one in an episode") \
  X(real,    spread,    0,        0,    1e6, "s",    "a push is due up to so much later, drawn evenly") \
  X(real,    phase,     -1,       -1,   1,   "",     "a push that is due waits for this phase of the gait, 0 at a touch-down of the first foot, 1 at the next; negative: it doesn't wait")
// clang-format on

/** All zero is no pushes, too. */
typedef struct tendril_disturbance_options {
  TENDRIL_DISTURBANCE_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_disturbance_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_disturbance_defaults(tendril_disturbance_options *options);

#ifdef __cplusplus
}
#endif

#endif

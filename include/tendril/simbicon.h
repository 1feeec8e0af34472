/**
 * @file simbicon.h
 * SIMBICON, a walking controller of four states and a balance feedback, for planar two-legged
 * walkers. tendril/gait.h finds its numbers and keeps them in files.
 */
#ifndef TENDRIL_SIMBICON_H
#define TENDRIL_SIMBICON_H

#include <tendril/control.h>
#include <tendril/options.h>

#ifdef __cplusplus
extern "C" {
#endif

// clang-format off
#define TENDRIL_SIMBICON_OPTIONS(X)                                                                \
  X(real, lift_time,         0.3,  0.05, 2,    "s",         "how long the swing leg is lifted: the states 0 and 2") \
  X(real, land_time,         0.6,  0.05, 5,    "s",         "how long at most it is put down: the states 1 and 3, which end when its foot touches the ground") \
  X(real, torso,             0,    -1,   1,    "rad",       "lean of the torso, forward of the vertical") \
  X(real, kp_torso,          80,   0,    2000, "N m/rad",   "gain on the lean of the torso")     \
  X(real, kp_hip,            80,   0,    2000, "N m/rad",   "gain on the angle of the swing thigh") \
  X(real, kp_knee,           80,   0,    2000, "N m/rad",   "gain of the knees")                 \
  X(real, kp_ankle,          80,   0,    2000, "N m/rad",   "gain of the ankles")                \
  X(real, kd,                0.1,  0,    1,    "s",         "gain on the rates of torso, swing thigh and knees, in shares of that on the angle") \
  X(real, kd_ankle,          0.05, 0,    1,    "s",         "the same of the ankles; a foot is light") \
  X(real, torque,            150,  0,    1e6,  "N m",       "torques are clipped to this")       \
  X(real, lift_swing_hip,    0.4,   -2,   2,    "rad",       "states 0 and 2: swing thigh, forward of the vertical, without the feedback") \
  X(real, lift_swing_knee,   1.1,   -0.5, 2.6,  "rad",       "states 0 and 2: swing knee, bent") \
  X(real, lift_swing_ankle,  -0.2,  -1.5, 1.5,  "rad",       "states 0 and 2: swing ankle, toes down") \
  X(real, lift_stance_knee,  0.05,  -0.5, 2.6,  "rad",       "states 0 and 2: stance knee, bent") \
  X(real, lift_stance_ankle, -0.2,  -1.5, 1.5,  "rad",       "states 0 and 2: stance ankle, toes down") \
  X(real, lift_cd,           0,     -5,   5,    "rad/m",     "states 0 and 2: feedback on the way from the stance ankle forward to the hip") \
  X(real, lift_cv,           0.2,   -5,   5,    "rad s/m",   "states 0 and 2: feedback on the velocity of the hip") \
  X(real, land_swing_hip,    -0.7,  -2,   2,    "rad",       "states 1 and 3: swing thigh, forward of the vertical, without the feedback") \
  X(real, land_swing_knee,   0.05,  -0.5, 2.6,  "rad",       "states 1 and 3: swing knee, bent") \
  X(real, land_swing_ankle,  -0.2,  -1.5, 1.5,  "rad",       "states 1 and 3: swing ankle, toes down") \
  X(real, land_stance_knee,  0.1,   -0.5, 2.6,  "rad",       "states 1 and 3: stance knee, bent") \
  X(real, land_stance_ankle, -0.2,  -1.5, 1.5,  "rad",       "states 1 and 3: stance ankle, toes down") \
  X(real, land_cd,           2.2,   -5,   5,    "rad/m",     "states 1 and 3: feedback on the way from the stance ankle forward to the hip") \
  X(real, land_cv,           0,     -5,   5,    "rad s/m",   "states 1 and 3: feedback on the velocity of the hip")
// clang-format on

/** The targets of a state are in the order of the paper's table 1. */
typedef struct tendril_simbicon_options {
  TENDRIL_SIMBICON_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_simbicon_options;

/**
 * The defaults of the table above: times, targets and feedback of the walk in the paper's table 1;
 * its gains (300 and 30) brought down for robots of 24 kg. No robot of ours walks far with them:
 * they are where a search begins.
 */
TENDRIL_API void tendril_simbicon_defaults(tendril_simbicon_options *options);

/**
 * An agent that walks. In each of four states the torso, the swing thigh, the knees and the ankles
 * are drawn to targets; the swing thigh's moves with the balance,
 *
 *     target + cd d + cv v,
 *
 * d the way from the stance ankle to the hip, v the hip's velocity. The state, and since when, is
 * the controller's memory. It acts on positions and velocities, not on observations.
 * @param options  copied
 * @param out      owned by the caller, tendril_agent_destroy()
 * @return E_ARGUMENT for numbers out of range. Its controllers are refused, E_ARGUMENT, for models
 *         other than planar two-legged walkers of torque motors with the joints x, z, pitch, hip,
 *         knee, ankle, hip_left, knee_left, ankle_left of walker_gps.xml
 * Source: Yin, Loken, van de Panne, "SIMBICON: Simple Biped Locomotion Control", SIGGRAPH 2007;
 * what differs is in docs/methods/simbicon.md.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_agent_simbicon_create(
    const tendril_simbicon_options *options, tendril_agent **out, tendril_error *err);

#ifdef __cplusplus
}
#endif

#endif

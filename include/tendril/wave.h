/**
 * @file wave.h
 * A wave of joint angles that runs along a body, from the first motor's joint to the last: the gait
 * of a swimmer. tendril/gait.h keeps its numbers in files.
 */
#ifndef TENDRIL_WAVE_H
#define TENDRIL_WAVE_H

#include <tendril/control.h>
#include <tendril/options.h>

#ifdef __cplusplus
extern "C" {
#endif

// clang-format off
#define TENDRIL_WAVE_OPTIONS(X)                                                                    \
  X(real, amplitude, 0.8, 0,    3.2,  "rad",       "of every joint's target")                      \
  X(real, frequency, 1,   0.01, 1000, "Hz",        "of the wave")                                  \
  X(real, lag,       1.5, -6.3, 6.3,  "rad",       "by how much of a period a joint is behind the one before it") \
  X(real, kp,        20,  0,    1e6,  "N m/rad",   "gain on the angle")                            \
  X(real, kd,        1,   0,    1e6,  "N m s/rad", "gain on the rate")
// clang-format on

typedef struct tendril_wave_options {
  TENDRIL_WAVE_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_wave_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_wave_defaults(tendril_wave_options *options);

/**
 * An agent that draws the joint of motor j, of angle q_j from that of the model's straight pose, to
 * a sine:
 *
 *     torque_j = kp (amplitude sin(2 pi frequency s - j lag) - q_j) - kd dq_j/ds,
 *
 * s the seconds since the episode began. It remembers nothing, and acts on positions and
 * velocities, not on observations.
 * @param options  copied
 * @param out      owned by the caller, tendril_agent_destroy()
 * @return E_ARGUMENT for numbers out of range. Its controllers are refused, E_ARGUMENT, for models
 *         with motors other than torque motors on hinges
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_agent_wave_create(
    const tendril_wave_options *options, tendril_agent **out, tendril_error *err);

#ifdef __cplusplus
}
#endif

#endif

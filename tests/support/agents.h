// Agents that are formulas, for tests of what is done to them.
#ifndef SUPPORT_AGENTS_H
#define SUPPORT_AGENTS_H

#include <tendril/control.h>

// Holds the pole of inverted-pendulum-v4 up by linear feedback.
extern const tendril_agent support_balancer;
// Swims swimmer-v4 forward by sines of period support_stroke (s).
extern const tendril_agent support_swimmer;
extern const double support_stroke;
// The same for 4 s; then it drifts.
extern const tendril_agent support_tired_swimmer;
// Has a memory: how often it acted, which its first action tells in thousandths. The other actions
// are of the environment's time and the episode's noise. The 41st time it fails, with E_NUMERIC.
extern const tendril_agent support_counter;
// Each action is the number that it observes in the same place; those beyond are 0.
extern const tendril_agent support_mirror;

#endif

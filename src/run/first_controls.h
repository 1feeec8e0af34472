// The controls that an optimisation starts from: those of an agent in an episode of the task.
#ifndef TND_FIRST_CONTROLS_H
#define TND_FIRST_CONTROLS_H

#include <tendril/control.h>
#include <tendril/tasks.h>

typedef struct tnd_first_episode {
  const char *task;
  const tendril_sim_options *sim;
  const tendril_agent *agent;
  uint64_t seed;  // of the start state, that of an episode of `tendril eval`
  uint32_t episode;
  int ground;  // one of the model's
  int lead;    // steps that the agent goes before the first that counts
  int T;       // steps that count
} tnd_first_episode;

// x0 [nx] the state after the lead, u [T][nu] the actions from there on, zeros from where the
// episode ended; reset [nx] the state it began in, or NULL. A function of `first` alone.
// E_PHYSICS if it ends within the lead, naming `option`, by which the user gave it.
TENDRIL_MUST_CHECK tendril_status tnd_first_controls(const tendril_tasks *tasks,
                                                     const tnd_first_episode *first,
                                                     const char *option, double *reset, double *x0,
                                                     double *u, tendril_error *err);

#endif

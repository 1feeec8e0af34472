// What a kind of agent is to src/control/: its structs begin with the two below, and its functions
// fill one table. controller.c does the rest: sizes, episodes and their noise.
//
// A new kind is one file, here or in a part above (an MPC in trajopt), with a public function that
// creates its agent.
#ifndef TND_CONTROL_OPS_H
#define TND_CONTROL_OPS_H

#include <tendril/control.h>

#include "base/status.h"

typedef struct tnd_agent_ops {
  const char *name;
  bool sees_state;                        // looks at env besides obs
  void (*destroy)(tendril_agent *agent);  // NULL: a constant
  // E_ARGUMENT unless the agent can act on the model. NULL: it always can
  tendril_status (*check)(const tendril_agent *agent, const tendril_model *model,
                          tendril_error *err);
  // Takes the kind's own controller, zeroed but for what it needs; controller.c sets the base.
  tendril_status (*create)(const tendril_agent *agent, const tendril_model *model,
                           tendril_controller **out, tendril_error *err);
  void (*destroy_controller)(tendril_controller *controller);
  // Where the episode starts, if not where the reset of env has put it; obs [nobs] anew. NULL:
  // there
  tendril_status (*place)(tendril_controller *controller, tendril_env *env, double *obs,
                          tendril_error *err);
  // An episode begins in env, which was reset. NULL: nothing to be done
  tendril_status (*begin)(tendril_controller *controller, const tendril_env *env, const double *obs,
                          tendril_error *err);
  // As tendril_controller_act(). Allocates nothing.
  tendril_status (*act)(tendril_controller *controller, const tendril_env *env, int t,
                        const double *obs, double *action, tendril_error *err);
  // Seconds that a cycle of its motion takes at the least. NULL: it has none
  double (*cycle)(const tendril_agent *agent);
  // What one step hands on to the next (a plan, the state of a state machine), as doubles. NULL:
  // nothing
  int (*size)(const tendril_controller *controller);
  void (*save)(const tendril_controller *controller, double *memory);
  void (*restore)(tendril_controller *controller, const double *memory);
} tnd_agent_ops;

// Every kind's agent begins with this one.
struct tendril_agent {
  const tnd_agent_ops *ops;
};

// Every kind's controller begins with this one.
struct tendril_controller {
  const tendril_agent *agent;
  const tendril_model *model;
  tendril_random random;  // start of the episode's noise
  uint32_t words;         // of it that a step draws
  double *noise;          // [nact]
};

// Seconds that a cycle of its motion takes at the least; 0: it has none.
double tnd_agent_cycle(const tendril_agent *agent);

// [nact] standard normals for step t. A place in the episode's stream and not what an earlier step
// left there: gone back and on, the episode is the same. Borrowed until the next call.
const double *tnd_controller_noise(tendril_controller *controller, int t);

#endif
